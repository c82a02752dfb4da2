//! One connection: its bytes as lines.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::framing::{Framing, GROWTH_BYTES};

/// A connection, and what is known of it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    /// Who it is, for messages.
    pub name: Arc<str>,
    /// How many bytes it gave.
    pub position: u64,
    framing: Option<Framing>,
}

/// What it is.
#[derive(Debug)]
pub(super) enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

/// What reading a connection gave.
#[derive(Debug)]
pub(super) enum Got {
    /// So many bytes.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// It has ended; and how, if the peer did not close it.
    End(Option<String>),
    /// So many bytes, behind which it is not known where the next message begins, and why.
    Garbled(usize, String),
}

impl Connection {
    /// A connection that does not wait.
    pub fn new(stream: Stream, name: Arc<str>, framing: Option<Framing>) -> Connection {
        Connection { stream, name, position: 0, framing }
    }

    /// Reads once.
    pub fn read(&mut self, block: &mut [u8]) -> Got {
        let Some(framing) = &mut self.framing else {
            return match self.stream.read(block) {
                Ok(0) => Got::End(None),
                Ok(count) => self.got(count),
                Err(error) => failed(&error),
            };
        };
        let room = block.get_mut(GROWTH_BYTES..).unwrap_or_default();
        let count = match self.stream.read(room) {
            Ok(0) => return Got::End(None),
            Ok(count) => count,
            Err(error) => return failed(&error),
        };
        match framing.lines(block, (GROWTH_BYTES, GROWTH_BYTES + count)) {
            // Only the beginning of a message.
            Ok(0) => Got::Nothing,
            Ok(count) => self.got(count),
            Err((count, why)) => {
                self.position += count as u64;
                Got::Garbled(count, why)
            }
        }
    }

    fn got(&mut self, count: usize) -> Got {
        self.position += count as u64;
        Got::Bytes(count)
    }
}

fn failed(error: &io::Error) -> Got {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Got::Nothing,
        _ => Got::End(Some(error.to_string())),
    }
}

impl Read for Stream {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(block),
            Stream::Unix(stream) => stream.read(block),
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.stream {
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
        }
    }
}
