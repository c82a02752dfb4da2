//! Checking all that is in a topic: every entry, every checksum, every line. Changes nothing.

use std::sync::Arc;

use super::LogError;
use super::format::Entry;
use super::reader::TopicReader;
use super::recovery::{data_crc, each_entry, survey_topic};
use super::segment::{Place, Segment};
use super::storage::{Open, Storage};

/// What checking a partition found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The partition's number.
    pub partition: u32,
    /// How many segments it has.
    pub segments: u64,
    /// How many records hold.
    pub records: u64,
    /// How many bytes of records hold.
    pub bytes: u64,
    /// Whether its end was never acknowledged and will be cut when it is opened for writing.
    pub torn: bool,
    /// What is damaged: the offset at which it begins, and what it is.
    pub damage: Vec<(u64, String)>,
}

impl TopicReader {
    /// Checks every entry, checksum and line of all partitions. To be called while nobody writes.
    ///
    /// # Errors
    /// When the files cannot be read; what is wrong with their contents is in the result.
    pub fn verify(&self) -> Result<Vec<Verified>, LogError> {
        let surveys = survey_topic(&*self.storage, &self.places)?;
        let mut all = Vec::with_capacity(surveys.len());
        for (place, survey) in self.places.iter().zip(&surveys) {
            let mut verified =
                Verified { partition: place.partition, torn: survey.torn, ..Verified::default() };
            verified.damage.extend(survey.damage.clone());
            verify_partition(&self.storage, place, survey.end, &mut verified)?;
            all.push(verified);
        }
        Ok(all)
    }
}

/// Checks what lies before `end`, segment by segment.
fn verify_partition(
    storage: &Arc<dyn Storage>,
    place: &Place,
    end: u64,
    verified: &mut Verified,
) -> Result<(), LogError> {
    let mut next: Option<u64> = None;
    for base in super::segment::bases(&**storage, place)? {
        if let Some(next) = next.filter(|&next| next != base) {
            verified.damage.push((next, format!("the segment that begins at {next} is missing")));
        }
        let segment = match Segment::open(&**storage, place, base, Open::Read) {
            Ok(segment) => segment,
            Err(LogError::Damaged { offset, why, .. }) => {
                verified.damage.push((offset, why));
                next = None;
                continue;
            }
            Err(error) => return Err(error),
        };
        verified.segments += 1;
        next = Some(verify_segment(&segment, place, end, verified)?);
    }
    Ok(())
}

/// Checks one segment up to the offset `end`; returns where it ends.
fn verify_segment(
    segment: &Segment,
    place: &Place,
    end: u64,
    verified: &mut Verified,
) -> Result<u64, LogError> {
    let (mut offset, mut position, mut time_us) = (segment.base, 0, i64::MIN);
    each_entry(segment, |number, entry| {
        if offset >= end {
            return Ok(false);
        }
        let wrong = match &entry {
            Err(error) => Some(error.to_string()),
            Ok(entry) if entry.base != offset || entry.position != position => {
                Some("it does not continue the one before".to_owned())
            }
            Ok(entry) if entry.time_us <= time_us => {
                Some("it was appended before the one before it".to_owned())
            }
            Ok(entry) => verify_data(segment, place, entry)?,
        };
        match (wrong, entry) {
            (None, Ok(entry)) => {
                (offset, position, time_us) = (entry.end(), entry.end_position(), entry.time_us);
                verified.records += u64::from(entry.records);
                verified.bytes += u64::from(entry.bytes);
                Ok(true)
            }
            (wrong, _) => {
                let why = format!("index entry {number}: {}", wrong.unwrap_or_default());
                if !verified.damage.iter().any(|(at, _)| *at == offset) {
                    verified.damage.push((offset, why));
                }
                Ok(false)
            }
        }
    })?;
    Ok(offset)
}

fn verify_data(
    segment: &Segment,
    place: &Place,
    entry: &Entry,
) -> Result<Option<String>, LogError> {
    match data_crc(segment, place, entry) {
        Ok(crc) if crc == entry.data_crc => Ok(None),
        Ok(_) => Ok(Some("the checksum of its records does not hold".to_owned())),
        Err(LogError::Damaged { why, .. }) => Ok(Some(why)),
        Err(error) => Err(error),
    }
}
