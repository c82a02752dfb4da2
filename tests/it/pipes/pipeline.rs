//! The main job: the same pipeline over a file and through the log, and a log that survives its
//! daemon.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::common::daemon::Daemon;
use crate::common::live::pipe;
use crate::common::{self, Guard, Ran, run, tool_on};
use nix::sys::signal::Signal;

const FILTER: &[&str] = &["filter", ".dep_delay != null and .dep_delay > 15"];
const WINDOW: &[&str] =
    &["window", "--tumbling", "1h", "--time", ".time_hour", "--out-of-order", "24h"];
const AGGREGATE: &[&str] =
    &["aggregate", "--by", ".origin", "count", "avg(.dep_delay)", "max(.dep_delay)"];

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn subscribe(dir: &Path, args: &[&str]) -> String {
    let ran = run(&mut tool_on(dir, "subscribe", args), "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    ran.stdout
}

/// Idea 3 of the design: what a pipeline says does not depend on how its input arrives.
#[test]
fn the_log_and_a_file_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let daemon = Daemon::start(&log, &[]);
    let flights = root("examples/flights-2013-01.csv.gz");
    let args = ["flights", flights.to_str().unwrap(), "--from", "csv"];
    assert_eq!(run(&mut tool_on(&log, "produce", &args), "").status, 0);
    let records = subscribe(&log, &["flights"]);
    assert_eq!(records.lines().count(), 27_004);

    let file = pipe(&[FILTER, WINDOW, AGGREGATE], &records, 1 << 16);
    let from_file = file.last().unwrap().stdout.clone();
    let expected = fs::read_to_string(root("tests/golden/flights-delays.ndjson")).unwrap();
    assert_eq!(from_file, expected);

    let log_name = log.to_str().unwrap();
    let from = ["subscribe", "flights", "--data", log_name];
    let to = ["produce", "delays", "--data", log_name];
    for ran in pipe(&[&from, FILTER, WINDOW, AGGREGATE, &to], "", 1) {
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    }
    assert!(subscribe(&log, &["delays"]) == from_file);
    assert_eq!(daemon.terminate().status, 0);
}

/// Sends record after record and notes which were acknowledged; ends when the daemon does.
fn produce_until_killed(daemon: Daemon, kill_after: u64) -> u64 {
    let mut talk = daemon.talk();
    let mut acknowledged = 0;
    for n in 0.. {
        if n == kill_after {
            daemon.signal(Signal::SIGKILL);
        }
        let record = format!("{{\"n\":{n}}}\n");
        let head = format!("{{\"append\":{{\"topic\":\"t\",\"bytes\":{}}}}}\n", record.len());
        if talk.stream().write_all(format!("{head}{record}").as_bytes()).is_err() {
            break;
        }
        let mut answer = String::new();
        match talk.input.read_line(&mut answer) {
            Ok(length) if length > 0 => assert!(answer.contains("\"appended\""), "{answer}"),
            _ => break,
        }
        acknowledged = n + 1;
    }
    assert_eq!(daemon.end().status, 137);
    acknowledged
}

#[test]
fn what_was_acknowledged_survives_a_killed_daemon() {
    for kill_after in [0, 1, 7, 100] {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(dir.path(), &[]);
        assert_eq!(run(&mut tool_on(dir.path(), "log-admin", &["create", "t"]), "").status, 0);
        let acknowledged = produce_until_killed(daemon, kill_after);
        assert!(acknowledged >= kill_after);
        let daemon = Daemon::start(dir.path(), &[]);
        let kept = subscribe(dir.path(), &["t"]);
        let count = kept.lines().count() as u64;
        let expected: String = (0..count).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        assert_eq!(kept, expected, "each once, in order");
        // The one that was under way may be there, too.
        assert!((acknowledged..=acknowledged + 1).contains(&count), "{count} of {acknowledged}");
        assert_eq!(daemon.terminate().status, 0);
        assert_eq!(subscribe(dir.path(), &["t"]), kept);
        assert_eq!(run(&mut tool_on(dir.path(), "log-admin", &["verify"]), "").status, 0);
    }
}

#[test]
fn produce_says_how_much_is_in_the_log_when_the_daemon_dies() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    assert_eq!(run(&mut tool_on(dir.path(), "log-admin", &["create", "t"]), "").status, 0);
    let mut command = tool_on(dir.path(), "produce", &["t"]);
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut follower = tool_on(dir.path(), "subscribe", &["t", "-f"]);
    let mut follower = Guard(follower.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(follower.0.stdout.take().unwrap()).lines();
    for n in 0..50 {
        writeln!(stdin, "{n}").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), n.to_string());
    }
    daemon.signal(Signal::SIGKILL);
    assert_eq!(daemon.end().status, 137);
    // It may be gone before it reads this.
    let _ = writeln!(stdin, "50");
    drop(stdin);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_ne!(ran.status, 0, "{ran:?}");
    // The follower may have seen the last record before produce heard of it: it counts what it was
    // told.
    let told = |count: u32| ran.stderr.starts_with(&format!("produce: {count} records appended"));
    assert!(told(50) || told(49), "{ran:?}");
    let daemon = Daemon::start(dir.path(), &[]);
    let expected: String = (0..50).map(|n| format!("{n}\n")).collect();
    assert_eq!(subscribe(dir.path(), &["t"]), expected);
    drop(daemon);
}

/// An embedded produce that is killed leaves what it had appended; the next one goes on behind it.
#[test]
fn an_embedded_produce_that_is_killed_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = String::new();
    for life in 0..3 {
        let mut command = tool_on(dir.path(), "produce", &["t"]);
        let mut child = Guard(command.stdin(Stdio::piped()).spawn().unwrap());
        let record = format!("{{\"life\":{life}}}\n");
        child.0.stdin.as_mut().unwrap().write_all(record.as_bytes()).unwrap();
        expected += &record;
        common::wait_for("the record", || {
            let ran = run(&mut tool_on(dir.path(), "subscribe", &["t"]), "");
            (ran.stdout == expected).then_some(())
        });
        drop(child);
        assert_eq!(subscribe(dir.path(), &["t"]), expected);
    }
}
