//! A session's appends. Those that arrived together are written together.

use std::sync::Arc;

use super::budget::Share;
use super::commit::Desk;
use super::refusal;
use super::session::{End, Session, is_timeout};
use crate::log::access::Right;
use crate::log::{Batch, Identity};
use crate::wire::answer::{Answer, Appended, Code, ErrorBody};
use crate::wire::request::Append;
use crate::wire::stats::Appends;

/// Appends to one topic, checked and not yet written or answered.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    desk: Option<Arc<Desk>>,
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    /// What was sent, or what is wrong with it.
    batch: Result<Batch, ErrorBody>,
    sequence: Option<u64>,
    bytes: u64,
    /// Given back once the batch is written.
    _share: Share<'a>,
}

impl<'a> Session<'a> {
    /// Takes an append: reads its bytes and checks them. It is written and answered by the next
    /// [`Session::commit`], which comes before anything that may wait.
    pub fn append(&mut self, append: Append) -> Result<(), End> {
        let desk = match self.desk_for(&append) {
            Ok(desk) => desk,
            Err(error) => {
                self.refuse(error);
                return self.skip(append.bytes);
            }
        };
        if let Some(producer) = &append.producer
            && let Err(error) = self.names.take(&append.topic, producer)
        {
            self.refuse(error);
            return self.skip(append.bytes);
        }
        let share = self.make_way(&desk, append.bytes)?;
        let bytes = self.read_records(append.bytes)?;
        let identity = match (append.producer, append.sequence) {
            (Some(producer), Some(sequence)) => {
                Some(Identity { producer, after: append.after, sequence })
            }
            _ => None,
        };
        let batch = desk.topic.prepare(bytes, identity).map_err(refusal::body);
        self.gathered.desk = Some(desk);
        self.gathered.entries.push(Entry {
            batch,
            sequence: append.sequence,
            bytes: append.bytes,
            _share: share,
        });
        Ok(())
    }

    /// Writes and answers the appends that were gathered.
    pub fn commit(&mut self) {
        let entries = std::mem::take(&mut self.gathered.entries);
        let Some(desk) = self.gathered.desk.take() else { return };
        let mut batches = Vec::with_capacity(entries.len());
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            answers.push((
                entry.batch.map(|batch| batches.push(batch)),
                entry.sequence,
                entry.bytes,
                entry._share,
            ));
        }
        let mut outcomes =
            if batches.is_empty() { Vec::new() } else { desk.append(batches) }.into_iter();
        self.shared.keeper.note_due(desk.topic.due_us());
        let mut count = Appends::default();
        for (checked, sequence, bytes, _share) in answers {
            let outcome = checked.and_then(|()| match outcomes.next() {
                Some(outcome) => outcome.map_err(refusal::body),
                None => Err(ErrorBody::new(Code::Io, "an internal error of log-serve")),
            });
            if let Ok(appended) = &outcome {
                tally(&mut count, appended, bytes);
            }
            self.reply(outcome.map(|appended| {
                Answer::Appended(Appended {
                    topic: desk.topic.name().to_owned(),
                    records: appended.records,
                    offsets: appended.offsets.into_iter().collect(),
                    sequence,
                    duplicate: appended.duplicate,
                })
            }));
        }
        self.shared.counters.appended.add(&count);
    }

    fn desk_for(&self, append: &Append) -> Result<Arc<Desk>, ErrorBody> {
        let most = self.shared.limits.append_bytes_max;
        if append.bytes > most {
            let message = format!(
                "an append of {} bytes; log-serve takes at most {most} (--max-append)",
                append.bytes
            );
            return Err(ErrorBody::new(Code::TooLarge, message));
        }
        self.check_room(append.bytes)?;
        self.desk_to(Right::Append, &append.topic)
    }

    /// Refuses to fill the disk: others need some of it, and compacting and closing do, too.
    fn check_room(&self, bytes: u64) -> Result<(), ErrorBody> {
        let kept = self.shared.limits.free_bytes_min;
        if kept == 0 {
            return Ok(());
        }
        let dir = self.shared.log.dir();
        let free = match nix::sys::statvfs::statvfs(dir) {
            Ok(stat) => stat.blocks_available().saturating_mul(stat.fragment_size()),
            Err(error) => {
                let message = format!("{}: how much is free is not known: {error}", dir.display());
                return Err(ErrorBody::new(Code::Io, message));
            }
        };
        if free.saturating_sub(bytes) >= kept {
            return Ok(());
        }
        let message = format!(
            "{}: {free} bytes are free, and log-serve leaves {kept} (--min-free); make room, or \
             lower a topic's retention",
            dir.display()
        );
        Err(ErrorBody::new(Code::FullDisk, message))
    }

    /// Gets the memory for an append. If anything about it means to wait, or it is for another
    /// topic, what was gathered before is written and answered first.
    fn make_way(&mut self, desk: &Arc<Desk>, bytes: u64) -> Result<Share<'a>, End> {
        let budget = &self.shared.budget;
        let is_here = self.connection.buffered() as u64 >= bytes;
        let joins = self.gathered.desk.as_ref().is_none_or(|other| Arc::ptr_eq(other, desk));
        if is_here
            && joins
            && let Some(share) = budget.try_take(bytes)
        {
            return Ok(share);
        }
        self.commit();
        self.connection.flush()?;
        Ok(budget.take(bytes))
    }

    fn read_records(&mut self, bytes: u64) -> Result<Vec<u8>, End> {
        let mut records = vec![0; usize::try_from(bytes).unwrap_or_default()];
        let mut filled = 0;
        while let Some(rest) = records.get_mut(filled..).filter(|rest| !rest.is_empty()) {
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
                Err(_) if self.shared.budget.is_short() => {
                    let message = format!(
                        "only {filled} of {bytes} bytes came, while others wait for the memory"
                    );
                    self.refuse(ErrorBody::new(Code::TimedOut, message));
                    return self.close().map(|()| records);
                }
                Err(_) => {}
            }
        }
        Ok(records)
    }
}

/// Counts a batch that is acknowledged.
fn tally(count: &mut Appends, appended: &crate::log::Appended, bytes: u64) {
    if appended.duplicate {
        count.duplicates += 1;
        return;
    }
    count.batches += 1;
    count.records += appended.records;
    count.bytes += bytes;
}
