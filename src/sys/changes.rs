//! What happens to directories and the files in them, told by the kernel (`inotify(7)`).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Directories that are watched; readable when something has happened.
#[derive(Debug)]
pub struct Changes(Inotify);

/// What growing files do.
const GROWTH: AddWatchFlags = AddWatchFlags::IN_MODIFY.union(AddWatchFlags::IN_CREATE);

/// What replaced files, and directories that are removed, do.
const REPLACEMENT: AddWatchFlags = AddWatchFlags::IN_MOVED_TO
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_DELETE_SELF);

impl Changes {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When the kernel has no more of that.
    pub fn new() -> io::Result<Changes> {
        Ok(Changes(Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?))
    }

    /// From now on tells when a file in the directory is written to or made.
    ///
    /// # Errors
    /// As `inotify_add_watch(2)`.
    pub fn watch_growth(&self, dir: &Path) -> io::Result<()> {
        self.0.add_watch(dir, GROWTH)?;
        Ok(())
    }

    /// From now on tells when a file is moved into the directory, or it is moved or removed itself.
    ///
    /// # Errors
    /// As `inotify_add_watch(2)`.
    pub fn watch_replacement(&self, dir: &Path) -> io::Result<()> {
        self.0.add_watch(dir, REPLACEMENT)?;
        Ok(())
    }

    /// Takes all that has happened; whether more than growth was among it.
    pub fn take(&self) -> bool {
        let mut more = false;
        while let Ok(events) = self.0.read_events() {
            if events.is_empty() {
                break;
            }
            more |= events.iter().any(|event| !GROWTH.contains(event.mask));
        }
        more
    }
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_and_replacement_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let changes = Changes::new().unwrap();
        changes.watch_growth(dir.path()).unwrap();
        assert!(!changes.take());
        std::fs::write(dir.path().join("a"), "x").unwrap();
        assert!(!changes.take());
        let inner = dir.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        changes.watch_replacement(&inner).unwrap();
        std::fs::rename(dir.path().join("a"), inner.join("a")).unwrap();
        assert!(changes.take() && !changes.take());
    }
}
