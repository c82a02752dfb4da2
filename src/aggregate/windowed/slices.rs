//! Windows that overlap, from slices: a group table each, merged when the watermark passes the end
//! of a window.

use std::collections::BTreeMap;

use super::complete::{complete, order};
use super::panes::{Pane, Progress, write_pane, write_window};
use super::partials::{Partials, within};
use crate::aggregate::fault::{Fault, StreamError};
use crate::aggregate::functions::function::Scope;
use crate::aggregate::memory::tree;
use crate::aggregate::output::report::Results;
use crate::aggregate::table::{Incoming, Stager, Table};
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;
use crate::window::{self, Carried};

/// The slices that open windows still need.
///
/// A record is taken into the table of its slice, and so costs once, however many windows it is in.
/// Windows that begin together need each slice once: the first of them takes in those behind it.
/// Where windows begin anew with each slide, [`Partials`] keep what neighbours have in common.
pub(in crate::aggregate) struct Slices {
    windows: window::Windows,
    /// By end; those of cumulating windows that have been taken in are not there any more.
    slices: BTreeMap<Interval, Table>,
    /// How much memory the tables of these take.
    slices_bytes: usize,
    /// The slice of the last record: most often also that of the next. It is in no partial.
    current: Option<(Interval, Table)>,
    partials: Partials,
    /// How much memory was taken at most while windows were put together.
    bytes_most: usize,
    /// Windows that end here or before have had their results, if there are any.
    closed_ms: i64,
}

impl Slices {
    /// The slices of these windows, of which those that are closed have no results any more.
    pub(in crate::aggregate) fn new(windows: window::Windows, progress: &Progress) -> Slices {
        Slices {
            windows,
            slices: BTreeMap::new(),
            slices_bytes: 0,
            current: None,
            partials: Partials::default(),
            bytes_most: 0,
            closed_ms: progress.closed_ms(),
        }
    }

    /// The windows that they are slices of.
    pub(in crate::aggregate) fn windows(&self) -> &window::Windows {
        &self.windows
    }

    /// Takes a record into its slice; says whether a window that has it is open.
    ///
    /// # Errors
    /// When the record is at fault.
    pub(in crate::aggregate) fn take<S: Stager>(
        &mut self,
        slice: Interval,
        record: &mut Incoming<'_, S>,
        progress: &Progress,
        new: impl FnOnce() -> Table,
    ) -> Result<bool, Fault> {
        if let Some((current, table)) = &mut self.current
            && *current == slice
        {
            table.take(record)?;
            return Ok(true);
        }
        let hull = self.windows.hull(slice);
        if hull.is_none_or(|hull| progress.is_closed(hull.end_ms)) {
            return Ok(false);
        }
        self.stash();
        let mut table = self.remove(slice).unwrap_or_else(new);
        let mut tables = self.partials.tables_with(slice);
        let merged = !tables.is_empty();
        let taken = if merged {
            // What has taken in the slice must have its late records too.
            let held = record.room.groups;
            tables.push(&mut table);
            let taken = Table::take_all(&mut tables, record);
            // Groups are counted in slices.
            record.room.groups = record.room.groups.min(held + 1);
            taken.map(drop)
        } else {
            table.take(record).map(drop)
        };
        // A record at fault opens no slice.
        match (table.is_empty(), merged) {
            (true, _) => {}
            (false, true) => self.insert(slice, table),
            (false, false) => self.current = Some((slice, table)),
        }
        taken.map(|()| true)
    }

    /// The watermark has moved: appends the results of the windows that it closes. Gives the number
    /// of groups that are no longer held.
    pub(in crate::aggregate) fn advance(
        &mut self,
        progress: &mut Progress,
        results: &mut Results<'_>,
        new: impl Fn() -> Table,
    ) -> Result<usize, StreamError> {
        self.stash();
        let mut freed = 0;
        loop {
            let next = self.next_window().filter(|next| progress.is_closed(next.end_ms));
            let before_ms = next.map(|next| next.end_ms);
            if let Some(gap) = results.gap(progress, before_ms, Progress::is_closed) {
                progress.report(gap.end_ms);
                write_results(&mut new(), gap, results)?;
                continue;
            }
            let Some(window) = next else { break };
            progress.report(window.end_ms);
            self.closed_ms = window.end_ms;
            freed += self.write(window, results, &new)?;
            freed += self.free();
        }
        self.closed_ms = self.closed_ms.max(progress.closed_ms());
        Ok(freed + self.free())
    }

