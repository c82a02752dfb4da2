//! Tests that need the process for themselves: they change its limits, or compare how long it is on
//! a processor. They run one at a time, whatever the number of test threads. All others are in
//! `tests/it`.

mod delivery;
mod many_segments;
mod soak;

#[path = "../common/mod.rs"]
mod common;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits until no other test of this program runs, and keeps it so until the guard is dropped.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed leaves nothing that another one looks at.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
