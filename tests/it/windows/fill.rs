//! `aggregate --fill`: windows without records, and groups without records in a window.

use std::fs;
use std::process::Stdio;

use crate::common::live::{Pipeline, pipe};
use crate::common::{Ran, run, tool};

fn aggregate(arguments: &[&str], input: &str) -> Ran {
    run(&mut tool("aggregate", arguments), input)
}

/// A record of this second, of a group.
fn record(second: i64, group: &str) -> String {
    format!("{{\"t\":\"{}\",\"g\":\"{group}\",\"x\":1}}\n", time(second))
}

fn time(second: i64) -> String {
    format!("2024-05-01T12:{:02}:{:02}Z", second / 60, second % 60)
}

/// The rows of a tool that did well, each as the second at which its window starts, and its group
/// and count.
fn rows(ran: Ran) -> Vec<String> {
    let row = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let start = row["window_start"].as_str().unwrap()[14..19].to_owned();
        let group = row["g"].as_str().map_or(String::new(), |group| format!(" {group}"));
        let pane = row["pane"].as_str().map_or(String::new(), |pane| format!(" {pane}"));
        format!("{start}{group} {}{pane}", row["count"])
    };
    ran.good().lines().map(row).collect()
}

const SECONDS: [&str; 5] = ["--tumbling", "1s", "--time", ".t", "--fill"];

