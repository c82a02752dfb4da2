//! Going through what is left of a segment, batch by batch: telling what is damaged, and giving the
//! records that hold, at their offsets (`docs/FORMAT.md`, "Repair").
//!
//! Verifying and repairing are the same walk; they differ in where the batches go.

use std::ops::Range;

use super::fault_list::Faults;
use super::raw_segment::{Head, RawSegment, attested_offset};
use super::validity::{fault_of, without_faulty_lines};
use crate::log::segment::Place;
use crate::log::segment::format::{
    Attestation, BLOCK_BYTES, Compaction, Counted, ENTRIES_AT, Entry, FormatError, Header,
};
use crate::log::{BATCH_BYTES_MAX, LogError};
use crate::record::RECORD_BYTES_MAX;

/// How large a batch grows that is made anew from lines.
const REBUILT_BYTES: u64 = 1 << 20;
/// How much data is read at once.
const READ_BYTES: usize = 256 << 10;
/// A hole of more records than this is not filled with empty lines.
const HOLE_RECORDS_MAX: u64 = 1 << 32;

/// Takes the batches of a segment as they should be.
pub(in crate::log) trait Sink {
    /// Takes one; `bytes` are its lines.
    fn batch(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), LogError>;
}

/// A sink for those who only want to know.
pub(in crate::log) struct Nowhere;

impl Sink for Nowhere {
    fn batch(&mut self, _: &Entry, _: &[u8]) -> Result<(), LogError> {
        Ok(())
    }
}

/// What is known of a segment from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(in crate::log) struct Known {
    /// Its first offset.
    pub base: u64,
    /// Where the batches before it stood.
    pub before: Counted,
    /// Where the next segment begins, if there is one.
    pub next: Option<u64>,
    /// A time after all of its batches, in µs since the epoch.
    pub until_us: i64,
    /// An offset up to which there certainly were records.
    pub at_least: u64,
}

/// What was found, and what the segment's index is to begin with.
#[derive(Clone, Debug)]
pub(in crate::log) struct ScanReport {
    pub header: Header,
    pub attestation: Attestation,
    /// The offset behind the last record.
    pub end: u64,
    /// How far the batches are counted at its end.
    pub counted: Counted,
    pub records: u64,
    pub bytes: u64,
    /// What is wrong, and at which offset that begins.
    pub faults: Faults,
    /// Records that are empty lines now, and were not before.
    pub lost: Vec<Range<u64>>,
    /// Records whose entries were made anew from the lines.
    pub rebuilt: Vec<Range<u64>>,
    /// How many batches there are now.
    pub entries: u64,
    /// Batches behind the end, never acknowledged.
    pub torn: u64,
    /// Whether nothing tells how many records there were.
    pub is_untold: bool,
}

/// Goes through a segment.
///
/// # Errors
/// When a file cannot be read or the sink refuses; the index is of another version; or there is a
/// hole that nobody could fill.
pub(in crate::log) fn mend(
    place: &Place,
    raw: &RawSegment,
    known: &Known,
    sink: &mut dyn Sink,
) -> Result<ScanReport, LogError> {
    let head = raw.head(place, known.base)?;
    let certain = certain(raw, &head, known)?;
    let mut scanner = SegmentScanner::new(place, raw, known, &head, certain, sink);
    let mut seen = 0;
    raw.each_entry(|number, entry| {
        let goes_on = scanner.entry(number, entry)?;
        seen += u64::from(goes_on);
        Ok(goes_on)
    })?;
    scanner.finish(&head, seen)
}

/// The offset below which the segment certainly had records; `None` if nothing tells.
fn certain(raw: &RawSegment, head: &Head, known: &Known) -> Result<Option<u64>, LogError> {
    if known.next.is_some() {
        return Ok(known.next);
    }
    let attested = attested_offset(raw, head)?;
    let has_index = attested.is_some() || head.header.is_ok();
    Ok(has_index.then_some(attested.unwrap_or(0).max(known.at_least).max(known.base)))
}

struct SegmentScanner<'a> {
    place: &'a Place,
    raw: &'a RawSegment,
    known: &'a Known,
    sink: &'a mut dyn Sink,
    certain: Option<u64>,
    /// How many entries there certainly were: some may be of batches without records.
    certain_entries: u64,
    /// Where we are in the old data.
    position: u64,
    /// Where we are in what goes to the sink.
    offset: u64,
    out_bytes: u64,
    out_entries: u64,
    counted: Counted,
    attestation: Attestation,
    report: ScanReport,
}

