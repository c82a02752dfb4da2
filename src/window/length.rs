//! Lengths of windows as people write them: durations, months and years.

use std::fmt;
use std::str::FromStr;

use crate::time::Duration;
use crate::time::duration::DurationError;

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

    /// How long it is at most, in milliseconds.
    pub fn most_ms(self) -> i64 {
        match self {
            Length::Time(duration) => duration.ms(),
            Length::Months(months) => months.saturating_mul(31 * 86_400_000),
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
        months.unwrap_or_else(|| text.parse().map(Length::Time))
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
        for text in ["mo", "y", "1y6mo", "-1mo", "1 mo", "1.5y", "99999999999999999999y"] {
            assert!(text.parse::<Length>().is_err(), "{text}");
        }
        let too_long = DurationError::TooLong("9223372036854775807y".to_owned());
        assert_eq!("9223372036854775807y".parse::<Length>(), Err(too_long));
    }
}
