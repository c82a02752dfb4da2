//! Windows that begin together and grow by a step, up to a size; then the next begin.
//!
//! Records are cut into slices of one step: each is counted once, in however many windows it is.

use super::Tumbling;
use super::fault::{SLICES_MAX, WindowsError};
use crate::record::control;
use crate::time::{Duration, Interval, Shift};

/// Windows that begin together and grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cumulate {
    steps: Tumbling,
    /// The longest windows: all that is in one of them begins with it.
    longest: Tumbling,
}

impl Cumulate {
    /// Windows of lengths `step`, twice `step` and so on up to `size`. Windows of length `size` lie
    /// side by side, one of which starts `offset` away from the epoch.
    ///
    /// # Errors
    /// When the size is not a whole number of steps, and not too many.
    pub fn new(step: Duration, size: Duration, offset: Shift) -> Result<Cumulate, WindowsError> {
        match (step.ms(), size.ms()) {
            (0, _) => return Err(WindowsError::NoLength("step")),
            (_, 0) => return Err(WindowsError::NoLength("window")),
            (step_ms, size_ms) if size_ms % step_ms != 0 => {
                return Err(WindowsError::PartOfStep { step, size });
            }
            (step_ms, size_ms) if size_ms / step_ms > SLICES_MAX => {
                let count = size_ms / step_ms;
                return Err(WindowsError::TooManySlices { size, slice: step, count });
            }
            _ => {}
        }
        Ok(Cumulate { steps: Tumbling::new(step, offset)?, longest: Tumbling::new(size, offset)? })
    }

    /// The slice of an event time; none if it reaches beyond 64 bits.
    pub fn slice(&self, time_ms: i64) -> Option<Interval> {
        self.steps.assign(time_ms)
    }

    /// The first of the windows that have the slice.
    pub fn first(&self, slice: Interval) -> Option<Interval> {
        let longest = self.longest.assign(slice.start_ms)?;
        Some(Interval { start_ms: longest.start_ms, end_ms: slice.end_ms })
    }

    /// The last of the windows that have the slice.
    pub fn last(&self, slice: Interval) -> Option<Interval> {
        self.longest.assign(slice.start_ms)
    }

    /// The window that ends a step after this one; it may begin with it, or when it ends.
    pub fn after(&self, window: Interval) -> Option<Interval> {
        self.first(self.slice(window.end_ms)?)
    }

    /// The first end of a window that is after this time.
    pub fn next_end_ms(&self, time_ms: i64) -> Option<i64> {
        Some(self.steps.assign(time_ms)?.end_ms)
    }

    /// What the stream's control record says of these windows.
    pub fn sizes(&self) -> control::Cumulate {
        let (size_ms, offset_ms) = (self.longest.size_ms(), self.longest.offset_ms());
        control::Cumulate::Fixed { step_ms: self.steps.size_ms(), size_ms, offset_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_a_whole_number_of_steps() {
        let why = |step: &str, size: &str| {
            let [step, size] = [step, size].map(|text| text.parse::<Duration>().unwrap());
            Cumulate::new(step, size, Shift::default()).unwrap_err().to_string()
        };
        assert_eq!(why("0", "1m"), "a step must be longer than 0");
        assert_eq!(why("1m", "0"), "a window must be longer than 0");
        let part = "the size 10m is not a whole number of steps of 4m; change one of them";
        assert_eq!(why("4m", "10m"), part);
        assert_eq!(
            why("4m", "2m"),
            "the size 2m is not a whole number of steps of 4m; change one of them"
        );
        assert!(why("1ms", "1d").starts_with("a window of 1d would be made of slices of 1ms,"));
    }
}
