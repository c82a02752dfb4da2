//! Preparing and appending with unique keys.

use std::sync::{Arc, MutexGuard};

use super::batch_keys::BatchKeys;
use super::set::{KeySet, Open, give_back};
use crate::api::appending::{Appended, Unique};
use crate::api::error::BadRecord;
use crate::log::LogError;
use crate::log::append::batch::Batch;
use crate::log::append::writer::Writer;
use crate::log::settings::Settings;
use crate::log::topic::Topic;

impl Topic {
    /// The sets that records are to be compared with, which have read the topic: that of the
    /// settings, and that of one who asks for it. What is appended meanwhile is not waited for.
    pub(in crate::log) fn key_sets(
        &self,
        settings: &Settings,
        asked: Option<&Unique>,
    ) -> Result<Vec<Arc<KeySet>>, LogError> {
        let own = settings.unique();
        let asked = asked.filter(|asked| own.as_ref() != Some(*asked));
        let mut sets = Vec::new();
        for unique in own.as_ref().into_iter().chain(asked) {
            if let Some(why) = unique.contradiction() {
                return Err(LogError::BadSettings { why: why.to_owned() });
            }
            let set = self.sets.get(self.name(), unique, self.hurried());
            set.open().catch_up(&self.reader())?;
            sets.push(set);
        }
        self.due.set_unique(self.sets.due_us());
        Ok(sets)
    }

    /// Appends a group of batches of which some have keys.
    pub(in crate::log) fn append_unique(
        &self,
        writer: &mut MutexGuard<'_, Writer>,
        group: &mut [Batch],
    ) -> Vec<Result<Appended, LogError>> {
        if let Some(unique) = writer.unique() {
            for batch in &mut *group {
                // The setting was made after the batch was prepared.
                if batch.keys.as_ref().is_none_or(|keys| !keys.has(&unique)) {
                    batch.refused = self.key_again(batch).err();
                }
            }
        }
        let mut results: Vec<Result<Appended, LogError>> = Vec::with_capacity(group.len());
        let alike = |one: &Batch, other: &Batch| match (&one.keys, &other.keys) {
            (Some(one), Some(other)) => one.is_like(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        for run in group.chunk_by_mut(alike) {
            let before = results.last().is_none_or(Result::is_ok);
            let sets = run.first().and_then(|first| first.keys.as_ref());
            let sets = sets.map_or_else(Vec::new, |keys| keys.sets.clone());
            let mut open: Vec<Open<'_>> = sets.iter().map(|set| set.open()).collect();
            // Batches before this run, and those of other writers.
            let known = open.iter_mut().try_for_each(|set| set.catch_up(&self.reader()));
            match known {
                Ok(()) => results.extend(writer.append(run, before, &mut open)),
                Err(error) => results.extend(run.iter().map(|_| Err(error.clone()))),
            }
            self.show(writer);
            open.iter().for_each(|set| self.sets.note_used(set));
        }
        self.due.set_unique(self.sets.due_us());
        results
    }

    /// Saves the keys that were read of the topic, if that is worth it. Nobody else may look after
    /// closed segments meanwhile.
    pub(in crate::log) fn save_keys(&self) {
        self.sets.save(&*self.storage, self.dir(), &self.reader());
    }

    /// Finds the keys of a batch that is placed already.
    fn key_again(&self, batch: &mut Batch) -> Result<(), LogError> {
        let before = batch.keys.take();
        let asked = before.and_then(|keys| keys.sets.last().map(|set| set.unique.clone()));
        let sets = self.key_sets(&self.settings(), asked.as_ref())?;
        let mut keyers = sets.iter().map(|set| set.keyer()).collect::<Result<Vec<_>, _>>()?;
        let mut keys = BatchKeys::new(sets);
        let (mut bad, mut exceeded) = (Vec::new(), None);
        for part in &batch.parts {
            for line in part.bytes.split_inclusive(|&byte| byte == b'\n') {
                let record = line.strip_suffix(b"\n").unwrap_or(line);
                let number = keys.partitions.len() as u64;
                let partition = part.partition.unwrap_or(0);
                if let Err(why) = keys.push(&mut keyers, record, partition, &mut exceeded) {
                    bad.push(BadRecord { record: number, why });
                }
            }
        }
        give_back(&keys.sets, keyers);
        if let Some(passing) = exceeded.filter(|bound| bound.is_passing()) {
            return Err(self.not_evaluated(passing));
        }
        if !bad.is_empty() {
            return Err(LogError::BadRecords { records: bad });
        }
        batch.keys = Some(Box::new(keys));
        Ok(())
    }
}
