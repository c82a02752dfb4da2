//! `aggregate --over`: each record with the aggregates of the last ones of its group.

use std::ops::ControlFlow;

use super::super::clock::{Clock, TimeOptions};
use super::super::late::{Cause, Late, Waiting};
use super::super::watched::Watched;
use super::{blame, conclude_with, refuse, tell_held};
use crate::aggregate::fault::Fault;
use crate::aggregate::over::Taken;
use crate::aggregate::{Extent, Over};
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Ended, Stage, StageError, in_option};
use crate::cli::{Failure, Status, message};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::time::Duration;
use crate::window::Progress;

/// What `--over` says, if it goes with `--time`.
///
/// # Errors
/// When one of them makes no sense without the other.
pub fn extent(
    over: Option<Extent>,
    time: &TimeOptions,
    windowed: bool,
) -> Result<Option<Extent>, Failure> {
    match over {
        None if windowed => Ok(None),
        Some(_) if windowed => Err(in_option(
            "--over",
            "--over defines which records an aggregate covers; leave out the windows, or --over",
        )),
        Some(Extent::Time(length)) if time.time.is_none() => Err(in_option(
            "--over",
            format!("the last {length} of event time: --time is missing; add --time EXPR"),
        )),
        Some(Extent::Records(_)) | None if time.time.is_some() => Err(in_option(
            "--time",
            "it needs windows, like --tumbling 1m, or --over with a duration",
        )),
        Some(Extent::Records(_)) if time.late.is_some() => Err(in_option(
            "--late",
            "no record is late in a frame of N records; give --over a duration, and --time <EXPR>",
        )),
        over => Ok(over),
    }
}

/// Runs over the input.
///
/// # Errors
/// As for the whole tool.
pub fn run(
    over: Over,
    time: &TimeOptions,
    (stats, control): (bool, bool),
    input: &InputOptions,
    watched: &Watched,
) -> anyhow::Result<Status> {
    let clock = match time.time {
        Some(_) => Some(time.clock("objects can be aggregated")?),
        None => None,
    };
    let (late, waited) = (time.keep_late()?, std::time::Duration::ZERO);
    let mut stage = Running { over, clock, control, late, waited, failed: None };
    let ran = pump::run(input, &mut stage);
    let late = stage.late.conclude(Waiting::Here);
    stage.clock.iter().for_each(Clock::tell_odd_times);
    if stats {
        tell_held(&stage.over.held());
    }
    let outcome = ran?;
    if let (Ended::Stopped(_), Some(waiting)) = (outcome.ended, stage.undone()) {
        message::note(&format!("stopped before the end of the input: {waiting}"));
    }
    Ok(conclude_with(late, outcome, watched))
}

struct Running {
    over: Over,
    /// What tells the time of records, where it is time that counts.
    clock: Option<Clock>,
    /// Whether the records say where they begin and end.
    control: bool,
    late: Late,
    /// For how long input was waited for, as far as `over` was not told.
    waited: std::time::Duration,
    /// What failed while input was waited for.
    failed: Option<anyhow::Error>,
}

impl Stage for Running {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let taken = match &mut self.clock {
            None => self.over.record(raw.bytes, cx).map(|()| Taken::In),
            Some(clock) => {
                let time_ms = clock.read(raw.bytes)?;
                self.over.record_at(time_ms, raw.bytes, cx)
            }
        };
        if let Taken::Late(behind) = taken.map_err(blame)? {
            self.late.take(raw.bytes, Cause::Behind(behind));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        let progress = self.over.progress();
        match &control {
            Control::Window(_) => Err(Failure::usage(
                "--over: the input is windowed, and --over defines which records an aggregate covers; \
                 leave out the window before it",
            )
            .into()),
            _ => {
                hear(&control, progress);
                Ok(self.over.go_on(cx).map_err(blame)?)
            }
        }
    }

    fn idle_timeout(&self) -> Option<std::time::Duration> {
        Some(self.over.patience()?.to_std().saturating_sub(self.waited))
    }

    fn on_idle(&mut self, time: std::time::Duration, cx: &mut Context) {
        self.waited += time;
        let whole_ms = i64::try_from(self.waited.as_millis()).unwrap_or(i64::MAX);
        let Some(whole) = Duration::from_ms(whole_ms).filter(|whole| whole.ms() > 0) else {
            return;
        };
        self.waited = self.waited.saturating_sub(whole.to_std());
        self.over.progress().wait(whole);
        let gone_on = self.over.go_on(cx);
        self.failed = gone_on.err().map(fatal).or(self.failed.take());
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.late.flush(cx)?;
        self.failed.take().map_or(Ok(()), Err)
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.over.finish(cx).map_err(fatal)
    }

    fn begins_stream(&self) -> bool {
        self.control
    }

    fn undone(&self) -> Option<String> {
        match self.over.waiting() {
            0 => None,
            1 => Some("1 record that waited is not printed".to_owned()),
            count => Some(format!("{count} records that waited are not printed")),
        }
    }
}

/// Hears what is said of the stream's partitions.
fn hear(control: &Control, progress: &mut Progress) {
    match control {
        Control::Start(start) => progress.begin(&start.partitions),
        Control::Partitions(partitions) => progress.begin(partitions),
        Control::Partition(number) => progress.turn_to(*number),
        Control::PartitionEnd(number) => progress.end(*number),
        Control::Window(_) | Control::Watermark(_) | Control::End(_) => {}
    }
}

fn fatal(fault: Fault) -> anyhow::Error {
    match fault {
        Fault::Stream(error) => refuse(error).into(),
        fault => fault.into(),
    }
}
