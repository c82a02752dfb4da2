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
    /// The input line that had no line end, if it is here.
    unterminated: Option<u64>,
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

    /// Takes a record.
    pub fn push(&mut self, raw: Raw<'_>) {
        self.bytes.extend_from_slice(raw.bytes);
        self.bytes.push(b'\n');
        self.lines.push(raw.line);
        self.ends.push(self.bytes.len());
        self.unterminated = raw.unterminated.then_some(raw.line);
    }

    /// Forgets all records, and keeps the room for others.
    pub fn clear(&mut self) {
        self.keep_before(0);
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
                kept.bytes.extend_from_slice(self.bytes.get(from..to).unwrap_or_default());
                kept.lines.push(line);
                kept.ends.push(kept.bytes.len());
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
