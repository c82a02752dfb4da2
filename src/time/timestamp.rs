//! RFC 3339 text and times as numbers.
//!
//! Read is RFC 3339 with any offset, in its lenient forms too: `T` may be `t` or a space, `Z` may
//! be `z`, the offset may lack its colon (`+0100`), as many loggers write it, and seconds may be
//! left out, as ISO 8601 allows. Where a time zone is known, the offset may be missing, and with it
//! the time of the day. The second 60 of a leap second is the first instant of the next minute, as
//! in POSIX time. Written is UTC, with a fraction only where it is not zero.

use std::ops::RangeInclusive;

use jiff::civil::{Date, DateTime, Time};

use crate::record::civil::{DAY_S, date};
use crate::record::text::excerpt;
use crate::state::{Reader, StateError};

/// The earliest time that RFC 3339 can write, 0000-01-01T00:00:00Z, in milliseconds.
pub const MIN_MS: i64 = -62_167_219_200_000;

/// The latest time that RFC 3339 can write, 9999-12-31T23:59:59.999Z, in milliseconds.
pub const MAX_MS: i64 = 253_402_300_799_999;

/// The seconds from [`MIN_MS`] to [`MAX_MS`].
const SECONDS: RangeInclusive<i64> = MIN_MS.div_euclid(1_000)..=MAX_MS.div_euclid(1_000);

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Restores a time in milliseconds that [`put_i64`](crate::state::Writer::put_i64) saved, from
/// [`MIN_MS`] to [`MAX_MS`].
///
/// # Errors
/// When it is none.
pub fn load_ms(from: &mut Reader<'_>) -> Result<i64, StateError> {
    let ms = from.take_i64()?;
    let is_time = (MIN_MS..=MAX_MS).contains(&ms);
    if is_time { Ok(ms) } else { Err(StateError::Invalid("a time beyond the years 0000 to 9999")) }
}

/// Why a text is not a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Not of the form of RFC 3339.
    #[error("{0} is not a time; write it like 2013-01-01T10:00:00Z")]
    Form(String),
    /// Without an offset nobody can tell which instant is meant.
    #[error("{0} has no offset from UTC; write it like 2013-01-01T10:00:00Z or …+01:00")]
    NoOffset(String),
    /// Of the right form, but there is no such day, hour, minute, second or offset.
    #[error("{0} does not exist in the calendar or on the clock")]
    NoSuchTime(String),
    /// In UTC, outside the years 0000 to 9999.
    #[error("{0} is outside the years 0000 to 9999")]
    OutOfRange(String),
}

/// A time that RFC 3339 cannot write: outside the years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time is outside the years 0000 to 9999")]
pub struct OutOfRange;

/// Reads an RFC 3339 time; gives milliseconds since the epoch, finer digits rounded down.
///
/// # Errors
/// When the text is not such a time. Every time that is read can also be written.
pub fn parse_ms(text: &str) -> Result<i64, TimestampError> {
    parse(text).map(|(s, ns)| s * 1_000 + ns / 1_000_000)
}

/// A time as it is written: with an offset from UTC or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// An instant, in milliseconds since the epoch.
    Instant(i64),
    /// What a clock shows, at which so many milliseconds are to be added to the instant that it is:
    /// those of a leap second, which no clock shows otherwise.
    Local(DateTime, i64),
    /// The midnight of a day without a time.
    Day(DateTime),
}

/// Reads an RFC 3339 time that may lack its offset; finer digits than milliseconds are rounded
/// down.
///
/// # Errors
/// When the text is not such a time.
pub fn read(text: &str) -> Result<Written, TimestampError> {
    let fields = Fields::read(text.as_bytes()).ok_or_else(|| form_fault(text))?;
    if fields.offset_s.is_some() {
        return fields.instant(text).map(|(s, ns)| Written::Instant(s * 1_000 + ns / 1_000_000));
    }
    let no_such = || TimestampError::NoSuchTime(excerpt(text));
    let date = fields.date(text)?;
    let Some((hour, minute)) = fields.time else { return Ok(Written::Day(date.at(0, 0, 0, 0))) };
    let small = |number: i64| i8::try_from(number).map_err(|_| no_such());
    let (hour, minute, second) = (small(hour)?, small(minute)?, small(fields.second.min(59))?);
    let nanosecond = i32::try_from(fields.nanosecond).map_err(|_| no_such())?;
    let local = Time::new(hour, minute, second, nanosecond).map_err(|_| no_such())?;
    match fields.second {
        61.. => Err(no_such()),
        second => Ok(Written::Local(date.to_datetime(local), (second - 59).max(0) * 1_000)),
    }
}

