//! The day on which weeks begin.

use std::fmt;
use std::str::FromStr;

/// The days of the week from Monday on, each with the last day until 1970-01-01, a Thursday, that
/// is one: in days since the epoch.
const DAYS: [(&str, i64); 7] = [
    ("monday", -3),
    ("tuesday", -2),
    ("wednesday", -1),
    ("thursday", 0),
    ("friday", -6),
    ("saturday", -5),
    ("sunday", -4),
];

/// The day on which weeks begin; Monday, if nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeekStart {
    /// Its place in `DAYS`.
    day: usize,
}

/// A text that is no day of the week.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a day of the week; write it like monday or sunday")]
pub struct NotADay(String);

impl WeekStart {
    /// The first day of the week that has 1970-01-01, in days since the epoch: from -6 to 0.
    pub fn first_day(self) -> i64 {
        DAYS.get(self.day).map_or(0, |(_, day)| *day)
    }
}

impl FromStr for WeekStart {
    type Err = NotADay;

    /// Reads a day's English name, in capital letters or small ones.
    fn from_str(text: &str) -> Result<WeekStart, NotADay> {
        let day = DAYS.iter().position(|(name, _)| name.eq_ignore_ascii_case(text));
        day.map(|day| WeekStart { day }).ok_or_else(|| NotADay(text.to_owned()))
    }
}

impl fmt::Display for WeekStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DAYS.get(self.day).map_or("", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_shown() {
        assert_eq!(WeekStart::default().to_string(), "monday");
        for (name, day) in DAYS {
            let week: WeekStart = name.to_uppercase().parse().unwrap();
            assert_eq!((week.to_string(), week.first_day()), (name.to_owned(), day));
        }
        let why = "'so' is not a day of the week; write it like monday or sunday";
        assert_eq!("so".parse::<WeekStart>().unwrap_err().to_string(), why);
    }
}
