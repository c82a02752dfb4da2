//! The watermark: how far event time has come.

/// Follows the event times of a stream (SEMANTICS: Flink's `BoundedOutOfOrdernessWatermarks`).
///
/// A watermark of `w` says that no record with an event time of `w` or before is expected any more.
/// It is the greatest event time seen, less the disorder that is allowed for, less a millisecond;
/// it never goes back, and it follows records only, never a clock.
#[derive(Clone, Copy, Debug)]
pub struct Watermark {
    out_of_order_ms: i64,
    at_ms: Option<i64>,
}

impl Watermark {
    /// A watermark that allows records to be up to `out_of_order` late.
    pub fn new(out_of_order: super::Duration) -> Watermark {
        Watermark { out_of_order_ms: out_of_order.ms(), at_ms: None }
    }

    /// Takes note of a record's event time; gives the watermark behind that record.
    pub fn observe(&mut self, time_ms: i64) -> i64 {
        let follows = time_ms.saturating_sub(self.out_of_order_ms).saturating_sub(1);
        let at_ms = self.at_ms.map_or(follows, |at_ms| at_ms.max(follows));
        self.at_ms = Some(at_ms);
        at_ms
    }

    /// The watermark; none before the first record.
    pub fn at_ms(&self) -> Option<i64> {
        self.at_ms
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
    use crate::time::Duration;

    #[test]
    fn follows_the_greatest_time_and_never_goes_back() {
        let mut watermark = Watermark::new(Duration::from_ms(5_000).unwrap());
        assert_eq!(watermark.at_ms(), None);
        assert_eq!(watermark.observe(10_000), 4_999);
        assert_eq!(watermark.observe(-70_000), 4_999);
        assert_eq!(watermark.observe(10_001), 5_000);
        assert_eq!(watermark.at_ms(), Some(5_000));
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
