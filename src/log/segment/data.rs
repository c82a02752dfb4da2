//! The bytes of a segment's records, by their positions.
//!
//! All that reads a segment, appends to it, or finds out what is left of it, gets the bytes here:
//! how they are kept in the file is known to nothing else in the log.

use std::fs::File;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::names::data_name;
use crate::log::LogError;
use crate::log::storage::writing::rewrite;
use crate::log::storage::{Open, Storage, StorageFile};

/// The data of a segment, in one of its generations, open. Positions count the bytes of records,
/// line ends included, as the index does.
#[derive(Debug)]
pub struct SegmentData {
    file: Box<dyn StorageFile>,
    path: PathBuf,
}

impl SegmentData {
    /// Where the data of the segment at `base` are, in the directory of its partition.
    pub fn path_of(dir: &Path, base: u64, generation: u32) -> PathBuf {
        dir.join(data_name(base, generation))
    }

    /// Makes empty data for the segment at `base`, on the disk when this returns; their directory
    /// entry is not.
    ///
    /// # Errors
    /// When they cannot be made or fsynced.
    pub fn create(storage: &dyn Storage, dir: &Path, base: u64) -> Result<SegmentData, LogError> {
        let path = SegmentData::path_of(dir, base, 0);
        let file = storage.open(&path, Open::Create).map_err(|error| LogError::io(&path, error))?;
        let data = SegmentData { file, path };
        data.sync()?;
        Ok(data)
    }

    /// Opens the data of the segment at `base`; `None` if they are missing.
    ///
    /// # Errors
    /// When they cannot be opened.
    pub fn open(
        storage: &dyn Storage,
        dir: &Path,
        (base, generation): (u64, u32),
        open: Open,
    ) -> Result<Option<SegmentData>, LogError> {
        let path = SegmentData::path_of(dir, base, generation);
        match storage.open(&path, open) {
            Ok(file) => Ok(Some(SegmentData { file, path })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LogError::io(&path, error)),
        }
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes records have.
    ///
    /// # Errors
    /// When the file system does not tell.
    pub fn size(&self) -> Result<u64, LogError> {
        self.file.size().map_err(|error| self.io(error))
    }

    /// Reads bytes at a position; fewer than asked for only at the end of the data.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(&self, position: u64, buffer: &mut [u8]) -> Result<usize, LogError> {
        self.file.read_at(position, buffer).map_err(|error| self.io(error))
    }

    /// Writes bytes at a position, which is the end of the data.
    ///
    /// # Errors
    /// When the write fails.
    pub fn write(&self, position: u64, bytes: &[IoSlice<'_>]) -> Result<(), LogError> {
        self.file.write_at(position, bytes).map_err(|error| self.io(error))
    }

    /// Writes what is there in a range once more, so that the kernel takes it for unwritten.
    ///
    /// # Errors
    /// When reading or writing fails.
    pub fn rewrite(&self, range: Range<u64>) -> Result<(), LogError> {
        rewrite(&*self.file, range).map_err(|error| self.io(error))
    }

    /// Cuts the data to a length.
    ///
    /// # Errors
    /// When that fails.
    pub fn cut(&self, bytes: u64) -> Result<(), LogError> {
        self.file.set_len(bytes).map_err(|error| self.io(error))
    }

    /// Fsyncs the data.
    ///
    /// # Errors
    /// When that fails: nothing more may then be written to them.
    pub fn sync(&self) -> Result<(), LogError> {
        self.file.sync().map_err(|error| self.io(error))
    }

    /// The descriptor of a file in which the records are as they are here, at their positions, so
    /// that it can be passed to readers; if there is one.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.descriptor()
    }

    /// Reads bytes at a position from such a file, which was passed.
    ///
    /// # Errors
    /// When they cannot be read, or the file ends before.
    pub fn read_passed(file: &File, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        file.read_exact_at(buffer, position)
    }

    fn io(&self, error: io::Error) -> LogError {
        LogError::io(&self.path, error)
    }
}
