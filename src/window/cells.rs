//! Windows side by side, all equally long or as the calendar has them.

use super::fault::WindowsError;
use super::length::Length;
use super::{Anchor, Calendar, Tumbling, WeekStart};
use crate::record::control;
use crate::time::{Duration, Interval, Shift, Zone};

const DAY_MS: i64 = 86_400_000;

/// Windows side by side: each event time is in exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cells {
    /// All are equally long.
    Fixed(Tumbling),
    /// They follow the calendar of a time zone.
    Calendar(Calendar),
}

/// Where windows begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// By the calendar of this zone; if there is none, at the epoch.
    pub zone: Option<Zone>,
    /// So much later.
    pub offset: Shift,
    /// Those of whole weeks: on this day. If there is none, without a zone, at the epoch as all
    /// others.
    pub week_start: Option<WeekStart>,
}

impl Frame {
    /// The frame that windows with a size and a part of these lengths have: months and years are
    /// those of UTC, where no zone is named.
    pub fn of(self, lengths: &[Length]) -> Frame {
        let months = lengths.iter().any(|length| matches!(length, Length::Months(_)));
        let zone = self.zone.or_else(|| months.then(Zone::utc));
        Frame { zone, ..self }
    }

    /// The same frame for windows that begin with those of this length: without a zone, the day on
    /// which weeks begin is an offset.
    #[must_use]
    pub fn beginning_with(self, length: Length) -> Frame {
        match (&self.zone, self.week_start) {
            (None, Some(week_start)) => {
                let weeks_ms = if length.is_weeks() { week_start.first_day() * DAY_MS } else { 0 };
                let offset = Shift::from_ms(self.offset.ms().saturating_add(weeks_ms));
                Frame { zone: None, offset, week_start: None }
            }
            _ => self,
        }
    }

    /// Where the windows of a calendar begin.
    pub(super) fn anchor(&self) -> Anchor {
        let week_start = self.week_start.unwrap_or_default();
        let zone = self.zone.clone().unwrap_or_else(Zone::utc);
        Anchor { zone, offset: self.offset, week_start }
    }
}

impl From<Shift> for Frame {
    fn from(offset: Shift) -> Frame {
        Frame { offset, ..Frame::default() }
    }
}

impl Cells {
    /// Windows of this length; `what` names them in messages.
    ///
    /// # Errors
    /// When there are no such windows.
    pub fn new(what: &'static str, length: Length, frame: &Frame) -> Result<Cells, WindowsError> {
        match (&frame.zone, length) {
            (None, Length::Time(duration)) if duration.ms() > 0 => {
                Ok(Cells::Fixed(Tumbling::new(duration, frame.offset)?))
            }
            (None, _) if length.is_zero() => Err(WindowsError::NoLength(what)),
            _ => Ok(Cells::Calendar(Calendar::new(what, length, frame.anchor())?)),
        }
    }

    /// The window of an event time in milliseconds; none if it reaches beyond the times that there
    /// are.
    pub fn assign(&self, time_ms: i64) -> Option<Interval> {
        match self {
            Cells::Fixed(tumbling) => tumbling.assign(time_ms),
            Cells::Calendar(calendar) => calendar.assign(time_ms),
        }
    }

    /// The first end of a window that is after this time.
    pub fn next_end_ms(&self, time_ms: i64) -> Option<i64> {
        match self {
            Cells::Fixed(tumbling) => Some(tumbling.assign(time_ms)?.end_ms),
            Cells::Calendar(calendar) => calendar.next_end_ms(time_ms),
        }
    }

    /// The length of a window.
    pub fn length(&self) -> Length {
        match self {
            Cells::Fixed(tumbling) => {
                Length::Time(Duration::from_ms(tumbling.size_ms()).unwrap_or_default())
            }
            Cells::Calendar(calendar) => calendar.length(),
        }
    }

    /// Where those of a calendar begin; if they follow none, in that of UTC.
    pub fn anchor(&self) -> Anchor {
        match self {
            Cells::Fixed(_) => Anchor::from(Zone::utc()),
            Cells::Calendar(calendar) => calendar.anchor().clone(),
        }
    }

    /// What the stream's control record says of these windows.
    pub fn sizes(&self) -> control::Tumbling {
        match self {
            Cells::Fixed(tumbling) => control::Tumbling::Fixed {
                size_ms: tumbling.size_ms(),
                offset_ms: tumbling.offset_ms(),
            },
            Cells::Calendar(calendar) => control::Tumbling::Calendar {
                size: calendar.length().to_string(),
                tz: calendar.zone().to_string(),
                offset_ms: calendar.anchor().offset.ms(),
                week_start: calendar.anchor().told_week_start(),
            },
        }
    }
}
