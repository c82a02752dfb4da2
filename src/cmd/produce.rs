//! `produce`: records from files or a pipe are appended to a topic.

use std::ops::ControlFlow;

use anyhow::anyhow;
use clap::{Parser, ValueEnum};

use super::store::{AppendError, Appender, Wanted};
use crate::cli::options::{DataOptions, InputOptions};
use crate::cli::pump::{self, Context, Ended, Stage, StageError};
use crate::cli::{Failure, Status, message};
use crate::ingest::csv::{CsvDecoder, CsvOptions};
use crate::log::{BadRecord, Identity};
use crate::record::control::Control;
use crate::record::decode::{Decoder, Raw};
use crate::record::lines::LineDecoder;

/// A batch is sent when it has grown to this size, also while there is more input at hand.
const BATCH_BYTES: usize = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  produce clicks clicks.ndjson
      Append the records of a file to the topic clicks, which is made if it is not there.
  produce flights flights.csv.gz --from csv
      Append the rows of a CSV file; the header gives the names of the fields.
  tail -F app.json | produce app --rejects bad.ndjson
      Append what a program writes; keep lines that are not JSON, and go on.
  produce clicks --partitions 4 --key .user < clicks.ndjson
      Make a topic of 4 partitions, in which each user's records stay together and in order.
  produce orders --producer nightly orders.ndjson
      Append what is not there yet: run again after a crash, it goes on where it stood.";

/// Append records to a topic of the log
#[derive(Parser, Clone, Debug)]
#[command(
    name = "produce",
    version,
    long_about = "Append records to a topic of the log.\n\n\
        Reads NDJSON (one JSON value a line), or what --from names, from standard input or FILEs. \
        Appends through log-serve where it runs; without it, produce opens the log's directory \
        itself. What one read of a pipe returned is appended at once, and is on the disk before more \
        is read; files are read a megabyte at a time. \
        Control records are used up.\n\n\
        The first bad line ends produce, when all records before it have been appended; \
        --rejects FILE keeps bad lines and goes on.\n\n\
        With --producer NAME the log keeps, with each batch, how many records of the input NAME has \
        appended. Run again with the same input, also a longer one, produce skips those: nothing \
        is there twice, however it ended before. Only one at a time can append as NAME; another \
        one ends with status 75.",
    after_help = EXAMPLES
)]
pub struct Options {
    /// The topic to append to; made on first use
    topic: String,

    #[command(flatten)]
    input: InputOptions,

    #[command(flatten)]
    data: DataOptions,

    /// What the input is
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "ndjson")]
    from: Format,

    /// With csv and tsv: leave every cell a text
    #[arg(long)]
    text: bool,

    /// With csv and tsv: cells that mean null, instead of NA and the empty cell; may be repeated
    #[arg(long, value_name = "CELL", allow_hyphen_values = true)]
    null: Vec<String>,

    /// Make the topic with N partitions, if it is not there [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    partitions: Option<u32>,

    /// Make the topic with this key, if it is not there: records for which the jq expression has the same value go to the same partition
    #[arg(long, value_name = "EXPR")]
    key: Option<String>,

    /// Append as NAME, and skip the records of the input that NAME has appended before
    #[arg(long, value_name = "NAME")]
    producer: Option<String>,

    /// Tell at the end how many records were appended
    #[arg(short, long)]
    verbose: bool,
}

/// A form of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON value a line
    Ndjson,
    /// Comma-separated values; the first row names the fields
    Csv,
    /// Tab-separated values; the first row names the fields
    Tsv,
}

/// Runs the tool.
///
/// # Errors
/// When the log cannot be written to, or the input cannot be read or is bad.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let wanted = Wanted { partitions: options.partitions, key: options.key.clone() };
    let mut appender = Appender::open(&options.data.dir()?, &options.topic, &wanted)?;
    let stands = match &options.producer {
        Some(name) => appender.stands(name)?,
        None => 0,
    };
    let mut stage = Produce {
        appender,
        batch: Vec::with_capacity(BATCH_BYTES),
        lines: Vec::new(),
        ends: Vec::new(),
        unterminated: None,
        appended: 0,
        producer: options.producer.clone(),
        stands,
        skip: stands,
        read: 0,
    };
    let outcome = pump::run_decoded(&options.input, &mut *options.decoder(), &mut stage);
    let (appended, read) = (stage.appended, stage.read);
    let closed = stage.appender.close();
    let outcome = outcome.inspect_err(|_| tell(appended, &options.topic))?;
    closed?;
    if let Some(name) = &options.producer
        && outcome.ended == Ended::Input
        && read < stands
    {
        let why = format!(
            "the input has {read} records, and {name} has appended {stands} to {}: it is not the \
             same input; use another name for it",
            options.topic
        );
        return Err(Failure::new(Status::Data, why).into());
    }
    if stands > 0 && (options.verbose || appended == 0) {
        message::note(&format!("{stands} records of the input were there already"));
    }
    if options.verbose || matches!(outcome.ended, Ended::Stopped(_)) {
        tell(appended, &options.topic);
    }
    Ok(outcome.status)
}

