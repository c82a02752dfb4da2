//! Appending batches one behind the other, several under way at a time.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

use anyhow::anyhow;

use super::batch::Batch;
use super::position::Position;
use crate::api::error::BadRecord;
use crate::cli::blame::explained;
use crate::cli::input::Watch;
use crate::cli::lending::{Back, Lender};
use crate::cli::pump::Context;
use crate::cli::{Failure, Status};
use crate::log::Identity;
use crate::record::decode::Raw;
use crate::store::{self, AppendError, Appender};

/// How many bytes are sent ahead of the log's answers: enough that it has the next ones at hand
/// when the disk is done with those before.
const AHEAD_BYTES_MAX: usize = 4 << 20;

/// How many times in a row the input is lent in vain, as when its lines come in pieces.
const FRUITLESS_MAX: u32 = 8;

/// Appends batches in order; the log takes none behind one that it refused.
pub(super) struct Sender {
    appender: Appender,
    producer: Option<String>,
    /// Where in the input the next batch begins; without a producer nobody wants to know.
    at: Position,
    /// Where the log has the producer, or will have it: the sequence of the batch sent last.
    stands: u64,
    appended: u64,
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
}

/// What became of a batch: how many records were appended, or which are bad, so that none was.
type Outcome = Result<u64, Vec<BadRecord>>;

/// A batch that was sent and not yet answered.
struct Sent {
    batch: Batch,
    /// The producer's sequence before it.
    after: u64,
    /// Where it begins and ends in the input.
    begin: Position,
    end: Position,
}

impl Sender {
    /// Appends as `producer`, whom the log has at this sequence.
    pub fn new(appender: Appender, producer: Option<String>, stands: u64) -> Sender {
        Sender {
            appender,
            producer,
            at: Position::default(),
            stands,
            appended: 0,
            sent: VecDeque::new(),
            sent_bytes: 0,
            spare: Vec::new(),
            fruitless: 0,
            lost: None,
            unsent: 0,
            heeds: false,
        }
    }

    /// How many records were appended.
    pub fn appended(&self) -> u64 {
        self.appended
    }

    /// Gives the log back.
    pub fn into_appender(self) -> Appender {
        self.appender
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
        if !self.heeds
            && let Some(watch) = cx.watch()
        {
            self.appender.heed(&*watch)?;
            self.heeds = true;
        }
        let next = self.spare.pop().unwrap_or_default();
        let batch = std::mem::replace(batch, next);
        let (after, begin) = (self.stands, self.at);
        let end = self.behind(begin, &batch);
        let sent = Sent { batch, after, begin, end };
        (self.stands, self.at) = (end.sequence(), end);
        self.dispatch(sent)?;
        while self.sent_bytes > AHEAD_BYTES_MAX {
            self.finish_one(cx)?;
        }
        Ok(())
    }

    /// Waits until all that was sent is appended.
    pub fn finish(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        while !self.sent.is_empty() {
            self.finish_one(cx)?;
        }
        Ok(())
    }

    /// Whether there is any use in lending the input: the log counts no producer's records.
    pub fn lends(&self) -> bool {
        self.producer.is_none() && self.fruitless < FRUITLESS_MAX && self.lost.is_none()
    }

    /// Where a batch ends that begins there.
    fn behind(&self, begin: Position, batch: &Batch) -> Position {
        match self.producer {
            Some(_) => begin.behind(batch.bytes(), batch.len() as u64),
            None => begin,
        }
    }

    fn begin(&mut self, sent: &Sent) -> Result<(), store::Error> {
        let identity = self.producer.clone().map(|producer| Identity {
            producer,
            after: Some(sent.after),
            sequence: sent.end.sequence(),
        });
        self.appender.begin(sent.batch.bytes(), identity)
    }

