//! Compaction: of each key only the last record stays, in closed segments (`docs/FORMAT.md`,
//! "Compaction").
//!
//! As Kafka's cleaner (`LogCleaner`) does it: a partition's closed segments are a clean part, in
//! which no record has a later one of its key, and a dirty part behind it. A pass notes the last
//! offset of every key in the dirty part, as many as there is room for; then it writes each segment
//! up to there anew without the records that have a later one, the oldest first. Records of the
//! active segment take none away: they may still be lost in a crash, and the last record of a key
//! never is.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::due::RETRY_US;
use super::keys::{KEYS_MAX, Keys, Latest};
use super::retention::{Closed, closed};
use crate::api::reading::ByPartition;
use crate::api::topics::TakenAway;
use crate::expr::{Bounds, Exceeded};
use crate::log::LogError;
use crate::log::clock::{now_us, us_of_ms};
use crate::log::segment::entries::records;
use crate::log::segment::format::Compaction;
use crate::log::segment::listing::bases;
use crate::log::segment::rewrite::{Rewrite, each_batch, sweep_unfinished};
use crate::log::segment::{Place, Segment};
use crate::log::settings::Settings;
use crate::log::storage::Open;
use crate::log::sync::lock;
use crate::log::topic::Topic;

/// A partition is compacted by itself when so much of its closed segments is dirty (Kafka's
/// `min.cleanable.dirty.ratio`): the work is then at most twice what was appended.
const DIRTY_PERCENT_MIN: u64 = 50;

/// The offset up to which no record has a later one of its key before that offset.
fn clean_until(closed: &[Closed]) -> u64 {
    let mut clean = u64::MAX;
    for segment in closed {
        if segment.base >= clean {
            break;
        }
        clean = clean.min(segment.compaction.until.max(segment.base));
    }
    clean.min(closed.last().map_or(0, |last| last.end))
}

/// Whether the tombstones of a segment have stayed long enough: counted from when the earlier
/// records of their keys were gone, so that whoever has read those has the time to read them, too.
fn tombstones_go(compaction: Compaction, settings: &Settings, now_us: i64) -> bool {
    tombstones_due_us(compaction, settings).is_some_and(|due_us| due_us <= now_us)
}

fn tombstones_due_us(compaction: Compaction, settings: &Settings) -> Option<i64> {
    let is_settled = compaction.settled_us > 0 && settings.tombstone.is_some();
    let stay_us = us_of_ms(settings.tombstone_ms());
    is_settled.then(|| compaction.settled_us.saturating_add(stay_us))
}

/// When a partition is to be compacted, in µs since the epoch.
fn due_us(closed: &[Closed], settings: &Settings) -> Option<i64> {
    let clean = clean_until(closed);
    let bytes = |segments: &mut dyn Iterator<Item = &Closed>| -> u64 {
        segments.map(|segment| segment.bytes).sum()
    };
    let all = bytes(&mut closed.iter());
    let dirty = bytes(&mut closed.iter().filter(|segment| segment.end > clean));
    if dirty > 0 && dirty.saturating_mul(100) >= all.saturating_mul(DIRTY_PERCENT_MIN) {
        return Some(0);
    }
    let left = closed.iter().filter(|segment| segment.compaction.tombstones > 0);
    left.filter_map(|segment| tombstones_due_us(segment.compaction, settings)).min()
}

/// How many bytes are read, and how many there are to read in all, as far as is known.
pub type Told<'a> = &'a dyn Fn(u64, u64);

/// How many bytes a compaction has read, and who is told of it.
#[derive(Default)]
struct Progress<'a> {
    told: Option<Told<'a>>,
    read: Cell<u64>,
    total: Cell<u64>,
}

impl Progress<'_> {
    /// So many bytes are still to be read.
    fn set_left(&self, bytes: u64) {
        self.total.set(self.read.get() + bytes);
        self.advance(0);
    }

    /// So many more bytes are read.
    fn advance(&self, bytes: u64) {
        self.read.set(self.read.get() + bytes);
        self.told.iter().for_each(|told| told(self.read.get(), self.total.get()));
    }
}

