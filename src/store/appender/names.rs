//! The names of producers and sources in a topic: whose they are, and where each stands.

use super::{Appender, To};
use crate::api::appending::{
    Keep, PRODUCERS_LISTED_MAX, Producer, Producers, SOURCE_PREFIX, Stands,
};
use crate::store::Error;

/// How many sources are named in one request: their names are short, and its line has a limit.
const KEPT_AT_ONCE: usize = 200;

impl Appender {
    /// Takes a producer's name for as long as this is open; tells where the producer stands, 0 at
    /// its beginning.
    ///
    /// # Errors
    /// When another one has the name now, or what the log holds of it cannot be read.
    pub fn stands(&mut self, name: &str) -> Result<u64, Error> {
        if let Some(new) = &mut self.new {
            new.take_name(name);
            return Ok(0);
        }
        let held = match &mut self.to {
            To::Served { client, append, .. } => {
                let (topic, name) = (append.topic.clone(), name.to_owned());
                client.producer(Producer { topic, name, release: false })?.sequence
            }
            To::Unopened { .. } => None,
            // The lock on the log keeps all others out.
            To::Embedded { topic, .. } => topic.producer(name)?,
        };
        Ok(held.unwrap_or(0))
    }

    /// Gives a producer's name back; nothing that was handed over under it may be under way.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn release(&mut self, name: &str) -> Result<(), Error> {
        if let Some(new) = &mut self.new {
            new.release(name);
            return Ok(());
        }
        if let To::Served { client, append, .. } = &mut self.to {
            let (topic, name) = (append.topic.clone(), name.to_owned());
            client.producer(Producer { topic, name, release: true })?;
        }
        Ok(())
    }

    /// Where all sources stand that the topic knows. Nothing that was handed over may be under way.
    ///
    /// # Errors
    /// When what the log holds of them cannot be read.
    pub fn sources(&mut self) -> Result<Vec<Stands>, Error> {
        if self.new.is_some() {
            return Ok(Vec::new());
        }
        let prefix = SOURCE_PREFIX.to_owned();
        let (client, topic) = match &mut self.to {
            To::Served { client, append, .. } => (client, &append.topic),
            To::Unopened { .. } => return Ok(Vec::new()),
            To::Embedded { topic, .. } => return Ok(topic.producers(&prefix, "", usize::MAX)?),
        };
        let mut all: Vec<Stands> = Vec::new();
        loop {
            let after = all.last().map_or_else(String::new, |last| last.name.clone());
            let asked = Producers { topic: topic.clone(), prefix: prefix.clone(), after };
            let mut next = client.producers(asked)?.producers;
            let goes_on = next.first().is_some_and(|first| {
                next.len() >= PRODUCERS_LISTED_MAX
                    && all.last().is_none_or(|last| last.name < first.name)
            });
            all.append(&mut next);
            if !goes_on {
                return Ok(all);
            }
        }
    }

    /// Says that sources are there, so that the topic does not forget them. Nothing that was handed
    /// over may be under way.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn keep_sources(&mut self, names: &[String]) -> Result<(), Error> {
        if self.new.is_some() {
            return Ok(());
        }
        for names in names.chunks(KEPT_AT_ONCE) {
            match &mut self.to {
                To::Served { client, append, .. } => {
                    client.keep(Keep { topic: append.topic.clone(), names: names.to_vec() })?;
                }
                To::Unopened { .. } => {}
                To::Embedded { topic, .. } => topic.keep_producers(names)?,
            }
        }
        Ok(())
    }
}