impl<'a> SegmentScanner<'a> {
    fn new(
        place: &'a Place,
        raw: &'a RawSegment,
        known: &'a Known,
        head: &Head,
        certain: Option<u64>,
        sink: &'a mut dyn Sink,
    ) -> SegmentScanner<'a> {
        let base = known.base;
        let (before, created_us) = match &head.header {
            Ok(header) => (header.before, header.created_us),
            Err(_) => (known.before, known.before.last_us),
        };
        let (partition, generation) = (place.partition, raw.generation());
        let header = Header { partition, base, created_us, before, generation };
        let attestation = attested(base, 0, 0);
        let mut report = ScanReport {
            header,
            attestation,
            end: base,
            counted: before,
            records: 0,
            bytes: 0,
            faults: Faults::default(),
            lost: Vec::new(),
            rebuilt: Vec::new(),
            entries: 0,
            torn: 0,
            is_untold: certain.is_none() && raw.data_bytes() == 0,
        };
        match (raw.missing(), &head.header) {
            (Some(path), _) => report.faults.push(base, format!("{} is missing", path.display())),
            (None, Err(why)) => report.faults.push(base, why.as_str()),
            (None, Ok(_)) => {}
        }
        let attested = head.attestation.filter(|_| known.next.is_none());
        let index_bytes = attested.map_or(0, |attested| attested.index_bytes);
        SegmentScanner {
            place,
            raw,
            known,
            sink,
            certain,
            certain_entries: index_bytes.saturating_sub(ENTRIES_AT) / BLOCK_BYTES,
            position: 0,
            offset: base,
            out_bytes: 0,
            out_entries: 0,
            counted: before,
            attestation,
            report,
        }
    }

    /// Whether the entry with this number, if it comes next, was never certain to be there.
    fn is_beyond(&self, number: u64) -> bool {
        number >= self.certain_entries && self.certain.is_some_and(|certain| self.offset >= certain)
    }

    /// Takes the next entry. False: from here on nothing was ever acknowledged.
    fn entry(&mut self, number: u64, entry: Result<Entry, FormatError>) -> Result<bool, LogError> {
        let entry = match entry {
            Ok(entry) if self.fits(&entry) => entry,
            _ if self.is_beyond(number) => return Ok(false),
            Ok(_) => {
                self.fault(number, "it does not continue the one before");
                return Ok(true);
            }
            Err(error) => {
                self.fault(number, &error.to_string());
                return Ok(true);
            }
        };
        if (entry.base, entry.position) != (self.offset, self.position) {
            if self.is_beyond(number) {
                return Ok(false);
            }
            self.fault(number, "it does not continue the one before");
            self.fill(Some(entry.base), Some(entry.position), entry.time_us)?;
        }
        self.take(number, entry)
    }

    /// Whether an entry can be the next, perhaps behind a hole.
    fn fits(&self, entry: &Entry) -> bool {
        // Between it and the one before, each record has its line end at least.
        let hole_records = entry.base.checked_sub(self.offset);
        let hole_bytes = entry.position.checked_sub(self.position);
        hole_records.zip(hole_bytes).is_some_and(|(records, bytes)| records <= bytes)
            && entry.time_us > self.counted.last_us
            && entry.records <= entry.bytes
            && entry.bytes as usize <= BATCH_BYTES_MAX
            && self.known.next.is_none_or(|next| entry.end() <= next)
    }

    /// Takes a batch whose entry holds.
    fn take(&mut self, number: u64, entry: Entry) -> Result<bool, LogError> {
        let mut bytes = Vec::new();
        let why = if entry.end_position() > self.raw.data_bytes() {
            Some("some of its records are missing")
        } else {
            bytes.resize(entry.bytes as usize, 0);
            let count = self.raw.read_data(entry.position, &mut bytes)?;
            let lines = memchr::memchr_iter(b'\n', &bytes).count();
            if count < bytes.len() || crc32c::crc32c(&bytes) != entry.data_crc {
                Some("the checksum of its records does not match")
            } else if lines != entry.records as usize || bytes.last().is_some_and(|&b| b != b'\n') {
                Some("it counts other records than there are lines")
            } else {
                None
            }
        };
        self.position = entry.end_position();
        let Some(why) = why else {
            let cleaned = self.cleaned(&entry, &bytes);
            self.emit(entry, cleaned.as_deref().unwrap_or(&bytes))?;
            return Ok(true);
        };
        if self.is_beyond(number) {
            self.position = entry.position;
            return Ok(false);
        }
        self.fault(number, why);
        self.lost(entry.base..entry.end());
        self.emit(entry, &vec![b'\n'; entry.records as usize])?;
        Ok(true)
    }

    /// A batch whose checksum holds, but that has lines that are no records, without these.
    fn cleaned(&mut self, entry: &Entry, bytes: &[u8]) -> Option<Vec<u8>> {
        let cleaned = without_faulty_lines(bytes)?;
        self.report.faults.push(entry.base + cleaned.first_faulty(), cleaned.why());
        let faulty = cleaned.faulty.iter().map(|line| entry.base + line);
        faulty.for_each(|offset| self.lost(offset..offset + 1));
        Some(cleaned.bytes)
    }

    /// Gives a batch to the sink, at the place where it now is.
    fn emit(&mut self, entry: Entry, bytes: &[u8]) -> Result<(), LogError> {
        let entry = Entry {
            position: self.out_bytes,
            bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            data_crc: crc32c::crc32c(bytes),
            ..entry
        };
        self.sink.batch(&entry, bytes)?;
        self.offset = entry.end();
        self.out_bytes = entry.end_position();
        self.out_entries += 1;
        self.counted = entry.counted();
        self.report.records += u64::from(entry.records);
        self.report.bytes += u64::from(entry.bytes);
        if self.certain.is_none_or(|certain| self.offset <= certain) {
            self.attestation = attested(self.offset, self.out_bytes, self.out_entries);
        }
        Ok(())
    }

    /// Fills a hole in the index from the lines in the data: up to the offset `target` and the
    /// position `to`, each as far as it is known.
    fn fill(
        &mut self,
        target: Option<u64>,
        to: Option<u64>,
        until_us: i64,
    ) -> Result<(), LogError> {
        let there = to.unwrap_or(u64::MAX).min(self.raw.data_bytes());
        let lines = self.count_lines(there)?;
        let wanted = target.map_or(lines, |target| target - self.offset);
        if wanted > lines + HOLE_RECORDS_MAX {
            let why = format!("{wanted} records are missing, more than can be filled in");
            return Err(self.place.damaged(self.offset, why));
        }
        // Between two batches that hold, lines can be told apart only if all of them are there.
        let is_cut = to.is_none_or(|to| to > there);
        let kept = if lines == wanted || is_cut { lines.min(wanted) } else { 0 };
        let batches = (there.saturating_sub(self.position) + wanted) / REBUILT_BYTES + 3;
        let mut clock = Clock::new(self.after_us(until_us), until_us, batches);
        self.keep_lines(kept, &mut clock)?;
        let end = self.offset + (wanted - kept);
        self.lost(self.offset..end);
        while self.offset < end {
            let count = (end - self.offset).min(clock.batch_bytes);
            self.emit_rebuilt(&vec![b'\n'; count as usize], count as u32, &mut clock)?;
        }
        self.position = to.unwrap_or(there);
        Ok(())
    }

    /// A time behind that of all batches so far, and before `until_us`.
    fn after_us(&self, until_us: i64) -> i64 {
        /// In µs: what any number of batches needs, and short against any retention.
        const ROOM_US: i64 = 1 << 30;
        let latest_us = until_us.min(self.known.until_us).saturating_sub(ROOM_US);
        match (self.counted.last_us, self.report.header.created_us) {
            (0, created_us) if created_us > 0 && created_us < latest_us => created_us,
            (0, _) => latest_us.max(0),
            (last_us, _) => last_us,
        }
    }

    /// How many whole lines the data has between here and `to`.
    fn count_lines(&self, to: u64) -> Result<u64, LogError> {
        let mut buffer = vec![0; READ_BYTES];
        let (mut position, mut lines) = (self.position, 0);
        while position < to {
            let most = usize::try_from(to - position).unwrap_or(READ_BYTES).min(READ_BYTES);
            let count = self.raw.read_data(position, &mut buffer[..most])?;
            if count == 0 {
                break;
            }
            lines += memchr::memchr_iter(b'\n', &buffer[..count]).count() as u64;
            position += count as u64;
        }
        Ok(lines)
    }

    /// Makes batches of the next `kept` lines; what is no record becomes an empty line.
    fn keep_lines(&mut self, mut kept: u64, clock: &mut Clock) -> Result<(), LogError> {
        let start = self.offset;
        let mut buffer = vec![0; READ_BYTES];
        let (mut position, mut line) = (self.position, Vec::new());
        let (mut batch, mut count) = (Vec::new(), 0);
        while kept > 0 {
            let read = self.raw.read_data(position, &mut buffer)?;
            let mut rest = &buffer[..read];
            while let Some(end) = memchr::memchr(b'\n', rest).filter(|_| kept > 0) {
                line.extend_from_slice(&rest[..end]);
                rest = &rest[end + 1..];
                kept -= 1;
                if fault_of(&line).is_some() {
                    let offset = self.offset + u64::from(count);
                    self.lost(offset..offset + 1);
                    line.clear();
                }
                batch.append(&mut line);
                batch.push(b'\n');
                count += 1;
                if batch.len() as u64 >= clock.batch_bytes {
                    self.emit_rebuilt(&batch, count, clock)?;
                    (batch, count) = (Vec::new(), 0);
                }
            }
            line.extend_from_slice(rest);
            position += read as u64;
            if read == 0 {
                break;
            }
        }
        if count > 0 {
            self.emit_rebuilt(&batch, count, clock)?;
        }
        if self.offset > start {
            self.report.rebuilt.push(start..self.offset);
        }
        Ok(())
    }

    /// Gives a batch to the sink of which nothing is known but its lines.
    fn emit_rebuilt(
        &mut self,
        bytes: &[u8],
        records: u32,
        clock: &mut Clock,
    ) -> Result<(), LogError> {
        let entry = Entry {
            base: self.offset,
            position: 0,
            time_us: clock.tick(),
            sequence: 0,
            synced: self.offset,
            bytes: 0,
            records,
            producer: 0,
            parts: 1,
            number: self.counted.next,
            data_crc: 0,
        };
        self.emit(entry, bytes)
    }

    fn finish(mut self, head: &Head, seen: u64) -> Result<ScanReport, LogError> {
        let is_short = match self.certain {
            Some(certain) => self.offset < certain,
            None => self.raw.data_bytes() > self.position,
        };
        if is_short {
            let start = self.offset;
            let to = head.attestation.filter(|_| self.known.next.is_none());
            let to = to.map(|to| to.data_bytes).filter(|&to| to > self.raw.data_bytes());
            let until_us = if self.known.next.is_some() { self.known.until_us } else { i64::MAX };
            self.fill(self.certain, to, until_us)?;
            if !self.report.faults.is_at(start) {
                let why = format!("no index entry contains the records up to {}", self.offset);
                self.report.faults.push(start, why);
            }
        }
        if head.slots < self.certain_entries && self.report.faults.is_empty() {
            self.report.faults.push(self.offset, "the index ends too early");
        }
        let left = head.slots.saturating_sub(seen);
        let behind = self.raw.data_bytes() > self.position;
        if self.known.next.is_none() {
            self.report.torn = left.max(u64::from(behind));
        } else if left > 0 || behind {
            let why = "there is data after the last batch of a closed segment";
            self.report.faults.push(self.offset, why);
        }
        self.report.end = self.offset;
        self.report.entries = self.out_entries;
        self.report.counted = self.counted;
        self.report.attestation = self.attestation;
        Ok(self.report)
    }

    fn fault(&mut self, number: u64, why: &str) {
        if !self.report.faults.is_at(self.offset) {
            self.report.faults.push_entry(self.offset, number, why);
        }
    }

    fn lost(&mut self, range: Range<u64>) {
        match self.report.lost.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.report.lost.push(range),
        }
    }
}

