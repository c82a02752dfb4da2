//! How fast a client must send or take what holds memory that others wait for.

use std::time::{Duration, Instant};

use super::limits::RATE_MIN;

/// How fast bytes come, or go.
pub(super) struct Pace {
    stall: Duration,
    /// When it was last looked at, and how many bytes there were then.
    since: Instant,
    bytes: usize,
}

impl Pace {
    /// From now on; looked at once in every `stall`.
    pub fn new(stall: Duration) -> Pace {
        Pace { stall, since: Instant::now(), bytes: 0 }
    }

    /// Whether a stall has passed in which fewer bytes came than [`RATE_MIN`]
    /// asks for; `bytes` are all that have come.
    pub fn is_slow(&mut self, bytes: usize) -> bool {
        if self.since.elapsed() < self.stall {
            return false;
        }
        let came = bytes - std::mem::replace(&mut self.bytes, bytes);
        self.since = Instant::now();
        // Silence is too slow, however short a stall is.
        let least = u128::from(RATE_MIN) * self.stall.as_millis() / 1000;
        (came as u128) < least.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_trickles_is_slow_once_in_a_stall() {
        let mut pace = Pace::new(Duration::from_secs(1));
        assert!(!pace.is_slow(0));
        pace.since -= Duration::from_secs(1);
        assert!(pace.is_slow(1000));
        // Looked at again only after another stall.
        assert!(!pace.is_slow(1000));
        pace.since -= Duration::from_secs(1);
        assert!(!pace.is_slow(1000 + (1 << 20)));
    }
}
