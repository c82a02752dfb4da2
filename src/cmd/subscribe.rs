//! `subscribe`: the records of a topic are printed.

use clap::Parser;

use super::place::Place;
use super::store::{Reader, Step};
use crate::cli::input::{Halt, Watch};
use crate::cli::options::DataOptions;
use crate::cli::output::{Output, OutputError};
use crate::cli::signals::Stop;
use crate::cli::{Failure, Status};
use crate::log::{Chunk, LogError, Span};
use crate::record::text::write_string;
use crate::time::timestamp::write_us;
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
      Ten records by their offsets, with these and the time of appending.";

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

    /// Print each record as the field "record" of an object with its topic, partition, offset and time of appending
    #[arg(long)]
    meta: bool,
}

/// Runs the tool.
///
/// # Errors
/// When there is no such topic or place, or the log cannot be read.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let output = Output::stdout()?;
    let watch = Watch::new(Stop::install()?, Some(&output))?;
    let mut reader = Reader::open(&options.data.dir()?, &options.topic)?;
    let spans = spans(&options, &mut reader)?;
    let mut printer = Printer {
        output,
        topic: options.meta.then(|| quoted(&options.topic)),
        until_us: match options.until {
            Some(Place::TimeUs(time_us)) if options.follow => Some(time_us),
            _ => None,
        },
        lines: Vec::new(),
    };
    let mut reading = reader.read(spans, options.follow)?;
    let mut bytes = Vec::new();
    loop {
        let chunk = match reading.next(&watch, &mut bytes)? {
            Step::Records(chunk) => chunk,
            Step::Done | Step::Halt(Halt::OutputClosed) => return Ok(Status::Done),
            // To be stopped is how following ends.
            Step::Halt(Halt::Stopped(_)) if options.follow => return Ok(Status::Done),
            Step::Halt(Halt::Stopped(signal)) => return Ok(Status::Signal(signal)),
        };
        match printer.print(&chunk, &bytes) {
            Ok(true) => {}
            Ok(false) | Err(OutputError::Closed) => return Ok(Status::Done),
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

/// What to look for, for a place; an offset is a place in one partition only.
fn at(place: Place, option: &str, partitions: &[u32]) -> Result<At, Failure> {
    match place {
        Place::Start => Ok(At::Start),
        Place::End => Ok(At::End),
        Place::TimeUs(time_us) => Ok(At::TimeUs(time_us)),
        // What is looked for is then only what the partition holds.
        Place::Offset(_) if partitions.len() == 1 => Ok(At::Start),
        Place::Offset(_) => Err(Failure::usage(format!(
            "{option}: an offset is a place in one partition, and this topic has {}; \
             name one with --partition",
            partitions.len()
        ))),
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    write_string(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Prints runs of records.
struct Printer {
    output: Output,
    /// With --meta: the topic's name as a JSON string.
    topic: Option<String>,
    /// Records that were appended at this time or later are not wanted.
    until_us: Option<i64>,
    lines: Vec<u8>,
}

impl Printer {
    /// Prints a run of records; false when no more are wanted.
    fn print(&mut self, chunk: &Chunk, bytes: &[u8]) -> Result<bool, OutputError> {
        let (bytes, more) = self.wanted(chunk, bytes);
        // An empty line stands for a record that compaction took away.
        let gaps = bytes.starts_with(b"\n") || memchr::memmem::find(bytes, b"\n\n").is_some();
        if self.topic.is_none() && !gaps {
            self.output.write(bytes)?;
            return Ok(more);
        }
        self.lines.clear();
        let mut batches = chunk.batches.iter();
        let (mut left, mut time_us) = (0, 0);
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        for (offset, line) in (chunk.offset..).zip(lines) {
            if left == 0 {
                let batch = batches.next();
                (left, time_us) = batch.map_or((u64::MAX, 0), |one| (one.records, one.time_us));
            }
            if line != b"\n" {
                self.line(chunk.partition, offset, time_us, line);
            }
            left -= 1;
        }
        self.output.write(&self.lines)?;
        Ok(more)
    }

    /// The part of the run that is wanted, and whether more may be.
    fn wanted<'a>(&self, chunk: &Chunk, bytes: &'a [u8]) -> (&'a [u8], bool) {
        let Some(until_us) = self.until_us else { return (bytes, true) };
        let mut end = 0;
        for batch in &chunk.batches {
            if batch.time_us >= until_us {
                return (bytes.get(..end).unwrap_or(bytes), false);
            }
            end += usize::try_from(batch.bytes).unwrap_or(usize::MAX);
        }
        (bytes, true)
    }

    fn line(&mut self, partition: u32, offset: u64, time_us: i64, line: &[u8]) {
        let Some(topic) = &self.topic else {
            self.lines.extend_from_slice(line);
            return;
        };
        let head = format!(
            "{{\"topic\":{topic},\"partition\":{partition},\"offset\":{offset},\"time\":\""
        );
        self.lines.extend_from_slice(head.as_bytes());
        if write_us(time_us, &mut self.lines).is_err() {
            // A clock that far off has no date; the number is still the truth.
            self.lines.extend_from_slice(time_us.to_string().as_bytes());
        }
        self.lines.extend_from_slice(b"\",\"record\":");
        self.lines.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
        self.lines.extend_from_slice(b"}\n");
    }
}
