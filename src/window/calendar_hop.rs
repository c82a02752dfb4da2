//! Windows of the calendar that overlap: each is so many slides long, and one begins with each.

use super::fault::{SLICES_MAX, WindowsError};
use super::length::Length;
use super::{Anchor, Calendar};
use crate::record::control;
use crate::time::Interval;

/// Windows of the calendar that overlap. A slide is also the slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarHop {
    slides: Calendar,
    size: Length,
    /// How many slides a window is long, above zero.
    count: i64,
}

impl CalendarHop {
    /// Windows of length `size`, one of which begins with each `slide`.
    ///
    /// # Errors
    /// When a window is not always the same number of slides.
    pub fn new(
        slide: Length,
        size: Length,
        anchor: impl Into<Anchor>,
    ) -> Result<CalendarHop, WindowsError> {
        let slides = Calendar::new("slide", slide, anchor)?;
        let whole = Calendar::new("window", size, slides.anchor().clone())?;
        match slides.times(&whole) {
            None if slide.exceeds(size) => Err(WindowsError::Gaps { slide, size }),
            None => {
                let zone = slides.zone().clone();
                Err(WindowsError::NotWhole { size, part: slide, zone })
            }
            Some(count) if count > SLICES_MAX => {
                Err(WindowsError::TooManyParts { size, part: slide, count })
            }
            Some(count) => Ok(CalendarHop { slides, size, count }),
        }
    }

    /// The slice of an event time; none if it reaches beyond the years that can be written.
    pub fn slice(&self, time_ms: i64) -> Option<Interval> {
        self.slides.assign(time_ms)
    }

    /// The first of the windows that have the slice.
    pub fn first(&self, slice: Interval) -> Option<Interval> {
        let back = |start_ms: i64| Some(self.slides.assign(start_ms.checked_sub(1)?)?.start_ms);
        let even = |start_ms: i64, length_ms: i64| {
            let before_ms = start_ms.checked_sub(length_ms)?;
            self.slides.is_even(before_ms, start_ms).then_some(before_ms)
        };
        Some(Interval { start_ms: self.walk(slice.start_ms, back, even)?, end_ms: slice.end_ms })
    }

    /// The last of the windows that have the slice.
    pub fn last(&self, slice: Interval) -> Option<Interval> {
        let on = |end_ms: i64| Some(self.slides.assign(end_ms)?.end_ms);
        let even = |end_ms: i64, length_ms: i64| {
            let behind_ms = end_ms.checked_add(length_ms)?;
            self.slides.is_even(end_ms, behind_ms).then_some(behind_ms)
        };
        Some(Interval { start_ms: slice.start_ms, end_ms: self.walk(slice.end_ms, on, even)? })
    }

    /// Where the other slides of a window end, seen from one of its ends. `one` goes a slide on;
    /// `even` goes so many milliseconds on at once, if no clock is set on that way.
    ///
    /// The way is halved until a part of it is even: close to a change of the clocks that takes the
    /// logarithm of the number of slides, and not as many steps as there are slides.
    fn walk(
        &self,
        mut at_ms: i64,
        one: impl Fn(i64) -> Option<i64>,
        even: impl Fn(i64, i64) -> Option<i64>,
    ) -> Option<i64> {
        let slide_ms = self.slides.length().most_ms();
        let mut left = self.count - 1;
        let mut stride = left;
        while left > 0 {
            stride = stride.min(left);
            match even(at_ms, slide_ms.checked_mul(stride)?) {
                Some(to_ms) => (at_ms, left) = (to_ms, left - stride),
                None if stride > 1 => stride /= 2,
                None => {
                    (at_ms, left) = (one(at_ms)?, left - 1);
                    stride = left;
                }
            }
        }
        Some(at_ms)
    }

    /// The window that begins a slide after this one.
    pub fn after(&self, window: Interval) -> Option<Interval> {
        let start_ms = self.slides.assign(window.start_ms)?.end_ms;
        Some(Interval { start_ms, end_ms: self.slides.assign(window.end_ms)?.end_ms })
    }

    /// The first end of a window that is after this time.
    pub fn next_end_ms(&self, time_ms: i64) -> Option<i64> {
        self.slides.next_end_ms(time_ms)
    }

