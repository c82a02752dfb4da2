//! A closed segment written anew with fewer records (`docs/FORMAT.md`, "Compaction").
//!
//! The new data and the new index are written beside the old ones and forced to the disk; then one
//! rename, that of the index, puts both in their place. Until then nothing has changed, and after
//! it everything has.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::files::{Place, Segment};
use super::format::{Attestation, BLOCK_BYTES, Compaction, ENTRIES_AT, Entry, Header};
use super::listing::bases;
use super::names::{UNFINISHED, data_name, index_name, parse_data, parse_index};
use crate::log::LogError;
use crate::log::segment::entries::each_entry;
use crate::log::storage::writing::{COPY_BYTES, Writing};
use crate::log::storage::{Open, Storage};

/// Says of a line, by its offset, whether it stays.
pub(in crate::log) type Keep<'a> = &'a mut dyn FnMut(u64, &[u8]) -> bool;

/// Calls `visit` with every batch of a closed segment that ends behind `from`, checked, until it
/// returns false or `interrupted` is set. False if it did not come to the end.
///
/// # Errors
/// When the files cannot be read, or what they hold is damaged: that must not be written anew, as
/// if it were whole.
pub(in crate::log) fn each_batch(
    segment: &Segment,
    place: &Place,
    from: u64,
    interrupted: &AtomicBool,
    mut visit: impl FnMut(Entry, &mut Vec<u8>) -> Result<bool, LogError>,
) -> Result<bool, LogError> {
    let (mut bytes, mut whole) = (Vec::new(), true);
    each_entry(segment, |number, entry| {
        let entry = entry.map_err(|error| {
            place.damaged(segment.base, format!("index entry {number}: {error}"))
        })?;
        if entry.end() < from {
            return Ok(true);
        }
        bytes.clear();
        bytes.resize(entry.bytes as usize, 0);
        segment.read_data(place, entry.base, entry.position, &mut bytes)?;
        if crc32c::crc32c(&bytes) != entry.data_crc {
            return Err(place.damaged(entry.base, "the checksum of these records does not match"));
        }
        whole = !interrupted.load(Ordering::Relaxed) && visit(entry, &mut bytes)?;
        Ok(whole)
    })?;
    Ok(whole)
}

/// A closed segment's successor, not in its place yet. What was written goes with it if it never
/// gets there.
pub(in crate::log) struct Rewrite<'a> {
    storage: &'a dyn Storage,
    place: &'a Place,
    old: &'a Segment,
    /// From the first record on that goes; until then the old data is as good.
    data: Option<Writing>,
    index: Writing,
    entries: u64,
    end: u64,
    data_bytes: u64,
    /// How many records became empty lines.
    pub removed: u64,
    /// How many bytes they had.
    pub removed_bytes: u64,
    /// What has been put in its place, or must be left for a later sweep.
    settled: bool,
}

impl<'a> Rewrite<'a> {
    /// Begins to write the successor of `old`.
    ///
    /// # Errors
    /// When a file cannot be made.
    pub fn begin(
        storage: &'a dyn Storage,
        place: &'a Place,
        old: &'a Segment,
    ) -> Result<Rewrite<'a>, LogError> {
        let path = unfinished(place, &index_name(old.base));
        Ok(Rewrite {
            storage,
            place,
            old,
            data: None,
            index: Writing::create(storage, path, ENTRIES_AT)?,
            entries: 0,
            end: old.base,
            data_bytes: 0,
            removed: 0,
            removed_bytes: 0,
            settled: false,
        })
    }

    /// Copies all batches; lines that `keep` does not want become empty. `read` is called with the
    /// bytes of each. False if `interrupted`.
    ///
    /// # Errors
    /// When the old files are damaged or unreadable, or the new ones cannot be written.
    pub fn copy(
        &mut self,
        interrupted: &AtomicBool,
        keep: Keep<'_>,
        read: &dyn Fn(u64),
    ) -> Result<bool, LogError> {
        let (old, place) = (self.old, self.place);
        each_batch(old, place, old.base, interrupted, |entry, bytes| {
            read(u64::from(entry.bytes));
            let (removed, before) = (blank(entry, bytes, keep), u64::from(entry.bytes));
            if removed > 0 && self.data.is_none() {
                self.data = Some(self.begin_data(entry.position)?);
            }
            if let Some(data) = &mut self.data {
                data.write(bytes)?;
            }
            self.removed += removed;
            self.removed_bytes += before - bytes.len() as u64;
            let entry = Entry {
                position: self.data_bytes,
                bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                data_crc: if removed > 0 { crc32c::crc32c(bytes) } else { entry.data_crc },
                ..entry
            };
            self.entries += 1;
            self.end = entry.end();
            self.data_bytes = entry.end_position();
            self.index.write(&entry.encode())?;
            Ok(true)
        })
    }

    /// The new data file, with what the old one has before `position`.
    fn begin_data(&self, position: u64) -> Result<Writing, LogError> {
        let path = unfinished(self.place, &data_name(self.old.base, self.next_generation()));
        let mut data = Writing::create(self.storage, path, 0)?;
        let mut buffer = vec![0; COPY_BYTES];
        let mut at = 0;
        while at < position {
            let piece = usize::try_from(position - at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            self.old.read_data(self.place, self.end, at, &mut buffer[..piece])?;
            data.write(&buffer[..piece])?;
            at += piece as u64;
        }
        Ok(data)
    }

    fn next_generation(&self) -> u32 {
        // After 2^32 - 1 of them the first comes again; nobody has that open any more.
        self.old.generation.wrapping_add(1).max(1)
    }

    /// Forces the successor to the disk, with what is to be known of its compaction.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(&mut self, compaction: Compaction) -> Result<(), LogError> {
        let generation = match &mut self.data {
            Some(data) => data.finish().map(|()| self.next_generation())?,
            None => self.old.generation,
        };
        let header = Header {
            partition: self.place.partition,
            base: self.old.base,
            created_us: self.old.created_us,
            before: self.old.before,
            generation,
        };
        let attestation = Attestation {
            visible: self.end,
            synced: self.end,
            data_bytes: self.data_bytes,
            index_bytes: ENTRIES_AT + self.entries * BLOCK_BYTES,
            compaction,
        };
        self.index.finish_with(&[header.encode(), attestation.encode()].concat())
    }

    /// Puts the successor in its place. False if the segment is not there any more, or is not what
    /// it was. Nobody else may be changing the partition's closed segments meanwhile.
    ///
    /// # Errors
    /// When the disk refuses; the segment is then the old one or the new one, and whole.
    pub fn commit(mut self) -> Result<bool, LogError> {
        let (storage, place, base) = (self.storage, self.place, self.old.base);
        let io = |error| LogError::io(&place.dir, error);
        if !bases(storage, place)?.contains(&base) {
            return Ok(false);
        }
        if Segment::open(storage, place, base, Open::Read)?.generation != self.old.generation {
            return Ok(false);
        }
        if let Some(data) = &self.data {
            let path = place.dir.join(data_name(base, self.next_generation()));
            storage.rename(data.path(), &path).map_err(io)?;
            // Before the index that speaks of it: a file system need not keep the order of names.
            storage.sync_dir(&place.dir).map_err(io)?;
        }
        self.settled = true;
        storage.rename(self.index.path(), &place.dir.join(index_name(base))).map_err(io)?;
        storage.sync_dir(&place.dir).map_err(io)?;
        if self.data.is_some() {
            let old = place.dir.join(data_name(base, self.old.generation));
            storage.remove(&old).map_err(|error| LogError::io(&old, error))?;
        }
        Ok(true)
    }
}

