//! `produce`: records from files or a pipe are appended to a topic.

mod batch;
mod sender;

use std::ops::ControlFlow;

use clap::{Parser, ValueEnum};

use self::batch::Batch;
use self::sender::Sender;
use super::store::{Appender, Wanted};
use crate::cli::lending::Lender;
use crate::cli::options::{DataOptions, InputOptions};
use crate::cli::pump::{self, Context, Ended, Stage, StageError};
use crate::cli::{Failure, Status, message};
use crate::ingest::csv::{CsvDecoder, CsvOptions};
use crate::record::control::Control;
use crate::record::decode::{Decoder, Raw};
use crate::record::lines::LineDecoder;
use crate::wire::pipe::LINES_BYTES_MAX;

/// A batch is sent when it has grown to this size, also while there is more input at hand. Several
/// are under way at a time; and one of this size is delivered whole.
const BATCH_BYTES: usize = 512 << 10;

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
        is read; files are appended half a megabyte at a time. \
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
    let sender = Sender::new(appender, options.producer.clone(), stands);
    let lends = options.input.record_bytes_max() >= LINES_BYTES_MAX;
    let mut stage =
        Produce { sender, batch: Batch::default(), skip: stands, read: 0, lends, small: false };
    let outcome = pump::run_decoded(&options.input, &mut *options.decoder(), &mut stage);
    let (appended, read) = (stage.sender.appended(), stage.read);
    let closed = stage.sender.into_appender().close();
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
    sender: Sender,
    batch: Batch,
    /// How many records of the input the log has from before, and that are still to come.
    skip: u64,
    /// How many records were read so far, those not counted that the log has read for us.
    read: u64,
    /// Whether the log may read the input for us: not with a limit of our own to its lines.
    lends: bool,
    /// Whether what was read last was so little that the log would have taken it.
    small: bool,
}

impl Stage for Produce {
    const ENDS_WITH_OUTPUT: bool = false;

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        if self.skip > 0 {
            self.skip -= 1;
            self.read += 1;
            return Ok(ControlFlow::Continue(()));
        }
        if self.batch.bytes().len() + raw.bytes.len() >= BATCH_BYTES {
            self.sender.send(&mut self.batch, self.read, cx)?;
        }
        self.read += 1;
        self.batch.push(raw);
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, _: Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        Ok(())
    }

    fn settle(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        if cx.more_at_hand {
            // Each append costs a trip to the disk: a file fills the batch first.
            return Ok(());
        }
        self.small = self.batch.bytes().len() <= LINES_BYTES_MAX;
        self.sender.send(&mut self.batch, self.read, cx)?;
        self.sender.finish(cx)
    }

    fn lender(&mut self) -> Option<&mut dyn Lender> {
        (self.lends && self.small && self.sender.lends()).then_some(&mut self.sender)
    }
}
