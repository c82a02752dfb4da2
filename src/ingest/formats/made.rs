//! Records that a decoder has made, gathered so that they are taken in blocks, as NDJSON is.

use std::ops::ControlFlow;

use crate::record::decode::{Raw, Sink};
use crate::record::lines::Lines;

/// From this size on the records are handed over: few enough to be still in the cache then.
const FULL_BYTES: usize = 96 << 10;

/// Records of consecutive lines, each with a line end, and perhaps one that is being made.
#[derive(Debug, Default)]
pub(super) struct Made {
    text: Vec<u8>,
    /// How many lines of the input lie before the first of them.
    before: u64,
    /// The line of the input that the next one must be of, to be one of them.
    next: u64,
    /// Where the one begins that is being made.
    begin: usize,
    /// Whether they are as [`Lines::are_compact`] says.
    compact: bool,
}

impl Made {
    /// For records that are `compact` or not, as [`Lines::are_compact`] means it.
    pub fn new(compact: bool) -> Made {
        Made { compact, ..Made::default() }
    }

    /// Makes ready for the record of this line of the input. Those before it are handed over if it
    /// is not of the line after theirs, or if they are many.
    #[inline]
    pub fn begin(&mut self, line: u64, sink: &mut dyn Sink) -> ControlFlow<()> {
        if line != self.next || self.text.len() >= FULL_BYTES {
            self.hand_over(sink)?;
            (self.before, self.next) = (line.saturating_sub(1), line);
        }
        self.begin = self.text.len();
        ControlFlow::Continue(())
    }

    /// Where the record is written to, after those before it.
    #[inline]
    pub fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// How long the record is that is being made.
    #[inline]
    pub fn record_bytes(&self) -> usize {
        self.text.len() - self.begin
    }

    /// The record is complete.
    #[inline]
    pub fn end(&mut self) {
        self.text.push(b'\n');
        self.next += 1;
    }

    /// Takes back what was written of the record.
    pub fn undo(&mut self) {
        self.text.truncate(self.begin);
    }

    /// The record is complete, and the end of the input has ended it: it is handed over after the
    /// others.
    pub fn end_unterminated(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        let record = self.text.split_off(self.begin);
        self.hand_over(sink)?;
        sink.record(Raw { bytes: &record, line: self.next, unterminated: true })
    }

    /// Hands over all that are complete.
    pub fn hand_over(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        if self.text.is_empty() {
            return ControlFlow::Continue(());
        }
        let flow = give(Lines::made(&self.text, self.before, self.compact), sink);
        self.text.clear();
        (self.before, self.begin) = (self.next.saturating_sub(1), 0);
        flow
    }
}

fn give(mut lines: Lines<'_>, sink: &mut dyn Sink) -> ControlFlow<()> {
    loop {
        sink.lines(&mut lines)?;
        let Some(record) = lines.next_line() else { return ControlFlow::Continue(()) };
        sink.record(Raw { bytes: record, line: lines.line(), unterminated: false })?;
    }
}
