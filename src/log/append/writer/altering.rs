//! A topic's writer under other settings, and with partitions that were added.

use std::sync::Arc;

use super::{LogError, Partition, Place, Settings, Writer};
use crate::api::appending::Unique;
use crate::log::clock::now_us;
use crate::log::segment::Segment;

impl Writer {
    /// What every record that is appended must be, by the settings.
    pub(in crate::log) fn unique(&self) -> Option<Unique> {
        self.settings.unique()
    }

    /// Makes the partitions that the topic lacks to have so many, without taking them up.
    pub(in crate::log) fn new_partitions(
        &mut self,
        partitions: u32,
    ) -> Result<Vec<(Place, Partition)>, LogError> {
        self.check()?;
        // A new segment says that all batches before it are certain.
        self.flush()?;
        let first = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let mut added = Vec::new();
        for number in first..partitions {
            let place = Place::new(&self.topic, &self.dir, number);
            let io = |error| LogError::io(&place.dir, error);
            self.storage.make_dir(&place.dir).map_err(io)?;
            let segment = Segment::create(&*self.storage, &place, 0, now_us(), self.counted)?;
            let partition = Partition::begin(Arc::clone(&self.storage), place.clone(), segment);
            added.push((place, partition));
        }
        if !added.is_empty() {
            self.storage.sync_dir(&self.dir).map_err(|error| LogError::io(&self.dir, error))?;
        }
        Ok(added)
    }

    /// Goes on with other settings, and with the partitions that were made for them.
    pub(in crate::log) fn take_settings(
        &mut self,
        settings: Settings,
        added: Vec<(Place, Partition)>,
    ) {
        self.settings = settings;
        for (place, partition) in added {
            self.places.push(place);
            self.partitions.push(partition);
        }
    }
}
