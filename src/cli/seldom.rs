//! Messages about what may happen very often: one is printed, and then none for a while.

use std::time::{Duration, Instant};

use super::message;

/// For how long.
const SILENCE: Duration = Duration::from_secs(10);

/// One kind of message.
#[derive(Debug, Default)]
pub struct Seldom {
    printed: Option<Instant>,
    /// How often it was not printed since.
    more: u64,
}

impl Seldom {
    /// Prints a message, unless one was printed a moment ago; says how many were not.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        if self.printed.is_some_and(|printed| printed.elapsed() < SILENCE) {
            self.more += 1;
            return;
        }
        self.printed = Some(Instant::now());
        match std::mem::take(&mut self.more) {
            0 => message::note(&what()),
            more => message::note(&format!("{}; {more} more like this before it", what())),
        }
    }
}
