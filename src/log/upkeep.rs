//! What a topic needs besides appending, by and by: acknowledged records forced to the disk,
//! segments closed for their age, old ones removed.
//!
//! It never needs a thread of its own: [`Topic::due_us`] tells when something is to be done, and
//! whoever holds the topic calls [`Topic::tend`] then.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::LogError;
use super::retention::{Closed, closed, due_us, expired, remove, sweep};
use super::segment::Place;
use super::settings::Settings;
use super::topic::{Topic, lock};
use super::writer::now_us;

/// How long to leave the disk alone after it has refused, in µs.
pub(super) const RETRY_US: i64 = 60_000_000;

/// What is removed by hand: all that lies before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// This offset.
    Offset(u64),
    /// This append time, in µs since the epoch.
    TimeUs(i64),
}

/// When a topic next needs tending, in µs since the epoch; the greatest time for never.
#[derive(Debug)]
pub(super) struct Due {
    /// What the writer knows of: forcing to the disk, closing segments.
    writer: AtomicI64,
    /// What the closed segments are due for.
    closed: AtomicI64,
    /// When they are to be compacted.
    compaction: AtomicI64,
    /// Whether that is to be found out anew.
    closed_changed: AtomicBool,
}

impl Due {
    /// Everything is due: what a crash interrupted is taken up.
    pub(super) fn now() -> Due {
        Due {
            writer: AtomicI64::new(0),
            closed: AtomicI64::new(0),
            compaction: AtomicI64::new(i64::MAX),
            closed_changed: AtomicBool::new(true),
        }
    }

    pub(super) fn set_never(&self) {
        self.closed.store(i64::MAX, Ordering::SeqCst);
        self.set_writer(None);
        self.set_compaction(None);
    }

    /// There are other closed segments than before, or other settings for them.
    pub(super) fn set_closed_changed(&self) {
        self.closed_changed.store(true, Ordering::SeqCst);
    }

    pub(super) fn set_compaction(&self, due_us: Option<i64>) {
        self.compaction.store(due_us.unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    pub(super) fn compaction_us(&self) -> Option<i64> {
        Some(self.compaction.load(Ordering::SeqCst)).filter(|&due_us| due_us < i64::MAX)
    }

    pub(super) fn set_writer(&self, due_us: Option<i64>) {
        self.writer.store(due_us.unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Topic {
    /// When [`Topic::tend`] next has something to do, in µs since the epoch; `None` if nothing is
    /// in sight.
    pub fn due_us(&self) -> Option<i64> {
        let of = |due: &AtomicI64| due.load(Ordering::SeqCst);
        Some(of(&self.due.writer).min(of(&self.due.closed))).filter(|&due_us| due_us < i64::MAX)
    }

    /// Does what is due now.
    ///
    /// # Errors
    /// When the disk refuses. What could not be done is due again a minute later.
    pub fn tend(&self) -> Result<(), LogError> {
        self.tend_at(now_us())
    }

    /// Does what is due at a time: for whoever waited for it, and knows better than a clock that
    /// was set back meanwhile.
    ///
    /// # Errors
    /// As [`Topic::tend`].
    pub fn tend_at(&self, now_us: i64) -> Result<(), LogError> {
        let _alone = lock(&self.upkeep);
        // Whatever fails now is tried again, but not without end.
        self.due.closed.store(now_us.saturating_add(RETRY_US), Ordering::SeqCst);
        self.due.set_writer(None);
        let settings = self.settings();
        let flight = lock(&self.writer).begin_flight(now_us);
        if let Some(flight) = flight {
            // While others append.
            flight.run();
            lock(&self.writer).end_flight(&flight)?;
        }
        let tended = lock(&self.writer).tend(now_us);
        if tended? {
            self.due.set_closed_changed();
        }
        self.refresh_due();
        self.expire(&settings, now_us)?;
        if settings.compact && self.due.closed_changed.swap(false, Ordering::SeqCst) {
            let noted = self.note_closed();
            if noted.is_err() {
                self.due.set_closed_changed();
            }
            return noted;
        }
        Ok(())
    }

    /// Asks the writer when it is next due.
    pub(super) fn refresh_due(&self) {
        let due_us = lock(&self.writer).due_us();
        self.due.set_writer(due_us);
    }

    /// Removes what the settings let go, and notes when the next segment is old enough.
    fn expire(&self, settings: &Settings, now_us: i64) -> Result<(), LogError> {
        if settings.retention_ms.is_none() && settings.retention_bytes.is_none() {
            self.due.closed.store(i64::MAX, Ordering::SeqCst);
            return Ok(());
        }
        let mut next_us = i64::MAX;
        for (place, active_bytes) in self.actives() {
            sweep(&*self.storage, &place)?;
            let closed = closed(&*self.storage, &place)?;
            let (gone, kept) = closed.split_at(expired(&closed, active_bytes, settings, now_us));
            self.let_go(&place, gone)?;
            let due_us = kept.first().and_then(|oldest| due_us(oldest, settings, now_us));
            next_us = next_us.min(due_us.unwrap_or(i64::MAX));
        }
        self.due.closed.store(next_us, Ordering::SeqCst);
        Ok(())
    }

    /// Removes by hand the segments in which all records lie before a place, of one partition or
    /// of all; gives the offsets that they then begin with.
    ///
    /// # Errors
    /// When there is no such partition or offset, or the disk refuses.
    pub fn trim(
        &self,
        partition: Option<u32>,
        before: Before,
    ) -> Result<Vec<(u32, u64)>, LogError> {
        let all = 0..self.settings().partitions;
        let chosen = partition.map_or(all, |partition| partition..partition.saturating_add(1));
        chosen.map(|partition| Ok((partition, self.trim_one(partition, before)?))).collect()
    }

    fn trim_one(&self, partition: u32, before: Before) -> Result<u64, LogError> {
        let _alone = lock(&self.upkeep);
        let reader = self.reader();
        let place = reader.place(partition)?.clone();
        let end = reader.ends()?.get(partition as usize).copied().unwrap_or(0);
        let limit = match before {
            Before::Offset(offset) if offset > end => {
                let start = reader.bounds()?.get(partition as usize).map_or(0, |held| held.start);
                let topic = self.name().to_owned();
                return Err(LogError::OffsetOutOfRange { topic, partition, offset, start, end });
            }
            Before::Offset(offset) => offset,
            Before::TimeUs(time_us) => reader.offset_at(partition, time_us)?,
        };
        lock(&self.writer).close_before(partition, limit)?;
        self.refresh_due();
        sweep(&*self.storage, &place)?;
        let closed = closed(&*self.storage, &place)?;
        let count = closed.iter().take_while(|segment| segment.end <= limit).count();
        self.let_go(&place, &closed[..count])?;
        Ok(reader.bounds()?.get(partition as usize).map_or(0, |held| held.start))
    }

    fn let_go(&self, place: &Place, segments: &[Closed]) -> Result<(), LogError> {
        if segments.is_empty() {
            return Ok(());
        }
        // The sequences of producers are in the segments; they are kept as long as the topic.
        lock(&self.writer).settle_producers()?;
        remove(&*self.storage, place, segments)
    }

    /// The partitions, and how many bytes the active segment of each has.
    fn actives(&self) -> Vec<(Place, u64)> {
        lock(&self.writer).actives()
    }
}
