//! Several partitions of a topic read as one stream, in the order in which they were appended.

use std::os::fd::OwnedFd;

use super::batch_chunks::{BatchChunks, ReadBuffer, read_batch};
use super::reader::{ENDS_EARLY, TopicReader};
use crate::api::reading::{BatchSpan, Chunk, FileBatch, FileRun, Span};
use crate::log::LogError;
use crate::log::segment::format::{BLOCK_BYTES, Block, Entry};
use crate::log::segment::lookup::entry_count;
use crate::log::segment::{Entries, Place, Segment};

/// How many entries are read from an index at once.
const ENTRIES_AHEAD: usize = 64;

/// A position in a topic's partitions, moving on as it reads.
#[derive(Debug)]
pub struct Cursor {
    reader: TopicReader,
    lanes: Vec<Lane>,
    /// How far each partition may be read; asked for again when all is read.
    ends: Vec<u64>,
    /// Whether checksums are checked.
    verify: bool,
    /// Whether partitions are read one after the other, and the lane whose turn is next.
    by_turns: bool,
    turn: usize,
}

/// A run of records in a file, and the file; none for that of the partition's run before.
pub type PassedRun = (FileRun, Option<OwnedFd>);

/// A batch's place in the merged stream: when it was appended, and its partition.
type Order = (i64, u32);

/// What a lane is asked for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// The offset before which the partition may be read.
    end: u64,
    /// What comes after this time of appending, and at this time after this partition, belongs
    /// behind what another lane has.
    second: Order,
    /// About how much, in bytes.
    bytes_max: usize,
    /// Whether checksums are checked.
    verify: bool,
}

impl Cursor {
    pub(in crate::log) fn new(reader: TopicReader, spans: Vec<Span>) -> Cursor {
        let lanes = spans.into_iter().map(Lane::new).collect();
        Cursor { reader, lanes, ends: Vec::new(), verify: true, by_turns: false, turn: 0 }
    }

    /// The same, and whether it checks checksums. A new one does; without, records are given as
    /// they stand in the files.
    #[must_use]
    pub fn verifying(self, verify: bool) -> Cursor {
        Cursor { verify, ..self }
    }

    /// The same, and whether partitions take turns: runs are then as long as they may be, and there
    /// is no order between partitions.
    #[must_use]
    pub fn by_turns(self, by_turns: bool) -> Cursor {
        Cursor { by_turns, ..self }
    }

    /// Reads further partitions, too: `reader` has them, and all that were read before.
    pub fn widen(&mut self, reader: TopicReader, added: Vec<Span>) {
        self.reader = reader;
        self.lanes.extend(added.into_iter().map(Lane::new));
    }

    /// Reads the next run of records into `bytes`, whose contents it replaces: whole lines, about
    /// `bytes_max` of them (never more than twice that), but a record at least. `None`: nothing
    /// more is to be read now.
    ///
    /// Over several partitions, batches come in the order in which they were appended. Nothing is
    /// given of a batch whose checksum does not hold.
    ///
    /// # Errors
    /// When files cannot be read, or a checksum does not hold.
    pub fn next(
        &mut self,
        bytes_max: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<Chunk>, LogError> {
        let mut buffer = ReadBuffer::new(bytes);
        if let Some(chunk) = self.next_before(bytes_max, &mut buffer)? {
            return Ok(Some(chunk));
        }
        // Ends of all partitions, taken at one time, so that none overtakes another.
        self.ends = self.reader.ends()?;
        self.next_before(bytes_max, &mut buffer)
    }

    /// Goes back to where a run began that [`Cursor::next`] has just given.
    pub fn step_back(&mut self, run: &Chunk) {
        let lane = self.lanes.iter_mut().find(|lane| lane.span.partition == run.partition);
        if let Some(lane) = lane {
            *lane = Lane::new(Span { from: run.offset, ..lane.span });
        }
    }

    /// Whether all that was asked for has been read.
    pub fn done(&self) -> bool {
        self.lanes.iter().all(|lane| lane.span.until.is_some_and(|until| lane.next >= until))
    }

    /// The offset that comes next in each partition.
    pub fn positions(&self) -> Vec<(u32, u64)> {
        self.lanes.iter().map(|lane| (lane.span.partition, lane.next)).collect()
    }

    /// The next run of records, if it can be read from a file that may be passed to the reader:
    /// whole batches of a closed segment, of `bytes_min` bytes together at least. [`Cursor::pass`]
    /// goes on behind it; [`Cursor::next`] reads it all the same. What becomes visible meanwhile is
    /// not noticed before the next call of that.
    ///
    /// # Errors
    /// When files cannot be read, or the index is damaged.
    pub fn file_run(&mut self, bytes_min: u64) -> Result<Option<PassedRun>, LogError> {
        if self.ends.is_empty() {
            self.ends = self.reader.ends()?;
        }
        let Some((at, second)) = self.first_lane()? else { return Ok(None) };
        let Some(lane) = self.lanes.get_mut(at) else { return Ok(None) };
        let end = self.ends.get(lane.span.partition as usize).copied().unwrap_or(0);
        let run = lane.file_run(end, second).filter(|(run, _)| run.bytes() >= bytes_min);
        Ok(if run.is_some() && lane.is_closed(&self.reader)? { run } else { None })
    }

    /// Goes on behind a run that [`Cursor::file_run`] has just given.
    pub fn pass(&mut self, run: &FileRun) {
        let lane = self.lanes.iter_mut().find(|lane| lane.span.partition == run.partition);
        if let Some(lane) = lane {
            lane.pass(run);
        }
    }

    /// The lane whose batch comes next, and which place in the merged stream the next of another
    /// lane has.
    fn first_lane(&mut self) -> Result<Option<(usize, Order)>, LogError> {
        if self.by_turns {
            return self.lane_in_turn();
        }
        let mut first: Option<(Order, usize)> = None;
        let mut second = (i64::MAX, u32::MAX);
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let end = self.ends.get(lane.span.partition as usize).copied().unwrap_or(0);
            let Some(entry) = lane.peek(&self.reader, end)? else { continue };
            let order = (entry.time_us, lane.span.partition);
            match first {
                Some((lead, _)) if lead < order => second = second.min(order),
                _ => {
                    second = first.map_or(second, |(lead, _)| second.min(lead));
                    first = Some((order, at));
                }
            }
        }
        Ok(first.map(|(_, at)| (at, second)))
    }

