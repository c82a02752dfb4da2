//! Which segments a partition has, by the names of its files (`docs/FORMAT.md`, "Segments and their
//! files").

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use super::files::Place;
use super::format::{ATTESTATION_AT, Attestation, BLOCK_BYTES, Block, ENTRIES_AT};
use super::names::{index_name, parse_data, parse_index};
use crate::log::LogError;
use crate::log::storage::{Open, Storage};

/// The segments of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Their base offsets, ascending.
    pub bases: Vec<u64>,
    /// Of these, the ones whose data is missing.
    pub without_data: Vec<u64>,
}

/// The base offsets of a partition's segments, ascending. A segment whose data is missing is among
/// them, unless its index is what retention left of it, or was left before it was ever used.
///
/// # Errors
/// When the directory cannot be read; one that is missing is damage.
pub fn bases(storage: &dyn Storage, place: &Place) -> Result<Vec<u64>, LogError> {
    Ok(list(storage, place)?.bases)
}

/// The segments of a partition, as [`bases`] has them.
///
/// # Errors
/// As [`bases`].
pub(in crate::log) fn list(storage: &dyn Storage, place: &Place) -> Result<Listing, LogError> {
    let names = storage.list(&place.dir).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            place.damaged(0, format!("its directory {} is missing", place.dir.display()))
        }
        _ => LogError::io(&place.dir, error),
    })?;
    list_among(storage, place, &names)
}

/// The same for a directory in which these names were found.
pub(in crate::log) fn list_among(
    storage: &dyn Storage,
    place: &Place,
    names: &[String],
) -> Result<Listing, LogError> {
    let mut data: Vec<u64> = names.iter().filter_map(|name| Some(parse_data(name)?.0)).collect();
    data.sort_unstable();
    // While compaction changes one for the other, a segment has the data of two generations.
    data.dedup();
    let first = data.first().copied();
    let without_data = |base: &u64| {
        // Before the first data it is what retention left.
        first.is_none_or(|first| *base > first) && data.binary_search(base).is_err()
    };
    let mut bare: BTreeSet<u64> = BTreeSet::new();
    for base in names.iter().filter_map(|name| parse_index(name)).filter(without_data) {
        // A partition has a segment at least.
        if first.is_none() || !was_never_used(storage, place, base)? {
            bare.insert(base);
        }
    }
    let without_data: Vec<u64> = bare.iter().copied().collect();
    if !without_data.is_empty() {
        bare.extend(data);
        data = bare.into_iter().collect();
    }
    Ok(Listing { bases: data, without_data })
}

/// Whether a crash interrupted the making of a segment that has an index and no data: the index
/// comes first, and nothing is appended before both are on the disk.
fn was_never_used(storage: &dyn Storage, place: &Place, base: u64) -> Result<bool, LogError> {
    let path = place.dir.join(index_name(base));
    let io = |error| LogError::io(&path, error);
    let index = match storage.open(&path, Open::Read) {
        Ok(index) => index,
        // The next try to make the segment is under way.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(io(error)),
    };
    let mut block: Block = [0; BLOCK_BYTES as usize];
    let whole = index.read_at(ATTESTATION_AT, &mut block).map_err(io)? == block.len();
    let attested = Attestation::decode(&block).filter(|_| whole);
    let attests = attested.is_some_and(|it| it.synced > base || it.index_bytes > ENTRIES_AT);
    Ok(!attests && index.size().map_err(io)? <= ENTRIES_AT)
}

/// The paths of a partition's files by the segments that they belong to, of all segments before
/// `end`, ascending; of each its data, of whichever generation, then its index.
///
/// # Errors
/// When the directory cannot be read.
pub(in crate::log) fn files_before(
    storage: &dyn Storage,
    place: &Place,
    end: u64,
) -> Result<Vec<(u64, PathBuf)>, LogError> {
    let names = storage.list(&place.dir).map_err(|error| LogError::io(&place.dir, error))?;
    let key = |name: &String| match parse_data(name) {
        Some((base, _)) => Some((base, false)),
        None => Some((parse_index(name)?, true)),
    };
    let ours = |name: String| Some((key(&name)?, name));
    let mut files: Vec<_> = names.into_iter().filter_map(ours).collect();
    files.retain(|((base, _), _)| *base < end);
    files.sort_unstable();
    Ok(files.into_iter().map(|((base, _), name)| (base, place.dir.join(name))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::simulation::simulated::{BrokenPromise, Simulated};
    use std::io::IoSlice;
    use std::path::Path;

    /// A partition with these files; an index has so many bytes.
    fn found(files: &[(&str, usize)]) -> Vec<u64> {
        let disk = Simulated::new(BrokenPromise::None);
        let place = Place { topic: "t".to_owned(), partition: 0, dir: Path::new("/0").into() };
        disk.make_dir(&place.dir).unwrap();
        for (name, bytes) in files {
            let file = disk.open(&place.dir.join(name), Open::Create).unwrap();
            file.write_at(0, &[IoSlice::new(&vec![1; *bytes])]).unwrap();
        }
        bases(&disk, &place).unwrap()
    }

    #[test]
    fn an_index_without_data_counts_unless_it_means_nothing() {
        let [data_5, index_5] = ["00000000000000000005.ndjson", "00000000000000000005.index"];
        let index_9 = "00000000000000000009.index";
        let data_12 = "00000000000000000012.ndjson";
        assert_eq!(found(&[(data_5, 9), (index_5, 192)]), [5]);
        assert_eq!(found(&[(index_5, 192), (data_12, 9)]), [12], "left by retention");
        assert_eq!(found(&[(data_5, 9), (index_9, 128)]), [5], "never used");
        assert_eq!(found(&[(data_5, 9), (index_9, 192)]), [5, 9], "its data is missing");
        assert_eq!(found(&[(data_5, 9), (index_9, 128), (data_12, 9)]), [5, 12]);
        assert_eq!(found(&[(data_5, 9), (index_9, 192), (data_12, 9)]), [5, 9, 12]);
        assert_eq!(found(&[(index_5, 128)]), [5], "a partition has a segment");
        assert_eq!(found(&[]), Vec::<u64>::new());
    }
}
