//! Grouping and reducing.
//!
//! - [`function`]: what an aggregate function is, and the table of them.
//! - `count`, `sum`, `extreme`: the functions, one file a family.
//! - [`number`]: the numbers that they work on.

mod count;
mod extreme;
pub mod function;
pub mod number;
mod sum;
