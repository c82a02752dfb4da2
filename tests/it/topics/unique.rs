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
        assert!(shown.contains("unique .id"), "{shown}");
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
        for part in ["unique .id", "unique-within 7d", "max-unique 9"] {
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

/// Appends what is new of a page of JSON; gives what is said of it.
#[track_caller]
fn fetch(dir: &Path, args: &[&str], page: impl IntoIterator<Item = u32>) -> String {
    let items: Vec<String> = ids(page).lines().map(str::to_owned).collect();
    let args = [&["t", "--from", "json", "-v"], args].concat();
    let ran = run_on(dir, "produce", &args, format!("[\n{}\n]\n", items.join(",")));
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stderr
}

#[test]
fn overlapping_pages_are_appended_once() {
    both_ways(|dir| {
        let args = ["--unique", ".id", "--within", "7d"];
        let said = fetch(dir, &args, 0..30);
        assert_eq!(said, "produce: 30 records appended to t\nproduce: t/0: 0..30\n");
        let said = fetch(dir, &args, 20..50);
        let wanted = "produce: 20 records appended to t\n\
                      produce: 10 records skipped, because t has the same key\n\
                      produce: t/0: 30..50\n";
        assert_eq!(said, wanted);
        let said = fetch(dir, &args, 30..50);
        let wanted = "produce: 0 records appended to t\n\
                      produce: 20 records skipped, because t has the same key\n";
        assert_eq!(said, wanted);
        assert_eq!(held(dir), ids(0..50));
        // Only what is asked for: others append what they like, and that counts.
        ok(run_on(dir, "produce", &["t"], ids([7, 60])));
        fetch(dir, &["--unique", "[.id]"], [7, 60, 61]);
        fetch(dir, &["--unique", ".id", "--last", "2"], [60, 61, 7]);
        assert_eq!(held(dir), ids(0..50) + &ids([7, 60, 61, 7]));
    });
}

#[test]
fn offsets_are_told_by_partition() {
    both_ways(|dir| {
        let args = ["--partitions", "3", "--key", ".id", "--unique", ".id"];
        let said = fetch(dir, &args, 0..20);
        let counts: Vec<u64> = said
            .lines()
            .filter_map(|line| line.strip_prefix("produce: t/")?.split_once(": 0.."))
            .map(|(_, end)| end.parse().unwrap())
            .collect();
        assert_eq!((counts.len(), counts.iter().sum()), (3, 20), "{said}");
    });
}

#[test]
fn mistakes_are_told_before_there_is_a_topic() {
    both_ways(|dir| {
        for (args, part) in [
            (&["--unique", ".id +"][..], "--unique"),
            (&["--unique", ".", "--last", "9", "--max-unique", "5"], "their maximum"),
            (&["--unique", ".", "--last", "9", "--within", "1s"], "cannot be used with"),
            (&["--within", "1s"], "--unique"),
            (&["--unique", ".", "--last", "0"], "not in 1.."),
        ] {
            let ran = run_on(dir, "produce", &[&["t"], args].concat(), "1\n");
            assert_eq!(ran.status, 2, "{args:?}: {ran:?}");
            assert!(ran.stderr.contains(part), "{}", ran.stderr);
        }
        assert_eq!(run_on(dir, "subscribe", &["t"], "").status, 69);
        let few = ["t", "--unique", ".id", "--max-unique", "3"];
        ok(run_on(dir, "produce", &few, ids(0..3)));
        let ran = run_on(dir, "produce", &few, ids(0..4));
        assert_eq!(ran.status, 65);
        assert!(ran.stderr.contains("more than 3 records"), "{}", ran.stderr);
        assert_eq!(held(dir), ids(0..3));
    });
}

#[test]
fn a_producer_goes_on_when_the_daemon_was_killed() {
    let (dir, mut daemon) = Daemon::alone(&[]);
    let dir = dir.path();
    ok(admin(dir, &["create", "t"]));
    let args = ["t", "--unique", ".id", "--within", "7d", "--reconnect", "30s"];
    let mut child =
        tool_on(dir, "produce", &args).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut child = Guard(child);
    for round in 0..5 {
        let first = round * 400;
        for page in 0..40 {
            // Each page has half of the one before.
            let page = first + page * 10;
            input.write_all(ids(page..page + 20).as_bytes()).unwrap();
        }
        // Others are under way.
        let begun = || held(dir).contains(&ids([first])).then_some(());
        wait_for("the first of these records", begun);
        daemon.signal(Signal::SIGKILL);
        drop(daemon.end());
        daemon = Daemon::start(dir, &[]);
    }
    drop(input);
    assert!(child.0.wait().unwrap().success());
    assert_eq!(held(dir), ids(0..2010));
}

#[test]
fn a_named_producer_counts_what_is_skipped() {
    both_ways(|dir| {
        let args = ["t", "--unique", ".id", "--producer", "p", "-v"];
        let ran = run_on(dir, "produce", &args, ids([1, 1, 2]));
        assert!(ran.stderr.contains("2 records appended to t"), "{ran:?}");
        let ran = run_on(dir, "produce", &args, ids([1, 1, 2, 2, 3]));
        assert_eq!(ran.status, 0, "{ran:?}");
        assert!(ran.stderr.contains("3 records of the input were already"), "{ran:?}");
        assert_eq!(held(dir), ids([1, 2, 3]));
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
fn of_producers_that_ask_for_it_at_once_one_appends_a_key() {
    both_ways(|dir| {
        ok(admin(dir, &["create", "t"]));
        let page = |first: u32| ids(first..first + 300);
        let args = ["--wait", "60s", "--unique", ".id"];
        let all: Vec<Guard> = (0..6).map(|number| begin(dir, &args, &page(number * 100))).collect();
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

#[test]
fn keys_are_kept_in_a_file_that_may_be_deleted() {
    both_ways(|dir| {
        ok(admin(dir, &["create", "t", "--unique", ".id", "--fsync", "never"]));
        let files = || {
            let names = fs::read_dir(dir.join("topics/t")).unwrap();
            let paths = names.map(|entry| entry.unwrap().path());
            paths.filter(|path| path.extension().is_some_and(|it| it == "keys")).collect::<Vec<_>>()
        };
        ok(run_on(dir, "produce", &["t"], ids(0..20_000)));
        let saved = wait_for("the file", || files().into_iter().next());
        ok(run_on(dir, "produce", &["t"], ids(10_000..20_010)));
        assert_eq!(held_ids(dir).len(), 20_010);
        fs::remove_file(saved).unwrap();
        ok(run_on(dir, "produce", &["t"], ids(0..20_020)));
        assert_eq!(held_ids(dir), (0..20_020).collect::<Vec<_>>());
    });
}

#[test]
fn files_that_are_resumed_append_only_what_is_new() {
    both_ways(|dir| {
        let file = dir.join("log");
        let resume = || {
            let args = ["t", "--unique", ".id", "--resume", "-v", file.to_str().unwrap()];
            let ran = run_on(dir, "produce", &args, "");
            assert_eq!(ran.status, 0, "{ran:?}");
            ran.stderr
        };
        fs::write(&file, ids([1, 2, 1])).unwrap();
        let said = resume();
        let wanted = "produce: 2 records appended to t\n\
                      produce: 1 record skipped, because t has the same key\n\
                      produce: t/0: 0..2\n";
        assert_eq!(said, wanted);
        fs::write(&file, ids([1, 2, 1, 2, 3])).unwrap();
        assert!(resume().contains("produce: t/0: 2..3\n"));
        assert_eq!(held(dir), ids(1..4));
    });
}

#[test]
fn lines_that_the_log_reads_are_counted_though_they_are_skipped() {
    let (dir, _daemon) = Daemon::alone(&[]);
    let dir = dir.path();
    ok(admin(dir, &["create", "t", "--unique", ".id"]));
    let mut command = tool_on(dir, "produce", &["t"]);
    let child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = Guard(child);
    let mut input = child.0.stdin.take().unwrap();
    for (lines, wanted) in [([1, 1], 2), ([1, 2], 3), ([1, 3], 4), ([2, 4], 5)] {
        input.write_all(ids(lines).as_bytes()).unwrap();
        wait_for("the records", || (held(dir) == ids(1..wanted)).then_some(()));
    }
    input.write_all(b"x\n").unwrap();
    drop(input);
    assert_eq!(child.0.wait().unwrap().code(), Some(65));
    let said = std::io::read_to_string(child.0.stderr.take().unwrap()).unwrap();
    assert!(said.contains("stdin:9: "), "{said}");
}
