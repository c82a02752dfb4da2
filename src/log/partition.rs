//! One partition, open for appending: its active segment and how far it is on the disk.

use std::io::IoSlice;
use std::sync::Arc;

use super::LogError;
use super::format::{Attestation, BLOCK_BYTES, Counted, ENTRIES_AT, Entry};
use super::recovery::Survey;
use super::segment::{Place, Segment};
use super::storage::{Open, Storage};

/// A partition's active segment, and its ends.
#[derive(Debug)]
pub struct Partition {
    storage: Arc<dyn Storage>,
    place: Place,
    segment: Segment,
    /// What is written and holds.
    written: Ends,
    /// What is on the disk.
    synced: Ends,
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

    /// Opens a partition as its survey found it, and cuts off what was never acknowledged.
    ///
    /// # Errors
    /// When its files cannot be opened or cut.
    pub fn open(
        storage: Arc<dyn Storage>,
        place: Place,
        survey: &Survey,
    ) -> Result<Partition, LogError> {
        let segment = Segment::open(&*storage, &place, survey.base, Open::Write)?;
        let ends =
            Ends { offset: survey.end, data_bytes: survey.data_bytes, entries: survey.entries };
        let mut partition = Partition { storage, place, segment, written: ends, synced: ends };
        if survey.torn {
            partition.segment.cut(ends.data_bytes, ends.index_bytes())?;
        }
        if survey.torn || survey.end > survey.attested {
            // What recovery kept may never have been forced to the disk.
            partition.sync()?;
            partition.attest()?;
        }
        Ok(partition)
    }

    /// The offset that the next record gets.
    pub fn end(&self) -> u64 {
        self.written.offset
    }

    /// The offset before which everything is on the disk.
    pub fn synced(&self) -> u64 {
        self.synced.offset
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
        self.segment.write(before.data_bytes, &data, before.index_bytes(), &entries)?;
        if let Some(last) = parts.last() {
            self.written = Ends {
                offset: last.entry.end(),
                data_bytes: last.entry.end_position(),
                entries: before.entries + parts.len() as u64,
            };
        }
        Ok(())
    }

    /// Takes back what was written and not synced.
    ///
    /// # Errors
    /// When the files cannot be cut: nothing more may then be appended.
    pub fn undo(&mut self) -> Result<(), LogError> {
        self.segment.cut(self.synced.data_bytes, self.synced.index_bytes())?;
        self.written = self.synced;
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

    /// Notes in the index what is on the disk, which is also what may be read.
    ///
    /// # Errors
    /// When the write fails.
    pub fn attest(&self) -> Result<(), LogError> {
        self.segment.attest(&Attestation {
            visible: self.synced.offset,
            synced: self.synced.offset,
            data_bytes: self.synced.data_bytes,
            index_bytes: self.synced.index_bytes(),
        })
    }

    /// Whether the active segment has reached its size.
    pub fn is_full(&self, segment_bytes: u64) -> bool {
        self.written.data_bytes >= segment_bytes
    }

    /// Closes the active segment and begins the next one.
    ///
    /// # Errors
    /// When the old one cannot be forced to the disk, or the new one not be made.
    pub fn roll(&mut self, created_us: i64, before: Counted) -> Result<(), LogError> {
        self.close()?;
        let base = self.written.offset;
        self.segment = Segment::create(&*self.storage, &self.place, base, created_us, before)?;
        self.written = Ends { offset: base, data_bytes: 0, entries: 0 };
        self.synced = self.written;
        Ok(())
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
}
