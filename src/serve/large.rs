//! A session's deliveries of long records: of all that is delivered, only they hold much memory.
//!
//! Each takes a share of a fixed sum, and while others wait for one, a reader that does not take
//! its record loses the connection. How long a record is shows when it is read: if there is no
//! share then, it is dropped, and read again once there is.

use std::io::IoSlice;
use std::os::fd::AsFd;

use super::limits::SMALL_RUN_BYTES_MAX;
use super::pace::Pace;
use super::session::{End, Session};
use crate::api::reading::Chunk;
use crate::broker::limits::CHUNK_BYTES;
use crate::broker::memory_limit::Permit;
use crate::log::{Cursor, LogError};
use crate::sys::socket::send_now;
use crate::sys::wait::{Wanted, wait};

impl<'a> Session<'a> {
    /// Takes memory for the run that was just read, if it is a long record; waits for it if need
    /// be. Gives the run again.
    pub fn take_memory(
        &mut self,
        cursor: &mut Cursor,
        run: Chunk,
    ) -> Result<Option<Chunk>, LogError> {
        let bytes = self.chunk.len() as u64;
        if self.chunk.len() <= SMALL_RUN_BYTES_MAX {
            return Ok(Some(run));
        }
        let (memory_limit, account) = (&self.broker.delivery_memory, self.access.account());
        if let Some(share) = memory_limit.try_take(account, bytes) {
            self.large = Some(share);
            return Ok(Some(run));
        }
        cursor.step_back(&run);
        self.chunk = Vec::new();
        self.large = Some(memory_limit.take(account, bytes));
        cursor.next(CHUNK_BYTES, &mut self.chunk)
    }

    /// Sends the output and the long record behind it.
    pub fn send_large(&mut self, share: &Permit<'_>) -> Result<(), End> {
        let head = std::mem::take(self.connection.output());
        let mut pace = Pace::new(self.shared.limits.stall);
        let mut sent = 0;
        for mut left in [&head[..], &self.chunk[..]] {
            while !left.is_empty() {
                let client = (self.connection.stream().as_fd(), Wanted::Output);
                wait(&[client], Some(self.shared.limits.stall))?;
                let count = send_now(self.connection.stream(), &[IoSlice::new(left)])?;
                sent += count;
                left = left.get(count..).unwrap_or_default();
                // In the middle of a record nothing else can be said.
                if !left.is_empty() && pace.is_slow(sent) && share.is_wanted() {
                    return Err(End::Closed);
                }
            }
        }
        self.chunk = Vec::new();
        Ok(())
    }
}
