//! A disk that is soon full.

use std::path::Path;
use std::process::{Command, Stdio};

use super::daemon::Daemon;

/// A small file system of our own, where the machine allows one; unmounted at the end.
pub struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<SmallDisk> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(at).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| SmallDisk(at.to_owned()))
    }

    /// Gives it room for all that any test sends: what waited in queues and sockets comes first.
    pub fn grow(&self) {
        let mut mount = Command::new("mount");
        mount.args(["-o", "remount,size=128m"]).arg(&self.0);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Runs a test on a small disk, once without a daemon and once with one.
pub fn both_ways_on_a_small_disk(test: impl Fn(&Path, &SmallDisk)) {
    for served in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let Some(disk) = SmallDisk::mount(dir.path()) else {
            eprintln!("this machine allows no tmpfs of our own");
            return;
        };
        let daemon = served.then(|| Daemon::start(dir.path(), &[]));
        test(dir.path(), &disk);
        drop(daemon);
    }
}
