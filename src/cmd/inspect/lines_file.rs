//! A plain NDJSON file of any size: where its lines are is noted every so often, and they are read
//! when they are asked for. It may grow.

use std::fs::File;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::chunk::{Chunk, Collector};
use super::feed::{Advance, Feed};
use crate::cli::file_source::text_begin;
use crate::record::RECORD_BYTES_MAX;
use crate::record::control::is_control;
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::LineDecoder;
use crate::tui::row::Changes;

/// Places are noted so many bytes apart, or where the next line begins.
const PIECE_BYTES: usize = 256 << 10;

/// How many bytes of the pieces that were read last are kept.
const KEPT_BYTES: usize = 8 << 20;

/// A plain NDJSON file.
pub struct LinesFile {
    file: File,
    name: Arc<str>,
    /// The number of the first record.
    first: u64,
    /// Where the pieces begin that were seen.
    marks: Vec<Mark>,
    /// Where those lines end, and what was counted before.
    seen: Mark,
    /// Whether what follows these lines is a record, too, without a line end so far; where it ends.
    tail: Option<u64>,
    /// The length of the file when it was looked at last.
    length: u64,
    changes: Changes,
    kept: Vec<Arc<Chunk>>,
    record_bytes_max: usize,
}

/// A place between two lines.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    offset: u64,
    /// How many records are before it.
    records: u64,
    /// How many lines.
    lines: u64,
}

impl LinesFile {
    /// Opens a file, if it is a plain one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path, record_bytes_max: usize) -> anyhow::Result<Option<LinesFile>> {
        let name = path.to_string_lossy();
        let file = File::open(path).with_context(|| name.to_string())?;
        let metadata = file.metadata().with_context(|| name.to_string())?;
        let begin = match metadata.is_file() {
            true => text_begin(&file).with_context(|| name.to_string())?,
            false => None,
        };
        let Some(offset) = begin else { return Ok(None) };
        let seen = Mark { offset, ..Mark::default() };
        let (name, record_bytes_max) = (Arc::from(name), record_bytes_max.min(RECORD_BYTES_MAX));
        let (marks, kept) = (Vec::new(), Vec::new());
        let (tail, length, changes) = (None, metadata.len(), Changes::default());
        Ok(Some(LinesFile {
            file,
            name,
            first: 0,
            marks,
            seen,
            tail,
            length,
            changes,
            kept,
            record_bytes_max,
        }))
    }

    /// The name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first record, which has not been seen yet, has this number.
    pub fn begin_at(&mut self, number: u64) {
        (self.first, self.seen.records) = (number, number);
    }

    fn read(&self, range: Range<u64>) -> anyhow::Result<Vec<u8>> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.file.read_at(room, range.start + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(|| self.name.to_string()),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Sees the next piece.
    fn see(&mut self) -> anyhow::Result<Advance> {
        let left = self.length.saturating_sub(self.seen.offset);
        let mut wanted = PIECE_BYTES as u64;
        loop {
            let bytes = self.read(self.seen.offset..self.seen.offset + wanted.min(left))?;
            // A line that is longer than a record may be is seen piece by piece.
            let too_long = bytes.len() > self.record_bytes_max;
            let end = memchr::memrchr(b'\n', &bytes).map(|last| last + 1);
            match end {
                Some(end) => {
                    let counted = self.count(bytes.get(..end).unwrap_or_default());
                    self.marks.push(self.seen);
                    self.seen = counted;
                    self.tail = None;
                    return Ok(Advance::More);
                }
                None if wanted < left && !too_long => wanted = wanted.saturating_mul(2),
                None if wanted < left => return self.pass_long_line(),
                None => {
                    let has_record = self.count(&bytes).records > self.seen.records;
                    self.tail = has_record.then(|| self.seen.offset + bytes.len() as u64);
                    return Ok(Advance::Idle);
                }
            }
        }
    }

    /// Finds the end of a line that is longer than a record may be.
    fn pass_long_line(&mut self) -> anyhow::Result<Advance> {
        let mut at = self.seen.offset;
        while at < self.length {
            let bytes = self.read(at..self.length.min(at + PIECE_BYTES as u64))?;
            let end = memchr::memchr(b'\n', &bytes);
            at += end.map_or(bytes.len(), |end| end + 1) as u64;
            if end.is_some() || bytes.is_empty() {
                break;
            }
        }
        self.marks.push(self.seen);
        let Mark { records, lines, .. } = self.seen;
        self.seen = Mark { offset: at, records: records + 1, lines: lines + 1 };
        Ok(Advance::More)
    }

    /// What is counted behind these lines.
    fn count(&self, lines: &[u8]) -> Mark {
        let mut decoder = LineDecoder::new(self.record_bytes_max);
        let mut counter = Counter(self.seen.records);
        let _ = decoder.decode(lines, &mut counter);
        let whole = decoder.lines();
        let _ = decoder.finish(&mut counter);
        let offset = self.seen.offset + lines.len() as u64;
        Mark { offset, records: counter.0, lines: self.seen.lines + whole }
    }

    /// Reads the records between two places.
    fn load(&mut self, from: Mark, to: Mark) -> anyhow::Result<Option<Arc<Chunk>>> {
        // Of a line that is too long, the first bytes show that it is.
        let is_one = to.records <= from.records + 1;
        let most = if is_one { (self.record_bytes_max + PIECE_BYTES) as u64 } else { u64::MAX };
        let bytes = self.read(from.offset..to.offset.min(from.offset.saturating_add(most)))?;
        let mut collector = Collector::new(Arc::clone(&self.name), from.records);
        let mut decoder = LineDecoder::behind(from.lines, self.record_bytes_max);
        let _ = decoder.decode(&bytes, &mut collector);
        let _ = decoder.finish(&mut collector);
        let Some(chunk) = collector.take().map(Arc::new) else { return Ok(None) };
        self.kept.push(Arc::clone(&chunk));
        let mut bytes: usize = self.kept.iter().map(|chunk| chunk.memory()).sum();
        while bytes > KEPT_BYTES && self.kept.len() > 1 {
            bytes -= self.kept.remove(0).memory();
        }
        Ok(Some(chunk))
    }
}

