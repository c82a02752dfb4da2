//! Event time: durations, timestamps, time zones and their local times, the time that a record
//! carries, watermarks.
//!
//! Times are milliseconds since the epoch (UTC, without leap seconds) in an `i64`, negative before
//! 1970; the log's append times are microseconds. Nothing here looks at a clock.

pub mod duration;
pub mod event_time;
pub mod format;
pub mod interval;
pub mod local;
pub mod pace;
pub mod timestamp;
pub mod watermark;
pub mod zone;

pub use duration::{Duration, Shift};
pub use format::TimeFormat;
pub use interval::Interval;
pub use local::{Ambiguous, LocalClock};
pub use zone::Zone;
