//! `aggregate` without windows, from the outside.

use std::fs;

use crate::common::live::{Pipeline, pipe};
use crate::common::{Ran, run, tool};
use nix::sys::signal::Signal;

fn aggregate(arguments: &[&str], input: &str) -> Ran {
    run(&mut tool("aggregate", arguments), input)
}

/// The output of an aggregation in which nothing is wrong.
#[track_caller]
fn good(arguments: &[&str], input: &str) -> String {
    aggregate(arguments, input).good()
}

const DELAYS: &str = r#"{"origin":"EWR","delay":2}
{"origin":"JFK","delay":1.50}
{"origin":"EWR","delay":null}
{"delay":4}
{"origin":"EWR","delay":-7}
{"origin":"JFK"}
"#;

#[test]
fn groups_come_in_first_seen_order_with_all_their_aggregates() {
    let arguments = [
        "--by",
        ".origin",
        "count",
        "count(.delay)",
        "sum(.delay)",
        "avg(.delay)",
        "least=min(.delay)",
        "max(.delay)",
    ];
    assert_eq!(
        good(&arguments, DELAYS),
        r#"{"origin":"EWR","count":3,"count_delay":2,"sum_delay":-5,"avg_delay":-2.5,"least":-7,"max_delay":2}
{"origin":"JFK","count":2,"count_delay":1,"sum_delay":1.5,"avg_delay":1.5,"least":1.50,"max_delay":1.50}
{"origin":null,"count":1,"count_delay":1,"sum_delay":4,"avg_delay":4,"least":4,"max_delay":4}
"#
    );
}

#[test]
fn groups_of_several_values_and_of_computed_ones() {
    let input = "{\"a\":1,\"b\":\"x,\\\"\"}\n{\"a\":1.0,\"b\":\"x,\\u0022\"}\n{\"a\":[1],\"b\":true}\n{\"a\":12,\"b\":null}\n";
    assert_eq!(
        good(&["--by", ".a", "--by", ".b", "--by", "big=.a==12", "count"], input),
        r#"{"a":1,"b":"x,\"","big":false,"count":2}
{"a":[1],"b":true,"big":false,"count":1}
{"a":12,"b":null,"big":true,"count":1}
"#
    );
}

#[test]
fn nothing_has_a_count_of_zero_but_no_groups() {
    let all = ["count", "sum(.x)", "avg(.x)", "min(.x)", "max(.x)"];
    let nothing = "{\"count\":0,\"sum_x\":null,\"avg_x\":null,\"min_x\":null,\"max_x\":null}\n";
    assert_eq!(good(&all, ""), nothing);
    assert_eq!(good(&["--by", ".g", "count"], ""), "");
    assert_eq!(good(&["count", "max(.x)"], "{\"x\":null}\n{}\n"), "{\"count\":2,\"max_x\":null}\n");
}

#[test]
fn sums_of_whole_numbers_are_exact() {
    let input =
        "{\"x\":9007199254740993}\n{\"x\":9223372036854775807}\n{\"x\":9223372036854775807}\n";
    let expected = "{\"sum_x\":18455751272964292607,\"max_x\":9223372036854775807}\n";
    assert_eq!(good(&["sum(.x)", "max(.x)"], input), expected);
}

#[test]
fn a_refused_record_leaves_no_trace_in_any_aggregate() {
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let bad = "{\"g\":\"new\",\"x\":\"many\",\"y\":1}\n{\"g\":\"a\",\"x\":1,\"y\":\"z\"}\n[1]\n";
    let input = format!("{{\"g\":\"a\",\"x\":2,\"y\":3}}\n{bad}{{\"g\":\"a\",\"x\":5,\"y\":4}}\n");
    let ran = aggregate(
        &[
            "--by",
            ".g",
            "count",
            "count(.x)",
            "max(.y)",
            "sum(.x)",
            "--rejects",
            rejects.to_str().unwrap(),
        ],
        &input,
    );
    assert_eq!(ran.stdout, "{\"g\":\"a\",\"count\":2,\"count_x\":2,\"max_y\":4,\"sum_x\":7}\n");
    assert_eq!(ran.status, 65);
    assert_eq!(fs::read_to_string(&rejects).unwrap(), bad);
    let why = "aggregate: stdin:2: rejected: 'sum(.x)': \"many\" is not a number\n\
               aggregate: stdin:3: rejected: 'max(.y)': \"z\" is not a number, as earlier values of its group are\n\
               aggregate: stdin:4: rejected: not an object; only objects can be aggregated\n";
    assert!(ran.stderr.starts_with(why), "{}", ran.stderr);
}

