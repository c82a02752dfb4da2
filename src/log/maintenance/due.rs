//! What a topic needs besides appending, by and by: acknowledged records forced to the disk,
//! segments closed for their age, old ones removed.
//!
//! It never needs a thread of its own: [`Topic::due_us`] tells when something is to be done, and
//! whoever holds the topic calls [`Topic::run_due`] then.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::retention::{Active, Closed, closed, due_us, expired, remove, sweep};
use crate::log::LogError;
use crate::log::append::partition::Partition;
use crate::log::append::writer::Writer;
use crate::log::clock::now_us;
use crate::log::segment::Place;
use crate::log::segment::listing::bases;
use crate::log::settings::Settings;
use crate::log::sync::lock;
use crate::log::topic::Topic;

/// How long to leave the disk alone after it has refused, in µs.
pub(in crate::log) const RETRY_US: i64 = 60_000_000;

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
pub(in crate::log) struct Due {
    /// What the writer knows of: forcing to the disk, closing segments.
    writer: AtomicI64,
    /// What the closed segments are due for.
    closed: AtomicI64,
    /// When they are to be compacted.
    compaction: AtomicI64,
    /// When unique keys may be forgotten, because they are not used.
    unique: AtomicI64,
    /// Whether that is to be found out anew.
    closed_changed: AtomicBool,
}

impl Due {
    /// Everything is due: what a crash interrupted is taken up.
    pub(in crate::log) fn now() -> Due {
        Due {
            writer: AtomicI64::new(0),
            closed: AtomicI64::new(0),
            compaction: AtomicI64::new(i64::MAX),
            unique: AtomicI64::new(i64::MAX),
            closed_changed: AtomicBool::new(true),
        }
    }

    pub(in crate::log) fn set_never(&self) {
        self.closed.store(i64::MAX, Ordering::SeqCst);
        self.set_writer(None);
        self.set_unique(None);
        self.set_compaction(None);
    }

    /// There are other closed segments than before, or other settings for them.
    pub(in crate::log) fn set_closed_changed(&self) {
        self.closed_changed.store(true, Ordering::SeqCst);
    }

