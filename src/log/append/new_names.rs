//! The names that producers were given since `producers.json` was written: a line for each
//! (`docs/FORMAT.md`, "producers.new"), so that a new name costs no more the more there are.

use std::io::{self, IoSlice};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::log::LogError;
use crate::log::storage::small::{read_whole, seal, unseal};
use crate::log::storage::{Open, Storage, StorageFile};

/// The file's name in a topic's directory.
pub(in crate::log) const NEW_NAMES: &str = "producers.new";

/// A producer's number and the name that has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::log) struct Named {
    pub number: u32,
    pub name: String,
}

/// The file, open to be added to.
#[derive(Debug)]
pub(in crate::log) struct NewNames {
    file: Box<dyn StorageFile>,
    bytes: u64,
}

impl NewNames {
    /// Makes the file, without a name in it. All names of the file that it replaces must be in
    /// `producers.json`, on the disk.
    pub fn create(storage: &dyn Storage, topic_dir: &Path) -> io::Result<NewNames> {
        let file = storage.open(&topic_dir.join(NEW_NAMES), Open::Create)?;
        storage.sync_dir(topic_dir)?;
        Ok(NewNames { file, bytes: 0 })
    }

    /// Adds names; they are on the disk when this returns. After a failure nobody knows what is
    /// there: it is not to be added to any more.
    pub fn add(&mut self, names: impl Iterator<Item = Named>) -> io::Result<()> {
        let mut lines = Vec::new();
        for named in names {
            lines.extend_from_slice(&seal(serde_json::to_vec(&named).map_err(io::Error::other)?));
        }
        self.file.write_at(self.bytes, &[IoSlice::new(&lines)])?;
        self.file.sync()?;
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

/// The names in the file, up to the first line that does not hold: it was being written when its
/// writer died, and nothing uses what it and those behind it name.
///
/// # Errors
/// When the file is there and cannot be read.
pub(in crate::log) fn read(
    storage: &dyn Storage,
    topic_dir: &Path,
) -> Result<Vec<Named>, LogError> {
    let path = topic_dir.join(NEW_NAMES);
    let contents = match read_whole(storage, &path) {
        Ok(contents) => contents,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(LogError::io(&path, error)),
    };
    let line = |line: &[u8]| {
        let object = line.ends_with(b"\n").then(|| unseal(line).ok())??;
        serde_json::from_slice(&object).ok()
    };
    Ok(contents.split_inclusive(|&byte| byte == b'\n').map_while(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::simulation::simulated::{BrokenPromise, Simulated};

    fn named(number: u32) -> Named {
        Named { number, name: format!("p{number}") }
    }

    #[test]
    fn what_was_added_is_read_up_to_where_it_does_not_hold() {
        let (disk, dir) = (Simulated::new(BrokenPromise::None), Path::new("/"));
        assert_eq!(read(&disk, dir).unwrap(), Vec::new());
        let mut names = NewNames::create(&disk, dir).unwrap();
        names.add([named(1), named(2)].into_iter()).unwrap();
        names.add([named(3)].into_iter()).unwrap();
        let all: Vec<Named> = (1..=3).map(named).collect();
        assert_eq!(read(&disk, dir).unwrap(), all);
        let whole = read_whole(&disk, &dir.join(NEW_NAMES)).unwrap();
        let file = disk.open(&dir.join(NEW_NAMES), Open::Write).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut contents = whole.clone();
            contents[bit / 8] ^= 1 << (bit % 8);
            file.write_at(0, &[IoSlice::new(&contents)]).unwrap();
            let read = read(&disk, dir).unwrap();
            assert!(read.len() < 3 && all.starts_with(&read), "bit {bit}: {read:?}");
        }
        file.write_at(0, &[IoSlice::new(&whole)]).unwrap();
        for kept in (0..whole.len() as u64).rev() {
            file.set_len(kept).unwrap();
            let read = read(&disk, dir).unwrap();
            assert!(read.len() < 3 && all.starts_with(&read), "cut to {kept}: {read:?}");
        }
        NewNames::create(&disk, dir).unwrap().add([named(9)].into_iter()).unwrap();
        assert_eq!(read(&disk, dir).unwrap(), [named(9)]);
    }
}
