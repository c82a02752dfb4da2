//! Saving and restoring open windows.

use super::{Open, Windows};
use crate::aggregate::table::Table;
use crate::aggregate::windowed::panes::{Policy, Progress};
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;

impl Open {
    /// Saves it: its groups, and which of them changed.
    fn save(&self, filled: bool, to: &mut Writer) {
        self.interval.save(to);
        to.put_bool(self.ended);
        self.table.save(to);
        to.put_len(self.changed.groups.len());
        self.changed.groups.iter().for_each(|group| to.put_len(*group));
        if filled {
            to.put_len(self.filled.len());
            self.filled.iter().for_each(|group| to.put_len(*group));
        }
    }

    /// Restores a window that [`Open::save`] saved, whose groups are in a table like `table`.
    fn load(
        table: Table,
        policy: Policy,
        filled: bool,
        from: &mut Reader<'_>,
    ) -> Result<Open, StateError> {
        let interval = Interval::load(from)?;
        let mut open = Open::new(interval, table, &Progress::default(), policy)
            .map_err(|_| StateError::Invalid("a window that cannot be written"))?;
        open.ended = from.take_bool()?;
        open.table = open.table.load(from)?;
        if open.table.is_empty() {
            return Err(StateError::Invalid("a window without groups"));
        }
        for _ in 0..from.take_count(1)? {
            open.changed.add(from.take_place(open.table.len())?);
        }
        for _ in 0..if filled { from.take_count(1)? } else { 0 } {
            open.filled.insert(from.take_place(open.table.len())?);
        }
        Ok(open)
    }
}

impl Windows {
    /// Saves all open windows; with those of their groups that have no record, if they may be
    /// `filled`.
    pub(in crate::aggregate) fn save(&self, filled: bool, to: &mut Writer) {
        // A record at fault opens no window.
        let current = self.current.iter().map(|(_, open)| open);
        let current = current.filter(|open| !open.table.is_empty());
        to.put_len(self.open_count());
        self.others.values().chain(current).for_each(|open| open.save(filled, to));
    }

    /// Restores the windows that [`Windows::save`] saved, with tables from `new`.
    pub(in crate::aggregate) fn load(
        policy: Policy,
        filled: bool,
        new: impl Fn() -> Table,
        from: &mut Reader<'_>,
    ) -> Result<Windows, StateError> {
        let mut windows = Windows::default();
        for _ in 0..from.take_count(1)? {
            let open = Open::load(new(), policy, filled, from)?;
            if windows.others.contains_key(&open.interval) {
                return Err(StateError::Invalid("a window occurs twice"));
            }
            if policy.refines() && !open.ended {
                windows.ending.insert(open.interval);
            }
            windows.put_back(Box::new(open));
        }
        Ok(windows)
    }
}
