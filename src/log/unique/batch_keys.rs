//! The keys of a batch that is to be appended.

use std::fmt;
use std::sync::Arc;

use super::key::{KeyHash, Keyer};
use super::set::KeySet;
use crate::api::appending::Unique;
use crate::expr::Exceeded;

/// The keys of a batch's records.
pub(in crate::log) struct BatchKeys {
    /// By what they are keys.
    pub sets: Vec<Arc<KeySet>>,
    /// For each of these the keys of all records, in their order.
    pub keys: Vec<Vec<KeyHash>>,
    /// For each record the partition that it goes to, or 0.
    pub partitions: Vec<u32>,
}

impl fmt::Debug for BatchKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "keys of {} records", self.partitions.len())
    }
}

impl BatchKeys {
    /// No keys yet.
    pub fn new(sets: Vec<Arc<KeySet>>) -> BatchKeys {
        let keys = vec![Vec::new(); sets.len()];
        BatchKeys { sets, keys, partitions: Vec::new() }
    }

    /// Adds a record, or says why it is bad; `exceeded` is set if that is for a bound.
    pub(in crate::log) fn push(
        &mut self,
        keyers: &mut [Keyer],
        record: &[u8],
        partition: u32,
        exceeded: &mut Option<Exceeded>,
    ) -> Result<(), String> {
        self.partitions.push(partition);
        for (keyer, keys) in keyers.iter_mut().zip(&mut self.keys) {
            keys.push(keyer.hash(record).map_err(|no_key| no_key.why(exceeded))?);
        }
        Ok(())
    }

    /// Whether there are keys by this.
    pub fn has(&self, unique: &Unique) -> bool {
        self.sets.iter().any(|set| set.unique == *unique)
    }

    /// Whether they are keys by the same sets.
    pub fn is_like(&self, other: &BatchKeys) -> bool {
        self.sets.len() == other.sets.len()
            && self.sets.iter().zip(&other.sets).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// Leaves only the records that are kept, each partition's together.
    pub(in crate::log) fn retain(&mut self, kept: &[bool]) {
        let mut order: Vec<usize> = (0..kept.len()).filter(|&at| kept[at]).collect();
        // Records of one partition keep their order.
        order.sort_by_key(|&at| self.partitions[at]);
        for keys in &mut self.keys {
            *keys = order.iter().map(|&at| keys[at]).collect();
        }
        self.partitions = order.iter().map(|&at| self.partitions[at]).collect();
    }
}
