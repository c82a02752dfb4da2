//! `log-admin reset`: where a group goes on is set.

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::table::Table;
use crate::api::groups::Reset;
use crate::api::reading::ByPartition;
use crate::cli::ask::confirm;
use crate::cli::{Status, message};
use crate::cmd::place::{Place, at};
use crate::log::LogError;
use crate::record::near::nearest;
use crate::store::Store;

/// What to reset, and to where.
#[derive(Args, Clone, Debug)]
pub struct Wanted {
    /// The group; a new one is created, and reported
    group: String,

    /// The topic
    topic: String,

    /// Where to resume: 'start', 'end', an offset, an append time, or a time ago, like -1h
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    to: Place,

    /// Reset only these partitions, as in 0,1; may be repeated
    #[arg(long, value_name = "P,…", value_delimiter = ',')]
    partition: Vec<u32>,

    /// Do not ask on a terminal whether a new group with a name like an existing one is meant
    #[arg(short, long)]
    yes: bool,

    /// Print what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Sets where a group goes on.
///
/// # Errors
/// When the group has members, there is no such topic or place, or the log cannot be written to.
pub fn run(dir: &Path, wanted: &Wanted, table: &mut Table) -> anyhow::Result<Status> {
    let mut reader = Store::open(dir)?.reader(&wanted.topic)?;
    let mut partitions = wanted.partition.clone();
    if partitions.is_empty() {
        partitions.extend(0..reader.partitions());
    }
    partitions.sort_unstable();
    partitions.dedup();
    let found = reader.find(&partitions, at(wanted.to, "--to", &partitions)?)?;
    let mut offsets = ByPartition::new();
    for (partition, held) in found {
        let offset = match wanted.to {
            Place::Offset(offset) => offset,
            _ => held.at,
        };
        if !(held.start..=held.end).contains(&offset) {
            let (topic, start, end) = (wanted.topic.clone(), held.start, held.end);
            return Err(LogError::OffsetOutOfRange { topic, partition, offset, start, end }.into());
        }
        offsets.insert(partition, offset);
    }
    let groups = Store::open(dir)?.group_names()?;
    let is_new = !groups.contains(&wanted.group);
    if is_new && !wanted.is_meant(&groups) {
        message::note("nothing was changed");
        return Ok(Status::Done);
    }
    let done = Store::open(dir)?.reset(Reset {
        group: wanted.group.clone(),
        topic: wanted.topic.clone(),
        offsets,
        dry_run: wanted.dry_run,
    })?;
    if is_new {
        let verb = if done.dry_run { "would be" } else { "was" };
        message::note(&format!("{}: this group did not exist, and {verb} created", done.group));
    }
    for (number, moved) in &done.partitions {
        table.row(&[
            ("group", json!(done.group)),
            ("topic", json!(done.topic)),
            ("partition", json!(number)),
            ("from", json!(moved.from)),
            ("to", json!(moved.to)),
            ("done", json!(if done.dry_run { "no: dry run" } else { "yes" })),
        ]);
    }
    Ok(Status::Done)
}

impl Wanted {
    /// Whether a new group is meant: the user is asked where one of these has nearly its name.
    fn is_meant(&self, groups: &[String]) -> bool {
        let near = nearest(&self.group, groups.iter().map(String::as_str));
        let Some(near) = near.filter(|_| !self.yes && !self.dry_run) else { return true };
        let name = &self.group;
        confirm(&format!("there is no group {name}; did you mean {near}? Create {name}?"))
    }
}
