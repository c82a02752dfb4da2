//! Taking connections, and ending them when the daemon stops.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::access::Access;
use super::alarm::{Alarm, Sparing};
use super::commit_queue::CommitQueue;
use super::counters::Counters;
use super::groups::Groups;
use super::limits::{Limits, RESPITE, STACK_BYTES};
use super::lock;
use super::maintenance::Maintenance;
use super::memory_limit::{Account, MemoryLimit};
use super::names::Names;
use super::session::Session;
use crate::api::error::{Code, ErrorBody};
use crate::log::{Log, LogError};
use crate::sys::file::is_shortage;
use crate::sys::wait::{Wanted, wait};
use crate::wire::address::Listener;
use crate::wire::answer::Answer;

/// How long sessions get to notice that they were cut off.
const LAST_CALL: Duration = Duration::from_secs(1);

/// Why the daemon ended, if not because it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The kernel gives no more connections.
    #[error("cannot accept connections")]
    Accept(#[source] io::Error),
    /// The log did not close cleanly.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What all sessions share.
pub(super) struct Shared {
    pub log: Log,
    pub limits: Limits,
    /// Memory for appends.
    pub memory_limit: MemoryLimit,
    /// Memory for long records that are delivered.
    pub deliveries: MemoryLimit,
    pub groups: Groups,
    pub maintenance: Maintenance,
    pub compactor: Maintenance,
    pub names: Names,
    pub counters: Counters,
    pub alarm: Alarm,
    /// Warnings that a crowd could repeat without end.
    refusals: Sparing,
    shortages: Sparing,
    pub lone_writers: Sparing,
    pub(super) queues: Mutex<HashMap<String, Arc<CommitQueue>>>,
    /// Counts what was asked of queues.
    pub(super) asked: AtomicU64,
    /// Held by the one who closes idle topics.
    pub(super) closing: Mutex<()>,
    /// Readable once the daemon is to stop.
    stop: OwnedFd,
    stopping: AtomicBool,
    seats: Mutex<HashMap<u64, Taken>>,
    seat_freed: Condvar,
}

/// Serves `log` on `listener` until `stop` becomes readable; then calls `stopping`, removes the
/// socket, finishes what is in hand and closes the log.
///
/// # Errors
/// When connections can no longer be taken, or the log does not close cleanly.
pub fn run(
    listener: Listener,
    log: Log,
    stop: impl AsFd,
    limits: Limits,
    stopping: impl FnOnce(),
) -> Result<(), ServeError> {
    let stop = stop.as_fd().try_clone_to_owned().map_err(ServeError::Accept)?;
    let shared = Arc::new(Shared::new(log, limits, stop));
    let background = [
        start(&shared, "maintenance", |shared| shared.maintenance.run(shared))?,
        start(&shared, "compactor", |shared| shared.compactor.run_compactor(shared))?,
    ];
    let taken = take_connections(&listener, &shared);
    stopping();
    shared.stopping.store(true, Ordering::SeqCst);
    close_door(&listener, &shared);
    drop(listener);
    shared.compactor.stop();
    // Sessions may be waiting for it, too.
    shared.log.interrupt_compaction();
    let all_left = shared.drain();
    shared.maintenance.stop();
    for thread in background {
        if thread.join().is_err() {
            tracing::warn!("a background thread failed");
        }
    }
    if all_left {
        shared.log.close()?;
    } else {
        // Whoever is still at it may yet write; a log without the mark is looked through at the
        // next start.
        tracing::warn!("the log is left without its mark of a clean shutdown");
    }
    taken.map_err(ServeError::Accept)
}

/// Starts a thread that works in the background.
fn start(
    shared: &Arc<Shared>,
    name: &str,
    work: impl FnOnce(&Shared) + Send + 'static,
) -> Result<JoinHandle<()>, ServeError> {
    let shared = Arc::clone(shared);
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(move || work(&shared)).map_err(ServeError::Accept)
}

fn take_connections(listener: &Listener, shared: &Arc<Shared>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut number = 0;
    loop {
        match wait(&[(listener.as_fd(), Wanted::Input), shared.stop_wanted()], None)?[..] {
            [_, true, ..] => return Ok(()),
            [true, ..] => {}
            _ => continue,
        }
        match listener.accept() {
            Ok(stream) => {
                number += 1;
                admit(shared, number, stream);
            }
            Err(error) if passes(&error) => {}
            Err(error) if is_shortage(&error) => {
                shared.shortages.warn(format_args!("cannot accept a connection now: {error}"));
                // Topics stay open for it: what those who are connected use goes on.
                wait(&[shared.stop_wanted()], Some(RESPITE))?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether an accept failed only for this connection.
fn passes(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
    matches!(error.kind(), ConnectionAborted | Interrupted | WouldBlock)
}

/// Gives the connection a thread, or tells it why not.
fn admit(shared: &Arc<Shared>, number: u64, stream: UnixStream) {
    let stream = Arc::new(stream);
    let permit = match ConnectionPermit::take(shared, number, &stream) {
        Ok(permit) => permit,
        Err(why) => {
            shared.refusals.warn(format_args!("connection {number} refused: {why}"));
            let message = format!("{why}; try again later");
            return refuse(shared, &stream, Code::TooManyConnections, &message);
        }
    };
    let thread = std::thread::Builder::new().name(format!("session {number}"));
    let session = Arc::clone(&stream);
    let started = thread.stack_size(STACK_BYTES).spawn(move || {
        let permit = permit;
        tracing::debug!("connection {number} begins");
        let ended = Session::new(&permit.shared, session).run();
        tracing::debug!("connection {number} ends: {ended}");
    });
    if let Err(error) = started {
        shared
            .refusals
            .warn(format_args!("connection {number} refused: no thread for it: {error}"));
        let message = "log-serve has no thread left; try again later";
        refuse(shared, &stream, Code::TooManyConnections, message);
    }
}

/// Tells a connection that nobody will serve why that is so; it has just come, so that one line
/// always fits.
fn refuse(shared: &Shared, stream: &UnixStream, code: Code, message: &str) {
    shared.counters.note_refused(code);
    let mut line = Vec::new();
    Answer::Error(ErrorBody::new(code, message)).write(&mut line);
    let told = stream
        .set_nonblocking(true)
        .and_then(|()| io::Write::write_all(&mut &*stream, &line))
        .and_then(|()| stream.shutdown(Shutdown::Both));
    if let Err(error) = told {
        tracing::debug!("a refusal could not be sent: {error}");
    }
}

/// Lets nobody new find the socket, and sends away those who stand before it.
fn close_door(listener: &Listener, shared: &Shared) {
    if listener.is_adopted() {
        return;
    }
    if let Err(error) = listener.hide() {
        tracing::warn!("cannot remove the socket: {error}");
    }
    while let Ok(stream) = listener.accept() {
        refuse(shared, &stream, Code::ShuttingDown, STOPPING);
    }
}

/// What is said to those who come too late.
pub(super) const STOPPING: &str = "log-serve is shutting down; try again when it runs again";

impl Shared {
    /// What sessions share, before there are any. The daemon is to stop once `stop` is readable.
    pub fn new(log: Log, limits: Limits, stop: OwnedFd) -> Shared {
        Shared {
            log,
            limits,
            maintenance: Maintenance::new(),
            compactor: Maintenance::new(),
            memory_limit: MemoryLimit::new(
                limits.memory_bytes_max.max(limits.append_bytes_max),
                limits.user_bytes_max(),
            ),
            deliveries: MemoryLimit::new(
                limits.delivery_bytes_max(),
                limits.user_delivery_bytes_max(),
            ),
            groups: Groups::default(),
            names: Names::default(),
            counters: Counters::new(),
            alarm: Alarm::default(),
            refusals: Sparing::default(),
            shortages: Sparing::default(),
            lone_writers: Sparing::default(),
            queues: Mutex::default(),
            asked: AtomicU64::new(0),
            closing: Mutex::default(),
            stop,
            stopping: AtomicBool::new(false),
            seats: Mutex::default(),
            seat_freed: Condvar::new(),
        }
    }

    /// The queue of a topic.
    pub fn queue(&self, topic: &str) -> Result<Arc<CommitQueue>, LogError> {
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
    pub fn forget(&self, topic: &str) {
        if let Some(queue) = lock(&self.queues).remove(topic) {
            queue.notifier.notify();
        }
    }

    /// Wakes those who follow a topic: its settings may now keep them out.
    pub fn wake(&self, topic: &str) {
        if let Some(queue) = lock(&self.queues).get(topic) {
            queue.notifier.notify();
        }
    }

    /// How many connections there are.
    pub fn connection_count(&self) -> usize {
        lock(&self.seats).len()
    }

    /// Whether no new requests are taken.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// For [`wait`]: the daemon is to stop.
    pub fn stop_wanted(&self) -> (BorrowedFd<'_>, Wanted) {
        (self.stop.as_fd(), Wanted::Input)
    }

    /// Waits for all sessions to end; cuts off those that take too long. Whether all have ended.
    fn drain(&self) -> bool {
        if self.all_left_within(self.limits.drain) {
            return true;
        }
        let streams: Vec<_> =
            lock(&self.seats).values().map(|permit| Arc::clone(&permit.stream)).collect();
        tracing::warn!("closed, because not done in time: {} connections", streams.len());
        // Who appends may be waiting for a key, however long that takes.
        self.log.interrupt_keys();
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
struct ConnectionPermit {
    shared: Arc<Shared>,
    number: u64,
}

impl ConnectionPermit {
    /// Takes a permit, or tells why there is none.
    fn take(
        shared: &Arc<Shared>,
        number: u64,
        stream: &Arc<UnixStream>,
    ) -> Result<ConnectionPermit, &'static str> {
        let account = Access::of(stream).account();
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
