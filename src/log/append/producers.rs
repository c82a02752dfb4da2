//! What a topic holds of its producers: who appended up to which sequence.
//!
//! The sequences are kept with the batches, in the index. `producers.json` gives the names their
//! numbers, and is a place to begin from, so that not every index has to be read. Names that are
//! newer than that file are beside it (`new_names`).

mod snapshot;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub(in crate::log) use self::snapshot::{Last, PRODUCERS, Producer, Snapshot};
use self::snapshot::{last_number, place_of};
use super::batch::Identity;
use super::new_names::{NEW_NAMES, Named, NewNames};
use crate::api::appending::{Stands, is_passing};
use crate::api::reading::ByPartition;
use crate::log::LogError;
use crate::log::segment::format::Entry;
use crate::log::segment::listing::bases;
use crate::log::segment::lookup::entry_count;
use crate::log::segment::{Entries, Place, Segment};
use crate::log::storage::{Open, Storage};

/// How many names are added, at least, before those of sources that are gone are looked for.
const NAMES_UNCHECKED_MIN: usize = 1000;

/// The producers of one topic.
#[derive(Debug)]
pub(in crate::log) struct Producers {
    /// The topic's directory.
    dir: PathBuf,
    /// In order of their numbers, which begin at 1.
    producers: Vec<Producer>,
    numbers: HashMap<String, u32>,
    from: Vec<u64>,
    /// How many of the producers have their names on the disk for certain: a name in
    /// `producers.new` may be from a writer that died before it had forced it there.
    certain: usize,
    /// Where new names go, once there is one.
    new_names: Option<NewNames>,
    /// Whether `producers.json` is there and has all names, so that `producers.new` may begin anew.
    is_settled: bool,
    /// How many were left when those of sources that are gone were last looked for.
    checked: usize,
}

/// What a batch's sequence means.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::log) enum Verdict {
    /// It is the next one.
    Append,
    /// The log has it already.
    Duplicate { records: u64, offsets: ByPartition<u64> },
    /// It does not follow what the log holds.
    Gap { held: Option<u64> },
}

impl Producers {
    /// Reads what the topic in `topic_dir` holds; `active_entries` gives each partition's number
    /// of entries in its active segment.
    pub(in crate::log) fn load(
        storage: &dyn Storage,
        topic_dir: &Path,
        places: &[Place],
        active_entries: &[u64],
    ) -> Result<Producers, LogError> {
        let snapshot = Snapshot::read(storage, topic_dir, places.len())?
            .map_err(|why| LogError::BadFile { path: topic_dir.join(PRODUCERS), why })?;
        let certain = snapshot.producers.len() - snapshot.new;
        let numbers = snapshot.producers.iter().map(|one| (one.name.clone(), one.number)).collect();
        let mut producers = Producers {
            dir: topic_dir.to_owned(),
            producers: snapshot.producers,
            numbers,
            from: snapshot.from,
            certain,
            new_names: None,
            is_settled: certain > 0 && snapshot.new == 0,
            checked: certain,
        };
        if !producers.producers.is_empty() {
            for (place, &entries) in places.iter().zip(active_entries) {
                producers.add_entries(storage, place, entries)?;
            }
        }
        Ok(producers)
    }

