//! Small deliveries by whoever appended: a follower that sleeps lends out what it takes to send,
//! and need not wake for a few records.
//!
//! That saves a thread's wake-up between an append and its reader. Whoever appended never waits
//! for a reader: what a socket does not take at once is left to the follower, who is woken, and so
//! is all that is large, and every failure.

use std::fmt;
use std::io::IoSlice;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::header::header;
use super::lent_output::LentOutput;
use super::limits::{GATHER_BYTES, IDLE_BUFFER_BYTES};
use super::peer::access_of;
use super::session::{End, Session};
use crate::api::error::{Code, ErrorBody};
use crate::api::reading::Fetch;
use crate::broker::Access;
use crate::broker::counters::Delivered;
use crate::broker::limits::CHUNK_BYTES;
use crate::broker::notifier::Deliver;
use crate::log::access::Right;
use crate::log::{Cursor, LogError, Topic};
use crate::sys::pipe::is_pipe;
use crate::sys::socket::send_now;
use crate::wire::request::Request;

/// What it takes to send a follower its next records.
pub(super) struct DirectDelivery {
    /// Where the follower is.
    pub cursor: Cursor,
    /// What is to be sent before anything else.
    pub unsent: Vec<u8>,
    /// Why nothing more can be read, if so.
    pub failed: Option<LogError>,
    /// The follower's own output, if it lends it.
    pub output: Option<LentOutput>,
    /// Whether the follower has written there all that was sent.
    pub caught_up: bool,
    chunk: Vec<u8>,
    batches: bool,
    topic: Arc<Topic>,
    access: Access,
    stream: Arc<UnixStream>,
    delivered: Arc<Delivered>,
}

impl fmt::Debug for DirectDelivery {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.debug_struct("DirectDelivery").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

impl DirectDelivery {
    /// For the follower at the other end of `stream`, who is told of batches if it wants that.
    pub fn new(
        cursor: Cursor,
        batches: bool,
        topic: Arc<Topic>,
        stream: Arc<UnixStream>,
        delivered: Arc<Delivered>,
    ) -> DirectDelivery {
        let access = access_of(&stream);
        let (unsent, chunk) = (Vec::new(), Vec::new());
        DirectDelivery {
            cursor,
            unsent,
            failed: None,
            output: None,
            caught_up: false,
            chunk,
            batches,
            topic,
            access,
            stream,
            delivered,
        }
    }

    /// Goes on with the topic's partitions from this one on, too, from their starts; tells how many
    /// there are now.
    pub fn widen(&mut self, known: u32) -> Result<u32, LogError> {
        let reader = self.topic.reader();
        let (partitions, added) = (reader.partitions(), reader.added_since(known)?);
        if let Some(output) = &mut self.output {
            output.begin_at(added.iter().map(|span| span.from).sum());
        }
        self.cursor.widen(reader, added);
        Ok(partitions)
    }

    /// Reads the next run of records; false if there is none.
    fn gather(&mut self) -> Result<bool, LogError> {
        let chunk = self.cursor.next(CHUNK_BYTES, &mut self.chunk)?;
        // After reading: what was appended after the readers were altered goes by the new ones.
        self.access.check(&self.topic, Right::Read)?;
        let Some(chunk) = chunk else { return Ok(false) };
        self.delivered.add(chunk.records, chunk.bytes);
        self.caught_up = self.caught_up && self.write(chunk.records);
        if !self.caught_up {
            header(chunk, self.batches).write(&mut self.unsent);
            self.unsent.extend_from_slice(&self.chunk);
        }
        self.chunk.clear();
        self.chunk.shrink_to(IDLE_BUFFER_BYTES);
        Ok(true)
    }

    /// Writes the chunk to the follower's own output.
    fn write(&mut self, records: u64) -> bool {
        self.output.as_mut().is_some_and(|output| output.write(&self.chunk, records))
    }

    /// Sends what the socket takes without waiting; whether that is all. A socket that failed
    /// takes nothing, and shows the follower why.
    fn send(&mut self) -> bool {
        if !self.unsent.is_empty() {
            let sent = send_now(&self.stream, &[IoSlice::new(&self.unsent)]).unwrap_or(0);
            self.unsent.drain(..sent.min(self.unsent.len()));
        }
        self.unsent.is_empty()
    }
}

impl Deliver for DirectDelivery {
    /// Sends what has become visible. False if the follower is to see to the rest.
    fn deliver(&mut self) -> bool {
        while self.unsent.len() < GATHER_BYTES {
            match self.gather() {
                Ok(true) => {}
                Ok(false) => return self.send() && !self.cursor.done(),
                Err(error) => {
                    self.failed = Some(error);
                    return false;
                }
            }
        }
        false
    }
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
        Some(LentOutput::new(pipe, cursor))
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
            lent.note_written(written.records);
        }
        outlet.caught_up = lent.caught_up(&outlet.cursor);
        Ok(())
    }
}
