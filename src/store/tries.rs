//! Trying again and again: with what pauses, and how long.

use std::time::{Duration, Instant};

/// The first pause between two tries, and the longest: each is twice the one before.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Pauses between tries, each longer than the one before, up to a deadline.
#[derive(Debug)]
pub struct Tries {
    end: Option<Instant>,
    pause: Duration,
}

impl Tries {
    /// Tries for so long.
    pub fn within(patience: Duration) -> Tries {
        // Longer than any clock runs is for ever.
        Tries { end: Instant::now().checked_add(patience), pause: PAUSE_MIN }
    }

    /// How long the next pause is; none if time is up.
    pub fn next_pause(&mut self) -> Option<Duration> {
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return None;
        }
        let pause = left.map_or(self.pause, |left| self.pause.min(left));
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut tries = Tries::within(Duration::from_secs(3600));
        let pauses: Vec<Duration> = std::iter::from_fn(|| tries.next_pause()).take(12).collect();
        assert_eq!(pauses.first(), Some(&PAUSE_MIN));
        assert_eq!(pauses.last(), Some(&PAUSE_MAX));
        assert!(pauses.is_sorted());
        assert_eq!(Tries::within(Duration::ZERO).next_pause(), None);
        assert!(Tries::within(Duration::MAX).next_pause().is_some());
    }
}
