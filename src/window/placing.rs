//! The records of a stream into their windows, and the watermark behind them.

use super::{Progress, Tumbling, Windows};
use crate::time::timestamp::{MAX_MS, MIN_MS, show_ms};
use crate::time::watermark::{TooFarAhead, check_ahead};
use crate::time::{Duration, Interval};

/// Puts the records of a stream into windows, one record at a time.
///
/// What it says depends on the event times and their order alone, unless it is told how long the
/// input was waited for.
#[derive(Clone, Debug)]
pub struct Placing {
    windows: Windows,
    progress: Progress,
    allowed_lateness_ms: i64,
    max_ahead: Option<Duration>,
    every: Option<Tumbling>,
    /// The slice of the last record, and the hull of its windows: most often also the next one's.
    last: Option<(Interval, Interval)>,
    /// The least watermark that is to be told; none before the first record.
    next_ms: Option<i64>,
}

/// Where a record belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// In this slice, and so in those of [`Windows::of_slice`] that are still open.
    In {
        /// The record's slice.
        slice: Interval,
        /// Those of its windows are closed that end here or before, in milliseconds; not the last
        /// of them.
        closed_ms: i64,
        /// The watermark behind this record, in milliseconds, if it is to be told.
        passed_ms: Option<i64>,
        /// How far the record is behind the greatest event time seen, if it came too late for some
        /// of its windows.
        missed: Option<Duration>,
    },
    /// Nowhere: all its windows have closed.
    Late {
        /// How far the record is behind the greatest event time seen.
        behind: Duration,
    },
}

