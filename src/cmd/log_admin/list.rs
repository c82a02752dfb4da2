//! `log-admin list`: which topics there are.

use std::path::Path;

use serde_json::json;

use super::table::Table;
use crate::cli::Status;
use crate::cmd::store::catalog;

/// Lists the topics of the log in `dir`.
///
/// # Errors
/// When there is no log, or a topic cannot be opened.
pub fn run(dir: &Path, table: &mut Table) -> anyhow::Result<Status> {
    for listed in catalog::list(dir)? {
        table.row(&[
            ("topic", json!(listed.topic)),
            ("partitions", json!(listed.partitions)),
            ("key", json!(listed.key)),
        ]);
    }
    Ok(Status::Done)
}
