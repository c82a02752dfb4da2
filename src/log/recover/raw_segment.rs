//! What is left of a segment: its two files, either of which may be missing or damaged.
//!
//! Unlike [`super::segment::Segment`] nothing in them is taken for granted.

use std::io;
use std::path::{Path, PathBuf};

use crate::log::segment::Place;
use crate::log::segment::data::SegmentData;
use crate::log::segment::format::{
    ATTESTATION_AT, Attestation, BLOCK_BYTES, Block, ENTRIES_AT, Entry, FormatError, Header,
};
use crate::log::segment::listing::list_among;
use crate::log::segment::names::{index_name, parse_data};
use crate::log::storage::{Open, Storage, StorageFile};
use crate::log::{BATCH_BYTES_MAX, LogError};

/// How many entries are read at once.
const ENTRIES_READ: usize = 4096;

/// The files of one segment.
pub(in crate::log) struct RawSegment {
    data: Data,
    index: File,
    generation: u32,
}

/// The data, and how long they are; 0 if they are missing.
struct Data {
    path: PathBuf,
    data: Option<SegmentData>,
    bytes: u64,
}

/// One file, and how long it is; 0 if it is missing.
struct File {
    path: PathBuf,
    file: Option<Box<dyn StorageFile>>,
    bytes: u64,
}

/// What an index begins with, as far as it holds.
pub(in crate::log) struct Head {
    /// The header, or what is wrong with it.
    pub header: Result<Header, String>,
    /// The attestation, if it says something.
    pub attestation: Option<Attestation>,
    /// Of how many entries there is at least a part.
    pub slots: u64,
}

/// The base offsets of all segments of which there is anything, ascending.
pub(in crate::log) fn all_bases(
    storage: &dyn Storage,
    place: &Place,
) -> Result<Vec<u64>, LogError> {
    let names = match storage.list(&place.dir) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(LogError::io(&place.dir, error)),
    };
    Ok(list_among(storage, place, &names)?.bases)
}

impl File {
    fn open(storage: &dyn Storage, path: PathBuf) -> Result<File, LogError> {
        match storage.open(&path, Open::Read) {
            Ok(file) => {
                let bytes = file.size().map_err(|error| LogError::io(&path, error))?;
                Ok(File { path, file: Some(file), bytes })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(File { path, file: None, bytes: 0 })
            }
            Err(error) => Err(LogError::io(&path, error)),
        }
    }

    fn read(&self, position: u64, buffer: &mut [u8]) -> Result<usize, LogError> {
        let Some(file) = &self.file else { return Ok(0) };
        file.read_at(position, buffer).map_err(|error| LogError::io(&self.path, error))
    }
}

impl Data {
    fn open(
        storage: &dyn Storage,
        place: &Place,
        base: u64,
        generation: u32,
    ) -> Result<Data, LogError> {
        let path = SegmentData::path_of(&place.dir, base, generation);
        let data = SegmentData::open(storage, &place.dir, (base, generation), Open::Read)?;
        let bytes = data.as_ref().map_or(Ok(0), SegmentData::size)?;
        Ok(Data { path, data, bytes })
    }

    fn read(&self, position: u64, buffer: &mut [u8]) -> Result<usize, LogError> {
        self.data.as_ref().map_or(Ok(0), |data| data.read(position, buffer))
    }
}

impl RawSegment {
    /// Opens what there is of the segment at `base`.
    pub fn open(storage: &dyn Storage, place: &Place, base: u64) -> Result<RawSegment, LogError> {
        let index = File::open(storage, place.dir.join(index_name(base)))?;
        let mut block: Block = [0; BLOCK_BYTES as usize];
        index.read(0, &mut block)?;
        let generation = match Header::decode(&block) {
            Ok(header) if header.base == base => header.generation,
            _ => likeliest_generation(storage, place, base, &index)?,
        };
        let data = Data::open(storage, place, base, generation)?;
        Ok(RawSegment { data, index, generation })
    }

    /// The generation of the data.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The names of the files: the data's, then the index's.
    pub fn names(&self) -> [String; 2] {
        [&self.data.path, &self.index.path]
            .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }

    /// The length of the data; 0 without a data file.
    pub fn data_bytes(&self) -> u64 {
        self.data.bytes
    }

    /// The file that is missing, if one is.
    pub fn missing(&self) -> Option<&Path> {
        let data = self.data.data.is_none().then_some(&self.data.path);
        let index = || self.index.file.is_none().then_some(&self.index.path);
        data.or_else(index).map(PathBuf::as_path)
    }

    /// Reads data; fewer bytes than asked for where it ends.
    pub fn read_data(&self, position: u64, buffer: &mut [u8]) -> Result<usize, LogError> {
        self.data.read(position, buffer)
    }

