//! Grouping and reducing.
//!
//! - [`spec`]: what the user writes; `parentheses`: where the jq in it ends.
//! - [`plan`]: what is evaluated for each record because of it; `wiring`: what takes the values.
//! - [`function`]: what an aggregate function is; [`catalog`]: the table of them all.
//! - `count`, `sum`, `spread`, `extreme`, `pick`, `quantile`, `distinct`, `top`, `collect`: the
//!   functions, one file a family.
//! - [`number`], [`wide`]: the numbers that they work on; `sketch`: how many lie where, for
//!   quantiles.
//! - [`table`]: groups and their state.
//! - [`panes`]: when results come, and how far time has.
//! - `windows`: one table a window, until the watermark closes it; `slices`: windows that overlap,
//!   from pieces, with `partials`, which merges them once; `sessions`: what belongs together since
//!   nothing came between; `counts`: windows of so many records; `piece`: what records carry.
//! - [`emit`]: results as records; [`select`]: which of them; [`draw`]: as a table for people;
//!   [`report`]: all of it.
//! - [`over`]: each record with the aggregates of the last ones of its group.
//! - `state`: the groups, by the kind of windows; [`reduction`]: all but the reading of records.
//! - [`aggregator`]: all of it together; [`fault`]: what can be wrong with what it gets.

pub mod aggregator;
pub mod catalog;
mod collect;
mod count;
mod counts;
mod distinct;
pub mod draw;
pub mod emit;
mod extreme;
pub mod fault;
pub mod function;
#[cfg(test)]
mod merging;
pub mod number;
pub mod over;
pub mod panes;
mod parentheses;
mod partials;
mod pick;
mod piece;
pub mod plan;
mod quantile;
pub mod reduction;
pub mod report;
pub mod select;
mod sessions;
mod sketch;
mod slices;
pub mod spec;
mod spread;
mod state;
mod sum;
pub mod table;
mod top;
pub mod wide;
mod windows;
mod wiring;

pub use aggregator::Aggregator;
pub use over::{Extent, Over};
pub use panes::{Emit, Policy};
pub use plan::Plan;
pub use reduction::{Held, Reduction, Unreported};
pub use report::Style;
pub use select::Selection;
pub use spec::{AggregateSpec, GroupSpec};
