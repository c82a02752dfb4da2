//! The event time of a record, as `--time`, `--time-unit` and `--time-format` say.

use std::path::PathBuf;

use super::late::Late;
use crate::cli::keep::Keep;
use crate::cli::pump::{StageError, in_option};
use crate::cli::{Failure, message};
use crate::expr::{ParsedRecord, Program, RecordError, Records, Value};
use crate::record::lines::Lines;
use crate::record::text::is_number;
use crate::time::event_time::{EventTimeError, TimeUnit, from_digits, from_number, from_text};
use crate::time::timestamp::TimestampError;
use crate::time::{Ambiguous, Duration, LocalClock, TimeFormat, Zone};

/// How far a record may come behind the greatest event time, if nothing else is said: 5 s.
const OUT_OF_ORDER_MS: i64 = 5_000;

/// Where event time comes from, and how far it may be out of order.
#[derive(clap::Args, Clone, Debug)]
pub struct TimeOptions {
    /// The jq expression for a record's event time: an RFC 3339 string, or a number since 1970
    #[arg(long, value_name = "EXPR")]
    pub time: Option<String>,

    /// The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]
    #[arg(long, value_name = "s|ms|us|ns", requires = "time", conflicts_with = "time_format")]
    pub time_unit: Option<TimeUnit>,

    /// The format of event times, as for strptime: '%d/%b/%Y:%H:%M:%S %z'
    #[arg(long, value_name = "FORMAT", requires = "time")]
    pub time_format: Option<String>,

    /// The time zone of event times that have no offset, and of windows: Europe/Berlin, UTC
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<Zone>,

    /// How to read a local time that occurs twice when clocks are set back [default: earlier]
    ///
    /// Without this option, a message reports how many such times there were. "reject" treats them
    /// as bad input, and also times that never occur because clocks are set forward.
    #[arg(long, value_name = "earlier|later|nearest|reject", requires = "time", requires = "tz")]
    pub ambiguous: Option<Ambiguous>,

    /// How far a record's time may be before the maximum so far without being late [default: 5s]
    #[arg(long, value_name = "DURATION", requires = "time", allow_hyphen_values = true)]
    pub out_of_order: Option<Duration>,

    /// Treat a record as bad input if its time is more than DURATION after the maximum so far
    #[arg(long, value_name = "DURATION", requires = "time", allow_hyphen_values = true)]
    pub max_ahead: Option<Duration>,

    /// Append late records to FILE unchanged, instead of dropping them
    ///
    /// A record that is late for only some of its windows is not written to FILE.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub late: Option<PathBuf>,
}

impl TimeOptions {
    /// What reads the time of records; `only` tells why none but objects have one.
    ///
    /// # Errors
    /// When there is no expression for it, or a wrong one.
    pub fn clock(&self, only: &'static str) -> Result<Clock, Failure> {
        let missing = "no event time is given; add --time EXPR, as in --time .ts";
        let time = self.time.as_deref().ok_or_else(|| Failure::usage(missing))?;
        let program = Program::compile(&[time]).map_err(|error| in_option("--time", error))?;
        let ambiguous = self.ambiguous.unwrap_or_default();
        let local = self.tz.clone().map(|zone| LocalClock::new(zone, ambiguous));
        let shape = match &self.time_format {
            None => Shape::Known(self.time_unit, local),
            Some(format) => {
                let format = TimeFormat::new(format, local);
                Shape::Described(format.map_err(|error| in_option("--time-format", error))?)
            }
        };
        let form = Form { shape, told: self.ambiguous.is_some() };
        Ok(Clock { program, form, only })
    }

    /// How far a record may be ahead of the greatest event time before it; as far as it likes, if
    /// there is no limit.
    ///
    /// # Errors
    /// When no record could be ahead.
    pub fn max_ahead(&self) -> Result<Option<Duration>, Failure> {
        match self.max_ahead {
            Some(most) if most.ms() == 0 => Err(in_option("--max-ahead", "must be longer than 0")),
            most => Ok(most),
        }
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
pub struct Form {
    shape: Shape,
    /// Whether the user said what odd local times mean.
    told: bool,
}

enum Shape {
    /// RFC 3339, whose local times this clock reads, or a number of these units.
    Known(Option<TimeUnit>, Option<LocalClock>),
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
    ) -> (Records<'a, 'l, 't>, &'a mut Form) {
        (self.program.records(lines), &mut self.form)
    }

    /// What event times look like.
    pub fn form(self) -> Form {
        self.form
    }

    /// As [`Form::tell_odd_times`].
    pub fn tell_odd_times(&self) {
        self.form.tell_odd_times();
    }
}

impl Form {
    /// The event time of a record: what expression `index` gives.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    #[inline]
    pub fn read(&mut self, record: &mut ParsedRecord<'_, '_>, index: usize) -> Result<i64, String> {
        // Most often it is a number.
        let plain = match &self.shape {
            Shape::Known(unit, _) => plain_time(record, index, *unit),
            Shape::Described(_) => None,
        };
        plain.map_or_else(|| self.read_any(record, index), Ok)
    }

