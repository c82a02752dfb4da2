//! `aggregate` with the options of `window`: both in one process, with the results of the two in a
//! pipe.

use std::ops::ControlFlow;

use super::super::clock::Form;
use super::super::late::Late;
use super::super::window::Fields;
use super::super::windowing::Windowed;
use super::{blame, refuse};
use crate::aggregate::Aggregator;
use crate::aggregate::fault::StreamError;
use crate::cli::Failure;
use crate::cli::pump::{Context, Stage, StageError};
use crate::record::control::{Control, Mark};
use crate::record::decode::Raw;
use crate::time::{Duration, Interval};
use crate::window::{Carried, Placed};

/// Puts records into windows and aggregates them.
pub struct Aggregating {
    pub aggregator: Aggregator,
    pub late: Late,
    windowed: Windowed,
    carried: Carried,
    way: Way,
    /// What failed while input was waited for.
    failed: Option<Failure>,
}

/// How a record gets from the one to the other.
enum Way {
    /// With what `window` adds to it: an expression might look at that.
    Spliced { fields: Box<Fields>, lines: Vec<u8> },
    /// As it is, with its window beside it; the aggregator has read its event time.
    Beside(Form),
    /// As it is: it carries nothing.
    Bare,
}

impl Aggregating {
    /// Aggregates the stream that `windowed` makes.
    ///
    /// # Errors
    /// When these windows do not go with what is to come of them.
    pub fn new(
        mut aggregator: Aggregator,
        mut windowed: Windowed,
        late: Late,
    ) -> Result<Aggregating, StreamError> {
        aggregator.begin_windows(&windowed.control)?;
        let carried = windowed.placing.windows().carried(windowed.control.expanded);
        let reads_time = aggregator.clock().is_some();
        let way = match windowed.clock.take_if(|_| reads_time) {
            Some(clock) => Way::Beside(clock.form()),
            None if carried == Carried::Nothing => Way::Bare,
            None => Way::Spliced { fields: Box::new(Fields::new(carried)), lines: Vec::new() },
        };
        Ok(Aggregating { aggregator, late, windowed, carried, way, failed: None })
    }

    /// The event time of a record; none where there is no time.
    fn read(&mut self, record: &[u8]) -> Result<Option<i64>, StageError> {
        match &self.way {
            Way::Bare => Ok(None),
            Way::Beside(form) => {
                self.aggregator.load(record).map_err(StageError::bad)?;
                let Some((program, expression)) = self.aggregator.clock() else { return Ok(None) };
                form.read(program, expression).map(Some).map_err(StageError::Bad)
            }
            Way::Spliced { .. } => {
                let clock = self.windowed.clock.as_mut();
                clock.map(|clock| clock.read(record)).transpose()
            }
        }
    }

    /// Takes a record of this slice into those of its windows that end behind `closed_ms`.
    fn take(
        &mut self,
        record: &[u8],
        slice: Interval,
        closed_ms: i64,
        cx: &mut Context,
    ) -> Result<(), StageError> {
        let windows = self.windowed.placing.windows();
        let mut taken = true;
        match &mut self.way {
            Way::Spliced { fields, lines } => {
                fields.prepare(slice, windows)?;
                lines.clear();
                fields.add(record, closed_ms, lines);
                for line in lines.split_inclusive(|byte| *byte == b'\n') {
                    let given = self.aggregator.record(line.trim_ascii_end(), &mut cx.out);
                    taken &= given.map_err(blame)?;
                }
            }
            _ if self.carried == Carried::Window => {
                for window in windows.of_slice(slice).filter(|one| one.end_ms > closed_ms) {
                    let given = self.aggregator.place(Some(window), record, &mut cx.out);
                    taken &= given.map_err(blame)?;
                }
            }
            _ => {
                let given = self.aggregator.place(Some(slice), record, &mut cx.out);
                taken = given.map_err(blame)?;
            }
        }
        if !taken {
            self.late.take(record, Duration::default());
        }
        Ok(())
    }

    fn tell(&mut self, passed_ms: Option<i64>, cx: &mut Context) -> Result<(), Failure> {
        let Some(ms) = passed_ms else { return Ok(()) };
        self.aggregator.watermark(Mark::Ms(ms), &mut cx.out).map_err(refuse)
    }
}

impl Stage for Aggregating {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let Some(time_ms) = self.read(raw.bytes)? else {
            self.aggregator.record(raw.bytes, &mut cx.out).map_err(blame)?;
            return Ok(ControlFlow::Continue(()));
        };
        match self.windowed.placing.place(time_ms).map_err(StageError::bad)? {
            Placed::Late { behind } => self.late.take(raw.bytes, behind),
            Placed::In { slice, closed_ms, passed_ms } => {
                let taken = self.take(raw.bytes, slice, closed_ms, cx);
                // A record that cannot be aggregated has moved the watermark all the same.
                self.tell(passed_ms, cx)?;
                taken?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        let passed_ms = self.windowed.hear(&control);
        Ok(self.tell(passed_ms, cx)?)
    }

    fn patience(&self) -> Option<std::time::Duration> {
        self.windowed.patience()
    }

    fn waited(&mut self, time: std::time::Duration, cx: &mut Context) {
        let passed_ms = self.windowed.wait(time);
        self.failed = self.tell(passed_ms, cx).err().or(self.failed.take());
    }

    fn settle(&mut self, _: &mut Context) -> anyhow::Result<()> {
        self.late.flush()?;
        self.failed.take().map_or(Ok(()), |failed| Err(failed.into()))
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        Ok(self.aggregator.watermark(Mark::End, &mut cx.out).map_err(refuse)?)
    }
}
