//! Windows that follow the calendar and the clocks of a time zone.
//!
//! - Months and years are counted from the year 0, so that three months are a quarter.
//! - Weeks begin on Monday, or on the day that is given; those of several weeks are counted from
//!   the one that has 1970-01-01, and several days from that day.
//! - What is shorter than a day divides it: a window begins whenever the clocks show a multiple of
//!   its length, counted from midnight, or are set past one.
//! - With an offset all of them begin when the clocks show so much more: days of 24 hours from
//!   06:00 on, with one of 6 hours.
//!
//! So a day has 23 hours where clocks are set forward, and 25 where they are set back. A day begins
//! when its midnight is first shown, or when clocks are set past it; a day that clocks skip is in
//! no window, and the windows on both sides of it touch. Where clocks are set back over a midnight,
//! so that a day begins twice, it begins the first time.

use jiff::SignedDuration;
use jiff::civil::Date;

use super::fault::WindowsError;
use super::length::Length;
use super::week::WeekStart;
use crate::time::timestamp::MIN_MS;
use crate::time::zone::ClockChange;
use crate::time::{Duration, Interval, Shift, Zone};

const DAY_MS: i64 = 86_400_000;
const EPOCH: Date = Date::constant(1970, 1, 1);

/// Windows of one length in the calendar, side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    anchor: Anchor,
    unit: Unit,
}

/// Where the windows of a calendar begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Whose clocks they follow.
    pub zone: Zone,
    /// How much later than days and their parts do, as clocks show it.
    pub offset: Shift,
    /// When weeks begin.
    pub week_start: WeekStart,
}

impl Anchor {
    /// The day on which weeks begin, if that needs to be told.
    pub(super) fn told_week_start(&self) -> Option<String> {
        let told = self.week_start != WeekStart::default();
        told.then(|| self.week_start.to_string())
    }
}

impl From<Zone> for Anchor {
    /// At midnight, and on Monday.
    fn from(zone: Zone) -> Anchor {
        Anchor { zone, offset: Shift::default(), week_start: WeekStart::default() }
    }
}

/// What windows are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A part of a day, in milliseconds.
    Clock(i64),
    /// So many days, counted from this one, since the epoch.
    Days(i64, i64),
    Months(i64),
}

impl Calendar {
    /// Windows of this length in the calendar of a zone.
    ///
    /// # Errors
    /// When the length is zero, or neither a part of a day nor days, weeks, months or years.
    pub fn new(
        what: &'static str,
        length: Length,
        anchor: impl Into<Anchor>,
    ) -> Result<Calendar, WindowsError> {
        let anchor = anchor.into();
        let unit = match length {
            _ if length.is_zero() => return Err(WindowsError::NoLength(what)),
            Length::Months(months) => Unit::Months(months),
            Length::Time(duration) => match duration.ms() {
                ms if DAY_MS % ms == 0 && ms < DAY_MS => Unit::Clock(ms),
                ms if ms % (7 * DAY_MS) == 0 => {
                    Unit::Days(ms / DAY_MS, anchor.week_start.first_day())
                }
                ms if ms % DAY_MS == 0 => Unit::Days(ms / DAY_MS, 0),
                _ => {
                    let Anchor { zone, .. } = anchor;
                    return Err(WindowsError::NotInCalendar { what, length: duration, zone });
                }
            },
        };
        Ok(Calendar { anchor, unit })
    }

    /// The zone whose calendar it is.
    pub fn zone(&self) -> &Zone {
        &self.anchor.zone
    }

    /// Where windows begin.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// The length of a window.
    pub fn length(&self) -> Length {
        let time = |ms| Length::Time(Duration::from_ms(ms).unwrap_or_default());
        match self.unit {
            Unit::Clock(ms) => time(ms),
            Unit::Days(days, _) => time(days.saturating_mul(DAY_MS)),
            Unit::Months(months) => Length::Months(months),
        }
    }

    /// Whether each window of `longer` is made of whole windows of this length.
    pub fn fills(&self, longer: &Calendar) -> bool {
        match (self.unit, longer.unit) {
            (Unit::Clock(part), Unit::Clock(whole)) | (Unit::Months(part), Unit::Months(whole)) => {
                whole % part == 0
            }
            (Unit::Days(part, from), Unit::Days(whole, to)) => {
                part == 1 || (from == to && whole % part == 0)
            }
            (Unit::Clock(_), _) | (Unit::Days(1, _), Unit::Months(_)) => true,
            _ => false,
        }
    }

    /// How many windows of this length `longer` is long; none if that is not always the same.
    pub fn times(&self, longer: &Calendar) -> Option<i64> {
        let (part, whole) = match (self.unit, longer.unit) {
            (Unit::Clock(part), Unit::Clock(whole))
            | (Unit::Days(part, _), Unit::Days(whole, _))
            | (Unit::Months(part), Unit::Months(whole)) => (part, whole),
            _ => return None,
        };
        (whole % part == 0).then(|| whole / part)
    }

    /// Whether all windows between two times are equally long: parts of a day, and no clock is set
    /// between the two.
    pub fn is_even(&self, from_ms: i64, to_ms: i64) -> bool {
        let change = || self.zone().change_until(to_ms);
        matches!(self.unit, Unit::Clock(_)) && change().is_none_or(|it| it.at_ms <= from_ms)
    }