    /// What the stream's control record says of these windows.
    pub fn sizes(&self) -> control::Hop {
        control::Hop::Calendar {
            slide: self.slides.length().to_string(),
            size: self.size.to_string(),
            tz: self.slides.zone().to_string(),
            offset_ms: self.slides.anchor().offset.ms(),
            week_start: self.slides.anchor().told_week_start(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Zone;
    use crate::time::timestamp::{parse_ms, show_ms};
    use proptest::prelude::*;

    fn hop(slide: &str, size: &str) -> Result<CalendarHop, WindowsError> {
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        CalendarHop::new(slide.parse().unwrap(), size.parse().unwrap(), zone)
    }

    #[test]
    fn a_window_is_always_the_same_number_of_slides() {
        for (slide, size) in
            [("1d", "1w"), ("6h", "12h"), ("1mo", "1y"), ("1w", "4w"), ("1d", "1d")]
        {
            assert!(hop(slide, size).is_ok(), "{slide} {size}");
        }
        for (slide, size) in [("1h", "1d"), ("1d", "1mo"), ("1w", "1w3d"), ("2d", "1w")] {
            let why = hop(slide, size).unwrap_err().to_string();
            let expected = format!(
                "in the calendar of Europe/Berlin, {size} is not always the same whole number of {slide}; "
            );
            assert!(why.starts_with(&expected), "{why}");
        }
        for (slide, size) in [("1mo", "1d"), ("2h", "1h"), ("1y", "1mo")] {
            let why = hop(slide, size).unwrap_err().to_string();
            let expected = format!("windows of {size} that begin every {slide} would leave gaps");
            assert!(why.starts_with(&expected), "{why}");
        }
    }

    proptest! {
        /// Where clocks are set, and where they are not, windows are so many slides in a row.
        #[test]
        fn windows_are_slides_in_a_row(near_ms in -90_000_000_i64..90_000_000, change: bool,
                                       lengths in proptest::sample::select(vec![
                                           ("15m", "12h"), ("1h", "6h"), ("6h", "12h"), ("1d", "1w")])) {
            let hop = hop(lengths.0, lengths.1).unwrap();
            let middle = if change { "2024-10-27T01:00:00Z" } else { "2024-07-01T00:00:00Z" };
            let slice = hop.slice(parse_ms(middle).unwrap() + near_ms).unwrap();
            let (mut first, mut last) = (slice, slice);
            for _ in 1..hop.count {
                first = hop.slice(first.start_ms - 1).unwrap();
                last = hop.slice(last.end_ms).unwrap();
            }
            let window = |start_ms, end_ms| Some(Interval { start_ms, end_ms });
            prop_assert_eq!(hop.first(slice), window(first.start_ms, slice.end_ms));
            prop_assert_eq!(hop.last(slice), window(slice.start_ms, last.end_ms));
        }
    }

    /// Windows of 43,200 slides: one step for each of them would take minutes here.
    #[test]
    fn slices_around_a_change_are_found_as_fast_as_others() {
        let hop = hop("1s", "12h").unwrap();
        let change_ms = parse_ms("2024-10-27T01:00:00Z").unwrap();
        for at in -20_000..20_000 {
            let slice = hop.slice(change_ms + at * 1_000).unwrap();
            let (first, last) = (hop.first(slice).unwrap(), hop.last(slice).unwrap());
            assert_eq!(first.end_ms - first.start_ms, 43_200_000);
            assert_eq!(last.end_ms - last.start_ms, 43_200_000);
        }
    }

    #[test]
    fn seven_days_may_have_an_hour_less() {
        let hop = hop("1d", "1w").unwrap();
        let slice = hop.slice(parse_ms("2024-03-31T12:00:00Z").unwrap()).unwrap();
        let shown = |it: Interval| [it.start_ms, it.end_ms].map(show_ms);
        assert_eq!(shown(slice), ["2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"]);
        let first = hop.first(slice).unwrap();
        assert_eq!(shown(first), ["2024-03-24T23:00:00Z", "2024-03-31T22:00:00Z"]);
        let after = hop.after(first).unwrap();
        assert_eq!(shown(after), ["2024-03-25T23:00:00Z", "2024-04-01T22:00:00Z"]);
        let last = hop.last(slice).unwrap();
        assert_eq!(shown(last), ["2024-03-30T23:00:00Z", "2024-04-06T22:00:00Z"]);
    }
}
