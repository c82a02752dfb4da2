//! Records of one partition that follow each other, as a run that can be printed.

use crate::api::reading::Chunk;

/// How much is gathered at most: what is printed goes out before more is read.
const GATHERED_BYTES_MAX: usize = 256 << 10;

/// A run in the making.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The input that it is of; none if it has no records.
    input: Option<usize>,
    pub chunk: Chunk,
    /// The lines, each with its end.
    pub bytes: Vec<u8>,
}

impl Gathered {
    /// The input that it is of; none if it has no records.
    pub fn input(&self) -> Option<usize> {
        self.input
    }

    /// Whether the record of this offset comes next, in the same partition, and has room.
    pub fn continues(&self, input: usize, offset: u64) -> bool {
        let next = self.chunk.offset + self.chunk.records;
        self.input == Some(input) && offset == next && self.bytes.len() < GATHERED_BYTES_MAX
    }

    /// Begins a run of an input, at this offset of this partition.
    pub fn begin(&mut self, input: usize, partition: u32, offset: u64) {
        self.input = Some(input);
        let batches = std::mem::take(&mut self.chunk.batches);
        self.chunk = Chunk { partition, offset, batches, ..Chunk::default() };
        self.chunk.batches.clear();
        self.bytes.clear();
    }

    /// Adds the next record, which was appended at this time.
    pub fn add(&mut self, time_us: i64, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
        self.chunk.add(line.len() as u64 + 1, time_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::reading::BatchSpan;

    #[test]
    fn a_run_goes_on_while_offsets_do() {
        let mut run = Gathered::default();
        assert!(run.input().is_none() && !run.continues(0, 0));
        run.begin(2, 5, 7);
        run.add(100, b"1");
        assert!(run.continues(2, 8) && !run.continues(2, 9) && !run.continues(1, 8));
        run.add(100, b"22");
        run.add(101, b"3");
        assert_eq!((run.chunk.partition, run.chunk.offset, run.chunk.records), (5, 7, 3));
        let batch = |records, bytes, time_us| BatchSpan { records, bytes, time_us };
        assert_eq!(run.chunk.batches, [batch(2, 5, 100), batch(1, 2, 101)]);
        assert_eq!((&run.bytes[..], run.chunk.bytes), (&b"1\n22\n3\n"[..], 7));
        run.begin(0, 1, 0);
        assert!(run.bytes.is_empty() && run.chunk.batches.is_empty());
    }
}
