//! Renaming a topic (`docs/FORMAT.md`, "Renaming a topic"): what is under way is written down,
//! groups take over what they have committed to the new name, the directory is renamed, and groups
//! forget the old name. At each moment the topic has one of its names, with what groups have
//! committed there. What is interrupted is ended by the next writer.

use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::LogError;
use super::storage::{Storage, small};
use super::topic_dirs::{topic_dir, topics_dir};

/// The file that says what is under way, in the data directory.
pub(super) const FILE: &str = "renaming.json";
/// The version of it that this code writes and reads.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Renaming {
    version: u32,
    from: String,
    to: String,
}

/// Writes down that a topic is being renamed. Durable on return.
pub(super) fn begin(
    storage: &dyn Storage,
    dir: &Path,
    from: &str,
    to: &str,
) -> Result<(), LogError> {
    let renaming = Renaming { version: VERSION, from: from.to_owned(), to: to.to_owned() };
    small::write(storage, &dir.join(FILE), &renaming)
}

/// Gives the topic its new name. Durable on return.
pub(super) fn rename(
    storage: &dyn Storage,
    dir: &Path,
    from: &str,
    to: &str,
) -> Result<(), LogError> {
    let (old, parent) = (topic_dir(dir, from), topics_dir(dir));
    let renamed = storage.rename(&old, &topic_dir(dir, to));
    renamed.map_err(|error| LogError::io(&old, error))?;
    storage.sync_dir(&parent).map_err(|error| LogError::io(&parent, error))
}

/// Reads what is under way, if something is.
///
/// # Errors
/// When the file is damaged, or of another version; or it cannot be read.
fn read(storage: &dyn Storage, dir: &Path) -> Result<Option<Renaming>, LogError> {
    let path = dir.join(FILE);
    match small::read::<Renaming>(storage, &path)? {
        Some(other) if other.version != VERSION => {
            Err(small::of_version(&path, other.version, VERSION))
        }
        found => Ok(found),
    }
}

/// Whether what is under way can be read, if something is.
///
/// # Errors
/// When it cannot.
pub(super) fn check(storage: &dyn Storage, dir: &Path) -> Result<(), LogError> {
    read(storage, dir).map(drop)
}

/// Whether a topic of this name is being renamed, or is to have this name.
///
/// # Errors
/// When that cannot be read.
pub(super) fn is_of(storage: &dyn Storage, dir: &Path, name: &str) -> Result<bool, LogError> {
    Ok(read(storage, dir)?.is_some_and(|it| it.from == name || it.to == name))
}

/// Ends what is under way, if something is: groups forget each of the names that no topic has.
///
/// # Errors
/// When a file cannot be read, written or removed; it is tried again another time.
pub(super) fn finish(
    storage: &dyn Storage,
    dir: &Path,
    forget: impl Fn(&str) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let Some(Renaming { from, to, .. }) = read(storage, dir)? else { return Ok(()) };
    forget_gone(storage, dir, [from.as_str(), to.as_str()].into_iter(), forget)?;
    let path = dir.join(FILE);
    let removed = storage.remove(&path).and_then(|()| storage.sync_dir(dir));
    removed.map_err(|error| LogError::io(&path, error))
}

/// Lets groups forget each of the names that no topic has.
pub(super) fn forget_gone<'n>(
    storage: &dyn Storage,
    dir: &Path,
    mut names: impl Iterator<Item = &'n str>,
    forget: impl Fn(&str) -> Result<(), LogError>,
) -> Result<(), LogError> {
    // What is seen of names may not be on the disk yet.
    let parent = topics_dir(dir);
    storage.sync_dir(&parent).map_err(|error| LogError::io(&parent, error))?;
    names.try_for_each(|name| match storage.list(&topic_dir(dir, name)) {
        Ok(_) => Ok(()),
        // What is no directory is no topic.
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {
            forget(name)
        }
        Err(error) => Err(LogError::io(&topic_dir(dir, name), error)),
    })
}
