//! Consumer groups: listed and reset, through the daemon or on the files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::{Failure, Status};
use crate::log::{Log, LogError, open_groups, open_readers};
use crate::wire::client::Client;
use crate::wire::groups::{GroupEntry, Groups, Moved, Progress, Reset, ResetDone};

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

fn list_files(dir: &Path, wanted: Option<&str>) -> Result<Vec<GroupEntry>, LogError> {
    let mut ends = BTreeMap::new();
    for (reader, _) in open_readers(dir, &[])? {
        ends.insert(reader.topic().to_owned(), reader.bounds()?);
    }
    let mut listed = Vec::new();
    for group in open_groups(dir)? {
        if wanted.is_some_and(|wanted| wanted != group.name()) {
            continue;
        }
        for topic in group.topics() {
            let mut partitions: BTreeMap<u32, Progress> = BTreeMap::new();
            for (number, offset) in group.offsets(topic) {
                partitions.entry(number).or_default().committed = Some(offset);
            }
            for held in ends.get(topic).into_iter().flatten() {
                partitions.entry(held.partition).or_default().end = Some(held.end);
            }
            listed.push(GroupEntry {
                group: group.name().to_owned(),
                topic: topic.to_owned(),
                generation: group.generation(topic),
                members: Vec::new(),
                partitions,
                error: None,
            });
        }
    }
    Ok(listed)
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
    let log = Log::open(dir)?;
    let mut group = log.group(&reset.group)?;
    let before = group.offsets(&reset.topic);
    if !reset.dry_run {
        let generation = group.begin_generation(&reset.topic);
        group.commit(&reset.topic, generation, &reset.offsets)?;
    }
    let moved = |(number, to)| (number, Moved { from: before.get(&number).copied(), to });
    Ok(ResetDone {
        group: reset.group,
        topic: reset.topic,
        partitions: reset.offsets.into_iter().map(moved).collect(),
        dry_run: reset.dry_run,
    })
}
