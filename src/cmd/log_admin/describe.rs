//! `log-admin describe`: what the partitions of topics hold.

use std::path::Path;

use serde_json::{Value, json};

use super::list::tell;
use super::settings::as_option;
use super::table::Table;
use crate::cli::Status;
use crate::store::Store;

/// Tells what the partitions of `topics` hold; of all if none is named: then those that cannot be
/// opened are told of on stderr, and the status is that of the first of them.
///
/// # Errors
/// When there is no log, or a topic that is named cannot be read.
pub fn run(dir: &Path, topics: &[String], table: &mut Table) -> anyhow::Result<Status> {
    for topic in topics {
        describe(dir, topic, table)?;
    }
    let mut status = Status::Done;
    let all = if topics.is_empty() { Store::open(dir)?.topics()? } else { Vec::new() };
    for listed in all {
        let (topic, described) = match listed {
            Ok(listed) => {
                let described = describe(dir, &listed.topic, table);
                (listed.topic, described)
            }
            Err(broken) => (broken.topic, Err(broken.error.into())),
        };
        if let Err(error) = described {
            status = tell(&topic, &error, status);
        }
    }
    Ok(status)
}

fn describe(dir: &Path, topic: &str, table: &mut Table) -> anyhow::Result<()> {
    let settings = Store::open(dir)?.settings(topic)?;
    let key = settings.get("key").cloned().unwrap_or(Value::Null);
    let shown: Vec<String> = settings
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "partitions" | "key"))
        .map(|(name, value)| as_option(name, value))
        .collect();
    let settings = if table.is_json() { json!(settings) } else { json!(shown.join(", ")) };
    for (partition, held) in Store::open(dir)?.bounds(topic)? {
        table.row(&[
            ("topic", json!(topic)),
            ("partition", json!(partition)),
            ("start", json!(held.start)),
            ("end", json!(held.end)),
            ("key", key.clone()),
            ("settings", settings.clone()),
        ]);
    }
    Ok(())
}
