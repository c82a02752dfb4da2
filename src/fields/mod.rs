//! Which fields records have, and what is in them.
//!
//! - [`collector`]: records in, a summary for each path out: `.user.id`, `.tags[]`.
//! - `tree`: the paths; which objects are maps, whose keys are data.
//! - [`summary`]: the values of a path: kinds, extremes; `common`: which values are frequent.
//! - [`shown`]: a field as people read it.
//!
//! However many records there are, there is a limit to the paths, and to what is kept of each.

pub mod collector;
mod common;
pub mod shown;
pub mod summary;
mod tree;

pub use collector::{Collector, Field};
pub use common::Frequent;
pub use shown::Shown;
pub use summary::Kind;

#[cfg(test)]
mod tests;
