//! A simulated disk with a rule of its own: when it is full, fails, or takes its time.

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use super::simulated::Simulated;
use crate::log::storage::{Lock, Open, Storage, StorageFile};
use crate::log::sync::lock;

/// What a disk is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Create,
    Grow,
    Sync,
}

pub(crate) type Rule = Arc<dyn Fn(Task) -> io::Result<()> + Send + Sync>;

/// A disk with a rule of its own.
#[derive(Clone)]
pub(crate) struct FaultyStorage {
    pub(crate) disk: Simulated,
    pub(crate) rule: Rule,
}

impl std::fmt::Debug for FaultyStorage {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.disk.fmt(out)
    }
}

struct RuledFile {
    file: Box<dyn StorageFile>,
    rule: Rule,
}

impl std::fmt::Debug for RuledFile {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.file.fmt(out)
    }
}

impl Storage for FaultyStorage {
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn StorageFile>> {
        if open == Open::Create {
            (self.rule)(Task::Create)?;
        }
        let file = self.disk.open(path, open)?;
        Ok(Box::new(RuledFile { file, rule: Arc::clone(&self.rule) }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.make_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn check_removable(&self, path: &Path) -> Result<(), (PathBuf, io::Error)> {
        self.disk.check_removable(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        self.disk.lock(path)
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        self.disk.is_locked(path)
    }
}

impl StorageFile for RuledFile {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(position, buffer)
    }

    fn write_at(&self, position: u64, slices: &[IoSlice<'_>]) -> io::Result<()> {
        // What is there already can be written over on a full disk.
        let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
        if position + bytes as u64 > self.file.size()? {
            (self.rule)(Task::Grow)?;
        }
        self.file.write_at(position, slices)
    }

    fn sync(&self) -> io::Result<()> {
        (self.rule)(Task::Sync)?;
        self.file.sync()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }
}

/// A gate that forcing to the disk waits at once it is shut, and how often somebody came to it.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<(bool, u32)>,
    changed: Condvar,
}

impl Gate {
    /// Shuts or opens it.
    pub(crate) fn shut(&self, shut: bool) {
        lock(&self.state).0 = shut;
        self.changed.notify_all();
    }

    pub(crate) fn is_shut(&self) -> bool {
        lock(&self.state).0
    }

    /// Goes through, waiting until it is open.
    pub(crate) fn pass(&self) {
        let mut state = lock(&self.state);
        if state.0 {
            state.1 += 1;
            self.changed.notify_all();
        }
        while state.0 {
            state = self.changed.wait(state).unwrap();
        }
    }

    /// Waits until somebody waits at it.
    pub(crate) fn wait_for_somebody(&self) {
        let mut state = lock(&self.state);
        while state.1 == 0 {
            state = self.changed.wait(state).unwrap();
        }
    }
}
