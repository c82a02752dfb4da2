//! Making a damaged topic usable again (`docs/FORMAT.md`, "Repair").
//!
//! Every damaged segment is written anew beside itself, as going through it (`mend`) gives
//! its batches, and the old files are copied into quarantine. A list of what replaces what is
//! the commit: once it is on the disk the rest can be done again as often as need be.

use super::interrupted::REPAIR;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::raw_segment::{RawSegment, all_bases};
use super::salvage::{Salvaged, partitions_named, salvage};
use super::scanner::{Sink, mend};
use super::verify::{Inspected, ProducerStateCheck, Verified, inspect, verify_topic};
use crate::log::append::new_names::NEW_NAMES;
use crate::log::append::producers::{PRODUCERS, Producer, Snapshot};
use crate::log::directory::{check_owner, hold};
use crate::log::groups::{ConsumerGroup, forget_topic, open_groups};
use crate::log::segment::Place;
use crate::log::segment::format::{ENTRIES_AT, Entry};
use crate::log::settings::PARTITIONS_MAX;
use crate::log::storage::small::read_whole;
use crate::log::storage::writing::{COPY_BYTES, Writing};
use crate::log::storage::{Disk, Open, Storage, small};
use crate::log::topic::Topic;
use crate::log::topic_dirs::{SETTINGS, read_settings, topic_dir};
use crate::log::unique::cache;
use crate::log::{LogError, renaming};

/// Where damaged files are kept.
pub(in crate::log) const QUARANTINE: &str = "quarantine";
/// What the name of a file that is to take another's place has at its end.
const REPAIRED: &str = ".repaired";
const VERSION: u32 = 1;
/// The most producers that are given new names: an entry that speaks of more is not believed.
const NAMELESS_PRODUCERS_MAX: u64 = 1 << 20;

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What was wrong, what of it is lost, and what was kept.
    pub found: Verified,
    /// Where the damaged files are now.
    pub quarantined: Vec<PathBuf>,
    /// How many producers have lost their names.
    pub nameless_producers: u64,
    /// The topic's settings, if their file was damaged.
    pub settings: Option<Salvaged>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Swap {
    version: u32,
    /// Names of files in the partition; each has its successor beside it.
    replace: Vec<String>,
}

/// Repairs a topic of the log in `dir`, which nobody else may be writing.
///
/// # Errors
/// [`LogError::Locked`] when somebody writes the log; there is no such topic; its files are of
/// another version; or reading or writing them fails. A repair that was interrupted is completed
/// by the next one.
pub fn repair(dir: &Path, topic: &str) -> Result<Repaired, LogError> {
    let storage: Arc<dyn Storage> = Arc::new(Disk::default());
    check_owner(dir)?;
    let _lock = hold(&*storage, dir)?;
    let topic_dir = topic_dir(dir, topic);
    let mut before = Repaired::default();
    let settings = match read_settings(&*storage, dir, topic) {
        Err(error @ LogError::BadFile { .. }) => {
            let salvaged = salvage_settings(&*storage, &topic_dir, error)?;
            before.quarantined = quarantine(&*storage, &topic_dir, &[SETTINGS.to_owned()])?;
            small::write(&*storage, &topic_dir.join(SETTINGS), &salvaged.settings)?;
            before.settings.insert(salvaged).settings.clone()
        }
        settings => settings?,
    };
    let places: Vec<Place> =
        (0..settings.partitions).map(|number| Place::new(topic, &topic_dir, number)).collect();
    let mut repaired = repair_topic(&*storage, &topic_dir, &places)?;
    repaired.quarantined.splice(0..0, before.quarantined);
    // Cuts off what was never acknowledged, and leaves the files clean.
    Topic::open(storage, topic_dir, topic, settings)?.close()?;
    Ok(Repaired { settings: before.settings, ..repaired })
}

