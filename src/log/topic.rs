//! A topic, open for appending: made, checked, placed in, read from by many threads at once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::{Appended, Batch, Identity, Placement, prepare};
use super::partition::Partition;
use super::reader::{Progress, TopicReader, View};
use super::recovery::{Survey, survey_topic};
use super::refusal::Refusing;
use super::rewrite::sweep_unfinished;
use super::segment::Place;
use super::settings::Settings;
use super::storage::{Storage, replace};
use super::upkeep::Due;
use super::writer::{Writer, now_us};
use super::{LogError, PRODUCER_NAME_BYTES_MAX};
use crate::expr::{Program, Value};
use serde_json::Map;

/// A topic, open for appending.
pub struct Topic {
    name: String,
    settings: Mutex<Arc<Settings>>,
    dir: PathBuf,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) writer: Mutex<Writer>,
    /// Held by the one who looks after closed segments.
    pub(super) upkeep: Mutex<()>,
    /// Held by the one who compacts, for long; it takes `upkeep` too when a segment changes.
    pub(super) compaction: Mutex<()>,
    /// Set when compacting is to end soon, unfinished.
    pub(super) interrupted: AtomicBool,
    pub(super) due: Due,
    refuses: Refusing,
    progress: Arc<Progress>,
    /// Compiled keys that no thread uses just now.
    keys: Mutex<Vec<Program>>,
}

/// Locks, also after a thread that held the lock has panicked: what the lock guards is put right
/// by its next user, or refused by it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        settings.check_expressions()?;
        let parent = dir.parent().unwrap_or(Path::new("."));
        let temporary = parent.join(format!(".{name}.tmp"));
        let io = |error| LogError::io(dir, error);
        if storage.list(&temporary).is_ok() {
            storage.remove(&temporary).map_err(io)?;
        }
        storage.make_dir(&temporary).map_err(io)?;
        let contents = serde_json::to_vec(settings).map_err(|error| io(error.into()))?;
        replace(storage, &temporary.join("topic.json"), &contents).map_err(io)?;
        for partition in 0..settings.partitions {
            let place = Place::new(name, &temporary, partition);
            storage.make_dir(&place.dir).map_err(io)?;
            Partition::create(storage, &place, now_us())?;
        }
        storage.sync_dir(&temporary).map_err(io)?;
        storage.rename(&temporary, dir).map_err(io)?;
        storage.sync_dir(parent).map_err(io)
    }

    /// Opens a topic for appending, and recovers what a crash left of it. A damaged topic opens,
    /// and can be read up to the damage, but refuses appends.
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
        let surveys = survey_topic(&*storage, &places)?;
        force_names(&*storage, &dir, &surveys)?;
        if surveys.iter().all(|survey| survey.damage.is_none()) {
            places.iter().try_for_each(|place| sweep_unfinished(&*storage, place))?;
        }
        let writer = Writer::open(Arc::clone(&storage), &dir, &settings, places, &surveys)?;
        let progress = Arc::new(Progress::new(surveys.iter().map(|survey| survey.end).collect()));
        Ok(Topic {
            refuses: writer.refusing(),
            name: name.to_owned(),
            settings: Mutex::new(Arc::new(settings)),
            dir,
            storage,
            writer: Mutex::new(writer),
            upkeep: Mutex::default(),
            compaction: Mutex::default(),
            interrupted: AtomicBool::new(false),
            due: Due::now(),
            progress,
            keys: Mutex::default(),
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
        if let Some(identity) = &identity {
            check_identity(identity)?;
        }
        let settings = self.settings();
        let longest = settings.record_bytes_max();
        let Some(key) = &settings.key else { return prepare(bytes, identity, longest, None) };
        let pooled = lock(&self.keys).pop();
        let mut program = match pooled {
            Some(program) => program,
            None => compile(key)?,
        };
        let partitions = settings.partitions;
        let mut text = Vec::new();
        let mut place = |record: &[u8]| place_by_key(&mut program, record, partitions, &mut text);
        let batch = prepare(bytes, identity, longest, Some(&mut place as Placement<'_>));
        lock(&self.keys).push(program);
        batch
    }

    /// Appends batches, in order, with one write and one fdatasync a file for all of them. What was
    /// appended is on the disk, and visible to readers, when this returns. One result a batch.
    pub fn append(&self, group: Vec<Batch>) -> Vec<Result<Appended, LogError>> {
        let mut writer = lock(&self.writer);
        let results = writer.append(&group);
        // Before the next group begins: readers see whole groups, in their order.
        if let Some(visible) = writer.visible() {
            self.progress.advance(visible);
        }
        self.due.set_writer(writer.due_us());
        results
    }

    /// Where a producer stands: the sequence of its last batch.
    ///
    /// # Errors
    /// When it is no name, or what the topic holds of its producers cannot be read.
    pub fn producer(&self, name: &str) -> Result<Option<u64>, LogError> {
        check_producer(name)?;
        lock(&self.writer).held(name)
    }

    /// Why the topic takes no appends, if it takes none. Waits for no write.
    pub fn closed(&self) -> Option<LogError> {
        self.refuses.check(&self.name).err()
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
        let _alone = lock(&self.upkeep);
        let before = self.settings();
        let after = Arc::new(before.with(changes)?);
        after.check_change(&before, force)?;
        if !after.compacts_as(&before) {
            after.check_expressions()?;
        }
        let mut writer = lock(&self.writer);
        let added = writer.new_partitions(after.partitions)?;
        let contents =
            serde_json::to_vec(&*after).map_err(|error| LogError::io(&self.dir, error.into()))?;
        replace(&*self.storage, &self.dir.join("topic.json"), &contents)
            .map_err(|error| LogError::io(&self.dir, error))?;
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
        let idle = lock(&self.upkeep);
        lock(&self.writer).retire();
        self.progress.end();
        self.due.set_never();
        idle
    }

    /// Lets compacting end soon; what it has not done yet is done another time.
    pub(super) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
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
fn compile(key: &str) -> Result<Program, LogError> {
    let mut program = Program::compile(&[key])
        .map_err(|error| LogError::BadSettings { why: format!("the key is no jq: {error}") })?;
    // A record is placed when it has been validated.
    program.trust(true);
    Ok(program)
}

/// The partition of a record: CRC-32C of its key's compact JSON text, modulo their number.
fn place_by_key(
    program: &mut Program,
    record: &[u8],
    partitions: u32,
    text: &mut Vec<u8>,
) -> Result<u32, String> {
    let mut loaded = program.load(record).map_err(|error| error.to_string())?;
    let value: Value<'_> = loaded.value(0).map_err(|error| format!("its key: {error}"))?;
    text.clear();
    value.write_json(text);
    Ok(crc32c::crc32c(text) % partitions)
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
