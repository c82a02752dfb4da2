//! Reading a topic, whoever writes it: this process, another one, or nobody.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::LogError;
use super::cursor::{Cursor, Span};
use super::format::Entry;
use super::lookup::{entry_count, first_at};
use super::names::data_name;
use super::recovery::survey_topic;
use super::rewrite::records;
use super::segment::{Entries, Place, Segment, bases};
use super::storage::{Open, Storage};
use super::topic::lock;

/// How far each partition of a topic may be read; all of them move at once, a group at a time.
#[derive(Debug)]
pub(super) struct Progress {
    /// `None` once the topic is deleted.
    ends: Mutex<Option<Vec<u64>>>,
}

impl Progress {
    pub(super) fn new(ends: Vec<u64>) -> Progress {
        Progress { ends: Mutex::new(Some(ends)) }
    }

    pub(super) fn advance(&self, ends: Vec<u64>) {
        *lock(&self.ends) = Some(ends);
    }

    /// There is nothing to be read any more.
    pub(super) fn end(&self) {
        *lock(&self.ends) = None;
    }

    fn ends(&self) -> Option<Vec<u64>> {
        lock(&self.ends).clone()
    }
}

/// What tells how far a topic may be read.
#[derive(Clone, Debug)]
pub(super) enum View {
    /// This process writes it.
    Live(Arc<Progress>),
    /// Another process may; `lock` tells whether one does.
    Files { lock: PathBuf },
}

/// The offsets that a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The partition's number.
    pub partition: u32,
    /// The offset of its first record.
    pub start: u64,
    /// The offset behind its last record.
    pub end: u64,
}

/// A topic, open for reading.
#[derive(Clone, Debug)]
pub struct TopicReader {
    pub(super) storage: Arc<dyn Storage>,
    topic: String,
    pub(super) dir: PathBuf,
    pub(super) places: Vec<Place>,
    view: View,
}

