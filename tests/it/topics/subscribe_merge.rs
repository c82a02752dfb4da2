//! `subscribe --merge`: partitions and topics as one stream, in the order of their records' times.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::{Guard, Ran, next_line, run_on, tool_on};

fn subscribe(dir: &Path, args: &[&str]) -> Ran {
    run_on(dir, "subscribe", args, "")
}

fn produce(dir: &Path, args: &[&str], records: &str) {
    run_on(dir, "produce", args, records).good();
}

/// Records of these times, each of a key of its own among 7.
fn records(times: impl IntoIterator<Item = i64>) -> String {
    let line = |time: i64| format!("{{\"t\":{},\"k\":{}}}\n", 1_700_000_000_000 + time, time % 7);
    times.into_iter().map(line).collect()
}

/// Times that go on, a little out of order.
fn times(count: i64) -> Vec<i64> {
    (0..count).map(|number| number * 10 + (number * 7919) % 97).collect()
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_partitions_of_a_topic_are_replayed_in_order() {
    both_ways(|dir| {
        let all = records(times(3_000));
        produce(dir, &["t", "--partitions", "3", "--key", ".k"], &all);
        // The order of time is that of the texts.
        let out = subscribe(dir, &["t", "--merge", "--time", ".t"]).good();
        assert_eq!(out, sorted(&all));
        assert_ne!(subscribe(dir, &["t"]).good(), out);
        // By append time it is the one in which they were appended.
        produce(dir, &["u", "--partitions", "3", "--key", ".k"], &records([5]));
        for time in [3, 9, 4, 8, 2] {
            produce(dir, &["u"], &records([time]));
        }
        let out = subscribe(dir, &["u", "--merge"]).good();
        assert_eq!(out, records([5, 3, 9, 4, 8, 2]));
        // A place in the topic, and a number of records.
        let out = subscribe(dir, &["t", "--merge", "--time", ".t", "-n", "50", "-c", "20"]).good();
        assert_eq!(out.lines().count(), 20);
        assert_eq!(out, sorted(&out));
        let one = subscribe(dir, &["t", "--merge", "--time", ".t", "--partition", "1"]).good();
        assert_eq!(one, sorted(&one));
    });
}

#[test]
fn where_records_are_from_is_known() {
    both_ways(|dir| {
        produce(dir, &["a", "--partitions", "2", "--key", ".k"], &records([30, 10, 21, 20]));
        produce(dir, &["b"], &records([15, 25]));
        let out = subscribe(dir, &["a", "b", "--merge", "--time", ".t", "--meta"]).good();
        let seen: Vec<(String, u64, i64)> = out
            .lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let time = line["record"]["t"].as_i64().unwrap() - 1_700_000_000_000;
                (line["topic"].as_str().unwrap().to_owned(), line["offset"].as_u64().unwrap(), time)
            })
            .collect();
        let times: Vec<i64> = seen.iter().map(|(.., time)| *time).collect();
        assert_eq!(times, [10, 15, 20, 21, 25, 30]);
        let of_b: Vec<u64> = seen.iter().filter(|it| it.0 == "b").map(|it| it.1).collect();
        assert_eq!(of_b, [0, 1]);
        // Each is what the log has at its place.
        for line in out.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let (topic, offset) = (line["topic"].as_str().unwrap(), line["offset"].to_string());
            let args = [topic, "--partition", &line["partition"].to_string(), "--from", &offset];
            let there = subscribe(dir, &[&args[..], &["-c", "1"]].concat()).good();
            let there: serde_json::Value = serde_json::from_str(&there).unwrap();
            assert_eq!(there, line["record"]);
        }
        let out = subscribe(dir, &["a", "b", "--merge", "--time", ".t", "--control"]).good();
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 8);
        assert_eq!(lines[0], "{\"@millstream\":{\"start\":{\"trusted\":true}}}");
        assert_eq!(lines[7], "{\"@millstream\":{\"end\":{}}}");
    });
}

#[test]
fn a_record_without_a_time_ends_it_at_its_place() {
    both_ways(|dir| {
        produce(dir, &["a"], &format!("{}{{\"x\":1}}\n{}", records([1, 3]), records([5])));
        produce(dir, &["b"], &records([2, 4]));
        let ran = subscribe(dir, &["a", "b", "--merge", "--time", ".t"]);
        assert_eq!((&*ran.stdout, ran.status), (&*records([1, 2, 3]), 65), "{ran:?}");
        assert!(ran.stderr.starts_with("subscribe: a/0@2: "), "{ran:?}");
    });
}

