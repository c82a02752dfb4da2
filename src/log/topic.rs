//! A topic, open for appending: made, checked, placed in, read from by many threads at once.

use super::sync::lock;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::append::batch::{Batch, Identity, Placement, prepare};
use super::append::closed_reason::Closed;
use super::append::partition::Partition;
use super::append::placement::place_by_key;
use super::append::writer::Writer;
use super::maintenance::due::Due;
use super::read::reader::{Progress, TopicReader, View};
use super::recover::recovery::{Survey, find_gap, survey_topic};
use super::segment::files::Place;
use super::segment::rewrite::sweep_unfinished;
use super::settings::Settings;
use super::storage::{Storage, small};
use super::topic_dirs::{SETTINGS, UNFINISHED};
use super::unique::batch_keys::BatchKeys;
use super::unique::set::give_back;
use super::unique::sets::KeySets;
use super::{LogError, PRODUCER_NAME_BYTES_MAX};
use crate::api::appending::{Appended, Stands, Unique};
use crate::expr::{Bounds, Exceeded, Program};
use crate::log::clock::now_us;
use serde_json::Map;

/// A topic, open for appending.
pub struct Topic {
    name: String,
    settings: Mutex<Arc<Settings>>,
    dir: PathBuf,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) writer: Mutex<Writer>,
    /// Held by the one who looks after closed segments.
    pub(super) maintenance: Mutex<()>,
    /// Held by the one who compacts, for long; it takes `maintenance` too when a segment changes.
    pub(super) compaction: Mutex<()>,
    /// Set when compacting is to end soon, unfinished.
    pub(super) interrupted: Arc<AtomicBool>,
    /// Set when no key is to be evaluated any more.
    hurried: Arc<AtomicBool>,
    pub(super) due: Due,
    closed: Closed,
    progress: Arc<Progress>,
    /// Compiled keys that no thread uses just now.
    keys: Mutex<Vec<Program>>,
    /// The unique keys that the topic is known to have.
    pub(super) sets: KeySets,
}

impl Topic {
    /// Makes a topic's directory with all that belongs in it; it is there whole, or not at all.
    pub(super) fn create(
        storage: &dyn Storage,
        dir: &Path,
        name: &str,
        settings: &Settings,
    ) -> Result<(), LogError> {
        settings.check()?;
        settings.check_new_expressions()?;
        let parent = dir.parent().unwrap_or(Path::new("."));
        let temporary = parent.join(format!(".{name}{UNFINISHED}"));
        let io = |error| LogError::io(dir, error);
        if storage.list(&temporary).is_ok() {
            storage.remove(&temporary).map_err(io)?;
        }
        storage.make_dir(&temporary).map_err(io)?;
        small::write(storage, &temporary.join(SETTINGS), settings)?;
        for partition in 0..settings.partitions {
            let place = Place::new(name, &temporary, partition);
            storage.make_dir(&place.dir).map_err(io)?;
            Partition::create(storage, &place, now_us())?;
        }
        storage.sync_dir(&temporary).map_err(io)?;
        if let Err(error) = storage.rename(&temporary, dir) {
            // Nothing of it is to stay, if that can be.
            let _ = storage.remove(&temporary);
            return Err(match error.kind() {
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => {
                    let why = "this exists and is not a topic; move it away";
                    LogError::io(dir, io::Error::new(error.kind(), why))
                }
                _ => io(error),
            });
        }
        storage.sync_dir(parent).map_err(io)
    }