    /// Adds what one partition's entries say, from where the snapshot ends.
    fn add_entries(
        &mut self,
        storage: &dyn Storage,
        place: &Place,
        active_entries: u64,
    ) -> Result<(), LogError> {
        let from = self.from.get(place.partition as usize).copied().unwrap_or(0);
        let bases = bases(storage, place)?;
        // A segment that ends at `from` may have batches without records there.
        let first = bases.partition_point(|&base| base < from).saturating_sub(1);
        for (number, &base) in bases.iter().enumerate().skip(first) {
            let segment = Segment::open(storage, place, base, Open::Read)?;
            let active = number + 1 == bases.len();
            let count = if active { active_entries } else { entry_count(&segment)? };
            let entries = Entries::of(&segment, place);
            let start = entries.partition_point(count, |entry| entry.base < from)?;
            for at in start..count {
                let entry = entries.get(at)?;
                if entry.producer > 0 {
                    self.add(place, &entry)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, place: &Place, entry: &Entry) -> Result<(), LogError> {
        let last_number = last_number(&self.producers);
        let found = place_of(&self.producers, entry.producer);
        let Some(producer) = found.and_then(|at| self.producers.get_mut(at)) else {
            if entry.producer < last_number {
                // It was forgotten.
                return Ok(());
            }
            let why = format!("producers.json does not name producer {}", entry.producer);
            return Err(place.damaged(entry.base, why));
        };
        let part = (place.partition, entry.base);
        match &mut producer.last {
            Some(last) if last.sequence > entry.sequence => {}
            Some(last) if last.sequence == entry.sequence => {
                if !last.offsets.iter().any(|(partition, _)| *partition == place.partition) {
                    last.offsets.push(part);
                    last.records += u64::from(entry.records);
                }
            }
            last => {
                *last = Some(Last {
                    sequence: entry.sequence,
                    records: u64::from(entry.records),
                    offsets: vec![part],
                    time_us: Some(entry.time_us),
                });
            }
        }
        Ok(())
    }

    /// What the log holds of a producer: where it stands.
    pub(in crate::log) fn held(&self, name: &str) -> Option<u64> {
        self.get(name)?.last.as_ref().map(|last| last.sequence)
    }

    fn get(&self, name: &str) -> Option<&Producer> {
        let number = *self.numbers.get(name)?;
        self.producers.get(place_of(&self.producers, number)?)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Producer> {
        let number = *self.numbers.get(name)?;
        let at = place_of(&self.producers, number)?;
        self.producers.get_mut(at)
    }

    /// Where those stand whose names begin with `prefix` and come after `after`, in order of their
    /// names; at most so many. Those that have appended nothing yet are left out.
    pub(in crate::log) fn list(&self, prefix: &str, after: &str, most: usize) -> Vec<Stands> {
        let wanted = |one: &&Producer| {
            one.last.is_some() && one.name.starts_with(prefix) && one.name.as_str() > after
        };
        let mut found: Vec<&Producer> = self.producers.iter().filter(wanted).collect();
        found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let standing = |one: &Producer| Stands {
            name: one.name.clone(),
            sequence: one.last.as_ref().map_or(0, |last| last.sequence),
            time_us: one.last.as_ref().and_then(|last| last.time_us),
        };
        found.into_iter().take(most).map(standing).collect()
    }

    /// Takes note that a producer is there; whether that was not known since `known_us`.
    pub(in crate::log) fn keep(&mut self, name: &str, now_us: i64, known_us: i64) -> bool {
        let Some(last) = self.get_mut(name).and_then(|one| one.last.as_mut()) else { return false };
        let is_news = last.time_us.is_none_or(|time_us| time_us < known_us);
        if is_news {
            last.time_us = Some(now_us);
        }
        is_news
    }

    /// Whether so many names were added that it pays to look for those that nobody needs.
    pub(in crate::log) fn has_many_new(&self) -> bool {
        self.producers.len() - self.checked > self.checked.max(NAMES_UNCHECKED_MIN)
    }

    /// What a batch's sequence means (the rule is in `docs/PROTOCOL.md`, *append*; Kafka's is in
    /// `ProducerAppendInfo`).
    pub(in crate::log) fn judge(&self, identity: &Identity) -> Verdict {
        let last = self.get(&identity.producer).and_then(|producer| producer.last.as_ref());
        let held = last.map(|last| last.sequence);
        if let Some(last) = last
            && identity.sequence <= last.sequence
        {
            // Of older batches it is only known that they are there.
            let (records, offsets) = if identity.sequence == last.sequence {
                (last.records, last.offsets.iter().copied().collect())
            } else {
                (0, ByPartition::new())
            };
            return Verdict::Duplicate { records, offsets };
        }
        match identity.after {
            Some(after) if after != held.unwrap_or(0) => Verdict::Gap { held },
            _ => Verdict::Append,
        }
    }

    /// A producer's number. Before an entry uses it the names must be certain.
    pub(in crate::log) fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = last_number(&self.producers).saturating_add(1);
        self.producers.push(Producer { name: name.to_owned(), number, last: None });
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Whether all names are on the disk.
    pub(in crate::log) fn are_names_certain(&self) -> bool {
        self.certain == self.producers.len()
    }

    /// Whether new names can be added to those that are on the disk, without saving all of it.
    pub(in crate::log) fn takes_new_names(&self) -> bool {
        self.new_names.is_some() || self.is_settled
    }

    /// Adds the new names to those that are on the disk. After a failure this is to be read anew.
    pub(in crate::log) fn add_names(&mut self, storage: &dyn Storage) -> Result<(), LogError> {
        let io = |error| LogError::io(&self.dir.join(NEW_NAMES), error);
        let names = match &mut self.new_names {
            Some(names) => names,
            None => self.new_names.insert(NewNames::create(storage, &self.dir).map_err(io)?),
        };
        let new = self.producers.iter().skip(self.certain);
        let new = new.map(|one| Named { number: one.number, name: one.name.clone() });
        names.add(new).map_err(io)?;
        self.certain = self.producers.len();
        Ok(())
    }

    /// Notes a producer's last batch: how many records it has, and the offset of the first in each
    /// partition.
    pub(in crate::log) fn note(
        &mut self,
        identity: &Identity,
        records: u64,
        offsets: &ByPartition<u64>,
        time_us: i64,
    ) {
        self.number(&identity.producer);
        if let Some(producer) = self.get_mut(&identity.producer) {
            producer.last = Some(Last {
                sequence: identity.sequence,
                records,
                offsets: offsets.iter().map(|(&partition, &offset)| (partition, offset)).collect(),
                time_us: Some(time_us),
            });
        }
    }

    /// Saves all of it but the sources of which nothing was heard since `heard_us`: `from` is where
    /// each partition stands with all of this on the disk.
    pub(in crate::log) fn save(
        &mut self,
        storage: &dyn Storage,
        from: Vec<u64>,
        now_us: i64,
        heard_us: i64,
    ) -> Result<(), LogError> {
        self.forget(now_us, heard_us);
        let snapshot = Snapshot::of(from, self.producers.clone());
        snapshot.write(storage, &self.dir)?;
        self.from = snapshot.from;
        self.certain = snapshot.producers.len();
        self.checked = self.certain;
        self.new_names = None;
        self.is_settled = true;
        Ok(())
    }

    /// Forgets the sources of which nothing was heard since `heard_us`. The last number stays, so
    /// that it is seen which ones were given.
    fn forget(&mut self, now_us: i64, heard_us: i64) {
        let last_number = last_number(&self.producers);
        let numbers = &mut self.numbers;
        self.producers.retain_mut(|one| {
            if !is_passing(&one.name) || one.number == last_number {
                return true;
            }
            let Some(last) = &mut one.last else { return true };
            if *last.time_us.get_or_insert(now_us) >= heard_us {
                return true;
            }
            numbers.remove(&one.name);
            false
        });
    }

    /// Whether any producer has appended under a name.
    pub(in crate::log) fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Producers {
        Producers {
            dir: PathBuf::new(),
            producers: Vec::new(),
            numbers: HashMap::new(),
            from: vec![0],
            certain: 0,
            new_names: None,
            is_settled: false,
            checked: 0,
        }
    }

    fn identity(after: Option<u64>, sequence: u64) -> Identity {
        Identity { producer: "p".to_owned(), after, sequence }
    }

    #[test]
    fn a_batch_must_follow_what_the_log_holds() {
        let mut producers = empty();
        assert_eq!(producers.judge(&identity(Some(0), 10)), Verdict::Append);
        assert_eq!(producers.judge(&identity(Some(5), 10)), Verdict::Gap { held: None });
        let offsets = ByPartition::from([(0, 7)]);
        producers.note(&identity(Some(0), 10), 2, &offsets, 1);
        assert_eq!(producers.held("p"), Some(10));
        assert_eq!(producers.judge(&identity(Some(10), 20)), Verdict::Append);
        assert_eq!(producers.judge(&identity(None, 30)), Verdict::Append);
        assert_eq!(producers.judge(&identity(Some(12), 20)), Verdict::Gap { held: Some(10) });
    }

    #[test]
    fn a_batch_without_records_at_the_end_of_a_segment_counts() {
        use crate::log::simulation::simulated::{BrokenPromise, Simulated};
        use crate::log::{Before, Log, Settings};
        for step in 1..30 {
            let disk = Simulated::new(BrokenPromise::None);
            let open = || {
                let log = Log::open_on(std::sync::Arc::new(disk.clone()), Path::new("/")).unwrap();
                log.create("t", &Settings::new(1, None)).unwrap()
            };
            let topic = open();
            let append = |records: &[u8], identity| {
                let batch = topic.prepare(records.to_vec(), Some(identity)).unwrap();
                topic.append(vec![batch]).remove(0).unwrap();
            };
            append(b"1\n", identity(Some(0), 1));
            // With another name the file is written anew, as of offset 1.
            append(b"", Identity { producer: "q".to_owned(), after: None, sequence: 5 });
            append(b"", identity(Some(1), 2));
            // A new segment is begun, and then the file would be written again.
            disk.crash_at(disk.steps() + step);
            let _ = topic.trim(None, Before::Offset(1));
            disk.crash_at(u64::MAX);
            drop(topic);
            assert_eq!(open().producer("p").unwrap(), Some(2), "{step}");
        }
    }

    #[test]
    fn sources_and_runs_are_forgotten_and_names_are_not() {
        let mut producers = empty();
        let names = ["p", "file:1", "run:1", "run:2", "q"];
        for (name, time_us) in names.into_iter().zip([5, 5, 5, 60, 5]) {
            let identity = Identity { producer: name.to_owned(), after: None, sequence: 1 };
            producers.note(&identity, 1, &ByPartition::new(), time_us);
        }
        producers.forget(100, 50);
        let left: Vec<_> =
            names.into_iter().filter(|name| producers.held(name).is_some()).collect();
        assert_eq!(left, ["p", "run:2", "q"]);
        // Who comes again after that is not held to what is not known any more.
        let again = Identity { producer: "run:1".to_owned(), after: None, sequence: 7 };
        assert_eq!(producers.judge(&again), Verdict::Append);
    }

    #[test]
    fn a_retry_gets_the_first_result() {
        let mut producers = empty();
        let offsets = ByPartition::from([(0, 7)]);
        producers.note(&identity(Some(0), 10), 2, &offsets, 1);
        let again = Verdict::Duplicate { records: 2, offsets };
        assert_eq!(producers.judge(&identity(Some(0), 10)), again);
        let older = Verdict::Duplicate { records: 0, offsets: ByPartition::new() };
        assert_eq!(producers.judge(&identity(Some(0), 3)), older);
    }
}
