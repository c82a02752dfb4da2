//! Running aggregates: each record with what there is of the last ones of its group.
//!
//! - [`Over`]: records in, records with results out.
//! - `sliding`: the states behind it; `groups`: which there are; `waiting`: records that are not
//!   due yet.

mod groups;
mod sliding;
mod waiting;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::str::FromStr;

use memchr::memmem;

use self::groups::{Found, Groups};
use self::sliding::Sliding;
use self::waiting::{Held, Waiting};
use super::emit::Layout;
use super::fault::{Fault, StreamError};
use super::function::Scope;
use super::plan::Plan;
use super::select::Selection;
use crate::record::splice::{add_fields, replace_fields};
use crate::record::text::write_string;
use crate::time::Duration;
use crate::time::duration::DurationError;
use crate::time::watermark::Watermark;

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
    #[error("at least 1 record must count: the record itself is one of them")]
    Nothing,
    /// A range of time must have a length.
    #[error("the time that counts must be longer than 0")]
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
    groups: Groups,
    sliding: Sliding,
    watermark: Watermark,
    waiting: Waiting,
    /// The records that count, with their groups, by time.
    counting: VecDeque<(i64, usize)>,
    peers: Vec<Held>,
    key: Vec<u8>,
    fields: Vec<u8>,
    /// What the results are called, each with what finds it in a record.
    names: Vec<(String, memmem::Finder<'static>)>,
    groups_most: usize,
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
        if let (Extent::Records(_), Some(text)) = (extent, plan.wiring.needs_windows()) {
            return Err(StreamError::NoTime(text.to_owned()));
        }
        let names = plan.aggregate_names();
        let names = names.map(|name| {
            let mut quoted = Vec::new();
            write_string(name, &mut quoted);
            (name.to_owned(), memmem::Finder::new(&quoted).into_owned())
        });
        let names = names.collect();
        Ok(Over {
            layout: plan.wiring.layout(),
            sliding: Sliding::new(|| plan.wiring.columns(true)),
            plan,
            selection,
            extent,
            groups_max: usize::MAX,
            groups: Groups::default(),
            watermark: Watermark::new(out_of_order),
            waiting: Waiting::default(),
            counting: VecDeque::new(),
            peers: Vec::new(),
            key: Vec::new(),
            fields: Vec::new(),
            names,
            groups_most: 0,
        })
    }

    /// Allows at most so many groups at the same time.
    #[must_use]
    pub fn limited(mut self, groups_max: usize) -> Over {
        self.groups_max = groups_max;
        self
    }

    /// Takes the next record, and appends it with its results.
    ///
    /// # Errors
    /// When the record is at fault; it has then changed nothing.
    pub fn record(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        self.stage(record)?;
        let group = self.enter()?;
        if let Extent::Records(most) = self.extent {
            while self.sliding.len(group) >= most.max(1) {
                self.sliding.pop(group);
            }
        }
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
        out: &mut Vec<u8>,
    ) -> Result<Taken, Fault> {
        if self.watermark.at_ms().is_some_and(|at_ms| time_ms <= at_ms) {
            let greatest_ms = self.watermark.greatest_ms().unwrap_or(time_ms);
            let behind = Duration::from_ms(greatest_ms.saturating_sub(time_ms));
            return Ok(Taken::Late(behind.unwrap_or_default()));
        }
        // What is wrong with a record is told when it comes. It is staged again when it counts:
        // states are told apart by the order in which their records count.
        self.stage(record)?;
        self.waiting.push(time_ms, record);
        let at_ms = self.watermark.observe(time_ms);
        self.release(at_ms, out)?;
        Ok(Taken::In)
    }

    /// The input has ended: appends the records that still wait.
    ///
    /// # Errors
    /// When there are too many groups, or the condition on results fails.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.release(i64::MAX, out)
    }

    /// How many records wait for the watermark.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many groups there are, and were at most.
    pub fn groups(&self) -> (usize, usize) {
        (self.groups.len(), self.groups_most)
    }

    /// About how many bytes are held.
    pub fn bytes(&self) -> usize {
        let counting = self.counting.capacity() * size_of::<(i64, usize)>();
        self.groups.bytes() + self.sliding.bytes() + self.waiting.bytes() + counting
    }

    /// Stages a record's values, and finds its key.
    fn stage(&mut self, record: &[u8]) -> Result<(), Fault> {
        let Plan { reading, wiring } = &mut self.plan;
        let mut record = reading.load(record)?;
        self.key.clear();
        wiring.write_key(&mut record, &mut self.key)?;
        wiring.stage(None, &mut record, self.sliding.columns())
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
        self.groups_most = self.groups_most.max(self.groups.len());
        if is_new {
            self.sliding.add_group();
        }
        Ok(group)
    }

    /// Lets the records count that a watermark has reached. Those of one time count for each other
    /// (SQL's RANGE), so all of them come in before the first goes out.
    fn release(&mut self, mark_ms: i64, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut peers = std::mem::take(&mut self.peers);
        let mut done = Ok(());
        while done.is_ok() && self.waiting.pop(mark_ms, &mut peers) {
            done = self.count(&mut peers, out);
        }
        self.peers = peers;
        done
    }

    fn count(&mut self, peers: &mut [Held], out: &mut Vec<u8>) -> Result<(), Fault> {
        for peer in peers.iter_mut() {
            self.forget(peer.time_ms);
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
    fn write(&mut self, group: usize, record: &[u8], out: &mut Vec<u8>) -> Result<(), StreamError> {
        let seconds = match self.extent {
            Extent::Time(length) => Some(length.ms() as f64 / 1_000.0),
            Extent::Records(_) => None,
        };
        self.fields.clear();
        let columns = self.sliding.all(group);
        self.layout.write_aggregates(columns, 0, Scope { seconds }, &mut self.fields);
        let begin = out.len();
        // Rarely is there such a field already: results that are aggregated again.
        if self.names.iter().any(|(_, finder)| finder.find(record).is_some()) {
            let names: Vec<&str> = self.names.iter().map(|(name, _)| name.as_str()).collect();
            replace_fields(record, &names, &self.fields, out);
        } else {
            add_fields(record, &self.fields, out);
        }
        let passes = self.selection.passes(out.get(begin..).unwrap_or_default());
        if passes.map_err(StreamError::Having)? {
            out.push(b'\n');
        } else {
            out.truncate(begin);
        }
        Ok(())
    }
}
