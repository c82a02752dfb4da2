//! Waiting until something changes in directories: the kernel tells it, or they are looked at every
//! now and then.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cli::watch::{Waiting, Woken};
use crate::sys::tree::{Happened, Tree, is_remote};

/// How often directories are polled for which the kernel reports nothing.
const POLL: Duration = Duration::from_secs(1);

/// Directories in which something may change.
pub(super) struct Changes {
    tree: Tree,
    watched: BTreeSet<PathBuf>,
    /// How often to look, as the user says.
    asked: Option<Duration>,
    /// How often to look, and when next; not at all if the kernel tells everything.
    poll: Option<(Duration, Instant)>,
}

/// What has changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// These files, or their names.
    pub paths: BTreeSet<PathBuf>,
    /// Anything may have.
    pub everywhere: bool,
}

impl Changes {
    /// Nothing is watched yet. `poll`: look so often, and do not ask the kernel.
    ///
    /// # Errors
    /// When the kernel cannot watch anything.
    pub fn new(poll: Option<Duration>) -> io::Result<Changes> {
        let watched = BTreeSet::new();
        Ok(Changes { tree: Tree::new()?, watched, asked: poll, poll: None })
    }

    /// Watches all of these. Those that cannot be watched are looked at.
    pub fn watch(&mut self, dirs: BTreeSet<PathBuf>) {
        let mut is_told = self.asked.is_none();
        for dir in dirs {
            if self.asked.is_some() || self.watched.contains(&dir) {
                continue;
            }
            let is_local = is_remote(&dir).is_ok_and(|remote| !remote);
            if is_local && self.tree.watch(&dir).is_ok() {
                self.watched.insert(dir);
            } else {
                is_told = false;
            }
        }
        let every = self.asked.unwrap_or(POLL);
        self.poll = (!is_told).then(|| (every, Instant::now() + every));
    }

    /// Waits until something may have changed, at most so long.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn wait(
        &mut self,
        waiting: &mut Waiting<'_>,
        at_most: Option<Duration>,
    ) -> io::Result<Woken> {
        let poll = self.poll.map(|(_, at)| at.saturating_duration_since(Instant::now()));
        let time = [poll, at_most].into_iter().flatten().min();
        waiting.until_ready_within(self.tree.as_fd(), time)
    }

    /// Takes what has changed.
    pub fn take(&mut self) -> Changed {
        let mut changed = Changed::default();
        for happened in self.tree.take() {
            match happened {
                Happened::Grown(path) | Happened::Named { path, is_dir: false } => {
                    changed.paths.insert(path);
                }
                Happened::Unknown => {
                    // A watched directory may be gone, and come again.
                    self.watched.clear();
                    changed.everywhere = true;
                }
                Happened::Named { path, is_dir: true } => {
                    self.watched.remove(&path);
                    changed.everywhere = true;
                }
            }
        }
        if let Some((every, at)) = &mut self.poll
            && *at <= Instant::now()
        {
            *at = Instant::now() + *every;
            changed.everywhere = true;
        }
        changed
    }
}
