//! `--unique`: which keys have been seen, and for how long that is remembered.

use std::collections::VecDeque;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::aggregate::keys::Keys;
use crate::state::{Reader, StateError, Writer};

/// The keys that were seen.
pub struct Seen {
    /// With [`Memory::All`]: all of them.
    all: Keys,
    /// Otherwise, for each, when it was seen last, or the time of the record of it that passed.
    keys: HashMap<Box<[u8]>, i64, RandomState>,
    /// Keys in the order of their last sighting, each with what `keys` then held of it; where that
    /// has changed since, the entry means nothing any more.
    order: VecDeque<(i64, Box<[u8]>)>,
    memory: Memory,
    /// The greatest event time, or how many records were asked about.
    now: i64,
}

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Every key, for ever.
    All,
    /// For so long, in milliseconds of event time, after the record of the key that passed. It
    /// counts for records before that one, too, if they are no further away.
    Within(i64),
    /// So many keys: those that were seen last.
    Last(usize),
}

impl Seen {
    /// Nothing seen yet.
    pub fn new(memory: Memory) -> Seen {
        let (all, keys) = (Keys::default(), HashMap::default());
        Seen { all, keys, order: VecDeque::new(), memory, now: i64::MIN }
    }

    /// Whether a record passes: none of its key is remembered. `time_ms` is its event time, where
    /// that is what memory goes by.
    pub fn passes(&mut self, key: &[u8], time_ms: i64) -> bool {
        match self.memory {
            Memory::All => {
                let found = self.all.find(key);
                let new = found.number.is_none();
                if new {
                    self.all.add(found, key);
                }
                new
            }
            Memory::Within(span_ms) => self.passes_within(key, time_ms, span_ms),
            Memory::Last(count) => self.passes_last(key, count),
        }
    }

    /// Saves the keys that are remembered, and since when: where that matters, those that are
    /// forgotten first come first.
    pub fn save(&self, to: &mut Writer) {
        to.put_bytes(&self.memory.saved());
        to.put_i64(self.now);
        if self.memory == Memory::All {
            to.put_len(self.all.len());
            self.all.iter().for_each(|key| to.put_bytes(key));
            return;
        }
        to.put_len(self.keys.len());
        // Entries that mean nothing any more are not missed.
        for (at, key) in self.order.iter().filter(|(at, key)| self.keys.get(key) == Some(at)) {
            to.put_i64(*at);
            to.put_bytes(key);
        }
    }

    /// Restores what [`Seen::save`] saved, with the same memory. The same records then pass as
    /// would have passed.
    ///
    /// # Errors
    /// When it is no such state, or that of another memory; nothing has then changed.
    pub fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        if from.take_bytes()? != self.memory.saved() {
            return Err(StateError::Changed("memory for keys"));
        }
        let mut seen = Seen { now: from.take_i64()?, ..Seen::new(self.memory) };
        for _ in 0..from.take_count(1)? {
            let new = match self.memory {
                Memory::All => seen.passes(from.take_bytes()?, 0),
                Memory::Within(_) | Memory::Last(_) => {
                    let (at, key) = (from.take_i64()?, from.take_bytes()?);
                    seen.order.push_back((at, key.into()));
                    seen.keys.insert(key.into(), at).is_none()
                }
            };
            if !new {
                return Err(StateError::Invalid("a key occurs twice"));
            }
        }
        *self = seen;
        Ok(())
    }

    fn passes_within(&mut self, key: &[u8], time_ms: i64, span_ms: i64) -> bool {
        self.now = self.now.max(time_ms);
        let until = |passed: &i64| passed.saturating_add(span_ms);
        let near = |passed: &i64| time_ms < until(passed) && *passed < until(&time_ms);
        let new = !self.keys.get(key).is_some_and(near);
        // What is too long ago to be remembered must not take the place of what is remembered.
        if new && until(&time_ms) > self.now {
            self.note(key, time_ms);
        }
        while self.order.front().is_some_and(|(passed, _)| until(passed) <= self.now) {
            self.forget_first();
        }
        new
    }

    fn passes_last(&mut self, key: &[u8], count: usize) -> bool {
        self.now = self.now.saturating_add(1);
        let new = !self.keys.contains_key(key);
        self.note(key, self.now);
        while self.keys.len() > count {
            self.forget_first();
        }
        // Of a key that is seen again and again only the last sighting counts.
        if self.order.len() > 2 * count + 16 {
            let keys = &self.keys;
            self.order.retain(|(at, key)| keys.get(key) == Some(at));
        }
        new
    }

    fn note(&mut self, key: &[u8], at: i64) {
        match self.keys.get_mut(key) {
            Some(held) => *held = at,
            None => {
                self.keys.insert(key.into(), at);
            }
        }
        self.order.push_back((at, key.into()));
    }

    /// Takes the first entry of the order, and forgets its key if it has not been seen since.
    fn forget_first(&mut self) {
        if let Some((at, key)) = self.order.pop_front()
            && self.keys.get(&key) == Some(&at)
        {
            self.keys.remove(&key);
        }
    }
}

