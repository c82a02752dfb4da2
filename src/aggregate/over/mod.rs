//! Running aggregates: each record with what there is of the last ones of its group.
//!
//! - [`Over`]: records in, records with results out.
//! - `sliding`: the states behind it; `groups`: which there are; `waiting`: records that are not
//!   due yet; `saved`: all of it, saved and restored.

mod groups;
mod saved;
mod sliding;
mod waiting;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::str::FromStr;

use memchr::memmem;

use self::groups::{Found, Groups};
use self::sliding::Sliding;
use self::waiting::{Queued, Waiting};
use super::fault::{Fault, StreamError};
use super::functions::function::Scope;
use super::held::{Allowance, Held};
use super::memory::{allocated, vector};
use super::output::emit::Layout;
use super::output::select::Selection;
use super::plan::Plan;
use crate::record::outlet::{Outlet, PIECE_BYTES};
use crate::record::reserved;
use crate::record::splice::{add_fields, has_field, replace_fields};
use crate::record::text::write_string;
use crate::time::Duration;
use crate::time::duration::DurationError;
use crate::time::watermark::check_ahead;
use crate::window::Progress;

/// Which records of its group count for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The last so many that came, the record itself among them.
    Records(usize),
    /// Those of the last so much event time, both ends included.
    Time(Duration),
}

/// A text that tells no extent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtentError {
    /// There is no record before the first.
    #[error("the minimum is 1: the record itself counts")]
    Nothing,
    /// A range of time must have a length.
    #[error("the duration must be longer than 0")]
    NoLength,
    /// Neither a number nor a duration.
    #[error("neither a number of records, like 10, nor a duration, like 10m: {0}")]
    Neither(DurationError),
}

/// Reads a plain number as one of records, and all else as a duration.
impl FromStr for Extent {
    type Err = ExtentError;

    fn from_str(text: &str) -> Result<Extent, ExtentError> {
        if let Ok(records) = text.parse() {
            return if records > 0 {
                Ok(Extent::Records(records))
            } else {
                Err(ExtentError::Nothing)
            };
        }
        match text.parse::<Duration>().map_err(ExtentError::Neither)? {
            length if length.ms() == 0 => Err(ExtentError::NoLength),
            length => Ok(Extent::Time(length)),
        }
    }
}

/// What became of a record of a stream in event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It waits, or is out.
    In,
    /// The watermark had passed it already; it is so far behind the greatest event time seen.
    Late(Duration),
}