    /// Opens a topic for appending, and recovers what a crash left of it. A damaged topic opens,
    /// and can be read up to the damage, but is closed for appends.
    pub(super) fn open(
        storage: Arc<dyn Storage>,
        dir: PathBuf,
        name: &str,
        settings: Settings,
    ) -> Result<Topic, LogError> {
        settings.check()?;
        settings.check_expressions()?;
        let places: Vec<Place> =
            (0..settings.partitions).map(|number| Place::new(name, &dir, number)).collect();
        let mut surveys = survey_topic(&*storage, &places)?;
        for (place, survey) in places.iter().zip(&mut surveys) {
            if survey.damage.is_none() {
                survey.damage = find_gap(&*storage, place)?;
            }
        }
        force_names(&*storage, &dir, &surveys)?;
        if surveys.iter().all(|survey| survey.damage.is_none()) {
            places.iter().try_for_each(|place| sweep_unfinished(&*storage, place))?;
        }
        let writer = Writer::open(Arc::clone(&storage), &dir, &settings, places, &surveys)?;
        let progress = Arc::new(Progress::new(surveys.iter().map(Survey::readable_end).collect()));
        Ok(Topic {
            closed: writer.closed(),
            name: name.to_owned(),
            settings: Mutex::new(Arc::new(settings)),
            dir,
            storage,
            writer: Mutex::new(writer),
            maintenance: Mutex::default(),
            compaction: Mutex::default(),
            interrupted: Arc::default(),
            hurried: Arc::default(),
            due: Due::now(),
            progress,
            keys: Mutex::default(),
            sets: KeySets::default(),
        })
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the topic was told when it was made.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&lock(&self.settings))
    }

    /// Checks every line of `bytes`, and places the records. Takes no lock that an append holds.
    ///
    /// # Errors
    /// [`LogError::BadRecords`] with all that are bad; a batch or a name over its limit.
    pub fn prepare(&self, bytes: Vec<u8>, identity: Option<Identity>) -> Result<Batch, LogError> {
        self.prepare_unique(bytes, identity, None)
    }

    /// The same; only records of keys that the topic does not have are then appended.
    ///
    /// # Errors
    /// As [`Topic::prepare`], and when the topic's keys cannot be read, or are too many.
    pub fn prepare_unique(
        &self,
        bytes: Vec<u8>,
        identity: Option<Identity>,
        unique: Option<&Unique>,
    ) -> Result<Batch, LogError> {
        if let Some(identity) = &identity {
            check_identity(identity)?;
        }
        let settings = self.settings();
        let longest = settings.record_bytes_max();
        if settings.key.is_none() && settings.unique.is_none() && unique.is_none() {
            return prepare(bytes, identity, longest, None);
        }
        let sets = self.key_sets(&settings, unique)?;
        let mut keyers = sets.iter().map(|set| set.keyer()).collect::<Result<Vec<_>, _>>()?;
        let mut keys = BatchKeys::new(sets);
        let mut program = settings.key.as_ref().map(|key| self.key_program(key)).transpose()?;
        let partitions = settings.partitions;
        let mut text = Vec::new();
        let mut exceeded = None;
        let mut place = |record: &[u8]| {
            // One record that takes all there is says enough: the others are not looked at.
            if exceeded.is_some() {
                return Err(String::new());
            }
            let partition = match &mut program {
                Some(program) => {
                    place_by_key(program, record, partitions, &mut text, &mut exceeded)?
                }
                None => 0,
            };
            if !keyers.is_empty() {
                keys.push(&mut keyers, record, partition, &mut exceeded)?;
            }
            Ok(partition)
        };
        let mut batch = prepare(bytes, identity, longest, Some(&mut place as Placement<'_>));
        if let Some(mut program) = program {
            program.rest();
            lock(&self.keys).push(program);
        } else if let Ok(batch) = &mut batch {
            batch.parts.iter_mut().for_each(|part| part.partition = None);
        }
        give_back(&keys.sets, keyers);
        if let Ok(batch) = &mut batch {
            batch.keys = (!keys.sets.is_empty()).then(|| Box::new(keys));
        }
        if let Some(passing) = exceeded.filter(|bound| bound.is_passing()) {
            return Err(self.not_evaluated(passing));
        }
        batch.map_err(|error| match error {
            LogError::BadRecords { mut records } => {
                records.retain(|bad| !bad.why.is_empty());
                LogError::BadRecords { records }
            }
            other => other,
        })
    }

    fn key_program(&self, key: &str) -> Result<Program, LogError> {
        let pooled = lock(&self.keys).pop();
        match pooled {
            Some(program) => Ok(program),
            None => compile(key, Bounds::served(Arc::clone(&self.hurried))),
        }
    }

    /// The directory that it is in.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends the evaluation of keys once it is set.
    pub(super) fn hurried(&self) -> &Arc<AtomicBool> {
        &self.hurried
    }

    /// The error of an expression that could not be evaluated, which is no fault of the record.
    pub(super) fn not_evaluated(&self, why: Exceeded) -> LogError {
        let kind = match why {
            Exceeded::Stopped => io::ErrorKind::Interrupted,
            _ => io::ErrorKind::OutOfMemory,
        };
        LogError::io(&self.dir, io::Error::new(kind, why.to_string()))
    }

    /// Appends batches, in order, with one write and one fdatasync a file for all of them. What was
    /// appended is on the disk, and visible to readers, when this returns. One result a batch.
    pub fn append(&self, mut group: Vec<Batch>) -> Vec<Result<Appended, LogError>> {
        self.append_from(&mut group)
    }

    /// The same, for one who uses the batches' memory again ([`Batch::into_buffer`]).
    pub fn append_from(&self, group: &mut [Batch]) -> Vec<Result<Appended, LogError>> {
        let mut writer = lock(&self.writer);
        let results = if writer.unique().is_some() || group.iter().any(|it| it.keys.is_some()) {
            self.append_unique(&mut writer, group)
        } else {
            let results = writer.append(group, true, &mut []);
            self.show(&writer);
            results
        };
        self.due.set_writer(writer.due_us());
        results
    }

    /// Lets readers see what was appended, before the next group begins: whole groups, in their
    /// order.
    pub(super) fn show(&self, writer: &Writer) {
        if let Some(visible) = writer.visible() {
            self.progress.advance(visible);
        }
    }

    /// Where a producer stands: the sequence of its last batch.
    ///
    /// # Errors
    /// When it is no name, or what the topic holds of its producers cannot be read.
    pub fn producer(&self, name: &str) -> Result<Option<u64>, LogError> {
        check_producer(name)?;
        lock(&self.writer).held(name)
    }

    /// Where those producers stand whose names begin with `prefix` and come after `after`, in order
    /// of their names; at most so many.
    ///
    /// # Errors
    /// When what the topic holds of its producers cannot be read.
    pub fn producers(
        &self,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Result<Vec<Stands>, LogError> {
        lock(&self.writer).list_producers(prefix, after, most)
    }

    /// Takes note that sources are there, so that they are not forgotten.
    ///
    /// # Errors
    /// When what the topic holds of its producers cannot be read or written.
    pub fn keep_producers(&self, names: &[String]) -> Result<(), LogError> {
        lock(&self.writer).keep_producers(names)
    }

    /// Why the topic takes no appends, if it takes none. Waits for no write.
    pub fn closed(&self) -> Option<LogError> {
        self.closed.check(&self.name).err()
    }

    /// A reader that sees what was acknowledged, as soon as it is.
    pub fn reader(&self) -> TopicReader {
        TopicReader::new(
            Arc::clone(&self.storage),
            &self.name,
            &self.dir,
            self.settings().partitions,
            View::Live(Arc::clone(&self.progress)),
        )
    }

    /// Changes settings by their names in `topic.json`; null takes one back to its default. Gives
    /// them all. Readers that are open go on without partitions that are added.
    ///
    /// # Errors
    /// When there is no such setting, or a value cannot be; when the key would change, partitions
    /// be taken away, or, unless `force` says so, partitions be added to a topic with a key.
    pub fn alter(
        &self,
        changes: &Map<String, serde_json::Value>,
        force: bool,
    ) -> Result<Arc<Settings>, LogError> {
        let _alone = lock(&self.maintenance);
        let before = self.settings();
        let after = Arc::new(before.with(changes)?);
        after.check_change(&before, force)?;
        if !after.has_expressions_of(&before) {
            after.check_new_expressions()?;
        }
        let mut writer = lock(&self.writer);
        let added = writer.new_partitions(after.partitions)?;
        small::write(&*self.storage, &self.dir.join(SETTINGS), &*after)?;
        writer.take_settings((*after).clone(), added);
        if let Some(visible) = writer.visible() {
            self.progress.advance(visible);
        }
        *lock(&self.settings) = Arc::clone(&after);
        // What is due now may be due earlier than before.
        self.due.set_closed_changed();
        self.due.set_writer(Some(0));
        Ok(after)
    }

    /// Ends the topic, which is about to be deleted: appends and readers are told that there is
    /// none. While the guard is held nobody looks after its segments.
    pub(super) fn retire(&self) -> MutexGuard<'_, ()> {
        self.interrupt();
        drop(lock(&self.compaction));
        let idle = lock(&self.maintenance);
        lock(&self.writer).retire();
        self.progress.end();
        self.due.set_never();
        idle
    }

    /// Lets compacting end soon; what it has not done yet is done another time.
    pub(super) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
    }

    /// Ends the evaluation of keys: those who append wait for nothing else.
    pub(super) fn hurry(&self) {
        self.hurried.store(true, Ordering::SeqCst);
    }

    /// How many files it keeps open: the two of each partition's active segment.
    pub(super) fn open_files(&self) -> usize {
        self.settings().partitions as usize * 2
    }

    /// Leaves the topic's files clean, if anything was written to them; false if it is to stay
    /// open, because it takes no more appends.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn close_idle(&self) -> Result<bool, LogError> {
        let closed = lock(&self.writer).close_idle()?;
        self.refresh_due();
        Ok(closed)
    }

    /// Leaves the topic's files clean.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn close(&self) -> Result<(), LogError> {
        self.interrupt();
        drop(lock(&self.compaction));
        let _alone = lock(&self.maintenance);
        self.save_keys();
        lock(&self.writer).close()
    }
}

