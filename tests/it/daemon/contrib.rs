//! The service of `contrib/s6`, as root's supervisor and as a user's own run it: it says that it is
//! ready on a descriptor that the supervisor opened, and so belongs to another user.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::someone::{NOBODY, can_be_others, copy};
use crate::common::{Guard, run};

const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/s6/log-serve/run");

/// Starts the service, with the tools of `dir` on its PATH, and waits until it is ready.
fn serve(dir: &Path, user: Option<(u32, u32)>, log: &Path) -> Guard {
    let mut command = Command::new("sh");
    // What s6-supervise does with the descriptor that notification-fd names.
    command.args(["-c", "exec ./run 3>&1 > /dev/null"]).current_dir(dir);
    command.env("PATH", format!("{}:/usr/bin:/bin", dir.display())).env("MILLSTREAM_DIR", log);
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut child = Guard(child);
    let mut said = String::new();
    child.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "\n", "it did not say that it is ready");
    child
}

#[test]
fn the_s6_service_is_ready_for_root_and_for_a_user() {
    if !can_be_others() {
        return;
    }
    if run(Command::new("setpriv").arg("--version"), "").status != 0 {
        return eprintln!("there is no setpriv; nothing was tested");
    }
    let dir = tempfile::tempdir().unwrap();
    copy(dir.path(), "log-serve");
    // Where the checkout is, that user may not look.
    fs::copy(RUN, dir.path().join("run")).unwrap();
    // This machine has no user millstream, and may have no s6.
    let drop = dir.path().join("s6-setuidgid");
    let (user, group) = NOBODY;
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = millstream ] && shift &&\n\
         exec setpriv --reuid {user} --regid {group} --clear-groups \"$@\"\n"
    );
    fs::write(&drop, script).unwrap();
    fs::set_permissions(&drop, fs::Permissions::from_mode(0o755)).unwrap();
    for (name, user) in [("root", None), ("user", Some(NOBODY))] {
        let log = dir.path().join(name);
        fs::create_dir(&log).unwrap();
        chown(&log, Some(NOBODY.0), Some(NOBODY.1)).unwrap();
        let _daemon = serve(dir.path(), user, &log);
        assert_eq!(fs::metadata(log.join("socket")).unwrap().uid(), NOBODY.0);
    }
}
