//! A topic of any size, through the daemon or by its files. Only what is looked at is read.
//!
//! Records are numbered in the order in which they were appended, whatever partition they are in.
//! The number of a record says how many records of all partitions are before it. For a time, the
//! log tells where each partition has its first record of that time or later; together these
//! offsets are a number. So the offsets for a number are found by times between others that are
//! known, as if records came evenly or by halves, until a few records are left, which are read.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::chunk::{Chunk, Collector, Place};
use super::feed::{Advance, Command, Feed};
use crate::api::reading::{At, ByPartition, Span};
use crate::cli::input::Watch;
use crate::cli::shell::quoted;
use crate::cmd::place::Place as Written;
use crate::store::{Manner, Reader, Reading, Step, Store};
use crate::sys::clock::now_us;
use crate::tui::row::Changes;

/// How often the log is asked for what is new.
const ASKED_EVERY: Duration = Duration::from_millis(150);

/// How often it is looked whether the topic has more partitions.
const OPENED_EVERY: Duration = Duration::from_secs(5);

/// How many records are read at most to come to the one that is wanted; twice as many after every
/// so many times that were tried: all records of a batch have one time.
const NEAR_RECORDS: u64 = 4096;
const TRIES: u32 = 8;

/// How many bytes of records are kept that were read last.
const KEPT_BYTES: usize = 8 << 20;

/// How many places are remembered that were found.
const KNOWN_MAX: usize = 4096;

/// A topic.
pub struct Topic {
    dir: PathBuf,
    name: Arc<str>,
    watch: Arc<Watch>,
    /// What finds places; none while the log cannot be reached.
    finder: Option<Reader>,
    partitions: Vec<u32>,
    /// The offsets at which the numbers begin.
    base: ByPartition<u64>,
    /// Where the partitions begin and end.
    start: ByPartition<u64>,
    end: ByPartition<u64>,
    asked_at: Instant,
    opened_at: Instant,
    /// When the first record was appended, and just after the last, for partitions that end so.
    era: Option<(i64, i64, ByPartition<u64>)>,
    /// Places that were found, by their times.
    known: BTreeMap<i64, ByPartition<u64>>,
    /// What is being read, and the number of the next record of it.
    reading: Option<(u64, Reading<'static>)>,
    kept: VecDeque<Arc<Chunk>>,
    note: Option<String>,
    /// Which topic it is, of all that have had its name; unknown where the system does not say.
    identity: Option<Identity>,
    /// How often it was another one.
    replaced: u64,
}

/// A directory, and when it was made: its number may be given again.
type Identity = (u64, Option<SystemTime>);

impl Topic {
    /// Opens a topic of the log in `dir`.
    ///
    /// # Errors
    /// When there is no such log or topic, or it cannot be read.
    pub fn open(dir: &Path, name: &str, watch: Arc<Watch>) -> anyhow::Result<Topic> {
        // Before the records: of a topic that is made anew meanwhile, it is noticed later.
        let identity = identity(dir, name);
        let mut finder = Store::open(dir)?.reader(name)?;
        let partitions: Vec<u32> = (0..finder.partitions()).collect();
        let found = finder.find(&partitions, At::End)?;
        let start: ByPartition<u64> = found.iter().map(|(&at, place)| (at, place.start)).collect();
        let end = found.iter().map(|(&at, place)| (at, place.end)).collect();
        Ok(Topic {
            dir: dir.to_owned(),
            name: Arc::from(name),
            watch,
            finder: Some(finder),
            partitions,
            base: start.clone(),
            start,
            end,
            asked_at: Instant::now(),
            opened_at: Instant::now(),
            era: None,
            known: BTreeMap::new(),
            reading: None,
            kept: VecDeque::new(),
            note: None,
            identity,
            replaced: 0,
        })
    }

    /// Forgets all that was read if the topic was deleted and another one has its name.
    fn notice_another(&mut self) {
        let identity = identity(&self.dir, &self.name);
        if identity.is_none() || identity == self.identity {
            return;
        }
        self.identity = identity;
        self.replaced += 1;
        (self.finder, self.reading, self.era) = (None, None, None);
        (self.base, self.start, self.end) = Default::default();
        (self.known, self.kept) = Default::default();
    }

    /// Opens the topic again: it may have more partitions now, and they are empty at the offsets at
    /// which the numbers begin.
    fn open_again(&mut self) {
        self.opened_at = Instant::now();
        let opened = Store::open(&self.dir).and_then(|store| store.reader(&self.name));
        self.finder = match opened {
            Ok(finder) => {
                self.partitions = (0..finder.partitions()).collect();
                Some(finder)
            }
            Err(error) => {
                self.note = Some(format!("{:#}", anyhow::Error::from(error)));
                None
            }
        };
    }