impl Topic {
    /// Compacts all partitions now; `close`: also what is in their active segments, which are
    /// closed first. Appends go on meanwhile. `told` is called often.
    ///
    /// # Errors
    /// When the topic is not one that is compacted, records are damaged, or the disk refuses. What
    /// was done until then stays.
    pub fn compact(
        &self,
        close: bool,
        told: Option<Told<'_>>,
    ) -> Result<ByPartition<TakenAway>, LogError> {
        self.compact_telling(close, now_us(), KEYS_MAX, told)
    }

    #[cfg(test)]
    pub(in crate::log) fn compact_at(
        &self,
        close: bool,
        now_us: i64,
        keys_max: usize,
    ) -> Result<ByPartition<TakenAway>, LogError> {
        self.compact_telling(close, now_us, keys_max, None)
    }

    fn compact_telling(
        &self,
        close: bool,
        now_us: i64,
        keys_max: usize,
        told: Option<Told<'_>>,
    ) -> Result<ByPartition<TakenAway>, LogError> {
        let settings = self.settings();
        if !settings.compact {
            let why = match settings.key {
                Some(_) => "the topic is not compacted; log-admin alter --compact changes that",
                None => "compaction keeps the last record of each key, and the topic has no key",
            };
            return Err(LogError::BadSettings { why: format!("{}: {why}", self.name()) });
        }
        let places = lock(&self.writer).places_if_whole()?;
        let _alone = lock(&self.compaction);
        if close {
            let _still = lock(&self.maintenance);
            for place in &places {
                lock(&self.writer).close_before(place.partition, u64::MAX)?;
            }
            self.refresh_due();
        }
        let progress = Progress { told, ..Progress::default() };
        let job = Job { topic: self, settings: &settings, now_us, keys_max, progress };
        let compacted = job.run(&places);
        self.note_closed()?;
        compacted
    }

    /// When [`Topic::compact_due`] next has something to do, in µs since the epoch.
    pub fn compaction_due_us(&self) -> Option<i64> {
        self.due.compaction_us()
    }

    /// Compacts the partitions in which enough is dirty. Appends, and [`Topic::run_due`], go on
    /// meanwhile.
    ///
    /// # Errors
    /// When records are damaged, or the disk refuses. It is due again a minute later.
    pub fn compact_due(&self) -> Result<ByPartition<TakenAway>, LogError> {
        let _alone = lock(&self.compaction);
        let (settings, now_us) = (self.settings(), now_us());
        self.due.set_compaction(Some(now_us.saturating_add(RETRY_US)));
        let mut due = Vec::new();
        let places = lock(&self.writer).places_if_whole()?;
        for place in places {
            let closed = closed(&*self.storage, &place)?;
            if settings.compact && due_us(&closed, &settings).is_some_and(|it| it <= now_us) {
                due.push(place);
            }
        }
        let (keys_max, progress) = (KEYS_MAX, Progress::default());
        let job = Job { topic: self, settings: &settings, now_us, keys_max, progress };
        let compacted = job.run(&due)?;
        self.note_closed()?;
        Ok(compacted)
    }

    /// Notes when the closed segments are next to be compacted.
    pub(in crate::log) fn note_closed(&self) -> Result<(), LogError> {
        let settings = self.settings();
        let mut next_us = None;
        if settings.compact && !self.interrupted.load(Ordering::SeqCst) {
            // A topic that refuses appends is left alone.
            let places = lock(&self.writer).places_if_whole().unwrap_or_default();
            for place in places {
                let due_us = due_us(&closed(&*self.storage, &place)?, &settings);
                next_us = [next_us, due_us].into_iter().flatten().min();
            }
        }
        self.due.set_compaction(next_us);
        Ok(())
    }
}

/// Compacting a topic.
struct Job<'a> {
    topic: &'a Topic,
    settings: &'a Settings,
    now_us: i64,
    keys_max: usize,
    progress: Progress<'a>,
}

