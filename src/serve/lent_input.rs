//! A client's own input, lent to the daemon: the session reads lines there and appends them, and
//! the client's process need not wake before they are delivered.
//!
//! All that was read at once is appended, or nothing of it: whatever is odd goes back to the
//! client, which knows what to do about it.

use std::os::fd::{AsFd, BorrowedFd};

use super::limits::LENT_READ_BYTES;
use super::session::{End, Session};
use crate::api::appending::Append;
use crate::api::topics::Named;
use crate::sys::pipe::{is_pipe, read_now};
use crate::sys::wait::{Wanted, wait};
use crate::wire::answer::{Answer, Returned};
use crate::wire::lending::LINES_BYTES_MAX;

/// Why reading ended.
enum Ended {
    /// So many bytes were read that are not for us.
    Left(usize),
    /// Appending failed, and that was answered.
    Failed,
}

impl Session<'_> {
    /// Appends what comes by the pipe that came with the request, until something is odd, the
    /// client says anything, or the daemon stops.
    pub fn borrow_input(&mut self, lend: Named) -> Result<(), End> {
        let passed = self.connection.next_descriptor();
        // Who has a pipe open can keep it locked, and who waits for that lock cannot be killed: not
        // for everybody.
        let pipe = passed.filter(|pipe| self.access.is_master() && is_pipe(pipe));
        let mut block = Vec::new();
        let ended = match &pipe {
            Some(pipe) => {
                block.resize(LENT_READ_BYTES, 0);
                self.append_from(pipe.as_fd(), &mut block, &lend.topic)?
            }
            None => Ended::Left(0),
        };
        if let Ended::Left(count) = ended {
            block.truncate(count);
            let returned = Returned { topic: lend.topic, bytes: block.len() as u64 };
            Answer::Returned(returned).write(self.connection.output());
            self.connection.flush_with(&block)?;
        }
        Ok(())
    }

    fn append_from(
        &mut self,
        pipe: BorrowedFd<'_>,
        block: &mut [u8],
        topic: &str,
    ) -> Result<Ended, End> {
        while self.connection.buffered() == 0 {
            let client = (self.connection.stream().as_fd(), Wanted::Input);
            let input = (pipe, Wanted::Input);
            match wait(&[client, self.shared.stop_wanted(), input], None)?[..] {
                [false, false, true] => {}
                _ => break,
            }
            let count = match read_now(pipe, block) {
                // Somebody else has read it.
                Ok(None) => continue,
                Ok(Some(count)) if count > 0 => count,
                // It has ended, or cannot be read: the client finds out by itself.
                _ => break,
            };
            if !self.take_lines(topic, block.get(..count).unwrap_or_default()) {
                return Ok(Ended::Left(count));
            }
            self.commit();
            self.connection.flush()?;
            if self.batches.is_broken() {
                return Ok(Ended::Failed);
            }
        }
        Ok(Ended::Left(0))
    }

    /// Takes lines to be appended, unless there is anything odd about them.
    fn take_lines(&mut self, topic: &str, lines: &[u8]) -> bool {
        // A carriage return may be a part of a line end.
        let whole = lines.ends_with(b"\n") && memchr::memchr(b'\r', lines).is_none();
        if !whole || lines.len() > LINES_BYTES_MAX {
            return false;
        }
        let bytes = lines.len() as u64;
        let append = Append { topic: topic.to_owned(), bytes, ..Append::default() };
        let account = self.access.account();
        let Ok(queue) = self.broker.queue_of_append(&self.access, &append) else { return false };
        let Some(share) = self.broker.append_memory.try_take(account, bytes) else { return false };
        let Ok(batch) = queue.topic.prepare(lines.to_vec(), None) else { return false };
        // Blank lines count where bad ones are to be named.
        if batch.record_count() != memchr::memchr_iter(b'\n', lines).count() as u64 {
            return false;
        }
        self.batches.take(queue, Ok(batch), false, share);
        true
    }
}
