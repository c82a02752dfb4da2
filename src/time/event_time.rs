//! From what a record says about its time to milliseconds since the epoch.
//!
//! A text is RFC 3339 ([`super::timestamp`]), and may lack its offset where it is known whose
//! clock it was read from ([`super::local`]). A number counts seconds, milliseconds, microseconds
//! or nanoseconds since the epoch: the unit is fixed by [`TimeUnit`], or told by magnitude:
//!
//! | the number's absolute value | unit | which are the years |
//! | --- | --- | --- |
//! | below 10^11 | seconds | to 5138 |
//! | below 10^14 | milliseconds | 1973 to 5138 |
//! | below 10^17 | microseconds | 1973 to 5138 |
//! | from 10^17 on | nanoseconds | from 1973 on |
//!
//! So a time that stands close to the epoch in a fine unit needs the unit named. Fractions are
//! rounded down to the millisecond, exactly: no floating point is in between.

use std::str::FromStr;

use super::format::FormatMismatch;
use super::local::{LocalClock, LocalTimeError};
use super::timestamp::{self, MAX_MS, MIN_MS, TimestampError, Written};
use crate::record::text::{excerpt, is_number};

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// Why a value is not an event time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventTimeError {
    /// There is no value.
    #[error("the record has no event time: it is missing or null")]
    Missing,
    /// Something else than a text or a number; the name of its kind.
    #[error("an event time is an RFC 3339 string or a number, not a value of type {0}")]
    Kind(&'static str),
    /// A text that is not a time.
    #[error(transparent)]
    Text(#[from] TimestampError),
    /// A time of a clock that shows it twice or never.
    #[error("{text}: {error}")]
    Local {
        /// The time.
        text: String,
        /// What is wrong with it.
        error: LocalTimeError,
    },
    /// A text that is not of the form that was described.
    #[error(transparent)]
    Format(#[from] FormatMismatch),
    /// A number that lands outside the years that RFC 3339 can write.
    #[error("as a time, {0} is outside the years 0000 to 9999")]
    OutOfRange(String),
}

/// Reads a text as an event time; gives milliseconds since the epoch. One without an offset is read
/// by `clock`, if there is one.
///
/// # Errors
/// When it is not RFC 3339, or none of the times of the clock.
pub fn from_text(text: &str, clock: Option<&mut LocalClock>) -> Result<i64, EventTimeError> {
    let Some(clock) = clock else { return Ok(timestamp::parse_ms(text)?) };
    let read = match timestamp::read(text)? {
        Written::Instant(time_ms) => {
            clock.note(time_ms);
            Ok(time_ms)
        }
        Written::Local(local, leap_ms) => clock.read(local).map(|time_ms| time_ms + leap_ms),
        Written::Day(midnight) => clock.read_day(midnight),
    };
    read.map_err(|error| EventTimeError::Local { text: excerpt(text), error })
}

/// Reads a number, in its JSON spelling, as an event time; gives milliseconds since the epoch.
/// Without a unit, the magnitude tells it.
///
/// # Errors
/// When the time is outside the years 0000 to 9999.
pub fn from_number(number: &str, unit: Option<TimeUnit>) -> Result<i64, EventTimeError> {
    scale(number, unit)
        .filter(|ms| (MIN_MS..=MAX_MS).contains(ms))
        .ok_or_else(|| EventTimeError::OutOfRange(shorten(number)))
}

/// As [`from_number`], of a positive whole number of few digits, as most times are; none for all
/// others, and where there is no such time.
#[inline]
pub fn from_digits(number: &[u8], unit: Option<TimeUnit>) -> Option<i64> {
    scale_whole(number, unit).filter(|ms| (MIN_MS..=MAX_MS).contains(ms))
}

impl FromStr for TimeUnit {
    type Err = String;

    fn from_str(text: &str) -> Result<TimeUnit, String> {
        match text {
            "s" => Ok(TimeUnit::Seconds),
            "ms" => Ok(TimeUnit::Milliseconds),
            "us" | "µs" => Ok(TimeUnit::Microseconds),
            "ns" => Ok(TimeUnit::Nanoseconds),
            _ => Err(format!("'{text}' is not a unit of time; the units are s, ms, us and ns")),
        }
    }
}

impl TimeUnit {
    /// The unit that a number means with so many digits before its decimal point.
    fn by_magnitude(whole_digits: i64) -> TimeUnit {
        match whole_digits {
            ..=11 => TimeUnit::Seconds,
            12..=14 => TimeUnit::Milliseconds,
            15..=17 => TimeUnit::Microseconds,
            _ => TimeUnit::Nanoseconds,
        }
    }

    /// By how many digits the decimal point moves to the right to give milliseconds.
    fn shift(self) -> i64 {
        match self {
            TimeUnit::Seconds => 3,
            TimeUnit::Milliseconds => 0,
            TimeUnit::Microseconds => -3,
            TimeUnit::Nanoseconds => -6,
        }
    }
}

/// Moves the decimal point and rounds down; none if the number is not one, or does not fit.
fn scale(number: &str, unit: Option<TimeUnit>) -> Option<i64> {
    if let Some(ms) = scale_whole(number.as_bytes(), unit) {
        return Some(ms);
    }
    let decimal = Decimal::read(number)?;
    let unit = unit.unwrap_or_else(|| TimeUnit::by_magnitude(decimal.point));
    let point = decimal.point.saturating_add(unit.shift());
    let mut digits = decimal.whole.bytes().chain(decimal.fraction.bytes());
    let mut ms: i64 = 0;
    for _ in 0..point.clamp(0, 20) {
        let digit = i64::from(digits.next().unwrap_or(b'0') - b'0');
        ms = ms.checked_mul(10)?.checked_add(digit)?;
    }
    let exact = digits.all(|digit| digit == b'0');
    match (decimal.negative, point) {
        (_, 21..) if ms != 0 => None,
        (false, _) => Some(ms),
        (true, _) => Some(-ms - i64::from(!exact)),
    }
}

/// The same for a positive whole number of few digits, as most times are; none for all others.
#[inline]
fn scale_whole(number: &[u8], unit: Option<TimeUnit>) -> Option<i64> {
    const DIGITS_MAX: usize = 18;
    if number.len() > DIGITS_MAX || !matches!(number.first(), Some(b'1'..=b'9')) {
        return None;
    }
    let mut whole: i64 = 0;
    for byte in number {
        if !byte.is_ascii_digit() {
            return None;
        }
        whole = whole * 10 + i64::from(byte - b'0');
    }
    let digits = i64::try_from(number.len()).ok()?;
    match unit.unwrap_or_else(|| TimeUnit::by_magnitude(digits)) {
        TimeUnit::Seconds => whole.checked_mul(1_000),
        TimeUnit::Milliseconds => Some(whole),
        TimeUnit::Microseconds => Some(whole / 1_000),
        TimeUnit::Nanoseconds => Some(whole / 1_000_000),
    }
}

/// A JSON number taken apart: `whole` and `fraction` are the digits without leading zeros, and the
/// decimal point stands behind the first `point` of them (before them all, if that is negative).
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    point: i64,
}

impl Decimal<'_> {
    fn read(number: &str) -> Option<Decimal<'_>> {
        if !is_number(number.as_bytes()) {
            return None;
        }
        let (negative, number) = match number.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, number),
        };
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let whole = whole.trim_start_matches('0');
        let leading = if whole.is_empty() { fraction.len() } else { 0 };
        let fraction = if whole.is_empty() { fraction.trim_start_matches('0') } else { fraction };
        let zeros = i64::try_from(leading - fraction.len().min(leading)).ok()?;
        // An exponent that does not fit stands for one beyond all bounds.
        let beyond = if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
        let exponent = exponent.parse().unwrap_or(beyond).clamp(i64::MIN / 4, i64::MAX / 4);
        let point = if whole.is_empty() { -zeros } else { i64::try_from(whole.len()).ok()? };
        // Zero has no magnitude, whatever its exponent.
        let zero = whole.is_empty() && fraction.is_empty();
        let point = if zero { 0 } else { point + exponent };
        Some(Decimal { negative, whole, fraction, point })
    }
}

