//! Followers, over restarts of the daemon and changes of the topic: nothing is missed, and nothing
//! comes twice.

use std::path::Path;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::live::Pipeline;
use crate::common::run_on;
use nix::sys::signal::Signal;

fn ok(dir: &Path, name: &str, args: &[&str], input: &str) {
    let ran = run_on(dir, name, args, input);
    assert_eq!(ran.status, 0, "{ran:?}");
}

fn numbers(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("{number}\n")).collect()
}

fn follow(dir: &Path, args: &[&str]) -> Pipeline {
    let mut all = vec!["subscribe", "t", "-f", "--data", dir.to_str().unwrap()];
    all.extend(args);
    Pipeline::start(&[&all])
}

fn read(follower: &Pipeline, numbers: std::ops::Range<u32>) {
    numbers.for_each(|number| assert_eq!(follower.line(), number.to_string()));
}

/// Appends and reads one by one, so that a daemon that was lent our output writes there itself.
fn one_by_one(dir: &Path, follower: &Pipeline, range: std::ops::Range<u32>) {
    for number in range {
        ok(dir, "produce", &["t"], &numbers(number..number + 1));
        read(follower, number..number + 1);
    }
}

#[test]
fn a_follower_goes_on_when_the_daemon_is_back() {
    let killed_too = [
        (&[][..], Signal::SIGTERM),
        (&["--reconnect", "30s"], Signal::SIGTERM),
        (&["--reconnect", "30s"], Signal::SIGKILL),
        (&["--control"], Signal::SIGKILL),
        (&["--meta"], Signal::SIGKILL),
    ];
    for (args, signal) in killed_too {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(dir.path(), &[]);
        ok(dir.path(), "log-admin", &["create", "t", "--partitions", "2"], "");
        let follower = follow(dir.path(), args);
        let next = |number: u32| {
            ok(dir.path(), "produce", &["t"], &numbers(number..number + 1));
            loop {
                let line = follower.line();
                if !line.contains("@millstream") {
                    let record = line.rsplit_once("\"record\":").map_or(&*line, |(_, it)| it);
                    assert_eq!(record.trim_end_matches('}'), number.to_string());
                    break;
                }
            }
        };
        (0..10).for_each(next);
        daemon.signal(signal);
        drop(daemon.end());
        // Without a daemon the files are written; the follower still waits.
        ok(dir.path(), "produce", &["t"], "10\n");
        let daemon = Daemon::start(dir.path(), &[]);
        let line = follower.line();
        assert!(line.contains("10") || line.contains("@millstream"), "{line}");
        (if line.contains("@millstream") { follower.line() } else { line });
        (11..20).for_each(next);
        assert_eq!(daemon.terminate().status, 0);
        follower.signal(0, Signal::SIGTERM);
        let ended = follower.finish();
        assert_eq!(ended[0].status, 0, "{ended:?}");
        assert!(ended[0].stderr.contains("waiting up to 30s"), "{ended:?}");
    }
}

#[test]
fn a_killed_daemon_that_wrote_to_the_output_itself_is_an_error() {
    let (dir, daemon, _talk) = Daemon::with_topic(&[]);
    let follower = follow(dir.path(), &[]);
    one_by_one(dir.path(), &follower, 0..20);
    daemon.signal(Signal::SIGKILL);
    drop(daemon.end());
    let ended = follower.finish();
    assert_eq!(ended[0].status, 69, "{ended:?}");
    assert!(ended[0].stderr.contains("--reconnect D"), "{ended:?}");
}

#[test]
fn a_follower_that_waits_in_vain_ends_with_an_error() {
    for (patience, part) in
        [("0", "shutting down"), ("100ms", "was not started again within 100ms")]
    {
        let (dir, daemon, _talk) = Daemon::with_topic(&[]);
        let follower = follow(dir.path(), &["--reconnect", patience]);
        one_by_one(dir.path(), &follower, 0..2);
        assert_eq!(daemon.terminate().status, 0);
        let ended = follower.finish();
        assert!([69, 75].contains(&ended[0].status), "{ended:?}");
        assert!(ended[0].stderr.contains(part), "{ended:?}");
    }
}

