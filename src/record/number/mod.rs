//! Numbers: how they are read, compared and spelled. Expressions and aggregates have no others.
//!
//! - [`jq`]: as expressions see them: integers of 64 bits are exact, all others are floats, and
//!   what nobody computed with is written as it came.
//! - [`exact`]: as aggregates see them: whole numbers of 128 bits are exact, all others are floats.
//!   [`ratio`]: quotients of whole numbers.
//! - [`spelling`]: how all of them are written. `short`: how most of them are read.

pub mod exact;
pub mod jq;
pub mod ratio;
mod short;
pub mod spelling;

pub use exact::{Number, TooLarge};
pub use spelling::{write_canonical, write_float, write_result, write_whole};

/// 2^53: up to here a float tells every whole number from its neighbours.
pub const FLOAT_WHOLE_MAX: u64 = 1 << 53;
