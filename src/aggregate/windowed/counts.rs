//! Windows that count: for each group, so many records, one window behind the other.

use super::panes::{NUMBER_FIELD, Pane, write_pane};
use crate::aggregate::fault::{Fault, StreamError};
use crate::aggregate::memory::vector;
use crate::aggregate::output::report::Results;
use crate::aggregate::table::{Incoming, Stager, Table};
use crate::state::{Reader, StateError, Writer};

/// How many results are made ready at the same time.
const ROWS_MAX: usize = 100;

/// The windows of all groups that are not full.
pub(in crate::aggregate) struct Counts {
    size: u64,
    /// The groups that there ever were: each counts its windows.
    table: Table,
    /// How many records each group has had.
    taken: Vec<u64>,
    /// How many groups have a window that is not full.
    open: usize,
    /// How many records were taken since memory was looked at.
    unseen: usize,
    /// How much memory was taken at most when it was looked at.
    bytes_most: usize,
}

/// Where windows are short, memory is measured once in so many records.
const LOOK_RECORDS: usize = 16;

impl Counts {
    /// Windows of `size` records of a group each.
    pub(in crate::aggregate) fn new(size: u64, table: Table) -> Counts {
        Counts { size, table, taken: Vec::new(), open: 0, unseen: 0, bytes_most: 0 }
    }

    /// How many records make a window.
    pub(in crate::aggregate) fn size(&self) -> u64 {
        self.size
    }

    /// Takes a record. Results of a window that it fills are appended; with those of others if they
    /// come at once.
    ///
    /// # Errors
    /// When the record is at fault.
    pub(in crate::aggregate) fn take<S: Stager>(
        &mut self,
        record: &mut Incoming<'_, S>,
        results: &mut Results<'_>,
    ) -> Result<(), Fault> {
        let group = self.table.take(record)?;
        if self.taken.len() <= group {
            self.taken.resize(group + 1, 0);
        }
        self.open += usize::from(self.taken[group].is_multiple_of(self.size));
        self.taken[group] += 1;
        self.unseen += 1;
        if self.taken[group].is_multiple_of(self.size) {
            self.open -= 1;
            self.look();
            self.write(&[group], Pane::OnTime, results)?;
            self.table.columns.iter_mut().for_each(|column| column.clear(group));
        } else if results.policy.at_once() {
            self.write(&[group], Pane::Early, results)?;
        }
        Ok(())
    }

    /// The input has ended: appends the results of the windows that are not full. They are so for
    /// good: what comes behind is in the next ones.
    pub(in crate::aggregate) fn end(
        &mut self,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let left: Vec<usize> = self.left().collect();
        self.open = 0;
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
        &mut self,
        groups: &[usize],
        pane: Pane,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let mut pieces = groups.chunks(results.rows_max(ROWS_MAX));
        pieces.try_for_each(|groups| self.write_piece(groups, pane, results))
    }

    fn write_piece(
        &mut self,
        groups: &[usize],
        pane: Pane,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let mut heads = Vec::with_capacity(groups.len());
        for group in groups {
            let number = (self.taken[*group].saturating_sub(1)) / self.size;
            let mut head = format!("\"{NUMBER_FIELD}\":{number}").into_bytes();
            write_pane(results.policy.marked(pane), &mut head);
            heads.push(head);
        }
        self.table.write_each(groups.iter().copied().zip(&heads), results)
    }

    /// Appends what the results of all windows that are not full are at this moment.
    pub(in crate::aggregate) fn write_open(
        &mut self,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let open: Vec<usize> = self.left().collect();
        self.write(&open, Pane::Early, results)
    }

    /// Sees what is held before some of it is given back.
    fn look(&mut self) {
        if self.unseen >= LOOK_RECORDS {
            self.unseen = 0;
            self.bytes_most = self.bytes_most.max(self.bytes());
        }
    }

    /// The same as [`Counts::bytes`], at most.
    pub(in crate::aggregate) fn bytes_most(&self) -> usize {
        self.bytes_most
    }

    /// Saves the groups, and how many records each has had.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        self.table.save(to);
        self.taken.iter().for_each(|taken| to.put_u64(*taken));
    }

    /// Restores what [`Counts::save`] saved; `self` is without groups.
    pub(in crate::aggregate) fn load(self, from: &mut Reader<'_>) -> Result<Counts, StateError> {
        let table = self.table.load(from)?;
        let taken: Vec<u64> =
            (0..table.len()).map(|_| from.take_records()).collect::<Result<_, _>>()?;
        let open = taken.iter().filter(|taken| !taken.is_multiple_of(self.size)).count();
        Ok(Counts { table, taken, open, ..self })
    }

    /// How many groups are held.
    pub(in crate::aggregate) fn groups(&self) -> usize {
        self.table.len()
    }

    /// The groups with a window that is not full, in the order in which they were first seen.
    fn left(&self) -> impl Iterator<Item = usize> {
        let is_left = |group: &usize| {
            self.taken.get(*group).is_some_and(|taken| !taken.is_multiple_of(self.size))
        };
        (0..self.table.len()).filter(is_left)
    }

    /// How many windows are not full.
    pub(in crate::aggregate) fn open_count(&self) -> usize {
        self.open
    }

    /// About how many bytes of memory they take.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        self.table.bytes() + vector(&self.taken)
    }
}
