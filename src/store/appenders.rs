//! Writing to several topics of a log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Store;
use super::appender::{Appender, Wanted};
use super::error::Error;
use super::reconnect::{Waited, connect_and};
use super::tries::Tries;
use super::watch::Watch;
use crate::api::error::Code;
use crate::api::reading::Offsets;
use crate::broker::{Broker, Limits};
use crate::log::{Log, LogError};
use crate::wire::ClientError;

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
    /// Opens a topic. If it does not exist, it is created if `may_create`, and nothing is opened
    /// otherwise. Tells whether it was created.
    ///
    /// # Errors
    /// When the log cannot be written to, or the topic exists and is not as wanted.
    pub fn open<W: Watch>(
        &self,
        topic: &str,
        wanted: &Wanted,
        may_create: bool,
        watch: &W,
    ) -> Result<Option<(Appender, bool)>, Error> {
        if let Some(broker) = &self.broker {
            let is_new = matches!(broker.open(topic), Err(LogError::UnknownTopic { .. }));
            if is_new && !may_create {
                return Ok(None);
            }
            let appender = Appender::embedded(Arc::clone(broker), topic, wanted)?;
            return Ok(Some((appender, is_new)));
        }
        let asked = Offsets { topic: topic.to_owned(), ..Offsets::default() };
        let mut tries = Tries::within(self.patience);
        loop {
            let exists = |client: &mut crate::wire::Client| match client.offsets(asked.clone()) {
                Ok(_) => Ok(true),
                Err(ClientError::Refused(refused)) if refused.code == Code::UnknownTopic => {
                    Ok(false)
                }
                Err(error) => Err(error),
            };
            let (client, exists) = match connect_and(&self.dir, &mut tries, watch, exists)? {
                Waited::Connected(connected) => connected,
                Waited::Stopped(_) => return Err(Error::GivenUp { dir: self.dir.clone() }),
                Waited::NotInTime => {
                    let (dir, patience) = (self.dir.clone(), self.patience);
                    return Err(Error::NotBack { dir, patience });
                }
            };
            if !exists && !may_create {
                return Ok(None);
            }
            let store = Store::Served { client: Box::new(client), dir: self.dir.clone() };
            match store.appender(topic, wanted, self.patience) {
                // It has gone since: the next one is asked.
                Err(error) if error.is_gone() && !self.patience.is_zero() => {}
                opened => return Ok(Some((opened?, !exists))),
            }
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