/// The settings that a repair would give a topic whose `topic.json` is damaged.
///
/// # Errors
/// When the file is of another version, or it cannot be read.
pub fn plan_settings(dir: &Path, topic: &str) -> Result<Salvaged, LogError> {
    let storage = Disk::default();
    match read_settings(&storage, dir, topic) {
        Err(error @ LogError::BadFile { .. }) => {
            salvage_settings(&storage, &topic_dir(dir, topic), error)
        }
        settings => Ok(Salvaged { settings: settings?, kept: Vec::new(), is_partial: false }),
    }
}

/// Gives the damaged file of a group another name, so that the group has committed nothing; tells
/// that name.
///
/// # Errors
/// [`LogError::Locked`] when somebody writes the log; or the disk refuses.
pub fn set_group_aside(dir: &Path, group: &str) -> Result<PathBuf, LogError> {
    let storage = Disk::default();
    check_owner(dir)?;
    let _lock = hold(&storage, dir)?;
    set_aside(&storage, &dir.join("groups"), &format!("{group}.json"))
}

/// Whether it can be read which topic was being renamed, if one was.
///
/// # Errors
/// [`LogError::BadFile`] when it cannot.
pub fn check_renaming(dir: &Path) -> Result<(), LogError> {
    renaming::check(&Disk::default(), dir)
}

/// Ends a rename of a topic that cannot be read, of whichever it was: groups forget what they have
/// committed under names that no topic has. The damaged file gets another name, which is told.
///
/// # Errors
/// [`LogError::Locked`] when somebody writes the log; the file is of another version; or the disk
/// refuses.
pub fn end_renaming(dir: &Path) -> Result<PathBuf, LogError> {
    let storage: Arc<dyn Storage> = Arc::new(Disk::default());
    check_owner(dir)?;
    let _lock = hold(&*storage, dir)?;
    if let Err(error) = renaming::check(&*storage, dir)
        && let Ok(contents) = read_whole(&*storage, &dir.join(renaming::FILE))
        && small::is_of_another_version(&contents)
    {
        return Err(error);
    }
    let mut names = BTreeSet::new();
    for (_, group) in open_groups(dir)? {
        names.extend(group.iter().flat_map(ConsumerGroup::topics).map(str::to_owned));
    }
    let names = names.iter().map(String::as_str);
    let forget = |topic: &str| forget_topic(&storage, dir, topic);
    renaming::forget_gone(&*storage, dir, names, forget)?;
    set_aside(&*storage, dir, renaming::FILE)
}

/// Gives a damaged file another name, which is told.
fn set_aside(storage: &dyn Storage, dir: &Path, file: &str) -> Result<PathBuf, LogError> {
    let io = |error| LogError::io(dir, error);
    let taken = storage.list(dir).map_err(io)?;
    let names = (1..).map(|number: u64| format!("{file}.damaged-{number}"));
    let name = names.into_iter().find(|name| !taken.contains(name)).unwrap_or_default();
    let aside = dir.join(name);
    storage.rename(&dir.join(file), &aside).map_err(io)?;
    storage.sync_dir(dir).map_err(io)?;
    Ok(aside)
}

/// Makes settings of what is left of a topic's file, which cannot be read for `error`.
fn salvage_settings(
    storage: &dyn Storage,
    topic_dir: &Path,
    error: LogError,
) -> Result<Salvaged, LogError> {
    let contents = read_whole(storage, &topic_dir.join(SETTINGS)).unwrap_or_default();
    if small::is_of_another_version(&contents) {
        return Err(error);
    }
    let partitions = count_partitions(storage, topic_dir, partitions_named(&contents))?;
    Ok(salvage(&contents, partitions))
}

/// How many partitions a topic has by its directories. More than are `named` count only if they
/// hold records: they may have been made and never taken up.
fn count_partitions(
    storage: &dyn Storage,
    topic_dir: &Path,
    named: Option<u32>,
) -> Result<u32, LogError> {
    let names = storage.list(topic_dir).map_err(|error| LogError::io(topic_dir, error))?;
    let is_there = |number: &u32| names.contains(&number.to_string());
    let there = (0..PARTITIONS_MAX).take_while(is_there).count() as u32;
    let named = named.filter(|named| (1..there).contains(named)).unwrap_or(there);
    for number in (named..there).rev() {
        let place = Place::new("", topic_dir, number);
        if !is_empty(storage, &place)? {
            return Ok(number + 1);
        }
    }
    Ok(named.max(1))
}

