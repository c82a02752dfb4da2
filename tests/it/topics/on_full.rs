//! `produce --on-full drop`: those who send never wait, and what is dropped is counted.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::proc::resident_bytes;
use crate::common::producing::{Producing, await_records, records, send};
use crate::common::small_disk::both_ways_on_a_small_disk;
use crate::common::{Ran, run_on, wait_for};

/// Numbers, each in a record of some 500 bytes.
fn lines(numbers: std::ops::Range<u64>) -> String {
    let pad = "x".repeat(480);
    numbers.map(|number| format!("{{\"n\":{number},\"pad\":\"{pad}\"}}\n")).collect()
}

fn number(record: &str) -> u64 {
    let record: Value = serde_json::from_str(record).unwrap();
    record["n"].as_u64().unwrap()
}

/// What is said at the end must be what the topic has, in order and once.
#[track_caller]
fn check(dir: &Path, ran: &Ran, sent: u64) -> u64 {
    let stats: Value = serde_json::from_str(&ran.stdout).unwrap();
    let (appended, dropped) =
        (stats["records"].as_u64().unwrap(), stats["dropped"].as_u64().unwrap());
    assert_eq!(appended + dropped, sent, "{ran:?}");
    let stored: Vec<u64> = records(dir, "t").iter().map(|record| number(record)).collect();
    assert_eq!(stored.len() as u64, appended, "{ran:?}");
    assert!(stored.is_sorted_by(|one, next| one < next));
    assert!(ran.stderr.contains(&format!("{dropped} records dropped")), "{ran:?}");
    assert_eq!(ran.status, 65, "{ran:?}");
    dropped
}

/// More than waits in memory, in the kernel and on the way to the log together.
const MANY: u64 = 100_000;

#[test]
fn a_log_that_stands_still_keeps_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let args = ["t", "--on-full", "drop", "--stats"];
    let (mut producing, port) = Producing::listen(dir.path(), "tcp", &args);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(lines(0..10).as_bytes()).unwrap();
    await_records(dir.path(), "t", 10);
    daemon.freeze();
    stream.set_write_timeout(Some(crate::common::PATIENCE)).unwrap();
    for begin in (10..MANY).step_by(10) {
        stream.write_all(lines(begin..begin + 10).as_bytes()).unwrap();
    }
    producing.said("the log does not take records in time");
    let held = resident_bytes(producing.pid());
    assert!(held < 120 << 20, "{held} bytes");
    daemon.signal(Signal::SIGCONT);
    // It takes them again.
    let mut sent = MANY;
    wait_for("later records", || {
        stream.write_all(lines(sent..sent + 1).as_bytes()).unwrap();
        sent += 1;
        std::thread::sleep(Duration::from_millis(20));
        let last = run_on(dir.path(), "subscribe", &["t", "-n", "1"], "").stdout;
        last.lines().next().filter(|last| number(last) >= MANY).map(|_| ())
    });
    let ran = producing.terminate();
    assert!(check(dir.path(), &ran, sent) > 0);
}

#[test]
fn a_log_that_is_killed_and_started_again_gets_each_record_once() {
    for args in [&["t"][..], &["--topic-by", "\"t\""]] {
        let dir = tempfile::tempdir().unwrap();
        let mut daemon = Daemon::start(dir.path(), &[]);
        let args = [args, &["--on-full", "drop", "--stats"]].concat();
        let (producing, port) = Producing::listen(dir.path(), "tcp", &args);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(lines(0..1).as_bytes()).unwrap();
        await_records(dir.path(), "t", 1);
        let mut sent = 1;
        for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGKILL] {
            for _ in 0..300 {
                stream.write_all(lines(sent..sent + 10).as_bytes()).unwrap();
                sent += 10;
            }
            daemon.signal(signal);
            drop(daemon.end());
            for _ in 0..4000 {
                stream.write_all(lines(sent..sent + 10).as_bytes()).unwrap();
                sent += 10;
            }
            daemon = Daemon::start(dir.path(), &[]);
        }
        drop(stream);
        wait_for("all that waited", || {
            let stored = records(dir.path(), "t").len();
            std::thread::sleep(Duration::from_millis(300));
            (stored > 0 && records(dir.path(), "t").len() == stored).then_some(())
        });
        let ran = producing.terminate();
        check(dir.path(), &ran, sent);
    }
}

#[test]
fn a_full_disk_drops_and_heals() {
    both_ways_on_a_small_disk(|dir, disk| {
        let args = ["t", "--on-full", "drop", "--stats"];
        let (mut producing, port) = Producing::listen(dir, "tcp", &args);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        for begin in (0..MANY).step_by(10) {
            stream.write_all(lines(begin..begin + 10).as_bytes()).unwrap();
        }
        producing.said("the log does not take records in time");
        disk.grow();
        let mut sent = MANY;
        wait_for("a record after those that were dropped", || {
            stream.write_all(lines(sent..sent + 1).as_bytes()).unwrap();
            sent += 1;
            std::thread::sleep(Duration::from_millis(50));
            let last = run_on(dir, "subscribe", &["t", "-n", "1"], "").stdout;
            last.lines().next().filter(|last| number(last) >= MANY).map(|_| ())
        });
        let ran = producing.terminate();
        assert!(check(dir, &ran, sent) > 0);
    });
}

