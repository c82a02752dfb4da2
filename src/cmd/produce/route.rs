//! `--topic-by`: each record goes to the topic that its value names.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration as StdDuration, Instant};

use clap::Args;
use serde_json::json;

use super::batch::Batch;
use super::enrich::Enrich;
use super::sender::Sender;
use super::shedding::Shedding;
use super::{BATCH_BYTES, Options, records, stats};
use crate::api::appending::Unique;
use crate::cli::pump::{self, Context, Ended, Stage, StageError, in_option};
use crate::cli::{Failure, Status, message};
use crate::expr::Program;
use crate::log::settings::check_name;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::store::{self, Appenders, Store, Wanted};

/// How many topics are open at a time: each has a batch, and a connection to the daemon.
const OPEN_MAX: usize = 128;

/// Which topic a record goes to.
#[derive(Args, Clone, Debug)]
pub(super) struct RouteOptions {
    /// Append each record to the topic that the jq expression EXPR names; all operands are FILEs then
    ///
    /// A topic is created with its first record. Within each topic, records keep their order. A
    /// record for which EXPR is not the name of a topic is bad. The expression sees the record as it
    /// is appended, after --filter, --map and --add.
    #[arg(long, value_name = "EXPR")]
    topic_by: Option<String>,

    /// With --topic-by: where records go for which EXPR is null or not the name of a topic
    #[arg(long, value_name = "TOPIC", requires = "topic_by")]
    topic_default: Option<String>,

    /// With --topic-by: create at most N topics; records for more are bad
    #[arg(long, value_name = "N", requires = "topic_by", default_value_t = 100)]
    max_topics: usize,
}

impl RouteOptions {
    /// Whether records go to several topics.
    pub fn is_on(&self) -> bool {
        self.topic_by.is_some()
    }
}

/// Runs the tool for several topics.
///
/// # Errors
/// When the log cannot be written to, or the input cannot be read or is bad.
pub(super) fn run(mut options: Options, begun: Instant) -> anyhow::Result<Status> {
    let first = std::mem::take(&mut options.topic);
    if !first.is_empty() {
        options.input.files.insert(0, PathBuf::from(first));
    }
    let route = &options.route;
    let by = Program::compile(&[route.topic_by.as_deref().unwrap_or_default()]);
    let by = by.map_err(|error| in_option("--topic-by", error))?;
    if let Some(topic) = &route.topic_default {
        check_name(topic).map_err(|error| in_option("--topic-default", error))?;
    }
    let live = options.live.open(&options.input)?;
    let patience = options.patience(live.is_some());
    let dir = options.data.dir()?;
    let open = || Ok(Store::open(&dir)?.appenders(patience)?);
    let appenders = options.wait.retry_or_tell(open)?;
    let run_name = options.run_name(appenders.is_served());
    let enrich = options.enrich.build()?;
    let unique = options.unique.asked()?;
    let (default, most) = (route.topic_default.clone(), route.max_topics);
    let wanted = Wanted { partitions: options.partitions, key: options.key.clone() };
    let retry = if live.is_some() { StdDuration::MAX } else { StdDuration::ZERO };
    let make = move |enrich| Route {
        by,
        default,
        wanted,
        unique,
        may_create: most,
        most,
        appenders,
        open: HashMap::new(),
        uses: 0,
        topics: HashMap::new(),
        run_name,
        appended: 0,
        skipped: 0,
        enrich,
        retry,
        name: String::new(),
    };
    let (outcome, left, dropped) = match live {
        Some(live) if options.live.drops() => {
            let mut stage = Shedding::new(enrich, move || make(None), Route::leave);
            let outcome = live.run(&options.input, &mut stage);
            let (left, dropped) = stage.left();
            (outcome, left.unwrap_or_default(), dropped)
        }
        Some(live) => {
            let mut stage = make(enrich);
            let outcome = live.run(&options.input, &mut stage);
            (outcome, stage.leave(), 0)
        }
        None => {
            let mut stage = make(enrich);
            let outcome = pump::run(&options.input, &mut stage);
            (outcome, stage.leave(), 0)
        }
    };
    let outcome = outcome.inspect_err(|_| left.tell())?;
    if options.collect.stats() {
        stats::print(&json!({
            "topics": left.topics, "records": left.appended, "skipped": left.skipped,
            "dropped": dropped, "ms": stats::ms_since(begun),
        }))?;
    }
    if options.verbose || matches!(outcome.ended, Ended::Stopped(_)) {
        left.tell();
    }
    if let Some(error) = left.failed {
        return Err(error.into());
    }
    Ok(if dropped > 0 { Status::Data } else { outcome.status })
}

