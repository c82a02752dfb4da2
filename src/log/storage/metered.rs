//! A storage that notes how long files take to be forced to the disk.
//!
//! Only files that are open for writing are looked at, and only where they are forced to the disk:
//! reading and writing cost nothing more.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::{Lock, Open, Storage, StorageFile};

/// The bounds of the classes in which durations are counted, in µs: from a fast device's cache to a
/// disk that is about to fail.
pub const SYNC_BOUNDS_US: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000,
];

/// How often files were forced to the disk, and how long that took.
#[derive(Debug, Default)]
pub struct SyncMeter {
    time_us: AtomicU64,
    /// One for each bound, and one for what took longer than all.
    classes: [AtomicU64; SYNC_BOUNDS_US.len() + 1],
}

/// What a [`SyncMeter`] has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncFigures {
    /// How often.
    pub count: u64,
    /// How long all of them took together, in µs.
    pub time_us: u64,
    /// For each of [`SYNC_BOUNDS_US`], how many took at most that long.
    pub within_us: Vec<(u64, u64)>,
}

impl SyncMeter {
    fn note(&self, took_us: u64) {
        let class = SYNC_BOUNDS_US.partition_point(|&bound_us| bound_us < took_us);
        self.time_us.fetch_add(took_us, Ordering::Relaxed);
        if let Some(class) = self.classes.get(class) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What it has seen. The count is always that of all classes together.
    pub fn figures(&self) -> SyncFigures {
        let time_us = self.time_us.load(Ordering::Relaxed);
        let mut classes = self.classes.iter().map(|class| class.load(Ordering::Relaxed));
        let mut count = 0;
        let mut within_us = Vec::with_capacity(SYNC_BOUNDS_US.len());
        for (bound_us, class) in SYNC_BOUNDS_US.into_iter().zip(classes.by_ref()) {
            count += class;
            within_us.push((bound_us, count));
        }
        SyncFigures { count: count + classes.sum::<u64>(), time_us, within_us }
    }
}

/// A storage, and the meter of its files.
#[derive(Debug)]
pub(in crate::log) struct Metered {
    storage: Arc<dyn Storage>,
    meter: Arc<SyncMeter>,
}

impl Metered {
    pub fn new(storage: Arc<dyn Storage>, meter: Arc<SyncMeter>) -> Metered {
        Metered { storage, meter }
    }
}

impl Storage for Metered {
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn StorageFile>> {
        let file = self.storage.open(path, open)?;
        Ok(match open {
            Open::Read => file,
            Open::Write | Open::Create => {
                Box::new(MeteredFile { file, meter: Arc::clone(&self.meter) })
            }
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.storage.list(dir)
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.storage.make_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.storage.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.storage.remove(path)
    }

    fn check_removable(&self, path: &Path) -> Result<(), (PathBuf, io::Error)> {
        self.storage.check_removable(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.storage.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        self.storage.lock(path)
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        self.storage.is_locked(path)
    }
}

#[derive(Debug)]
struct MeteredFile {
    file: Box<dyn StorageFile>,
    meter: Arc<SyncMeter>,
}

impl StorageFile for MeteredFile {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(position, buffer)
    }

    fn write_at(&self, position: u64, slices: &[IoSlice<'_>]) -> io::Result<()> {
        self.file.write_at(position, slices)
    }

    fn sync(&self) -> io::Result<()> {
        let begun = Instant::now();
        let synced = self.file.sync();
        self.meter.note(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        synced
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.descriptor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Log, Settings};

    #[test]
    fn durations_are_counted_in_their_classes() {
        let meter = SyncMeter::default();
        for took_us in [0, 100, 101, 2_500_000, 2_500_001, 9_000_000] {
            meter.note(took_us);
        }
        let figures = meter.figures();
        assert_eq!((figures.count, figures.time_us), (6, 14_000_202));
        assert_eq!(figures.within_us[0], (100, 2));
        assert_eq!(figures.within_us[1], (250, 3));
        assert_eq!(figures.within_us[13], (2_500_000, 4));
    }

    #[test]
    fn every_append_forces_data_and_index_to_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &Settings::new(1, None)).unwrap();
        let before = log.syncs().count;
        let batch = topic.prepare(b"1\n".to_vec(), None).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
        assert_eq!(log.syncs().count, before + 2);
    }
}
