//! An fsync of acknowledged records that runs while other threads append.
//!
//! A topic has one at a time, and no other thread syncs its files meanwhile: the kernel reports a
//! failed write only once, and the next fsync would succeed.

use std::sync::{Condvar, Mutex, PoisonError};

use super::partition::Mark;
use crate::log::LogError;
use crate::log::sync::lock;

/// Acknowledged and not yet on the disk.
#[derive(Clone, Copy, Debug)]
pub(in crate::log) struct Unsynced {
    /// When the first of it was acknowledged, in µs since the epoch.
    pub since_us: i64,
    /// How many batches.
    pub batches: usize,
}

/// An fsync that is under way.
#[derive(Debug)]
pub(in crate::log) struct PendingSync {
    /// How far each partition was when it began, by their numbers.
    pub marks: Vec<(usize, Mark)>,
    /// How many batches it includes.
    pub batches: usize,
    outcome: Mutex<Option<Result<(), LogError>>>,
    synced: Condvar,
}

impl PendingSync {
    /// One that has not begun.
    pub fn new(marks: Vec<(usize, Mark)>, batches: usize) -> PendingSync {
        PendingSync { marks, batches, outcome: Mutex::default(), synced: Condvar::new() }
    }

    /// Runs the fsync. To be called once, without any lock.
    pub fn run(&self) {
        let synced = self.marks.iter().try_for_each(|(_, mark)| mark.sync());
        *lock(&self.outcome) = Some(synced);
        self.synced.notify_all();
    }

    /// Waits for the fsync and returns its outcome.
    pub fn wait(&self) -> Result<(), LogError> {
        let mut outcome = lock(&self.outcome);
        loop {
            if let Some(done) = &*outcome {
                return done.clone();
            }
            outcome = self.synced.wait(outcome).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
