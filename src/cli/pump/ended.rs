//! How a pump ends.

use crate::cli::Status;
use crate::cli::output::OutputError;
use crate::cli::watch::{Halted, StopReason};

/// How a pump came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The input ended, or the stage needed no more of it.
    Input,
    /// A signal asked for it.
    Stopped(i32),
    /// Whoever read our output is gone.
    OutputClosed,
}

/// How a pump came to its end, and what the tool's exit status is for it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// The status, rejected lines considered.
    pub status: Status,
}

/// Whether an error only says that nobody reads our standard output any more.
pub fn is_closed(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<OutputError>(), Some(OutputError::Closed))
}

/// How an error ends a pump that only says that there is no need to go on.
pub(super) fn ended_by(error: &anyhow::Error) -> Option<Ended> {
    match error.downcast_ref::<Halted>() {
        Some(Halted(StopReason::Stopped(signal))) => Some(Ended::Stopped(*signal)),
        Some(Halted(StopReason::OutputClosed)) => Some(Ended::OutputClosed),
        None => is_closed(error).then_some(Ended::OutputClosed),
    }
}
