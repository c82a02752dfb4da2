//! From tables to output.
//!
//! - [`emit`]: results as records.
//! - [`select`]: which results, by their `condition` and `ranking`.
//! - [`report`]: all of it, as records or as a table for people.

mod condition;
pub mod emit;
mod ranking;
pub mod report;
pub mod select;
