//! Where records were put, by the log's answers: for one who asks afterwards.

use std::ops::Range;

use crate::api::appending::Appended;

/// How many runs of offsets are kept; of records beyond that only their number is known.
const RUNS_MAX: usize = 1000;

/// Where records were put, and how many were not, because the topic has their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// How many records were skipped.
    pub skipped: u64,
    /// The offsets that records got, in the order in which they were appended, each with its
    /// partition. Offsets in between were given to others.
    pub runs: Vec<(u32, Range<u64>)>,
    /// How many records got other offsets, which would be too many to list.
    pub others: u64,
    /// How many were appended by a daemon that ended before it told where.
    pub untold: u64,
}

impl Placed {
    /// Takes note of an answer. Of a batch that was there already it does not tell where.
    pub fn note(&mut self, appended: &Appended) {
        self.skipped += appended.skipped;
        if appended.duplicate {
            return;
        }
        for (&partition, &first) in &appended.offsets {
            // Where there is one partition, all are there.
            let count = appended.counts.get(&partition).copied().unwrap_or(appended.records);
            let end = first.saturating_add(count);
            let has_room = self.runs.len() < RUNS_MAX;
            let last = self.runs.iter_mut().rev().find(|(other, _)| *other == partition);
            match last {
                _ if count == 0 => {}
                Some((_, run)) if run.end == first => run.end = end,
                _ if has_room => self.runs.push((partition, first..end)),
                _ => self.others += count,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn appended(offsets: &[(u32, u64, u64)]) -> Appended {
        Appended {
            records: offsets.iter().map(|(.., count)| count).sum(),
            offsets: offsets.iter().map(|&(partition, first, _)| (partition, first)).collect(),
            counts: match offsets {
                [_] => BTreeMap::new(),
                all => all.iter().map(|&(partition, _, count)| (partition, count)).collect(),
            },
            ..Appended::default()
        }
    }

    #[test]
    fn offsets_that_follow_each_other_are_one_run() {
        let mut placed = Placed::default();
        placed.note(&appended(&[(0, 5, 3)]));
        placed.note(&appended(&[(0, 8, 2), (1, 0, 1)]));
        placed.note(&Appended { duplicate: true, ..appended(&[(0, 5, 3)]) });
        placed.note(&appended(&[(0, 12, 1)]));
        placed.note(&Appended { skipped: 4, ..appended(&[(1, 1, 1)]) });
        placed.note(&appended(&[(0, 13, 0)]));
        assert_eq!(placed.runs, [(0, 5..10), (1, 0..2), (0, 12..13)]);
        assert_eq!((placed.skipped, placed.others), (4, 0));
    }

    #[test]
    fn so_many_runs_are_kept_and_no_more() {
        let mut placed = Placed::default();
        (0..2000).for_each(|number| placed.note(&appended(&[(0, number * 2, 1)])));
        assert_eq!((placed.runs.len(), placed.others), (RUNS_MAX, 1000));
    }
}
