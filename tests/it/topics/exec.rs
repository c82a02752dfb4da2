//! `produce --exec`: what a command writes, and what becomes of it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::daemon::both_ways;
use crate::common::producing::{Producing, await_records, records};
use crate::common::{Ran, run_on, wait_for};

fn exec(dir: &Path, command: &str, args: &[&str]) -> Ran {
    run_on(dir, "produce", &[&["t", "--exec", command], args].concat(), "")
}

#[test]
fn what_a_command_writes_is_appended() {
    both_ways(|dir| {
        let ran = exec(dir, "echo 1; echo 2; printf 3", &[]);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        assert_eq!(records(dir, "t"), ["1", "2", "3"]);
    });
}

#[test]
fn a_command_that_fails_ends_it_after_what_it_wrote() {
    both_ways(|dir| {
        let ran = exec(dir, "echo 1; echo oops >&2; exit 3", &[]);
        assert_eq!(ran.status, 74, "{ran:?}");
        assert!(ran.stderr.starts_with("oops\n"), "{ran:?}");
        assert!(ran.stderr.contains("the command ended with status 3"), "{ran:?}");
        let ran = exec(dir, "echo 2; kill -9 $$", &[]);
        assert!(ran.stderr.contains("the command was killed by signal 9"), "{ran:?}");
        assert_eq!(records(dir, "t"), ["1", "2"]);
    });
}

#[test]
fn it_is_run_again_until_it_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let count = dir.path().join("count");
    let command =
        format!("echo a,b; echo x >> {0}; wc -l < {0}; test $(wc -l < {0}) = 3", count.display());
    let args = ["--restart", "on-failure", "--restart-after", "10ms", "--from", "csv"];
    let ran = exec(dir.path(), &command.replace("wc -l < ", "grep -c x "), &args);
    // A row has one cell only, and the header names two.
    assert_eq!(ran.status, 65, "{ran:?}");
    fs::remove_file(&count).unwrap();
    let command =
        format!("echo a; echo x >> {0}; grep -c x {0}; test $(grep -c x {0}) = 3", count.display());
    let ran = exec(dir.path(), &command, &args);
    assert_eq!(ran.status, 0, "{ran:?}");
    // Each run has a header of its own.
    assert_eq!(records(dir.path(), "t"), ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]);
    assert_eq!(ran.stderr.matches("ended with status 1; it is run again").count(), 2, "{ran:?}");
}

#[test]
fn it_is_run_again_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["t", "--exec", "echo 1", "--restart", "always", "--restart-after", "1ms"];
    let producing = Producing::start(dir.path(), &args);
    await_records(dir.path(), "t", 5);
    assert_eq!(producing.terminate().status, 143);
}

#[test]
fn a_torn_last_line_is_counted_and_it_is_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let command = "echo 1; printf '{\"a\":'; exit 1";
    let args = ["t", "--exec", command, "--restart", "on-failure", "--restart-after", "1ms"];
    let mut producing = Producing::start(dir.path(), &args);
    assert_eq!(await_records(dir.path(), "t", 3)[..3], ["1", "1", "1"]);
    producing.said("dropped: not valid JSON");
    let ran = producing.terminate();
    assert_eq!(ran.status, 65, "{ran:?}");
}

fn is_gone(pid: &str) {
    let path = format!("/proc/{pid}/stat");
    wait_for("the process to be gone", || {
        let stat = fs::read_to_string(&path).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    });
}

#[test]
fn a_signal_ends_all_of_it_and_takes_its_last_words() {
    both_ways(|dir| {
        let command = "trap 'echo 7; exit' TERM; sleep 1000 & echo $!; wait";
        let producing = Producing::start(dir, &["t", "--exec", command]);
        let pid = await_records(dir, "t", 1).remove(0);
        let ran = producing.terminate();
        assert_eq!(ran.status, 143, "{ran:?}");
        assert_eq!(records(dir, "t")[1..], ["7"]);
        is_gone(&pid);
    });
}

#[test]
fn one_that_does_not_end_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let command = "trap '' TERM; sleep 1000 & echo $!; while :; do wait; done";
    let producing = Producing::start(dir.path(), &["t", "--exec", command]);
    let pid = await_records(dir.path(), "t", 1).remove(0);
    assert_eq!(producing.terminate().status, 143);
    is_gone(&pid);
}

#[test]
fn a_bad_line_ends_it_and_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let ran = exec(dir.path(), "sleep 1000 & echo $!; echo x; wait", &[]);
    assert_eq!(ran.status, 65, "{ran:?}");
    is_gone(&records(dir.path(), "t")[0]);
}

#[test]
fn a_command_may_close_its_output_before_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let done = dir.path().join("done");
    let command =
        format!("echo 1; exec >&-; while ! test -e {}; do sleep 0.01; done", done.display());
    let mut producing = Producing::start(dir.path(), &["t", "--exec", &command]);
    await_records(dir.path(), "t", 1);
    std::thread::sleep(Duration::from_millis(50));
    assert!(producing.child.0.try_wait().unwrap().is_none());
    fs::write(done, "").unwrap();
    assert_eq!(producing.end().status, 0);
}
