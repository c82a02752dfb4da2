//! `--repeats`: the first record of a key passes at once; of those that repeat it within a span of
//! event time, the last one passes when that is over, with how many there were.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::state::{Reader, StateError, Writer};
use crate::time::Duration;
use crate::window::Progress;

/// The keys whose first record passed less than a span ago.
pub struct Repeats {
    span_ms: i64,
    keys_max: usize,
    keys: HashMap<Arc<[u8]>, Held, RandomState>,
    /// All of them, by when they are forgotten, and then by when they were first seen.
    due: BTreeMap<(i64, u64), Arc<[u8]>>,
    /// How many keys were held so far.
    serial: u64,
    /// How many keys have repeats.
    pending: usize,
    /// How far event time has come.
    progress: Progress,
}

/// What is held of a key.
struct Held {
    /// The event time of the record that passed.
    first_ms: i64,
    /// How many records repeated it.
    count: u64,
    /// The last one of these.
    last: Vec<u8>,
}

/// The records that repeated one that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// How many they are.
    pub count: u64,
    /// The last one.
    pub last: Vec<u8>,
}

/// More keys than are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyKeys(pub usize);

impl Repeats {
    /// Nothing seen yet; a key is held for `span_ms` of event time, above zero, and at most so many
    /// are.
    pub fn new(span_ms: i64, keys_max: usize) -> Repeats {
        Repeats {
            span_ms,
            keys_max,
            keys: HashMap::default(),
            due: BTreeMap::new(),
            serial: 0,
            pending: 0,
            progress: Progress::new(Duration::default()),
        }
    }

    /// Has event time go on with the clock when no input came for so long.
    #[must_use]
    pub fn idling(mut self, after: Option<Duration>) -> Repeats {
        self.progress = self.progress.idling(after);
        self
    }

    /// A record of this event time comes: what is due before it is given by [`Repeats::next_due`].
    pub fn observe(&mut self, time_ms: i64) {
        self.progress.observe(time_ms);
    }

    /// The next key whose time is over, if it was repeated.
    pub fn next_due(&mut self) -> Option<Repeated> {
        while let Some((until_ms, _)) = self.due.first_key_value().map(|(at, _)| *at) {
            if !self.is_over(until_ms) {
                return None;
            }
            if let Some(repeated) = self.forget_first() {
                return Some(repeated);
            }
        }
        None
    }

    /// The next key that was repeated, whether its time is over or not.
    pub fn next_at_end(&mut self) -> Option<Repeated> {
        while !self.due.is_empty() {
            if let Some(repeated) = self.forget_first() {
                return Some(repeated);
            }
        }
        None
    }

    /// Takes a record whose event time was observed; whether it passes at once. If it does not, it
    /// is held in place of the one before it, which `dropped` is given.
    ///
    /// # Errors
    /// When too many keys are held.
    pub fn take(
        &mut self,
        key: &[u8],
        time_ms: i64,
        record: &[u8],
        dropped: impl FnOnce(&[u8]),
    ) -> Result<bool, TooManyKeys> {
        let until = |ms: i64| ms.saturating_add(self.span_ms);
        if let Some(held) = self.keys.get_mut(key)
            && time_ms < until(held.first_ms)
            && held.first_ms < until(time_ms)
        {
            match held.count {
                0 => self.pending += 1,
                _ => dropped(&held.last),
            }
            held.count += 1;
            held.last.clear();
            held.last.extend_from_slice(record);
            return Ok(false);
        }
        // A record that is so late is not held: its time is over.
        if !self.is_over(until(time_ms)) {
            if self.keys.len() >= self.keys_max {
                return Err(TooManyKeys(self.keys_max));
            }
            self.hold(key.into(), Held { first_ms: time_ms, count: 0, last: Vec::new() });
        }
        Ok(true)
    }

    /// How many records are held back by those of their keys that passed.
    pub fn held_back(&self) -> usize {
        self.pending
    }

