//! Which windows of event time a record belongs to, and which records are late.
//!
//! - [`tumbling`], [`hop`], [`cumulate`]: the kinds that have a rule of their own.
//! - [`windows`]: whatever kind a stream has, as `window` and `aggregate` ask for it.
//! - [`placing`]: the records of a stream into their windows, the watermark behind them.
//! - [`fault`]: why there are no such windows.

pub mod cumulate;
pub mod fault;
pub mod hop;
pub mod placing;
pub mod tumbling;
pub mod windows;

pub use cumulate::Cumulate;
pub use fault::WindowsError;
pub use hop::Hop;
pub use placing::{Placed, Placing};
pub use tumbling::Tumbling;
pub use windows::{Carried, Windows};
