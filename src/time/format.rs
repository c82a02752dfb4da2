//! Times in a form that the user describes, as strptime reads it.

use jiff::Timestamp;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;

use super::event_time::EventTimeError;
use super::local::{LocalClock, LocalTimeError};
use super::timestamp::{MAX_MS, MIN_MS};
use super::zone::floor_ms;
use crate::record::text::excerpt;

/// A form of times.
#[derive(Clone, Debug)]
pub struct TimeFormat {
    format: String,
    /// What reads times that have no offset of their own, if there may be such.
    clock: Option<LocalClock>,
}

/// A form in which no time can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Not a form, or not one that can be read.
    #[error("'{format}': {why}; write it for strptime, like '%d/%b/%Y:%H:%M:%S %z'")]
    Form {
        /// The form.
        format: String,
        /// What is wrong with it.
        why: String,
    },
    /// Times of this form have no day.
    #[error("'{0}' has no date: it needs a year, a month and a day, or %s")]
    NoDate(String),
    /// Times of this form could be any clock's.
    #[error(
        "'{0}' has no offset from UTC: add %z if the times have one, or name their time zone: --tz Europe/Berlin, or --tz UTC"
    )]
    NoOffset(String),
}

/// A text that is not a time of the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} is not a time of the form '{format}': {why}")]
pub struct FormatMismatch {
    text: String,
    format: String,
    why: String,
}

impl TimeFormat {
    /// A form of times for strptime; `clock` reads those that have no offset of their own.
    ///
    /// # Errors
    /// When such a form cannot tell a time.
    pub fn new(format: &str, clock: Option<LocalClock>) -> Result<TimeFormat, FormatError> {
        // Any time, written and read back, shows what times of this form have.
        let form = |error: jiff::Error| FormatError::Form {
            format: format.to_owned(),
            why: error.to_string(),
        };
        let sample = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
        let text = BrokenDownTime::from(&sample).to_string(format).map_err(form)?;
        let parts = strtime::parse(format, &text).map_err(form)?;
        if parts.timestamp().is_none() {
            if parts.to_datetime().is_err() {
                return Err(FormatError::NoDate(format.to_owned()));
            }
            if parts.offset().is_none() && clock.is_none() {
                return Err(FormatError::NoOffset(format.to_owned()));
            }
        }
        Ok(TimeFormat { format: format.to_owned(), clock })
    }

    /// What reads times that have no offset of their own, if there may be such.
    pub fn clock(&self) -> Option<&LocalClock> {
        self.clock.as_ref()
    }

    /// The same, to be restored.
    pub fn clock_mut(&mut self) -> Option<&mut LocalClock> {
        self.clock.as_mut()
    }

    /// The form, as it was given.
    pub fn text(&self) -> &str {
        &self.format
    }

    /// Reads a time; gives milliseconds since the epoch, finer digits rounded down.
    ///
    /// # Errors
    /// When the text is not of the form, outside the years 0000 to 9999, or stands for no instant.
    pub fn read_ms(&mut self, text: &str) -> Result<i64, EventTimeError> {
        let parts = self.parse(text)?;
        let leap_ms = if self.is_leap(text, &parts) { 1_000 } else { 0 };
        let why = |error: jiff::Error| self.mismatch(text, error.to_string());
        let time_ms = if parts.offset().is_none() && parts.timestamp().is_none() {
            let local = parts.to_datetime().map_err(why)?;
            let read = self.clock.as_mut().map(|clock| clock.read(local));
            let local = |error| EventTimeError::Local { text: excerpt(text), error };
            read.unwrap_or(Err(LocalTimeError::OutOfRange)).map_err(local)?
        } else {
            let time_ms = floor_ms(parts.to_timestamp().map_err(why)?);
            self.clock.iter_mut().for_each(|clock| clock.note(time_ms));
            time_ms
        };
        let time_ms = Some(time_ms + leap_ms).filter(|ms| (MIN_MS..=MAX_MS).contains(ms));
        time_ms.ok_or_else(|| {
            self.mismatch(text, "it is outside the years 0000 to 9999".to_owned()).into()
        })
    }

    fn parse(&self, text: &str) -> Result<BrokenDownTime, FormatMismatch> {
        strtime::parse(&self.format, text).map_err(|error| self.mismatch(text, error.to_string()))
    }

