//! What is under `topics/`: topics with their settings, what interrupted deleting and making of
//! topics has left, and what is not ours.

use std::io;
use std::path::{Path, PathBuf};

use super::LogError;
use super::settings::{Settings, check_name};
use super::storage::{Open, Storage, small};

/// The file with a topic's settings, in its directory.
pub(super) const SETTINGS: &str = "topic.json";
/// What a topic's directory is called at its end while it is being deleted.
const DELETED: &str = ".deleted";
/// What it is called at its end while it is being made.
pub(super) const UNFINISHED: &str = ".tmp";

/// The directory of all topics, in the data directory.
const TOPICS: &str = "topics";

/// Forces the data directory's own name to the disk, and those of the directories above it, unless
/// the log has its topics already: they may just have been made, also by a process that was killed.
///
/// # Errors
/// When the disk refuses. A directory above that may not be read, or whose file system forces no
/// directories, is none that was made for this log.
pub(super) fn begin(storage: &dyn Storage, dir: &Path) -> io::Result<()> {
    if storage.list(dir)?.iter().any(|name| name == TOPICS) {
        return Ok(());
    }
    for above in dir.ancestors().skip(1) {
        let here = above.as_os_str().is_empty();
        match storage.sync_dir(if here { Path::new(".") } else { above }) {
            Err(error) if is_foreign(&error) => {}
            forced => forced?,
        }
    }
    Ok(())
}

fn is_foreign(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), InvalidInput | PermissionDenied | ReadOnlyFilesystem)
}

/// The directory of a topic.
pub(super) fn topic_dir(dir: &Path, name: &str) -> PathBuf {
    topics_dir(dir).join(name)
}

/// The directory of all topics.
pub(super) fn topics_dir(dir: &Path) -> PathBuf {
    dir.join(TOPICS)
}

/// What the directory of a topic is called while it is being deleted.
pub(super) fn hidden_dir(dir: &Path, name: &str) -> PathBuf {
    topics_dir(dir).join(format!(".{name}{DELETED}"))
}

/// The names of all topics, sorted. What has a topic's name and neither settings nor a partition is
/// not one.
pub(super) fn topic_names(storage: &dyn Storage, dir: &Path) -> Result<Vec<String>, LogError> {
    let mut names = names(storage, dir)?;
    names.retain(|name| is_topic(storage, dir, name));
    Ok(names)
}

/// What is under `topics/` and neither a topic nor being made or deleted: it is left
/// alone, and keeps nobody from anything.
pub(super) fn strays(storage: &dyn Storage, dir: &Path) -> Result<Vec<PathBuf>, LogError> {
    let names = names(storage, dir)?.into_iter();
    let strays = names.filter(|name| {
        let ours =
            name.starts_with('.') && [DELETED, UNFINISHED].iter().any(|it| name.ends_with(it));
        !ours && !is_topic(storage, dir, name)
    });
    Ok(strays.map(|name| topics_dir(dir).join(name)).collect())
}

/// The names of the topics whose deletion is not finished.
pub(super) fn half_deleted(storage: &dyn Storage, dir: &Path) -> Result<Vec<String>, LogError> {
    let topic = |name: &String| Some(name.strip_prefix('.')?.strip_suffix(DELETED)?.to_owned());
    Ok(names(storage, dir)?.iter().filter_map(topic).collect())
}

fn names(storage: &dyn Storage, dir: &Path) -> Result<Vec<String>, LogError> {
    let dir = topics_dir(dir);
    let mut names = storage.list(&dir).map_err(|error| LogError::io(&dir, error))?;
    names.sort_unstable();
    Ok(names)
}

fn is_topic(storage: &dyn Storage, dir: &Path, name: &str) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    if check_name(name).is_err() {
        return false;
    }
    let dir = topic_dir(dir, name);
    match storage.open(&dir.join(SETTINGS), Open::Read) {
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => {
            has_partition(storage, &dir)
        }
        // Whatever is wrong with it, it is to be told.
        _ => true,
    }
}

fn has_partition(storage: &dyn Storage, topic_dir: &Path) -> bool {
    storage.list(topic_dir).is_ok_and(|names| names.iter().any(|name| name == "0"))
}

/// Reads what a topic was told when it was made.
///
/// # Errors
/// [`LogError::UnknownTopic`] when there is none of that name; [`LogError::BadFile`] when its file
/// is damaged or of another version, or missing where partitions are; or it cannot be read.
pub(super) fn read_settings(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
) -> Result<Settings, LogError> {
    check_name(name)?;
    let topic_dir = topic_dir(dir, name);
    let path = topic_dir.join(SETTINGS);
    let read = || small::read::<Settings>(storage, &path);
    let found = match read() {
        // A topic appears whole, by a rename: this one perhaps since the first look.
        Ok(None) if has_partition(storage, &topic_dir) => read().and_then(|found| {
            let why = "it is missing, but the topic's partitions exist";
            found.map(Some).ok_or_else(|| small::damaged(&path, why))
        }),
        found => found,
    };
    match found {
        Ok(Some(settings)) => match settings.check() {
            Ok(()) => Ok(settings),
            Err(error) => Err(LogError::BadFile { path, why: error.to_string() }),
        },
        Ok(None) => Err(LogError::UnknownTopic { topic: name.to_owned() }),
        Err(LogError::Io { error, .. }) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(LogError::UnknownTopic { topic: name.to_owned() })
        }
        Err(error) => Err(error),
    }
}
