//! Appending: what only one thread of a topic does at a time.

mod altering;
mod naming;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::{Batch, Part};
use super::closed_reason::{Closed, ClosedReason};
use super::group::{Group, Stamp};
use super::partition::{Partition, Staged, settle};
use super::pending_sync::{PendingSync, Unsynced};
use super::producers::{Producers, Verdict};
use crate::api::appending::Appended;
use crate::api::reading::ByPartition;
use crate::log::LogError;
use crate::log::clock::{now_us, us_of_ms};
use crate::log::recover::recovery::Survey;
use crate::log::segment::Place;
use crate::log::segment::format::Counted;
use crate::log::settings::{Fsync, Settings};
use crate::log::storage::Storage;
use crate::log::unique::set::Open;
use crate::log::unique::sift::{note, sift};

/// The most batches that are written at once: far fewer than there are numbers for them.
const GROUP_BATCHES_MAX: usize = 1 << 14;

/// The most batches that are acknowledged and not on the disk: recovery must see by their numbers
/// that one is missing.
const UNSYNCED_BATCHES_MAX: usize = 1 << 15;

/// The one writer of a topic.
pub(in crate::log) struct Writer {
    storage: Arc<dyn Storage>,
    topic: String,
    dir: PathBuf,
    settings: Settings,
    places: Vec<Place>,
    partitions: Vec<Partition>,
    /// Read from the files when first needed.
    producers: Option<Producers>,
    counted: Counted,
    /// What is acknowledged and not yet on the disk, if anything.
    unsynced: Option<Unsynced>,
    /// What is being forced to the disk without us.
    pending: Option<Arc<PendingSync>>,
    /// Whether a segment was closed since that was last asked.
    rolled: bool,
    closed: Closed,
}

impl Writer {
    /// Opens the partitions as they were surveyed. If one is damaged, none is touched.
    pub(in crate::log) fn open(
        storage: Arc<dyn Storage>,
        dir: &Path,
        settings: &Settings,
        places: Vec<Place>,
        surveys: &[Survey],
    ) -> Result<Writer, LogError> {
        let refusal = places.iter().zip(surveys).find_map(|(place, survey)| {
            let (offset, why) = survey.damage.clone()?;
            Some(ClosedReason::Damaged { partition: place.partition, offset, why })
        });
        let mut opened = Vec::with_capacity(places.len());
        if refusal.is_none() {
            for (place, survey) in places.iter().zip(surveys) {
                opened.push(Partition::open(Arc::clone(&storage), place.clone(), survey)?);
            }
        }
        let partitions = settle(opened)?;
        Ok(Writer {
            storage,
            topic: places.first().map_or_else(String::new, |place| place.topic.clone()),
            dir: dir.to_owned(),
            settings: settings.clone(),
            places,
            partitions,
            producers: None,
            unsynced: None,
            pending: None,
            rolled: false,
            counted: surveys.iter().map(|survey| survey.counted).max().unwrap_or_default(),
            closed: Closed::new(refusal),
        })
    }

