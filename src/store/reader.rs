//! Reading one topic.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::Duration;

use super::Store;
use super::error::Error;
use super::reconnect::heed;
use super::served::Served;
use super::step::Step;
use super::unserved::Unserved;
use super::watch::Watch;
use crate::api::reading::{At, ByPartition, Fetch, Offsets, Place, Span};
use crate::broker::offsets;
use crate::log::{LogError, TopicReader, open_readers};
use crate::wire::Client;

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// Whether to wait for records that are not there yet.
    pub follow: bool,
    /// Whether to go on with partitions that are added, too: only where no span has an end.
    pub added: bool,
    /// How long to wait for a daemon that goes away.
    pub patience: Duration,
    /// Whether to check checksums, but for those of records in files: that is up to who reads them.
    pub verify: bool,
    /// Whether large runs of records are given as files.
    pub files: bool,
    /// Where all that is read is written as it is, before more is asked for: the log may write
    /// records there by itself, which are then not given.
    pub output: Option<BorrowedFd<'a>>,
}

/// A topic, open for reading.
pub struct Reader {
    dir: PathBuf,
    topic: String,
    partitions: u32,
    from: From,
}

enum From {
    Served(Box<Client>),
    Files(TopicReader),
}

impl Store {
    /// Opens a topic for reading.
    ///
    /// # Errors
    /// When there is no such log or topic, or it cannot be read.
    pub fn reader(self, topic: &str) -> Result<Reader, Error> {
        let topic = topic.to_owned();
        match self {
            Store::Served { mut client, dir } => {
                let asked = Offsets { topic: topic.clone(), ..Offsets::default() };
                let places = client.offsets(asked)?;
                let partitions = u32::try_from(places.partitions.len()).unwrap_or(u32::MAX);
                Ok(Reader { dir, topic, partitions, from: From::Served(client) })
            }
            Store::Embedded { dir } => {
                let mut readers = open_readers(&dir, std::slice::from_ref(&topic))?;
                let Some((reader, settings)) = readers.pop() else {
                    return Err(LogError::UnknownTopic { topic }.into());
                };
                let partitions = settings.partitions;
                Ok(Reader { dir, topic, partitions, from: From::Files(reader) })
            }
        }
    }

    /// The same; `watch` ends waits for a daemon that does not answer.
    ///
    /// # Errors
    /// As [`Store::reader`]; or when the kernel has no file descriptor left.
    pub fn reader_heeding<W: Watch>(mut self, topic: &str, watch: &W) -> Result<Reader, Error> {
        if let Store::Served { client, .. } = &mut self {
            heed(client, watch)?;
        }
        self.reader(topic)
    }
}

impl Reader {
    /// How many partitions the topic has.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Finds a place in each of `partitions`.
    ///
    /// # Errors
    /// When there is no such partition, or it cannot be read.
    pub fn find(&mut self, partitions: &[u32], at: At) -> Result<ByPartition<Place>, Error> {
        let partitions = Some(partitions.to_vec());
        let asked = Offsets { topic: self.topic.clone(), partitions, at };
        let places = match &mut self.from {
            From::Served(client) => client.offsets(asked)?,
            From::Files(reader) => offsets::find(reader, asked)?,
        };
        Ok(places.partitions)
    }

    /// Begins to read. Without [`Manner::follow`], every span must say where it ends.
    ///
    /// # Errors
    /// When a span begins outside of what its partition holds.
    pub fn read<'a>(self, spans: Vec<Span>, manner: Manner<'a>) -> Result<Reading<'a>, Error> {
        match self.from {
            From::Served(client) => {
                let at = spans.iter().map(|span| (span.partition, span.from)).collect();
                let until = spans.iter().filter_map(|span| Some((span.partition, span.until?)));
                let fetch = Fetch {
                    topic: self.topic,
                    until: until.collect(),
                    follow: manner.follow,
                    added: manner.added,
                    batches: true,
                    unverified: !manner.verify,
                    files: manner.files,
                    ..Fetch::default()
                };
                let output = manner.output.filter(|_| manner.follow);
                let (dir, patience) = (self.dir, manner.patience);
                let served = Served::begin(*client, dir, patience, (fetch, at), output)?;
                Ok(Reading::Served(Box::new(served)))
            }
            From::Files(reader) => {
                let follow = manner.follow.then_some((&*self.dir, manner.added));
                let how = (manner.verify, manner.files);
                let unserved = Unserved::begin(&reader, spans, how, follow)?;
                Ok(Reading::Unserved(Box::new(unserved)))
            }
        }
    }
}

/// A topic being read.
pub enum Reading<'a> {
    /// By the daemon.
    Served(Box<Served<'a>>),
    /// From its files.
    Unserved(Box<Unserved>),
}

impl Reading<'_> {
    /// Whether the log may write records to [`Manner::output`] by itself.
    pub fn is_lent(&self) -> bool {
        matches!(self, Reading::Served(served) if served.is_lent())
    }

    /// Reads the next run of records; its lines are then in `bytes`. Waits where we follow.
    ///
    /// # Errors
    /// When the daemon is gone, or the files cannot be read or are damaged.
    pub fn next<W: Watch>(
        &mut self,
        watch: &W,
        bytes: &mut Vec<u8>,
    ) -> Result<Step<W::Stop>, Error> {
        if let Some(stop) = watch.stopped() {
            return Ok(Step::Stopped(stop));
        }
        match self {
            Reading::Served(served) => served.next(watch, bytes),
            Reading::Unserved(unserved) => unserved.next(watch, bytes),
        }
    }
}
