//! The operations of a log service over [`log`](crate::log): plain requests and answers of
//! [`api`](crate::api), and one error enum. It knows no protocol and no socket: `serve` puts a
//! protocol before it, and the tools use it where no daemon runs.
//!
//! - [`topics`]: topics as a whole.
//! - [`appends`]: what was handed over, gathered, chained and answered. `commit_queue`: group
//!   commit; [`committer`]: a thread that waits for the disk while the client is read on.
//! - [`offsets`]: places in a topic, and what a fetch is to read. [`reading`]: opening a topic to
//!   append or to read.
//! - [`groups`]: consumer groups: state, assignment, members; [`member`]: a member that reads.
//! - [`notifier`]: wakes followers, or has records delivered to them without waking them.
//! - [`access`]: who a client is, and what it may do. [`names`]: producers' names.
//! - [`figures`]: figures for operators; [`counters`]: what is counted for them.
//! - [`memory_limit`]: the memory that appends and deliveries may hold; [`limits`]: all other
//!   limits.
//! - `idle`: closing topics that nobody uses; `maintenance`: periodic work on topics.
//! - [`alarm`]: what the operator is told of damage. [`error`]: what can go wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::alarm::Alarm;
use self::commit_queue::CommitQueue;
use self::counters::Counters;
use self::groups::Groups;
use self::maintenance::Maintenance;
use self::memory_limit::MemoryLimit;
use self::names::Names;
use crate::api::stats::Appends;
use crate::log::{Log, LogError, Topic};

pub mod access;
pub mod alarm;
pub mod appends;
pub mod commit_queue;
pub mod committer;
pub mod counters;
pub mod error;
pub mod figures;
pub mod groups;
mod idle;
pub mod limits;
mod maintenance;
pub mod member;
pub mod memory_limit;
pub mod names;
pub mod notifier;
pub mod offsets;
pub mod reading;
pub mod topics;

pub use access::Access;
pub use error::Error;
pub use limits::Limits;

/// A log with all that its clients share.
pub struct Broker {
    log: Log,
    limits: Limits,
    /// Memory for appends.
    pub append_memory: MemoryLimit,
    /// Memory for long records that are delivered.
    pub delivery_memory: MemoryLimit,
    groups: Groups,
    maintenance: Maintenance,
    compactor: Maintenance,
    names: Names,
    /// What is counted since the start.
    pub counters: Counters,
    /// What the operator is told of.
    pub alarm: Alarm,
    queues: Mutex<HashMap<String, Arc<CommitQueue>>>,
    /// Counts what was asked of queues.
    asked: AtomicU64,
    /// Held by the one who closes idle topics.
    closing: Mutex<()>,
}

impl Broker {
    /// The service over `log`, before it has any clients.
    pub fn new(log: Log, limits: Limits) -> Broker {
        Broker {
            log,
            limits,
            append_memory: MemoryLimit::new(limits.append_memory(), limits.user_append_memory()),
            delivery_memory: MemoryLimit::new(
                limits.delivery_memory(),
                limits.user_delivery_memory(),
            ),
            groups: Groups::default(),
            maintenance: Maintenance::new(),
            compactor: Maintenance::new(),
            names: Names::default(),
            counters: Counters::default(),
            alarm: Alarm::default(),
            queues: Mutex::default(),
            asked: AtomicU64::new(0),
            closing: Mutex::default(),
        }
    }

    /// The queue of a topic.
    fn queue(&self, topic: &str) -> Result<Arc<CommitQueue>, LogError> {
        let now = self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(queue) = lock(&self.queues).get(topic) {
            queue.used.store(now, Ordering::Relaxed);
            return Ok(Arc::clone(queue));
        }
        // Opening may mean to recover: not while others wait for the lock.
        let opened = self.open(topic)?;
        self.alarm.note_closed(opened.closed());
        let queue = {
            let mut queues = lock(&self.queues);
            let queue = queues
                .entry(topic.to_owned())
                .or_insert_with(|| Arc::new(CommitQueue::new(opened)));
            queue.used.store(now, Ordering::Relaxed);
            Arc::clone(queue)
        };
        self.make_room();
        Ok(queue)
    }

    /// Drops the queue of a topic that is deleted, and wakes those who follow it to be told.
    fn forget(&self, topic: &str) {
        if let Some(queue) = lock(&self.queues).remove(topic) {
            queue.notifier.notify();
        }
    }

    /// Wakes those who follow a topic: its settings may now keep them out.
    fn wake(&self, topic: &str) {
        if let Some(queue) = lock(&self.queues).get(topic) {
            queue.notifier.notify();
        }
    }

    /// Notes that something was handed to a topic, so that periodic work on it may be due earlier.
    pub fn note_due(&self, topic: &Topic) {
        self.maintenance.note_due(topic.due_us());
    }

    /// Notes batches that are acknowledged.
    pub fn note_appended(&self, count: &Appends) {
        if count.batches > 0 {
            self.alarm.note_appended();
        }
        self.counters.appended.add(count);
    }

    /// Does periodic work on topics until [`Broker::stop_maintenance`], in a thread of its own.
    pub fn run_maintenance(&self) {
        self.maintenance.run(self);
    }

    /// Compacts topics that are due until [`Broker::stop_compactor`], in a thread of its own.
    pub fn run_compactor(&self) {
        self.compactor.run_compactor(self);
    }

    /// Ends the periodic work once what is being done is done.
    pub fn stop_maintenance(&self) {
        self.maintenance.stop();
    }

    /// Ends compaction, also what is being compacted: clients may be waiting for it, too.
    pub fn stop_compactor(&self) {
        self.compactor.stop();
        self.log.interrupt_compaction();
    }

    /// Ends the evaluation of keys: appends that wait for one fail.
    pub fn interrupt_keys(&self) {
        self.log.interrupt_keys();
    }

    /// Leaves the files as the next one likes to find them.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(&self) -> Result<(), LogError> {
        self.log.close()
    }
}

/// Locks. Who panicked while it held the lock left nothing half done: every critical section of
/// this room is a few assignments.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
