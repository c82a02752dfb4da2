//! Groups that come and go, by their keys.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::super::memory::{Holders, allocated, vector};

/// Groups by their keys. The number of one that has gone is given to one that comes.
#[derive(Default)]
pub struct Groups {
    index: HashTable<usize>,
    hasher: RandomState,
    keys: Holders<Vec<u8>>,
    free: Vec<usize>,
}

/// A group that was looked for.
#[derive(Clone, Copy, Debug)]
pub enum Found {
    /// It is there.
    Known(usize),
    /// It is not; this is the hash of its key.
    New(u64),
}

impl Groups {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Looks for a group by its key.
    pub fn find(&self, key: &[u8]) -> Found {
        let hash = self.hasher.hash_one(key);
        let found = self.index.find(hash, |group| key_of(self.keys.as_slice(), *group) == key);
        found.map_or(Found::New(hash), |group| Found::Known(*group))
    }

    /// Adds a group whose key has this hash; says whether its number was never used before.
    pub fn add(&mut self, hash: u64, key: &[u8]) -> (usize, bool) {
        let used = self.free.pop();
        let group = used.unwrap_or_else(|| {
            self.keys.push(Vec::new());
            self.keys.as_slice().len() - 1
        });
        self.keys.change(group, |place| {
            place.clear();
            place.extend_from_slice(key);
        });
        let (keys, hasher) = (self.keys.as_slice(), &self.hasher);
        self.index.insert_unique(hash, group, |group| hasher.hash_one(key_of(keys, *group)));
        (group, used.is_none())
    }

    /// Removes a group.
    pub fn remove(&mut self, group: usize) {
        let hash = self.hasher.hash_one(key_of(self.keys.as_slice(), group));
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == group) {
            entry.remove();
            self.free.push(group);
        }
    }

    /// All groups, by number.
    pub fn numbers(&self) -> Vec<usize> {
        let mut numbers: Vec<usize> = self.index.iter().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// The key of a group; empty if there is no such group.
    pub fn key(&self, group: usize) -> &[u8] {
        key_of(self.keys.as_slice(), group)
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        allocated(self.index.allocation_size()) + self.keys.bytes() + vector(&self.free)
    }
}

fn key_of(keys: &[Vec<u8>], group: usize) -> &[u8] {
    keys.get(group).map(Vec::as_slice).unwrap_or_default()
}