/// What an index says once everything up to `end` is on the disk. A segment that is written anew by
/// a repair counts as never compacted: keys may have got back records.
fn attested(end: u64, data_bytes: u64, entries: u64) -> Attestation {
    Attestation {
        visible: end,
        synced: end,
        data_bytes,
        index_bytes: ENTRIES_AT + entries * BLOCK_BYTES,
        compaction: Compaction::default(),
    }
}

/// Append times for batches whose own are not known: rising, and spread over the time they had.
struct Clock {
    time_us: i64,
    step_us: i64,
    /// How large batches are to be, so that the times suffice for all of them.
    batch_bytes: u64,
}

impl Clock {
    fn new(after_us: i64, until_us: i64, batches: u64) -> Clock {
        let room = until_us.saturating_sub(after_us);
        let batches = i64::try_from(batches).unwrap_or(i64::MAX);
        let step_us = if until_us == i64::MAX { 1 } else { (room / batches.max(1)).max(1) };
        let fits = room > batches;
        let batch_bytes =
            if fits { REBUILT_BYTES } else { (BATCH_BYTES_MAX - RECORD_BYTES_MAX - 1) as u64 };
        Clock { time_us: after_us, step_us, batch_bytes }
    }

    fn tick(&mut self) -> i64 {
        self.time_us = self.time_us.saturating_add(self.step_us);
        self.time_us
    }
}
