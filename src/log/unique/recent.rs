//! The keys of the latest records, in the order in which these were appended.
//!
//! A key takes 16 bytes in that order, and 4 to 10 in the table that finds it there; a run of
//! records that follow each other takes 32.

use std::collections::VecDeque;

use hashbrown::HashTable;

use super::key::{KeyHash, NO_KEY};
use crate::state::{Reader, StateError, Writer};

/// The keys of the latest records.
#[derive(Debug, Default)]
pub(in crate::log) struct Recent {
    /// One for each record; the first is the one that was appended first.
    keys: VecDeque<KeyHash>,
    /// The number of the first one: records are counted, however many were forgotten.
    first: u64,
    /// For each key the number of the last record that has it, without its upper half.
    table: HashTable<u32>,
    /// Where the records are, in the same order.
    runs: VecDeque<Run>,
}

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::log) struct At {
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: u64,
    /// When it was appended, in µs since the epoch; 0 where that does not matter.
    pub time_us: i64,
}

/// Records that follow each other in one partition, appended at one time.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The number of the first one.
    first: u64,
    /// Where that is.
    at: At,
}

impl Recent {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The number that the next record gets.
    pub fn end(&self) -> u64 {
        self.first + self.keys.len() as u64
    }

    /// Where the last record of a key is, if there is one.
    pub fn find(&self, key: KeyHash) -> Option<At> {
        let number = *self.table.find(key as u64, |&low| self.key_of(low) == Some(key))?;
        let number = self.first + u64::from(number.wrapping_sub(self.first as u32));
        let run = self.runs.partition_point(|run| run.first <= number).checked_sub(1)?;
        let Run { first, at } = *self.runs.get(run)?;
        Some(At { offset: at.offset + (number - first), ..at })
    }

    /// Adds a record behind the others.
    pub fn push(&mut self, key: KeyHash, at: At) {
        let number = self.end();
        self.keys.push_back(key);
        let follows = self.runs.back().is_some_and(|run| {
            let next = At { offset: run.at.offset + (number - run.first), ..run.at };
            next == at
        });
        if !follows {
            self.runs.push_back(Run { first: number, at });
        }
        if key == NO_KEY {
            return;
        }
        let low = number as u32;
        let Recent { keys, first, table, .. } = self;
        let key_of = |low: u32| keys.get(low.wrapping_sub(*first as u32) as usize).copied();
        match table.find_mut(key as u64, |&held| held != low && key_of(held) == Some(key)) {
            Some(held) => *held = low,
            None => {
                table.insert_unique(key as u64, low, |&held| {
                    key_of(held).unwrap_or_default() as u64
                });
            }
        }
    }

    /// Forgets the first records so that at most `most` are left.
    pub fn keep_last(&mut self, most: usize) {
        while self.keys.len() > most {
            self.pop_first();
        }
    }

    /// Forgets the first records that were appended at a time or before.
    pub fn forget_until(&mut self, time_us: i64) {
        while self.runs.front().is_some_and(|run| run.at.time_us <= time_us) {
            self.pop_first();
        }
    }

    /// Forgets the first records as long as they are in a place that `is_gone`.
    pub fn forget_gone(&mut self, is_gone: impl Fn(At) -> bool) {
        while let Some(run) = self.runs.front()
            && is_gone(At { offset: run.at.offset + (self.first - run.first), ..run.at })
        {
            self.pop_first();
        }
    }

    /// Forgets the last records, up to the one that has this number.
    pub fn cut(&mut self, end: u64) {
        while self.end() > end
            && let Some(key) = self.keys.back().copied()
        {
            let number = self.end() - 1;
            self.remove(key, number);
            self.keys.pop_back();
            if self.keys.is_empty() || self.runs.back().is_some_and(|run| run.first == number) {
                self.runs.pop_back();
            }
        }
    }

    /// Saves all of it.
    pub fn save(&self, to: &mut Writer) {
        to.put_len(self.runs.len());
        let ends = self.runs.iter().skip(1).map(|run| run.first).chain([self.end()]);
        for (run, end) in self.runs.iter().zip(ends) {
            // Of the first run, some may be forgotten.
            let first = run.first.max(self.first);
            to.put_u64(end - first);
            to.put_u64(u64::from(run.at.partition));
            to.put_u64(run.at.offset + (first - run.first));
            to.put_i64(run.at.time_us);
        }
        self.keys.iter().for_each(|key| to.put_plain(&key.to_le_bytes()));
    }

    /// Restores what was saved.
    ///
    /// # Errors
    /// When it is no such state.
    pub fn load(from: &mut Reader<'_>) -> Result<Recent, StateError> {
        let mut runs = Vec::new();
        for _ in 0..from.take_count(11)? {
            let count = from.take_u64()?;
            let partition = u32::try_from(from.take_u64()?);
            let partition = partition.map_err(|_| StateError::Invalid("a partition"))?;
            let (offset, time_us) = (from.take_u64()?, from.take_i64()?);
            runs.push((count, At { partition, offset, time_us }));
        }
        let mut recent = Recent::default();
        for (count, at) in runs {
            for number in 0..count {
                let key = from.take_plain(size_of::<KeyHash>())?.try_into();
                let key = KeyHash::from_le_bytes(key.map_err(|_| StateError::Short)?);
                let offset = at.offset.checked_add(number);
                let offset = offset.ok_or(StateError::Invalid("an offset"))?;
                recent.push(key, At { offset, ..at });
            }
        }
        Ok(recent)
    }

