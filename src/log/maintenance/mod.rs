//! Periodic work on a topic.
//!
//! - `due`: fsync of acknowledged records, and rolling segments by age: what is due, and when.
//! - `retention`: which segments to delete.
//! - [`compaction`]: keeps the last record of each key; `keys`: which record that is.

pub mod compaction;
pub(in crate::log) mod due;
pub(in crate::log) mod keys;
pub(in crate::log) mod retention;
