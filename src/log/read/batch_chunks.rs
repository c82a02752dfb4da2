//! Reading one batch: as a whole, or, where it is long, in chunks that end at line ends, so that a
//! reader who stops reading holds a piece and not a batch.
//!
//! A batch's checksum is that of all its bytes. One that is read in chunks is therefore read twice:
//! first for the checksum, then to be given. The second time comes out of the buffer cache.

use crate::log::LogError;
use crate::log::segment::entries::data_crc_through;
use crate::log::segment::format::Entry;
use crate::log::segment::{Place, Segment};

/// How much is read at once for a checksum: what stays in a processor's own cache.
const CHECK_BYTES: usize = 256 << 10;

/// A buffer that is filled from its front. What it held before is not wiped, but overwritten.
#[derive(Debug)]
pub struct ReadBuffer<'a> {
    bytes: &'a mut Vec<u8>,
    filled: usize,
}

impl<'a> ReadBuffer<'a> {
    /// An empty buffer on `bytes`, which holds what was kept once the buffer is dropped.
    pub fn new(bytes: &'a mut Vec<u8>) -> ReadBuffer<'a> {
        ReadBuffer { bytes, filled: 0 }
    }

    /// How many bytes are kept.
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Keeps nothing.
    pub fn wipe(&mut self) {
        self.filled = 0;
    }

    /// Room for `count` bytes behind those that are kept, to be read into.
    fn room(&mut self, count: usize) -> &mut [u8] {
        let needed = self.filled.saturating_add(count);
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
        self.bytes.get_mut(self.filled..needed).unwrap_or_default()
    }

    fn keep(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count).min(self.bytes.len());
    }

    /// Keeps `count` bytes, without the first `front` lines of them and the last `back` lines.
    fn keep_between(&mut self, count: usize, front: u64, back: u64) {
        let read = self.room(count);
        let end = if back > 0 { front_of_last(read, back) } else { count };
        let start = if front > 0 { behind_first(&read[..end], front) } else { 0 };
        read.copy_within(start..end, 0);
        self.keep(end - start);
    }
}

impl Drop for ReadBuffer<'_> {
    fn drop(&mut self) {
        self.bytes.truncate(self.filled);
    }
}

/// Where the last `lines` lines begin.
fn front_of_last(bytes: &[u8], lines: u64) -> usize {
    // The last line's own end is the first that is found.
    let before = usize::try_from(lines).ok().and_then(|lines| {
        let mut ends = memchr::memrchr_iter(b'\n', bytes);
        ends.nth(lines)
    });
    before.map_or(0, |end| end + 1)
}

/// Where the line behind the first `lines` lines begins.
fn behind_first(bytes: &[u8], lines: u64) -> usize {
    let last = usize::try_from(lines).ok().and_then(|lines| {
        let mut ends = memchr::memchr_iter(b'\n', bytes);
        ends.nth(lines.checked_sub(1)?)
    });
    last.map_or(bytes.len(), |end| end + 1)
}

fn broken(place: &Place, entry: &Entry) -> LogError {
    place.damaged(entry.base, "the checksum of these records does not match")
}

/// Reads a whole batch into the buffer, checked unless `verify` says not to, and drops so many
/// records at its front and at its back.
///
/// When the file cannot be read, or the checksum does not match; the buffer keeps what it had.
pub fn read_batch(
    segment: &Segment,
    place: &Place,
    entry: &Entry,
    (front, back): (u64, u64),
    verify: bool,
    buffer: &mut ReadBuffer<'_>,
) -> Result<(), LogError> {
    let bytes = entry.bytes as usize;
    let read = buffer.room(bytes);
    segment.read_data(place, entry.base, entry.position, read)?;
    if verify && crc32c::crc32c(read) != entry.data_crc {
        return Err(broken(place, entry));
    }
    buffer.keep_between(bytes, front, back);
    Ok(())
}

/// Where we are in a batch that is read in chunks.
#[derive(Clone, Copy, Debug)]
pub struct BatchChunks {
    /// The offset of the next record.
    next: u64,
    /// The position in the data file at which it begins.
    position: u64,
}

impl BatchChunks {
    /// Begins at the record at `offset`, which the batch holds, with nothing in the buffer. Checks
    /// the batch first, unless `verify` says not to.
    ///
    /// When the file cannot be read, or the checksum does not match.
    pub fn begin(
        segment: &Segment,
        place: &Place,
        entry: &Entry,
        offset: u64,
        verify: bool,
        buffer: &mut ReadBuffer<'_>,
    ) -> Result<BatchChunks, LogError> {
        let buffer = buffer.room(CHECK_BYTES);
        if verify && data_crc_through(buffer, segment, place, entry)? != entry.data_crc {
            return Err(broken(place, entry));
        }
        let mut chunks = BatchChunks { next: entry.base, position: entry.position };
        while chunks.next < offset && chunks.position < entry.end_position() {
            let rest = usize::try_from(chunks.rest(entry)).unwrap_or(usize::MAX);
            let piece_bytes = buffer.len().min(rest);
            let piece = &mut buffer[..piece_bytes];
            segment.read_data(place, entry.base, chunks.position, piece)?;
            let missing = usize::try_from(offset - chunks.next).unwrap_or(usize::MAX);
            let mut passed = 0;
            for end in memchr::memchr_iter(b'\n', piece).take(missing) {
                passed = end + 1;
                chunks.next += 1;
            }
            // Short of the record we begin at, a line that goes on behind the piece is passed, too.
            let short = chunks.next < offset;
            chunks.position += if short { piece.len() } else { passed } as u64;
        }
        chunks.next = offset;
        Ok(chunks)
    }

