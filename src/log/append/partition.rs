//! One partition, open for appending: its active segment and how far it is on the disk.

use std::io::IoSlice;
use std::sync::Arc;

use crate::log::LogError;
use crate::log::maintenance::retention::Active;
use crate::log::recover::recovery::Survey;
use crate::log::segment::format::{
    Attestation, BLOCK_BYTES, Compaction, Counted, ENTRIES_AT, Entry,
};
use crate::log::segment::{Entries, Place, Segment};
use crate::log::storage::{Open, Storage};

/// A partition's active segment, and its ends.
#[derive(Debug)]
pub struct Partition {
    storage: Arc<dyn Storage>,
    place: Place,
    segment: Arc<Segment>,
    /// What is written and holds.
    written: Ends,
    /// What is acknowledged and may be read.
    visible: Ends,
    /// What is on the disk.
    synced: Ends,
    /// The append time of the active segment's first entry, or what the clock showed after it.
    first_us: Option<i64>,
    /// Whether there may be something of a next segment, not all of it.
    unfinished: bool,
    /// Whether anything was written since it was opened.
    changed: bool,
}

/// Where a partition ends: its records, and its active segment's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    offset: u64,
    data_bytes: u64,
    entries: u64,
}

impl Ends {
    fn index_bytes(self) -> u64 {
        ENTRIES_AT + self.entries * BLOCK_BYTES
    }
}

/// One batch's part for this partition, on its way to the files.
#[derive(Clone, Copy, Debug)]
pub struct Staged<'a> {
    /// The part's bytes.
    pub bytes: &'a [u8],
    /// What the index will say of it.
    pub entry: Entry,
}

impl Partition {
    /// Makes a new, empty partition in its directory, which must be there.
    ///
    /// # Errors
    /// When its first segment cannot be made.
    pub fn create(storage: &dyn Storage, place: &Place, created_us: i64) -> Result<(), LogError> {
        Segment::create(storage, place, 0, created_us, Counted::default()).map(drop)
    }

    /// A partition whose first segment was made just now.
    pub fn begin(storage: Arc<dyn Storage>, place: Place, segment: Segment) -> Partition {
        let ends = Ends { offset: segment.base, data_bytes: 0, entries: 0 };
        let (written, visible, synced) = (ends, ends, ends);
        let segment = Arc::new(segment);
        Partition {
            storage,
            place,
            segment,
            written,
            visible,
            synced,
            first_us: None,
            unfinished: false,
            changed: true,
        }
    }

    /// Opens a partition as its survey found it, and cuts off what was never acknowledged. Tells,
    /// too, whether what is left may be in need of [`Partition::sync`] and [`Partition::attest`].
    ///
    /// # Errors
    /// When its files cannot be opened or cut.
    pub fn open(
        storage: Arc<dyn Storage>,
        place: Place,
        survey: &Survey,
    ) -> Result<(Partition, bool), LogError> {
        let segment = Segment::open(&*storage, &place, survey.base, Open::Write)?;
        let ends =
            Ends { offset: survey.end, data_bytes: survey.data_bytes, entries: survey.entries };
        let first_us = match survey.entries {
            0 => None,
            _ => Some(Entries::of(&segment, &place).get(0)?.time_us),
        };
        let (written, visible, synced) = (ends, ends, ends);
        let segment = Arc::new(segment);
        let mut partition = Partition {
            storage,
            place,
            segment,
            written,
            visible,
            synced,
            first_us,
            unfinished: false,
            changed: false,
        };
        if survey.torn {
            partition.segment.cut(ends.data_bytes, ends.index_bytes())?;
        }
        // What recovery kept may never have been forced to the disk, or in vain.
        // A batch without records has an entry all the same.
        let unsure =
            survey.torn || survey.end > survey.attested || survey.entries > survey.attested_entries;
        partition.changed = unsure;
        if unsure {
            partition.rewrite(survey.attested_entries.min(survey.entries))?;
        }
        if survey.attested_entries == 0 {
            // Nor may the name of a segment in which nothing was acknowledged yet.
            let (storage, dir) = (&partition.storage, &partition.place.dir);
            storage.sync_dir(dir).map_err(|error| LogError::io(dir, error))?;
        }
        Ok((partition, unsure))
    }

