//! What is counted since the service began. A client adds once a batch or a run of records, never
//! a record at a time, and without a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::api::appending;
use crate::api::stats::{Appends, Deliveries};

/// The counters of the service.
#[derive(Debug, Default)]
pub struct Counters {
    /// What was appended.
    pub appended: Appended,
    /// What was delivered.
    pub delivered: Arc<Delivered>,
}

/// What was appended. Each kind is in cache lines of its own: who appends does not slow down who
/// reads.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Appended {
    batches: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    duplicates: AtomicU64,
}

/// What was delivered.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Delivered {
    runs: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Appended {
    /// Batches were acknowledged.
    pub fn add(&self, more: &Appends) {
        self.batches.fetch_add(more.batches, Ordering::Relaxed);
        self.records.fetch_add(more.records, Ordering::Relaxed);
        self.bytes.fetch_add(more.bytes, Ordering::Relaxed);
        if more.duplicates > 0 {
            self.duplicates.fetch_add(more.duplicates, Ordering::Relaxed);
        }
    }

    /// What was added so far.
    pub fn figures(&self) -> Appends {
        Appends {
            batches: self.batches.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            duplicates: self.duplicates.load(Ordering::Relaxed),
        }
    }
}

impl Delivered {
    /// A run of records goes out.
    pub fn add(&self, records: u64, bytes: u64) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What was added so far.
    pub fn figures(&self) -> Deliveries {
        Deliveries {
            runs: self.runs.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// Counts a batch that is acknowledged.
pub fn tally(count: &mut Appends, appended: &appending::Appended, bytes: u64) {
    if appended.duplicate {
        count.duplicates += 1;
        return;
    }
    count.batches += 1;
    count.records += appended.records;
    count.bytes += bytes;
}
