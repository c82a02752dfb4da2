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
        if !self.is_due() {
            self.more += 1;
            return;
        }
        match std::mem::take(&mut self.more) {
            0 => message::note(&what()),
            1 => message::note(&format!("{}; the message before it is left out", what())),
            more => message::note(&format!("{}; {more} messages before it are left out", what())),
        }
    }

    /// The same for a message that tells how much there was of something in all: those that are
    /// left out say nothing more.
    pub fn note_total(&mut self, what: impl FnOnce() -> String) {
        if self.is_due() {
            message::note(&what());
        }
    }

    fn is_due(&mut self) -> bool {
        let is_due = self.printed.is_none_or(|printed| printed.elapsed() >= SILENCE);
        if is_due {
            self.printed = Some(Instant::now());
        }
        is_due
    }
}
