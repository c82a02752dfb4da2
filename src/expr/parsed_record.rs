//! Records on their way through a program's expressions.

use super::fast::Stop;
use super::{Program, RecordError, Value};
use crate::record::lines::Lines;

/// A record that was read, for the expressions of a program.
pub struct ParsedRecord<'p, 't> {
    pub(super) program: &'p mut Program,
    /// The text that the fast evaluator found it in: one line of many, or the record itself.
    pub(super) text: &'t [u8],
    pub(super) record: &'t [u8],
    pub(super) reader: Reader,
}

/// Whether a record is an object.
#[inline]
pub fn is_object(record: &[u8]) -> bool {
    record.starts_with(b"{") || record.trim_ascii_start().starts_with(b"{")
}

/// Which evaluator has read a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Jaq,
    Fast,
}

impl<'t> ParsedRecord<'_, 't> {
    /// The record, as it came.
    pub fn record(&self) -> &'t [u8] {
        self.record
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        is_object(self.record)
    }

    /// The text of expression `index`; empty if there is none.
    pub fn source(&self, index: usize) -> &str {
        self.program.source(index)
    }

    /// Has jaq read what the fast evaluator has read and cannot go on with.
    fn hand_over(&mut self) -> Result<(), RecordError> {
        match std::mem::replace(&mut self.reader, Reader::Jaq) {
            Reader::Jaq => Ok(()),
            Reader::Fast => self.program.read(self.record),
        }
    }

    /// Whether any result of expression `index` is neither false nor null: the rule of `filter`.
    /// Results behind the first such one are not computed.
    ///
    /// # Errors
    /// When the evaluation fails before such a result.
    pub fn truth(&mut self, index: usize) -> Result<bool, RecordError> {
        if let (Reader::Fast, Ok(fast)) = (self.reader, &mut self.program.fast)
            && let Ok(truth) = fast.truth(index, self.text)
        {
            return Ok(truth);
        }
        self.hand_over()?;
        self.program.evaluator.truth(index)
    }

    /// The result of expression `index`; null if it has none.
    ///
    /// # Errors
    /// When the evaluation fails, there is more than one result, or it is nothing that JSON has.
    pub fn value(&mut self, index: usize) -> Result<Value<'_>, RecordError> {
        if let (Reader::Fast, Ok(fast)) = (self.reader, &mut self.program.fast) {
            if let Some((shape, spelled)) = fast.plain_value(index, self.text) {
                return shape.given(spelled);
            }
            self.program.result.clear();
            match fast.value(index, self.text, &mut self.program.result) {
                Ok(shape) => return shape.given(&self.program.result),
                Err(Stop::Empty | Stop::Fallback) => {}
            }
        }
        self.hand_over()?;
        self.program.result.clear();
        self.program.evaluator.value(index, &mut self.program.result)
    }

    /// What expression `index` gives as it stands in the record, quotes and all, if that is a
    /// string without escapes.
    #[inline]
    pub fn plain_string(&self, index: usize) -> Option<&'t [u8]> {
        match (self.reader, &self.program.fast) {
            (Reader::Fast, Ok(fast)) => fast.plain_string(index, self.text),
            _ => None,
        }
    }

    /// What expression `index` gives as it stands in the record, if that is a number.
    #[inline]
    pub fn plain_number(&self, index: usize) -> Option<&'t [u8]> {
        match (self.reader, &self.program.fast) {
            (Reader::Fast, Ok(fast)) => fast.plain_number(index, self.text),
            _ => None,
        }
    }

    /// Appends all results of expression `index` to `out`: compact JSON, each with a LF.
    ///
    /// # Errors
    /// When the evaluation fails anywhere, or a result is nothing that JSON has; `out` is then as
    /// it was before.
    pub fn write(&mut self, index: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let start = out.len();
        if let (Reader::Fast, Ok(fast)) = (self.reader, &mut self.program.fast) {
            if fast.write(index, self.text, out).is_ok() {
                return Ok(());
            }
            out.truncate(start);
        }
        let written = self.hand_over().and_then(|()| self.program.evaluator.write(index, out));
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}

/// The records at the front of a text of lines, read one after the other, as far as that can be
/// done fast. The line behind them, if there is one, is for [`Program::load`], or is no record.
pub struct Records<'p, 'l, 't> {
    program: &'p mut Program,
    lines: &'l mut Lines<'t>,
    /// Where the line of the record in hand ends.
    end: Option<usize>,
}

impl<'p, 'l, 't> Records<'p, 'l, 't> {
    pub(super) fn new(program: &'p mut Program, lines: &'l mut Lines<'t>) -> Self {
        if let Ok(fast) = &mut program.fast {
            fast.begin(lines);
        }
        Records { program, lines, end: None }
    }

    /// Reads the next record; gives it if it is `wanted`. The one before is taken with that; if no
    /// next one is asked for, it is left among the lines.
    #[inline]
    pub fn load_next_if(&mut self, wanted: impl Fn(&[u8]) -> bool) -> Option<ParsedRecord<'_, 't>> {
        self.load_next_line_if(wanted).map(|(_, record)| record)
    }

    /// As [`Records::load_next_if`], with the line of the input that the record is, counted from 1.
    #[inline]
    pub fn load_next_line_if(
        &mut self,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Option<(u64, ParsedRecord<'_, 't>)> {
        if let Some(end) = self.end.take() {
            self.lines.pass(end);
        }
        let Program { fast, watch, .. } = &mut *self.program;
        let fast = fast.as_mut().ok()?;
        let (end, record) = fast.load_next(self.lines)?;
        watch.look(record, fast.slots());
        if !wanted(record) {
            return None;
        }
        self.end = Some(end);
        let (program, text) = (&mut *self.program, self.lines.text());
        let record = ParsedRecord { program, text, record, reader: Reader::Fast };
        Some((self.lines.line() + 1, record))
    }
}