#[test]
fn nothing_is_dropped_while_the_log_keeps_up() {
    both_ways(|dir| {
        let rejects = dir.join("rejects");
        let args = ["t", "--on-full", "drop", "--stats", "--add", "l=$line", "--key", ".n.x"];
        let args = [&args[..], &["--rejects", rejects.to_str().unwrap()]].concat();
        let (producing, port) = Producing::listen(dir, "tcp", &args);
        send(port, "{\"n\":{}}\n{\"n\":2}\nx\n{}\n");
        assert_eq!(await_records(dir, "t", 2), ["{\"n\":{},\"l\":1}", "{\"l\":4}"]);
        // What only the log finds is rejected while nothing more comes.
        wait_for("the rejects", || {
            let rejected = std::fs::read_to_string(&rejects).unwrap_or_default();
            (rejected.lines().count() == 2).then_some(())
        });
        let ran = producing.terminate();
        let stats: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((stats["records"].as_u64(), stats["dropped"].as_u64()), (Some(2), Some(0)));
        assert!(ran.stderr.contains(":2: rejected: its key"), "{ran:?}");
        assert!(ran.stderr.contains("2 records appended to t"), "{ran:?}");
    });
}

#[test]
fn a_signal_ends_it_while_the_log_stands_still() {
    let dir = tempfile::tempdir().unwrap();
    let rejects = dir.path().join("rejects");
    let daemon = Daemon::start(dir.path(), &[]);
    let args = ["t", "--on-full", "drop", "--filter", "true", "--rejects"];
    let args = [&args[..], &[rejects.to_str().unwrap()]].concat();
    let (producing, port) = Producing::listen(dir.path(), "tcp", &args);
    send(port, "1\n");
    await_records(dir.path(), "t", 1);
    daemon.freeze();
    // The filter finds the bad line once all three are read.
    send(port, "2\n3\nx\n");
    wait_for("the bad line", || {
        (std::fs::read_to_string(&rejects).unwrap_or_default() == "x\n").then_some(())
    });
    let ran = producing.terminate();
    assert_eq!(ran.status, 69, "{ran:?}");
    assert!(ran.stderr.contains("2 records are not acknowledged, and may be app"), "{ran:?}");
    assert!(ran.stderr.contains("1 record appended to t"), "{ran:?}");
    daemon.signal(Signal::SIGCONT);
    let stored = records(dir.path(), "t");
    assert!(stored == ["1"] || stored == ["1", "2", "3"], "{stored:?}");
}

#[test]
fn what_waits_in_memory_is_counted_when_a_signal_ends_it_without_a_log() {
    for args in [&["t"][..], &["--topic-by", "\"t\""]] {
        let dir = tempfile::tempdir().unwrap();
        let rejects = dir.path().join("rejects");
        let daemon = Daemon::start(dir.path(), &[]);
        let more = ["--on-full", "drop", "--filter", "true", "--rejects"];
        let args = [args, &more, &[rejects.to_str().unwrap()]].concat();
        let (mut producing, port) = Producing::listen(dir.path(), "tcp", &args);
        send(port, "\"first\"\n");
        await_records(dir.path(), "t", 1);
        daemon.signal(Signal::SIGKILL);
        drop(daemon.end());
        // These are with the thread that waits for the log, and these in the queue.
        send(port, lines(0..10));
        producing.said("waiting");
        send(port, lines(10..2000) + "x\n");
        wait_for("the bad line", || {
            (std::fs::read_to_string(&rejects).unwrap_or_default() == "x\n").then_some(())
        });
        let ran = producing.terminate();
        assert_eq!(ran.status, 69, "{ran:?}");
        let said = "2000 records of those read are not known to be appended";
        assert!(ran.stderr.contains(said), "{ran:?}");
        let _again = Daemon::start(dir.path(), &[]);
        assert_eq!(records(dir.path(), "t"), ["\"first\""]);
    }
}

#[test]
fn what_a_command_writes_when_it_is_asked_to_end_is_appended() {
    both_ways(|dir| {
        // The pauses have the lines read one by one; the outcome does not depend on that.
        let command = "trap 'for n in 2 3 4; do echo $n; sleep 0.1; done; exit 0' TERM; \
                       echo 1; while :; do sleep 0.01; done";
        let args = ["t", "--exec", command, "--on-full", "drop", "--stats"];
        let producing = Producing::start(dir, &args);
        wait_for("the topic", || dir.join("topics/t").exists().then_some(()));
        let ran = producing.terminate();
        assert_eq!(ran.status, 143, "{ran:?}");
        let stats: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((stats["records"].as_u64(), stats["dropped"].as_u64()), (Some(4), Some(0)));
        assert_eq!(records(dir, "t"), ["1", "2", "3", "4"]);
    });
}

#[test]
fn a_log_that_refuses_ends_it_though_nothing_more_comes() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let (producing, port) = Producing::listen(dir.path(), "tcp", &["t", "--on-full", "drop"]);
    send(port, "1\n");
    await_records(dir.path(), "t", 1);
    assert_eq!(run_on(dir.path(), "log-admin", &["delete", "t"], "").status, 0);
    send(port, "2\n");
    let ran = producing.end();
    assert_eq!(ran.status, 69, "{ran:?}");
    daemon.terminate();
}

#[test]
fn it_is_for_live_input() {
    let dir = tempfile::tempdir().unwrap();
    for how in ["drop", "wait"] {
        let ran = run_on(dir.path(), "produce", &["t", "--on-full", how], "1\n");
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains("without --listen or --exec"), "{ran:?}");
    }
    let args = ["t", "--exec", "echo 1; echo 2", "--on-full", "drop", "--stats"];
    let ran = run_on(dir.path(), "produce", &args, "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stdout.contains("\"records\":2"), "{ran:?}");
    assert_eq!(records(dir.path(), "t"), ["1", "2"]);
}
