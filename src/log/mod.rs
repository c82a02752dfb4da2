//! The log: topics, their partitions, and the files behind them (DESIGN section 4,
//! `docs/FORMAT.md`). It knows no socket; the daemon and the embedded tools use it alike.
//!
//! - [`directory`]: a data directory opened by its one writer, and the lock that makes it the one;
//!   [`look`]: one looked into without writing.
//! - [`topic`]: a topic open for appending: placement, producers, groups.
//! - [`batch`]: records checked and placed, ready to be appended.
//! - `writer`: appending, by one thread of a topic at a time; `group`: what it writes at once;
//!   `flight`: what is forced to the disk meanwhile; `refusal`: why it does not append.
//! - [`partition`]: one partition open for appending: its active segment.
//! - `producers`: who appended up to which sequence.
//! - `recovery`: what a crash left, and what of it holds; `reconcile`: over all partitions.
//! - `upkeep`: what a topic needs by and by; `retention`: which segments it need not keep.
//! - [`compaction`]: of each key only the last record kept; `keys`: which that is; `rewrite`: a
//!   segment written anew; `writing`: a file written from its beginning to its end.
//! - [`reader`]: reading topics, whoever writes them.
//! - [`cursor`]: several partitions read as one stream; `pieces`: a batch whole or in pieces.
//! - [`passed`]: records in a file that is passed to its reader.
//! - [`census`]: what partitions hold, in figures.
//! - [`segment`]: one segment's two files; `names`: what they are called; `lookup`: finding a batch
//!   by time over all of them.
//! - [`mod@format`]: the bytes of the index.
//! - [`groups`]: what consumer groups have committed.
//! - [`access`]: who may read a topic and append to it.
//! - [`settings`]: what a topic is told when it is made.
//! - [`verify`]: checking all that is there; [`mod@repair`]: making what is damaged usable again.
//! - `remains`: a segment's files, any of which may be damaged; `mend`: going through them.
//! - `clock`: the time, which may jump.
//! - [`storage`]: the few file operations all this stands on; [`metered`]: how long they take.
//! - [`error`]: what can go wrong.

pub mod access;
pub mod batch;
pub mod census;
mod clock;
pub mod compaction;
pub mod cursor;
pub mod directory;
pub mod error;
mod flight;
pub mod format;
mod group;
pub mod groups;
mod keys;
pub mod look;
mod lookup;
mod mend;
pub mod metered;
mod names;
pub mod partition;
pub mod passed;
mod pieces;
mod producers;
pub mod reader;
mod reconcile;
mod recovery;
mod refusal;
mod remains;
pub mod repair;
mod retention;
mod rewrite;
pub mod segment;
pub mod settings;
pub mod storage;
pub mod topic;
mod upkeep;
pub mod verify;
mod writer;
mod writing;

#[cfg(test)]
pub(crate) mod call;
#[cfg(test)]
mod clock_jumps;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crash_compaction;
#[cfg(test)]
mod crash_upkeep;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod faults;
#[cfg(test)]
pub(crate) mod ruled;
#[cfg(test)]
pub(crate) mod simulated;
#[cfg(test)]
mod slow_disk;

pub use batch::{Appended, BadRecord, Batch, Identity};
pub use census::Holding;
pub use compaction::Compacted;
pub use cursor::{BatchSpan, Chunk, Cursor, Span};
pub use directory::Log;
pub use error::LogError;
pub use groups::{ConsumerGroup, open_groups};
pub use look::{keep_still, open_readers, topic_names_of};
pub use passed::{BatchPlace, FileBatch, FileRun};
pub use reader::{Bounds, TopicReader};
pub use repair::{Repaired, repair};
pub use settings::{Fsync, Settings};
pub use topic::Topic;
pub use upkeep::Before;
pub use verify::{Verified, VerifiedPartition};

/// The most that is appended at once, in bytes: one batch.
pub const BATCH_BYTES_MAX: usize = 64 << 20;
/// The longest name of a producer, in bytes.
pub const PRODUCER_NAME_BYTES_MAX: usize = 200;