impl Memory {
    fn saved(self) -> Vec<u8> {
        let mut to = Writer::new();
        match self {
            Memory::All => to.put_u8(0),
            Memory::Within(span_ms) => {
                to.put_u8(1);
                to.put_i64(span_ms);
            }
            Memory::Last(count) => {
                to.put_u8(2);
                to.put_len(count);
            }
        }
        to.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn passed(memory: Memory, records: &[(&str, i64)]) -> Vec<bool> {
        let mut seen = Seen::new(memory);
        records.iter().map(|(key, time_ms)| seen.passes(key.as_bytes(), *time_ms)).collect()
    }

    #[test]
    fn all_keys_are_remembered() {
        let records = [("a", 0), ("b", 0), ("a", 0), ("", 0), ("", 0)];
        assert_eq!(passed(Memory::All, &records), [true, true, false, true, false]);
    }

    #[test]
    fn a_key_is_remembered_for_its_time() {
        let records = [("a", 0), ("a", 9), ("a", 10), ("a", 19), ("a", 5), ("b", 30), ("a", 21)];
        let expected = [true, false, true, false, false, true, true];
        assert_eq!(passed(Memory::Within(10), &records), expected);
    }

    #[test]
    fn a_late_record_is_a_duplicate_only_of_one_that_is_near() {
        let records = [("a", 1000), ("a", 991), ("a", 990), ("a", 100), ("a", 1009), ("a", 1010)];
        let expected = [true, false, true, true, false, true];
        assert_eq!(passed(Memory::Within(10), &records), expected);
    }

    proptest! {
        /// A record is dropped only if one of its key is kept that is near, and one that is near
        /// and remembered has it dropped.
        #[test]
        fn only_what_is_near_is_dropped(records in vec((0_u8..3, -40_i64..40), 0..60),
                                        span_ms in 1_i64..30) {
            let mut seen = Seen::new(Memory::Within(span_ms));
            let mut kept: Vec<(u8, i64)> = Vec::new();
            let mut now = i64::MIN;
            for (key, time_ms) in records {
                now = now.max(time_ms);
                let near = |(of, at): &(u8, i64)| *of == key && (at - time_ms).abs() < span_ms;
                let held = |(_, at): &&(u8, i64)| at + span_ms > now;
                let passes = seen.passes(&[key], time_ms);
                prop_assert!(passes || kept.iter().any(near));
                prop_assert!(!passes || !kept.iter().filter(held).any(near));
                if passes {
                    kept.push((key, time_ms));
                }
                prop_assert!(seen.order.len() <= kept.len() && seen.keys.len() <= 3);
            }
        }
    }

    fn some_memory() -> impl Strategy<Value = Memory> {
        prop_oneof![
            Just(Memory::All),
            (1_i64..30).prop_map(Memory::Within),
            (0_usize..5).prop_map(Memory::Last),
        ]
    }

    proptest! {
        /// One runs on, another is saved and restored after each record.
        #[test]
        fn what_is_restored_continues_as_if_nothing_had_been(
            memory in some_memory(), records in vec((0_u8..9, -40_i64..40), 0..80),
        ) {
            let (mut plain, mut restored) = (Seen::new(memory), Seen::new(memory));
            for (key, time_ms) in records {
                let expected = plain.passes(&[key], time_ms);
                prop_assert_eq!(restored.passes(&[key], time_ms), expected);
                let mut to = Writer::new();
                restored.save(&mut to);
                restored = Seen::new(memory);
                let mut from = Reader::new(to.as_bytes());
                prop_assert_eq!(restored.restore(&mut from).and_then(|()| from.end()), Ok(()));
            }
        }

        #[test]
        fn nothing_panics_on_damaged_states(
            memory in some_memory(), records in vec((0_u8..9, -40_i64..40), 0..30),
            damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut seen = Seen::new(memory);
            records.iter().for_each(|(key, time_ms)| _ = seen.passes(&[*key], *time_ms));
            let mut to = Writer::new();
            seen.save(&mut to);
            let mut bytes = to.into_bytes();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if seen.restore(&mut Reader::new(&bytes)).is_ok() {
                records.iter().for_each(|(key, time_ms)| _ = seen.passes(&[*key], *time_ms));
            }
        }
    }

    #[test]
    fn the_state_of_another_memory_is_refused() {
        let mut to = Writer::new();
        Seen::new(Memory::Last(3)).save(&mut to);
        let load = |memory| Seen::new(memory).restore(&mut Reader::new(to.as_bytes()));
        assert_eq!(load(Memory::Last(3)), Ok(()));
        for other in [Memory::All, Memory::Last(4), Memory::Within(3)] {
            assert_eq!(load(other), Err(StateError::Changed("memory for keys")));
        }
    }

    #[test]
    fn what_can_no_longer_matter_is_forgotten() {
        let mut seen = Seen::new(Memory::Within(10));
        for time_ms in 0..1000 {
            seen.passes(format!("{time_ms}").as_bytes(), time_ms);
            assert!(seen.keys.len() <= 10 && seen.order.len() <= 10);
        }
    }

    #[test]
    fn one_key_remembered_drops_what_follows_itself() {
        let records = ["a", "a", "b", "a", "a"].map(|key| (key, 0));
        assert_eq!(passed(Memory::Last(1), &records), [true, false, true, true, false]);
    }

    #[test]
    fn a_key_that_is_seen_again_is_remembered_longer() {
        let records = ["a", "b", "a", "c", "a", "b"].map(|key| (key, 0));
        assert_eq!(passed(Memory::Last(2), &records), [true, true, false, true, false, true]);
    }

    #[test]
    fn few_keys_take_little_memory_however_often_they_come() {
        let mut seen = Seen::new(Memory::Last(3));
        for number in 0..10_000 {
            seen.passes(&[number as u8 % 3], 0);
            assert!(seen.keys.len() <= 3 && seen.order.len() <= 22 + 1);
        }
    }
}
