//! Where the log writes to our output by itself: saying when it may.

use crate::sys::pipe::WHOLE_BYTES_MAX;
use crate::wire::client::{Client, Delivery};

/// How much we have written to the output that the log has, too.
#[derive(Debug)]
pub struct LentOutput {
    records: u64,
    told: u64,
    /// Whether the last run was so small that the log would have written it.
    small: bool,
    /// Whether the log may have written something that we were not told of.
    unknown: bool,
}

impl LentOutput {
    /// Nothing is written yet, so that the log may begin.
    pub fn new() -> LentOutput {
        LentOutput { records: 0, told: 0, small: false, unknown: true }
    }

    /// Whether the log may have written something since it last said where it is.
    pub fn may_have_more(&self) -> bool {
        self.unknown
    }

    /// Notes what is given, and is written before more is asked for. Of a single partition it tells
    /// where the log is.
    pub fn note(&mut self, delivery: &Delivery, partitions: usize) {
        self.unknown &= partitions > 1;
        match delivery {
            Delivery::Records(run) => {
                self.records = self.records.saturating_add(run.records);
                self.small = run.bytes <= WHOLE_BYTES_MAX as u64;
            }
            Delivery::File(run, _) => {
                self.records = self.records.saturating_add(run.records);
                self.small = false;
            }
            Delivery::Done(_) => {}
        }
    }

    /// All is written: says so, if that is news and the next run may be small, too.
    pub fn tell(&mut self, client: &mut Client) {
        if self.small && self.told != self.records {
            self.told = self.records;
            self.unknown = true;
            client.written(self.records);
        }
    }
}
