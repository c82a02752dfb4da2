//! What a tool's work means: records and control records in, lines out.
//!
//! An [`Operator`] takes the records of its inputs in blocks, and what the streams say of
//! themselves between them. It opens no file, waits for nothing and prints nothing: how it is run,
//! on one core or several, and what becomes of its lines and of bad records, is the driver's
//! business (`cli`). `examples/operator.rs` has a new one in thirty lines.
//!
//! - [`contract`]: what an operator is, and what it works with; [`work`]: what it says of its work.
//! - [`filter`] with [`unique`], [`map`]: one record after the other.
//! - [`window`], [`aggregate`], [`over`]: by event time, and by group.
//! - [`fused`]: two in one, as a window and what aggregates it; [`splice`]: a window's records as
//!   lines.
//! - [`late`]: records that came too late; [`clock`]: the event time of records; [`trust`]: which
//!   of them are known to be valid.
//! - [`fault`]: why a record is not taken, or why there is no going on.

pub mod aggregate;
pub mod clock;
pub mod contract;
pub mod fault;
pub mod filter;
pub mod fused;
pub mod late;
pub mod map;
pub mod over;
pub mod repeats;
pub mod rolled_up;
pub mod splice;
pub mod trust;
pub mod unique;
pub mod window;
pub mod work;

pub use aggregate::Aggregate;
pub use contract::{Collector, InputId, Operator, Shared, Side};
pub use fault::Fault;
pub use filter::Filter;
pub use fused::Fused;
pub use map::{Laid, Map};
pub use over::Over;
pub use window::Window;
pub use work::Work;

#[cfg(test)]
mod tests;
