//! The keys of a set as a file beside the topic's partitions, so that not all records are read
//! when the topic is next opened (`docs/FORMAT.md`, "unique-HASH.keys").
//!
//! Nothing depends on it: a file that is missing, damaged or of other records is as good as none.
//! It is of the records that the topic has now if the batches are still the same at which it ends,
//! which no others can be, since append times never repeat; and if compaction has rewritten none of
//! the segments before.

use std::path::{Path, PathBuf};

use siphasher::sip::SipHasher24;

use super::key::Secret;
use super::recent::Recent;
use crate::api::appending::Unique;
use crate::log::LogError;
use crate::log::read::reader::TopicReader;
use crate::log::segment::lookup::entry_count;
use crate::log::segment::{Entries, Place};
use crate::log::storage::Storage;
use crate::log::storage::small::{SMALL_FILE_BYTES_MAX, read_whole, replace};
use crate::state::{Reader, StateError, Writer, open, seal};

/// What the state in the file is of.
const OF: &str = "unique keys";
/// How the names of the files begin and end.
const NAME: (&str, &str) = ("unique-", ".keys");
/// How many files a topic has at the most.
const FILES_MAX: usize = 4;

/// What a file has.
pub(in crate::log) struct Saved {
    /// Under which the keys are hashed.
    pub secret: Secret,
    /// The keys.
    pub recent: Recent,
    /// For each partition the offset before which they are known.
    pub ends: Vec<u64>,
}

/// What was found in a file of one partition: where the keys end, and the records' place then.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mark {
    end: u64,
    /// The append time and the checksum of the batch that ends there, if there is one.
    last: Option<(i64, u32)>,
    /// The segments that begin before the end, each with its generation.
    segments: Vec<(u64, u32)>,
}

/// The name of the file for what is unique.
pub(in crate::log) fn name(unique: &Unique) -> String {
    let hash = SipHasher24::new().hash(&written(unique));
    format!("{}{hash:016x}{}", NAME.0, NAME.1)
}

/// The bytes of a file, for the topic as it is now.
///
/// # Errors
/// When it cannot be read.
pub(in crate::log) fn encode(
    reader: &TopicReader,
    unique: &Unique,
    secret: &Secret,
    recent: &Recent,
    ends: &[u64],
) -> Result<Vec<u8>, LogError> {
    let marks = (0..).zip(ends).map(|(partition, &end)| {
        let place = reader.place(partition)?;
        mark(reader, place, end)
    });
    let marks = marks.collect::<Result<Vec<Mark>, LogError>>()?;
    Ok(seal(OF, |to| {
        to.put_bytes(&written(unique));
        to.put_plain(secret);
        to.put_len(marks.len());
        marks.iter().for_each(|mark| mark.save(to));
        recent.save(to);
    }))
}

/// Writes a file, and removes those of sets that are not used, if there are many. `used` are the
/// names of those that are.
///
/// # Errors
/// When that fails; the file is then as it was, or missing, or new.
pub(in crate::log) fn write(
    storage: &dyn Storage,
    dir: &Path,
    name: &str,
    bytes: &[u8],
    used: &[String],
) -> std::io::Result<()> {
    if bytes.len() as u64 > SMALL_FILE_BYTES_MAX {
        return Ok(());
    }
    replace(storage, &dir.join(name), bytes)?;
    let mut all = files(storage, dir)?;
    all.retain(|other| other != name);
    let mut count = all.len() + 1;
    for other in all.iter().filter(|other| !used.contains(other)) {
        if count <= FILES_MAX {
            break;
        }
        storage.remove(&dir.join(other))?;
        count -= 1;
    }
    Ok(())
}

