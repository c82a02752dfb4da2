//! What the partitions of a topic hold, without reading their records.

use super::reader::TopicReader;
use crate::log::LogError;
use crate::log::recover::recovery::survey_topic;
use crate::log::segment::lookup::entry_count;
use crate::log::segment::{Entries, Place};

/// What a partition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStats {
    /// The partition's number.
    pub partition: u32,
    /// The offset of its first record.
    pub start: u64,
    /// The offset behind its last record.
    pub end: u64,
    /// The offset before which its records are known to be on the disk; `None` if it cannot be
    /// told.
    pub synced: Option<u64>,
    /// The length of its data files, in bytes.
    pub bytes: u64,
    /// How many segments it has.
    pub segments: u64,
    /// When the first of its records was appended, in µs since the epoch; `None` if it has none, or
    /// it cannot be told.
    pub first_append_us: Option<i64>,
    /// When something was last appended to it, in µs since the epoch; `None` if nothing is there,
    /// or it cannot be told.
    pub last_append_us: Option<i64>,
    /// What is known to be wrong with its files.
    pub damage: Option<String>,
}

impl TopicReader {
    /// What each partition holds. Damage of one is told there and hides none of the others.
    ///
    /// # Errors
    /// When the files cannot be read, or the topic is deleted.
    pub fn partition_stats(&self) -> Result<Vec<PartitionStats>, LogError> {
        let ends = self.ends()?;
        let mut damage = self.known_damage()?.into_iter();
        let mut partition_stats = Vec::with_capacity(self.places.len());
        for (place, end) in self.places.iter().zip(ends) {
            let held = self.steadily(&[place.partition], || self.holding(place, end))?;
            let damage = damage.next().flatten();
            partition_stats
                .push(PartitionStats { damage: damage.or_else(|| held.damage.clone()), ..held });
        }
        Ok(partition_stats)
    }

    fn holding(&self, place: &Place, end: u64) -> Result<PartitionStats, LogError> {
        let bases = self.bases(place)?;
        let (mut bytes, mut last, mut damage) = (0, None, None);
        for (number, &base) in bases.iter().enumerate().rev() {
            bytes += self.data_bytes(place, base)?;
            if last.is_none() && damage.is_none() {
                let is_active = number + 1 == bases.len();
                match self.last_append_us(place, base, is_active.then_some(end)) {
                    Ok(found) => last = found,
                    Err(LogError::Damaged { why, .. }) => damage = Some(why),
                    Err(error) => return Err(error),
                }
            }
        }
        let first = match (bases.first(), last) {
            // It is not the last batch's damage, and is found when that is read.
            (Some(&base), Some(_)) => self.first_append_us(place, base).unwrap_or(None),
            _ => None,
        };
        Ok(PartitionStats {
            partition: place.partition,
            start: bases.first().copied().unwrap_or(0),
            end,
            synced: self.synced(place, bases.last().copied())?.map(|synced| synced.min(end)),
            bytes,
            segments: bases.len() as u64,
            first_append_us: first,
            last_append_us: last,
            damage,
        })
    }

    /// Before which offset the records of the active segment are on the disk; those of all others
    /// are.
    fn synced(&self, place: &Place, base: Option<u64>) -> Result<Option<u64>, LogError> {
        let Some(base) = base else { return Ok(None) };
        let attestation = self.segment(place, base)?.attestation()?;
        Ok(attestation.map(|attestation| attestation.synced))
    }

    /// When the first batch of a segment was appended.
    fn first_append_us(&self, place: &Place, base: u64) -> Result<Option<i64>, LogError> {
        let segment = self.segment(place, base)?;
        if entry_count(&segment)? == 0 {
            return Ok(None);
        }
        Ok(Some(Entries::of(&segment, place).get(0)?.time_us))
    }

