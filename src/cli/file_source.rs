//! The source that every tool has: a file or standard input, decompressed if need be.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::closed;
use super::decompress::Decompressor;
use super::encoding::{Encoding, MARK, SIGN_BYTES_MAX};
use super::output::widen_pipe;
use super::source::{Polled, Source};
use super::spans::Spans;
use super::watch::{Waiting, Woken};
use crate::sys::file::open_unwaited;
use crate::sys::pipe::{is_pipe, read_now};

/// A file, or what is behind standard input.
pub struct FileSource {
    raw: Raw,
    name: Arc<str>,
    form: Form,
    position: u64,
    /// How many bytes were read of a compressed file, as they are stored.
    stored: u64,
    /// How many threads read a plain file.
    parallelism: usize,
    /// Whether it is a pipe that can be read without waiting, as far as is known.
    is_pipe: bool,
    /// Whether it is one of several: the others are not kept waiting for its first bytes.
    is_beside: bool,
}

/// What the bytes are, and what was read of them and is not given yet.
enum Form {
    /// The first bytes, too few to say.
    Unknown(Vec<u8>),
    Plain,
    /// The whole lines of a plain file, for several threads; then the rest of it. The input begins
    /// at this byte of the file.
    Divided(Spans, u64),
    Compressed(Decompressor),
}

/// The file, waited for where it can make us wait.
struct Raw {
    file: Arc<File>,
    waits: bool,
}

