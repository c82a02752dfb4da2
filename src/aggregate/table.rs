//! The group table: one set of results in the making.

use super::fault::{Fault, StreamError};
use super::functions::function::{Call, Column, Function, Scope};
use super::keys::{self, Keys};
use super::memory::{allocated, vector};
use super::output::emit::Row;
use super::output::report::Results;
use super::windowed::panes::Room;
use crate::state::{Reader, StateError, Writer};

/// Groups in the order in which they were added, and their state in each column.
///
/// A record of a known group costs no allocation. A group costs its key in [`Keys`] and its states;
/// 8 bytes more in a table that can be merged.
pub struct Table {
    /// The number of a key is that of its group.
    keys: Keys,
    /// When each group was first seen, in a table that can be merged.
    firsts: Option<Vec<u64>>,
    /// One an aggregate.
    pub(super) columns: Vec<Box<dyn Column>>,
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
        Table { keys: Keys::default(), firsts: merges.then(Vec::new), columns }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Looks a group up by its key.
    pub fn find(&self, key: &[u8]) -> keys::Found {
        self.keys.find(key)
    }

    /// The group of a key that was looked up; a new one, first seen at `arrival`, if there was
    /// none.
    pub fn enter(&mut self, found: keys::Found, key: &[u8], arrival: u64) -> usize {
        if let Some(group) = found.number {
            return group;
        }
        for column in &mut self.columns {
            column.add_group();
        }
        self.add_key(found, key, arrival)
    }

    /// Adds a group, but not to the columns.
    fn add_key(&mut self, found: keys::Found, key: &[u8], arrival: u64) -> usize {
        self.firsts.iter_mut().for_each(|firsts| firsts.push(arrival));
        self.keys.add(found, key)
    }

