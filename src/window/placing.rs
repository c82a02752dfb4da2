//! The records of a stream into their windows, and the watermark behind them.

use super::Tumbling;
use crate::time::timestamp::{MAX_MS, MIN_MS, show_ms};
use crate::time::watermark::{Watermark, closes};
use crate::time::{Duration, Interval};

/// Puts the records of a stream into windows, one record at a time.
///
/// What it says depends on the event times and their order alone.
#[derive(Clone, Debug)]
pub struct Placing {
    windows: Tumbling,
    watermark: Watermark,
    /// The first window end that the watermark has not passed; none before the first record.
    next_end_ms: Option<i64>,
}

/// Where a record belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// In this window.
    In {
        /// The record's window, still open.
        window: Interval,
        /// The watermark behind this record, in milliseconds, if the record has moved it past the
        /// end of at least one window.
        passed_ms: Option<i64>,
    },
    /// Nowhere: its window has closed.
    Late {
        /// How far the record is behind the greatest event time seen.
        behind: Duration,
    },
}

/// A time whose window starts or ends where no time can be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the window of {} reaches beyond the years 0000 to 9999", show_ms(*.time_ms))]
pub struct NoWindow {
    /// The event time, in milliseconds since the epoch.
    pub time_ms: i64,
}

impl Placing {
    /// Puts records into `windows`, of which each closes when the watermark reaches its last
    /// millisecond; records may come `out_of_order` behind the greatest event time.
    pub fn new(windows: Tumbling, out_of_order: Duration) -> Placing {
        Placing { windows, watermark: Watermark::new(out_of_order), next_end_ms: None }
    }

    /// Takes the next record by its event time, in milliseconds.
    ///
    /// # Errors
    /// When the window cannot be written; the record then leaves no trace.
    pub fn place(&mut self, time_ms: i64) -> Result<Placed, NoWindow> {
        let window = self
            .windows
            .assign(time_ms)
            .filter(|window| window.start_ms >= MIN_MS && window.end_ms <= MAX_MS)
            .ok_or(NoWindow { time_ms })?;
        if self.watermark.at_ms().is_some_and(|at_ms| closes(at_ms, window.end_ms)) {
            return Ok(Placed::Late { behind: self.behind(time_ms) });
        }
        let at_ms = self.watermark.observe(time_ms);
        Ok(Placed::In { window, passed_ms: self.passes_an_end(at_ms).then_some(at_ms) })
    }

    /// Whether the watermark has passed a window's end since it was last asked for.
    fn passes_an_end(&mut self, at_ms: i64) -> bool {
        if self.next_end_ms.is_some_and(|end_ms| !closes(at_ms, end_ms)) {
            return false;
        }
        // The first window that is not closed holds the millisecond behind the watermark.
        let open = self.windows.assign(at_ms.saturating_add(1));
        self.next_end_ms = Some(open.map_or(i64::MAX, |window| window.end_ms));
        true
    }

    fn behind(&self, time_ms: i64) -> Duration {
        let greatest_ms = self.watermark.greatest_ms().unwrap_or(time_ms);
        Duration::from_ms(greatest_ms.saturating_sub(time_ms)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Shift;
    use proptest::prelude::*;

    fn placing(size_ms: i64, out_of_order_ms: i64) -> Placing {
        let duration = |ms| Duration::from_ms(ms).unwrap();
        Placing::new(
            Tumbling::new(duration(size_ms), Shift::default()).unwrap(),
            duration(out_of_order_ms),
        )
    }

    fn within(start_ms: i64, end_ms: i64, passed_ms: Option<i64>) -> Result<Placed, NoWindow> {
        Ok(Placed::In { window: Interval { start_ms, end_ms }, passed_ms })
    }

    fn late(behind_ms: i64) -> Result<Placed, NoWindow> {
        Ok(Placed::Late { behind: Duration::from_ms(behind_ms).unwrap() })
    }

    #[test]
    fn a_window_closes_when_the_watermark_reaches_its_last_millisecond() {
        let mut placing = placing(10, 5);
        assert_eq!(placing.place(-11), within(-20, -10, Some(-17)));
        assert_eq!(placing.place(-6), within(-10, 0, None));
        // The watermark is −12 now: the last millisecond of the first window, −11, is still open.
        assert_eq!(placing.place(-20), within(-20, -10, None));
        assert_eq!(placing.place(-5), within(-10, 0, Some(-11)));
        assert_eq!(placing.place(-11), late(6));
        assert_eq!(placing.place(-10), within(-10, 0, None));
        assert_eq!(placing.place(25), within(20, 30, Some(19)));
        assert_eq!(placing.place(19), late(6));
        assert_eq!(placing.place(20), within(20, 30, None));
    }

    #[test]
    fn a_record_without_a_window_leaves_no_trace() {
        let mut placing = placing(1_000, 0);
        assert_eq!(placing.place(MAX_MS), Err(NoWindow { time_ms: MAX_MS }));
        assert_eq!(placing.place(0), within(0, 1_000, Some(-1)));
        let text = NoWindow { time_ms: MAX_MS }.to_string();
        let expected =
            "the window of 9999-12-31T23:59:59.999Z reaches beyond the years 0000 to 9999";
        assert_eq!(text, expected);
    }

    proptest! {
        /// Against a plain model that keeps all times and works everything out anew each time.
        #[test]
        fn agrees_with_a_plain_model(times in proptest::collection::vec(-200_i64..200, 0..60),
                                     size_ms in 1_i64..40, out_of_order_ms in 0_i64..40) {
            let mut placing = placing(size_ms, out_of_order_ms);
            let mut taken: Vec<i64> = Vec::new();
            for time_ms in times {
                let mark = |taken: &[i64]| taken.iter().max().map(|max| max - out_of_order_ms - 1);
                let ends_passed = |mark: Option<i64>| mark.map(|mark| {
                    (-600..=mark + 1).filter(|end| end.rem_euclid(size_ms) == 0).count()
                });
                let before = mark(&taken);
                let start_ms = (-600..=time_ms).rev().find(|at| at.rem_euclid(size_ms) == 0).unwrap();
                let end_ms = start_ms + size_ms;
                let expected = if before.is_some_and(|mark| end_ms - 1 <= mark) {
                    late(taken.iter().max().unwrap() - time_ms)
                } else {
                    taken.push(time_ms);
                    let after = mark(&taken);
                    let passed = ends_passed(before) != ends_passed(after);
                    within(start_ms, end_ms, after.filter(|_| passed))
                };
                prop_assert_eq!(placing.place(time_ms), expected);
            }
        }
    }
}
