//! `produce`: records from files or a pipe are appended to a topic.

mod batch;
mod collect;
mod ending;
mod enrich;
mod formats;
mod live;
mod operands;
mod plain;
mod position;
mod queue;
mod route;
mod run_name;
mod sender;
mod shedding;
mod stats;
mod unique;

use std::time::{Duration as StdDuration, Instant};

use clap::Parser;
use clap::builder::ArgPredicate;
use serde_json::json;

use self::collect::CollectOptions;
use self::enrich::EnrichOptions;
use self::formats::FORMATS;
use self::live::{Live, LiveOptions};
use self::plain::{Left, OtherInput, Produce, Skip};
use self::position::{Position, Standing};
use self::route::RouteOptions;
use self::sender::Sender;
use self::shedding::Shedding;
use self::unique::UniqueOptions;
use super::lock_wait::WaitOptions;
use super::merging::{MergeOptions, MergeTimeOptions, Uses};
use super::reconnect::{self, ReconnectOptions};
use crate::cli::counters::counters;
use crate::cli::lending::Lending;
use crate::cli::options::{DataOptions, InputOptions, LendOptions};
use crate::cli::pump::{self, Ended, in_option};
use crate::cli::{Failure, Status, message};
use crate::store::{self, Appender, Created, Opening, Store, Wanted};
use crate::wire::lending::LINES_BYTES_MAX;

/// A batch is sent when it has grown to this size, also while there is more input at hand. Several
/// are under way at a time; and one of this size is delivered whole.
const BATCH_BYTES: usize = 512 << 10;

const EXAMPLES: &str = "\
Examples:
  produce clicks clicks.ndjson
      Append the records of a file to the topic clicks, which is created if it does not exist.
  produce flights flights.csv.gz --from csv
      Append the rows of a CSV file; the header gives the names of the fields.
  produce access --from combined --rejects bad.log access.log
      Append the requests of an access log; store lines that are none in a file.
  produce errors --from combined --filter '.status >= 500' --add 'file=$file' access.log
      Append only some records, each with the name of its file.
  produce syslog --from syslog --listen udp://:5140 --listen tcp://:5140
      Append what programs of this machine send, as rsyslog does.
  tail -F app.json | produce app --rejects bad.ndjson
      Append what a program writes; store lines that are not JSON in a file, and continue.
  produce clicks --partitions 4 --key .user < clicks.ndjson
      Create a topic with 4 partitions, in which each user's records stay together and in order.
  produce --topic-by .app --topic-default other apps.ndjson
      Append each record to the topic that its field app names.
  curl -s $URL | produce gh --from json --unique .id --within 7d -v
      Append what earlier pages did not have, by its id; print how much that was, and where it is.
  produce orders --producer nightly orders.ndjson
      Append each record once, however often this is run: after a crash, it resumes.";

/// Append records to a topic of the log
#[derive(Parser, Clone, Debug)]
#[command(
    name = "produce",
    version,
    long_about = "Append records to a topic of the log.\n\n\
        produce reads NDJSON (one JSON value on each line), or the format that --from names, from \
        standard input, FILEs, sockets (--listen) or a command (--exec). It appends through log-serve if that runs. Otherwise it opens the \
        log's directory itself, and waits while another process writes there (--wait). Data from a \
        pipe is appended as it arrives, and is acknowledged before produce reads more; files are \
        appended half a megabyte at a time. Control records are consumed, not appended.\n\n\
        When log-serve is stopped and started again, produce waits for it and continues; no \
        record is lost or appended twice (--reconnect). If log-serve is killed while it has not \
        answered an append, or while it reads the input for produce, the outcome is unknown, and \
        produce ends with status 69. With --producer NAME, --resume, --follow, --spool, --reconnect D, --listen or \
        --exec the log knows the outcome, and produce continues; so it does with --unique, where records \
        are skipped if they were appended. With --reconnect D, log-serve does not read the \
        input.\n\n\
        The first bad line ends produce, after all records before it were appended. --rejects \
        FILE stores bad lines and continues. A topic that does not exist is created with the \
        first record that it takes; input that is empty or bad throughout leaves none.\n\n\
        While files are read for longer than a second, a progress bar on a terminal shows how much \
        of them is read, as they are stored; with --follow, until all is read that there was \
        (--no-progress).\n\n\
        With --producer NAME the log stores with each batch how many records of the input NAME \
        has appended, and a checksum of them. If you run produce again with the same input, \
        which may have grown, it skips those records: nothing is appended twice, however the \
        earlier run ended. An input that begins with other records, as after a rotation or with \
        its files in another order, is refused with status 65, and nothing is appended: use a \
        name for each file. A last line without a line end may be incomplete; it is not appended \
        until it has one, and the status is 65 until then. The same holds for the last lines \
        that belong together with --multiline. --partial-after D takes them if the file has not \
        changed for D. Only one process at a time can append as NAME; another one ends with \
        status 75.",
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{FORMATS}")
)]
pub struct Options {
    /// The topic to append to; created with its first record. With --topic-by there is none
    #[arg(
        required = false,
        required_unless_present = "topic_by",
        default_value_if("topic_by", ArgPredicate::IsPresent, "")
    )]
    topic: String,

    #[command(flatten)]
    input: InputOptions,

    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    wait: WaitOptions,

    #[command(flatten)]
    reconnect: ReconnectOptions,

    #[command(flatten)]
    lend: LendOptions,

    /// Create the topic with N partitions, if it does not exist [default: 1]
    #[arg(help_heading = "Topics")]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    partitions: Option<u32>,

    /// Create the topic with this key, if it does not exist
    ///
    /// Records for which the jq expression has the same value go to the same partition. Values are
    /// compared as they are written: 1 and 1.0 are two values.
    #[arg(help_heading = "Topics")]
    #[arg(long, value_name = "EXPR")]
    key: Option<String>,

    #[command(flatten)]
    enrich: EnrichOptions,

    #[command(flatten)]
    unique: UniqueOptions,

    #[command(flatten)]
    merge: MergeOptions,

    #[command(flatten)]
    times: MergeTimeOptions,

    #[command(flatten)]
    collect: CollectOptions,

    #[command(flatten)]
    live: LiveOptions,

    #[command(flatten)]
    route: RouteOptions,

    /// Append as NAME, and skip the records of the input that NAME has already appended
    #[arg(help_heading = "Only once")]
    #[arg(long, value_name = "NAME")]
    producer: Option<String>,

    /// Print at the end how many records were appended, and which offsets they got
    ///
    /// A line like gh/0: 1204..1210 says that in partition 0 of gh, the records from offset 1204 up
    /// to offset 1209 are those that were appended.
    #[arg(help_heading = "Output")]
    #[arg(short, long)]
    verbose: bool,
}

