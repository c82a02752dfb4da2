//! Appending batches one behind the other, several under way at a time.

mod lent;
mod mending;
mod patience;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::announce;
use super::batch::Batch;
use super::position::Position;
use crate::api::appending::Stands;
use crate::api::error::BadRecord;
use crate::cli::counters::{Place, counters};
use crate::cli::pump::Context;
use crate::cli::{Failure, Status};
use crate::log::Identity;
use crate::store::{self, AppendError, Appender};

/// How many bytes are sent ahead of the log's answers: enough that it has the next ones at hand
/// when the disk is done with those before.
const AHEAD_BYTES_MAX: usize = 4 << 20;

/// How many names of sources are held at most: a connection may not have many (`--max-names`).
const NAMES_MAX: usize = 64;

/// Appends batches in order; the log takes none behind one that it refused.
pub(super) struct Sender {
    appender: Appender,
    producer: Option<String>,
    /// Whether that is the name of this run alone: what the log does not know of it was not
    /// appended.
    is_run: bool,
    /// Where in the input the next batch begins; without a producer nobody wants to know.
    at: Position,
    /// The source whose records are sent, if it is one that resumes.
    origin: Option<Box<dyn Origin>>,
    /// The names of sources that were appended as last.
    names: VecDeque<String>,
    /// Names that are ours as long as we run, so that nobody else does the same.
    claims: Vec<String>,
    /// How long to try again while the log refuses what is no fault of the records.
    retry: Duration,
    /// Where the log has the producer, or will have it: the sequence of the batch sent last.
    stands: u64,
    appended: u64,
    /// Whether its topic was created here.
    has_created: bool,
    sent: VecDeque<Sent>,
    sent_bytes: usize,
    /// For the next batch.
    spare: Vec<Batch>,
    /// How many times in a row the log was lent the input and appended nothing.
    fruitless: u32,
    /// Why the log is gone, if it is, and nobody has waited yet for it to come back.
    lost: Option<store::Error>,
    /// How many of the batches in `sent`, the last ones, did not get to it for that.
    unsent: usize,
    /// Whether a signal ends waits for the log.
    heeds: bool,
    /// Since when the log refuses what is no fault of the records, and how long the next pause is.
    refused_since: Option<Instant>,
    pause: Duration,
}

/// Where records come from that the log may refuse.
pub(super) trait Origin {
    /// How many lines lie before those that the decoder has seen.
    fn lines_before(&self) -> u64;

    /// The sequence that the source has before one of its lines.
    ///
    /// # Errors
    /// When it cannot be read.
    fn sequence_before(&self, line: u64) -> anyhow::Result<u64>;
}

/// How long to leave a log alone that refuses what is no fault of the records, at first and at
/// most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// What became of a batch: how many records were appended, or which are bad, so that none was.
type Outcome = Result<u64, Vec<BadRecord>>;

/// A batch that was sent and not yet answered.
struct Sent {
    batch: Batch,
    /// The producer's sequence before it.
    after: u64,
    /// Where it begins in the input.
    begin: Position,
    /// The producer's sequence after it.
    sequence: u64,
}

impl Sender {
    /// Appends as `producer`, whom the log has at this sequence.
    pub fn new(appender: Appender, producer: Option<String>, stands: u64) -> Sender {
        Sender {
            appender,
            producer,
            is_run: false,
            at: Position::default(),
            origin: None,
            names: VecDeque::new(),
            claims: Vec::new(),
            retry: Duration::ZERO,
            stands,
            appended: 0,
            has_created: false,
            sent: VecDeque::new(),
            sent_bytes: 0,
            spare: Vec::new(),
            fruitless: 0,
            lost: None,
            unsent: 0,
            heeds: false,
            refused_since: None,
            pause: PAUSES.0,
        }
    }

    /// Appends under a name that no other run has, if there is one, which the log has at this
    /// sequence.
    pub fn of_run(appender: Appender, name: Option<String>, stands: u64) -> Sender {
        Sender { is_run: true, ..Sender::new(appender, name, stands) }
    }

    /// How many records were appended.
    pub fn appended(&self) -> u64 {
        self.appended
    }

    /// Whether its topic was created here.
    pub fn has_created(&self) -> bool {
        self.has_created
    }

    /// Whether its topic does not exist, as far as is known.
    pub fn is_new(&self) -> bool {
        self.appender.is_new()
    }

    /// Gives the log back.
    pub fn into_appender(self) -> Appender {
        self.appender
    }

