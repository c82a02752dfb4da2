//! Where the log writes to our output by itself: saying when it may.

use crate::wire::client::{Client, Delivery};
use crate::wire::pipe::WHOLE_BYTES_MAX;

/// How much we have written to the output that the log has, too.
#[derive(Debug, Default)]
pub struct LentOutput {
    records: u64,
    told: u64,
    /// Whether the last run was so small that the log would have written it.
    small: bool,
}

impl LentOutput {
    /// Notes what is given, and is written before more is asked for.
    pub fn note(&mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Records(run) => {
                self.records += run.records;
                self.small = run.bytes <= WHOLE_BYTES_MAX as u64;
            }
            Delivery::File(run, _) => {
                self.records += run.batches.iter().map(|batch| batch.records).sum::<u64>();
                self.small = false;
            }
            Delivery::Done(_) => {}
        }
    }

    /// All is written: says so, if that is news and the next run may be small, too.
    pub fn tell(&mut self, client: &mut Client) {
        if self.small && self.told != self.records {
            self.told = self.records;
            client.written(self.records);
        }
    }
}
