//! `subscribe --speed` and `--rate`: the same records, only later.

use std::io::BufReader;
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::daemon::both_ways;
use crate::common::{Guard, next_line, run_on, tool_on};

/// A topic whose records are 200 ms apart by their field `ms`, in milliseconds since the epoch.
fn steps(dir: &Path) {
    run_on(dir, "log-admin", &["create", "steps", "--partitions", "2", "--key", ".k"], "").good();
    let ms = |n: u64| 1_700_000_000_000_u64 + n * 200;
    let records: String = (0..6_u64).map(|n| format!("{{\"k\":{n},\"ms\":{}}}\n", ms(n))).collect();
    run_on(dir, "produce", &["steps"], &records).good();
}

/// What `subscribe steps` prints with these options, and how long it takes.
fn timed(dir: &Path, args: &[&str]) -> (String, Duration) {
    let begun = Instant::now();
    let printed = run_on(dir, "subscribe", &[&["steps"], args].concat(), "").good();
    (printed, begun.elapsed())
}

#[test]
fn a_replay_has_the_same_bytes_and_takes_its_time() {
    both_ways(|dir| {
        steps(dir);
        for form in [&[][..], &["--meta"], &["--control"], &["-c", "4"], &["--format", "csv"]] {
            let (plain, _) = timed(dir, form);
            let paces: [(&[&str], u64); 4] = [
                (&["--rate", "50/s"], 60),
                (&["--rate", "3000/m"], 60),
                (&["--speed", "10x", "--time", ".ms"], 60),
                (&["--speed", "1000x"], 0),
            ];
            for (pace, least_ms) in paces {
                let (printed, took) = timed(dir, &[form, pace].concat());
                assert_eq!(printed, plain, "{form:?} {pace:?}");
                assert!(took >= Duration::from_millis(least_ms), "{form:?} {pace:?}: {took:?}");
            }
        }
    });
}

#[test]
fn no_wait_is_longer_than_the_longest() {
    both_ways(|dir| {
        let record = |year| format!("{{\"t\":\"{year}-01-01T00:00:00Z\"}}\n");
        let records = record(2024) + &record(2025);
        run_on(dir, "produce", &["steps"], &records).good();
        let args = ["--speed", "1", "--time", ".t", "--max-gap", "50ms"];
        let (printed, took) = timed(dir, &args);
        assert_eq!(printed, records);
        assert!(took >= Duration::from_millis(50) && took < Duration::from_secs(60), "{took:?}");
    });
}

#[test]
fn a_record_without_a_time_comes_with_the_one_before_and_is_counted() {
    both_ways(|dir| {
        run_on(dir, "produce", &["steps"], "{\"ms\":1}\n[]\n{\"ms\":\"x\"}\n{\"ms\":1}\n").good();
        let ran = run_on(dir, "subscribe", &["steps", "--speed", "1x", "--time", ".ms"], "");
        let note = "2 records without a time that --time can read: printed with the one before";
        assert_eq!((ran.status, ran.stderr), (0, format!("subscribe: {note}\n")));
        assert_eq!(ran.stdout, "{\"ms\":1}\n[]\n{\"ms\":\"x\"}\n{\"ms\":1}\n");
    });
}

/// Subscribes, and gives what comes line by line.
fn subscribing(dir: &Path, args: &[&str]) -> (Guard, BufReader<ChildStdout>) {
    let mut command = tool_on(dir, "subscribe", args);
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (Guard(child), lines)
}

fn stop(child: &mut Guard) -> Option<i32> {
    kill(Pid::from_raw(child.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    child.0.wait().unwrap().code()
}

#[test]
fn a_signal_ends_the_wait_and_so_does_the_reader() {
    both_ways(|dir| {
        run_on(dir, "produce", &["steps"], "1\n2\n").good();
        let slowly = ["--rate", "1/h"];
        for (args, status) in
            [(&["steps"][..], None), (&["steps", "-f"], Some(0)), (&["st*", "-f"], Some(0))]
        {
            let (mut child, mut lines) = subscribing(dir, &[args, &slowly].concat());
            assert_eq!(next_line(&mut lines), "1\n");
            assert_eq!(stop(&mut child), status, "{args:?}");
            let (mut child, mut lines) = subscribing(dir, &[args, &slowly].concat());
            assert_eq!(next_line(&mut lines), "1\n");
            drop(lines);
            assert_eq!(child.0.wait().unwrap().code(), Some(0), "{args:?}");
        }
    });
}

#[test]
fn following_meets_what_is_new() {
    both_ways(|dir| {
        steps(dir);
        for topic in ["steps", "st*"] {
            // A gap before a new record is no gap of the replay.
            let args = [topic, "-f", "-n", "1", "--speed", "0.0001x", "--max-gap", "1h"];
            let (mut child, mut lines) = subscribing(dir, &args);
            assert!(next_line(&mut lines).starts_with('{'));
            run_on(dir, "produce", &["steps"], "{\"k\":\"new\"}\n").good();
            assert_eq!(next_line(&mut lines), "{\"k\":\"new\"}\n");
            assert_eq!(stop(&mut child), Some(0));
        }
    });
}

#[test]
fn what_is_no_pace_is_refused() {
    both_ways(|dir| {
        steps(dir);
        for (args, why) in [
            (&["--speed", "fast"][..], "write it like 10x"),
            (&["--speed", "0x"], "write it like 10x"),
            (&["--rate", "-1/s"], "write it like 500/s"),
            (&["--speed", "-1x"], "write it like 10x"),
            (&["--rate", "5/d"], "write it like 500/s"),
            (&["--rate", "5", "--speed", "1x"], "cannot be used with"),
            (&["--rate", "5", "--group", "g"], "cannot be used with"),
            (&["--max-gap", "5s"], "--speed"),
            (&["--speed", "1x", "--time", ".["], "--time"),
        ] {
            let ran = run_on(dir, "subscribe", &[&["steps"], args].concat(), "");
            assert!(ran.status == 2 && ran.stderr.contains(why), "{args:?}: {ran:?}");
        }
    });
}