    /// Writes the entries from the `first` on, and their records, once more.
    fn rewrite(&self, first: u64) -> Result<(), LogError> {
        if first == self.written.entries {
            return Ok(());
        }
        let entry = Entries::of(&self.segment, &self.place).get(first)?;
        let index_at = ENTRIES_AT + first * BLOCK_BYTES;
        let index = index_at..self.written.index_bytes();
        self.segment.rewrite(entry.position..self.written.data_bytes, index)
    }

    /// Whether anything was written since it was opened.
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// The offset that the next record gets.
    pub fn end(&self) -> u64 {
        self.written.offset
    }

    /// The offset before which everything is on the disk.
    pub fn synced(&self) -> u64 {
        self.synced.offset
    }

    /// The offset before which everything is acknowledged and may be read.
    pub fn visible(&self) -> u64 {
        self.visible.offset
    }

    /// How many entries are acknowledged and not yet on the disk.
    pub fn unsynced_entries(&self) -> u64 {
        self.visible.entries - self.synced.entries
    }

    /// The active segment, as it is now.
    pub(in crate::log) fn active(&self) -> Active {
        Active {
            place: self.place.clone(),
            base: self.segment.base,
            bytes: self.written.data_bytes,
        }
    }

    /// Whether the active segment has records. One that has only batches without any cannot be
    /// closed: the next one would have its name.
    pub fn has_records(&self) -> bool {
        self.written.offset > self.segment.base
    }

    /// The append time of the active segment's first batch, in µs since the epoch, if it has
    /// records.
    pub fn first_us(&self) -> Option<i64> {
        self.first_us.filter(|_| self.has_records())
    }

    /// The position in the data file at which the next record goes.
    pub fn position(&self) -> u64 {
        self.written.data_bytes
    }

    /// How many entries the active segment has.
    pub fn entries(&self) -> u64 {
        self.written.entries
    }

    /// Writes the parts of a group, whose entries continue from [`Partition::end`] and
    /// [`Partition::position`].
    ///
    /// # Errors
    /// When a write fails; [`Partition::undo`] then takes back what it left.
    pub fn write(&mut self, parts: &[Staged<'_>]) -> Result<(), LogError> {
        let data: Vec<IoSlice<'_>> = parts
            .iter()
            .filter(|part| !part.bytes.is_empty())
            .map(|part| IoSlice::new(part.bytes))
            .collect();
        let entries: Vec<u8> = parts.iter().flat_map(|part| part.entry.encode()).collect();
        let before = self.written;
        self.changed = true;
        self.segment.write(before.data_bytes, &data, before.index_bytes(), &entries)?;
        if let (Some(first), Some(last)) = (parts.first(), parts.last()) {
            self.first_us = self.first_us.or(Some(first.entry.time_us));
            self.written = Ends {
                offset: last.entry.end(),
                data_bytes: last.entry.end_position(),
                entries: before.entries + parts.len() as u64,
            };
        }
        Ok(())
    }

    /// Takes back what was written and not acknowledged.
    ///
    /// # Errors
    /// When the files cannot be cut: nothing more may then be appended.
    pub fn undo(&mut self) -> Result<(), LogError> {
        self.segment.cut(self.visible.data_bytes, self.visible.index_bytes())?;
        self.written = self.visible;
        if self.written.entries == 0 {
            self.first_us = None;
        }
        Ok(())
    }

    /// Forces what is written to the disk.
    ///
    /// # Errors
    /// When that fails: nothing more may then be appended, since the kernel may forget which pages
    /// it did not write (Rebello et al., ATC 2020).
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.segment.sync()?;
        self.synced = self.written;
        Ok(())
    }

    /// Notes in the index what is on the disk, and that all that is written may be read.
    ///
    /// # Errors
    /// When the write fails.
    pub fn attest(&mut self) -> Result<(), LogError> {
        self.visible = self.written;
        self.attest_visible()
    }

