//! Group commit: batches of many clients share one write and one fdatasync.
//!
//! Leader and followers: a client that finds the topic idle writes at once. Those that come
//! meanwhile queue up, and the first of them then leads: it writes for all that wait. So a producer
//! that waits for each answer hands nothing to another thread, and while one fdatasync runs, the
//! next group gathers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::appends::Outcomes;
use super::limits::SMALL_GROUP_BYTES_MAX;
use super::lock;
use super::notifier::Notifier;
use crate::log::{Batch, LogError, Topic};

/// The batches that wait to be appended to a topic.
pub struct CommitQueue {
    /// The topic.
    pub topic: Arc<Topic>,
    /// Notified after each group.
    pub notifier: Notifier,
    /// When it was last asked for, on the service's own count.
    pub(super) used: AtomicU64,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    /// Whether somebody writes, or has been called to.
    busy: bool,
    waiting: Vec<Entry>,
}

/// Batches of one client, and how to call it.
struct Entry {
    batches: Vec<Batch>,
    call: Arc<Call>,
}

#[derive(Default)]
struct Call {
    turn: Mutex<Option<Turn>>,
    changed: Condvar,
}

enum Turn {
    /// Somebody wrote the batches.
    Committed(Outcomes),
    /// Write for all who wait; your own entry is the first.
    Leader,
}

impl CommitQueue {
    /// The queue of a topic.
    pub fn new(topic: Arc<Topic>) -> CommitQueue {
        CommitQueue {
            topic,
            notifier: Notifier::default(),
            used: AtomicU64::new(0),
            line: Mutex::default(),
        }
    }

    /// Appends the batches in order; durable and visible on return. One outcome a batch.
    pub fn append(&self, batches: Vec<Batch>) -> Outcomes {
        let call = {
            let mut line = lock(&self.line);
            if !line.busy {
                line.busy = true;
                drop(line);
                return self.lead(batches, std::iter::empty());
            }
            let call = Arc::new(Call::default());
            line.waiting.push(Entry { batches, call: Arc::clone(&call) });
            call
        };
        match call.wait() {
            Turn::Committed(outcomes) => outcomes,
            Turn::Leader => {
                let mut entries = std::mem::take(&mut lock(&self.line).waiting).into_iter();
                // Nobody else takes entries, so our own is still the first.
                let own = entries.next().map(|own| own.batches).unwrap_or_default();
                self.lead(own, entries)
            }
        }
    }

    /// Writes for ourselves and `others`, tells them, and passes the lead on.
    fn lead(&self, own: Vec<Batch>, others: impl Iterator<Item = Entry>) -> Outcomes {
        let own_count = own.len();
        let mut group = own;
        let mut told = Vec::new();
        for other in others {
            told.push((other.batches.len(), other.call));
            group.extend(other.batches);
        }
        let small = group.iter().map(Batch::byte_count).sum::<usize>() <= SMALL_GROUP_BYTES_MAX;
        let mut outcomes = self.write(group).into_iter();
        let mut next = |count: usize| -> Outcomes {
            (0..count).map(|_| outcomes.next().unwrap_or_else(|| Err(self.broken()))).collect()
        };
        let own = next(own_count);
        for (count, call) in told {
            call.say(Turn::Committed(next(count)));
        }
        self.pass_on();
        if small {
            self.notifier.deliver()
        } else {
            self.notifier.notify()
        }
        own
    }

    /// A fault in the log must not leave those who wait without an answer.
    fn write(&self, group: Vec<Batch>) -> Outcomes {
        catch_unwind(AssertUnwindSafe(|| self.topic.append(group))).unwrap_or_default()
    }

    fn broken(&self) -> LogError {
        let topic = self.topic.name().to_owned();
        LogError::Poisoned { topic, why: "an internal error of log-serve".to_owned() }
    }

    fn pass_on(&self) {
        let mut line = lock(&self.line);
        match line.waiting.first() {
            Some(first) => first.call.say(Turn::Leader),
            None => line.busy = false,
        }
    }
}

impl Call {
    fn say(&self, what: Turn) {
        *lock(&self.turn) = Some(what);
        self.changed.notify_one();
    }

    fn wait(&self) -> Turn {
        let mut turn = lock(&self.turn);
        loop {
            match turn.take() {
                Some(what) => return what,
                None => turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
