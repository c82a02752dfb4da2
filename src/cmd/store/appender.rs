//! Writing to one topic, through the daemon or by ourselves.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::patience::{self, Tries, Waited};
use crate::api::appending::{Append, Appended, Producer};
use crate::api::error::{BadRecord, Code};
use crate::api::reading::Offsets;
use crate::api::topics::{Create, Named};
use crate::broker::Error;
use crate::broker::appends::{Appends, Outcomes};
use crate::cli::input::Watch;
use crate::cli::{Failure, Status};
use crate::log::{Identity, Log, LogError, Settings, Topic};
use crate::wire::client::{Client, ClientError};
use crate::wire::lending::Lent;

/// What the user asks of the topic; a topic that is there must agree.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// How many partitions.
    pub partitions: Option<u32>,
    /// The jq expression that places records.
    pub key: Option<String>,
}

/// Appends to one topic.
pub struct Appender {
    to: To,
}

enum To {
    Served {
        client: Client,
        append: Append,
        dir: PathBuf,
        /// How long to wait for a daemon that goes away.
        patience: Duration,
    },
    /// The topic is dropped before the log whose lock it writes under.
    Embedded {
        topic: Arc<Topic>,
        log: Log,
        /// Batches that were handed over: they are written together.
        handed: Appends<()>,
        /// What became of those before them.
        done: VecDeque<Result<Appended, Error>>,
    },
}

/// Why a batch was not appended.
#[derive(Debug)]
pub enum AppendError {
    /// These records are bad; nothing was appended.
    Bad(Vec<BadRecord>),
    /// A batch before this one was refused, so nothing of this one was appended.
    Behind,
    /// Anything else.
    Other(anyhow::Error),
}

impl Appender {
    /// Opens a topic of the log in `dir`, making it if it is not there; `patience` is how long
    /// [`Appender::reconnect`] waits.
    ///
    /// # Errors
    /// When the log cannot be written to, or the topic is there and not as wanted.
    pub fn open(
        dir: &Path,
        topic: &str,
        wanted: &Wanted,
        patience: Duration,
    ) -> anyhow::Result<Appender> {
        let to = match Client::connect(dir)? {
            Some(mut client) => {
                serve(&mut client, topic, wanted)?;
                let append = Append { topic: topic.to_owned(), ..Append::default() };
                To::Served { client, append, dir: dir.to_owned(), patience }
            }
            None => embed(dir, topic, wanted)?,
        };
        Ok(Appender { to })
    }

    /// Ends waits for the daemon's answers soon after we are told to stop.
    ///
    /// # Errors
    /// When the kernel has no file descriptor left.
    pub fn heed(&mut self, watch: &Watch) -> io::Result<()> {
        match &mut self.to {
            To::Served { client, .. } => patience::heed_with_grace(client, watch),
            To::Embedded { .. } => Ok(()),
        }
    }

    /// Takes a producer's name for as long as this is open; tells where the producer stands, 0 at
    /// its beginning.
    ///
    /// # Errors
    /// When another one has the name now, or what the log holds of it cannot be read.
    pub fn stands(&mut self, name: &str) -> anyhow::Result<u64> {
        let held = match &mut self.to {
            To::Served { client, append, .. } => {
                let (topic, name) = (append.topic.clone(), name.to_owned());
                client.producer(Producer { topic, name })?.sequence
            }
            // The lock on the log keeps all others out.
            To::Embedded { topic, .. } => topic.producer(name)?,
        };
        Ok(held.unwrap_or(0))
    }

