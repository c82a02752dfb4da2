//! Consumer groups: listed and reset.

use std::path::Path;

use super::error::Error;
use super::{Store, embedded, embedded_new};
use crate::api::groups::{DeleteGroup, GroupEntry, Groups, Reset, ResetDone};
use crate::broker::groups::{self, GroupState};
use crate::log::{ConsumerGroup, LogError, open_groups, open_readers, topic_names_of};

impl Store {
    /// What groups have in each topic, sorted; of all groups if none is named. A group whose file
    /// cannot be read, and a topic that cannot be opened, are told in their place.
    ///
    /// # Errors
    /// When there is no log, or no such group, or it cannot be told which groups there are.
    pub fn groups(&mut self, group: Option<&str>) -> Result<Vec<GroupEntry>, Error> {
        let listed = match self {
            Store::Served { client, .. } => {
                client.groups(Groups { group: group.map(str::to_owned) })?
            }
            Store::Embedded { dir } => list(dir, group)?,
        };
        match group {
            Some(group) if listed.is_empty() => Err(Error::NoGroup { group: group.to_owned() }),
            _ => Ok(listed),
        }
    }

    /// The names of all groups that have committed or have members, sorted.
    ///
    /// # Errors
    /// When there is no log.
    pub fn group_names(&mut self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = match self {
            Store::Served { client, .. } => {
                let entries = client.groups(Groups { group: None })?;
                entries.into_iter().map(|entry| entry.group).collect()
            }
            Store::Embedded { dir } => {
                open_groups(dir)?.into_iter().map(|(name, _)| name).collect()
            }
        };
        names.dedup();
        Ok(names)
    }

    /// Deletes a group; tells in which topics it had committed something.
    ///
    /// # Errors
    /// When there is no such group, it has members, or the log cannot be written to.
    pub fn delete_group(&mut self, group: &str) -> Result<Vec<String>, Error> {
        if !self.group_names()?.iter().any(|name| name == group) {
            return Err(Error::NoGroup { group: group.to_owned() });
        }
        let wanted = DeleteGroup { group: group.to_owned() };
        let deleted = match self {
            Store::Served { client, .. } => client.delete_group(wanted)?,
            Store::Embedded { dir } => {
                embedded(dir, |broker, access| broker.delete_group(access, wanted))?
            }
        };
        Ok(deleted.topics)
    }

    /// Commits offsets for a group that has no members. They are places which the topic has.
    ///
    /// # Errors
    /// When the group has members, or the log cannot be written to.
    pub fn reset(&mut self, reset: Reset) -> Result<ResetDone, Error> {
        match self {
            Store::Served { client, .. } => Ok(client.reset(reset)?),
            // Whoever holds the lock has members only if it is a daemon; the lock keeps one from
            // coming.
            Store::Embedded { dir } => embedded_new(dir, |broker, _| broker.reset_unchecked(reset)),
        }
    }
}

/// What groups have by the files alone, sorted; of all groups if none is named.
pub(super) fn list(dir: &Path, wanted: Option<&str>) -> Result<Vec<GroupEntry>, LogError> {
    // Tells apart a log without groups and no log.
    topic_names_of(dir)?;
    let mut listed = Vec::new();
    for (name, group) in open_groups(dir)? {
        if wanted.is_some_and(|wanted| wanted != name) {
            continue;
        }
        match group {
            Ok(group) => {
                let topics: Vec<&str> = group.topics().collect();
                listed.extend(topics.into_iter().map(|topic| entry(dir, &group, topic)));
            }
            Err(error) => listed.push(GroupEntry::broken(name, error.into())),
        }
    }
    Ok(listed)
}

fn entry(dir: &Path, group: &ConsumerGroup, topic: &str) -> GroupEntry {
    let bounds = open_readers(dir, &[topic.to_owned()])
        .and_then(|readers| readers.first().map_or(Ok(Vec::new()), |(reader, _)| reader.bounds()));
    groups::entry(group.name(), GroupState::of(group, topic), bounds)
}