/// Reads the file for what is unique; nothing if there is none that can be used.
pub(in crate::log) fn read(reader: &TopicReader, unique: &Unique, ends: &[u64]) -> Option<Saved> {
    let bytes = read_whole(&*reader.storage, &path(reader, unique)).ok()?;
    let wanted = written(unique);
    let loaded = open(OF, &bytes, |from| {
        if from.take_bytes()? != wanted {
            return Err(StateError::Changed("unique key"));
        }
        let secret = from.take_plain(size_of::<Secret>())?.try_into();
        let secret = secret.map_err(|_| StateError::Short)?;
        let marks = (0..from.take_count(4)?).map(|_| Mark::load(from));
        let marks = marks.collect::<Result<Vec<Mark>, StateError>>()?;
        Ok((secret, marks, Recent::load(from)?))
    });
    let (secret, marks, recent) = loaded.ok()?;
    let mut saved = Saved { secret, recent, ends: Vec::with_capacity(ends.len()) };
    if marks.len() > ends.len() {
        return None;
    }
    for (partition, (saved_mark, end)) in (0..).zip(marks.iter().zip(ends)) {
        let place = reader.place(partition).ok()?;
        let is_same =
            saved_mark.end <= *end && saved_mark.is_of(&mark(reader, place, saved_mark.end).ok()?);
        if !is_same {
            return None;
        }
        saved.ends.push(saved_mark.end);
    }
    saved.ends.resize(ends.len(), 0);
    Some(saved)
}

/// Removes all files of a topic: its records are about to change.
///
/// # Errors
/// When they cannot be removed.
pub(in crate::log) fn remove_all(storage: &dyn Storage, dir: &Path) -> Result<(), LogError> {
    let io = |error| LogError::io(dir, error);
    let all = files(storage, dir).map_err(io)?;
    all.iter().try_for_each(|name| storage.remove(&dir.join(name))).map_err(io)?;
    if all.is_empty() { Ok(()) } else { storage.sync_dir(dir).map_err(io) }
}

fn path(reader: &TopicReader, unique: &Unique) -> PathBuf {
    reader.dir.join(name(unique))
}

fn files(storage: &dyn Storage, dir: &Path) -> std::io::Result<Vec<String>> {
    let is_ours = |name: &String| name.starts_with(NAME.0) && name.ends_with(NAME.1);
    Ok(storage.list(dir)?.into_iter().filter(is_ours).collect())
}

/// What is unique, as the file has it. How many keys there may be does not matter.
fn written(unique: &Unique) -> Vec<u8> {
    let mut to = Writer::new();
    to.put_bytes(unique.key.as_bytes());
    for reach in [unique.within_ms, unique.last] {
        to.put_option(reach, |to, reach| to.put_u64(reach));
    }
    to.into_bytes()
}

/// A partition's place at an offset, as its files are now.
fn mark(reader: &TopicReader, place: &Place, end: u64) -> Result<Mark, LogError> {
    let mut mark = Mark { end, ..Mark::default() };
    for base in reader.bases(place)?.into_iter().filter(|&base| base < end) {
        let segment = reader.segment(place, base)?;
        mark.segments.push((base, segment.generation));
        let entries = Entries::of(&segment, place);
        let count = entries.partition_point(entry_count(&segment)?, |entry| entry.base < end)?;
        mark.last = match count.checked_sub(1) {
            Some(last) => Some(entries.get(last)?)
                .filter(|entry| entry.end() == end)
                .map(|entry| (entry.time_us, entry.data_crc)),
            None => None,
        };
    }
    Ok(mark)
}

impl Mark {
    /// Whether the records are still those of this, when the files show `now`: the first segments
    /// may be gone.
    fn is_of(&self, now: &Mark) -> bool {
        let is_kept = |segment: &(u64, u32)| self.segments.contains(segment);
        let is_there = now.last == self.last && (now.last.is_some() || self.end == 0);
        is_there && now.segments.iter().all(is_kept)
    }

    fn save(&self, to: &mut Writer) {
        to.put_u64(self.end);
        to.put_option(self.last, |to, (time_us, crc)| {
            to.put_i64(time_us);
            to.put_u64(u64::from(crc));
        });
        to.put_len(self.segments.len());
        for (base, generation) in &self.segments {
            to.put_u64(*base);
            to.put_u64(u64::from(*generation));
        }
    }

    fn load(from: &mut Reader<'_>) -> Result<Mark, StateError> {
        let small =
            |number: u64| u32::try_from(number).map_err(|_| StateError::Invalid("a number"));
        let end = from.take_u64()?;
        let last = from.take_option(|from| Ok((from.take_i64()?, small(from.take_u64()?)?)))?;
        let segments =
            (0..from.take_count(2)?).map(|_| Ok((from.take_u64()?, small(from.take_u64()?)?)));
        Ok(Mark { end, last, segments: segments.collect::<Result<_, StateError>>()? })
    }
}