    /// Reads what the index begins with.
    ///
    /// # Errors
    /// When the index is whole but of another version: that is to be left alone.
    pub fn head(&self, place: &Place, base: u64) -> Result<Head, LogError> {
        let slots = self.index.bytes.saturating_sub(ENTRIES_AT).div_ceil(BLOCK_BYTES);
        let mut block: Block = [0; BLOCK_BYTES as usize];
        self.index.read(0, &mut block)?;
        // A segment is made with an index of this length at the least.
        let whole = self.index.bytes >= ENTRIES_AT;
        let header = match Header::decode(&block) {
            _ if !whole => Err("the index is cut short".to_owned()),
            Ok(header) if header.base != base || header.partition != place.partition => {
                Err("the index's header names another segment".to_owned())
            }
            Ok(header) => Ok(header),
            Err(error @ FormatError::Version { .. }) if Header::is_sealed(&block) => {
                return Err(place.damaged(base, error));
            }
            Err(error) => Err(format!("the index's header: {error}")),
        };
        let mut block: Block = [0; BLOCK_BYTES as usize];
        let whole = self.index.read(ATTESTATION_AT, &mut block)? == block.len();
        let attestation = Attestation::decode(&block).filter(|_| whole);
        Ok(Head { header, attestation, slots })
    }

    /// Calls `visit` with every entry in order, until it returns false. A last entry that is not
    /// all there counts as one whose checksum does not hold.
    pub fn each_entry(
        &self,
        visit: impl FnMut(u64, Result<Entry, FormatError>) -> Result<bool, LogError>,
    ) -> Result<(), LogError> {
        self.index.each_entry(visit)
    }
}

impl File {
    /// See [`RawSegment::each_entry`].
    fn each_entry(
        &self,
        mut visit: impl FnMut(u64, Result<Entry, FormatError>) -> Result<bool, LogError>,
    ) -> Result<(), LogError> {
        let mut blocks = vec![0; ENTRIES_READ * BLOCK_BYTES as usize];
        let mut number = 0;
        loop {
            let count = self.read(ENTRIES_AT + number * BLOCK_BYTES, &mut blocks)?;
            let (whole, part) = blocks[..count].as_chunks::<{ BLOCK_BYTES as usize }>();
            for block in whole {
                if !visit(number, Entry::decode(block))? {
                    return Ok(());
                }
                number += 1;
            }
            if count < blocks.len() {
                if !part.is_empty() {
                    visit(number, Err(FormatError::Checksum))?;
                }
                return Ok(());
            }
        }
    }
}

/// The offset below which an index attests records, by its attestation and its entries; `None` if
/// neither tells.
pub(in crate::log) fn attested_offset(
    raw: &RawSegment,
    head: &Head,
) -> Result<Option<u64>, LogError> {
    let mut attested = head.attestation.map(|attestation| attestation.synced);
    raw.each_entry(|_, entry| {
        // What an entry attests lies before it.
        attested = attested.max(entry.ok().map(|entry| entry.synced.min(entry.base)));
        Ok(true)
    })?;
    Ok(attested)
}

/// The generation of the data that an index without a header speaks of. There is more than one only
/// if a compaction was interrupted: then it is the one of which more entries hold, and the older
/// one if that does not tell, since all records are in that.
fn likeliest_generation(
    storage: &dyn Storage,
    place: &Place,
    base: u64,
    index: &File,
) -> Result<u32, LogError> {
    let names = match storage.list(&place.dir) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(LogError::io(&place.dir, error)),
    };
    let mut generations: Vec<u32> = names
        .iter()
        .filter_map(|name| parse_data(name))
        .filter_map(|(of, generation)| (of == base).then_some(generation))
        .collect();
    generations.sort_unstable();
    let mut best = (0, generations.first().copied().unwrap_or(0));
    for &generation in generations.iter().filter(|_| generations.len() > 1) {
        let data = Data::open(storage, place, base, generation)?;
        let held = entries_held(index, &data)?;
        if held > best.0 {
            best = (held, generation);
        }
    }
    Ok(best.1)
}

/// Of how many entries the checksum of the records holds.
fn entries_held(index: &File, data: &Data) -> Result<u64, LogError> {
    let mut held = 0;
    index.each_entry(|_, entry| {
        if let Ok(entry) = entry
            && entry.end_position() <= data.bytes
            && entry.bytes as usize <= BATCH_BYTES_MAX
        {
            let mut bytes = vec![0; entry.bytes as usize];
            data.read(entry.position, &mut bytes)?;
            held += u64::from(crc32c::crc32c(&bytes) == entry.data_crc);
        }
        Ok(true)
    })?;
    Ok(held)
}
