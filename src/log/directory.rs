//! A data directory, opened by its one writer.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::LogError;
use super::clock::now_us;
use super::groups::{self, ConsumerGroup};
use super::look::files_reader;
use super::metered::{Metered, SyncFigures, SyncMeter};
use super::reader::TopicReader;
use super::settings::{Settings, check_name};
use super::storage::{Disk, Lock, Storage, read_whole};
use super::topic::{Topic, lock};

/// What a topic's directory is called at its end while it is being deleted.
const DELETED: &str = ".deleted";

/// A data directory, opened for writing: by one process at a time.
pub struct Log {
    dir: PathBuf,
    storage: Arc<dyn Storage>,
    topics: Mutex<HashMap<String, Arc<Topic>>>,
    /// When topics that were closed by [`Log::close_topic`] are to be tended, in µs since the
    /// epoch; those for which nothing is in sight are left out.
    asleep: Mutex<HashMap<String, i64>>,
    syncs: Arc<SyncMeter>,
    _lock: Lock,
}

impl Log {
    /// Opens the log in `dir`, which is made if it is not there, and takes its lock.
    ///
    /// # Errors
    /// [`LogError::Locked`] when another process holds it; or the directory cannot be made.
    pub fn open(dir: &Path) -> Result<Log, LogError> {
        std::fs::create_dir_all(dir).map_err(|error| LogError::io(dir, error))?;
        Log::open_on(Arc::new(Disk), dir)
    }

    /// Opens the log in `dir`, which must be there, on a storage of the caller's choice.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_on(storage: Arc<dyn Storage>, dir: &Path) -> Result<Log, LogError> {
        let syncs = Arc::new(SyncMeter::default());
        let storage: Arc<dyn Storage> = Arc::new(Metered::new(storage, Arc::clone(&syncs)));
        let held = hold(&*storage, dir)?;
        let topics_dir = dir.join("topics");
        storage
            .make_dir(&topics_dir)
            .and_then(|()| storage.sync_dir(dir))
            .map_err(|error| LogError::io(&topics_dir, error))?;
        sweep_deleted(&storage, dir)?;
        Ok(Log {
            dir: dir.to_owned(),
            storage,
            topics: Mutex::default(),
            asleep: Mutex::default(),
            syncs,
            _lock: held,
        })
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
        let mut topics = lock(&self.topics);
        if let Some(topic) = topics.get(name) {
            return Ok(Arc::clone(topic));
        }
        let settings = read_settings(&*self.storage, &self.dir, name)?;
        let dir = topic_dir(&self.dir, name);
        let topic = Topic::open(Arc::clone(&self.storage), dir, name, settings)?;
        let topic = Arc::new(topic);
        topics.insert(name.to_owned(), Arc::clone(&topic));
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
        let mut topics = lock(&self.topics);
        let hidden = hidden_dir(&self.dir, name);
        if self.storage.list(&hidden).is_ok() {
            let why = "it is left of a deletion that failed; delete the topic once more";
            return Err(LogError::io(&hidden, io::Error::other(why)));
        }
        match read_settings(&*self.storage, &self.dir, name) {
            Ok(there) if there == *settings => {}
            Ok(_) => return Err(LogError::TopicExists { topic: name.to_owned() }),
            Err(LogError::UnknownTopic { .. }) => {
                let dir = topic_dir(&self.dir, name);
                Topic::create(&*self.storage, &dir, name, settings)?;
                topics.remove(name);
            }
            Err(error) => return Err(error),
        }
        drop(topics);
        self.topic(name)
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
        let mut topics = lock(&self.topics);
        let (parent, dir) = (self.dir.join("topics"), topic_dir(&self.dir, name));
        let hidden = hidden_dir(&self.dir, name);
        let io = |error| LogError::io(&dir, error);
        let is_there = topic_names(&*self.storage, &self.dir)?.iter().any(|topic| topic == name);
        if !is_there && self.storage.list(&hidden).is_err() {
            return Err(LogError::UnknownTopic { topic: name.to_owned() });
        }
        if is_there {
            let retired = topics.remove(name);
            lock(&self.asleep).remove(name);
            let _idle = retired.as_ref().map(|topic| topic.retire());
            self.storage.rename(&dir, &hidden).map_err(io)?;
        }
        // From here on the hidden name tells that groups have something to forget.
        self.storage.sync_dir(&parent).map_err(io)?;
        forget()?;
        self.storage.remove(&hidden).map_err(io)
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

/// Ends what a crash interrupted of deleting topics of the log in `dir`.
fn sweep_deleted(storage: &Arc<dyn Storage>, dir: &Path) -> Result<(), LogError> {
    let topics_dir = dir.join("topics");
    let names = storage.list(&topics_dir).map_err(|error| LogError::io(&topics_dir, error))?;
    let topic = |name: &String| Some(name.strip_prefix('.')?.strip_suffix(DELETED)?.to_owned());
    for topic in names.iter().filter_map(topic) {
        groups::forget_topic(storage, dir, &topic)?;
        let path = hidden_dir(dir, &topic);
        storage.remove(&path).map_err(|error| LogError::io(&path, error))?;
    }
    Ok(())
}

/// What the directory of a topic is called while it is being deleted.
fn hidden_dir(dir: &Path, name: &str) -> PathBuf {
    dir.join("topics").join(format!(".{name}{DELETED}"))
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

pub(super) fn topic_dir(dir: &Path, name: &str) -> PathBuf {
    dir.join("topics").join(name)
}

pub(super) fn topic_names(storage: &dyn Storage, dir: &Path) -> Result<Vec<String>, LogError> {
    let topics_dir = dir.join("topics");
    let mut names = storage.list(&topics_dir).map_err(|error| LogError::io(&topics_dir, error))?;
    names.retain(|name| check_name(name).is_ok());
    names.sort_unstable();
    Ok(names)
}

/// Reads what a topic was told when it was made.
pub(super) fn read_settings(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
) -> Result<Settings, LogError> {
    check_name(name)?;
    let path = topic_dir(dir, name).join("topic.json");
    let contents = read_whole(storage, &path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LogError::UnknownTopic { topic: name.to_owned() },
        _ => LogError::io(&path, error),
    })?;
    let settings: Settings = serde_json::from_slice(&contents)
        .map_err(|error| LogError::BadSettings { why: format!("{}: {error}", path.display()) })?;
    settings.check()?;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Appended, Identity, Span, open_readers};