    /// Gives back the memory of what was sent, since there are many others; nothing is under way.
    pub fn release(&mut self) {
        self.spare = Vec::new();
        self.appender.release_memory();
    }

    /// Tries again for so long while the log refuses what is no fault of the records.
    #[must_use]
    pub fn retrying(self, retry: Duration) -> Sender {
        Sender { retry, ..self }
    }

    /// Takes names that nobody else has as long as we run.
    ///
    /// # Errors
    /// When somebody else has one.
    pub fn claim(&mut self, names: Vec<String>) -> anyhow::Result<()> {
        for name in &names {
            self.appender.stands(name)?;
        }
        self.claims = names;
        Ok(())
    }

    /// Has the topic created, if it does not exist, to know where a source stands.
    pub fn keep_positions(&mut self) {
        self.appender.keep_positions();
    }

    /// Where all sources stand that the topic knows.
    ///
    /// # Errors
    /// When what the log holds of them cannot be read.
    pub fn sources(&mut self) -> Result<Vec<Stands>, store::Error> {
        self.appender.sources()
    }

    /// Appends as a source from now on, which the log has at this sequence. All that was sent must
    /// be finished.
    ///
    /// # Errors
    /// When the log is gone.
    pub fn begin_source(
        &mut self,
        name: &str,
        stands: u64,
        origin: Box<dyn Origin>,
        cx: &Context,
    ) -> anyhow::Result<()> {
        if !self.names.iter().any(|own| own == name) {
            if self.names.len() >= NAMES_MAX
                && let Some(oldest) = self.names.pop_front()
            {
                self.persist(cx, |appender| appender.release(&oldest))?;
            }
            self.names.push_back(name.to_owned());
        }
        self.producer = Some(name.to_owned());
        (self.stands, self.origin) = (stands, Some(origin));
        Ok(())
    }

    /// Takes a source's name; tells where the source stands, over as many daemons as that takes.
    ///
    /// # Errors
    /// When somebody else has the name.
    pub fn stands_as(&mut self, name: &str, cx: &Context) -> anyhow::Result<u64> {
        self.persist(cx, |appender| appender.stands(name))
    }