    /// Takes a record, unless it is at fault, which then leaves no trace; gives its group.
    pub(super) fn take<S: Stager>(&mut self, record: &mut Incoming<'_, S>) -> Result<usize, Fault> {
        let found = self.find(record.key);
        (record.stage)(found.number, &mut self.columns)?;
        record.room.take(usize::from(found.number.is_none()))?;
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
            (record.stage)(here.number, &mut table.columns)?;
            found.push(here);
        }
        record.room.take(found.iter().filter(|found| found.number.is_none()).count())?;
        let apply = |(table, found): (&mut &mut Table, keys::Found)| {
            table.apply(found, record.key, record.arrival)
        };
        Ok(tables.iter_mut().zip(found).map(apply).collect())
    }

    fn apply(&mut self, found: keys::Found, key: &[u8], arrival: u64) -> usize {
        let group = self.enter(found, key, arrival);
        for column in &mut self.columns {
            column.apply(group, arrival);
        }
        group
    }

    /// Appends results with these first fields: those of `groups`, or all.
    pub(super) fn write(
        &mut self,
        groups: Option<&[usize]>,
        head: &[u8],
        scope: Scope,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let Table { keys, firsts, columns } = self;
        let row = |group| Row { head, key: keys.key(group), group, scope };
        match groups {
            Some(groups) => results.write(columns, groups.iter().copied().map(row)),
            None => results.write(columns, in_order(keys.len(), firsts.as_deref()).map(row)),
        }
    }

    /// The same for these groups in this order; `is_filled` says which of them have no record.
    pub(super) fn write_filled(
        &mut self,
        order: &[usize],
        is_filled: impl Fn(usize) -> bool,
        head: &[u8],
        scope: Scope,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let Table { keys, columns, .. } = self;
        let row = |group: usize| {
            let scope = Scope { is_filled: is_filled(group), ..scope };
            Row { head, key: keys.key(group), group, scope }
        };
        results.write(columns, order.iter().copied().map(row))
    }

    /// Appends results of these groups, each with first fields of its own.
    pub(super) fn write_each<'a>(
        &mut self,
        groups: impl Iterator<Item = (usize, &'a Vec<u8>)>,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let Table { keys, columns, .. } = self;
        let scope = Scope::default();
        let row =
            |(group, head): (usize, &'a Vec<u8>)| Row { head, key: keys.key(group), group, scope };
        results.write(columns, groups.map(row))
    }

    /// Adds the groups of another table of the same plan; both must be of those that can be merged.
    /// The result is the table of the records of both.
    pub fn merge(&mut self, other: &Table) {
        if self.is_empty() {
            // What grows bit by bit takes more time, and more memory than it needs.
            self.keys.reserve_for(&other.keys);
            self.firsts.iter_mut().for_each(|firsts| firsts.reserve(other.len()));
            self.columns.iter_mut().for_each(|column| column.reserve(other.len()));
        }
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

    /// Saves all groups, in the order in which they were added.
    pub fn save(&self, to: &mut Writer) {
        to.put_len(self.len());
        for group in 0..self.len() {
            to.put_bytes(self.key(group));
            if let Some(firsts) = &self.firsts {
                to.put_u64(firsts.get(group).copied().unwrap_or(0));
            }
        }
        save_columns(&self.columns, 0..self.len(), to);
    }

    /// Restores the groups that [`Table::save`] of a table of the same columns saved; `self` is a
    /// table without groups.
    ///
    /// # Errors
    /// When it is no such state.
    pub fn load(mut self, from: &mut Reader<'_>) -> Result<Table, StateError> {
        let count = from.take_count(1)?;
        for _ in 0..count {
            let key = from.take_bytes()?;
            let arrival = if self.firsts.is_some() { from.take_u64()? } else { 0 };
            let found = self.find(key);
            if found.number.is_some() {
                return Err(StateError::Invalid("a group occurs twice"));
            }
            self.add_key(found, key, arrival);
        }
        load_columns(&mut self.columns, count, from)?;
        Ok(self)
    }

    /// The groups in the order in which they were first seen.
    pub fn in_order(&self) -> impl Iterator<Item = usize> {
        in_order(self.len(), self.firsts.as_deref())
    }

    /// About how many bytes of memory it takes; told at once, without a visit of the groups.
    pub fn bytes(&self) -> usize {
        self.keys.memory() + self.firsts.as_ref().map_or(0, vector) + columns_bytes(&self.columns)
    }

    /// The key of a group; empty if there is no such group.
    pub fn key(&self, group: usize) -> &[u8] {
        self.keys.key(group)
    }
}

/// About how many bytes of memory columns take.
pub(super) fn columns_bytes(columns: &Vec<Box<dyn Column>>) -> usize {
    let boxed = |column: &dyn Column| allocated(size_of_val(column)) + column.bytes();
    vector(columns) + columns.iter().map(|column| boxed(&**column)).sum::<usize>()
}

/// Saves the states of these groups, column by column.
pub(super) fn save_columns(
    columns: &[Box<dyn Column>],
    groups: impl Iterator<Item = usize> + Clone,
    to: &mut Writer,
) {
    for column in columns {
        groups.clone().for_each(|group| column.save(group, to));
    }
}

/// Adds so many groups, whose states [`save_columns`] saved.
pub(super) fn load_columns(
    columns: &mut [Box<dyn Column>],
    count: usize,
    from: &mut Reader<'_>,
) -> Result<(), StateError> {
    columns.iter_mut().try_for_each(|column| (0..count).try_for_each(|_| column.load(from)))
}

/// The groups in the order in which they were first seen, if it is known when that was.
fn in_order(count: usize, firsts: Option<&[u64]>) -> impl Iterator<Item = usize> + use<> {
    let order = firsts.filter(|firsts| !firsts.is_sorted()).map(|firsts| {
        let mut order: Vec<usize> = (0..firsts.len()).collect();
        order.sort_unstable_by_key(|group| firsts.get(*group));
        order
    });
    (0..count).map(move |rank| match &order {
        Some(order) => order.get(rank).copied().unwrap_or(rank),
        None => rank,
    })
}

/// Makes columns and tables.
pub(in crate::aggregate) struct ColumnFactory(Vec<(&'static Function, Call)>);

impl ColumnFactory {
    /// For these functions, each called as it says.
    pub(super) fn new(calls: impl Iterator<Item = (&'static Function, Call)>) -> ColumnFactory {
        ColumnFactory(calls.collect())
    }

    /// Columns without groups, one an aggregate; those that `merge` may be merged with others.
    pub(in crate::aggregate) fn columns(&self, merges: bool) -> Vec<Box<dyn Column>> {
        let column = |(function, call): &(&'static Function, Call)| {
            (function.column)(Call { merges, ..*call })
        };
        self.0.iter().map(column).collect()
    }

    /// A table without groups; one that `merges` may be merged with others.
    pub(in crate::aggregate) fn table(&self, merges: bool) -> Table {
        Table::new(self.columns(merges), merges)
    }
}

#[cfg(test)]
mod tests {
    use super::super::functions::function::{Call, Function, Input};
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

    fn shown(table: &mut Table) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let order: Vec<usize> = table.in_order().collect();
        let shown = |group| {
            let mut out = Vec::new();
            table.columns[0].write(group, Scope::default(), &mut out);
            (text(table.key(group)), text(&out))
        };
        order.into_iter().map(shown).collect()
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
            prop_assert_eq!(shown(&mut back), shown(&mut all));
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
                prop_assert_eq!(found.number, first_seen.iter().position(|seen| seen == key));
                put(&mut table, key, number);
                if !first_seen.contains(&key.as_str()) {
                    first_seen.push(key);
                }
                *counts.entry(key).or_default() += 1;
            }
            prop_assert_eq!(table.len(), first_seen.len());
            for (group, key) in first_seen.iter().enumerate() {
                prop_assert_eq!(table.key(group), key.as_bytes());
                prop_assert_eq!(&shown(&mut table)[group].1, &counts[key].to_string());
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
