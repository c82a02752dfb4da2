//! The keys that a topic has by one expression, as far as it reaches: read from the topic.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use super::cache;
use super::key::{KeyHash, Keyer, NO_KEY, NoKey, Secret, new_secret};
use super::recent::{At, Recent};
use crate::api::appending::Unique;
use crate::api::reading::{ByPartition, Chunk, Span};
use crate::expr::{Bounds, Exceeded};
use crate::log::LogError;
use crate::log::clock::{now_us, us_of_ms};
use crate::log::read::reader::TopicReader;
use crate::log::sync::lock;

/// How much of a topic is read at once, in bytes.
const READ_BYTES: usize = 1 << 20;

/// A set is saved when it has grown by one in so many records.
const SAVED_PART: u64 = 8;

/// How many times in a row reading begins again, because records are removed before they are read.
const TRIES: u32 = 8;

/// The keys of a topic by one expression.
pub(in crate::log) struct KeySet {
    /// The expression, and how far it reaches.
    pub unique: Unique,
    topic: String,
    /// Known once the topic was read: it may come from a file.
    secret: OnceLock<Secret>,
    /// Ends evaluations once it is set.
    hurried: Arc<AtomicBool>,
    /// Those that no thread uses just now.
    keyers: Mutex<Vec<Keyer>>,
    known: Mutex<Known>,
    used_us: AtomicI64,
}

/// What a set knows of its topic.
#[derive(Debug, Default)]
pub(in crate::log) struct Known {
    recent: Recent,
    /// For each partition the offset before which its records are known; nothing is known before
    /// the topic was read.
    ends: Option<Vec<u64>>,
    /// For each partition the offset before which there are no records any more.
    starts: Vec<u64>,
    /// How many records were added since they were last saved.
    unsaved: u64,
}

/// How much was known at a time.
#[derive(Debug)]
pub(in crate::log) struct Mark {
    end: u64,
    ends: Option<Vec<u64>>,
}

/// What a set knows, while nobody else can use it.
pub(in crate::log) struct Open<'a> {
    set: &'a KeySet,
    known: MutexGuard<'a, Known>,
}

impl KeySet {
    /// A set that has read nothing yet. Evaluations end once `hurried` is set.
    pub fn new(topic: &str, unique: Unique, hurried: Arc<AtomicBool>) -> KeySet {
        KeySet {
            unique,
            topic: topic.to_owned(),
            secret: OnceLock::new(),
            hurried,
            keyers: Mutex::default(),
            known: Mutex::default(),
            used_us: AtomicI64::new(now_us()),
        }
    }

    /// When it was last used, in µs since the epoch.
    pub fn used_us(&self) -> i64 {
        self.used_us.load(Ordering::Relaxed)
    }

    /// Lets nobody else use it.
    pub fn open(&self) -> Open<'_> {
        self.used_us.store(now_us(), Ordering::Relaxed);
        self.open_unused()
    }

    /// The same, for one who does not need it.
    pub fn open_unused(&self) -> Open<'_> {
        Open { set: self, known: lock(&self.known) }
    }

    /// Takes what evaluates the expression, to be given back by [`KeySet::give_back`].
    ///
    /// # Errors
    /// When it is no jq expression.
    pub fn keyer(&self) -> Result<Keyer, LogError> {
        match lock(&self.keyers).pop() {
            Some(keyer) => Ok(keyer),
            None => {
                let bounds = Bounds::served(Arc::clone(&self.hurried));
                Keyer::new(&self.unique.key, self.secret.get_or_init(new_secret), bounds)
            }
        }
    }

    /// Takes back what evaluates the expression.
    pub fn give_back(&self, mut keyer: Keyer) {
        keyer.rest();
        lock(&self.keyers).push(keyer);
    }
}

/// Gives back what evaluated the keys of sets.
pub(in crate::log) fn give_back(sets: &[Arc<KeySet>], keyers: Vec<Keyer>) {
    sets.iter().zip(keyers).for_each(|(set, keyer)| set.give_back(keyer));
}

