//! Checking all that is in a topic: every entry, every checksum, every line. Changes nothing.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::interrupted::{REPAIR_INTERRUPTED, is_unfinished};
use super::raw_segment::{RawSegment, all_bases};
use super::recovery::survey_topic;
use super::repair::QUARANTINE;
use super::scanner::{Known, Nowhere, ScanReport, Sink, mend};
use crate::log::LogError;
use crate::log::append::producers::{PRODUCERS, Snapshot};
use crate::log::clock::now_us;
use crate::log::read::reader::TopicReader;
use crate::log::segment::Place;
use crate::log::segment::format::{Counted, Entry};
use crate::log::storage::Storage;

/// What checking a topic found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Each of its partitions.
    pub partitions: Vec<VerifiedPartition>,
    /// What is wrong with what it holds of its producers.
    pub producers: Vec<String>,
}

/// What checking a partition found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifiedPartition {
    /// The partition's number.
    pub partition: u32,
    /// How many segments it has.
    pub segments: u64,
    /// How many records there are, those that a repair would make empty counted in.
    pub records: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many batches lie behind its end: never acknowledged, and cut off when it is opened for
    /// writing.
    pub unacknowledged: u64,
    /// What is damaged: the offset at which it begins, and what it is.
    pub damage: Vec<(u64, String)>,
    /// The records that a repair cannot save.
    pub lost: Vec<Range<u64>>,
    /// The records that a repair keeps by their lines alone: without their checksums, their exact
    /// append times and what they tell of producers.
    pub rebuilt: Vec<Range<u64>>,
    /// Whether nothing tells how many records there were at its end: more may be lost.
    pub is_untold: bool,
    /// Where earlier repairs have set aside what was damaged, if there were any.
    pub quarantine: Option<PathBuf>,
}

impl Verified {
    /// Whether anything is damaged.
    pub fn is_damaged(&self) -> bool {
        !self.producers.is_empty() || self.partitions.iter().any(|one| !one.damage.is_empty())
    }
}

/// One segment, as going through it found it.
pub(in crate::log) struct Inspected {
    pub known: Known,
    pub report: ScanReport,
}

impl TopicReader {
    /// Checks every entry, checksum and line of all partitions, and what is held of producers. To
    /// be called while nobody writes.
    ///
    /// # Errors
    /// When the files cannot be read; what is wrong with their contents is in the result.
    pub fn verify(&self) -> Result<Verified, LogError> {
        self.verify_telling(&|_| {})
    }

    /// The same; `read` hears how many bytes of records were read, as it goes on.
    ///
    /// # Errors
    /// As [`TopicReader::verify`].
    pub fn verify_telling(&self, read: &dyn Fn(u64)) -> Result<Verified, LogError> {
        verify_telling(&*self.storage, &self.dir, &self.places, read)
    }
}

/// See [`TopicReader::verify`].
pub(in crate::log) fn verify_topic(
    storage: &dyn Storage,
    dir: &Path,
    places: &[Place],
) -> Result<Verified, LogError> {
    verify_telling(storage, dir, places, &|_| {})
}

fn verify_telling(
    storage: &dyn Storage,
    dir: &Path,
    places: &[Place],
    read: &dyn Fn(u64),
) -> Result<Verified, LogError> {
    let mut verified = Verified::default();
    let snapshot = read_snapshot(storage, dir, places.len(), &mut verified)?;
    let mut entries = Vec::new();
    for place in places {
        let mut producer_check = ProducerStateCheck::new(&snapshot, place).telling(read);
        let from = producer_check.from();
        let found = inspect(storage, place, from, &mut producer_check);
        verified.producers.append(&mut producer_check.faults);
        entries.push(
            found
                .as_ref()
                .ok()
                .and_then(|all| all.last())
                .map_or(0, |one| one.report.entries + one.report.torn),
        );
        let mut sum = sum_up(place, found)?;
        if is_unfinished(storage, place)? {
            sum.damage.push((0, REPAIR_INTERRUPTED.to_owned()));
        }
        let aside = place.dir.join(QUARANTINE);
        sum.quarantine = storage.list(&aside).is_ok().then_some(aside);
        verified.partitions.push(sum);
    }
    verified.producers.dedup();
    if !verified.partitions.iter().any(|one| !one.damage.is_empty()) {
        // A batch that is whole in one partition may lack its part in another.
        let surveys = survey_topic(storage, places)?;
        for ((one, survey), entries) in verified.partitions.iter_mut().zip(&surveys).zip(entries) {
            one.unacknowledged = entries.saturating_sub(survey.entries);
            one.damage.extend(survey.damage.clone());
        }
    }
    Ok(verified)
}

