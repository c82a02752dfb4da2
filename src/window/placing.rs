//! The records of a stream into their windows, and the watermark behind them.

use super::progress::TICK_MS;
use super::{Progress, Tumbling, Windows};
use crate::state::{Reader, StateError, Writer};
use crate::time::timestamp::{MAX_MS, MIN_MS, show_ms};
use crate::time::watermark::{TooFarAhead, check_ahead};
use crate::time::{Duration, Interval};

/// Puts the records of a stream into windows, one record at a time.
///
/// What it says depends on the event times and their order alone, unless it is told how long the
/// input was waited for.
#[derive(Clone, Debug)]
pub struct Placing {
    windows: Windows,
    progress: Progress,
    allowed_lateness_ms: i64,
    max_ahead: Option<Duration>,
    every: Option<Tumbling>,
    /// The slice of the last record, and the hull of its windows: most often also the next one's.
    last: Option<(Interval, Interval)>,
    /// The least watermark that is to be told; none before the first record.
    next_ms: Option<i64>,
}

/// Where a record belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// In this slice, and so in those of [`Windows::of_slice`] that are still open.
    In {
        /// The record's slice.
        slice: Interval,
        /// Those of its windows are closed that end here or before, in milliseconds; not the last
        /// of them.
        closed_ms: i64,
        /// The watermark behind this record, in milliseconds, if it is to be told.
        passed_ms: Option<i64>,
        /// How far the record is behind the greatest event time seen, if it came too late for some
        /// of its windows.
        missed: Option<Duration>,
    },
    /// Nowhere: all its windows have closed.
    Late {
        /// How far the record is behind the greatest event time seen.
        behind: Duration,
    },
}

