//! The event time of a record, as `--time` and `--time-unit` say.

use std::path::PathBuf;

use super::late::Late;
use crate::cli::Failure;
use crate::cli::keep::Keep;
use crate::cli::pump::{StageError, in_option};
use crate::expr::{Program, Value};
use crate::time::Duration;
use crate::time::event_time::{EventTimeError, TimeUnit, from_number, from_text};

/// Where event time comes from, and how far it may be out of order.
#[derive(clap::Args, Clone, Debug)]
pub struct TimeOptions {
    /// The jq expression for a record's event time: RFC 3339 text, or a number since 1970
    #[arg(long, value_name = "EXPR")]
    pub time: Option<String>,

    /// What a number counts [default: told by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]
    #[arg(long, value_name = "s|ms|us|ns", requires = "time")]
    time_unit: Option<TimeUnit>,

    /// How far a record may come behind the greatest event time without being late
    #[arg(long, value_name = "DURATION", default_value = "5s", requires = "time")]
    pub out_of_order: Duration,

    /// Append late records to FILE, as they came, instead of dropping them
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub late: Option<PathBuf>,
}

impl TimeOptions {
    /// What reads the time of records; `only` tells why none but objects have one.
    ///
    /// # Errors
    /// When there is no expression for it, or a wrong one.
    pub fn clock(&self, only: &'static str) -> Result<Clock, Failure> {
        let time = self.time.as_deref().ok_or_else(|| Failure::usage("--time EXPR is missing"))?;
        let program = Program::compile(&[time]).map_err(|error| in_option("--time", error))?;
        Ok(Clock { program, unit: self.time_unit, only })
    }

    /// What becomes of late records.
    ///
    /// # Errors
    /// When their file cannot be opened.
    pub fn keep_late(&self) -> anyhow::Result<Late> {
        let open = |path| Keep::open(path, "late records");
        Ok(Late::new(self.late.as_deref().map(open).transpose()?))
    }
}

/// Reads the event time of records.
pub struct Clock {
    program: Program,
    unit: Option<TimeUnit>,
    only: &'static str,
}

impl Clock {
    /// The record's event time in milliseconds.
    ///
    /// # Errors
    /// When it has none.
    pub fn read(&mut self, record: &[u8]) -> Result<i64, StageError> {
        self.program.load(record).map_err(StageError::bad)?;
        if !record.trim_ascii_start().starts_with(b"{") {
            return Err(StageError::bad(format!("not an object; only {}", self.only)));
        }
        event_time(&mut self.program, 0, self.unit).map_err(StageError::Bad)
    }
}

/// The event time, in milliseconds, of the record that was loaded: what expression `index` gives.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn event_time(
    program: &mut Program,
    index: usize,
    unit: Option<TimeUnit>,
) -> Result<i64, String> {
    let time = match program.value(index) {
        Ok(Value::Text(text)) => from_text(text),
        Ok(Value::Number(number)) => from_number(number, unit),
        Ok(Value::Null) => Err(EventTimeError::Missing),
        Ok(other) => Err(EventTimeError::Kind(other.kind())),
        Err(error) => return Err(fault(program, index, &error)),
    };
    time.map_err(|error| fault(program, index, &error))
}

fn fault(program: &Program, index: usize, error: &dyn std::error::Error) -> String {
    format!("--time '{}': {error}", program.source(index))
}
