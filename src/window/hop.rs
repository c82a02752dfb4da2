//! Windows of one size that overlap: one begins at each slide.
//!
//! Records are cut into slices, so that each is counted once however many windows it is in. A slice
//! is as long as the greatest common divisor of slide and size: whatever window has a part of it
//! has all of it.

use super::Tumbling;
use super::fault::{SLICES_MAX, WindowsError};
use super::length::Length;
use crate::record::control;
use crate::time::{Duration, Interval, Shift};

/// Windows of one size that overlap. One of them starts `offset` away from the epoch, and one each
/// `slide` before and behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// From each start to the next.
    starts: Tumbling,
    /// From each end to the next.
    ends: Tumbling,
    slices: Tumbling,
    size_ms: i64,
}

impl Hop {
    /// Windows of length `size`, one of which begins every `slide`.
    ///
    /// # Errors
    /// When a length is zero, the slide is longer than the size, or there are too many slices.
    pub fn new(slide: Duration, size: Duration, offset: Shift) -> Result<Hop, WindowsError> {
        let (slide_ms, size_ms) = (slide.ms(), size.ms());
        match (slide_ms, size_ms) {
            (0, _) => return Err(WindowsError::NoLength("slide")),
            (_, 0) => return Err(WindowsError::NoLength("window")),
            _ if slide > size => {
                let [slide, size] = [slide, size].map(Length::Time);
                return Err(WindowsError::Gaps { slide, size });
            }
            _ => {}
        }
        let slice = Duration::from_ms(common_divisor(slide_ms, size_ms)).unwrap_or(slide);
        let starts = Tumbling::new(slide, offset)?;
        // In the phase of the starts, so that the sum cannot overflow.
        let into_slide = Shift::from_ms((starts.offset_ms() + size_ms % slide_ms) % slide_ms);
        let slices = Tumbling::new(slice, offset)?;
        let count = size_ms / slices.size_ms();
        if count > SLICES_MAX {
            return Err(WindowsError::TooManySlices { size, slice, count });
        }
        Ok(Hop { starts, ends: Tumbling::new(slide, into_slide)?, slices, size_ms })
    }

    /// The slice of an event time; none if it reaches beyond 64 bits.
    pub fn slice(&self, time_ms: i64) -> Option<Interval> {
        self.slices.assign(time_ms)
    }

    /// The first of the windows that have the slice.
    pub fn first(&self, slice: Interval) -> Option<Interval> {
        // The first end that is not before the slice's.
        let end_ms = self.ends.assign(slice.end_ms.checked_sub(1)?)?.end_ms;
        Some(Interval { start_ms: end_ms.checked_sub(self.size_ms)?, end_ms })
    }

    /// The last of the windows that have the slice.
    pub fn last(&self, slice: Interval) -> Option<Interval> {
        let start_ms = self.starts.assign(slice.start_ms)?.start_ms;
        Some(Interval { start_ms, end_ms: start_ms.checked_add(self.size_ms)? })
    }

    /// The window that begins a slide after this one.
    pub fn after(&self, window: Interval) -> Option<Interval> {
        let start_ms = window.start_ms.checked_add(self.starts.size_ms())?;
        Some(Interval { start_ms, end_ms: start_ms.checked_add(self.size_ms)? })
    }

    /// The first end of a window that is after this time.
    pub fn next_end_ms(&self, time_ms: i64) -> Option<i64> {
        Some(self.ends.assign(time_ms)?.end_ms)
    }

    /// What the stream's control record says of these windows.
    pub fn sizes(&self) -> control::Hop {
        let (slide_ms, offset_ms) = (self.starts.size_ms(), self.starts.offset_ms());
        control::Hop::Fixed { slide_ms, size_ms: self.size_ms, offset_ms }
    }
}

/// The greatest common divisor of two numbers above zero (Euclid's algorithm).
fn common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(slide_ms: i64, size_ms: i64) -> Result<Hop, WindowsError> {
        let duration = |ms| Duration::from_ms(ms).unwrap();
        Hop::new(duration(slide_ms), duration(size_ms), Shift::default())
    }

    #[test]
    fn what_makes_no_windows_is_told() {
        let why = |slide_ms, size_ms| hop(slide_ms, size_ms).unwrap_err().to_string();
        assert_eq!(why(0, 5), "a slide must be longer than 0");
        assert_eq!(why(5, 0), "a window must be longer than 0");
        assert_eq!(
            why(10_000, 5_000),
            "windows of 5s that begin every 10s would leave gaps between them, and lose the records there; choose a slide of at most the size"
        );
        assert_eq!(
            why(7_001, 86_400_000),
            "a window of 1d would be made of slices of 1ms, 86400000 of them; there may be 1000000: choose lengths that have a larger common divisor"
        );
        assert!(hop(1, SLICES_MAX).is_ok());
        assert!(hop(i64::MAX, i64::MAX).is_ok());
    }

    #[test]
    fn the_last_start_is_aligned_to_the_slide() {
        // A slice of gcd(4, 6) = 2; the windows with it, by end.
        let hop = hop(4, 6).unwrap();
        let slice = hop.slice(-1).unwrap();
        assert_eq!(slice, Interval { start_ms: -2, end_ms: 0 });
        assert_eq!(hop.first(slice), Some(Interval { start_ms: -4, end_ms: 2 }));
        assert_eq!(hop.last(slice), Some(Interval { start_ms: -4, end_ms: 2 }));
        let slice = hop.slice(-3).unwrap();
        assert_eq!(hop.first(slice), Some(Interval { start_ms: -8, end_ms: -2 }));
        assert_eq!(hop.last(slice), Some(Interval { start_ms: -4, end_ms: 2 }));
    }
}
