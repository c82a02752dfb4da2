//! Durations as people write them: `500ms`, `5s`, `1h30m`, `1d`; `5sec`, `90min`, `2days`.

use std::fmt;
use std::str::FromStr;

/// The units from the largest to the smallest, with their length in milliseconds. A day is 24 hours
/// and a week 7 days: months and years have no one length, and have no place here.
const UNITS: [(&str, i64); 6] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Other names of the units.
const OTHER_NAMES: [(&str, &str); 15] = [
    ("week", "w"),
    ("weeks", "w"),
    ("day", "d"),
    ("days", "d"),
    ("hr", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
];

/// A length of time in whole milliseconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    ms: i64,
}

/// A distance in event time in whole milliseconds, either way: what `--offset` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shift {
    ms: i64,
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not numbers and units at all.
    #[error("'{0}' is not a duration; write it like 500ms, 5s, 1h30m or 1d")]
    Form(String),
    /// A number that could be anything.
    #[error("'{0}' has no unit; write {0}s or {0}ms")]
    NoUnit(String),
    /// A unit that there is not.
    #[error("'{text}' has the unknown unit '{unit}'; the units are w, d, h, m, s and ms{more}")]
    Unit {
        /// The whole text.
        text: String,
        /// The unit in it.
        unit: String,
        /// What other units there are here, for the message.
        more: &'static str,
    },
    /// Units that repeat or are not in order.
    #[error("'{0}' does not go from large units to small ones, each once; write it like 1h30m")]
    Order(String),
    /// A fraction of a unit.
    #[error("'{0}' has a fraction; use a smaller unit, as in 1h30m or 1500ms")]
    Fraction(String),
    /// The next option: what should stand before it is missing.
    #[error("a duration is missing before the option '{0}', like 30m")]
    Option(String),
    /// Below zero.
    #[error("'{0}' is negative; write it without the minus")]
    Negative(String),
    /// Months and years, which have no one length.
    #[error(
        "'{0}' has months or years, which are not always equally long; use w, d, h, m, s and ms"
    )]
    Calendar(String),
    /// Months or years beside other units.
    #[error("'{0}' has another unit beside months or years; write it like 1mo, 3mo or 1y")]
    Mixed(String),
    /// More than 63 bits of milliseconds.
    #[error("'{0}' is too long")]
    TooLong(String),
}

impl Duration {
    /// A duration of `ms` milliseconds; none if that is negative.
    pub const fn from_ms(ms: i64) -> Option<Duration> {
        if ms < 0 { None } else { Some(Duration { ms }) }
    }

    /// Its length in milliseconds, never negative.
    pub const fn ms(self) -> i64 {
        self.ms
    }

    /// The same length for the standard library.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.ms.unsigned_abs())
    }
}

impl Shift {
    /// A distance of `ms` milliseconds.
    pub const fn from_ms(ms: i64) -> Shift {
        Shift { ms }
    }

    /// The distance in milliseconds.
    pub const fn ms(self) -> i64 {
        self.ms
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    /// Reads whole numbers with units, from large to small and each unit once: `1h30m`. Plain `0`
    /// needs no unit.
    fn from_str(text: &str) -> Result<Duration, DurationError> {
        check_option(text)?;
        if text.starts_with('-') {
            return Err(DurationError::Negative(text.to_owned()));
        }
        parse(text).map(|ms| Duration { ms })
    }
}

impl FromStr for Shift {
    type Err = DurationError;

    /// As a [`Duration`], with a sign before it if wanted: `-8h`.
    fn from_str(text: &str) -> Result<Shift, DurationError> {
        check_option(text)?;
        match text.strip_prefix('-') {
            Some(rest) => parse(rest).map(|ms| Shift { ms: -ms }),
            None => parse(text.strip_prefix('+').unwrap_or(text)).map(|ms| Shift { ms }),
        }
    }
}

impl fmt::Display for Duration {
    /// The shortest form that reads back as the same duration: `1h30m`, `1d`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ms == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.ms;
        for (unit, unit_ms) in UNITS {
            if rest >= unit_ms {
                write!(f, "{}{unit}", rest / unit_ms)?;
                rest %= unit_ms;
            }
        }
        Ok(())
    }
}

/// Tells an option from a duration with a minus, behind which there is a digit.
fn check_option(text: &str) -> Result<(), DurationError> {
    let behind = text.trim_start_matches('-');
    match behind != text && behind.starts_with(|char: char| char.is_ascii_alphabetic()) {
        true => Err(DurationError::Option(text.to_owned())),
        false => Ok(()),
    }
}