#[test]
fn the_first_bad_record_stops_it() {
    let ran = aggregate(&["count", "avg(.x)"], "{\"x\":1}\n{\"x\":\"2\"}\n{\"x\":3}\n");
    let why = "aggregate: stdin:2: 'avg(.x)': \"2\" is a string, not a number; convert it: .field | tonumber; --rejects FILE stores such lines and continues\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (65, "", why));
    let ran = aggregate(&["n=sum(.x | tonumber)"], "{\"x\":\"1\"}\n{\"x\":\"one\"}\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (65, ""));
    assert!(
        ran.stderr.starts_with("aggregate: stdin:2: 'n=sum(.x | tonumber)': "),
        "{}",
        ran.stderr
    );
}

#[test]
fn wrong_arguments_are_told_in_one_line() {
    for (arguments, why) in [
        (
            vec!["avgg(.x)"],
            "aggregate: 'avgg(.x)': there is no aggregate 'avgg'; did you mean avg?\n",
        ),
        (
            vec!["--by", ".x[0]", "count"],
            "aggregate: --by: '.x[0]' needs a name for its result; write it like NAME=.x[0]\n",
        ),
        (
            vec!["--by", ".x", "x=count"],
            "aggregate: '.x' and 'x=count' would both be called 'x'; give one of them another name, like NAME=count\n",
        ),
        (
            vec!["--by", "path", "count"],
            "aggregate: --by: 'path': 'path' is not a jq expression; did you mean '.path'?\n",
        ),
        (
            vec!["--by", "@millstream=.a", "count"],
            "aggregate: --by: '@millstream=.a': '@millstream' is not a name; a name begins with a letter \
             or _, and has letters, digits, _ and -\n",
        ),
        (
            vec!["count", "count=count"],
            "aggregate: 'count' and 'count=count' would both be called 'count'; give one of them another \
             name, like NAME=count\n",
        ),
        (
            vec!["--tumbling", "1m", "--time", ".t", "window_start=count"],
            "aggregate: 'window_start=count': the results of a windowed stream have window_start already; \
             give it another name, like NAME=count\n",
        ),
        (
            vec!["--session", "1m", "--time", ".t", "count", "--top", "5:count"],
            "aggregate: --top has no effect: each session has one group, and so one result; rank the \
             results after it, as in | aggregate --by .user 'most=max(.count)' --top 5:most\n",
        ),
        (
            vec!["count(*)"],
            "aggregate: 'count(*)': write count for all records, and count(.field) for some\n",
        ),
        (
            vec![],
            "aggregate: no aggregate is given; name one before the files, like count or avg(.field)\n",
        ),
    ] {
        let ran = aggregate(&arguments, "");
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (2, "", why));
    }
    let ran = aggregate(&["sum(.x +)"], "");
    assert_eq!(ran.status, 2);
    let ran = aggregate(&["count", "/nowhere/flights.ndjson"], "");
    assert_eq!(ran.status, 74);
    assert!(ran.stderr.starts_with("aggregate: /nowhere/flights.ndjson: "), "{}", ran.stderr);
}

#[test]
fn files_stand_behind_the_aggregates() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("count"), "{\"x\":1}\n").unwrap();
    fs::write(dir.path().join("more(2)"), "{\"x\":2}").unwrap();
    let summed = |arguments: &[&str]| {
        let mut command = tool("aggregate", arguments);
        run(command.current_dir(dir.path()), "{\"x\":4}\n").stdout
    };
    assert_eq!(summed(&["sum(.x)"]), "{\"sum_x\":4}\n");
    assert_eq!(summed(&["sum(.x)", "./count", "more(2)", "-"]), "{\"sum_x\":7}\n");
    assert_eq!(summed(&["sum(.x)", "--", "count", "more(2)"]), "{\"sum_x\":3}\n");
    assert_eq!(summed(&["sum(.x)", "more(2)", "--", "count"]), "{\"sum_x\":3}\n");
    assert_eq!(summed(&["sum(.x)", "count"]), "{\"sum_x\":4,\"count\":1}\n");
}

#[test]
fn a_signal_reports_nothing_half_done() {
    let mut aggregate = Pipeline::start(&[&["aggregate", "count"]]);
    aggregate.send("{}\n");
    aggregate.signal(0, Signal::SIGINT);
    let ran = &aggregate.finish()[0];
    let why = "aggregate: stopped before the end of the input: no result is emitted; \
             --on-interrupt report emits what there is\n";
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (128 + 2, "", why));
}

#[test]
fn any_pieces_of_the_input_give_the_same_bytes() {
    let stage: &[&str] = &["aggregate", "--by", ".origin", "count", "avg(.delay)"];
    let whole = pipe(&[stage], DELAYS, DELAYS.len()).remove(0).stdout;
    assert_eq!(whole.lines().count(), 3);
    for bytes in [1, 7] {
        assert_eq!(pipe(&[stage], DELAYS, bytes).remove(0).stdout, whole);
    }
}

#[test]
fn the_only_aggregate_ranks_without_its_name() {
    let input = "{\"a\":1}\n{\"a\":2}\n{\"a\":2}\n";
    let ran = run(&mut tool("aggregate", &["--by", ".a", "count", "--top", "1"]), input);
    assert_eq!(ran.good(), "{\"a\":2,\"count\":2}\n");
    let ran = run(&mut tool("aggregate", &["count", "max(.a)", "--top", "1"]), input);
    let said = "aggregate: --top: rank by which of count, max_a? write it like 1:count\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (2, said));
}
