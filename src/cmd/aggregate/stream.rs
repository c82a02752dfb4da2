//! `aggregate` of a stream as it comes: windowed by a `window` before it, or not at all.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::super::late::{Cause, Late};
use super::{blame, refuse, unreported};
use crate::aggregate::{AggregateState, Aggregator};
use crate::cli::pump::{Context, Stage, StageError};
use crate::expr::is_object;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::record::splice::remove_added;
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};

/// Aggregates what it reads.
pub struct Aggregating {
    pub aggregator: Aggregator,
    pub late: Late,
    /// Whether the results say where they begin and end.
    pub control: bool,
}

impl Stage for Aggregating {
    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let (mut records, state) = self.aggregator.records(lines);
        while let Some(mut record) = records.load_next_if(is_object) {
            match state.take(&mut record, cx) {
                Ok(true) => {}
                Ok(false) => self.late.take(&bare(record.record()), cause(state)),
                // It comes again, alone, for what is to be said about it.
                Err(_) => break,
            }
        }
        ControlFlow::Continue(())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        if !self.aggregator.record(raw.bytes, cx).map_err(blame)? {
            self.late.take(&bare(raw.bytes), cause(self.aggregator.state()));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        match control {
            Control::Start(_) | Control::End(_) => {}
            Control::Partitions(_) | Control::Partition(_) | Control::PartitionEnd(_) => {}
            Control::Window(windowing) => {
                self.aggregator.begin_windows(&windowing).map_err(refuse)?;
            }
            Control::Watermark(mark) => {
                self.aggregator.watermark(mark, cx).map_err(refuse)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.late.flush(cx)
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        Ok(self.aggregator.finish(cx).map_err(refuse)?)
    }

    fn begins_stream(&self) -> bool {
        self.control
    }

    fn undone(&self) -> Option<String> {
        unreported(&self.aggregator)
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
