//! What a tool reads its input from, one value for each of its inputs.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::spans::Span;
use super::watch::{StopReason, Waiting};

/// An input as bytes, decompressed.
///
/// It does not decide how long to wait, or when to stop: what it was asked for ends with one of the
/// results of [`Source::poll`].
pub trait Source {
    /// Its name, for messages.
    fn name(&self) -> &Arc<str>;

    /// How many of its bytes were given, all that came before them included: where the next ones
    /// are in the input.
    fn position(&self) -> u64;

    /// How many bytes were read of what is stored, which may be compressed.
    fn stored_position(&self) -> u64 {
        self.position()
    }

    /// Whether reading may have to wait for another program to write.
    fn may_wait(&self) -> bool;

    /// Reads into the front of `block` what is there, and waits until something is, as `waiting`
    /// allows.
    ///
    /// # Errors
    /// When it cannot be read, or is compressed and damaged or cut short.
    fn poll(&mut self, block: &mut [u8], waiting: &mut Waiting<'_>) -> anyhow::Result<Polled>;

    /// Once it has ended: whether a last line without a line end is a whole one. If not, it is not
    /// taken, and comes again with what follows.
    fn takes_rest(&self) -> bool {
        true
    }

    /// The next line at the very beginning of its input, if it did not begin there itself: for a
    /// decoder that has to see the names of the fields first.
    ///
    /// # Errors
    /// When it cannot be read.
    fn head_line(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    /// How many lines of its input lie before those that were given.
    fn lines_before(&mut self) -> u64 {
        0
    }

    /// Which of several inputs that are read side by side the last bytes are of, if there are such.
    fn lane(&self) -> Option<u64> {
        None
    }

    /// Reads no more of such an input.
    fn close_lane(&mut self, lane: u64) {
        let _ = lane;
    }

    /// Its pipe, if it is one that is read as it is, and can be without waiting: others may read
    /// lines there.
    fn pipe(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Reads what the pipe has, without waiting, into the front of `block`: 0 bytes if there is
    /// nothing yet. `None` if there is no such pipe, or only [`Source::poll`] can tell.
    fn poll_pipe(&mut self, block: &mut [u8]) -> Option<usize> {
        let _ = block;
        None
    }
}

/// What a source gave.
#[derive(Debug)]
pub enum Polled {
    /// So many bytes at the front of the block, at least one.
    Bytes(usize),
    /// What comes next of a plain file that several threads read, for one of them.
    Span(Span),
    /// Nothing came for as long as it may wait.
    Quiet,
    /// The input has ended that is its lane; others go on.
    LaneEnd,
    /// It has ended.
    End,
    /// There is no need to read further.
    Stopped(StopReason),
}
