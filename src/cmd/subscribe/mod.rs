//! `subscribe`: the records of a topic are printed.

mod announce;
mod exec;
mod files;
mod group;
mod print;

use std::os::fd::AsFd;

use clap::{Parser, ValueEnum};

use self::announce::Announcer;
use self::files::Files;
use self::print::Printer;
use super::place::{Place, at};
use super::store::{Manner, Reader, Step};
use crate::cli::Status;
use crate::cli::input::{Halt, Watch};
use crate::cli::options::DataOptions;
use crate::cli::output::{Output, OutputError};
use crate::cli::signals::Stop;
use crate::log::{Chunk, FileRun, LogError, Span};
use crate::wire::groups::Edge;
use crate::wire::request::At;

const EXAMPLES: &str = "\
Examples:
  subscribe clicks
      Print all records of the topic clicks, and end.
  subscribe clicks -n 10 -f
      Print the last 10, and then what comes, until Ctrl-C.
  subscribe clicks --from -1h --until end | filter '.status >= 500'
      What was appended in the last hour and went wrong.
  subscribe clicks --partition 2 --from 1000 --until 1010 --meta
      Ten records by their offsets, with these and the time of appending.
  subscribe clicks -f --group nightly
      Go on where the group nightly was; run it twice, and the two share the partitions.
  subscribe clicks -f --group mail --exec 'while read -r r; do notify \"$r\" || exit; done'
      Feed each batch to a command, and commit when it succeeds.";

/// Print the records of a topic
#[derive(Parser, Clone, Debug)]
#[command(
    name = "subscribe",
    version,
    long_about = "Print the records of a topic.\n\n\
        Prints from the start of the topic, or from where --from or -n says, to its end; with -f \
        goes on with what is appended from then on. Several partitions are merged: batches come in \
        the order in which they were appended. Reads through log-serve where it runs, else from \
        the files.\n\n\
        PLACE is 'start', 'end', an offset (in a topic of one partition, or with one --partition), \
        a time of appending like 2013-01-01T10:00:00Z, or how long ago, like -90s, -1h or -7d.",
    after_help = EXAMPLES
)]
pub struct Options {
    /// The topic to read
    topic: String,

    #[command(flatten)]
    data: DataOptions,

    /// Begin there
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true, default_value = "start")]
    from: Place,

    /// Stop before it; an offset or a time need not be there yet with -f
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    until: Option<Place>,

    /// Begin with the last N records
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "from")]
    last: Option<u64>,

    /// At the end, wait for what is appended and go on
    #[arg(short, long)]
    follow: bool,

    /// Read only this partition; may be repeated
    #[arg(long, value_name = "P")]
    partition: Vec<u32>,

    /// Read as a member of this group, from where it has committed; --from is for where it has not
    #[arg(short, long, value_name = "GROUP", conflicts_with_all = ["last", "until", "partition"])]
    group: Option<String>,

    /// When a group commits: once records are written to standard output
    #[arg(long, value_name = "WHEN", requires = "group", default_value = "after-write")]
    commit: CommitWhen,

    /// Instead of printing, run this command (by sh) for each batch, with the records on its
    /// standard input; commit when it exits with status 0, else stop
    #[arg(long, value_name = "CMD", requires = "group", conflicts_with = "commit")]
    exec: Option<String>,

    /// If the records at a committed offset are gone, go on at the start or the end of what is there
    #[arg(long, value_name = "WHERE", requires = "group")]
    reset: Option<ResetTo>,

    /// Do not check the checksums of what is read
    #[arg(long)]
    no_verify: bool,

    /// Say by control records that the records are valid JSON, so that filter and map check only what they read, and which partition they are of, so that window follows the time of each
    #[arg(long, conflicts_with = "exec")]
    control: bool,

    /// Print each record as the field "record" of an object with its topic, partition, offset and time of appending
    #[arg(long)]
    meta: bool,
}

/// When a group commits.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum CommitWhen {
    /// Once records are written to standard output.
    AfterWrite,
}

/// Where to go on if a committed offset is out of range.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum ResetTo {
    /// At the first record that is there.
    Start,
    /// Behind the last one.
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

