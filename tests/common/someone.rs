//! Our programs run as somebody else. Only root can do that.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::wait_for;

/// A user and a group that own nothing, and are in the user database.
pub const NOBODY: (u32, u32) = (65534, 65534);
/// A user and a group that no database knows.
pub const STRANGER: (u32, u32) = (54_321, 54_321);

/// Whether we can be somebody else; says so if not.
pub fn can_be_others() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("only root can be somebody else; nothing was tested");
    }
    root
}

/// One of our tools in `dir`, from where anybody may run it: a copy of the program by that name.
pub fn copy(dir: &Path, name: &str) -> PathBuf {
    let copy = dir.join(name);
    if copy.exists() {
        return copy;
    }
    fs::copy(super::bin("millstream"), &copy).unwrap();
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    // A child that another test forks at this moment may hold the copy open for writing until its
    // own exec; until then the kernel does not run it.
    wait_for("the copy to be runnable", || match Command::new(&copy).arg("--version").output() {
        Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => None,
        ran => Some(ran.unwrap()),
    });
    copy
}

/// A command for one of our programs on the log `dir/log`, as `(user, group)` and with no other
/// group.
pub fn tool_as(who: (u32, u32), dir: &Path, name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(copy(dir, name));
    command.args(args).env_clear().env("MILLSTREAM_DIR", dir.join("log")).current_dir("/");
    if nix::unistd::geteuid().is_root() {
        command.uid(who.0).gid(who.1);
    }
    command
}