    /// Hands a batch of lines over, under a producer's name if `identity` says so; what becomes of
    /// it, [`Appender::finish`] tells. While a batch is under way others may be handed over: if one
    /// is refused, those behind it are too.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn begin(&mut self, lines: &[u8], identity: Option<Identity>) -> anyhow::Result<()> {
        match &mut self.to {
            To::Served { client, append, .. } => {
                if let Some(identity) = identity {
                    append.producer = Some(identity.producer);
                    append.after = identity.after;
                    append.sequence = Some(identity.sequence);
                }
                append.chained = client.outstanding() > 0;
                client.send_append(append, lines)?;
            }
            To::Embedded { topic, handed, done, .. } => {
                let chained = !(handed.is_empty() && done.is_empty());
                handed.hand(topic.prepare(lines.to_vec(), identity), chained, ());
            }
        }
        Ok(())
    }

    /// Waits for the earliest batch that was handed over; returns how many records it had, once
    /// they are durable.
    ///
    /// # Errors
    /// The bad ones among the records, or whatever else kept them from being appended.
    pub fn finish(&mut self) -> Result<u64, AppendError> {
        match &mut self.to {
            To::Served { client, .. } => {
                client.receive_appended().map(|appended| appended.records).map_err(of_client)
            }
            To::Embedded { topic, handed, done, .. } => {
                if done.is_empty() {
                    let (underway, batches) = handed.close(topic.name());
                    let none = batches.is_empty();
                    let outcomes = if none { Outcomes::new() } else { topic.append(batches) };
                    done.extend(underway.settle(outcomes).map(|(outcome, ())| outcome));
                }
                let Some(outcome) = done.pop_front() else { return Ok(0) };
                handed.note(outcome.is_ok());
                outcome.map(|appended| appended.records).map_err(of_broker)
            }
        }
    }

    /// Has the log read lines from a pipe and append them, until one of us has enough of that: we,
    /// once `watch` wakes us. Tells by `appended` of records that are durable, and in the end what
    /// was read last and not appended; none if the pipe cannot be lent.
    ///
    /// # Errors
    /// When appending fails, or the daemon is gone.
    pub fn lend(
        &mut self,
        pipe: BorrowedFd<'_>,
        watch: &Watch,
        mut appended: impl FnMut(u64),
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let To::Served { client, append, .. } = &mut self.to else { return Ok(None) };
        if !client.lend(&append.topic, pipe)? {
            return Ok(None);
        }
        let (mut left, mut wanted_back) = (Vec::new(), false);
        loop {
            if !wanted_back && !client.has_answer() && watch.wait(&*client)?.is_some() {
                client.want_back();
                wanted_back = true;
            }
            match client.next_lent(&mut left)? {
                Lent::Appended(records) => appended(records),
                Lent::Returned => return Ok(Some(left)),
            }
        }
    }

    /// Whether an error is only that the daemon is gone, and the user wants us to wait for another.
    pub fn may_go_on(&self, error: &anyhow::Error) -> bool {
        match &self.to {
            To::Served { patience, .. } => !patience.is_zero() && patience::is_gone(error),
            To::Embedded { .. } => false,
        }
    }

    /// Waits for another daemon in the place of one that is gone; tells where `producer`, whose
    /// name is then ours, stands. What was handed over and not finished is to be handed over again.
    ///
    /// # Errors
    /// When none comes in time, or before we are to stop; or it refuses the producer.
    pub fn reconnect(&mut self, producer: Option<&str>, watch: &Watch) -> anyhow::Result<u64> {
        let To::Served { client, append, dir, patience } = &mut self.to else { return Ok(0) };
        patience::say_waiting(dir, *patience);
        let topic = &append.topic;
        let ask = |client: &mut Client| match producer {
            Some(name) => {
                let asked = Producer { topic: topic.clone(), name: name.to_owned() };
                client.producer(asked).map(|standing| standing.sequence.unwrap_or(0))
            }
            None => Ok(0),
        };
        match patience::connect_and(dir, &mut Tries::within(*patience), watch, ask)? {
            Waited::Connected(another, stands) => {
                patience::say_back(dir);
                *client = another;
                patience::heed_with_grace(client, watch)?;
                Ok(stands)
            }
            Waited::Halted(_) => Err(patience::given_up(dir)),
            Waited::InVain => Err(patience::in_vain(dir, *patience)),
        }
    }

    /// Leaves the log as the next one likes to find it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(self) -> anyhow::Result<()> {
        match self.to {
            To::Served { .. } => Ok(()),
            To::Embedded { log, topic, .. } => {
                topic.run_due()?;
                Ok(log.close()?)
            }
        }
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

fn of_broker(error: Error) -> AppendError {
    match error {
        Error::Log(LogError::BadRecords { records }) => AppendError::Bad(records),
        Error::Log(LogError::ChainBroken { .. }) => AppendError::Behind,
        error => AppendError::Other(error.into()),
    }
}

/// Makes the topic, or sees that it is as wanted.
fn serve(client: &mut Client, name: &str, wanted: &Wanted) -> anyhow::Result<()> {
    if !agrees_with_daemon(client, name, wanted)? {
        let create = Create {
            topic: name.to_owned(),
            partitions: wanted.partitions,
            key: wanted.key.clone(),
            ..Create::default()
        };
        client.create(create)?;
    }
    Ok(())
}

/// Whether the topic is there; if so, it must be as wanted.
fn agrees_with_daemon(client: &mut Client, name: &str, wanted: &Wanted) -> anyhow::Result<bool> {
    let ask = Offsets { topic: name.to_owned(), ..Offsets::default() };
    match client.offsets(ask) {
        Ok(_) => {}
        Err(ClientError::Refused(refused)) if refused.code == Code::UnknownTopic => {
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    if wanted.partitions.is_some() || wanted.key.is_some() {
        let there = client.describe(Named { topic: name.to_owned() })?.settings;
        let partitions = there.get("partitions").and_then(Value::as_u64).unwrap_or_default();
        let partitions = u32::try_from(partitions).unwrap_or(u32::MAX);
        agree(name, partitions, there.get("key").and_then(Value::as_str), wanted)?;
    }
    Ok(true)
}

fn embed(dir: &Path, name: &str, wanted: &Wanted) -> anyhow::Result<To> {
    let log = Log::open(dir)?;
    let topic = match log.topic(name) {
        Err(LogError::UnknownTopic { .. }) => {
            let settings = Settings::new(wanted.partitions.unwrap_or(1), wanted.key.clone());
            log.create(name, &settings)?
        }
        topic => topic?,
    };
    let settings = topic.settings();
    agree(name, settings.partitions, settings.key.as_deref(), wanted)?;
    Ok(To::Embedded { topic, log, handed: Appends::default(), done: VecDeque::new() })
}

/// Whether a topic that is there is what the user asked for.
fn agree(name: &str, partitions: u32, key: Option<&str>, wanted: &Wanted) -> Result<(), Failure> {
    let refuse = |what: String| {
        let why = format!("{name}: the topic already exists and has {what}");
        Err(Failure::new(Status::CantCreate, why))
    };
    if wanted.partitions.is_some_and(|wanted| wanted != partitions) {
        let what = if partitions == 1 { "partition" } else { "partitions" };
        return refuse(format!(
            "{partitions} {what}; log-admin alter --partitions adds partitions"
        ));
    }
    match key {
        _ if wanted.key.is_none() || wanted.key.as_deref() == key => Ok(()),
        Some(key) => refuse(format!("the key {key}")),
        None => refuse("no key".to_owned()),
    }
}