    /// How long input can be waited for until something may be due: forever, if nothing is.
    pub fn patience(&self) -> Option<Duration> {
        let (until_ms, _) = *self.due.first_key_value().filter(|_| self.pending > 0)?.0;
        self.progress.patience(until_ms.saturating_sub(1))
    }

    /// Input was waited for so long.
    pub fn wait(&mut self, time: Duration) {
        self.progress.wait(time);
    }

    /// Saves the keys that are held, those that are forgotten first before others.
    pub fn save(&self, to: &mut Writer) {
        to.put_i64(self.span_ms);
        self.progress.save(to);
        to.put_len(self.due.len());
        for key in self.due.values() {
            let Some(held) = self.keys.get(key) else { continue };
            to.put_bytes(key);
            to.put_i64(held.first_ms);
            to.put_u64(held.count);
            to.put_bytes(&held.last);
        }
    }

    /// Restores what [`Repeats::save`] saved, with the same span.
    ///
    /// # Errors
    /// When it is no such state, or that of another span. It must not be used then.
    pub fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        if from.take_i64()? != self.span_ms {
            return Err(StateError::Changed("memory for keys"));
        }
        self.progress.restore(from)?;
        (self.keys, self.due) = (HashMap::default(), BTreeMap::new());
        (self.serial, self.pending) = (0, 0);
        for _ in 0..from.take_count(11)? {
            let key = from.take_bytes()?;
            let (first_ms, count) = (from.take_i64()?, from.take_records()?);
            let last = from.take_bytes()?.to_vec();
            if self.keys.contains_key(key) {
                return Err(StateError::Invalid("a key occurs twice"));
            }
            self.pending += usize::from(count > 0);
            self.hold(key.into(), Held { first_ms, count, last });
        }
        Ok(())
    }

    fn hold(&mut self, key: Arc<[u8]>, held: Held) {
        let until_ms = held.first_ms.saturating_add(self.span_ms);
        self.serial += 1;
        self.due.insert((until_ms, self.serial), Arc::clone(&key));
        self.keys.insert(key, held);
    }

    /// Forgets the first key of all; what repeated it, if anything did.
    fn forget_first(&mut self) -> Option<Repeated> {
        let (_, key) = self.due.pop_first()?;
        let Held { count, last, .. } = self.keys.remove(&key)?;
        self.pending -= usize::from(count > 0);
        (count > 0).then_some(Repeated { count, last })
    }

    /// Whether event time has come so far.
    fn is_over(&self, until_ms: i64) -> bool {
        // The watermark is before the event time that it follows.
        self.progress.at_ms().is_some_and(|at_ms| until_ms <= at_ms.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// What comes out, one after the other: records by their numbers, with how many they stand for.
    type Out = Vec<(usize, Option<u64>)>;

    fn number(bytes: &[u8]) -> usize {
        str::from_utf8(bytes).unwrap().parse().unwrap()
    }

    fn given(span_ms: i64, records: &[(u8, i64)], restores: bool) -> (Out, Vec<usize>) {
        let mut repeats = Repeats::new(span_ms, usize::MAX);
        let (mut out, mut dropped) = (Out::new(), Vec::new());
        let rolled_up = |one: Repeated| (number(&one.last), Some(one.count));
        for (at, (key, time_ms)) in records.iter().enumerate() {
            repeats.observe(*time_ms);
            out.extend(std::iter::from_fn(|| repeats.next_due()).map(rolled_up));
            let record = at.to_string().into_bytes();
            let drop = |before: &[u8]| dropped.push(number(before));
            if repeats.take(&[*key], *time_ms, &record, drop).unwrap() {
                out.push((at, None));
            }
            if restores {
                let mut to = Writer::new();
                repeats.save(&mut to);
                repeats = Repeats::new(span_ms, usize::MAX);
                let mut from = Reader::new(to.as_bytes());
                repeats.restore(&mut from).and_then(|()| from.end()).unwrap();
            }
        }
        out.extend(std::iter::from_fn(|| repeats.next_at_end()).map(rolled_up));
        assert_eq!((repeats.held_back(), repeats.keys.len(), repeats.due.len()), (0, 0, 0));
        (out, dropped)
    }

    /// The same by a list that is searched from its start: the key, when its first record was, and
    /// which ones repeated it.
    fn expected(span_ms: i64, records: &[(u8, i64)]) -> Out {
        let (mut out, mut now) = (Out::new(), i64::MIN);
        let mut held: Vec<(u8, i64, Vec<usize>)> = Vec::new();
        let roll_up = |held: &mut Vec<(u8, i64, Vec<usize>)>, until_ms: i64, out: &mut Out| {
            let (mut over, open) = held
                .drain(..)
                .partition::<Vec<_>, _>(|(_, first_ms, _)| first_ms + span_ms <= until_ms);
            *held = open;
            // The sort is stable: those that were first seen come first.
            over.sort_by_key(|(_, first_ms, _)| *first_ms);
            let repeated = over.iter().filter_map(|(_, _, all)| Some((*all.last()?, all.len())));
            out.extend(repeated.map(|(last, count)| (last, Some(count as u64))));
        };
        for (at, (key, time_ms)) in records.iter().enumerate() {
            now = now.max(*time_ms);
            roll_up(&mut held, now, &mut out);
            let near = |(other, first_ms, _): &&mut (u8, i64, Vec<usize>)| {
                other == key && (first_ms - time_ms).abs() < span_ms
            };
            if let Some((_, _, all)) = held.iter_mut().find(near) {
                all.push(at);
                continue;
            }
            out.push((at, None));
            if time_ms + span_ms > now {
                held.push((*key, *time_ms, Vec::new()));
            }
        }
        roll_up(&mut held, i64::MAX, &mut out);
        out
    }

    proptest! {
        #[test]
        fn agrees_with_a_list(
            span_ms in 1_i64..30, steps in vec((0_u8..4, -20_i64..30), 0..60), restores: bool,
        ) {
            let mut now = 0;
            let records = steps.into_iter().map(|(key, step)| {
                let time_ms = now + step;
                now = now.max(time_ms);
                (key, time_ms)
            });
            let records: Vec<(u8, i64)> = records.collect();
            let (out, dropped) = given(span_ms, &records, restores);
            prop_assert_eq!(&out, &expected(span_ms, &records));
            // Each record goes one way, and each is counted once.
            let mut all: Vec<usize> = out.iter().map(|(at, _)| *at).chain(dropped).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..records.len()).collect::<Vec<_>>());
            let counts = out.iter().map(|(_, count)| count.unwrap_or(1)).sum::<u64>();
            prop_assert_eq!(counts, records.len() as u64);
        }
    }

    #[test]
    fn too_many_keys_are_refused() {
        let mut repeats = Repeats::new(10, 1);
        let mut take = |key: &[u8], time_ms| {
            repeats.observe(time_ms);
            repeats.next_due();
            repeats.take(key, time_ms, b"", |_| {})
        };
        assert_eq!(take(b"a", 0), Ok(true));
        assert_eq!(take(b"b", 9), Err(TooManyKeys(1)));
        assert_eq!(take(b"a", 9), Ok(false));
        assert_eq!(take(b"b", 10), Ok(true));
    }

    #[test]
    fn a_quiet_input_is_over_by_the_clock() {
        let ms = |ms| Duration::from_ms(ms).unwrap();
        let mut repeats = Repeats::new(1_000, 9).idling(Some(ms(100)));
        let take = |repeats: &mut Repeats, time_ms| {
            repeats.observe(time_ms);
            repeats.take(b"a", time_ms, b"x", |_| {}).unwrap()
        };
        assert!(take(&mut repeats, 5_000));
        assert_eq!(repeats.patience(), None);
        assert!(!take(&mut repeats, 5_400));
        assert_eq!(repeats.patience(), Some(ms(100)));
        repeats.wait(ms(100));
        assert_eq!((repeats.next_due(), repeats.patience()), (None, Some(ms(500))));
        repeats.wait(ms(500));
        assert_eq!(repeats.next_due(), Some(Repeated { count: 1, last: b"x".to_vec() }));
        assert_eq!(repeats.patience(), None);
    }
}