    /// The next window that has records and has not had its results.
    fn next_window(&self) -> Option<Interval> {
        let (first, _) = self.slices.first_key_value()?;
        self.windows.next_of_slice(*first, self.closed_ms)
    }

    /// Appends the results of a window. Gives the number of groups that are no longer held, since
    /// one slice has taken in others.
    fn write(
        &mut self,
        window: Interval,
        results: &mut Results<'_>,
        new: &impl Fn() -> Table,
    ) -> Result<usize, StreamError> {
        if let window::Windows::Cumulate(_) = self.windows {
            let freed = self.take_in(window);
            self.look(0);
            let first = within(&self.slices, window).next().map(|(slice, _)| *slice);
            match first.and_then(|first| self.slices.get_mut(&first)) {
                Some(table) if results.fill.is_none() => write_results(table, window, results)?,
                // Groups without records are only of this window.
                Some(table) => {
                    let mut copy = new();
                    copy.merge(table);
                    write_results(&mut copy, window, results)?;
                }
                None => {}
            }
            return Ok(freed);
        }
        let starts = || starts_within(&self.windows, window);
        let mut table = self.partials.merge(window, starts, &self.slices, new);
        self.look(table.bytes());
        write_results(&mut table, window, results)?;
        Ok(0)
    }

    /// Appends what the results are at this moment of the window that ends next with the newest
    /// slice in it: the one that has most of its records.
    pub(in crate::aggregate) fn write_newest(
        &mut self,
        results: &mut Results<'_>,
        new: impl FnOnce() -> Table,
    ) -> Result<(), StreamError> {
        self.stash();
        let newest = self.slices.last_key_value().map(|(slice, _)| *slice);
        let window = newest.and_then(|slice| self.windows.next_of_slice(slice, self.closed_ms));
        let Some(window) = window else { return Ok(()) };
        let mut table = new();
        within(&self.slices, window).for_each(|(_, slice)| table.merge(slice));
        let mut head = Vec::new();
        write_window(window, results.policy, &mut head)?;
        table.write(None, &head, Scope::of(window), results)
    }

    /// Has the first slice of a window take in the others. Gives the number of groups that are no
    /// longer held: those that both had.
    fn take_in(&mut self, window: Interval) -> usize {
        let slices: Vec<Interval> = within(&self.slices, window).map(|(slice, _)| *slice).collect();
        let Some((first, others)) = slices.split_first() else { return 0 };
        let mut freed = 0;
        for other in others {
            let other = self.remove(*other);
            if let (Some(first), Some(other)) = (self.slices.get_mut(first), other) {
                let (held, bytes) = (first.len() + other.len(), first.bytes());
                first.merge(&other);
                freed += held - first.len();
                self.slices_bytes = self.slices_bytes - bytes + first.bytes();
            }
        }
        freed
    }

    /// Drops the slices that no window needs any more. Gives the number of their groups.
    fn free(&mut self) -> usize {
        let mut freed = 0;
        while let Some(first) = self.slices.first_entry() {
            let hull = self.windows.hull(*first.key());
            if hull.is_some_and(|hull| hull.end_ms > self.closed_ms) {
                break;
            }
            let slice = first.remove();
            self.slices_bytes -= slice.bytes();
            freed += slice.len();
        }
        if self.slices.is_empty() {
            self.partials = Partials::default();
        }
        freed
    }

