//! Reading a topic, whoever writes it: this process, another one, or nobody.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::cursor::Cursor;
use crate::api::reading::Span;
use crate::log::LogError;
use crate::log::recover::recovery::{Survey, survey_topic};
use crate::log::segment::data::SegmentData;
use crate::log::segment::entries::{each_entry, records};
use crate::log::segment::format::Entry;
use crate::log::segment::listing::bases;
use crate::log::segment::lookup::{entry_count, first_at};
use crate::log::segment::{Entries, Place, Segment};
use crate::log::storage::{Open, Storage};
use crate::log::sync::lock;

/// What is said where an index ends before records that were acknowledged.
pub(in crate::log) const ENDS_EARLY: &str =
    "acknowledged records are missing here: no index contains them";

/// How far each partition of a topic may be read; all of them move at once, a group at a time.
#[derive(Debug)]
pub(in crate::log) struct Progress {
    /// `None` once the topic is deleted.
    ends: Mutex<Option<Vec<u64>>>,
}

impl Progress {
    pub(in crate::log) fn new(ends: Vec<u64>) -> Progress {
        Progress { ends: Mutex::new(Some(ends)) }
    }

    pub(in crate::log) fn advance(&self, ends: Vec<u64>) {
        *lock(&self.ends) = Some(ends);
    }

    /// There is nothing to be read any more.
    pub(in crate::log) fn end(&self) {
        *lock(&self.ends) = None;
    }

    fn ends(&self) -> Option<Vec<u64>> {
        lock(&self.ends).clone()
    }
}

/// What tells how far a topic may be read.
#[derive(Clone, Debug)]
pub(in crate::log) enum View {
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
    pub(in crate::log) storage: Arc<dyn Storage>,
    topic: String,
    pub(in crate::log) dir: PathBuf,
    pub(in crate::log) places: Vec<Place>,
    view: View,
}

