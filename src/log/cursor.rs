//! Several partitions of a topic read as one stream, in the order in which they were appended.

use super::LogError;
use super::format::{BLOCK_BYTES, Entry};
use super::lookup::entry_count;
use super::passed::{FileBatch, FileRun};
use super::pieces::{Page, Pieces, read_batch};
use super::reader::TopicReader;
use super::segment::{Entries, Place, Segment};

/// How many entries are read from an index at once.
const ENTRIES_AHEAD: usize = 64;

/// A part of a partition to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The partition's number.
    pub partition: u32,
    /// The offset of the first record.
    pub from: u64,
    /// The offset behind the last record; `None` for as far as there are records.
    pub until: Option<u64>,
}

/// A run of records of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The partition's number.
    pub partition: u32,
    /// The offset of the first record.
    pub offset: u64,
    /// How many records.
    pub records: u64,
    /// The offset before which the partition may be read at this time.
    pub end: u64,
    /// The batches that the records belong to.
    pub batches: Vec<BatchSpan>,
}

/// What a chunk has of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSpan {
    /// How many records.
    pub records: u64,
    /// Their length in bytes, line ends included.
    pub bytes: u64,
    /// When they were appended, in µs since the epoch.
    pub time_us: i64,
}

/// A position in a topic's partitions, moving on as it reads.
#[derive(Debug)]
pub struct Cursor {
    reader: TopicReader,
    lanes: Vec<Lane>,
    /// How far each partition may be read; asked for again when all is read.
    ends: Vec<u64>,
    /// Whether checksums are checked.
    verify: bool,
}

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
    pub(super) fn new(reader: TopicReader, spans: Vec<Span>) -> Cursor {
        let lanes = spans.into_iter().map(Lane::new).collect();
        Cursor { reader, lanes, ends: Vec::new(), verify: true }
    }

    /// The same, and whether it checks checksums. A new one does; without, records are given as
    /// they stand in the files.
    #[must_use]
    pub fn verifying(self, verify: bool) -> Cursor {
        Cursor { verify, ..self }
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
        let mut page = Page::new(bytes);
        if let Some(chunk) = self.next_before(bytes_max, &mut page)? {
            return Ok(Some(chunk));
        }
        // Ends of all partitions, taken at one time, so that none overtakes another.
        self.ends = self.reader.ends()?;
        self.next_before(bytes_max, &mut page)
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
    pub fn file_run(&mut self, bytes_min: u64) -> Result<Option<FileRun>, LogError> {
        if self.ends.is_empty() {
            self.ends = self.reader.ends()?;
        }
        let Some((at, second)) = self.first_lane()? else { return Ok(None) };
        let Some(lane) = self.lanes.get(at) else { return Ok(None) };
        let end = self.ends.get(lane.span.partition as usize).copied().unwrap_or(0);
        Ok(lane.file_run(end, second).filter(|run| run.bytes() >= bytes_min))
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

    fn next_before(
        &mut self,
        bytes_max: usize,
        page: &mut Page<'_>,
    ) -> Result<Option<Chunk>, LogError> {
        loop {
            page.wipe();
            let Some((at, second)) = self.first_lane()? else { return Ok(None) };
            let lane = &mut self.lanes[at];
            let end = self.ends.get(lane.span.partition as usize).copied().unwrap_or(0);
            let wanted = Wanted { end, second, bytes_max, verify: self.verify };
            let chunk = lane.take(&self.reader, wanted, page)?;
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
    /// Where we are in the next entry's batch, if it is read in pieces.
    pieces: Option<Pieces>,
    /// Whether nothing more is written to the segment, and all of it is acknowledged.
    closed: bool,
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
            pieces: None,
            closed: false,
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
                // The segment is read; the next one begins where it ended.
                self.segment = None;
                self.open(reader, place)?;
                if !self.read_ahead(place, end)? {
                    let why = "the index ends before records that were acknowledged";
                    return Err(place.damaged(self.next, why));
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
        self.closed = reader.bases(place)?.last().is_some_and(|&last| last > segment.base);
        self.passed = false;
        self.segment = Some(segment);
        Ok(())
    }

    /// The whole batches that come next, as far as their entries were read.
    fn file_run(&self, end: u64, second: Order) -> Option<FileRun> {
        let segment = self.segment.as_ref().filter(|_| self.closed && self.pieces.is_none())?;
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
        Some(FileRun { partition, offset: self.next, end, position, batches, file })
    }

    fn pass(&mut self, run: &FileRun) {
        self.ahead.truncate(self.ahead.len().saturating_sub(run.batches.len()));
        self.next += run.records();
        self.passed |= run.file.is_some();
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
            let entry = Entry::decode(block).map_err(|error| {
                place.damaged(self.next, format!("index entry {}: {error}", self.entry))
            })?;
            let continues = match self.ahead.last() {
                Some(last) => entry.base == last.end(),
                None => (entry.base..=entry.end()).contains(&self.next),
            };
            if !continues {
                let why =
                    format!("index entry {}: it does not continue the one before", self.entry);
                self.ahead.clear();
                return Err(place.damaged(self.next, why));
            }
            self.entry += 1;
            self.ahead.push(entry);
        }
        self.ahead.reverse();
        Ok(!self.ahead.is_empty())
    }

    /// Reads the batches that come next, as long as they come before others in the merged stream;
    /// of one that is too long, a piece.
    fn take(
        &mut self,
        reader: &TopicReader,
        wanted: Wanted,
        page: &mut Page<'_>,
    ) -> Result<Chunk, LogError> {
        let limit = self.limit(wanted.end);
        let mut chunk = Chunk {
            partition: self.span.partition,
            offset: self.next,
            records: 0,
            end: wanted.end,
            batches: Vec::new(),
        };
        let place = reader.place(self.span.partition)?;
        while let Some(&entry) = self.ahead.last() {
            let rest = self.pieces.map_or(u64::from(entry.bytes), |pieces| pieces.rest(&entry));
            let rest = usize::try_from(rest).unwrap_or(usize::MAX);
            let full = page.filled() > 0 && rest > wanted.bytes_max.saturating_sub(page.filled());
            let later = (entry.time_us, self.span.partition) > wanted.second;
            if self.next >= limit || full || later {
                break;
            }
            let in_pieces = self.pieces.is_some() || rest > wanted.bytes_max.saturating_mul(2);
            let before = page.filled();
            let taken = if in_pieces {
                self.take_piece(place, &entry, limit, wanted, page)
            } else {
                self.take_batch(place, &entry, limit, wanted.verify, page)
            };
            match taken {
                Ok(0) => {}
                Ok(records) => chunk.add(records, page.filled() - before, entry.time_us),
                // What holds comes first; the next call meets the error again.
                Err(_) if chunk.records > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(chunk)
    }

    /// Reads all of a batch that is wanted; tells how many records that are.
    fn take_batch(
        &mut self,
        place: &Place,
        entry: &Entry,
        limit: u64,
        verify: bool,
        page: &mut Page<'_>,
    ) -> Result<u64, LogError> {
        let Some(segment) = &self.segment else { return Ok(0) };
        let until = limit.min(entry.end());
        let (front, back) = (self.next - entry.base, entry.end() - until);
        read_batch(segment, place, entry, (front, back), verify, page)?;
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
        page: &mut Page<'_>,
    ) -> Result<u64, LogError> {
        let Some(segment) = &self.segment else { return Ok(0) };
        let mut pieces = match self.pieces {
            Some(pieces) => pieces,
            None => Pieces::begin(segment, place, entry, self.next, wanted.verify, page)?,
        };
        let until = limit.min(entry.end());
        let records = pieces.next(segment, place, entry, until, wanted.bytes_max, page)?;
        self.next += records;
        let ended = self.next >= entry.end();
        self.pieces = (!ended).then_some(pieces);
        if ended {
            self.ahead.pop();
        }
        Ok(records)
    }
}

impl Chunk {
    /// Adds the part of one more batch, or of the last one.
    fn add(&mut self, records: u64, bytes: usize, time_us: i64) {
        self.batches.push(BatchSpan { records, bytes: bytes as u64, time_us });
        self.records += records;
    }
}
