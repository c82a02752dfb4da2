//! `aggregate --over`: each record with the aggregates of the last ones of its group.

use std::ops::ControlFlow;

use super::super::clock::{Clock, TimeOptions};
use super::super::late::Late;
use super::{blame, refuse};
use crate::aggregate::fault::Fault;
use crate::aggregate::over::Taken;
use crate::aggregate::{Extent, Over};
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Ended, Outcome, Stage, StageError, in_option};
use crate::cli::{Failure, Status, message};
use crate::record::control::Control;
use crate::record::decode::Raw;

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
            "it says itself which records count; leave out the windows, or --over",
        )),
        Some(Extent::Time(length)) if time.time.is_none() => Err(in_option(
            "--over",
            format!("the last {length} of what? name the event time with --time EXPR"),
        )),
        Some(Extent::Records(_)) | None if time.time.is_some() => Err(in_option(
            "--time",
            "it goes with --over and a duration, or with windows, like --tumbling 1m",
        )),
        Some(Extent::Records(_)) if time.late.is_some() => Err(in_option(
            "--late",
            "no record is late where so many count; give --over a duration, and --time <EXPR>",
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
    stats: bool,
    input: &InputOptions,
) -> anyhow::Result<Status> {
    let clock = match time.time {
        Some(_) => Some(time.clock("objects can be aggregated")?),
        None => None,
    };
    let mut stage = Running { over, clock, late: time.keep_late()? };
    let ran = pump::run(input, &mut stage);
    let late = stage.late.conclude();
    if stats {
        stage.tell_held();
    }
    let outcome = ran?;
    stage.tell_waiting(outcome);
    Ok(if outcome.status == Status::Done { late } else { outcome.status })
}

struct Running {
    over: Over,
    /// What tells the time of records, where it is time that counts.
    clock: Option<Clock>,
    late: Late,
}

impl Stage for Running {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let taken = match &mut self.clock {
            None => self.over.record(raw.bytes, &mut cx.out).map(|()| Taken::In),
            Some(clock) => {
                let time_ms = clock.read(raw.bytes)?;
                self.over.record_at(time_ms, raw.bytes, &mut cx.out)
            }
        };
        if let Taken::Late(behind) = taken.map_err(blame)? {
            self.late.take(raw.bytes, behind);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, control: Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        match control {
            Control::Window(_) => Err(Failure::usage(
                "--over: the input is windowed, and --over says itself which records count; \
                 leave out the window before it",
            )
            .into()),
            _ => Ok(()),
        }
    }

    fn settle(&mut self, _: &mut Context) -> anyhow::Result<()> {
        self.late.flush()
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        match self.over.finish(&mut cx.out) {
            Ok(()) => Ok(()),
            Err(Fault::Stream(error)) => Err(refuse(error).into()),
            Err(fault) => Err(fault.into()),
        }
    }
}

impl Running {
    fn tell_held(&self) {
        let (groups, most) = self.over.groups();
        let bytes = self.over.bytes();
        message::note(&format!(
            "groups: {groups} at the end, {most} at most; memory for them: about {bytes} bytes"
        ));
    }

    /// Reports what waits for a watermark that will not come.
    fn tell_waiting(&self, outcome: Outcome) {
        let records = match self.over.waiting() {
            0 => return,
            1 => "1 record that waited is not put out".to_owned(),
            count => format!("{count} records that waited are not put out"),
        };
        if let Ended::Stopped(_) = outcome.ended {
            message::note(&format!("stopped before the end of the input: {records}"));
        }
    }
}
