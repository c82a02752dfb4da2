//! Times that clocks of a zone show, as instants: also where they show a time twice, or never.

use std::str::FromStr;

use jiff::civil::DateTime;

use super::Zone;
use super::zone::Shown;
use crate::state::{Reader, StateError, Writer};

/// Which instant a local time is that clocks show twice, since they are set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ambiguous {
    /// The first, as in Java's `ZonedDateTime.ofLocal`, and so in Flink.
    #[default]
    Earlier,
    /// The second.
    Later,
    /// The one that is nearer to the time before it: for streams that run forward, whose records
    /// show the hour once, and then once more.
    Nearest,
    /// Neither: it is no event time, and nor is one that clocks never show.
    Reject,
}

/// Reads local times of a zone, one after the other.
#[derive(Clone, Debug)]
pub struct LocalClock {
    zone: Zone,
    ambiguous: Ambiguous,
    /// The time that was read last.
    last_ms: Option<i64>,
    odd: OddTimes,
}

/// How many local times did not stand for exactly one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OddTimes {
    /// Those that clocks show twice.
    pub twice: u64,
    /// Those that clocks never show.
    pub skipped: u64,
}

/// A local time that stands for no instant, or for one of two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalTimeError {
    /// Clocks show it twice, and are set back in between.
    #[error(
        "it occurs twice in {0}, because clocks are set back; --ambiguous earlier, later or nearest selects one"
    )]
    Twice(Zone),
    /// Clocks are set past it.
    #[error("it never occurs in {0}, because clocks are set past it")]
    Skipped(Zone),
    /// It is outside the years that clocks are known for.
    #[error("it is outside the years 0000 to 9999")]
    OutOfRange,
}

impl LocalClock {
    /// Reads times of this zone.
    pub fn new(zone: Zone, ambiguous: Ambiguous) -> LocalClock {
        LocalClock { zone, ambiguous, last_ms: None, odd: OddTimes::default() }
    }

    /// The zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// How many odd times were read.
    pub fn odd_times(&self) -> OddTimes {
        self.odd
    }

    /// Takes note of a time that was not read by this clock, as it has its own offset from UTC.
    pub fn note(&mut self, time_ms: i64) {
        self.last_ms = Some(time_ms);
    }

    /// The instant of a local time, in milliseconds since the epoch, finer digits rounded down.
    ///
    /// One that clocks are set past is the instant that it would be if they had not been set yet:
    /// 02:30 is 03:30 where they are set from 2 to 3.
    ///
    /// # Errors
    /// When it stands for no instant, or none is chosen.
    pub fn read(&mut self, local: DateTime) -> Result<i64, LocalTimeError> {
        let reject = self.ambiguous == Ambiguous::Reject;
        let time_ms = match self.zone.shown(local).ok_or(LocalTimeError::OutOfRange)? {
            Shown::Once(time_ms) => time_ms,
            Shown::Twice(..) if reject => return Err(LocalTimeError::Twice(self.zone.clone())),
            Shown::Never(_) if reject => return Err(LocalTimeError::Skipped(self.zone.clone())),
            Shown::Twice(earlier_ms, later_ms) => {
                self.odd.twice += 1;
                self.choose(earlier_ms, later_ms)
            }
            Shown::Never(time_ms) => {
                self.odd.skipped += 1;
                time_ms
            }
        };
        self.last_ms = Some(time_ms);
        Ok(time_ms)
    }

    /// When a day begins: when clocks first show its midnight, or are set past it.
    ///
    /// # Errors
    /// When it is outside the years that clocks are known for.
    pub fn read_day(&mut self, midnight: DateTime) -> Result<i64, LocalTimeError> {
        let time_ms = self.zone.first_time_ms(midnight).ok_or(LocalTimeError::OutOfRange)?;
        self.last_ms = Some(time_ms);
        Ok(time_ms)
    }

    /// Saves what was read: how many odd times, and the last one.
    pub fn save(&self, to: &mut Writer) {
        to.put_option(self.last_ms, Writer::put_i64);
        to.put_u64(self.odd.twice);
        to.put_u64(self.odd.skipped);
    }

    /// Restores what [`LocalClock::save`] saved. How times are read stays as it is here.
    ///
    /// # Errors
    /// When it is no such state; nothing has then changed.
    pub fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let last_ms = from.take_option(Reader::take_i64)?;
        let odd = OddTimes { twice: from.take_records()?, skipped: from.take_records()? };
        (self.last_ms, self.odd) = (last_ms, odd);
        Ok(())
    }

    /// What times that are read depend on, as far as it is not theirs.
    pub fn save_options(&self, to: &mut Writer) {
        to.put_bytes(self.zone.to_string().as_bytes());
        to.put_u8(self.ambiguous as u8);
    }

    fn choose(&self, earlier_ms: i64, later_ms: i64) -> i64 {
        let Some(last_ms) = self.last_ms else { return earlier_ms };
        let later = match self.ambiguous {
            Ambiguous::Earlier | Ambiguous::Reject => false,
            Ambiguous::Later => true,
            Ambiguous::Nearest => later_ms.abs_diff(last_ms) < earlier_ms.abs_diff(last_ms),
        };
        if later { later_ms } else { earlier_ms }
    }
}

