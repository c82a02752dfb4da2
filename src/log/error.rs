//! What can go wrong in the log, each with its place.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::BATCH_BYTES_MAX;
use crate::api::error::BadRecord;

/// An error of the log.
#[derive(Clone, Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages are the documentation.
pub enum LogError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: Arc<io::Error> },
    #[error("{}: another process writes this log; try again, or start log-serve to share it", path.display())]
    Locked { path: PathBuf },
    #[error("{}: belongs to user {owner}, who could not use what user {user} writes there; run this as user {owner} (sudo -u '#{owner}'), or through a running log-serve", path.display())]
    ForeignLog { path: PathBuf, owner: u32, user: u32 },
    #[error("{}: no log here", path.display())]
    NoLog { path: PathBuf },
    #[error("{topic}: no such topic")]
    UnknownTopic { topic: String },
    #[error("{topic}: the topic already exists, with other settings: {differences}")]
    TopicExists { topic: String, differences: String },
    #[error("{topic}: the topic already exists; choose another name")]
    NameTaken { topic: String },
    #[error(
        "'{name}' is not a topic name: ASCII letters, digits, '.', '_' and '-', at most 200, not beginning with '.' or '-'"
    )]
    BadTopicName { name: String },
    #[error(
        "'{name}' is not a group's name: ASCII letters, digits, '.', '_' and '-', at most 200, not beginning with '.' or '-'"
    )]
    BadGroupName { name: String },
    #[error(
        "{group}/{topic}: generation {generation} is over, the group is in {current}; nothing was committed"
    )]
    StaleGeneration { group: String, topic: String, generation: u64, current: u64 },
    #[error("{topic}: not permitted: {why}")]
    NotPermitted { topic: String, why: String },
    #[error("{why}")]
    BadSettings { why: String },
    #[error("{topic}: no partition {partition}; it has {partitions}, counted from 0")]
    UnknownPartition { topic: String, partition: u32, partitions: u32 },
    #[error("{topic}/{partition}@{offset}: offset out of range; {}", held(*start, *end))]
    OffsetOutOfRange { topic: String, partition: u32, offset: u64, start: u64, end: u64 },
    #[error("{} of the batch's records are bad; the first: record {}: {}", records.len(), records.first().map_or(0, |bad| bad.record + 1), records.first().map_or("", |bad| &bad.why))]
    BadRecords { records: Vec<BadRecord> },
    #[error("{topic}: producer {producer} is at {}, not at {after}; nothing was appended", held.map_or("its beginning".to_owned(), |held| held.to_string()))]
    SequenceGap { topic: String, producer: String, held: Option<u64>, after: u64 },
    #[error("{topic}: not appended, because the append before it failed")]
    ChainBroken { topic: String },
    #[error(
        "{topic}/{partition}@{offset}: damaged: {why}; nothing was changed; see log-admin verify"
    )]
    Damaged { topic: String, partition: u32, offset: u64, why: String },
    #[error("{}: {why}; nothing was changed; see log-admin verify", path.display())]
    BadFile { path: PathBuf, why: String },
    #[error(
        "{topic}: its unique keys would be those of more than {most} records, and nothing was appended; raise the maximum (--max-unique), or let fewer records count (--within, --last)"
    )]
    TooManyKeys { topic: String, most: u64 },
    #[error("a batch of {bytes} bytes; the maximum is {BATCH_BYTES_MAX}")]
    BatchTooLarge { bytes: usize },
    #[error(
        "{topic}: closed to appends after a failed write: {why}; restart the writer to recover"
    )]
    Poisoned { topic: String, why: String },
}

/// What a partition holds, for a message: from its first offset to its last one.
fn held(start: u64, end: u64) -> String {
    match end.checked_sub(1) {
        Some(last) if last >= start => format!("the partition holds {start} to {last}"),
        _ => format!("the partition is empty, and its next offset is {end}"),
    }
}

impl LogError {
    /// An I/O error at `path`.
    pub fn io(path: &Path, error: io::Error) -> LogError {
        LogError::Io { path: path.to_owned(), error: Arc::new(error) }
    }

    /// Whether a small file's contents make no sense.
    pub fn is_garbled(&self) -> bool {
        matches!(self, LogError::BadFile { .. })
    }

    /// Whether the disk is full: an error that heals.
    pub fn is_full_disk(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        let LogError::Io { error, .. } = self else { return false };
        matches!(error.kind(), StorageFull | QuotaExceeded)
    }
}
