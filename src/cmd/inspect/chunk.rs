//! Records as they are held: a few at a time, one after the other.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::cli::blame::explained;
use crate::record::control::{Control, is_control};
use crate::record::decode::{Bad, Raw, Sink};
use crate::record::framing::{Frame, Framing};
use crate::record::json::validate;
use crate::time::timestamp::write_us;
use crate::tui::row::{ROW_BYTES_MAX, Row};

/// Records that follow each other.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The number of the first.
    pub first: u64,
    source: Arc<str>,
    bytes: Vec<u8>,
    items: Vec<Item>,
}

/// What is known of a record beside its bytes.
#[derive(Clone, Debug)]
struct Item {
    /// Where its bytes end.
    end: usize,
    place: Place,
    /// Why it is not a record, if it is not.
    fault: Option<Box<str>>,
}

/// Where a record is in its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a line.
    Line(u64),
    /// In a partition.
    Offset {
        /// The partition.
        partition: u32,
        /// The record's offset there.
        offset: u64,
        /// When it was appended, in µs since the epoch.
        time_us: i64,
    },
}

impl Chunk {
    /// The number behind that of the last record.
    pub fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// How much memory it takes.
    pub fn memory(&self) -> usize {
        size_of::<Chunk>() + self.bytes.capacity() + self.items.capacity() * size_of::<Item>()
    }

    /// The bytes of a record.
    pub fn record(&self, number: u64) -> Option<&[u8]> {
        let at = self.index(number)?;
        let start = at.checked_sub(1).and_then(|before| self.items.get(before));
        let start = start.map_or(0, |before| before.end);
        self.bytes.get(start..self.items.get(at)?.end)
    }

    /// The bytes of a record, if they are held to the last; of bad lines, only so many are.
    pub fn whole(&self, number: u64) -> Option<&[u8]> {
        let is_whole = |record: &&[u8]| self.is_good(number) || record.len() < ROW_BYTES_MAX;
        self.record(number).filter(is_whole)
    }

    /// Whether it is a record, and not what is none.
    pub fn is_good(&self, number: u64) -> bool {
        let item = self.index(number).and_then(|at| self.items.get(at));
        item.is_some_and(|item| item.fault.is_none())
    }

    /// A record for the screen, or so many bytes of it.
    pub fn row(&self, number: u64, most: usize) -> Option<Row> {
        let item = self.items.get(self.index(number)?)?;
        let record = self.record(number)?;
        let (place, time) = match item.place {
            Place::Line(line) => (format!("{}:{line}", self.source), None),
            Place::Offset { partition, offset, time_us } => {
                let mut time = Vec::new();
                let written = write_us(time_us, &mut time).is_ok();
                let time = written.then(|| String::from_utf8_lossy(&time).into_owned());
                (format!("{}/{partition}@{offset}", self.source), time)
            }
        };
        let text = record.get(..most).unwrap_or(record).into();
        let mut fault = item.fault.as_deref().map(str::to_owned);
        if fault.is_none() && record.len() <= most {
            let why = validate(record).err().map(|error| error.to_string());
            let raw = Raw { bytes: record, line: self.line(number), unterminated: false };
            fault = why.map(|why| explained(&why, &raw));
        }
        Some(Row { number, place, time, text, bytes: record.len() as u64, fault })
    }

    /// In which line a record is; 0 where it is in none.
    fn line(&self, number: u64) -> u64 {
        if let Some(Place::Line(line)) = self.place(number) { line } else { 0 }
    }

    /// Where a record is.
    pub fn place(&self, number: u64) -> Option<Place> {
        self.items.get(self.index(number)?).map(|item| item.place)
    }

    fn index(&self, number: u64) -> Option<usize> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        (at < self.items.len()).then_some(at)
    }

    /// Adds the records of another chunk that follows, of the same source.
    pub fn append(&mut self, next: Chunk) -> Result<(), Chunk> {
        if next.first != self.end() || next.source != self.source {
            return Err(next);
        }
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&next.bytes);
        let moved = next.items.into_iter().map(|item| Item { end: item.end + before, ..item });
        self.items.extend(moved);
        Ok(())
    }
}

/// Makes chunks of what a decoder gives.
#[derive(Debug)]
pub struct Collector {
    source: Arc<str>,
    bytes: Vec<u8>,
    items: Vec<Item>,
    /// The number of the first record that is held.
    first: u64,
    framing: Framing,
    /// How many lines of the source are before those that the decoder counts.
    pub lines_before: u64,
    /// What is to be known about the input as a whole.
    pub note: Option<String>,
}

impl Collector {
    /// Collects records, of which the first has this number.
    pub fn new(source: Arc<str>, first: u64) -> Collector {
        let (bytes, items, framing) = (Vec::new(), Vec::new(), Framing::default());
        Collector { source, bytes, items, first, framing, lines_before: 0, note: None }
    }

    /// The number of the next record.
    pub fn next(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// What comes is of this source.
    pub fn begin(&mut self, source: &Arc<str>) {
        self.source = Arc::clone(source);
    }

    /// A source has ended.
    pub fn end(&mut self) {
        if let Err(cut) = self.framing.finish() {
            self.note = Some(format!("{}: the input was cut short: {cut}", self.source));
        }
    }

    /// What was collected, if anything was.
    pub fn take(&mut self) -> Option<Chunk> {
        if self.items.is_empty() {
            return None;
        }
        let source = Arc::clone(&self.source);
        let (bytes, items) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.items));
        let chunk = Chunk { first: self.first, source, bytes, items };
        self.first = chunk.end();
        Some(chunk)
    }

    /// Adds a record, or what is none.
    pub fn push(&mut self, bytes: &[u8], place: Place, fault: Option<&str>) {
        self.bytes.extend_from_slice(bytes);
        self.items.push(Item { end: self.bytes.len(), place, fault: fault.map(Box::from) });
    }
}

impl Sink for Collector {
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        if !is_control(raw.bytes) {
            self.push(raw.bytes, Place::Line(self.lines_before + raw.line), None);
            return ControlFlow::Continue(());
        }
        match Control::parse(raw.bytes) {
            Ok(control) => {
                let noted = Frame::of(&control).map_or(Ok(()), |frame| self.framing.note(frame));
                if let Err(cut) = noted {
                    self.note = Some(format!("{}:{}: {cut}", self.source, raw.line));
                }
            }
            Err(error) => {
                self.push(
                    raw.bytes,
                    Place::Line(self.lines_before + raw.line),
                    Some(&error.to_string()),
                );
            }
        }
        ControlFlow::Continue(())
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        // Of a line that is too long, the first piece stands for all of it.
        if !bad.continued {
            let shown = bad.bytes.get(..ROW_BYTES_MAX).unwrap_or(bad.bytes);
            self.push(shown, Place::Line(self.lines_before + bad.line), Some(&bad.why));
        }
        ControlFlow::Continue(())
    }

    fn note(&mut self, what: &str) {
        self.note = Some(format!("{}: {what}", self.source));
    }

    fn refuse(&mut self, why: String) -> ControlFlow<()> {
        self.note = Some(format!("{}: {why}", self.source));
        ControlFlow::Break(())
    }

    fn cut_short(&mut self, line: u64, why: &str) -> ControlFlow<()> {
        self.note = Some(format!("{}:{line}: {why}", self.source));
        ControlFlow::Continue(())
    }
}
