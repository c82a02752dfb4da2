//! Groups, the records that count, and those that wait: records and their times in, records with
//! results out.

use std::collections::VecDeque;

use super::extent::Extent;
use super::groups::{Found, Groups};
use super::results::Results;
use super::sliding::Sliding;
use super::waiting::{Queued, Waiting};
use crate::aggregate::fault::{Fault, StreamError};
use crate::aggregate::functions::function::Scope;
use crate::aggregate::held::{Allowance, Held};
use crate::aggregate::memory::allocated;
use crate::aggregate::plan::projection::Projection;
use crate::expr::{ParsedRecord, Recall};
use crate::record::outlet::Outlet;
use crate::time::Duration;
use crate::time::watermark::check_ahead;
use crate::window::Progress;

/// What became of a record of a stream in event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It waits, or is out.
    In,
    /// The watermark had passed it already; it is so far before the maximum event time seen.
    Late(Duration),
}

/// All of running aggregates but the reading of records.
///
/// What is held: a state for each record that counts, and for a stream in event time also the
/// records that the watermark has not reached. Of a group that is of no account any more, because
/// all of its records are older than the extent, nothing is held.
pub struct OverState {
    pub(super) projection: Projection,
    pub(super) results: Results,
    pub(super) extent: Extent,
    pub(super) groups_max: usize,
    pub(super) records_max: usize,
    pub(super) groups: Groups,
    pub(super) sliding: Sliding,
    pub(super) progress: Progress,
    pub(super) max_ahead: Option<Duration>,
    pub(super) waiting: Waiting,
    /// The records that count, with their groups, by time.
    pub(super) counting: VecDeque<(i64, usize)>,
    pub(super) peers: Vec<Queued>,
    pub(super) key: Vec<u8>,
    pub(super) held: Held,
    pub(super) allowance: Allowance,
}

impl OverState {
    /// Takes the next record, which is an object, and appends it with its results.
    ///
    /// # Errors
    /// When the record is at fault; it has then changed nothing.
    pub fn take(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        out: &mut dyn Outlet,
    ) -> Result<(), Fault> {
        self.look_at_times(record.record().len())?;
        self.stage(record)?;
        let group = self.enter()?;
        if let Extent::Records(most) = self.extent {
            while self.sliding.len(group) >= most.max(1) {
                self.sliding.pop(group);
            }
        }
        self.check_room()?;
        self.sliding.push(group);
        Ok(self.write(group, (record.record(), record.lacks_sought()), out)?)
    }

    /// Takes the next record, which is an object, by its event time in milliseconds; appends all
    /// that the watermark has passed now, in the order of their times.
    ///
    /// # Errors
    /// When the record is at fault; it has then changed nothing.
    pub fn take_at(
        &mut self,
        time_ms: i64,
        record: &mut ParsedRecord<'_, '_>,
        out: &mut dyn Outlet,
    ) -> Result<Taken, Fault> {
        self.look_at_times(record.record().len())?;
        check_ahead(time_ms, self.progress.greatest_ms(), self.max_ahead)?;
        if self.progress.at_ms().is_some_and(|at_ms| time_ms <= at_ms) {
            self.progress.hear();
            return Ok(Taken::Late(self.progress.behind(time_ms)));
        }
        // What is wrong with a record is told when it comes. It is staged again when it counts:
        // states are distinguished by the order in which their records count.
        if !self.projection.is_fit(record) {
            self.stage(record)?;
        }
        self.check_room()?;
        self.waiting.push(time_ms, record);
        self.progress.observe(time_ms);
        self.go_on(&mut record.recall(), out)?;
        Ok(Taken::In)
    }

    /// Appends what the watermark has passed by now; `recall` reads the records that waited.
    ///
    /// # Errors
    /// When there are too many groups, or the condition on results fails.
    pub(super) fn go_on(
        &mut self,
        recall: &mut Recall<'_>,
        out: &mut dyn Outlet,
    ) -> Result<(), Fault> {
        match self.progress.at_ms() {
            Some(at_ms) => self.release(at_ms, recall, out),
            None => Ok(()),
        }
    }

    /// The input has ended: appends the records that still wait.
    ///
    /// # Errors
    /// When there are too many groups, or the condition on results fails.
    pub(super) fn finish(
        &mut self,
        recall: &mut Recall<'_>,
        out: &mut dyn Outlet,
    ) -> Result<(), Fault> {
        self.look();
        self.release(i64::MAX, recall, out)
    }

