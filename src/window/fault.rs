//! Why there are no such windows.

use super::length::Length;
use crate::time::{Duration, Zone};

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
        "windows of {size} that begin every {slide} would leave gaps between them, and lose the records there; choose a slide of at most the size"
    )]
    Gaps {
        /// How far apart windows begin.
        slide: Length,
        /// Length of a window.
        size: Length,
    },
    /// The longest window would not end with a step.
    #[error("the size {size} is not a whole number of steps of {step}; change one of them")]
    PartOfStep {
        /// How much longer each window is than the one before.
        step: Length,
        /// Length of the longest window.
        size: Length,
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
    /// A length that no calendar has.
    #[error(
        "a {what} of {length} does not fit into the calendar of {zone}; choose a part of a day, like 15m or 6h, or days, weeks, months or years"
    )]
    NotInCalendar {
        /// What has this length.
        what: &'static str,
        /// The length.
        length: Duration,
        /// Whose calendar it is.
        zone: Zone,
    },
    /// Parts do not make up the whole, or not always as many.
    #[error(
        "in the calendar of {zone}, {size} is not always the same whole number of {part}; choose lengths like 1d of 1w or 1mo of 1y, or leave out the zone"
    )]
    NotWhole {
        /// Length of a window.
        size: Length,
        /// Length of its parts.
        part: Length,
        /// Whose calendar it is.
        zone: Zone,
    },
    /// More parts than [`SLICES_MAX`].
    #[error(
        "a window of {size} would have {count} parts of {part}; there may be {SLICES_MAX}: choose a longer part"
    )]
    TooManyParts {
        /// Length of a window.
        size: Length,
        /// Length of its parts.
        part: Length,
        /// How many there are.
        count: i64,
    },
    /// A length or zone that only a foreign control record can have.
    #[error("{0}")]
    Unknown(String),
    /// A window of no records.
    #[error("a window must have at least one record")]
    NoRecords,
}
