//! The name under which a run of `produce` appends that has none of its own: so the log knows what
//! became of an append that was not answered, and it can be sent again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::Options;
use crate::api::appending::RUN_PREFIX;

impl Options {
    /// The name, where the run is to continue whatever happens to the daemon: others send to us, or
    /// the user says so. A name takes a write of its own.
    pub(super) fn run_name(&self, is_served: bool) -> Option<String> {
        let asked = self.reconnect.asked();
        let continues = asked.map_or(self.live.is_on(), |patience| !patience.is_zero());
        (continues && is_served && self.producer.is_none()).then(new_name)
    }
}

/// A name that no other run has.
fn new_name() -> String {
    // Of 128 random bits.
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{RUN_PREFIX}{:016x}{:016x}", half(), half())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ() {
        let (one, other) = (new_name(), new_name());
        assert!(one != other && one.starts_with("run:") && one.len() == 36);
    }
}
