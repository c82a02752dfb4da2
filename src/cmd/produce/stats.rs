//! `--stats`: what was done, as a JSON object.

use std::time::Instant;

use serde_json::Value;

use crate::cli::output::Output;

/// Prints it.
///
/// # Errors
/// When standard output cannot be written to.
pub(super) fn print(stats: &Value) -> anyhow::Result<()> {
    Ok(Output::stdout()?.write(format!("{stats}\n").as_bytes())?)
}

/// Prints it for a run that could not open the log, if it was asked for.
///
/// # Errors
/// Why the log could not be opened; or when standard output cannot be written to.
pub(super) fn of_opening<T>(
    opened: anyhow::Result<T>,
    is_asked: bool,
    stats: impl FnOnce() -> Value,
) -> anyhow::Result<T> {
    if is_asked && opened.is_err() {
        print(&stats())?;
    }
    opened
}

/// How long it took, in milliseconds.
pub(super) fn ms_since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