impl FromStr for Ambiguous {
    type Err = String;

    fn from_str(text: &str) -> Result<Ambiguous, String> {
        match text {
            "earlier" => Ok(Ambiguous::Earlier),
            "later" => Ok(Ambiguous::Later),
            "nearest" => Ok(Ambiguous::Nearest),
            "reject" => Ok(Ambiguous::Reject),
            _ => Err(format!("'{text}' is none of earlier, later, nearest and reject")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::timestamp::show_ms;

    fn read(ambiguous: &str, locals: &[&str]) -> (Vec<String>, OddTimes) {
        let zone = "Europe/Berlin".parse().unwrap();
        let mut clock = LocalClock::new(zone, ambiguous.parse().unwrap());
        let shown = |local: &&str| match clock.read(local.parse().unwrap()) {
            Ok(time_ms) => show_ms(time_ms)[11..16].to_owned(),
            Err(error) => error.to_string(),
        };
        let shown = locals.iter().map(shown).collect();
        (shown, clock.odd_times())
    }

    #[test]
    fn a_clock_that_is_restored_knows_the_time_before() {
        let clock = || LocalClock::new("Europe/Berlin".parse().unwrap(), Ambiguous::Nearest);
        let (three, half) =
            ["03:00", "02:30"].map(|time| format!("2024-10-27T{time}").parse().unwrap()).into();
        let (mut before, mut after) = (clock(), clock());
        before.read(three).unwrap();
        let mut saved = Writer::new();
        before.save(&mut saved);
        let mut from = Reader::new(saved.as_bytes());
        assert_eq!(after.restore(&mut from).and_then(|()| from.end()), Ok(()));
        // The second time, since that is nearer to three.
        assert_eq!(after.read(half), before.read(half));
        assert_ne!(after.read(half), clock().read(half));
        assert_eq!(after.odd_times(), OddTimes { twice: 2, skipped: 0 });
    }

    #[test]
    fn an_hour_that_is_shown_twice_is_as_one_says() {
        let locals = ["2024-10-27T01:59", "02:00", "02:30", "02:59", "02:00", "02:20", "03:00"];
        let locals: Vec<String> = locals
            .iter()
            .map(|it| if it.len() > 5 { (*it).to_owned() } else { format!("2024-10-27T{it}") })
            .collect();
        let locals: Vec<&str> = locals.iter().map(String::as_str).collect();
        let odd = OddTimes { twice: 5, skipped: 0 };
        let expected = |times: [&str; 7]| (times.map(str::to_owned).to_vec(), odd);
        assert_eq!(
            read("earlier", &locals),
            expected(["23:59", "00:00", "00:30", "00:59", "00:00", "00:20", "02:00"])
        );
        assert_eq!(
            read("later", &locals),
            expected(["23:59", "01:00", "01:30", "01:59", "01:00", "01:20", "02:00"])
        );
        assert_eq!(
            read("nearest", &locals),
            expected(["23:59", "00:00", "00:30", "00:59", "01:00", "01:20", "02:00"])
        );
        let (refused, odd) = read("reject", &locals);
        assert_eq!((&*refused[0], &*refused[6], odd), ("23:59", "02:00", OddTimes::default()));
        assert_eq!(
            refused[1],
            "it occurs twice in Europe/Berlin, because clocks are set back; --ambiguous earlier, later or nearest selects one"
        );
        assert!("first".parse::<Ambiguous>().is_err());
    }

    #[test]
    fn a_time_that_is_never_shown_is_as_far_behind_the_change() {
        let (times, odd) = read("later", &["2024-03-31T02:30", "2024-03-31T03:30"]);
        assert_eq!((times, odd), (vec!["01:30".to_owned(); 2], OddTimes { twice: 0, skipped: 1 }));
        let refused = read("reject", &["2024-03-31T02:30"]).0;
        assert_eq!(refused, ["it never occurs in Europe/Berlin, because clocks are set past it"]);
        let mut clock = LocalClock::new("America/Sao_Paulo".parse().unwrap(), Ambiguous::default());
        let day = clock.read_day("2018-11-04T00:00".parse().unwrap()).map(show_ms);
        assert_eq!(day.as_deref(), Ok("2018-11-04T03:00:00Z"));
    }
}
