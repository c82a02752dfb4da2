//! When records are due that are replayed at a pace: so many a second, or as far apart as their
//! times are.
//!
//! Times of the replay are durations since its beginning, which the caller measures.

use std::time::Duration;

/// How far a replay may be late and catch up. After a longer stall, the rest comes later, and not
/// all at once.
const CATCH_UP: Duration = Duration::from_millis(100);

/// How far apart records are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many a second, more than 0.
    Rate(f64),
    /// As their times are, divided by a factor, more than 0; but never further than `gap_max`.
    Speed {
        /// What the time between two records is divided by.
        factor: f64,
        /// The longest wait between two records.
        gap_max: Duration,
    },
}

/// When the records of a replay are due, one after the other.
#[derive(Debug)]
pub struct Schedule {
    pace: Pace,
    /// When the record before was due.
    due: Option<Duration>,
    /// The greatest time of a record so far, in microseconds.
    newest_us: Option<i64>,
}

impl Schedule {
    /// A replay that has not begun.
    pub fn new(pace: Pace) -> Schedule {
        Schedule { pace, due: None, newest_us: None }
    }

    /// When the next record is due, as it is `now`; the first one is due at once.
    ///
    /// A record without a time comes with the one before it, and so does one whose time is not
    /// later. Only a rate needs no times.
    pub fn next(&mut self, time_us: Option<i64>, now: Duration) -> Duration {
        let gap = self.gap(time_us);
        let due = match self.due {
            Some(before) => before.saturating_add(gap).max(now.saturating_sub(CATCH_UP)),
            None => now,
        };
        self.due = Some(due);
        due
    }

    /// The next record is of the live end of what is replayed: it is due at once, and those after
    /// it follow from there; but a rate holds.
    pub fn next_live(&mut self, time_us: Option<i64>, now: Duration) -> Duration {
        if let Pace::Rate(_) = self.pace {
            return self.next(time_us, now);
        }
        self.newest_us = self.newest_us.max(time_us);
        self.due = Some(now);
        now
    }

    fn gap(&mut self, time_us: Option<i64>) -> Duration {
        match self.pace {
            Pace::Rate(rate) => Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX),
            Pace::Speed { factor, gap_max } => {
                let newest = self.newest_us;
                self.newest_us = newest.max(time_us);
                let (Some(time), Some(newest)) = (time_us, newest) else { return Duration::ZERO };
                let apart_us = u64::try_from(time.saturating_sub(newest)).unwrap_or(0);
                let apart = Duration::from_micros(apart_us).as_secs_f64() / factor;
                Duration::try_from_secs_f64(apart).map_or(gap_max, |gap| gap.min(gap_max))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP_MAX: Duration = Duration::from_secs(5);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// When records of these times are due, if nothing holds the replay up.
    fn dues(pace: Pace, times_ms: &[Option<i64>]) -> Vec<u128> {
        let mut schedule = Schedule::new(pace);
        let mut now = ms(70);
        let due = |time: &Option<i64>| {
            now = schedule.next(time.map(|ms| ms * 1000), now);
            now.as_millis()
        };
        times_ms.iter().map(due).collect()
    }

    #[test]
    fn gaps_are_divided_and_never_longer_than_the_longest() {
        let pace = Pace::Speed { factor: 10.0, gap_max: GAP_MAX };
        let times =
            [Some(-500), Some(500), Some(600), Some(600), Some(60_600), Some(i64::MAX / 1000)];
        assert_eq!(dues(pace, &times), [70, 170, 180, 180, 5180, 10_180]);
        let slow = Pace::Speed { factor: 0.5, gap_max: GAP_MAX };
        assert_eq!(dues(slow, &[Some(0), Some(100)]), [70, 270]);
        let tiny = Pace::Speed { factor: f64::MIN_POSITIVE, gap_max: GAP_MAX };
        assert_eq!(dues(tiny, &[Some(0), Some(1)]), [70, 5070]);
    }

    #[test]
    fn what_is_not_later_than_all_before_comes_at_once() {
        let pace = Pace::Speed { factor: 1.0, gap_max: GAP_MAX };
        let times = [None, Some(1000), Some(400), None, Some(1100)];
        assert_eq!(dues(pace, &times), [70, 70, 70, 70, 170]);
    }

    #[test]
    fn a_rate_needs_no_times() {
        let times = [None, Some(5_000_000), None, None];
        assert_eq!(dues(Pace::Rate(100.0), &times), [70, 80, 90, 100]);
    }

    #[test]
    fn what_is_live_is_due_at_once_unless_there_is_a_rate() {
        let mut schedule = Schedule::new(Pace::Speed { factor: 1.0, gap_max: GAP_MAX });
        assert_eq!(schedule.next(Some(0), ms(0)), ms(0));
        assert_eq!(schedule.next_live(Some(4_000_000), ms(4000)), ms(4000));
        assert_eq!(schedule.next(Some(4_500_000), ms(4000)), ms(4500));
        let mut schedule = Schedule::new(Pace::Rate(2.0));
        assert_eq!(schedule.next(None, ms(0)), ms(0));
        assert_eq!(schedule.next_live(None, ms(100)), ms(500));
    }

    #[test]
    fn a_short_delay_is_made_up_for_and_a_long_one_is_not() {
        let mut schedule = Schedule::new(Pace::Rate(100.0));
        assert_eq!(schedule.next(None, ms(0)), ms(0));
        assert_eq!(schedule.next(None, ms(50)), ms(10));
        assert_eq!(schedule.next(None, ms(50)), ms(20));
        assert_eq!(schedule.next(None, ms(9000)), ms(8900));
        assert_eq!(schedule.next(None, ms(9000)), ms(8910));
    }
}