/// Whether a partition's files hold no records.
fn is_empty(storage: &dyn Storage, place: &Place) -> Result<bool, LogError> {
    for base in all_bases(storage, place)? {
        if base > 0 || RawSegment::open(storage, place, base)?.data_bytes() > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// See [`repair`].
pub(in crate::log) fn repair_topic(
    storage: &dyn Storage,
    dir: &Path,
    places: &[Place],
) -> Result<Repaired, LogError> {
    for place in places {
        complete(storage, place)?;
    }
    let found = verify_topic(storage, dir, places)?;
    let mut repaired = Repaired { found, ..Repaired::default() };
    if !repaired.found.is_damaged() {
        return Ok(repaired);
    }
    let snapshot = Snapshot::read(storage, dir, places.len())?;
    let is_unreadable = snapshot.is_err();
    let mut snapshot = snapshot.unwrap_or_else(|_| Snapshot::empty(places.len()));
    let (mut greatest, mut inspected) = (0, Vec::with_capacity(places.len()));
    // All of them first: files of another version are a reason to touch none.
    for place in places {
        let mut producer_check = ProducerStateCheck::new(&snapshot, place);
        let from = producer_check.from();
        inspected.push(inspect(storage, place, from, &mut producer_check)?);
        greatest = greatest.max(producer_check.greatest);
        let nameless = u64::from(greatest).saturating_sub(u64::from(snapshot.last_number()));
        if nameless > NAMELESS_PRODUCERS_MAX {
            let why =
                format!("{nameless} producers have lost their names, more than can be named again");
            return Err(place.damaged(0, why));
        }
    }
    // They may be of records that will not be there.
    cache::remove_all(storage, dir)?;
    for (place, all) in places.iter().zip(&inspected) {
        repair_partition(storage, place, all, &mut repaired.quarantined)?;
    }
    if !repaired.found.producers.is_empty() {
        if is_unreadable {
            let kept = quarantine(storage, dir, &[PRODUCERS, NEW_NAMES].map(str::to_owned))?;
            repaired.quarantined.extend(kept);
        }
        repaired.nameless_producers = rename_producers(&mut snapshot, greatest);
        snapshot.write(storage, dir)?;
        // All names that can be read are in there now.
        remove(storage, &dir.join(NEW_NAMES))?;
    }
    Ok(repaired)
}

/// Makes what is held of producers agree with entries that name up to `greatest` of them; returns
/// how many names had to be made up.
fn rename_producers(snapshot: &mut Snapshot, greatest: u32) -> u64 {
    // What the entries say of sequences is all there is: they are read from the beginning.
    snapshot.from.fill(0);
    let known = snapshot.last_number();
    for number in known + 1..=greatest {
        let name = format!("lost-name-{number}");
        snapshot.producers.push(Producer { name, number, last: None });
    }
    u64::from(greatest.saturating_sub(known))
}

fn repair_partition(
    storage: &dyn Storage,
    place: &Place,
    all: &[Inspected],
    quarantined: &mut Vec<PathBuf>,
) -> Result<(), LogError> {
    let damaged: Vec<_> = all.iter().filter(|one| !one.report.faults.is_empty()).collect();
    if damaged.is_empty() {
        return Ok(());
    }
    storage.make_dir(&place.dir).map_err(|error| LogError::io(&place.dir, error))?;
    sync_dir(storage, place.dir.parent().unwrap_or(Path::new(".")))?;
    let mut names = Vec::new();
    for one in damaged {
        names.extend(rewrite(storage, place, one)?);
    }
    quarantined.extend(quarantine(storage, &place.dir, &names)?);
    let swap = Swap { version: VERSION, replace: names };
    let list = place.dir.join(REPAIR);
    sync_dir(storage, &place.dir)?;
    small::write(storage, &list, &swap)?;
    complete(storage, place)
}

/// Writes a segment anew, beside the old one; returns the names of the old files.
fn rewrite(storage: &dyn Storage, place: &Place, one: &Inspected) -> Result<[String; 2], LogError> {
    let raw = RawSegment::open(storage, place, one.known.base)?;
    let names = raw.names();
    let [data, index] = [0, 1].map(|at| place.dir.join(format!("{}{REPAIRED}", names[at])));
    let mut rewriter = Rewriter {
        data: Writing::create(storage, data, 0)?,
        index: Writing::create(storage, index, ENTRIES_AT)?,
    };
    let report = mend(place, &raw, &one.known, &mut rewriter)?;
    rewriter.data.finish()?;
    let head = [report.header.encode(), report.attestation.encode()].concat();
    rewriter.index.finish_with(&head)?;
    Ok(names)
}

/// A segment's files being written.
struct Rewriter {
    data: Writing,
    index: Writing,
}

impl Sink for Rewriter {
    fn batch(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), LogError> {
        self.data.write(bytes)?;
        self.index.write(&entry.encode())
    }
}

/// Copies files of a directory into a new directory of its quarantine, where they are for good when
/// this returns. Those that are missing are left out.
fn quarantine(
    storage: &dyn Storage,
    dir: &Path,
    names: &[String],
) -> Result<Vec<PathBuf>, LogError> {
    let base = dir.join(QUARANTINE);
    let io = |error| LogError::io(&base, error);
    storage.make_dir(&base).map_err(io)?;
    sync_dir(storage, dir)?;
    let taken = storage.list(&base).map_err(io)?;
    let number = (1..).find(|number: &u64| !taken.contains(&number.to_string())).unwrap_or(0);
    let (into, unfinished) = (base.join(number.to_string()), base.join(format!("{number}.tmp")));
    storage.make_dir(&unfinished).map_err(io)?;
    let mut kept = Vec::new();
    for name in names {
        if copy(storage, &dir.join(name), &unfinished.join(name))? {
            kept.push(into.join(name));
        }
    }
    sync_dir(storage, &unfinished)?;
    storage.rename(&unfinished, &into).map_err(io)?;
    sync_dir(storage, &base)?;
    Ok(kept)
}

/// Copies a file, if it is there.
fn copy(storage: &dyn Storage, from: &Path, to: &Path) -> Result<bool, LogError> {
    let source = match storage.open(from, Open::Read) {
        Ok(source) => source,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(LogError::io(from, error)),
    };
    let mut copy = Writing::create(storage, to.to_owned(), 0)?;
    let (mut buffer, mut position) = (vec![0; COPY_BYTES], 0);
    loop {
        let count =
            source.read_at(position, &mut buffer).map_err(|error| LogError::io(from, error))?;
        copy.write(&buffer[..count])?;
        position += count as u64;
        if count < buffer.len() {
            return copy.finish().map(|()| true);
        }
    }
}

/// Removes a file, if it is there.
fn remove(storage: &dyn Storage, path: &Path) -> Result<(), LogError> {
    match storage.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LogError::io(path, error)),
        _ => Ok(()),
    }
}

/// Does what the list of an interrupted repair says.
fn complete(storage: &dyn Storage, place: &Place) -> Result<(), LogError> {
    let list = place.dir.join(REPAIR);
    let Some(swap) = small::read::<Swap>(storage, &list)? else { return Ok(()) };
    if swap.version != VERSION {
        return Err(small::of_version(&list, swap.version, VERSION));
    }
    if swap.replace.iter().any(|name| name.contains('/')) {
        return Err(small::damaged(&list, "it is not a list that this program writes"));
    }
    for name in &swap.replace {
        let (successor, old) = (place.dir.join(format!("{name}{REPAIRED}")), place.dir.join(name));
        match storage.rename(&successor, &old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LogError::io(&old, error));
            }
            // Not there: it has taken its place already.
            _ => {}
        }
    }
    sync_dir(storage, &place.dir)?;
    storage.remove(&list).map_err(|error| LogError::io(&list, error))?;
    sync_dir(storage, &place.dir)
}

fn sync_dir(storage: &dyn Storage, dir: &Path) -> Result<(), LogError> {
    storage.sync_dir(dir).map_err(|error| LogError::io(dir, error))
}
