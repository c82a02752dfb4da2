//! Appending only what a topic does not have, through real processes: overlapping pages, producers
//! that race, daemons that are killed.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::{Guard, Ran, run_on, tool_on, wait_for};

fn admin(dir: &Path, args: &[&str]) -> Ran {
    run_on(dir, "log-admin", args, "")
}

#[track_caller]
fn ok(ran: Ran) -> String {
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stdout
}

fn ids(ids: impl IntoIterator<Item = u32>) -> String {
    ids.into_iter().map(|id| format!("{{\"id\":{id}}}\n")).collect()
}

fn held(dir: &Path) -> String {
    ok(run_on(dir, "subscribe", &["t"], ""))
}

/// The ids that the topic has, sorted.
fn held_ids(dir: &Path) -> Vec<u32> {
    let id = |line: &str| line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    let mut ids: Vec<u32> = held(dir).lines().map(id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_topic_with_the_setting_takes_each_key_once() {
    both_ways(|dir| {
        ok(admin(dir, &["create", "t", "--unique", ".id"]));
        let shown = ok(admin(dir, &["describe", "t"]));
        assert!(shown.contains("unique=.id"), "{shown}");
        for page in [0..10, 5..15, 0..20] {
            ok(run_on(dir, "produce", &["t"], ids(page)));
        }
        assert_eq!(held(dir), ids(0..20));
        let ran = run_on(dir, "produce", &["t"], "{\"id\":1}\n{\"id\":20}\n{\"n\":1}\n");
        assert_eq!(ran.status, 65);
        assert!(ran.stderr.contains("stdin:3: its unique key is null"), "{}", ran.stderr);
        assert_eq!(held(dir), ids(0..21));
    });
}

#[test]
fn the_setting_is_made_altered_and_taken_back() {
    both_ways(|dir| {
        ok(run_on(dir, "produce", &["t"], ids([1, 1, 2])));
        let within =
            ["alter", "t", "--unique", ".id", "--unique-within", "7d", "--max-unique", "9"];
        ok(admin(dir, &within));
        let shown = ok(admin(dir, &["describe", "t"]));
        for part in ["unique=.id", "unique-within=1w", "max-unique=9"] {
            assert!(shown.contains(part), "{shown}");
        }
        ok(run_on(dir, "produce", &["t"], ids(0..4)));
        assert_eq!(held(dir), ids([1, 1, 2, 0, 3]));
        let ran = run_on(dir, "produce", &["t"], ids(0..10));
        assert_eq!(ran.status, 65);
        assert!(ran.stderr.contains("more than 9 records"), "{}", ran.stderr);
        ok(admin(dir, &["alter", "t", "--unique-within", "default", "--unique-last", "2"]));
        ok(run_on(dir, "produce", &["t"], ids([0, 3, 1])));
        assert_eq!(held(dir), ids([1, 1, 2, 0, 3, 1]));
        let none = ["--unique", "default", "--unique-last", "default", "--max-unique", "default"];
        ok(admin(dir, &[&["alter", "t"][..], &none].concat()));
        ok(run_on(dir, "produce", &["t"], ids([1, 1])));
        assert_eq!(held(dir), ids([1, 1, 2, 0, 3, 1, 1, 1]));
        for (args, part) in [
            (&["--unique-last", "2"][..], "no effect without unique"),
            (&["--unique", ".id +"], "the unique key is not a jq expression"),
            (&["--unique", ".", "--unique-last", "2", "--unique-within", "1s"], "a duration or"),
            (&["--unique", ".", "--unique-last", "6", "--max-unique", "5"], "their maximum"),
            (&["--unique", ".", "--max-unique", "0"], "not a number from 1"),
        ] {
            let ran = admin(dir, &[&["alter", "t"], args].concat());
            assert_eq!(ran.status, 2, "{args:?}: {ran:?}");
            assert!(ran.stderr.contains(part), "{}", ran.stderr);
        }
    });
}

/// A producer that has begun, and what it is to append.
fn begin(dir: &Path, args: &[&str], input: &str) -> Guard {
    let file = dir.join(format!("{:x}", fs::read_dir(dir).unwrap().count()));
    fs::write(&file, input).unwrap();
    let args = [&["t"], args, &[file.to_str().unwrap()]].concat();
    Guard(tool_on(dir, "produce", &args).stderr(Stdio::null()).spawn().unwrap())
}

#[test]
fn of_producers_at_once_one_appends_a_key() {
    both_ways(|dir| {
        ok(admin(dir, &["create", "t", "--unique", ".id", "--partitions", "3"]));
        let page = |first: u32| ids(first..first + 300);
        let all: Vec<Guard> =
            (0..6).map(|number| begin(dir, &["--wait", "60s"], &page(number * 100))).collect();
        for mut one in all {
            assert!(one.0.wait().unwrap().success());
        }
        assert_eq!(held_ids(dir), (0..800).collect::<Vec<_>>());
    });
}

#[test]
fn a_daemon_that_is_killed_knows_the_keys_again() {
    let (dir, daemon) = Daemon::alone(&[]);
    let dir = dir.path();
    ok(admin(dir, &["create", "t", "--unique", ".id"]));
    ok(run_on(dir, "produce", &["t"], ids(0..10)));
    let mut child = tool_on(dir, "produce", &["t"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut child = Guard(child);
    input.write_all(ids(5..15).as_bytes()).unwrap();
    wait_for("the records", || (held(dir) == ids(0..15)).then_some(()));
    daemon.signal(Signal::SIGKILL);
    drop((input, daemon));
    child.0.wait().unwrap();
    let _again = Daemon::start(dir, &[]);
    ok(run_on(dir, "produce", &["t"], ids(0..20)));
    assert_eq!(held(dir), ids(0..20));
}
