//! From tables to output.
//!
//! - [`emit`]: results as records; [`draw`]: as a table for people.
//! - [`select`]: which results, by their `condition` and `ranking`; [`report`]: all of it.

mod condition;
pub mod draw;
pub mod emit;
mod ranking;
pub mod report;
pub mod select;
