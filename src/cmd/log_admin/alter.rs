//! `log-admin alter`: a topic's settings are changed.

use std::path::Path;

use serde_json::{Map, Value};

use super::unknown;
use crate::cli::{Failure, Status};
use crate::store::Store;

/// Changes settings of `topic`.
///
/// # Errors
/// When nothing is to be changed, there is no such topic, or a setting cannot be.
pub fn run(
    dir: &Path,
    topic: &str,
    changes: &Map<String, Value>,
    force: bool,
) -> anyhow::Result<Status> {
    if changes.is_empty() {
        return Err(Failure::usage("no setting is given; add one, like --retention 7d").into());
    }
    Store::open(dir)?.alter(topic, changes.clone(), force)?;
    unknown::warn(dir, topic, changes);
    Ok(Status::Done)
}