    /// How many bytes of the batch are still to be read.
    pub fn rest(&self, entry: &Entry) -> u64 {
        entry.end_position().saturating_sub(self.position)
    }

    /// Reads about `bytes_max` bytes into the buffer, up to a line end, and keeps the records
    /// before the offset `until`; a record at least. Returns the number of records.
    ///
    /// When the file cannot be read; the buffer keeps what it had.
    pub fn next(
        &mut self,
        segment: &Segment,
        place: &Place,
        entry: &Entry,
        until: u64,
        bytes_max: usize,
        buffer: &mut ReadBuffer<'_>,
    ) -> Result<u64, LogError> {
        let rest = usize::try_from(self.rest(entry)).unwrap_or(usize::MAX);
        let mut wanted = bytes_max.max(1).min(rest);
        let mut read = 0;
        // As far as the last line end; a record that is longer comes alone.
        let end = loop {
            let piece = &mut buffer.room(wanted)[read..];
            segment.read_data(place, entry.base, self.position + read as u64, piece)?;
            let found = match read {
                0 => memchr::memrchr(b'\n', piece),
                _ => memchr::memchr(b'\n', piece),
            };
            match found {
                Some(at) => break read + at + 1,
                None if wanted == rest => break rest,
                None => {}
            }
            read = wanted;
            wanted = wanted.saturating_mul(2).min(rest);
        };
        let last = end == rest;
        let lines = memchr::memchr_iter(b'\n', &buffer.room(end)[..]).count() as u64;
        // In a batch that was not checked there may be other line ends than the index counted.
        let held = if last { entry.end() - self.next } else { lines.min(entry.end() - self.next) };
        let records = held.min(until.saturating_sub(self.next));
        let before = buffer.filled();
        buffer.keep_between(end, 0, held - records);
        self.next += records;
        self.position += (buffer.filled() - before) as u64;
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use crate::api::reading::Span;
    use crate::log::{Log, LogError, Settings, Topic, TopicReader};
    use proptest::prelude::*;

    fn append(topic: &Topic, bytes: &[u8]) {
        let batch = topic.prepare(bytes.to_vec(), None).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
    }

    /// The records from `from` on, and the largest run that was given.
    fn read(
        reader: &TopicReader,
        from: u64,
        until: Option<u64>,
        bytes_max: usize,
    ) -> (Vec<u8>, usize) {
        let mut cursor = reader.cursor(vec![Span { partition: 0, from, until }]).unwrap();
        let (mut bytes, mut all, mut longest, mut next) = (Vec::new(), Vec::new(), 0, from);
        while let Some(chunk) = cursor.next(bytes_max, &mut bytes).unwrap() {
            assert_eq!(chunk.offset, next);
            assert_eq!(chunk.records, memchr::memchr_iter(b'\n', &bytes).count() as u64);
            assert_eq!(chunk.records, chunk.batches.iter().map(|batch| batch.records).sum::<u64>());
            let counted: u64 = chunk.batches.iter().map(|batch| batch.bytes).sum();
            assert_eq!(counted, bytes.len() as u64);
            next += chunk.records;
            longest = longest.max(bytes.len());
            all.extend_from_slice(&bytes);
        }
        assert_eq!(cursor.positions(), [(0, next)]);
        (all, longest)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the sizes of batches, records and chunks: what is read is what was appended,
        /// from any offset to any other.
        #[test]
        fn pieces_make_up_what_was_appended(
            batches in prop::collection::vec(prop::collection::vec(1..60_usize, 1..12), 1..5),
            bytes_max in 1..80_usize,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let log = Log::open(dir.path()).unwrap();
            let topic = log.create("t", &Settings::new(1, None)).unwrap();
            let mut lines: Vec<Vec<u8>> = Vec::new();
            for batch in &batches {
                let before = lines.len();
                lines.extend(batch.iter().map(|&digits| [vec![b'7'; digits], vec![b'\n']].concat()));
                append(&topic, &lines[before..].concat());
            }
            let reader = topic.reader();
            let longest = lines.iter().map(Vec::len).max().unwrap();
            for from in 0..=lines.len() {
                for until in (from..=lines.len()).step_by(3) {
                    let (all, run) = read(&reader, from as u64, Some(until as u64), bytes_max);
                    prop_assert_eq!(&all, &lines[from..until].concat());
                    prop_assert!(run <= (2 * bytes_max).max(longest));
                }
                prop_assert_eq!(&read(&reader, from as u64, None, bytes_max).0, &lines[from..].concat());
            }
        }
    }

    #[test]
    fn nothing_is_given_of_a_long_batch_whose_end_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &Settings::new(1, None)).unwrap();
        append(&topic, b"1\n2\n");
        append(&topic, &b"333\n".repeat(100));
        let path = dir.path().join("topics/t/0/00000000000000000000.ndjson");
        let mut data = std::fs::read(&path).unwrap();
        let last = data.len() - 2;
        data[last] = b'4';
        std::fs::write(&path, &data).unwrap();

        let span = Span { partition: 0, from: 0, until: None };
        let mut bytes = Vec::new();
        let mut cursor = topic.reader().cursor(vec![span]).unwrap();
        assert_eq!(cursor.next(16, &mut bytes).unwrap().unwrap().records, 2);
        for _ in 0..2 {
            let refused = cursor.next(16, &mut bytes);
            assert!(matches!(refused, Err(LogError::Damaged { offset: 2, .. })), "{refused:?}");
            assert!(bytes.is_empty());
        }

        let mut cursor = topic.reader().cursor(vec![span]).unwrap().verifying(false);
        let mut all = Vec::new();
        while cursor.next(16, &mut bytes).unwrap().is_some() {
            all.extend_from_slice(&bytes);
        }
        assert_eq!(all, data);
    }
}