    /// Hands a batch over to the log. If that is gone, the batch waits until it is known what
    /// became of those before it.
    fn dispatch(&mut self, sent: Sent) -> anyhow::Result<()> {
        if self.lost.is_none() {
            match self.begin(&sent) {
                Err(error) if self.appender.may_go_on(&error) => self.lost = Some(error),
                begun => begun.map_err(|error| self.unanswered(error))?,
            }
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
            let outcome = match self.appender.finish() {
                Ok(records) => Ok(records),
                Err(AppendError::Bad(bad)) => Err(bad),
                Err(AppendError::Behind) => return Err(out_of_turn()),
                Err(AppendError::Other(error)) if self.can_tell(&error) => {
                    self.go_on(error, cx)?;
                    continue;
                }
                Err(AppendError::Other(error)) => return Err(self.unanswered(error)),
            };
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

    /// Waits for another daemon, and hands over to it what the one that is gone did not append.
    fn go_on(&mut self, lost: store::Error, cx: &Context) -> anyhow::Result<()> {
        let Some(watch) = cx.watch() else { return Err(lost.into()) };
        let stands = self.appender.reconnect(self.producer.as_deref(), &*watch)?;
        (self.lost, self.unsent) = (None, 0);
        if self.producer.is_some() {
            self.pass_appended(stands)?;
        }
        self.sent_bytes = 0;
        let again = std::mem::take(&mut self.sent);
        again.into_iter().try_for_each(|sent| self.dispatch(sent))
    }

    /// Takes note of the batches that are appended, by where the log has the producer.
    fn pass_appended(&mut self, stands: u64) -> anyhow::Result<()> {
        if self.sent.front().is_none_or(|first| first.after == stands) {
            return Ok(());
        }
        let Some(last) = self.sent.iter().position(|sent| sent.end.sequence() == stands) else {
            let name = self.producer.as_deref().unwrap_or_default();
            return Err(anyhow!(
                "another process appended as {name} while log-serve was gone; run produce again to \
                 resume after the records of {name}"
            ));
        };
        for _ in 0..=last {
            if let Some(sent) = self.take_first() {
                let records = sent.batch.len() as u64;
                self.note(sent, records);
            }
        }
        Ok(())
    }

    fn take_first(&mut self) -> Option<Sent> {
        let sent = self.sent.pop_front()?;
        self.sent_bytes -= sent.batch.bytes().len();
        Some(sent)
    }

    fn note(&mut self, sent: Sent, records: u64) {
        self.appended = self.appended.saturating_add(records);
        let mut batch = sent.batch;
        batch.clear();
        self.spare.push(batch);
    }

    /// Deals with a batch that has bad records; then those behind it, which were refused for
    /// that, are appended one by one.
    fn mend(&mut self, sent: Sent, bad: &[BadRecord], cx: &mut Context) -> anyhow::Result<()> {
        let behind = std::mem::take(&mut self.sent);
        let answers = behind.len() - std::mem::take(&mut self.unsent);
        self.sent_bytes = 0;
        for _ in 0..answers {
            match self.appender.finish() {
                Err(AppendError::Behind) => {}
                // None of them is appended, in any case.
                Err(AppendError::Other(error)) if self.appender.may_go_on(&error) => {
                    self.lost = Some(error);
                    break;
                }
                Err(AppendError::Other(error)) => return Err(self.unanswered(error)),
                _ => return Err(out_of_turn()),
            }
        }
        // A batch without one good record is not appended, and the next begins where it did.
        self.stands = self.append_good(sent, bad, cx)?;
        for mut sent in behind {
            sent.after = self.stands;
            self.stands = self.append(sent, cx)?;
        }
        Ok(())
    }

    /// Appends a batch while nothing else is under way; tells where the producer stands then.
    fn append(&mut self, sent: Sent, cx: &mut Context) -> anyhow::Result<u64> {
        let stands = sent.end.sequence();
        self.dispatch(sent)?;
        match self.outcome(cx)? {
            None => Ok(stands),
            Some((sent, Ok(records))) => {
                self.note(sent, records);
                Ok(stands)
            }
            Some((sent, Err(bad))) => self.append_good(sent, &bad, cx),
        }
    }

    /// Rejects the bad records and appends the others; if rejects are not kept, only those before
    /// the first bad one. Tells where the producer stands then.
    fn append_good(
        &mut self,
        mut sent: Sent,
        bad: &[BadRecord],
        cx: &mut Context,
    ) -> anyhow::Result<u64> {
        let in_order = bad.is_sorted_by(|one, next| one.record < next.record);
        let there = bad.last().is_some_and(|last| last.record < sent.batch.len() as u64);
        let Some(first) = bad.first().filter(|_| in_order && there) else {
            return Err(anyhow!(
                "log-serve refused records, but did not report which; use log-serve of the same version"
            ));
        };
        let mut why = Ok(());
        if cx.keeps_rejects() {
            bad.iter().try_for_each(|bad| reject(&sent.batch, bad, cx))?;
            sent.batch.remove(bad);
        } else {
            why = reject(&sent.batch, first, cx);
            sent.batch.keep_before(first.record);
            sent.end = self.behind(sent.begin, &sent.batch);
        }
        let stands = sent.after;
        let stands = if sent.batch.is_empty() { stands } else { self.append(sent, cx)? };
        why.map(|()| stands)
    }
}

/// All that was sent must be finished before.
impl Lender for Sender {
    fn lend(&mut self, pipe: BorrowedFd<'_>, watch: &Watch) -> anyhow::Result<Back> {
        let before = self.appended;
        let appended = |records| self.appended = self.appended.saturating_add(records);
        let bytes = match self.appender.lend(pipe, watch, appended) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.fruitless = FRUITLESS_MAX;
                return Ok(Back::default());
            }
            // The next batch waits for the log to come back.
            Err(error) if self.can_tell(&error) => {
                self.lost = Some(error);
                Vec::new()
            }
            Err(error) if self.appender.may_go_on(&error) || error.is_interrupted() => {
                return Err(read_by_the_log(&error.into()));
            }
            Err(error) => return Err(error.into()),
        };
        let lines = self.appended - before;
        self.fruitless = if lines > 0 { 0 } else { self.fruitless + 1 };
        Ok(Back { lines, bytes })
    }
}

fn reject(batch: &Batch, bad: &BadRecord, cx: &mut Context) -> anyhow::Result<()> {
    let (bytes, line, unterminated) = batch.record(bad.record);
    let why = explained(&bad.why, &Raw { bytes, line, unterminated });
    cx.reject(&cx.place(line), bytes, &why)
}

/// Why a daemon that read our input, and was killed, ends us.
fn read_by_the_log(error: &anyhow::Error) -> anyhow::Error {
    let why = format!(
        "{error}; log-serve was reading the input itself, and this run has lost what it read but did \
         not append; --producer NAME makes it safe to run again, and with --reconnect D log-serve \
         does not read the input"
    );
    Failure::new(Status::of(error), why).into()
}

fn out_of_turn() -> anyhow::Error {
    anyhow!("log-serve's answers do not match the requests; use log-serve of the same version")
}
