//! A data directory looked into without writing, whoever writes to it.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::reader::{TopicReader, View};
use crate::log::LogError;
use crate::log::directory::{check_owner, hold};
use crate::log::settings::Settings;
use crate::log::storage::{Disk, Lock, Storage};
use crate::log::topic_dirs::{read_settings, strays, topic_dir, topic_names, topics_dir};

/// The topics of a log that is looked into without writing, by the names asked for; all of them if
/// none is.
///
/// # Errors
/// When there is no log in `dir`, or no topic of such a name.
pub fn open_readers(
    dir: &Path,
    names: &[String],
) -> Result<Vec<(TopicReader, Settings)>, LogError> {
    let storage: Arc<dyn Storage> = Arc::new(Disk::default());
    check_is_log(dir)?;
    let all = if names.is_empty() { topic_names(&*storage, dir)? } else { names.to_vec() };
    let mut readers = Vec::with_capacity(all.len());
    for name in &all {
        let settings = read_settings(&*storage, dir, name)?;
        readers.push((files_reader(&storage, dir, name, &settings), settings));
    }
    Ok(readers)
}

/// The names of all topics of a log that is looked into without writing, sorted.
///
/// # Errors
/// When there is no log in `dir`, or it cannot be read.
pub fn topic_names_of(dir: &Path) -> Result<Vec<String>, LogError> {
    check_is_log(dir)?;
    topic_names(&Disk::default(), dir)
}

/// When a topic of the log in `dir` was last created, deleted or renamed, if that can be told.
pub fn topics_changed(dir: &Path) -> Option<SystemTime> {
    std::fs::metadata(topics_dir(dir)).and_then(|found| found.modified()).ok()
}

/// What lies among the topics of a log and is none.
///
/// # Errors
/// When there is no log in `dir`, or it cannot be read.
pub fn strays_of(dir: &Path) -> Result<Vec<PathBuf>, LogError> {
    check_is_log(dir)?;
    strays(&Disk::default(), dir)
}

/// Whether others than its owner can read a topic's files, whatever its readers are: they may pass
/// all directories down to them, and read what is there.
pub fn is_readable_by_others(dir: &Path, topic: &str) -> bool {
    let topic_dir = topic_dir(dir, topic);
    let partition = topic_dir.join("0");
    let mode = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.permissions().mode());
    let files = std::fs::read_dir(&partition).into_iter().flatten().flatten();
    let read = files.map(|file| mode(&file.path())).fold(0, |all, mode| all | mode) & 0o044;
    let dirs = [dir, &dir.join("topics"), &topic_dir, &partition];
    let passed = dirs.into_iter().fold(0o011, |all, dir| all & mode(dir));
    read >> 2 & passed != 0
}

fn check_is_log(dir: &Path) -> Result<(), LogError> {
    let topics_dir = dir.join("topics");
    if topics_dir.is_dir() {
        return Ok(());
    }
    use io::ErrorKind::{NotADirectory, NotFound};
    Err(match std::fs::metadata(topics_dir) {
        Err(error) if !matches!(error.kind(), NotFound | NotADirectory) => LogError::io(dir, error),
        _ => LogError::NoLog { path: dir.to_owned() },
    })
}

/// A reader that goes by the files of a topic.
pub(in crate::log) fn files_reader(
    storage: &Arc<dyn Storage>,
    dir: &Path,
    name: &str,
    settings: &Settings,
) -> TopicReader {
    let view = View::Files { lock: dir.join("lock") };
    let topic_dir = topic_dir(dir, name);
    TopicReader::new(Arc::clone(storage), name, &topic_dir, settings.partitions, view)
}

/// Keeps writers out of the log in `dir` while the lock is held. Where we are not permitted to take
/// it, nobody writes at least now.
///
/// # Errors
/// [`LogError::Locked`] when somebody writes; or that cannot be told.
pub fn keep_still(dir: &Path) -> Result<Option<Lock>, LogError> {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    // A lock that we made would not be its owner's.
    if check_owner(dir).is_err() && !dir.join("lock").exists() && dir.is_dir() {
        return Ok(None);
    }
    match hold(&Disk::default(), dir) {
        Err(LogError::Io { path, error })
            if matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem) =>
        {
            let locked = Disk::default().is_locked(&path);
            match locked.map_err(|error| LogError::io(&path, error))? {
                true => Err(LogError::Locked { path: dir.to_owned() }),
                false => Ok(None),
            }
        }
        Err(LogError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
            Err(LogError::NoLog { path: dir.to_owned() })
        }
        held => held.map(Some),
    }
}