#[test]
fn who_asks_for_it_waits_for_the_topic() {
    both_ways(|dir| {
        let missing = run_on(dir, "subscribe", &["t", "-f"], "");
        assert_eq!(missing.status, 69, "{missing:?}");
        let follower = follow(dir, &["--reconnect", "1h"]);
        ok(dir, "produce", &["t"], "0\n");
        read(&follower, 0..1);
        follower.signal(0, Signal::SIGTERM);
        assert_eq!(follower.finish()[0].status, 0);
    });
}

#[test]
fn partitions_that_are_added_are_followed_from_their_first_record() {
    for args in [&[][..], &["--reconnect", "30s"], &["--control"]] {
        both_ways(|dir| {
            ok(dir, "log-admin", &["create", "t"], "");
            let follower = follow(dir, args);
            ok(dir, "produce", &["t"], &numbers(0..1));
            let line = || loop {
                let line = follower.line();
                if !line.contains("@millstream") {
                    break line;
                }
            };
            assert_eq!(line(), "0");
            for partitions in ["3", "5"] {
                ok(dir, "log-admin", &["alter", "t", "--partitions", partitions], "");
                let mut seen = Vec::new();
                for number in 1..12 {
                    ok(dir, "produce", &["t"], &numbers(number..number + 1));
                    seen.push(line().parse::<u32>().unwrap());
                }
                assert_eq!(seen, (1..12).collect::<Vec<_>>());
            }
            follower.signal(0, Signal::SIGTERM);
            assert_eq!(follower.finish()[0].status, 0);
        });
    }
}

#[test]
fn an_added_partition_is_announced() {
    both_ways(|dir| {
        ok(dir, "log-admin", &["create", "t"], "");
        let follower = follow(dir, &["--control"]);
        assert!(follower.line().contains("\"partitions\":[0]"));
        ok(dir, "log-admin", &["alter", "t", "--partitions", "2"], "");
        ok(dir, "produce", &["t"], "0\n");
        ok(dir, "produce", &["t"], "1\n");
        let mut said = String::new();
        while !(said.contains("\n0\n") && said.contains("\n1\n")) {
            said += &format!("{}\n", follower.line());
        }
        let start = said.find("\"partitions\":[0,1]").expect("it begins anew");
        let added = said.find("\"partition\":1").expect("it is named");
        assert!(start < added, "{said}");
        follower.signal(0, Signal::SIGTERM);
        assert_eq!(follower.finish()[0].status, 0);
    });
}

#[test]
fn a_follower_of_a_topic_that_is_deleted_is_told() {
    both_ways(|dir| {
        ok(dir, "produce", &["t"], "0\n");
        let follower = follow(dir, &[]);
        read(&follower, 0..1);
        ok(dir, "log-admin", &["delete", "t"], "");
        let ended = follower.finish();
        assert_eq!(ended[0].status, 69, "{ended:?}");
        assert!(ended[0].stderr.contains("t: no such topic"), "{ended:?}");
    });
}

#[test]
fn the_last_n_are_n_while_others_append() {
    both_ways(|dir| {
        ok(dir, "log-admin", &["create", "t", "--fsync", "never"], "");
        ok(dir, "produce", &["t"], &numbers(0..10));
        let data = dir.to_str().unwrap();
        let mut writer = Pipeline::start(&[&["produce", "t", "--data", data]]);
        for number in 0..30 {
            writer.send(format!("{number}\n").repeat(50));
            let last = run_on(dir, "subscribe", &["t", "-n", "7"], "");
            assert_eq!((last.status, last.stdout.lines().count()), (0, 7), "{last:?}");
        }
        assert_eq!(writer.finish()[0].status, 0);
    });
}

#[test]
fn one_signal_ends_a_subscriber_whose_daemon_is_stopped() {
    let (dir, daemon, _talk) = Daemon::with_topic(&[]);
    daemon.freeze();
    let data = dir.path().to_str().unwrap();
    for (args, status) in [(&["-f"][..], 0), (&["-f", "--group", "g"], 0), (&[], 128 + 15)] {
        let subscriber = Pipeline::start(&[&[&["subscribe", "t", "--data", data], args].concat()]);
        subscriber.signal(0, Signal::SIGTERM);
        let ended = subscriber.finish();
        assert_eq!(ended[0].status, status, "{args:?}: {ended:?}");
        assert_eq!(ended[0].stderr, "", "{args:?}");
    }
}
