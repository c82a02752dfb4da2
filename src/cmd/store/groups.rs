//! Consumer groups: listed and reset, through the daemon or on the files.

use std::path::Path;

use crate::api::groups::{GroupEntry, Groups, Reset, ResetDone};
use crate::broker::groups::{self, GroupState};
use crate::broker::{Broker, Limits};
use crate::cli::{Failure, Status};
use crate::log::{ConsumerGroup, Log, LogError, open_groups, open_readers, topic_names_of};
use crate::wire::client::Client;

/// What groups have in each topic, sorted; of all groups if none is named.
///
/// # Errors
/// When there is no log, or what groups have cannot be read.
pub fn list(dir: &Path, group: Option<&str>) -> anyhow::Result<Vec<GroupEntry>> {
    let listed = match Client::connect(dir)? {
        Some(mut client) => client.groups(Groups { group: group.map(str::to_owned) })?,
        None => list_files(dir, group)?,
    };
    if let (Some(group), true) = (group, listed.is_empty()) {
        return Err(Failure::new(Status::Unavailable, format!("{group}: no such group")).into());
    }
    Ok(listed)
}

/// What groups have by the files alone, sorted; of all groups if none is named. A group whose file
/// cannot be read, and a topic that cannot be opened, are told in their place.
///
/// # Errors
/// When there is no log, or it cannot be told which groups there are.
pub fn list_files(dir: &Path, wanted: Option<&str>) -> Result<Vec<GroupEntry>, LogError> {
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

/// Commits offsets for a group that has no members. They are places which the topic has.
///
/// # Errors
/// When the group has members, or the log cannot be written to.
pub fn reset(dir: &Path, reset: Reset) -> anyhow::Result<ResetDone> {
    if let Some(mut client) = Client::connect(dir)? {
        return Ok(client.reset(reset)?);
    }
    // Whoever holds the lock has members only if it is a daemon; the lock keeps one from coming.
    let broker = Broker::new(Log::open(dir)?, Limits::default());
    Ok(broker.reset_unchecked(reset)?)
}
