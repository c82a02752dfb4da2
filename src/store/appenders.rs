//! Writing to several topics of a log.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Store;
use super::appender::Appender;
use super::error::Error;
use super::reconnect::{Waited, connect};
use super::tries::Tries;
use super::wanted::Wanted;
use super::watch::Watch;
use crate::api::appending::Unique;
use crate::broker::{Broker, Limits};
use crate::log::{Log, LogError, Refusing, topic_names_of};

/// A log to whose topics one appends.
pub struct Appenders {
    dir: PathBuf,
    /// How long to wait for a daemon that goes away.
    patience: Duration,
    /// The service on the files, without a daemon.
    broker: Option<Arc<Broker>>,
    /// The topics that there were when that was last asked.
    listed: Option<(Instant, HashSet<String>)>,
    /// What tells which records a topic would refuse that is created.
    refusing: Option<Refusing>,
}

/// How long it is believed which topics there are: others may create some.
const LISTED_FOR: Duration = Duration::from_secs(1);

impl Store {
    /// Opens the log for appending to several topics; `patience` is how long waits for a daemon
    /// last that goes away.
    ///
    /// # Errors
    /// When there is no daemon, and the log's files cannot be written to.
    pub fn appenders(self, patience: Duration) -> Result<Appenders, Error> {
        Ok(match self {
            Store::Served { dir, .. } => Appenders::new(dir, patience, None),
            Store::Embedded { dir } => {
                let broker = service(&dir)?;
                Appenders::new(dir, patience, Some(broker))
            }
        })
    }

    /// The same, with one of the topics open.
    ///
    /// # Errors
    /// As [`Store::appenders`] and [`Store::appender`].
    pub fn appenders_with(
        self,
        topic: &str,
        wanted: &Wanted,
        patience: Duration,
    ) -> Result<(Appender, Appenders), Error> {
        match self {
            Store::Served { ref dir, .. } => {
                let appenders = Appenders::new(dir.clone(), patience, None);
                Ok((self.appender(topic, wanted, patience)?, appenders))
            }
            Store::Embedded { dir } => {
                let broker = service(&dir)?;
                let appender = Appender::embedded(Arc::clone(&broker), topic, wanted)?;
                Ok((appender, Appenders::new(dir, patience, Some(broker))))
            }
        }
    }
}

/// The service on the files of a log.
fn service(dir: &Path) -> Result<Arc<Broker>, Error> {
    Ok(Arc::new(Broker::new(Log::open(dir)?, Limits::default())))
}

impl Appenders {
    fn new(dir: PathBuf, patience: Duration, broker: Option<Arc<Broker>>) -> Appenders {
        Appenders { dir, patience, broker, listed: None, refusing: None }
    }

    /// Whether it appends through a daemon.
    pub fn is_served(&self) -> bool {
        self.broker.is_none()
    }

    /// Opens a topic, and takes a producer's name there, if there is one; tells where the producer
    /// stands, 0 at its beginning. A topic that does not exist is created with the first record
    /// that it takes if it `may_create`, and not opened otherwise.
    ///
    /// # Errors
    /// When the log cannot be written to, the topic exists and is not as wanted, or another one has
    /// the name now.
    pub fn open<W: Watch>(
        &self,
        topic: &str,
        wanted: &Wanted,
        producer: Option<&str>,
        may_create: bool,
        watch: &W,
    ) -> Result<Option<(Appender, u64)>, Error> {
        let named = |appender: Result<Appender, Error>| {
            let mut appender = appender?;
            if !may_create && appender.is_new() {
                return Ok(None);
            }
            let stands = producer.map(|name| appender.stands(name)).transpose()?;
            Ok(Some((appender, stands.unwrap_or(0))))
        };
        if let Some(broker) = &self.broker {
            return named(Appender::embedded(Arc::clone(broker), topic, wanted));
        }
        let mut tries = Tries::within(self.patience);
        loop {
            let dir = || self.dir.clone();
            let client = match connect(&self.dir, &mut tries, watch)? {
                Waited::Connected(client) => client,
                Waited::Stopped(_) => return Err(Error::GivenUp { dir: dir() }),
                Waited::NotInTime => {
                    return Err(Error::NotBack { dir: dir(), patience: self.patience });
                }
            };
            let store = Store::Served { client: Box::new(client), dir: dir() };
            match named(store.appender(topic, wanted, self.patience)) {
                // It has gone since: the next one is asked.
                Err(error) if error.is_gone() && !self.patience.is_zero() => {}
                opened => return opened,
            }
        }
    }

    /// Whether a topic did not exist a moment ago. A list of all is kept, so that it costs nothing
    /// to ask this of very many.
    ///
    /// # Errors
    /// When topics cannot be listed.
    pub fn is_missing(&mut self, topic: &str) -> Result<bool, Error> {
        let is_fresh = |(at, _): &&(Instant, HashSet<String>)| at.elapsed() < LISTED_FOR;
        if let Some((_, names)) = self.listed.as_ref().filter(is_fresh) {
            return Ok(!names.contains(topic));
        }
        let names = if self.broker.is_some() {
            match topic_names_of(&self.dir) {
                // It is made with its first topic.
                Err(LogError::NoLog { .. }) => Vec::new(),
                names => names?,
            }
        } else {
            match Store::open(&self.dir) {
                Ok(mut store @ Store::Served { .. }) => match store.topic_names() {
                    Err(error) if error.is_gone() => return Ok(false),
                    names => names?,
                },
                // Who opens it waits for the daemon.
                _ => return Ok(false),
            }
        };
        let names: HashSet<String> = names.into_iter().collect();
        let is_missing = !names.contains(topic);
        self.listed = Some((Instant::now(), names));
        Ok(is_missing)
    }

    /// Why a topic that is created for it would refuse a record; none if it would not, or that
    /// cannot be told. Of all topics, the same is wanted.
    ///
    /// # Errors
    /// When there can be no such topic.
    pub fn refusal(
        &mut self,
        topic: &str,
        wanted: &Wanted,
        unique: Option<&Unique>,
        record: &[u8],
    ) -> Result<Option<String>, Error> {
        let refusing = match &mut self.refusing {
            Some(refusing) => refusing,
            None => self.refusing.insert(wanted.draft(topic)?.refusing(unique)?),
        };
        Ok(refusing.why(&[record, b"\n"].concat()))
    }

    /// Leaves the log as the next one likes to find it, once all appenders are closed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(self) -> Result<(), Error> {
        match self.broker.and_then(Arc::into_inner) {
            Some(broker) => Ok(broker.close()?),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_cannot_be_read_is_not_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut appenders = Store::open(&data).unwrap().appenders(Duration::ZERO).unwrap();
        assert!(appenders.is_missing("a").unwrap());
        appenders.listed = None;
        // This also holds for the user that may read everything.
        let topics = data.join("topics");
        let _ = std::fs::rename(&topics, data.join("moved"));
        std::os::unix::fs::symlink(&topics, &topics).unwrap();
        assert!(appenders.is_missing("a").is_err());
    }
}