    /// Saves the slices, and what was merged of them: to merge it again may give other last digits.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        to.put_i64(self.closed_ms);
        to.put_len(self.open_count());
        let current = self.current.iter().map(|(slice, table)| (slice, table));
        for (slice, table) in self.slices.iter().chain(current) {
            slice.save(to);
            table.save(to);
        }
        self.partials.save(to);
    }

    /// Restores what [`Slices::save`] saved; `self` is without slices, and `new` makes their
    /// tables.
    pub(in crate::aggregate) fn load(
        mut self,
        new: impl Fn() -> Table,
        from: &mut Reader<'_>,
    ) -> Result<Slices, StateError> {
        self.closed_ms = from.take_i64()?;
        for _ in 0..from.take_count(1)? {
            let slice = Interval::load(from)?;
            // The windows of another slice may have no end.
            if !self.windows.have(slice, Carried::Slice) || self.slices.contains_key(&slice) {
                return Err(StateError::Invalid("a slice that its windows do not have"));
            }
            let table = new().load(from)?;
            if table.is_empty() {
                return Err(StateError::Invalid("a slice without groups"));
            }
            self.insert(slice, table);
        }
        self.partials = Partials::load(new, from)?;
        Ok(self)
    }

    /// How many groups all slices have.
    pub(in crate::aggregate) fn groups(&self) -> usize {
        let current = self.current.iter().map(|(_, table)| table.len());
        self.slices.values().map(Table::len).chain(current).sum()
    }

    /// The start of the last slice that is held.
    pub(in crate::aggregate) fn newest_ms(&self) -> Option<i64> {
        let last = self.slices.last_key_value().map(|(last, _)| *last);
        last.max(self.current.as_ref().map(|(current, _)| *current)).map(|last| last.start_ms)
    }

    /// How many slices are held.
    pub(in crate::aggregate) fn open_count(&self) -> usize {
        self.slices.len() + usize::from(self.current.is_some())
    }

    /// The end of the window with records that ends first.
    pub(in crate::aggregate) fn first_end_ms(&self) -> Option<i64> {
        let first = self.slices.first_key_value().map(|(slice, _)| *slice);
        let current = self.current.as_ref().map(|(slice, _)| *slice);
        let next = |slice| self.windows.next_of_slice(slice, self.closed_ms);
        [first, current].into_iter().flatten().filter_map(next).map(|one| one.end_ms).min()
    }

    /// About how many bytes of memory they take, and what was merged of them.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        let current = self.current.as_ref().map_or(0, |(_, table)| table.bytes());
        let tables = self.slices_bytes + tree::<(Interval, Table)>(self.slices.len());
        tables + current + self.partials.bytes()
    }

    /// The same, at most while windows were put together.
    pub(in crate::aggregate) fn bytes_most(&self) -> usize {
        self.bytes_most
    }

    /// Sees what is held now, with the table of a window of so many bytes.
    fn look(&mut self, window: usize) {
        self.bytes_most = self.bytes_most.max(self.bytes() + window);
    }

    fn stash(&mut self) {
        if let Some((slice, table)) = self.current.take() {
            self.insert(slice, table);
        }
    }

    fn insert(&mut self, slice: Interval, table: Table) {
        self.slices_bytes += table.bytes();
        self.slices.insert(slice, table);
    }

    fn remove(&mut self, slice: Interval) -> Option<Table> {
        let table = self.slices.remove(&slice)?;
        self.slices_bytes -= table.bytes();
        Some(table)
    }
}

/// Appends the results of a window, whose groups are in `table`; also of groups without records
/// where these have some.
fn write_results(
    table: &mut Table,
    window: Interval,
    results: &mut Results<'_>,
) -> Result<(), StreamError> {
    let mut head = Vec::new();
    write_window(window, results.policy, &mut head)?;
    write_pane(results.policy.marked(Pane::OnTime), &mut head);
    let scope = Scope::of(window);
    let Some(fill) = &mut results.fill else { return table.write(None, &head, scope, results) };
    let count = complete(table, window, fill, false)?;
    let order = order(table, fill);
    table.write_filled(&order, |group| group >= count, &head, scope, results)
}

/// Where windows begin within a window, itself included.
fn starts_within(windows: &window::Windows, window: Interval) -> Vec<i64> {
    let windows = std::iter::successors(Some(window), |one| windows.after(*one));
    windows.map(|one| one.start_ms).take_while(|start_ms| *start_ms < window.end_ms).collect()
}
