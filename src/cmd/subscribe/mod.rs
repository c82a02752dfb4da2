//! `subscribe`: the records of a topic are printed.

mod announce;
mod exec;
mod files;
mod group;
mod in_pipe;
mod lag;
mod merged;
mod opening;
mod pace;
mod print;
mod several;
mod single;
mod sink;

use std::sync::Arc;

use clap::{Parser, ValueEnum};

use self::announce::Announcer;
use self::pace::PaceOptions;
use self::print::Printer;
use super::merging::{MergeOptions, MergeTimeOptions, Uses};
use super::near;
use super::place::Place;
use super::reconnect::{self, ReconnectOptions};
use crate::api::groups::Edge;
use crate::cli::counters::counters;
use crate::cli::input::{StopReason, Watch};
use crate::cli::look::LookOptions;
use crate::cli::options::{DataOptions, LendOptions};
use crate::cli::output::Output;
use crate::cli::signals::Stop;
use crate::cli::{Failure, Status};
use crate::log::LogError;
use crate::store;

const EXAMPLES: &str = "\
Examples:
  subscribe clicks
      Print all records of the topic clicks.
  subscribe clicks -n 10 -f
      Print the last 10 records, and then new ones, until Ctrl-C.
  subscribe 'web.*' db -f
      Print the records of several topics, and of those that appear.
  subscribe clicks --fields .ts,.user,.page -n 20
      Print columns; in a pipe, CSV.
  subscribe clicks --from -1h --until end --control | filter '.status >= 500'
      Print the failed requests that were appended in the last hour.
  subscribe clicks -f --control | window --tumbling 1m --time .ts | aggregate --control count | produce counts
      Feed other tools; with --control, each of them notices when its input is cut short.
  subscribe clicks --partition 2 --from 1000 --until 1010 --meta
      Print ten records with their offsets and append times.
  subscribe 'web.*' --merge --time .ts
      Replay several topics, and all of their partitions, in the order of the records' times.
  subscribe clicks -f --group nightly
      Resume after the committed offsets of the group nightly; two such processes divide the partitions.
  subscribe jobs -f --group mail -c 100
      Take the next 100 records of the group's, commit them, and stop.
  subscribe clicks -f --group mail --exec 'while read -r r; do notify \"$r\" || exit; done'
      Feed each batch to a command, and commit when it succeeds.";

const MERGE: &str = "Merge topics and partitions in the order of --time, or of append times";

const MERGE_LONG: &str = "Merge topics and partitions in the order of --time, or of append times

A record may be up to --out-of-order before the maximum time of its own partition; one that is still \
earlier stays where it came, and is counted at the end. With -f, a record is printed when all partitions \
have come further; --idle does not wait for those that bring nothing. Topics and partitions that appear \
later are not read.";

/// Print the records of a topic
#[derive(Parser, Clone, Debug)]
#[command(
    name = "subscribe",
    version,
    long_about = "Print the records of a topic.\n\n\
        subscribe prints from the start of the topic, or from the place that --from or -n names, to \
        the topic's end. With -f it then waits for further records. Batches of several partitions \
        are merged in the order in which they were appended. subscribe reads through log-serve if \
        that runs, and otherwise from the files.\n\n\
        Several topics are merged in the same way, up to where they end when subscribe begins; \
        with -f, records are then printed as they come, also of topics that appear and match a \
        pattern. On a terminal, each line begins with the name of its topic; in a pipe, records \
        are as they are, and --meta names the topic. -n is for each topic, -c for all. --group, \
        --control, --partition and offsets are for one topic.\n\n\
        PLACE is 'start', 'end', an offset (in a topic of one partition, or with one --partition), \
        an append time like 2013-01-01T10:00:00Z, a local day or time like 2013-01-01 or \
        '2013-01-01 10:00', 'today', 'yesterday', 'now', or a time ago, like -90s, -1h or -7d.\n\n\
        With --group, committed records are not delivered again. With --exec, a batch is committed \
        when the command has ended with status 0: each record is processed at least once. If the \
        output is a pipe, a batch is committed when its reader has read all of it from the pipe, \
        whether it has processed it or not; if the reader ends before that, the whole batch is \
        delivered again. If the output is a file, a socket or a terminal, a batch is committed when \
        it is written. With -c, a member prints N records, commits them, and leaves the others to \
        the group.\n\n\
        A member that hangs keeps its partitions, since there are no heartbeats: limit the time of \
        a command of --exec, as in --exec 'timeout 60 CMD'. SIGTERM lets the command finish. A \
        second SIGTERM ends subscribe at once; the command then continues alone, while its batch may \
        be delivered to another member. If a commit fails because the disk is full, the member \
        ends with status 74. Free some space and start it again: the records that it has not \
        committed are delivered again.\n\n\
        In a pipe or a file, records are printed as they are, as cat does. On a terminal they are \
        printed in colour, one a line, cut to its width (--wrap shows all), and characters that a \
        terminal may take for commands are escaped.\n\n\
        When log-serve stops, -f and --group wait up to 30 s (--reconnect) until it runs again, and \
        resume where they were. If --reconnect is given, they also wait for it at the start.",
    after_help = EXAMPLES,
    mut_arg("merge", |arg| arg.help(MERGE).long_help(MERGE_LONG).help_heading("Range"))
)]
pub struct Options {
    /// The topic to read; a quoted pattern like 'web.*' is all topics that it matches
    topic: String,

