//! A segment: the two files that hold a run of one partition's records.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use super::data::SegmentData;
use super::format::{
    ATTESTATION_AT, Attestation, BLOCK_BYTES, Block, Compaction, Counted, ENTRIES_AT, Entry,
    FormatError, Header,
};
use super::names::index_name;
use crate::log::LogError;
use crate::log::storage::writing::rewrite;
use crate::log::storage::{Open, Storage, StorageFile};

/// The name of a partition, for messages, and where its segments are.
#[derive(Clone, Debug)]
pub struct Place {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub partition: u32,
    /// The partition's directory.
    pub dir: PathBuf,
}

impl Place {
    /// The place of one partition of a topic whose directory is `topic_dir`.
    pub fn new(topic: &str, topic_dir: &Path, partition: u32) -> Place {
        Place { topic: topic.to_owned(), partition, dir: topic_dir.join(partition.to_string()) }
    }

    /// Why a file of the segment at `base` cannot be opened; a missing one is damage.
    pub(in crate::log) fn unopened(&self, base: u64, path: &Path, error: io::Error) -> LogError {
        match error.kind() {
            io::ErrorKind::NotFound => self.damaged(base, format!("{} is missing", path.display())),
            _ => LogError::io(path, error),
        }
    }

    /// Damage at an offset of this partition.
    pub fn damaged(&self, offset: u64, why: impl ToString) -> LogError {
        LogError::Damaged {
            topic: self.topic.clone(),
            partition: self.partition,
            offset,
            why: why.to_string(),
        }
    }
}

/// A segment's files, open.
#[derive(Debug)]
pub struct Segment {
    /// The offset of its first record.
    pub base: u64,
    /// Where the topic's batches stood when it was begun.
    pub before: Counted,
    /// What the clock showed when it was begun, in µs since the epoch.
    pub created_us: i64,
    /// How often compaction has written its data anew.
    pub generation: u32,
    data: SegmentData,
    index: Box<dyn StorageFile>,
    index_path: PathBuf,
}

impl Segment {
    /// Makes an empty segment, on the disk with its directory entry when this returns.
    ///
    /// # Errors
    /// When a file cannot be made or forced to the disk.
    pub fn create(
        storage: &dyn Storage,
        place: &Place,
        base: u64,
        created_us: i64,
        before: Counted,
    ) -> Result<Segment, LogError> {
        let index_path = place.dir.join(index_name(base));
        // The index first: recovery finds segments by their data files.
        let index = storage.open(&index_path, Open::Create);
        let index = index.map_err(|error| LogError::io(&index_path, error))?;
        let (partition, generation) = (place.partition, 0);
        let header = Header { partition, base, created_us, before, generation };
        let attestation = Attestation {
            visible: base,
            synced: base,
            data_bytes: 0,
            index_bytes: ENTRIES_AT,
            compaction: Compaction::default(),
        };
        index
            .write_at(0, &[IoSlice::new(&header.encode()), IoSlice::new(&attestation.encode())])
            .and_then(|()| index.sync())
            .map_err(|error| LogError::io(&index_path, error))?;
        let data = SegmentData::create(storage, &place.dir, base)?;
        storage.sync_dir(&place.dir).map_err(|error| LogError::io(&place.dir, error))?;
        Ok(Segment { base, before, created_us, generation, data, index, index_path })
    }

    /// Makes what is missing of a segment of which [`Segment::create`] has failed, and to which
    /// nothing was written since.
    ///
    /// # Errors
    /// As [`Segment::create`].
    pub fn complete(
        storage: &dyn Storage,
        place: &Place,
        base: u64,
        created_us: i64,
        before: Counted,
    ) -> Result<Segment, LogError> {
        if SegmentData::open(storage, &place.dir, (base, 0), Open::Read)?.is_none() {
            return Segment::create(storage, place, base, created_us, before);
        }
        // The index is whole and on the disk, or there were no data.
        let segment = Segment::open(storage, place, base, Open::Write)?;
        segment.sync()?;
        storage.sync_dir(&place.dir).map_err(|error| LogError::io(&place.dir, error))?;
        Ok(segment)
    }

