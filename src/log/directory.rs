//! A data directory, opened by its one writer.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::clock::now_us;
use super::groups::{self, ConsumerGroup};
use super::holds::{Hold, Holds};
use super::read::read_only::files_reader;
use super::read::reader::TopicReader;
use super::settings::{Settings, check_name};
use super::storage::metered::{Metered, SyncFigures, SyncMeter};
use super::storage::{Disk, Lock, Storage};
use super::sync::lock;
use super::topic::Topic;
use super::topic_dirs::{
    begin, hidden_dir, read_settings, strays, topic_dir, topic_names, topics_dir,
};
use super::{LogError, deletion, renaming};

/// A data directory, opened for writing: by one process at a time.
pub struct Log {
    dir: PathBuf,
    storage: Arc<dyn Storage>,
    /// The topics that are open. Never held while one is opened, made or deleted: see [`Holds`].
    topics: Mutex<HashMap<String, Arc<Topic>>>,
    holds: Holds,
    /// When topics that were closed by [`Log::close_topic`] are to be tended, in µs since the
    /// epoch; those for which nothing is in sight are left out.
    asleep: Mutex<HashMap<String, i64>>,
    syncs: Arc<SyncMeter>,
    leftovers: Vec<LogError>,
    /// Held while a topic is renamed: one at a time.
    renaming: Mutex<()>,
    _lock: Lock,
}

impl Log {
    /// Opens the log in `dir`, which is made if it is not there, and takes its lock.
    ///
    /// # Errors
    /// [`LogError::Locked`] when another process holds it; or the directory cannot be made.
    pub fn open(dir: &Path) -> Result<Log, LogError> {
        let disk = Disk::default();
        disk.make_data_dir(dir).map_err(|error| LogError::io(dir, error))?;
        check_owner(dir)?;
        Log::open_on(Arc::new(disk), dir)
    }

    /// Opens the log in `dir`, which must be there, to serve it to others.
    ///
    /// # Errors
    /// As [`Log::open`]. Another user than root may serve a directory that is not its own, if it is
    /// permitted to write there.
    pub fn open_served(dir: &Path, disk: Disk) -> Result<Log, LogError> {
        if crate::sys::user::is_root() {
            check_owner(dir)?;
        }
        Log::open_on(Arc::new(disk), dir)
    }

