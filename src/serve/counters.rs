//! What the daemon counts of connections since it began, and of what it refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::api::error::Code;
use crate::sys::clock::now_us;

/// The counters of the daemon.
#[derive(Debug)]
pub(super) struct Counters {
    /// When the daemon began, by the clock on the wall, in µs since the epoch.
    pub started_us: i64,
    /// And by one that nobody sets.
    pub started: Instant,
    pub connections_taken: AtomicU64,
    pub connections_most: AtomicU64,
    /// In the order of [`Code::ALL`].
    refused: [AtomicU64; Code::ALL.len()],
}

impl Counters {
    /// All at nothing; the daemon begins now.
    pub fn new() -> Counters {
        Counters {
            started_us: now_us(),
            started: Instant::now(),
            connections_taken: AtomicU64::new(0),
            connections_most: AtomicU64::new(0),
            refused: [const { AtomicU64::new(0) }; Code::ALL.len()],
        }
    }

    /// A connection was taken, and now there are so many.
    pub fn note_connection(&self, now: usize) {
        self.connections_taken.fetch_add(1, Ordering::Relaxed);
        self.connections_most.fetch_max(now as u64, Ordering::Relaxed);
    }

    /// A request was refused.
    pub fn note_refused(&self, code: Code) {
        let at = Code::ALL.iter().position(|known| *known == code);
        if let Some(count) = at.and_then(|at| self.refused.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many requests were refused, by code, as far as any were.
    pub fn refused(&self) -> impl Iterator<Item = (Code, u64)> {
        let counts = self.refused.iter().map(|count| count.load(Ordering::Relaxed));
        Code::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_counted_by_code() {
        let counters = Counters::new();
        for code in [Code::ShuttingDown, Code::BadRequest, Code::ShuttingDown, Code::Unknown] {
            counters.note_refused(code);
        }
        let refused: Vec<_> = counters.refused().collect();
        assert_eq!(refused, [(Code::BadRequest, 1), (Code::ShuttingDown, 2)]);
    }

    #[test]
    fn the_most_connections_are_kept() {
        let counters = Counters::new();
        [1, 3, 2].into_iter().for_each(|now| counters.note_connection(now));
        assert_eq!(counters.connections_taken.into_inner(), 3);
        assert_eq!(counters.connections_most.into_inner(), 3);
    }
}
