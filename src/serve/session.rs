//! One connection: its requests, carried out and answered in order.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::{fmt, io};

use super::batches::Batches;
use super::limits::IDLE_BUFFER_BYTES;
use super::membership::Membership;
use super::peer::{Connected, access_of};
use super::shared::{STOPPING, Shared};
use crate::api::error::{Code, ErrorBody};
use crate::api::stats::Figures;
use crate::broker::memory_limit::Permit;
use crate::broker::names::OwnNames;
use crate::broker::{Access, Broker, Error};
use crate::sys::wait::{Wanted, wait};
use crate::wire::VERSION;
use crate::wire::answer::{Answer, Greeting};
use crate::wire::connection::Connection;
use crate::wire::request::{Hello, Request};

/// Why a session ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client has no more requests.
    Done,
    /// Where the next request begins cannot be known, or nobody waits for it.
    Closed,
    /// The socket failed: as a rule, the client hung up.
    Io(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        End::Io(error)
    }
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            End::Done => out.write_str("the client is done"),
            End::Closed => out.write_str("closed"),
            End::Io(error) => error.fmt(out),
        }
    }
}

/// A connection being served.
pub(super) struct Session<'a> {
    pub shared: &'a Shared,
    /// The service.
    pub broker: &'a Broker,
    pub connection: Connection,
    /// The same connection, to be looked at by others.
    pub stream: Arc<UnixStream>,
    /// What it may do.
    pub access: Access,
    /// Appends that were taken and not yet answered.
    pub batches: Batches<'a>,
    /// The producers' names under which it appends.
    pub names: OwnNames<'a>,
    /// Reused for what is delivered.
    pub chunk: Vec<u8>,
    /// The memory that the run in `chunk` takes, if it is a long record.
    pub large: Option<Permit<'a>>,
    /// The connection's place in a consumer group, if it has one.
    pub member: Option<Membership<'a>>,
}