    /// Opens the log in `dir`, which must be there, on a storage of the caller's choice.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_on(storage: Arc<dyn Storage>, dir: &Path) -> Result<Log, LogError> {
        let syncs = Arc::new(SyncMeter::default());
        let storage: Arc<dyn Storage> = Arc::new(Metered::new(storage, Arc::clone(&syncs)));
        let held = hold(&*storage, dir)?;
        let topics_dir = topics_dir(dir);
        begin(&*storage, dir).map_err(|error| LogError::io(dir, error))?;
        storage
            .make_dir(&topics_dir)
            .and_then(|()| storage.sync_dir(dir))
            .map_err(|error| LogError::io(&topics_dir, error))?;
        let mut leftovers = deletion::sweep(&storage, dir)?;
        let forget = |topic: &str| groups::forget_topic(&storage, dir, topic);
        leftovers.extend(renaming::finish(&*storage, dir, forget).err());
        Ok(Log {
            dir: dir.to_owned(),
            storage,
            topics: Mutex::default(),
            holds: Holds::default(),
            asleep: Mutex::default(),
            syncs,
            leftovers,
            renaming: Mutex::default(),
            _lock: held,
        })
    }

    /// What could not be removed of topics that are deleted.
    pub fn leftovers(&self) -> &[LogError] {
        &self.leftovers
    }

    /// What lies among the topics and is none.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn strays(&self) -> Result<Vec<PathBuf>, LogError> {
        strays(&*self.storage, &self.dir)
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A topic, opened and recovered when it is first asked for.
    ///
    /// # Errors
    /// When there is none of that name, or its files cannot be opened.
    pub fn topic(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        if let Some(topic) = self.open_topic(name) {
            return Ok(topic);
        }
        let _held = self.holds.hold(name);
        self.topic_held(name)
    }

    fn open_topic(&self, name: &str) -> Option<Arc<Topic>> {
        lock(&self.topics).get(name).cloned()
    }

    /// The same as [`Log::topic`], for who holds the name.
    fn topic_held(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        if let Some(topic) = self.open_topic(name) {
            return Ok(topic);
        }
        let settings = read_settings(&*self.storage, &self.dir, name)?;
        let dir = topic_dir(&self.dir, name);
        let topic = Topic::open(Arc::clone(&self.storage), dir, name, settings)?;
        let topic = Arc::new(topic);
        lock(&self.topics).insert(name.to_owned(), Arc::clone(&topic));
        lock(&self.asleep).remove(name);
        Ok(topic)
    }

    /// Closes a topic that nobody has in hand, so that its files are open no longer; the next who
    /// asks for it opens it again. Tells how many files that were; none if it is in use, or takes
    /// no more appends, which it is not to forget.
    ///
    /// # Errors
    /// When the disk refuses; the topic then stays open.
    pub fn close_topic(&self, name: &str) -> Result<usize, LogError> {
        let mut topics = lock(&self.topics);
        // Whoever gets a topic gets it under this lock, so that the count cannot rise meanwhile.
        let Some(topic) = topics.get(name).filter(|topic| Arc::strong_count(topic) == 1) else {
            return Ok(0);
        };
        // It is about to be compacted.
        if topic.compaction_due_us().is_some_and(|due_us| due_us <= now_us()) {
            return Ok(0);
        }
        if !topic.close_idle()? {
            return Ok(0);
        }
        let files = topic.open_files();
        let due_us = [topic.due_us(), topic.compaction_due_us()].into_iter().flatten().min();
        if let Some(due_us) = due_us {
            lock(&self.asleep).insert(name.to_owned(), due_us);
        }
        topics.remove(name);
        Ok(files)
    }

    /// How many files the open topics keep open, those of their readers not counted.
    pub fn open_files(&self) -> usize {
        lock(&self.topics).values().map(|topic| topic.open_files()).sum()
    }

    /// The topics that are to be tended by then, open or closed by [`Log::close_topic`], and when
    /// the first of the others is, in µs since the epoch. By their names: who held all of them
    /// would keep every one from being closed.
    pub fn due(&self, now_us: i64) -> (Vec<String>, Option<i64>) {
        let mut dues = self.dues(Topic::due_us);
        dues.extend(lock(&self.asleep).iter().map(|(name, due_us)| (name.clone(), *due_us)));
        split_due(dues, now_us)
    }

    /// The same of open topics that are to be compacted.
    pub fn due_compaction(&self, now_us: i64) -> (Vec<String>, Option<i64>) {
        split_due(self.dues(Topic::compaction_due_us), now_us)
    }

    fn dues(&self, due_us: impl Fn(&Topic) -> Option<i64>) -> Vec<(String, i64)> {
        let topics = lock(&self.topics);
        topics.values().filter_map(|it| Some((it.name().to_owned(), due_us(it)?))).collect()
    }

    /// A reader of a topic, which is not opened for that; with it the topic, if it is open.
    ///
    /// # Errors
    /// When there is none of that name, or its settings cannot be read.
    pub fn look(&self, name: &str) -> Result<(TopicReader, Option<Arc<Topic>>), LogError> {
        if let Some(topic) = lock(&self.topics).get(name) {
            return Ok((topic.reader(), Some(Arc::clone(topic))));
        }
        let settings = read_settings(&*self.storage, &self.dir, name)?;
        Ok((files_reader(&self.storage, &self.dir, name, &settings), None))
    }

    /// How often files were forced to the disk since the log was opened, and how long that took.
    pub fn syncs(&self) -> SyncFigures {
        self.syncs.figures()
    }

    /// Makes a topic. One that is there already with the same settings is fine.
    ///
    /// # Errors
    /// When the name or the settings cannot be, or a topic of other settings has the name.
    pub fn create(&self, name: &str, settings: &Settings) -> Result<Arc<Topic>, LogError> {
        check_name(name)?;
        let _held = self.hold_free(name)?;
        self.finish_deletion(name, || groups::forget_topic(&self.storage, &self.dir, name))?;
        match read_settings(&*self.storage, &self.dir, name) {
            Ok(there) if there == *settings => {}
            Ok(there) => {
                let differences = there.differences(settings);
                return Err(LogError::TopicExists { topic: name.to_owned(), differences });
            }
            Err(LogError::UnknownTopic { .. }) => {
                let dir = topic_dir(&self.dir, name);
                Topic::create(&*self.storage, &dir, name, settings)?;
                lock(&self.topics).remove(name);
                return self.topic_held(name).inspect_err(|_| self.undo_create(name));
            }
            Err(error) => return Err(error),
        }
        self.topic_held(name)
    }

    /// Holds a name, once no rename is under way to it or from it. One that runs holds both names;
    /// one that was interrupted is ended first: a new topic must never meet what was committed in
    /// the one that had the name before.
    fn hold_free(&self, name: &str) -> Result<Hold<'_>, LogError> {
        loop {
            let held = self.holds.hold(name);
            if !renaming::is_of(&*self.storage, &self.dir, name)? {
                return Ok(held);
            }
            // Whoever renames holds names after the lock.
            drop(held);
            let _one = lock(&self.renaming);
            let forget = |topic: &str| groups::forget_topic(&self.storage, &self.dir, topic);
            renaming::finish(&*self.storage, &self.dir, forget)?;
        }
    }

    /// Ends the deletion of an earlier topic of this name, if it was interrupted: a new topic must
    /// never meet what was committed in the old one.
    fn finish_deletion(
        &self,
        name: &str,
        forget: impl FnOnce() -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        match self.storage.list(&hidden_dir(&self.dir, name)) {
            Ok(_) => deletion::finish(&*self.storage, &self.dir, name, forget),
            Err(_) => Ok(()),
        }
    }

    /// Gives a topic another name, where groups may be open: `adopt` lets them all take over to the
    /// new name what they have committed, and `forget` lets them forget it under a name. Who still
    /// has the topic open is told that there is none.
    ///
    /// # Errors
    /// When there is no such topic, or one of the new name, or the disk refuses. The topic has its
    /// old name then, or already the new one; what is left to be done is done later.
    pub fn rename_with(
        &self,
        from: &str,
        to: &str,
        adopt: impl FnOnce() -> Result<(), LogError>,
        forget: impl Fn(&str) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        check_name(from)?;
        check_name(to)?;
        let _one = lock(&self.renaming);
        renaming::finish(&*self.storage, &self.dir, &forget)?;
        let names = topic_names(&*self.storage, &self.dir)?;
        if !names.iter().any(|topic| topic == from) {
            return Err(LogError::UnknownTopic { topic: from.to_owned() });
        }
        if from == to {
            return Err(LogError::NameTaken { topic: to.to_owned() });
        }
        // In one order, so that no two wait for each other.
        let (_first, _second) = (self.holds.hold(from.min(to)), self.holds.hold(from.max(to)));
        self.finish_deletion(to, || forget(to))?;
        // Also what is no topic has the name.
        let there = self.storage.list(&topic_dir(&self.dir, to));
        if !there.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Err(LogError::NameTaken { topic: to.to_owned() });
        }
        renaming::begin(&*self.storage, &self.dir, from, to)?;
        let renamed = adopt().and_then(|()| {
            let retired = lock(&self.topics).remove(from);
            lock(&self.asleep).remove(from);
            let _idle = retired.as_ref().map(|topic| topic.retire());
            renaming::rename(&*self.storage, &self.dir, from, to)
        });
        let finished = renaming::finish(&*self.storage, &self.dir, &forget);
        renamed.and(finished)
    }

    /// Removes the file of a group that nobody has open, whatever is in it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_group(&self, name: &str) -> Result<(), LogError> {
        groups::remove(&*self.storage, &self.dir, name)
    }

    /// Removes a topic that was just made and cannot be opened, as when descriptors are short: who
    /// is told of a failure finds nothing made.
    fn undo_create(&self, name: &str) {
        // What cannot be removed is told of when the log is opened again.
        let _ = deletion::hide(&*self.storage, &self.dir, name)
            .and_then(|()| deletion::finish(&*self.storage, &self.dir, name, || Ok(())));
    }

    /// Removes a topic with all its records, and what groups have committed in it; no group may be
    /// open. Who still has the topic open is told that there is none.
    ///
    /// # Errors
    /// When there is no such topic, or the disk refuses.
    pub fn delete(&self, name: &str) -> Result<(), LogError> {
        self.delete_with(name, || groups::forget_topic(&self.storage, &self.dir, name))
    }

    /// The same, where groups may be open: `forget` lets them all forget what was committed.
    ///
    /// # Errors
    /// As [`Log::delete`]. What is left to be done is done when the topic is deleted once more, or
    /// the log is opened again; until then there is no other topic of that name.
    pub fn delete_with(
        &self,
        name: &str,
        forget: impl FnOnce() -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        check_name(name)?;
        let _held = self.holds.hold(name);
        let is_there = topic_names(&*self.storage, &self.dir)?.iter().any(|topic| topic == name);
        if !is_there && self.storage.list(&hidden_dir(&self.dir, name)).is_err() {
            return Err(LogError::UnknownTopic { topic: name.to_owned() });
        }
        if is_there {
            deletion::check_removable(&*self.storage, &self.dir, name)?;
            let retired = lock(&self.topics).remove(name);
            lock(&self.asleep).remove(name);
            let _idle = retired.as_ref().map(|topic| topic.retire());
            deletion::hide(&*self.storage, &self.dir, name)?;
        }
        deletion::finish(&*self.storage, &self.dir, name, forget)
    }

    /// The names of the topics that are open.
    pub fn open_topics(&self) -> Vec<String> {
        lock(&self.topics).keys().cloned().collect()
    }

    /// The names of all topics, sorted.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn topic_names(&self) -> Result<Vec<String>, LogError> {
        topic_names(&*self.storage, &self.dir)
    }

    /// What a topic was told when it was made, without opening it.
    ///
    /// # Errors
    /// When there is none of that name, or what it was told cannot be read.
    pub fn settings(&self, name: &str) -> Result<Settings, LogError> {
        read_settings(&*self.storage, &self.dir, name)
    }

    /// A consumer group, with what it has committed; one that never did is empty. Whoever writes
    /// to a group keeps it open: two of one name would undo each other's commits.
    ///
    /// # Errors
    /// When the name cannot be one, or the group's file cannot be read.
    pub fn group(&self, name: &str) -> Result<ConsumerGroup, LogError> {
        ConsumerGroup::open(Arc::clone(&self.storage), &self.dir, name)
    }

    /// The names of all groups that have committed, sorted.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn group_names(&self) -> Result<Vec<String>, LogError> {
        groups::names(&*self.storage, &self.dir)
    }

    /// Lets the compaction of topics end soon, unfinished, and begin no more: the log is about to
    /// be closed.
    pub fn interrupt_compaction(&self) {
        lock(&self.topics).values().for_each(|topic| topic.interrupt());
    }

    /// Ends the evaluation of keys: appends that wait for one fail.
    pub fn interrupt_keys(&self) {
        lock(&self.topics).values().for_each(|topic| topic.hurry());
    }

    /// Leaves the files of all topics clean, so that the next start finds nothing to do.
    ///
    /// # Errors
    /// The first error met; the other topics are closed all the same.
    pub fn close(&self) -> Result<(), LogError> {
        let topics = std::mem::take(&mut *lock(&self.topics));
        topics.values().map(|topic| topic.close()).fold(Ok(()), Result::and)
    }
}

