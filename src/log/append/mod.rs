//! Appending: from checked records to what is acknowledged.
//!
//! - [`batch`]: records checked and assigned to partitions, ready to append; `placement`: the
//!   partition of a key. [`draft`]: which records a topic would take that does not exist yet.
//! - `writer`: appends, one thread of a topic at a time; `group`: what it writes at once;
//!   `pending_sync`: what is being fsynced meanwhile; `closed_reason`: why it does not append.
//! - [`partition`]: one partition open for appending: its active segment.
//! - `producers`: the last sequence of each named producer; `new_names`: the latest names.

pub mod batch;
pub(in crate::log) mod closed_reason;
pub mod draft;
pub(in crate::log) mod group;
pub(in crate::log) mod new_names;
pub mod partition;
pub(in crate::log) mod pending_sync;
pub(in crate::log) mod placement;
pub(in crate::log) mod producers;
pub(in crate::log) mod writer;
