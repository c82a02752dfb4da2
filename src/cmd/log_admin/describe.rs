//! `log-admin describe`: what a topic's partitions hold.

use std::path::Path;

use serde_json::json;

use super::table::Table;
use crate::cli::Status;
use crate::cmd::store::catalog;

/// Tells what the partitions of `topic` hold.
///
/// # Errors
/// When there is no such topic, or it cannot be read.
pub fn run(dir: &Path, topic: &str, table: &mut Table) -> anyhow::Result<Status> {
    let (listed, bounds) = catalog::describe(dir, topic)?;
    for held in bounds {
        table.row(&[
            ("topic", json!(listed.topic)),
            ("partition", json!(held.partition)),
            ("start", json!(held.start)),
            ("end", json!(held.end)),
            ("key", json!(listed.key)),
        ]);
    }
    Ok(Status::Done)
}