/// Those that are due by then, and when the first of the others is.
fn split_due(dues: Vec<(String, i64)>, now_us: i64) -> (Vec<String>, Option<i64>) {
    let (now, later): (Vec<_>, Vec<_>) = dues.into_iter().partition(|(_, us)| *us <= now_us);
    let first = later.into_iter().map(|(_, due_us)| due_us).min();
    (now.into_iter().map(|(name, _)| name).collect(), first)
}

/// Takes the lock of the log in `dir`.
///
/// # Errors
/// [`LogError::Locked`] when somebody holds it; or it cannot be taken.
pub(super) fn hold(storage: &dyn Storage, dir: &Path) -> Result<Lock, LogError> {
    let path = dir.join("lock");
    let held = storage.lock(&path).map_err(|error| LogError::io(&path, error))?;
    held.ok_or_else(|| LogError::Locked { path: dir.to_owned() })
}

/// Refuses to write where what we make would belong to another user than the log: its owner could
/// not go on with it.
pub(super) fn check_owner(dir: &Path) -> Result<(), LogError> {
    let owner = std::fs::metadata(dir).map_err(|error| LogError::io(dir, error))?.uid();
    let user = crate::sys::user::effective();
    match owner == user {
        true => Ok(()),
        false => Err(LogError::ForeignLog { path: dir.to_owned(), owner, user }),
    }
}

#[cfg(test)]
mod tests;
