//! Windows side by side, all equally long or as the calendar has them.

use super::fault::WindowsError;
use super::length::Length;
use super::{Calendar, Tumbling};
use crate::record::control;
use crate::time::{Duration, Interval, Shift, Zone};

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
    /// By the calendar of this zone.
    pub zone: Option<Zone>,
    /// If not: at the epoch, shifted by this.
    pub offset: Shift,
}

impl Frame {
    /// The frame that windows with a size and a part of these lengths have: months and years are
    /// those of UTC, where no zone is named.
    pub fn of(self, lengths: &[Length]) -> Frame {
        let months = lengths.iter().any(|length| matches!(length, Length::Months(_)));
        let zone = self.zone.or_else(|| months.then(Zone::utc));
        Frame { zone, ..self }
    }
}

impl From<Shift> for Frame {
    fn from(offset: Shift) -> Frame {
        Frame { zone: None, offset }
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
            (zone, _) if frame.offset == Shift::default() => {
                let zone = zone.clone().unwrap_or_else(Zone::utc);
                Ok(Cells::Calendar(Calendar::new(what, length, zone)?))
            }
            _ => Err(WindowsError::OffsetInCalendar),
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

    /// The name of the zone whose calendar they follow; UTC if they do not.
    pub fn zone_name(&self) -> &str {
        match self {
            Cells::Fixed(_) => "UTC",
            Cells::Calendar(calendar) => calendar.zone().name(),
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
            },
        }
    }
}