impl Feed for LinesFile {
    fn span(&self) -> Range<u64> {
        self.first..self.seen.records + u64::from(self.tail.is_some())
    }

    fn chunk(&mut self, number: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        let kept = self.kept.iter().find(|one| one.first <= number && number < one.end());
        if let Some(chunk) = kept {
            return Ok(Some(Arc::clone(chunk)));
        }
        let (from, to) = match number.cmp(&self.seen.records) {
            std::cmp::Ordering::Less => {
                let at = self.marks.partition_point(|mark| mark.records <= number);
                let from = at.checked_sub(1).and_then(|before| self.marks.get(before));
                (from.copied(), self.marks.get(at).copied().unwrap_or(self.seen))
            }
            std::cmp::Ordering::Equal => {
                let offset = self.tail.unwrap_or_default();
                (Some(self.seen), Mark { offset, ..self.seen })
            }
            std::cmp::Ordering::Greater => return Ok(None),
        };
        let Some(from) = from.filter(|from| from.offset < to.offset) else { return Ok(None) };
        let chunk = self.load(from, to)?;
        Ok(chunk.filter(|chunk| chunk.first <= number && number < chunk.end()))
    }

    fn advance(&mut self) -> anyhow::Result<Advance> {
        if self.seen.offset < self.length && self.tail.is_none() {
            return self.see();
        }
        let length = self.file.metadata().with_context(|| self.name.to_string())?.len();
        if length == self.length {
            return Ok(Advance::Idle);
        }
        if length < self.length {
            // It was written from its beginning again.
            let offset = text_begin(&self.file)?.unwrap_or_default();
            let seen = Mark { offset, records: self.first, lines: 0 };
            (self.marks, self.seen) = (Vec::new(), seen);
            self.kept.clear();
            self.changes.all += 1;
        }
        self.changes.last += u64::from(self.tail.is_some());
        let settled = self.settled();
        self.kept.retain(|chunk| chunk.end() <= settled);
        (self.length, self.tail) = (length, None);
        self.see()
    }

    fn settled(&self) -> u64 {
        self.seen.records
    }

    fn changes(&self) -> Changes {
        self.changes
    }

    fn progress(&self) -> Option<u16> {
        let left = self.tail.is_none() && self.seen.offset < self.length;
        let share = self.seen.offset.saturating_mul(1000).checked_div(self.length);
        share.filter(|_| left).map(|share| share.min(999) as u16)
    }

    fn has_ended(&self) -> bool {
        self.progress().is_none()
    }
}

/// Counts records as [`Collector`] collects them.
struct Counter(u64);

