//! Grouping and reducing.
//!
//! - [`spec`]: what the user writes.
//! - [`plan`]: what is evaluated for each record because of it.
//! - [`function`]: what an aggregate function is, and the table of them all.
//! - `count`, `sum`, `extreme`: the functions, one file a family.
//! - [`number`]: the numbers that they work on.
//! - [`table`]: groups and their state.
//! - [`windows`]: one table a window, until the watermark closes it.
//! - [`emit`]: results as records.
//! - [`aggregator`]: all of it together; [`fault`]: what can be wrong with what it gets.

pub mod aggregator;
mod count;
pub mod emit;
mod extreme;
pub mod fault;
pub mod function;
pub mod number;
pub mod plan;
pub mod spec;
mod sum;
pub mod table;
pub mod windows;

pub use aggregator::{Aggregator, Unreported};
pub use plan::Plan;
pub use spec::{AggregateSpec, GroupSpec};
