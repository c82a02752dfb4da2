//! Records that go to the log together, and where in the input each came from.

use crate::api::error::BadRecord;
use crate::record::decode::Raw;

/// Lines to append, with their places in the input.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// The input line of each record, and where the record ends in `bytes`.
    lines: Vec<u64>,
    ends: Vec<usize>,
    /// The inputs that the records are of, each with its first record, where several are read
    /// side by side.
    origins: Vec<(usize, String)>,
    /// The input line that had no line end, if it is here.
    unterminated: Option<u64>,
    /// The sequence of the producer after each record, where others than these count, too.
    sequences: Vec<u64>,
}

impl Batch {
    /// The records, a line each.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The records that come now are of this input.
    pub fn begin_origin(&mut self, name: &str) {
        if self.origins.last().is_none_or(|(_, last)| last != name) {
            self.origins.push((self.len(), name.to_owned()));
        }
    }

    /// The input that a record is of, where several are read side by side.
    pub fn origin(&self, record: u64) -> Option<&str> {
        let before = self.origins.partition_point(|(first, _)| *first as u64 <= record);
        let (_, name) = self.origins.get(before.checked_sub(1)?)?;
        Some(name)
    }

    /// Takes a record.
    pub fn push(&mut self, raw: Raw<'_>) {
        self.bytes.extend_from_slice(raw.bytes);
        self.bytes.push(b'\n');
        self.lines.push(raw.line);
        self.ends.push(self.bytes.len());
        self.unterminated = raw.unterminated.then_some(raw.line);
    }

    /// Says which sequence the producer has after the record that was taken last.
    pub fn mark(&mut self, sequence: u64) {
        self.sequences.push(sequence);
    }

    /// The sequence that the producer has after all records, if that was said.
    pub fn sequence(&self) -> Option<u64> {
        self.sequences.last().copied()
    }

    /// Forgets all records, and keeps the room for others.
    pub fn clear(&mut self) {
        self.keep_before(0);
    }

    /// Takes all records of another batch, after those that are here.
    pub fn append(&mut self, other: &mut Batch) {
        if self.is_empty() {
            std::mem::swap(self, other);
            other.clear();
            return;
        }
        let (records, bytes) = (self.len(), self.bytes.len());
        self.bytes.append(&mut other.bytes);
        self.lines.append(&mut other.lines);
        self.sequences.append(&mut other.sequences);
        self.ends.extend(other.ends.drain(..).map(|end| bytes + end));
        self.origins.extend(other.origins.drain(..).map(|(first, name)| (records + first, name)));
        self.unterminated = other.unterminated.take();
    }

    /// How much memory it takes, but for the names of inputs.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.len() + self.len() * (size_of::<u64>() + size_of::<usize>())
    }

    /// A record without its line end, its input line, and whether that had no line end.
    pub fn record(&self, record: u64) -> (&[u8], u64, bool) {
        let at = usize::try_from(record).unwrap_or(usize::MAX);
        let (from, to) = self.span(at);
        let bytes = self.bytes.get(from..to).unwrap_or_default();
        let line = self.lines.get(at).copied().unwrap_or_default();
        (bytes.strip_suffix(b"\n").unwrap_or(bytes), line, self.unterminated == Some(line))
    }

    /// Takes all records from the one with this number on out of the batch.
    pub fn keep_before(&mut self, record: u64) {
        let record = usize::try_from(record).unwrap_or(usize::MAX);
        let end = self.span(record).0;
        self.bytes.truncate(end);
        self.lines.truncate(record);
        self.ends.truncate(record);
        self.sequences.truncate(record);
        self.origins.retain(|(first, _)| *first < record);
    }

    /// Takes all records out of the batch that begin on this line or a later one.
    pub fn keep_before_line(&mut self, line: u64) {
        let kept = self.lines.partition_point(|other| *other < line);
        self.keep_before(kept as u64);
    }

    /// Takes the bad records, which are in order, out of the batch.
    pub fn remove(&mut self, bad: &[BadRecord]) {
        let mut kept = Batch { unterminated: self.unterminated, ..Batch::default() };
        let mut bad = bad.iter().map(|bad| bad.record).peekable();
        for (at, &line) in self.lines.iter().enumerate() {
            if bad.next_if_eq(&(at as u64)).is_none() {
                let (from, to) = self.span(at);
                self.origin(at as u64).into_iter().for_each(|name| kept.begin_origin(name));
                kept.bytes.extend_from_slice(self.bytes.get(from..to).unwrap_or_default());
                kept.lines.push(line);
                kept.ends.push(kept.bytes.len());
                kept.sequences.extend(self.sequences.get(at));
            }
        }
        *self = kept;
    }

    /// Where a record begins and ends, its line end included.
    fn span(&self, record: usize) -> (usize, usize) {
        let to = self.ends.get(record).copied().unwrap_or(self.bytes.len());
        let before = record.checked_sub(1).and_then(|before| self.ends.get(before));
        (before.copied().unwrap_or(0).min(to), to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(records: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for (line, record) in (1..).zip(records) {
            batch.push(Raw { bytes: record.as_bytes(), line, unterminated: false });
        }
        batch
    }

    fn bad(record: u64) -> BadRecord {
        BadRecord { record, why: String::new() }
    }

    #[test]
    fn removed_records_leave_the_others_with_their_lines() {
        let mut batch = batch(&["1", "x", "3", "y"]);
        batch.remove(&[bad(1), bad(3)]);
        assert_eq!(batch.bytes(), b"1\n3\n");
        assert_eq!(batch.record(1), (&b"3"[..], 3, false));
    }

    #[test]
    fn records_keep_their_origins() {
        let mut batch = Batch::default();
        for (line, name) in (1..).zip(["a", "a", "b", "a"]) {
            batch.begin_origin(name);
            batch.push(Raw { bytes: b"1", line, unterminated: false });
        }
        batch.remove(&[bad(0), bad(2)]);
        assert_eq!((batch.origin(0), batch.origin(1)), (Some("a"), Some("a")));
        batch.begin_origin("b");
        batch.push(Raw { bytes: b"1", line: 5, unterminated: false });
        assert_eq!(batch.origin(2), Some("b"));
        batch.keep_before(2);
        batch.begin_origin("c");
        batch.push(Raw { bytes: b"1", line: 6, unterminated: false });
        assert_eq!(batch.origin(2), Some("c"));
        assert_eq!(Batch::default().origin(0), None);
    }

    #[test]
    fn what_stands_before_a_record_can_be_kept() {
        let mut batch = batch(&["1", "2", "x"]);
        batch.keep_before(2);
        assert_eq!((batch.bytes(), batch.len()), (&b"1\n2\n"[..], 2));
        batch.keep_before(9);
        assert_eq!(batch.len(), 2);
        batch.clear();
        assert!(batch.is_empty() && batch.bytes().is_empty());
    }
}
