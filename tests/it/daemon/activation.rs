//! `log-serve` on a socket that a supervisor opened and passed as descriptor 3.

use std::path::Path;
use std::process::Command;

use crate::common::daemon::Daemon;
use crate::common::{bin, run, run_on, tool};

/// What a supervisor does: opens the socket, says for whom it is, and becomes the daemon.
const SUPERVISOR: &str = "
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.execv(sys.argv[2], sys.argv[2:])
";

fn activate(dir: &Path, socket: &Path) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", SUPERVISOR]).arg(socket).arg(bin("log-serve"));
    command.arg("--data").arg(dir).env_remove("NOTIFY_SOCKET");
    command
}

#[test]
fn a_passed_socket_is_served_and_left_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let daemon = Daemon::spawn(&mut activate(dir.path(), &socket), dir.path());
    let data = dir.path();
    assert_eq!(run_on(data, "produce", &["t"], "1\n").status, 0);
    let locked = run_on(data, "log-admin", &["verify"], "");
    assert_eq!(locked.status, 75, "{locked:?}");
    assert_eq!(run_on(data, "subscribe", &["t"], "").stdout, "1\n");
    let ended = daemon.terminate();
    assert_eq!(ended.status, 0, "{ended:?}");
    assert!(socket.exists(), "the supervisor's socket was removed");
}

#[test]
fn a_socket_where_no_client_looks_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ran = run(&mut activate(dir.path(), &dir.path().join("other")), "");
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("clients look for it here"), "{ran:?}");
}

#[test]
fn variables_that_were_meant_for_another_process_are_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = tool("log-serve", &["--data", dir.path().to_str().unwrap()]);
    let daemon = Daemon::spawn(command.env("LISTEN_PID", "1").env("LISTEN_FDS", "1"), dir.path());
    assert_eq!(daemon.terminate().status, 0);
}
