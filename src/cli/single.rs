//! An operator on one core, as the loop of a tool sees it.

use std::ops::ControlFlow;
use std::time::Duration;

use super::Failure;
use super::context::Context;
use super::stage::{Stage, StageError};
use crate::operator::{Fault, InputId, Operator, Work};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;

/// The FILEs of a command line, or standard input: one input, however many files it has.
pub(super) const INPUT: InputId = InputId(0);

/// An operator on one core.
pub(super) struct Single<'a, O>(pub &'a mut O);

/// What an operator's fault means to the loop.
pub(super) fn stage_error(fault: Fault) -> StageError {
    match fault {
        Fault::Bad(why) => StageError::Bad(why),
        fault => StageError::Fatal(fatal(fault)),
    }
}

fn fatal(fault: Fault) -> anyhow::Error {
    Failure::from(fault).into()
}

impl<O: Operator> Stage for Single<'_, O> {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        self.0.record(INPUT, raw, cx).map_err(stage_error)
    }

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        self.0.lines(INPUT, lines, cx)
    }

    fn control(
        &mut self,
        control: &Control,
        line: &[u8],
        cx: &mut Context,
    ) -> Result<(), StageError> {
        self.0.control(INPUT, control, line, cx).map_err(stage_error)
    }

    fn shows_progress(&self) -> bool {
        true
    }

    fn idle_timeout(&self) -> Option<Duration> {
        self.0.patience()
    }

    fn on_idle(&mut self, time: Duration, cx: &mut Context) -> anyhow::Result<()> {
        self.0.waited(time, cx).map_err(fatal)
    }

    fn takes_clock(&self) -> bool {
        self.0.takes_clock()
    }

    fn on_clock(&mut self, now_ms: i64, cx: &mut Context) -> anyhow::Result<()> {
        self.0.clock(now_ms, cx).map_err(fatal)
    }

    fn source_end(&mut self) {
        self.0.file_end(INPUT);
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.0.end_of_batch(cx).map_err(fatal)?;
        cx.flush_sides()
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.0.end(cx).map_err(fatal)?;
        cx.flush_sides()
    }

    fn work(&self) -> Work {
        self.0.work()
    }

    fn undone(&self) -> Option<String> {
        self.0.undone()
    }
}
