//! Deleting a topic (`docs/FORMAT.md`, "Deleting a topic"): it is hidden by one rename, then groups
//! forget it, then its files go. What is interrupted is ended by the next writer, if it can.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::storage::Storage;
use super::topic_dirs::{half_deleted, hidden_dir, topic_dir, topics_dir};
use super::{LogError, groups};

/// Checks that all of a topic can be removed, before anything is: a deletion that fails is to
/// change nothing.
///
/// # Errors
/// When we are not permitted to.
pub(super) fn check_removable(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
) -> Result<(), LogError> {
    let topic_dir = topic_dir(dir, name);
    storage.check_removable(&topic_dir).map_err(|(path, error)| {
        let why = format!("{error}; not deleted; run it as the owner of these files");
        LogError::io(&path, io::Error::new(error.kind(), why))
    })
}

/// Hides a topic: from here on the hidden name tells that groups have something to forget.
pub(super) fn hide(storage: &dyn Storage, dir: &Path, name: &str) -> Result<(), LogError> {
    let topic_dir = topic_dir(dir, name);
    storage
        .rename(&topic_dir, &hidden_dir(dir, name))
        .map_err(|error| LogError::io(&topic_dir, error))
}

/// Ends the deletion of a hidden topic.
pub(super) fn finish(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    forget: impl FnOnce() -> Result<(), LogError>,
) -> Result<(), LogError> {
    let (parent, hidden) = (topics_dir(dir), hidden_dir(dir, name));
    storage.sync_dir(&parent).map_err(|error| LogError::io(&parent, error))?;
    forget()?;
    storage.remove(&hidden).map_err(|error| {
        let why = format!("what is left of the deleted topic {name}: {error}; remove it by hand");
        LogError::io(&hidden, io::Error::new(error.kind(), why))
    })
}

/// Ends what was interrupted of deleting topics of the log in `dir`. What of it fails is given: it
/// keeps nobody from the other topics.
///
/// # Errors
/// When it cannot be told what there is.
pub(super) fn sweep(storage: &Arc<dyn Storage>, dir: &Path) -> Result<Vec<LogError>, LogError> {
    let end = |name: String| {
        finish(&**storage, dir, &name, || groups::forget_topic(storage, dir, &name)).err()
    };
    Ok(half_deleted(&**storage, dir)?.into_iter().filter_map(end).collect())
}
