//! Names of topics that somebody opens, makes or deletes just now.
//!
//! Each of these may take long: recovering a topic, compiling its key, waiting for its compaction.
//! Only who wants the same topic waits for it.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::log::sync::lock;

/// The names that are held.
#[derive(Debug, Default)]
pub(super) struct Holds {
    held: Mutex<HashSet<String>>,
    let_go: Condvar,
}

/// A name that is held, until dropped.
pub(super) struct Hold<'a> {
    holds: &'a Holds,
    name: String,
}

impl Holds {
    /// Holds a name; waits while somebody else does.
    pub fn hold(&self, name: &str) -> Hold<'_> {
        let mut held = lock(&self.held);
        while held.contains(name) {
            held = self.let_go.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        held.insert(name.to_owned());
        Hold { holds: self, name: name.to_owned() }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        lock(&self.holds.held).remove(&self.name);
        self.holds.let_go.notify_all();
    }
}