/// As [`parse_ms`], in microseconds.
///
/// # Errors
/// As [`parse_ms`].
pub fn parse_us(text: &str) -> Result<i64, TimestampError> {
    parse(text).map(|(s, ns)| s * 1_000_000 + ns / 1_000)
}

/// Appends the time as RFC 3339 in UTC: `2013-01-01T10:00:00Z`, or `…00.250Z` with milliseconds.
///
/// # Errors
/// When the time is outside [`MIN_MS`] to [`MAX_MS`]; then nothing is appended.
pub fn write_ms(ms: i64, out: &mut Vec<u8>) -> Result<(), OutOfRange> {
    let fraction = ms.rem_euclid(1_000);
    write_second(ms.div_euclid(1_000), out)?;
    if fraction != 0 {
        out.push(b'.');
        write_digits::<3>(fraction, out);
    }
    out.push(b'Z');
    Ok(())
}

/// As [`write_ms`] for microseconds: always six digits of fraction, so that times sort as texts do.
///
/// # Errors
/// As [`write_ms`].
pub fn write_us(us: i64, out: &mut Vec<u8>) -> Result<(), OutOfRange> {
    write_second(us.div_euclid(1_000_000), out)?;
    out.push(b'.');
    write_digits::<6>(us.rem_euclid(1_000_000), out);
    out.push(b'Z');
    Ok(())
}

/// The time as [`write_us`] writes it, to be shown; the bare number where that has no form, as a
/// clock that is far off gives.
pub fn show_us(us: i64) -> String {
    let mut out = Vec::new();
    match write_us(us, &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => us.to_string(),
    }
}

/// The time as [`write_ms`] writes it, for messages; the bare number where that has no form.
pub fn show_ms(ms: i64) -> String {
    let mut out = Vec::new();
    match write_ms(ms, &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(OutOfRange) => format!("{ms} ms since the epoch"),
    }
}

/// Reads a time as seconds since the epoch and nanoseconds beyond, these never negative.
fn parse(text: &str) -> Result<(i64, i64), TimestampError> {
    let fields = Fields::read(text.as_bytes()).ok_or_else(|| form_fault(text))?;
    fields.instant(text)
}

/// The numbers of a time as they stand in the text.
struct Fields {
    year: i16,
    month: i8,
    day: i8,
    /// Hours and minutes, if there is more than a day.
    time: Option<(i64, i64)>,
    second: i64,
    nanosecond: i64,
    offset_s: Option<i64>,
}

impl Fields {
    fn read(text: &[u8]) -> Option<Fields> {
        let (date, rest) = text.split_first_chunk::<10>()?;
        if [date[4], date[7]] != *b"--" {
            return None;
        }
        let day = Fields {
            year: i16::try_from(digits(&date[..4])?).ok()?,
            month: i8::try_from(digits(&date[5..7])?).ok()?,
            day: i8::try_from(digits(&date[8..])?).ok()?,
            time: None,
            second: 0,
            nanosecond: 0,
            offset_s: None,
        };
        if rest.is_empty() {
            return Some(day);
        }
        let (time, rest) = rest.split_first_chunk::<6>()?;
        if !matches!(time[0], b'T' | b't' | b' ') || time[3] != b':' {
            return None;
        }
        let minutes = Some((digits(&time[1..3])?, digits(&time[4..])?));
        let (second, nanosecond, rest) = match rest {
            [b':', a, b, rest @ ..] => {
                let (nanosecond, rest) = read_fraction(rest)?;
                (digits(&[*a, *b])?, nanosecond, rest)
            }
            rest => (0, 0, rest),
        };
        let offset_s = if rest.is_empty() { None } else { Some(read_offset(rest)?) };
        Some(Fields { time: minutes, second, nanosecond, offset_s, ..day })
    }

    fn date(&self, text: &str) -> Result<Date, TimestampError> {
        let no_such = |_| TimestampError::NoSuchTime(excerpt(text));
        Date::new(self.year, self.month, self.day).map_err(no_such)
    }

    /// Seconds since the epoch and nanoseconds beyond.
    fn instant(&self, text: &str) -> Result<(i64, i64), TimestampError> {
        let (Some((hour, minute)), Some(offset_s)) = (self.time, self.offset_s) else {
            return Err(TimestampError::NoOffset(excerpt(text)));
        };
        let date = self.date(text)?;
        let Fields { second, nanosecond, .. } = *self;
        if hour > 23 || minute > 59 || second > 60 || offset_s.abs() >= 86_400 {
            return Err(TimestampError::NoSuchTime(excerpt(text)));
        }
        let day_s = date.duration_since(EPOCH.date()).as_secs();
        let s = day_s + hour * 3_600 + minute * 60 + second - offset_s;
        if SECONDS.contains(&s) {
            Ok((s, nanosecond))
        } else {
            Err(TimestampError::OutOfRange(excerpt(text)))
        }
    }
}

