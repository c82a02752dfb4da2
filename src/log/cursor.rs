//! Several partitions of a topic read as one stream, in the order in which they were appended.

use super::LogError;
use super::format::{BLOCK_BYTES, Entry};
use super::lookup::entry_count;
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

/// The part of a chunk that was appended at once.
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
}

impl Cursor {
    pub(super) fn new(reader: TopicReader, spans: Vec<Span>) -> Cursor {
        let lanes = spans.into_iter().map(Lane::new).collect();
        Cursor { reader, lanes, ends: Vec::new() }
    }

    /// Reads the next run of records into `bytes`, whose contents it replaces: whole lines, about
    /// `bytes_max` of them at most, but a batch at least. `None`: nothing more is to be read now.
    ///
    /// Over several partitions, batches come in the order in which they were appended.
    ///
    /// # Errors
    /// When files cannot be read, or a checksum does not hold.
    pub fn next(
        &mut self,
        bytes_max: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<Chunk>, LogError> {
        bytes.clear();
        if let Some(chunk) = self.next_before(bytes_max, bytes)? {
            return Ok(Some(chunk));
        }
        // Ends of all partitions, taken at one time, so that none overtakes another.
        self.ends = self.reader.ends()?;
        self.next_before(bytes_max, bytes)
    }

    /// Whether all that was asked for has been read.
    pub fn done(&self) -> bool {
        self.lanes.iter().all(|lane| lane.span.until.is_some_and(|until| lane.next >= until))
    }

    /// The offset that comes next in each partition.
    pub fn positions(&self) -> Vec<(u32, u64)> {
        self.lanes.iter().map(|lane| (lane.span.partition, lane.next)).collect()
    }

    fn next_before(
        &mut self,
        bytes_max: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<Chunk>, LogError> {
        loop {
            let mut first: Option<((i64, u32), usize)> = None;
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
            let Some((_, at)) = first else { return Ok(None) };
            let lane = &mut self.lanes[at];
            let end = self.ends.get(lane.span.partition as usize).copied().unwrap_or(0);
            let chunk = lane.take(&self.reader, end, second, bytes_max, bytes)?;
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
}

impl Lane {
    fn new(span: Span) -> Lane {
        Lane { span, next: span.from, segment: None, entry: 0, ahead: Vec::new() }
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
        self.segment = Some(segment);
        Ok(())
    }

    /// Reads more entries, as far as `end` allows; false if there are none.
    fn read_ahead(&mut self, place: &Place, end: u64) -> Result<bool, LogError> {
        let Some(segment) = &self.segment else { return Ok(false) };
        let mut blocks = [0; ENTRIES_AHEAD * BLOCK_BYTES as usize];
        let count = segment.entry_blocks(self.entry, &mut blocks)?;
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

    /// Reads the batches that come next, as long as they come before `second` in the merged stream.
    fn take(
        &mut self,
        reader: &TopicReader,
        end: u64,
        second: (i64, u32),
        bytes_max: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<Chunk, LogError> {
        let limit = self.limit(end);
        let mut chunk = Chunk {
            partition: self.span.partition,
            offset: self.next,
            records: 0,
            end,
            batches: Vec::new(),
        };
        let place = reader.place(self.span.partition)?;
        while let Some(&entry) = self.ahead.last() {
            let full = !bytes.is_empty() && bytes.len() + entry.bytes as usize > bytes_max;
            if self.next >= limit || full || (entry.time_us, self.span.partition) > second {
                break;
            }
            let Some(segment) = &self.segment else { break };
            let start = bytes.len();
            match read_batch(segment, place, &entry, bytes) {
                Ok(()) => {}
                // What holds comes first; the next call meets the error again.
                Err(_) if chunk.records > 0 => break,
                Err(error) => return Err(error),
            }
            self.ahead.pop();
            let until = limit.min(entry.end());
            trim(bytes, start, self.next - entry.base, entry.end() - until);
            let records = until - self.next;
            if records > 0 {
                chunk.batches.push(BatchSpan {
                    records,
                    bytes: (bytes.len() - start) as u64,
                    time_us: entry.time_us,
                });
            }
            chunk.records += records;
            self.next = until;
        }
        Ok(chunk)
    }
}

/// Appends a batch's bytes, checked, to `bytes`.
fn read_batch(
    segment: &Segment,
    place: &Place,
    entry: &Entry,
    bytes: &mut Vec<u8>,
) -> Result<(), LogError> {
    let start = bytes.len();
    bytes.resize(start + entry.bytes as usize, 0);
    let read = segment.read_data(place, entry.position, &mut bytes[start..]);
    let checked = read.and_then(|()| {
        if crc32c::crc32c(&bytes[start..]) == entry.data_crc {
            return Ok(());
        }
        Err(place.damaged(entry.base, "the checksum of these records does not hold"))
    });
    if checked.is_err() {
        bytes.truncate(start);
    }
    checked
}

/// Takes `front` lines from the beginning of what is in `bytes` from `start` on, and `back` lines
/// from its end.
fn trim(bytes: &mut Vec<u8>, start: usize, front: u64, back: u64) {
    if back > 0 {
        let mut ends = memchr::memrchr_iter(b'\n', &bytes[start..]);
        // The last line's own end is the first that is found.
        let cut = usize::try_from(back).ok().and_then(|back| ends.nth(back));
        bytes.truncate(start + cut.map_or(0, |end| end + 1));
    }
    if front > 0 {
        let mut ends = memchr::memchr_iter(b'\n', &bytes[start..]);
        let cut = usize::try_from(front).ok().and_then(|front| ends.nth(front - 1));
        let cut = cut.map_or(bytes.len(), |end| start + end + 1);
        bytes.drain(start..cut);
    }
}
