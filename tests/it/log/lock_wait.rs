//! Several processes that want to write one log, without a daemon: they wait for each other.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

use crate::common::daemon::Daemon;
use crate::common::live::Pipeline;
use crate::common::{self, Guard, run_on, tool_on, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A `produce` that holds the lock of the log in `dir` until its input ends.
fn holder(dir: &Path) -> Pipeline {
    let mut holder = Pipeline::start(&[&["produce", "t", "--data", dir.to_str().unwrap()]]);
    holder.send("0\n");
    let read = || run_on(dir, "subscribe", &["t"], "").stdout;
    wait_for("the lock to be held", || (read() == "0\n").then_some(()));
    holder
}

/// Starts a tool that finds the lock held, and waits until it has looked again and again.
fn waiting(dir: &Path, name: &str, args: &[&str]) -> Guard {
    let mut command = tool_on(dir, name, args);
    command.stdin(Stdio::null());
    let child = Guard(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for("the tool to wait", || (common::proc::sleeps(child.0.id()) > 8).then_some(()));
    child
}

fn end(child: &mut Child) -> i32 {
    wait_for("the tool to end", || child.try_wait().unwrap()).code().unwrap_or(-1)
}

#[test]
fn eight_at_once_all_append() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input");
    std::fs::write(&input, "1\n2\n3\n").unwrap();
    let mut producers: Vec<Guard> = (0..8)
        .map(|_| {
            let mut command = tool_on(dir.path(), "produce", &["t", "--wait", "1h"]);
            command.stdin(File::open(&input).unwrap());
            Guard(command.spawn().unwrap())
        })
        .collect();
    for producer in &mut producers {
        assert_eq!(end(&mut producer.0), 0);
    }
    assert_eq!(run_on(dir.path(), "subscribe", &["t"], "").stdout, "1\n2\n3\n".repeat(8));
}

#[test]
fn actions_that_change_the_log_wait_for_a_writer() {
    let dir = tempfile::tempdir().unwrap();
    let holder = holder(dir.path());
    let actions = [&["create", "u"][..], &["alter", "t", "--retention", "1d"], &["verify"]];
    let mut children: Vec<Guard> = actions
        .iter()
        .map(|action| waiting(dir.path(), "log-admin", &[action, &["--wait", "1h"][..]].concat()))
        .collect();
    assert!(children.iter_mut().all(|child| child.0.try_wait().unwrap().is_none()));
    assert_eq!(holder.finish()[0].status, 0);
    for child in &mut children {
        assert_eq!(end(&mut child.0), 0);
    }
}

#[test]
fn files_that_are_resumed_wait_for_another_writer_without_being_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.log");
    std::fs::write(&file, "1\n").unwrap();
    let holder = holder(dir.path());
    let mut child = waiting(dir.path(), "produce", &["t", "--resume", file.to_str().unwrap()]);
    assert_eq!(holder.finish()[0].status, 0);
    assert_eq!(end(&mut child.0), 0);
    assert_eq!(run_on(dir.path(), "subscribe", &["t"], "").stdout, "0\n1\n");
}

#[test]
fn who_waits_in_vain_says_how_long() {
    let dir = tempfile::tempdir().unwrap();
    let holder = holder(dir.path());
    for (tool, args) in [
        ("produce", &["t", "--wait", "30ms"][..]),
        ("log-admin", &["create", "u", "--wait", "30ms"]),
        ("log-serve", &["--wait", "30ms"]),
    ] {
        let begin = Instant::now();
        let ran = run_on(dir.path(), tool, args, "1\n");
        assert_eq!(ran.status, 75, "{ran:?}");
        assert!(ran.stderr.contains("did not end within 30ms; try again"), "{ran:?}");
        assert!(begin.elapsed().as_millis() >= 30);
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
    assert_eq!(holder.finish()[0].status, 0);
}

#[test]
fn log_serve_waits_for_a_writer_to_end() {
    let dir = tempfile::tempdir().unwrap();
    let holder = holder(dir.path());
    let path = dir.path().to_owned();
    let daemon = std::thread::spawn(move || Daemon::start(&path, &["--wait", "1h"]));
    assert_eq!(holder.finish()[0].status, 0);
    let daemon = daemon.join().unwrap();
    assert_eq!(daemon.records(), "0\n");
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn log_serve_starts_among_short_writers() {
    let dir = tempfile::tempdir().unwrap();
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let dir = dir.path().to_owned();
            std::thread::spawn(move || {
                for _ in 0..20 {
                    assert_eq!(run_on(&dir, "produce", &["t", "--wait", "1h"], "1\n").status, 0);
                }
            })
        })
        .collect();
    wait_for("the first to write", || dir.path().join("lock").exists().then_some(()));
    let daemon = Daemon::start(dir.path(), &["--wait", "1h"]);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(daemon.records(), "1\n".repeat(40));
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn a_waiting_log_serve_can_be_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let holder = holder(dir.path());
    let mut daemon = waiting(dir.path(), "log-serve", &["--wait", "1h"]);
    kill(Pid::from_raw(daemon.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(end(&mut daemon.0), 0);
    assert_eq!(holder.finish()[0].status, 0);
}
