//! What neighbouring windows have in common, merged once.
//!
//! Two stacks (as in a queue made of two stacks): the *front* has, for each window that begins in
//! the past, what it has of the slices up to a boundary; the *back* has all slices behind the
//! boundary, which all of these windows have. So a window is one of the front, and the back. When
//! the front is used up, the boundary moves on to the end of the window in hand.
//!
//! The front is made chunk by chunk, each from a milestone: with n windows it is the square root of
//! n that are held twice over, and not n.

use std::collections::BTreeMap;

use super::slices::within;
use super::table::Table;
use crate::time::Interval;

/// The merged slices.
#[derive(Default)]
pub(super) struct Partials {
    /// From where windows begin to the boundary, the earliest last.
    front: Vec<Partial>,
    /// The starts of windows that are not in the front yet, the latest first, chunk by chunk; and
    /// what each chunk is merged onto: from where the next chunk begins to the boundary.
    chunks: Vec<(Vec<i64>, Partial)>,
    /// From the boundary on.
    back: Option<Partial>,
}

/// A stretch of time, and the table of its slices.
struct Partial {
    interval: Interval,
    table: Table,
}

impl Partials {
    /// The tables that have taken in a slice.
    pub(super) fn tables_with(&mut self, slice: Interval) -> Vec<&mut Table> {
        let milestones = self.chunks.iter_mut().map(|(_, milestone)| milestone);
        let all = self.front.iter_mut().chain(milestones).chain(&mut self.back);
        let has = |partial: &&mut Partial| {
            let Interval { start_ms, end_ms } = partial.interval;
            start_ms <= slice.start_ms && slice.end_ms <= end_ms
        };
        all.filter(has).map(|partial| &mut partial.table).collect()
    }

    /// The table of a window, which comes behind all those that were asked for before. `starts` are
    /// those of the windows that begin within it, its own first.
    pub(super) fn merge(
        &mut self,
        window: Interval,
        starts: &[i64],
        slices: &BTreeMap<Interval, Table>,
        new: impl Fn() -> Table,
    ) -> Table {
        let mut partial = match self.next_of_front(window.start_ms, slices, &new) {
            Some(partial) => partial,
            None => {
                self.flip(window, starts, slices, &new);
                let first = self.next_of_front(window.start_ms, slices, &new);
                first.unwrap_or_else(|| Partial { interval: window, table: new() })
            }
        };
        if let Some(back) = &mut self.back {
            let more = Interval { start_ms: back.interval.end_ms, end_ms: window.end_ms };
            if more.start_ms < more.end_ms {
                merge_slices(&mut back.table, more, slices);
                back.interval.end_ms = window.end_ms;
            }
            partial.table.merge(&back.table);
        }
        partial.table
    }

    /// Takes what the window that begins at `start_ms` has up to the boundary.
    fn next_of_front(
        &mut self,
        start_ms: i64,
        slices: &BTreeMap<Interval, Table>,
        new: impl Fn() -> Table,
    ) -> Option<Partial> {
        loop {
            while let Some(partial) = self.front.pop() {
                if partial.interval.start_ms >= start_ms {
                    return Some(partial);
                }
            }
            let (starts, mut base) = self.chunks.pop()?;
            if starts.first().is_none_or(|latest_ms| *latest_ms < start_ms) {
                continue;
            }
            for (at, from_ms) in starts.iter().enumerate() {
                let interval = Interval { start_ms: *from_ms, end_ms: base.interval.end_ms };
                let more = Interval { end_ms: base.interval.start_ms, ..interval };
                merge_slices(&mut base.table, more, slices);
                base.interval = interval;
                if at + 1 < starts.len() {
                    self.front.push(base.copy(&new));
                }
            }
            self.front.push(base);
        }
    }

    /// Moves the boundary to the end of a window.
    fn flip(
        &mut self,
        window: Interval,
        starts: &[i64],
        slices: &BTreeMap<Interval, Table>,
        new: impl Fn() -> Table,
    ) {
        let at_end = Interval { start_ms: window.end_ms, end_ms: window.end_ms };
        let mut milestone = Partial { interval: at_end, table: new() };
        self.chunks.clear();
        for (at, chunk) in starts.chunks(starts.len().isqrt().max(1)).enumerate().rev() {
            let backwards = chunk.iter().rev().copied().collect();
            self.chunks.push((backwards, milestone.copy(&new)));
            if let Some(start_ms) = chunk.first().filter(|_| at > 0) {
                let more = Interval { start_ms: *start_ms, end_ms: milestone.interval.start_ms };
                merge_slices(&mut milestone.table, more, slices);
                milestone.interval.start_ms = *start_ms;
            }
        }
        self.back = Some(Partial { interval: at_end, table: new() });
    }

    /// About how many bytes of memory they take.
    pub(super) fn bytes(&self) -> usize {
        let milestones = self.chunks.iter().map(|(_, milestone)| milestone);
        let all = self.front.iter().chain(milestones).chain(&self.back);
        all.map(|partial| partial.table.bytes()).sum()
    }
}

impl Partial {
    fn copy(&self, new: impl Fn() -> Table) -> Partial {
        let mut table = new();
        table.merge(&self.table);
        Partial { interval: self.interval, table }
    }
}

/// Adds the slices within an interval.
fn merge_slices(table: &mut Table, interval: Interval, slices: &BTreeMap<Interval, Table>) {
    within(slices, interval).for_each(|(_, slice)| table.merge(slice));
}
