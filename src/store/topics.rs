//! The topics of a log: listed, created, altered, described, trimmed, compacted, deleted.

use std::path::Path;
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::error::Error;
use super::wanted::Wanted;
use super::{Store, embedded, embedded_new};
use crate::api::reading::{At, ByPartition, Place};
use crate::api::topics::{
    Alter, Compact, Create, Named, Rename, TakenAway, Topic, TopicEntry, Trim,
};
use crate::log::{Before, LogError, Settings, Told, open_readers, topic_names_of, topics_changed};
use crate::wire::{Client, ClientError};

/// A topic, as a list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: u32,
    /// The jq expression that places its records.
    pub key: Option<String>,
}

/// A topic that cannot be opened.
#[derive(Debug)]
pub struct Broken {
    /// Its name.
    pub topic: String,
    /// Why not.
    pub error: Error,
}

impl Store {
    /// All topics, sorted by name; in the place of one that cannot be opened, its name and why not.
    ///
    /// # Errors
    /// When there is no log.
    pub fn topics(&mut self) -> Result<Vec<Result<Listed, Broken>>, Error> {
        match self {
            Store::Served { client, .. } => {
                let entries = client.topics()?;
                Ok(entries.into_iter().map(|entry| take_up(client, entry)).collect())
            }
            Store::Embedded { dir } => {
                let listed = |topic: String| match settings_in(dir, &topic) {
                    Ok(Settings { partitions, key, .. }) => Ok(Listed { topic, partitions, key }),
                    Err(error) => Err(Broken { topic, error: error.into() }),
                };
                Ok(topic_names_of(dir)?.into_iter().map(listed).collect())
            }
        }
    }

    /// The names of all topics, sorted: also of those that cannot be opened.
    ///
    /// # Errors
    /// When there is no log.
    pub fn topic_names(&mut self) -> Result<Vec<String>, Error> {
        Ok(match self {
            Store::Served { client, .. } => {
                client.topics()?.into_iter().map(TopicEntry::into_name).collect()
            }
            Store::Embedded { dir } => topic_names_of(dir)?,
        })
    }

    /// When a topic of the log in `dir` was last created, deleted or renamed, if that can be told.
    pub fn topics_changed(dir: &Path) -> Option<SystemTime> {
        topics_changed(dir)
    }

    /// What the partitions of a topic hold.
    ///
    /// # Errors
    /// When there is no such topic, or it cannot be read.
    pub fn bounds(self, topic: &str) -> Result<ByPartition<Place>, Error> {
        let mut reader = self.reader(topic)?;
        let partitions: Vec<u32> = (0..reader.partitions()).collect();
        reader.find(&partitions, At::End)
    }

    /// Creates a topic; one that exists just so is fine.
    ///
    /// # Errors
    /// When the log cannot be written to, the name or the settings are invalid, or the topic exists
    /// and is another.
    pub fn create(
        &mut self,
        topic: &str,
        wanted: &Wanted,
        settings: Map<String, Value>,
    ) -> Result<(), Error> {
        let create = Create { settings, ..wanted.to_create(topic) };
        match self {
            Store::Served { client, .. } => client.create(create).map(drop)?,
            Store::Embedded { dir } => {
                embedded_new(dir, |broker, access| broker.create(access, create).map(drop))?;
            }
        }
        Ok(())
    }

    /// Changes settings of a topic, by their names in `topic.json`.
    ///
    /// # Errors
    /// When there is no such topic, or a setting is invalid.
    pub fn alter(
        &mut self,
        topic: &str,
        settings: Map<String, Value>,
        force: bool,
    ) -> Result<(), Error> {
        let alter = Alter { topic: topic.to_owned(), settings, force };
        match self {
            Store::Served { client, .. } => client.alter(alter).map(drop)?,
            Store::Embedded { dir } => {
                embedded(dir, |broker, access| broker.alter(access, alter).map(drop))?;
            }
        }
        Ok(())
    }

