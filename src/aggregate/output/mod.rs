//! From tables to output.
//!
//! - [`emit`]: results as records; [`draw`]: as a table for people.
//! - [`select`]: which results; [`report`]: all of it.

pub mod draw;
pub mod emit;
pub mod report;
pub mod select;