/// Reads `producers.json`; what is wrong with it is noted, and it then counts as empty.
fn read_snapshot(
    storage: &dyn Storage,
    dir: &Path,
    partitions: usize,
    verified: &mut Verified,
) -> Result<Snapshot, LogError> {
    Ok(Snapshot::read(storage, dir, partitions)?.unwrap_or_else(|why| {
        verified.producers.push(format!("{PRODUCERS}: {why}"));
        Snapshot::empty(partitions)
    }))
}

/// Goes through all segments of a partition. `at_least`: an offset up to which it certainly had
/// records.
pub(in crate::log) fn inspect(
    storage: &dyn Storage,
    place: &Place,
    at_least: u64,
    sink: &mut dyn Sink,
) -> Result<Vec<Inspected>, LogError> {
    let mut bases = all_bases(storage, place)?;
    if bases.is_empty() {
        bases.push(0);
    }
    let mut all: Vec<Inspected> = Vec::with_capacity(bases.len());
    for (at, &base) in bases.iter().enumerate() {
        let before = all.last().map_or(Counted::default(), |last| last.report.counted);
        let next = bases.get(at + 1).copied();
        let until_us = match next {
            Some(next) => begun_after_us(storage, place, next)?,
            None => now_us(),
        };
        let known = Known { base, before, next, until_us: until_us.saturating_add(1), at_least };
        let raw = RawSegment::open(storage, place, base)?;
        let report = mend(place, &raw, &known, sink)?;
        all.push(Inspected { known, report });
    }
    Ok(all)
}

/// When the last batch before the segment at `base` was appended, as far as its index tells.
fn begun_after_us(storage: &dyn Storage, place: &Place, base: u64) -> Result<i64, LogError> {
    let head = RawSegment::open(storage, place, base)?.head(place, base)?;
    Ok(match head.header {
        Ok(header) if header.before.last_us > 0 => header.before.last_us,
        _ => now_us(),
    })
}

fn sum_up(
    place: &Place,
    found: Result<Vec<Inspected>, LogError>,
) -> Result<VerifiedPartition, LogError> {
    let mut sum = VerifiedPartition { partition: place.partition, ..VerifiedPartition::default() };
    match found {
        Ok(all) => {
            for Inspected { report, .. } in all {
                sum.segments += 1;
                sum.records += report.records;
                sum.bytes += report.bytes;
                sum.unacknowledged += report.torn;
                sum.damage.extend(report.faults.into_words());
                sum.is_untold |= report.is_untold;
                sum.lost.extend(report.lost);
                sum.rebuilt.extend(report.rebuilt);
            }
        }
        Err(LogError::Damaged { offset, why, .. }) => sum.damage.push((offset, why)),
        Err(error) => return Err(error),
    }
    Ok(sum)
}

/// Compares the entries of a partition with what `producers.json` holds.
pub(in crate::log) struct ProducerStateCheck<'a> {
    snapshot: &'a Snapshot,
    partition: usize,
    /// The greatest number that an entry names.
    pub greatest: u32,
    pub faults: Vec<String>,
    /// Hears how many bytes of records there are.
    read: &'a dyn Fn(u64),
}

impl<'a> ProducerStateCheck<'a> {
    pub fn new(snapshot: &'a Snapshot, place: &Place) -> ProducerStateCheck<'a> {
        let partition = place.partition as usize;
        ProducerStateCheck { snapshot, partition, greatest: 0, faults: Vec::new(), read: &|_| {} }
    }

    fn telling(self, read: &'a dyn Fn(u64)) -> ProducerStateCheck<'a> {
        ProducerStateCheck { read, ..self }
    }

    /// The offset up to which the partition had records when the file was written.
    pub fn from(&self) -> u64 {
        self.snapshot.from.get(self.partition).copied().unwrap_or(0)
    }
}

impl Sink for ProducerStateCheck<'_> {
    fn batch(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), LogError> {
        (self.read)(bytes.len() as u64);
        if entry.producer == 0 {
            return Nowhere.batch(entry, bytes);
        }
        self.greatest = self.greatest.max(entry.producer);
        match self.snapshot.get(entry.producer) {
            // It was forgotten.
            None if entry.producer < self.snapshot.last_number() => {}
            None if self.faults.is_empty() => {
                let why = format!("{PRODUCERS} does not name producer {}", entry.producer);
                self.faults.push(why);
            }
            Some(producer) if entry.base < self.from() => {
                let held = producer.last.as_ref().map_or(0, |last| last.sequence);
                if entry.sequence > held && self.faults.is_empty() {
                    let why = format!(
                        "{PRODUCERS} has producer {} at {held}, an entry at {}",
                        producer.name, entry.sequence
                    );
                    self.faults.push(why);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
