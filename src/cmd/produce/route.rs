//! `--topic-by`: each record goes to the topic that its value names.

mod left;
mod naming;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::{Duration as StdDuration, Instant};

use clap::Args;
use serde_json::json;

pub(super) use self::left::Left;
pub(super) use self::naming::Naming;
use super::batch::Batch;
use super::ending::Ending;
use super::enrich::Enrich;
use super::live::Live;
use super::plain::OtherInput;
use super::position::{Position, Standing};
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
pub(super) const OPEN_MAX: usize = 128;

/// Which topic a record goes to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Topics")]
pub(super) struct RouteOptions {
    /// Append each record to the topic that the jq expression EXPR names; all operands are FILEs then
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
    let appenders = options.wait.retry_or_tell(open)?;
    let producer = match &options.producer {
        Some(name) => Producer::Named(name.clone()),
        None => Producer::Run(options.run_name(appenders.is_served())),
    };
    let ending = options.ending();
    let enrich = options.enrich.build()?;
    let unique = options.unique.asked()?;
    let most = options.route.max_topics;
    let wanted = Wanted { partitions: options.partitions, key: options.key.clone() };
    let retry = if live.is_some() { StdDuration::MAX } else { StdDuration::ZERO };
    let make = move |enrich| Route {
        naming,
        wanted,
        unique,
        created: 0,
        most,
        appenders,
        open: HashMap::new(),
        uses: 0,
        topics: HashMap::new(),
        producer,
        read: Position::default(),
        passed: 0,
        ending,
        appended: 0,
        skipped: 0,
        enrich,
        retry,
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
        stats::print(&json!({
            "topics": left.topics, "records": left.appended, "skipped": left.skipped,
            "rejected": options.input.rejected.count(), "dropped": dropped + lost.datagrams(),
            "ms": stats::ms_since(begun),
        }))?;
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

/// Why a record is bad whose topic does not exist.
pub(super) fn over_limit(topic: &str, most: usize) -> String {
    format!(
        "the topic {topic} does not exist, and {most} topics were created; allow more with \
         --max-topics"
    )
}

/// Gathers what one read returned into a batch for each topic, and appends them.
struct Route {
    naming: Naming,
    wanted: Wanted,
    /// What is appended, if not all.
    unique: Option<Unique>,
    /// How many of the topics that are closed now were created here, and how many may be in all.
    created: usize,
    most: usize,
    appenders: Appenders,
    /// The topics that are open.
    open: HashMap<String, Open>,
    uses: u64,
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
    /// How long to try again while the log cannot take records.
    retry: StdDuration,
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
    /// When it was used last, counted in batches and topics.
    used: u64,
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
        if !self.open.contains_key(self.naming.name()) {
            self.open(raw.bytes, cx)?;
        }
        let Some(open) = self.open.get_mut(self.naming.name()) else {
            return Ok(ControlFlow::Continue(()));
        };
        let is_named = matches!(self.producer, Producer::Named(_));
        if is_named && self.read.records() <= open.skip.records {
            self.passed += 1;
            let is_last = self.read.records() == open.skip.records;
            return match open.skip.agrees(self.read) || !is_last {
                true => Ok(ControlFlow::Continue(())),
                false => Err(OtherInput.into()),
            };
        }
        if open.batch.bytes().len() + raw.bytes.len() >= BATCH_BYTES {
            open.sender.send(&mut open.batch, cx)?;
        }
        if open.batch.is_empty() {
            self.uses += 1;
            open.used = self.uses;
        }
        // A batch may be of several inputs, since it waits until it is full.
        if !cx.is_merged() {
            open.batch.begin_origin(cx.source());
        }
        open.batch.push(raw);
        if is_named {
            open.batch.mark(self.read.sequence());
        }
        Ok(ControlFlow::Continue(()))
    }

    fn is_named(&self) -> bool {
        matches!(self.producer, Producer::Named(_))
    }

    /// Opens the topic of the record in hand.
    fn open(&mut self, record: &[u8], cx: &mut Context) -> Result<(), StageError> {
        let Some(watch) = cx.watch() else { return Ok(()) };
        let topic = self.naming.name();
        let exists = self.topics.get(topic).is_some_and(|known| known.has_got_some);
        let may_create = self.count() < self.most;
        // Nothing is asked of the log for each record of topics that cannot be.
        if !may_create && !exists && self.appenders.is_missing(topic)? {
            let (wanted, unique) = (&self.wanted, self.unique.as_ref());
            if let Some(why) = self.appenders.refusal(topic, wanted, unique, record)? {
                return Err(StageError::Bad(why));
            }
            if !self.makes_room(cx)? {
                return Err(StageError::Bad(over_limit(self.naming.name(), self.most)));
            }
        }
        let may_create = may_create || self.count() < self.most;
        if self.open.len() >= OPEN_MAX {
            self.close_one(cx)?;
        }
        let name = match &self.producer {
            Producer::Named(name) => Some(name.as_str()),
            Producer::Run(_) => None,
        };
        let opened =
            self.appenders.open(self.naming.name(), &self.wanted, name, may_create, &*watch);
        let Some((mut appender, stands)) = opened? else {
            return Err(StageError::Bad(over_limit(self.naming.name(), self.most)));
        };
        appender.append_only(self.unique.clone());
        // Opened again, what it has is of this run, and comes before what is read now.
        let new = Known { skip: Standing::of(stands), ..Known::default() };
        let known = *self.topics.entry(self.naming.name().to_owned()).or_insert(new);
        let sender = match &self.producer {
            Producer::Named(name) => Sender::new(appender, Some(name.clone()), stands),
            Producer::Run(name) => Sender::of_run(appender, name.clone(), known.stands),
        };
        let sender = sender.retrying(self.retry);
        let open = Open { sender, batch: Batch::default(), skip: known.skip, used: self.uses };
        self.open.insert(self.naming.name().to_owned(), open);
        Ok(())
    }

    /// How many topics were created, or will be with their first good record.
    fn count(&self) -> usize {
        let counts = |open: &&Open| open.sender.has_created() || open.sender.is_new();
        self.created + self.open.values().filter(counts).count()
    }

    /// Closes the topics that do not exist: they may have got no good record, and are not created
    /// then. Whether one more may be created after that.
    fn makes_room(&mut self, cx: &mut Context) -> anyhow::Result<bool> {
        let new = self.open.iter().filter(|(_, open)| open.sender.is_new());
        for name in new.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.close_after(name, cx)?;
        }
        Ok(self.count() < self.most)
    }

