//! The event time of a record, as an expression gives it.

use super::Fault;
use crate::expr::{ParsedRecord, Program, RecordError, Value};
use crate::record::lines::Lines;
use crate::record::text::is_number;
use crate::state::{Reader, StateError, Writer};
use crate::time::event_time::{EventTimeError, TimeUnit, from_digits, from_number, from_text};
use crate::time::timestamp::TimestampError;
use crate::time::{LocalClock, TimeFormat};

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

/// Who says what time a record has, where the record does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    /// A clock, when the record is read.
    Arrival,
    /// The log, which knows when the record was appended: it is in control records.
    Append,
}

enum Shape {
    /// What was last said of the records that come now, in milliseconds.
    Told(Teller, Option<i64>),
    /// RFC 3339, whose local times this clock reads, or a number of these units.
    Known(Option<TimeUnit>, Option<LocalClock>),
    Described(TimeFormat),
}

impl Clock {
    /// Reads it by the first expression of the program; `only` tells why none but objects have one.
    pub fn new(program: Program, form: Form, only: &'static str) -> Clock {
        Clock { program, form, only }
    }

    /// The record's event time in milliseconds.
    ///
    /// # Errors
    /// When it has none.
    pub fn read(&mut self, record: &[u8]) -> Result<i64, Fault> {
        let mut loaded = self.program.load(record).map_err(Fault::said)?;
        if !loaded.is_object() {
            return Err(not_an_object(self.only));
        }
        self.form.read(&mut loaded, 0)
    }

    /// As [`Form::tell`].
    pub fn tell(&mut self, teller: Teller, now_ms: Option<i64>) {
        self.form.tell(teller, now_ms);
    }

    /// As [`Form::teller`].
    pub fn teller(&self) -> Option<Teller> {
        self.form.teller()
    }

    /// Reads the event times of records at the front of `lines`, as many as can be read fast, and
    /// gives each with its line and its time to `take`. The next line, if one is left, is for
    /// [`Clock::read`], or no record at all: of those that `is_other` holds for.
    pub fn read_lines(
        &mut self,
        lines: &mut Lines<'_>,
        is_other: impl Fn(&[u8]) -> bool,
        mut take: impl FnMut(u64, i64, &[u8]),
    ) {
        let mut records = self.program.records(lines);
        while let Some((line, mut record)) = records.load_next_line_if(|it| !is_other(it)) {
            match record.is_object().then(|| self.form.read(&mut record, 0)) {
                Some(Ok(time_ms)) => take(line, time_ms, record.record()),
                _ => break,
            }
        }
    }

    /// Saves how times are read, and then what was read.
    pub(super) fn save(&self, to: &mut Writer) {
        to.put_bytes(self.program.source(0).as_bytes());
        self.form.save(to);
    }

    /// Restores what [`Clock::save`] saved.
    ///
    /// # Errors
    /// When it is no such state, or times were read in another way.
    pub(super) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        if from.take_bytes()? != self.program.source(0).as_bytes() {
            return Err(StateError::Changed("event times"));
        }
        self.form.restore(from)
    }

    /// The event time of a record that was read by another program, whose expression `index` is
    /// that of the clock.
    ///
    /// # Errors
    /// As [`Form::read`].
    #[inline]
    pub fn read_in(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        index: usize,
    ) -> Result<i64, Fault> {
        self.form.read(record, index)
    }

    /// Its program, what event times look like, and why none but objects have one: for those who
    /// read records for more than their time.
    pub fn into_parts(self) -> (Program, Form, &'static str) {
        (self.program, self.form, self.only)
    }

    /// As [`Form::odd_times`].
    pub fn odd_times(&self) -> Vec<String> {
        self.form.odd_times()
    }
}

impl Form {
    /// RFC 3339, whose local times this clock reads, or numbers of this unit. `told`: whether the
    /// user said what odd local times mean.
    pub fn known(unit: Option<TimeUnit>, local: Option<LocalClock>, told: bool) -> Form {
        Form { shape: Shape::Known(unit, local), told }
    }

    /// Texts of a format, or the digits of numbers.
    pub fn described(format: TimeFormat, told: bool) -> Form {
        Form { shape: Shape::Described(format), told }
    }

    /// Times that are not in the records.
    pub fn of_teller(teller: Teller) -> Form {
        Form { shape: Shape::Told(teller, None), told: false }
    }

    /// Who says what time it is, if that is not in the records.
    pub fn teller(&self) -> Option<Teller> {
        match &self.shape {
            Shape::Told(teller, _) => Some(*teller),
            _ => None,
        }
    }

    /// The records that come now have this time, in milliseconds; or it is not known, where a
    /// stream begins. Of no effect where `teller` does not say what time it is.
    pub fn tell(&mut self, teller: Teller, now_ms: Option<i64>) {
        match &mut self.shape {
            // A clock that is set back has no effect: what was said of the stream holds.
            Shape::Told(Teller::Arrival, ms) if teller == Teller::Arrival => *ms = now_ms.max(*ms),
            Shape::Told(who, ms) if *who == teller => *ms = now_ms,
            _ => {}
        }
    }

    /// The event time of a record: what expression `index` gives.
    ///
    /// # Errors
    /// When it has none, or the expression could not be evaluated.
    #[inline]
    pub fn read(&mut self, record: &mut ParsedRecord<'_, '_>, index: usize) -> Result<i64, Fault> {
        // Most often it is a number.
        let plain = match &self.shape {
            Shape::Known(unit, _) => plain_time(record, index, *unit),
            Shape::Described(_) | Shape::Told(..) => None,
        };
        plain.map_or_else(|| self.read_any(record, index), Ok)
    }

