//! Taking connections, and ending them when the daemon stops.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::limits::{Limits, RESPITE, STACK_BYTES};
use super::session::Session;
use super::shared::{ConnectionPermit, STOPPING, Shared};
use crate::api::error::{Code, ErrorBody};
use crate::broker::Broker;
use crate::log::{Log, LogError};
use crate::sys::file::is_shortage;
use crate::sys::wait::{Wanted, wait};
use crate::wire::address::Listener;
use crate::wire::answer::Answer;

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
    let shared = Arc::new(Shared::new(Broker::new(log, limits.service), limits, stop));
    let background = [
        start(&shared, "maintenance", Broker::run_maintenance)?,
        start(&shared, "compactor", Broker::run_compactor)?,
    ];
    let taken = take_connections(&listener, &shared);
    stopping();
    shared.begin_to_stop();
    close_door(&listener, &shared);
    drop(listener);
    shared.broker.stop_compactor();
    let all_left = shared.drain();
    shared.broker.stop_maintenance();
    for thread in background {
        if thread.join().is_err() {
            tracing::warn!("a background thread failed");
        }
    }
    if all_left {
        shared.broker.close()?;
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
    work: fn(&Broker),
) -> Result<JoinHandle<()>, ServeError> {
    let shared = Arc::clone(shared);
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(move || work(&shared.broker)).map_err(ServeError::Accept)
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
