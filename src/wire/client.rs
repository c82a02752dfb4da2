//! The requests as calls, for the tools that find a daemon.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::address::{self, SOCKET};
use super::answer::{Answer, Greeting};
pub use super::client_error::ClientError;
use super::connection::Connection;
use super::interrupt::Interrupt;
use super::request::{Hello, Request};
use super::{VERSION, sane};
use crate::api::appending::{Append, Appended, Keep, Producer, Producers, Standing, Standings};
use crate::api::groups::{
    Assigned, Commit, Committed, DeleteGroup, DeletedGroup, GroupEntry, Groups, Join, Poll, Reset,
    ResetDone,
};
use crate::api::reading::{Chunk, Fetch, Fetched, FileRun, Offsets, Places};
use crate::api::stats::{Figures, Stats};
use crate::api::topics::{
    Alter, Compact, Compacted, Create, Described, Named, Rename, Topic, TopicEntry, Topics, Trim,
};

/// The longest answer that we read: what a batch full of bad records comes to.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// What a fetch gives next.
#[derive(Debug)]
pub enum Delivery {
    /// A run of records.
    Records(Chunk),
    /// A run of records in a file; the file, if it is another than before.
    File(FileRun, Option<OwnedFd>),
    /// The fetch is complete.
    Done(Fetched),
}

/// What a member of a group gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// A run of records of its partitions.
    Records(Chunk),
    /// Other partitions, or the same in another generation.
    Assigned(Assigned),
    /// All that was there has been read.
    Done(Fetched),
}

/// A connection to the daemon of one directory.
#[derive(Debug)]
pub struct Client {
    pub(super) connection: Connection,
    path: PathBuf,
    /// Appends that were sent and not yet answered.
    outstanding: usize,
}

impl Client {
    /// Connects to the daemon that serves `dir`; `None` if none does.
    ///
    /// # Errors
    /// When that cannot be told, or we are not permitted to connect.
    pub fn connect(dir: &Path) -> Result<Option<Client>, ClientError> {
        let path = dir.join(SOCKET);
        match address::connect(dir) {
            Ok(Some(stream)) => {
                let connection = Connection::new(Arc::new(stream), ANSWER_BYTES_MAX);
                Ok(Some(Client { connection, path, outstanding: 0 }))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(ClientError::Io { path, error }),
        }
    }

    /// From now on no read or write waits for longer than this, which is not zero.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn limit_waits(&mut self, time: Duration) -> io::Result<()> {
        self.connection.stream().set_read_timeout(Some(time))?;
        self.connection.stream().set_write_timeout(Some(time))
    }

    /// From now on waits for answers end as `interrupt` says, with [`ClientError::Interrupted`].
    pub fn heed(&mut self, interrupt: Interrupt) {
        self.connection.heed(interrupt);
    }

