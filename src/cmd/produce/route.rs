//! `--topic-by`: each record goes to the topic that its value names.

mod left;
mod naming;
mod open_topics;
mod opener;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::{Duration as StdDuration, Instant};

use clap::Args;
use serde_json::json;

pub(super) use self::left::Left;
pub(super) use self::naming::Naming;
pub(super) use self::open_topics::{OPEN_MAX, OpenTopics};
pub(super) use self::opener::Opener;
use super::batch::Batch;
use super::ending::Ending;
use super::enrich::Enrich;
use super::live::Live;
use super::plain::OtherInput;
use super::position::{Position, Standing};
use super::sender::Sender;
use super::shedding::Shedding;
use super::{BATCH_BYTES, Options, records, stats};
use crate::cli::pump::{self, Context, Ended, Stage, StageError, in_option};
use crate::cli::{Failure, Status, message};
use crate::expr::Program;
use crate::log::settings::check_name;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::store::{self, Store, Wanted};

/// How much is gathered and under way for all topics together before it is appended.
const GATHERED_BYTES: usize = 16 << 20;

/// Which topic a record goes to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Topics")]
pub(super) struct RouteOptions {
    /// Append each record to the topic that EXPR names, a jq expression; all operands are FILEs then
    ///
    /// A topic is created with its first record. Within each topic, records keep their order. A
    /// record for which EXPR is not the name of a topic is bad. The expression sees the record as it
    /// is appended, after --filter, --map and --add.
    #[arg(long, value_name = "EXPR")]
    topic_by: Option<String>,

    /// With --topic-by: where records go for which EXPR is null or not the name of a topic
    ///
    /// With --resume, --follow and --spool it must be given: this topic keeps where each file was
    /// left, for all topics.
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "TOPIC", requires = "topic_by")]
    pub(super) topic_default: Option<String>,

    /// With --topic-by: create at most N topics; records for more are bad
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "N", requires = "topic_by", default_value_t = 100)]
    max_topics: usize,
}

impl RouteOptions {
    /// Whether records go to several topics.
    pub fn is_on(&self) -> bool {
        self.topic_by.is_some()
    }

    /// Where records go that name no topic, if that was said.
    pub fn default_topic(&self) -> Option<&str> {
        self.topic_default.as_deref()
    }

    /// How many topics may be created.
    pub fn topics_max(&self) -> usize {
        self.max_topics
    }

    /// What names the topic of each record.
    ///
    /// # Errors
    /// When the expression is wrong, or the topic for other records has no valid name.
    pub fn naming(&self) -> anyhow::Result<Naming> {
        let by = Program::compile(&[self.topic_by.as_deref().unwrap_or_default()]);
        let by = by.map_err(|error| in_option("--topic-by", error))?;
        if let Some(topic) = &self.topic_default {
            check_name(topic).map_err(|error| in_option("--topic-default", error))?;
        }
        Ok(Naming::new(by, self.topic_default.clone()))
    }
}

/// Runs the tool for several topics.
///
/// # Errors
/// When the log cannot be written to, or the input cannot be read or is bad.
pub(super) fn run(options: Options, begun: Instant) -> anyhow::Result<Status> {
    let naming = options.route.naming()?;
    let live = options.live.open(&options.input)?;
    let patience = options.patience(live.is_some());
    let dir = options.data.dir()?;
    let open = || Ok(Store::open(&dir)?.appenders(patience)?);
    let figures = |left: &Left, dropped: u64| {
        json!({
            "topics": left.topics, "records": left.appended, "skipped": left.skipped,
            "rejected": options.input.rejected.count(), "dropped": dropped,
            "ms": stats::ms_since(begun),
        })
    };
    let opened = options.wait.retry_or_tell(open);
    let nothing = || figures(&Left::default(), 0);
    let appenders = stats::of_opening(opened, options.collect.stats(), nothing)?;
    let producer = match &options.producer {
        Some(name) => Producer::Named(name.clone()),
        None => Producer::Run(options.run_name(appenders.is_served())),
    };
    let ending = options.ending();
    let enrich = options.enrich.build()?;
    let opener = Opener {
        appenders,
        wanted: Wanted { partitions: options.partitions, key: options.key.clone() },
        unique: options.unique.asked()?,
        retry: if live.is_some() { StdDuration::MAX } else { StdDuration::ZERO },
        topics_max: options.route.max_topics,
        created: 0,
    };
    let make = move |enrich| Route {
        naming,
        opener,
        open: OpenTopics::default(),
        gathered_bytes: 0,
        topics: HashMap::new(),
        producer,
        read: Position::default(),
        passed: 0,
        ending,
        appended: 0,
        skipped: 0,
        enrich,
    };
    let lost = live.as_ref().map(Live::lost).unwrap_or_default();
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
    if options.collect.stats() {
        stats::print(&figures(&left, dropped + lost.datagrams()))?;
    }
    let outcome = outcome.map_err(|error| {
        left.tell();
        if error.is::<OtherInput>() { options.other_input() } else { error }
    })?;
    if let (Some((topic, had, has)), Ended::Input) = (&left.missing, outcome.ended) {
        left.tell();
        let name = options.producer.as_deref().unwrap_or_default();
        let why = format!(
            "{topic}: the input has {}, and {name} had read {had} when it appended there: it is \
             another input, or its files are in another order; use another --producer name for it",
            records(*has)
        );
        return Err(Failure::new(Status::Data, why).into());
    }
    if options.verbose || matches!(outcome.ended, Ended::Stopped(_)) {
        left.tell();
    }
    if options.producer.is_some() && left.passed > 0 && (options.verbose || left.appended == 0) {
        let were = if left.passed == 1 { "was" } else { "were" };
        let what = records(left.passed);
        message::note(&format!("{what} of the input {were} already appended"));
    }
    if let Some(error) = left.failed {
        return Err(error.into());
    }
    if let Some(place) = left.torn {
        return Err(options.incomplete(&place).into());
    }
    Ok(if dropped > 0 { Status::Data } else { outcome.status })
}

