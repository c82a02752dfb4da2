//! Windows that begin together and grow by a step, up to a size; then the next begin.
//!
//! Records are cut into slices of one step: each is counted once, in however many windows it is.

use super::Cells;
use super::cells::Frame;
use super::fault::{SLICES_MAX, WindowsError};
use super::length::Length;
use crate::record::control;
use crate::time::Interval;

/// Windows that begin together and grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cumulate {
    steps: Cells,
    /// The longest windows: all that is in one of them begins with it.
    longest: Cells,
}

impl Cumulate {
    /// Windows of lengths `step`, twice `step` and so on up to `size`. Windows of length `size` lie
    /// side by side in the frame.
    ///
    /// # Errors
    /// When the size is not a whole number of steps, and not too many.
    pub fn new(step: Length, size: Length, frame: Frame) -> Result<Cumulate, WindowsError> {
        let frame = frame.of(&[step, size]).beginning_with(size);
        let steps = Cells::new("step", step, &frame)?;
        let longest = Cells::new("window", size, &frame)?;
        let fills = match (&steps, &longest) {
            (Cells::Calendar(steps), Cells::Calendar(longest)) => steps.fills(longest),
            _ => size.most_ms() % step.most_ms() == 0,
        };
        let count = size.most_ms() / step.most_ms();
        match fills {
            false => Err(WindowsError::PartOfStep { step, size }),
            true if count > SLICES_MAX => {
                Err(WindowsError::TooManyParts { size, part: step, count })
            }
            true => Ok(Cumulate { steps, longest }),
        }
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
        self.steps.next_end_ms(time_ms)
    }

    /// What the stream's control record says of these windows.
    pub fn sizes(&self) -> control::Cumulate {
        match (&self.steps, &self.longest) {
            (Cells::Fixed(steps), Cells::Fixed(longest)) => control::Cumulate::Fixed {
                step_ms: steps.size_ms(),
                size_ms: longest.size_ms(),
                offset_ms: longest.offset_ms(),
            },
            (steps, longest) => control::Cumulate::Calendar {
                step: steps.length().to_string(),
                size: longest.length().to_string(),
                tz: longest.anchor().zone.to_string(),
                offset_ms: longest.anchor().offset.ms(),
                week_start: longest.anchor().told_week_start(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_a_whole_number_of_steps() {
        let why = |step: &str, size: &str| {
            let [step, size] = [step, size].map(|text| text.parse().unwrap());
            Cumulate::new(step, size, Frame::default()).unwrap_err().to_string()
        };
        assert_eq!(why("0", "1m"), "a step must be longer than 0");
        assert_eq!(why("1m", "0"), "a window must be longer than 0");
        let part = "the size 10m is not a whole number of steps of 4m; change one of them";
        assert_eq!(why("4m", "10m"), part);
        assert_eq!(
            why("4m", "2m"),
            "the size 2m is not a whole number of steps of 4m; change one of them"
        );
        assert_eq!(
            why("1ms", "1d"),
            "a window of 1d would have 86400000 parts of 1ms; there may be 1000000: choose a longer part"
        );
        let part = |step| {
            format!("the size 1mo is not a whole number of steps of {step}; change one of them")
        };
        assert_eq!(why("1w", "1mo"), part("1w"));
        assert_eq!(
            why("7h", "1mo"),
            "a step of 7h does not fit into the calendar of UTC; choose a part of a day, like 15m or 6h, or days, weeks, months or years"
        );
        assert!(
            Cumulate::new("1d".parse().unwrap(), "1mo".parse().unwrap(), Frame::default()).is_ok()
        );
    }
}
