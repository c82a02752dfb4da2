//! `log-admin groups`: who reads what, and how far.

use std::path::Path;

use serde_json::json;

use super::table::Table;
use crate::api::groups::{GroupEntry, Progress};
use crate::cli::{Status, message};
use crate::store::Store;

/// Lists the groups of the log in `dir`, or only the one that is named.
///
/// # Errors
/// When there is no log or no such group. A group whose file cannot be read is told on stderr and
/// by the status, and hides none of the others.
pub fn run(dir: &Path, group: Option<&str>, table: &mut Table) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    for entry in Store::open(dir)?.groups(group)? {
        if let Some(error) = &entry.error {
            // A group that cannot be read is a fault; a topic that is gone, or not ours, is not.
            let broken = entry.topic.is_empty();
            let place = if broken { "" } else { ": its topic" };
            message::note(&format!("{}{place}: {error}", entry.group));
            if broken {
                status = Status::Io;
            }
        }
        for (&number, progress) in &entry.partitions {
            row(&entry, Some(number), progress, table);
        }
        // Members beyond the number of partitions wait for one to become free.
        for member in &entry.members {
            let has_one = |progress: &Progress| progress.member == Some(member.member);
            if !entry.partitions.values().any(has_one) {
                let idle = Progress { member: Some(member.member), ..Progress::default() };
                row(&entry, None, &idle, table);
            }
        }
    }
    Ok(status)
}

fn row(entry: &GroupEntry, partition: Option<u32>, progress: &Progress, table: &mut Table) {
    let member = entry.members.iter().find(|it| Some(it.member) == progress.member);
    table.row(&[
        ("group", json!(entry.group)),
        ("topic", json!(entry.topic)),
        ("partition", json!(partition)),
        ("member", json!(progress.member)),
        ("pid", json!(member.and_then(|member| member.pid))),
        ("committed", json!(progress.committed)),
        ("end", json!(progress.end)),
        ("lag", json!(progress.lag())),
    ]);
}