    fn pop_first(&mut self) {
        let number = self.first;
        if let Some(key) = self.keys.front().copied() {
            self.remove(key, number);
            self.keys.pop_front();
            self.first += 1;
        }
        let next_begins = |run: &Run| run.first <= self.first;
        if self.keys.is_empty() || self.runs.get(1).is_some_and(next_begins) {
            self.runs.pop_front();
        }
    }

    /// Takes a record out of the table, if it is the last one of its key.
    fn remove(&mut self, key: KeyHash, number: u64) {
        if let Ok(entry) = self.table.find_entry(key as u64, |&low| low == number as u32) {
            entry.remove();
        }
    }

    fn key_of(&self, low: u32) -> Option<KeyHash> {
        self.keys.get(low.wrapping_sub(self.first as u32) as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// What is done, over few keys and partitions.
    #[derive(Clone, Debug)]
    enum Step {
        Push(u8, u32, bool),
        KeepLast(usize),
        ForgetUntil(i64),
        Cut(u64),
    }

    fn some_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0_u8..9, 0_u32..2, any::<bool>()).prop_map(|(k, p, gap)| Step::Push(k, p, gap)),
            1 => (0_usize..20).prop_map(Step::KeepLast),
            1 => (0_i64..30).prop_map(Step::ForgetUntil),
            1 => (0_u64..4).prop_map(Step::Cut),
        ]
    }

    proptest! {
        /// It finds what a plain list of the records would.
        #[test]
        fn it_finds_the_last_record_of_each_key(steps in vec(some_step(), 0..120)) {
            let mut recent = Recent::default();
            let mut model: Vec<(KeyHash, At)> = Vec::new();
            let (mut offsets, mut time_us) = ([0_u64; 2], 0);
            for step in steps {
                match step {
                    Step::Push(key, partition, gap) => {
                        let next = &mut offsets[partition as usize];
                        *next += 1 + u64::from(gap);
                        time_us += i64::from(gap);
                        let at = At { partition, offset: *next, time_us };
                        recent.push(KeyHash::from(key), at);
                        model.push((KeyHash::from(key), at));
                    }
                    Step::KeepLast(most) => {
                        recent.keep_last(most);
                        model.drain(..model.len().saturating_sub(most));
                    }
                    Step::ForgetUntil(until_us) => {
                        recent.forget_until(until_us);
                        model.retain(|(_, at)| at.time_us > until_us);
                    }
                    Step::Cut(count) => {
                        // Only what was just added is taken back, and that replaced nothing.
                        let added = model.iter().rev().take(count as usize).take_while(|(key, _)| {
                            model.iter().filter(|(other, _)| other == key).count() == 1
                        }).count();
                        recent.cut(recent.end() - added as u64);
                        model.truncate(model.len() - added);
                    }
                }
                prop_assert_eq!(recent.len(), model.len());
                prop_assert!(recent.runs.len() <= model.len());
                let mut to = Writer::new();
                recent.save(&mut to);
                let mut from = Reader::new(to.as_bytes());
                let restored = Recent::load(&mut from).unwrap();
                prop_assert_eq!(from.end(), Ok(()));
                prop_assert_eq!(restored.len(), model.len());
                for key in 1..9 {
                    let last = model.iter().rev().find(|(other, _)| *other == key);
                    prop_assert_eq!(recent.find(key), last.map(|(_, at)| *at));
                    prop_assert_eq!(restored.find(key), last.map(|(_, at)| *at));
                }
            }
        }
    }

    #[test]
    fn records_are_counted_beyond_32_bits() {
        let mut recent = Recent { first: (1 << 32) - 3, ..Recent::default() };
        let at = |offset| At { partition: 0, offset, time_us: 0 };
        (0..8).for_each(|number| recent.push(number + 10, at(number as u64)));
        assert!((0..8).all(|number| recent.find(number + 10) == Some(at(number as u64))));
        recent.keep_last(3);
        assert_eq!((recent.find(14), recent.find(15)), (None, Some(at(5))));
    }

    #[test]
    fn records_that_follow_each_other_take_one_run() {
        let mut recent = Recent::default();
        let at = |offset| At { partition: 0, offset, time_us: 0 };
        (0..1000).for_each(|number| recent.push(KeyHash::from(number) + 1, at(number)));
        assert_eq!(recent.runs.len(), 1);
        recent.forget_gone(|at| at.offset < 400);
        assert_eq!((recent.len(), recent.find(400), recent.find(401)), (600, None, Some(at(400))));
    }
}
