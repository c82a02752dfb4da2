//! The sets of a topic that are in use.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::cache;
use super::set::{KeySet, Open};
use crate::api::appending::Unique;
use crate::log::read::reader::TopicReader;
use crate::log::storage::Storage;
use crate::log::sync::lock;

/// How many a topic has at the most: beyond that, the one goes that was not used for longest.
const SETS_MAX: usize = 4;

/// How long a set stays that nobody uses, in µs: 10 minutes.
const UNUSED_US: i64 = 600_000_000;

/// By how many records a set grows at least before it is saved: to read so many takes some 10 ms.
const FEW_RECORDS: u64 = 10_000;

/// The sets of a topic.
pub(in crate::log) struct KeySets {
    sets: Mutex<Vec<Arc<KeySet>>>,
    /// By how many records a set grows at least before it is saved.
    few: AtomicU64,
    /// Whether one has grown that much.
    grown: AtomicBool,
}

impl Default for KeySets {
    fn default() -> KeySets {
        KeySets {
            sets: Mutex::default(),
            few: AtomicU64::new(FEW_RECORDS),
            grown: AtomicBool::new(false),
        }
    }
}

impl KeySets {
    /// The set for this, a new one if there is none.
    pub fn get(&self, topic: &str, unique: &Unique, hurried: &Arc<AtomicBool>) -> Arc<KeySet> {
        let mut sets = lock(&self.sets);
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
            set.open_unused().trim(partition, start);
        }
    }

    /// Forgets all sets: the topic has lost records that are not its first ones.
    pub fn clear(&self) {
        lock(&self.sets).clear();
    }

    /// Forgets the sets that were not used for long.
    pub fn forget_unused(&self, now_us: i64) {
        lock(&self.sets).retain(|set| set.used_us().saturating_add(UNUSED_US) > now_us);
    }

    /// Takes note of a set that was used.
    pub fn note_used(&self, set: &Open<'_>) {
        if set.has_grown(self.few.load(Ordering::Relaxed)) {
            self.grown.store(true, Ordering::Relaxed);
        }
    }

    /// When there may be one to save or to forget, in µs since the epoch.
    pub fn due_us(&self) -> Option<i64> {
        if self.grown.load(Ordering::Relaxed) {
            return Some(0);
        }
        let due_us = |set: &Arc<KeySet>| set.used_us().saturating_add(UNUSED_US);
        lock(&self.sets).iter().map(due_us).min()
    }

    /// Saves the sets that have grown enough. No segment may be rewritten meanwhile. A failure is
    /// nothing: the topic is then read again instead.
    pub fn save(&self, storage: &dyn Storage, dir: &Path, reader: &TopicReader) {
        self.grown.store(false, Ordering::Relaxed);
        let sets = self.all();
        let used: Vec<String> = sets.iter().map(|set| cache::name(&set.unique)).collect();
        let few = self.few.load(Ordering::Relaxed);
        for (set, name) in sets.iter().zip(&used) {
            if let Ok(Some(bytes)) = set.open_unused().encode(reader, few) {
                let _ = cache::write(storage, dir, name, &bytes, &used);
            }
        }
    }

    /// Saves sets also if they have grown little.
    #[cfg(test)]
    pub fn save_often(&self) {
        self.few.store(1, Ordering::Relaxed);
    }

    fn all(&self) -> Vec<Arc<KeySet>> {
        lock(&self.sets).clone()
    }
}
