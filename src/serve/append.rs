//! A session's appends. Those that arrived together are written together, and while they are
//! written the next ones are received and checked.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use super::batches::Group;
use super::pace::Pace;
use super::session::{End, Session, is_timeout};
use crate::api::appending::Append;
use crate::api::error::{Code, ErrorBody};
use crate::api::stats;
use crate::broker::appends::Outcomes;
use crate::broker::commit_queue::CommitQueue;
use crate::broker::committer::Committer;
use crate::broker::counters::tally;
use crate::broker::limits::AHEAD_BYTES_MAX;
use crate::broker::memory_limit::Permit;
use crate::log::{Batch, Identity};
use crate::sys::wait::{Wanted, wait};
use crate::wire::answer::Answer;

impl<'a> Session<'a> {
    /// Takes an append: reads its bytes and checks them. It is written and answered by the next
    /// [`Session::commit`], which comes before anything that may wait, or while the next one is
    /// read.
    pub fn append(&mut self, append: Append) -> Result<(), End> {
        let queue = match self.broker.queue_of_append(&self.access, &append) {
            Ok(queue) => queue,
            Err(error) => return self.refuse_append(error.into(), append.bytes),
        };
        if let Some(producer) = &append.producer
            && let Err(error) = self.names.take(&append.topic, producer)
        {
            return self.refuse_append(error.into(), append.bytes);
        }
        let share = self.make_way(&queue, append.bytes)?;
        let bytes = self.read_records(&share)?;
        let identity = match (append.producer, append.sequence) {
            (Some(producer), Some(sequence)) => {
                Some(Identity { producer, after: append.after, sequence })
            }
            _ => None,
        };
        let batch = queue.topic.prepare_unique(bytes, identity, append.unique.as_ref());
        self.batches.take(queue, batch, append.chained, share);
        if self.batches.gathered_bytes >= AHEAD_BYTES_MAX {
            self.finish();
            self.connection.flush()?;
            self.hand_over()?;
        }
        Ok(())
    }

    /// Refuses an append whose bytes are still to come.
    pub fn refuse_append(&mut self, error: ErrorBody, bytes: u64) -> Result<(), End> {
        self.refuse(error);
        self.batches.appends.note(false);
        self.skip(bytes)
    }

    /// Writes and answers all appends that were taken.
    pub fn commit(&mut self) {
        self.finish();
        if let Some((group, batches)) = self.batches.close() {
            self.write(group, batches);
        }
    }

    /// Gets what was gathered written while the session goes on, if the client has sent more
    /// already; else at once.
    pub fn write_meanwhile(&mut self) -> Result<(), End> {
        if self.is_writing() || self.batches.appends.is_empty() {
            return Ok(());
        }
        let client = (self.connection.stream().as_fd(), Wanted::Input);
        if wait(&[client], Some(Duration::ZERO))?.first() == Some(&true) {
            return self.hand_over();
        }
        self.commit();
        Ok(self.connection.flush()?)
    }

    /// Whether appends are being written meanwhile.
    pub fn is_writing(&self) -> bool {
        self.batches.underway.is_some()
    }

    /// Waits until the client has sent more, or what is being written is written; then answers
    /// that. Whether the client has.
    pub fn wait_while_writing(&mut self) -> Result<bool, End> {
        let (Some(_), Some(committer)) = (&self.batches.underway, &self.batches.committer) else {
            return Ok(true);
        };
        let client = (self.connection.stream().as_fd(), Wanted::Input);
        let ready = wait(&[client, (committer.done(), Wanted::Input)], None)?;
        if ready.get(1) == Some(&true) {
            self.finish();
            self.connection.flush()?;
        }
        Ok(ready.first() == Some(&true))
    }

    /// Gets what was gathered written meanwhile. Nothing else must be.
    fn hand_over(&mut self) -> Result<(), End> {
        if self.batches.appends.is_empty() {
            return Ok(());
        }
        if self.batches.committer.is_none() {
            match Committer::start() {
                Ok(committer) => self.batches.committer = Some(committer),
                Err(error) => {
                    let what = format_args!("appends are written one by one: {error}");
                    self.shared.lone_writers.warn(what);
                }
            }
        }
        let Some((group, batches)) = self.batches.close() else { return Ok(()) };
        match &self.batches.committer {
            Some(committer) if !batches.is_empty() => {
                committer.hand(Arc::clone(&group.0), batches);
                self.batches.underway = Some(group);
            }
            _ => self.write(group, batches),
        }
        Ok(self.connection.flush()?)
    }

    /// Answers what is being written, waiting for it.
    fn finish(&mut self) {
        if let Some(group) = self.batches.underway.take() {
            let outcomes = self.batches.committer.as_ref().map(Committer::take);
            self.answer(group, outcomes.unwrap_or_default());
        }
    }

    /// Writes and answers a group by ourselves.
    fn write(&mut self, group: Group<'a>, batches: Vec<Batch>) {
        let outcomes = if batches.is_empty() { Outcomes::new() } else { group.0.append(batches) };
        self.answer(group, outcomes);
    }

    /// Answers appends by what became of those that were written.
    fn answer(&mut self, (queue, underway): Group<'a>, outcomes: Outcomes) {
        self.broker.note_due(&queue.topic);
        let mut count = stats::Appends::default();
        for (outcome, share) in underway.settle(outcomes) {
            self.batches.appends.note(outcome.is_ok());
            if let Ok(appended) = &outcome {
                tally(&mut count, appended, share.bytes());
            }
            self.reply(outcome.map(Answer::Appended).map_err(ErrorBody::from));
        }
        self.broker.note_appended(&count);
    }

    /// Gets the memory for an append. If that means to wait, or the append is for another topic,
    /// what was taken before is written and answered first.
    fn make_way(&mut self, queue: &Arc<CommitQueue>, bytes: u64) -> Result<Permit<'a>, End> {
        let (memory_limit, account) = (&self.broker.append_memory, self.access.account());
        let joins = self.batches.queue.as_ref().is_none_or(|other| Arc::ptr_eq(other, queue));
        if joins && let Some(share) = memory_limit.try_take(account, bytes) {
            return Ok(share);
        }
        self.commit();
        self.connection.flush()?;
        Ok(memory_limit.take(account, bytes))
    }

    /// Reads an append's bytes, while what was taken before it is written and answered.
    fn read_records(&mut self, share: &Permit<'_>) -> Result<Vec<u8>, End> {
        let bytes = share.bytes();
        let mut pace = Pace::new(self.shared.limits.stall);
        let mut records = vec![0; usize::try_from(bytes).unwrap_or_default()];
        let mut filled = self.connection.take(&mut records);
        while let Some(rest) = records.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            if pace.is_slow(filled) && share.is_wanted() {
                let message = format!(
                    "only {filled} of {bytes} bytes arrived, too slowly while others wait for the \
                     memory"
                );
                self.refuse(ErrorBody::new(Code::TimedOut, message));
                return self.close().map(|()| records);
            }
            // Who sends an append and begins another sends ahead, if haltingly.
            if !self.is_writing() {
                self.hand_over()?;
            }
            self.connection.flush()?;
            if !self.wait_while_writing()? {
                continue;
            }
            match self.connection.read_some(rest) {
                Ok(0) => {
                    let message = format!(
                        "the connection ended after {filled} of {bytes} bytes; nothing was appended"
                    );
                    self.refuse(ErrorBody::new(Code::BadRequest, message));
                    return self.close().map(|()| records);
                }
                Ok(count) => filled += count,
                Err(error) if !is_timeout(&error) => return Err(error.into()),
                Err(_) => {}
            }
        }
        Ok(records)
    }
}