    /// Notes in the index what is on the disk; what may be read stays as it is.
    ///
    /// # Errors
    /// When the write fails.
    pub fn attest_visible(&mut self) -> Result<(), LogError> {
        self.changed = true;
        self.segment.attest(&Attestation {
            visible: self.visible.offset,
            synced: self.synced.offset,
            data_bytes: self.synced.data_bytes,
            index_bytes: self.synced.index_bytes(),
            compaction: Compaction::default(),
        })
    }

    /// Whether the active segment has reached its size.
    pub fn is_full(&self, segment_bytes: u64) -> bool {
        self.written.data_bytes >= segment_bytes
    }

    /// Whether the active segment's first record was appended `age_us` before `now_us`, or earlier.
    pub fn is_older(&self, age_us: Option<i64>, now_us: i64) -> bool {
        let (Some(age_us), Some(first_us)) = (age_us, self.first_us()) else { return false };
        first_us.saturating_add(age_us) <= now_us
    }

    /// Counts the active segment's age from `now_us` on if its first record seems to be of later.
    pub fn clamp_age_to_now(&mut self, now_us: i64) {
        self.first_us = self.first_us.map(|first_us| first_us.min(now_us));
    }

    /// Begins the next segment behind the active one, which must be closed.
    ///
    /// # Errors
    /// When it cannot be made. Nothing may be appended until another try has made it.
    pub fn begin_next(&mut self, created_us: i64, before: Counted) -> Result<(), LogError> {
        let base = self.written.offset;
        let (storage, place) = (&*self.storage, &self.place);
        let made = match std::mem::replace(&mut self.unfinished, true) {
            false => Segment::create(storage, place, base, created_us, before),
            true => Segment::complete(storage, place, base, created_us, before),
        };
        self.segment = Arc::new(made?);
        self.unfinished = false;
        self.written = Ends { offset: base, data_bytes: 0, entries: 0 };
        (self.visible, self.synced) = (self.written, self.written);
        self.first_us = None;
        Ok(())
    }

    /// Whether the next segment was begun and could not be made.
    pub fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    /// Leaves the segment clean: all of it, and the attestation that says so, on the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(&mut self) -> Result<(), LogError> {
        self.sync()?;
        self.attest()?;
        self.segment.sync()
    }

    /// What is acknowledged now, to be forced to the disk while more is appended.
    pub fn mark(&self) -> Mark {
        Mark { segment: Arc::clone(&self.segment), ends: self.visible }
    }

    /// Takes note that what was marked is on the disk.
    pub fn reached(&mut self, mark: &Mark) {
        let is_news = mark.ends.entries > self.synced.entries;
        if is_news && Arc::ptr_eq(&self.segment, &mark.segment) {
            self.synced = mark.ends;
        }
    }
}

/// Forces what recovery kept to the disk where it may not be: all of it before any partition says
/// so, since a batch may have parts in several.
///
/// # Errors
/// When that fails.
pub fn settle(opened: Vec<(Partition, bool)>) -> Result<Vec<Partition>, LogError> {
    let (mut partitions, unsure): (Vec<Partition>, Vec<bool>) = opened.into_iter().unzip();
    let unsure = || unsure.iter().copied();
    for (partition, _) in partitions.iter_mut().zip(unsure()).filter(|(_, unsure)| *unsure) {
        partition.sync()?;
    }
    for (partition, _) in partitions.iter_mut().zip(unsure()).filter(|(_, unsure)| *unsure) {
        partition.attest()?;
    }
    Ok(partitions)
}

/// How far a partition was at some time, and the files that are to be forced to the disk for that.
#[derive(Clone, Debug)]
pub struct Mark {
    segment: Arc<Segment>,
    ends: Ends,
}

impl Mark {
    /// Forces all up to here to the disk, and perhaps more.
    ///
    /// # Errors
    /// As [`Partition::sync`].
    pub fn sync(&self) -> Result<(), LogError> {
        self.segment.sync()
    }
}
