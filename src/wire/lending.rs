//! A client's side of lending pipes to the daemon, which spares the client's process a wake-up for
//! each record.

use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;

use super::answer::Answer;
use super::client::{Client, ClientError};
use super::request::{Request, Written};
use crate::api::appending::Appended;
use crate::api::reading::Fetch;
use crate::api::topics::Named;
use crate::sys::pipe::{is_pipe, kernel_reads_without_waiting};
use crate::sys::{socket, user};

/// How many bytes the daemon appends at once of what it reads from a pipe.
pub const LINES_BYTES_MAX: usize = 16 << 10;

/// What the daemon does with a pipe that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lent {
    /// Lines that came by it are durable records.
    Appended(Appended),
    /// It reads no more.
    Returned,
}

impl Client {
    /// Lends a pipe: the daemon reads lines there and appends them to `topic`, until one of the two
    /// has enough of that; [`Client::next_lent`] tells. False if it cannot be lent.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn lend(&mut self, topic: &str, pipe: BorrowedFd<'_>) -> Result<bool, ClientError> {
        self.pass(&Request::Lend(Named { topic: topic.to_owned() }), pipe)
    }

    /// Wants the pipe back that was lent: [`Client::next_lent`] tells when the daemon reads no
    /// more.
    pub fn want_back(&mut self) {
        self.connection.output().push(b'\n');
        // If the daemon is gone that shows behind what it sent before, where it is read.
        let _ = self.connection.flush_reading(&[]);
    }

    /// Waits for what the daemon does with the pipe that was lent. When it is returned, `bytes` is
    /// what was read there last and not appended.
    ///
    /// # Errors
    /// See [`ClientError`]; the pipe is lent no longer.
    pub fn next_lent(&mut self, bytes: &mut Vec<u8>) -> Result<Lent, ClientError> {
        match self.receive()? {
            Answer::Appended(appended) => Ok(Lent::Appended(appended)),
            Answer::Returned(returned) => {
                self.take_bytes(returned.bytes, bytes)?;
                Ok(Lent::Returned)
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// Asks for records as [`Client::fetch`], lending a pipe: while all that
    /// [`Client::next_chunk`] gave is written there, and [`Client::written`] has said so, the
    /// daemon may write what comes next by itself. False if it cannot be lent, so that all is
    /// given.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn fetch_into(&mut self, fetch: Fetch, pipe: BorrowedFd<'_>) -> Result<bool, ClientError> {
        let lending = Fetch { pipe: true, ..fetch.clone() };
        if !self.pass(&Request::Fetch(lending), pipe)? {
            self.fetch(fetch)?;
            return Ok(false);
        }
        if fetch.files {
            self.connection.take_descriptors();
        }
        Ok(true)
    }

    /// Says that so many of the records that [`Client::next_chunk`] gave are in the pipe that was
    /// lent.
    pub fn written(&mut self, records: u64) {
        Request::Written(Written { records }).write(self.connection.output());
        // If the daemon is gone that shows behind what it sent before, where it is read.
        let _ = self.connection.flush_reading(&[]);
    }

    /// Sends a request, and a pipe with it. False if nothing was sent: the pipe cannot be lent, or
    /// the kernel has as many descriptors under way as it lets us.
    fn pass(&mut self, request: &Request, pipe: BorrowedFd<'_>) -> Result<bool, ClientError> {
        if !is_lendable(pipe, self.connection.stream()) {
            return Ok(false);
        }
        request.write(self.connection.output());
        let passed = self.connection.flush_passing(pipe).map_err(|error| self.not_sent(error))?;
        if !passed {
            self.connection.output().clear();
        }
        Ok(passed)
    }
}

/// Whether a pipe can be lent to the daemon at the other end of `stream`: it takes those of its own
/// user and of root, and the kernel must know how not to wait for them.
fn is_lendable(pipe: BorrowedFd<'_>, stream: &UnixStream) -> bool {
    let trusted =
        user::is_root() || socket::peer(stream).is_some_and(|peer| peer.uid == user::effective());
    trusted && is_pipe(pipe) && kernel_reads_without_waiting()
}
