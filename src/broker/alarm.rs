//! What the operator is told of damage and failing disks: each fault once, however many clients
//! meet it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::limits::WARNING_EVERY;
use super::lock;
use crate::api::error::{Code, ErrorBody};
use crate::log::LogError;

/// How many faults are remembered. Once there are more, all may be told once again.
const FAULTS_MAX: usize = 1024;

/// The faults that were told.
#[derive(Debug, Default)]
pub struct Alarm {
    told: Mutex<HashSet<String>>,
    failures: Sparing,
    /// Whether an append found the disk full, and none has succeeded since.
    full: AtomicBool,
    filled: Sparing,
    emptied: Sparing,
}

impl Alarm {
    /// Tells of an error that a client is told, if it is the operator's to mend and was not told
    /// before.
    pub fn note(&self, error: &ErrorBody) {
        let message = &error.message;
        match error.code {
            Code::Damaged | Code::ClosedToAppends if self.is_new(message) => {
                tracing::warn!("{message}");
            }
            // These name what clients ask for, and a client may ask for much.
            Code::Io if self.is_new(message) => self.failures.warn(format_args!("{message}")),
            Code::FullDisk if !self.full.swap(true, Ordering::Relaxed) => {
                self.filled.warn(format_args!("{message}"));
            }
            _ => {}
        }
    }

    /// Tells that a disk which was full takes appends again.
    pub fn note_appended(&self) {
        if self.full.load(Ordering::Relaxed) && self.full.swap(false, Ordering::Relaxed) {
            self.emptied.warn(format_args!("the disk has space again: appends continue"));
        }
    }

    /// Tells why a topic that was opened takes no appends, if it does not for damage.
    pub fn note_closed(&self, closed: Option<LogError>) {
        if let Some(error @ LogError::Damaged { .. }) = closed {
            self.note(&error.into());
        }
    }

    fn is_new(&self, message: &str) -> bool {
        let mut told = lock(&self.told);
        if told.len() >= FAULTS_MAX && !told.contains(message) {
            told.clear();
        }
        told.insert(message.to_owned())
    }
}

/// Warnings of one kind, which others can provoke as often as they like: printed at most once in
/// `WARNING_EVERY`, with how many were left out meanwhile.
#[derive(Debug, Default)]
pub struct Sparing {
    printed: Mutex<Printed>,
}

#[derive(Debug, Default)]
struct Printed {
    last: Option<Instant>,
    left_out: u64,
}

impl Sparing {
    /// Prints a warning, if it is time for one.
    pub fn warn(&self, what: fmt::Arguments<'_>) {
        match self.turn(Instant::now()) {
            None => {}
            Some(0) => tracing::warn!("{what}"),
            Some(more) => tracing::warn!("{what}; {more} more like this since the last warning"),
        }
    }

    /// Whether it is time for one; then how many were left out.
    fn turn(&self, now: Instant) -> Option<u64> {
        let mut printed = lock(&self.printed);
        if printed.last.is_some_and(|last| now.duration_since(last) < WARNING_EVERY) {
            printed.left_out += 1;
            return None;
        }
        printed.last = Some(now);
        Some(std::mem::take(&mut printed.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_warnings_is_counted_and_not_printed() {
        let sparing = Sparing::default();
        let begun = Instant::now();
        assert_eq!(sparing.turn(begun), Some(0));
        assert_eq!((sparing.turn(begun), sparing.turn(begun)), (None, None));
        assert_eq!(sparing.turn(begun + WARNING_EVERY), Some(2));
        assert_eq!(sparing.turn(begun + WARNING_EVERY * 3), Some(0));
    }

    #[test]
    fn each_fault_is_told_once_and_memory_is_bounded() {
        let alarm = Alarm::default();
        for round in 0..2 {
            for number in 0..FAULTS_MAX {
                assert_eq!(alarm.is_new(&number.to_string()), round == 0, "{number}");
            }
        }
        assert!(alarm.is_new("one more"));
        assert_eq!(lock(&alarm.told).len(), 1);
    }
}
