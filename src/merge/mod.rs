//! Several inputs as one, in the order of their records' times.
//!
//! The order is a function of the inputs alone, never of how their records were interleaved when
//! they came. `docs/PIPE.md`, "Merged inputs", has the rules; [`Merge`] is what holds them.

mod chunks;
mod frontier;
mod limit;
mod ordered;
mod queue;
#[cfg(test)]
mod tests;

pub use self::limit::{Fullness, Limit};
pub use self::ordered::{Held, Later, Merge, Next};
