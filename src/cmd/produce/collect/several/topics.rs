//! The topics beside the home topic: each with its own position in the file that is visited.

use std::collections::HashMap;
use std::time::Duration;

use super::{Noting, Visit};
use crate::api::appending::Unique;
use crate::cli::pump::{Context, StageError};
use crate::cmd::produce::batch::Batch;
use crate::cmd::produce::route::{Left, OPEN_MAX, over_limit};
use crate::cmd::produce::sender::Sender;
use crate::ingest::files::identity::hash;
use crate::ingest::files::mark::Mark;
use crate::ingest::formats::Choice;
use crate::record::decode::Raw;
use crate::store::{self, Appenders, Wanted};

/// Of how many sources it is remembered where they stand in a topic: others are asked for again.
const STANDS_MAX: usize = 1000;

/// How topics are opened.
pub(in crate::cmd::produce::collect) struct Wishes {
    pub appenders: Appenders,
    pub wanted: Wanted,
    pub unique: Option<Unique>,
    /// How long to try again while the log cannot take records.
    pub retry: Duration,
    /// How many topics may be created.
    pub topics_max: usize,
    /// The format of the files.
    pub format: Choice,
}

/// All topics that were opened.
pub(super) struct Topics {
    wishes: Wishes,
    /// What a source's name has behind it in them: which home topic it belongs to.
    suffix: String,
    topics: HashMap<String, Topic>,
    /// The visit that is going on, and how often a topic was used.
    visit: u64,
    uses: u64,
    /// How many records their topics had from an earlier run.
    passed: u64,
    appended: u64,
    skipped: u64,
    created: usize,
}

#[derive(Default)]
struct Topic {
    /// None while it is closed.
    sender: Option<Sender>,
    batch: Batch,
    /// Whether it does not exist.
    is_new: bool,
    has_got_some: bool,
    /// The sequences of sources that it had lately.
    stands: HashMap<String, u64>,
    /// The visit that it has begun last, the name of the source there, and how many of the visit's
    /// records it has from an earlier run.
    visit: u64,
    source: String,
    skip: u64,
    used: u64,
}

impl Topics {
    /// Those that belong to a home topic.
    pub fn new(wishes: Wishes, home: &str) -> Topics {
        Topics {
            wishes,
            suffix: format!("@{:016x}", hash(home.as_bytes())),
            topics: HashMap::new(),
            visit: 0,
            uses: 0,
            passed: 0,
            appended: 0,
            skipped: 0,
            created: 0,
        }
    }

    /// Another visit begins.
    pub fn begin_visit(&mut self) {
        self.visit += 1;
    }

    /// Takes a record of the visit, the one with this number; whether its topic does not have it.
    ///
    /// # Errors
    /// When the topic cannot be opened, or would be one too many.
    pub fn take(
        &mut self,
        name: &str,
        raw: Raw<'_>,
        number: u64,
        visit: &Visit,
        noting: &dyn Fn() -> Noting,
        cx: &mut Context,
    ) -> Result<bool, StageError> {
        if self.topics.get(name).is_none_or(|topic| topic.visit != self.visit) {
            self.begin(name, raw, visit, noting, cx)?;
        }
        let Some(topic) = self.topics.get_mut(name) else { return Ok(false) };
        if number <= topic.skip {
            self.passed += 1;
            return Ok(false);
        }
        topic.batch.push(raw);
        Ok(true)
    }

