//! The content of a plain file, decompressed if need be, read from any position: what is there is
//! the same whether the file is compressed or not.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use crate::cli::decompress::Decompressor;
use crate::cli::encoding::{Encoding, MARK, SIGN_BYTES_MAX};
use crate::ingest::files::identity::{HEAD_BYTES_MAX, Inode};
use crate::ingest::files::mark::{Mark, TAIL_BYTES_MAX};
use crate::sys::file::open_to_read;

/// How much is decompressed at once where only its end is wanted.
const SKIP_BYTES: usize = 64 << 10;

/// A file that is open.
#[derive(Clone, Debug)]
pub(super) struct Content {
    file: Arc<File>,
    encoding: Encoding,
    /// How many bytes of the file lie before its content: a byte order mark.
    before: u64,
}

/// What is known of an open file at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    pub inode: Inode,
    /// How long it is, without a byte order mark; compressed, if it is.
    pub bytes: u64,
    /// When it was last written, in µs since the epoch.
    pub modified_us: i64,
    /// When it was last written, renamed or made, in µs since the epoch.
    pub changed_us: i64,
}

impl Content {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened or read, or is no plain file.
    pub fn open(path: &Path) -> io::Result<Content> {
        let file = open_to_read(path)?;
        let mut sign = [0; SIGN_BYTES_MAX];
        let count = read_at(&file, &mut sign, 0)?;
        // A file that is too short to say is text, as far as it goes.
        let encoding = Encoding::of(&sign[..count]).unwrap_or(Encoding::Plain);
        let before = if encoding == Encoding::Marked { MARK.len() as u64 } else { 0 };
        Ok(Content { file: Arc::new(file), encoding, before })
    }

    /// Whether its bytes are those of the file.
    pub fn is_plain(&self) -> bool {
        matches!(self.encoding, Encoding::Plain | Encoding::Marked)
    }

