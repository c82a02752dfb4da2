//! Which windows of event time a record belongs to, and which records are late.
//!
//! - [`length`]: how long windows are; [`week`]: when weeks begin.
//! - [`tumbling`], [`calendar`], [`cells`]: windows side by side, equally long or as the calendar
//!   has them.
//! - [`hop`], [`calendar_hop`], [`cumulate`]: windows that overlap.
//! - [`windows`]: whatever kind a stream has, as `window` and `aggregate` ask for it.
//! - [`progress`]: the watermark, over all partitions, also where some are quiet.
//! - [`placing`]: the records of a stream into their windows, the watermark behind them.
//! - [`fault`]: why there are no such windows.

pub mod calendar;
pub mod calendar_hop;
pub mod cells;
pub mod cumulate;
pub mod fault;
pub mod hop;
pub mod length;
pub mod placing;
pub mod progress;
pub mod tumbling;
pub mod week;
pub mod windows;

pub use calendar::{Anchor, Calendar};
pub use calendar_hop::CalendarHop;
pub use cells::{Cells, Frame};
pub use cumulate::Cumulate;
pub use fault::WindowsError;
pub use hop::Hop;
pub use length::Length;
pub use placing::{Misplaced, Placed, Placing};
pub use progress::Progress;
pub use tumbling::Tumbling;
pub use week::WeekStart;
pub use windows::{Carried, Windows};