impl TopicReader {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        topic: &str,
        dir: &Path,
        partitions: u32,
        view: View,
    ) -> TopicReader {
        let places = (0..partitions).map(|number| Place::new(topic, dir, number)).collect();
        TopicReader { storage, topic: topic.to_owned(), dir: dir.to_owned(), places, view }
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The directories in which the files of the partitions are: for whoever watches them.
    pub fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.places.iter().map(|place| place.dir.as_path())
    }

    /// The offsets that each partition holds.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn bounds(&self) -> Result<Vec<Bounds>, LogError> {
        let ends = self.ends()?;
        let mut bounds = Vec::with_capacity(self.places.len());
        for (place, end) in self.places.iter().zip(ends) {
            let start = bases(&*self.storage, place)?.first().copied().unwrap_or(0);
            bounds.push(Bounds { partition: place.partition, start, end });
        }
        Ok(bounds)
    }

    /// The offset of the first record of a partition that was appended at `time_us` (µs since the
    /// epoch) or later; its end if there is none.
    ///
    /// # Errors
    /// When there is no such partition, or its files cannot be read.
    pub fn offset_at(&self, partition: u32, time_us: i64) -> Result<u64, LogError> {
        let place = self.place(partition)?;
        let end = self.ends()?.get(partition as usize).copied().unwrap_or(0);
        self.steadily(&[partition], || {
            let bases = bases(&*self.storage, place)?;
            let active = match bases.last() {
                Some(&base) => self.entries_below(place, base, end)?,
                None => 0,
            };
            let found = first_at(&*self.storage, place, &bases, active, time_us)?;
            Ok(found.map_or(end, |entry| entry.base.min(end)))
        })
    }

    /// Where to begin in each of `partitions` to read the last `count` records of their merged
    /// stream.
    ///
    /// # Errors
    /// When there is no such partition, or its files cannot be read.
    pub fn last(&self, partitions: &[u32], count: u64) -> Result<Vec<(u32, u64)>, LogError> {
        self.steadily(partitions, || self.last_held(partitions, count))
    }

    fn last_held(&self, partitions: &[u32], count: u64) -> Result<Vec<(u32, u64)>, LogError> {
        let ends = self.ends()?;
        let mut lanes = Vec::with_capacity(partitions.len());
        for &partition in partitions {
            let place = self.place(partition)?;
            let end = ends.get(partition as usize).copied().unwrap_or(0);
            lanes.push(Backwards::new(self, place, end)?);
        }
        let mut missing = count;
        while missing > 0 {
            // Backwards through the merged stream: the latest batch of all comes next.
            let latest = lanes
                .iter_mut()
                .filter(|lane| lane.entry.is_some())
                .max_by_key(|lane| (lane.entry.map(|entry| entry.time_us), lane.place.partition));
            let Some(lane) = latest else { break };
            let Some(entry) = lane.entry else { break };
            let (from, taken) = lane.last_of(&entry, missing)?;
            lane.from = from;
            missing -= taken;
            lane.step()?;
        }
        Ok(lanes.iter().map(|lane| (lane.place.partition, lane.from)).collect())
    }

    /// A cursor over the spans.
    ///
    /// # Errors
    /// When there is no such partition, or a span begins outside of what it holds.
    pub fn cursor(&self, spans: Vec<Span>) -> Result<Cursor, LogError> {
        let bounds = self.bounds()?;
        for span in &spans {
            self.place(span.partition)?;
            let Some(held) = bounds.get(span.partition as usize) else { continue };
            if !(held.start..=held.end).contains(&span.from) {
                return Err(LogError::OffsetOutOfRange {
                    topic: self.topic.clone(),
                    partition: span.partition,
                    offset: span.from,
                    start: held.start,
                    end: held.end,
                });
            }
        }
        Ok(Cursor::new(self.clone(), spans))
    }

    /// How far each partition may be read now.
    pub(super) fn ends(&self) -> Result<Vec<u64>, LogError> {
        match &self.view {
            View::Live(progress) => {
                progress.ends().ok_or_else(|| LogError::UnknownTopic { topic: self.topic.clone() })
            }
            View::Files { lock } => self.ends_of_files(lock),
        }
    }

    /// What the files say: the writer's attestations while there is one; without one, whatever
    /// recovery would keep.
    fn ends_of_files(&self, lock: &Path) -> Result<Vec<u64>, LogError> {
        let all: Vec<u32> = self.places.iter().map(|place| place.partition).collect();
        self.steadily(&all, || self.ends_of_files_now(lock))
    }

    fn ends_of_files_now(&self, lock: &Path) -> Result<Vec<u64>, LogError> {
        let is_locked = || self.storage.is_locked(lock).map_err(|error| LogError::io(lock, error));
        if !is_locked()? {
            let surveys = survey_topic(&*self.storage, &self.places)?;
            // A writer that came meanwhile may have been surveyed in the middle of a group.
            if !is_locked()? {
                return Ok(surveys.iter().map(|survey| survey.end).collect());
            }
        }
        self.places.iter().map(|place| self.attested_end(place)).collect()
    }

    /// Whether the files were looked at from outside, and nobody writes them now.
    pub(super) fn is_still(&self) -> Result<bool, LogError> {
        match &self.view {
            View::Live(_) => Ok(false),
            View::Files { lock } => {
                let locked = self.storage.is_locked(lock);
                locked.map(|locked| !locked).map_err(|error| LogError::io(lock, error))
            }
        }
    }

    /// The length of a segment's data, in bytes; also where its index is damaged.
    pub(super) fn data_bytes(&self, place: &Place, base: u64) -> Result<u64, LogError> {
        match self.segment(place, base) {
            Ok(segment) => return Ok(segment.lengths()?.0),
            Err(LogError::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
        let path = place.dir.join(data_name(base, 0));
        let size = self.storage.open(&path, Open::Read).and_then(|file| file.size());
        size.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => place.damaged(base, "its data is missing"),
            _ => LogError::io(&path, error),
        })
    }

    /// Reads what may have segments of `partitions` removed from under it; then it is read again.
    pub(super) fn steadily<T>(
        &self,
        partitions: &[u32],
        read: impl Fn() -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let starts = || -> Result<Vec<Option<u64>>, LogError> {
            let start = |&partition: &u32| {
                let place = self.place(partition)?;
                Ok(bases(&*self.storage, place)?.first().copied())
            };
            partitions.iter().map(start).collect()
        };
        loop {
            let before = starts()?;
            match read() {
                Err(LogError::Damaged { .. }) if starts()? != before => {}
                done => return done,
            }
        }
    }

    /// The segment that holds the record at an offset, open.
    pub(super) fn segment_of(&self, place: &Place, offset: u64) -> Result<Segment, LogError> {
        self.steadily(&[place.partition], || {
            let bases = self.bases(place)?;
            let at = bases.partition_point(|&base| base <= offset);
            match at.checked_sub(1).and_then(|at| bases.get(at)) {
                Some(&base) => self.segment(place, base),
                None => Err(LogError::OffsetOutOfRange {
                    topic: self.topic.clone(),
                    partition: place.partition,
                    offset,
                    start: bases.first().copied().unwrap_or(0),
                    end: self.ends()?.get(place.partition as usize).copied().unwrap_or(0),
                }),
            }
        })
    }

    fn attested_end(&self, place: &Place) -> Result<u64, LogError> {
        let Some(&base) = bases(&*self.storage, place)?.last() else { return Ok(0) };
        let segment = self.segment(place, base)?;
        // Torn is only what is being written this moment; nothing of this segment is certain then.
        Ok(segment.attestation()?.map_or(base, |attestation| attestation.visible))
    }

    /// The places of the topic's partitions.
    pub(super) fn place(&self, partition: u32) -> Result<&Place, LogError> {
        self.places.get(partition as usize).ok_or_else(|| LogError::UnknownPartition {
            topic: self.topic.clone(),
            partition,
            partitions: self.places.len() as u32,
        })
    }

    pub(super) fn bases(&self, place: &Place) -> Result<Vec<u64>, LogError> {
        bases(&*self.storage, place)
    }

    pub(super) fn segment(&self, place: &Place, base: u64) -> Result<Segment, LogError> {
        Segment::open(&*self.storage, place, base, Open::Read)
    }

    /// How many entries of the segment at `base` lie below the offset `end`.
    pub(super) fn entries_below(
        &self,
        place: &Place,
        base: u64,
        end: u64,
    ) -> Result<u64, LogError> {
        let segment = self.segment(place, base)?;
        let entries = Entries::of(&segment, place);
        entries.partition_point(entry_count(&segment)?, |entry| entry.base < end)
    }
}