/// Forces the names of a topic's small files to the disk, and its own if it is new: whoever gave
/// them may have been ended before that was done, and what is acknowledged next stands on them.
fn force_names(storage: &dyn Storage, dir: &Path, surveys: &[Survey]) -> Result<(), LogError> {
    let is_new = surveys.iter().all(|survey| survey.end == 0);
    let parent = dir.parent().filter(|_| is_new);
    for dir in [Some(dir), parent].into_iter().flatten() {
        storage.sync_dir(dir).map_err(|error| LogError::io(dir, error))?;
    }
    Ok(())
}

/// Compiles a topic's key.
pub(super) fn compile(key: &str, bounds: Bounds) -> Result<Program, LogError> {
    let mut program = Program::compile(&[key]).map_err(|error| LogError::BadSettings {
        why: format!("the key is not a jq expression: {error}"),
    })?;
    // A record is placed when it has been validated.
    program.trust(true);
    program.bound(bounds);
    Ok(program)
}

fn check_identity(identity: &Identity) -> Result<(), LogError> {
    check_producer(&identity.producer)?;
    if identity.sequence == 0 {
        return Err(LogError::BadSettings { why: "sequences begin at 1".to_owned() });
    }
    Ok(())
}

fn check_producer(name: &str) -> Result<(), LogError> {
    if name.is_empty() || name.len() > PRODUCER_NAME_BYTES_MAX || name.contains(char::is_control) {
        let why = format!("a producer's name has 1 to {PRODUCER_NAME_BYTES_MAX} bytes of text");
        return Err(LogError::BadSettings { why });
    }
    Ok(())
}
