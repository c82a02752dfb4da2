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

use crate::aggregate::memory::vector;
use crate::aggregate::table::Table;
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;
use crate::time::timestamp::load_ms;

/// The merged slices.
#[derive(Default)]
pub(in crate::aggregate) struct Partials {
    /// From where windows begin to the boundary, the earliest last.
    front: Vec<Partial>,
    /// The starts of windows that are not in the front yet, the latest first, chunk by chunk; and
    /// what each chunk is merged onto: from where the next chunk begins to the boundary.
    chunks: Vec<(Vec<i64>, Partial)>,
    /// From the boundary on.
    back: Option<Partial>,
    /// How much memory the front takes, and what its chunks are merged onto.
    front_bytes: usize,
}

/// A stretch of time, and the table of its slices.
struct Partial {
    interval: Interval,
    table: Table,
    /// How much memory it took when it was put to the front.
    bytes: usize,
}

impl Partials {
    /// The tables that have taken in a slice.
    pub(in crate::aggregate) fn tables_with(&mut self, slice: Interval) -> Vec<&mut Table> {
        // Most records come behind all that was merged.
        if self.back.as_ref().is_none_or(|back| back.interval.end_ms < slice.end_ms) {
            return Vec::new();
        }
        let milestones = self.chunks.iter_mut().map(|(_, milestone)| milestone);
        let all = self.front.iter_mut().chain(milestones).chain(&mut self.back);
        let has = |partial: &&mut Partial| {
            let Interval { start_ms, end_ms } = partial.interval;
            start_ms <= slice.start_ms && slice.end_ms <= end_ms
        };
        all.filter(has).map(|partial| &mut partial.table).collect()
    }

    /// The table of a window, which comes behind all those that were asked for before. `starts`
    /// gives those of the windows that begin within it, its own first: they are asked for once for
    /// all these windows.
    pub(in crate::aggregate) fn merge(
        &mut self,
        window: Interval,
        starts: impl FnOnce() -> Vec<i64>,
        slices: &BTreeMap<Interval, Table>,
        new: impl Fn() -> Table,
    ) -> Table {
        let mut partial = match self.next_of_front(window.start_ms, slices, &new) {
            Some(partial) => partial,
            None => {
                self.flip(window, &starts(), slices, &new);
                let first = self.next_of_front(window.start_ms, slices, &new);
                first.unwrap_or_else(|| Partial::new(window, new()))
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
                self.front_bytes -= partial.bytes;
                if partial.interval.start_ms >= start_ms {
                    return Some(partial);
                }
            }
            let (starts, mut base) = self.chunks.pop()?;
            self.front_bytes -= base.bytes;
            if starts.first().is_none_or(|latest_ms| *latest_ms < start_ms) {
                continue;
            }
            for (at, from_ms) in starts.iter().enumerate() {
                let interval = Interval { start_ms: *from_ms, end_ms: base.interval.end_ms };
                let more = Interval { end_ms: base.interval.start_ms, ..interval };
                merge_slices(&mut base.table, more, slices);
                base.interval = interval;
                if at + 1 < starts.len() {
                    let copy = self.counted(base.copy(&new));
                    self.front.push(copy);
                }
            }
            let base = self.counted(base);
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
        let mut milestone = Partial::new(at_end, new());
        self.chunks.clear();
        self.front_bytes = 0;
        for (at, chunk) in starts.chunks(starts.len().isqrt().max(1)).enumerate().rev() {
            let backwards = chunk.iter().rev().copied().collect();
            let base = self.counted(milestone.copy(&new));
            self.chunks.push((backwards, base));
            if let Some(start_ms) = chunk.first().filter(|_| at > 0) {
                let more = Interval { start_ms: *start_ms, end_ms: milestone.interval.start_ms };
                merge_slices(&mut milestone.table, more, slices);
                milestone.interval.start_ms = *start_ms;
            }
        }
        self.back = Some(Partial::new(at_end, new()));
    }

    /// Counts what is put to the front.
    fn counted(&mut self, mut partial: Partial) -> Partial {
        partial.bytes = partial.table.bytes();
        self.front_bytes += partial.bytes;
        partial
    }

    /// Saves them.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        to.put_len(self.front.len());
        self.front.iter().for_each(|partial| partial.save(to));
        to.put_len(self.chunks.len());
        for (starts, base) in &self.chunks {
            to.put_len(starts.len());
            starts.iter().for_each(|start_ms| to.put_i64(*start_ms));
            base.save(to);
        }
        to.put_option(self.back.as_ref(), |to, back| back.save(to));
    }

    /// Restores those that [`Partials::save`] saved, with tables from `new`.
    pub(in crate::aggregate) fn load(
        new: impl Fn() -> Table,
        from: &mut Reader<'_>,
    ) -> Result<Partials, StateError> {
        let mut partials = Partials::default();
        for _ in 0..from.take_count(1)? {
            let partial = partials.counted(Partial::load(new(), from)?);
            partials.front.push(partial);
        }
        for _ in 0..from.take_count(1)? {
            let starts = (0..from.take_count(8)?).map(|_| load_ms(from));
            let starts = starts.collect::<Result<Vec<i64>, _>>()?;
            let base = partials.counted(Partial::load(new(), from)?);
            partials.chunks.push((starts, base));
        }
        partials.back = from.take_option(|from| Partial::load(new(), from))?;
        Ok(partials)
    }

    /// About how many bytes of memory they take.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        let back = self.back.as_ref().map_or(0, |back| back.table.bytes());
        self.front_bytes + back + vector(&self.front) + vector(&self.chunks)
    }
}

impl Partial {
    fn new(interval: Interval, table: Table) -> Partial {
        Partial { interval, table, bytes: 0 }
    }

    fn save(&self, to: &mut Writer) {
        to.put_i64(self.interval.start_ms);
        to.put_i64(self.interval.end_ms);
        self.table.save(to);
    }

    /// Restores one whose slices are in a table like `table`; it may be of no time at all.
    fn load(table: Table, from: &mut Reader<'_>) -> Result<Partial, StateError> {
        let interval = Interval { start_ms: load_ms(from)?, end_ms: load_ms(from)? };
        Ok(Partial::new(interval, table.load(from)?))
    }

    fn copy(&self, new: impl Fn() -> Table) -> Partial {
        let mut table = new();
        table.merge(&self.table);
        Partial::new(self.interval, table)
    }
}

/// Adds the slices within an interval.
fn merge_slices(table: &mut Table, interval: Interval, slices: &BTreeMap<Interval, Table>) {
    within(slices, interval).for_each(|(_, slice)| table.merge(slice));
}

/// The slices of a window that have records.
pub(super) fn within(
    slices: &BTreeMap<Interval, Table>,
    window: Interval,
) -> impl DoubleEndedIterator<Item = (&Interval, &Table)> {
    let first = Interval { end_ms: window.start_ms.saturating_add(1), start_ms: i64::MIN };
    let last = Interval { end_ms: window.end_ms, start_ms: i64::MAX };
    // No slice is empty: where the window is, there is none.
    slices.range(first..=last.max(first))
}
