//! What windows cost where there are many of them: memory does not grow with what comes out, and
//! time not with the square of anything.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::common::{Guard, Ran, bin, run, tool, wait_for};

/// How much memory a tool may take here, in KiB: it needs half, and output is larger.
const MEMORY_KIB_MAX: u32 = 80_000;

/// How long a tool may take, in seconds: it needs a tenth.
const SECONDS_MAX: &str = "30";

/// Runs a tool with little memory.
fn in_little(name: &str, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY_KIB_MAX}; exec \"$0\" \"$@\"")]);
    command.arg(bin(name)).args(arguments);
    run(&mut command, input)
}

/// Runs a tool that must not take long.
fn in_time(name: &str, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new("timeout");
    command.arg(SECONDS_MAX).arg(bin(name)).args(arguments);
    let ran = run(&mut command, input);
    assert_ne!(ran.status, 124, "{arguments:?} took too long");
    ran
}

/// A record of each of so many groups, all of one time.
fn groups(count: usize) -> String {
    let mut input = String::new();
    for group in 0..count {
        writeln!(input, "{{\"t\":5,\"u\":\"user-{group}\"}}").unwrap();
    }
    input
}

fn assert_large(ran: &Ran, rows: usize) {
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout.lines().count(), rows);
    assert!(ran.stdout.len() > 90_000_000, "{}", ran.stdout.len());
}

#[test]
fn results_go_out_while_a_watermark_is_worked_off() {
    let common = ["--size", "1h", "--time", ".t", "--by", ".u", "count"];
    for kind in [["--hop", "1m"], ["--cumulate", "1m"]] {
        let arguments = [kind.as_slice(), &common].concat();
        assert_large(&in_little("aggregate", &arguments, &groups(16_000)), 16_000 * 60);
    }
}

#[test]
fn copies_of_a_record_go_out_as_they_are_made() {
    let expand = ["--hop", "1m", "--size", "1h", "--expand", "--time", ".t", "--plain"];
    assert_large(&in_little("window", &expand, &groups(16_000)), 16_000 * 60);
    // The fields that aggregate would see in a pipe are seen in one process, copy by copy, too.
    let spliced = ["--hop", "1s", "--size", "1h", "--expand", "--time", ".t"];
    let record = format!("{{\"t\":5,\"pad\":\"{}\"}}\n", "x".repeat(30_000));
    let rest = ["first(.window_start)"];
    let ran = in_little("aggregate", &[&spliced[..], &rest].concat(), &record);
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 3_600), "{}", ran.stderr);
}

#[test]
fn who_leaves_while_a_watermark_is_worked_off_ends_it() {
    // A day by the millisecond would be worked off for an hour.
    let hop = ["--hop", "100ms", "--size", "1d", "--time", ".t", "--by", ".u", "count"];
    let mut command = tool("aggregate", &hop);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guard(child.spawn().unwrap());
    let mut stdin = child.0.stdin.take().unwrap();
    stdin.write_all(groups(1_000).as_bytes()).unwrap();
    drop(stdin);
    let mut line = String::new();
    let mut stdout = BufReader::new(child.0.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(line.contains("\"u\":\"user-0\""), "{line}");
    drop(stdout);
    let status = wait_for("the tool to end", || child.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_record_costs_as_much_as_it_has_windows() {
    for kind in ["--hop", "--cumulate"] {
        let arguments = [kind, "1s", "--size", "1d", "--time", ".t", "count"];
        let ran = in_time("aggregate", &arguments, "{\"t\":0}\n");
        assert_eq!((ran.status, ran.stdout.lines().count()), (0, 86_400));
    }
}

/// Records of so many times, 10 ms apart, in any order.
fn times(count: u64) -> String {
    let mut input = String::new();
    for number in 0..count {
        // A number without a common divisor: each time once.
        writeln!(input, "{{\"t\":{}}}", number * 7_919 % count * 10).unwrap();
    }
    input
}

#[test]
fn many_open_slices_windows_and_sessions_cost_little_each() {
    const COUNT: u64 = 70_000;
    let input = times(COUNT);
    let common = ["--time", ".t", "--time-unit", "ms", "--out-of-order", "30d", "count"];
    for (kind, rows) in [
        (["--session", "1ms"].as_slice(), COUNT),
        (&["--tumbling", "10ms", "--stats"], COUNT),
        (&["--hop", "10ms", "--size", "20ms"], COUNT + 1),
    ] {
        let ran = in_time("aggregate", &[kind, &common].concat(), &input);
        let found = ran.stdout.lines().count() as u64;
        assert_eq!((ran.status, found), (0, rows), "{kind:?} {}", ran.stderr);
    }
    // Sorted, and all of it stays open: each watermark closes, or ends, one of many.
    let mut sorted = String::new();
    (0..COUNT).for_each(|number| writeln!(sorted, "{{\"t\":{}}}", number * 10).unwrap());
    let common = ["--time", ".t", "--time-unit", "ms", "--allowed-lateness", "30d", "count"];
    for kind in [
        ["--session", "1ms", "--out-of-order", "0"].as_slice(),
        &["--tumbling", "10ms", "--out-of-order", "0", "--stats"],
        &["--tumbling", "10ms", "--out-of-order", "0", "--emit", "updates", "--every", "10ms"],
        &["--hop", "10ms", "--size", "20ms", "--out-of-order", "0"],
    ] {
        let ran = in_time("aggregate", &[kind, &common].concat(), &sorted);
        assert_eq!(ran.status, 0, "{kind:?} {}", ran.stderr);
        assert!(ran.stdout.lines().count() as u64 >= COUNT, "{kind:?}");
    }
}