/// Reads one or more numbers with units; gives milliseconds.
fn parse(text: &str) -> Result<i64, DurationError> {
    match text {
        "" => return Err(DurationError::Form(text.to_owned())),
        "0" => return Ok(0),
        _ => {}
    }
    let too_long = || DurationError::TooLong(text.to_owned());
    let (mut rest, mut units) = (text, UNITS.as_slice());
    let mut total_ms: i64 = 0;
    while !rest.is_empty() {
        let (number, behind) = split(rest, u8::is_ascii_digit);
        let (unit, behind) = split(behind, u8::is_ascii_alphabetic);
        let name = short_name(unit);
        let at = units.iter().position(|(short, _)| *short == name);
        let (false, Some(at)) = (number.is_empty(), at) else {
            return Err(fault(text, number, unit, behind));
        };
        let number: i64 = number.parse().map_err(|_| too_long())?;
        let ms = number.checked_mul(units[at].1).ok_or_else(too_long)?;
        total_ms = total_ms.checked_add(ms).ok_or_else(too_long)?;
        (rest, units) = (behind, &units[at + 1..]);
    }
    Ok(total_ms)
}

/// The name that [`UNITS`] has for a unit.
fn short_name(unit: &str) -> &str {
    OTHER_NAMES.iter().find(|(other, _)| *other == unit).map_or(unit, |(_, short)| short)
}

/// Splits off the front of `text` as far as `belongs` holds.
fn split(text: &str, belongs: fn(&u8) -> bool) -> (&str, &str) {
    text.split_at(text.bytes().take_while(belongs).count())
}

/// What is wrong with a number and the unit behind it.
fn fault(text: &str, number: &str, unit: &str, behind: &str) -> DurationError {
    let known = UNITS.iter().any(|(name, _)| *name == short_name(unit));
    let text = text.to_owned();
    if !number.is_empty() && unit.is_empty() && behind.starts_with(['.', ',']) {
        DurationError::Fraction(text)
    } else if number.is_empty() || (unit.is_empty() && !behind.is_empty()) {
        DurationError::Form(text)
    } else if unit.is_empty() {
        DurationError::NoUnit(text)
    } else if known {
        DurationError::Order(text)
    } else if matches!(unit, "mo" | "y") {
        DurationError::Calendar(text)
    } else {
        DurationError::Unit { text, unit: unit.to_owned(), more: "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(text: &str) -> Result<i64, DurationError> {
        text.parse::<Duration>().map(Duration::ms)
    }

    #[test]
    fn units_are_read() {
        for (text, expected) in [
            ("0", 0),
            ("0s", 0),
            ("500ms", 500),
            ("5s", 5_000),
            ("1m", 60_000),
            ("24h", 86_400_000),
            ("1d", 86_400_000),
            ("1w", 604_800_000),
            ("1h30m", 5_400_000),
            ("1w2d3h4m5s6ms", 788_645_006),
            ("90m", 5_400_000),
            ("90min", 5_400_000),
            ("2days", 172_800_000),
            ("1hour30minutes", 5_400_000),
            ("5sec", 5_000),
        ] {
            assert_eq!(ms(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_told_apart() {
        type Fault = fn(String) -> DurationError;
        let faults: [(&str, Fault); 18] = [
            ("", DurationError::Form),
            ("h", DurationError::Form),
            ("1h30", DurationError::NoUnit),
            ("5", DurationError::NoUnit),
            ("5 s", DurationError::Form),
            ("1h 30m", DurationError::Form),
            ("1.5h", DurationError::Fraction),
            ("30m1h", DurationError::Order),
            ("1h1h", DurationError::Order),
            ("-5s", DurationError::Negative),
            ("--time", DurationError::Option),
            ("-f", DurationError::Option),
            ("+5s", DurationError::Form),
            ("9223372036854775808ms", DurationError::TooLong),
            ("9223372036854775807s", DurationError::TooLong),
            ("15250284452w9223372036854775807ms", DurationError::TooLong),
            ("\u{e4}", DurationError::Form),
            ("5\u{e4}", DurationError::Form),
        ];
        for (text, fault) in faults {
            assert_eq!(ms(text), Err(fault(text.to_owned())), "{text}");
        }
        assert_eq!(ms("1min1h"), Err(DurationError::Order("1min1h".to_owned())));
        let (text, unit) = ("5moon".to_owned(), "moon".to_owned());
        assert_eq!(ms("5moon"), Err(DurationError::Unit { text, unit, more: "" }));
        assert_eq!(ms("1d5y"), Err(DurationError::Calendar("1d5y".to_owned())));
    }

    #[test]
    fn a_shift_goes_either_way() {
        assert_eq!("-8h".parse(), Ok(Shift::from_ms(-28_800_000)));
        assert_eq!("+1m".parse(), Ok(Shift::from_ms(60_000)));
        assert_eq!("0".parse(), Ok(Shift::from_ms(0)));
        assert_eq!("--1m".parse::<Shift>(), Err(DurationError::Form("-1m".to_owned())));
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(length in 0..=i64::MAX) {
            let duration = Duration::from_ms(length).unwrap();
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }

        #[test]
        fn never_panics(text in "[0-9wdhms. -]{0,8}|\\PC{0,8}") {
            let _ = text.parse::<Duration>();
            let _ = text.parse::<Shift>();
        }
    }
}
