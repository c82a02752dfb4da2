//! A plain file, in a format whose records can be read from any of them on.

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::cli::file_source::text_begin;
use crate::ingest::formats::{Choice, FIRST_BYTES_MAX, Settings};
use crate::record::decode::{Decoder, Unheard};

/// How much is read of a file at once.
pub const PIECE_BYTES: u64 = 256 << 10;

/// A plain file.
pub struct PlainFile {
    file: File,
    path: PathBuf,
    /// How it is called.
    pub name: Arc<str>,
    /// Its format.
    pub settings: Settings,
    /// What the format is, if it was found.
    pub note: Option<String>,
}

/// What has become of a file that is followed by its name.
pub enum Successor {
    /// It has another name now, and this one has its own.
    Renamed(PlainFile),
    /// It is deleted, and this one has its name.
    Replaced(PlainFile),
}

impl PlainFile {
    /// Opens a file, if it is a plain one, and in a format that can be read from anywhere on.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path, choice: &Choice) -> anyhow::Result<Option<PlainFile>> {
        let name: Arc<str> = Arc::from(path.to_string_lossy());
        let (file, begin) = File::open(path)
            .and_then(|file| {
                let is_plain = file.metadata()?.is_file();
                let begin = if is_plain { text_begin(&file)? } else { None };
                Ok((file, begin))
            })
            .with_context(|| name.to_string())?;
        let Some(begin) = begin else { return Ok(None) };
        let first = match choice {
            Choice::Named(_) => Vec::new(),
            Choice::Found(_) => read(&file, begin..begin + FIRST_BYTES_MAX as u64)
                .with_context(|| name.to_string())?,
        };
        let found = choice.settings(&first).filter(|(settings, _)| settings.begins_anywhere());
        let Some((settings, found)) = found else { return Ok(None) };
        let note = found.map(|found| format!("{name}: {found}"));
        Ok(Some(PlainFile { file, path: path.to_owned(), name, settings, note }))
    }

    fn metadata(&self) -> anyhow::Result<Metadata> {
        self.file.metadata().with_context(|| self.name.to_string())
    }

    /// How long it is.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn length(&self) -> anyhow::Result<u64> {
        Ok(self.metadata()?.len())
    }

    /// Where its text begins: after a byte order mark.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn begin(&self) -> anyhow::Result<u64> {
        let begin = text_begin(&self.file).with_context(|| self.name.to_string())?;
        Ok(begin.unwrap_or_default())
    }

    /// Reads a part of it, as far as it goes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, range: Range<u64>) -> anyhow::Result<Vec<u8>> {
        read(&self.file, range).with_context(|| self.name.to_string())
    }

    /// A decoder of what follows a place, which has its header, and how many lines that takes; the
    /// text begins at `begin`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn decoder_at(&self, begin: u64, place: u64) -> anyhow::Result<(Box<dyn Decoder>, u64)> {
        let mut decoder = self.settings.decoder();
        let (mut at, mut lines) = (begin, 0);
        while decoder.awaits_header() && at < place {
            let head = self.read(at..place.min(at + PIECE_BYTES))?;
            for line in head.split_inclusive(|&byte| byte == b'\n') {
                if !decoder.awaits_header() {
                    break;
                }
                let _ = decoder.decode(line, &mut Unheard);
                lines += u64::from(line.ends_with(b"\n"));
            }
            at = if head.is_empty() { place } else { at + head.len() as u64 };
        }
        Ok((decoder, lines))
    }

    /// How many bytes are read of one record: of a line that is too long, the first ones show that
    /// it is.
    pub fn record_bytes_most(&self) -> u64 {
        self.settings.record_bytes_max as u64 + PIECE_BYTES
    }

    /// The file that has its name now, if that is another one; none if that is not read as it is.
    ///
    /// # Errors
    /// When the file cannot be asked.
    pub fn successor(&self) -> anyhow::Result<Option<Successor>> {
        let ours = self.metadata()?;
        // Between two names there is none for a moment.
        let Ok(theirs) = std::fs::metadata(&self.path) else { return Ok(None) };
        if (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()) {
            return Ok(None);
        }
        let choice = Choice::Named(self.settings.clone());
        let opened = PlainFile::open(&self.path, &choice).ok().flatten();
        Ok(opened.map(|next| match ours.nlink() {
            0 => Successor::Replaced(next),
            _ => Successor::Renamed(next),
        }))
    }
}

fn read(file: &File, range: Range<u64>) -> io::Result<Vec<u8>> {
    let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read_at(room, range.start + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
