//! The event time of a record, as `--time`, `--time-unit` and `--time-format` say.

use std::path::PathBuf;

use super::late::Late;
use crate::cli::Failure;
use crate::cli::keep::Keep;
use crate::cli::pump::{StageError, in_option};
use crate::expr::{Loaded, Program, Records, Value};
use crate::record::lines::Lines;
use crate::time::event_time::{EventTimeError, TimeUnit, from_digits, from_number, from_text};
use crate::time::{Duration, TimeFormat, Zone};

/// How far a record may come behind the greatest event time, if nothing else is said: 5 s.
const OUT_OF_ORDER_MS: i64 = 5_000;

/// Where event time comes from, and how far it may be out of order.
#[derive(clap::Args, Clone, Debug)]
pub struct TimeOptions {
    /// The jq expression for a record's event time: RFC 3339 text, or a number since 1970
    #[arg(long, value_name = "EXPR")]
    pub time: Option<String>,

    /// What a number counts [default: told by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]
    #[arg(long, value_name = "s|ms|us|ns", requires = "time", conflicts_with = "time_format")]
    pub time_unit: Option<TimeUnit>,

    /// What event times look like, for strptime, as in '%d/%b/%Y:%H:%M:%S %z'
    #[arg(long, value_name = "FORMAT", requires = "time")]
    pub time_format: Option<String>,

    /// The time zone of event times that have no offset, and of windows: Europe/Berlin, UTC
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<Zone>,

    /// How far a record may come behind the greatest event time without being late [default: 5s]
    #[arg(long, value_name = "DURATION", requires = "time")]
    pub out_of_order: Option<Duration>,

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
        let missing = "where do records say their event time? add --time EXPR, like --time .ts";
        let time = self.time.as_deref().ok_or_else(|| Failure::usage(missing))?;
        let program = Program::compile(&[time]).map_err(|error| in_option("--time", error))?;
        let form = match &self.time_format {
            None => Form::Known(self.time_unit),
            Some(format) => Form::Described(
                TimeFormat::new(format, self.tz.clone())
                    .map_err(|error| in_option("--time-format", error))?,
            ),
        };
        Ok(Clock { program, form, only })
    }

    /// How far a record may come behind the greatest event time without being late.
    pub fn out_of_order(&self) -> Duration {
        self.out_of_order.or(Duration::from_ms(OUT_OF_ORDER_MS)).unwrap_or_default()
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
    form: Form,
    only: &'static str,
}

/// What event times look like.
pub enum Form {
    /// RFC 3339, or a number of these units.
    Known(Option<TimeUnit>),
    Described(TimeFormat),
}

impl Clock {
    /// The record's event time in milliseconds.
    ///
    /// # Errors
    /// When it has none.
    pub fn read(&mut self, record: &[u8]) -> Result<i64, StageError> {
        let mut loaded = self.program.load(record).map_err(StageError::bad)?;
        if !loaded.is_object() {
            return Err(StageError::bad(format!("not an object; only {}", self.only)));
        }
        self.form.read(&mut loaded, 0).map_err(StageError::Bad)
    }

    /// Reads records at the front of `lines`, as far as that can be done fast; expression 0 of each
    /// is for its event time.
    pub fn records<'a, 'l, 't>(
        &'a mut self,
        lines: &'l mut Lines<'t>,
    ) -> (Records<'a, 'l, 't>, &'a Form) {
        (self.program.records(lines), &self.form)
    }

    /// What event times look like.
    pub fn form(self) -> Form {
        self.form
    }
}

impl Form {
    /// The event time of a record: what expression `index` gives.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn read(&self, record: &mut Loaded<'_, '_>, index: usize) -> Result<i64, String> {
        match self {
            Form::Known(unit) => event_time(record, index, *unit),
            Form::Described(format) => formatted_time(record, index, format),
        }
    }
}

/// The event time, in milliseconds, of a record: what expression `index` gives.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn event_time(
    record: &mut Loaded<'_, '_>,
    index: usize,
    unit: Option<TimeUnit>,
) -> Result<i64, String> {
    let plain = record.plain_number(index).and_then(|number| from_digits(number, unit));
    if let Some(time_ms) = plain {
        return Ok(time_ms);
    }
    let time = match record.value(index) {
        Ok(Value::Text(text)) => from_text(text),
        Ok(Value::Number(number)) => from_number(number, unit),
        Ok(Value::Null) => Err(EventTimeError::Missing),
        Ok(other) => Err(EventTimeError::Kind(other.kind())),
        Err(error) => return Err(fault(record, index, &error)),
    };
    time.map_err(|error| fault(record, index, &error))
}

/// As [`event_time`], where a text or the digits of a number are of the form `format`.
///
/// # Errors
/// As [`event_time`].
fn formatted_time(
    record: &mut Loaded<'_, '_>,
    index: usize,
    format: &TimeFormat,
) -> Result<i64, String> {
    let time = match record.value(index) {
        Ok(Value::Text(text)) => format.read_ms(text).map_err(|error| error.to_string()),
        Ok(Value::Number(number)) => format.read_ms(number).map_err(|error| error.to_string()),
        Ok(Value::Null) => Err(EventTimeError::Missing.to_string()),
        Ok(other) => Err(EventTimeError::Kind(other.kind()).to_string()),
        Err(error) => Err(error.to_string()),
    };
    time.map_err(|why| format!("--time '{}': {why}", record.source(index)))
}

fn fault(record: &Loaded<'_, '_>, index: usize, error: &dyn std::error::Error) -> String {
    format!("--time '{}': {error}", record.source(index))
}
