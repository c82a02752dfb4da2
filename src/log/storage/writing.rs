//! A file that is written from its beginning to its end, a large piece at a time; and what a file
//! holds, written once more.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{Open, Storage, StorageFile};
use crate::log::LogError;

/// How much is copied or written at once.
pub(in crate::log) const COPY_BYTES: usize = 1 << 20;

/// A file being written.
#[derive(Debug)]
pub(in crate::log) struct Writing {
    path: PathBuf,
    file: Box<dyn StorageFile>,
    position: u64,
    buffer: Vec<u8>,
}

impl Writing {
    /// Makes a file, or empties the one that is there, to be written from `position` on.
    pub fn create(
        storage: &dyn Storage,
        path: PathBuf,
        position: u64,
    ) -> Result<Writing, LogError> {
        let file = storage.open(&path, Open::Create).map_err(|error| LogError::io(&path, error))?;
        Ok(Writing { path, file, position, buffer: Vec::new() })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts bytes behind those before.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < COPY_BYTES { Ok(()) } else { self.flush() }
    }

    /// Forces all of it to the disk.
    pub fn finish(&mut self) -> Result<(), LogError> {
        self.flush()?;
        self.file.sync().map_err(|error| LogError::io(&self.path, error))
    }

    /// The same, with `head` at the file's beginning.
    pub fn finish_with(&mut self, head: &[u8]) -> Result<(), LogError> {
        self.flush()?;
        self.position = 0;
        self.buffer.extend_from_slice(head);
        self.finish()
    }

    fn flush(&mut self) -> Result<(), LogError> {
        if !self.buffer.is_empty() {
            let written = self.file.write_at(self.position, &[IoSlice::new(&self.buffer)]);
            written.map_err(|error| LogError::io(&self.path, error))?;
            self.position += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// Reads a part of a file and writes the same in its place.
pub(in crate::log) fn rewrite(file: &dyn StorageFile, range: Range<u64>) -> io::Result<()> {
    const PIECE_BYTES: u64 = 256 << 10;
    let mut buffer = Vec::new();
    let mut position = range.start;
    while position < range.end {
        buffer.resize((range.end - position).min(PIECE_BYTES) as usize, 0);
        let count = file.read_at(position, &mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write_at(position, &[IoSlice::new(&buffer[..count])])?;
        position += count as u64;
    }
    Ok(())
}
