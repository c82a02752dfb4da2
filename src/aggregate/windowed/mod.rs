//! Groups by window: when windows open, close and report.
//!
//! - [`panes`]: when results are due, and how far event time has advanced.
//! - `carried`: the window or slice that a record carries.
//! - [`fill`]: results of windows without records; `complete`: groups without any in a window.
//! - `windows`: a table for each window until the watermark closes it.
//! - `slices`: overlapping windows, merged from slices; `partials` merges each slice once.
//! - `sessions`: records that are no further apart than a gap; `timeline` finds those of a group.
//! - `counts`: windows of so many records.
//! - `kinds`: one of these, by the kind of windows.

pub(super) mod carried;
mod complete;
mod counts;
pub mod fill;
pub(super) mod kinds;
pub mod panes;
mod partials;
mod sessions;
mod slices;
mod timeline;
mod windows;