    /// The next lane, from the one whose turn it is, that has a batch; nothing comes before that.
    fn lane_in_turn(&mut self) -> Result<Option<(usize, Order)>, LogError> {
        let count = self.lanes.len();
        for at in (0..count).map(|step| (self.turn + step) % count) {
            let Some(lane) = self.lanes.get_mut(at) else { continue };
            let end = self.ends.get(lane.span.partition as usize).copied().unwrap_or(0);
            if lane.peek(&self.reader, end)?.is_some() {
                self.turn = at + 1;
                return Ok(Some((at, (i64::MAX, u32::MAX))));
            }
        }
        Ok(None)
    }

    fn next_before(
        &mut self,
        bytes_max: usize,
        buffer: &mut ReadBuffer<'_>,
    ) -> Result<Option<Chunk>, LogError> {
        loop {
            buffer.wipe();
            let Some((at, second)) = self.first_lane()? else { return Ok(None) };
            let lane = &mut self.lanes[at];
            let end = self.ends.get(lane.span.partition as usize).copied().unwrap_or(0);
            let wanted = Wanted { end, second, bytes_max, verify: self.verify };
            let chunk = lane.take(&self.reader, wanted, buffer)?;
            // Batches without records are passed over.
            if chunk.records > 0 {
                return Ok(Some(chunk));
            }
        }
    }
}

/// The reading of one partition.
#[derive(Debug)]
struct Lane {
    span: Span,
    /// The offset of the record that comes next.
    next: u64,
    segment: Option<Segment>,
    /// The number of the entry that `ahead` begins with.
    entry: u64,
    /// Entries that were read and not yet used, the next one last.
    ahead: Vec<Entry>,
    /// Where we are in the next entry's batch, if it is read in chunks.
    chunks: Option<BatchChunks>,
    /// Whether nothing more is written to the segment, and all of it is acknowledged; `None` where
    /// nobody has asked yet.
    closed: Option<bool>,
    /// Whether the reader has the segment's data file.
    passed: bool,
}

impl Lane {
    fn new(span: Span) -> Lane {
        let next = span.from;
        Lane {
            span,
            next,
            segment: None,
            entry: 0,
            ahead: Vec::new(),
            chunks: None,
            closed: None,
            passed: false,
        }
    }

    /// The offset behind the last record that may be read.
    fn limit(&self, end: u64) -> u64 {
        self.span.until.map_or(end, |until| until.min(end))
    }

