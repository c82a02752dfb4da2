//! What a topic has that was not read yet, for those who ask what the tool does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::api::reading::ByPartition;
use crate::api::stats::PartitionFigures;
use crate::cli::counters::{MORE_WITHIN, counters};
use crate::cli::figures::{Figures, WaitingFor};
use crate::cli::silence::{When, explain};
use crate::store::Store;
use crate::sys::clock;
use crate::time::event_time::from_text;
use crate::time::timestamp::show_us;

/// For how long nothing is appended to a topic that is quiet, in milliseconds.
const QUIET_MS: i64 = 10_000;

/// Which record comes next in each partition, where others may look.
#[derive(Clone, Debug, Default)]
pub struct Reached(Arc<Mutex<ByPartition<u64>>>);

impl Reached {
    /// In a topic of the log in `dir`, which is asked how much it has whenever somebody asks us.
    pub fn in_topic(dir: PathBuf, topic: &str) -> Reached {
        let (reached, topic) = (Reached::default(), topic.to_owned());
        let next = reached.clone();
        counters().add(move |figures| {
            if let Some(there) = holdings(&dir, &topic) {
                next.compare(&there, figures);
            }
        });
        reached
    }

    /// Reads these partitions, from these records on.
    pub fn begin(&self, next: ByPartition<u64>) {
        *self.next() = next;
    }

    /// This record comes next in a partition.
    pub fn reached(&self, partition: u32, next: u64) {
        self.next().insert(partition, next);
    }

    /// Adds what partitions hold to the figures.
    fn compare(&self, there: &ByPartition<PartitionFigures>, figures: &mut Figures) {
        let next = self.next();
        let ahead = |(number, holds): (&u32, &PartitionFigures)| {
            next.get(number).map(|next| holds.end.saturating_sub(*next))
        };
        let lag: u64 = there.iter().filter_map(ahead).sum();
        // The log writes to our output itself while we wait, and leaves to us what does not fit.
        let is_written = figures.lent && figures.waiting_for == Some(WaitingFor::Input);
        if is_written {
            figures.records_in += lag;
            figures.records_out += lag;
        }
        figures.lag = Some(if is_written { 0 } else { lag });
        let last_us = there.values().filter_map(|holds| holds.last_append_us).max();
        figures.last_append = last_us.map(show_us);
    }

    fn next(&self) -> MutexGuard<'_, ByPartition<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has it said, once and to people, since when the topic is quiet.
pub fn explain_quiet() {
    explain(When::NoRecord, |figures| {
        let last = figures.last_append.as_ref()?;
        let last_ms = from_text(last, None).ok()?;
        // The log may have written what came since.
        let is_quiet =
            clock::now_ms().saturating_sub(last_ms) >= QUIET_MS && figures.lag == Some(0);
        is_quiet.then(|| format!("no record since {last}, when the last one was appended"))
    });
}

fn holdings(dir: &Path, topic: &str) -> Option<ByPartition<PartitionFigures>> {
    let mut store = Store::open(dir).ok()?;
    store.limit_waits(MORE_WITHIN).ok()?;
    let figures = store.figures(&[topic.to_owned()]).ok()?;
    figures.topics.into_iter().next().map(|topic| topic.partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_the_lag_unless_the_log_writes_it_itself() {
        let reached = Reached::default();
        reached.begin(ByPartition::from([(0, 5), (1, 7)]));
        reached.reached(1, 8);
        let holds = |end| PartitionFigures { end, ..PartitionFigures::default() };
        // Nobody reads partition 2.
        let there = ByPartition::from([(0, holds(6)), (1, holds(10)), (2, holds(9))]);
        let waiting_for = Some(WaitingFor::Input);
        let mut figures = Figures { records_in: 20, waiting_for, ..Figures::default() };
        reached.compare(&there, &mut figures);
        assert_eq!((figures.lag, figures.records_in), (Some(3), 20));
        figures.lent = true;
        reached.compare(&there, &mut figures);
        assert_eq!((figures.lag, figures.records_in), (Some(0), 23));
    }
}