/// What a run leaves.
#[derive(Default)]
struct Left {
    /// To how many topics records were appended, and how many records.
    topics: usize,
    appended: u64,
    /// How many were skipped, since their topics have their keys.
    skipped: u64,
    /// Why the log could not be left as the next one likes to find it, if so.
    failed: Option<store::Error>,
}

impl Left {
    /// Says how much is in the log now.
    fn tell(&self) {
        let (count, appended) = (self.topics, records(self.appended));
        let topics = if count == 1 { "topic" } else { "topics" };
        message::note(&format!("{appended} appended to {count} {topics}"));
        if self.skipped > 0 {
            let what = records(self.skipped);
            message::note(&format!("{what} skipped, because their topics have the same keys"));
        }
    }
}

/// Gathers what one read returned into a batch for each topic, and appends them.
struct Route {
    by: Program,
    default: Option<String>,
    wanted: Wanted,
    /// What is appended, if not all.
    unique: Option<Unique>,
    /// How many topics may still be created, and how many they were.
    may_create: usize,
    most: usize,
    appenders: Appenders,
    /// The topics that are open.
    open: HashMap<String, Open>,
    uses: u64,
    /// All topics that were appended to, each with the sequence that this run had there
    /// when it was closed.
    topics: HashMap<String, u64>,
    /// The name under which this run appends, if it has one.
    run_name: Option<String>,
    /// How many records those have got that are closed now, and how many they had.
    appended: u64,
    skipped: u64,
    enrich: Option<Box<Enrich>>,
    /// How long to try again while the log cannot take records.
    retry: StdDuration,
    /// The topic of the record in hand.
    name: String,
}

/// A topic that is open.
struct Open {
    sender: Sender,
    batch: Batch,
    /// When it was used last, counted in batches and topics.
    used: u64,
}

impl Route {
    /// Finds the topic of a record.
    fn find(&mut self, record: &[u8]) -> Result<(), StageError> {
        self.name.clear();
        let mut loaded = self.by.load(record).map_err(StageError::bad)?;
        let why = match loaded.plain_string(0).and_then(|text| std::str::from_utf8(text).ok()) {
            Some(text) => {
                self.name.push_str(text.trim_matches('"'));
                check_name(&self.name).err().map(|error| error.to_string())
            }
            None => {
                let value = loaded.value(0);
                let value =
                    value.map_err(|error| StageError::Bad(format!("--topic-by: {error}")))?;
                let mut text = Vec::new();
                value.write_json(&mut text);
                match serde_json::from_slice::<String>(&text) {
                    Ok(name) => {
                        self.name = name;
                        check_name(&self.name).err().map(|error| error.to_string())
                    }
                    Err(_) => Some(format!("{} is not the name of a topic", value.kind())),
                }
            }
        };
        match (why, &self.default) {
            (None, _) => Ok(()),
            (Some(_), Some(default)) => {
                self.name.clone_from(default);
                Ok(())
            }
            (Some(why), None) => Err(StageError::Bad(format!(
                "--topic-by: {why}; --topic-default takes such records"
            ))),
        }
    }

    /// Takes a record as it is to be appended.
    fn append(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        self.find(raw.bytes)?;
        if !self.open.contains_key(&self.name) {
            self.open(cx)?;
        }
        let Some(open) = self.open.get_mut(&self.name) else {
            return Ok(ControlFlow::Continue(()));
        };
        if open.batch.bytes().len() + raw.bytes.len() >= BATCH_BYTES {
            open.sender.send(&mut open.batch, cx)?;
        }
        if open.batch.is_empty() {
            self.uses += 1;
            open.used = self.uses;
        }
        // A batch may be of several inputs, since it waits until it is full.
        open.batch.begin_origin(cx.source());
        open.batch.push(raw);
        Ok(ControlFlow::Continue(()))
    }

