//! What a crash left, and what of it holds (`docs/FORMAT.md`, "Recovery").
//!
//! Surveying changes nothing, so readers without a writer go by it too; cutting is the writer's.
//! A torn tail and damage are told apart by what was attested as being on the disk: above that
//! nothing was acknowledged and may be cut, below it nothing may.

use super::LogError;
use super::format::{Attestation, BLOCK_BYTES, Counted, ENTRIES_AT, Entry, FormatError};
use super::reconcile::reconcile;
use super::repair::is_unfinished;
use super::segment::{Entries, Place, Segment, bases};
use super::storage::{Open, Storage};
use super::verify::UNFINISHED;

/// How much of an index or data file is read at once.
const READ_BYTES: usize = 256 << 10;

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
        return Err(place.damaged(0, UNFINISHED));
    }
    let Some(&base) = bases(storage, place)?.last() else {
        return Err(place.damaged(0, "its first segment is missing"));
    };
    let segment = Segment::open(storage, place, base, Open::Read)?;
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

/// Calls `visit` with each entry of a segment, in order, until it returns false.
pub(super) fn each_entry(
    segment: &Segment,
    mut visit: impl FnMut(u64, Result<Entry, FormatError>) -> Result<bool, LogError>,
) -> Result<(), LogError> {
    let mut blocks = vec![0; READ_BYTES];
    let mut number = 0;
    loop {
        let count = segment.entry_blocks(number, &mut blocks)?;
        if count == 0 {
            return Ok(());
        }
        let (whole, _) = blocks.as_chunks::<{ BLOCK_BYTES as usize }>();
        for block in &whole[..count] {
            if !visit(number, Entry::decode(block))? {
                return Ok(());
            }
            number += 1;
        }
    }
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
        return Ok(Some("its records are not all there".to_owned()));
    }
    if entry.end() > survey.attested && data_crc(segment, place, entry)? != entry.data_crc {
        return Ok(Some("the checksum of its records does not hold".to_owned()));
    }
    survey.entries += 1;
    survey.end = entry.end();
    survey.data_bytes = entry.end_position();
    survey.counted = entry.counted();
    Ok(None)
}

/// The CRC-32C of a batch's bytes as they stand in the data file.
pub(super) fn data_crc(segment: &Segment, place: &Place, entry: &Entry) -> Result<u32, LogError> {
    let mut buffer = vec![0; READ_BYTES.min(entry.bytes as usize)];
    data_crc_through(&mut buffer, segment, place, entry)
}

/// The same, read a `buffer` at a time; it has room for a byte at least, if the batch has one.
pub(super) fn data_crc_through(
    buffer: &mut [u8],
    segment: &Segment,
    place: &Place,
    entry: &Entry,
) -> Result<u32, LogError> {
    let (mut position, mut crc) = (entry.position, 0);
    while position < entry.end_position() {
        let rest = usize::try_from(entry.end_position() - position).unwrap_or(usize::MAX);
        let piece_bytes = buffer.len().min(rest);
        let piece = &mut buffer[..piece_bytes];
        segment.read_data(place, position, piece)?;
        crc = crc32c::crc32c_append(crc, piece);
        position += piece_bytes as u64;
    }
    Ok(crc)
}