impl Drop for Rewrite<'_> {
    fn drop(&mut self) {
        if !self.settled {
            // Room on the disk may be scarce. What cannot be removed now is swept another time.
            let data = self.data.as_ref().map(Writing::path);
            for path in data.into_iter().chain([self.index.path()]) {
                let _ = self.storage.remove(path);
            }
        }
    }
}

/// Where a file is until it is finished.
fn unfinished(place: &Place, name: &str) -> PathBuf {
    place.dir.join(format!("{name}{UNFINISHED}"))
}

/// Empties the lines of a batch that `keep` does not want; tells how many.
fn blank(entry: Entry, bytes: &mut Vec<u8>, keep: Keep<'_>) -> u64 {
    let (mut from, mut to, mut removed) = (0, 0, 0);
    for offset in entry.base..entry.end() {
        let Some(length) = memchr::memchr(b'\n', &bytes[from..]) else { break };
        let line = from..from + length;
        from = line.end + 1;
        if length > 0 && !keep(offset, &bytes[line.clone()]) {
            removed += 1;
            bytes[to] = b'\n';
            to += 1;
        } else {
            bytes.copy_within(line.start..from, to);
            to += from - line.start;
        }
    }
    bytes.truncate(to);
    removed
}

/// Removes what a crash left of compacting a partition: files that were never finished, and data
/// that the index does not speak of, before its rename or after it.
///
/// # Errors
/// When the directory cannot be read, or the disk refuses.
pub(in crate::log) fn sweep_unfinished(
    storage: &dyn Storage,
    place: &Place,
) -> Result<(), LogError> {
    let names = storage.list(&place.dir).map_err(|error| LogError::io(&place.dir, error))?;
    let remove = |path: &Path| storage.remove(path).map_err(|error| LogError::io(path, error));
    for name in &names {
        let whole = name.strip_suffix(UNFINISHED);
        if whole.is_some_and(|name| parse_data(name).is_some() || parse_index(name).is_some()) {
            remove(&place.dir.join(name))?;
        }
    }
    let mut data: Vec<(u64, u32)> = names.iter().filter_map(|name| parse_data(name)).collect();
    data.sort_unstable();
    for files in data.chunk_by(|one, other| one.0 == other.0).filter(|files| files.len() > 1) {
        let Some(&(base, _)) = files.first() else { continue };
        // Which of them counts must be certain, and stay so.
        storage.sync_dir(&place.dir).map_err(|error| LogError::io(&place.dir, error))?;
        let named = match Segment::open(storage, place, base, Open::Read) {
            Ok(segment) => segment.generation,
            Err(LogError::Damaged { .. }) => continue,
            Err(error) => return Err(error),
        };
        for &(base, generation) in files.iter().filter(|(_, generation)| *generation != named) {
            remove(&place.dir.join(data_name(base, generation)))?;
        }
    }
    Ok(())
}
