//! Dates: seconds since 1970, jq's broken-down times, and texts, all in UTC.
//!
//! A broken-down time is an array of the year, the month from 0, the day, hours, minutes, seconds,
//! the weekday from Sunday, and the day of the year from 0, as the C library has it.

use jaq_core::native::{Fun, bome, run, unary, v};
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;

use super::data::Kind;
use super::strptime::{strptime, whole};
use super::val::errors::plain;
use super::val::{Error, Number, Val, ValR};
use crate::expr::meter;
use crate::record::civil::{DAY_S, date, days_before, weekday};

/// The latest time that can be broken down, in seconds before or after 1970: some 30,000 years.
const SECONDS_MAX: f64 = 1e12;

/// What is neither a number of seconds nor broken down.
const UNBROKEN: &str = "strftime/1 requires parsed datetime inputs";

/// The functions on dates.
pub(super) fn natives() -> [Fun<Kind>; 6] {
    [
        run(("gmtime", v(0), |cv| bome(seconds(&cv.1).map(|time| time.to_value())))),
        run(("mktime", v(0), |cv| bome(mktime(&cv.1)))),
        run(("strptime", v(1), |cv| unary(cv, |text, format| read(&text, &format)))),
        run(("strftime", v(1), |cv| unary(cv, |time, format| formatted(&time, &format)))),
        run(("todateiso8601", v(0), |cv| bome(to_date(&cv.1)))),
        run(("fromdateiso8601", v(0), |cv| bome(from_date(&cv.1)))),
    ]
}

/// A broken-down time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) year: i64,
    /// From 0.
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) micros: i64,
    /// How far it is ahead of UTC, where a text said so.
    pub(super) offset_s: Option<i64>,
}

impl Broken {
    /// The time so many seconds and microseconds after 1970 began.
    pub(super) fn at(epoch_s: i64, micros: i64) -> Broken {
        let (year, month, day) = date(epoch_s.div_euclid(DAY_S));
        let of_day = epoch_s.rem_euclid(DAY_S);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        Broken { year, month, day, hour, minute, second, micros, offset_s: None }
    }

    fn days(&self) -> i64 {
        days_before(self.year, self.month, self.day)
    }

    /// The seconds since 1970, whatever the offset; hours, minutes and seconds may be beyond a day.
    fn epoch_s(&self) -> i64 {
        self.days() * DAY_S + self.hour * 3600 + self.minute * 60 + self.second
    }

    fn to_value(self) -> Val {
        let second = match self.micros {
            0 => Val::Int(self.second),
            micros => Val::Float((self.second * 1_000_000 + micros) as f64 / 1e6),
        };
        let (days, first) = (self.days(), days_before(self.year, 0, 1));
        let [year, month, day, hour, minute, weekday, of_year] =
            [self.year, self.month, self.day, self.hour, self.minute, weekday(days), days - first]
                .map(Val::Int);
        [year, month, day, hour, minute, second, weekday, of_year].into_iter().collect()
    }
}

/// A number of seconds, broken down.
fn seconds(value: &Val) -> Result<Broken, Error> {
    let number = value.number().ok_or_else(|| plain("gmtime() requires numeric inputs"))?;
    if !(-SECONDS_MAX..=SECONDS_MAX).contains(&number.as_f64()) {
        return Err(out_of_range(value));
    }
    let micros = match number {
        Number::Int(seconds) => return Ok(Broken::at(seconds, 0)),
        Number::Float(seconds) => (seconds * 1e6).round() as i64,
    };
    Ok(Broken::at(micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000)))
}