    /// Appends a group; one result a batch. `before`: whether the batch before its first was
    /// appended. If its batches have keys, `sets` are those that the keys are by, which have read
    /// all of the topic.
    pub(in crate::log) fn append(
        &mut self,
        batches: &mut [Batch],
        before: bool,
        sets: &mut [Open<'_>],
    ) -> Vec<Result<Appended, LogError>> {
        let mut results = Vec::with_capacity(batches.len());
        for group in batches.chunks_mut(GROUP_BATCHES_MAX) {
            let count = group.len();
            let before = results.last().map_or(before, Result::is_ok);
            match self.try_append(group, before, sets) {
                Ok(appended) => results.extend(appended),
                Err(error) => results.extend((0..count).map(|_| Err(error.clone()))),
            }
        }
        results
    }

    /// Where a producer stands.
    pub(in crate::log) fn held(&mut self, name: &str) -> Result<Option<u64>, LogError> {
        self.check()?;
        Ok(self.producers()?.held(name))
    }

    /// How far each partition may be read; `None` once that is uncertain.
    pub(in crate::log) fn visible(&self) -> Option<Vec<u64>> {
        (!self.closed.is_set()).then(|| self.partitions.iter().map(Partition::visible).collect())
    }

    /// Leaves the files clean.
    pub(in crate::log) fn close(&mut self) -> Result<(), LogError> {
        if self.closed.is_set() {
            return Ok(());
        }
        self.flush()?;
        self.partitions.iter_mut().try_for_each(Partition::close)
    }

    /// The same where anything was written; false if the topic is closed for appends, and
    /// stays so.
    pub(in crate::log) fn close_idle(&mut self) -> Result<bool, LogError> {
        if self.closed.is_set() {
            return Ok(false);
        }
        if self.partitions.iter().any(Partition::has_changed) {
            self.close()?;
        }
        Ok(true)
    }

    /// Whether it is closed, for threads that do not hold the writer.
    pub(in crate::log) fn closed(&self) -> Closed {
        self.closed.clone()
    }

    /// Refuses where nothing may be appended any more.
    pub(in crate::log) fn check(&self) -> Result<(), LogError> {
        self.closed.check(&self.topic)
    }

    /// Appends a group; an error is that of the whole group. `before`: whether the batch before the
    /// group's first was appended.
    fn try_append(
        &mut self,
        batches: &mut [Batch],
        before: bool,
        sets: &mut [Open<'_>],
    ) -> Result<Vec<Result<Appended, LogError>>, LogError> {
        let count = batches.len();
        let marks: Vec<_> = sets.iter().map(|set| set.mark()).collect();
        self.check()?;
        self.roll_full()?;
        self.name_producers(batches)?;
        let mut group = Group::new(&self.partitions);
        let counted = self.counted;
        let mut results: Vec<Result<Appended, LogError>> = Vec::with_capacity(batches.len());
        for batch in batches {
            let follows = results.last().map_or(before, Result::is_ok);
            results.push(if batch.chained && !follows {
                Err(LogError::ChainBroken { topic: self.topic.clone() })
            } else {
                self.stage(&mut group, batch, sets)
            });
        }
        let written = self.write(&group, count);
        if written.is_err() {
            // They were counted and noted as if all went well; the numbers must have no gap, and
            // what the log really holds of the producers is in its files.
            self.counted.next = counted.next;
            self.producers = None;
            sets.iter_mut().zip(marks).for_each(|(set, mark)| set.undo(mark));
        }
        written.map(|()| results)
    }

    /// Gives a batch its place in the group, without the records that the topic has, unless its
    /// producer's sequence forbids it.
    fn stage<'a>(
        &mut self,
        group: &mut Group<'a>,
        batch: &'a mut Batch,
        sets: &mut [Open<'_>],
    ) -> Result<Appended, LogError> {
        if let Some(error) = batch.refused.take() {
            return Err(error);
        }
        let mut producer = 0;
        if let Some(identity) = &batch.identity {
            let topic = self.topic.clone();
            let producers = self.producers()?;
            match producers.judge(identity) {
                Verdict::Append => producer = producers.number(&identity.producer),
                Verdict::Duplicate { records, offsets } => {
                    let appended = self.appended(batch, offsets);
                    let counts = ByPartition::new();
                    return Ok(Appended { records, counts, duplicate: true, ..appended });
                }
                Verdict::Gap { held } => {
                    let producer = identity.producer.clone();
                    let after = identity.after.unwrap_or_default();
                    return Err(LogError::SequenceGap { topic, producer, held, after });
                }
            }
        }
        let number = self.counted.next;
        let last_us = now_us().max(self.counted.last_us.saturating_add(1));
        let skipped = sift(batch, sets, last_us)?;
        let batch: &'a Batch = batch;
        if batch.records == 0 && batch.identity.is_none() {
            return Ok(Appended { skipped, ..self.appended(batch, ByPartition::new()) });
        }
        self.counted = Counted { last_us, next: number.wrapping_add(1) };
        let offsets = group.stage(batch, Stamp { time_us: last_us, number, producer });
        if let (Some(identity), Some(producers)) = (&batch.identity, &mut self.producers) {
            producers.note(identity, batch.records, &offsets, last_us);
        }
        note(batch, sets, &offsets, last_us);
        Ok(Appended { skipped, ..self.appended(batch, offsets) })
    }

    /// What is said of a batch whose records begin at these offsets.
    fn appended(&self, batch: &Batch, offsets: ByPartition<u64>) -> Appended {
        Appended {
            topic: self.topic.clone(),
            records: batch.records,
            skipped: 0,
            counts: counts(batch, &offsets),
            offsets,
            sequence: batch.identity.as_ref().map(|identity| identity.sequence),
            duplicate: false,
        }
    }

    /// Writes a group in the order that `docs/FORMAT.md` gives.
    fn write(&mut self, group: &Group<'_>, batches: usize) -> Result<(), LogError> {
        let touched: Vec<_> = group.touched().collect();
        for (at, parts) in &touched {
            if let Err(error) = self.partitions[*at].write(parts) {
                return Err(self.undo(&touched, error));
            }
        }
        if self.settings.fsync == Fsync::Always {
            // Put off under another policy, before the settings were changed.
            self.land()?;
            // All are on the disk before any says so: a batch may have parts in several.
            for (at, _) in &touched {
                if let Err(error) = self.partitions[*at].sync() {
                    return Err(self.fail(error));
                }
            }
        }
        for (at, _) in &touched {
            if let Err(error) = self.partitions[*at].attest() {
                return Err(self.fail(error));
            }
        }
        if self.settings.fsync == Fsync::Always || touched.is_empty() {
            return Ok(());
        }
        let unsynced = self.unsynced.get_or_insert(Unsynced { since_us: now_us(), batches: 0 });
        unsynced.batches += batches;
        let flying = self.pending.as_ref().map_or(0, |pending| pending.batches);
        if unsynced.batches + flying < UNSYNCED_BATCHES_MAX { Ok(()) } else { self.flush() }
    }

    /// Forces everything that is acknowledged to the disk.
    pub(in crate::log) fn flush(&mut self) -> Result<(), LogError> {
        self.land()?;
        if self.unsynced.take().is_none() {
            return Ok(());
        }
        let late = self.late();
        let (mut synced, mut attested) = (Ok(()), Ok(()));
        for &at in &late {
            synced = synced.and_then(|()| self.partitions[at].sync());
        }
        if synced.is_ok() {
            for &at in &late {
                attested = attested.and_then(|()| self.partitions[at].attest());
            }
        }
        synced.and(attested).map_err(|error| self.fail(error))
    }

    /// The partitions that have something which is acknowledged and not on the disk.
    fn late(&self) -> Vec<usize> {
        let is_late = |&at: &usize| self.partitions[at].unsynced_entries() > 0;
        (0..self.partitions.len()).filter(is_late).collect()
    }

    /// Begins to force what is due at a time, or everything, to the disk: whoever calls runs the
    /// pending, while others append, and then calls [`Writer::end_sync`].
    pub(in crate::log) fn begin_sync(&mut self, now_us: Option<i64>) -> Option<Arc<PendingSync>> {
        now_us.into_iter().for_each(|now_us| self.clamp_age_to_now(now_us));
        let due_us = self.sync_due_us();
        let is_due = now_us.is_none_or(|now_us| due_us.is_some_and(|due_us| due_us <= now_us));
        if self.closed.is_set() || self.pending.is_some() || !is_due {
            return None;
        }
        let batches = self.unsynced.take()?.batches;
        let marks = self.late().into_iter().map(|at| (at, self.partitions[at].mark())).collect();
        let pending = Arc::new(PendingSync::new(marks, batches));
        self.pending = Some(Arc::clone(&pending));
        Some(pending)
    }

    /// Takes note of a pending fsync that has ended, unless another thread has done so.
    pub(in crate::log) fn end_sync(&mut self, pending: &Arc<PendingSync>) -> Result<(), LogError> {
        let is_out = self.pending.as_ref().is_some_and(|other| Arc::ptr_eq(other, pending));
        if is_out { self.land() } else { Ok(()) }
    }

    /// Waits for what is being forced to the disk, and takes note of it. Nothing may be synced or
    /// begun anew before.
    fn land(&mut self) -> Result<(), LogError> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let mut synced = pending.wait();
        if synced.is_ok() {
            for (at, mark) in &pending.marks {
                self.partitions[*at].reached(mark);
            }
            for (at, _) in &pending.marks {
                synced = synced.and_then(|()| self.partitions[*at].attest_visible());
            }
        }
        synced.map_err(|error| self.fail(error))
    }

    /// Takes back a group that could not be written whole: a full disk is then only an error, and
    /// the log goes on once there is room.
    fn undo(&mut self, touched: &[(usize, &[Staged<'_>])], error: LogError) -> LogError {
        for (at, _) in touched {
            if let Err(worse) = self.partitions[*at].undo() {
                return self.fail(worse);
            }
        }
        error
    }

    fn fail(&mut self, error: LogError) -> LogError {
        self.closed.set(ClosedReason::Failed { why: error.to_string() });
        error
    }

    /// Begins new segments where the active ones are full.
    fn roll_full(&mut self) -> Result<(), LogError> {
        let now_us = now_us();
        self.clamp_age_to_now(now_us);
        let (segment_bytes, age_us) = (self.settings.segment_bytes, self.segment_us());
        self.roll(|_, partition| {
            partition.is_full(segment_bytes) || partition.is_older(age_us, now_us)
        })
        .map(drop)
    }

    /// How old an active segment grows, in µs.
    pub(in crate::log) fn segment_us(&self) -> Option<i64> {
        self.settings.segment_ms.map(us_of_ms)
    }

    /// What seems to have begun after now began before the clock was set back: its age counts from
    /// now on at the latest.
    fn clamp_age_to_now(&mut self, now_us: i64) {
        self.partitions.iter_mut().for_each(|partition| partition.clamp_age_to_now(now_us));
        if let Some(unsynced) = &mut self.unsynced {
            unsynced.since_us = unsynced.since_us.min(now_us);
        }
    }

    /// Begins new segments where `wanted` says so, by a partition's number and itself, and where
    /// that has failed before. Whether any was begun.
    pub(in crate::log) fn roll(
        &mut self,
        wanted: impl Fn(usize, &Partition) -> bool,
    ) -> Result<bool, LogError> {
        let wanted =
            |&at: &usize| self.partitions[at].is_unfinished() || wanted(at, &self.partitions[at]);
        let wanted: Vec<usize> = (0..self.partitions.len()).filter(wanted).collect();
        if wanted.is_empty() {
            return Ok(false);
        }
        // A new segment says that all batches before it are certain, in every partition.
        self.flush()?;
        for &at in &wanted {
            if let Err(error) = self.partitions[at].close() {
                return Err(self.fail(error));
            }
            // A failure is no room or no descriptor, as a rule. That passes, and it is tried again.
            self.partitions[at].begin_next(now_us(), self.counted)?;
            self.rolled = true;
        }
        if self.producers.as_ref().is_some_and(|producers| !producers.is_empty()) {
            self.save_producers()?;
        }
        Ok(true)
    }

    /// Closes the segments that are due; a closed topic is left alone. Whether a
    /// segment was closed since the last time.
    pub(in crate::log) fn run_due(&mut self, now_us: i64) -> Result<bool, LogError> {
        if self.closed.is_set() {
            return Ok(std::mem::take(&mut self.rolled));
        }
        self.clamp_age_to_now(now_us);
        let age_us = self.segment_us();
        self.roll(|_, partition| partition.is_older(age_us, now_us))?;
        Ok(std::mem::take(&mut self.rolled))
    }

    /// Closes the active segment of a partition if all its records, and there are some, lie before
    /// an offset.
    pub(in crate::log) fn close_before(
        &mut self,
        partition: u32,
        limit: u64,
    ) -> Result<(), LogError> {
        self.check()?;
        let wanted = |at: usize, active: &Partition| {
            at == partition as usize && active.has_records() && active.end() <= limit
        };
        self.roll(wanted).map(drop)
    }

    /// When [`Writer::run_due`] next has something to do, or a closed segment needs attention, in
    /// µs since the epoch.
    pub(in crate::log) fn due_us(&self) -> Option<i64> {
        if self.closed.is_set() {
            return None;
        }
        let age_us = self.segment_us();
        let of_age = |partition: &Partition| Some(partition.first_us()?.saturating_add(age_us?));
        let first = self.partitions.iter().filter_map(of_age).min();
        let rolled = self.rolled.then_some(0);
        [rolled, first, self.sync_due_us()].into_iter().flatten().min()
    }

    /// When what is acknowledged is to be on the disk.
    fn sync_due_us(&self) -> Option<i64> {
        let unsynced = self.unsynced?;
        match self.settings.fsync {
            // Acknowledged under another policy, before the settings were changed.
            Fsync::Always => Some(unsynced.since_us),
            Fsync::Within(within) => {
                Some(unsynced.since_us.saturating_add(within.ms().saturating_mul(1000)))
            }
            Fsync::Never => None,
        }
    }

    pub(in crate::log) fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// The partitions of a topic that takes appends.
    pub(in crate::log) fn places_if_whole(&self) -> Result<Vec<Place>, LogError> {
        self.check().map(|()| self.places.clone())
    }

    /// Takes no more records: the topic is about to be deleted.
    pub(in crate::log) fn retire(&mut self) {
        self.closed.set(ClosedReason::Deleted);
    }
}

/// How many records each partition gets of a batch that several get some of.
fn counts(batch: &Batch, offsets: &ByPartition<u64>) -> ByPartition<u64> {
    if offsets.len() < 2 {
        return ByPartition::new();
    }
    let count = |part: &Part| Some((part.partition?, u64::from(part.records)));
    batch.parts.iter().filter_map(count).collect()
}