/// Reads `.5` and the like; gives nanoseconds, finer digits dropped.
fn read_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(fraction) = text.strip_prefix(b".") else { return Some((0, text)) };
    let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = fraction.split_at(count);
    let kept = digits(&fraction[..count.min(9)])?;
    let missing = u32::try_from(9 - count.min(9)).ok()?;
    Some((kept * 10_i64.pow(missing), rest))
}

/// Reads `Z`, `+01:00` or `+0100`, and nothing behind it; gives seconds.
fn read_offset(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match text {
        [b'Z' | b'z'] => return Some(0),
        [sign, a, b, b':', c, d] | [sign, a, b, c, d] => (sign, [*a, *b], [*c, *d]),
        _ => return None,
    };
    let minutes = digits(&minutes)?;
    // 99 minutes are of the right form; 86 400 seconds are no offset on any clock.
    let seconds = if minutes > 59 { 86_400 } else { digits(&hours)? * 3_600 + minutes * 60 };
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// The value of a few decimal digits; none if there is anything else, or nothing.
fn digits(text: &[u8]) -> Option<i64> {
    let value = |sum: i64, byte: &u8| Some(sum * 10 + i64::from(byte - b'0'));
    let all = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    all.then(|| text.iter().try_fold(0, value)).flatten()
}

fn form_fault(text: &str) -> TimestampError {
    TimestampError::Form(excerpt(text))
}

fn write_second(s: i64, out: &mut Vec<u8>) -> Result<(), OutOfRange> {
    if !SECONDS.contains(&s) {
        return Err(OutOfRange);
    }
    let (year, month, day) = date(s.div_euclid(DAY_S));
    let of_day = s.rem_euclid(DAY_S);
    let mut text = *b"0000-00-00T00:00:00";
    let parts = [
        (0, year / 100),
        (2, year % 100),
        (5, month + 1),
        (8, day),
        (11, of_day / 3_600),
        (14, of_day / 60 % 60),
        (17, of_day % 60),
    ];
    for (at, value) in parts {
        text[at] = digit(value / 10);
        text[at + 1] = digit(value % 10);
    }
    out.extend_from_slice(&text);
    Ok(())
}

fn write_digits<const WIDTH: usize>(mut value: i64, out: &mut Vec<u8>) {
    let mut text = [0; WIDTH];
    for place in text.iter_mut().rev() {
        *place = digit(value % 10);
        value /= 10;
    }
    out.extend_from_slice(&text);
}

/// A number below ten as a digit.
fn digit(value: i64) -> u8 {
    b'0' + u8::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn any_offset_is_read() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2013-01-01T10:00:00Z", 1_357_034_400_000),
            ("2013-01-01 11:00:00.25+01:00", 1_357_034_400_250),
            ("2013-01-01t05:30:00-0430", 1_357_034_400_000),
            ("2013-01-01T10:00:00-00:00", 1_357_034_400_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("2013-01-01T10:00Z", 1_357_034_400_000),
            ("2013-01-01 11:00+01:00", 1_357_034_400_000),
            ("2024-02-29T00:00:00z", 1_709_164_800_000),
            ("0000-01-01T00:00:00Z", MIN_MS),
            ("9999-12-31T23:59:59.999999Z", MAX_MS),
        ] {
            assert_eq!(parse_ms(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn finer_digits_are_rounded_down_before_1970_too() {
        assert_eq!(parse_ms("1969-12-31T23:59:59.9999999999Z"), Ok(-1));
        assert_eq!(parse_ms("1969-12-31T23:59:59.0001Z"), Ok(-1_000));
        assert_eq!(parse_us("1969-12-31T23:59:59.0000019Z"), Ok(-999_999));
        assert_eq!(parse_us("1970-01-01T00:00:00.1234567Z"), Ok(123_456));
    }

    #[test]
    fn what_is_not_a_time_is_told_apart() {
        type Fault = fn(String) -> TimestampError;
        let faults: [(&str, Fault); 16] = [
            ("", TimestampError::Form),
            ("yesterday", TimestampError::Form),
            ("2013-01-01", TimestampError::NoOffset),
            ("2013-01-01T10:00", TimestampError::NoOffset),
            ("2013-01-01T10:00:00.Z", TimestampError::Form),
            ("2013-01-01T10:00:00Z ", TimestampError::Form),
            ("2013-01-01T10:00:00+1", TimestampError::Form),
            ("2013-1-01T10:00:00Z", TimestampError::Form),
            ("2013-01-01T10:00:00", TimestampError::NoOffset),
            ("2013-01-01T10:00:00.5", TimestampError::NoOffset),
            ("2013-02-29T10:00:00Z", TimestampError::NoSuchTime),
            ("2013-01-01T24:00:00Z", TimestampError::NoSuchTime),
            ("2013-01-01T10:00:61Z", TimestampError::NoSuchTime),
            ("2013-01-01T10:00:00+01:60", TimestampError::NoSuchTime),
            ("9999-12-31T23:59:59-01:00", TimestampError::OutOfRange),
            ("0000-01-01T00:00:00+00:01", TimestampError::OutOfRange),
        ];
        for (text, fault) in faults {
            assert_eq!(parse_ms(text), Err(fault(excerpt(text))), "{text}");
        }
    }

    #[test]
    fn what_has_no_offset_is_local() {
        let local = |text: &str, leap_ms| Ok(Written::Local(text.parse().unwrap(), leap_ms));
        for (text, expected) in [
            ("2013-01-01T10:00:00Z", Ok(Written::Instant(1_357_034_400_000))),
            ("2013-01-01 11:00+0100", Ok(Written::Instant(1_357_034_400_000))),
            ("2013-01-01T10:00:00", local("2013-01-01T10:00:00", 0)),
            ("2013-01-01 10:00", local("2013-01-01T10:00:00", 0)),
            ("2013-01-01 10:00:30.25", local("2013-01-01T10:00:30.25", 0)),
            ("2016-12-31T23:59:60.5", local("2016-12-31T23:59:59.5", 1_000)),
            ("2013-01-01", Ok(Written::Day("2013-01-01T00:00:00".parse().unwrap()))),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        for text in ["2013-02-29", "2013-01-01T24:00", "2013-01-01T10:60", "2013-01-01T10:00:61"] {
            assert_eq!(read(text), Err(TimestampError::NoSuchTime(excerpt(text))), "{text}");
        }
        for text in ["2013-01-01T", "2013-01-01T10", "2013-01-01T10:00:", "2013-01-01Z"] {
            assert_eq!(read(text), Err(TimestampError::Form(excerpt(text))), "{text}");
        }
    }

    #[test]
    fn written_is_utc_with_a_fraction_where_there_is_one() {
        for (us, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (-1_000, "1969-12-31T23:59:59.999000Z"),
            (1_357_034_400_050_000, "2013-01-01T10:00:00.050000Z"),
            (1_357_034_400_050_001, "2013-01-01T10:00:00.050001Z"),
        ] {
            let mut out = Vec::new();
            assert_eq!(write_us(us, &mut out), Ok(()));
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_357_034_400_000, "2013-01-01T10:00:00Z"),
            (1_357_034_400_050, "2013-01-01T10:00:00.050Z"),
        ] {
            assert_eq!(show_ms(ms), text);
        }
        for ms in [MIN_MS - 1, MAX_MS + 1, i64::MIN, i64::MAX] {
            let mut out = Vec::new();
            assert_eq!((write_ms(ms, &mut out), out.len()), (Err(OutOfRange), 0), "{ms}");
        }
        assert_eq!(show_ms(i64::MIN), "-9223372036854775808 ms since the epoch");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(ms in MIN_MS..=MAX_MS, below_ms in 0..1_000_i64) {
            let mut out = Vec::new();
            prop_assert_eq!(write_ms(ms, &mut out), Ok(()));
            prop_assert_eq!(parse_ms(std::str::from_utf8(&out).unwrap()), Ok(ms));
            let us = ms * 1_000 + below_ms;
            out.clear();
            prop_assert_eq!(write_us(us, &mut out), Ok(()));
            prop_assert_eq!(out.len(), "2013-01-01T10:00:00.000000Z".len());
            prop_assert_eq!(parse_us(std::str::from_utf8(&out).unwrap()), Ok(us));
        }

        #[test]
        fn agrees_with_jiff(ms in MIN_MS + 86_400_000..=MAX_MS - 2 * 86_400_000, minutes in -1_439..1_440) {
            let offset = jiff::tz::Offset::from_seconds(minutes * 60).unwrap();
            let theirs = jiff::Timestamp::from_millisecond(ms).unwrap();
            let text = theirs.display_with_offset(offset).to_string();
            prop_assert_eq!(parse_ms(&text), Ok(ms), "{}", text);
        }

        #[test]
        fn never_panics(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-9]{2}:[0-9]{2}\\PC{0,8}|\\PC{0,24}") {
            let _ = parse_us(&text);
        }
    }
}
