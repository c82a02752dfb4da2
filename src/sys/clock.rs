//! The time by the system's clock, which may be set forward or back at any moment.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time now, in microseconds since 1970.
pub fn now_us() -> i64 {
    i64::try_from(since_1970().as_micros()).unwrap_or(i64::MAX)
}

/// The time now that the kernel gives a file that is written, in microseconds since 1970: that of
/// its last tick, a few milliseconds ago. What is written from now on has no earlier time.
pub fn files_now_us() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000)
}

/// The time now, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX)
}

/// Nothing, where the clock shows a time before that.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
