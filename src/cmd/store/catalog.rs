//! The topics of a log: listed and made, through the daemon or by ourselves.

use std::path::Path;

use serde_json::{Map, Value};

use super::appender::Wanted;
use super::reader::Reader;
use crate::api::reading::{At, ByPartition, Place};
use crate::api::topics::{Alter, Compact, Create, Named, TakenAway, Topic, TopicEntry, Trim};
use crate::log::{Before, Log, LogError, Settings, open_readers, topic_names_of};
use crate::wire::client::{Client, ClientError};

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
    pub error: anyhow::Error,
}

/// All topics of the log in `dir`, sorted by name; in the place of one that cannot be opened, its
/// name and why not.
///
/// # Errors
/// When there is no log.
pub fn list(dir: &Path) -> anyhow::Result<Vec<Result<Listed, Broken>>> {
    if let Some(mut client) = Client::connect(dir)? {
        let entries = client.topics()?;
        return Ok(entries.into_iter().map(|entry| take_up(&mut client, entry)).collect());
    }
    let listed = topic_names_of(dir)?.into_iter().map(|topic| match settings_in(dir, &topic) {
        Ok(Settings { partitions, key, .. }) => Ok(Listed { topic, partitions, key }),
        Err(error) => Err(Broken { topic, error: error.into() }),
    });
    Ok(listed.collect())
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

/// What the partitions of a topic hold.
///
/// # Errors
/// When there is no such topic, or it cannot be read.
pub fn bounds(dir: &Path, name: &str) -> anyhow::Result<ByPartition<Place>> {
    let mut reader = Reader::open(dir, name, None)?;
    let partitions: Vec<u32> = (0..reader.partitions()).collect();
    reader.find(&partitions, At::End)
}

/// Makes a topic; one that is there already just so is fine.
///
/// # Errors
/// When the log cannot be written to, the name or the settings cannot be, or the topic is there
/// and is another.
pub fn create(
    dir: &Path,
    name: &str,
    wanted: &Wanted,
    settings: &Map<String, Value>,
) -> anyhow::Result<()> {
    match Client::connect(dir)? {
        Some(mut client) => {
            client.create(Create {
                topic: name.to_owned(),
                partitions: wanted.partitions,
                key: wanted.key.clone(),
                settings: settings.clone(),
                ..Create::default()
            })?;
        }
        None => {
            let log = Log::open(dir)?;
            let partitions = wanted.partitions.unwrap_or(1);
            log.create(name, &Settings::new(partitions, wanted.key.clone()).with(settings)?)?;
            log.close()?;
        }
    }
    Ok(())
}

/// Changes settings of a topic, by their names in `topic.json`.
///
/// # Errors
/// When there is no such topic, or a setting cannot be.
pub fn alter(
    dir: &Path,
    name: &str,
    changes: &Map<String, Value>,
    force: bool,
) -> anyhow::Result<()> {
    match Client::connect(dir)? {
        Some(mut client) => {
            let (topic, settings) = (name.to_owned(), changes.clone());
            client.alter(Alter { topic, settings, force })?;
        }
        None => {
            let log = open_existing(dir)?;
            log.topic(name)?.alter(changes, force)?;
            log.close()?;
        }
    }
    Ok(())
}

/// The settings of a topic, by their names in `topic.json`.
///
/// # Errors
/// When there is no such topic.
pub fn settings(dir: &Path, name: &str) -> anyhow::Result<Map<String, Value>> {
    if let Some(mut client) = Client::connect(dir)? {
        return Ok(client.describe(Named { topic: name.to_owned() })?.settings);
    }
    Ok(settings_in(dir, name)?.to_map())
}

fn settings_in(dir: &Path, name: &str) -> Result<Settings, LogError> {
    let found = open_readers(dir, &[name.to_owned()])?.pop();
    found
        .map(|(_, settings)| settings)
        .ok_or_else(|| LogError::UnknownTopic { topic: name.to_owned() })
}

/// Removes a topic with all its records.
///
/// # Errors
/// When there is no such topic, or the disk refuses.
pub fn delete(dir: &Path, name: &str) -> anyhow::Result<()> {
    match Client::connect(dir)? {
        Some(mut client) => {
            client.delete(Named { topic: name.to_owned() })?;
        }
        None => open_existing(dir)?.delete(name)?,
    }
    Ok(())
}

/// Removes old records of a topic, of one partition or of all; tells where they then begin.
///
/// # Errors
/// When there is no such topic, partition or offset, or the disk refuses.
pub fn trim(
    dir: &Path,
    name: &str,
    partition: Option<u32>,
    before: Before,
) -> anyhow::Result<Vec<(u32, u64)>> {
    if let Some(mut client) = Client::connect(dir)? {
        let (offset, time_us) = match before {
            Before::Offset(offset) => (Some(offset), None),
            Before::TimeUs(time_us) => (None, Some(time_us)),
        };
        let trimmed = client.trim(Trim { topic: name.to_owned(), partition, offset, time_us })?;
        return Ok(trimmed.offsets.into_iter().collect());
    }
    let log = open_existing(dir)?;
    let offsets = log.topic(name)?.trim(partition, before)?;
    log.close()?;
    Ok(offsets)
}

/// Compacts a topic; tells what that took away.
///
/// # Errors
/// When there is no such topic, it is not one that is compacted, or the disk refuses.
pub fn compact(dir: &Path, name: &str, close: bool) -> anyhow::Result<ByPartition<TakenAway>> {
    if let Some(mut client) = Client::connect(dir)? {
        return Ok(client.compact(Compact { topic: name.to_owned(), close })?.partitions);
    }
    let log = open_existing(dir)?;
    let compacted = log.topic(name)?.compact(close)?;
    log.close()?;
    Ok(compacted)
}

/// Opens a log to write to it, which is not made if it is not there.
fn open_existing(dir: &Path) -> anyhow::Result<Log> {
    if !dir.join("topics").is_dir() {
        return Err(LogError::NoLog { path: dir.to_owned() }.into());
    }
    Ok(Log::open(dir)?)
}