impl Raw {
    fn poll(&self, block: &mut [u8], waiting: &mut Waiting<'_>) -> io::Result<Polled> {
        loop {
            let woken = match self.waits {
                true => waiting.until_ready(&*self.file)?,
                false => waiting.stopped().map_or(Woken::Ready, Woken::Stopped),
            };
            match woken {
                Woken::Quiet => return Ok(Polled::Quiet),
                Woken::Stopped(reason) => return Ok(Polled::Stopped(reason)),
                Woken::Ready => {}
            }
            match (&*self.file).read(block) {
                // A signal to the whole pipeline ends the tool before us too: that is no end of
                // the input, however soon the two come after each other.
                Ok(0) => return Ok(waiting.stopped().map_or(Polled::End, Polled::Stopped)),
                Ok(count) => return Ok(Polled::Bytes(count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Where the text of a file begins, which is read as it stands: after a byte order mark, if it has
/// one. None if it is compressed, or in an encoding that is not read.
///
/// # Errors
/// When it cannot be read.
pub fn text_begin(file: &File) -> io::Result<Option<u64>> {
    let mut start = [0; SIGN_BYTES_MAX];
    let count = file.read_at(&mut start, 0)?;
    Ok(match Encoding::of(start.get(..count).unwrap_or_default()) {
        Some(Encoding::Plain) | None => Some(0),
        Some(Encoding::Marked) => Some(MARK.len() as u64),
        Some(_) => None,
    })
}

impl FileSource {
    /// Opens the file at `path`; `-` is standard input. If there are several threads to read a
    /// plain file, its whole lines come as spans.
    ///
    /// # Errors
    /// When it cannot be opened, or is a directory.
    pub fn open(path: &Path, name: Arc<str>, parallelism: usize) -> io::Result<FileSource> {
        let file = if path == Path::new("-") {
            closed::check_stdin()?;
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            File::open(path)?
        };
        FileSource::of(file, name, parallelism)
    }

    /// Opens a file, as [`FileSource::open`] does, to be read beside others: a FIFO that nobody
    /// writes to yet is waited for when it is read.
    ///
    /// # Errors
    /// As [`FileSource::open`].
    pub fn open_beside(path: &Path, name: Arc<str>) -> io::Result<FileSource> {
        let source = match path == Path::new("-") {
            true => FileSource::open(path, name, 1)?,
            false => FileSource::of(open_unwaited(path)?, name, 1)?,
        };
        Ok(FileSource { is_beside: true, ..source })
    }

    /// What tells when there is something to read, if that may have to be waited for.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.raw.waits.then(|| self.raw.file.as_fd())
    }

    fn of(file: File, name: Arc<str>, parallelism: usize) -> io::Result<FileSource> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
        }
        widen_pipe(file.as_fd());
        let is_pipe = is_pipe(&file);
        let raw = Raw { file: Arc::new(file), waits: !metadata.is_file() };
        let form = Form::Unknown(Vec::new());
        let (position, stored, is_beside) = (0, 0, false);
        Ok(FileSource { raw, name, form, position, stored, parallelism, is_pipe, is_beside })
    }

    fn poll_bytes(&mut self, block: &mut [u8], waiting: &mut Waiting<'_>) -> io::Result<Polled> {
        loop {
            match &mut self.form {
                Form::Unknown(start) => {
                    let start = std::mem::take(start);
                    if let Some(polled) = self.begin(start, block, waiting)? {
                        return Ok(polled);
                    }
                }
                Form::Plain => return self.raw.poll(block, waiting),
                Form::Divided(spans, begin) => {
                    if let Some(reason) = waiting.stopped() {
                        return Ok(Polled::Stopped(reason));
                    }
                    let Some(span) = spans.hand_out()? else {
                        self.form = Form::Plain;
                        continue;
                    };
                    // The file is positioned behind the span.
                    let at = (&*self.raw.file).stream_position()?;
                    self.position = at.saturating_sub(*begin);
                    return Ok(Polled::Span(span));
                }
                Form::Compressed(decompressor) => match decompressor.read(block)? {
                    Some(0) => return Ok(Polled::End),
                    Some(count) => return Ok(Polled::Bytes(count)),
                    None => match self.raw.poll(decompressor.room(), waiting)? {
                        Polled::Bytes(count) => {
                            decompressor.fill(count);
                            self.stored += count as u64;
                        }
                        Polled::End => decompressor.end(),
                        other => return Ok(other),
                    },
                },
            }
        }
    }

    /// Reads more of the first bytes, behind `start`; finds out what they are the beginning of, and
    /// gives them if they are text.
    fn begin(
        &mut self,
        start: Vec<u8>,
        block: &mut [u8],
        waiting: &mut Waiting<'_>,
    ) -> io::Result<Option<Polled>> {
        let known = start.len();
        block.get_mut(..known).unwrap_or_default().copy_from_slice(&start);
        // Spans are read once more, by those who get them.
        let most = if self.divides() { SIGN_BYTES_MAX } else { block.len() };
        let room = block.get_mut(known..most).unwrap_or_default();
        // Without a limit: what is alone cannot be quiet before it began.
        let mut patient = waiting.patiently();
        let waiting = if self.is_beside { waiting } else { &mut patient };
        let (count, ended) = match self.raw.poll(room, waiting)? {
            Polled::Bytes(count) => (known + count, false),
            Polled::End => (known, true),
            other => {
                self.form = Form::Unknown(start);
                return Ok(Some(other));
            }
        };
        let begun = block.get(..count).unwrap_or_default();
        let encoding = match Encoding::of(begun) {
            Some(encoding) => encoding,
            None if ended => Encoding::Plain,
            None => {
                self.form = Form::Unknown(begun.to_vec());
                return Ok(None);
            }
        };
        let mark = match encoding {
            Encoding::Plain => 0,
            Encoding::Marked => MARK.len(),
            compressed => {
                (self.is_pipe, self.stored) = (false, count as u64);
                self.form = Form::Compressed(Decompressor::new(compressed, begun)?);
                return Ok(None);
            }
        };
        self.form = Form::Plain;
        self.position = mark as u64;
        if self.divides() {
            let begin = (&*self.raw.file).stream_position()?.saturating_sub(count as u64);
            let (file, name) = (Arc::clone(&self.raw.file), Arc::clone(&self.name));
            let spans = Spans::of(file, name, begin + mark as u64, self.parallelism);
            if let Some(spans) = spans {
                self.form = Form::Divided(spans, begin);
                return Ok(None);
            }
        }
        block.copy_within(mark..count, 0);
        Ok((count > mark).then_some(Polled::Bytes(count - mark)))
    }

    /// Whether it is a plain file that several threads read.
    fn divides(&self) -> bool {
        !self.raw.waits && self.parallelism > 1
    }
}

impl Source for FileSource {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn stored_position(&self) -> u64 {
        if matches!(self.form, Form::Compressed(_)) { self.stored } else { self.position }
    }

    fn may_wait(&self) -> bool {
        self.raw.waits
    }

    fn poll(&mut self, block: &mut [u8], waiting: &mut Waiting<'_>) -> anyhow::Result<Polled> {
        let polled = self.poll_bytes(block, waiting).with_context(|| self.name.to_string())?;
        if let Polled::Bytes(count) = polled {
            self.position += count as u64;
        }
        Ok(polled)
    }

    fn pipe(&self) -> Option<BorrowedFd<'_>> {
        let readable = self.is_pipe && matches!(self.form, Form::Plain);
        readable.then(|| self.raw.file.as_fd())
    }

    fn poll_pipe(&mut self, block: &mut [u8]) -> Option<usize> {
        match read_now(self.pipe()?, block) {
            Ok(None) => Some(0),
            Ok(Some(count)) if count > 0 => {
                self.position += count as u64;
                Some(count)
            }
            // Its end, or that it cannot be read so, holds for good.
            _ => {
                self.is_pipe = false;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use super::*;
    use crate::cli::signals::Stop;
    use crate::cli::watch::Watch;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn source(file: impl Into<OwnedFd>) -> FileSource {
        FileSource::of(File::from(file.into()), Arc::from("f"), 1).unwrap()
    }

    /// All text that is there, and how often the source was quiet before its end, or before `quiet`
    /// was reached.
    fn read(source: &mut FileSource, quiet_max: usize) -> (String, usize) {
        let watch = Watch::new(Stop::install().unwrap(), None).unwrap();
        let (mut text, mut quiet, mut block) = (Vec::new(), 0, [0; 10]);
        while quiet < quiet_max {
            let mut waiting = Waiting::new(&watch, Some(Duration::from_millis(1)));
            match source.poll(&mut block, &mut waiting).unwrap() {
                Polled::Bytes(count) => text.extend_from_slice(&block[..count]),
                Polled::Quiet => quiet += 1,
                Polled::End => break,
                other => panic!("{other:?}"),
            }
        }
        (String::from_utf8(text).unwrap(), quiet)
    }

    #[test]
    fn spans_count_for_the_position() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "\u{feff}1\n22\n333").unwrap();
        let mut source = FileSource::open(&path, Arc::from("f"), 2).unwrap();
        let watch = Watch::new(Stop::install().unwrap(), None).unwrap();
        let poll = |source: &mut FileSource| {
            source.poll(&mut [0; 10], &mut Waiting::new(&watch, None)).unwrap()
        };
        assert!(matches!(poll(&mut source), Polled::Span(_)));
        assert_eq!(source.position(), 8);
        assert!(matches!(poll(&mut source), Polled::Bytes(3)));
        assert_eq!(source.position(), 11);
        assert!(matches!(poll(&mut source), Polled::End));
    }

    #[test]
    fn the_position_is_that_of_the_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let text = "1\n22\n333\n";
        let marked = format!("\u{feff}{text}");
        for (bytes, position) in
            [(text.as_bytes(), 9), (marked.as_bytes(), 12), (&gzip(text.as_bytes()), 9), (b"", 0)]
        {
            std::fs::write(&path, bytes).unwrap();
            let mut source = source(File::open(&path).unwrap());
            let (read, quiet) = read(&mut source, 1);
            assert_eq!(read, if bytes.is_empty() { "" } else { text });
            assert_eq!((quiet, source.position()), (0, position));
            assert_eq!(source.stored_position(), bytes.len() as u64);
        }
    }

    /// However its bytes come: to be quiet is no end, and loses nothing.
    #[test]
    fn a_pipe_may_be_quiet_at_any_byte_behind_the_first() {
        let text = "1\n22\n333\n";
        for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes())] {
            let (reader, mut writer) = std::io::pipe().unwrap();
            let mut source = source(reader);
            // It is not known to be quiet before it is known what it is.
            let (start, rest) = bytes.split_at(2);
            writer.write_all(start).unwrap();
            let mut all = read(&mut source, 1).0;
            for byte in rest {
                writer.write_all(&[*byte]).unwrap();
                let (text, quiet) = read(&mut source, 1);
                assert_eq!(quiet, 1);
                all += &text;
            }
            drop(writer);
            let (text_left, quiet) = read(&mut source, 1);
            all += &text_left;
            assert_eq!((&*all, quiet), (text, 0));
        }
    }

    #[test]
    fn a_pipe_is_read_without_waiting_once_it_is_text() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut source = source(reader);
        let mut block = [0; 10];
        assert!(source.pipe().is_none() && source.poll_pipe(&mut block).is_none());
        writer.write_all(b"1\n").unwrap();
        assert_eq!(read(&mut source, 1).0, "1\n");
        assert!(source.pipe().is_some());
        assert_eq!(source.poll_pipe(&mut block), Some(0));
        writer.write_all(b"22\n").unwrap();
        assert_eq!((source.poll_pipe(&mut block), source.position()), (Some(3), 5));
        drop(writer);
        assert_eq!(source.poll_pipe(&mut block), None);
        assert!(source.pipe().is_none());
    }
}
