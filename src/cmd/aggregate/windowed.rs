//! `aggregate` with the options of `window`: both in one process, with the results of the two in a
//! pipe.

use std::ops::ControlFlow;

use super::super::clock::{Clock, Form};
use super::super::late::{Cause, Late};
use super::super::window::Fields;
use super::super::windowing::Windowed;
use super::{blame, refuse, unreported};
use crate::aggregate::fault::StreamError;
use crate::aggregate::{AggregateState, Aggregator};
use crate::cli::Failure;
use crate::cli::pump::{Context, Stage, StageError};
use crate::expr::{ParsedRecord, is_object};
use crate::record::control::{Control, Mark};
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::record::outlet::Outlet;
use crate::time::Interval;
use crate::window::{Carried, Placed, Windows};

/// Puts records into windows and aggregates them.
pub struct Aggregating {
    pub aggregator: Aggregator,
    pub late: Late,
    pub windowed: Windowed,
    way: Way,
    /// Whether the results say where they begin and end.
    control: bool,
    /// What failed while input was waited for.
    failed: Option<Failure>,
}

/// How a record gets from the one to the other.
enum Way {
    /// With what `window` adds to it: an expression might look at that.
    Spliced(Box<Spliced>),
    /// As it is, with its window beside it; the aggregator has read its event time.
    Beside(Beside),
    /// As it is: it carries nothing.
    Bare,
}

struct Spliced {
    fields: Fields,
    line: Vec<u8>,
}

struct Beside {
    form: Form,
    /// The expression for the event time.
    expression: usize,
    carried: Carried,
}

impl Aggregating {
    /// Aggregates the stream that `windowed` makes; the results say where they begin and end if
    /// `control` says so.
    ///
    /// # Errors
    /// When these windows do not go with what is to come of them.
    pub fn new(
        mut aggregator: Aggregator,
        mut windowed: Windowed,
        late: Late,
        control: bool,
    ) -> Result<Aggregating, StreamError> {
        aggregator.begin_windows(&windowed.control)?;
        let carried = windowed.placing.windows().carried(windowed.control.expanded);
        let way = match (aggregator.time_expression(), windowed.clock.take()) {
            (Some(expression), Some(clock)) => {
                Way::Beside(Beside { form: clock.form(), expression, carried })
            }
            (_, None) if carried == Carried::Nothing => Way::Bare,
            (_, clock) => {
                windowed.clock = clock;
                let fields = Fields::new(carried);
                Way::Spliced(Box::new(Spliced { fields, line: Vec::new() }))
            }
        };
        Ok(Aggregating { aggregator, late, windowed, way, control, failed: None })
    }

    /// The watermark may have moved without a record.
    fn move_on(&mut self, passed_ms: Option<i64>) {
        if passed_ms.is_some() {
            self.late.moved(None);
        }
    }

    /// Tells what became of odd local times.
    pub fn tell_odd_times(&self) {
        match &self.way {
            Way::Beside(way) => way.form.tell_odd_times(),
            _ => self.windowed.clock.iter().for_each(Clock::tell_odd_times),
        }
    }
}

impl Spliced {
    /// Takes a record into its windows; gives its time, if it has the watermark told.
    fn place(
        &mut self,
        record: &[u8],
        windowed: &mut Windowed,
        aggregator: &mut Aggregator,
        late: &mut Late,
        out: &mut dyn Outlet,
    ) -> Result<Option<i64>, StageError> {
        let Some(clock) = &mut windowed.clock else { return Ok(None) };
        let time_ms = clock.read(record)?;
        match windowed.placing.place(time_ms).map_err(StageError::bad)? {
            Placed::Late { behind } => {
                late.take(record, Cause::Behind(behind));
                Ok(None)
            }
            Placed::In { slice, closed_ms, passed_ms, missed } => {
                let windows = windowed.placing.windows();
                let taken = self.take(record, (slice, closed_ms), windows, aggregator, out);
                // A record that cannot be aggregated has moved the watermark all the same.
                tell(aggregator.state(), passed_ms, out)?;
                match (taken?, missed) {
                    (false, _) => late.take(record, Cause::Closed),
                    (true, Some(behind)) => late.miss(Cause::Behind(behind)),
                    (true, None) => {}
                }
                Ok(passed_ms.map(|_| time_ms))
            }
        }
    }

    /// Takes a record of this slice into those of its windows that end behind `closed_ms`; false
    /// if it is late for one of them.
    fn take(
        &mut self,
        record: &[u8],
        (slice, closed_ms): (Interval, i64),
        windows: &Windows,
        aggregator: &mut Aggregator,
        out: &mut dyn Outlet,
    ) -> Result<bool, StageError> {
        let Spliced { fields, line } = self;
        fields.prepare(slice, windows)?;
        let mut in_time = true;
        let replaces = fields.are_in(record);
        for text in fields.texts(closed_ms) {
            line.clear();
            fields.add(record, replaces, text, line).map_err(StageError::bad)?;
            in_time &= aggregator.record(line, out).map_err(blame)?;
        }
        Ok(in_time)
    }
}

