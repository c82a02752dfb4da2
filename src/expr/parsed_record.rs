//! Records on their way through a program's expressions.

use super::fast::Stop;
use super::{Program, RecordError, Value};
use crate::record::lines::Lines;
use crate::record::pick::Slot;

/// A record that was read, for the expressions of a program.
pub struct ParsedRecord<'p, 't> {
    pub(super) program: &'p mut Program,
    /// The text that the fast evaluator found it in: one line of many, or the record itself.
    pub(super) text: &'t [u8],
    /// Where in the text the record begins.
    pub(super) begin: usize,
    pub(super) record: &'t [u8],
    pub(super) reader: Reader,
}

/// Where the fields of a record stand that a program has read, so that it need not look for them
/// when the record comes again.
#[derive(Clone, Debug, Default)]
pub struct Found(Vec<Slot>);

impl Found {
    /// What stands where; nothing, if the record was not read fast.
    pub fn slots(&self) -> &Vec<Slot> {
        &self.0
    }
}

/// A program that reads records again, also while others are read from a text of lines.
pub struct Recall<'p>(&'p mut Program);

impl Recall<'_> {
    /// Reads a record, of which this was noted when it was read before.
    ///
    /// # Errors
    /// As [`Program::load`]; never, if it was read fast before.
    pub fn load<'t>(
        &mut self,
        record: &'t [u8],
        found: &Found,
    ) -> Result<ParsedRecord<'_, 't>, RecordError> {
        let fast = self.0.fast.as_mut().ok();
        let reader = match fast.is_some_and(|fast| fast.recall(&found.0)) {
            true => Reader::Fast,
            false => {
                self.0.read(record)?;
                Reader::Jaq
            }
        };
        Ok(ParsedRecord { program: self.0, text: record, begin: 0, record, reader })
    }
}

impl Program {
    /// Looks in records for fields of these names, for [`ParsedRecord::lacks_sought`].
    pub fn seek<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        if let Ok(fast) = &mut self.fast {
            fast.seek(names);
        }
    }

    /// Reads records again.
    pub fn recall(&mut self) -> Recall<'_> {
        Recall(self)
    }
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

    /// Notes where its fields stand, for [`Recall::load`].
    pub fn note(&self, found: &mut Found) {
        found.0.clear();
        if let (Reader::Fast, Ok(fast)) = (self.reader, &self.program.fast) {
            // Texts that are longer are not read fast.
            let begin = u32::try_from(self.begin).unwrap_or(u32::MAX);
            found.0.extend(fast.slots().iter().map(|slot| slot.without(begin)));
        }
    }

    /// Has its program read other records again. This one is then done with.
    pub fn recall(&mut self) -> Recall<'_> {
        Recall(self.program)
    }

    /// Whether it is plain that the record has none of the fields of [`Program::seek`].
    #[inline]
    pub fn lacks_sought(&self) -> bool {
        match (self.reader, &self.program.fast) {
            (Reader::Fast, Ok(fast)) => fast.lacks_sought(),
            _ => false,
        }
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
        let (program, text, begin) = (&mut *self.program, self.lines.text(), self.lines.at());
        let record = ParsedRecord { program, text, begin, record, reader: Reader::Fast };
        Some((self.lines.line() + 1, record))
    }
}
