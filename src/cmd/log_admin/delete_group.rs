//! `log-admin delete-group`: a consumer group is removed with what it has committed.

use std::path::Path;

use serde_json::json;

use super::consent::Consent;
use super::table::Table;
use crate::cli::Status;
use crate::store::Store;

/// What to delete.
#[derive(clap::Args, Clone, Debug)]
pub struct Wanted {
    /// The group
    group: String,

    #[command(flatten)]
    consent: Consent,
}

impl Wanted {
    /// Whether the user wants it.
    ///
    /// # Errors
    /// When there is no such group, or the log cannot be read.
    pub fn is_agreed(&self, dir: &Path) -> anyhow::Result<bool> {
        Store::open(dir)?.groups(Some(&self.group))?;
        Ok(self.consent.is_given(|| format!("delete the group {}?", self.group)))
    }
}

/// Deletes a group, and tells in which topics it had committed something.
///
/// # Errors
/// When there is no such group, it has members, or the disk refuses.
pub fn run(dir: &Path, wanted: &Wanted, table: &mut Table) -> anyhow::Result<Status> {
    let mut store = Store::open(dir)?;
    let topics = match wanted.consent.dry_run {
        true => store.groups(Some(&wanted.group))?.into_iter().map(|entry| entry.topic).collect(),
        false => store.delete_group(&wanted.group)?,
    };
    for topic in topics {
        table.row(&[
            ("group", json!(wanted.group)),
            ("topic", json!(topic)),
            ("done", json!(wanted.consent.done())),
        ]);
    }
    Ok(Status::Done)
}