    /// A topic gets its first record of a visit.
    fn begin(
        &mut self,
        name: &str,
        raw: Raw<'_>,
        visit: &Visit,
        noting: &dyn Fn() -> Noting,
        cx: &mut Context,
    ) -> Result<(), StageError> {
        let is_known = self.topics.contains_key(name);
        let may_create = is_known || self.may_create();
        if !may_create && self.wishes.appenders.is_missing(name)? {
            let Wishes { appenders, wanted, unique, .. } = &mut self.wishes;
            let refusal = appenders.refusal(name, wanted, unique.as_ref(), raw.bytes)?;
            let over = || over_limit(name, self.wishes.topics_max);
            return Err(StageError::Bad(refusal.unwrap_or_else(over)));
        }
        if !self.open(name, may_create, cx)? {
            return Err(StageError::Bad(over_limit(name, self.wishes.topics_max)));
        }
        let (suffix, format, current) = (&self.suffix, &self.wishes.format, self.visit);
        let Some(topic) = self.topics.get_mut(name) else { return Ok(()) };
        for again in 0_u32.. {
            let mut source = format!("{}{suffix}", visit.source);
            if again > 0 {
                source += &format!(":{again:x}");
            }
            let mark = Mark::of(topic.held(&source, cx)?);
            let skip = match mark.position > visit.from.position {
                // It was ahead of the home topic when a run was killed.
                true => visit.following.records_before(mark, &mut *format.decoder())?,
                false => Some(0),
            };
            // Otherwise it had another file that began like this one.
            if let Some(skip) = skip {
                (topic.visit, topic.source, topic.skip) = (current, source, skip);
                break;
            }
        }
        if topic.skip > 0 {
            // Until the home topic has come so far.
            let source = topic.source.clone();
            topic
                .sender
                .iter_mut()
                .try_for_each(|sender| sender.keep(std::slice::from_ref(&source), cx))?;
        }
        topic.begin_source(noting, cx)?;
        Ok(())
    }

    /// Has a topic open; false if it does not exist, and may not be created.
    fn open(&mut self, name: &str, may_create: bool, cx: &mut Context) -> anyhow::Result<bool> {
        self.uses += 1;
        let used = self.uses;
        if let Some(topic) = self.topics.get_mut(name)
            && topic.sender.is_some()
        {
            topic.used = used;
            return Ok(true);
        }
        let Some(sender) = self.opened(name, may_create, cx)? else { return Ok(false) };
        let topic = self.topics.entry(name.to_owned()).or_default();
        (topic.is_new, topic.used) = (sender.is_new(), used);
        topic.sender = Some(sender);
        Ok(true)
    }

    fn opened(
        &mut self,
        name: &str,
        may_create: bool,
        cx: &mut Context,
    ) -> anyhow::Result<Option<Sender>> {
        let Some(watch) = cx.watch() else { return Ok(None) };
        let open = self.topics.values().filter(|topic| topic.sender.is_some()).count();
        if open >= OPEN_MAX {
            self.close_one()?;
        }
        let Wishes { appenders, wanted, unique, retry, .. } = &self.wishes;
        let opened = appenders.open(name, wanted, None, may_create, &*watch)?;
        Ok(opened.map(|(mut appender, _)| {
            appender.append_only(unique.clone());
            Sender::of_run(appender, None, 0).retrying(*retry)
        }))
    }

    /// Whether one more topic may be created: those that do not exist count if they will, with what
    /// was taken for them.
    fn may_create(&self) -> bool {
        let will_be = |topic: &&Topic| {
            let sender = topic.sender.as_ref();
            let takes = |sender: &Sender| sender.takes_some(&topic.batch);
            topic.is_new && !topic.batch.is_empty() && sender.is_none_or(takes)
        };
        let created = |topic: &&Topic| topic.sender.as_ref().is_some_and(Sender::has_created);
        let open = self.topics.values().filter(|topic| created(topic) || will_be(topic)).count();
        self.created + open < self.wishes.topics_max
    }

    /// Closes the topic that was not used for longest; what it is to get waits. Nothing is under
    /// way there.
    fn close_one(&mut self) -> Result<(), store::Error> {
        let open = self.topics.values_mut().filter(|topic| topic.sender.is_some());
        let Some(topic) = open.min_by_key(|topic| topic.used) else { return Ok(()) };
        let Some(sender) = topic.sender.take() else { return Ok(()) };
        topic.note(&sender);
        if topic.batch.is_empty() {
            topic.batch = Batch::default();
        }
        self.close(sender)
    }

    fn close(&mut self, sender: Sender) -> Result<(), store::Error> {
        self.created += usize::from(sender.has_created());
        self.appended += sender.appended();
        let appender = sender.into_appender();
        self.skipped += appender.placed().skipped;
        appender.close()
    }

