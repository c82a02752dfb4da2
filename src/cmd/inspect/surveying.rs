//! Which fields the records of a view have: of all records, or of a sample.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::fields::Collector;
use crate::record::json::validate;
use crate::tui::fields::Survey;

/// How many records are read at most, and at how many places, equally far apart, if there are more.
const RECORDS_MAX: u64 = 50_000;
const PLACES: u64 = 20;

/// How many paths there may be; objects with many keys are taken for maps then.
const PATHS_MAX: usize = 500;

/// How often the figures are told while they are made.
const TOLD_EVERY: Duration = Duration::from_millis(200);

/// Figures that are being made.
pub struct Surveying {
    collector: Collector,
    /// The positions that are still to be read.
    left: VecDeque<Range<u64>>,
    /// How many there are to be read, and how many the view has.
    wanted: u64,
    all: u64,
    /// How many were read.
    read: u64,
    told_at: Instant,
}

impl Surveying {
    /// Of a view with these positions.
    pub fn new(span: &Range<u64>) -> Surveying {
        let all = span.end.saturating_sub(span.start);
        let (rounds, each) = match all > RECORDS_MAX {
            true => (PLACES, RECORDS_MAX / PLACES),
            false => (1, all),
        };
        let place = |round| {
            let from = u128::from(all) * u128::from(round) / u128::from(rounds);
            let from = span.start + u64::try_from(from).unwrap_or(all);
            from..from + each
        };
        let left: VecDeque<Range<u64>> = (0..rounds).map(place).collect();
        let (collector, told_at) = (Collector::new(PATHS_MAX), Instant::now());
        Surveying { collector, left, wanted: rounds * each, all, read: 0, told_at }
    }

    /// The next position to read; none if all is read.
    pub fn next(&mut self) -> Option<u64> {
        while let Some(span) = self.left.front_mut() {
            if let Some(at) = span.next() {
                self.read += 1;
                return Some(at);
            }
            self.left.pop_front();
        }
        None
    }

    /// Takes a record that was read; what is none is left out.
    pub fn take(&mut self, record: &[u8]) {
        if validate(record).is_ok() {
            self.collector.record(record);
        }
    }

    /// Whether all is read.
    pub fn is_done(&self) -> bool {
        self.read >= self.wanted
    }

    /// The figures so far, if it is time to tell them.
    pub fn due(&mut self) -> Option<Survey> {
        if !self.is_done() && self.told_at.elapsed() < TOLD_EVERY {
            return None;
        }
        self.told_at = Instant::now();
        let done = self.read.saturating_mul(1000) / self.wanted.max(1);
        Some(Survey {
            fields: self.collector.fields(),
            records: self.collector.records(),
            left_out: self.read - self.collector.records(),
            all: self.all,
            places: if self.wanted < self.all { PLACES } else { 1 },
            progress: (!self.is_done()).then_some(done.min(999) as u16),
            is_full: self.collector.is_full(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_the_view() {
        let mut surveying = Surveying::new(&(1000..10_001_000));
        let first = surveying.next().unwrap();
        let mut last = first;
        let mut places = 1;
        while let Some(at) = surveying.next() {
            places += usize::from(at != last + 1);
            last = at;
        }
        assert_eq!((first, last, places), (1000, 9_501_000 + 2_500 - 1, 20));
        assert!(surveying.is_done());
    }

    #[test]
    fn of_few_records_all_are_read() {
        let mut surveying = Surveying::new(&(5..8));
        assert_eq!(std::iter::from_fn(|| surveying.next()).collect::<Vec<_>>(), [5, 6, 7]);
        ["{\"a\":1}", "no", "{\"a\":2}"].iter().for_each(|it| surveying.take(it.as_bytes()));
        let survey = surveying.due().unwrap();
        assert_eq!((survey.records, survey.left_out, survey.places), (2, 1, 1));
        assert_eq!((survey.fields.len(), survey.progress), (1, None));
        assert!(Surveying::new(&(5..5)).due().unwrap().fields.is_empty());
    }
}