impl TopicReader {
    pub(in crate::log) fn new(
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

    /// How many partitions it knows of: those that the topic had when the reader was made.
    pub fn partitions(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// Partitions from this one on, each from its start, without an end.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn added_since(&self, partitions: u32) -> Result<Vec<Span>, LogError> {
        let added = self.bounds()?.into_iter().filter(|held| held.partition >= partitions);
        let span = |held: Bounds| Span { partition: held.partition, from: held.start, until: None };
        Ok(added.map(span).collect())
    }

    /// The directory of the topic: for whoever watches it.
    pub fn dir(&self) -> &Path {
        &self.dir
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
        let end = self.ends()?.get(partition as usize).copied().unwrap_or(0);
        self.offset_below(partition, end, time_us)
    }

    /// The same, of the records before `end`, which the partition has reached.
    ///
    /// # Errors
    /// When there is no such partition, or its files cannot be read.
    pub fn offset_below(&self, partition: u32, end: u64, time_us: i64) -> Result<u64, LogError> {
        let place = self.place(partition)?;
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
    /// stream, as far as it went when `bounds` was asked for.
    ///
    /// # Errors
    /// When there is no such partition, or its files cannot be read.
    pub fn last(
        &self,
        bounds: &[Bounds],
        partitions: &[u32],
        count: u64,
    ) -> Result<Vec<(u32, u64)>, LogError> {
        self.steadily(partitions, || self.last_held(bounds, partitions, count))
    }

    fn last_held(
        &self,
        bounds: &[Bounds],
        partitions: &[u32],
        count: u64,
    ) -> Result<Vec<(u32, u64)>, LogError> {
        let mut lanes = Vec::with_capacity(partitions.len());
        for &partition in partitions {
            let place = self.place(partition)?;
            let end = bounds.get(partition as usize).map_or(0, |held| held.end);
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
            if missing > 0 {
                lane.step_before(entry.base)?;
            }
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
            let held = Bounds { end: self.known_end(held, span.from)?, ..*held };
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

    /// Where a partition ends for somebody who asks for the records from `from` on.
    ///
    /// While there is no writer, a reader may have read entries that the last writer did not
    /// attest. The next writer keeps them, but until it attests them, or while it writes an
    /// attestation, they cannot be read. The offset after them is known, none the less.
    fn known_end(&self, held: &Bounds, from: u64) -> Result<u64, LogError> {
        if from <= held.end || matches!(self.view, View::Live(_)) {
            return Ok(held.end);
        }
        let place = self.place(held.partition)?;
        let Some(&base) = self.bases(place)?.last() else { return Ok(held.end) };
        let mut end = held.end;
        each_entry(&self.segment(place, base)?, |_, entry| {
            let Ok(entry) = entry else { return Ok(false) };
            end = end.max(entry.end());
            Ok(true)
        })?;
        Ok(end)
    }

    /// How far each partition may be read now.
    pub(in crate::log) fn ends(&self) -> Result<Vec<u64>, LogError> {
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
        let is_locked = || self.is_locked(lock);
        if !is_locked()? {
            let surveys = survey_topic(&*self.storage, &self.places)?;
            // A writer that came meanwhile may have been surveyed in the middle of a group.
            if !is_locked()? {
                return Ok(surveys.iter().map(Survey::readable_end).collect());
            }
        }
        self.places.iter().map(|place| self.attested_end(place)).collect()
    }

    /// Whether somebody writes the log, or may: only its owner can ask, and to others it is as safe
    /// to go by what a writer attests.
    fn is_locked(&self, lock: &Path) -> Result<bool, LogError> {
        match self.storage.is_locked(lock) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(true),
            locked => locked.map_err(|error| LogError::io(lock, error)),
        }
    }

    /// Whether the files were looked at from outside, and nobody writes them now.
    pub(in crate::log) fn is_still(&self) -> Result<bool, LogError> {
        match &self.view {
            View::Live(_) => Ok(false),
            View::Files { lock } => Ok(!self.is_locked(lock)?),
        }
    }

    /// The length of a segment's data, in bytes; also where its index is damaged.
    pub(in crate::log) fn data_bytes(&self, place: &Place, base: u64) -> Result<u64, LogError> {
        match self.segment(place, base) {
            Ok(segment) => return Ok(segment.lengths()?.0),
            Err(LogError::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
        match SegmentData::open(&*self.storage, &place.dir, (base, 0), Open::Read)? {
            Some(data) => data.size(),
            None => Err(place.damaged(base, "its data is missing")),
        }
    }

    /// Reads what may have segments of `partitions` removed from under it; then it is read again.
    pub(in crate::log) fn steadily<T>(
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
    pub(in crate::log) fn segment_of(
        &self,
        place: &Place,
        offset: u64,
    ) -> Result<Segment, LogError> {
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
    pub(in crate::log) fn place(&self, partition: u32) -> Result<&Place, LogError> {
        self.places.get(partition as usize).ok_or_else(|| LogError::UnknownPartition {
            topic: self.topic.clone(),
            partition,
            partitions: self.places.len() as u32,
        })
    }

    pub(in crate::log) fn bases(&self, place: &Place) -> Result<Vec<u64>, LogError> {
        bases(&*self.storage, place)
    }

    pub(in crate::log) fn segment(&self, place: &Place, base: u64) -> Result<Segment, LogError> {
        Segment::open(&*self.storage, place, base, Open::Read)
    }

    /// How many entries of the segment at `base` lie below the offset `end`, up to which there are
    /// records; an index that does not reach it is damaged.
    pub(in crate::log) fn entries_below(
        &self,
        place: &Place,
        base: u64,
        end: u64,
    ) -> Result<u64, LogError> {
        let segment = self.segment(place, base)?;
        let entries = Entries::of(&segment, place);
        let count = entries.partition_point(entry_count(&segment)?, |entry| entry.base < end)?;
        let reached = match count.checked_sub(1) {
            Some(last) => entries.get(last)?.end(),
            None => base,
        };
        if reached < end { Err(place.damaged(reached, ENDS_EARLY)) } else { Ok(count) }
    }
}

/// A partition read backwards, an entry at a time.
struct Backwards<'a> {
    reader: &'a TopicReader,
    place: &'a Place,
    /// The offset of its first record.
    start: u64,
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
            start: bases.first().copied().unwrap_or(end),
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
        lane.step_before(end.max(lane.start))?;
        Ok(lane)
    }

    /// Goes to the entry before, which is that of the last records before `end`.
    fn step_before(&mut self, end: u64) -> Result<(), LogError> {
        self.step()?;
        match self.entry.map_or(self.start, |entry| entry.end()) {
            reached if reached < end => Err(self.place.damaged(reached, ENDS_EARLY)),
            _ => Ok(()),
        }
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
        segment.read_data(self.place, entry.base, entry.position, &mut bytes)?;
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