    pub(in crate::log) fn set_unique(&self, due_us: Option<i64>) {
        self.unique.store(due_us.unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    pub(in crate::log) fn set_compaction(&self, due_us: Option<i64>) {
        self.compaction.store(due_us.unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    pub(in crate::log) fn compaction_us(&self) -> Option<i64> {
        Some(self.compaction.load(Ordering::SeqCst)).filter(|&due_us| due_us < i64::MAX)
    }

    pub(in crate::log) fn set_writer(&self, due_us: Option<i64>) {
        self.writer.store(due_us.unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Topic {
    /// When [`Topic::run_due`] next has something to do, in µs since the epoch; `None` if nothing
    /// is due.
    pub fn due_us(&self) -> Option<i64> {
        let of = |due: &AtomicI64| due.load(Ordering::SeqCst);
        let all = [of(&self.due.writer), of(&self.due.closed), of(&self.due.unique)];
        all.into_iter().min().filter(|&due_us| due_us < i64::MAX)
    }

    /// Does what is due now.
    ///
    /// # Errors
    /// When the disk refuses. What could not be done is due again a minute later.
    pub fn run_due(&self) -> Result<(), LogError> {
        self.run_due_at(now_us())
    }

    /// Does what is due at a time: for whoever waited for it, and knows better than a clock that
    /// was set back meanwhile.
    ///
    /// # Errors
    /// As [`Topic::run_due`].
    pub fn run_due_at(&self, now_us: i64) -> Result<(), LogError> {
        let _alone = lock(&self.maintenance);
        // Whatever fails now is tried again, but not without end.
        self.due.closed.store(now_us.saturating_add(RETRY_US), Ordering::SeqCst);
        self.due.set_writer(None);
        self.save_keys();
        self.sets.forget_unused(now_us);
        self.due.set_unique(self.sets.due_us());
        let settings = self.settings();
        let pending = lock(&self.writer).begin_sync(Some(now_us));
        if let Some(pending) = pending {
            // While others append.
            pending.run();
            lock(&self.writer).end_sync(&pending)?;
        }
        let tended = lock(&self.writer).run_due(now_us);
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

    /// Forces what lies before these offsets of partitions to the disk, if it is not there: for
    /// whoever makes something durable that builds on it.
    ///
    /// # Errors
    /// When the disk refuses, or the topic takes no more appends and it is uncertain what is there.
    pub fn force(&self, before: &BTreeMap<u32, u64>) -> Result<(), LogError> {
        let is_there = |writer: &Writer| {
            let of = |number: u32| writer.partitions().get(number as usize);
            before.iter().all(|(&number, &to)| of(number).is_none_or(|it| to <= it.synced()))
        };
        let mut writer = lock(&self.writer);
        if is_there(&writer) {
            return Ok(());
        }
        if let Some(pending) = writer.begin_sync(None) {
            // While others append.
            drop(writer);
            pending.run();
            writer = lock(&self.writer);
            writer.end_sync(&pending)?;
        }
        if !is_there(&writer) {
            writer.check()?;
            writer.flush()?;
        }
        self.due.set_writer(writer.due_us());
        Ok(())
    }

    /// Asks the writer when it is next due.
    pub(in crate::log) fn refresh_due(&self) {
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
        for active in self.actives() {
            next_us = next_us.min(self.expire_before(&active, settings, now_us)?);
        }
        self.due.closed.store(next_us, Ordering::SeqCst);
        Ok(())
    }

    /// The same in one partition, whose active segment was this one; tells when its next segment is
    /// old enough.
    fn expire_before(
        &self,
        active: &Active,
        settings: &Settings,
        now_us: i64,
    ) -> Result<i64, LogError> {
        sweep(&*self.storage, &active.place)?;
        let mut closed = closed(&*self.storage, &active.place)?;
        // An append may have closed it since: its bytes must not count twice.
        closed.retain(|segment| segment.base < active.base);
        let (gone, kept) = closed.split_at(expired(&closed, active.bytes, settings, now_us));
        self.delete_segments(&active.place, gone)?;
        let due_us = kept.first().and_then(|oldest| due_us(oldest, settings, now_us));
        Ok(due_us.unwrap_or(i64::MAX))
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
        let chosen = self.chosen(partition);
        chosen.map(|partition| Ok((partition, self.trim_one(partition, before)?))).collect()
    }

    /// Where partitions would begin after [`Topic::trim`]; nothing is removed.
    ///
    /// # Errors
    /// As there.
    pub fn would_trim(
        &self,
        partition: Option<u32>,
        before: Before,
    ) -> Result<Vec<(u32, u64)>, LogError> {
        let chosen = self.chosen(partition);
        chosen.map(|partition| Ok((partition, self.would_begin(partition, before)?))).collect()
    }

    fn chosen(&self, partition: Option<u32>) -> Range<u32> {
        let all = 0..self.settings().partitions;
        partition.map_or(all, |partition| partition..partition.saturating_add(1))
    }

    fn would_begin(&self, partition: u32, before: Before) -> Result<u64, LogError> {
        let _alone = lock(&self.maintenance);
        let (place, limit) = self.limit(partition, before)?;
        let reader = self.reader();
        let bounds = reader.bounds()?;
        let Some(held) = bounds.get(partition as usize) else { return Ok(0) };
        if held.end <= limit {
            // The active segment would be closed, and go, too.
            return Ok(held.end);
        }
        let closed = closed(&*self.storage, &place)?;
        let gone = closed.iter().take_while(|segment| segment.end <= limit).last();
        Ok(gone.map_or(held.start, |segment| segment.end.max(held.start)))
    }

    fn trim_one(&self, partition: u32, before: Before) -> Result<u64, LogError> {
        let _alone = lock(&self.maintenance);
        let (place, limit) = self.limit(partition, before)?;
        lock(&self.writer).close_before(partition, limit)?;
        self.refresh_due();
        sweep(&*self.storage, &place)?;
        let closed = closed(&*self.storage, &place)?;
        let count = closed.iter().take_while(|segment| segment.end <= limit).count();
        self.delete_segments(&place, &closed[..count])?;
        Ok(self.reader().bounds()?.get(partition as usize).map_or(0, |held| held.start))
    }

    /// Where a partition's files are, and the offset before which records may go.
    fn limit(&self, partition: u32, before: Before) -> Result<(Place, u64), LogError> {
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
        Ok((place, limit))
    }

    fn delete_segments(&self, place: &Place, segments: &[Closed]) -> Result<(), LogError> {
        if segments.is_empty() {
            return Ok(());
        }
        // The sequences of producers are in the segments; they are kept as long as the topic.
        lock(&self.writer).settle_producers()?;
        let removed = remove(&*self.storage, place, segments);
        if let Some(start) = bases(&*self.storage, place)?.first() {
            self.sets.trim(place.partition, *start);
        }
        removed
    }

    fn actives(&self) -> Vec<Active> {
        lock(&self.writer).partitions().iter().map(Partition::active).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use crate::log::simulation::simulated::{BrokenPromise, Random, Simulated, seeds};
    use crate::log::{Fsync, Log, Settings};

    #[test]
    fn what_is_to_be_built_on_is_on_the_disk_before() {
        let disk = Simulated::new(BrokenPromise::None);
        let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).unwrap();
        let settings = Settings { fsync: Fsync::Never, ..Settings::new(1, None) };
        let topic = log.create("t", &settings).unwrap();
        let end = |disk: Simulated| {
            let log = Log::open_on(Arc::new(disk), Path::new("/")).unwrap();
            log.topic("t").unwrap().reader().bounds().unwrap()[0].end
        };
        for records in 1..4 {
            let batch = topic.prepare(b"1\n".to_vec(), None).unwrap();
            topic.append(vec![batch]).remove(0).unwrap();
            let ends = |disk: &Simulated| {
                seeds(20).map(|seed| end(disk.after_crash(&mut Random::new(seed)))).min()
            };
            assert!(ends(&disk) < Some(records), "nothing was tested");
            topic.force(&[(0, records - 1)].into()).unwrap();
            assert!(ends(&disk) < Some(records), "it was there already");
            topic.force(&[(0, records)].into()).unwrap();
            assert_eq!(ends(&disk), Some(records));
        }
    }

    #[test]
    fn a_segment_that_is_closed_meanwhile_does_not_count_twice() {
        let log =
            Log::open_on(Arc::new(Simulated::new(BrokenPromise::None)), Path::new("/")).unwrap();
        let settings = Settings { segment_bytes: 4, ..Settings::new(1, None) };
        let topic = log.create("t", &settings).unwrap();
        let append = || {
            let batch = topic.prepare(b"1\n".to_vec(), None).unwrap();
            topic.append(vec![batch]).remove(0).unwrap();
        };
        (0..6).for_each(|_| append());
        let active = topic.actives().remove(0);
        append();
        // Without the oldest segment 10 bytes remain.
        for (kept, start) in [(11, 0), (8, 2)] {
            let settings = Settings { retention_bytes: Some(kept), ..settings.clone() };
            topic.expire_before(&active, &settings, 0).unwrap();
            assert_eq!(topic.reader().bounds().unwrap()[0].start, start, "{kept}");
        }
    }
}
