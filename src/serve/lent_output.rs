//! A follower's own output, lent to the daemon: a few records are written there at once, and the
//! follower's process need not wake.
//!
//! The follower writes what comes over its connection, and says how much that was. Only while that
//! is all that was sent is anything written past it, so that the order holds. What is large, what
//! the pipe does not take at once and every failure go over the connection: they are the
//! follower's to see to.

use std::os::fd::{AsFd, OwnedFd};

use super::direct_delivery::DirectDelivery;
use super::session::{End, Session};
use crate::api::error::{Code, ErrorBody};
use crate::api::reading::Fetch;
use crate::log::Cursor;
use crate::sys::pipe::{is_pipe, write_now};
use crate::wire::request::Request;

/// What a follower has lent.
#[derive(Debug)]
pub(super) struct LentOutput {
    /// None if nothing is to be written there.
    pipe: Option<OwnedFd>,
    /// What the follower's positions came to when it began.
    base: u64,
    /// How many records we have written.
    ours: u64,
    /// How many the follower has.
    theirs: u64,
}

impl LentOutput {
    /// Whether the follower has written all that was sent to it up to here.
    fn caught_up(&self, cursor: &Cursor) -> bool {
        self.pipe.is_some() && sum(cursor) == self.base + self.ours + self.theirs
    }

    /// Partitions are read that were not before; where they begin comes to so much.
    pub fn begin_at(&mut self, offsets: u64) {
        self.base += offsets;
    }

    /// Writes all of these records, or none of them.
    pub fn write(&mut self, lines: &[u8], records: u64) -> bool {
        // An empty line stands for a record that compaction took away: the follower leaves it out.
        let gaps = lines.starts_with(b"\n") || memchr::memmem::find(lines, b"\n\n").is_some();
        let pipe = self.pipe.as_ref().filter(|_| !gaps);
        let written = pipe.is_some_and(|pipe| write_now(pipe.as_fd(), lines));
        if written {
            self.ours += records;
        }
        written
    }
}

/// Where the cursor is in all partitions together: it moves on by one for each record.
fn sum(cursor: &Cursor) -> u64 {
    cursor.positions().into_iter().map(|(_, offset)| offset).sum()
}

impl Session<'_> {
    /// Takes what comes with a fetch that lends a pipe.
    pub fn borrow_output(&mut self, fetch: &Fetch, cursor: &Cursor) -> Option<LentOutput> {
        if !fetch.pipe {
            return None;
        }
        let passed = self.connection.next_descriptor();
        // Who has a pipe open can keep it locked, and those who append are to write to it: not for
        // everybody.
        let pipe = passed.filter(|pipe| self.access.is_master() && is_pipe(pipe));
        Some(LentOutput { pipe, base: sum(cursor), ours: 0, theirs: 0 })
    }

    /// Hears how much the follower has written, and concludes who writes next.
    pub fn hear(&mut self, outlet: &mut DirectDelivery) -> Result<(), End> {
        let Some(lent) = &mut outlet.output else { return Ok(()) };
        while let Ok(Some(line)) = self.connection.take_line() {
            let Ok(Request::Written(written)) = Request::parse(line) else {
                let message = "while a fetch follows into a pipe, only `written` is accepted";
                self.refuse(ErrorBody::new(Code::BadRequest, message));
                return self.close();
            };
            lent.theirs = written.records;
        }
        outlet.caught_up = lent.caught_up(&outlet.cursor);
        Ok(())
    }
}