    /// How many records are before these offsets.
    fn number(&self, offsets: &ByPartition<u64>) -> u64 {
        let before = |(at, offset): (&u32, &u64)| {
            offset.saturating_sub(self.base.get(at).copied().unwrap_or_default())
        };
        offsets.iter().map(before).sum()
    }

    /// The offsets of the first record of each partition that was appended at this time or later.
    fn at_time(&mut self, time_us: i64) -> anyhow::Result<ByPartition<u64>> {
        if let Some(found) = self.known.get(&time_us) {
            return Ok(found.clone());
        }
        let finder = self.finder.as_mut().ok_or_else(|| anyhow::anyhow!("the log is gone"))?;
        let found = finder.find(&self.partitions, At::TimeUs(time_us))?;
        let found: ByPartition<u64> = found.iter().map(|(&at, place)| (at, place.at)).collect();
        // What is found at the end is another place once records come.
        if found != self.end {
            if self.known.len() >= KNOWN_MAX {
                self.known.clear();
            }
            self.known.insert(time_us, found.clone());
        }
        Ok(found)
    }

    /// Offsets a little before the record of this number, or at it.
    fn near(&mut self, number: u64) -> anyhow::Result<ByPartition<u64>> {
        if let [partition] = self.partitions[..] {
            let base = self.base.get(&partition).copied().unwrap_or_default();
            return Ok(ByPartition::from([(partition, base + number)]));
        }
        let (mut low, mut before) = (self.start.clone(), self.number(&self.start));
        if number.saturating_sub(before) <= NEAR_RECORDS {
            return Ok(low);
        }
        let (mut from_us, mut to_us) = self.era()?;
        let mut after = self.number(&self.end);
        for (&time_us, offsets) in &self.known {
            let at = self.number(offsets);
            if at <= number && at >= before {
                (low, before, from_us) = (offsets.clone(), at, time_us);
            } else if at > number && at < after {
                (after, to_us) = (at, time_us);
            }
        }
        let mut tries = 0;
        while number - before > NEAR_RECORDS << (tries / TRIES).min(4) && to_us - from_us > 1 {
            // A little before the record, if records come evenly; by halves where they do not.
            let wanted = number - before - NEAR_RECORDS / 2;
            let share = match tries % 2 {
                0 => wanted as f64 / (after - before).max(1) as f64,
                _ => 0.5,
            };
            let span_us = to_us - from_us;
            let middle_us = from_us + ((span_us as f64 * share) as i64).clamp(1, span_us - 1);
            let middle = self.at_time(middle_us)?;
            match self.number(&middle) {
                at if at <= number => (low, before, from_us) = (middle, at, middle_us),
                at => (after, to_us) = (at, middle_us),
            }
            tries += 1;
        }
        // Of a partition whose first records are gone, the rest is still there.
        for (at, offset) in &mut low {
            *offset = (*offset).max(self.start.get(at).copied().unwrap_or_default());
        }
        Ok(low)
    }

    /// When the first record was appended, and just after the last.
    fn era(&mut self) -> anyhow::Result<(i64, i64)> {
        if let Some((from_us, to_us, end)) = &self.era {
            // What came since came before now.
            return Ok((*from_us, if *end == self.end { *to_us } else { now_us() }));
        }
        let last = self.end.iter().map(|(&at, end)| (at, end.saturating_sub(1))).collect();
        let from_us = self.times(&self.start)?.into_iter().min().unwrap_or_default();
        let to_us = self.times(&last)?.into_iter().max().map_or(now_us(), |last| last + 1);
        self.era = Some((from_us, to_us.max(from_us), self.end.clone()));
        Ok((from_us, to_us.max(from_us)))
    }

    /// When the records at these offsets were appended, of those that there are.
    fn times(&self, offsets: &ByPartition<u64>) -> anyhow::Result<Vec<i64>> {
        let ends = |at| self.end.get(at).copied().unwrap_or_default();
        let held = offsets.iter().filter(|(at, offset)| **offset < ends(at));
        let spans = held.map(|(&partition, &from)| (partition, from, Some(from + 1)));
        let mut reading = self.read(spans)?;
        let (mut times, mut bytes) = (Vec::new(), Vec::new());
        while let Step::Records(run) = reading.next(&*self.watch, &mut bytes)? {
            times.extend(run.batches.iter().map(|batch| batch.time_us));
        }
        Ok(times)
    }

