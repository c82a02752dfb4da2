//! The log's clock: for append times, and for what is due when. Tests can set it.

use crate::sys::clock;

/// The time now, in µs since the epoch. It may jump either way: nothing may count on less than that
/// it is right most of the time.
pub(super) fn now_us() -> i64 {
    let now_us = clock::now_us();
    #[cfg(test)]
    let now_us = test::shifted(now_us);
    now_us
}

/// Milliseconds in µs.
pub(super) fn us_of_ms(ms: u64) -> i64 {
    i64::try_from(ms.saturating_mul(1000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(super) mod test {
    use std::cell::Cell;

    thread_local! {
        static SHIFT_US: Cell<i64> = const { Cell::new(0) };
    }

    /// Sets the clock of this thread forward, or back, from the true time.
    pub fn shift_us(us: i64) {
        SHIFT_US.set(us);
    }

    pub fn shifted(now_us: i64) -> i64 {
        now_us + SHIFT_US.get()
    }
}