    fn append(topic: &Topic, bytes: &[u8]) -> Appended {
        let batch = topic.prepare(bytes.to_vec(), None).unwrap();
        topic.append(vec![batch]).remove(0).unwrap()
    }

    fn read(reader: &TopicReader, spans: &[(u32, u64)], until: Option<u64>) -> String {
        let spans = spans.iter().map(|&(partition, from)| Span { partition, from, until });
        let mut cursor = reader.cursor(spans.collect()).unwrap();
        let (mut bytes, mut all) = (Vec::new(), Vec::new());
        while let Some(chunk) = cursor.next(10, &mut bytes).unwrap() {
            assert_eq!(chunk.records as usize, bytes.split(|&byte| byte == b'\n').count() - 1);
            all.extend_from_slice(&bytes);
        }
        String::from_utf8(all).unwrap().replace('\n', " ")
    }

    #[test]
    fn what_was_appended_is_read_from_any_offset() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &Settings::new(1, None)).unwrap();
        assert_eq!(append(&topic, b"0\n1\n2\n").offsets, [(0, 0)]);
        assert_eq!(append(&topic, b"3\n4\n").offsets, [(0, 3)]);
        let reader = topic.reader();
        for from in 0..=5 {
            let expected: String = (from..5).map(|number| format!("{number} ")).collect();
            assert_eq!(read(&reader, &[(0, from)], None), expected);
            for until in from..=5 {
                let expected: String = (from..until).map(|number| format!("{number} ")).collect();
                assert_eq!(read(&reader, &[(0, from)], Some(until)), expected);
            }
        }
        let beyond = reader.cursor(vec![Span { partition: 0, from: 6, until: None }]);
        assert!(matches!(beyond, Err(LogError::OffsetOutOfRange { end: 5, .. })));
        let nowhere = reader.cursor(vec![Span { partition: 1, from: 0, until: None }]);
        assert!(matches!(nowhere, Err(LogError::UnknownPartition { partitions: 1, .. })));
    }

    #[test]
    fn small_segments_are_one_log_also_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { segment_bytes: 8, ..Settings::new(1, None) };
        let mut expected = String::new();
        for round in 0..3 {
            let log = Log::open(dir.path()).unwrap();
            let topic = log.create("t", &settings).unwrap();
            for number in 0..10 {
                append(&topic, format!("1{round}{number}\n").as_bytes());
                expected += &format!("1{round}{number} ");
            }
            assert_eq!(read(&topic.reader(), &[(0, 0)], None), expected);
            if round == 1 {
                log.close().unwrap();
            }
        }
        let (reader, _) = open_readers(dir.path(), &["t".to_owned()]).unwrap().remove(0);
        assert_eq!(read(&reader, &[(0, 0)], None), expected);
        assert_eq!(reader.last(&[0], 4).unwrap(), [(0, 26)]);
        assert_eq!(reader.last(&[0], 400).unwrap(), [(0, 0)]);
        assert_eq!(reader.offset_at(0, 0).unwrap(), 0);
        assert_eq!(reader.offset_at(0, i64::MAX).unwrap(), 30);
    }

    #[test]
    fn partitions_are_read_merged_in_the_order_of_appending() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &Settings::new(3, None)).unwrap();
        for number in 0..10 {
            append(&topic, format!("{number}\n").as_bytes());
        }
        let reader = topic.reader();
        assert_eq!(read(&reader, &[(0, 0), (1, 0), (2, 0)], None), "0 1 2 3 4 5 6 7 8 9 ");
        assert_eq!(reader.last(&[0, 1, 2], 4).unwrap(), [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(read(&reader, &[(0, 2), (1, 2), (2, 2)], None), "6 7 8 9 ");
    }

    #[test]
    fn a_key_decides_on_the_partition() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &Settings::new(4, Some(".k".to_owned()))).unwrap();
        let first = append(&topic, b"{\"k\":\"a\"}\n{\"k\":\"b\"}\n{\"k\":\"c\"}\n{\"k\":\"d\"}\n");
        assert!(first.offsets.len() > 1, "{first:?}");
        for key in ["a", "b", "c", "d"] {
            let at = |n| append(&topic, format!("{{\"n\":{n},\"k\":\"{key}\"}}\n").as_bytes());
            assert_eq!(at(1).offsets[0].0, at(2).offsets[0].0);
        }
        let bad = topic.prepare(b"{\"k\":1}\n{\n".to_vec(), None);
        assert!(matches!(bad, Err(LogError::BadRecords { records }) if records[0].record == 1));
    }

    #[test]
    fn producers_are_remembered_across_restarts_and_segments() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { segment_bytes: 8, ..Settings::new(2, Some(".".to_owned())) };
        let id = |after, sequence| {
            Some(Identity { producer: "p".to_owned(), after: Some(after), sequence })
        };
        for round in 0..5 {
            let log = Log::open(dir.path()).unwrap();
            let topic = log.create("t", &settings).unwrap();
            let held = topic.producer("p").unwrap();
            assert_eq!(held, (round > 0).then_some(round * 10));
            let send = |identity| {
                let batch = topic.prepare(b"1\n2\n3\n4\n".to_vec(), identity).unwrap();
                topic.append(vec![batch]).remove(0)
            };
            let first = send(id(round * 10, round * 10 + 10)).unwrap();
            let again = send(id(round * 10, round * 10 + 10)).unwrap();
            assert_eq!(again, Appended { duplicate: true, ..first.clone() });
            let gap = send(id(round * 10 + 5, round * 10 + 20));
            assert!(matches!(gap, Err(LogError::SequenceGap { held: Some(_), .. })));
        }
    }

    #[test]
    fn a_directory_has_one_writer() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        assert!(matches!(Log::open(dir.path()), Err(LogError::Locked { .. })));
        drop(log);
        assert!(Log::open(dir.path()).is_ok());
    }

    #[test]
    fn other_settings_are_not_taken_for_the_same_topic() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        log.create("t", &Settings::new(2, None)).unwrap();
        assert!(log.create("t", &Settings::new(2, None)).is_ok());
        let other = log.create("t", &Settings::new(3, None));
        assert!(matches!(other, Err(LogError::TopicExists { .. })));
        assert!(log.create("u", &Settings::new(1, Some(".a +".to_owned()))).is_err());
        assert_eq!(log.topic_names().unwrap(), ["t"]);
    }
}
