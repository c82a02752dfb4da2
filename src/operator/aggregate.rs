//! `aggregate`: groups of records and their results, over the whole stream or by window.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::fused::{Beside, Downstream, Next};
use super::late::{Cause, Late};
use super::splice::WindowedLines;
use super::{Collector, Fault, InputId, Operator, Work};
use crate::aggregate::{AggregateState, Aggregator, Unreported};
use crate::expr::{ParsedRecord, Records, is_object};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::record::splice::remove_added;
use crate::state::{Reader, StateError, Writer};
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};

/// Aggregates a stream as it comes: windowed by a `window` before it, or not at all.
pub struct Aggregate {
    aggregator: Aggregator,
    late: Late,
    /// Why the record at the front of the lines is not taken. It is told when that record comes
    /// alone: what it has caused must not be caused again.
    failed: Option<Fault>,
}

impl Aggregate {
    /// Aggregates by this.
    pub fn new(aggregator: Aggregator) -> Aggregate {
        Aggregate { aggregator, late: Late::default(), failed: None }
    }

    /// What aggregates.
    pub fn aggregator(&mut self) -> &mut Aggregator {
        &mut self.aggregator
    }

    /// The records that came too late.
    pub fn late(&self) -> &Late {
        &self.late
    }
}

impl Operator for Aggregate {
    fn lines(
        &mut self,
        _: InputId,
        lines: &mut Lines<'_>,
        out: &mut dyn Collector,
    ) -> ControlFlow<()> {
        let (mut records, state) = self.aggregator.records(lines);
        while let Some(mut record) = records.load_next_if(is_object) {
            match state.take(&mut record, out) {
                Ok(true) => {}
                Ok(false) => self.late.take(&bare(record.record()), cause(state), out),
                Err(error) => {
                    self.failed = Some(error.into());
                    break;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn record(
        &mut self,
        _: InputId,
        raw: Raw<'_>,
        out: &mut dyn Collector,
    ) -> Result<ControlFlow<()>, Fault> {
        if let Some(fault) = self.failed.take() {
            return Err(fault);
        }
        if !self.aggregator.record(raw.bytes, out)? {
            self.late.take(&bare(raw.bytes), cause(self.aggregator.state()), out);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn control(
        &mut self,
        _: InputId,
        control: &Control,
        _: &[u8],
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        match control {
            Control::Start(_) | Control::End(_) => {}
            Control::Partitions(_)
            | Control::Partition(_)
            | Control::PartitionEnd(_)
            | Control::Appended(_) => {}
            Control::Window(windowing) => self.aggregator.begin_windows(windowing)?,
            Control::Watermark(mark) => self.aggregator.watermark(*mark, out)?,
        }
        Ok(())
    }

    fn end_of_batch(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        self.late.end_of_batch(out);
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        Ok(self.aggregator.finish(out)?)
    }

    fn snapshot(&self, places: &dyn Collector, to: &mut Writer) {
        self.aggregator.save(to);
        self.late.save(places, to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.aggregator.restore(from)?;
        self.late.restore(from)
    }

    fn undone(&self) -> Option<String> {
        unreported(&self.aggregator)
    }

    fn work(&self) -> Work {
        Work { late: self.late.dropped().count, ..Work::of(&self.aggregator.holds()) }
    }
}

/// Why a record of the stream was late.
fn cause(state: &AggregateState) -> Cause {
    if state.resumes() { Cause::Reported } else { Cause::Closed }
}

/// A record without what a window has added to it.
fn bare(record: &[u8]) -> Cow<'_, [u8]> {
    let mut bare = Vec::new();
    let removed = [SLICE_FIELDS, WINDOW_FIELDS]
        .into_iter()
        .any(|fields| remove_added(record, fields, &mut bare));
    if removed { Cow::Owned(bare) } else { Cow::Borrowed(record) }
}

/// What has no results if the input does not come to its end; nothing, if all are out.
pub fn unreported(aggregator: &Aggregator) -> Option<String> {
    Some(match aggregator.unreported() {
        Unreported::Nothing => return None,
        Unreported::Whole => "no result is emitted".to_owned(),
        Unreported::Windows(1, [of, _]) => format!("1 {of} is not reported"),
        Unreported::Windows(count, [_, of]) => format!("{count} {of} are not reported"),
    })
}

/// After a window in the same process: records have their windows beside them. It must have been
/// told of the windows before.
impl Downstream for Aggregator {
    type Next = AggregateState;

    fn records<'a, 'l, 't>(
        &'a mut self,
        lines: &'l mut Lines<'t>,
    ) -> (Records<'a, 'l, 't>, &'a mut AggregateState) {
        Aggregator::records(self, lines)
    }

    fn load<'t>(
        &mut self,
        record: &'t [u8],
    ) -> Result<(ParsedRecord<'_, 't>, &mut AggregateState), Fault> {
        Ok(Aggregator::load(self, record)?)
    }

    fn next(&mut self) -> &mut AggregateState {
        self.state()
    }

    fn source(&self, index: usize) -> &str {
        Aggregator::source(self, index)
    }

    fn snapshot(&self, to: &mut Writer) {
        self.save(to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        Aggregator::restore(self, from)
    }

    fn undone(&self) -> Option<String> {
        unreported(self)
    }

    fn work(&self) -> Work {
        Work::of(&self.holds())
    }
}

impl Next for AggregateState {
    fn record(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        beside: Option<&Beside<'_>>,
        out: &mut dyn Collector,
    ) -> Result<bool, Fault> {
        Ok(match beside {
            Some(beside) => beside.each(|piece| self.take_in(Some(piece), record, out))?,
            None => self.take_in(None, record, out)?,
        })
    }

    fn control(&mut self, control: &Control, out: &mut dyn Collector) -> Result<(), Fault> {
        match control {
            Control::Watermark(mark) => Ok(self.watermark(*mark, out)?),
            _ => Ok(()),
        }
    }
}

/// Aggregates records that have their windows in them, where an expression might look at these.
pub struct Reread {
    aggregator: Aggregator,
    line: Vec<u8>,
}

impl Reread {
    /// Aggregates by this, which must have been told of the windows before.
    pub fn new(aggregator: Aggregator) -> Reread {
        Reread { aggregator, line: Vec::new() }
    }

    /// What aggregates.
    pub fn aggregator(&mut self) -> &mut Aggregator {
        &mut self.aggregator
    }
}

impl WindowedLines for Reread {
    fn line(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>,
        out: &mut dyn Collector,
    ) -> Result<bool, Fault> {
        self.line.clear();
        write(&mut self.line)?;
        Ok(self.aggregator.record(&self.line, out)?)
    }

    fn control(&mut self, control: &Control, out: &mut dyn Collector) -> Result<(), Fault> {
        self.aggregator.state().control(control, out)
    }

    fn snapshot(&self, to: &mut Writer) {
        self.aggregator.save(to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.aggregator.restore(from)
    }

    fn undone(&self) -> Option<String> {
        unreported(&self.aggregator)
    }

    fn work(&self) -> Work {
        Work::of(&self.aggregator.holds())
    }
}
