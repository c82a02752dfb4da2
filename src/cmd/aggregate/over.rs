//! `aggregate --over`: each record with the aggregates of the last ones of its group.

use std::ops::ControlFlow;

use super::refuse;
use crate::aggregate::fault::Fault;
use crate::aggregate::over::ExtentError;
use crate::aggregate::{Extent, Over, Plan, Selection};
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Stage, StageError};
use crate::cli::{Failure, Status, message};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::time::Duration;

/// Reads a number of records.
pub fn records(text: &str) -> Result<Extent, String> {
    match text.parse().map_err(|error: ExtentError| error.to_string())? {
        Extent::Time(_) => Err(format!("'{text}' is no number of records, like 10")),
        records => Ok(records),
    }
}

/// Runs over the input.
///
/// # Errors
/// As for the whole tool.
pub fn run(
    plan: Plan,
    extent: Extent,
    selection: Selection,
    groups_max: usize,
    stats: bool,
    input: &InputOptions,
) -> anyhow::Result<Status> {
    let over = Over::new(plan, extent, Duration::default(), selection, groups_max);
    let mut stage = Running { over: over.map_err(refuse)? };
    let ran = pump::run(input, &mut stage);
    if stats {
        let (groups, most) = stage.over.groups();
        let bytes = stage.over.bytes();
        message::note(&format!(
            "groups: {groups} at the end, {most} at most; memory for them: about {bytes} bytes"
        ));
    }
    Ok(ran?.status)
}

struct Running {
    over: Over,
}

impl Stage for Running {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        match self.over.record(raw.bytes, &mut cx.out) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(Fault::Stream(error)) => Err(refuse(error).into()),
            Err(fault) => Err(StageError::bad(fault)),
        }
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
}
