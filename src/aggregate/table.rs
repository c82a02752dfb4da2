//! The group table: one set of results in the making.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::function::Column;

/// Groups in the order in which they were first seen, and their state in each column.
///
/// All keys stand in one buffer, one behind the other; a record of a known group costs no
/// allocation. What a group costs beyond its key and its states is 16 bytes and its share of the
/// hash table.
pub struct Table {
    keys: Vec<u8>,
    /// Where each group's key ends in `keys`.
    ends: Vec<usize>,
    index: HashTable<usize>,
    hasher: RandomState,
    /// One an aggregate.
    pub(super) columns: Vec<Box<dyn Column>>,
}

/// A key looked up: its group, if there is one, and what it takes to add it.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The group's number.
    pub group: Option<usize>,
    hash: u64,
}

impl Table {
    /// A table without groups, with these columns, which have none either.
    pub fn new(columns: Vec<Box<dyn Column>>) -> Table {
        Table {
            keys: Vec::new(),
            ends: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::default(),
            columns,
        }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Looks a key up.
    pub fn find(&self, key: &[u8]) -> Found {
        let hash = hash(&self.hasher, key);
        let group = self.index.find(hash, |group| self.key(*group) == key).copied();
        Found { group, hash }
    }

    /// The group of a key that was looked up; a new one if there was none.
    pub fn enter(&mut self, found: Found, key: &[u8]) -> usize {
        if let Some(group) = found.group {
            return group;
        }
        let group = self.len();
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len());
        let (keys, ends, hasher) = (&self.keys, &self.ends, &self.hasher);
        let rehash = |group: &usize| hash(hasher, key_of(keys, ends, *group));
        self.index.insert_unique(found.hash, group, rehash);
        for column in &mut self.columns {
            column.add_group();
        }
        group
    }

    /// Adds the groups of another table of the same plan, whose records came later.
    pub fn merge(&mut self, other: &Table) {
        for from in 0..other.len() {
            let key = other.key(from);
            let group = self.enter(self.find(key), key);
            for (column, theirs) in self.columns.iter_mut().zip(&other.columns) {
                column.merge(group, &**theirs, from);
            }
        }
    }

    /// About how many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        self.keys.capacity()
            + self.ends.capacity() * size_of::<usize>()
            + self.index.allocation_size()
            + self.columns.iter().map(|column| column.bytes()).sum::<usize>()
    }

    /// The key of a group; empty if there is no such group.
    pub fn key(&self, group: usize) -> &[u8] {
        key_of(&self.keys, &self.ends, group)
    }
}

/// Keys are hashed alone: their length need not tell them from what follows.
fn hash(hasher: &RandomState, key: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}

fn key_of<'a>(keys: &'a [u8], ends: &[usize], group: usize) -> &'a [u8] {
    let start = group.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    let end = ends.get(group).copied().unwrap_or(start);
    keys.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::function::{Call, Function, Input, Scope};
    use super::*;
    use crate::expr::Value;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn counting() -> Table {
        let count = Function::find("count").unwrap();
        Table::new(vec![(count.column)(Call { bare: true, number: 0.0 })])
    }

    fn put(table: &mut Table, key: &str) {
        let group = table.enter(table.find(key.as_bytes()), key.as_bytes());
        table.columns[0].stage(Some(group), &Input::new(Value::Bool(true))).unwrap();
        table.columns[0].apply(group);
    }

    fn shown(table: &Table) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let shown = |group| {
            let mut out = Vec::new();
            table.columns[0].write(group, Scope::default(), &mut out);
            (text(table.key(group)), text(&out))
        };
        (0..table.len()).map(shown).collect()
    }

    proptest! {
        #[test]
        fn merged_tables_are_the_table_of_all(keys in proptest::collection::vec("[a-e]{0,2}", 0..60), at in 0..60_usize) {
            let (mut all, mut front, mut back) = (counting(), counting(), counting());
            for (number, key) in keys.iter().enumerate() {
                put(&mut all, key);
                put(if number < at { &mut front } else { &mut back }, key);
            }
            front.merge(&back);
            prop_assert_eq!(shown(&front), shown(&all));
            prop_assert!(all.bytes() >= all.len() * (8 + 8));
        }

        /// Against the standard library's map, with a count for each key.
        #[test]
        fn groups_stand_in_first_seen_order(keys in proptest::collection::vec("[a-c]{0,3}", 0..200)) {
            let mut table = counting();
            let mut first_seen: Vec<&str> = Vec::new();
            let mut counts: HashMap<&str, u64> = HashMap::new();
            for key in &keys {
                let found = table.find(key.as_bytes());
                prop_assert_eq!(found.group, first_seen.iter().position(|seen| seen == key));
                put(&mut table, key);
                if !first_seen.contains(&key.as_str()) {
                    first_seen.push(key);
                }
                *counts.entry(key).or_default() += 1;
            }
            prop_assert_eq!(table.len(), first_seen.len());
            for (group, key) in first_seen.iter().enumerate() {
                prop_assert_eq!(table.key(group), key.as_bytes());
                prop_assert_eq!(&shown(&table)[group].1, &counts[key].to_string());
            }
        }
    }

    #[test]
    fn a_group_that_is_not_there_has_no_key() {
        let table = Table::new(Vec::new());
        assert!(table.is_empty());
        assert_eq!(table.key(0), b"");
        assert_eq!(table.key(usize::MAX), b"");
    }
}