/// An array that is a broken-down time, or the beginning of one: what is missing is 0. Its
/// fractions are left out, but for those of the second. `why` says what is wrong with another
/// value.
fn broken(value: &Val, why: &'static str) -> Result<Broken, Error> {
    let Val::Arr(items) = value else { return Err(plain(why)) };
    let mut parts = [0.0; 8];
    for (part, item) in parts.iter_mut().zip(items.iter()) {
        *part = item.number().map(Number::as_f64).ok_or_else(|| plain(why))?;
    }
    let [year, month, day, hour, minute, second, ..] = parts;
    // Beyond these, seconds do not fit in 64 bits.
    let small = |number: f64| (-SECONDS_MAX..=SECONDS_MAX).contains(&number);
    if ![month, day, hour, minute, second].into_iter().all(small) || year.abs() > 1e6 {
        return Err(out_of_range(value));
    }
    let [year, month, day, hour, minute] =
        [year, month, day, hour, minute].map(|number| number as i64);
    let micros = (second * 1e6).round() as i64;
    let (second, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    Ok(Broken { year, month, day, hour, minute, second, micros, offset_s: None })
}

/// A time, as a number or broken down, with all its parts in their ranges.
fn time(value: &Val) -> Result<Broken, Error> {
    match value {
        Val::Int(_) | Val::Float(_) | Val::Literal(_) => seconds(value),
        other => broken(other, UNBROKEN).map(|time| Broken::at(time.epoch_s(), time.micros)),
    }
}

fn out_of_range(value: &Val) -> Error {
    Error::str(format_args!("time {value} out of range"))
}

fn no_match(text: &str, format: &str) -> Error {
    Error::str(format_args!("date \"{text}\" does not match format \"{format}\""))
}

fn mktime(value: &Val) -> ValR {
    let why = match value {
        Val::Arr(_) => "mktime requires parsed datetime inputs",
        _ => "mktime requires array inputs",
    };
    broken(value, why).map(|time| Val::Int(time.epoch_s()))
}

fn read(text: &Val, format: &Val) -> ValR {
    let (Val::Text(text), Val::Text(format)) = (text, format) else {
        return Err(plain("strptime/1 requires string inputs and arguments"));
    };
    meter::work(text.len() + format.len());
    let read = strptime(text, format);
    read.map(Broken::to_value).ok_or_else(|| no_match(text, format))
}

/// A time of the years -9999 to 9999 as a text.
fn formatted(value: &Val, format: &Val) -> ValR {
    let time = time(value)?;
    let Val::Text(format) = format else {
        return Err(plain("strftime/1 requires a string format"));
    };
    let small = |number: i64| i8::try_from(number).unwrap_or_default();
    let date = i16::try_from(time.year).ok().and_then(|year| {
        let nanos = i32::try_from(time.micros * 1000).unwrap_or_default();
        let (month, day) = (small(time.month + 1), small(time.day));
        let (hour, minute, second) = (small(time.hour), small(time.minute), small(time.second));
        DateTime::new(year, month, day, hour, minute, second, nanos).ok()
    });
    let mut date = BrokenDownTime::from(date.ok_or_else(|| out_of_range(value))?);
    date.set_offset(Some(Offset::UTC));
    let format = in_the_c_locale(format, &time);
    date.to_string(&format).map(Val::text).map_err(Error::str)
}

/// A format without the directives that depend on the locale or the zone.
fn in_the_c_locale(format: &str, time: &Broken) -> String {
    let mut plain = String::with_capacity(format.len());
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let directive = after.chars().next();
        rest = after.get(directive.map_or(0, char::len_utf8)..).unwrap_or_default();
        match directive {
            Some('Z') => plain.push_str("UTC"),
            Some('s') => plain.push_str(&time.epoch_s().to_string()),
            Some(directive) => match whole(directive) {
                Some(format) => plain.push_str(format),
                None => plain.extend(['%', directive]),
            },
            None => plain.push('%'),
        }
    }
    plain + rest
}

fn to_date(value: &Val) -> ValR {
    let Broken { year, month, day, hour, minute, second, micros, .. } = time(value)?;
    let fraction = match micros {
        0 => String::new(),
        micros => format!(".{micros:06}").trim_end_matches('0').to_owned(),
    };
    let (sign, year) = (if year < 0 { "-" } else { "" }, year.abs());
    Ok(Val::text(format!(
        "{sign}{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z",
        month + 1
    )))
}

fn from_date(value: &Val) -> ValR {
    let Val::Text(text) = value else {
        return Err(plain("strptime/1 requires string inputs and arguments"));
    };
    let read = strptime(text, "%Y-%m-%dT%H:%M:%S%.f%z");
    let (epoch_s, micros) = match read.and_then(|time| Some((time, time.offset_s?))) {
        Some((time, offset_s)) => (time.epoch_s() - offset_s, time.micros),
        // It knows a few more spellings.
        None => {
            let why = |_| no_match(text, "%Y-%m-%dT%H:%M:%SZ");
            let time: jiff::Timestamp = text.parse().map_err(why)?;
            (time.as_second(), i64::from(time.subsec_microsecond()))
        }
    };
    Ok(match text.contains('.') {
        false => Val::Int(epoch_s),
        true => Val::Float((epoch_s * 1_000_000 + micros) as f64 / 1e6),
    })
}