    /// More topics, or patterns
    #[arg(value_name = "TOPIC")]
    others: Vec<String>,

    #[command(flatten)]
    data: DataOptions,

    /// Begin at PLACE
    #[arg(help_heading = "Range")]
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true, default_value = "start")]
    from: Place,

    /// Stop before PLACE; with -f, it may be an offset or a time still to come
    #[arg(help_heading = "Range")]
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    until: Option<Place>,

    /// Begin with the last N records
    #[arg(help_heading = "Range")]
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "from", value_parser = last)]
    last: Option<u64>,

    /// At the end, wait for new records and continue
    #[arg(help_heading = "Range")]
    #[arg(short, long)]
    follow: bool,

    /// Read only these partitions, as in 0,1; may be repeated
    #[arg(help_heading = "Range")]
    #[arg(long, value_name = "P,…", value_delimiter = ',')]
    partition: Vec<u32>,

    /// Read as a member of GROUP, from its committed offsets; where it has none, from --from
    #[arg(help_heading = "Group")]
    #[arg(short, long, value_name = "GROUP", conflicts_with_all = ["last", "until", "partition"])]
    group: Option<String>,

    /// When to commit: after records were written, and read from standard output if it is a pipe
    #[arg(help_heading = "Group", hide_short_help = true)]
    #[arg(long, value_name = "WHEN", requires = "group", default_value = "after-write")]
    commit: CommitWhen,

    /// Instead of printing, run CMD (by sh) for each batch, with its records on standard input
    ///
    /// The batch is committed when CMD ends with status 0; otherwise subscribe stops.
    #[arg(help_heading = "Group")]
    #[arg(long, value_name = "CMD", requires = "group", conflicts_with = "commit")]
    exec: Option<String>,

    /// If the records at a committed offset are gone, continue at the topic's start or end
    #[arg(help_heading = "Group", hide_short_help = true)]
    #[arg(long, value_name = "WHERE", requires = "group")]
    reset: Option<ResetTo>,

    #[command(flatten)]
    reconnect: ReconnectOptions,

    #[command(flatten)]
    lend: LendOptions,

    /// Do not check the checksums of the records
    #[arg(help_heading = "Log", hide_short_help = true)]
    #[arg(long)]
    no_verify: bool,

    /// Write control records, for other tools of this family
    ///
    /// They mark the start and end of the stream, so that a later tool notices when it is cut
    /// short; name each record's partition, so that window keeps a watermark for each; and mark
    /// records as valid JSON, so that filter and map check only the fields that they read.
    #[arg(help_heading = "Output")]
    #[arg(long, conflicts_with_all = ["exec", "format", "pretty", "fields", "template"])]
    control: bool,

    /// With --control, write when records were appended, for --time append of other tools
    #[arg(help_heading = "Output", hide_short_help = true)]
    #[arg(long, requires = "control")]
    append_times: bool,

    /// Print an object for each record: topic, partition, offset, append time (time) and record
    ///
    /// On a terminal, and in columns, the place is printed before the record.
    #[arg(long, help_heading = "Output")]
    meta: bool,

    /// Wait for the topic, if it does not exist yet
    #[arg(help_heading = "Range")]
    #[arg(long, conflicts_with = "group")]
    wait: bool,

    /// Print N records, and stop
    #[arg(help_heading = "Range")]
    #[arg(short = 'c', long, value_name = "N")]
    count: Option<u64>,

    /// With -f: give no hint that the topic is quiet
    #[arg(help_heading = "Output", hide_short_help = true)]
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    pace: PaceOptions,

    #[command(flatten)]
    merge: MergeOptions,

    #[command(flatten)]
    times: MergeTimeOptions,

    #[command(flatten)]
    look: LookOptions,
}

