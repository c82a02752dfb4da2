//! Which records count for a record, as the user says it.

use std::str::FromStr;

use crate::time::Duration;
use crate::time::duration::DurationError;

/// Which records of its group count for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The last so many that came, the record itself among them.
    Records(usize),
    /// Those of the last so much event time, both ends included.
    Time(Duration),
}

/// A text that tells no extent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtentError {
    /// There is no record before the first.
    #[error("the minimum is 1: the record itself counts")]
    Nothing,
    /// A range of time must have a length.
    #[error("the duration must be longer than 0")]
    NoLength,
    /// Neither a number nor a duration.
    #[error("neither a number of records, like 10, nor a duration, like 10m: {0}")]
    Neither(DurationError),
}

/// Reads a plain number as one of records, and all else as a duration.
impl FromStr for Extent {
    type Err = ExtentError;

    fn from_str(text: &str) -> Result<Extent, ExtentError> {
        if let Ok(records) = text.parse() {
            return if records > 0 {
                Ok(Extent::Records(records))
            } else {
                Err(ExtentError::Nothing)
            };
        }
        match text.parse::<Duration>().map_err(ExtentError::Neither)? {
            length if length.ms() == 0 => Err(ExtentError::NoLength),
            length => Ok(Extent::Time(length)),
        }
    }
}