    fn look_at_times(&mut self, record_bytes: usize) -> Result<(), StreamError> {
        if self.allowance.is_due(record_bytes) {
            self.look();
            self.allowance.check(self.held.bytes)?;
        }
        Ok(())
    }

    /// Sees what is held.
    pub(super) fn look(&mut self) {
        let bytes = self.groups.bytes()
            + self.sliding.bytes()
            + self.waiting.bytes()
            + allocated(self.counting.capacity() * size_of::<(i64, usize)>())
            + self.results.bytes();
        self.held.see(self.groups.len(), self.records_held(), bytes);
        self.allowance.see(bytes);
    }

    fn records_held(&self) -> usize {
        self.sliding.count() + self.waiting.len()
    }

    /// Stages a record's values, and finds its key.
    fn stage(&mut self, record: &mut ParsedRecord<'_, '_>) -> Result<(), Fault> {
        self.key.clear();
        self.projection.write_key(record, &mut self.key)?;
        self.projection.stage(None, record, self.sliding.columns())
    }

    /// Whether a record more can be held.
    fn check_room(&mut self) -> Result<(), StreamError> {
        let held = self.records_held();
        if held >= self.records_max {
            return Err(StreamError::TooManyRecords(self.records_max));
        }
        self.held.windows_most = self.held.windows_most.max(held + 1);
        Ok(())
    }

    /// The group of the record that was staged.
    fn enter(&mut self) -> Result<usize, StreamError> {
        let hash = match self.groups.find(&self.key) {
            Found::Known(group) => return Ok(group),
            Found::New(hash) => hash,
        };
        if self.groups.len() >= self.groups_max {
            return Err(StreamError::TooManyGroups(self.groups_max));
        }
        let (group, is_new) = self.groups.add(hash, &self.key);
        self.held.groups_most = self.held.groups_most.max(self.groups.len());
        if is_new {
            self.sliding.add_group();
        }
        Ok(group)
    }

    /// Lets the records count that a watermark has reached. Those of one time count for each other
    /// (SQL's RANGE), so all of them come in before the first goes out.
    fn release(
        &mut self,
        mark_ms: i64,
        recall: &mut Recall<'_>,
        out: &mut dyn Outlet,
    ) -> Result<(), Fault> {
        let mut peers = std::mem::take(&mut self.peers);
        let mut done = Ok(());
        while done.is_ok() && self.waiting.pop(mark_ms, &mut peers) {
            done = self.count(&mut peers, recall, out);
        }
        self.peers = peers;
        done
    }

    fn count(
        &mut self,
        peers: &mut [Queued],
        recall: &mut Recall<'_>,
        out: &mut dyn Outlet,
    ) -> Result<(), Fault> {
        for Queued { time_ms, held, .. } in peers.iter_mut() {
            self.forget(*time_ms);
            self.look_at_times(held.bytes.len())?;
            let mut record = recall.load(&held.bytes, &held.found)?;
            if !record.is_object() {
                return Err(Fault::NotAnObject);
            }
            self.stage(&mut record)?;
            held.group = self.enter()?;
            self.sliding.push(held.group);
            self.counting.push_back((*time_ms, held.group));
        }
        for Queued { held, .. } in peers {
            self.write(held.group, (&held.bytes, held.is_bare), out)?;
        }
        Ok(())
    }

    /// Lets what is too old for a record of this time count no more.
    fn forget(&mut self, time_ms: i64) {
        let Extent::Time(length) = self.extent else { return };
        let from_ms = time_ms.saturating_sub(length.ms());
        while let Some((_, group)) = self.counting.pop_front_if(|(time_ms, _)| *time_ms < from_ms) {
            self.sliding.pop(group);
            if self.sliding.len(group) == 0 {
                self.groups.remove(group);
            }
        }
    }

    /// Appends a record, which is known to be bare or not, with the results of its group, if
    /// they pass.
    fn write(
        &mut self,
        group: usize,
        record: (&[u8], bool),
        out: &mut dyn Outlet,
    ) -> Result<(), StreamError> {
        let seconds = match self.extent {
            Extent::Time(length) => Some(length.ms() as f64 / 1_000.0),
            Extent::Records(_) => None,
        };
        self.results.write(
            self.sliding.all(group),
            Scope { seconds, is_filled: false },
            record,
            out,
        )
    }
}