/// Gives each record the aggregates of those that count for it.
///
/// What is held: a state for each record that counts, and for a stream in event time also the
/// records that the watermark has not reached. Of a group that is of no account any more, because
/// all of its records are older than the extent, nothing is held.
pub struct Over {
    plan: Plan,
    layout: Layout,
    selection: Selection,
    extent: Extent,
    groups_max: usize,
    records_max: usize,
    groups: Groups,
    sliding: Sliding,
    progress: Progress,
    max_ahead: Option<Duration>,
    waiting: Waiting,
    /// The records that count, with their groups, by time.
    counting: VecDeque<(i64, usize)>,
    peers: Vec<Queued>,
    key: Vec<u8>,
    fields: Vec<u8>,
    /// What the results are called.
    names: Vec<String>,
    /// What finds their plain spellings in a record.
    finders: Vec<memmem::Finder<'static>>,
    held: Held,
    allowance: Allowance,
    /// How much memory the output took at most, beyond a piece of it.
    output_most: usize,
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
        if let (Extent::Records(_), Some(text)) = (extent, plan.projection.needs_windows()) {
            return Err(StreamError::NoTime(text.to_owned()));
        }
        let finders = plan.aggregate_names().map(|name| {
            let mut quoted = Vec::new();
            write_string(name, &mut quoted);
            memmem::Finder::new(&quoted).into_owned()
        });
        let finders = finders.collect();
        let names = plan.aggregate_names().map(str::to_owned).collect();
        Ok(Over {
            layout: plan.projection.layout(),
            sliding: Sliding::new(|| plan.projection.columns(true)),
            plan,
            selection,
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
            fields: Vec::new(),
            names,
            finders,
            held: Held::new(["record", "records"]),
            allowance: Allowance::new(usize::MAX),
            output_most: 0,
        })
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
        (self.groups_max, self.records_max) = (groups_max, records_max);
        self.allowance = Allowance::new(memory_bytes_max);
        self
    }

    /// Takes a stream, or a partition of one, to be quiet when nothing of it came while input was
    /// waited for so long.
    #[must_use]
    pub fn idling(mut self, after: Option<Duration>) -> Over {
        self.progress = self.progress.idling(after);
        self
    }

    /// Refuses records whose times are further ahead of the greatest before them.
    #[must_use]
    pub fn guarded(mut self, max_ahead: Option<Duration>) -> Over {
        self.max_ahead = max_ahead;
        self
    }

    /// What is known of the stream's partitions; call [`Over::go_on`] behind a change of it.
    pub fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    /// How long input can be waited for until records may come out by that alone; forever, if there
    /// is none.
    pub fn patience(&self) -> Option<Duration> {
        self.progress.patience(self.waiting.next_ms()?)
    }

    /// Takes the next record, and appends it with its results.
    ///
    /// # Errors
    /// When the record is at fault; it has then changed nothing.
    pub fn record(&mut self, record: &[u8], out: &mut dyn Outlet) -> Result<(), Fault> {
        self.look_at_times(record.len())?;
        self.stage(record)?;
        let group = self.enter()?;
        if let Extent::Records(most) = self.extent {
            while self.sliding.len(group) >= most.max(1) {
                self.sliding.pop(group);
            }
        }
        self.check_room()?;
        self.sliding.push(group);
        Ok(self.write(group, record, out)?)
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
        self.look_at_times(record.len())?;
        check_ahead(time_ms, self.progress.greatest_ms(), self.max_ahead)?;
        if self.progress.at_ms().is_some_and(|at_ms| time_ms <= at_ms) {
            self.progress.hear();
            return Ok(Taken::Late(self.progress.behind(time_ms)));
        }
        // What is wrong with a record is told when it comes. It is staged again when it counts:
        // states are told apart by the order in which their records count.
        self.stage(record)?;
        self.check_room()?;
        self.waiting.push(time_ms, record);
        self.progress.observe(time_ms);
        self.go_on(out)?;
        Ok(Taken::In)
    }

    /// Appends what the watermark has passed by now.
    ///
    /// # Errors
    /// When there are too many groups, or the condition on results fails.
    pub fn go_on(&mut self, out: &mut dyn Outlet) -> Result<(), Fault> {
        match self.progress.at_ms() {
            Some(at_ms) => self.release(at_ms, out),
            None => Ok(()),
        }
    }

    /// The input has ended: appends the records that still wait.
    ///
    /// # Errors
    /// When there are too many groups, or the condition on results fails.
    pub fn finish(&mut self, out: &mut dyn Outlet) -> Result<(), Fault> {
        self.look();
        self.release(i64::MAX, out)
    }

    /// How many records wait for the watermark.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What is held, and was at most; of records those that count and those that wait.
    pub fn held(&mut self) -> Held {
        self.look();
        self.held
    }

    fn look_at_times(&mut self, record_bytes: usize) -> Result<(), StreamError> {
        if self.allowance.is_due(record_bytes) {
            self.look();
            self.allowance.check(self.held.bytes)?;
        }
        Ok(())
    }

    fn look(&mut self) {
        let bytes = self.groups.bytes()
            + self.sliding.bytes()
            + self.waiting.bytes()
            + allocated(self.counting.capacity() * size_of::<(i64, usize)>())
            + vector(&self.fields)
            + self.output_most;
        self.held.see(self.groups.len(), self.records_held(), bytes);
        self.allowance.see(bytes);
    }

    fn records_held(&self) -> usize {
        self.sliding.count() + self.waiting.len()
    }

    /// Stages a record's values, and finds its key.
    fn stage(&mut self, record: &[u8]) -> Result<(), Fault> {
        let Plan { reading, projection } = &mut self.plan;
        let mut record = reading.load(record)?;
        self.key.clear();
        projection.write_key(&mut record, &mut self.key)?;
        projection.stage(None, &mut record, self.sliding.columns())
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
    fn release(&mut self, mark_ms: i64, out: &mut dyn Outlet) -> Result<(), Fault> {
        let mut peers = std::mem::take(&mut self.peers);
        let mut done = Ok(());
        while done.is_ok() && self.waiting.pop(mark_ms, &mut peers) {
            done = self.count(&mut peers, out);
        }
        self.peers = peers;
        done
    }

    fn count(&mut self, peers: &mut [Queued], out: &mut dyn Outlet) -> Result<(), Fault> {
        for peer in peers.iter_mut() {
            self.forget(peer.time_ms);
            self.look_at_times(peer.bytes.len())?;
            self.stage(&peer.bytes)?;
            peer.group = self.enter()?;
            self.sliding.push(peer.group);
            self.counting.push_back((peer.time_ms, peer.group));
        }
        for peer in peers {
            self.write(peer.group, &peer.bytes, out)?;
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

    /// Appends a record with the results of its group, if they pass.
    fn write(
        &mut self,
        group: usize,
        record: &[u8],
        out: &mut dyn Outlet,
    ) -> Result<(), StreamError> {
        let seconds = match self.extent {
            Extent::Time(length) => Some(length.ms() as f64 / 1_000.0),
            Extent::Records(_) => None,
        };
        self.fields.clear();
        let columns = self.sliding.all(group);
        self.layout.write_aggregates(columns, 0, Scope { seconds }, &mut self.fields);
        let lines = out.pending();
        let begin = lines.len();
        // Rarely is there such a field already: results that are aggregated again.
        let plain = self.finders.iter().any(|finder| finder.find(record).is_some());
        if has_field(record, &self.names, plain) {
            replace_fields(record, &self.names, &self.fields, lines);
            if let Err(reserved) = reserved::check(lines.get(begin..).unwrap_or_default()) {
                lines.truncate(begin);
                return Err(reserved.into());
            }
        } else {
            add_fields(record, &self.fields, lines);
        }
        self.output_most = self.output_most.max(lines.len().saturating_sub(PIECE_BYTES));
        let passes = self.selection.passes(lines.get(begin..).unwrap_or_default());
        if passes.map_err(StreamError::Having)? {
            lines.push(b'\n');
        } else {
            lines.truncate(begin);
        }
        Ok(out.relieve()?)
    }
}
