//! Lengths of windows as people write them: durations, months and years.

use std::fmt;
use std::str::FromStr;

use crate::time::Duration;
use crate::time::duration::DurationError;

const WEEK_MS: i64 = 7 * 86_400_000;

/// The length of a window, or of a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// A duration; in a calendar, its days and weeks are those of the calendar.
    Time(Duration),
    /// So many months of the calendar: `1mo`; twelve are a year: `1y`.
    Months(i64),
}

impl Length {
    /// Whether it is none at all.
    pub fn is_zero(self) -> bool {
        matches!(self, Length::Months(0)) || self == Length::Time(Duration::default())
    }

    /// Whether it is some whole weeks.
    pub fn is_weeks(self) -> bool {
        match self {
            Length::Time(duration) => duration.ms() > 0 && duration.ms() % WEEK_MS == 0,
            Length::Months(_) => false,
        }
    }

    /// How long it is at most, in milliseconds.
    pub fn most_ms(self) -> i64 {
        match self {
            Length::Time(duration) => duration.ms(),
            Length::Months(months) => months.saturating_mul(31 * 86_400_000),
        }
    }

    /// Whether it is longer than another, however long their months are.
    pub fn exceeds(self, other: Length) -> bool {
        match (self, other) {
            (Length::Months(months), Length::Months(others)) => months > others,
            (Length::Months(months), _) => months.saturating_mul(28 * 86_400_000) > other.most_ms(),
            _ => self.most_ms() > other.most_ms(),
        }
    }
}

impl FromStr for Length {
    type Err = DurationError;

    /// Reads a [`Duration`], or a number of months or years.
    fn from_str(text: &str) -> Result<Length, DurationError> {
        let months = |number: &str, each: i64| {
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| {
                let months = number.parse::<i64>().ok().and_then(|many| many.checked_mul(each));
                months.map(Length::Months).ok_or_else(|| DurationError::TooLong(text.to_owned()))
            })
        };
        let months = text
            .strip_suffix("mo")
            .and_then(|number| months(number, 1))
            .or_else(|| text.strip_suffix('y').and_then(|number| months(number, 12)));
        months.unwrap_or_else(|| text.parse().map(Length::Time).map_err(with_months))
    }
}

/// What is wrong with a text that could have been of months.
fn with_months(error: DurationError) -> DurationError {
    match error {
        DurationError::Calendar(text) => DurationError::Mixed(text),
        DurationError::Unit { text, unit, .. } => {
            DurationError::Unit { text, unit, more: ", and mo and y for months and years" }
        }
        error => error,
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Length::Time(duration) => duration.fmt(f),
            Length::Months(months) if months % 12 == 0 => write!(f, "{}y", months / 12),
            Length::Months(months) => write!(f, "{months}mo"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_years_are_read_and_shown() {
        for (text, length, shown) in [
            ("1mo", Length::Months(1), "1mo"),
            ("12mo", Length::Months(12), "1y"),
            ("2y", Length::Months(24), "2y"),
            ("0mo", Length::Months(0), "0y"),
            ("90m", Length::Time("1h30m".parse().unwrap()), "1h30m"),
            ("7d", Length::Time("1w".parse().unwrap()), "1w"),
        ] {
            assert_eq!(text.parse(), Ok(length), "{text}");
            assert_eq!(length.to_string(), shown);
            assert_eq!(shown.parse(), Ok(length));
        }
        let why = |text: &str| text.parse::<Length>().unwrap_err().to_string();
        assert_eq!(
            why("1M"),
            "'1M' has the unknown unit 'M'; the units are w, d, h, m, s and ms, and mo and y for months and years"
        );
        for text in ["1mo15d", "1y6mo", "1d1mo"] {
            assert_eq!(
                why(text),
                format!(
                    "'{text}' has another unit beside months or years; write it like 1mo, 3mo or 1y"
                )
            );
        }
        let exceeds =
            |one: &str, other: &str| one.parse::<Length>().unwrap().exceeds(other.parse().unwrap());
        for (longer, other) in [("2h", "1h"), ("13mo", "1y"), ("1mo", "27d"), ("32d", "1mo")] {
            assert!(exceeds(longer, other) && !exceeds(other, longer), "{longer} {other}");
        }
        assert!(!exceeds("1mo", "28d") && !exceeds("31d", "1mo") && !exceeds("12mo", "1y"));
        for text in ["mo", "y", "1y6mo", "-1mo", "1 mo", "1.5y", "99999999999999999999y"] {
            assert!(text.parse::<Length>().is_err(), "{text}");
        }
        let too_long = DurationError::TooLong("9223372036854775807y".to_owned());
        assert_eq!("9223372036854775807y".parse::<Length>(), Err(too_long));
    }
}
