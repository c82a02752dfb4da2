//! What is read of partitions: the part that is asked for, and the runs of records that come.

/// A part of a partition to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The partition's number.
    pub partition: u32,
    /// The offset of the first record.
    pub from: u64,
    /// The offset behind the last record; `None` for as far as there are records.
    pub until: Option<u64>,
}

/// A run of records of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The partition's number.
    pub partition: u32,
    /// The offset of the first record.
    pub offset: u64,
    /// How many records.
    pub records: u64,
    /// The offset before which the partition may be read at this time.
    pub end: u64,
    /// The batches that the records belong to.
    pub batches: Vec<BatchSpan>,
}

/// What a chunk has of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSpan {
    /// How many records.
    pub records: u64,
    /// Their length in bytes, line ends included.
    pub bytes: u64,
    /// When they were appended, in µs since the epoch.
    pub time_us: i64,
}

impl Chunk {
    /// Adds the part of one more batch, or of the last one.
    pub(in crate::log) fn add(&mut self, records: u64, bytes: usize, time_us: i64) {
        self.batches.push(BatchSpan { records, bytes: bytes as u64, time_us });
        self.records += records;
    }
}
