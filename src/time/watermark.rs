//! The watermark: how far event time has come.

use super::Duration;

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

    fn behind(&self, greatest_ms: i64) -> i64 {
        greatest_ms.saturating_sub(self.out_of_order_ms).saturating_sub(1)
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
    fn a_window_closes_with_its_last_millisecond() {
        assert!(!closes(9_998, 10_000));
        assert!(closes(9_999, 10_000));
        assert!(closes(i64::MIN, i64::MIN));
    }
}
