//! Places in a topic as a user names them: `start`, `end`, an offset, a time, or how long ago.

use std::str::FromStr;

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
            _ => {}
        }
        if let Some(offset) = text.strip_prefix('+').filter(|rest| rest.parse::<u64>().is_ok()) {
            return Err(format!("an offset has no sign; write {offset}"));
        }
        if let Some(ago) = text.strip_prefix('-') {
            let ago: Duration = ago.parse().map_err(|error| format!("{error}"))?;
            return Ok(Place::TimeUs(now_us().saturating_sub(ago.ms().saturating_mul(1000))));
        }
        parse_us(text).map(Place::TimeUs).map_err(|error| {
            format!("{error}; or 'start', 'end', an offset like 1000, or -1h for an hour ago")
        })
    }
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
    fn a_place_is_a_word_a_number_or_a_time() {
        assert_eq!("start".parse(), Ok(Place::Start));
        assert_eq!("end".parse(), Ok(Place::End));
        assert_eq!("1000".parse(), Ok(Place::Offset(1000)));
        assert_eq!("1970-01-01T00:00:01.5Z".parse(), Ok(Place::TimeUs(1_500_000)));
        let Ok(Place::TimeUs(ago_us)) = "-1h".parse() else { panic!("no time") };
        assert!((now_us() - ago_us - 3_600_000_000).abs() < 60_000_000);
        for bad in ["", "-", "-1", "begin", "2013-01-01", "+5"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