    /// Reads parts of partitions: from where to where.
    fn read(
        &self,
        spans: impl Iterator<Item = (u32, u64, Option<u64>)>,
    ) -> anyhow::Result<Reading<'static>> {
        let reader = Store::open(&self.dir)?.reader(&self.name)?;
        let manner = Manner {
            follow: false,
            added: false,
            patience: Duration::ZERO,
            verify: true,
            files: false,
            output: None,
        };
        let spans = spans.map(|(partition, from, until)| Span { partition, from, until });
        Ok(reader.read(spans.collect(), manner)?)
    }

    /// Reads from these offsets on.
    fn begin(&mut self, offsets: &ByPartition<u64>) -> anyhow::Result<()> {
        let spans = offsets.iter().map(|(&partition, &from)| {
            let until = self.end.get(&partition).map(|&end| end.max(from));
            (partition, from, until)
        });
        let reading = self.read(spans)?;
        self.reading = Some((self.number(offsets), reading));
        Ok(())
    }

    /// Reads the next records of what is being read that go beyond number `from`.
    fn read_on(&mut self, from: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        let Some((mut number, mut reading)) = self.reading.take() else { return Ok(None) };
        let mut bytes = Vec::new();
        let run = loop {
            match reading.next(&*self.watch, &mut bytes)? {
                // What is passed is not looked at.
                Step::Records(run) if number + run.records <= from => number += run.records,
                Step::Records(run) => break run,
                _ => return Ok(None),
            }
        };
        let mut collector = Collector::new(Arc::clone(&self.name), number);
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').zip(run.append_times());
        for (offset, (line, time_us)) in (run.offset..).zip(lines) {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let gone = line.is_empty().then_some("compaction removed this record");
            let place = Place::Offset { partition: run.partition, offset, time_us };
            collector.push(line, place, gone);
        }
        let next = number + run.records;
        self.reading = Some((next, reading));
        let Some(chunk) = collector.take().map(Arc::new) else { return Ok(None) };
        let mut kept: usize = self.kept.iter().map(|chunk| chunk.memory()).sum();
        while kept > KEPT_BYTES
            && let Some(gone) = self.kept.pop_front()
        {
            kept -= gone.memory();
        }
        self.kept.push_back(Arc::clone(&chunk));
        Ok(Some(chunk))
    }

    /// The records around one, in the log as it is reached now.
    fn fetch(&mut self, number: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        let is_ahead = self
            .reading
            .as_ref()
            .is_some_and(|(next, _)| (*next..next.saturating_add(NEAR_RECORDS)).contains(&number));
        // A little before: whoever goes back finds what is there.
        let from = number.saturating_sub(NEAR_RECORDS / 8).max(self.span().start);
        if is_ahead && let Some(chunk) = self.read_to(from, number)? {
            return Ok(Some(chunk));
        }
        let offsets = self.near(from)?;
        self.begin(&offsets)?;
        self.read_to(from, number)
    }

