//! Writing to one topic.

mod names;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Store;
use super::error::{AppendError, Error};
use super::new_topic::{Created, NewTopic, repeatable};
use super::placed::Placed;
use super::reconnect::{Waited, connect_and, heed_with_grace};
use super::tries::Tries;
use super::wanted::Wanted;
use super::watch::{News, Watch};
use crate::api::appending::{Append, Appended, Producer, Unique};
use crate::api::error::Code;
use crate::broker::appends::{Appends, Outcomes};
use crate::broker::{self, Broker, Limits};
use crate::log::{Batch, Identity, Log, LogError, Topic};
use crate::wire::client::{Client, ClientError};
use crate::wire::lending::Lent;

/// How long after an append without an answer its connection is known to be gone, at the most.
const REPEATED_WITHIN: Duration = Duration::from_secs(3600);

/// Appends to one topic.
pub struct Appender {
    to: To,
    /// What the log has said of batches that are finished.
    placed: Placed,
    /// What is appended of batches, if not all.
    unique: Option<Unique>,
    /// The topic, as long as it does not exist.
    new: Option<NewTopic>,
    /// What became of batches that were handed over, and for which no topic was needed.
    refused: VecDeque<Result<u64, AppendError>>,
    /// The topic, if it was created and nobody has asked for that yet.
    created: Option<Created>,
}

enum To {
    Served {
        client: Box<Client>,
        append: Append,
        dir: PathBuf,
        /// How long to wait for a daemon that goes away.
        patience: Duration,
    },
    /// The topic does not exist.
    Unopened { broker: Arc<Broker> },
    /// The topic is dropped before the service whose lock it writes under.
    Embedded {
        topic: Arc<Topic>,
        broker: Arc<Broker>,
        /// Batches that were handed over: they are written together.
        handed: Appends<()>,
        /// What became of those before them.
        done: VecDeque<Result<Appended, broker::Error>>,
        /// Memory of those, for the next ones: giving it back to the kernel each time is slow.
        buffers: Vec<Vec<u8>>,
    },
}

impl Store {
    /// Opens a topic for appending; one that does not exist is created with the first record that
    /// it takes. `patience` is how long [`Appender::reconnect`] waits.
    ///
    /// # Errors
    /// When the log cannot be written to, the topic exists and is not as wanted or not ours to
    /// append to, or no topic can be like that.
    pub fn appender(
        self,
        topic: &str,
        wanted: &Wanted,
        patience: Duration,
    ) -> Result<Appender, Error> {
        match self {
            Store::Served { mut client, dir } => {
                let exists = wanted.agrees_with_daemon(&mut client, topic)?;
                let append = Append { topic: topic.to_owned(), ..Append::default() };
                let new = (!exists).then(|| NewTopic::new(topic, wanted)).transpose()?;
                Ok(Appender::new(To::Served { client, append, dir, patience }, new))
            }
            Store::Embedded { dir } => {
                let broker = Arc::new(Broker::new(Log::open(&dir)?, Limits::default()));
                Appender::embedded(broker, topic, wanted)
            }
        }
    }
}

impl Appender {
    fn new(to: To, new: Option<NewTopic>) -> Appender {
        let (placed, refused) = (Placed::default(), VecDeque::new());
        Appender { to, placed, unique: None, new, refused, created: None }
    }

    /// Whether it appends through a daemon.
    pub fn is_served(&self) -> bool {
        matches!(self.to, To::Served { .. })
    }

    /// Whether the topic does not exist yet.
    pub fn is_new(&self) -> bool {
        self.new.is_some()
    }

    /// The topic, once after it was created.
    pub fn take_created(&mut self) -> Option<Created> {
        self.created.take()
    }

    /// From now on the topic is also created to know where a source stands.
    pub fn keep_positions(&mut self) {
        if let Some(new) = &mut self.new {
            new.keep_positions();
        }
    }

    /// Has the log append only records of keys that the topic does not have, from now on.
    pub fn append_only(&mut self, unique: Option<Unique>) {
        if let To::Served { append, .. } = &mut self.to {
            append.unique = unique.clone();
        }
        self.unique = unique;
    }

    /// Where the records of finished batches were put.
    pub fn placed(&self) -> &Placed {
        &self.placed
    }

    /// Takes note of records that were appended by a daemon that is gone: it did not tell where.
    pub fn note_untold(&mut self, records: u64) {
        self.placed.untold += records;
    }

    /// Whether a batch whose answer is lost may be sent again: what of it is appended still counts
    /// then, and is skipped.
    pub fn is_repeatable(&self) -> bool {
        let To::Served { patience, .. } = &self.to else { return false };
        self.unique.as_ref().is_some_and(|unique| match (unique.within_ms, unique.last) {
            (Some(within_ms), _) => {
                Duration::from_millis(within_ms) > patience.saturating_add(REPEATED_WITHIN)
            }
            (None, last) => last.is_none(),
        })
    }