    /// Tells the log that sources are still there. All that was sent must be finished.
    ///
    /// # Errors
    /// When the log cannot note it.
    pub fn keep(&mut self, names: &[String], cx: &mut Context) -> anyhow::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        self.persist(cx, |appender| appender.keep_sources(names))
    }

    /// The producer's sequence after all that was sent.
    pub fn stands(&self) -> u64 {
        self.stands
    }

    /// Sends a batch of a source, after which it has this sequence; also an empty batch.
    pub fn send_to(
        &mut self,
        batch: &mut Batch,
        sequence: u64,
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        self.heed(cx)?;
        let next = self.spare.pop().unwrap_or_default();
        let batch = std::mem::replace(batch, next);
        let (after, begin) = (self.stands, self.at);
        self.stands = sequence;
        self.dispatch(Sent { batch, after, begin, sequence })?;
        self.wait_for_room(cx)
    }

    fn heed(&mut self, cx: &Context) -> anyhow::Result<()> {
        if !self.heeds
            && let Some(watch) = cx.watch()
        {
            self.appender.heed(&*watch)?;
            self.heeds = true;
        }
        Ok(())
    }

    fn wait_for_room(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        while self.sent_bytes > AHEAD_BYTES_MAX {
            self.finish_one(cx)?;
        }
        Ok(())
    }

    /// The input goes on behind what the log has of it from before.
    pub fn begin_at(&mut self, at: Position) {
        self.at = at;
    }

    /// Sends a batch; an empty one is left in its place. Waits only if much is under way already.
    pub fn send(&mut self, batch: &mut Batch, cx: &mut Context) -> anyhow::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        self.heed(cx)?;
        let next = self.spare.pop().unwrap_or_default();
        let batch = std::mem::replace(batch, next);
        let (after, begin) = (self.stands, self.at);
        let (sequence, end) = self.behind(after, begin, &batch);
        (self.stands, self.at) = (sequence, end);
        self.dispatch(Sent { batch, after, begin, sequence })?;
        self.wait_for_room(cx)
    }

    /// Waits until all that was sent is appended.
    pub fn finish(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        while !self.sent.is_empty() {
            self.finish_one(cx)?;
        }
        Ok(())
    }

    /// The sequence after a batch, and where that ends in the input.
    fn behind(&self, after: u64, begin: Position, batch: &Batch) -> (u64, Position) {
        let records = batch.len() as u64;
        if let Some(sequence) = batch.sequence() {
            return (sequence, begin);
        }
        if self.is_run || self.producer.is_none() {
            // Of a run, nobody compares the records: they are only counted.
            return (after.saturating_add(records), begin);
        }
        let end = begin.behind(batch.bytes(), records);
        (end.sequence(), end)
    }

    fn begin(&mut self, sent: &Sent) -> Result<(), store::Error> {
        let identity = self.producer.clone().map(|producer| Identity {
            producer,
            after: (!self.is_run).then_some(sent.after),
            sequence: sent.sequence,
        });
        counters().at(Place::Output, || self.appender.begin(sent.batch.bytes(), identity))
    }

    /// Hands a batch over to the log. If that is gone, the batch waits until it is known what
    /// became of those before it.
    fn dispatch(&mut self, sent: Sent) -> anyhow::Result<()> {
        if self.lost.is_none() {
            match self.begin(&sent) {
                Err(error) if self.appender.may_go_on(&error) => self.lost = Some(error),
                begun => begun.map_err(|error| self.unanswered(error))?,
            }
            self.has_created |= announce(&mut self.appender);
        }
        self.unsent += usize::from(self.lost.is_some());
        self.sent_bytes += sent.batch.bytes().len();
        self.sent.push_back(sent);
        Ok(())
    }

    /// Waits for the earliest batch.
    fn finish_one(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        match self.outcome(cx)? {
            None => Ok(()),
            Some((sent, Ok(records))) => {
                self.note(sent, records);
                Ok(())
            }
            Some((sent, Err(bad))) => self.mend(sent, &bad, cx),
        }
    }

    /// Takes the earliest batch and what became of it, over as many daemons as that takes: how many
    /// records were appended, or which are bad. None if another daemon says that all are appended.
    fn outcome(&mut self, cx: &Context) -> anyhow::Result<Option<(Sent, Outcome)>> {
        while !self.sent.is_empty() {
            if self.sent.len() == self.unsent
                && let Some(lost) = self.lost.take()
            {
                self.go_on(lost, cx)?;
                continue;
            }
            let finish = || self.appender.finish();
            let outcome = match counters().at(Place::Output, finish) {
                Ok(records) => Ok(records),
                Err(AppendError::Bad(bad)) => Err(bad),
                Err(AppendError::Behind) => return Err(out_of_turn()),
                Err(AppendError::Other(error)) if self.can_tell(&error) => {
                    self.go_on(error, cx)?;
                    continue;
                }
                Err(AppendError::Other(error)) if self.may_retry(&error) => {
                    self.try_again(error, cx)?;
                    continue;
                }
                Err(AppendError::Other(error)) => return Err(self.unanswered(error)),
            };
            self.pause = PAUSES.0;
            self.refused_since = None;
            return Ok(self.take_first().map(|sent| (sent, outcome)));
        }
        Ok(None)
    }

    /// Says what is not known, if a signal has ended the wait for an answer.
    fn unanswered(&self, error: store::Error) -> anyhow::Error {
        if !error.is_interrupted() {
            return error.into();
        }
        let error = anyhow::Error::from(error);
        let records: u64 = self.sent.iter().map(|sent| sent.batch.len() as u64).sum();
        let what = match records {
            0 => "what was read last is not appended".to_owned(),
            1 => "1 record is not acknowledged, and may be appended or not".to_owned(),
            _ => format!("{records} records are not acknowledged, and may be appended or not"),
        };
        Failure::new(Status::of(&error), format!("{error}; {what}")).into()
    }

    /// Whether we may go on after this error and know what of all that was sent is appended:
    /// nothing more, or what the log tells of the producer.
    fn can_tell(&self, error: &store::Error) -> bool {
        let told = self.producer.is_some() || self.appender.is_repeatable();
        let known = told || !error.is_in_doubt();
        known && self.appender.may_go_on(error)
    }

    fn take_first(&mut self) -> Option<Sent> {
        let sent = self.sent.pop_front()?;
        self.sent_bytes -= sent.batch.bytes().len();
        Some(sent)
    }

    fn note(&mut self, sent: Sent, records: u64) {
        counters().appended(records);
        self.appended = self.appended.saturating_add(records);
        let mut batch = sent.batch;
        batch.clear();
        self.spare.push(batch);
    }
}

fn out_of_turn() -> anyhow::Error {
    anyhow!("log-serve's answers do not match the requests; use log-serve of the same version")
}