    /// Reads on to a record, and keeps those from number `from` on; none if what is being read ends
    /// before, as it was when that began.
    fn read_to(&mut self, from: u64, number: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        while let Some(chunk) = self.read_on(from)? {
            if chunk.first <= number && number < chunk.end() {
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }

    /// The number of the record at an offset of a partition.
    fn number_of(&mut self, partition: u32, offset: u64) -> anyhow::Result<u64> {
        let (start, end) = match (self.start.get(&partition), self.end.get(&partition)) {
            (Some(&start), Some(&end)) => (start, end),
            _ => anyhow::bail!("there is no partition {partition} in {}", self.name),
        };
        if !(start..end).contains(&offset) {
            anyhow::bail!("partition {partition} has the offsets {start} to {end}, not {offset}");
        }
        if self.partitions.len() == 1 {
            return Ok(self.number(&ByPartition::from([(partition, offset)])));
        }
        self.begin(&ByPartition::from([(partition, offset)]))?;
        let time_us = match self.read_on(0)?.and_then(|chunk| chunk.place(chunk.first)) {
            Some(Place::Offset { time_us, .. }) => time_us,
            _ => anyhow::bail!("the record at {offset} cannot be read"),
        };
        // What was read has no number among all records.
        (self.reading, self.kept) = (None, VecDeque::new());
        let offsets = self.at_time(time_us)?;
        self.begin(&offsets)?;
        while let Some(chunk) = self.read_on(0)? {
            let is_it = |number: &u64| {
                let place = chunk.place(*number);
                place == Some(Place::Offset { partition, offset, time_us })
            };
            if let Some(number) = (chunk.first..chunk.end()).find(is_it) {
                return Ok(number);
            }
        }
        anyhow::bail!("the record at {offset} cannot be found")
    }
}

impl Feed for Topic {
    fn span(&self) -> Range<u64> {
        self.number(&self.start)..self.number(&self.end)
    }

    fn chunk(&mut self, number: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        if !self.span().contains(&number) {
            return Ok(None);
        }
        let kept = self.kept.iter().find(|one| one.first <= number && number < one.end());
        if let Some(chunk) = kept {
            return Ok(Some(Arc::clone(chunk)));
        }
        match self.fetch(number) {
            Ok(chunk) => Ok(chunk),
            Err(error) => {
                // It may be back, or say more, when it is asked again.
                self.note = Some(format!("{error:#}"));
                (self.finder, self.reading) = (None, None);
                Ok(None)
            }
        }
    }

    fn advance(&mut self) -> anyhow::Result<Advance> {
        if self.asked_at.elapsed() < ASKED_EVERY {
            return Ok(Advance::Idle);
        }
        self.asked_at = Instant::now();
        self.notice_another();
        if self.finder.is_none() || self.opened_at.elapsed() >= OPENED_EVERY {
            self.open_again();
        }
        let Some(finder) = &mut self.finder else { return Ok(Advance::Idle) };
        match finder.find(&self.partitions, At::End) {
            Ok(found) => {
                self.start = found.iter().map(|(&at, place)| (at, place.start)).collect();
                self.end = found.iter().map(|(&at, place)| (at, place.end)).collect();
                if self.base.is_empty() {
                    self.base.clone_from(&self.start);
                }
                self.note = (self.replaced > 0).then(|| {
                    format!(
                        "{} was deleted and created again: these are the new records",
                        self.name
                    )
                });
            }
            Err(error) => {
                (self.finder, self.reading) = (None, None);
                self.note = Some(format!("{error:#}"));
            }
        }
        Ok(Advance::Idle)
    }

    fn has_ended(&self) -> bool {
        true
    }

    fn changes(&self) -> Changes {
        Changes { last: 0, all: self.replaced }
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn find(&mut self, place: &str) -> anyhow::Result<u64> {
        if let Some((partition, offset)) = place.split_once('@') {
            let offset: u64 = offset.parse().map_err(|_| no_place(place))?;
            let partition = match (partition, &self.partitions[..]) {
                ("", [one]) => *one,
                ("", _) => anyhow::bail!("write PARTITION@OFFSET: there are several partitions"),
                (partition, _) => partition.parse().map_err(|_| no_place(place))?,
            };
            return self.number_of(partition, offset);
        }
        match place.parse::<Written>().map_err(|_| no_place(place))? {
            Written::Start => Ok(self.span().start),
            Written::End => Ok(self.span().end),
            Written::Offset(number) => Ok(number),
            Written::TimeUs(time_us) => {
                let offsets = self.at_time(time_us)?;
                Ok(self.number(&offsets))
            }
        }
    }

    fn command(
        &mut self,
        numbers: Option<Range<u64>>,
        condition: Option<&str>,
    ) -> anyhow::Result<Command> {
        let mut line = format!("subscribe {}", self.name);
        let mut but = None;
        if let Some(Range { start, end }) = numbers {
            let mut place = |number: u64| match self.chunk(number)?.and_then(|it| it.place(number))
            {
                Some(Place::Offset { offset, time_us, .. }) => Ok((offset, time_us)),
                _ => anyhow::bail!("the records cannot be read any more"),
            };
            let ((first, from_us), (last, to_us)) = (place(start)?, place(end - 1)?);
            let (from, until) = match self.partitions.len() {
                1 => (first.to_string(), (last + 1).to_string()),
                // The times are those of whole batches.
                _ => {
                    but = Some("it prints all that was appended in this time");
                    (time(from_us), time(to_us + 1))
                }
            };
            line += &format!(" --from {from} --until {until}");
        }
        if let Some(condition) = condition {
            line += &format!(" | filter {}", quoted(condition, false));
        }
        Ok(Command { line, but })
    }
}

fn identity(dir: &Path, name: &str) -> Option<Identity> {
    let metadata = dir.join("topics").join(name).metadata().ok()?;
    Some((metadata.ino(), metadata.created().ok()))
}

fn no_place(text: &str) -> anyhow::Error {
    anyhow::anyhow!("{text} is no place: write a record's number, 50%, @OFFSET, P@OFFSET or a time")
}

fn time(time_us: i64) -> String {
    let mut time = Vec::new();
    match crate::time::timestamp::write_us(time_us, &mut time) {
        Ok(()) => String::from_utf8_lossy(&time).into_owned(),
        Err(_) => time_us.to_string(),
    }
}
