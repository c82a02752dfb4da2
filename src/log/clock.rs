//! The clock, for append times and for what is due.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds in µs.
pub(super) fn us_of_ms(ms: u64) -> i64 {
    i64::try_from(ms.saturating_mul(1000)).unwrap_or(i64::MAX)
}

/// The time now, in µs since the epoch.
pub(super) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