    /// Writes to a topic of a service that is shared with others.
    pub(super) fn embedded(
        broker: Arc<Broker>,
        topic: &str,
        wanted: &Wanted,
    ) -> Result<Appender, Error> {
        Ok(match wanted.find(&broker, topic)? {
            Some(topic) => Appender::new(embedded(broker, topic), None),
            None => {
                let new = NewTopic::new(topic, wanted)?;
                Appender::new(To::Unopened { broker }, Some(new))
            }
        })
    }

    /// Creates the topic, for records that it takes.
    fn create(&mut self) -> Result<(), Error> {
        let Some(new) = &self.new else { return Ok(()) };
        let is_new = match &mut self.to {
            To::Served { client, .. } => new.create_through(client).map_err(repeatable)?,
            To::Unopened { broker } => {
                let (topic, is_new) = new.create_in(broker)?;
                self.to = embedded(Arc::clone(broker), topic);
                is_new
            }
            To::Embedded { .. } => false,
        };
        self.created = is_new.then(|| new.created());
        self.new = None;
        Ok(())
    }

    /// Ends waits for the daemon's answers soon after we are told to stop.
    ///
    /// # Errors
    /// When the kernel has no file descriptor left.
    pub fn heed<W: Watch>(&mut self, watch: &W) -> io::Result<()> {
        match &mut self.to {
            To::Served { client, .. } => heed_with_grace(client, watch),
            To::Unopened { .. } | To::Embedded { .. } => Ok(()),
        }
    }

    /// Gives back the memory that is kept for the next batches.
    pub fn release_memory(&mut self) {
        if let To::Embedded { buffers, .. } = &mut self.to {
            *buffers = Vec::new();
        }
    }

