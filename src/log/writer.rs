//! Appending: what only one thread of a topic does at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::LogError;
use super::batch::{Appended, Batch};
use super::format::Counted;
use super::group::{Group, Stamp};
use super::partition::{Partition, Staged};
use super::producers::{Producers, Verdict};
use super::recovery::Survey;
use super::segment::Place;
use super::settings::Settings;
use super::storage::Storage;

/// The most batches that are written at once: far fewer than there are numbers for them.
const GROUP_BATCHES_MAX: usize = 1 << 14;

/// The time now, in µs since the epoch.
pub(super) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The one writer of a topic.
pub(super) struct Writer {
    storage: Arc<dyn Storage>,
    topic: String,
    dir: PathBuf,
    settings: Settings,
    places: Vec<Place>,
    partitions: Vec<Partition>,
    /// Read from the files when first needed.
    producers: Option<Producers>,
    counted: Counted,
    refuses: Option<Refusal>,
}

/// Why a topic takes no more records.
#[derive(Clone, Debug)]
enum Refusal {
    /// Acknowledged records are damaged.
    Damaged { partition: u32, offset: u64, why: String },
    /// A write failed in a way after which the files are uncertain.
    Failed { why: String },
}

impl Writer {
    /// Opens the partitions as they were surveyed. If one is damaged, none is touched.
    pub(super) fn open(
        storage: Arc<dyn Storage>,
        dir: &Path,
        settings: &Settings,
        places: Vec<Place>,
        surveys: &[Survey],
    ) -> Result<Writer, LogError> {
        let refuses = places.iter().zip(surveys).find_map(|(place, survey)| {
            let (offset, why) = survey.damage.clone()?;
            Some(Refusal::Damaged { partition: place.partition, offset, why })
        });
        let mut partitions = Vec::with_capacity(places.len());
        if refuses.is_none() {
            for (place, survey) in places.iter().zip(surveys) {
                partitions.push(Partition::open(Arc::clone(&storage), place.clone(), survey)?);
            }
        }
        Ok(Writer {
            storage,
            topic: places.first().map_or_else(String::new, |place| place.topic.clone()),
            dir: dir.to_owned(),
            settings: settings.clone(),
            places,
            partitions,
            producers: None,
            counted: surveys.iter().map(|survey| survey.counted).max().unwrap_or_default(),
            refuses,
        })
    }

    /// Appends a group; one result a batch.
    pub(super) fn append(&mut self, batches: &[Batch]) -> Vec<Result<Appended, LogError>> {
        let mut results = Vec::with_capacity(batches.len());
        for group in batches.chunks(GROUP_BATCHES_MAX) {
            match self.try_append(group) {
                Ok(appended) => results.extend(appended),
                Err(error) => results.extend(group.iter().map(|_| Err(error.clone()))),
            }
        }
        results
    }

    /// Where a producer stands.
    pub(super) fn held(&mut self, name: &str) -> Result<Option<u64>, LogError> {
        self.check()?;
        Ok(self.producers()?.held(name))
    }

    /// How far each partition may be read; `None` once that is uncertain.
    pub(super) fn visible(&self) -> Option<Vec<u64>> {
        self.refuses.is_none().then(|| self.partitions.iter().map(Partition::synced).collect())
    }

    /// Leaves the files clean.
    pub(super) fn close(&mut self) -> Result<(), LogError> {
        if self.refuses.is_some() {
            return Ok(());
        }
        self.partitions.iter_mut().try_for_each(Partition::close)
    }

    fn check(&self) -> Result<(), LogError> {
        let topic = self.topic.clone();
        match self.refuses.clone() {
            None => Ok(()),
            Some(Refusal::Damaged { partition, offset, why }) => {
                Err(LogError::Damaged { topic, partition, offset, why })
            }
            Some(Refusal::Failed { why }) => Err(LogError::Poisoned { topic, why }),
        }
    }

    /// Appends a group; an error is that of the whole group.
    fn try_append(
        &mut self,
        batches: &[Batch],
    ) -> Result<Vec<Result<Appended, LogError>>, LogError> {
        self.check()?;
        self.roll_full()?;
        self.name_producers(batches)?;
        let mut group = Group::new(&self.partitions);
        let before = self.counted;
        let results = batches.iter().map(|batch| self.stage(&mut group, batch)).collect();
        let written = self.write(&group);
        if written.is_err() {
            // They were counted and noted as if all went well; the numbers must have no gap, and
            // what the log really holds of the producers is in its files.
            self.counted.next = before.next;
            self.producers = None;
        }
        written.map(|()| results)
    }

