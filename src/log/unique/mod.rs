//! Unique keys: a record is appended only if the topic has none of its key (`docs/FORMAT.md`,
//! "Unique keys").
//!
//! What keys a topic has is not kept with its records, but derived from them: a set reads the
//! records that count for it, and before each append those that came since. So it is right whoever
//! appended them, and costs nothing to those who append without one.
//!
//! - `key`: what a record's key is known by; `recent`: the keys of the latest records, in order.
//! - `set`: the keys of a topic by one expression, and how they are read from it; `sets`: those
//!   that are in use.
//! - `batch_keys`: the keys of a batch that is to be appended; `sift`: takes out of a batch what
//!   the topic has.
//! - `cache`: a set as a file, from which it is read when the topic is opened again.
//! - `appends`: preparing and appending with sets.

mod appends;
pub(in crate::log) mod batch_keys;
pub(in crate::log) mod cache;
pub(in crate::log) mod key;
pub(in crate::log) mod recent;
pub(in crate::log) mod set;
pub(in crate::log) mod sets;
pub(in crate::log) mod sift;
#[cfg(test)]
mod tests;