impl<'a> Session<'a> {
    pub fn new(shared: &'a Shared, stream: Arc<UnixStream>) -> Session<'a> {
        let mut connection = Connection::new(Arc::clone(&stream), shared.limits.request_bytes_max);
        let access = access_of(&stream);
        // What others pass would only be held: their pipes are never used.
        if access.is_master() {
            connection.take_descriptors();
        }
        let broker = &shared.broker;
        let names = broker.names_of(Arc::new(Connected::new(&stream)));
        Session {
            shared,
            broker,
            connection,
            stream,
            access,
            batches: Batches::default(),
            names,
            chunk: Vec::new(),
            large: None,
            member: None,
        }
    }

    /// Serves the connection to its end.
    pub fn run(mut self) -> End {
        match self.serve() {
            Ok(end) | Err(end) => end,
        }
    }

    fn serve(&mut self) -> Result<End, End> {
        // Only waits in the middle of a request come to feel it: before a request we poll.
        self.connection.stream().set_read_timeout(Some(self.shared.limits.stall))?;
        loop {
            while self.connection.has_line() {
                self.next_request()?;
            }
            // All that came is carried out: answer, or see to it, before waiting for more.
            self.write_meanwhile()?;
            if self.is_writing() {
                if !self.wait_while_writing()? {
                    continue;
                }
            } else {
                self.connection.flush()?;
                if !self.wait_for_request()? {
                    // So the client knows that what it sent meanwhile was not carried out.
                    self.refuse(ErrorBody::new(Code::ShuttingDown, STOPPING));
                    return self.close().map(|()| End::Closed);
                }
            }
            if self.connection.fill()? == 0 {
                return self.last_request();
            }
        }
    }

    /// Whether to read on: not when the daemon stops and the client has said nothing new.
    fn wait_for_request(&mut self) -> io::Result<bool> {
        self.chunk.clear();
        self.chunk.shrink_to(IDLE_BUFFER_BYTES);
        let client = (self.connection.stream().as_fd(), Wanted::Input);
        // What a member has in hand it may yet commit, for as long as the drain lasts.
        if self.owes_commit() {
            return Ok(wait(&[client], None)?.first() == Some(&true));
        }
        let ready = wait(&[client, self.shared.stop_wanted()], None)?;
        Ok(ready.first() == Some(&true))
    }

    fn next_request(&mut self) -> Result<(), End> {
        let request = match self.connection.take_line() {
            Ok(None) => return Ok(()),
            Ok(Some(line)) if line.trim_ascii().is_empty() => return Ok(()),
            Ok(Some(line)) => Request::parse(line),
            Err(error) => {
                self.refuse(ErrorBody::new(Code::TooLarge, error.to_string()));
                return self.close();
            }
        };
        let owes = self.owes_commit();
        let commits = matches!(request, Ok(Request::Commit(_)));
        if self.shared.is_stopping() && !(owes && commits) {
            self.refuse(ErrorBody::new(Code::ShuttingDown, STOPPING));
            return self.close();
        }
        match request {
            Ok(request) => self.carry_out(request),
            Err(bad) => {
                let error = ErrorBody::new(Code::BadRequest, bad.why);
                match bad.bytes {
                    Some(bytes) => self.refuse_append(error, bytes),
                    None => {
                        self.refuse(error);
                        self.close()
                    }
                }
            }
        }
    }

    /// The client has ended; its last line may lack its line end.
    fn last_request(&mut self) -> Result<End, End> {
        let line = self.connection.take_rest();
        if !line.trim_ascii().is_empty() {
            match Request::parse(line) {
                Ok(request) => self.carry_out(request)?,
                Err(bad) => self.refuse(ErrorBody::new(Code::BadRequest, bad.why)),
            }
        }
        // Also without a last line: what was taken before may still be being written.
        self.commit();
        self.connection.flush()?;
        Ok(End::Done)
    }

    /// Whether records were delivered to a member of a group that it may still commit.
    fn owes_commit(&self) -> bool {
        self.member.as_ref().is_some_and(|member| member.owes_commit)
    }

    fn carry_out(&mut self, request: Request) -> Result<(), End> {
        if !matches!(request, Request::Append(_)) {
            self.commit();
        }
        let (broker, access) = (self.broker, &self.access);
        let answer = match request {
            Request::Append(append) => return self.append(append),
            Request::Lend(lend) => return self.borrow_input(lend),
            Request::Fetch(fetch) => return self.fetch(fetch),
            // Of a fetch that is over.
            Request::Written(_) => return Ok(()),
            Request::Poll(_) => return self.poll(),
            Request::Hello(hello) => greet(hello),
            Request::Create(create) => said(broker.create(access, create), Answer::Created),
            Request::Topics(_) => said(broker.topics(), Answer::Topics),
            Request::Alter(alter) => said(broker.alter(access, alter), Answer::Altered),
            Request::Describe(named) => said(broker.describe(named), Answer::Described),
            Request::Trim(trim) => said(broker.trim(access, trim), Answer::Trimmed),
            // However long that takes, the session has no other request meanwhile.
            Request::Compact(compact) => {
                said(broker.compact(access, compact, None), Answer::Compacted)
            }
            Request::Delete(named) => said(broker.delete(access, named), Answer::Deleted),
            Request::Rename(rename) => said(broker.rename(access, rename), Answer::Renamed),
            Request::Offsets(asked) => said(broker.offsets(access, asked), Answer::Offsets),
            Request::Producer(producer) => {
                said(broker.standing(access, &mut self.names, producer), Answer::Producer)
            }
            Request::Producers(asked) => said(broker.standings(access, asked), Answer::Producers),
            Request::Keep(keep) => said(broker.keep(access, keep), Answer::Kept),
            Request::Join(join) => self.join(join).map(Answer::Assigned),
            Request::Commit(commit) => self.commit_offsets(commit).map(Answer::Committed),
            Request::Leave(_) => self.leave().map(Answer::Left),
            Request::Groups(asked) => said(broker.groups(access, &asked), Answer::Groups),
            Request::Reset(reset) => said(broker.reset(access, reset), Answer::Reset),
            Request::DeleteGroup(wanted) => {
                said(broker.delete_group(access, wanted), Answer::DeletedGroup)
            }
            Request::Stats(asked) => said(broker.figures(access, &asked), |figures| {
                let daemon = Some(self.shared.figures());
                Answer::Stats(Box::new(Figures { daemon, ..figures }))
            }),
        };
        self.reply(answer);
        Ok(())
    }

    /// Answers, or tells why not.
    pub fn reply(&mut self, answer: Result<Answer, ErrorBody>) {
        let answer = answer.unwrap_or_else(|error| {
            self.shared.counters.note_refused(error.code);
            self.broker.alarm.note(&error);
            Answer::Error(error)
        });
        answer.write(self.connection.output());
    }

    /// Answers with an error, in its place behind the answers to what came before.
    pub fn refuse(&mut self, error: ErrorBody) {
        self.commit();
        self.reply(Err(error));
    }

    /// Drops record bytes that nobody wants.
    pub fn skip(&mut self, bytes: u64) -> Result<(), End> {
        let mut left = bytes;
        loop {
            left -= self.connection.skip(left) as u64;
            if left == 0 {
                return Ok(());
            }
            // The client may be waiting for the answer before it sends them.
            self.connection.flush()?;
            match self.connection.fill() {
                Ok(0) => return Err(End::Done),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Ends the session once all answers are out.
    pub fn close(&mut self) -> Result<(), End> {
        self.connection.flush()?;
        Err(End::Closed)
    }
}

/// Whether a read only took long.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// What is said of what an operation came to.
fn said<T>(
    outcome: Result<T, Error>,
    answer: impl FnOnce(T) -> Answer,
) -> Result<Answer, ErrorBody> {
    outcome.map(answer).map_err(ErrorBody::from)
}

fn greet(hello: Hello) -> Result<Answer, ErrorBody> {
    if hello.version != VERSION {
        let message = format!("log-serve supports only version {VERSION} of the protocol");
        return Err(ErrorBody::new(Code::UnsupportedVersion, message));
    }
    let server = concat!("millstream ", env!("CARGO_PKG_VERSION")).to_owned();
    Ok(Answer::Hello(Greeting { version: VERSION, server }))
}