/// Runs the tool.
///
/// # Errors
/// When the log cannot be written to, or the input cannot be read or is bad.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let begun = Instant::now();
    // Before the log is opened.
    options.input.choice()?;
    options.check_operands()?;
    options.live.check()?;
    if options.producer.is_some() && options.enrich.reads_clock() {
        let why = "with --producer, records are compared with those of an earlier run, and $now \
                   makes them differ; leave one of them out";
        return Err(in_option("$now", why).into());
    }
    let mut options = options.with_files();
    options.check_merge()?;
    options.merge.settle_alone(&mut options.input, &options.times, Uses::default())?;
    // The log may not answer.
    counters().answer();
    if options.collect.is_on() {
        return collect::run(&options);
    }
    if options.route.is_on() {
        return route::run(options, begun);
    }
    let enrich = options.enrich.build()?;
    options.unique.asked()?;
    let wanted = Wanted { partitions: options.partitions, key: options.key.clone() };
    let dir = options.data.dir()?;
    let live = options.live.open(&options.input)?;
    let patience = options.patience(live.is_some());
    let attempt = |store: Store| -> anyhow::Result<_> {
        let mut appender = store.appender(&options.topic, &wanted, patience)?;
        options.unique.apply(&mut appender)?;
        let name = options.producer.as_deref();
        let stands = name.map(|name| appender.stands(name)).transpose()?.unwrap_or(0);
        Ok((appender, stands))
    };
    let mut opening = Opening::new(&dir, patience);
    let open = || opening.open(reconnect::hear, reconnect::is_gone, attempt);
    let figures = |appended: u64, skipped: u64, dropped: u64| {
        json!({
            "topic": options.topic, "records": appended, "skipped": skipped,
            "rejected": options.input.rejected.count(), "dropped": dropped,
            "ms": stats::ms_since(begun),
        })
    };
    let opened = options.wait.retry_or_tell(open);
    let opened = stats::of_opening(opened, options.collect.stats(), || figures(0, 0, 0));
    let (appender, stands) = opened?;
    let skip = Skip { to: Standing::of(stands), at: Position::default() };
    let (producer, run_name) = (options.producer.clone(), options.run_name(appender.is_served()));
    // Those who send to us wait meanwhile.
    let retry = if live.is_some() { StdDuration::MAX } else { StdDuration::ZERO };
    let sender = move || {
        let sender = match producer {
            Some(name) => Sender::new(appender, Some(name), stands),
            None => Sender::of_run(appender, run_name, 0),
        };
        sender.retrying(retry)
    };
    let lost = live.as_ref().map(Live::lost).unwrap_or_default();
    let (outcome, left, dropped) = match live {
        Some(live) if options.live.drops() => {
            let make = || Produce::new(sender(), None).side_by_side();
            let mut stage = Shedding::new(enrich, make, Produce::leave);
            let outcome = live.run(&options.input, &mut stage);
            let (left, dropped) = stage.left();
            (outcome, left.unwrap_or_default(), dropped)
        }
        Some(live) => {
            let mut stage = Produce::new(sender(), enrich).side_by_side();
            let outcome = live.run(&options.input, &mut stage);
            (outcome, stage.leave(), 0)
        }
        None => {
            let lends = options.lends() && enrich.is_none();
            let lending = if lends { Lending::by(Produce::lender) } else { Lending::off() };
            let mut stage = Produce::new(sender(), enrich);
            if options.producer.is_some() {
                stage = stage.resuming(skip, options.ending());
            }
            let outcome = pump::run_lending(&options.input, &mut stage, lending);
            (outcome, stage.leave(), 0)
        }
    };
    let Left { appended, placed, skip, torn, failed } = left;
    // Also of a run that ends with an error.
    if options.collect.stats() {
        stats::print(&figures(appended, placed.skipped, dropped + lost.datagrams()))?;
    }
    let outcome = outcome.map_err(|error| {
        tell_after(&error, appended, &options.topic);
        if options.verbose {
            unique::tell(&placed, &options.topic);
        }
        options.explain(error, skip)
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if outcome.ended == Ended::Input && skip.is_going_on() {
        return Err(options.explain(OtherInput.into(), skip));
    }
    options.tell_skipped(skip, appended);
    if options.verbose || matches!(outcome.ended, Ended::Stopped(_)) {
        tell(appended, &options.topic);
    }
    if options.verbose {
        unique::tell(&placed, &options.topic);
    }
    match torn {
        Some(place) => Err(options.incomplete(&place).into()),
        None if dropped > 0 => Ok(Status::Data),
        None => Ok(outcome.status),
    }
}

/// Says how much is in the log now: after an error, what not to send again.
fn tell(appended: u64, topic: &str) {
    message::note(&format!("{} appended to {topic}", records(appended)));
}

/// The same after an error; not where it says all: another process created the topic first.
fn tell_after(error: &anyhow::Error, appended: u64, topic: &str) {
    let is_of_topic = error.downcast_ref::<store::Error>().is_some_and(store::Error::is_of_topic);
    if appended > 0 || !is_of_topic {
        tell(appended, topic);
    }
}

/// Says on a terminal that the topic is new, as somebody may have mistyped its name. Tells whether
/// it was created since it was last asked.
fn announce(appender: &mut Appender) -> bool {
    let Some(Created { topic, partitions }) = appender.take_created() else { return false };
    if message::is_terminal() {
        let what = if partitions == 1 { "partition" } else { "partitions" };
        message::note(&format!("created topic \"{topic}\" ({partitions} {what})"));
    }
    true
}

fn records(count: u64) -> String {
    format!("{count} {}", if count == 1 { "record" } else { "records" })
}

impl Options {
    /// How long to wait for a daemon that is gone: others that send to us wait meanwhile.
    fn patience(&self, live: bool) -> StdDuration {
        match self.reconnect.asked() {
            None if live => StdDuration::MAX,
            _ => self.reconnect.patience(),
        }
    }

    /// Says which other input it is.
    fn explain(&self, error: anyhow::Error, skip: Skip) -> anyhow::Error {
        if !error.is::<OtherInput>() {
            return error;
        }
        let (name, topic) = (self.producer.as_deref().unwrap_or_default(), &self.topic);
        let (stands, read) = (skip.to.records, skip.at.records());
        let what = if skip.is_going_on() {
            format!("the input has {}, and {name} has appended {stands}", records(read))
        } else {
            format!(
                "the first {} of the input are not those that {name} has appended",
                records(read)
            )
        };
        let why = format!(
            "{topic}: {what}: it is another input, or its files are in another order; \
             nothing was appended; use another --producer name for it"
        );
        Failure::new(Status::Data, why).into()
    }

    /// Reports how much of the input was appended before.
    fn tell_skipped(&self, skip: Skip, appended: u64) {
        let stands = skip.to.records;
        if stands == 0 || skip.is_going_on() {
            return;
        }
        if self.verbose || appended == 0 {
            let were = if stands == 1 { "was" } else { "were" };
            message::note(&format!("{} of the input {were} already appended", records(stands)));
        }
        if !skip.to.is_checked() {
            let name = self.producer.as_deref().unwrap_or_default();
            message::note(&format!(
                "{name} has no checksum yet for the first {} in {}: they were not compared with \
                 this input",
                records(stands),
                self.topic
            ));
        }
    }

    /// Whether the log may read the input for us: lines, without a limit of our own to them. Of a
    /// pipe that we lend, we do not know how much was read by a daemon that is killed.
    fn lends(&self) -> bool {
        let knows_all = self.reconnect.asked().is_some_and(|patience| !patience.is_zero());
        let all_lines = self.input.record_bytes_max() >= LINES_BYTES_MAX;
        self.input.format.is_verbatim()
            && all_lines
            && !knows_all
            && self.lend.allowed()
            && self.unique.is_off()
    }
}
