//! Running aggregates: each record with what there is of the last ones of its group.
//!
//! - [`Over`]: records in, records with results out; [`state`]: all of it but the reading.
//! - [`extent`]: which records count; `sliding`: their states; `groups`: which there are.
//! - `waiting`: records that are not due yet; `results`: records with their results.
//! - `saved`: all of it, saved and restored.

pub mod extent;
mod groups;
mod results;
mod saved;
mod sliding;
pub mod state;
mod waiting;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use self::groups::Groups;
use self::results::Results;
use self::sliding::Sliding;
use self::waiting::Waiting;
use super::fault::{Fault, StreamError};
use super::held::{Allowance, Held};
use super::output::select::Selection;
use super::plan::{Plan, Reading};
use super::state::Holding;
use crate::expr::{ParsedRecord, Records};
use crate::record::control::Mark;
use crate::record::lines::Lines;
use crate::record::outlet::Outlet;
use crate::time::Duration;
use crate::window::Progress;

pub use extent::{Extent, ExtentError};
pub use state::{OverState, Taken};

/// Gives each record the aggregates of those that count for it.
pub struct Over {
    reading: Reading,
    state: OverState,
}

impl Over {
    /// Starts on a stream whose records may come `out_of_order` behind the greatest event time;
    /// results pass `selection`.
    ///
    /// # Errors
    /// When an aggregate is by the second, and the extent is none of time.
    pub fn new(
        plan: Plan,
        extent: Extent,
        out_of_order: Duration,
        selection: Selection,
    ) -> Result<Over, StreamError> {
        let Plan { mut reading, projection } = plan;
        if let (Extent::Records(_), Some(text)) = (extent, projection.needs_windows()) {
            return Err(StreamError::NoTime(text.to_owned()));
        }
        reading.seek(projection.aggregate_names());
        let state = OverState {
            results: Results::new(&projection, selection),
            sliding: Sliding::new(|| projection.columns(true)),
            projection,
            extent,
            groups_max: usize::MAX,
            records_max: usize::MAX,
            groups: Groups::default(),
            progress: Progress::new(out_of_order),
            max_ahead: None,
            waiting: Waiting::default(),
            counting: VecDeque::new(),
            peers: Vec::new(),
            key: Vec::new(),
            held: Held::new(["record", "records"]),
            allowance: Allowance::new(usize::MAX),
        };
        Ok(Over { reading, state })
    }

    /// Allows at most so many groups at the same time, so many records, which are those that count
    /// and those that wait for the watermark, and so many bytes of memory for both.
    #[must_use]
    pub fn limited(
        mut self,
        groups_max: usize,
        records_max: usize,
        memory_bytes_max: usize,
    ) -> Over {
        (self.state.groups_max, self.state.records_max) = (groups_max, records_max);
        self.state.allowance = Allowance::new(memory_bytes_max);
        self
    }

    /// Takes a stream, or a partition of one, to be quiet when nothing of it came while input was
    /// waited for so long.
    #[must_use]
    pub fn idling(mut self, after: Option<Duration>) -> Over {
        self.state.progress = self.state.progress.idling(after);
        self
    }

    /// Follows a clock, which gives records their times.
    #[must_use]
    pub fn clocked(mut self) -> Over {
        self.state.progress = self.state.progress.clocked();
        self
    }

    /// Refuses records whose times are further ahead of the greatest before them.
    #[must_use]
    pub fn guarded(mut self, max_ahead: Option<Duration>) -> Over {
        self.state.max_ahead = max_ahead;
        self
    }

    /// Which expression of the records that are read is that for the event time, if there is one.
    pub fn time_expression(&self) -> Option<usize> {
        self.reading.time_expression()
    }

    /// What is known of the stream's partitions; call [`Over::go_on`] after a change of it.
    pub fn progress(&mut self) -> &mut Progress {
        &mut self.state.progress
    }

    /// How long input can be waited for until records may come out by that alone; forever, if there
    /// is none.
    pub fn patience(&self) -> Option<Duration> {
        self.state.progress.patience(self.state.waiting.next_ms()?)
    }

    /// Takes the next record, and appends it with its results.
    ///
    /// # Errors
    /// When the record is at fault; it has then changed nothing.
    pub fn record(&mut self, record: &[u8], out: &mut dyn Outlet) -> Result<(), Fault> {
        let (mut record, state) = self.load(record)?;
        state.take(&mut record, out)
    }

    /// Takes the next record, by its event time in milliseconds; appends all that the watermark
    /// has passed now, in the order of their times.
    ///
    /// # Errors
    /// When the record is at fault; it has then changed nothing.
    pub fn record_at(
        &mut self,
        time_ms: i64,
        record: &[u8],
        out: &mut dyn Outlet,
    ) -> Result<Taken, Fault> {
        let (mut record, state) = self.load(record)?;
        state.take_at(time_ms, &mut record, out)
    }

    /// Reads a record, for what takes it.
    ///
    /// # Errors
    /// When it is not valid, or no object.
    pub fn load<'t>(
        &mut self,
        record: &'t [u8],
    ) -> Result<(ParsedRecord<'_, 't>, &mut OverState), Fault> {
        Ok((self.reading.load(record)?, &mut self.state))
    }

    /// Reads records at the front of `lines`, as far as that can be done fast, for what takes them.
    pub fn records<'a, 'l, 't>(
        &'a mut self,
        lines: &'l mut Lines<'t>,
    ) -> (Records<'a, 'l, 't>, &'a mut OverState) {
        (self.reading.records(lines), &mut self.state)
    }

    /// Appends what the watermark has passed by now.
    ///
    /// # Errors
    /// When there are too many groups, or the condition on results fails.
    pub fn go_on(&mut self, out: &mut dyn Outlet) -> Result<(), Fault> {
        self.state.go_on(&mut self.reading.recall(), out)
    }

    /// The input has ended: appends the records that still wait.
    ///
    /// # Errors
    /// When there are too many groups, or the condition on results fails.
    pub fn finish(&mut self, out: &mut dyn Outlet) -> Result<(), Fault> {
        self.state.finish(&mut self.reading.recall(), out)
    }

    /// How many records wait for the watermark.
    pub fn waiting(&self) -> usize {
        self.state.waiting.len()
    }

    /// What is held now, as far as is known without a look at all of it.
    pub fn holds(&self) -> Holding {
        let OverState { results, groups, held, progress, .. } = &self.state;
        Holding {
            results: results.written(),
            mark: progress.at_ms().map(Mark::Ms),
            windows: None,
            groups: groups.len(),
            bytes: held.bytes,
            closes_ms: None,
        }
    }

    /// What is held, and was at most; of records those that count and those that wait.
    pub fn held(&mut self) -> Held {
        self.state.look();
        self.state.held
    }
}