    /// The entry that comes next, if it may be read.
    fn peek(&mut self, reader: &TopicReader, end: u64) -> Result<Option<Entry>, LogError> {
        let limit = self.limit(end);
        while self.next < limit {
            if let Some(&entry) = self.ahead.last() {
                return Ok(Some(entry));
            }
            let place = reader.place(self.span.partition)?;
            if self.segment.is_none() {
                self.open(reader, place)?;
            }
            if !self.read_ahead(place, end)? {
                self.segment = None;
                self.open_next(reader, place)?;
                if !self.read_ahead(place, end)? {
                    return Err(place.damaged(self.next, ENDS_EARLY));
                }
            }
        }
        Ok(None)
    }

    /// Opens the segment that holds the next record, at the entry that does.
    fn open(&mut self, reader: &TopicReader, place: &Place) -> Result<(), LogError> {
        let segment = reader.segment_of(place, self.next)?;
        let next = self.next;
        let entries = Entries::of(&segment, place);
        let count = entry_count(&segment)?;
        self.entry = entries.partition_point(count, |entry| entry.base <= next)?.saturating_sub(1);
        self.take_up(segment);
        Ok(())
    }

    /// Opens the segment behind one that is read, which begins with the next record. It is looked
    /// for by its name: to list the directory for each of n segments would take n² steps.
    fn open_next(&mut self, reader: &TopicReader, place: &Place) -> Result<(), LogError> {
        let segment = match reader.segment(place, self.next) {
            Ok(segment) => segment,
            Err(error @ LogError::Damaged { .. }) => {
                // Unless retention has removed it meanwhile.
                let holder = reader.segment_of(place, self.next)?;
                let is_gap = holder.base < self.next;
                return Err(if is_gap { place.damaged(self.next, ENDS_EARLY) } else { error });
            }
            Err(error) => return Err(error),
        };
        self.entry = 0;
        self.take_up(segment);
        Ok(())
    }

    fn take_up(&mut self, segment: Segment) {
        self.closed = None;
        self.passed = false;
        self.segment = Some(segment);
    }

    /// Whether nothing more is written to the segment: there is one behind it.
    fn is_closed(&mut self, reader: &TopicReader) -> Result<bool, LogError> {
        if let Some(closed) = self.closed {
            return Ok(closed);
        }
        let Some(base) = self.segment.as_ref().map(|segment| segment.base) else {
            return Ok(false);
        };
        let place = reader.place(self.span.partition)?;
        let closed = reader.bases(place)?.last().is_some_and(|&last| last > base);
        self.closed = Some(closed);
        Ok(closed)
    }

    /// The whole batches that come next, as far as their entries were read.
    fn file_run(&self, end: u64, second: Order) -> Option<PassedRun> {
        let is_open = self.closed == Some(false);
        let segment = self.segment.as_ref().filter(|_| !is_open && self.chunks.is_none())?;
        let partition = self.span.partition;
        let (limit, mut next) = (self.limit(end), self.next);
        let mut batches = Vec::new();
        for entry in self.ahead.iter().rev() {
            let later = (entry.time_us, partition) > second;
            if entry.base != next || entry.end() > limit || later {
                break;
            }
            next = entry.end();
            batches.push(FileBatch {
                records: u64::from(entry.records),
                bytes: u64::from(entry.bytes),
                time_us: entry.time_us,
                crc: entry.data_crc,
            });
        }
        let position = self.ahead.last()?.position;
        let file = match self.passed {
            true => None,
            false => Some(segment.data_descriptor()?.try_clone_to_owned().ok()?),
        };
        let (offset, records, passed) = (self.next, next - self.next, file.is_some());
        Some((FileRun { partition, offset, records, end, passed, position, batches }, file))
    }

    fn pass(&mut self, run: &FileRun) {
        self.ahead.truncate(self.ahead.len().saturating_sub(run.batches.len()));
        self.next += run.records;
        self.passed |= run.passed;
    }

    /// Reads more entries, as far as `end` allows; false if there are none.
    fn read_ahead(&mut self, place: &Place, end: u64) -> Result<bool, LogError> {
        let Some(segment) = &self.segment else { return Ok(false) };
        let mut blocks = [0; ENTRIES_AHEAD * BLOCK_BYTES as usize];
        // Not more than there can be: at the end of a file it takes another read to see that it is
        // the end, and that is where followers are.
        let records = usize::try_from(end.saturating_sub(self.next)).unwrap_or(usize::MAX);
        let asked = records.clamp(1, ENTRIES_AHEAD) * BLOCK_BYTES as usize;
        let count = segment.entry_blocks(self.entry, &mut blocks[..asked])?;
        let (whole, _) = blocks.as_chunks::<{ BLOCK_BYTES as usize }>();
        for block in &whole[..count] {
            // Behind `end` an entry may be half written; it is not looked at.
            if self.ahead.last().is_some_and(|last| last.end() >= end) {
                break;
            }
            let entry = match self.next_entry(block) {
                Ok(entry) => entry,
                // What holds comes first; the next call meets the fault again.
                Err(_) if !self.ahead.is_empty() => break,
                Err(why) => return Err(place.damaged(self.next, why)),
            };
            self.entry += 1;
            self.ahead.push(entry);
        }
        self.ahead.reverse();
        Ok(!self.ahead.is_empty())
    }

