//! A topic that did not exist when it was opened for appending: it is created with the first record
//! that it takes. Input of which it takes nothing leaves no topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{AppendError, Error};
use super::wanted::Wanted;
use crate::api::appending::{Append, Producer, Unique};
use crate::broker::{Access, Broker};
use crate::log::{Draft, Identity, LogError, Topic};
use crate::wire::client::{Client, ClientError};

/// A topic to be created.
pub(super) struct NewTopic {
    name: String,
    wanted: Wanted,
    draft: Draft,
    /// Names that are to be ours as soon as the topic exists.
    names: Vec<String>,
    /// Where sources stand of which all that was read was refused: the topic is to know that, too.
    stands: BTreeMap<String, u64>,
    /// Whether the topic is also created to know where a source stands.
    keeps_positions: bool,
}

/// A topic that was created.
#[derive(Clone, Debug)]
pub struct Created {
    /// Its name.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: u32,
}

impl NewTopic {
    /// # Errors
    /// When no topic can have the name, or be as wanted.
    pub fn new(name: &str, wanted: &Wanted) -> Result<NewTopic, LogError> {
        Ok(NewTopic {
            name: name.to_owned(),
            wanted: wanted.clone(),
            draft: wanted.draft(name)?,
            names: Vec::new(),
            stands: BTreeMap::new(),
            keeps_positions: false,
        })
    }

    /// Takes a producer's name once the topic exists.
    pub fn take_name(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }

    /// Gives it back.
    pub fn release(&mut self, name: &str) {
        self.names.retain(|own| own != name);
    }

    /// From now on the topic is also created to know where a source stands.
    pub fn keep_positions(&mut self) {
        self.keeps_positions = true;
    }

    /// What becomes of a batch if no topic is needed for that.
    pub fn refuse(
        &mut self,
        lines: &[u8],
        identity: Option<&Identity>,
        unique: Option<&Unique>,
    ) -> Option<Result<u64, AppendError>> {
        if !lines.is_empty() {
            return match self.draft.leading_bad(lines, unique) {
                Ok(bad) if bad.is_empty() => None,
                Ok(bad) => Some(Err(AppendError::Bad(bad))),
                Err(error) => Some(Err(AppendError::Other(error.into()))),
            };
        }
        if self.keeps_positions {
            return None;
        }
        if let Some(Identity { producer, sequence, .. }) = identity {
            self.stands.insert(producer.clone(), *sequence);
        }
        Some(Ok(0))
    }

    /// Creates it through the daemon, unless it exists by now; tells whether it was created.
    /// Repeating it does no harm.
    ///
    /// # Errors
    /// When the daemon refuses or is gone, or another process has appended under one of our names.
    pub fn create_through(&self, client: &mut Client) -> Result<bool, Error> {
        let topic = &self.name;
        let exists = self.wanted.agrees_with_daemon(client, topic)?;
        if !exists {
            client.create(self.wanted.to_create(topic))?;
        }
        let mut are_known = Vec::new();
        for name in &self.names {
            let (topic, name) = (topic.clone(), name.clone());
            let asked = Producer { topic: topic.clone(), name: name.clone(), release: false };
            let stands = client.producer(asked)?.sequence;
            // It may be ours already, by a daemon that was killed before it answered.
            if stands.is_some() && stands != self.stands.get(&name).copied() {
                return Err(Error::Overtaken { topic, name });
            }
            are_known.extend(stands.map(|_| name));
        }
        for identity in self.identities().filter(|one| !are_known.contains(&one.producer)) {
            let append = Append {
                topic: topic.clone(),
                producer: Some(identity.producer),
                after: identity.after,
                sequence: Some(identity.sequence),
                ..Append::default()
            };
            client.append(&append, &[])?;
        }
        Ok(!exists)
    }

    /// The same where we hold the log's lock ourselves.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create_in(&self, broker: &Broker) -> Result<(Arc<Topic>, bool), Error> {
        let existing = self.wanted.find(broker, &self.name)?;
        let is_new = existing.is_none();
        let topic = match existing {
            Some(topic) => topic,
            None => {
                broker.create(&Access::of_owner(), self.wanted.to_create(&self.name))?;
                broker.open(&self.name)?
            }
        };
        for identity in self.identities() {
            let batch = topic.prepare(Vec::new(), Some(identity))?;
            topic.append(vec![batch]).into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        Ok((topic, is_new))
    }

    /// What is said of it once it is created.
    pub fn created(&self) -> Created {
        Created { topic: self.name.clone(), partitions: self.wanted.partitions() }
    }

    fn identities(&self) -> impl Iterator<Item = Identity> {
        self.stands.iter().map(|(name, &sequence)| Identity {
            producer: name.clone(),
            after: Some(0),
            sequence,
        })
    }
}

/// The same error, of requests that can be repeated.
pub(super) fn repeatable(error: Error) -> Error {
    match error {
        Error::Client(ClientError::Closed { path, .. }) => {
            Error::Client(ClientError::Closed { path, unanswered: false })
        }
        error => error,
    }
}