    /// The window of an event time in milliseconds; none if it reaches beyond the years that can be
    /// written.
    pub fn assign(&self, time_ms: i64) -> Option<Interval> {
        match self.unit {
            Unit::Clock(length_ms) => Some(Interval {
                start_ms: self.clock_start_ms(length_ms, time_ms)?,
                end_ms: self.clock_end_ms(length_ms, time_ms)?,
            }),
            Unit::Days(..) | Unit::Months(_) => {
                let mut number = self.number(self.date(time_ms)?);
                // What clocks show goes back where they are set back over a midnight.
                while self.begin_ms(number)? > time_ms {
                    number -= 1;
                }
                let mut start_ms = self.begin_ms(number)?;
                loop {
                    let end_ms = self.begin_ms(number + 1)?;
                    if time_ms < end_ms {
                        return Some(Interval { start_ms, end_ms });
                    }
                    (number, start_ms) = (number + 1, end_ms);
                }
            }
        }
    }

    /// The first end of a window that is after this time.
    pub fn next_end_ms(&self, time_ms: i64) -> Option<i64> {
        Some(self.assign(time_ms.max(MIN_MS))?.end_ms)
    }

    /// The last time, up to this one, at which a window of a part of a day begins.
    fn clock_start_ms(&self, length_ms: i64, time_ms: i64) -> Option<i64> {
        let mut time_ms = time_ms;
        loop {
            let into_ms = self.local_ms(time_ms)?.rem_euclid(length_ms);
            let start_ms = time_ms - into_ms;
            match self.zone().change_until(time_ms) {
                // Clocks were set since then.
                Some(change) if change.at_ms > start_ms => {
                    if self.begins(length_ms, change) {
                        return Some(change.at_ms);
                    }
                    time_ms = change.at_ms - 1;
                }
                _ => return Some(start_ms),
            }
        }
    }

    /// The first time behind this one at which a window of a part of a day begins.
    fn clock_end_ms(&self, length_ms: i64, time_ms: i64) -> Option<i64> {
        let mut time_ms = time_ms;
        loop {
            let into_ms = self.local_ms(time_ms)?.rem_euclid(length_ms);
            let end_ms = time_ms.checked_add(length_ms - into_ms)?;
            match self.zone().change_after(time_ms) {
                // Clocks are set until then.
                Some(change) if change.at_ms <= end_ms => {
                    if self.begins(length_ms, change) {
                        return Some(change.at_ms);
                    }
                    time_ms = change.at_ms;
                }
                _ => return Some(end_ms),
            }
        }
    }

    /// Whether a window begins when clocks are set.
    fn begins(&self, length_ms: i64, change: ClockChange) -> bool {
        let offset_ms = self.anchor.offset.ms();
        let [from_ms, to_ms] = [change.from_local_ms, change.to_local_ms];
        begins(length_ms, from_ms.saturating_sub(offset_ms), to_ms.saturating_sub(offset_ms))
    }

    /// What clocks show, less the offset.
    fn local_ms(&self, time_ms: i64) -> Option<i64> {
        self.zone().local_ms(time_ms)?.checked_sub(self.anchor.offset.ms())
    }

    /// The date that clocks show, less the offset.
    fn date(&self, time_ms: i64) -> Option<Date> {
        let days = self.local_ms(time_ms)?.div_euclid(DAY_MS);
        date_of_day(days)
    }

    /// The number of the window that has a date.
    fn number(&self, date: Date) -> i64 {
        match self.unit {
            Unit::Months(months) => {
                (i64::from(date.year()) * 12 + i64::from(date.month()) - 1).div_euclid(months)
            }
            Unit::Days(days, from) => (day_of_date(date) - from).div_euclid(days),
            Unit::Clock(_) => day_of_date(date),
        }
    }

    /// When the window of a number begins.
    fn begin_ms(&self, number: i64) -> Option<i64> {
        let date = match self.unit {
            Unit::Months(months) => {
                let month = number.checked_mul(months)?;
                let year = i16::try_from(month.div_euclid(12)).ok()?;
                Date::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, 1).ok()?
            }
            Unit::Days(days, from) => date_of_day(number.checked_mul(days)?.checked_add(from)?)?,
            Unit::Clock(_) => date_of_day(number)?,
        };
        let offset = SignedDuration::from_millis(self.anchor.offset.ms());
        self.zone().first_time_ms(date.at(0, 0, 0, 0).checked_add(offset).ok()?)
    }
}

/// Whether a window begins when clocks are set from one time to another: whether they show a
/// multiple of its length then, or are set past one.
fn begins(length_ms: i64, from_local_ms: i64, to_local_ms: i64) -> bool {
    let multiple_ms = to_local_ms - to_local_ms.rem_euclid(length_ms);
    multiple_ms == to_local_ms || multiple_ms >= from_local_ms && to_local_ms > from_local_ms
}

fn day_of_date(date: Date) -> i64 {
    date.duration_since(EPOCH).as_secs().div_euclid(86_400)
}

fn date_of_day(day: i64) -> Option<Date> {
    EPOCH.checked_add(SignedDuration::from_secs(day.checked_mul(86_400)?)).ok()
}

#[cfg(test)]
mod tests;
