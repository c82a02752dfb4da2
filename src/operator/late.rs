//! Records that come too late: counted, and given to another output.

use super::{Collector, Side};
use crate::state::{Reader, StateError, Writer};
use crate::time::Duration;
use crate::time::timestamp::load_ms;

/// The late records of a stream.
#[derive(Debug, Default)]
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
#[derive(Debug, Default)]
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

impl Late {
    /// Saves what is told of late records; `places` knows where lines are.
    pub(super) fn save(&self, places: &dyn Collector, to: &mut Writer) {
        self.dropped.save(places, to);
        self.missed.save(places, to);
        to.put_option(self.mover.as_ref(), |to, mover| mover.save(places, to));
    }

    /// Restores what [`Late::save`] saved.
    ///
    /// # Errors
    /// When it is no such state; nothing has then changed.
    pub(super) fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let (dropped, missed) = (Tally::load(from)?, Tally::load(from)?);
        *self = Late { dropped, missed, mover: from.take_option(Mover::load)?, left: false };
        Ok(())
    }
}

impl Mover {
    fn save(&self, places: &dyn Collector, to: &mut Writer) {
        to.put_i64(self.time_ms);
        match &self.place {
            Some(place) => to.put_bytes(place.as_bytes()),
            None => to.put_bytes(places.place(self.line).as_bytes()),
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Mover, StateError> {
        let (time_ms, place) = (load_ms(from)?, from.take_str()?.to_owned());
        Ok(Mover { line: 0, time_ms, place: Some(place) })
    }
}

impl Tally {
    fn save(&self, places: &dyn Collector, to: &mut Writer) {
        to.put_u64(self.count);
        to.put_u64(self.reported);
        to.put_i64(self.behind_max.ms());
        to.put_option(self.mover_max.as_ref(), |to, mover| mover.save(places, to));
    }

    fn load(from: &mut Reader<'_>) -> Result<Tally, StateError> {
        let (count, reported) = (from.take_records()?, from.take_records()?);
        let behind_max = Duration::from_ms(from.take_i64()?);
        let behind_max =
            behind_max.ok_or(StateError::Invalid("a time that is late by less than 0"))?;
        let mover_max = from.take_option(Mover::load)?;
        Ok(Tally { count, reported, behind_max, mover_max })
    }

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
