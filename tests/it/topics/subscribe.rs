//! `subscribe`, through the daemon and without one.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use crate::common::daemon::{Daemon, both_ways};
use crate::common::{self, Guard, PATIENCE, Ran, run, run_on, tool_on, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

fn produce(dir: &Path, args: &[&str], input: &str) {
    let ran = run_on(dir, "produce", args, input);
    assert_eq!(ran.status, 0, "{ran:?}");
}

fn subscribe(dir: &Path, args: &[&str]) -> Ran {
    run_on(dir, "subscribe", args, "")
}

/// The records that are printed, in one line.
fn records(dir: &Path, args: &[&str]) -> String {
    let ran = subscribe(dir, args);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{args:?}");
    ran.stdout.replace('\n', " ").trim_end().to_owned()
}

/// A subscriber that follows, and its lines as they come.
struct Follower {
    child: Guard,
    lines: Receiver<String>,
}

impl Follower {
    fn start(dir: &Path, args: &[&str]) -> Follower {
        let mut command = tool_on(dir, "subscribe", args);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = follow(&mut child);
        Follower { child: Guard(child), lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a record comes")
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(self.child.0.id().try_into().unwrap()), signal).unwrap();
        assert!(self.lines.recv_timeout(PATIENCE).is_err(), "no more records");
        self.child.0.wait().unwrap().code()
    }
}

fn follow(child: &mut Child) -> Receiver<String> {
    let stdout: ChildStdout = child.stdout.take().unwrap();
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(stdout).lines();
        lines.map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
}

#[test]
fn a_part_is_read_by_offsets() {
    both_ways(|dir| {
        produce(dir, &["t"], "0\n1\n2\n3\n4\n");
        assert_eq!(records(dir, &["t"]), "0 1 2 3 4");
        assert_eq!(records(dir, &["t", "--from", "2"]), "2 3 4");
        assert_eq!(records(dir, &["t", "--from", "2", "--until", "4"]), "2 3");
        assert_eq!(records(dir, &["t", "--from", "end"]), "");
        assert_eq!(records(dir, &["t", "--until", "start"]), "");
        assert_eq!(records(dir, &["t", "--from", "5"]), "");
        assert_eq!(records(dir, &["t", "--until", "99"]), "0 1 2 3 4");
        assert_eq!(records(dir, &["t", "-n", "2"]), "3 4");
        assert_eq!(records(dir, &["t", "-n", "0"]), "");
        assert_eq!(records(dir, &["t", "-n", "99", "--until", "3"]), "0 1 2");
    });
}

#[test]
fn a_part_is_read_by_time() {
    both_ways(|dir| {
        produce(dir, &["t"], "1\n");
        produce(dir, &["t"], "2\n");
        produce(dir, &["t"], "3\n");
        let times: Vec<String> = subscribe(dir, &["t", "--meta"])
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|meta| meta["time"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(records(dir, &["t", "--from", &times[1]]), "2 3");
        assert_eq!(records(dir, &["t", "--until", &times[1]]), "1");
        assert_eq!(records(dir, &["t", "--from", &times[1], "--until", &times[2]]), "2");
        assert_eq!(records(dir, &["t", "--from", "-1h"]), "1 2 3");
        assert_eq!(records(dir, &["t", "--until", "-1h"]), "");
        assert_eq!(records(dir, &["t", "--from", "2099-01-01T00:00:00Z"]), "");
        assert_eq!(records(dir, &["t", "-f", "--until", &times[2]]), "1 2");
    });
}

#[test]
fn meta_tells_where_a_record_stands() {
    both_ways(|dir| {
        produce(dir, &["t"], "{\"a\": 1.0}\n[2]\n");
        let ran = subscribe(dir, &["t", "--meta", "--from", "1"]);
        let start = "{\"topic\":\"t\",\"partition\":0,\"offset\":1,\"time\":\"2";
        assert!(ran.stdout.starts_with(start), "{ran:?}");
        assert!(ran.stdout.ends_with("Z\",\"record\":[2]}\n"), "{ran:?}");
        let all = subscribe(dir, &["t", "--meta"]).stdout;
        assert!(all.contains(",\"record\":{\"a\": 1.0}}\n"), "{all}");
    });
}

#[test]
fn partitions_are_merged_in_the_order_of_appending() {
    both_ways(|dir| {
        let args = ["t", "--partitions", "3"];
        for n in 0..10 {
            produce(dir, &args, &format!("{n}\n{n}.5\n"));
        }
        let all = "0 0.5 1 1.5 2 2.5 3 3.5 4 4.5 5 5.5 6 6.5 7 7.5 8 8.5 9 9.5";
        let parts: Vec<String> =
            ["0", "1", "2"].iter().map(|p| records(dir, &["t", "--partition", p])).collect();
        assert_eq!(records(dir, &["t"]), all);
        assert_eq!(parts.iter().map(|part| part.split(' ').count()).sum::<usize>(), 20);
        assert_eq!(records(dir, &["t", "-n", "5"]), "7.5 8 8.5 9 9.5");
        let two = records(dir, &["t", "--partition", "0", "--partition", "1"]);
        assert_eq!(
            two.split(' ').count(),
            parts[0].split(' ').count() + parts[1].split(' ').count()
        );
    });
}

#[test]
fn following_prints_records_as_they_come() {
    both_ways(|dir| {
        produce(dir, &["t"], "1\n2\n");
        let follower = Follower::start(dir, &["t", "-f", "-n", "1"]);
        assert_eq!(follower.line(), "2");
        for n in 3..6 {
            produce(dir, &["t"], &format!("{n}\n"));
            assert_eq!(follower.line(), n.to_string());
        }
        assert_eq!(follower.end(Signal::SIGTERM), Some(0));
        let follower = Follower::start(dir, &["t", "--follow", "--from", "3", "--until", "6"]);
        assert_eq!((follower.line(), follower.line()), ("4".to_owned(), "5".to_owned()));
        produce(dir, &["t"], "6\n7\n");
        assert_eq!(follower.line(), "6");
        assert!(follower.lines.recv_timeout(PATIENCE).is_err(), "it has reached its end");
    });
}

/// A clock does not end it: until a record of that time or later comes, an earlier one may.
#[test]
fn a_time_to_come_is_reached_when_a_record_comes() {
    both_ways(|dir| {
        produce(dir, &["t"], "1\n");
        let time = jiff::Timestamp::now;
        let until = time() + std::time::Duration::from_secs(1);
        let follower = Follower::start(
            dir,
            &["t", "-f", "--until", &until.strftime("%FT%T.%3fZ").to_string()],
        );
        assert_eq!(follower.line(), "1");
        wait_for("the time to pass", || (time() > until).then_some(()));
        assert!(follower.lines.try_recv().is_err_and(|why| why == TryRecvError::Empty));
        produce(dir, &["t"], "2\n");
        assert!(follower.lines.recv_timeout(PATIENCE).is_err(), "it has reached its end");
    });
}

#[test]
fn a_follower_sees_what_a_pipe_feeds_record_by_record() {
    both_ways(|dir| {
        produce(dir, &["t"], "0\n");
        let follower = Follower::start(dir, &["t", "-f"]);
        assert_eq!(follower.line(), "0");
        let mut feeder = tool_on(dir, "produce", &["t"]);
        let mut feeder = Guard(feeder.stdin(Stdio::piped()).spawn().unwrap());
        for n in 1..20 {
            writeln!(feeder.0.stdin.as_mut().unwrap(), "{n}").unwrap();
            assert_eq!(follower.line(), n.to_string());
        }
        drop(feeder.0.stdin.take());
        assert!(feeder.0.wait().unwrap().success());
        assert_eq!(follower.end(Signal::SIGINT), Some(0));
    });
}

#[test]
fn a_reader_who_has_had_enough_is_no_error() {
    both_ways(|dir| {
        let input: String = (0..200_000).map(|n| format!("{n}\n")).collect();
        produce(dir, &["t"], &input);
        let mut command = tool_on(dir, "subscribe", &["t"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((line.as_str(), ran.status, ran.stderr.as_str()), ("0\n", 0, ""));
    });
}

#[test]
fn an_idle_follower_notices_that_its_reader_left() {
    both_ways(|dir| {
        produce(dir, &["t"], "1\n");
        let mut command = tool_on(dir, "subscribe", &["t", "-f"]);
        command.stdout(Stdio::piped());
        let mut child = Guard(command.spawn().unwrap());
        let mut stdout = BufReader::new(child.0.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        drop(stdout);
        let status = common::wait_for("the follower to end", || child.0.try_wait().unwrap());
        assert_eq!(status.code(), Some(0));
    });
}

#[test]
fn what_is_not_there_is_named() {
    both_ways(|dir| {
        produce(dir, &["t", "--partitions", "2"], "1\n");
        let cases: [(&[&str], i32, &str); 10] = [
            (&["u"], 69, "u: no such topic"),
            (&["u", "-f"], 69, "u: no such topic; --wait waits until it is there"),
            (&["t", "--partition", "2"], 69, "t: no partition 2; it has 2, counted from 0"),
            (
                &["t", "--partition", "1", "--from", "9"],
                69,
                "t/1@9: offset out of range; the partition is empty, and its next offset is 0; --from start reads all that exist",
            ),
            (&["t", "--from", "1"], 2, "--from: an offset is a place in one partition"),
            (&["t", "--from", "noon"], 2, "\"noon\" is not a time"),
            (&["../t"], 2, "'../t' is not a topic name"),
            (
                &["t", "--partition", "0", "--from", "9"],
                69,
                "t/0@9: offset out of range; the partition holds 0 to 0; --from start reads all that exist",
            ),
            (&["t", "--from", "+5"], 2, "an offset has no sign; write 5"),
            (&["t", "-n", "+2"], 2, "-n counts from the end; --from 2 begins at that offset"),
        ];
        for (args, status, message) in cases {
            let ran = subscribe(dir, args);
            assert_eq!(ran.status, status, "{args:?}: {ran:?}");
            assert!(ran.stderr.contains(message), "{args:?}: {ran:?}");
            assert_eq!((ran.stdout.as_str(), ran.stderr.lines().count()), ("", 1), "{ran:?}");
        }
    });
}

#[test]
fn without_a_log_there_is_nothing_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let ran = subscribe(&dir.path().join("nowhere"), &["t"]);
    assert_eq!(ran.status, 69);
    assert!(ran.stderr.contains("nowhere: no log here"), "{ran:?}");
}

#[test]
fn a_daemon_that_goes_away_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    produce(dir.path(), &["t"], "1\n");
    let mut command = tool_on(dir.path(), "subscribe", &["t", "-f", "--reconnect", "0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = follow(&mut child);
    assert_eq!(lines.recv_timeout(PATIENCE).unwrap(), "1");
    assert_eq!(daemon.terminate().status, 0);
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_ne!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.starts_with("subscribe: "), "{ran:?}");
}

#[test]
fn damage_is_named_after_what_holds() {
    let dir = tempfile::tempdir().unwrap();
    produce(dir.path(), &["t"], "1\n");
    produce(dir.path(), &["t"], "2\n");
    produce(dir.path(), &["t"], "3\n");
    let data = dir.path().join("topics/t/0/00000000000000000000.ndjson");
    std::fs::write(&data, "1\n7\n3\n").unwrap();
    let ran = subscribe(dir.path(), &["t"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (74, "1\n"));
    assert!(ran.stderr.contains("t/0@1: damaged: the checksum"), "{ran:?}");
    assert_eq!(records(dir.path(), &["t", "--from", "2"]), "3");
    let ran = run(&mut tool_on(dir.path(), "log-admin", &["verify"]), "");
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.contains("damaged at 1"), "{ran:?}");
}

#[test]
fn a_stream_says_that_it_can_be_trusted_only_where_that_is_asked_for() {
    let control = |inside: &str| format!("{{\"@millstream\":{inside}}}\n");
    let stream = |trusted: bool, records: &str| {
        let start = format!("{{\"start\":{{\"trusted\":{trusted},\"partitions\":[0]}}}}");
        let [turn, last, end] =
            ["{\"partition\":0}", "{\"partition_end\":0}", "{\"end\":{}}"].map(control);
        control(&start) + &turn + records + &last + &end
    };
    both_ways(|dir| {
        produce(dir, &["t"], "1\n2\n");
        assert_eq!(subscribe(dir, &["t"]).stdout, "1\n2\n");
        assert_eq!(subscribe(dir, &["t", "--control"]).stdout, stream(true, "1\n2\n"));
        let unchecked = subscribe(dir, &["t", "--control", "--no-verify"]);
        assert_eq!(unchecked.stdout, stream(false, "1\n2\n"));
        let kept = run(
            &mut tool_on(dir, "filter", &[". > 1"]),
            subscribe(dir, &["t", "--control"]).stdout,
        );
        assert_eq!(kept.stdout, stream(true, "2\n"));
        // The log holds no control records.
        let ran = run(&mut tool_on(dir, "produce", &["u"]), kept.stdout);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(subscribe(dir, &["u"]).stdout, "2\n");
    });
    let dir = tempfile::tempdir().unwrap();
    let _daemon = Daemon::start(dir.path(), &[]);
    produce(dir.path(), &["t"], "1\n");
    let ran = subscribe(dir.path(), &["t", "--group", "g", "--control"]);
    let last = control("{\"partition_end\":0}");
    assert_eq!(ran.stdout, stream(true, "1\n").replace(&last, ""));
}
