//! The daemon's background threads: they do for the topics what is due by and by, and sleep
//! otherwise. Idle topics cost them nothing.
//!
//! The keeper forces to the disk, closes segments and removes old ones. Compacting may take
//! minutes, which nothing of this can wait for: it has a thread of its own, the compactor. It is
//! the keeper that wakes it, since it is the keeper that looks at the segments.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::lock;
use crate::log::{Compacted, Log, LogError};

/// The longest sleep while something is due: the clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(3600);
/// Nothing is due.
const NEVER: i64 = i64::MAX;

/// What wakes the thread.
#[derive(Debug)]
pub(super) struct Keeper {
    /// When it wakes by itself, in µs since the epoch.
    wakes_us: AtomicI64,
    call: Mutex<Call>,
    called: Condvar,
}

#[derive(Debug, Default)]
struct Call {
    /// Something is due earlier than the thread knew.
    poked: bool,
    stop: bool,
}

impl Keeper {
    pub fn new() -> Keeper {
        let (call, called) = (Mutex::default(), Condvar::new());
        Keeper { wakes_us: AtomicI64::new(NEVER), call, called }
    }

    /// Something is due at this time, if at all.
    pub fn note_due(&self, due_us: Option<i64>) {
        if due_us.is_some_and(|due_us| due_us < self.wakes_us.load(Ordering::SeqCst)) {
            lock(&self.call).poked = true;
            self.called.notify_one();
        }
    }

    /// Ends the thread once it has done what it is at.
    pub fn stop(&self) {
        lock(&self.call).stop = true;
        self.called.notify_one();
    }

    /// Tends the topics until stopped, and tells the compactor when one is to be compacted.
    pub fn run(&self, log: &Log, compactor: &Keeper) {
        if let Err(error) = open_kept(log) {
            tracing::warn!("{error}");
        }
        self.repeat(|| tend(log, compactor));
    }

    /// Compacts the topics until stopped.
    pub fn run_compactor(&self, log: &Log) {
        self.repeat(|| compact(log));
    }

    /// Does what is due, which tells when it is next, until stopped.
    fn repeat(&self, work: impl Fn() -> i64) {
        loop {
            // From here on everything that comes up pokes us: it may be missed below.
            self.wakes_us.store(NEVER, Ordering::SeqCst);
            let next_us = work();
            self.wakes_us.store(next_us, Ordering::SeqCst);
            if !self.sleep(next_us) {
                return;
            }
        }
    }

    /// Sleeps until something is due; false to stop.
    fn sleep(&self, until_us: i64) -> bool {
        let mut call = lock(&self.call);
        loop {
            if call.stop {
                return false;
            }
            let left_us = u64::try_from(until_us.saturating_sub(now_us())).unwrap_or(0);
            if std::mem::take(&mut call.poked) || left_us == 0 {
                return true;
            }
            call = if until_us == NEVER {
                self.called.wait(call).unwrap_or_else(PoisonError::into_inner)
            } else {
                let time = Duration::from_micros(left_us).min(SLEEP_MAX);
                let waited = self.called.wait_timeout(call, time);
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }
}

/// Opens the topics that need tending also when nobody uses them.
fn open_kept(log: &Log) -> Result<(), LogError> {
    for name in log.topic_names()? {
        let opened = match log.settings(&name) {
            Ok(settings) if settings.is_kept() => log.topic(&name).map(drop),
            settings => settings.map(drop),
        };
        if let Err(error) = opened {
            tracing::warn!("{error}");
        }
    }
    Ok(())
}

/// Tends the topics that are due; gives the time when the next one is.
fn tend(log: &Log, compactor: &Keeper) -> i64 {
    let mut next_us = NEVER;
    for topic in log.open_topics() {
        if topic.due_us().is_some_and(|due_us| due_us <= now_us()) {
            if let Err(error) = topic.tend() {
                tracing::warn!("{}: not tended: {error}", topic.name());
            }
            compactor.note_due(topic.compaction_due_us());
        }
        next_us = next_us.min(topic.due_us().unwrap_or(NEVER));
    }
    next_us
}

/// Compacts the topics that are due; gives the time when the next one is.
fn compact(log: &Log) -> i64 {
    let mut next_us = NEVER;
    for topic in log.open_topics() {
        if topic.compaction_due_us().is_some_and(|due_us| due_us <= now_us()) {
            match topic.compact_due() {
                Ok(compacted) => compacted.iter().for_each(|one| tell(topic.name(), one)),
                Err(error) => tracing::warn!("{}: not compacted: {error}", topic.name()),
            }
        }
        next_us = next_us.min(topic.compaction_due_us().unwrap_or(NEVER));
    }
    next_us
}

fn tell(topic: &str, one: &Compacted) {
    let (partition, records, bytes) = (one.partition, one.records, one.bytes);
    tracing::debug!("{topic}/{partition}: compacted: {records} records, {bytes} bytes less");
}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