    /// Hands a batch of lines over, under a producer's name if `identity` says so; what becomes of
    /// it, [`Appender::finish`] tells. While a batch is under way others may be handed over: if one
    /// is refused, those behind it are too.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn begin(&mut self, lines: &[u8], identity: Option<Identity>) -> Result<(), Error> {
        if let Some(outcome) = self.refuse(lines, identity.as_ref()) {
            self.refused.push_back(outcome);
            return Ok(());
        }
        match &mut self.to {
            To::Unopened { .. } => {}
            To::Served { client, append, .. } => {
                if let Some(identity) = identity {
                    append.producer = Some(identity.producer);
                    append.after = identity.after;
                    append.sequence = Some(identity.sequence);
                }
                append.chained = client.outstanding() > 0;
                client.send_append(append, lines)?;
            }
            To::Embedded { topic, handed, done, buffers, .. } => {
                let chained = !(handed.is_empty() && done.is_empty());
                let unique = self.unique.as_ref();
                let mut buffer = buffers.pop().unwrap_or_default();
                buffer.extend_from_slice(lines);
                handed.hand(topic.prepare_unique(buffer, identity, unique), chained, ());
            }
        }
        Ok(())
    }

    /// What became of a batch for which no topic is needed, or can be created.
    fn refuse(
        &mut self,
        lines: &[u8],
        identity: Option<&Identity>,
    ) -> Option<Result<u64, AppendError>> {
        let new = self.new.as_mut()?;
        if self.refused.back().is_some_and(Result::is_err) {
            return Some(Err(AppendError::Behind));
        }
        let refused = new.refuse(lines, identity, self.unique.as_ref());
        refused.or_else(|| self.create().err().map(|error| Err(AppendError::Other(error))))
    }

    /// Waits for the earliest batch that was handed over; returns how many records it had, once
    /// they are durable.
    ///
    /// # Errors
    /// The bad ones among the records, or whatever else kept them from being appended.
    pub fn finish(&mut self) -> Result<u64, AppendError> {
        if let Some(outcome) = self.refused.pop_front() {
            return outcome;
        }
        match &mut self.to {
            To::Unopened { .. } => Ok(0),
            To::Served { client, .. } => {
                let appended = client.receive_appended().map_err(of_client)?;
                self.placed.note(&appended);
                Ok(appended.records)
            }
            To::Embedded { topic, handed, done, buffers, .. } => {
                if done.is_empty() {
                    let (underway, mut batches) = handed.close(topic.name());
                    let outcomes = match &mut batches[..] {
                        [] => Outcomes::new(),
                        batches => topic.append_from(batches),
                    };
                    buffers.extend(batches.into_iter().map(Batch::into_buffer));
                    done.extend(underway.settle(outcomes).map(|(outcome, ())| outcome));
                }
                let Some(outcome) = done.pop_front() else { return Ok(0) };
                handed.note(outcome.is_ok());
                let appended = outcome.map_err(of_broker)?;
                self.placed.note(&appended);
                Ok(appended.records)
            }
        }
    }

    /// Has the log read lines from a pipe and append them, until one of us has enough of that: we,
    /// once `watch` wakes us. Tells by `appended` of records that are durable, and in the end what
    /// was read last and not appended; none if the pipe cannot be lent.
    ///
    /// # Errors
    /// When appending fails, or the daemon is gone.
    pub fn lend<W: Watch>(
        &mut self,
        pipe: BorrowedFd<'_>,
        watch: &W,
        mut appended: impl FnMut(u64),
    ) -> Result<Option<Vec<u8>>, Error> {
        let To::Served { client, append, .. } = &mut self.to else { return Ok(None) };
        if !client.lend(&append.topic, pipe)? {
            return Ok(None);
        }
        let (mut left, mut wanted_back) = (Vec::new(), false);
        loop {
            if !wanted_back && !client.has_answer() && watch.wait(client.as_fd())?.is_some() {
                client.want_back();
                wanted_back = true;
            }
            match client.next_lent(&mut left)? {
                Lent::Appended(done) => {
                    self.placed.note(&done);
                    appended(done.records);
                }
                Lent::Returned => return Ok(Some(left)),
            }
        }
    }

    /// Whether an error is only that the daemon is gone, and the user wants us to wait for another.
    pub fn may_go_on(&self, error: &Error) -> bool {
        match &self.to {
            To::Served { patience, .. } => !patience.is_zero() && error.is_gone(),
            To::Unopened { .. } | To::Embedded { .. } => false,
        }
    }

    /// Waits for another daemon in the place of one that is gone; tells where `producer` stands,
    /// whose name is then ours, as those of `claims` are. What was handed over and not finished is
    /// to be handed over again.
    ///
    /// # Errors
    /// When none comes in time, or before we are to stop; or it refuses a name.
    pub fn reconnect<W: Watch>(
        &mut self,
        producer: Option<&str>,
        claims: &[String],
        watch: &W,
    ) -> Result<u64, Error> {
        let To::Served { client, append, dir, patience } = &mut self.to else { return Ok(0) };
        watch.hear(News::Gone(dir, *patience));
        // These batches are handed over again, too.
        self.refused.clear();
        let is_new = self.new.is_some();
        let ask = |client: &mut Client| {
            let mut stands = 0;
            let names = claims.iter().map(String::as_str).chain(producer);
            for name in names.filter(|_| !is_new) {
                let (topic, name) = (append.topic.clone(), name.to_owned());
                let asked = Producer { topic, name, release: false };
                stands = client.producer(asked)?.sequence.unwrap_or(0);
            }
            Ok(stands)
        };
        let (dir, patience) = (&*dir, *patience);
        match connect_and(dir, &mut Tries::within(patience), watch, ask)? {
            Waited::Connected((another, stands)) => {
                watch.hear(News::Back(dir));
                **client = another;
                heed_with_grace(client, watch)?;
                Ok(stands)
            }
            Waited::Stopped(_) => Err(Error::GivenUp { dir: dir.to_owned() }),
            Waited::NotInTime => Err(Error::NotBack { dir: dir.to_owned(), patience }),
        }
    }

    /// Leaves the log as the next one likes to find it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(self) -> Result<(), Error> {
        match self.to {
            To::Served { .. } => Ok(()),
            To::Unopened { broker } => close(broker),
            To::Embedded { broker, topic, .. } => {
                topic.run_due()?;
                drop(topic);
                close(broker)
            }
        }
    }
}

fn embedded(broker: Arc<Broker>, topic: Arc<Topic>) -> To {
    let (handed, done, buffers) = (Appends::default(), VecDeque::new(), Vec::new());
    To::Embedded { topic, broker, handed, done, buffers }
}

fn close(broker: Arc<Broker>) -> Result<(), Error> {
    // Others may write to other topics of it.
    match Arc::into_inner(broker) {
        Some(broker) => Ok(broker.close()?),
        None => Ok(()),
    }
}

fn of_client(error: ClientError) -> AppendError {
    match error {
        ClientError::Refused(refused) if refused.code == Code::ChainBroken => AppendError::Behind,
        ClientError::Refused(refused) if refused.code == Code::BadRecords => {
            AppendError::Bad(refused.records)
        }
        error => AppendError::Other(error.into()),
    }
}

fn of_broker(error: broker::Error) -> AppendError {
    match error {
        broker::Error::Log(LogError::BadRecords { records }) => AppendError::Bad(records),
        broker::Error::Log(LogError::ChainBroken { .. }) => AppendError::Behind,
        error => AppendError::Other(error.into()),
    }
}
