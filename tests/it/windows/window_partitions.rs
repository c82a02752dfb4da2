//! Event time of topics with several partitions: what `subscribe --control` says of them, and what
//! `window` makes of it.

use std::path::Path;
use std::process::Stdio;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::live::follow;
use crate::common::{Guard, PATIENCE, run_on, tool};

/// A topic of three partitions. The first has a thousand seconds, appended before the hundred of
/// the second; the third is empty.
fn fill(dir: &Path) {
    let produce = |topic: &str, input: &str| {
        let args = [topic, "--partitions", "3", "--key", ".p"];
        assert_eq!(run_on(dir, "produce", &args, input).status, 0);
    };
    let keys: String = (0..50).map(|key| format!("{{\"p\":{key}}}\n")).collect();
    produce("keys", &keys);
    for (partition, seconds) in [("0", 1_000), ("1", 100)] {
        let there = run_on(dir, "subscribe", &["keys", "--partition", partition], "").stdout;
        let key = there.lines().next().unwrap().trim_end_matches('}');
        let records: String =
            (0..seconds).map(|second| format!("{key},\"t\":{second}}}\n")).collect();
        produce("t", &records);
    }
}

#[test]
fn a_replay_of_partitions_that_are_far_apart_loses_nothing() {
    both_ways(|dir| {
        fill(dir);
        let window = ["--tumbling", "100s", "--time", ".t", "--out-of-order", "0"];
        let counts = |subscribe: &[&str]| -> (Vec<String>, i32) {
            let records = run_on(dir, "subscribe", subscribe, "");
            assert_eq!(records.status, 0, "{records:?}");
            // Between the two, filter and map keep what is said in its place.
            let filtered = run_on(dir, "filter", &[".t != null"], &records.stdout);
            let mapped = run_on(dir, "map", &["--through", "cat"], &filtered.stdout);
            assert_eq!(mapped.status, 0, "{mapped:?}");
            let windowed = run_on(dir, "window", &window, &mapped.stdout);
            let counted = run_on(dir, "aggregate", &["count"], &windowed.stdout);
            let count = |line: &str| {
                let (_, behind) = line.split_once("\"count\":").unwrap();
                behind.trim_end_matches('}').to_owned()
            };
            (counted.stdout.lines().map(count).collect(), windowed.status)
        };
        let rest = ["100"; 9].map(str::to_owned);
        assert_eq!(counts(&["t", "--control"]), ([&["200".to_owned()], &rest[..]].concat(), 0));
        // Without being told of partitions, window takes those of the second for late.
        let (plain, status) = counts(&["t"]);
        assert_eq!((plain, status), ([&["100".to_owned()], &rest[..]].concat(), 65));
        let told = |subscribe: &[&str], way: &[&str]| {
            let records = run_on(dir, "subscribe", subscribe, "").stdout;
            run_on(dir, way[0], &[&way[1..], &window].concat(), &records).stderr
        };
        for way in [&["window"][..], &["aggregate", "count"]] {
            let why = told(&["t"], way);
            assert!(why.contains("several partitions of a topic, subscribe --control"), "{why}");
            assert_eq!(told(&["t", "--control"], way), "");
        }
    });
}

#[test]
fn partitions_are_named_as_they_come_and_end() {
    both_ways(|dir| {
        fill(dir);
        let said = |args: &[&str]| -> Vec<String> {
            let ran = run_on(dir, "subscribe", args, "");
            assert_eq!(ran.status, 0, "{ran:?}");
            let controls = ran.stdout.lines().filter(|line| line.starts_with("{\"@"));
            controls.map(str::to_owned).collect()
        };
        let control = |inside: &str| format!("{{\"@millstream\":{inside}}}");
        assert_eq!(
            said(&["t", "--control"]),
            [
                r#"{"start":{"trusted":true,"partitions":[0,1,2]}}"#,
                r#"{"partition_end":2}"#,
                r#"{"partition":0}"#,
                r#"{"partition_end":0}"#,
                r#"{"partition":1}"#,
                r#"{"partition_end":1}"#,
                r#"{"end":{}}"#,
            ]
            .map(control)
        );
        assert_eq!(
            said(&["t", "--control", "--partition", "1", "--until", "7"]),
            [
                r#"{"start":{"trusted":true,"partitions":[1]}}"#,
                r#"{"partition":1}"#,
                r#"{"partition_end":1}"#,
                r#"{"end":{}}"#,
            ]
            .map(control)
        );
        // The log takes none of it.
        let all = run_on(dir, "subscribe", &["t", "--control"], "").stdout;
        assert_eq!(run_on(dir, "produce", &["u"], &all).status, 0);
        assert_eq!(run_on(dir, "subscribe", &["u"], "").stdout.lines().count(), 1_100);
    });
}

#[test]
fn the_same_records_from_a_file_and_from_the_log_give_the_same_bytes() {
    both_ways(|dir| {
        let input: String =
            (0..500).map(|number| format!("{{\"t\":{}}}\n", number * 37 % 400)).collect();
        assert_eq!(run_on(dir, "produce", &["t"], &input).status, 0);
        let replay = run_on(dir, "subscribe", &["t"], "").stdout;
        let told = run_on(dir, "subscribe", &["t", "--control"], "").stdout;
        for kind in [
            ["--hop", "10s", "--size", "25s"].as_slice(),
            &["--cumulate", "10s", "--size", "60s", "--expand"],
            &["--session", "3s"],
            &["--tumbling", "15m", "--tz", "Asia/Kathmandu"],
        ] {
            let options = [kind, &["--time", ".t", "--out-of-order", "400s"]].concat();
            let windowed = |input: &str| run_on(dir, "window", &options, input);
            let from_file = windowed(&input);
            assert_eq!(from_file.status, 0, "{from_file:?}");
            assert_eq!(windowed(&replay).stdout, from_file.stdout);
            // One partition has the time of the whole stream.
            let start = "{\"@millstream\":{\"start\":{\"trusted\":true}}}\n";
            let end = "{\"@millstream\":{\"end\":{}}}\n";
            assert_eq!(windowed(&told).stdout, start.to_owned() + &from_file.stdout + end);
        }
    });
}

#[test]
fn an_empty_partition_of_a_followed_topic_holds_nothing_up_for_long() {
    let dir = tempfile::tempdir().unwrap();
    let _daemon = Daemon::start(dir.path(), &[]);
    fill(dir.path());
    let mut subscribe = tool("subscribe", &["t", "-f", "--control"]);
    subscribe.env("MILLSTREAM_DIR", dir.path()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut subscribe = Guard(subscribe.spawn().unwrap());
    let options = ["--tumbling", "100s", "--time", ".t", "--out-of-order", "0", "--idle", "50ms"];
    let mut window = tool("window", &options);
    window.stdin(Stdio::from(subscribe.0.stdout.take().unwrap())).stdout(Stdio::piped());
    let mut window = Guard(window.spawn().unwrap());
    let mut count = tool("aggregate", &["count"]);
    count.stdin(Stdio::from(window.0.stdout.take().unwrap())).stdout(Stdio::piped());
    let mut count = Guard(count.spawn().unwrap());
    let results = follow(count.0.stdout.take().unwrap());
    let first = results.recv_timeout(PATIENCE).unwrap();
    assert!(first.starts_with("{\"window_start\":\"1970-01-01T00:00:00Z\","), "{first}");
}
