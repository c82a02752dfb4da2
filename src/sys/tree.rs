//! What happens in directories, told with the names of the files (`inotify(7)`); and where the
//! kernel tells nothing of it.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use nix::sys::statfs::statfs;

/// Directories that are watched; readable when something has happened.
#[derive(Debug)]
pub struct Tree {
    inotify: Inotify,
    dirs: HashMap<WatchDescriptor, PathBuf>,
}

/// Something that happened in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A file was written to.
    Grown(PathBuf),
    /// A name appeared or disappeared.
    Named {
        /// Its path.
        path: PathBuf,
        /// Whether it is a directory.
        is_dir: bool,
    },
    /// Nobody knows what happened: everything must be looked at.
    Unknown,
}

const NAMES: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_MOVED_FROM)
    .union(AddWatchFlags::IN_DELETE);

const OF_ITSELF: AddWatchFlags = AddWatchFlags::IN_MOVE_SELF
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_Q_OVERFLOW)
    .union(AddWatchFlags::IN_UNMOUNT);

impl Tree {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// When the kernel has no more of that.
    pub fn new() -> io::Result<Tree> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        Ok(Tree { inotify, dirs: HashMap::new() })
    }

    /// From now on tells what happens in a directory.
    ///
    /// # Errors
    /// As `inotify_add_watch(2)`.
    pub fn watch(&mut self, dir: &Path) -> io::Result<()> {
        let all = NAMES | OF_ITSELF | AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_ONLYDIR;
        let watch = self.inotify.add_watch(dir, all)?;
        self.dirs.insert(watch, dir.to_owned());
        Ok(())
    }

    /// Takes all that has happened.
    pub fn take(&self) -> Vec<Happened> {
        let mut all = Vec::new();
        while let Ok(events) = self.inotify.read_events() {
            if events.is_empty() {
                break;
            }
            for event in events {
                all.push(match (self.dirs.get(&event.wd), event.name) {
                    (Some(dir), Some(name)) if event.mask.intersects(NAMES) => {
                        let is_dir = event.mask.contains(AddWatchFlags::IN_ISDIR);
                        Happened::Named { path: dir.join(name), is_dir }
                    }
                    (Some(dir), Some(name)) => Happened::Grown(dir.join(name)),
                    _ => Happened::Unknown,
                });
            }
        }
        all
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// Whether a directory is in a file system that other machines, or other programs, change without
/// telling the kernel: `inotify(7)` tells nothing of that.
///
/// # Errors
/// As `statfs(2)`.
pub fn is_remote(dir: &Path) -> io::Result<bool> {
    // NFS, SMB, CIFS, SMB2, FUSE, 9p, AFS, Ceph: linux/magic.h and the kernel's file systems.
    const REMOTE: [i64; 8] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x6573_5546,
        0x0102_1997,
        0x5346_414f,
        0x00c3_6400,
    ];
    let kind = statfs(dir)?.filesystem_type().0 & 0xffff_ffff;
    Ok(REMOTE.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_told_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut tree = Tree::new().unwrap();
        tree.watch(dir.path()).unwrap();
        assert_eq!(tree.take(), []);
        std::fs::write(path("a"), "x").unwrap();
        let named = |name, is_dir| Happened::Named { path: path(name), is_dir };
        assert_eq!(tree.take(), [named("a", false), Happened::Grown(path("a"))]);
        std::fs::rename(path("a"), path("b")).unwrap();
        std::fs::create_dir(path("d")).unwrap();
        assert_eq!(tree.take(), [named("a", false), named("b", false), named("d", true)]);
        std::fs::remove_file(path("b")).unwrap();
        std::fs::remove_dir(path("d")).unwrap();
        assert_eq!(tree.take(), [named("b", false), named("d", true)]);
        std::fs::remove_dir(dir.path()).unwrap();
        assert!(tree.take().contains(&Happened::Unknown));
        assert!(!is_remote(Path::new("/proc")).unwrap());
    }
}
