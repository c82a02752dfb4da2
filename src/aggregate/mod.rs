//! Grouping and reducing.
//!
//! From the top down:
//!
//! - [`aggregator`]: takes records and returns results: a plan, and the state.
//! - [`plan`]: from what the user wrote to what is evaluated for each record.
//! - [`state`]: the state of all groups: values and watermarks in, results out.
//! - `windowed`: groups by window: when windows open, close and report.
//! - [`over`]: each record with aggregates of the last records of its group.
//! - [`table`]: groups and their columns; [`keys`]: their keys.
//! - `output`: selected results, as records or as a table for people.
//! - [`functions`]: the aggregate functions.
//! - `saved`: the whole of an aggregation, saved and restored.
//! - `held`, `memory`: how much memory all of it takes; [`fault`]: what can go wrong.

pub mod aggregator;
pub mod fault;
pub mod functions;
mod held;
pub mod keys;
mod memory;
mod output;
pub mod over;
pub mod plan;
mod saved;
pub mod state;
pub mod table;
mod windowed;

pub use aggregator::Aggregator;
pub use held::Held;
pub use output::live::{Best, BestRow, TREND_WINDOWS};
pub use output::report::Style;
pub use output::select::Selection;
pub use over::{Extent, Over};
pub use plan::Plan;
pub use plan::listed::ListedGroups;
pub use plan::spec::{AggregateSpec, GroupSpec};
pub use state::{AggregateState, Holding, Unreported};
pub use windowed::fill::Filling;
pub use windowed::panes::{Emit, PANE_FIELD, Policy};