/// Gathers what one read returned into a batch for each topic, and appends them.
struct Route {
    naming: Naming,
    opener: Opener,
    open: OpenTopics<Open>,
    /// How much was taken for all topics since nothing was under way.
    gathered_bytes: usize,
    /// All topics that were opened.
    topics: HashMap<String, Known>,
    /// Under which name this run appends.
    producer: Producer,
    /// How many records were taken of the input, and which: for a named producer.
    read: Position,
    /// How many of them their topics had from earlier runs.
    passed: u64,
    ending: Ending,
    /// How many records those have got that are closed now, and how many they had.
    appended: u64,
    skipped: u64,
    enrich: Option<Box<Enrich>>,
}

/// Under which name a run appends to all topics.
enum Producer {
    /// Its own, or none.
    Run(Option<String>),
    /// The one that the user gave: each topic has how much of the input was read when it got its last
    /// record.
    Named(String),
}

/// What is known of a topic.
#[derive(Clone, Copy, Default)]
struct Known {
    /// What a named producer has appended there before this run.
    skip: Standing,
    /// The sequence that this run had there when it was closed.
    stands: u64,
    /// Whether records were appended there.
    has_got_some: bool,
}

/// A topic that is open.
struct Open {
    sender: Sender,
    batch: Batch,
    /// What of it a named producer has appended in earlier runs.
    skip: Standing,
    /// Whether it does not exist, and will be created for what was taken.
    will_be: bool,
}

impl Open {
    /// Sends what was taken.
    fn send(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.sender.send(&mut self.batch, cx)
    }

    /// Gives back the memory of what was sent; nothing is under way.
    fn release(&mut self) {
        self.sender.release();
        if self.batch.is_empty() {
            self.batch = Batch::default();
        }
    }
}