    /// Opens a segment that is there.
    ///
    /// # Errors
    /// When a file is missing or unreadable, or the index is not that of this segment.
    pub fn open(
        storage: &dyn Storage,
        place: &Place,
        base: u64,
        open: Open,
    ) -> Result<Segment, LogError> {
        let index_path = place.dir.join(index_name(base));
        let mut tried = None;
        loop {
            let index = storage.open(&index_path, open);
            let index = index.map_err(|error| place.unopened(base, &index_path, error))?;
            let header = read_header(place, base, &*index, &index_path)?;
            let Header { before, created_us, generation, .. } = header;
            let data = SegmentData::open(storage, &place.dir, (base, generation), open)?;
            if let Some(data) = data {
                return Ok(Segment {
                    base,
                    before,
                    created_us,
                    generation,
                    data,
                    index,
                    index_path,
                });
            }
            // Compaction may just have put another generation in its place.
            if tried.replace(generation) == Some(generation) {
                let path = SegmentData::path_of(&place.dir, base, generation);
                return Err(place.damaged(base, format!("{} is missing", path.display())));
            }
        }
    }

    /// The lengths of the data file and of the index file, in bytes.
    ///
    /// # Errors
    /// When the file system does not tell.
    pub fn lengths(&self) -> Result<(u64, u64), LogError> {
        let data = self.data.size()?;
        let index = self.index.size().map_err(|error| LogError::io(&self.index_path, error))?;
        Ok((data, index))
    }

    /// The attestation, if there is one that can be trusted.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn attestation(&self) -> Result<Option<Attestation>, LogError> {
        let mut block: Block = [0; BLOCK_BYTES as usize];
        let count = self.read_index(ATTESTATION_AT, &mut block)?;
        Ok(if count == block.len() { Attestation::decode(&block) } else { None })
    }

    /// Writes the attestation in its place.
    ///
    /// # Errors
    /// When the write fails.
    pub fn attest(&self, attestation: &Attestation) -> Result<(), LogError> {
        self.index
            .write_at(ATTESTATION_AT, &[IoSlice::new(&attestation.encode())])
            .map_err(|error| LogError::io(&self.index_path, error))
    }

    /// Reads whole blocks of entries from the `first` on into `blocks`, as many as are there and
    /// fit; returns their number.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn entry_blocks(&self, first: u64, blocks: &mut [u8]) -> Result<usize, LogError> {
        let count = self.read_index(ENTRIES_AT + first * BLOCK_BYTES, blocks)?;
        Ok(count / BLOCK_BYTES as usize)
    }

    /// The data file's descriptor, if it has one; it is open for reading only where the segment is.
    pub fn data_descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.data.descriptor()
    }

    /// Reads bytes of the data file, which are of the batch at `offset`.
    ///
    /// # Errors
    /// When the file cannot be read, or is shorter: damage.
    pub fn read_data(
        &self,
        place: &Place,
        offset: u64,
        position: u64,
        buffer: &mut [u8],
    ) -> Result<(), LogError> {
        if self.data.read(position, buffer)? < buffer.len() {
            let why = format!("{} ends too early", self.data.path().display());
            return Err(place.damaged(offset, why));
        }
        Ok(())
    }

    /// Appends at the given positions: data first, then the entries that speak of it.
    ///
    /// # Errors
    /// When a write fails; what it left behind is to be cut with [`Segment::cut`].
    pub fn write(
        &self,
        data_at: u64,
        data: &[IoSlice<'_>],
        index_at: u64,
        entries: &[u8],
    ) -> Result<(), LogError> {
        self.data.write(data_at, data)?;
        self.index
            .write_at(index_at, &[IoSlice::new(entries)])
            .map_err(|error| LogError::io(&self.index_path, error))
    }

    /// How far the segment is compacted.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn compaction(&self) -> Result<Compaction, LogError> {
        Ok(self.attestation()?.map(|attestation| attestation.compaction).unwrap_or_default())
    }

    /// Forces both files to the disk.
    ///
    /// # Errors
    /// When that fails: nothing more may then be written to them.
    pub fn sync(&self) -> Result<(), LogError> {
        self.data.sync()?;
        self.index.sync().map_err(|error| LogError::io(&self.index_path, error))
    }

    /// Writes what the files hold from the given positions to the given ones once more. After a
    /// sync has failed, the kernel takes for written what it could not write; a sync alone would
    /// then do nothing (Rebello et al., ATC 2020).
    ///
    /// # Errors
    /// When reading or writing fails.
    pub fn rewrite(&self, data: Range<u64>, index: Range<u64>) -> Result<(), LogError> {
        self.data.rewrite(data)?;
        rewrite(&*self.index, index).map_err(|error| LogError::io(&self.index_path, error))
    }

    /// Cuts both files to the given lengths.
    ///
    /// # Errors
    /// When that fails.
    pub fn cut(&self, data_bytes: u64, index_bytes: u64) -> Result<(), LogError> {
        self.index.set_len(index_bytes).map_err(|error| LogError::io(&self.index_path, error))?;
        self.data.cut(data_bytes)
    }

    fn read_index(&self, position: u64, buffer: &mut [u8]) -> Result<usize, LogError> {
        self.index.read_at(position, buffer).map_err(|error| LogError::io(&self.index_path, error))
    }
}

