//! Windows of one size, side by side: each event time is in exactly one.

use super::fault::WindowsError;
use crate::time::{Duration, Interval, Shift};

/// Windows of one size, side by side.
///
/// The window of a time starts at `time − rem_euclid(time − offset, size)` (SEMANTICS, "Windows and
/// watermarks"), so that windows before 1970 are as long as all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tumbling {
    size_ms: i64,
    /// Where one of the windows starts: from zero to below the size.
    offset_ms: i64,
}

impl Tumbling {
    /// Windows of length `size`, one of which starts `offset` away from the epoch.
    ///
    /// # Errors
    /// When the size is zero.
    pub fn new(size: Duration, offset: Shift) -> Result<Tumbling, WindowsError> {
        match size.ms() {
            0 => Err(WindowsError::NoLength("window")),
            size_ms => Ok(Tumbling { size_ms, offset_ms: offset.ms().rem_euclid(size_ms) }),
        }
    }

    /// Length of a window in milliseconds, above zero.
    pub fn size_ms(&self) -> i64 {
        self.size_ms
    }

    /// Where one of the windows starts, in milliseconds: from zero to below the size.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms
    }

    /// The window of an event time in milliseconds; none if it reaches beyond 64 bits.
    pub fn assign(&self, time_ms: i64) -> Option<Interval> {
        // Both remainders are below the size, so their difference cannot overflow, and it is
        // rem_euclid(time − offset, size) but for a size too much or too little.
        let phase = time_ms.rem_euclid(self.size_ms) - self.offset_ms;
        let into_ms = if phase < 0 { phase + self.size_ms } else { phase };
        let start_ms = time_ms.checked_sub(into_ms)?;
        Some(Interval { start_ms, end_ms: start_ms.checked_add(self.size_ms)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tumbling(size_ms: i64, offset_ms: i64) -> Tumbling {
        Tumbling::new(Duration::from_ms(size_ms).unwrap(), Shift::from_ms(offset_ms)).unwrap()
    }

    #[test]
    fn windows_before_1970_are_as_long_as_all_others() {
        let starts = |offset_ms, times: &[i64]| -> Vec<i64> {
            let windows = tumbling(10, offset_ms);
            times.iter().map(|time_ms| windows.assign(*time_ms).unwrap().start_ms).collect()
        };
        assert_eq!(
            starts(0, &[-21, -20, -11, -10, -1, 0, 9, 10]),
            [-30, -20, -20, -10, -10, 0, 0, 10]
        );
        assert_eq!(starts(3, &[-8, -7, 2, 3, 12, 13]), [-17, -7, -7, 3, 3, 13]);
        assert_eq!(starts(-7, &[-8, -7, 2, 3]), [-17, -7, -7, 3]);
    }

    #[test]
    fn a_window_is_half_open() {
        let interval = |start_ms, end_ms| Some(Interval { start_ms, end_ms });
        assert_eq!(tumbling(10, 0).assign(19), interval(10, 20));
        assert_eq!(tumbling(10, 0).assign(20), interval(20, 30));
    }

    #[test]
    fn a_window_has_a_length() {
        let none = Tumbling::new(Duration::default(), Shift::default());
        assert_eq!(none, Err(WindowsError::NoLength("window")));
    }

    #[test]
    fn the_offset_is_told_without_whole_windows() {
        assert_eq!((tumbling(10, -23).size_ms(), tumbling(10, -23).offset_ms()), (10, 7));
    }

    proptest! {
        /// Against the formula of SEMANTICS, in twice the width.
        #[test]
        fn agrees_with_the_formula(time_ms: i64, size_ms in 1..=i64::MAX, offset_ms: i64) {
            let [time, size, offset] = [time_ms, size_ms, offset_ms].map(i128::from);
            let start = time - (time - offset).rem_euclid(size);
            let fits = |ms: i128| i64::try_from(ms).ok();
            let expected = fits(start)
                .zip(fits(start + size))
                .map(|(start_ms, end_ms)| Interval { start_ms, end_ms });
            prop_assert_eq!(tumbling(size_ms, offset_ms).assign(time_ms), expected);
        }

        /// Every time is in the one window that it is assigned to.
        #[test]
        fn a_time_is_in_its_window(time_ms in -10_000_i64..10_000, size_ms in 1_i64..500, offset_ms in -600_i64..600) {
            let window = tumbling(size_ms, offset_ms).assign(time_ms).unwrap();
            prop_assert!(window.start_ms <= time_ms && time_ms < window.end_ms);
            prop_assert_eq!(window.end_ms - window.start_ms, size_ms);
            prop_assert_eq!((window.start_ms - offset_ms).rem_euclid(size_ms), 0);
        }
    }
}
