//! The group table: one set of results in the making.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::fault::{Fault, StreamError};
use super::function::{Column, Scope};
use super::panes::Room;
use super::report::{Results, Row};

/// Groups in the order in which they were added, and their state in each column.
///
/// All keys stand in one buffer, one behind the other; a record of a known group costs no
/// allocation. What a group costs beyond its key and its states is 16 bytes and its share of the
/// hash table; 8 more in a table that can be merged.
pub struct Table {
    keys: Vec<u8>,
    /// Where each group's key ends in `keys`.
    ends: Vec<usize>,
    index: HashTable<usize>,
    hasher: RandomState,
    /// When each group was first seen, in a table that can be merged.
    firsts: Option<Vec<u64>>,
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

/// A record on its way into tables.
pub(super) struct Incoming<'a, S> {
    /// The key of its group.
    pub(super) key: &'a [u8],
    /// Its number in the stream.
    pub(super) arrival: u64,
    /// Has columns stage its values; it is given the group, where there is one already.
    pub(super) stage: S,
    pub(super) room: &'a mut Room,
}

/// What has columns stage the values of a record whose group is known, or new.
pub(super) trait Stager:
    FnMut(Option<usize>, &mut [Box<dyn Column>]) -> Result<(), Fault>
{
}

impl<F> Stager for F where F: FnMut(Option<usize>, &mut [Box<dyn Column>]) -> Result<(), Fault> {}

impl Table {
    /// A table without groups, with these columns, which have none either. One that `merges`, with
    /// columns that do, can be merged with others.
    pub fn new(columns: Vec<Box<dyn Column>>, merges: bool) -> Table {
        Table {
            keys: Vec::new(),
            ends: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::default(),
            firsts: merges.then(Vec::new),
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

    /// The group of a key that was looked up; a new one, first seen at `arrival`, if there was
    /// none.
    pub fn enter(&mut self, found: Found, key: &[u8], arrival: u64) -> usize {
        if let Some(group) = found.group {
            return group;
        }
        let group = self.len();
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len());
        self.firsts.iter_mut().for_each(|firsts| firsts.push(arrival));
        let (keys, ends, hasher) = (&self.keys, &self.ends, &self.hasher);
        let rehash = |group: &usize| hash(hasher, key_of(keys, ends, *group));
        self.index.insert_unique(found.hash, group, rehash);
        for column in &mut self.columns {
            column.add_group();
        }
        group
    }

    /// Takes a record, unless it is at fault, which then leaves no trace; gives its group.
    pub(super) fn take<S: Stager>(&mut self, record: &mut Incoming<'_, S>) -> Result<usize, Fault> {
        let found = self.find(record.key);
        (record.stage)(found.group, &mut self.columns)?;
        record.room.take(usize::from(found.group.is_none()))?;
        Ok(self.apply(found, record.key, record.arrival))
    }

    /// As [`Table::take`], for several tables; gives the group in each.
    pub(super) fn take_all<S: Stager>(
        tables: &mut [&mut Table],
        record: &mut Incoming<'_, S>,
    ) -> Result<Vec<usize>, Fault> {
        let mut found = Vec::with_capacity(tables.len());
        for table in &mut *tables {
            let here = table.find(record.key);
            (record.stage)(here.group, &mut table.columns)?;
            found.push(here);
        }
        record.room.take(found.iter().filter(|found| found.group.is_none()).count())?;
        let apply = |(table, found): (&mut &mut Table, Found)| {
            table.apply(found, record.key, record.arrival)
        };
        Ok(tables.iter_mut().zip(found).map(apply).collect())
    }

    fn apply(&mut self, found: Found, key: &[u8], arrival: u64) -> usize {
        let group = self.enter(found, key, arrival);
        for column in &mut self.columns {
            column.apply(group, arrival);
        }
        group
    }

    /// Appends results with these first fields: those of `groups`, or all.
    pub(super) fn write(
        &self,
        groups: Option<&[usize]>,
        head: &[u8],
        scope: Scope,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let row = |group| Row { head, key: self.key(group), group, scope };
        match groups {
            Some(groups) => results.write(&self.columns, groups.iter().copied().map(row)),
            None => results.write(&self.columns, self.in_order().map(row)),
        }
    }

    /// Adds the groups of another table of the same plan; both must be of those that can be merged.
    /// The result is the table of the records of both.
    pub fn merge(&mut self, other: &Table) {
        for from in 0..other.len() {
            let key = other.key(from);
            let first = other.firsts.as_ref().and_then(|firsts| firsts.get(from)).copied();
            let first = first.unwrap_or(0);
            let group = self.enter(self.find(key), key, first);
            if let Some(ours) = self.firsts.as_mut().and_then(|firsts| firsts.get_mut(group)) {
                *ours = first.min(*ours);
            }
            for (column, theirs) in self.columns.iter_mut().zip(&other.columns) {
                column.merge(group, &**theirs, from);
            }
        }
    }

    /// The groups in the order in which they were first seen.
    pub fn in_order(&self) -> impl Iterator<Item = usize> {
        let order = self.firsts.as_ref().filter(|firsts| !firsts.is_sorted()).map(|firsts| {
            let mut order: Vec<usize> = (0..firsts.len()).collect();
            order.sort_unstable_by_key(|group| firsts.get(*group));
            order
        });
        (0..self.len()).map(move |rank| match &order {
            Some(order) => order.get(rank).copied().unwrap_or(rank),
            None => rank,
        })
    }

    /// About how many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        self.keys.capacity()
            + self.ends.capacity() * size_of::<usize>()
            + self.firsts.as_ref().map_or(0, Vec::capacity) * size_of::<u64>()
            + self.index.allocation_size()
            + self.columns.iter().map(|column| column.bytes()).sum::<usize>()
    }