/// Runs the tool.
///
/// # Errors
/// When there is no such topic or place, or the log cannot be read.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let mut output = Output::stdout()?;
    let watch = Watch::new(Stop::install()?, Some(&output))?;
    let mut announcer = Announcer::new(options.control.then_some(!options.no_verify));
    if let Some(group) = &options.group {
        return group::run(&options, group, &watch, output, announcer);
    }
    let mut reader = Reader::open(&options.data.dir()?, &options.topic)?;
    let spans = spans(&options, &mut reader)?;
    let until_us = match options.until {
        Some(Place::TimeUs(time_us)) if options.follow => Some(time_us),
        _ => None,
    };
    let mut printer = Printer::new(options.meta.then_some(&*options.topic), until_us);
    let (follow, verify) = (options.follow, !options.no_verify);
    let plain = printer.is_plain();
    let lendable = (plain && !options.control).then(|| output.as_fd());
    let manner = Manner { follow, verify, files: plain, output: lendable };
    announcer.begin_spans(&spans);
    let mut reading = reader.read(spans, manner)?;
    let mut files = Files::new(&options.topic, verify);
    let mut bytes = Vec::new();
    loop {
        if !announcer.put(&mut output)? {
            return Ok(Status::Done);
        }
        let step = reading.next(&watch, &mut bytes)?;
        if let Step::Records(Chunk { partition, .. }) | Step::File(FileRun { partition, .. }) = step
        {
            announcer.turn_to(partition);
            if !announcer.put(&mut output)? {
                return Ok(Status::Done);
            }
        }
        let step = match step {
            Step::File(run) => {
                let records: u64 = run.batches.iter().map(|batch| batch.records).sum();
                let (partition, next) = (run.partition, run.offset + records);
                match files.print(run, &watch, &mut output)? {
                    None => {
                        announcer.reached(partition, next);
                        continue;
                    }
                    Some(halt) => Step::Halt(halt),
                }
            }
            step => step,
        };
        let chunk = match step {
            Step::Records(chunk) => chunk,
            Step::File(_) => continue,
            Step::Done | Step::Halt(Halt::OutputClosed) => return Ok(Status::Done),
            // To be stopped is how following ends.
            Step::Halt(Halt::Stopped(_)) if options.follow => return Ok(Status::Done),
            Step::Halt(Halt::Stopped(signal)) => return Ok(Status::Signal(signal)),
        };
        let (lines, more) = printer.lines(&chunk, &bytes);
        match output.write(lines) {
            Ok(()) if more => announcer.reached(chunk.partition, chunk.offset + chunk.records),
            Ok(()) | Err(OutputError::Closed) => return Ok(Status::Done),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The parts of the partitions that the user asks for.
fn spans(options: &Options, reader: &mut Reader) -> anyhow::Result<Vec<Span>> {
    let mut partitions = options.partition.clone();
    partitions.sort_unstable();
    partitions.dedup();
    if partitions.is_empty() {
        partitions.extend(0..reader.partitions());
    }
    let from = match (options.last, options.from) {
        (Some(count), _) => At::Last(count),
        (None, place) => at(place, "--from", &partitions)?,
    };
    let until = match options.until {
        // Where following, a time is met when a record of that time comes.
        Some(Place::TimeUs(_)) if options.follow => None,
        Some(place) => Some(at(place, "--until", &partitions)?),
        None if options.follow => None,
        None => Some(At::End),
    };
    let begins = reader.find(&partitions, from)?;
    let ends = match until {
        Some(until) => Some(reader.find(&partitions, until)?),
        None => None,
    };
    let mut spans = Vec::with_capacity(begins.len());
    for (number, begin) in begins.iter().enumerate() {
        let held = begin.bounds;
        let offset = match (options.last, options.from) {
            (None, Place::Offset(offset)) => offset,
            _ => begin.at,
        };
        if !(held.start..=held.end).contains(&offset) {
            return Err(LogError::OffsetOutOfRange {
                topic: options.topic.clone(),
                partition: held.partition,
                offset,
                start: held.start,
                end: held.end,
            }
            .into());
        }
        let until = match options.until {
            Some(Place::Offset(until)) if options.follow => Some(until),
            Some(Place::Offset(until)) => Some(until.min(held.end)),
            _ => ends.as_ref().and_then(|ends| ends.get(number)).map(|end| end.at),
        };
        let until = until.map(|until| until.max(offset));
        spans.push(Span { partition: held.partition, from: offset, until });
    }
    Ok(spans)
}
