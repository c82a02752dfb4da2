//! The aggregate functions.
//!
//! - [`function`]: what an aggregate function is: its arguments, its states in a column, merging.
//! - [`catalog`]: the table of them all.
//! - `count`, `sum`, `spread`, `extreme`, `pick`, `quantile`, `distinct`, `top`, `collect`: the
//!   functions, one file for each family.
//! - [`wide`]: sums of whole numbers; `rank`: which value a quantile is; `values`: numbers that are
//!   stored; `sketch`: a histogram of numbers; `hyperloglog`: saved sketches of `distinct`.

pub mod catalog;
mod collect;
mod count;
mod distinct;
mod extreme;
pub mod function;
mod hyperloglog;
#[cfg(test)]
pub(in crate::aggregate) mod merging;
mod pick;
pub(super) mod quantile;
mod rank;
mod sketch;
mod spread;
mod sum;
mod top;
mod values;
pub mod wide;
