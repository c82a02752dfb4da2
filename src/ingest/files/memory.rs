//! What the log remembers of files, and what came since.

use std::collections::{HashMap, HashSet};

use super::identity::{Identity, Inode};
use super::mark::Mark;
use super::plan::Remembered;

/// How far each file was read.
#[derive(Debug, Default)]
pub struct Memory {
    sources: HashMap<Identity, (Mark, Option<i64>)>,
    of_path: HashMap<u64, Vec<Identity>>,
    of_inode: HashMap<Inode, Vec<Identity>>,
}

impl Memory {
    /// Takes note of how far a file was read, and when.
    pub fn note(&mut self, identity: Identity, mark: Mark, time_us: Option<i64>) {
        if self.sources.insert(identity.clone(), (mark, time_us)).is_none() {
            self.of_path.entry(identity.path).or_default().push(identity.clone());
            self.of_inode.entry(identity.inode).or_default().push(identity);
        }
    }

    /// All that may concern files of a family: what has its path, or the inode of one of them.
    pub fn of_family(&self, path: u64, inodes: impl Iterator<Item = Inode>) -> Vec<Remembered> {
        let of_inodes = inodes.filter_map(|inode| self.of_inode.get(&inode));
        let all = self.of_path.get(&path).into_iter().chain(of_inodes).flatten();
        let all: HashSet<&Identity> = all.collect();
        let remembered = |identity: &Identity| {
            let (mark, time_us) = self.sources.get(identity).copied().unwrap_or_default();
            Remembered { identity: identity.clone(), mark, time_us }
        };
        all.into_iter().map(remembered).collect()
    }
}
