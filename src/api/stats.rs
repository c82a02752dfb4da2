//! What an operator asks for: figures of the daemon, of topics and of groups
//! (`docs/PROTOCOL.md`, "stats").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::{Code, ErrorBody};
use super::groups::GroupEntry;
use super::reading::ByPartition;

/// Asks for figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    /// Of which topics, and of groups in them; of all if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topics: Option<Vec<String>>,
}

/// The figures; see [`Stats`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Of the daemon; `None` where the files were looked at without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daemon: Option<DaemonFigures>,
    /// Of topics, sorted by name.
    pub topics: Vec<TopicFigures>,
    /// Of groups.
    pub groups: Vec<GroupEntry>,
}

/// What the daemon did since it began, and what it is at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonFigures {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it began, in µs since the epoch.
    pub started_us: i64,
    /// How long ago that was, in µs, by a clock that nobody sets.
    pub uptime_us: u64,
    /// Its connections.
    pub connections: Connections,
    /// The memory for appends in hand.
    pub memory: Memory,
    /// What was appended.
    pub appended: Appends,
    /// What was delivered.
    pub delivered: Deliveries,
    /// How long it took to force files to the disk.
    pub fdatasync: Syncs,
    /// How many requests were refused, by the error's code.
    pub refused: BTreeMap<Code, u64>,
    /// What its process takes.
    pub process: Process,
}

/// See [`DaemonFigures::connections`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// How many there are.
    pub now: u64,
    /// The most that there were at a time.
    pub most: u64,
    /// How many there may be.
    pub limit: u64,
    /// How many were taken.
    pub taken: u64,
}

/// See [`DaemonFigures::memory`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// How many bytes of records are in hand.
    pub held_bytes: u64,
    /// How many there may be.
    pub limit_bytes: u64,
    /// How many appends wait for their share.
    pub waiting: u64,
}

/// See [`DaemonFigures::appended`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appends {
    /// Acknowledged batches, duplicates not counted.
    pub batches: u64,
    /// Their records.
    pub records: u64,
    /// Their bytes, as they came.
    pub bytes: u64,
    /// Batches that were acknowledged because they were there already.
    pub duplicates: u64,
}

/// See [`DaemonFigures::delivered`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Runs of records.
    pub runs: u64,
    /// Their records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// See [`DaemonFigures::fdatasync`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Syncs {
    /// How often.
    pub count: u64,
    /// How long all of them took together, in µs.
    pub time_us: u64,
    /// How many took at most so many µs.
    pub within_us: BTreeMap<u64, u64>,
}

/// See [`DaemonFigures::process`]. What the system does not tell is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Memory that is in RAM, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// CPU time, its own and the kernel's for it, in µs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_us: Option<u64>,
    /// Open files, sockets counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
}

/// What there is of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicFigures {
    /// Its name.
    pub topic: String,
    /// When its records are forced to the disk: `always`, `never`, or how long after the
    /// acknowledgement at most; `None` if that is not known, or the daemon is an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fsync: Option<String>,
    /// For each partition.
    pub partitions: ByPartition<PartitionFigures>,
    /// Why it takes no appends, if that is known to be so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<ErrorBody>,
    /// Why there are no figures, if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// What a partition holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionFigures {
    /// The offset of its first record.
    pub start: u64,
    /// The offset behind its last record.
    pub end: u64,
    /// The offset before which its records are on the disk; `None` if that is not known, or the
    /// daemon is an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced: Option<u64>,
    /// The length of its data files, in bytes.
    pub bytes: u64,
    /// How many segments it has.
    pub segments: u64,
    /// When the first of its records was appended, in µs since the epoch; `None` if it has none, or
    /// the daemon is an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_append_us: Option<i64>,
    /// When something was last appended to it, in µs since the epoch; `None` if nothing is there.
    pub last_append_us: Option<i64>,
    /// Whether it is known to be damaged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
}

impl TopicFigures {
    /// How many of its records are acknowledged and not known to be on the disk; `None` if that is
    /// not known of a partition.
    pub fn unsynced(&self) -> Option<u64> {
        let each = self.partitions.values().map(PartitionFigures::unsynced);
        each.sum()
    }
}

impl PartitionFigures {
    /// How many of its records are acknowledged and not known to be on the disk.
    pub fn unsynced(&self) -> Option<u64> {
        self.synced.map(|synced| self.end.saturating_sub(synced.max(self.start)))
    }
}
