//! Making a damaged topic usable again (`docs/FORMAT.md`, "Repair").
//!
//! Every damaged segment is written anew beside itself, as going through it (`mend`) gives
//! its batches, and the old files are copied into quarantine. A list of what replaces what is
//! the commit: once it is on the disk the rest can be done again as often as need be.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::LogError;
use super::directory::{hold, read_settings, topic_dir};
use super::format::{ENTRIES_AT, Entry};
use super::mend::{Sink, mend};
use super::producers::{PRODUCERS, Producer, Snapshot};
use super::remains::Remains;
use super::segment::Place;
use super::storage::{Disk, Open, Storage, read_whole, replace};
use super::topic::Topic;
use super::verify::{Inspected, Verified, Witness, inspect, verify_topic};
use super::writing::{COPY_BYTES, Writing};

/// The list of files that take another's place; while it is there, a repair is not finished.
pub(super) const REPAIR: &str = "repair.json";
/// Where damaged files are kept.
pub(super) const QUARANTINE: &str = "quarantine";
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
    let storage: Arc<dyn Storage> = Arc::new(Disk);
    let settings = read_settings(&*storage, dir, topic)?;
    let _lock = hold(&*storage, dir)?;
    let topic_dir = topic_dir(dir, topic);
    let places: Vec<Place> =
        (0..settings.partitions).map(|number| Place::new(topic, &topic_dir, number)).collect();
    let repaired = repair_topic(&*storage, &topic_dir, &places)?;
    // Cuts off what was never acknowledged, and leaves the files clean.
    Topic::open(storage, topic_dir, topic, settings)?.close()?;
    Ok(repaired)
}

/// See [`repair`].
pub(super) fn repair_topic(
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
        let mut witness = Witness::new(&snapshot, place);
        let from = witness.from();
        inspected.push(inspect(storage, place, from, &mut witness)?);
        greatest = greatest.max(witness.greatest);
        let nameless = u64::from(greatest).saturating_sub(snapshot.producers.len() as u64);
        if nameless > NAMELESS_PRODUCERS_MAX {
            let why = format!("{nameless} producers without names are more than can be named anew");
            return Err(place.damaged(0, why));
        }
    }
    for (place, all) in places.iter().zip(&inspected) {
        repair_partition(storage, place, all, &mut repaired.quarantined)?;
    }
    if !repaired.found.producers.is_empty() {
        if is_unreadable {
            let kept = quarantine(storage, dir, &[PRODUCERS.to_owned()])?;
            repaired.quarantined.extend(kept);
        }
        repaired.nameless_producers = rename_producers(&mut snapshot, greatest);
        snapshot.write(storage, dir)?;
    }
    Ok(repaired)
}

/// Makes what is held of producers agree with entries that name up to `greatest` of them; returns
/// how many names had to be made up.
fn rename_producers(snapshot: &mut Snapshot, greatest: u32) -> u64 {
    // What the entries say of sequences is all there is: they are read from the beginning.
    snapshot.from.fill(0);
    let known = snapshot.producers.len() as u32;
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
    let damaged: Vec<_> = all.iter().filter(|one| !one.mended.faults.is_empty()).collect();
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
    let contents =
        serde_json::to_vec(&swap).map_err(|error| LogError::io(&list, io::Error::other(error)))?;
    sync_dir(storage, &place.dir)?;
    replace(storage, &list, &contents).map_err(|error| LogError::io(&list, error))?;
    complete(storage, place)
}

/// Writes a segment anew, beside the old one; returns the names of the old files.
fn rewrite(storage: &dyn Storage, place: &Place, one: &Inspected) -> Result<[String; 2], LogError> {
    let remains = Remains::open(storage, place, one.known.base)?;
    let names = remains.names();
    let [data, index] = [0, 1].map(|at| place.dir.join(format!("{}{REPAIRED}", names[at])));
    let mut rewriter = Rewriter {
        data: Writing::create(storage, data, 0)?,
        index: Writing::create(storage, index, ENTRIES_AT)?,
    };
    let mended = mend(place, &remains, &one.known, &mut rewriter)?;
    rewriter.data.finish()?;
    let head = [mended.header.encode(), mended.attestation.encode()].concat();
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

/// Whether a repair of the partition was interrupted in the middle of its replacements.
pub(super) fn is_unfinished(storage: &dyn Storage, place: &Place) -> Result<bool, LogError> {
    let list = place.dir.join(REPAIR);
    match storage.open(&list, Open::Read) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(LogError::io(&list, error)),
    }
}

/// Does what the list of an interrupted repair says.
fn complete(storage: &dyn Storage, place: &Place) -> Result<(), LogError> {
    let list = place.dir.join(REPAIR);
    let swap = match read_whole(storage, &list) {
        Ok(contents) => serde_json::from_slice::<Swap>(&contents)
            .map_err(io::Error::from)
            .map_err(|error| LogError::io(&list, error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(LogError::io(&list, error)),
    };
    if swap.version != VERSION || swap.replace.iter().any(|name| name.contains('/')) {
        let why = format!("{}: not a list that this program writes", list.display());
        return Err(LogError::BadSettings { why });
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
