//! Places in a topic as a user names them: `start`, `end`, an offset, a time, or how long ago.
//! A time without a zone is local, by `$TZ` or the system's setting.

use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use crate::api::reading::At;
use crate::cli::Failure;
use crate::sys::clock::now_us;
use crate::time::duration::Duration;
use crate::time::timestamp::parse_us;

/// A place in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where each partition begins.
    Start,
    /// Where each partition ends.
    End,
    /// An offset in one partition.
    Offset(u64),
    /// The first record that was appended at this time or later, in µs since the epoch.
    TimeUs(i64),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        if text.starts_with(|first: char| first.is_ascii_digit())
            && let Ok(offset) = text.parse()
        {
            return Ok(Place::Offset(offset));
        }
        match text {
            "start" => return Ok(Place::Start),
            "end" => return Ok(Place::End),
            "now" => return Ok(Place::TimeUs(now_us())),
            "today" => return day_begins(0),
            "yesterday" => return day_begins(1),
            _ => {}
        }
        if let Some(offset) = text.strip_prefix('+').filter(|rest| rest.parse::<u64>().is_ok()) {
            return Err(format!("an offset has no sign; write {offset}"));
        }
        if let Some(ago) = text.strip_prefix('-') {
            let ago: Duration = ago.parse().map_err(|error| format!("{error}"))?;
            return Ok(Place::TimeUs(now_us().saturating_sub(ago.ms().saturating_mul(1000))));
        }
        if let Some(local) = local(text) {
            return local;
        }
        parse_us(text).map(Place::TimeUs).map_err(|error| {
            format!(
                "{error}; or a local time like '2013-01-01 10:00', 'today', 'yesterday', 'now', \
                 'start', 'end', an offset like 1000, or -1h for an hour ago"
            )
        })
    }
}

/// When a local day begins, so many days ago.
fn day_begins(days_ago: i64) -> Result<Place, String> {
    let now = Zoned::now().checked_sub(days_ago.days());
    let begin = now.and_then(|then| then.start_of_day()).map_err(|error| error.to_string())?;
    Ok(Place::TimeUs(begin.timestamp().as_microsecond()))
}

/// A day, or a time without a zone; none if the text is neither.
fn local(text: &str) -> Option<Result<Place, String>> {
    // A day and a time of day, nothing after them, as a zone would be.
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, ""));
    let is_day = day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let is_time = time.bytes().all(|byte| byte.is_ascii_digit() || b":.".contains(&byte));
    if !(is_day && is_time) {
        return None;
    }
    let read = text.parse::<DateTime>().and_then(|time| time.to_zoned(TimeZone::system()));
    Some(match read {
        Ok(time) => Ok(Place::TimeUs(time.timestamp().as_microsecond())),
        Err(error) => Err(format!("'{text}': {error}; write it like '2013-01-01 10:00'")),
    })
}

/// What to look for, for a place that is the value of `option`; an offset is a place in one
/// partition only.
///
/// # Errors
/// When it is an offset, and there are several partitions.
pub fn at(place: Place, option: &str, partitions: &[u32]) -> Result<At, Failure> {
    match place {
        Place::Start => Ok(At::Start),
        Place::End => Ok(At::End),
        Place::TimeUs(time_us) => Ok(At::TimeUs(time_us)),
        // What is looked for is then only what the partition holds.
        Place::Offset(_) if partitions.len() == 1 => Ok(At::Start),
        Place::Offset(_) => Err(Failure::usage(format!(
            "{option}: an offset is a place in one partition, and this topic has {}; \
             select one with --partition",
            partitions.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_a_zone_is_local() {
        let us = |text: &str| match text.parse() {
            Ok(Place::TimeUs(us)) => us,
            other => panic!("{text}: {other:?}"),
        };
        let day = us("2013-01-02");
        // No zone is a day from UTC.
        assert!((day - us("2013-01-02T00:00:00Z")).abs() < 86_400_000_000);
        assert_eq!(us("2013-01-02 00:00"), day);
        assert_eq!(us("2013-01-02T00:00:01.5"), day + 1_500_000);
        let (today, yesterday, now) = (us("today"), us("yesterday"), us("now"));
        assert!(yesterday < today && today <= now && now - today < 26 * 3_600_000_000);
    }

    #[test]
    fn a_place_is_a_word_a_number_or_a_time() {
        assert_eq!("start".parse(), Ok(Place::Start));
        assert_eq!("end".parse(), Ok(Place::End));
        assert_eq!("1000".parse(), Ok(Place::Offset(1000)));
        assert_eq!("1970-01-01T00:00:01.5Z".parse(), Ok(Place::TimeUs(1_500_000)));
        let Ok(Place::TimeUs(ago_us)) = "-1h".parse() else { panic!("no time") };
        assert!((now_us() - ago_us - 3_600_000_000).abs() < 60_000_000);
        for bad in ["", "-", "-1", "begin", "2013-01-32", "2013-01-01 25:00", "+5", "2013-01"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