#[test]
fn what_came_later_than_is_allowed_is_counted() {
    both_ways(|dir| {
        produce(dir, &["a"], &records([1_000, 9_000, 2_000]));
        for (strict, status) in [(&[][..], 0), (&["--strict"][..], 65)] {
            let ran = subscribe(dir, &[&["a", "--merge", "--time", ".t"], strict].concat());
            assert_eq!((&*ran.stdout, ran.status), (&*records([1_000, 2_000, 9_000]), status));
            assert!(ran.stderr.contains("1 record came later than --out-of-order 5s allows"));
        }
        for (args, why) in [
            (&["a", "--time", ".t"][..], "--time: it has no effect here; add --merge"),
            (&["a", "--merge", "--group", "g"], "leave out --merge"),
            (&["a", "--merge", "-f", "--until", "now"], "with -f, --until is of one topic"),
            (&["a", "b", "--merge", "--partition", "0"], "--partition is of one topic"),
            (&["a", "--merge", "--idle", "1s"], "--idle: it has no effect here; add -f"),
            (&["a", "--merge", "--out-of-order", "1s"], "--out-of-order: --time is missing"),
            (&["a", "--merge", "--time-format", "%s"], "--time-format: --time is missing"),
        ] {
            let ran = subscribe(dir, args);
            assert!(ran.status == 2 && ran.stderr.contains(why), "{args:?}: {ran:?}");
        }
    });
}

/// A subscribe that follows.
struct Following {
    child: Guard,
    out: BufReader<std::process::ChildStdout>,
}

impl Following {
    fn start(dir: &Path, args: &[&str]) -> Following {
        let mut command =
            tool_on(dir, "subscribe", &[args, &["-f", "--merge", "--time", ".t"]].concat());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guard(command.spawn().unwrap());
        let out = BufReader::new(child.0.stdout.take().unwrap());
        Following { child, out }
    }

    fn terminate(mut self) -> (String, Option<i32>) {
        let pid = Pid::from_raw(self.child.0.id().try_into().unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (rest, self.child.0.wait().unwrap().code())
    }
}

#[test]
fn who_follows_gets_records_once_all_partitions_have_come_as_far() {
    both_ways(|dir| {
        produce(dir, &["a"], &records([10, 30]));
        produce(dir, &["b"], &records([20]));
        let mut following = Following::start(dir, &["a", "b", "--out-of-order", "0s"]);
        assert_eq!(next_line(&mut following.out), records([10]));
        assert_eq!(next_line(&mut following.out), records([20]));
        // It waits for what b may have before 30.
        produce(dir, &["a"], &records([50]));
        produce(dir, &["b"], &records([25]));
        assert_eq!(next_line(&mut following.out), records([25]));
        produce(dir, &["b"], &records([40]));
        assert_eq!(next_line(&mut following.out), records([30]));
        assert_eq!(next_line(&mut following.out), records([40]));
        assert_eq!(following.terminate(), (String::new(), Some(0)));
    });
}

#[test]
fn a_partition_that_is_quiet_is_not_waited_for_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let _daemon = Daemon::start(dir.path(), &[]);
    let dir = dir.path();
    produce(dir, &["a"], &records([10, 30]));
    produce(dir, &["b"], &records([5]));
    let args = ["a", "b", "--out-of-order", "0s", "--idle", "100ms"];
    let mut following = Following::start(dir, &args);
    for time in [5, 10, 30] {
        assert_eq!(next_line(&mut following.out), records([time]));
    }
    produce(dir, &["b"], &records([20]));
    assert_eq!(next_line(&mut following.out), records([20]));
    assert_eq!(following.terminate().1, Some(0));
}

#[test]
fn what_is_enough_is_a_whole_stream_and_may_come_at_a_pace() {
    both_ways(|dir| {
        produce(dir, &["t", "--partitions", "3", "--key", ".k"], &records((0..6).map(|n| n * 200)));
        let merge = ["t", "--merge", "--time", ".t"];
        let all = subscribe(dir, &merge).good();
        let some = subscribe(dir, &[&merge[..], &["-c", "2", "--control"]].concat()).good();
        assert!(some.ends_with("{\"@millstream\":{\"end\":{}}}\n"), "{some}");
        let begun = std::time::Instant::now();
        assert_eq!(subscribe(dir, &[&merge[..], &["--speed", "10x"]].concat()).good(), all);
        assert!(begun.elapsed() >= std::time::Duration::from_millis(60));
        let ran = subscribe(dir, &["t", "--merge", "--time", "arrival"]);
        assert!(ran.status == 2 && ran.stderr.contains("append times count"), "{ran:?}");
    });
}
