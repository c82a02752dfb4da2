//! Appending batches one behind the other, several under way at a time.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

use anyhow::anyhow;

use super::batch::Batch;
use crate::cli::input::Watch;
use crate::cli::lending::{Back, Lender};
use crate::cli::pump::{self, Context};
use crate::cmd::store::{AppendError, Appender};
use crate::log::{BadRecord, Identity};

/// How many bytes are sent ahead of the log's answers: enough that it has the next ones at hand
/// when the disk is done with those before.
const AHEAD_BYTES_MAX: usize = 4 << 20;

/// How many times in a row the input is lent in vain, as when its lines come in pieces.
const FRUITLESS_MAX: u32 = 8;

/// Appends batches in order; the log takes none behind one that it refused.
pub(super) struct Sender {
    appender: Appender,
    producer: Option<String>,
    /// How many records of the input the log has from this producer, or will have.
    stands: u64,
    appended: u64,
    sent: VecDeque<Sent>,
    sent_bytes: usize,
    /// For the next batch.
    spare: Vec<Batch>,
    /// How many times in a row the log was lent the input and appended nothing.
    fruitless: u32,
}

/// A batch that was sent and not yet answered.
struct Sent {
    batch: Batch,
    /// How many records of the input were read before it, and with it.
    after: u64,
    sequence: u64,
}

impl Sender {
    /// Appends as `producer`, who stands behind so many records of the input.
    pub fn new(appender: Appender, producer: Option<String>, stands: u64) -> Sender {
        Sender {
            appender,
            producer,
            stands,
            appended: 0,
            sent: VecDeque::new(),
            sent_bytes: 0,
            spare: Vec::new(),
            fruitless: 0,
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

    /// Sends a batch, with which `read` records of the input were read; an empty one is left in
    /// its place. Waits only if much is under way already.
    pub fn send(&mut self, batch: &mut Batch, read: u64, cx: &mut Context) -> anyhow::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let next = self.spare.pop().unwrap_or_default();
        let batch = std::mem::replace(batch, next);
        self.sent_bytes += batch.bytes().len();
        let sent = Sent { batch, after: self.stands, sequence: read };
        self.stands = read;
        self.begin(&sent)?;
        self.sent.push_back(sent);
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
        self.producer.is_none() && self.fruitless < FRUITLESS_MAX
    }

    fn begin(&mut self, sent: &Sent) -> anyhow::Result<()> {
        let identity = self.producer.clone().map(|producer| Identity {
            producer,
            after: Some(sent.after),
            sequence: sent.sequence,
        });
        self.appender.begin(sent.batch.bytes(), identity)
    }

    /// Waits for the earliest batch.
    fn finish_one(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let outcome = self.appender.finish();
        let Some(sent) = self.sent.pop_front() else { return Ok(()) };
        self.sent_bytes -= sent.batch.bytes().len();
        match outcome {
            Ok(records) => self.note(sent, records),
            Err(AppendError::Other(error)) => return Err(error),
            Err(AppendError::Behind) => return Err(out_of_turn()),
            Err(AppendError::Bad(bad)) => return self.mend(sent, &bad, cx),
        }
        Ok(())
    }

    fn note(&mut self, sent: Sent, records: u64) {
        self.appended += records;
        let mut batch = sent.batch;
        batch.clear();
        self.spare.push(batch);
    }

    /// Deals with a batch that has bad records; then those behind it, which were refused for
    /// that, are appended one by one.
    fn mend(&mut self, sent: Sent, bad: &[BadRecord], cx: &mut Context) -> anyhow::Result<()> {
        let behind = std::mem::take(&mut self.sent);
        self.sent_bytes = 0;
        for _ in &behind {
            match self.appender.finish() {
                Err(AppendError::Behind) => {}
                Err(AppendError::Other(error)) => return Err(error),
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

    /// Appends a batch; tells where the producer stands then.
    fn append(&mut self, sent: Sent, cx: &mut Context) -> anyhow::Result<u64> {
        self.begin(&sent)?;
        match self.appender.finish() {
            Ok(records) => {
                let stands = sent.sequence;
                self.note(sent, records);
                Ok(stands)
            }
            Err(AppendError::Bad(bad)) => self.append_good(sent, &bad, cx),
            Err(AppendError::Other(error)) => Err(error),
            Err(AppendError::Behind) => Err(out_of_turn()),
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
        let Some(first) = bad.first() else {
            return Err(anyhow!("records were refused, but not told which"));
        };
        let mut why = Ok(());
        if cx.keeps_rejects() {
            bad.iter().try_for_each(|bad| reject(&sent.batch, bad, cx))?;
            sent.batch.remove(bad);
        } else {
            why = reject(&sent.batch, first, cx);
            sent.batch.keep_before(first.record);
            sent.sequence = sent.after + sent.batch.len() as u64;
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
        let appended = |records| self.appended += records;
        let Some(bytes) = self.appender.lend(pipe, watch, appended)? else {
            self.fruitless = FRUITLESS_MAX;
            return Ok(Back::default());
        };
        let lines = self.appended - before;
        self.fruitless = if lines > 0 { 0 } else { self.fruitless + 1 };
        Ok(Back { lines, bytes })
    }
}

fn reject(batch: &Batch, bad: &BadRecord, cx: &mut Context) -> anyhow::Result<()> {
    let (bytes, line, unterminated) = batch.record(bad.record);
    cx.reject(&cx.place(line), bytes, &pump::why(&bad.why, unterminated))
}

fn out_of_turn() -> anyhow::Error {
    anyhow!("the answers of log-serve do not fit what was sent; is it of another version?")
}
