//! Finding a batch by its append time over all segments of a partition.

use super::files::{Entries, Place, Segment};
use super::format::{BLOCK_BYTES, ENTRIES_AT, Entry};
use crate::log::LogError;
use crate::log::storage::{Open, Storage};

/// The first entry that was appended at `time_us` or later, among the segments at `bases`
/// (ascending), of whose last one only `active_entries` entries count.
///
/// # Errors
/// When an index cannot be read.
pub fn first_at(
    storage: &dyn Storage,
    place: &Place,
    bases: &[u64],
    active_entries: u64,
    time_us: i64,
) -> Result<Option<Entry>, LogError> {
    // The answer is in the last segment that begins before that time, or at the start of the next.
    let mut next: Option<Entry> = None;
    for (number, &base) in bases.iter().enumerate().rev() {
        let segment = Segment::open(storage, place, base, Open::Read)?;
        let entries = Entries::of(&segment, place);
        let count = if number + 1 == bases.len() { active_entries } else { entry_count(&segment)? };
        let at = entries.partition_point(count, |entry| entry.time_us < time_us)?;
        if at < count {
            next = Some(entries.get(at)?);
        }
        if at > 0 {
            break;
        }
    }
    Ok(next)
}

/// How many entries a segment's index has room for: of a closed one, all; of the active one, the
/// last may be being written.
///
/// # Errors
/// When the file system does not tell the index's length.
pub fn entry_count(segment: &Segment) -> Result<u64, LogError> {
    let (_, index_bytes) = segment.lengths()?;
    Ok(index_bytes.saturating_sub(ENTRIES_AT) / BLOCK_BYTES)
}
