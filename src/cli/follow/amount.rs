//! How much there is to read, for a progress bar.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::visit::Plan;

/// How many bytes there are, as they are stored.
#[derive(Default)]
pub(super) struct Amount {
    /// Of files that were not looked at yet: all that they have, which may be more than is to be
    /// read.
    unseen: HashMap<PathBuf, u64>,
    /// Of visits that have begun.
    begun: u64,
}

impl Amount {
    /// That of these files, which are all that are meant.
    pub fn of(files: &BTreeSet<PathBuf>) -> Amount {
        let bytes = |path: &PathBuf| {
            let metadata = path.metadata().ok().filter(|metadata| metadata.is_file())?;
            Some((path.clone(), metadata.len()))
        };
        Amount { unseen: files.iter().filter_map(bytes).collect(), begun: 0 }
    }

    /// What is to be read of a file is decided now.
    pub fn see(&mut self, path: &Path) {
        self.unseen.remove(path);
    }

    /// A visit begins in which there are so many bytes to read.
    pub fn begin(&mut self, bytes: u64) {
        self.begun += bytes;
    }

    /// All of it, with these visits that are to come.
    pub fn total<'p>(&self, coming: impl Iterator<Item = &'p Plan>) -> u64 {
        let coming: u64 = coming.map(Plan::bytes).sum();
        self.begun + coming + self.unseen.values().sum::<u64>()
    }
}
