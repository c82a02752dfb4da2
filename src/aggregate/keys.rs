//! Keys, numbered in the order in which they were added.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::memory::{allocated, vector};

/// A key of up to this many bytes is held by its entry in the index.
const SHORT_MAX: usize = 16;

/// A set of keys, each with a number: 0 for the first.
///
/// A key that is known is found without an allocation. What costs time with many keys is memory
/// that the processor's caches do not have. So an entry of the index holds all of a short key, as
/// most are, and is all that is read of it; of a long key it holds enough to read the key itself
/// only if it is very likely the one.
///
/// All keys stand in one buffer, one after the other. Beside its own bytes a key costs 8, and its
/// share of the index, whose entries have 25.
#[derive(Default)]
pub struct Keys {
    bytes: Vec<u8>,
    /// Where each key ends in `bytes`.
    ends: Vec<usize>,
    index: HashTable<Entry>,
    hasher: RandomState,
}

/// A key that was looked up: its number if it is known, and what it takes to add it.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The key's number.
    pub number: Option<usize>,
    probe: Probe,
    hash: u64,
}

/// What an entry holds of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Probe {
    /// The first eight bytes and the last eight; they overlap in a key of fewer than 16.
    head: u64,
    tail: u64,
    /// The length; [`u8::MAX`] for all that are longer.
    length: u8,
}

/// What the index holds of a key.
#[derive(Clone, Copy, Debug)]
struct Entry {
    head: u64,
    tail: u64,
    /// The number, and the length in the last eight bits.
    number_and_length: u64,
}

impl Keys {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Looks a key up.
    #[inline]
    pub fn find(&self, key: &[u8]) -> Found {
        let probe = Probe::of(key);
        let hash = probe.hash(&self.hasher, || key);
        let is_it = |entry: &Entry| {
            entry.probe() == probe && (probe.is_whole() || self.key(entry.number()) == key)
        };
        Found { number: self.index.find(hash, is_it).map(|entry| entry.number()), probe, hash }
    }

    /// Adds a key that was looked up and is not known; returns its number.
    pub fn add(&mut self, found: Found, key: &[u8]) -> usize {
        let number = self.len();
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        let rehash =
            |entry: &Entry| entry.probe().hash(hasher, || key_of(bytes, ends, entry.number()));
        self.index.insert_unique(found.hash, Entry::new(found.probe, number), rehash);
        number
    }

    /// Makes room for as many more as there are in `other`.
    pub fn reserve_for(&mut self, other: &Keys) {
        self.bytes.reserve(other.bytes.len());
        self.ends.reserve(other.len());
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        self.index.reserve(other.len(), |entry| {
            entry.probe().hash(hasher, || key_of(bytes, ends, entry.number()))
        });
    }

    /// The key of a number; empty if there is no such key.
    pub fn key(&self, number: usize) -> &[u8] {
        key_of(&self.bytes, &self.ends, number)
    }

    /// All keys, by number.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.key(number))
    }

    /// About how many bytes of memory they take; known without a visit of the keys.
    pub fn memory(&self) -> usize {
        vector(&self.bytes) + vector(&self.ends) + allocated(self.index.allocation_size())
    }
}

impl Probe {
    #[inline]
    fn of(key: &[u8]) -> Probe {
        let length = u8::try_from(key.len()).unwrap_or(u8::MAX);
        let (head, tail) = match (key.first_chunk(), key.last_chunk()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => match (key.first_chunk(), key.last_chunk()) {
                (Some(head), Some(tail)) => {
                    (u32::from_le_bytes(*head).into(), u32::from_le_bytes(*tail).into())
                }
                _ => (key.iter().fold(0, |bytes, byte| bytes << 8 | u64::from(*byte)), 0),
            },
        };
        Probe { head, tail, length }
    }

    /// Whether no other key has the same.
    #[inline]
    fn is_whole(self) -> bool {
        usize::from(self.length) <= SHORT_MAX
    }

    /// The hash of a key; the key itself is needed only if it is long.
    #[inline]
    fn hash<'a>(self, hasher: &RandomState, key: impl FnOnce() -> &'a [u8]) -> u64 {
        let mut hasher = hasher.build_hasher();
        if self.is_whole() {
            hasher.write_u64(self.head);
            hasher.write_u64(self.tail);
            hasher.write_u8(self.length);
        } else {
            hasher.write(key());
        }
        hasher.finish()
    }
}

impl Entry {
    fn new(probe: Probe, number: usize) -> Entry {
        let Probe { head, tail, length } = probe;
        // There are fewer keys than bytes of memory: 56 bits hold their numbers.
        Entry { head, tail, number_and_length: (number as u64) << 8 | u64::from(length) }
    }

    #[inline]
    fn number(&self) -> usize {
        (self.number_and_length >> 8) as usize
    }

    #[inline]
    fn probe(&self) -> Probe {
        Probe { head: self.head, tail: self.tail, length: self.number_and_length as u8 }
    }
}

fn key_of<'a>(bytes: &'a [u8], ends: &[usize], number: usize) -> &'a [u8] {
    let start = number.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    let end = ends.get(number).copied().unwrap_or(start);
    bytes.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Keys that differ little, of every length at which they are held in another way.
    fn a_key() -> impl Strategy<Value = Vec<u8>> {
        let length = prop_oneof![0_usize..20, 254_usize..258];
        (length, any::<prop::sample::Index>(), 0_u8..3).prop_map(|(length, at, byte)| {
            let mut key = vec![0; length];
            if length > 0 {
                key[at.index(length)] = byte;
            }
            key
        })
    }

    proptest! {
        /// Against a list that is searched from its start.
        #[test]
        fn keys_are_numbered_in_the_order_in_which_they_were_added(
            some in proptest::collection::vec(a_key(), 0..200),
        ) {
            let mut keys = Keys::default();
            let mut list: Vec<Vec<u8>> = Vec::new();
            for key in &some {
                let found = keys.find(key);
                prop_assert_eq!(found.number, list.iter().position(|known| known == key));
                if found.number.is_none() {
                    prop_assert_eq!(keys.add(found, key), list.len());
                    list.push(key.clone());
                }
            }
            prop_assert_eq!(keys.len(), list.len());
            prop_assert!(keys.iter().eq(list.iter().map(Vec::as_slice)));
            let mut more = Keys::default();
            more.reserve_for(&keys);
            prop_assert!(more.is_empty());
        }
    }

    #[test]
    fn a_number_that_no_key_has_has_an_empty_key() {
        let keys = Keys::default();
        assert_eq!(keys.key(0), b"");
        assert_eq!(keys.key(usize::MAX), b"");
    }
}
