//! All tests that run our programs and the library's rooms from the outside, in one program: it is
//! linked once. A test's home is the folder of what it is about. Tests run side by side, on
//! threads of this one process; one that changes or measures the process itself belongs into
//! `tests/alone`.

#[path = "../common/mod.rs"]
mod common;

/// `aggregate`: its functions, its values, its results.
mod aggregates {
    mod aggregate;
    mod aggregate_data;
    mod aggregate_functions;
    mod aggregate_over;
    mod aggregate_values;
    mod aggregate_windows;
    mod compare_model;
    mod interrupted;
    mod numbers;
}

/// `log-serve`: its protocol, its limits, who may do what, and how it begins and ends.
mod daemon {
    mod access;
    mod activation;
    mod contrib;
    mod following;
    mod hostile_server;
    mod log_serve;
    mod many_topics;
    mod protocol;
    mod requests;
    mod resources;
    mod serve;
    mod served_expressions;
    mod shortage;
}

/// jq expressions, and `filter` and `map`, which hardly do more than to evaluate them.
mod expressions {
    mod absent_fields;
    mod filter;
    mod filter_repeats;
    mod jq_agreement;
    mod map;
    mod several_cores;
}

/// What the project says of itself is true: README, pages, example data.
mod house {
    mod cookbook;
    mod example;
    mod generated;
    mod quickstart;
    mod readme;
    mod roff;
}

/// The log's files: damage, locks, compaction, and `log-admin`.
mod log {
    mod compaction;
    mod damage;
    mod damage_matrix;
    mod fields;
    mod lock_wait;
    mod log_admin;
    mod log_files;
    mod opening;
    mod stats;
    mod torture;
}

/// What holds for standard input and output of every tool, and for tools in a pipeline.
mod pipes {
    mod encodings;
    mod formats;
    mod found_formats;
    mod hostile;
    mod json_agreement;
    mod kill_matrix;
    mod merge;
    mod other_programs;
    mod pipeline;
    mod questions;
    mod reserved;
    mod streams;
    mod unix_files;
}

/// What is for people at a terminal.
mod terminal {
    mod ask;
    mod complete;
    mod help;
    mod inspect;
    mod interrupt;
    mod live;
    mod silence;
}

/// The program by all its names, and where it is installed.
mod program {
    mod install;
    mod names;
    mod status;
}

/// Records on their way into a topic and out of it: `produce`, `subscribe`, and consumer groups.
mod topics {
    mod collect;
    mod enrich;
    mod exec;
    mod files;
    mod follow;
    mod group_delivery;
    mod groups;
    mod lent_input;
    mod lent_output;
    mod listen;
    mod listen_syslog;
    mod live_restarts;
    mod look;
    mod named_producer;
    mod new_topics;
    mod on_full;
    mod opening;
    mod pace;
    mod produce;
    mod progress;
    mod reconnect;
    mod reconnect_producers;
    mod rotated_early;
    mod subscribe;
    mod subscribe_merge;
    mod subscribe_several;
    mod topic_by;
    mod topic_by_files;
    mod unique;
}

/// `window`, and windows in `aggregate`.
mod windows {
    mod fill;
    mod nexmark;
    mod one_process;
    mod window;
    mod window_aggregate;
    mod window_clock;
    mod window_costs;
    mod window_kinds;
    mod window_model;
    mod window_partitions;
    mod window_times;
}