/// Why a record has no place in the stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misplaced {
    /// Its window cannot be written.
    #[error(transparent)]
    NoWindow(#[from] NoWindow),
    /// It would take the watermark with it.
    #[error(transparent)]
    Ahead(#[from] TooFarAhead),
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
    /// millisecond.
    pub fn new(windows: Windows, progress: Progress) -> Placing {
        Placing {
            windows,
            progress,
            allowed_lateness_ms: 0,
            max_ahead: None,
            every: None,
            last: None,
            next_ms: None,
        }
    }

    /// Lets windows take records until the watermark is so far behind their end.
    #[must_use]
    pub fn lenient(mut self, allowed_lateness: Duration) -> Placing {
        self.allowed_lateness_ms = allowed_lateness.ms();
        self
    }

    /// Refuses records whose times are further ahead of the greatest before them.
    #[must_use]
    pub fn guarded(mut self, max_ahead: Option<Duration>) -> Placing {
        self.max_ahead = max_ahead;
        self
    }

    /// Tells the watermark also when it passes one of the ends of these windows.
    #[must_use]
    pub fn telling_every(mut self, every: Option<Tumbling>) -> Placing {
        self.every = every;
        self
    }

    /// The windows that records are put into.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// Takes the next record by its event time, in milliseconds.
    ///
    /// # Errors
    /// When a window cannot be written, or the time is too far ahead; the record then leaves no
    /// trace.
    // What it returns is as large as what it does.
    #[inline(always)]
    pub fn place(&mut self, time_ms: i64) -> Result<Placed, Misplaced> {
        if self.max_ahead.is_some() {
            check_ahead(time_ms, self.progress.greatest_ms(), self.max_ahead)?;
        }
        let (slice, hull) = self.slice(time_ms).ok_or(NoWindow { time_ms })?;
        let closed_ms = self.closed_ms();
        // Whether a session is late depends on the group's other records.
        let merges = matches!(self.windows, Windows::Session { .. });
        if hull.end_ms <= closed_ms && !merges {
            self.progress.hear();
            return Ok(Placed::Late { behind: self.progress.behind(time_ms) });
        }
        let missed = self.misses(slice, closed_ms) && !merges;
        let missed = missed.then(|| self.progress.behind(time_ms));
        self.progress.observe(time_ms);
        Ok(Placed::In { slice, closed_ms, passed_ms: self.passed_ms(), missed })
    }

    /// A stream begins that has these partitions; none, if it does not tell them apart. Gives the
    /// watermark if it is to be told, as all of these do.
    pub fn begin(&mut self, partitions: &[u32]) -> Option<i64> {
        self.progress.begin(partitions);
        self.passed_ms()
    }

    /// The records that come now are of this partition.
    pub fn turn_to(&mut self, partition: u32) {
        self.progress.turn_to(partition);
    }

    /// Nothing more comes of this partition.
    pub fn end(&mut self, partition: u32) -> Option<i64> {
        self.progress.end(partition);
        self.passed_ms()
    }

    /// Input was waited for so long.
    pub fn wait(&mut self, time: Duration) -> Option<i64> {
        self.progress.wait(time);
        self.passed_ms()
    }

    /// How long input can be waited for until the watermark may move by that alone: forever, if
    /// there is none.
    pub fn patience(&self) -> Option<Duration> {
        self.progress.patience(self.next_ms.unwrap_or(i64::MIN))
    }

    /// The slice of a time, and the hull of its windows; none if that cannot be written.
    fn slice(&mut self, time_ms: i64) -> Option<(Interval, Interval)> {
        let same = |(slice, _): &(Interval, Interval)| {
            slice.start_ms <= time_ms
                && time_ms < slice.end_ms
                && !matches!(self.windows, Windows::Session { .. })
        };
        if let Some(last) = self.last.filter(same) {
            return Some(last);
        }
        let slice = self.windows.slice(time_ms)?;
        let hull = self.windows.hull(slice)?;
        if hull.start_ms < MIN_MS || hull.end_ms > MAX_MS {
            return None;
        }
        self.last = Some((slice, hull));
        self.last
    }

    /// Whether a window that has this slice is closed.
    fn misses(&self, slice: Interval, closed_ms: i64) -> bool {
        // No window ends before its slices do: for a record in time this is one comparison.
        slice.end_ms <= closed_ms
            && self
                .windows
                .next_of_slice(slice, i64::MIN)
                .is_some_and(|first| first.end_ms <= closed_ms)
    }

    /// Windows that end here or before are closed.
    fn closed_ms(&self) -> i64 {
        self.progress.at_ms().map_or(i64::MIN, |at_ms| {
            // A window is open as long as its end − 1 + the lateness is above the watermark.
            at_ms.saturating_add(1).saturating_sub(self.allowed_lateness_ms)
        })
    }

    /// The watermark, if it has passed something that it is told for since it was last asked for.
    fn passed_ms(&mut self) -> Option<i64> {
        let at_ms = self.progress.at_ms()?;
        if self.next_ms.is_some_and(|next_ms| at_ms < next_ms) {
            return None;
        }
        self.next_ms = Some(self.next_after(at_ms));
        Some(at_ms)
    }

    /// The least watermark above this one that is to be told.
    fn next_after(&self, at_ms: i64) -> i64 {
        // A window that ends at e closes at e − 1: so the first end after at + 1 is what counts.
        // No window begins before the years that can be written.
        let behind_ms = at_ms.saturating_add(1).max(MIN_MS);
        let ends_ms = self.windows.next_end_ms(behind_ms);
        let lateness_ms = self.allowed_lateness_ms;
        let last_ms = (lateness_ms > 0)
            .then(|| behind_ms.saturating_sub(lateness_ms).max(MIN_MS))
            .and_then(|behind_ms| self.windows.next_end_ms(behind_ms))
            .map(|end_ms| end_ms.saturating_add(lateness_ms));
        let every_ms = self.every.and_then(|every| Some(every.assign(behind_ms)?.end_ms));
        let next_ms = [ends_ms, last_ms, every_ms].into_iter().flatten().min();
        next_ms.map_or(i64::MAX, |end_ms| end_ms.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Frame, Length};
    use super::*;
    use crate::time::Shift;
    use crate::time::watermark::closes;
    use proptest::prelude::*;

    fn duration(ms: i64) -> Duration {
        Duration::from_ms(ms).unwrap()
    }

    fn progress(out_of_order_ms: i64) -> Progress {
        Progress::new(duration(out_of_order_ms))
    }

    fn length(ms: i64) -> Length {
        Length::Time(duration(ms))
    }

    fn placing(size_ms: i64, out_of_order_ms: i64) -> Placing {
        let windows = Windows::tumbling(length(size_ms), Frame::default()).unwrap();
        Placing::new(windows, progress(out_of_order_ms))
    }

    /// What is said of a record, without what is closed of its windows.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Said {
        Within(i64, i64, Option<i64>),
        Late(i64),
        NoWindow(i64),
        Ahead,
    }

    fn said(placing: &mut Placing, time_ms: i64) -> Said {
        match placing.place(time_ms) {
            Ok(Placed::In { slice, passed_ms, .. }) => {
                Said::Within(slice.start_ms, slice.end_ms, passed_ms)
            }
            Ok(Placed::Late { behind }) => Said::Late(behind.ms()),
            Err(Misplaced::NoWindow(NoWindow { time_ms })) => Said::NoWindow(time_ms),
            Err(Misplaced::Ahead(_)) => Said::Ahead,
        }
    }

    #[test]
    fn a_window_closes_when_the_watermark_reaches_its_last_millisecond() {
        let mut placing = placing(10, 5);
        // At −20 the watermark is −12: the last millisecond of the first window, −11, is still open.
        for (time_ms, expected) in [
            (-11, Said::Within(-20, -10, Some(-17))),
            (-6, Said::Within(-10, 0, None)),
            (-20, Said::Within(-20, -10, None)),
            (-5, Said::Within(-10, 0, Some(-11))),
            (-11, Said::Late(6)),
            (-10, Said::Within(-10, 0, None)),
            (25, Said::Within(20, 30, Some(19))),
            (19, Said::Late(6)),
            (20, Said::Within(20, 30, None)),
        ] {
            assert_eq!(said(&mut placing, time_ms), expected, "{time_ms}");
        }
    }

    #[test]
    fn a_record_without_a_window_leaves_no_trace() {
        let mut placing = placing(1_000, 0);
        assert_eq!(said(&mut placing, MAX_MS), Said::NoWindow(MAX_MS));
        assert_eq!(said(&mut placing, 0), Said::Within(0, 1_000, Some(-1)));
        let text = NoWindow { time_ms: MAX_MS }.to_string();
        let expected =
            "the window of 9999-12-31T23:59:59.999Z reaches beyond the years 0000 to 9999";
        assert_eq!(text, expected);
        let hop = Windows::hop(length(1), length(10), Frame::default()).unwrap();
        let mut placing = Placing::new(hop, progress(0));
        assert_eq!(said(&mut placing, MIN_MS + 8), Said::NoWindow(MIN_MS + 8));
        assert_eq!(
            said(&mut placing, MIN_MS + 9),
            Said::Within(MIN_MS + 9, MIN_MS + 10, Some(MIN_MS + 8))
        );
    }

    #[test]
    fn a_record_too_far_ahead_leaves_no_trace() {
        let mut placing = placing(10, 0).guarded(Some(duration(100)));
        // Nothing is known before the first.
        assert_eq!(said(&mut placing, 1_000), Said::Within(1_000, 1_010, Some(999)));
        assert_eq!(said(&mut placing, 1_101), Said::Ahead);
        assert_eq!(said(&mut placing, 1_100), Said::Within(1_100, 1_110, Some(1_099)));
        assert_eq!(said(&mut placing, 1_200), Said::Within(1_200, 1_210, Some(1_199)));
        // A quiet stream goes on as the clock does.
        let windows = Windows::tumbling(length(10), Frame::default()).unwrap();
        let progress = progress(0).idling(Some(duration(50)));
        let mut placing = Placing::new(windows, progress).guarded(Some(duration(100)));
        assert_eq!(said(&mut placing, 0), Said::Within(0, 10, Some(-1)));
        assert_eq!(said(&mut placing, 500), Said::Ahead);
        placing.wait(duration(450));
        assert_eq!(said(&mut placing, 500), Said::Within(500, 510, Some(499)));
    }

    #[test]
    fn a_session_is_never_late_here_and_every_move_is_told() {
        let windows = Windows::session(duration(10)).unwrap();
        let mut placing = Placing::new(windows, progress(0));
        assert_eq!(said(&mut placing, 100), Said::Within(100, 110, Some(99)));
        assert_eq!(said(&mut placing, 0), Said::Within(0, 10, None));
        assert_eq!(said(&mut placing, 100), Said::Within(100, 110, None));
        assert_eq!(said(&mut placing, 101), Said::Within(101, 111, Some(100)));
    }

    #[test]
    fn what_moves_the_watermark_beside_records_is_told() {
        let windows = Windows::tumbling(length(10), Frame::default()).unwrap();
        let progress = progress(0).idling(Some(duration(1_000)));
        let mut placing = Placing::new(windows, progress);
        assert_eq!(placing.begin(&[0, 1]), None);
        placing.turn_to(0);
        assert_eq!(said(&mut placing, 25), Said::Within(20, 30, None));
        // The other partition may still bring anything.
        placing.turn_to(1);
        assert_eq!(said(&mut placing, -5), Said::Within(-10, 0, Some(-6)));
        assert_eq!(placing.end(1), Some(24));
        assert_eq!(said(&mut placing, 19), Said::Late(6));
        assert_eq!(placing.patience(), Some(duration(1_000)));
        assert_eq!(placing.wait(duration(999)), None);
        assert_eq!(placing.wait(duration(1)), Some(1_024));
        placing.turn_to(0);
        assert_eq!(said(&mut placing, 1_019), Said::Late(6));
    }

    fn some_windows() -> impl Strategy<Value = Windows> {
        let offset = || (-30_i64..30).prop_map(|ms| Frame::from(Shift::from_ms(ms)));
        prop_oneof![
            (1_i64..40, offset()).prop_map(|(size, offset)| Windows::tumbling(
                length(size),
                offset
            )
            .unwrap()),
            (1_i64..20, 0_i64..30, offset()).prop_map(|(slide, more, offset)| {
                Windows::hop(length(slide), length(slide + more), offset).unwrap()
            }),
            (1_i64..10, 1_i64..6, offset()).prop_map(|(step, times, offset)| {
                Windows::cumulate(length(step), length(step * times), offset).unwrap()
            }),
        ]
    }

    proptest! {
        /// Against a plain model that keeps all times and works everything out anew each time.
        #[test]
        fn agrees_with_a_plain_model(times in proptest::collection::vec(-200_i64..200, 0..60),
                                     windows in some_windows(), out_of_order_ms in 0_i64..40,
                                     lateness_ms in prop_oneof![Just(0), 1_i64..40],
                                     every_ms in prop_oneof![Just(None), (1_i64..40).prop_map(Some)]) {
            let every = every_ms
                .map(|every_ms| Tumbling::new(duration(every_ms), Shift::default()).unwrap());
            let mut placing = Placing::new(windows.clone(), progress(out_of_order_ms))
                .lenient(duration(lateness_ms))
                .telling_every(every);
            // All ends of windows that there are, by trying each time.
            let mut ends: Vec<i64> = (-600..600)
                .flat_map(|at| windows.of_slice(windows.slice(at).unwrap()).collect::<Vec<_>>())
                .map(|window| window.end_ms)
                .collect();
            ends.sort_unstable();
            ends.dedup();
            let told: Vec<i64> = (-500..500).filter(|at| {
                ends.binary_search(at).is_ok()
                    || ends.binary_search(&(at - lateness_ms)).is_ok()
                    || every_ms.is_some_and(|every_ms| at % every_ms == 0)
            }).collect();
            let mut taken: Vec<i64> = Vec::new();
            for time_ms in times {
                let mark = |taken: &[i64]| taken.iter().max().map(|max| max - out_of_order_ms - 1);
                let passed = |mark: Option<i64>| mark.map(|mark| {
                    told.iter().filter(|end_ms| closes(mark, **end_ms)).count()
                });
                let before = mark(&taken);
                let slice = windows.slice(time_ms).unwrap();
                let open = |window: &Interval| {
                    before.is_none_or(|mark| window.end_ms - 1 + lateness_ms > mark)
                };
                let open: Vec<Interval> = windows.of_slice(slice).filter(open).collect();
                match placing.place(time_ms).unwrap() {
                    Placed::Late { behind } => {
                        prop_assert!(open.is_empty());
                        prop_assert_eq!(behind.ms(), taken.iter().max().unwrap() - time_ms);
                    }
                    Placed::In { slice: put, closed_ms, passed_ms, missed } => {
                        prop_assert_eq!(put, slice);
                        let some_closed = open.len() < windows.of_slice(slice).count();
                        let behind_ms = || taken.iter().max().unwrap() - time_ms;
                        prop_assert_eq!(missed.map(Duration::ms), some_closed.then(behind_ms));
                        let left = windows.of_slice(slice).filter(|it| it.end_ms > closed_ms);
                        prop_assert_eq!(left.collect::<Vec<_>>(), open.clone());
                        prop_assert!(!open.is_empty());
                        taken.push(time_ms);
                        let after = mark(&taken);
                        let tells = passed(before) != passed(after);
                        prop_assert_eq!(passed_ms, after.filter(|_| tells));
                    }
                }
            }
        }
    }
}