    /// The settings of a topic, by their names in `topic.json`.
    ///
    /// # Errors
    /// When there is no such topic.
    pub fn settings(&mut self, topic: &str) -> Result<Map<String, Value>, Error> {
        Ok(match self {
            Store::Served { client, .. } => {
                client.describe(Named { topic: topic.to_owned() })?.settings
            }
            Store::Embedded { dir } => settings_in(dir, topic)?.to_map(),
        })
    }

    /// Deletes a topic with all its records.
    ///
    /// # Errors
    /// When there is no such topic, or the disk refuses.
    pub fn delete(&mut self, topic: &str) -> Result<(), Error> {
        let named = Named { topic: topic.to_owned() };
        match self {
            Store::Served { client, .. } => client.delete(named).map(drop)?,
            Store::Embedded { dir } => {
                embedded(dir, |broker, access| broker.delete(access, named).map(drop))?;
            }
        }
        Ok(())
    }

    /// Gives a topic another name, with what groups have committed in it.
    ///
    /// # Errors
    /// When there is no such topic, or one of the new name, a group has members for it, or the disk
    /// refuses.
    pub fn rename(&mut self, topic: &str, to: &str) -> Result<(), Error> {
        let rename = Rename { topic: topic.to_owned(), to: to.to_owned() };
        match self {
            Store::Served { client, .. } => client.rename(rename).map(drop)?,
            Store::Embedded { dir } => {
                embedded(dir, |broker, access| broker.rename(access, rename).map(drop))?;
            }
        }
        Ok(())
    }

    /// Removes old records of a topic, of one partition or of all; tells where they then begin, or
    /// with `dry_run` would.
    ///
    /// # Errors
    /// When there is no such topic, partition or offset, or the disk refuses.
    pub fn trim(
        &mut self,
        topic: &str,
        partition: Option<u32>,
        before: Before,
        dry_run: bool,
    ) -> Result<ByPartition<u64>, Error> {
        let (offset, time_us) = match before {
            Before::Offset(offset) => (Some(offset), None),
            Before::TimeUs(time_us) => (None, Some(time_us)),
        };
        let trim = Trim { topic: topic.to_owned(), partition, offset, time_us, dry_run };
        Ok(match self {
            Store::Served { client, .. } => client.trim(trim)?.offsets,
            Store::Embedded { dir } => {
                embedded(dir, |broker, access| broker.trim(access, trim))?.offsets
            }
        })
    }

    /// Compacts a topic; tells what that took away. Without a daemon, `told` is called often.
    ///
    /// # Errors
    /// When there is no such topic, it is not one that is compacted, or the disk refuses.
    pub fn compact(
        &mut self,
        topic: &str,
        close: bool,
        told: Told<'_>,
    ) -> Result<ByPartition<TakenAway>, Error> {
        let compact = Compact { topic: topic.to_owned(), close };
        Ok(match self {
            Store::Served { client, .. } => client.compact(compact)?.partitions,
            Store::Embedded { dir } => {
                embedded(dir, |broker, access| broker.compact(access, compact, Some(told)))?
                    .partitions
            }
        })
    }
}

/// A topic of the daemon's list, with its key where the list leaves that out.
fn take_up(client: &mut Client, entry: TopicEntry) -> Result<Listed, Broken> {
    match entry {
        TopicEntry::Open(Topic { topic, partitions, key, key_bytes: None }) => {
            Ok(Listed { topic, partitions, key })
        }
        TopicEntry::Open(Topic { topic, partitions, .. }) => {
            match client.describe(Named { topic: topic.clone() }) {
                Ok(there) => {
                    let key = there.settings.get("key").and_then(Value::as_str).map(str::to_owned);
                    Ok(Listed { topic, partitions, key })
                }
                Err(error) => Err(Broken { topic, error: error.into() }),
            }
        }
        TopicEntry::Broken { topic, error } => {
            Err(Broken { topic, error: ClientError::from(error).into() })
        }
    }
}

fn settings_in(dir: &Path, topic: &str) -> Result<Settings, LogError> {
    let found = open_readers(dir, &[topic.to_owned()])?.pop();
    found
        .map(|(_, settings)| settings)
        .ok_or_else(|| LogError::UnknownTopic { topic: topic.to_owned() })
}
