//! What a topic's writer does for producers with names: they are on the disk before an entry uses
//! their numbers, and saved where the entries that tell of them may go.

use super::{Batch, LogError, Partition, Producers, Writer};
use crate::api::appending::{Stands, is_passing};
use crate::log::clock::{now_us, us_of_ms};

impl Writer {
    /// Gives new producers their numbers, on the disk before any entry uses them.
    pub(super) fn name_producers(&mut self, batches: &[Batch]) -> Result<(), LogError> {
        for identity in batches.iter().filter_map(|batch| batch.identity.as_ref()) {
            let producers = self.producers()?;
            producers.number(&identity.producer);
            if is_passing(&identity.producer) {
                // It must not be forgotten before its batch is appended.
                let now_us = now_us();
                producers.keep(&identity.producer, now_us, now_us);
            }
        }
        match &mut self.producers {
            Some(producers) if !producers.are_names_certain() => {
                if !producers.takes_new_names() || producers.has_many_new() {
                    return self.save_producers();
                }
                let added = producers.add_names(&*self.storage);
                if added.is_err() {
                    self.producers = None;
                }
                added
            }
            _ => Ok(()),
        }
    }

    /// Saves the producers as they stand between two groups, when all of it is on the disk.
    pub(super) fn save_producers(&mut self) -> Result<(), LogError> {
        self.flush()?;
        let from = self.partitions.iter().map(Partition::synced).collect();
        let now_us = now_us();
        let heard_us = now_us.saturating_sub(us_of_ms(self.settings.source_ms()));
        let Some(producers) = &mut self.producers else { return Ok(()) };
        let saved = producers.save(&*self.storage, from, now_us, heard_us);
        if saved.is_err() {
            self.producers = None;
        }
        saved
    }

    /// Saves what the topic holds of its producers, so that no closed segment is needed for it.
    pub(in crate::log) fn settle_producers(&mut self) -> Result<(), LogError> {
        self.check()?;
        if self.producers()?.is_empty() { Ok(()) } else { self.save_producers() }
    }

    /// Where those producers stand whose names begin with `prefix` and come after `after`; at most
    /// so many.
    pub(in crate::log) fn list_producers(
        &mut self,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Result<Vec<Stands>, LogError> {
        self.check()?;
        Ok(self.producers()?.list(prefix, after, most))
    }

    /// Takes note that sources are there, on the disk if that was not known for long.
    pub(in crate::log) fn keep_producers(&mut self, names: &[String]) -> Result<(), LogError> {
        self.check()?;
        if names.is_empty() {
            return Ok(());
        }
        let now_us = now_us();
        let known_us = now_us.saturating_sub(us_of_ms(self.settings.source_ms()) / 4);
        let producers = self.producers()?;
        let mut news = false;
        for name in names.iter().filter(|name| is_passing(name)) {
            news |= producers.keep(name, now_us, known_us);
        }
        if news { self.save_producers() } else { Ok(()) }
    }

    pub(super) fn producers(&mut self) -> Result<&mut Producers, LogError> {
        let loaded = match self.producers.take() {
            Some(producers) => producers,
            None => {
                // Entries are about to use the numbers that the file gives: its name must be on the
                // disk, also where a failure came between.
                let dir = &self.dir;
                self.storage.sync_dir(dir).map_err(|error| LogError::io(dir, error))?;
                let entries: Vec<u64> = self.partitions.iter().map(Partition::entries).collect();
                Producers::load(&*self.storage, &self.dir, &self.places, &entries)?
            }
        };
        Ok(self.producers.insert(loaded))
    }
}