    fn read_any(&mut self, record: &mut ParsedRecord<'_, '_>, index: usize) -> Result<i64, Fault> {
        let read = match &mut self.shape {
            Shape::Known(unit, local) => read_value(record, index, *unit, local.as_mut()),
            Shape::Described(format) => formatted_time(record, index, format),
            Shape::Told(_, ms) => return ms.ok_or(Fault::NoAppendTimes),
        };
        read.map_err(|error| fault(record, index, error, Remedies::Options))
    }

    /// Saves how times are read, and then what was read.
    pub(super) fn save(&self, to: &mut Writer) {
        to.put_bytes(&self.options());
        to.put_option(self.local(), |to, local| local.save(to));
        if let Shape::Told(_, ms) = &self.shape {
            to.put_option(*ms, Writer::put_i64);
        }
    }

    /// Restores what [`Form::save`] saved.
    ///
    /// # Errors
    /// When it is no such state, or times were read in another way; nothing has then changed.
    pub(super) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        if from.take_bytes()? != self.options() {
            return Err(StateError::Changed("event times"));
        }
        let local = match &mut self.shape {
            Shape::Known(_, local) => local.as_mut(),
            Shape::Described(format) => format.clock_mut(),
            Shape::Told(..) => None,
        };
        match (from.take_bool()?, local) {
            (true, Some(local)) => local.restore(from)?,
            (false, None) => {}
            _ => return Err(StateError::Invalid("a clock of no time zone")),
        }
        if let Shape::Told(_, ms) = &mut self.shape {
            *ms = from.take_option(Reader::take_i64)?;
        }
        Ok(())
    }

    /// How times are read, as far as states depend on it.
    fn options(&self) -> Vec<u8> {
        let mut options = Writer::new();
        match &self.shape {
            Shape::Known(unit, _) => {
                options.put_u8(0);
                options.put_option(*unit, |to, unit| to.put_u8(unit as u8));
            }
            Shape::Described(format) => {
                options.put_u8(1);
                options.put_bytes(format.text().as_bytes());
            }
            Shape::Told(teller, _) => {
                options.put_u8(2);
                options.put_u8(*teller as u8);
            }
        }
        options.put_option(self.local(), |to, local| local.save_options(to));
        options.into_bytes()
    }

    /// What reads times that have no offset of their own.
    fn local(&self) -> Option<&LocalClock> {
        match &self.shape {
            Shape::Known(_, local) => local.as_ref(),
            Shape::Described(format) => format.clock(),
            Shape::Told(..) => None,
        }
    }

    /// Notes for the user: how many local times stood for two instants, or for none, and how they
    /// were read, unless the user has chosen that.
    pub fn odd_times(&self) -> Vec<String> {
        let Some(local) = self.local().filter(|_| !self.told) else { return Vec::new() };
        let (odd, zone) = (local.odd_times(), local.zone());
        let times = |count| if count == 1 { "event time occurs" } else { "event times occur" };
        let mut notes = Vec::new();
        if odd.twice > 0 {
            notes.push(format!(
                "{} {} twice in {zone}, because clocks are set back: read as the earlier one; \
                 --ambiguous later, nearest or reject selects another reading",
                odd.twice,
                times(odd.twice)
            ));
        }
        if odd.skipped > 0 {
            notes.push(format!(
                "{} {} at no instant in {zone}, because clocks are set past it: moved forward by \
                 the gap; --ambiguous reject refuses such times",
                odd.skipped,
                times(odd.skipped)
            ));
        }
        notes
    }
}

/// A record that is no object; `only` tells why it must be one.
pub(super) fn not_an_object(only: &str) -> Fault {
    Fault::bad(format!("not an object; only {only}"))
}

/// The event time, in milliseconds, of a record: what expression `index` gives. A time needs an
/// offset from UTC.
///
/// # Errors
/// When it has none, or the expression could not be evaluated.
pub fn event_time(
    record: &mut ParsedRecord<'_, '_>,
    index: usize,
    unit: Option<TimeUnit>,
) -> Result<i64, Fault> {
    let read =
        plain_time(record, index, unit).map_or_else(|| read_value(record, index, unit, None), Ok);
    read.map_err(|error| fault(record, index, error, Remedies::Expression))
}

/// Why there is no event time.
#[derive(Debug, thiserror::Error)]
enum NoTime {
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
) -> Result<i64, NoTime> {
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
) -> Result<i64, NoTime> {
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

fn fault(record: &ParsedRecord<'_, '_>, index: usize, fault: NoTime, remedies: Remedies) -> Fault {
    let expression = record.source(index);
    let with_options = remedies == Remedies::Options;
    let remedy = match &fault {
        NoTime::Expression(error) if error.is_passing() => return Fault::said(error.clone()),
        NoTime::Time(EventTimeError::Text(TimestampError::Form(text)))
            if is_number(text.trim_matches('"').as_bytes()) =>
        {
            format!("; it is a number in quotes; --time '{expression} | tonumber' reads it")
        }
        NoTime::Time(EventTimeError::Text(TimestampError::Form(_))) if with_options => {
            "; --time-format FORMAT reads other forms, as in '%d/%b/%Y:%H:%M:%S %z'".to_owned()
        }
        NoTime::Time(EventTimeError::Text(TimestampError::NoOffset(_))) if with_options => {
            "; or name the time zone: --tz Europe/Berlin, or --tz UTC".to_owned()
        }
        _ => String::new(),
    };
    Fault::bad(format!("--time '{expression}': {fault}{remedy}"))
}