/// Reads the header of the segment at `base` from its index.
fn read_header(
    place: &Place,
    base: u64,
    index: &dyn StorageFile,
    path: &Path,
) -> Result<Header, LogError> {
    let io = |error| LogError::io(path, error);
    let named = |why: String| place.damaged(base, format!("{}: {why}", path.display()));
    let mut block: Block = [0; BLOCK_BYTES as usize];
    let count = index.read_at(0, &mut block).map_err(io)?;
    let header =
        if count == block.len() { Header::decode(&block) } else { Err(FormatError::Magic) };
    let header = header.map_err(|error| named(error.to_string()))?;
    if index.size().map_err(io)? < ENTRIES_AT {
        return Err(named("the index is cut short".to_owned()));
    }
    if header.base != base || header.partition != place.partition {
        return Err(named("the header names another segment".to_owned()));
    }
    Ok(header)
}

/// The entries of a segment up to a fixed number of them, read a few at a time.
#[derive(Debug)]
pub struct Entries<'a> {
    segment: &'a Segment,
    place: &'a Place,
}

impl<'a> Entries<'a> {
    /// The entries of `segment`.
    pub fn of(segment: &'a Segment, place: &'a Place) -> Entries<'a> {
        Entries { segment, place }
    }

    /// The entry with this number, which must be there.
    ///
    /// # Errors
    /// When it is not, or its checksum does not hold: damage.
    pub fn get(&self, number: u64) -> Result<Entry, LogError> {
        let mut block: Block = [0; BLOCK_BYTES as usize];
        if self.segment.entry_blocks(number, &mut block)? == 0 {
            return Err(self.place.damaged(self.segment.base, "the index ends too early"));
        }
        Entry::decode(&block).map_err(|error| {
            self.place.damaged(self.segment.base, format!("index entry {number}: {error}"))
        })
    }

    /// How many of the first `count` entries `before` holds for; it must hold for a beginning of
    /// them and for none after. An entry whose checksum does not hold counts as one after: it may
    /// be one that is being written.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn partition_point(
        &self,
        count: u64,
        before: impl Fn(&Entry) -> bool,
    ) -> Result<u64, LogError> {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            let holds = match self.get(middle) {
                Ok(entry) => before(&entry),
                Err(LogError::Damaged { .. }) => false,
                Err(error) => return Err(error),
            };
            if holds { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}