#[test]
fn windows_between_the_first_and_the_last_have_a_result() {
    let input = record(3, "a") + &record(3, "a") + &record(7, "a");
    let all = ["count", "sum(.x)", "rate", "avg(.x)", "collect(.x)", "distinct(.x)", "n=count(.y)"];
    let ran = aggregate(&[&SECONDS[..], &all].concat(), &input);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((ran.status, lines.len()), (0, 5), "{ran:?}");
    let fields =
        r#""count":0,"sum_x":0,"rate":0,"avg_x":null,"collect_x":[],"distinct_x":0,"n":0}"#;
    assert!(lines[1..4].iter().all(|line| line.ends_with(fields)), "{}", ran.stdout);
    let (start, end) = (time(4), time(5));
    let head = format!("{{\"window_start\":\"{start}\",\"window_end\":\"{end}\",");
    assert!(lines[1].starts_with(&head), "{}", lines[1]);
    // A sum of nulls stays null: there was a record.
    let nulls = "{\"t\":1,\"x\":null}\n{\"t\":3,\"x\":null}\n";
    let sums: Vec<String> = aggregate(&[&SECONDS[..], &["sum(.x)", "count"]].concat(), nulls)
        .good()
        .lines()
        .map(|line| line.split("\"sum_x\":").nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(sums, ["null,\"count\":1}", "0,\"count\":0}", "null,\"count\":1}"]);
    assert_eq!(aggregate(&[&SECONDS[..], &["count"]].concat(), "").good(), "");
}

#[test]
fn groups_are_reported_for_a_while_or_always() {
    let input = record(0, "b") + &record(1, "a") + &record(4, "a") + &record(9, "c");
    let by = [&SECONDS[..], &["--by", ".g", "count"]].concat();
    let with = |more: &[&str]| rows(aggregate(&[more, &by].concat(), &input));
    assert_eq!(
        with(&["--fill-for", "2s"]),
        [
            "00:00 b 1",
            "00:01 b 0",
            "00:01 a 1",
            "00:02 b 0",
            "00:02 a 0",
            "00:03 a 0",
            "00:04 a 1",
            "00:05 a 0",
            "00:06 a 0",
            "00:09 c 1",
        ]
    );

    assert_eq!(with(&["--fill-for", "0s"]), ["00:00 b 1", "00:01 a 1", "00:04 a 1", "00:09 c 1"]);
    let dir = tempfile::tempdir().unwrap();
    let listed = dir.path().join("groups.ndjson");
    fs::write(&listed, "{\"g\":\"z\",\"more\":1}\n\n{\"g\":\"a\"}\n{\"g\":\"z\"}").unwrap();
    let listed = ["--fill-groups", listed.to_str().unwrap(), "--tumbling", "5s"];
    let by = [&SECONDS[2..], &["--by", ".g", "count"]].concat();
    let with = |more: &[&str]| rows(aggregate(&[&listed[..], more, &by].concat(), &input));
    assert_eq!(
        with(&[]),
        ["00:00 z 0", "00:00 a 2", "00:00 b 1", "00:05 z 0", "00:05 a 0", "00:05 c 1"]
    );
    assert_eq!(
        with(&["--fill-for", "5s"]),
        ["00:00 z 0", "00:00 a 2", "00:00 b 1", "00:05 z 0", "00:05 a 0", "00:05 b 0", "00:05 c 1",]
    );
    assert_eq!(with(&["--having", ".count == 0"]), ["00:00 z 0", "00:05 z 0", "00:05 a 0"]);
    assert_eq!(with(&["--top", "1:count"]), ["00:00 a 2", "00:05 c 1"]);
}

#[test]
fn a_late_record_refines_a_window_that_had_none() {
    let input = record(0, "a") + &record(8, "a") + &record(2, "b") + &record(20, "a");
    let lateness = ["--out-of-order", "0s", "--allowed-lateness", "9s"];
    let by = ["--emit", "updates", "--by", ".g", "--fill-for", "3s", "count"];
    let given = rows(aggregate(&[&SECONDS[..], &lateness, &by].concat(), &input));
    let wanted = [
        "00:00 a 1 early",
        "00:08 a 1 early",
        "00:00 a 1 on_time",
        "00:01 a 0 on_time",
        "00:02 a 0 on_time",
        "00:03 a 0 on_time",
        "00:02 b 1 late",
        "00:20 a 1 early",
        "00:08 a 1 on_time",
        "00:09 a 0 on_time",
        "00:10 a 0 on_time",
        "00:11 a 0 on_time",
        "00:20 a 1 on_time",
    ];
    assert_eq!(given, wanted);
    // Where a window has one result, that has the record.
    let given = rows(aggregate(&[&SECONDS[..], &lateness, &by[2..]].concat(), &input));
    assert_eq!(
        given[..7],
        ["00:00 a 1", "00:01 a 0", "00:02 a 0", "00:02 b 1", "00:03 a 0", "00:03 b 0", "00:04 b 0"]
    );
}

/// Days begin when clocks show midnight, also where they have 23 or 25 hours; hours that are skipped
/// are in no window.
#[test]
fn windows_of_a_calendar_are_all_there_when_clocks_change() {
    let day = |day: &str, hours: usize| {
        let input = format!("{{\"t\":\"{day}T00:30:00\"}}\n{{\"t\":\"{day}T23:30:00\"}}\n");
        let common = ["--tz", "Europe/Berlin", "--time", ".t", "--fill", "count"];
        let count = |kind: &[&str]| {
            let lines = aggregate(&[kind, &common].concat(), &input).good();
            let ends = lines.lines().map(|line| line.split("\"window_end\":\"").nth(1).unwrap());
            let mut ends: Vec<String> = ends.map(|end| end[..20].to_owned()).collect();
            let count = ends.len();
            assert!(ends.is_sorted(), "{lines}");
            ends.dedup();
            assert_eq!(ends.len(), count, "{lines}");
            count
        };
        assert_eq!(count(&["--tumbling", "1h"]), hours, "{day}");
        assert_eq!(count(&["--cumulate", "1h", "--size", "1d"]), hours, "{day}");
        assert_eq!(count(&["--hop", "1h", "--size", "2h"]), hours + 1, "{day}");
        assert_eq!(count(&["--hop", "1d", "--size", "1w"]), 7, "{day}");
    };
    day("2024-03-30", 24);
    day("2024-03-31", 23);
    day("2024-10-27", 25);
    let input = "{\"t\":\"2024-01-31T00:00:00\"}\n{\"t\":\"2024-12-01T00:00:00\"}\n";
    let months = ["--tumbling", "1mo", "--tz", "Europe/Berlin", "--time", ".t", "--fill", "count"];
    assert_eq!(aggregate(&months, input).good().lines().count(), 12);
}

/// Disorder, ties, gaps; a few groups.
fn stream() -> String {
    let mut seed = 11_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut all, mut at_ms) = (String::new(), 1_700_000_000_000_u64);
    for _ in 0..400 {
        at_ms += random(900) + if random(30) == 0 { 60_000 } else { 0 };
        let time_ms = at_ms - random(4) * random(500);
        all.push_str(&format!("{{\"t\":{time_ms},\"g\":\"g{}\"}}\n", random(5)));
    }
    all
}