    /// Whether there is anything to send.
    pub fn have_some(&self) -> bool {
        self.topics.values().any(|topic| !topic.batch.is_empty())
    }

    /// Sends all that was taken, and waits until it is appended; each topic then has the file at
    /// this sequence. `failed` hears why one could not.
    pub fn send(
        &mut self,
        sequence: u64,
        noting: &dyn Fn() -> Noting,
        cx: &mut Context,
        failed: &mut dyn FnMut(anyhow::Error),
    ) {
        let some = self.topics.iter().filter(|(_, topic)| !topic.batch.is_empty());
        let names: Vec<String> = some.map(|(name, _)| name.clone()).collect();
        // All that are open at a time are under way before one is waited for. Others are opened
        // after that: who is closed for them has no answer to come, which would be theirs.
        for names in names.chunks(OPEN_MAX) {
            self.send_to_each(names, sequence, noting, cx, failed);
        }
    }

    fn send_to_each(
        &mut self,
        names: &[String],
        sequence: u64,
        noting: &dyn Fn() -> Noting,
        cx: &mut Context,
        failed: &mut dyn FnMut(anyhow::Error),
    ) {
        for name in names {
            let mut send = || {
                self.open(name, true, cx)?;
                let Some(topic) = self.topics.get_mut(name) else { return Ok(()) };
                topic.begin_source(noting, cx)?;
                let Some(sender) = &mut topic.sender else { return Ok(()) };
                sender.send_to(&mut topic.batch, sequence, cx)
            };
            send().unwrap_or_else(&mut *failed);
        }
        for name in names {
            let Some(topic) = self.topics.get_mut(name) else { continue };
            let Some(mut sender) = topic.sender.take() else { continue };
            sender.finish(cx).unwrap_or_else(&mut *failed);
            topic.note(&sender);
            topic.sender = Some(sender);
        }
    }

    /// Forgets what was taken.
    pub fn clear(&mut self) {
        self.topics.values_mut().for_each(|topic| topic.batch.clear());
    }

    /// Leaves of what was taken only the records that begin before a line.
    pub fn keep_before_line(&mut self, line: u64) {
        self.topics.values_mut().for_each(|topic| topic.batch.keep_before_line(line));
    }

    /// Closes all topics, and the log.
    pub fn leave(mut self, home: Result<(), store::Error>) -> Left {
        let mut closed = home;
        let senders: Vec<Sender> =
            self.topics.values_mut().filter_map(|topic| topic.sender.take()).collect();
        for sender in senders {
            let one = self.close(sender);
            closed = closed.and(one);
        }
        Left {
            topics: self.topics.values().filter(|topic| topic.has_got_some).count(),
            appended: self.appended,
            skipped: self.skipped,
            passed: self.passed,
            failed: closed.and(self.wishes.appenders.close()).err(),
            ..Left::default()
        }
    }
}

impl Topic {
    /// Where a source stands in it.
    fn held(&mut self, source: &str, cx: &Context) -> anyhow::Result<u64> {
        if let Some(&held) = self.stands.get(source) {
            return Ok(held);
        }
        let Some(sender) = &mut self.sender else { return Ok(0) };
        // A run that was killed may have sent more: it has the name until that is appended.
        let held = sender.stands_as(source, cx)?;
        if self.stands.len() >= STANDS_MAX {
            self.stands.clear();
        }
        self.stands.insert(source.to_owned(), held);
        Ok(held)
    }

    /// What it is sent from now on is of the source that it has begun.
    fn begin_source(&mut self, noting: &dyn Fn() -> Noting, cx: &Context) -> anyhow::Result<()> {
        let held = self.held(&self.source.clone(), cx)?;
        let Some(sender) = &mut self.sender else { return Ok(()) };
        sender.begin_source(&self.source, held, Box::new(noting()), cx)
    }

    /// Takes note of what its sender has done; nothing is under way.
    fn note(&mut self, sender: &Sender) {
        self.is_new = sender.is_new();
        self.has_got_some |= sender.appended() > 0;
        if let Some(stands) = self.stands.get_mut(&self.source) {
            *stands = sender.stands();
        }
    }
}
