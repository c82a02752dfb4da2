//! Which window of event time a record belongs to, and which records are late.
//!
//! - [`tumbling`]: windows of one size, side by side.
//! - [`placing`]: the records of a stream into their windows, the watermark behind them.

pub mod placing;
pub mod tumbling;

pub use placing::{Placed, Placing};
pub use tumbling::Tumbling;
