//! What a crash left, and what of it holds (`docs/FORMAT.md`, "Recovery").
//!
//! Surveying changes nothing, so readers without a writer go by it too; cutting is the writer's.
//! A torn tail and damage are told apart by what was attested as being on the disk: above that
//! nothing was acknowledged and may be cut, below it nothing may.

use super::interrupted::{REPAIR_INTERRUPTED, is_unfinished};
use super::raw_segment::{RawSegment, attested_offset};
use super::reconcile::reconcile;
use crate::log::LogError;
use crate::log::segment::data::SegmentData;
use crate::log::segment::entries::{data_crc, each_entry};
use crate::log::segment::format::{Attestation, BLOCK_BYTES, Block, Counted, ENTRIES_AT, Entry};
use crate::log::segment::listing::{Listing, bases, list};
use crate::log::segment::names::index_name;
use crate::log::segment::{Entries, Place, Segment};
use crate::log::storage::{Open, Storage};

/// What holds of a partition's active segment.
#[derive(Debug)]
pub struct Survey {
    /// The active segment's base offset.
    pub base: u64,
    /// How many of its entries hold.
    pub entries: u64,
    /// The offset behind the last record that holds.
    pub end: u64,
    /// The length of the data that holds, in bytes.
    pub data_bytes: u64,
    /// The offset below which everything was attested as being on the disk.
    pub attested: u64,
    /// How many entries were attested as being on the disk, at the least.
    pub attested_entries: u64,
    /// How far the topic's batches are counted, as far as this partition knows.
    pub counted: Counted,
    /// Whether something lies behind what holds.
    pub torn: bool,
    /// What is wrong below the attested offset, and at which offset it begins.
    pub damage: Option<(u64, String)>,
}

impl Survey {
    /// The length of the index that holds, in bytes.
    pub fn index_bytes(&self) -> u64 {
        ENTRIES_AT + self.entries * BLOCK_BYTES
    }

    /// The offset before which a reader is to find records: also those that are damaged, so that
    /// it meets the damage, and does not take it for the end.
    pub fn readable_end(&self) -> u64 {
        if self.damage.is_some() { self.end.max(self.attested) } else { self.end }
    }
}

/// Surveys all partitions of a topic, so that what holds of it is a beginning of what was appended.
///
/// # Errors
/// When files cannot be read. What is merely wrong with their contents is in the surveys.
pub fn survey_topic(storage: &dyn Storage, places: &[Place]) -> Result<Vec<Survey>, LogError> {
    let mut surveys = Vec::with_capacity(places.len());
    for place in places {
        surveys.push(survey(storage, place)?);
    }
    if surveys.iter().all(|survey| survey.damage.is_none()) {
        reconcile(storage, places, &mut surveys)?;
    }
    Ok(surveys)
}

fn survey(storage: &dyn Storage, place: &Place) -> Result<Survey, LogError> {
    if is_unfinished(storage, place)? {
        return Err(place.damaged(0, REPAIR_INTERRUPTED));
    }
    let Some(&base) = bases(storage, place)?.last() else {
        return Err(place.damaged(0, "its first segment is missing"));
    };
    let segment = match Segment::open(storage, place, base, Open::Read) {
        Ok(segment) => segment,
        Err(error) => return survey_broken(storage, place, base, error),
    };
    let (data_bytes, index_bytes) = segment.lengths()?;
    let attestation = segment.attestation()?;
    if let Some(attested) = &attestation
        && (attested.data_bytes, attested.index_bytes) == (data_bytes, index_bytes)
        && let Some(clean) = survey_clean(&segment, place, attested)
    {
        return Ok(clean);
    }
    survey_all(&segment, place, attestation.as_ref(), data_bytes, index_bytes)
}

/// The survey of a segment that cannot be opened for `error`, if that is damage and something tells
/// how far its records went: those before it can then be read.
fn survey_broken(
    storage: &dyn Storage,
    place: &Place,
    base: u64,
    error: LogError,
) -> Result<Survey, LogError> {
    let LogError::Damaged { offset, why, .. } = &error else { return Err(error) };
    let damage = Some((*offset, why.clone()));
    let raw = RawSegment::open(storage, place, base)?;
    let head = raw.head(place, base)?;
    let Some(attested) = attested_offset(&raw, &head)? else { return Err(error) };
    let attested_entries = head.slots;
    let counted = head.header.map(|header| header.before).unwrap_or_default();
    let survey = Survey {
        base,
        entries: 0,
        end: base,
        data_bytes: 0,
        attested,
        attested_entries,
        counted,
        torn: false,
        damage,
    };
    if attested > base { Ok(survey) } else { Err(error) }
}

