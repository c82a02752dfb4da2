//! Live input while log-serve is stopped, killed and started again: nothing is lost, and nothing is
//! there twice.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::common::daemon::Daemon;
use crate::common::proc::sleeps;
use crate::common::producing::{Producing, await_records, records, send};
use crate::common::{run_on, wait_for};

const KILL: Signal = Signal::SIGKILL;
const TERM: Signal = Signal::SIGTERM;

fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).unwrap()
}

fn stop(daemon: Daemon, signal: Signal) {
    daemon.signal(signal);
    drop(daemon.end());
}

/// Has a daemon that stands still be sent a line, and kills it.
fn kill_before_it_answers(daemon: Daemon, producing: &Producing, send: impl FnOnce()) {
    daemon.freeze();
    let before = sleeps(producing.pid());
    send();
    // What it has read is sent, and not taken, when it sleeps again.
    wait_for("produce to wait", || (sleeps(producing.pid()) > before).then_some(()));
    stop(daemon, KILL);
}

#[test]
fn an_append_without_an_answer_is_sent_again() {
    for args in [&["t"][..], &["--topic-by", "\"t\""]] {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(dir.path(), &[]);
        let (producing, port) = Producing::listen(dir.path(), "tcp", args);
        let mut stream = connect(port);
        stream.write_all(b"1\n").unwrap();
        await_records(dir.path(), "t", 1);
        kill_before_it_answers(daemon, &producing, || stream.write_all(b"2\n").unwrap());
        let daemon = Daemon::start(dir.path(), &[]);
        stream.write_all(b"3\n").unwrap();
        assert_eq!(await_records(dir.path(), "t", 3), ["1", "2", "3"]);
        let ran = producing.terminate();
        assert_eq!(ran.status, 143, "{args:?}: {ran:?}");
        assert!(ran.stderr.contains("3 records appended"), "{args:?}: {ran:?}");
        // Whose run is over is not there as a file would be.
        let known = daemon.talk().ask(r#"{"producers":{"topic":"t"}}"#).to_string();
        assert!(known.contains("run:") && !known.contains("file:"), "{known}");
        daemon.terminate();
    }
}

/// Sends numbers while daemons end by these signals, again and again; gives how many.
fn flood(dir: &Path, port: u16, signals: &[Signal]) -> u64 {
    let mut daemon = Daemon::start(dir, &[]);
    let end = Instant::now() + Duration::from_secs(2);
    let writer = std::thread::spawn(move || {
        let (mut stream, mut number) = (connect(port), 0);
        while Instant::now() < end {
            let burst = if number % 1000 < 900 { 300 } else { 1 };
            let lines: String = (number..number + burst).map(|it| format!("{it}\n")).collect();
            stream.write_all(lines.as_bytes()).unwrap();
            number += burst;
            std::thread::sleep(Duration::from_micros(300));
        }
        number
    });
    let mut signals = signals.iter().cycle();
    while !writer.is_finished() {
        std::thread::sleep(Duration::from_millis(60));
        stop(daemon, *signals.next().unwrap());
        daemon = Daemon::start(dir, &[]);
    }
    let sent = writer.join().unwrap();
    wait_for("all records", || {
        (run_on(dir, "subscribe", &["t"], "").stdout.lines().count() as u64 > sent).then_some(())
    });
    sent
}

#[test]
fn nothing_is_lost_or_doubled_while_daemons_are_killed() {
    for args in [&["t"][..], &["t", "--from", "lines", "--map", ".line | tonumber"]] {
        let dir = tempfile::tempdir().unwrap();
        let first = Daemon::start(dir.path(), &[]);
        let (producing, port) = Producing::listen(dir.path(), "tcp", args);
        // Before it listens it has not opened the log.
        send(port, "-1\n");
        await_records(dir.path(), "t", 1);
        stop(first, TERM);
        let sent = flood(dir.path(), port, &[KILL, TERM, KILL]);
        let ran = producing.terminate();
        assert_eq!(ran.status, 143, "{ran:?}");
        let stored = records(dir.path(), "t");
        let wanted: Vec<String> = (0..=sent).map(|it| format!("{}", it as i64 - 1)).collect();
        assert!(stored == wanted, "{args:?}: {} of {sent}", stored.len());
    }
}

#[test]
fn a_command_continues() {
    let dir = tempfile::tempdir().unwrap();
    let go = dir.path().join("go");
    let command = format!("echo 1; until [ -e {0} ]; do sleep 0.01; done; echo 2", go.display());
    let daemon = Daemon::start(dir.path(), &[]);
    let producing = Producing::start(dir.path(), &["t", "--exec", &command]);
    await_records(dir.path(), "t", 1);
    kill_before_it_answers(daemon, &producing, || std::fs::write(&go, "").unwrap());
    let daemon = Daemon::start(dir.path(), &[]);
    let ran = producing.end();
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(records(dir.path(), "t"), ["1", "2"]);
    daemon.terminate();
}
