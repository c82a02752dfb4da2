//! Forcing to the disk while others append: what one fdatasync after another is to reach.
//!
//! There is one flight of a topic at a time, and nobody else syncs its files meanwhile: the kernel
//! tells a failure only once, and who asks next would be told that all is well.

use std::sync::{Condvar, Mutex, PoisonError};

use super::LogError;
use super::partition::Mark;
use super::topic::lock;

/// Acknowledged and not yet on the disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsynced {
    /// When the first of it was acknowledged, in µs since the epoch.
    pub since_us: i64,
    /// How many batches.
    pub batches: usize,
}

/// What is on its way to the disk.
#[derive(Debug)]
pub(super) struct Flight {
    /// How far each partition was when it began, by their numbers.
    pub marks: Vec<(usize, Mark)>,
    /// How many batches are on board.
    pub batches: usize,
    outcome: Mutex<Option<Result<(), LogError>>>,
    landed: Condvar,
}

impl Flight {
    /// A flight that has not begun.
    pub fn new(marks: Vec<(usize, Mark)>, batches: usize) -> Flight {
        Flight { marks, batches, outcome: Mutex::default(), landed: Condvar::new() }
    }

    /// Forces all of it to the disk. To be called once, without any lock.
    pub fn run(&self) {
        let synced = self.marks.iter().try_for_each(|(_, mark)| mark.sync());
        *lock(&self.outcome) = Some(synced);
        self.landed.notify_all();
    }

    /// Waits until that is done; tells how it ended.
    pub fn wait(&self) -> Result<(), LogError> {
        let mut outcome = lock(&self.outcome);
        loop {
            if let Some(done) = &*outcome {
                return done.clone();
            }
            outcome = self.landed.wait(outcome).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