#[test]
fn all_other_rows_are_what_they_are_without_it_however_the_input_comes() {
    let stream = stream();
    let common = ["--time", ".t", "--by", ".g", "count", "first(.t)"];
    for kind in [
        &["--tumbling", "2s"][..],
        &["--hop", "1s", "--size", "5s"],
        &["--hop", "2s", "--size", "5s", "--expand"],
        &["--cumulate", "2s", "--size", "10s"],
        &["--tumbling", "1m", "--tz", "Asia/Kathmandu", "--allowed-lateness", "3s"],
    ] {
        let plain = aggregate(&[kind, &common].concat(), &stream).good();
        let arguments = [kind, &["--fill", "--fill-for", "2m"], &common].concat();
        let filled = aggregate(&arguments, &stream).good();
        let is_added = |line: &&str| line.contains("\"count\":0");
        assert!(filled.lines().filter(is_added).count() > 4, "{kind:?}");
        // Within a window, groups are in the order of the stream.
        let sorted = |lines: &mut dyn Iterator<Item = &str>| {
            let mut lines: Vec<String> = lines.map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let others = sorted(&mut filled.lines().filter(|line| !is_added(line)));
        assert_eq!(others, sorted(&mut plain.lines()), "{kind:?}");
        let command = [&["aggregate"], &arguments[..]].concat();
        let ran = pipe(&[&command], &stream, 777).pop().unwrap();
        assert_eq!((ran.status, ran.stdout == filled), (0, true), "{kind:?}");
    }
}

#[test]
fn a_wrong_time_does_not_fill_the_disk() {
    let input = record(0, "a") + "{\"t\":\"2031-01-01T00:00:07Z\"}\n" + &record(1, "a");
    let count = [&SECONDS[..], &["count"]].concat();
    let ran = aggregate(&count, &input);
    assert_eq!((ran.status, ran.stdout.lines().count() <= 100_001), (65, true));
    for part in ["advanced to 2031-01-01T00:00:07Z", "more than 100000 results", "--max-ahead"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    let windowed = run(&mut tool("window", &SECONDS[..4]), &input).stdout;
    let ran = aggregate(&["--fill", "--max-fill", "9", "count"], &windowed);
    assert_eq!((ran.status, ran.stdout.lines().count()), (65, 10));
    assert!(ran.stderr.contains("advanced to 2031-01-01T00:00:07Z"), "{}", ran.stderr);
    // At the end it is the last window that is too far away.
    let last = record(0, "a") + &record(4, "a");
    let ran = aggregate(&[&count[..], &["--max-fill", "2"]].concat(), &last);
    assert!(ran.status == 65 && ran.stderr.contains(&time(4)), "{}", ran.stderr);
    assert_eq!(aggregate(&[&count[..], &["--max-fill", "3"]].concat(), &last).status, 0);
    let rejects = tempfile::NamedTempFile::new().unwrap();
    let rejects = ["--max-ahead", "1h", "--rejects", rejects.path().to_str().unwrap()];
    let ran = aggregate(&[&count[..], &rejects].concat(), &input);
    assert_eq!((ran.status, ran.stdout.lines().count()), (65, 2), "{}", ran.stderr);
    let groups = ["--by", ".g", "--fill-for", "1h", "--max-groups", "2", "count"];
    let ran = aggregate(&[&SECONDS[..], &groups].concat(), &stream());
    assert!(ran.status == 65 && ran.stderr.contains("--max-groups"), "{}", ran.stderr);
}

#[test]
fn a_stream_that_was_cut_short_adds_nothing_after_its_watermark() {
    let input = record(0, "a") + &record(3, "a") + &record(30, "a") + &record(33, "a");
    let windowed = run(&mut tool("window", &SECONDS[..4]), &input).good();
    let cut = windowed.split("{\"@millstream\":{\"watermark\":\"end\"").next().unwrap();
    let ran = aggregate(&["--fill", "count"], cut);
    assert_eq!(ran.status, 65);
    // Five seconds are waited for: the watermark has passed second 27.
    assert_eq!(ran.stdout.lines().count(), 28, "{}", ran.stdout);
}

#[test]
fn the_slowest_partition_says_which_windows_are_over() {
    let control = |inside: &str| format!("{{\"@millstream\":{{{inside}}}}}\n");
    let turn = |number: u32| control(&format!("\"partition\":{number}"));
    let start = control("\"start\":{\"partitions\":[0,1]}");
    let input = start + &turn(0) + &record(0, "a") + &record(30, "a") + &turn(1) + &record(9, "a");
    let mut command = tool("aggregate", &[&SECONDS[..], &["count"]].concat());
    let ran = run(command.stdin(Stdio::piped()), &input);
    assert_eq!((ran.status, ran.stdout.lines().count()), (65, 4), "{}", ran.stdout);
    let ended = input + &control("\"partition_end\":1") + &control("\"end\":{}");
    let ran = aggregate(&[&SECONDS[..], &["count"]].concat(), &ended);
    assert_eq!((ran.status, ran.stdout.lines().count()), (0, 31), "{}", ran.stdout);
}

#[test]
fn a_dead_man_switch_reports_that_nothing_comes() {
    let window = ["--tumbling", "200ms", "--time", ".t", "--out-of-order", "0s", "--idle", "50ms"];
    let silent = ["--fill", "--having", ".count == 0", "count"];
    let one = [&["aggregate"], &window[..], &silent].concat();
    let apart = [&["window"], &window[..]].concat();
    for stages in [&[&one[..]][..], &[&apart, &[&["aggregate"], &silent[..]].concat()]] {
        let mut pipeline = Pipeline::start(stages);
        pipeline.send("{\"t\":\"2024-05-01T12:00:00.010Z\"}\n");
        for start in ["00.200Z", "00.400Z", "00.600Z"] {
            let line = pipeline.line();
            assert!(
                line.contains(&format!("\"window_start\":\"2024-05-01T12:00:{start}\"")),
                "{line}"
            );
        }
        // It may be again much later.
        pipeline.send("{\"t\":\"2024-05-01T12:30:00Z\"}\n");
        let until = "\"window_start\":\"2024-05-01T12:30:00.400Z\"";
        while !pipeline.line().contains(until) {}
        let left = pipeline.finish();
        assert!(left.iter().all(|ran| ran.status == 0), "{left:?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (empty, wrong) = (file("empty", "\n"), file("wrong", "{\"g\":1}\n{\"h\":1}\n"));
    let tumbling = ["--tumbling", "1s", "--time", ".t"];
    for (arguments, status, why) in [
        (vec!["--session", "1s", "--time", ".t"], 2, "a session is never without records"),
        (vec!["--count", "3"], 2, "a count window is never without records"),
        (vec!["--over", "3"], 2, "cannot be used with"),
        (vec![], 2, "the input is not windowed; run window before"),
        ([&tumbling[..], &["--by", ".g"]].concat(), 2, "add --fill-for DURATION"),
        ([&tumbling[..], &["--fill-groups", "f"]].concat(), 2, "--by"),
        ([&tumbling[..], &["--by", ".g", "--fill-groups", &empty]].concat(), 2, "no groups"),
        (
            [&tumbling[..], &["--by", ".g", "--fill-groups", &wrong]].concat(),
            2,
            "wrong:2: it has no field 'g', which --by gives to results",
        ),
        (
            [&tumbling[..], &["--by", ".g", "--fill-groups", "/no"]].concat(),
            74,
            "/no: No such file",
        ),
    ] {
        let ran = aggregate(&[&arguments[..], &["--fill", "count"]].concat(), "{\"t\":1}\n");
        assert!(ran.status == status && ran.stderr.contains(why), "{arguments:?}: {ran:?}");
    }
    for option in [["--fill-for", "1s"], ["--max-fill", "3"]] {
        let ran = aggregate(&[&tumbling[..], &option, &["count"]].concat(), "");
        assert!(ran.status == 2 && ran.stderr.contains("--fill"), "{option:?}: {ran:?}");
    }
    // A stream says itself that it has no such windows.
    let sessions = run(&mut tool("window", &["--session", "1s", "--time", ".t"]), "{\"t\":1}\n");
    assert_eq!(aggregate(&["--fill", "count"], &sessions.stdout).status, 2);
}

#[test]
fn a_group_that_was_forgotten_comes_in_the_order_of_its_window() {
    let records = "{\"t\":0,\"k\":\"c\"}\n{\"t\":1,\"k\":\"a\"}\n{\"t\":1000,\"k\":\"a\"}\n\
                   {\"t\":1001,\"k\":\"c\"}\n";
    let args = ["--tumbling", "10s", "--time", ".t", "--by", ".k", "count"];
    let plain = aggregate(&args, records).good();
    assert_eq!(
        aggregate(&[&args[..], &["--fill", "--fill-for", "0s"]].concat(), records).good(),
        plain
    );
}

#[test]
fn the_message_about_too_much_names_the_windows_also_at_the_first_watermark() {
    let args = ["--tumbling", "1d", "--time", ".t", "--fill", "--max-fill", "0", "count"];
    let ran = aggregate(&args, "{\"t\":1}\n{\"t\":9999999999}\n");
    assert_eq!(ran.status, 65);
    assert!(ran.stderr.contains("from 1970-01-02T00:00:00Z on"), "{}", ran.stderr);
}
