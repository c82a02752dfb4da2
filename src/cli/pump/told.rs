//! How far a tool has come, for those who watch it.

use super::{Pump, Stage};
use crate::cli::counters::counters;

impl<S: Stage> Pump<'_, S> {
    /// Counts what became of a block, before what may mean to wait.
    pub(super) fn tell_work(&self) {
        counters().read(self.cx.records_in, self.input.stored_position());
        counters().rejected(self.cx.rejects.told());
        counters().see(&self.stage.work());
    }
}
