//! Time zones by name, from the database that is built into the program: the same everywhere.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

/// A time zone: when its clocks showed what, and will by the rules that are known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// A name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone '{0}'; give a name like Europe/Berlin, America/New_York or UTC")]
pub struct UnknownZone(String);

/// Clocks are set, from one offset from UTC to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockChange {
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// What the clocks would show then, as milliseconds, if they were not set.
    pub from_local_ms: i64,
    /// What they show instead.
    pub to_local_ms: i64,
}

/// When clocks show a local time, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Once.
    Once(i64),
    /// Twice, since they are set back in between.
    Twice(i64, i64),
    /// Never, since they are set past it: this is when they would if they had not been set yet.
    Never(i64),
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Zone {
        Zone { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The names of all zones, in the order of the database.
    pub fn names() -> Vec<String> {
        TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect()
    }

    /// Its name, as the database spells it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a clock shows at this time, as milliseconds since it showed 1970-01-01T00:00:00. None
    /// outside the years that clocks are known for.
    pub fn local_ms(&self, time_ms: i64) -> Option<i64> {
        time_ms.checked_add(self.offset_ms(time_ms)?)
    }

    /// The first time at which a clock shows this, or, if clocks are set past it, the time at which
    /// they are. None outside the years that clocks are known for.
    pub fn first_time_ms(&self, local: DateTime) -> Option<i64> {
        let at = |offset: Offset| offset.to_timestamp(local).ok().map(Timestamp::as_millisecond);
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            AmbiguousOffset::Fold { before, .. } => at(before),
            AmbiguousOffset::Gap { before, .. } => Some(self.change_until(at(before)?)?.at_ms),
        }
    }

    /// When a clock shows this. None outside the years that clocks are known for.
    pub fn shown(&self, local: DateTime) -> Option<Shown> {
        let at = |offset: Offset| offset.to_timestamp(local).ok().map(floor_ms);
        Some(match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => Shown::Once(at(offset)?),
            AmbiguousOffset::Fold { before, after } => Shown::Twice(at(before)?, at(after)?),
            AmbiguousOffset::Gap { before, .. } => Shown::Never(at(before)?),
        })
    }

    /// The last time that clocks were set at or before this time.
    pub fn change_until(&self, time_ms: i64) -> Option<ClockChange> {
        let behind = timestamp(time_ms.checked_add(1)?)?;
        let at = self.zone.preceding(behind).next()?;
        self.change(at.timestamp().as_millisecond())
    }

    /// The first time that clocks will be set after this time.
    pub fn change_after(&self, time_ms: i64) -> Option<ClockChange> {
        let at = self.zone.following(timestamp(time_ms)?).next()?;
        self.change(at.timestamp().as_millisecond())
    }

    fn change(&self, at_ms: i64) -> Option<ClockChange> {
        let from_local_ms = at_ms.checked_add(self.offset_ms(at_ms.checked_sub(1)?)?)?;
        Some(ClockChange { at_ms, from_local_ms, to_local_ms: self.local_ms(at_ms)? })
    }

    fn offset_ms(&self, time_ms: i64) -> Option<i64> {
        Some(i64::from(self.zone.to_offset(timestamp(time_ms)?).seconds()) * 1_000)
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Zone, UnknownZone> {
        let zone = TimeZoneDatabase::bundled().get(name);
        let zone = zone.map_err(|_| UnknownZone(name.to_owned()))?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Zone { name, zone })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Milliseconds since the epoch, finer digits rounded down.
pub fn floor_ms(time: Timestamp) -> i64 {
    time.as_millisecond() - i64::from(time.subsec_nanosecond() % 1_000_000 < 0)
}

fn timestamp(time_ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(time_ms).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::timestamp::{parse_ms, show_ms};

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    #[test]
    fn names_are_those_of_the_database() {
        assert_eq!(zone("europe/berlin").name(), "Europe/Berlin");
        assert_eq!(zone("UTC").name(), "UTC");
        let why = "there is no time zone 'Europe/Bärlin'; give a name like Europe/Berlin, America/New_York or UTC";
        assert_eq!("Europe/Bärlin".parse::<Zone>().unwrap_err().to_string(), why);
    }

    #[test]
    fn what_clocks_show_is_found_again() {
        let at = |name: &str, local: &str| {
            let (zone, local) = (zone(name), local.parse().unwrap());
            let times = match zone.shown(local).unwrap() {
                Shown::Once(time_ms) | Shown::Never(time_ms) => vec![show_ms(time_ms)],
                Shown::Twice(earlier_ms, later_ms) => vec![show_ms(earlier_ms), show_ms(later_ms)],
            };
            (show_ms(zone.first_time_ms(local).unwrap()), times)
        };
        let both = |first: &str, times: &[&str]| {
            (first.to_owned(), times.iter().map(|time| (*time).to_owned()).collect())
        };
        let plain = "2024-07-01T10:00:00Z";
        assert_eq!(at("Europe/Berlin", "2024-07-01T12:00:00"), both(plain, &[plain]));
        // Set from 2 to 3, and from 3 back to 2.
        assert_eq!(
            at("Europe/Berlin", "2024-03-31T02:30:00"),
            both("2024-03-31T01:00:00Z", &["2024-03-31T01:30:00Z"])
        );
        let twice = "2024-10-27T00:30:00Z";
        assert_eq!(
            at("Europe/Berlin", "2024-10-27T02:30:00"),
            both(twice, &[twice, "2024-10-27T01:30:00Z"])
        );
    }

    #[test]
    fn clock_changes_are_found_around_a_time() {
        let berlin = zone("Europe/Berlin");
        let time_ms = parse_ms("2024-03-31T01:00:00Z").unwrap();
        let change = ClockChange {
            at_ms: time_ms,
            from_local_ms: time_ms + 3_600_000,
            to_local_ms: time_ms + 7_200_000,
        };
        assert_eq!(berlin.change_until(time_ms), Some(change));
        assert_eq!(berlin.change_after(time_ms - 1), Some(change));
        assert!(berlin.change_until(time_ms - 1).unwrap().at_ms < time_ms);
        assert!(berlin.change_after(time_ms).unwrap().at_ms > time_ms);
        assert_eq!(Zone::utc().change_after(time_ms), None);
    }
}
