//! `log-admin describe`: what a topic's partitions hold.

use std::path::Path;

use serde_json::json;

use super::settings::shown;
use super::table::Table;
use crate::cli::Status;
use crate::cmd::store::catalog;

/// Tells what the partitions of `topic` hold.
///
/// # Errors
/// When there is no such topic, or it cannot be read.
pub fn run(dir: &Path, topic: &str, table: &mut Table) -> anyhow::Result<Status> {
    let (listed, bounds) = catalog::describe(dir, topic)?;
    let settings = catalog::settings(dir, topic)?;
    let shown: Vec<String> = settings
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "partitions" | "key"))
        .map(|(name, value)| format!("{name}={}", shown(name, value)))
        .collect();
    let settings = if table.is_json() { json!(settings) } else { json!(shown.join(" ")) };
    for held in bounds {
        table.row(&[
            ("topic", json!(listed.topic)),
            ("partition", json!(held.partition)),
            ("start", json!(held.start)),
            ("end", json!(held.end)),
            ("key", json!(listed.key)),
            ("settings", settings.clone()),
        ]);
    }
    Ok(Status::Done)
}