/// Says how much is in the log now: after an error, what not to send again.
fn tell(appended: u64, topic: &str) {
    let records = if appended == 1 { "record" } else { "records" };
    message::note(&format!("{appended} {records} appended to {topic}"));
}

impl Options {
    fn decoder(&self) -> Box<dyn Decoder> {
        let record_bytes_max = self.input.record_bytes_max();
        let delimiter = match self.from {
            Format::Ndjson => return Box::new(LineDecoder::new(record_bytes_max)),
            Format::Csv => b',',
            Format::Tsv => b'\t',
        };
        let mut csv =
            CsvOptions { delimiter, infer: !self.text, record_bytes_max, ..CsvOptions::default() };
        if !self.null.is_empty() {
            csv.nulls.clone_from(&self.null);
        }
        Box::new(CsvDecoder::new(csv))
    }
}

/// Gathers what one read returned into a batch, and appends it.
struct Produce {
    appender: Appender,
    batch: Vec<u8>,
    /// The input line of each record in the batch, and where the record ends there.
    lines: Vec<u64>,
    ends: Vec<usize>,
    /// The input line that had no line end, if that has been reached.
    unterminated: Option<u64>,
    appended: u64,
    producer: Option<String>,
    /// How many records of the input the log has from this producer.
    stands: u64,
    /// How many of them are still to come.
    skip: u64,
    /// How many records were read so far.
    read: u64,
}

impl Stage for Produce {
    const ENDS_WITH_OUTPUT: bool = false;

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        if self.skip > 0 {
            self.skip -= 1;
            self.read += 1;
            return Ok(ControlFlow::Continue(()));
        }
        if self.batch.len() + raw.bytes.len() >= BATCH_BYTES {
            self.send(cx)?;
        }
        self.read += 1;
        self.batch.extend_from_slice(raw.bytes);
        self.batch.push(b'\n');
        self.lines.push(raw.line);
        self.ends.push(self.batch.len());
        self.unterminated = raw.unterminated.then_some(raw.line);
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, _: Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        Ok(())
    }

    fn settle(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        // Each append costs a trip to the disk: a file fills the batch first.
        if cx.more_at_hand { Ok(()) } else { self.send(cx) }
    }
}

impl Produce {
    /// Appends the batch. Records that the log refuses are rejected and the others appended; if
    /// rejects are not kept, only those before the first bad one are.
    fn send(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        while !self.lines.is_empty() {
            match self.appender.append(&self.batch, self.identity()) {
                Ok(records) => {
                    self.stands = self.read;
                    self.appended += records;
                    self.keep_before(0);
                }
                Err(AppendError::Other(error)) => return Err(error),
                Err(AppendError::Bad(bad)) => {
                    let Some(first) = bad.first() else {
                        return Err(anyhow!("records were refused, but not told which"));
                    };
                    if cx.keeps_rejects() {
                        bad.iter().try_for_each(|bad| self.reject(bad, cx))?;
                        self.remove(&bad);
                    } else {
                        let why = self.reject(first, cx);
                        self.keep_before(usize::try_from(first.record).unwrap_or(0));
                        self.read = self.stands + self.lines.len() as u64;
                        self.send(cx)?;
                        return why;
                    }
                }
            }
        }
        Ok(())
    }

    /// Who appends the batch, and where in the input it stands before and after it.
    fn identity(&self) -> Option<Identity> {
        let producer = self.producer.clone()?;
        Some(Identity { producer, after: Some(self.stands), sequence: self.read })
    }

    /// Takes all records from the one with this number on out of the batch.
    fn keep_before(&mut self, record: usize) {
        let end = self.span(record).0;
        self.batch.truncate(end);
        self.lines.truncate(record);
        self.ends.truncate(record);
    }

    /// Takes the bad records out of the batch.
    fn remove(&mut self, bad: &[BadRecord]) {
        let (mut batch, mut lines, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let mut bad = bad.iter().map(|bad| bad.record).peekable();
        for (at, &line) in self.lines.iter().enumerate() {
            if bad.next_if_eq(&(at as u64)).is_none() {
                let (from, to) = self.span(at);
                batch.extend_from_slice(self.batch.get(from..to).unwrap_or_default());
                lines.push(line);
                ends.push(batch.len());
            }
        }
        (self.batch, self.lines, self.ends) = (batch, lines, ends);
    }

    fn reject(&self, bad: &BadRecord, cx: &mut Context) -> anyhow::Result<()> {
        let at = usize::try_from(bad.record).unwrap_or(usize::MAX);
        let (from, to) = self.span(at);
        let bytes = self.batch.get(from..to).unwrap_or_default();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let line = self.lines.get(at).copied().unwrap_or_default();
        let why = pump::why(&bad.why, self.unterminated == Some(line));
        cx.reject(&cx.place(line), bytes, &why)
    }

    /// Where a record of the batch begins and ends, its line end included.
    fn span(&self, record: usize) -> (usize, usize) {
        let to = self.ends.get(record).copied().unwrap_or(self.batch.len());
        let before = record.checked_sub(1).and_then(|before| self.ends.get(before));
        (before.copied().unwrap_or(0).min(to), to)
    }
}