    /// Names our version of the protocol; learns the daemon's.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn hello(&mut self) -> Result<Greeting, ClientError> {
        match self.call(&Request::Hello(Hello { version: VERSION }))? {
            Answer::Hello(greeting) => Ok(greeting),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Makes a topic, unless it is there already with the same settings.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn create(&mut self, create: Create) -> Result<Topic, ClientError> {
        match self.call(&Request::Create(create))? {
            Answer::Created(topic) => Ok(topic),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Changes settings of a topic; gives them all.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn alter(&mut self, alter: Alter) -> Result<Described, ClientError> {
        match self.call(&Request::Alter(alter))? {
            Answer::Altered(answer) => Ok(answer),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Tells the settings of a topic.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn describe(&mut self, named: Named) -> Result<Described, ClientError> {
        match self.call(&Request::Describe(named))? {
            Answer::Described(answer) => Ok(answer),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Removes a topic with all its records.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn delete(&mut self, named: Named) -> Result<Named, ClientError> {
        match self.call(&Request::Delete(named))? {
            Answer::Deleted(answer) => Ok(answer),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Gives a topic another name.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn rename(&mut self, rename: Rename) -> Result<Rename, ClientError> {
        match self.call(&Request::Rename(rename))? {
            Answer::Renamed(answer) => Ok(answer),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Deletes a group without members.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn delete_group(&mut self, wanted: DeleteGroup) -> Result<DeletedGroup, ClientError> {
        match self.call(&Request::DeleteGroup(wanted))? {
            Answer::DeletedGroup(answer) => Ok(answer),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Removes old records of a topic; tells where its partitions then begin.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn trim(&mut self, trim: Trim) -> Result<Fetched, ClientError> {
        match self.call(&Request::Trim(trim))? {
            Answer::Trimmed(answer) => Ok(answer),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Compacts a topic; tells what that took away.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn compact(&mut self, compact: Compact) -> Result<Compacted, ClientError> {
        match self.call(&Request::Compact(compact))? {
            Answer::Compacted(answer) => Ok(answer),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Lists the topics.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn topics(&mut self) -> Result<Vec<TopicEntry>, ClientError> {
        match self.call(&Request::Topics(Topics {}))? {
            Answer::Topics(topics) => Ok(topics),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Tells where partitions begin and end, and where in them a place is.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn offsets(&mut self, offsets: Offsets) -> Result<Places, ClientError> {
        match self.call(&Request::Offsets(offsets))? {
            Answer::Offsets(places) => Ok(places),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Takes a producer's name for this connection; tells where the producer stands.
    ///
    /// # Errors
    /// See [`ClientError`]; code `producer_in_use` if another connection has the name.
    pub fn producer(&mut self, producer: Producer) -> Result<Standing, ClientError> {
        match self.call(&Request::Producer(producer))? {
            Answer::Producer(standing) => Ok(standing),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Tells where producers stand.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn producers(&mut self, asked: Producers) -> Result<Standings, ClientError> {
        match self.call(&Request::Producers(asked))? {
            Answer::Producers(standings) => Ok(standings),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Says that sources are there.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn keep(&mut self, keep: Keep) -> Result<(), ClientError> {
        match self.call(&Request::Keep(keep))? {
            Answer::Kept(_) => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Appends a batch and waits until it is durable. `append.bytes` is set from `records`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn append(&mut self, append: &Append, records: &[u8]) -> Result<Appended, ClientError> {
        self.send_append(append, records)?;
        self.receive_appended()
    }

    /// Sends a batch without waiting for the answer, which [`Client::receive_appended`] takes. Some
    /// may be under way at a time; the daemon writes those that it finds together as one group.
    ///
    /// # Errors
    /// When the daemon is gone, or 64 MiB of answers wait to be received. What it answered can
    /// still be received.
    pub fn send_append(&mut self, append: &Append, records: &[u8]) -> Result<(), ClientError> {
        let bytes = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.send(&Request::Append(Append { bytes, ..append.clone() }), records)?;
        self.outstanding += 1;
        Ok(())
    }

    /// How many appends were sent and not yet received an answer.
    pub fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Waits for the answer to the earliest append that has none yet.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn receive_appended(&mut self) -> Result<Appended, ClientError> {
        self.outstanding = self.outstanding.saturating_sub(1);
        match self.receive()? {
            Answer::Appended(appended) => Ok(appended),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Asks for records, which [`Client::next_chunk`] takes.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn fetch(&mut self, fetch: Fetch) -> Result<(), ClientError> {
        if fetch.files {
            self.connection.take_descriptors();
        }
        self.send(&Request::Fetch(fetch), &[])
    }

    /// Takes the next run of records of a fetch, waiting for it; `bytes` then holds its whole lines
    /// and nothing else.
    ///
    /// # Errors
    /// See [`ClientError`]; the fetch is over.
    pub fn next_chunk(&mut self, bytes: &mut Vec<u8>) -> Result<Delivery, ClientError> {
        match self.receive().map_err(ClientError::harmless)? {
            Answer::Records(records) => {
                sane::check_run(&records).map_err(|why| self.garbled(why))?;
                self.take_bytes(records.bytes, bytes)?;
                Ok(Delivery::Records(records))
            }
            Answer::File(run) => {
                sane::check_file_run(&run).map_err(|why| self.garbled(why))?;
                let file = if run.passed { self.connection.next_descriptor() } else { None };
                if run.passed && file.is_none() {
                    return Err(self.garbled("a file without its descriptor".to_owned()));
                }
                Ok(Delivery::File(run, file))
            }
            Answer::Fetched(fetched) => {
                bytes.clear();
                Ok(Delivery::Done(fetched))
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// Becomes a member of a group.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn join(&mut self, join: Join) -> Result<Assigned, ClientError> {
        match self.call(&Request::Join(join))? {
            Answer::Assigned(assigned) => Ok(assigned),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Asks for the next run of records of the member's partitions, which [`Client::next_polled`]
    /// takes.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn poll(&mut self) -> Result<(), ClientError> {
        self.send(&Request::Poll(Poll {}), &[])
    }

    /// Takes the answer to a poll, waiting for it; `bytes` then holds the records' lines.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn next_polled(&mut self, bytes: &mut Vec<u8>) -> Result<Polled, ClientError> {
        match self.receive().map_err(ClientError::harmless)? {
            Answer::Records(records) => {
                sane::check_run(&records).map_err(|why| self.garbled(why))?;
                self.take_bytes(records.bytes, bytes)?;
                Ok(Polled::Records(records))
            }
            Answer::Assigned(assigned) => Ok(Polled::Assigned(assigned)),
            Answer::Fetched(fetched) => Ok(Polled::Done(fetched)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Commits offsets for the group; durable on return.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn commit(&mut self, commit: Commit) -> Result<Committed, ClientError> {
        match self.call(&Request::Commit(commit))? {
            Answer::Committed(committed) => Ok(committed),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Lists what groups have.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn groups(&mut self, groups: Groups) -> Result<Vec<GroupEntry>, ClientError> {
        match self.call(&Request::Groups(groups))? {
            Answer::Groups(groups) => Ok(groups),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Asks for figures.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn stats(&mut self, stats: Stats) -> Result<Figures, ClientError> {
        match self.call(&Request::Stats(stats))? {
            Answer::Stats(figures) => Ok(*figures),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Commits offsets for a group without members.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn reset(&mut self, reset: Reset) -> Result<ResetDone, ClientError> {
        match self.call(&Request::Reset(reset))? {
            Answer::Reset(done) => Ok(done),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Whether an answer is here already: one that a poll of the socket would not tell of.
    pub fn has_answer(&mut self) -> bool {
        self.connection.has_line()
    }

    /// Reads so many bytes behind a header.
    pub(super) fn take_bytes(
        &mut self,
        count: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<(), ClientError> {
        sane::check_bytes(count).map_err(|why| self.garbled(why))?;
        let count = usize::try_from(count).unwrap_or_default();
        // Not cleared first: that would only mean to fill it with zeroes again.
        bytes.resize(count, 0);
        self.connection.read_exact(bytes).map_err(|error| self.failed(error))
    }

    fn call(&mut self, request: &Request) -> Result<Answer, ClientError> {
        self.send(request, &[])?;
        self.receive()
    }

    fn send(&mut self, request: &Request, payload: &[u8]) -> Result<(), ClientError> {
        request.write(self.connection.output());
        self.connection.flush_reading(payload).map_err(|error| self.not_sent(error))
    }

    /// Why a request did not arrive whole, so that it was not carried out either.
    pub(super) fn not_sent(&mut self, error: io::Error) -> ClientError {
        match self.failed(error) {
            // A daemon that has no use for us says why before it hangs up.
            closed @ ClientError::Closed { .. } if self.outstanding == 0 => match self.receive() {
                Err(refused @ ClientError::Refused(_)) => refused,
                _ => closed.harmless(),
            },
            failed => failed,
        }
    }

    pub(super) fn receive(&mut self) -> Result<Answer, ClientError> {
        loop {
            match self.connection.take_line() {
                Ok(Some(line)) => match Answer::parse(line) {
                    Ok(Answer::Error(error)) => return Err(error.into()),
                    Ok(answer) => return Ok(answer),
                    Err(why) => return Err(self.garbled(why)),
                },
                Ok(None) => {}
                Err(error) => return Err(self.garbled(error.to_string())),
            }
            match self.connection.fill() {
                Ok(0) => {
                    return Err(ClientError::Closed { path: self.path.clone(), unanswered: true });
                }
                Ok(_) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    pub(super) fn failed(&self, error: io::Error) -> ClientError {
        let path = self.path.clone();
        match error.kind() {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => ClientError::Closed { path, unanswered: true },
            io::ErrorKind::Interrupted => ClientError::Interrupted { path },
            _ => ClientError::Io { path, error },
        }
    }

    fn garbled(&self, why: String) -> ClientError {
        ClientError::Garbled { path: self.path.clone(), why }
    }

    pub(super) fn unexpected(&self, answer: &Answer) -> ClientError {
        let mut text = Vec::new();
        answer.write(&mut text);
        let text = String::from_utf8_lossy(&text);
        self.garbled(text.trim_end().chars().take(100).collect())
    }
}

/// To wait for answers together with other things; see [`Client::has_answer`].
impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.stream().as_fd()
    }
}