fn shorten(number: &str) -> String {
    if number.len() <= 40 { number.to_owned() } else { excerpt(number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Ambiguous;
    use proptest::prelude::*;

    fn guess(number: &str) -> Option<i64> {
        from_number(number, None).ok()
    }

    #[test]
    fn magnitude_tells_the_unit() {
        for (number, ms) in [
            ("0", 0),
            ("-0.0e99", 0),
            ("1357034400", 1_357_034_400_000),
            ("1357034400.25", 1_357_034_400_250),
            ("1.3570344e9", 1_357_034_400_000),
            ("1357034400250", 1_357_034_400_250),
            ("1357034400250999", 1_357_034_400_250),
            ("1357034400250999999", 1_357_034_400_250),
            ("99999999999", 99_999_999_999_000),
            ("100000000000", 100_000_000_000),
            ("99999999999999", 99_999_999_999_999),
            ("100000000000000", 100_000_000_000),
            ("99999999999999999", 99_999_999_999_999),
            ("100000000000000000", 100_000_000_000),
            ("-99999999999", -62_167_219_200_001),
            ("-100000000000", -100_000_000_000),
        ] {
            let expected = Some(ms).filter(|ms| *ms >= MIN_MS);
            assert_eq!(guess(number), expected, "{number}");
        }
    }

    #[test]
    fn fractions_are_rounded_down_exactly() {
        assert_eq!(guess("1357034400.123"), Some(1_357_034_400_123));
        assert_eq!(guess("1357034400.1229999999999999999999"), Some(1_357_034_400_122));
        assert_eq!(guess("-0.0001"), Some(-1));
        assert_eq!(guess("-1.001"), Some(-1_001));
        assert_eq!(guess("-1.0010000000000000000000001"), Some(-1_002));
        assert_eq!(guess("5e-324"), Some(0));
        assert_eq!(guess("-5e-99999999999999999999"), Some(-1));
        assert_eq!(from_number("-1", Some(TimeUnit::Nanoseconds)), Ok(-1));
    }

    #[test]
    fn a_named_unit_is_taken_at_its_word() {
        let number = "86400000";
        for (unit, ms) in [("s", 86_400_000_000), ("ms", 86_400_000), ("us", 86_400), ("ns", 86)] {
            assert_eq!(from_number(number, Some(unit.parse().unwrap())), Ok(ms), "{unit}");
        }
        assert!("h".parse::<TimeUnit>().is_err());
    }

    #[test]
    fn what_is_outside_the_years_is_refused() {
        for number in
            ["1e300", "-1e300", "1e99999999999999999999", "123456789012345678901234567890"]
        {
            let error = EventTimeError::OutOfRange(number.to_owned());
            assert_eq!(from_number(number, None), Err(error));
        }
        assert!(from_number("253402300800", Some(TimeUnit::Seconds)).is_err());
        assert_eq!(from_number("253402300799.9999", Some(TimeUnit::Seconds)), Ok(MAX_MS));
    }

    #[test]
    fn a_text_without_an_offset_needs_a_clock() {
        let mut clock = LocalClock::new("Europe/Berlin".parse().unwrap(), Ambiguous::Reject);
        let mut read = |text| from_text(text, Some(&mut clock)).map(timestamp::show_ms);
        for (text, time) in [
            ("2020-01-01T00:00:00", "2019-12-31T23:00:00Z"),
            ("2020-07-01 12:30", "2020-07-01T10:30:00Z"),
            ("2020-07-01", "2020-06-30T22:00:00Z"),
            ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
            ("2017-01-01T00:59:60", "2017-01-01T00:00:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(time), "{text}");
        }
        let why = read("2024-10-27T02:30:00").unwrap_err().to_string();
        assert!(
            why.starts_with("\"2024-10-27T02:30:00\": it occurs twice in Europe/Berlin"),
            "{why}"
        );
        let none = from_text("2020-01-01T00:00:00", None);
        let no_offset = TimestampError::NoOffset("\"2020-01-01T00:00:00\"".to_owned());
        assert_eq!(none, Err(EventTimeError::Text(no_offset)));
    }

    proptest! {
        /// The short way of plain whole numbers and the long way are one.
        #[test]
        fn whole_numbers_mean_what_decimals_mean(whole in 1_i64..1_000_000_000_000_000_000, digits in 1..=18_u32) {
            let whole = (whole / 10_i64.pow(18 - digits)).max(1);
            use TimeUnit::{Microseconds, Milliseconds, Nanoseconds, Seconds};
            for unit in [None, Some(Seconds), Some(Milliseconds), Some(Microseconds), Some(Nanoseconds)] {
                let decimal = scale(&format!("{whole}.0"), unit);
                prop_assert_eq!(scale(&whole.to_string(), unit), decimal, "{} {:?}", whole, unit);
            }
        }

        /// Against plain integer arithmetic: a whole number of each unit, with zeros and an exponent.
        #[test]
        fn agrees_with_integers(number in -9_999_999_999_999_999_i64..=9_999_999_999_999_999,
                                zeros in 0_usize..5, exponent in 0_u32..3) {
            let spelled = format!("{number}.{}e{exponent}", "0".repeat(zeros + 1));
            let value = i128::from(number) * 10_i128.pow(exponent);
            let units = [
                (TimeUnit::Seconds, value * 1_000),
                (TimeUnit::Milliseconds, value),
                (TimeUnit::Microseconds, value.div_euclid(1_000)),
                (TimeUnit::Nanoseconds, value.div_euclid(1_000_000)),
            ];
            for (unit, ms) in units {
                let range = i128::from(MIN_MS)..=i128::from(MAX_MS);
                let expected = range.contains(&ms).then(|| i64::try_from(ms).unwrap());
                prop_assert_eq!(from_number(&spelled, Some(unit)).ok(), expected, "{} {:?}", spelled, unit);
            }
            let limits = [
                (100_000_000_000, TimeUnit::Seconds),
                (100_000_000_000_000, TimeUnit::Milliseconds),
                (100_000_000_000_000_000, TimeUnit::Microseconds),
            ];
            let by_magnitude = limits
                .into_iter()
                .find(|(limit, _)| value.abs() < *limit)
                .map_or(TimeUnit::Nanoseconds, |(_, unit)| unit);
            prop_assert_eq!(guess(&spelled), from_number(&spelled, Some(by_magnitude)).ok());
        }

        #[test]
        fn never_panics(text in "-?[0-9]{1,25}(\\.[0-9]{1,25})?(e-?[0-9]{1,25})?|\\PC{0,8}") {
            let _ = from_number(&text, None);
        }
    }
}
