//! The topics of a log: listed and made, through the daemon or by ourselves.

use std::path::Path;

use super::appender::Wanted;
use super::reader::Reader;
use crate::log::{Bounds, Log, LogError, Settings, open_readers};
use crate::wire::answer::TopicEntry;
use crate::wire::client::{Client, ClientError};
use crate::wire::request::{At, Create};

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

/// All topics of the log in `dir`, sorted by name.
///
/// # Errors
/// When there is no log, or a topic cannot be opened.
pub fn list(dir: &Path) -> anyhow::Result<Vec<Listed>> {
    let Some(mut client) = Client::connect(dir)? else {
        let readers = open_readers(dir, &[])?;
        let listed = readers.into_iter().map(|(reader, settings)| Listed {
            topic: reader.topic().to_owned(),
            partitions: settings.partitions,
            key: settings.key,
        });
        return Ok(listed.collect());
    };
    let listed = client.topics()?.into_iter().map(|entry| match entry {
        TopicEntry::Open(there) => {
            Ok(Listed { topic: there.topic, partitions: there.partitions, key: there.key })
        }
        TopicEntry::Broken { error, .. } => Err(ClientError::from(error).into()),
    });
    listed.collect()
}

/// One topic, and what its partitions hold.
///
/// # Errors
/// When there is no such topic, or it cannot be read.
pub fn describe(dir: &Path, name: &str) -> anyhow::Result<(Listed, Vec<Bounds>)> {
    let Some(listed) = list(dir)?.into_iter().find(|listed| listed.topic == name) else {
        return Err(LogError::UnknownTopic { topic: name.to_owned() }.into());
    };
    let mut reader = Reader::open(dir, name)?;
    let partitions: Vec<u32> = (0..reader.partitions()).collect();
    let found = reader.find(&partitions, At::End)?;
    Ok((listed, found.into_iter().map(|found| found.bounds).collect()))
}

/// Makes a topic; one that is there already just so is fine.
///
/// # Errors
/// When the log cannot be written to, the name or the settings cannot be, or the topic is there
/// and is another.
pub fn create(dir: &Path, name: &str, wanted: &Wanted) -> anyhow::Result<()> {
    match Client::connect(dir)? {
        Some(mut client) => {
            client.create(Create {
                topic: name.to_owned(),
                partitions: wanted.partitions,
                key: wanted.key.clone(),
                ..Create::default()
            })?;
        }
        None => {
            let log = Log::open(dir)?;
            let partitions = wanted.partitions.unwrap_or(1);
            log.create(name, &Settings::new(partitions, wanted.key.clone()))?;
            log.close()?;
        }
    }
    Ok(())
}
