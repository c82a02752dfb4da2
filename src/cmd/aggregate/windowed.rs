//! `aggregate` with the options of `window`: both in one process, with the results of the two in a
//! pipe.

use std::ops::ControlFlow;

use super::super::clock::Form;
use super::super::late::Late;
use super::super::window::Fields;
use super::super::windowing::Windowed;
use super::{blame, refuse};
use crate::aggregate::fault::StreamError;
use crate::aggregate::{Aggregator, Reduction};
use crate::cli::Failure;
use crate::cli::pump::{Context, Stage, StageError};
use crate::expr::Loaded;
use crate::record::control::{Control, Mark};
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::time::{Duration, Interval};
use crate::window::{Carried, Placed, Windows};

/// Puts records into windows and aggregates them.
pub struct Aggregating {
    pub aggregator: Aggregator,
    pub late: Late,
    windowed: Windowed,
    way: Way,
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
    lines: Vec<u8>,
}

struct Beside {
    form: Form,
    /// The expression for the event time.
    expression: usize,
    carried: Carried,
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
        let way = match (aggregator.time_expression(), windowed.clock.take()) {
            (Some(expression), Some(clock)) => {
                Way::Beside(Beside { form: clock.form(), expression, carried })
            }
            (_, None) if carried == Carried::Nothing => Way::Bare,
            (_, clock) => {
                windowed.clock = clock;
                let (fields, lines) = (Fields::new(carried), Vec::new());
                Way::Spliced(Box::new(Spliced { fields, lines }))
            }
        };
        Ok(Aggregating { aggregator, late, windowed, way, failed: None })
    }
}

impl Spliced {
    /// Takes a record into its windows.
    fn place(
        &mut self,
        record: &[u8],
        windowed: &mut Windowed,
        aggregator: &mut Aggregator,
        late: &mut Late,
        out: &mut Vec<u8>,
    ) -> Result<(), StageError> {
        let Some(clock) = &mut windowed.clock else { return Ok(()) };
        let time_ms = clock.read(record)?;
        match windowed.placing.place(time_ms).map_err(StageError::bad)? {
            Placed::Late { behind } => late.take(record, behind),
            Placed::In { slice, closed_ms, passed_ms } => {
                let windows = windowed.placing.windows();
                let taken = self.take(record, (slice, closed_ms), windows, aggregator, out);
                // A record that cannot be aggregated has moved the watermark all the same.
                tell(aggregator.reduction(), passed_ms, out)?;
                if !taken? {
                    late.take(record, Duration::default());
                }
            }
        }
        Ok(())
    }

    /// Takes a record of this slice into those of its windows that end behind `closed_ms`; false
    /// if it is late for one of them.
    fn take(
        &mut self,
        record: &[u8],
        (slice, closed_ms): (Interval, i64),
        windows: &Windows,
        aggregator: &mut Aggregator,
        out: &mut Vec<u8>,
    ) -> Result<bool, StageError> {
        self.fields.prepare(slice, windows)?;
        self.lines.clear();
        self.fields.add(record, closed_ms, &mut self.lines);
        let mut in_time = true;
        for line in self.lines.split_inclusive(|byte| *byte == b'\n') {
            in_time &= aggregator.record(line.trim_ascii_end(), out).map_err(blame)?;
        }
        Ok(in_time)
    }
}

impl Beside {
    /// Takes a record into its windows.
    fn place(
        &self,
        record: &mut Loaded<'_, '_>,
        windowed: &mut Windowed,
        reduction: &mut Reduction,
        late: &mut Late,
        out: &mut Vec<u8>,
    ) -> Result<(), StageError> {
        let time_ms = self.form.read(record, self.expression).map_err(StageError::Bad)?;
        match windowed.placing.place(time_ms).map_err(StageError::bad)? {
            Placed::Late { behind } => late.take(record.record(), behind),
            Placed::In { slice, closed_ms, passed_ms } => {
                let windows = windowed.placing.windows();
                let taken = self.take(record, (slice, closed_ms), windows, reduction, out);
                // A record that cannot be aggregated has moved the watermark all the same.
                tell(reduction, passed_ms, out)?;
                if !taken? {
                    late.take(record.record(), Duration::default());
                }
            }
        }
        Ok(())
    }

    /// Takes a record of this slice into those of its windows that end behind `closed_ms`; false
    /// if it is late for one of them.
    fn take(
        &self,
        record: &mut Loaded<'_, '_>,
        (slice, closed_ms): (Interval, i64),
        windows: &Windows,
        reduction: &mut Reduction,
        out: &mut Vec<u8>,
    ) -> Result<bool, StageError> {
        if self.carried != Carried::Window {
            return reduction.take_in(Some(slice), record, out).map_err(blame);
        }
        let mut in_time = true;
        for window in windows.of_slice(slice).filter(|one| one.end_ms > closed_ms) {
            in_time &= reduction.take_in(Some(window), record, out).map_err(blame)?;
        }
        Ok(in_time)
    }
}

/// Tells the watermark, if it has come to where that counts.
fn tell(
    reduction: &mut Reduction,
    passed_ms: Option<i64>,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let Some(ms) = passed_ms else { return Ok(()) };
    reduction.watermark(Mark::Ms(ms), out).map_err(refuse)
}

impl Stage for Aggregating {
    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let Aggregating { aggregator, late, windowed, way, .. } = self;
        let (mut records, reduction) = match way {
            // What is added to a record is read once more.
            Way::Spliced(_) => return ControlFlow::Continue(()),
            Way::Beside(_) | Way::Bare => aggregator.records(lines),
        };
        while let Some(mut record) = records.load_next().filter(Loaded::is_object) {
            let taken = match way {
                Way::Beside(way) => way.place(&mut record, windowed, reduction, late, &mut cx.out),
                _ => reduction.take(&mut record, &mut cx.out).map(drop).map_err(blame),
            };
            if taken.is_err() {
                // It comes again, alone, for what is to be said about it.
                break;
            }
        }
        ControlFlow::Continue(())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let Aggregating { aggregator, late, windowed, way, .. } = self;
        match way {
            Way::Spliced(way) => way.place(raw.bytes, windowed, aggregator, late, &mut cx.out)?,
            Way::Beside(way) => {
                let (mut record, reduction) =
                    aggregator.load(raw.bytes).map_err(StageError::bad)?;
                way.place(&mut record, windowed, reduction, late, &mut cx.out)?;
            }
            Way::Bare => {
                aggregator.record(raw.bytes, &mut cx.out).map_err(blame)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        let passed_ms = self.windowed.hear(&control);
        Ok(tell(self.aggregator.reduction(), passed_ms, &mut cx.out)?)
    }

    fn patience(&self) -> Option<std::time::Duration> {
        self.windowed.patience()
    }

    fn waited(&mut self, time: std::time::Duration, cx: &mut Context) {
        let passed_ms = self.windowed.wait(time);
        let told = tell(self.aggregator.reduction(), passed_ms, &mut cx.out);
        self.failed = told.err().or(self.failed.take());
    }

    fn settle(&mut self, _: &mut Context) -> anyhow::Result<()> {
        self.late.flush()?;
        self.failed.take().map_or(Ok(()), |failed| Err(failed.into()))
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        Ok(self.aggregator.watermark(Mark::End, &mut cx.out).map_err(refuse)?)
    }
}