    /// The entry of a block, if it continues what was read ahead, or why it does not.
    fn next_entry(&self, block: &Block) -> Result<Entry, String> {
        let entry =
            Entry::decode(block).map_err(|error| format!("index entry {}: {error}", self.entry))?;
        let continues = match self.ahead.last() {
            Some(last) => entry.base == last.end(),
            None => (entry.base..=entry.end()).contains(&self.next),
        };
        if continues {
            return Ok(entry);
        }
        Err(format!("index entry {}: it does not continue the one before", self.entry))
    }

    /// Reads the batches that come next, as long as they come before others in the merged stream;
    /// of one that is too long, a piece.
    fn take(
        &mut self,
        reader: &TopicReader,
        wanted: Wanted,
        buffer: &mut ReadBuffer<'_>,
    ) -> Result<Chunk, LogError> {
        let limit = self.limit(wanted.end);
        let mut chunk = Chunk {
            partition: self.span.partition,
            offset: self.next,
            end: wanted.end,
            ..Chunk::default()
        };
        let place = reader.place(self.span.partition)?;
        // A full buffer must not open the next segment: retention may remove it before it is read.
        while buffer.filled() == 0 || buffer.filled() < wanted.bytes_max {
            let entry = match self.peek(reader, wanted.end) {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                // What holds comes first; the next call meets the error again.
                Err(_) if chunk.records > 0 => break,
                Err(error) => return Err(error),
            };
            let rest = self.chunks.map_or(u64::from(entry.bytes), |chunks| chunks.rest(&entry));
            let rest = usize::try_from(rest).unwrap_or(usize::MAX);
            let full =
                buffer.filled() > 0 && rest > wanted.bytes_max.saturating_sub(buffer.filled());
            let later = (entry.time_us, self.span.partition) > wanted.second;
            if self.next >= limit || full || later {
                break;
            }
            let in_pieces = self.chunks.is_some() || rest > wanted.bytes_max.saturating_mul(2);
            let before = buffer.filled();
            let taken = if in_pieces {
                self.take_piece(place, &entry, limit, wanted, buffer)
            } else {
                self.take_batch(place, &entry, limit, wanted.verify, buffer)
            };
            match taken {
                Ok(0) => {}
                Ok(records) => {
                    let (bytes, time_us) = ((buffer.filled() - before) as u64, entry.time_us);
                    chunk.batches.push(BatchSpan { records, bytes, time_us });
                    chunk.records += records;
                }
                Err(_) if chunk.records > 0 => break,
                Err(error) => return Err(error),
            }
        }
        chunk.bytes = buffer.filled() as u64;
        Ok(chunk)
    }

    /// Reads all of a batch that is wanted; tells how many records that are.
    fn take_batch(
        &mut self,
        place: &Place,
        entry: &Entry,
        limit: u64,
        verify: bool,
        buffer: &mut ReadBuffer<'_>,
    ) -> Result<u64, LogError> {
        let Some(segment) = &self.segment else { return Ok(0) };
        let until = limit.min(entry.end());
        let (front, back) = (self.next - entry.base, entry.end() - until);
        read_batch(segment, place, entry, (front, back), verify, buffer)?;
        self.ahead.pop();
        let records = until - self.next;
        self.next = until;
        Ok(records)
    }

    /// Reads the next piece of a batch; tells how many records that are.
    fn take_piece(
        &mut self,
        place: &Place,
        entry: &Entry,
        limit: u64,
        wanted: Wanted,
        buffer: &mut ReadBuffer<'_>,
    ) -> Result<u64, LogError> {
        let Some(segment) = &self.segment else { return Ok(0) };
        let mut chunks = match self.chunks {
            Some(chunks) => chunks,
            None => BatchChunks::begin(segment, place, entry, self.next, wanted.verify, buffer)?,
        };
        let until = limit.min(entry.end());
        let records = chunks.next(segment, place, entry, until, wanted.bytes_max, buffer)?;
        self.next += records;
        let ended = self.next >= entry.end();
        self.chunks = (!ended).then_some(chunks);
        if ended {
            self.ahead.pop();
        }
        Ok(records)
    }
}