impl Route {
    /// Takes a record as it is to be appended.
    fn append(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        if self.is_named() {
            if raw.unterminated && self.ending.holds(raw.line, cx) {
                // What comes after it must not be counted before it.
                return Ok(ControlFlow::Break(()));
            }
            self.read = self.read.behind_record(raw.bytes);
        }
        self.naming.find(raw.bytes)?;
        let is_named = self.is_named();
        if self.open.get(self.naming.name()).is_none() {
            self.open(raw.bytes, cx)?;
        }
        let Some(open) = self.open.get(self.naming.name()) else {
            return Ok(ControlFlow::Continue(()));
        };
        if is_named && self.read.records() <= open.skip.records {
            self.passed += 1;
            let is_last = self.read.records() == open.skip.records;
            return match open.skip.agrees(self.read) || !is_last {
                true => Ok(ControlFlow::Continue(())),
                false => Err(OtherInput.into()),
            };
        }
        if open.sender.is_new() && !open.will_be {
            open.will_be = self.opener.will_create(self.naming.name(), raw.bytes)?;
        }
        if open.batch.bytes().len() + raw.bytes.len() >= BATCH_BYTES {
            open.send(cx)?;
        }
        // A batch may be of several inputs, since it waits until it is full.
        if !cx.is_merged() {
            open.batch.begin_origin(cx.source());
        }
        open.batch.push(raw);
        if is_named {
            open.batch.mark(self.read.sequence());
        }
        self.gathered_bytes += raw.bytes.len();
        if self.gathered_bytes >= GATHERED_BYTES {
            self.append_all(cx)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Appends all that was taken.
    fn append_all(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.gathered_bytes = 0;
        // All are under way before one is waited for.
        let mut done = Ok(());
        for (_, open) in self.open.iter_mut() {
            done = done.and(open.send(cx));
        }
        // What one of them meets is no reason not to hear what became of the others.
        for (_, open) in self.open.iter_mut() {
            done = done.and(open.sender.finish(cx));
            open.release();
        }
        done
    }

    fn is_named(&self) -> bool {
        matches!(self.producer, Producer::Named(_))
    }

    /// Opens the topic of the record in hand.
    fn open(&mut self, record: &[u8], cx: &mut Context) -> Result<(), StageError> {
        let Some(watch) = cx.watch() else { return Ok(()) };
        let topic = self.naming.name();
        let exists = self.topics.get(topic).is_some_and(|known| known.has_got_some);
        let may_create = exists || self.opener.may_create(topic, record)?;
        if let Some((name, open)) = self.open.make_room() {
            self.close_after(name, open, cx)?;
        }
        let topic = self.naming.name();
        let name = match &self.producer {
            Producer::Named(name) => Some(name.as_str()),
            Producer::Run(_) => None,
        };
        let opened = self.opener.open(topic, name, may_create, &watch)?;
        let Some((appender, stands)) = opened else { return Err(self.opener.over_limit(topic)) };
        // Opened again, what it has is of this run, and comes before what is read now.
        let new = Known { skip: Standing::of(stands), ..Known::default() };
        let known = *self.topics.entry(topic.to_owned()).or_insert(new);
        let sender = match &self.producer {
            Producer::Named(name) => Sender::new(appender, Some(name.clone()), stands),
            Producer::Run(name) => Sender::of_run(appender, name.clone(), known.stands),
        };
        let sender = sender.retrying(self.opener.retry);
        let open = Open { sender, batch: Batch::default(), skip: known.skip, will_be: false };
        self.open.insert(topic, open);
        Ok(())
    }

    /// Closes a topic after what it is to get.
    fn close_after(
        &mut self,
        name: String,
        mut open: Open,
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        open.send(cx)?;
        open.sender.finish(cx)?;
        Ok(self.close(name, open)?)
    }

    /// Takes note of what was done with a topic, and closes it.
    fn close(&mut self, name: String, open: Open) -> Result<(), store::Error> {
        let known = self.topics.entry(name).or_default();
        known.stands = open.sender.stands();
        known.has_got_some |= open.sender.appended() > 0;
        self.opener.settle(open.will_be, open.sender.has_created());
        self.appended += open.sender.appended();
        let appender = open.sender.into_appender();
        self.skipped += appender.placed().skipped;
        appender.close()
    }

    /// Closes all topics, and the log.
    fn leave(mut self) -> Left {
        let mut closed = Ok(());
        for (name, open) in self.open.take_all() {
            let one = self.close(name, open);
            closed = closed.and(one);
        }
        let failed = closed.and(self.opener.appenders.close()).err();
        // Of these the input should have had more.
        let read = self.read.records();
        let missing = |known: &Known| known.skip.records > read;
        let missing = self.topics.iter().find(|(_, known)| missing(known));
        Left {
            missing: missing.map(|(name, known)| (name.clone(), known.skip.records, read)),
            topics: self.topics.values().filter(|known| known.has_got_some).count(),
            appended: self.appended,
            skipped: self.skipped,
            passed: self.passed,
            torn: self.ending.into_torn(),
            failed,
        }
    }
}

impl Stage for Route {
    const ENDS_WITH_OUTPUT: bool = false;

    fn shows_progress(&self) -> bool {
        true
    }

    fn wants_offsets(&self) -> bool {
        self.enrich.as_ref().is_some_and(|enrich| enrich.reads_offset())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let Some(mut enrich) = self.enrich.take() else { return self.append(raw, cx) };
        let flow = enrich.apply(raw, cx, |raw, cx| self.append(raw, cx));
        self.enrich = Some(enrich);
        flow
    }

    fn takes_quiet(&self) -> bool {
        !self.ending.may_hold()
    }

    fn leaves_torn(&mut self, line: u64, cx: &Context) -> bool {
        self.ending.holds(line, cx)
    }

    fn control(&mut self, _: &Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        if cx.more_at_hand {
            return Ok(());
        }
        self.append_all(cx)
    }
}

impl Options {
    /// The input is not the one that the producer has appended.
    fn other_input(&self) -> anyhow::Error {
        let name = self.producer.as_deref().unwrap_or_default();
        let why = format!(
            "the input is not the one of which {name} has appended the beginning: it is another one, \
             or its files are in another order; use another --producer name for it"
        );
        Failure::new(Status::Data, why).into()
    }
}