    /// What the file is now.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn status(&self) -> io::Result<Status> {
        let metadata = self.file.metadata()?;
        let inode = Inode { device: metadata.dev(), number: metadata.ino() };
        let us =
            |seconds: i64, ns: i64| seconds.saturating_mul(1_000_000).saturating_add(ns / 1000);
        Ok(Status {
            inode,
            bytes: metadata.size().saturating_sub(self.before),
            modified_us: us(metadata.mtime(), metadata.mtime_nsec()),
            changed_us: us(metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Its first bytes, as many as identify it.
    ///
    /// # Errors
    /// When it cannot be read, or is compressed and damaged.
    pub fn head(&self) -> io::Result<Vec<u8>> {
        let mut head = vec![0; HEAD_BYTES_MAX];
        let mut reader = self.reader(0)?;
        let count = reader.fill(&mut head)?;
        head.truncate(count);
        Ok(head)
    }

    /// Whether a mark is one of this content, which begins with `head`.
    ///
    /// # Errors
    /// As [`Content::head`].
    pub fn agrees(&self, mark: Mark, head: &[u8]) -> io::Result<bool> {
        match self.reader(mark.position) {
            Ok(reader) => Ok(mark.agrees(head, reader.tail(mark.position))),
            // It is shorter.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads from a position on.
    ///
    /// # Errors
    /// When it cannot be read, or is compressed and damaged; `UnexpectedEof` when it is shorter
    /// than that.
    pub fn reader(&self, from: u64) -> io::Result<Reader> {
        let begin = match self.is_plain() {
            true => from.saturating_sub(TAIL_BYTES_MAX as u64),
            false => 0,
        };
        let bytes = match self.is_plain() {
            true => Bytes::Plain(self.before.saturating_add(begin)),
            false => {
                let mut sign = [0; SIGN_BYTES_MAX];
                let count = read_at(&self.file, &mut sign, 0)?;
                let decompressor = Decompressor::new(self.encoding, &sign[..count])?;
                Bytes::Compressed(Box::new(decompressor), count as u64)
            }
        };
        let mut reader =
            Reader { file: Arc::clone(&self.file), bytes, at: begin, recent: Vec::new() };
        let mut block =
            vec![0; SKIP_BYTES.min(usize::try_from(from - begin).unwrap_or(SKIP_BYTES))];
        while reader.at < from {
            let left = usize::try_from(from - reader.at).unwrap_or(SKIP_BYTES).min(block.len());
            if reader.read(&mut block[..left])? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            reader.forget_before(reader.at);
        }
        Ok(reader)
    }

    /// Where the line begins that has so many lines before it from a position on.
    ///
    /// # Errors
    /// As [`Content::reader`].
    pub fn position_of_line(&self, from: u64, lines: u64) -> io::Result<u64> {
        let (mut reader, mut left) = (self.reader(from)?, lines);
        let mut block = vec![0; SKIP_BYTES];
        while left > 0 {
            let at = reader.at();
            let count = reader.read(&mut block)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            for end in memchr::memchr_iter(b'\n', &block[..count]) {
                left -= 1;
                if left == 0 {
                    return Ok(at + end as u64 + 1);
                }
            }
            reader.forget_before(reader.at());
        }
        Ok(from)
    }

    /// How many lines end before a position.
    ///
    /// # Errors
    /// As [`Content::reader`].
    pub fn lines_before(&self, position: u64) -> io::Result<u64> {
        let (mut reader, mut lines) = (self.reader(0)?, 0);
        let mut block = vec![0; SKIP_BYTES];
        while reader.at() < position {
            let left = usize::try_from(position - reader.at()).unwrap_or(SKIP_BYTES);
            let count = reader.read(&mut block[..left.min(SKIP_BYTES)])?;
            if count == 0 {
                break;
            }
            lines += memchr::memchr_iter(b'\n', &block[..count]).count() as u64;
            reader.forget_before(reader.at());
        }
        Ok(lines)
    }
}

/// Reads a content.
pub(super) struct Reader {
    file: Arc<File>,
    bytes: Bytes,
    at: u64,
    /// What was given last, as much as is not forgotten: the file may have changed since.
    recent: Vec<u8>,
}

/// Where the next bytes are in the file.
enum Bytes {
    Plain(u64),
    Compressed(Box<Decompressor>, u64),
}

impl Reader {
    /// The position of the next byte.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Reads what is there; 0 bytes at the end.
    ///
    /// # Errors
    /// When it cannot be read, or is compressed and damaged.
    pub fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let count = loop {
            match &mut self.bytes {
                Bytes::Plain(at) => {
                    let count = read_at(&self.file, block, *at)?;
                    *at += count as u64;
                    break count;
                }
                Bytes::Compressed(decompressor, at) => {
                    if let Some(count) = decompressor.read(block)? {
                        break count;
                    }
                    match read_at(&self.file, decompressor.room(), *at)? {
                        0 => decompressor.end(),
                        count => {
                            *at += count as u64;
                            decompressor.fill(count);
                        }
                    }
                }
            }
        };
        self.at += count as u64;
        self.recent.extend_from_slice(block.get(..count).unwrap_or_default());
        Ok(count)
    }

    /// Reads until the block is full, or to the end.
    fn fill(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read(rest)? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    /// The bytes before a position that were read, at most as many as a mark covers. It is not
    /// before one that was forgotten.
    pub fn tail(&self, position: u64) -> &[u8] {
        let begin = self.at - self.recent.len() as u64;
        let from = position.saturating_sub(TAIL_BYTES_MAX as u64).saturating_sub(begin);
        let to = position.saturating_sub(begin);
        self.recent.get(from as usize..to as usize).unwrap_or_default()
    }

    /// What lies before a position, but for what a mark there covers, is not asked for any more.
    pub fn forget_before(&mut self, position: u64) {
        let begin = self.at - self.recent.len() as u64;
        let kept = position.saturating_sub(TAIL_BYTES_MAX as u64).saturating_sub(begin);
        self.recent.drain(..self.recent.len().min(kept as usize));
    }
}

fn read_at(file: &File, block: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match file.read_at(block, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_content_is_the_same_however_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let lines: String = (0..20_000).map(|number| format!("{number}\n")).collect();
        let text = lines.as_bytes();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        let forms = [
            text.to_vec(),
            [MARK, text].concat(),
            gzip.finish().unwrap(),
            zstd::encode_all(text, 1).unwrap(),
        ];
        for (number, bytes) in forms.iter().enumerate() {
            let path = dir.path().join(number.to_string());
            std::fs::write(&path, bytes).unwrap();
            let content = Content::open(&path).unwrap();
            let head = content.head().unwrap();
            assert_eq!(head, &text[..HEAD_BYTES_MAX]);
            for position in [0, 3, 1024, 5000, text.len()] {
                let tail = &text[position.saturating_sub(TAIL_BYTES_MAX)..position];
                let mark = Mark::new(position as u64, false, &head, tail);
                assert!(content.agrees(mark, &head).unwrap(), "{number} {position}");
                let mut reader = content.reader(position as u64).unwrap();
                assert_eq!(reader.tail(position as u64), tail);
                let mut rest = vec![0; text.len()];
                let count = reader.fill(&mut rest).unwrap();
                assert_eq!(&rest[..count], &text[position..]);
            }
            let beyond = Mark::new(text.len() as u64 + 1, false, &head, &text[..TAIL_BYTES_MAX]);
            assert!(!content.agrees(beyond, &head).unwrap());
            let at = content.position_of_line(4, 15_000).unwrap();
            assert!(lines[at as usize..].starts_with("15002\n"));
            assert_eq!(content.lines_before(at).unwrap(), 15_002);
        }
    }
}
