//! A session's appends. Those that arrived together are written together, and while they are
//! written the next ones are received and checked.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use super::commit_queue::{CommitQueue, Outcomes};
use super::committer::Committer;
use super::limits::{AHEAD_BYTES_MAX, size};
use super::memory_limit::Permit;
use super::pace::Pace;
use super::refusal;
use super::session::{End, Session, is_timeout};
use crate::api::appending::{Append, Appended};
use crate::api::error::{Code, ErrorBody};
use crate::api::stats;
use crate::log::access::Right;
use crate::log::{Batch, Identity};
use crate::sys::file::free_bytes;
use crate::sys::wait::{Wanted, wait};
use crate::wire::answer::Answer;

/// Where a session's appends are between request and answer.
#[derive(Default)]
pub(super) struct Appends<'a> {
    /// Checked, and not yet written: all for one topic.
    queue: Option<Arc<CommitQueue>>,
    gathered: Vec<Entry<'a>>,
    gathered_bytes: u64,
    /// Being written by the committer.
    underway: Option<Underway<'a>>,
    committer: Option<Committer>,
    /// Whether the last append that was answered failed: those chained to it then do, too.
    pub broken: bool,
}

/// An append that was taken.
pub(super) struct Entry<'a> {
    /// What was sent, or what is wrong with it.
    pub batch: Result<Batch, ErrorBody>,
    pub chained: bool,
    pub share: Permit<'a>,
}

impl<'a> Appends<'a> {
    /// Takes one more for the topic of those that are gathered.
    pub fn take(&mut self, queue: Arc<CommitQueue>, entry: Entry<'a>) {
        self.queue = Some(queue);
        self.gathered_bytes += entry.share.bytes();
        self.gathered.push(entry);
    }
}

/// Appends that are being written, and who is to be told what.
struct Underway<'a> {
    queue: Arc<CommitQueue>,
    asked: Vec<Asked<'a>>,
}

struct Asked<'a> {
    /// Whether it is among the batches that are written, or why not.
    checked: Result<(), ErrorBody>,
    /// Given back once the batch is written.
    share: Permit<'a>,
}

impl<'a> Session<'a> {
    /// Takes an append: reads its bytes and checks them. It is written and answered by the next
    /// [`Session::commit`], which comes before anything that may wait, or while the next one is
    /// read.
    pub fn append(&mut self, append: Append) -> Result<(), End> {
        let queue = match self.queue_of_append(&append) {
            Ok(queue) => queue,
            Err(error) => return self.refuse_append(error, append.bytes),
        };
        if let Some(producer) = &append.producer
            && let Err(error) = self.names.take(&append.topic, producer)
        {
            return self.refuse_append(error, append.bytes);
        }
        let share = self.make_way(&queue, append.bytes)?;
        let bytes = self.read_records(&share)?;
        let identity = match (append.producer, append.sequence) {
            (Some(producer), Some(sequence)) => {
                Some(Identity { producer, after: append.after, sequence })
            }
            _ => None,
        };
        let batch = queue.topic.prepare(bytes, identity).map_err(refusal::body);
        let Append { chained, .. } = append;
        self.appends.take(queue, Entry { batch, chained, share });
        if self.appends.gathered_bytes >= AHEAD_BYTES_MAX {
            self.finish();
            self.connection.flush()?;
            self.hand_over()?;
        }
        Ok(())
    }

    /// Refuses an append whose bytes are still to come.
    pub fn refuse_append(&mut self, error: ErrorBody, bytes: u64) -> Result<(), End> {
        self.refuse(error);
        self.appends.broken = true;
        self.skip(bytes)
    }

    /// Writes and answers all appends that were taken.
    pub fn commit(&mut self) {
        self.finish();
        if let Some((underway, batches)) = self.close_group() {
            self.write(underway, batches);
        }
    }

