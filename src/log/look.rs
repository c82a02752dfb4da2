//! A data directory looked into without writing, whoever writes to it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::LogError;
use super::directory::{hold, read_settings, topic_dir, topic_names};
use super::reader::{TopicReader, View};
use super::settings::Settings;
use super::storage::{Disk, Lock, Storage};

/// The topics of a log that is looked into without writing, by the names asked for; all of them if
/// none is.
///
/// # Errors
/// When there is no log in `dir`, or no topic of such a name.
pub fn open_readers(
    dir: &Path,
    names: &[String],
) -> Result<Vec<(TopicReader, Settings)>, LogError> {
    let storage: Arc<dyn Storage> = Arc::new(Disk);
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
    topic_names(&Disk, dir)
}

fn check_is_log(dir: &Path) -> Result<(), LogError> {
    let topics_dir = dir.join("topics");
    if topics_dir.is_dir() {
        return Ok(());
    }
    Err(match std::fs::metadata(topics_dir) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => LogError::io(dir, error),
        _ => LogError::NoLog { path: dir.to_owned() },
    })
}

/// A reader that goes by the files of a topic.
pub(super) fn files_reader(
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
    match hold(&Disk, dir) {
        Err(LogError::Io { path, error })
            if matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem) =>
        {
            match Disk.is_locked(&path).map_err(|error| LogError::io(&path, error))? {
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