/// Why a record has no place in the stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misplaced {
    /// Its window cannot be written.
    #[error(transparent)]
    NoWindow(#[from] NoWindow),
    /// It would take the watermark with it.
    #[error(transparent)]
    Ahead(#[from] TooFarAhead),
}

/// A time whose window starts or ends where no time can be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the window of {} reaches beyond the years 0000 to 9999", show_ms(*.time_ms))]
pub struct NoWindow {
    /// The event time, in milliseconds since the epoch.
    pub time_ms: i64,
}

impl Placing {
    /// Puts records into `windows`, of which each closes when the watermark reaches its last
    /// millisecond.
    pub fn new(windows: Windows, progress: Progress) -> Placing {
        Placing {
            windows,
            progress,
            allowed_lateness_ms: 0,
            max_ahead: None,
            every: None,
            last: None,
            next_ms: None,
        }
    }

    /// Lets windows take records until the watermark is so far behind their end.
    #[must_use]
    pub fn lenient(mut self, allowed_lateness: Duration) -> Placing {
        self.allowed_lateness_ms = allowed_lateness.ms();
        self
    }

    /// Refuses records whose times are further ahead of the greatest before them.
    #[must_use]
    pub fn guarded(mut self, max_ahead: Option<Duration>) -> Placing {
        self.max_ahead = max_ahead;
        self
    }

    /// Tells the watermark also when it passes one of the ends of these windows.
    #[must_use]
    pub fn telling_every(mut self, every: Option<Tumbling>) -> Placing {
        self.every = every;
        self
    }

    /// The windows that records are put into.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// How far event time has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Takes the next record by its event time, in milliseconds.
    ///
    /// # Errors
    /// When a window cannot be written, or the time is too far ahead; the record then leaves no
    /// trace.
    // What it returns is as large as what it does.
    #[inline(always)]
    pub fn place(&mut self, time_ms: i64) -> Result<Placed, Misplaced> {
        if self.max_ahead.is_some() {
            check_ahead(time_ms, self.progress.greatest_ms(), self.max_ahead)?;
        }
        let (slice, hull) = self.slice(time_ms).ok_or(NoWindow { time_ms })?;
        let closed_ms = self.closed_ms();
        // Whether a session is late depends on the group's other records.
        let merges = matches!(self.windows, Windows::Session { .. });
        if hull.end_ms <= closed_ms && !merges {
            self.progress.hear();
            return Ok(Placed::Late { behind: self.progress.behind(time_ms) });
        }
        let missed = self.misses(slice, closed_ms) && !merges;
        let missed = missed.then(|| self.progress.behind(time_ms));
        self.progress.observe(time_ms);
        Ok(Placed::In { slice, closed_ms, passed_ms: self.passed_ms(), missed })
    }

    /// A stream begins that has these partitions; none, if it does not tell them apart. Gives the
    /// watermark if it is to be told, as all of these do.
    pub fn begin(&mut self, partitions: &[u32]) -> Option<i64> {
        self.progress.begin(partitions);
        self.passed_ms()
    }

    /// The records that come now are of this partition.
    pub fn turn_to(&mut self, partition: u32) {
        self.progress.turn_to(partition);
    }

    /// Nothing more comes of this partition.
    pub fn end(&mut self, partition: u32) -> Option<i64> {
        self.progress.end(partition);
        self.passed_ms()
    }

    /// Input was waited for so long.
    pub fn wait(&mut self, time: Duration) -> Option<i64> {
        self.progress.wait(time);
        self.passed_ms()
    }

    /// The clock shows this time, in milliseconds, in a stream whose times are those of a clock.
    pub fn clock(&mut self, now_ms: i64) -> Option<i64> {
        self.progress.clock(now_ms);
        self.passed_ms()
    }

    /// How long input can be waited for until the watermark may move by that alone: forever, if
    /// there is none.
    pub fn patience(&self) -> Option<Duration> {
        let patience = self.progress.patience(self.next_ms.unwrap_or(i64::MIN));
        // The watermark of sessions counts whenever it moves, which a clock does all the time.
        let least = match self.windows {
            Windows::Session { .. } if self.progress.is_clocked() => {
                Duration::from_ms(TICK_MS).unwrap_or_default()
            }
            _ => Duration::default(),
        };
        patience.map(|patience| patience.max(least))
    }

    /// Saves how far the stream has come.
    pub fn save(&self, to: &mut Writer) {
        to.put_option(self.next_ms, Writer::put_i64);
        self.progress.save(to);
    }

    /// Restores what [`Placing::save`] saved. Which windows there are, and which records they take,
    /// stays as it is here.
    ///
    /// # Errors
    /// When it is no such state; nothing has then changed.
    pub fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let next_ms = from.take_option(Reader::take_i64)?;
        self.progress.restore(from)?;
        self.next_ms = next_ms;
        Ok(())
    }

    /// The slice of a time, and the hull of its windows; none if that cannot be written.
    fn slice(&mut self, time_ms: i64) -> Option<(Interval, Interval)> {
        let same = |(slice, _): &(Interval, Interval)| {
            slice.start_ms <= time_ms
                && time_ms < slice.end_ms
                && !matches!(self.windows, Windows::Session { .. })
        };
        if let Some(last) = self.last.filter(same) {
            return Some(last);
        }
        let slice = self.windows.slice(time_ms)?;
        let hull = self.windows.hull(slice)?;
        if hull.start_ms < MIN_MS || hull.end_ms > MAX_MS {
            return None;
        }
        self.last = Some((slice, hull));
        self.last
    }

    /// Whether a window that has this slice is closed.
    fn misses(&self, slice: Interval, closed_ms: i64) -> bool {
        // No window ends before its slices do: for a record in time this is one comparison.
        slice.end_ms <= closed_ms
            && self
                .windows
                .next_of_slice(slice, i64::MIN)
                .is_some_and(|first| first.end_ms <= closed_ms)
    }

    /// Windows that end here or before are closed.
    fn closed_ms(&self) -> i64 {
        self.progress.at_ms().map_or(i64::MIN, |at_ms| {
            // A window is open as long as its end − 1 + the lateness is above the watermark.
            at_ms.saturating_add(1).saturating_sub(self.allowed_lateness_ms)
        })
    }

    /// The watermark, if it has passed something that it is told for since it was last asked for.
    fn passed_ms(&mut self) -> Option<i64> {
        let at_ms = self.progress.at_ms()?;
        if self.next_ms.is_some_and(|next_ms| at_ms < next_ms) {
            return None;
        }
        self.next_ms = Some(self.next_after(at_ms));
        Some(at_ms)
    }

    /// The least watermark above this one that is to be told.
    fn next_after(&self, at_ms: i64) -> i64 {
        // A window that ends at e closes at e − 1: so the first end after at + 1 is what counts.
        // No window begins before the years that can be written.
        let behind_ms = at_ms.saturating_add(1).max(MIN_MS);
        let ends_ms = self.windows.next_end_ms(behind_ms);
        let lateness_ms = self.allowed_lateness_ms;
        let last_ms = (lateness_ms > 0)
            .then(|| behind_ms.saturating_sub(lateness_ms).max(MIN_MS))
            .and_then(|behind_ms| self.windows.next_end_ms(behind_ms))
            .map(|end_ms| end_ms.saturating_add(lateness_ms));
        let every_ms = self.every.and_then(|every| Some(every.assign(behind_ms)?.end_ms));
        let next_ms = [ends_ms, last_ms, every_ms].into_iter().flatten().min();
        next_ms.map_or(i64::MAX, |end_ms| end_ms.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests;