    /// Opens the topic of the record in hand.
    fn open(&mut self, cx: &mut Context) -> Result<(), StageError> {
        let Some(watch) = cx.watch() else { return Ok(()) };
        if self.open.len() >= OPEN_MAX {
            self.close_one(cx)?;
        }
        let opened = self.appenders.open(&self.name, &self.wanted, self.may_create > 0, &*watch);
        let Some(mut appender) = opened? else {
            return Err(StageError::Bad(format!(
                "the topic {} does not exist, and {} topics were created; allow more with \
                 --max-topics",
                self.name, self.most
            )));
        };
        self.may_create -= usize::from(appender.is_new());
        appender.append_only(self.unique.clone());
        let stands = *self.topics.entry(self.name.clone()).or_default();
        let sender = Sender::of_run(appender, self.run_name.clone(), stands).retrying(self.retry);
        let open = Open { sender, batch: Batch::default(), used: self.uses };
        self.open.insert(self.name.clone(), open);
        Ok(())
    }

    /// Closes the topic that was not used for longest.
    fn close_one(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let oldest = self.open.iter().min_by_key(|(_, open)| open.used);
        let Some(name) = oldest.map(|(name, _)| name.clone()) else { return Ok(()) };
        let Some(mut open) = self.open.remove(&name) else { return Ok(()) };
        open.sender.send(&mut open.batch, cx)?;
        open.sender.finish(cx)?;
        self.topics.insert(name, open.sender.stands());
        Ok(self.close(open)?)
    }

    /// Takes note of what was done with a topic, and closes it.
    fn close(&mut self, open: Open) -> Result<(), store::Error> {
        self.appended += open.sender.appended();
        let appender = open.sender.into_appender();
        self.skipped += appender.placed().skipped;
        appender.close()
    }

    /// Closes all topics, and the log.
    fn leave(mut self) -> Left {
        let mut closed = Ok(());
        for (_, open) in std::mem::take(&mut self.open) {
            let one = self.close(open);
            closed = closed.and(one);
        }
        let failed = closed.and(self.appenders.close()).err();
        Left { topics: self.topics.len(), appended: self.appended, skipped: self.skipped, failed }
    }
}

impl Stage for Route {
    const ENDS_WITH_OUTPUT: bool = false;

    fn wants_offsets(&self) -> bool {
        self.enrich.as_ref().is_some_and(|enrich| enrich.reads_offset())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let Some(mut enrich) = self.enrich.take() else { return self.append(raw, cx) };
        let flow = enrich.apply(raw, cx, |raw, cx| self.append(raw, cx));
        self.enrich = Some(enrich);
        flow
    }

    fn control(&mut self, _: &Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        if cx.more_at_hand {
            return Ok(());
        }
        // All are under way before one is waited for.
        let mut done = Ok(());
        for open in self.open.values_mut() {
            done = done.and(open.sender.send(&mut open.batch, cx));
        }
        // What one of them meets is no reason not to hear what became of the others.
        for open in self.open.values_mut() {
            done = done.and(open.sender.finish(cx));
        }
        done
    }
}

impl Options {
    /// Refuses what does not go together with operands that are all FILEs.
    pub(super) fn check_operands(&self) -> Result<(), Failure> {
        let reads_files = !(self.topic.is_empty() && self.input.files.is_empty());
        if self.route.is_on() && (self.collect.is_on() || self.producer.is_some()) {
            let why = "--topic-by: it does not go together with --resume, --follow, --spool and \
                       --producer: a topic keeps where an input was left together with the records, \
                       and a crash may leave several topics at several places; collect into one \
                       topic, and route that";
            return Err(Failure::usage(why));
        }
        if self.route.is_on() && reads_files && self.live.is_on() {
            let why = "with --topic-by, all operands are FILEs, and --listen and --exec take none";
            return Err(Failure::usage(why));
        }
        Ok(())
    }
}