    /// Gives a batch its place in the group, unless its producer's sequence forbids it.
    fn stage<'a>(&mut self, group: &mut Group<'a>, batch: &'a Batch) -> Result<Appended, LogError> {
        let mut producer = 0;
        if let Some(identity) = &batch.identity {
            let topic = self.topic.clone();
            let producers = self.producers()?;
            match producers.judge(identity) {
                Verdict::Append => producer = producers.number(&identity.producer).0,
                Verdict::Duplicate(appended) => return Ok(appended),
                Verdict::Gap { held } => {
                    let producer = identity.producer.clone();
                    let after = identity.after.unwrap_or_default();
                    return Err(LogError::SequenceGap { topic, producer, held, after });
                }
            }
        }
        if batch.records == 0 && batch.identity.is_none() {
            return Ok(Appended::default());
        }
        let number = self.counted.next;
        let last_us = now_us().max(self.counted.last_us.saturating_add(1));
        self.counted = Counted { last_us, next: number.wrapping_add(1) };
        let appended = group.stage(batch, Stamp { time_us: last_us, number, producer });
        if let (Some(identity), Some(producers)) = (&batch.identity, &mut self.producers) {
            producers.note(identity, &appended);
        }
        Ok(appended)
    }

    /// Writes a group in the order that `docs/FORMAT.md` gives.
    fn write(&mut self, group: &Group<'_>) -> Result<(), LogError> {
        let touched: Vec<_> = group.touched().collect();
        for (at, parts) in &touched {
            if let Err(error) = self.partitions[*at].write(parts) {
                return Err(self.undo(&touched, error));
            }
        }
        // All are on the disk before any says so: a batch may have parts in several.
        for (at, _) in &touched {
            if let Err(error) = self.partitions[*at].sync() {
                return Err(self.fail(error));
            }
        }
        for (at, _) in &touched {
            if let Err(error) = self.partitions[*at].attest() {
                return Err(self.fail(error));
            }
        }
        Ok(())
    }

    /// Takes back a group that could not be written whole: a full disk is then only an error, and
    /// the log goes on once there is room.
    fn undo(&mut self, touched: &[(usize, &[Staged<'_>])], error: LogError) -> LogError {
        for (at, _) in touched {
            if let Err(worse) = self.partitions[*at].undo() {
                return self.fail(worse);
            }
        }
        error
    }

    fn fail(&mut self, error: LogError) -> LogError {
        self.refuses = Some(Refusal::Failed { why: error.to_string() });
        error
    }

    /// Begins new segments where the active ones are full.
    fn roll_full(&mut self) -> Result<(), LogError> {
        let mut rolled = false;
        for at in 0..self.partitions.len() {
            if !self.partitions[at].is_full(self.settings.segment_bytes) {
                continue;
            }
            if let Err(error) = self.partitions[at].roll(now_us(), self.counted) {
                return Err(self.fail(error));
            }
            rolled = true;
        }
        if rolled && self.producers.as_ref().is_some_and(|producers| !producers.is_empty()) {
            self.save_producers()?;
        }
        Ok(())
    }

    /// Gives new producers their numbers, on the disk before any entry uses them.
    fn name_producers(&mut self, batches: &[Batch]) -> Result<(), LogError> {
        let mut new = false;
        for identity in batches.iter().filter_map(|batch| batch.identity.as_ref()) {
            new |= self.producers()?.number(&identity.producer).1;
        }
        if new { self.save_producers() } else { Ok(()) }
    }

    /// Saves the producers as they stand between two groups, when all of it is on the disk.
    fn save_producers(&mut self) -> Result<(), LogError> {
        let from = self.partitions.iter().map(Partition::synced).collect();
        let Some(producers) = &mut self.producers else { return Ok(()) };
        let saved = producers.save(&*self.storage, from);
        if saved.is_err() {
            self.producers = None;
        }
        saved
    }

    fn producers(&mut self) -> Result<&mut Producers, LogError> {
        let loaded = match self.producers.take() {
            Some(producers) => producers,
            None => {
                let entries: Vec<u64> = self.partitions.iter().map(Partition::entries).collect();
                Producers::load(&*self.storage, &self.dir, &self.places, &entries)?
            }
        };
        Ok(self.producers.insert(loaded))
    }
}
