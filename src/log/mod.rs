//! The log: topics, their partitions, and their files (`docs/FORMAT.md`). It knows no socket; the
//! daemon and the embedded tools use it alike.
//!
//! From the top down:
//!
//! - [`directory`]: a data directory opened by its one writer, which holds the writer lock.
//!   `topic_dirs`: the topics in it, and their settings; `deletion`: a topic that is being deleted;
//!   `renaming`: one that gets another name; `holds`: names of topics that are being
//!   opened, created or deleted.
//! - [`topic`]: a topic open for appending. [`settings`]: the settings it was created with;
//!   [`access`]: who may read it and append to it.
//! - [`groups`]: what consumer groups have committed.
//! - `append`: from checked records to what is acknowledged.
//! - `unique`: which keys a topic has, where only records of new ones are appended.
//! - `read`: reading topics, whoever writes them.
//! - `maintenance`: periodic work: fsync, rolling by age, retention, compaction.
//! - `recover`: after a crash or damage: recovery, verify, repair.
//! - `segment`: the files of a segment, and nothing above them.
//! - `storage`: the few file operations that all of it needs, and small files with a checksum.
//! - [`error`]: what can go wrong; `limits`, `sync`, `clock`: sizes, locks, and the time, which may
//!   jump.
//! - `simulation`: tests on a simulated disk.

pub mod access;
mod append;
mod clock;
mod deletion;
pub mod directory;
pub mod error;
pub mod groups;
mod holds;
mod limits;
pub mod maintenance;
pub mod read;
pub mod recover;
mod renaming;
pub mod segment;
pub mod settings;
#[cfg(test)]
pub(crate) mod simulation;
pub mod storage;
mod sync;
pub mod topic;
mod topic_dirs;
mod unique;

pub use append::batch::{Batch, Identity};
pub use append::draft::{Draft, Refusing};
pub use directory::Log;
pub use error::LogError;
pub use groups::{ConsumerGroup, open_groups};
pub use limits::{BATCH_BYTES_MAX, PRODUCER_NAME_BYTES_MAX};
pub use maintenance::compaction::Told;
pub use maintenance::due::Before;
pub use read::cursor::{Cursor, PassedRun};
pub use read::partition_stats::PartitionStats;
pub use read::passed::BatchPlace;
pub use read::read_only::{
    is_readable_by_others, keep_still, open_readers, strays_of, topic_names_of, topics_changed,
};
pub use read::reader::{Bounds, TopicReader};
pub use recover::repair::{
    Repaired, check_renaming, end_renaming, plan_settings, repair, set_group_aside,
};
pub use recover::salvage::Salvaged;
pub use recover::verify::{Verified, VerifiedPartition};
pub use settings::{Fsync, Settings};
pub use storage::Disk;
pub use topic::Topic;