impl Sink for Counter {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        let is_silent =
            is_control(raw.bytes) && crate::record::control::Control::parse(raw.bytes).is_ok();
        self.0 += u64::from(!is_silent);
        ControlFlow::Continue(())
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        self.0 += u64::from(!bad.continued);
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::tui::row::ROW_BYTES_MAX;

    /// Sees all of the file, and gives its records with their lines.
    fn all(file: &mut LinesFile) -> Vec<(String, String)> {
        while file.advance().unwrap() == Advance::More {}
        let rows = file.span().map(|number| {
            let chunk = file.chunk(number).unwrap().unwrap();
            let row = chunk.row(number, ROW_BYTES_MAX).unwrap();
            (row.place, String::from_utf8_lossy(&row.text).into_owned())
        });
        rows.collect()
    }

    fn lines(text: &str) -> Vec<(String, String)> {
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let silent = |line: &str| line.starts_with("{\"@millstream\":{\"start");
        let lines = lines.filter(|(_, line)| !silent(line));
        lines.map(|(number, line)| (format!("f:{number}"), line.to_owned())).collect()
    }

    proptest! {
        #[test]
        fn a_file_may_grow_anywhere(
            pieces in prop::collection::vec("[ab]{0,3}\n{0,2}|\\{\"@millstream\":\\{\"start\":\\{\\}\\}\\}\n", 1..12),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("f");
            let mut written = File::create(&path).unwrap();
            let mut file = LinesFile::open(&path, 1 << 20).unwrap().unwrap();
            file.name = Arc::from("f");
            let mut text = String::new();
            for piece in pieces {
                written.write_all(piece.as_bytes()).unwrap();
                text += &piece;
                prop_assert_eq!(all(&mut file), lines(&text));
            }
        }
    }

    #[test]
    fn a_file_of_many_pieces_is_read_anywhere() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let text: String = (0..100_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        std::fs::write(&path, &text).unwrap();
        let mut file = LinesFile::open(&path, 1 << 20).unwrap().unwrap();
        while file.advance().unwrap() == Advance::More {}
        assert_eq!(file.span(), 0..100_000);
        assert!(file.marks.len() > 3);
        for number in [0, 99_999, 50_000, 1, 77_777] {
            let chunk = file.chunk(number).unwrap().unwrap();
            assert_eq!(chunk.record(number), Some(format!("{{\"n\":{number}}}").as_bytes()));
        }
        assert!(file.chunk(100_000).unwrap().is_none());
        std::fs::write(&path, "1\n2\n").unwrap();
        while file.advance().unwrap() == Advance::More {}
        assert_eq!(file.span(), 0..2);
    }

    #[test]
    fn changes_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, "1\n").unwrap();
        let mut file = LinesFile::open(&path, 1000).unwrap().unwrap();
        let mut then = |text: &str, (last, all)| {
            std::fs::write(&path, text).unwrap();
            while file.advance().unwrap() == Advance::More {}
            assert_eq!(file.changes(), Changes { last, all }, "{text}");
        };
        then("1\n", (0, 0));
        then("1\n{", (0, 0));
        then("1\n{\"a\"", (1, 0));
        then("1\n{\"a\":1}\n", (2, 0));
        then("1\n{\"a\":1}\n2\n", (2, 0));
        then("1\n", (2, 1));
    }

    #[test]
    fn few_bytes_are_kept_however_long_the_lines_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let line = format!("\"{}\"\n", "x".repeat(3 << 20));
        std::fs::write(&path, line.repeat(8)).unwrap();
        let mut file = LinesFile::open(&path, 4 << 20).unwrap().unwrap();
        while file.advance().unwrap() == Advance::More {}
        for number in 0..8 {
            assert!(file.chunk(number).unwrap().unwrap().is_good(number));
            let bytes: usize = file.kept.iter().map(|chunk| chunk.memory()).sum();
            assert!(bytes <= KEPT_BYTES, "{bytes}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_one_row() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let text = format!("1\n{}\n3\n", "x".repeat(3 << 20));
        std::fs::write(&path, &text).unwrap();
        let mut file = LinesFile::open(&path, 1 << 20).unwrap().unwrap();
        while file.advance().unwrap() == Advance::More {}
        assert_eq!(file.span(), 0..3);
        let chunk = file.chunk(1).unwrap().unwrap();
        assert!(!chunk.is_good(1));
        assert_eq!(file.chunk(2).unwrap().unwrap().record(2), Some(&b"3"[..]));
    }
}
