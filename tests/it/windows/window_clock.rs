//! `--time arrival` and `--time append`: times that are not in the records.

use std::io::{BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};

use serde_json::Value;

use crate::common::daemon::both_ways;
use crate::common::{Guard, next_line, run, run_on, tool, tool_on};

/// A tool that waits for input, and what it prints.
fn begun(name: &str, args: &[&str]) -> (Guard, ChildStdin, BufReader<ChildStdout>) {
    let mut command = tool(name, args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    (Guard(child), input, BufReader::new(output))
}

fn count(line: &str) -> u64 {
    serde_json::from_str::<Value>(line).unwrap()["count"].as_u64().unwrap()
}

#[test]
fn windows_of_arrival_close_by_the_clock() {
    for windows in [&["--tumbling", "200ms"][..], &["--session", "200ms"]] {
        let args = [windows, &["--time", "arrival", "count"]].concat();
        let (mut child, mut input, mut output) = begun("aggregate", &args);
        for records in [3, 1] {
            input.write_all("{}\n".repeat(records).as_bytes()).unwrap();
            // The input stays open: it is the clock that closes the window.
            assert_eq!(count(&next_line(&mut output)), records as u64, "{args:?}");
        }
        input.write_all(b"{}\n{}\n").unwrap();
        drop(input);
        assert_eq!(count(&next_line(&mut output)), 2, "{args:?}");
        assert_eq!(
            (next_line(&mut output).as_str(), child.0.wait().unwrap().code()),
            ("", Some(0))
        );
    }
}

#[test]
fn window_writes_watermarks_of_the_clock_for_the_next_tool() {
    let (_child, mut input, mut output) =
        begun("window", &["--tumbling", "100ms", "--time", "arrival"]);
    input.write_all(b"{\"a\":1}\n").unwrap();
    assert!(next_line(&mut output).contains("\"window\":{\"tumbling\""));
    let record: Value = serde_json::from_str(&next_line(&mut output)).unwrap();
    let watermark = |line: String| {
        let control: Value = serde_json::from_str(&line).unwrap();
        control["@millstream"]["watermark"]["ms"].as_i64().unwrap()
    };
    let (first, second) = (watermark(next_line(&mut output)), watermark(next_line(&mut output)));
    assert!(record["window_start"].is_string() && first < second, "{record} {first} {second}");
    assert!(second >= first / 100 * 100 + 99, "{first} {second}");
}

#[test]
fn frames_of_arrival_come_at_once() {
    let (_child, mut input, mut output) =
        begun("aggregate", &["--over", "1h", "--time", "arrival", "count"]);
    for number in 1..4 {
        writeln!(input, "{{\"n\":{number}}}").unwrap();
        assert_eq!(next_line(&mut output), format!("{{\"n\":{number},\"count\":{number}}}\n"));
    }
}

#[test]
fn what_makes_no_sense_with_such_times_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.ndjson");
    std::fs::write(&file, "{}\n").unwrap();
    let file = file.to_str().unwrap();
    let tumbling = ["--tumbling", "1s", "count"];
    for (args, why) in [
        (&["--time", "arrival", file][..], "results would depend on when the file is read"),
        (&["--time", "arrival", "--late", "late"], "--late: no effect with --time arrival"),
        (&["--time", "arrival", "--out-of-order", "1s"], "--out-of-order: no effect"),
        (&["--time", "arrival", "--idle", "1s"], "windows close by the clock"),
        (&["--time", "append", "--time-unit", "ms"], "--time-unit: no effect with --time append"),
        (&[], "--time arrival for when they are read; or --time append"),
        (&["--time", "append"], "subscribe --control --append-times"),
    ] {
        let ran = run(&mut tool("aggregate", &[&tumbling, args].concat()), "{}\n");
        assert!(ran.status == 2 && ran.stderr.contains(why), "{args:?}: {ran:?}");
    }
}

/// How many records were appended in each second.
fn seconds(dir: &Path) -> Vec<(String, u64)> {
    let with_times = run_on(dir, "subscribe", &["t", "--meta"], "").good();
    let args = ["--tumbling", "1s", "--time", ".time", "--out-of-order", "1h", "count"];
    let counted = run(&mut tool("aggregate", &args), with_times).good();
    counted.lines().map(window).collect()
}

fn window(line: &str) -> (String, u64) {
    let result: Value = serde_json::from_str(line).unwrap();
    (result["window_start"].as_str().unwrap().to_owned(), count(line))
}

#[test]
fn append_times_come_with_the_stream() {
    both_ways(|dir| {
        run_on(dir, "log-admin", &["create", "t", "--partitions", "3", "--key", ".k"], "").good();
        for round in 0..20 {
            let records: String = (0..50).map(|n| format!("{{\"k\":{}}}\n", n * round)).collect();
            run_on(dir, "produce", &["t"], &records).good();
        }
        let expected = seconds(dir);
        let stream = run_on(dir, "subscribe", &["t", "--control", "--append-times"], "").good();
        for jobs in ["1", "3"] {
            let kept = run(&mut tool("filter", &["-j", jobs, "true"]), &stream).good();
            assert_eq!(kept, stream);
        }
        let args = ["--tumbling", "1s", "--time", "append"];
        let windowed = run(&mut tool("window", &args), &stream).good();
        assert!(!windowed.contains("appended"), "{windowed}");
        for counted in [
            run(&mut tool("aggregate", &[&args, &["count"][..]].concat()), &stream).good(),
            run(&mut tool("aggregate", &["count"]), windowed).good(),
        ] {
            assert_eq!(counted.lines().map(window).collect::<Vec<_>>(), expected);
        }
        // A stream of which it is not known is not taken for one of the stream before it.
        let plain = run_on(dir, "subscribe", &["t", "--control"], "").good();
        let both = run(&mut tool("window", &args), format!("{stream}{plain}"));
        assert!(both.status == 2 && both.stderr.contains("--append-times"), "{}", both.stderr);
    });
}

#[test]
fn append_times_need_control_records() {
    both_ways(|dir| {
        run_on(dir, "produce", &["t"], "1\n2\n3\n").good();
        let ran = run_on(dir, "subscribe", &["t", "--append-times"], "");
        assert!(ran.status == 2 && ran.stderr.contains("--control"), "{ran:?}");
        let args = ["t", "--control", "--append-times", "-c", "2"];
        let printed = run_on(dir, "subscribe", &args, "").good();
        let lines: Vec<&str> = printed.lines().collect();
        assert!(lines[2].starts_with("{\"@millstream\":{\"appended\":{\"ms\":1"), "{printed}");
        assert_eq!((lines[3], lines[4]), ("1", "2"));
        // produce consumes them as all control records.
        run_on(dir, "produce", &["copy"], &printed).good();
        assert_eq!(run_on(dir, "subscribe", &["copy"], "").good(), "1\n2\n");
    });
}

#[test]
fn members_of_a_group_say_when_records_were_appended() {
    let (dir, _daemon) = crate::common::daemon::Daemon::alone(&[]);
    let dir = dir.path();
    run_on(dir, "produce", &["t"], "1\n2\n").good();
    let args = ["t", "--group", "g", "--control", "--append-times"];
    let mut subscribe = tool_on(dir, "subscribe", &args);
    let printed = run(&mut subscribe, "").good();
    assert!(printed.contains("{\"@millstream\":{\"appended\":{\"ms\":1"), "{printed}");
}
