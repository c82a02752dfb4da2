//! Windows that count: for each group, so many records, one window behind the other.

use super::fault::{Fault, StreamError};
use super::function::Scope;
use super::panes::{NUMBER_FIELD, Pane, write_head};
use super::report::{Results, Row};
use super::table::{Incoming, Stager, Table};

/// The windows of all groups that are not full.
pub(super) struct Counts {
    size: u64,
    /// The groups that there ever were: each counts its windows.
    table: Table,
    /// How many records each group has had.
    taken: Vec<u64>,
}

impl Counts {
    /// Windows of `size` records of a group each.
    pub(super) fn new(size: u64, table: Table) -> Counts {
        Counts { size, table, taken: Vec::new() }
    }

    /// How many records make a window.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes a record. Results of a window that it fills are appended; with those of others if they
    /// come at once.
    ///
    /// # Errors
    /// When the record is at fault.
    pub(super) fn take<S: Stager>(
        &mut self,
        record: &mut Incoming<'_, S>,
        results: &mut Results<'_>,
    ) -> Result<(), Fault> {
        let group = self.table.take(record)?;
        if self.taken.len() <= group {
            self.taken.resize(group + 1, 0);
        }
        self.taken[group] += 1;
        if self.taken[group].is_multiple_of(self.size) {
            self.write(&[group], Pane::OnTime, results)?;
            self.table.columns.iter_mut().for_each(|column| column.clear(group));
        } else if results.policy.at_once() {
            self.write(&[group], Pane::Early, results)?;
        }
        Ok(())
    }

    /// The input has ended: appends the results of the windows that are not full. They are so for
    /// good: what comes behind is in the next ones.
    pub(super) fn end(&mut self, results: &mut Results<'_>) -> Result<(), StreamError> {
        let left: Vec<usize> = self.left().collect();
        self.write(&left, Pane::OnTime, results)?;
        for group in left {
            self.table.columns.iter_mut().for_each(|column| column.clear(group));
            let taken = &mut self.taken[group];
            *taken = taken.next_multiple_of(self.size);
        }
        Ok(())
    }

    /// Appends the results of these groups.
    fn write(
        &self,
        groups: &[usize],
        pane: Pane,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let mut heads = Vec::with_capacity(groups.len());
        for group in groups {
            let number = (self.taken[*group].saturating_sub(1)) / self.size;
            let mut head = format!("\"{NUMBER_FIELD}\":{number}").into_bytes();
            write_head(None, results.policy.marked(pane), &mut head)?;
            heads.push(head);
        }
        let rows = groups.iter().zip(&heads).map(|(group, head)| Row {
            head,
            key: self.table.key(*group),
            group: *group,
            scope: Scope::default(),
        });
        results.write(&self.table.columns, rows)
    }

    /// The groups with a window that is not full, in the order in which they were first seen.
    fn left(&self) -> impl Iterator<Item = usize> {
        let is_left = |group: &usize| {
            self.taken.get(*group).is_some_and(|taken| !taken.is_multiple_of(self.size))
        };
        (0..self.table.len()).filter(is_left)
    }

    /// How many windows are not full.
    pub(super) fn open_count(&self) -> usize {
        self.left().count()
    }

    /// About how many bytes of memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.table.bytes() + self.taken.capacity() * size_of::<u64>()
    }
}