    /// Gets what was gathered written while the session goes on, if the client has sent more
    /// already; else at once.
    pub fn write_meanwhile(&mut self) -> Result<(), End> {
        if self.is_writing() || self.appends.gathered.is_empty() {
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
        self.appends.underway.is_some()
    }

    /// Waits until the client has sent more, or what is being written is written; then answers
    /// that. Whether the client has.
    pub fn wait_while_writing(&mut self) -> Result<bool, End> {
        let (Some(_), Some(committer)) = (&self.appends.underway, &self.appends.committer) else {
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
        if self.appends.gathered.is_empty() {
            return Ok(());
        }
        if self.appends.committer.is_none() {
            match Committer::start() {
                Ok(committer) => self.appends.committer = Some(committer),
                Err(error) => {
                    let what = format_args!("appends are written one by one: {error}");
                    self.shared.lone_writers.warn(what);
                }
            }
        }
        let Some((underway, batches)) = self.close_group() else { return Ok(()) };
        match &self.appends.committer {
            Some(committer) if !batches.is_empty() => {
                committer.hand(Arc::clone(&underway.queue), batches);
                self.appends.underway = Some(underway);
            }
            _ => self.write(underway, batches),
        }
        Ok(self.connection.flush()?)
    }

    /// Answers what is being written, waiting for it.
    fn finish(&mut self) {
        if let Some(underway) = self.appends.underway.take() {
            let outcomes = self.appends.committer.as_ref().map(Committer::take);
            self.answer(underway, outcomes.unwrap_or_default());
        }
    }

    /// Writes and answers a group by ourselves.
    fn write(&mut self, underway: Underway<'a>, batches: Vec<Batch>) {
        let outcomes =
            if batches.is_empty() { Outcomes::new() } else { underway.queue.append(batches) };
        self.answer(underway, outcomes);
    }

    /// Takes what was gathered, now that it is known what became of all before it.
    fn close_group(&mut self) -> Option<(Underway<'a>, Vec<Batch>)> {
        let queue = self.appends.queue.take()?;
        self.appends.gathered_bytes = 0;
        let gathered = std::mem::take(&mut self.appends.gathered);
        let mut batches: Vec<Batch> = Vec::with_capacity(gathered.len());
        let mut asked = Vec::with_capacity(gathered.len());
        let mut broken = self.appends.broken;
        for Entry { batch, chained, share } in gathered {
            let checked = match batch {
                _ if chained && broken => Err(refusal::chain_broken(queue.topic.name())),
                Err(error) => Err(error),
                Ok(batch) => {
                    let follows = chained && !batches.is_empty();
                    batches.push(if follows { batch.chained() } else { batch });
                    Ok(())
                }
            };
            broken = checked.is_err();
            asked.push(Asked { checked, share });
        }
        Some((Underway { queue, asked }, batches))
    }

    /// Answers appends by what became of those that were written.
    fn answer(&mut self, underway: Underway<'a>, outcomes: Outcomes) {
        let Underway { queue, asked } = underway;
        self.shared.maintenance.note_due(queue.topic.due_us());
        let mut outcomes = outcomes.into_iter();
        let mut count = stats::Appends::default();
        for Asked { checked, share } in asked {
            let outcome = checked.and_then(|()| match outcomes.next() {
                Some(outcome) => outcome.map_err(refusal::body),
                None => Err(ErrorBody::new(Code::Io, "an internal error of log-serve")),
            });
            self.appends.broken = outcome.is_err();
            if let Ok(appended) = &outcome {
                tally(&mut count, appended, share.bytes());
            }
            self.reply(outcome.map(Answer::Appended));
        }
        if count.batches > 0 {
            self.shared.alarm.note_appended();
        }
        self.shared.counters.appended.add(&count);
    }

    pub fn queue_of_append(&self, append: &Append) -> Result<Arc<CommitQueue>, ErrorBody> {
        let most = self.shared.limits.append_bytes_max;
        if append.bytes > most {
            let message = format!(
                "an append of {} bytes; the maximum is {most} (--max-append)",
                append.bytes
            );
            return Err(ErrorBody::new(Code::TooLarge, message));
        }
        self.check_room(append.bytes)?;
        self.queue_for(Right::Append, &append.topic)
    }

    /// Refuses to fill the disk: others need some of it, and compacting and closing do, too.
    fn check_room(&self, bytes: u64) -> Result<(), ErrorBody> {
        let kept = self.shared.limits.free_bytes_min;
        if kept == 0 {
            return Ok(());
        }
        let dir = self.shared.log.dir();
        let free = match free_bytes(dir) {
            Ok(free) => free,
            Err(error) => {
                let message = format!("{}: cannot read the free space: {error}", dir.display());
                return Err(ErrorBody::new(Code::Io, message));
            }
        };
        if free.saturating_sub(bytes) >= kept {
            return Ok(());
        }
        let message = format!(
            "{}: {} are free, and log-serve keeps {} free (--min-free); free some space, or lower \
             a topic's retention",
            dir.display(),
            size(free),
            size(kept)
        );
        Err(ErrorBody::new(Code::FullDisk, message))
    }

    /// Gets the memory for an append. If that means to wait, or the append is for another topic,
    /// what was taken before is written and answered first.
    fn make_way(&mut self, queue: &Arc<CommitQueue>, bytes: u64) -> Result<Permit<'a>, End> {
        let (memory_limit, account) = (&self.shared.memory_limit, self.access.account());
        let joins = self.appends.queue.as_ref().is_none_or(|other| Arc::ptr_eq(other, queue));
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

/// Counts a batch that is acknowledged.
fn tally(count: &mut stats::Appends, appended: &Appended, bytes: u64) {
    if appended.duplicate {
        count.duplicates += 1;
        return;
    }
    count.batches += 1;
    count.records += appended.records;
    count.bytes += bytes;
}
