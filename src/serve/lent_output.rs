//! A follower's own output, lent to the daemon: a few records are written there at once, and the
//! follower's process need not wake.
//!
//! The follower writes what comes over its connection, and says how much that was. Only while that
//! is all that was sent is anything written past it, so that the order holds. What is large, what
//! the pipe does not take at once and every failure go over the connection: they are the
//! follower's to see to.

use std::os::fd::{AsFd, OwnedFd};

use crate::log::Cursor;
use crate::sys::pipe::write_now;

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
    /// Of a pipe, if it is one that may be written to; the follower begins at `cursor`.
    pub fn new(pipe: Option<OwnedFd>, cursor: &Cursor) -> LentOutput {
        LentOutput { pipe, base: sum(cursor), ours: 0, theirs: 0 }
    }

    /// Notes how many records the follower has written.
    pub fn note_written(&mut self, records: u64) {
        self.theirs = records;
    }

    /// Whether the follower has written all that was sent to it up to here.
    pub fn caught_up(&self, cursor: &Cursor) -> bool {
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
