//! The open sessions of a group, by time.

use std::collections::BTreeMap;

use crate::aggregate::memory::tree;
use crate::time::Interval;

/// The places of sessions that neither overlap nor touch, by their starts.
///
/// Most groups have one open session. Many are kept in a tree: one unsorted file of a year may have
/// hundreds of thousands of a group, which come in any order and close one by one.
#[derive(Default)]
pub(in crate::aggregate) enum Timeline {
    /// No session.
    #[default]
    Empty,
    /// One, whose start its place tells.
    One(usize),
    /// By their starts, in milliseconds.
    Many(BTreeMap<i64, usize>),
}

impl Timeline {
    /// Whether there is no session.
    pub(in crate::aggregate) fn is_empty(&self) -> bool {
        matches!(self, Timeline::Empty)
    }

    /// Replaces `met` by the places of the sessions that an interval overlaps or touches, by time;
    /// `interval` tells where a session is.
    pub(in crate::aggregate) fn meet(
        &self,
        alone: Interval,
        interval: impl Fn(usize) -> Interval,
        met: &mut Vec<usize>,
    ) {
        met.clear();
        let meets = |place: &usize| {
            let Interval { start_ms, end_ms } = interval(*place);
            alone.start_ms <= end_ms && start_ms <= alone.end_ms
        };
        match self {
            Timeline::Empty => {}
            Timeline::One(place) => met.extend(Some(*place).filter(meets)),
            Timeline::Many(places) => {
                let backwards = places.range(..=alone.end_ms).rev().map(|(_, place)| *place);
                met.extend(backwards.take_while(meets));
                met.reverse();
            }
        }
    }

    /// Adds a session that starts at `start_ms`; `interval` tells where another is.
    pub(in crate::aggregate) fn insert(
        &mut self,
        start_ms: i64,
        place: usize,
        interval: impl Fn(usize) -> Interval,
    ) {
        match self {
            Timeline::Empty => *self = Timeline::One(place),
            Timeline::One(other) => {
                let places = [(interval(*other).start_ms, *other), (start_ms, place)];
                *self = Timeline::Many(BTreeMap::from(places));
            }
            Timeline::Many(places) => drop(places.insert(start_ms, place)),
        }
    }

    /// A session starts earlier than it did, still behind the one before it.
    pub(in crate::aggregate) fn set_start(&mut self, from_ms: i64, to_ms: i64) {
        if let Timeline::Many(places) = self
            && let Some(place) = places.remove(&from_ms)
        {
            places.insert(to_ms, place);
        }
    }

    /// Removes the session that starts at `start_ms`.
    pub(in crate::aggregate) fn remove(&mut self, start_ms: i64) {
        match self {
            Timeline::Empty | Timeline::One(_) => *self = Timeline::Empty,
            Timeline::Many(places) => {
                places.remove(&start_ms);
                if places.is_empty() {
                    *self = Timeline::Empty;
                }
            }
        }
    }

    /// About how many bytes of memory it takes beside itself.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        match self {
            Timeline::Empty | Timeline::One(_) => 0,
            Timeline::Many(places) => tree::<(i64, usize)>(places.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain list that is searched through: sessions are merged as they are met.
        #[test]
        fn finds_what_a_plain_list_finds(records in proptest::collection::vec((0_i64..200, 1_i64..9, any::<bool>()), 0..60)) {
            let mut intervals: Vec<Interval> = Vec::new();
            let mut timeline = Timeline::default();
            let mut plain: Vec<usize> = Vec::new();
            let mut met = Vec::new();
            for (start_ms, length_ms, removes) in records {
                let alone = Interval { start_ms, end_ms: start_ms + length_ms };
                timeline.meet(alone, |place| intervals[place], &mut met);
                plain.sort_by_key(|place| intervals[*place]);
                let expected: Vec<usize> = plain.iter().copied().filter(|place| {
                    let other = intervals[*place];
                    other.start_ms <= alone.end_ms && alone.start_ms <= other.end_ms
                }).collect();
                prop_assert_eq!(&met, &expected);
                let Some((first, others)) = met.split_first() else {
                    intervals.push(alone);
                    plain.push(intervals.len() - 1);
                    timeline.insert(start_ms, intervals.len() - 1, |place| intervals[place]);
                    continue;
                };
                for other in others {
                    timeline.remove(intervals[*other].start_ms);
                }
                plain.retain(|place| !others.contains(place));
                let before_ms = intervals[*first].start_ms;
                let hull = met.iter().fold(alone, |hull, place| hull.hull(intervals[*place]));
                intervals[*first] = hull;
                timeline.set_start(before_ms, hull.start_ms);
                if removes {
                    timeline.remove(hull.start_ms);
                    plain.retain(|place| place != first);
                }
                prop_assert_eq!(timeline.is_empty(), plain.is_empty());
            }
        }
    }
}
