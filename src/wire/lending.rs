//! A client's side of lending pipes to the daemon, which spares the client's process a wake-up for
//! each record.

use std::os::fd::BorrowedFd;

use super::client::{Client, ClientError};
use super::pipe::is_lendable;
use super::request::{Fetch, Request, Written};

impl Client {
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
        let passed = self.connection.flush_passing(pipe).map_err(|error| self.failed(error))?;
        if !passed {
            self.connection.output().clear();
        }
        Ok(passed)
    }
}