/// A partition read backwards, an entry at a time.
struct Backwards<'a> {
    reader: &'a TopicReader,
    place: &'a Place,
    /// The segments not yet read, ascending.
    bases: Vec<u64>,
    segment: Option<Segment>,
    /// How many entries of the segment are not yet read.
    left: u64,
    entry: Option<Entry>,
    /// Where reading forwards would begin.
    from: u64,
}

impl<'a> Backwards<'a> {
    fn new(reader: &'a TopicReader, place: &'a Place, end: u64) -> Result<Backwards<'a>, LogError> {
        let mut bases = reader.bases(place)?;
        let mut lane = Backwards {
            reader,
            place,
            bases: Vec::new(),
            segment: None,
            left: 0,
            entry: None,
            from: end,
        };
        if let Some(base) = bases.pop() {
            lane.left = reader.entries_below(place, base, end)?;
            lane.segment = Some(reader.segment(place, base)?);
        }
        lane.bases = bases;
        lane.step()?;
        Ok(lane)
    }

    /// Where the last `count` records of a batch begin, and how many there are.
    fn last_of(&self, entry: &Entry, count: u64) -> Result<(u64, u64), LogError> {
        let Some(segment) = self.segment.as_ref().filter(|segment| segment.generation > 0) else {
            let taken = u64::from(entry.records).min(count);
            return Ok((entry.end() - taken, taken));
        };
        // Compaction has left empty lines.
        if entry.bytes == entry.records {
            return Ok((entry.base, 0));
        }
        let mut bytes = vec![0; entry.bytes as usize];
        segment.read_data(self.place, entry.position, &mut bytes)?;
        let there: Vec<u64> = records(*entry, &bytes).map(|(offset, _)| offset).collect();
        let Some(first) =
            usize::try_from(count).ok().and_then(|count| there.len().checked_sub(count))
        else {
            return Ok((entry.base, there.len() as u64));
        };
        Ok((there.get(first).copied().unwrap_or(entry.end()), count))
    }

    /// Goes to the entry before.
    fn step(&mut self) -> Result<(), LogError> {
        self.entry = None;
        while let Some(segment) = &self.segment {
            if self.left > 0 {
                self.left -= 1;
                self.entry = Some(Entries::of(segment, self.place).get(self.left)?);
                return Ok(());
            }
            self.segment = None;
            if let Some(base) = self.bases.pop() {
                let segment = self.reader.segment(self.place, base)?;
                self.left = entry_count(&segment)?;
                self.segment = Some(segment);
            }
        }
        Ok(())
    }
}
