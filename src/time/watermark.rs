//! The watermark: how far event time has come.

use super::Duration;
use super::timestamp::{load_ms, show_ms};
use crate::state::{Reader, StateError, Writer};

/// Follows the event times of a stream (SEMANTICS: Flink's `BoundedOutOfOrdernessWatermarks`).
///
/// A watermark of `w` says that no record with an event time of `w` or before is expected any more.
/// It is the greatest event time seen, less the disorder that is allowed for, less a millisecond;
/// it never goes back, and it follows records only, never a clock.
#[derive(Clone, Copy, Debug)]
pub struct Watermark {
    out_of_order_ms: i64,
    greatest_ms: Option<i64>,
}

impl Watermark {
    /// A watermark that allows a record to come `out_of_order` behind the greatest event time.
    pub fn new(out_of_order: Duration) -> Watermark {
        Watermark { out_of_order_ms: out_of_order.ms(), greatest_ms: None }
    }

    /// Takes note of a record's event time; gives the watermark behind that record.
    pub fn observe(&mut self, time_ms: i64) -> i64 {
        let greatest_ms = self.greatest_ms.map_or(time_ms, |greatest_ms| greatest_ms.max(time_ms));
        self.greatest_ms = Some(greatest_ms);
        self.behind(greatest_ms)
    }

    /// The watermark in milliseconds since the epoch; none before the first record.
    pub fn at_ms(&self) -> Option<i64> {
        self.greatest_ms.map(|greatest_ms| self.behind(greatest_ms))
    }

    /// The greatest event time seen, in milliseconds since the epoch; none before the first record.
    pub fn greatest_ms(&self) -> Option<i64> {
        self.greatest_ms
    }

    /// Saves how far event time has come.
    pub fn save(&self, to: &mut Writer) {
        to.put_option(self.greatest_ms, Writer::put_i64);
    }

    /// Restores a watermark that [`Watermark::save`] saved, with the disorder that it allows for.
    ///
    /// # Errors
    /// When it is none.
    pub fn load(out_of_order: Duration, from: &mut Reader<'_>) -> Result<Watermark, StateError> {
        let greatest_ms = from.take_option(load_ms)?;
        Ok(Watermark { greatest_ms, ..Watermark::new(out_of_order) })
    }

    fn behind(&self, greatest_ms: i64) -> i64 {
        greatest_ms.saturating_sub(self.out_of_order_ms).saturating_sub(1)
    }
}

/// A time that is too far ahead of all before it to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the time {} is {ahead} ahead of the maximum so far, {}; --max-ahead {most} allows no more",
    show_ms(*.time_ms),
    show_ms(*.greatest_ms)
)]
pub struct TooFarAhead {
    /// The time, in milliseconds since the epoch.
    pub time_ms: i64,
    /// The greatest before it, in milliseconds since the epoch.
    pub greatest_ms: i64,
    /// By how much it is ahead.
    pub ahead: Duration,
    /// By how much it may be.
    pub most: Duration,
}

/// Checks that a time is at most so far ahead of the greatest before it: otherwise a single wrong
/// one would make all that come behind it late.
///
/// # Errors
/// When it is further ahead.
pub fn check_ahead(
    time_ms: i64,
    greatest_ms: Option<i64>,
    most: Option<Duration>,
) -> Result<(), TooFarAhead> {
    let (Some(greatest_ms), Some(most)) = (greatest_ms, most) else { return Ok(()) };
    match Duration::from_ms(time_ms.saturating_sub(greatest_ms)) {
        Some(ahead) if ahead > most => Err(TooFarAhead { time_ms, greatest_ms, ahead, most }),
        _ => Ok(()),
    }
}

/// Whether a watermark closes a window that ends at `end_ms`, which is the first millisecond
/// outside it: the window's last millisecond is what the watermark must have reached.
pub fn closes(watermark_ms: i64, end_ms: i64) -> bool {
    end_ms.saturating_sub(1) <= watermark_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_greatest_time_and_never_goes_back() {
        let mut watermark = Watermark::new(Duration::from_ms(5_000).unwrap());
        assert_eq!((watermark.at_ms(), watermark.greatest_ms()), (None, None));
        assert_eq!(watermark.observe(10_000), 4_999);
        assert_eq!(watermark.observe(-70_000), 4_999);
        assert_eq!(watermark.observe(10_001), 5_000);
        assert_eq!((watermark.at_ms(), watermark.greatest_ms()), (Some(5_000), Some(10_001)));
    }

    #[test]
    fn saturates_at_the_ends_of_time() {
        let mut watermark = Watermark::new(Duration::from_ms(i64::MAX).unwrap());
        assert_eq!(watermark.observe(i64::MIN), i64::MIN);
        assert_eq!(watermark.observe(i64::MAX), -1);
    }

    #[test]
    fn a_time_may_be_so_far_ahead() {
        let day = Duration::from_ms(86_400_000);
        assert_eq!(check_ahead(86_400_001, None, day), Ok(()));
        assert_eq!(check_ahead(i64::MAX, Some(0), None), Ok(()));
        assert_eq!(check_ahead(86_400_000, Some(0), day), Ok(()));
        assert_eq!(check_ahead(i64::MIN, Some(i64::MAX), day), Ok(()));
        let error = check_ahead(172_800_000, Some(0), day).unwrap_err().to_string();
        assert_eq!(
            error,
            "the time 1970-01-03T00:00:00Z is 2d ahead of the maximum so far, 1970-01-01T00:00:00Z; --max-ahead 1d allows no more"
        );
    }

    #[test]
    fn a_window_closes_with_its_last_millisecond() {
        assert!(!closes(9_998, 10_000));
        assert!(closes(9_999, 10_000));
        assert!(closes(i64::MIN, i64::MIN));
    }
}