    /// When the last batch of a segment was appended; of the active one, the last below `end`.
    fn last_append_us(
        &self,
        place: &Place,
        base: u64,
        end: Option<u64>,
    ) -> Result<Option<i64>, LogError> {
        let segment = self.segment(place, base)?;
        let count = match end {
            Some(end) => self.entries_below(place, base, end)?,
            None => entry_count(&segment)?,
        };
        let Some(last) = count.checked_sub(1) else { return Ok(None) };
        Ok(Some(Entries::of(&segment, place).get(last)?.time_us))
    }

    /// What recovery would find wrong, where nobody writes; nothing where somebody does, who knows
    /// better.
    fn known_damage(&self) -> Result<Vec<Option<String>>, LogError> {
        if !self.is_still()? {
            return Ok(Vec::new());
        }
        let surveys = survey_topic(&*self.storage, &self.places)?;
        Ok(surveys.into_iter().map(|survey| survey.damage.map(|(_, why)| why)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Fsync, Log, Settings, Topic, open_readers};

    fn append(topic: &Topic, bytes: &[u8]) {
        let batch = topic.prepare(bytes.to_vec(), None).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
    }

    #[test]
    fn what_partitions_hold_is_told_alike_from_inside_and_from_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let settings = Settings { segment_bytes: 4, ..Settings::new(2, None) };
        let topic = log.create("t", &settings).unwrap();
        for _ in 0..3 {
            append(&topic, b"1\n2\n");
        }
        let held = topic.reader().partition_stats().unwrap();
        let figures = |at: usize| (held[at].end, held[at].bytes, held[at].segments);
        assert_eq!((figures(0), figures(1)), ((4, 8, 2), (2, 4, 2)));
        assert!(held[0].last_append_us > held[1].last_append_us);
        assert!(held[1].last_append_us.is_some());
        assert!(held[0].first_append_us < held[1].first_append_us);
        assert_eq!(held[1].first_append_us, held[1].last_append_us);
        // A second look, by one who does not have the topic open.
        let log_of_others = open_readers(dir.path(), &["t".to_owned()]).unwrap();
        assert_eq!(log_of_others[0].0.partition_stats().unwrap(), held);
        drop((topic, log));
        assert_eq!(log_of_others[0].0.partition_stats().unwrap(), held);
    }

    #[test]
    fn what_is_not_on_the_disk_is_told_until_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let settings = Settings { fsync: Fsync::Never, ..Settings::new(1, None) };
        let topic = log.create("t", &settings).unwrap();
        append(&topic, b"1\n2\n");
        let reader = topic.reader();
        let held = |reader: &TopicReader| reader.partition_stats().unwrap().remove(0);
        assert_eq!((held(&reader).end, held(&reader).synced), (2, Some(0)));
        log.close().unwrap();
        drop((topic, log));
        let (reader, _) = open_readers(dir.path(), &["t".to_owned()]).unwrap().remove(0);
        assert_eq!((held(&reader).end, held(&reader).synced), (2, Some(2)));
    }

    #[test]
    fn a_partition_without_records_has_no_last_append() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        log.create("t", &Settings::new(1, None)).unwrap();
        let held = log.look("t").unwrap().0.partition_stats().unwrap().remove(0);
        assert_eq!((held.bytes, held.segments, held.last_append_us), (0, 1, None));
        assert_eq!(held.first_append_us, None);
    }

    #[test]
    fn damage_of_one_partition_is_told_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &Settings::new(2, None)).unwrap();
        append(&topic, b"1\n");
        append(&topic, b"2\n");
        log.close().unwrap();
        drop((topic, log));
        let data = dir.path().join("topics/t/1/00000000000000000000.ndjson");
        std::fs::write(&data, "2").unwrap();
        let readers = open_readers(dir.path(), &["t".to_owned()]).unwrap();
        let held = readers[0].0.partition_stats().unwrap();
        assert!(held[0].damage.is_none() && held[1].damage.is_some(), "{held:?}");
        assert_eq!(held[1].bytes, 1);
        let log = Log::open(dir.path()).unwrap();
        let topic = log.topic("t").unwrap();
        assert!(topic.closed().is_some());
    }
}
