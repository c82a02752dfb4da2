//! Why there are no such windows.

use crate::time::Duration;

/// How many slices a window may have: each costs memory, and is merged into the window.
pub const SLICES_MAX: i64 = 1_000_000;

/// Sizes that make no windows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowsError {
    /// What it names must have a length.
    #[error("a {0} must be longer than 0")]
    NoLength(&'static str),
    /// A length below zero, which only a foreign control record can have.
    #[error("a {0} of {1} ms is negative")]
    Negative(&'static str, i64),
    /// Between such windows there would be times without any.
    #[error(
        "windows of {size} that begin every {slide} would leave gaps between them, and lose the records there; let the slide be at most the size"
    )]
    Gaps {
        /// How far apart windows begin.
        slide: Duration,
        /// Length of a window.
        size: Duration,
    },
    /// The longest window would not end with a step.
    #[error("the size {size} is not a whole number of steps of {step}; change one of them")]
    PartOfStep {
        /// How much longer each window is than the one before.
        step: Duration,
        /// Length of the longest window.
        size: Duration,
    },
    /// More slices than [`SLICES_MAX`].
    #[error(
        "a window of {size} would be made of slices of {slice}, {count} of them; there may be {SLICES_MAX}: choose lengths that have a larger common divisor"
    )]
    TooManySlices {
        /// Length of a window.
        size: Duration,
        /// Length of a slice.
        slice: Duration,
        /// How many slices a window has.
        count: i64,
    },
    /// Windows of a calendar, which are not known.
    #[error("windows that follow the calendar of a time zone are not known to this version")]
    Calendar,
    /// A window of no records.
    #[error("a window must have at least one record")]
    NoRecords,
}
