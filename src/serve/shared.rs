//! What all sessions share: the service, and the connections that there are.

use std::collections::HashMap;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::counters::Counters;
use super::limits::Limits;
use super::peer::access_of;
use crate::broker::alarm::Sparing;
use crate::broker::memory_limit::Account;
use crate::broker::{Broker, lock};
use crate::sys::wait::Wanted;

/// How long sessions get to notice that they were cut off.
const LAST_CALL: Duration = Duration::from_secs(1);

/// What is said to those who come too late.
pub(super) const STOPPING: &str = "log-serve is shutting down; try again when it runs again";

/// What all sessions share.
pub(super) struct Shared {
    pub broker: Broker,
    pub limits: Limits,
    pub counters: Counters,
    /// Warnings that a crowd could repeat without end.
    pub refusals: Sparing,
    pub shortages: Sparing,
    pub lone_writers: Sparing,
    /// Readable once the daemon is to stop.
    stop: OwnedFd,
    stopping: AtomicBool,
    seats: Mutex<HashMap<u64, Taken>>,
    seat_freed: Condvar,
}

impl Shared {
    /// What sessions share, before there are any. The daemon is to stop once `stop` is readable.
    pub fn new(broker: Broker, limits: Limits, stop: OwnedFd) -> Shared {
        Shared {
            broker,
            limits,
            counters: Counters::new(),
            refusals: Sparing::default(),
            shortages: Sparing::default(),
            lone_writers: Sparing::default(),
            stop,
            stopping: AtomicBool::new(false),
            seats: Mutex::default(),
            seat_freed: Condvar::new(),
        }
    }

    /// How many connections there are.
    pub fn connection_count(&self) -> usize {
        lock(&self.seats).len()
    }

    /// From now on no new requests are taken.
    pub fn begin_to_stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Whether no new requests are taken.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// For `sys::wait::wait`: the daemon is to stop.
    pub fn stop_wanted(&self) -> (BorrowedFd<'_>, Wanted) {
        (self.stop.as_fd(), Wanted::Input)
    }

    /// Waits for all sessions to end; cuts off those that take too long. Whether all have ended.
    pub fn drain(&self) -> bool {
        if self.all_left_within(self.limits.drain) {
            return true;
        }
        let streams: Vec<_> =
            lock(&self.seats).values().map(|permit| Arc::clone(&permit.stream)).collect();
        tracing::warn!("closed, because not done in time: {} connections", streams.len());
        // Who appends may be waiting for a key, however long that takes.
        self.broker.interrupt_keys();
        for stream in streams {
            // One that has just ended by itself is as good.
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.all_left_within(LAST_CALL)
    }

    fn all_left_within(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut seats = lock(&self.seats);
        while !seats.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.seat_freed.wait_timeout(seats, left);
            seats = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// A connection that has a permit, and whose it is.
struct Taken {
    stream: Arc<UnixStream>,
    account: Account,
}

/// A connection's place among those allowed, until dropped.
pub(super) struct ConnectionPermit {
    pub shared: Arc<Shared>,
    number: u64,
}

impl ConnectionPermit {
    /// Takes a permit, or tells why there is none.
    pub fn take(
        shared: &Arc<Shared>,
        number: u64,
        stream: &Arc<UnixStream>,
    ) -> Result<ConnectionPermit, &'static str> {
        let account = access_of(stream).account();
        let mut seats = lock(&shared.seats);
        let own = |permit: &&Taken| permit.account == account;
        let own = account.is_some().then(|| seats.values().filter(own).count());
        if let Some(why) = shared.limits.refusal(seats.len(), own) {
            return Err(why);
        }
        seats.insert(number, Taken { stream: Arc::clone(stream), account });
        shared.counters.note_connection(seats.len());
        Ok(ConnectionPermit { shared: Arc::clone(shared), number })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        lock(&self.shared.seats).remove(&self.number);
        self.shared.seat_freed.notify_all();
    }
}
