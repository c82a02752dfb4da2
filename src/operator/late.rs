//! Records that come too late: counted, and given to another output.

use super::{Collector, Side};
use crate::time::Duration;

/// The late records of a stream.
#[derive(Default)]
pub struct Late {
    /// Records that no window took.
    dropped: Tally,
    /// Records that only some of their windows took.
    missed: Tally,
    /// The record that last moved the watermark past the end of a window, if a record did.
    mover: Option<Mover>,
    /// Whether the file that it is in has ended.
    left: bool,
}

/// How many records were late, and by how much.
#[derive(Default)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// How many of them had a window that was reported before their stream began.
    pub reported: u64,
    /// How far the one that was late by most is behind the greatest event time.
    pub behind_max: Duration,
    /// What had moved the watermark when that one came.
    pub mover_max: Option<Mover>,
}

/// A record that moved the watermark past the end of a window.
#[derive(Clone, Debug)]
pub struct Mover {
    line: u64,
    /// Its event time, in milliseconds.
    pub time_ms: i64,
    /// Where the line is, once that has been asked for.
    pub place: Option<String>,
}

/// Why a record is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is so far behind the greatest event time.
    Behind(Duration),
    /// Its window is closed; by how much it is late is not known here.
    Closed,
    /// Its window had results in a stream that came before its own.
    Reported,
}

impl Late {
    /// Those that no window took: they were dropped, or went to [`Side::Late`].
    pub fn dropped(&self) -> &Tally {
        &self.dropped
    }

    /// Those that only some of their windows took.
    pub fn missed(&self) -> &Tally {
        &self.missed
    }

    /// The watermark has passed the end of a window: because of the record of this line and time,
    /// or without one.
    pub fn moved(&mut self, by: Option<(u64, i64)>) {
        self.mover = by.map(|(line, time_ms)| Mover { line, time_ms, place: None });
    }

    /// The file in hand has ended; lines are those of the next one.
    pub fn leave_file(&mut self) {
        self.left = true;
    }

    /// Takes a late record.
    pub fn take(&mut self, record: &[u8], cause: Cause, out: &mut dyn Collector) {
        self.dropped.add(cause, self.mover.as_ref());
        if let Some(lines) = out.side(Side::Late) {
            lines.extend_from_slice(record);
            lines.push(b'\n');
        }
    }

    /// Notes that a record went into some of its windows only, since others were closed.
    pub fn miss(&mut self, cause: Cause) {
        self.missed.add(cause, self.mover.as_ref());
    }

    /// Notes the places of the records that matter while their input is open.
    pub fn end_of_batch(&mut self, out: &dyn Collector) {
        let left = std::mem::take(&mut self.left);
        let tallied = self.dropped.mover_max.iter_mut().chain(&mut self.missed.mover_max);
        let movers = self.mover.iter_mut().filter(|_| left).chain(tallied);
        for mover in movers.filter(|mover| mover.place.is_none()) {
            mover.place = Some(out.place(mover.line));
        }
    }
}

impl Tally {
    fn add(&mut self, cause: Cause, mover: Option<&Mover>) {
        self.count += 1;
        match cause {
            Cause::Behind(behind) if behind > self.behind_max => {
                self.behind_max = behind;
                self.mover_max = mover.cloned();
            }
            Cause::Reported => self.reported += 1,
            _ => {}
        }
    }
}