    /// The key of a group; empty if there is no such group.
    pub fn key(&self, group: usize) -> &[u8] {
        key_of(&self.keys, &self.ends, group)
    }
}

/// Keys are hashed alone: their length need not tell them from what follows.
pub(super) fn hash(hasher: &RandomState, key: &[u8]) -> u64 {
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
    use super::super::function::{Call, Function, Input};
    use super::*;
    use crate::expr::Value;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn counting() -> Table {
        let count = Function::find("count").unwrap();
        Table::new(vec![(count.column)(Call { bare: true, number: 0.0, merges: true })], true)
    }

    fn put(table: &mut Table, key: &str, arrival: usize) {
        let group = table.enter(table.find(key.as_bytes()), key.as_bytes(), arrival as u64);
        table.columns[0].stage(Some(group), &Input::new(Value::Bool(true))).unwrap();
        table.columns[0].apply(group, arrival as u64);
    }

    fn shown(table: &Table) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let shown = |group| {
            let mut out = Vec::new();
            table.columns[0].write(group, Scope::default(), &mut out);
            (text(table.key(group)), text(&out))
        };
        table.in_order().map(shown).collect()
    }

    proptest! {
        #[test]
        fn merged_tables_are_the_table_of_all(keys in proptest::collection::vec("[a-e]{0,2}", 0..60), at in 0..60_usize) {
            let (mut all, mut front, mut back) = (counting(), counting(), counting());
            for (number, key) in keys.iter().enumerate() {
                put(&mut all, key, number);
                put(if number < at { &mut front } else { &mut back }, key, number);
            }
            back.merge(&front);
            prop_assert_eq!(shown(&back), shown(&all));
            prop_assert!(all.bytes() >= all.len() * (8 + 8));
        }

        /// Against the standard library's map, with a count for each key.
        #[test]
        fn groups_stand_in_first_seen_order(keys in proptest::collection::vec("[a-c]{0,3}", 0..200)) {
            let mut table = counting();
            let mut first_seen: Vec<&str> = Vec::new();
            let mut counts: HashMap<&str, u64> = HashMap::new();
            for (number, key) in keys.iter().enumerate() {
                let found = table.find(key.as_bytes());
                prop_assert_eq!(found.group, first_seen.iter().position(|seen| seen == key));
                put(&mut table, key, number);
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
        let table = Table::new(Vec::new(), false);
        assert!(table.is_empty());
        assert_eq!(table.key(0), b"");
        assert_eq!(table.key(usize::MAX), b"");
    }
}
