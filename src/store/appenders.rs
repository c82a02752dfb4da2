//! Writing to several topics of a log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Store;
use super::appender::Appender;
use super::error::Error;
use super::reconnect::{Waited, connect};
use super::tries::Tries;
use super::wanted::Wanted;
use super::watch::Watch;
use crate::broker::{Broker, Limits};
use crate::log::Log;

/// A log to whose topics one appends.
pub struct Appenders {
    dir: PathBuf,
    /// How long to wait for a daemon that goes away.
    patience: Duration,
    /// The service on the files, without a daemon.
    broker: Option<Arc<Broker>>,
}

impl Store {
    /// Opens the log for appending to several topics; `patience` is how long waits for a daemon
    /// last that goes away.
    ///
    /// # Errors
    /// When there is no daemon, and the log's files cannot be written to.
    pub fn appenders(self, patience: Duration) -> Result<Appenders, Error> {
        Ok(match self {
            Store::Served { dir, .. } => Appenders { dir, patience, broker: None },
            Store::Embedded { dir } => {
                let broker = Arc::new(Broker::new(Log::open(&dir)?, Limits::default()));
                Appenders { dir, patience, broker: Some(broker) }
            }
        })
    }
}

impl Appenders {
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

    /// Opens the first topic, before anything is read: nothing needs to end its waits.
    ///
    /// # Errors
    /// As [`Appenders::open`]; also when the daemon has gone since.
    pub fn open_first(&self, topic: &str, wanted: &Wanted) -> Result<Appender, Error> {
        if let Some(broker) = &self.broker {
            return Appender::embedded(Arc::clone(broker), topic, wanted);
        }
        match Store::open(&self.dir)? {
            served @ Store::Served { .. } => served.appender(topic, wanted, self.patience),
            Store::Embedded { dir } => Err(Error::NotBack { dir, patience: Duration::ZERO }),
        }
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
