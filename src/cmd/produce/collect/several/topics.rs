//! The topics beside the home topic: each with its own position in the file that is visited.

use std::collections::HashMap;

use super::{Noting, Visit};
use crate::cli::pump::{Context, StageError};
use crate::cmd::produce::batch::Batch;
use crate::cmd::produce::route::{Left, OPEN_MAX, OpenTopics, Opener};
use crate::cmd::produce::sender::Sender;
use crate::ingest::files::identity::hash;
use crate::ingest::files::mark::Mark;
use crate::ingest::formats::Choice;
use crate::record::decode::Raw;
use crate::store;

/// Of how many sources it is remembered where they stand in a topic: others are asked for again.
const STANDS_MAX: usize = 1000;

/// All topics that were opened.
pub(super) struct Topics {
    opener: Opener,
    /// The format of the files.
    format: Choice,
    /// What a source's name has behind it in them: which home topic it belongs to.
    suffix: String,
    topics: HashMap<String, Topic>,
    open: OpenTopics<Sender>,
    /// The visit that is going on.
    visit: u64,
    /// How many records their topics had from an earlier run.
    passed: u64,
    appended: u64,
    skipped: u64,
}

#[derive(Default)]
struct Topic {
    batch: Batch,
    /// Whether it does not exist.
    is_new: bool,
    /// The line of the first record for which it will be created, if it does not exist.
    will_be: Option<u64>,
    has_created: bool,
    has_got_some: bool,
    /// The sequences of sources that it had lately.
    stands: HashMap<String, u64>,
    /// The visit that it has begun last, the name of the source there, and how many of the visit's
    /// records it has from an earlier run.
    visit: u64,
    source: String,
    skip: u64,
}

impl Topics {
    /// Those that belong to a home topic.
    pub fn new(opener: Opener, format: Choice, home: &str) -> Topics {
        Topics {
            opener,
            format,
            suffix: format!("@{:016x}", hash(home.as_bytes())),
            topics: HashMap::new(),
            open: OpenTopics::default(),
            visit: 0,
            passed: 0,
            appended: 0,
            skipped: 0,
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
        if topic.is_new && topic.will_be.is_none() {
            let will_be = self.opener.will_create(name, raw.bytes)?;
            topic.will_be = will_be.then_some(raw.line);
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
        let may_create = is_known || self.opener.may_create(name, raw.bytes)?;
        if !self.open(name, may_create, cx)? {
            return Err(self.opener.over_limit(name));
        }
        let (suffix, format, current) = (&self.suffix, &self.format, self.visit);
        let Some(watch) = cx.watch() else { return Ok(()) };
        let Some(topic) = self.topics.get_mut(name) else { return Ok(()) };
        let Some(sender) = self.open.get(name) else { return Ok(()) };
        for again in 0_u32.. {
            let mut source = format!("{}{suffix}", visit.source);
            if again > 0 {
                source += &format!(":{again:x}");
            }
            let mark = Mark::of(topic.held(&source, sender, cx)?);
            let skip = match mark.position > visit.from.position {
                // It was ahead of the home topic when a run was killed.
                true => visit.following.records_before(mark, &mut *format.decoder(), &watch)?,
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
            sender.keep(std::slice::from_ref(&topic.source), cx)?;
        }
        topic.begin_source(sender, noting, cx)?;
        Ok(())
    }

    /// Has a topic open; false if it does not exist, and may not be created.
    fn open(&mut self, name: &str, may_create: bool, cx: &mut Context) -> anyhow::Result<bool> {
        if self.open.get(name).is_some() {
            return Ok(true);
        }
        let Some(watch) = cx.watch() else { return Ok(false) };
        if let Some((oldest, sender)) = self.open.make_room() {
            // What it is to get waits; nothing is under way there.
            self.close(&oldest, sender)?;
        }
        let Some((appender, _)) = self.opener.open(name, None, may_create, &watch)? else {
            return Ok(false);
        };
        let sender = Sender::of_run(appender, None, 0).retrying(self.opener.retry);
        self.topics.entry(name.to_owned()).or_default().is_new = sender.is_new();
        self.open.insert(name, sender);
        Ok(true)
    }

    fn close(&mut self, name: &str, sender: Sender) -> Result<(), store::Error> {
        if let Some(topic) = self.topics.get_mut(name) {
            topic.note(&sender, &mut self.opener);
        }
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
                let Some(sender) = self.open.get(name) else { return Ok(()) };
                topic.begin_source(sender, noting, cx)?;
                sender.send_to(&mut topic.batch, sequence, cx)
            };
            send().unwrap_or_else(&mut *failed);
        }
        for name in names {
            let Some(topic) = self.topics.get_mut(name) else { continue };
            let Some(sender) = self.open.get(name) else { continue };
            sender.finish(cx).unwrap_or_else(&mut *failed);
            topic.note(sender, &mut self.opener);
            sender.release();
        }
    }

    /// Forgets what was taken.
    pub fn clear(&mut self) {
        self.keep_before_line(0);
    }

    /// Leaves of what was taken only the records that begin before a line.
    pub fn keep_before_line(&mut self, line: u64) {
        for topic in self.topics.values_mut() {
            topic.batch.keep_before_line(line);
            if topic.will_be.is_some_and(|first| first >= line) {
                topic.will_be = None;
                self.opener.settle(true, false);
            }
        }
    }

    /// Closes all topics, and the log.
    pub fn leave(mut self, home: Result<(), store::Error>) -> Left {
        let mut closed = home;
        for (name, sender) in self.open.take_all() {
            let one = self.close(&name, sender);
            closed = closed.and(one);
        }
        Left {
            topics: self.topics.values().filter(|topic| topic.has_got_some).count(),
            appended: self.appended,
            skipped: self.skipped,
            passed: self.passed,
            failed: closed.and(self.opener.appenders.close()).err(),
            ..Left::default()
        }
    }
}

impl Topic {
    /// Where a source stands in it.
    fn held(&mut self, source: &str, sender: &mut Sender, cx: &Context) -> anyhow::Result<u64> {
        if let Some(&held) = self.stands.get(source) {
            return Ok(held);
        }
        // A run that was killed may have sent more: it has the name until that is appended.
        let held = sender.stands_as(source, cx)?;
        if self.stands.len() >= STANDS_MAX {
            self.stands.clear();
        }
        self.stands.insert(source.to_owned(), held);
        Ok(held)
    }

    /// What it is sent from now on is of the source that it has begun.
    fn begin_source(
        &mut self,
        sender: &mut Sender,
        noting: &dyn Fn() -> Noting,
        cx: &Context,
    ) -> anyhow::Result<()> {
        let held = self.held(&self.source.clone(), sender, cx)?;
        sender.begin_source(&self.source, held, Box::new(noting()), cx)
    }

    /// Takes note of what its sender has done; nothing is under way.
    fn note(&mut self, sender: &Sender, opener: &mut Opener) {
        self.is_new = sender.is_new();
        self.has_got_some |= sender.appended() > 0;
        if let Some(stands) = self.stands.get_mut(&self.source) {
            *stands = sender.stands();
        }
        if self.batch.is_empty() {
            let is_created = sender.has_created() && !self.has_created;
            opener.settle(self.will_be.take().is_some(), is_created);
            self.has_created |= is_created;
            self.batch = Batch::default();
        }
    }
}
