//! How inputs are merged, and what is to be said of it at the end.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration as StdDuration;

use crate::cli::{Failure, Status, message};
use crate::merge::Limit;
use crate::operator::clock::Clock;
use crate::time::Duration;

/// How much longer a wait may take than it was to.
const WAIT_SLACK: StdDuration = StdDuration::from_millis(5);

/// How inputs are merged.
pub struct MergePlan {
    /// What reads the times of records, until it is taken.
    clock: Mutex<Option<Clock>>,
    pub(super) timing: Timing,
    /// How much may wait for an input.
    pub(super) limit: Limit,
    /// Whether it is a fault that a record comes later than is allowed.
    strict: bool,
    report: Mutex<Report>,
}

/// How long records, and inputs, are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How far a record may come behind the greatest time of its input.
    pub out_of_order: Duration,
    /// How long an input may give nothing and still be waited for; for ever, if there is none.
    pub idle: Option<Duration>,
}

/// What is to be said at the end.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// How many records came later than is allowed.
    pub later: u64,
    /// By how much the latest of them did, in milliseconds.
    pub most_ms: i64,
    /// What is to be said of local times.
    pub odd_times: Vec<String>,
}

impl fmt::Debug for MergePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MergePlan").field("timing", &self.timing).finish_non_exhaustive()
    }
}

impl MergePlan {
    /// Merges by the times that `clock` reads; at most so much waits.
    pub fn new(clock: Clock, timing: Timing, limit: Limit, strict: bool) -> MergePlan {
        let (clock, report) = (Mutex::new(Some(clock)), Mutex::default());
        MergePlan { clock, timing, limit, strict, report }
    }

    /// What reads the times of records; there is one.
    pub(super) fn take_clock(&self) -> Option<Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn report(&self, report: Report) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }

    /// Says what is to be said at the end; gives the status for it.
    pub(in crate::cli) fn conclude(&self) -> Status {
        let report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        report.odd_times.iter().for_each(|what| message::note(what));
        tell_later((report.later, report.most_ms), Some(self.timing.out_of_order));
        if self.strict && report.later > 0 { Status::Data } else { Status::Done }
    }
}

/// How long to wait at once where there is `patience`: a part of `idle`, so that inputs can give
/// what they have before they are taken for idle, even if the tool itself was stopped for long.
pub fn part_of(patience: StdDuration, idle: Option<StdDuration>) -> StdDuration {
    idle.map_or(patience, |idle| patience.min(idle / 4))
}

/// How much of a wait counts that was to last for `planned`: what is far beyond that is not the
/// inputs' silence, but a pause of the tool itself.
pub fn counted(waited: StdDuration, planned: StdDuration) -> StdDuration {
    waited.min(planned + WAIT_SLACK)
}

/// That more records of an input wait than may, of which `place` says which it is.
pub fn too_much(place: &str, records: u64, out_of_order: Duration) -> Failure {
    let why = format!(
        "{place}{records} of its records wait, which all lie within --out-of-order {out_of_order}; make \
         that shorter, or allow more with --max-pending"
    );
    Failure::new(Status::Data, why)
}

/// Says how many records came later than is allowed, if any did, and by how many milliseconds at
/// most. Without `out_of_order`, the times are those of appending.
pub fn tell_later(later: (u64, i64), out_of_order: Option<Duration>) {
    if later.0 > 0 {
        message::note(&what_came_later(later, out_of_order));
    }
}

fn what_came_later((count, most_ms): (u64, i64), out_of_order: Option<Duration>) -> String {
    let (records, are) = if count == 1 { ("record", "is") } else { ("records", "are") };
    let most = Duration::from_ms(most_ms).unwrap_or_default();
    let why = match out_of_order {
        Some(allowed) => format!("later than --out-of-order {allowed} allows"),
        None => "after records that were appended later".to_owned(),
    };
    format!("{count} {records} came {why}, by at most {most}, and {are} where that was")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_later_is_told_by_its_times() {
        let allowed = Duration::from_ms(5_000).unwrap();
        let told = what_came_later((2, 3_000), Some(allowed));
        let expected = "2 records came later than --out-of-order 5s allows, by at most 3s, and are \
                        where that was";
        assert_eq!(told, expected);
        let told = what_came_later((1, 40), None);
        let expected = "1 record came after records that were appended later, by at most 40ms, and \
                        is where that was";
        assert_eq!(told, expected);
    }
}