impl Job<'_> {
    fn run(&self, places: &[Place]) -> Result<ByPartition<TakenAway>, LogError> {
        let mut all = ByPartition::new();
        if places.is_empty() {
            return Ok(all);
        }
        let bounds = Bounds::served(Arc::clone(&self.topic.interrupted));
        let mut keys = Keys::of(self.settings, bounds)?;
        let ahead = self.ahead(places)?;
        for (place, later) in places.iter().zip(ahead) {
            let mut sum = TakenAway::default();
            // Each pass goes as far as there is room for keys.
            while self.pass(place, later, &mut keys, &mut sum)? {}
            all.insert(place.partition, sum);
        }
        Ok(all)
    }

    /// For each partition, how many bytes are to be read in those after it.
    fn ahead(&self, places: &[Place]) -> Result<Vec<u64>, LogError> {
        let mut ahead = vec![0; places.len()];
        if self.progress.told.is_none() {
            return Ok(ahead);
        }
        let mut sum = 0;
        for (place, later) in places.iter().zip(&mut ahead).rev() {
            *later = sum;
            let _alone = lock(&self.topic.maintenance);
            sum += self.work(&closed(&*self.topic.storage, place)?);
        }
        Ok(ahead)
    }

    /// How many bytes are read to compact these segments, if there is room for all keys: the dirty
    /// ones twice.
    fn work(&self, closed: &[Closed]) -> u64 {
        let (from, until) = (clean_until(closed), closed.last().map_or(0, |last| last.end));
        let of = |one: &Closed| {
            let times = u64::from(one.end > from) + u64::from(self.is_due(one, until));
            one.bytes * times
        };
        closed.iter().map(of).sum()
    }

    /// Whether a segment is to be written anew in a pass that knows the keys before `until`.
    fn is_due(&self, one: &Closed, until: u64) -> bool {
        let of = one.compaction;
        one.base < until && of.until < until
            || of.tombstones > 0 && tombstones_go(of, self.settings, self.now_us)
    }

    /// One pass over a partition, after which there are `later` bytes to read in others. False:
    /// nothing is left to be done now.
    fn pass(
        &self,
        place: &Place,
        later: u64,
        keys: &mut Keys,
        sum: &mut TakenAway,
    ) -> Result<bool, LogError> {
        let storage = &*self.topic.storage;
        let closed = {
            let _alone = lock(&self.topic.maintenance);
            if !self.goes_on() {
                return Ok(false);
            }
            sweep_unfinished(storage, place)?;
            closed(storage, place)?
        };
        self.progress.set_left(self.work(&closed) + later);
        let from = clean_until(&closed);
        let Some((latest, until)) = self.gather(place, &closed, from, keys)? else {
            return Ok(false);
        };
        let mut wanted = closed.iter().filter(|one| self.is_due(one, until)).peekable();
        let is_work = wanted.peek().is_some();
        for segment in wanted {
            let done = self.rewrite(place, segment, keys, &latest, until)?;
            if !self.goes_on() {
                return Ok(false);
            }
            sum.segments += u64::from(done.records > 0);
            sum.records += done.records;
            sum.bytes += done.bytes;
        }
        Ok(is_work)
    }

    /// Whether to go on: not when the topic closes, or is no more to be compacted like this.
    fn goes_on(&self) -> bool {
        !self.topic.interrupted.load(Ordering::SeqCst)
            && self.topic.settings().compacts_as(self.settings)
    }

    /// The last offset of each key from `from` on, and up to which offset there was room for keys;
    /// `None` if interrupted.
    fn gather(
        &self,
        place: &Place,
        closed: &[Closed],
        from: u64,
        keys: &mut Keys,
    ) -> Result<Option<(Latest, u64)>, LogError> {
        let mut latest = Latest::new(self.keys_max);
        let mut until = closed.last().map_or(0, |last| last.end);
        for one in closed.iter().filter(|one| one.end > from) {
            // One that is gone takes no record away.
            let Some(segment) = self.open(place, one.base)? else { continue };
            let interrupted = &self.topic.interrupted;
            let mut full = None;
            let whole = each_batch(&segment, place, from, interrupted, |entry, bytes| {
                self.progress.advance(u64::from(entry.bytes));
                let dirty = records(entry, bytes).filter(|(offset, _)| *offset >= from);
                for (offset, record) in dirty {
                    match keys.read(record) {
                        Ok(Some(keyed)) if !latest.note(keyed.hash, offset) => {
                            full = Some(offset);
                            return Ok(false);
                        }
                        Ok(_) => {}
                        Err(Exceeded::Stopped) => return Ok(false),
                        Err(exceeded) => return Err(self.endless(place, offset, exceeded)),
                    }
                }
                Ok(true)
            })?;
            if let Some(offset) = full {
                until = offset;
                break;
            }
            if !whole {
                return Ok(None);
            }
        }
        Ok(Some((latest, until)))
    }

    /// The segment at `base`; `None` if retention has removed it meanwhile.
    fn open(&self, place: &Place, base: u64) -> Result<Option<Segment>, LogError> {
        let _alone = lock(&self.topic.maintenance);
        let storage = &*self.topic.storage;
        if !bases(storage, place)?.contains(&base) {
            return Ok(None);
        }
        Segment::open(storage, place, base, Open::Read).map(Some)
    }

    /// Writes a segment anew without the records that have a later one in `latest`, which knows
    /// all before `until`. Tells what that took away: nothing if it was not to be finished.
    fn rewrite(
        &self,
        place: &Place,
        closed: &Closed,
        keys: &mut Keys,
        latest: &Latest,
        until: u64,
    ) -> Result<TakenAway, LogError> {
        let nothing = TakenAway::default();
        let Some(segment) = self.open(place, closed.base)? else { return Ok(nothing) };
        let mut compaction = closed.compaction;
        compaction.until = compaction.until.max(until);
        if compaction.settled_us == 0 && until >= closed.end {
            compaction.settled_us = self.now_us;
        }
        let tombstones_go = tombstones_go(compaction, self.settings, self.now_us);
        compaction.tombstones = 0;
        let mut stays = |offset: u64, record: &[u8]| -> Result<bool, Exceeded> {
            let Some(mut keyed) = keys.read(record)? else { return Ok(true) };
            if latest.supersedes(keyed.hash, offset) {
                return Ok(false);
            }
            let is_tombstone = keyed.is_tombstone()?;
            if is_tombstone && !tombstones_go {
                compaction.tombstones = compaction.tombstones.saturating_add(1);
            }
            Ok(!(is_tombstone && tombstones_go))
        };
        let mut failed = None;
        let mut keep = |offset: u64, record: &[u8]| {
            // What is not known stays; nothing of this segment is used then.
            failed.is_some()
                || stays(offset, record).unwrap_or_else(|exceeded| {
                    failed = Some((offset, exceeded));
                    true
                })
        };
        let read = |bytes| self.progress.advance(bytes);
        let mut rewrite = Rewrite::begin(&*self.topic.storage, place, &segment)?;
        let whole = rewrite.copy(&self.topic.interrupted, &mut keep, &read)?;
        match failed {
            None if whole => {}
            None | Some((_, Exceeded::Stopped)) => return Ok(nothing),
            Some((offset, exceeded)) => return Err(self.endless(place, offset, exceeded)),
        }
        rewrite.finish(compaction)?;
        let (records, bytes) = (rewrite.removed, rewrite.removed_bytes);
        let _alone = lock(&self.topic.maintenance);
        if !self.goes_on() || !rewrite.commit()? {
            return Ok(nothing);
        }
        if records > 0 {
            // Keys that it had are gone.
            self.topic.sets.clear();
        }
        Ok(TakenAway { records, bytes, ..nothing })
    }

    /// The error of a topic whose key or tombstone takes too much for one of its records.
    fn endless(&self, place: &Place, offset: u64, exceeded: Exceeded) -> LogError {
        if exceeded.is_passing() {
            return self.topic.not_evaluated(exceeded);
        }
        let (topic, partition) = (&place.topic, place.partition);
        let why = format!(
            "{topic}/{partition}@{offset}: the key or the tombstone: {exceeded}; log-admin alter \
             --tombstone changes the tombstone"
        );
        LogError::BadSettings { why }
    }
}

#[cfg(test)]
mod tests;