    fn read_any(&mut self, record: &mut ParsedRecord<'_, '_>, index: usize) -> Result<i64, String> {
        let read = match &mut self.shape {
            Shape::Known(unit, local) => read_value(record, index, *unit, local.as_mut()),
            Shape::Described(format) => formatted_time(record, index, format),
        };
        read.map_err(|error| fault(record, index, &error, Remedies::Options))
    }

    /// Reports how many local times stood for two instants, or for none, and how they were read,
    /// unless the user has chosen that.
    pub fn tell_odd_times(&self) {
        let (odd, zone) = match &self.shape {
            _ if self.told => return,
            Shape::Known(_, None) => return,
            Shape::Known(_, Some(local)) => (local.odd_times(), Some(local.zone())),
            Shape::Described(format) => (format.odd_times(), format.zone()),
        };
        let Some(zone) = zone else { return };
        let times = |count| if count == 1 { "event time occurs" } else { "event times occur" };
        if odd.twice > 0 {
            message::note(&format!(
                "{} {} twice in {zone}, because clocks are set back: read as the earlier one; \
                 --ambiguous later, nearest or reject selects another reading",
                odd.twice,
                times(odd.twice)
            ));
        }
        if odd.skipped > 0 {
            message::note(&format!(
                "{} {} at no instant in {zone}, because clocks are set past it: moved forward by \
                 the gap; --ambiguous reject refuses such times",
                odd.skipped,
                times(odd.skipped)
            ));
        }
    }
}

/// The event time, in milliseconds, of a record: what expression `index` gives. A time needs an
/// offset from UTC.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn event_time(
    record: &mut ParsedRecord<'_, '_>,
    index: usize,
    unit: Option<TimeUnit>,
) -> Result<i64, String> {
    let read =
        plain_time(record, index, unit).map_or_else(|| read_value(record, index, unit, None), Ok);
    read.map_err(|error| fault(record, index, &error, Remedies::Expression))
}

/// Why there is no event time.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Expression(#[from] RecordError),
    #[error(transparent)]
    Time(#[from] EventTimeError),
}

/// The event time, if it is a number of few digits and stands in the record as it is.
#[inline]
fn plain_time(record: &ParsedRecord<'_, '_>, index: usize, unit: Option<TimeUnit>) -> Option<i64> {
    record.plain_number(index).and_then(|number| from_digits(number, unit))
}

fn read_value(
    record: &mut ParsedRecord<'_, '_>,
    index: usize,
    unit: Option<TimeUnit>,
    local: Option<&mut LocalClock>,
) -> Result<i64, Fault> {
    Ok(match record.value(index)? {
        Value::Text(text) => from_text(text, local),
        Value::Number(number) => from_number(number, unit),
        Value::Null => Err(EventTimeError::Missing),
        other => Err(EventTimeError::Kind(other.kind())),
    }?)
}

/// The same, where a text or the digits of a number are of the form `format`.
fn formatted_time(
    record: &mut ParsedRecord<'_, '_>,
    index: usize,
    format: &mut TimeFormat,
) -> Result<i64, Fault> {
    Ok(match record.value(index)? {
        Value::Text(text) => format.read_ms(text),
        Value::Number(number) => format.read_ms(number),
        Value::Null => Err(EventTimeError::Missing),
        other => Err(EventTimeError::Kind(other.kind())),
    }?)
}

/// What can help: options beside the expression, or the expression alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remedies {
    Options,
    Expression,
}

fn fault(record: &ParsedRecord<'_, '_>, index: usize, fault: &Fault, remedies: Remedies) -> String {
    let expression = record.source(index);
    let with_options = remedies == Remedies::Options;
    let remedy = match fault {
        Fault::Time(EventTimeError::Text(TimestampError::Form(text)))
            if is_number(text.trim_matches('"').as_bytes()) =>
        {
            format!("; it is a number in quotes; --time '{expression} | tonumber' reads it")
        }
        Fault::Time(EventTimeError::Text(TimestampError::Form(_))) if with_options => {
            "; --time-format FORMAT reads other forms, as in '%d/%b/%Y:%H:%M:%S %z'".to_owned()
        }
        Fault::Time(EventTimeError::Text(TimestampError::NoOffset(_))) if with_options => {
            "; or name the time zone: --tz Europe/Berlin, or --tz UTC".to_owned()
        }
        _ => String::new(),
    };
    format!("--time '{expression}': {fault}{remedy}")
}