/// When a group commits.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum CommitWhen {
    /// After records were written to standard output, and read from it if it is a pipe
    AfterWrite,
}

/// Where to go on if a committed offset is out of range.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum ResetTo {
    /// At the first record
    Start,
    /// After the last record
    End,
}

impl From<ResetTo> for Edge {
    fn from(to: ResetTo) -> Edge {
        match to {
            ResetTo::Start => Edge::Start,
            ResetTo::End => Edge::End,
        }
    }
}

impl Options {
    /// What prints records to this output.
    fn printer(&self, output: &Output) -> Result<Printer, Failure> {
        // A command, and a tool that gets control records, take records as they are.
        let as_they_are = self.exec.is_some() || self.control;
        let layout = if as_they_are { None } else { self.look.layout(output, self.meta)? };
        let printer = Printer::new(&self.topic, self.meta, layout);
        Ok(printer.stamping(self.append_times))
    }
}

/// Runs the tool.
///
/// # Errors
/// When there is no such topic or place, or the log cannot be read.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let output = Output::stdout()?;
    if options.exec.is_some() && options.look.asks() {
        return Err(
            Failure::usage("--exec gets records as they are; leave out how to print them").into()
        );
    }
    if options.follow && !options.quiet {
        lag::explain_quiet();
    }
    // The log may not answer. What is to be explained has to be known before.
    counters().answer();
    let watch = Arc::new(Watch::new(Stop::install()?, Some(&output))?);
    let announcer = Announcer::new(options.control.then_some(!options.no_verify));
    let uses = Uses { time: options.pace.takes_times(), ..Uses::default() };
    options.merge.check_unused(&options.times, uses)?;
    let ended = match &options.group {
        Some(_) if options.merge.merge => {
            let why = "a group has no order of partitions; leave out --merge";
            return Err(Failure::usage(why).into());
        }
        _ if options.merge.merge => merged::run(&options, &watch, output),
        _ if several::is_asked(&options) => several::run(&options, &watch, output),
        Some(group) => group::run(&options, group, &watch, output, announcer),
        None => single::read(&options, &watch, output, announcer),
    };
    // A signal also ends the wait for a daemon that does not answer.
    let halt = |error| Ok(halted(reconnect::halted(error, &watch)?, options.follow));
    let dir = options.data.dir()?;
    ended.or_else(halt).map_err(|error| near::suggest(&dir, error))
}

/// A number of records; `+2`, which means something else to `tail`, is none.
fn last(text: &str) -> Result<u64, String> {
    match text.strip_prefix('+') {
        Some(rest) => Err(format!("-n counts from the end; --from {rest} begins at that offset")),
        None => text.parse().map_err(|error| format!("{error}")),
    }
}

/// Says what to do where there is no such record, or no longer.
fn explain(error: anyhow::Error) -> anyhow::Error {
    let is_out = match error.downcast_ref::<store::Error>() {
        Some(error) => error.is_out_of_range(),
        _ => matches!(error.downcast_ref(), Some(LogError::OffsetOutOfRange { .. })),
    };
    if !is_out {
        return error;
    }
    let why = format!("{error}; --from start reads all that exist");
    Failure::new(Status::of(&error), why).into()
}

/// How it ends: to be stopped is how following ends.
fn halted(halt: StopReason, follow: bool) -> Status {
    match halt {
        StopReason::Stopped(signal) if !follow => Status::Signal(signal),
        _ => Status::Done,
    }
}
