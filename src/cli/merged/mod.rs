//! `--merge`: the files of a command line side by side, as one source whose records are in the
//! order of their times.
//!
//! The source gives lines of JSON, whatever the inputs were, and what is bad among them stays in
//! its place. `Places` knows which line is from where.

mod decoder;
mod input;
mod intake;
mod places;
mod plan;
mod source;

pub(super) use self::places::Places;
pub use self::plan::{MergePlan, Timing, counted, part_of, tell_later, too_much};
pub(super) use self::source::Merged;