    /// Whether the seconds of a time are the 60 of a leap second, which is parsed as 59: it is the
    /// first instant of the next minute, as in [`super::timestamp`].
    fn is_leap(&self, text: &str, parts: &BrokenDownTime) -> bool {
        if parts.second() != Some(59) {
            return false;
        }
        // Seconds are what makes the difference to a time with 58 in their place.
        text.match_indices("60").any(|(at, _)| {
            let mut other = text.to_owned();
            other.replace_range(at..at + 2, "58");
            self.parse(&other).is_ok_and(|other| other.second() == Some(58))
        })
    }

    fn mismatch(&self, text: &str, why: String) -> FormatMismatch {
        FormatMismatch { text: excerpt(text), format: self.format.clone(), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::timestamp::show_ms;
    use crate::time::{Ambiguous, Zone};
    use proptest::prelude::*;

    fn format(format: &str, zone: &str) -> Result<TimeFormat, FormatError> {
        let clock = || LocalClock::new(zone.parse().unwrap(), Ambiguous::default());
        TimeFormat::new(format, (!zone.is_empty()).then(clock))
    }

    #[test]
    fn times_are_read_in_many_forms() {
        for (form, zone, text, time) in [
            ("%d/%b/%Y:%H:%M:%S %z", "", "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36Z"),
            ("%Y-%m-%d %H:%M:%S", "Europe/Berlin", "2024-07-01 12:00:00", "2024-07-01T10:00:00Z"),
            ("%Y-%m-%d %H:%M:%S", "Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31T01:30:00Z"),
            ("%Y-%m-%d %H:%M:%S", "Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27T00:30:00Z"),
            (
                "%Y-%m-%dT%H:%M:%S%.f%z",
                "Europe/Berlin",
                "2024-07-01T12:00:00.25+0000",
                "2024-07-01T12:00:00.250Z",
            ),
            ("%Y-%m-%dT%H:%M:%SZ", "UTC", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
            ("60 %s %T %F", "UTC", "60 1 23:59:59 2016-12-31", "1970-01-01T00:00:01Z"),
            ("60 %T%.f %F", "UTC", "60 23:59:60.5 2016-12-31", "2017-01-01T00:00:00.500Z"),
            ("60 %T %F", "UTC", "60 23:59:59 2016-12-31", "2016-12-31T23:59:59Z"),
            ("%Y%m%d", "UTC", "20240229", "2024-02-29T00:00:00Z"),
            ("%s", "", "1700000000", "2023-11-14T22:13:20Z"),
            ("%s", "Europe/Berlin", "1700000000", "2023-11-14T22:13:20Z"),
            ("%m/%d/%y %I:%M %p", "America/New_York", "12/31/99 11:59 PM", "2000-01-01T04:59:00Z"),
        ] {
            let read = format(form, zone).unwrap().read_ms(text).map(show_ms);
            assert_eq!(read.as_deref(), Ok(time), "{form} {text}");
        }
    }

    #[test]
    fn a_form_that_tells_no_time_is_refused() {
        let why = |form: &str| format(form, "").unwrap_err();
        assert_eq!(why("%H:%M %z"), FormatError::NoDate("%H:%M %z".to_owned()));
        assert_eq!(why("%Y-%m-%d"), FormatError::NoOffset("%Y-%m-%d".to_owned()));
        assert!(matches!(why("%Y-%m-%d %!"), FormatError::Form { .. }));
        assert!(matches!(why("%Y-%m-%d %"), FormatError::Form { .. }));
    }

    #[test]
    fn a_text_of_another_form_is_told() {
        let mut format = format("%Y-%m-%d", "UTC").unwrap();
        for text in ["2024-02-30", "2024-02-29 ", "noon", "", "-5000-01-01"] {
            let why = format.read_ms(text).unwrap_err().to_string();
            assert!(why.contains("is not a time of the form '%Y-%m-%d': "), "{why}");
        }
    }

    #[test]
    fn finer_digits_are_rounded_down() {
        let mut format = format("%Y-%m-%d %H:%M:%S%.f", "UTC").unwrap();
        assert_eq!(format.read_ms("1969-12-31 23:59:59.9999"), Ok(-1));
        assert_eq!(format.read_ms("1970-01-01 00:00:00.0019"), Ok(1));
    }

    proptest! {
        #[test]
        fn never_panics(form in "(%[a-zA-Z.:0-9-]|\\PC){0,6}", text in "\\PC{0,12}") {
            let clock = LocalClock::new(Zone::utc(), Ambiguous::default());
            if let Ok(mut format) = TimeFormat::new(&form, Some(clock)) {
                let _ = format.read_ms(&text);
            }
        }
    }
}
