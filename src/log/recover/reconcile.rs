//! After a crash, over all partitions of a topic: what holds must be a beginning of what was
//! appended, and a batch must be there whole or not at all (`docs/FORMAT.md`, "Recovery", 5 and 6).
//!
//! Each partition on its own keeps what holds there; of the last group, which was never
//! acknowledged, one partition may have more than another.

use super::recovery::Survey;
use crate::log::LogError;
use crate::log::segment::format::{Counted, Entry};
use crate::log::segment::{Entries, Place, Segment};
use crate::log::storage::{Open, Storage};

/// Shortens the surveys to what holds of the topic as a whole.
pub(in crate::log) fn reconcile(
    storage: &dyn Storage,
    places: &[Place],
    surveys: &mut [Survey],
) -> Result<(), LogError> {
    let mut certain = Counted::default();
    let mut open: Vec<Entry> = Vec::new();
    for (place, survey) in places.iter().zip(surveys.iter()) {
        let segment = Segment::open(storage, place, survey.base, Open::Read)?;
        let entries = Entries::of(&segment, place);
        let attested = survey.attested;
        let attested = entries
            .partition_point(survey.entries, |entry| entry.base < attested)?
            .max(survey.attested_entries);
        certain = certain.max(match attested.checked_sub(1) {
            Some(last) => entries.get(last)?.counted(),
            None => segment.before,
        });
        for number in attested..survey.entries {
            open.push(entries.get(number)?);
        }
    }
    open.retain(|entry| entry.time_us > certain.last_us);
    open.sort_by_key(|entry| entry.time_us);
    let Some(first_us) = first_gap(&open, certain.next) else { return Ok(()) };
    for (place, survey) in places.iter().zip(surveys) {
        shorten(storage, place, survey, first_us)?;
    }
    Ok(())
}

/// The append time of the first batch that does not follow the one before, or is not whole.
fn first_gap(entries: &[Entry], mut next: u16) -> Option<i64> {
    for parts in entries.chunk_by(|one, other| one.time_us == other.time_us) {
        let first = parts.first()?;
        if first.number != next || parts.len() != usize::from(first.parts) {
            return Some(first.time_us);
        }
        next = next.wrapping_add(1);
    }
    None
}

/// Takes entries appended at `first_us` or later out of a survey.
fn shorten(
    storage: &dyn Storage,
    place: &Place,
    survey: &mut Survey,
    first_us: i64,
) -> Result<(), LogError> {
    let segment = Segment::open(storage, place, survey.base, Open::Read)?;
    let entries = Entries::of(&segment, place);
    let kept = entries.partition_point(survey.entries, |entry| entry.time_us < first_us)?;
    if kept == survey.entries {
        return Ok(());
    }
    let first_cut = entries.get(kept)?;
    survey.entries = kept;
    survey.end = first_cut.base;
    survey.data_bytes = first_cut.position;
    survey.torn = true;
    survey.counted = match kept.checked_sub(1) {
        Some(last) => entries.get(last)?.counted(),
        None => segment.before,
    };
    Ok(())
}
