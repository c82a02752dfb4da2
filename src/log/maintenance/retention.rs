//! Which segments a partition need not keep, and removing them (`docs/FORMAT.md`, "Retention").

use std::io;

use crate::log::LogError;
use crate::log::clock::us_of_ms;
use crate::log::segment::format::Compaction;
use crate::log::segment::listing::{bases, files_before};
use crate::log::segment::lookup::entry_count;
use crate::log::segment::names::parse_index;
use crate::log::segment::{Entries, Place, Segment};
use crate::log::settings::Settings;
use crate::log::storage::{Open, Storage};

/// A closed segment, as far as retention looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::log) struct Closed {
    /// The offset of its first record.
    pub base: u64,
    /// The offset behind its last record: where the next segment begins.
    pub end: u64,
    /// The length of its data, in bytes.
    pub bytes: u64,
    /// The append time of its last batch, in µs since the epoch.
    pub last_us: i64,
    /// How far it is compacted.
    pub compaction: Compaction,
    /// The earliest time at which a later segment was begun, by the clock that there was then.
    pub superseded_us: i64,
}

impl Closed {
    /// When its last record was appended, as far as can be told at `now_us`. A time that is yet to
    /// come was given by a clock that has been set back; but later segments came later.
    fn age_from_us(&self, now_us: i64) -> i64 {
        if self.last_us <= now_us { self.last_us } else { self.last_us.min(self.superseded_us) }
    }
}

/// A partition's active segment, as it was at one moment.
#[derive(Debug)]
pub(in crate::log) struct Active {
    /// Where the partition's files are.
    pub place: Place,
    /// The offset of its first record.
    pub base: u64,
    /// The length of its data, in bytes.
    pub bytes: u64,
}

/// A partition's closed segments, oldest first.
pub(in crate::log) fn closed(
    storage: &dyn Storage,
    place: &Place,
) -> Result<Vec<Closed>, LogError> {
    let bases = bases(storage, place)?;
    let mut closed = Vec::with_capacity(bases.len());
    let mut superseded_us = match bases.last() {
        Some(&active) => Segment::open(storage, place, active, Open::Read)?.created_us,
        None => i64::MAX,
    };
    for pair in bases.windows(2).rev() {
        let &[base, end] = pair else { continue };
        let segment = Segment::open(storage, place, base, Open::Read)?;
        let (bytes, _) = segment.lengths()?;
        let last_us = match entry_count(&segment)?.checked_sub(1) {
            Some(last) => Entries::of(&segment, place).get(last)?.time_us,
            None => segment.before.last_us,
        };
        let compaction = segment.compaction()?;
        closed.push(Closed { base, end, bytes, last_us, superseded_us, compaction });
        superseded_us = superseded_us.min(segment.created_us);
    }
    closed.reverse();
    Ok(closed)
}

/// How many of the oldest closed segments the settings let go: up to the first one to keep.
///
/// By age, a segment goes once its last batch is older than that. By size, one goes only while
/// what remains, the active segment counted, still has the bytes that are to be kept (Kafka,
/// `UnifiedLog.deleteRetentionSizeBreachedSegments`).
pub(in crate::log) fn expired(
    closed: &[Closed],
    active_bytes: u64,
    settings: &Settings,
    now_us: i64,
) -> usize {
    let mut rest = closed.iter().map(|segment| segment.bytes).sum::<u64>() + active_bytes;
    let mut count = 0;
    for segment in closed {
        let by_age = due_us(segment, settings, now_us).is_some_and(|due_us| due_us <= now_us);
        rest -= segment.bytes;
        if !by_age && settings.retention_bytes.is_none_or(|kept| rest < kept) {
            break;
        }
        count += 1;
    }
    count
}

/// When a closed segment is old enough to go, as it looks at `now_us`, in µs since the epoch.
pub(in crate::log) fn due_us(segment: &Closed, settings: &Settings, now_us: i64) -> Option<i64> {
    let kept_us = us_of_ms(settings.retention_ms?);
    Some(segment.age_from_us(now_us).saturating_add(kept_us))
}

/// Removes closed segments, the oldest of the partition, in the order given. After a crash at any
/// step some of them are gone, oldest first, and an index may be left without its data, which is
/// nothing.
pub(in crate::log) fn remove(
    storage: &dyn Storage,
    place: &Place,
    segments: &[Closed],
) -> Result<(), LogError> {
    let Some(last) = segments.last() else { return Ok(()) };
    let files = files_before(storage, place, last.end)?;
    // The data first: without it there is no segment.
    for segment in files.chunk_by(|(one, _), (other, _)| one == other) {
        for (_, path) in segment {
            match storage.remove(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(LogError::io(path, error));
                }
                _ => {}
            }
        }
        // One by one: a file system need not keep the order of names, and a hole is damage.
        storage.sync_dir(&place.dir).map_err(|error| LogError::io(&place.dir, error))?;
    }
    Ok(())
}

/// Removes what a crash left of segments that were being removed.
pub(in crate::log) fn sweep(storage: &dyn Storage, place: &Place) -> Result<(), LogError> {
    let Some(&first) = bases(storage, place)?.first() else { return Ok(()) };
    let names = storage.list(&place.dir).map_err(|error| LogError::io(&place.dir, error))?;
    for name in names {
        // An index behind the first data may be that of a segment just being made.
        if parse_index(&name).is_some_and(|base| base < first) {
            let path = place.dir.join(name);
            storage.remove(&path).map_err(|error| LogError::io(&path, error))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closed segments of 10 bytes each, appended at 1 ms, 2 ms, 3 ms, ….
    fn segments(count: u64) -> Vec<Closed> {
        let closed = |number: u64| Closed {
            base: number * 5,
            end: number * 5 + 5,
            bytes: 10,
            last_us: (number as i64 + 1) * 1000,
            compaction: Compaction::default(),
            superseded_us: (number as i64 + 1) * 1000,
        };
        (0..count).map(closed).collect()
    }

    #[test]
    fn nothing_goes_unless_the_settings_say_so() {
        assert_eq!(expired(&segments(3), 1, &Settings::new(1, None), i64::MAX), 0);
    }

    #[test]
    fn by_age_all_go_whose_last_batch_is_older() {
        let settings = Settings { retention_ms: Some(10), ..Settings::new(1, None) };
        for (now_us, expected) in [(0, 0), (10_999, 0), (11_000, 1), (12_500, 2), (i64::MAX, 3)] {
            assert_eq!(expired(&segments(3), 0, &settings, now_us), expected, "{now_us}");
        }
    }

    #[test]
    fn by_size_as_much_is_kept_as_was_asked_for() {
        for (kept, expected) in [(0, 3), (4, 3), (5, 2), (14, 2), (15, 1), (24, 1), (25, 0)] {
            let settings = Settings { retention_bytes: Some(kept), ..Settings::new(1, None) };
            assert_eq!(expired(&segments(3), 4, &settings, 0), expected, "{kept}");
        }
    }

    #[test]
    fn either_limit_is_enough_and_the_first_to_keep_ends_it() {
        let settings = Settings {
            retention_ms: Some(10),
            retention_bytes: Some(20),
            ..Settings::new(1, None)
        };
        assert_eq!(expired(&segments(4), 0, &settings, 0), 2);
        assert_eq!(expired(&segments(4), 0, &settings, 13_000), 3);
        let mut jumbled = segments(3);
        (jumbled[0].last_us, jumbled[0].superseded_us) = (1_000_000, 1_000_000);
        let settings = Settings { retention_ms: Some(10), ..Settings::new(1, None) };
        assert_eq!(expired(&jumbled, 0, &settings, 20_000), 0);
    }
}
