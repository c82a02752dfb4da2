//! From tables to output.
//!
//! - [`emit`]: results as records.
//! - [`select`]: which results, by their `condition` and `ranking`.
//! - [`report`]: all of it, as records or as a table for people.
//! - [`live`]: for a table that is drawn again and again.

mod condition;
pub mod emit;
pub mod live;
mod ranking;
pub mod report;
pub mod select;
