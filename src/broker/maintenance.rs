//! Background threads that run topic maintenance when it is due, and sleep otherwise. Idle topics
//! cost them nothing.
//!
//! The maintenance thread fsyncs, closes segments and removes old ones. Compaction may take
//! minutes, for which none of this can wait: it has a thread of its own, the compactor, which the
//! maintenance thread wakes, since that looks at the segments.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Broker, lock};
use crate::api::topics::TakenAway;
use crate::log::LogError;
use crate::sys::clock::{self, now_us};

/// The longest sleep while something is due: the clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(3600);
/// How long to leave a topic alone that cannot be opened, in µs.
const RETRY_US: i64 = 60_000_000;
/// Nothing is due.
const NEVER: i64 = i64::MAX;

/// What wakes the thread.
#[derive(Debug)]
pub struct Maintenance {
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

impl Maintenance {
    /// Nothing is due yet.
    pub fn new() -> Maintenance {
        let (call, called) = (Mutex::default(), Condvar::new());
        Maintenance { wakes_us: AtomicI64::new(NEVER), call, called }
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
    pub fn run(&self, broker: &Broker) {
        if let Err(error) = open_kept(broker) {
            tracing::warn!("{error}");
        }
        self.repeat(|woken_us| run_due(broker, woken_us));
    }

    /// Compacts the topics until stopped.
    pub fn run_compactor(&self, broker: &Broker) {
        self.repeat(|woken_us| compact(broker, woken_us));
    }

    /// Does what is due at a time, which tells when it is next, until stopped.
    fn repeat(&self, work: impl Fn(i64) -> i64) {
        let mut woken_us = now_us();
        loop {
            // From here on everything that comes up pokes us: it may be missed below.
            self.wakes_us.store(NEVER, Ordering::SeqCst);
            let next_us = work(woken_us);
            self.wakes_us.store(next_us, Ordering::SeqCst);
            let Some(now_us) = self.sleep(next_us) else { return };
            woken_us = now_us;
        }
    }

    /// Sleeps until something is due; `None` to stop. Gives the time that it is then: what was to
    /// be waited for has come, also if the clock was set back meanwhile.
    fn sleep(&self, until_us: i64) -> Option<i64> {
        let mut call = lock(&self.call);
        let begun = Instant::now();
        let whole = Duration::from_micros(u64::try_from(until_us - now_us()).unwrap_or(0));
        loop {
            if call.stop {
                return None;
            }
            if std::mem::take(&mut call.poked) {
                return Some(now_us());
            }
            let by_clock = Duration::from_micros(u64::try_from(until_us - now_us()).unwrap_or(0));
            let left = by_clock.min(whole.saturating_sub(begun.elapsed()));
            if left.is_zero() {
                return Some(now_us().max(until_us));
            }
            call = if until_us == NEVER {
                self.called.wait(call).unwrap_or_else(PoisonError::into_inner)
            } else {
                let waited = self.called.wait_timeout(call, left.min(SLEEP_MAX));
                waited.unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }
}

/// Opens the topics that need tending also when nobody uses them.
fn open_kept(broker: &Broker) -> Result<(), LogError> {
    for name in broker.log.topic_names()? {
        let tended = match broker.log.settings(&name) {
            // Tended at once, so that it may be closed again if there are many.
            Ok(settings) if settings.is_kept() => broker.open(&name).and_then(|topic| {
                broker.alarm.note_closed(topic.closed());
                topic.run_due()?;
                broker.compactor.note_due(topic.compaction_due_us());
                Ok(())
            }),
            settings => settings.map(drop),
        };
        if let Err(error) = tended {
            tracing::warn!("{name}: {error}");
        }
        broker.make_room();
    }
    Ok(())
}

/// Tends the topics that are due by now, or by `woken_us`; gives the time when the next one is.
/// One at a time is in hand, so that the others may be closed meanwhile.
fn run_due(broker: &Broker, woken_us: i64) -> i64 {
    let now_us = clock::now_us().max(woken_us);
    let (due, later_us) = broker.log.due(now_us);
    let mut next_us = later_us.unwrap_or(NEVER);
    for name in due {
        let due_us = match broker.open(&name) {
            Ok(topic) => {
                if let Err(error) = topic.run_due_at(now_us) {
                    tracing::warn!("{name}: maintenance failed: {error}");
                }
                broker.compactor.note_due(topic.compaction_due_us());
                topic.due_us().unwrap_or(NEVER)
            }
            // Deleted meanwhile.
            Err(LogError::UnknownTopic { .. }) => NEVER,
            Err(error) => {
                tracing::warn!("{name}: maintenance failed: {error}");
                clock::now_us().saturating_add(RETRY_US)
            }
        };
        next_us = next_us.min(due_us);
        broker.make_room();
    }
    next_us
}

/// Compacts the topics that are due by now, or by `woken_us`; gives the time when the next one is.
/// Those that are closed as idle are opened by the maintenance thread when they are due.
fn compact(broker: &Broker, woken_us: i64) -> i64 {
    let (due, later_us) = broker.log.due_compaction(now_us().max(woken_us));
    let mut next_us = later_us.unwrap_or(NEVER);
    for name in due {
        // What is due is not closed: if it is gone, it is deleted.
        let Ok(topic) = broker.open(&name) else { continue };
        match topic.compact_due() {
            Ok(compacted) => compacted.iter().for_each(|(at, one)| tell(&name, *at, one)),
            Err(error) => tracing::warn!("{name}: not compacted: {error}"),
        }
        next_us = next_us.min(topic.compaction_due_us().unwrap_or(NEVER));
    }
    next_us
}

fn tell(topic: &str, partition: u32, one: &TakenAway) {
    let (records, bytes) = (one.records, one.bytes);
    tracing::debug!("{topic}/{partition}: compacted: {records} records, {bytes} bytes less");
}
