//! RFC 3339 text and times as numbers.
//!
//! Read is RFC 3339 with any offset, in its lenient forms too: `T` may be `t` or a space, `Z` may
//! be `z`, and the offset may lack its colon (`+0100`), as many loggers write it. The second 60 of
//! a leap second is the first instant of the next minute, as in POSIX time. Written is UTC, with a
//! fraction only where it is not zero.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use crate::record::text::excerpt;

/// The earliest time that RFC 3339 can write, 0000-01-01T00:00:00Z, in milliseconds.
pub const MIN_MS: i64 = -62_167_219_200_000;

/// The latest time that RFC 3339 can write, 9999-12-31T23:59:59.999Z, in milliseconds.
pub const MAX_MS: i64 = 253_402_300_799_999;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

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
        write_digits(fraction, 3, out);
    }
    out.push(b'Z');
    Ok(())
}

/// As [`write_ms`] for microseconds: six digits of fraction where three do not suffice.
///
/// # Errors
/// As [`write_ms`].
pub fn write_us(us: i64, out: &mut Vec<u8>) -> Result<(), OutOfRange> {
    let fraction = us.rem_euclid(1_000);
    if fraction == 0 {
        return write_ms(us.div_euclid(1_000), out);
    }
    write_second(us.div_euclid(1_000_000), out)?;
    out.push(b'.');
    write_digits(us.rem_euclid(1_000_000), 6, out);
    out.push(b'Z');
    Ok(())
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
    let no_such = || TimestampError::NoSuchTime(excerpt(text));
    let date = Date::new(fields.year, fields.month, fields.day).map_err(|_| no_such())?;
    let Fields { hour, minute, second, nanosecond, offset_s, .. } = fields;
    if hour > 23 || minute > 59 || second > 60 || offset_s.abs() >= 86_400 {
        return Err(no_such());
    }
    let day_s = date.duration_since(EPOCH.date()).as_secs();
    let s = day_s + hour * 3_600 + minute * 60 + second - offset_s;
    if (MIN_MS.div_euclid(1_000)..=MAX_MS.div_euclid(1_000)).contains(&s) {
        Ok((s, nanosecond))
    } else {
        Err(TimestampError::OutOfRange(excerpt(text)))
    }
}

/// The numbers of a time as they stand in the text.
struct Fields {
    year: i16,
    month: i8,
    day: i8,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    offset_s: i64,
}

impl Fields {
    fn read(text: &[u8]) -> Option<Fields> {
        let (head, rest) = text.split_first_chunk::<19>()?;
        let separators = [head[4], head[7], head[13], head[16]];
        if separators != *b"--::" || !matches!(head[10], b'T' | b't' | b' ') {
            return None;
        }
        let (nanosecond, rest) = read_fraction(rest)?;
        Some(Fields {
            year: i16::try_from(digits(&head[..4])?).ok()?,
            month: i8::try_from(digits(&head[5..7])?).ok()?,
            day: i8::try_from(digits(&head[8..10])?).ok()?,
            hour: digits(&head[11..13])?,
            minute: digits(&head[14..16])?,
            second: digits(&head[17..])?,
            nanosecond,
            offset_s: read_offset(rest)?,
        })
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

/// What is wrong with a text that is not a time.
fn form_fault(text: &str) -> TimestampError {
    if Fields::read(format!("{text}Z").as_bytes()).is_some() {
        TimestampError::NoOffset(excerpt(text))
    } else {
        TimestampError::Form(excerpt(text))
    }
}

fn write_second(s: i64, out: &mut Vec<u8>) -> Result<(), OutOfRange> {
    let time = EPOCH.checked_add(SignedDuration::from_secs(s)).map_err(|_| OutOfRange)?;
    if time.year() < 0 {
        return Err(OutOfRange);
    }
    write_digits(time.year().into(), 4, out);
    let parts: [(u8, i8); 5] = [
        (b'-', time.month()),
        (b'-', time.day()),
        (b'T', time.hour()),
        (b':', time.minute()),
        (b':', time.second()),
    ];
    for (separator, part) in parts {
        out.push(separator);
        write_digits(part.into(), 2, out);
    }
    Ok(())
}

fn write_digits(value: i64, width: u32, out: &mut Vec<u8>) {
    for place in (0..width).rev() {
        let digit = value / 10_i64.pow(place) % 10;
        // A remainder by ten fits.
        out.push(b'0' + u8::try_from(digit).unwrap_or_default());
    }
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
            ("2013-01-01", TimestampError::Form),
            ("2013-01-01T10:00Z", TimestampError::Form),
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
    fn written_is_utc_with_a_fraction_where_there_is_one() {
        for (us, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (-1_000, "1969-12-31T23:59:59.999Z"),
            (1_357_034_400_000_000, "2013-01-01T10:00:00Z"),
            (1_357_034_400_050_000, "2013-01-01T10:00:00.050Z"),
            (1_357_034_400_050_001, "2013-01-01T10:00:00.050001Z"),
        ] {
            let mut out = Vec::new();
            assert_eq!(write_us(us, &mut out), Ok(()));
            assert_eq!(String::from_utf8_lossy(&out), text);
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