    /// Closes the topic that was not used for longest.
    fn close_one(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let oldest = self.open.iter().min_by_key(|(_, open)| open.used);
        let Some(name) = oldest.map(|(name, _)| name.clone()) else { return Ok(()) };
        self.close_after(name, cx)
    }

    /// Closes a topic after what it is to get.
    fn close_after(&mut self, name: String, cx: &mut Context) -> anyhow::Result<()> {
        let Some(mut open) = self.open.remove(&name) else { return Ok(()) };
        open.sender.send(&mut open.batch, cx)?;
        open.sender.finish(cx)?;
        Ok(self.close(name, open)?)
    }

    /// Takes note of what was done with a topic, and closes it.
    fn close(&mut self, name: String, open: Open) -> Result<(), store::Error> {
        let known = self.topics.entry(name).or_default();
        known.stands = open.sender.stands();
        known.has_got_some |= open.sender.appended() > 0;
        self.created += usize::from(open.sender.has_created());
        self.appended += open.sender.appended();
        let appender = open.sender.into_appender();
        self.skipped += appender.placed().skipped;
        appender.close()
    }

    /// Closes all topics, and the log.
    fn leave(mut self) -> Left {
        let mut closed = Ok(());
        for (name, open) in std::mem::take(&mut self.open) {
            let one = self.close(name, open);
            closed = closed.and(one);
        }
        let failed = closed.and(self.appenders.close()).err();
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