/// Where a partition's closed segments do not continue to the active one, and why: each must end
/// where the next one begins. Only each index's end is read.
///
/// # Errors
/// When files cannot be read.
pub fn find_gap(storage: &dyn Storage, place: &Place) -> Result<Option<(u64, String)>, LogError> {
    let Listing { bases, without_data } = list(storage, place)?;
    if let Some(&base) = without_data.first() {
        let path = SegmentData::path_of(&place.dir, base, 0);
        return Ok(Some((base, format!("{} is missing", path.display()))));
    }
    for pair in bases.windows(2) {
        let &[base, next] = pair else { continue };
        let fault = match closed_end(storage, place, base) {
            Ok(end) if end == next => continue,
            Ok(end) if end < next => (end, format!("the records up to {next} are missing")),
            Ok(_) => (next, "two segments hold the same offsets".to_owned()),
            Err(LogError::Damaged { offset, why, .. }) => (offset, why),
            Err(error) => return Err(error),
        };
        return Ok(Some(fault));
    }
    Ok(None)
}

/// The offset behind the last record of a closed segment, by its index alone.
fn closed_end(storage: &dyn Storage, place: &Place, base: u64) -> Result<u64, LogError> {
    let path = place.dir.join(index_name(base));
    let io = |error| LogError::io(&path, error);
    let index = match storage.open(&path, Open::Read) {
        Ok(index) => index,
        Err(error) => return Err(place.unopened(base, &path, error)),
    };
    let entries = index.size().map_err(io)?.saturating_sub(ENTRIES_AT) / BLOCK_BYTES;
    let Some(last) = entries.checked_sub(1) else { return Ok(base) };
    let mut block: Block = [0; BLOCK_BYTES as usize];
    index.read_at(ENTRIES_AT + last * BLOCK_BYTES, &mut block).map_err(io)?;
    let entry = Entry::decode(&block)
        .map_err(|error| place.damaged(base, format!("index entry {last}: {error}")))?;
    Ok(entry.end())
}

/// The survey of a segment to which nothing was written since it was attested: one entry read.
fn survey_clean(segment: &Segment, place: &Place, attested: &Attestation) -> Option<Survey> {
    let entries = attested.index_bytes.checked_sub(ENTRIES_AT)? / BLOCK_BYTES;
    let last = match entries.checked_sub(1) {
        Some(last) => Some(Entries::of(segment, place).get(last).ok()?),
        None => None,
    };
    let (end, end_position) =
        last.map_or((segment.base, 0), |last| (last.end(), last.end_position()));
    let holds = end == attested.synced && end_position == attested.data_bytes;
    holds.then_some(Survey {
        base: segment.base,
        entries,
        end,
        data_bytes: end_position,
        attested: end,
        attested_entries: entries,
        counted: last.map_or(segment.before, |last| last.counted()),
        torn: false,
        damage: None,
    })
}

/// The survey of a segment about which only its contents can tell.
fn survey_all(
    segment: &Segment,
    place: &Place,
    attestation: Option<&Attestation>,
    data_bytes: u64,
    index_bytes: u64,
) -> Result<Survey, LogError> {
    let mut attested = attestation.map_or(0, |attestation| attestation.synced).max(segment.base);
    let attested_index_bytes = attestation.map_or(0, |attestation| attestation.index_bytes);
    each_entry(segment, |_, entry| {
        if let Ok(entry) = entry {
            attested = attested.max(entry.synced);
        }
        Ok(true)
    })?;
    let mut survey = Survey {
        base: segment.base,
        entries: 0,
        end: segment.base,
        data_bytes: 0,
        attested,
        attested_entries: attested_index_bytes.saturating_sub(ENTRIES_AT) / BLOCK_BYTES,
        counted: segment.before,
        torn: false,
        damage: None,
    };
    let mut fault = None;
    each_entry(segment, |number, entry| {
        let held = match entry {
            Ok(entry) => hold(segment, place, &mut survey, &entry, data_bytes)?,
            Err(error) => Some(error.to_string()),
        };
        fault = held.map(|why| format!("index entry {number}: {why}"));
        Ok(fault.is_none())
    })?;
    survey.torn = data_bytes > survey.data_bytes || index_bytes > survey.index_bytes();
    if survey.end < attested || survey.entries < survey.attested_entries {
        let why = fault.unwrap_or_else(|| "the index ends too early".to_owned());
        survey.damage = Some((survey.end, why));
    }
    Ok(survey)
}

/// Extends the survey by one more entry, or says why it does not hold.
fn hold(
    segment: &Segment,
    place: &Place,
    survey: &mut Survey,
    entry: &Entry,
    data_bytes: u64,
) -> Result<Option<String>, LogError> {
    if entry.base != survey.end || entry.position != survey.data_bytes {
        return Ok(Some("it does not continue the one before".to_owned()));
    }
    if entry.end_position() > data_bytes {
        return Ok(Some("some of its records are missing".to_owned()));
    }
    if entry.end() > survey.attested && data_crc(segment, place, entry)? != entry.data_crc {
        return Ok(Some("the checksum of its records does not match".to_owned()));
    }
    survey.entries += 1;
    survey.end = entry.end();
    survey.data_bytes = entry.end_position();
    survey.counted = entry.counted();
    Ok(None)
}