impl Open<'_> {
    /// Whether the topic has a record of this key within reach.
    pub fn has(&self, key: KeyHash) -> bool {
        let start = |at: At| self.known.starts.get(at.partition as usize).copied().unwrap_or(0);
        self.known.recent.find(key).is_some_and(|at| at.offset >= start(at))
    }

    /// Forgets what a record that is appended at a time does not reach any more.
    pub fn pass_time(&mut self, now_us: i64) {
        if let Some(within_ms) = self.set.unique.within_ms {
            self.known.recent.forget_until(now_us.saturating_sub(us_of_ms(within_ms)));
        }
    }

    /// Refuses so many more records, if they are too many.
    pub fn check_room(&self, records: u64) -> Result<(), LogError> {
        let most = self.set.unique.most();
        let last = self.set.unique.last.unwrap_or(u64::MAX);
        let wanted = (self.known.recent.len() as u64).saturating_add(records).min(last);
        if wanted <= most {
            return Ok(());
        }
        Err(LogError::TooManyKeys { topic: self.set.topic.clone(), most })
    }

    /// Adds records that follow each other in a partition, from `at` on.
    pub fn add(&mut self, keys: impl Iterator<Item = KeyHash>, at: At) {
        // When a record was appended matters only where that decides.
        let time_us = if self.set.unique.within_ms.is_some() { at.time_us } else { 0 };
        let mut offset = at.offset;
        for key in keys {
            self.known.unsaved += 1;
            self.known.recent.push(key, At { offset, time_us, ..at });
            offset += 1;
        }
        if let Some(end) = self.end_of(at.partition) {
            *end = offset;
        }
        if let Some(last) = self.set.unique.last {
            self.known.recent.keep_last(usize::try_from(last).unwrap_or(usize::MAX));
        }
    }

    /// Whether so many records were added, a `few` at least, that it is worth saving.
    pub fn has_grown(&self, few: u64) -> bool {
        self.known.unsaved >= few.max(self.known.recent.len() as u64 / SAVED_PART)
    }

    /// The keys as bytes to be saved, if so much was added that it is worth that: reading the
    /// records again would take longer than reading a file, and writing it is rare.
    ///
    /// # Errors
    /// When the topic's files cannot be read.
    pub fn encode(&mut self, reader: &TopicReader, few: u64) -> Result<Option<Vec<u8>>, LogError> {
        if !self.has_grown(few) {
            return Ok(None);
        }
        let known = &mut *self.known;
        let (Some(ends), Some(secret)) = (&known.ends, self.set.secret.get()) else {
            return Ok(None);
        };
        known.unsaved = 0;
        cache::encode(reader, &self.set.unique, secret, &known.recent, ends).map(Some)
    }

    /// How much is known now.
    pub fn mark(&self) -> Mark {
        Mark { end: self.known.recent.end(), ends: self.known.ends.clone() }
    }

    /// Takes back what was added since: it was not appended.
    pub fn undo(&mut self, mark: Mark) {
        self.known.recent.cut(mark.end);
        self.known.ends = mark.ends;
    }

    /// Takes note that a partition begins at an offset from now on.
    pub fn trim(&mut self, partition: u32, start: u64) {
        let Known { recent, starts, .. } = &mut *self.known;
        if let Some(held) = starts.get_mut(partition as usize) {
            *held = start;
        }
        let start_of = |at: At| starts.get(at.partition as usize).copied().unwrap_or(0);
        recent.forget_gone(|at| at.offset < start_of(at));
    }

    /// Reads what was appended since it was last done.
    ///
    /// # Errors
    /// When that cannot be read, or is too much. It is then read from its beginning another time.
    pub fn catch_up(&mut self, reader: &TopicReader) -> Result<(), LogError> {
        for _ in 1..TRIES {
            match self.read(reader) {
                // Removed before it was read.
                Err(LogError::OffsetOutOfRange { .. }) => *self.known = Known::default(),
                read => return self.settle(read),
            }
        }
        let read = self.read(reader);
        self.settle(read)
    }

    fn settle(&mut self, read: Result<(), LogError>) -> Result<(), LogError> {
        if read.is_err() {
            *self.known = Known::default();
        }
        read
    }

    fn read(&mut self, reader: &TopicReader) -> Result<(), LogError> {
        let ends = reader.ends()?;
        if self.known.ends.as_ref() == Some(&ends) {
            return Ok(());
        }
        self.pass_time(now_us());
        let from = self.begin(reader, &ends)?;
        let spans = from.into_iter().filter_map(|(partition, from)| {
            let until = ends.get(partition as usize).copied()?;
            (from < until).then_some(Span { partition, from, until: Some(until) })
        });
        let mut cursor = reader.cursor(spans.collect())?;
        let mut keyer = self.set.keyer()?;
        let mut bytes = Vec::new();
        while !cursor.done()
            && let Some(chunk) = cursor.next(READ_BYTES, &mut bytes)?
        {
            self.take(&chunk, &bytes, &mut keyer)?;
            self.check_room(0)?;
        }
        self.set.give_back(keyer);
        self.known.ends = Some(ends);
        self.pass_time(now_us());
        Ok(())
    }

    /// Where each partition is to be read from.
    fn begin(&mut self, reader: &TopicReader, ends: &[u64]) -> Result<ByPartition<u64>, LogError> {
        if self.known.ends.is_none()
            && let Some(saved) = cache::read(reader, &self.set.unique, ends)
            && *self.set.secret.get_or_init(|| saved.secret) == saved.secret
        {
            let starts = reader.bounds()?.iter().map(|held| held.start).collect();
            let (recent, ends) = (saved.recent, Some(saved.ends));
            *self.known = Known { recent, ends, starts, unsaved: 0 };
            self.pass_time(now_us());
        }
        let partitions = ends.len();
        if let Some(ends) = &mut self.known.ends {
            // Partitions may have been added.
            ends.resize(partitions.max(ends.len()), 0);
            self.known.starts.resize(partitions, 0);
            return Ok((0..).zip(self.known.ends.iter().flatten().copied()).collect());
        }
        let bounds = reader.bounds()?;
        let starts: Vec<u64> = bounds.iter().map(|held| held.start).collect();
        let numbers: Vec<u32> = bounds.iter().map(|held| held.partition).collect();
        let from = match (self.set.unique.within_ms, self.set.unique.last) {
            (Some(within_ms), _) => {
                let since_us = now_us().saturating_sub(us_of_ms(within_ms));
                let first = |number| Ok((number, reader.offset_at(number, since_us)?));
                numbers.into_iter().map(first).collect::<Result<_, LogError>>()?
            }
            (None, Some(last)) => reader.last(&bounds, &numbers, last)?.into_iter().collect(),
            (None, None) => numbers.into_iter().zip(starts.iter().copied()).collect(),
        };
        self.known.ends = Some(vec![0; partitions]);
        self.known.starts = starts;
        Ok(from)
    }

    /// Takes the keys of a chunk that was read.
    fn take(&mut self, chunk: &Chunk, bytes: &[u8], keyer: &mut Keyer) -> Result<(), LogError> {
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        let times = chunk.batches.iter().flat_map(|batch| {
            let records = usize::try_from(batch.records).unwrap_or(usize::MAX);
            std::iter::repeat_n(batch.time_us, records)
        });
        for ((offset, line), time_us) in (chunk.offset..).zip(lines).zip(times) {
            let record = line.strip_suffix(b"\n").unwrap_or(line);
            // Compaction leaves empty lines.
            if record.is_empty() {
                continue;
            }
            let key = match keyer.hash(record) {
                Ok(key) => key,
                Err(NoKey::Exceeded(exceeded)) => return Err(self.endless(exceeded)),
                // It may be older than the demand for a key.
                Err(NoKey::Null | NoKey::Failed(_)) => NO_KEY,
            };
            let at = At { partition: chunk.partition, offset, time_us };
            self.add(std::iter::once(key), at);
        }
        if let Some(end) = self.end_of(chunk.partition) {
            *end = chunk.offset + chunk.records;
        }
        Ok(())
    }

    fn endless(&self, exceeded: Exceeded) -> LogError {
        let topic = &self.set.topic;
        LogError::BadSettings {
            why: format!("{topic}: the unique key of a record of the topic: {exceeded}"),
        }
    }

    fn end_of(&mut self, partition: u32) -> Option<&mut u64> {
        self.known.ends.as_mut()?.get_mut(partition as usize)
    }
}
