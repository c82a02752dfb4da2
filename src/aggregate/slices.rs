//! Windows that overlap, from slices: a group table each, merged when the watermark passes the end
//! of a window.

use std::collections::BTreeMap;

use super::fault::{Fault, StreamError};
use super::function::Scope;
use super::panes::{Pane, Progress, write_head};
use super::partials::Partials;
use super::report::Results;
use super::table::{Incoming, Stager, Table};
use crate::time::Interval;
use crate::window;

/// The slices that open windows still need.
///
/// A record is taken into the table of its slice, and so costs once, however many windows it is in.
/// Windows that begin together need each slice once: the first of them takes in those behind it.
/// Where windows begin anew with each slide, [`Partials`] keep what neighbours have in common.
pub(super) struct Slices {
    windows: window::Windows,
    /// By end; those of cumulating windows that have been taken in are not there any more.
    slices: BTreeMap<Interval, Table>,
    /// The slice of the last record: most often also that of the next. It is in no partial.
    current: Option<(Interval, Table)>,
    partials: Partials,
    /// Windows that end here or before have had their results, if there are any.
    closed_ms: i64,
}

impl Slices {
    /// The slices of these windows, of which those that are closed have no results any more.
    pub(super) fn new(windows: window::Windows, progress: &Progress) -> Slices {
        Slices {
            windows,
            slices: BTreeMap::new(),
            current: None,
            partials: Partials::default(),
            closed_ms: progress.closed_ms(),
        }
    }

    /// The windows that they are slices of.
    pub(super) fn windows(&self) -> &window::Windows {
        &self.windows
    }

    /// Takes a record into its slice; says whether a window that has it is open.
    ///
    /// # Errors
    /// When the record is at fault.
    pub(super) fn take<S: Stager>(
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
        let mut table = self.slices.remove(&slice).unwrap_or_else(new);
        let partials = self.partials.tables_with(slice);
        if partials.is_empty() {
            let taken = table.take(record);
            self.current = Some((slice, table));
            taken?;
        } else {
            // What has taken in the slice must have its late records too.
            let mut tables = partials;
            let held = record.room.groups;
            tables.push(&mut table);
            let taken = Table::take_all(&mut tables, record);
            // Groups are counted in slices.
            record.room.groups = record.room.groups.min(held + 1);
            self.slices.insert(slice, table);
            taken?;
        }
        Ok(true)
    }

    /// The watermark has moved: appends the results of the windows that it closes. Gives the number
    /// of groups that are no longer held.
    pub(super) fn advance(
        &mut self,
        progress: &mut Progress,
        results: &mut Results<'_>,
        new: impl Fn() -> Table,
    ) -> Result<usize, StreamError> {
        self.stash();
        let held = self.groups();
        while let Some(window) = self.next_window() {
            if !progress.is_closed(window.end_ms) {
                break;
            }
            progress.report(window.end_ms);
            self.closed_ms = window.end_ms;
            self.write(window, results, &new)?;
            self.free();
        }
        self.closed_ms = self.closed_ms.max(progress.closed_ms());
        self.free();
        Ok(held - self.groups())
    }

    /// The next window that has records and has not had its results.
    fn next_window(&self) -> Option<Interval> {
        let (first, _) = self.slices.first_key_value()?;
        self.windows.of_slice(*first).find(|window| window.end_ms > self.closed_ms)
    }

    /// Appends the results of a window.
    fn write(
        &mut self,
        window: Interval,
        results: &mut Results<'_>,
        new: &impl Fn() -> Table,
    ) -> Result<(), StreamError> {
        let mut head = Vec::new();
        write_head(Some(window), results.policy.marked(Pane::OnTime), &mut head)?;
        let scope = Scope::of(window);
        if let window::Windows::Cumulate(_) = self.windows {
            self.take_in(window);
            let first = within(&self.slices, window).next();
            return first.map_or(Ok(()), |(_, table)| table.write(None, &head, scope, results));
        }
        let starts = self.starts_within(window);
        let table = self.partials.merge(window, &starts, &self.slices, new);
        table.write(None, &head, scope, results)
    }

    /// Has the first slice of a window take in the others.
    fn take_in(&mut self, window: Interval) {
        let slices: Vec<Interval> = within(&self.slices, window).map(|(slice, _)| *slice).collect();
        let Some((first, others)) = slices.split_first() else { return };
        for other in others {
            let other = self.slices.remove(other);
            if let (Some(first), Some(other)) = (self.slices.get_mut(first), other) {
                first.merge(&other);
            }
        }
    }

    /// Where windows begin within a window, itself included.
    fn starts_within(&self, window: Interval) -> Vec<i64> {
        let windows = std::iter::successors(Some(window), |one| self.windows.after(*one));
        windows.map(|one| one.start_ms).take_while(|start_ms| *start_ms < window.end_ms).collect()
    }

    /// Drops the slices that no window needs any more.
    fn free(&mut self) {
        while let Some(first) = self.slices.first_entry() {
            let hull = self.windows.hull(*first.key());
            if hull.is_some_and(|hull| hull.end_ms > self.closed_ms) {
                break;
            }
            first.remove();
        }
        if self.slices.is_empty() {
            self.partials = Partials::default();
        }
    }

    /// How many slices with records are held.
    pub(super) fn open_count(&self) -> usize {
        self.tables().filter(|table| !table.is_empty()).count()
    }

    /// How many groups they have together.
    fn groups(&self) -> usize {
        self.tables().map(Table::len).sum()
    }

    /// About how many bytes of memory they take, and what was merged of them.
    pub(super) fn bytes(&self) -> usize {
        self.tables().map(Table::bytes).sum::<usize>() + self.partials.bytes()
    }

    fn tables(&self) -> impl Iterator<Item = &Table> {
        self.slices.values().chain(self.current.as_ref().map(|(_, table)| table))
    }

    fn stash(&mut self) {
        self.slices.extend(self.current.take());
    }
}

/// The slices of a window that have records.
pub(super) fn within(
    slices: &BTreeMap<Interval, Table>,
    window: Interval,
) -> impl DoubleEndedIterator<Item = (&Interval, &Table)> {
    let first = Interval { end_ms: window.start_ms.saturating_add(1), start_ms: i64::MIN };
    let last = Interval { end_ms: window.end_ms, start_ms: i64::MAX };
    slices.range(first..=last)
}
