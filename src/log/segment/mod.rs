//! The files of a segment, and nothing above them.
//!
//! - `files`: a segment's two files, opened to read or append; `data`: the bytes of its records.
//! - [`mod@format`]: the bytes of the index.
//! - `names`: what the files are called; `listing`: which segments a partition has.
//! - `entries`: its batches one after the other: index entries, checksums, records.
//! - `lookup`: finds a batch by time over all segments of a partition.
//! - `rewrite`: writes a segment again without the records that compaction removes.

pub(in crate::log) mod data;
pub(in crate::log) mod entries;
pub(in crate::log) mod files;
pub mod format;
pub(in crate::log) mod listing;
pub(in crate::log) mod lookup;
pub(in crate::log) mod names;
pub(in crate::log) mod rewrite;

pub use files::{Entries, Place, Segment};
