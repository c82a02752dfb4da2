//! The sets of a topic that are in use.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::set::KeySet;
use crate::api::appending::Unique;
use crate::log::sync::lock;

/// How many a topic has at the most: beyond that, the one goes that was not used for longest.
const SETS_MAX: usize = 4;

/// How long a set stays that nobody uses, in µs: 10 minutes.
const UNUSED_US: i64 = 600_000_000;

/// The sets of a topic.
#[derive(Default)]
pub(in crate::log) struct KeySets(Mutex<Vec<Arc<KeySet>>>);

impl KeySets {
    /// The set for this, a new one if there is none.
    pub fn get(&self, topic: &str, unique: &Unique, hurried: &Arc<AtomicBool>) -> Arc<KeySet> {
        let mut sets = lock(&self.0);
        if let Some(set) = sets.iter().find(|set| set.unique == *unique) {
            return Arc::clone(set);
        }
        if sets.len() >= SETS_MAX {
            let oldest = (0..sets.len()).min_by_key(|&at| sets.get(at).map(|set| set.used_us()));
            oldest.into_iter().for_each(|at| drop(sets.swap_remove(at)));
        }
        let set = Arc::new(KeySet::new(topic, unique.clone(), Arc::clone(hurried)));
        sets.push(Arc::clone(&set));
        set
    }

    /// Takes note that a partition begins at an offset from now on.
    pub fn trim(&self, partition: u32, start: u64) {
        for set in self.all() {
            set.open().trim(partition, start);
        }
    }

    /// Forgets all sets: the topic has lost records that are not its first ones.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }

    /// Forgets the sets that were not used for long.
    pub fn forget_unused(&self, now_us: i64) {
        lock(&self.0).retain(|set| set.used_us().saturating_add(UNUSED_US) > now_us);
    }

    /// When there may be one to forget, in µs since the epoch.
    pub fn due_us(&self) -> Option<i64> {
        let due_us = |set: &Arc<KeySet>| set.used_us().saturating_add(UNUSED_US);
        lock(&self.0).iter().map(due_us).min()
    }

    fn all(&self) -> Vec<Arc<KeySet>> {
        lock(&self.0).clone()
    }
}