impl Beside {
    /// Takes a record into its windows; gives its time, if it has the watermark told.
    fn place(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        windowed: &mut Windowed,
        state: &mut AggregateState,
        late: &mut Late,
        out: &mut dyn Outlet,
    ) -> Result<Option<i64>, StageError> {
        let time_ms = self.form.read(record, self.expression).map_err(StageError::Bad)?;
        match windowed.placing.place(time_ms).map_err(StageError::bad)? {
            Placed::Late { behind } => {
                late.take(record.record(), Cause::Behind(behind));
                Ok(None)
            }
            Placed::In { slice, closed_ms, passed_ms, missed } => {
                let windows = windowed.placing.windows();
                let taken = self.take(record, (slice, closed_ms), windows, state, out);
                // A record that cannot be aggregated has moved the watermark all the same.
                tell(state, passed_ms, out)?;
                match (taken?, missed) {
                    (false, _) => late.take(record.record(), Cause::Closed),
                    (true, Some(behind)) => late.miss(Cause::Behind(behind)),
                    (true, None) => {}
                }
                Ok(passed_ms.map(|_| time_ms))
            }
        }
    }

    /// Takes a record of this slice into those of its windows that end behind `closed_ms`; false
    /// if it is late for one of them.
    fn take(
        &self,
        record: &mut ParsedRecord<'_, '_>,
        (slice, closed_ms): (Interval, i64),
        windows: &Windows,
        state: &mut AggregateState,
        out: &mut dyn Outlet,
    ) -> Result<bool, StageError> {
        if self.carried != Carried::Window {
            return state.take_in(Some(slice), record, out).map_err(blame);
        }
        let mut in_time = true;
        for window in windows.of_slice(slice).filter(|one| one.end_ms > closed_ms) {
            in_time &= state.take_in(Some(window), record, out).map_err(blame)?;
        }
        Ok(in_time)
    }
}

/// Tells the watermark, if it has come to where that counts.
fn tell(
    state: &mut AggregateState,
    passed_ms: Option<i64>,
    out: &mut dyn Outlet,
) -> Result<(), Failure> {
    let Some(ms) = passed_ms else { return Ok(()) };
    state.watermark(Mark::Ms(ms), out).map_err(refuse)
}

impl Stage for Aggregating {
    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let Aggregating { aggregator, late, windowed, way, .. } = self;
        let (mut records, state) = match way {
            // What is added to a record is read once more.
            Way::Spliced(_) => return ControlFlow::Continue(()),
            Way::Beside(_) | Way::Bare => aggregator.records(lines),
        };
        while let Some(mut record) = records.load_next_if(is_object) {
            let taken = match way {
                Way::Beside(way) => way.place(&mut record, windowed, state, late, cx),
                _ => state.take(&mut record, cx).map(|_| None).map_err(blame),
            };
            match taken {
                Ok(None) => {}
                Ok(Some(time_ms)) => late.moved(Some((records.line(), time_ms))),
                // It comes again, alone, for what is to be said about it.
                Err(_) => break,
            }
        }
        ControlFlow::Continue(())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let Aggregating { aggregator, late, windowed, way, .. } = self;
        let moved = match way {
            Way::Spliced(way) => way.place(raw.bytes, windowed, aggregator, late, cx)?,
            Way::Beside(way) => {
                let (mut record, state) = aggregator.load(raw.bytes).map_err(StageError::bad)?;
                way.place(&mut record, windowed, state, late, cx)?
            }
            Way::Bare => {
                aggregator.record(raw.bytes, cx).map_err(blame)?;
                None
            }
        };
        if let Some(time_ms) = moved {
            late.moved(Some((raw.line, time_ms)));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        let passed_ms = self.windowed.hear(&control);
        self.move_on(passed_ms);
        Ok(tell(self.aggregator.state(), passed_ms, cx)?)
    }

    fn idle_timeout(&self) -> Option<std::time::Duration> {
        self.windowed.idle_timeout()
    }

    fn on_idle(&mut self, time: std::time::Duration, cx: &mut Context) {
        let passed_ms = self.windowed.wait(time);
        self.move_on(passed_ms);
        let told = tell(self.aggregator.state(), passed_ms, cx);
        self.failed = told.err().or(self.failed.take());
    }

    fn source_end(&mut self) {
        self.late.leave_file();
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.late.flush(cx)?;
        self.failed.take().map_or(Ok(()), |failed| Err(failed.into()))
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        Ok(self.aggregator.watermark(Mark::End, cx).map_err(refuse)?)
    }

    fn begins_stream(&self) -> bool {
        self.control
    }

    fn undone(&self) -> Option<String> {
        unreported(&self.aggregator)
    }
}
