//! Compaction, through real processes: of each key the last record stays, whoever reads, and whoever
//! is killed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::daemon::{Daemon, both_ways};
use crate::common::live::Pipeline;
use crate::common::{Ran, run_on, wait_for};
use nix::sys::signal::Signal;

fn admin(dir: &Path, args: &[&str]) -> Ran {
    run_on(dir, "log-admin", args, "")
}

#[track_caller]
fn ok(ran: Ran) -> String {
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stdout
}

/// The files of the topic `t`'s only partition, sorted.
fn files(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir.join("topics/t/0")).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Which of the files are data that was written anew.
fn rewritten(dir: &Path) -> usize {
    let is_rewritten = |name: &&String| name.ends_with(".ndjson") && name.len() > 27;
    files(dir).iter().filter(is_rewritten).count()
}

/// So many records of `keys` keys, with growing numbers.
fn records(numbers: std::ops::Range<usize>, keys: usize) -> String {
    numbers.map(|number| format!("{{\"k\":{},\"n\":{number}}}\n", number * 7 % keys)).collect()
}

/// Of each key the last of these lines, in their order.
fn last_of_each(lines: &str) -> String {
    let key = |line: &str| line.split(',').next().unwrap().to_owned();
    let mut seen = std::collections::HashSet::new();
    let mut kept: Vec<&str> = lines.lines().rev().filter(|line| seen.insert(key(line))).collect();
    kept.reverse();
    kept.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_topic_is_compacted_by_hand_and_offsets_stay() {
    both_ways(|dir| {
        let create = ["create", "t", "--key", ".k", "--compact", "--tombstone", ".gone"];
        ok(admin(dir, &create));
        let shown = ok(admin(dir, &["describe", "t"]));
        assert!(shown.contains("compact true") && shown.contains("tombstone .gone"), "{shown}");
        let lines =
            "{\"k\":1,\"n\":0}\n{\"k\":2}\n{\"k\":1,\"n\":2}\n{\"k\":2,\"gone\":1}\n{\"k\":3}\n";
        ok(run_on(dir, "produce", &["t"], lines));
        let nothing = ok(admin(dir, &["compact", "t", "--json"]));
        let row = |segments, records, bytes| {
            format!(
                "{{\"topic\":\"t\",\"partition\":0,\"segments\":{segments},\
                 \"records\":{records},\"bytes\":{bytes}}}\n"
            )
        };
        // All is in the active segment, which is not touched unless it is closed first.
        assert_eq!(nothing, row(0, 0, 0));
        let nothing = admin(dir, &["compact", "t"]);
        assert!(nothing.status == 0 && nothing.stderr.contains("--close also"), "{nothing:?}");
        assert_eq!(ok(admin(dir, &["compact", "t", "--close", "--json"])), row(1, 2, 20));
        let kept = "{\"k\":1,\"n\":2}\n{\"k\":2,\"gone\":1}\n{\"k\":3}\n";
        assert_eq!(ok(run_on(dir, "subscribe", &["t"], "")), kept);
        let data = fs::read_to_string(dir.join("topics/t/0/00000000000000000000.1.ndjson"));
        assert_eq!(data.unwrap(), format!("\n\n{kept}"));
        // A place where there is no record any more is that of the next one.
        for from in ["1", "2"] {
            assert_eq!(ok(run_on(dir, "subscribe", &["t", "--from", from], "")), kept);
        }
        assert_eq!(ok(run_on(dir, "subscribe", &["t", "--until", "2"], "")), "");
        assert_eq!(ok(run_on(dir, "subscribe", &["t", "-n", "3"], "")), kept);
        let meta = ok(run_on(dir, "subscribe", &["t", "-n", "3", "--meta"], ""));
        let offsets: Vec<&str> =
            meta.lines().filter_map(|line| line.split("\"offset\":").nth(1)?.get(..1)).collect();
        assert_eq!(offsets, ["2", "3", "4"]);
        ok(admin(dir, &["alter", "t", "--tombstone-age", "0s"]));
        // A daemon may have done it by itself meanwhile.
        ok(admin(dir, &["compact", "t"]));
        let left = "{\"k\":1,\"n\":2}\n{\"k\":3}\n";
        assert_eq!(ok(run_on(dir, "subscribe", &["t"], "")), left);
        ok(run_on(dir, "produce", &["t"], "{\"k\":4}\n"));
        let more = ok(run_on(dir, "subscribe", &["t", "--from", "3"], ""));
        assert_eq!(more, "{\"k\":3}\n{\"k\":4}\n");
    });
}

#[test]
fn what_cannot_be_compacted_is_refused_with_the_reason() {
    both_ways(|dir| {
        ok(admin(dir, &["create", "keyless"]));
        ok(admin(dir, &["create", "t", "--key", ".k"]));
        let cases: [(&[&str], &str); 12] = [
            (&["create", "u", "--compact"], "no key"),
            (&["alter", "keyless", "--compact"], "no key"),
            (&["compact", "keyless"], "no key"),
            (&["compact", "t"], "--compact"),
            (&["alter", "t", "--tombstone", ".gone"], "without compact"),
            (
                &["alter", "t", "--compact", "--tombstone", ".gone +"],
                "the tombstone is not a jq expression",
            ),
            (&["alter", "t", "--compact", "--tombstone", ".gone = true"], "did you mean '=='?"),
            (&["create", "u", "--key", ".k", "--compact", "--tombstone", "1"], "always true"),
            (
                &["create", "u", "--key", ".k", "--compact", "--tombstone", "select(.gone = true)"],
                "did you mean '=='?",
            ),
            (&["create", "u", "--key", ".k", "--compact", "--tombstone", "{}"], "always true"),
            (&["create", "u", "--key", ".k", "--compact", "--tombstone", "true"], "every record"),
            (&["alter", "t", "--compact", "--tombstone-age", "1h"], "without a tombstone"),
        ];
        for (args, message) in cases {
            let ran = admin(dir, args);
            assert_eq!(ran.status, 2, "{args:?}: {ran:?}");
            assert!(ran.stderr.contains(message), "{args:?}: {ran:?}");
        }
        assert_eq!(admin(dir, &["compact", "nosuch"]).status, 69);
        ok(admin(dir, &["alter", "t", "--compact", "--tombstone", ".gone"]));
        ok(admin(dir, &["alter", "t", "--compact=default", "--tombstone", "default"]));
        let shown = ok(admin(dir, &["describe", "t"]));
        assert!(!shown.contains("compact") && !shown.contains("tombstone"), "{shown}");
    });
}

/// A daemon, and a topic that is compacted by itself.
fn with_topic(segment_bytes: &str) -> (tempfile::TempDir, Daemon) {
    let (dir, daemon) = Daemon::alone(&[]);
    let create = ["create", "t", "--key", ".k", "--compact", "--segment-bytes", segment_bytes];
    ok(admin(dir.path(), &create));
    (dir, daemon)
}

#[test]
fn the_daemon_compacts_by_itself_while_others_read_and_write() {
    let (dir, daemon) = with_topic("2KiB");
    let path = dir.path();
    let follow = ["subscribe", "t", "-f", "--data", path.to_str().unwrap()];
    let follower = Pipeline::start(&[&follow]);
    let mut all = String::new();
    for round in 0..20 {
        let lines = records(round * 100..round * 100 + 100, 10);
        ok(run_on(path, "produce", &["t"], &lines));
        all += &lines;
    }
    wait_for("segments to be compacted", || (rewritten(path) > 5).then_some(()));
    // Its last line is everybody's last; what it missed before has a later record of its key.
    let mut followed = Vec::new();
    while followed.last().map(String::as_str) != all.lines().last() {
        followed.push(follower.line());
    }
    let mut rest = all.lines();
    assert!(followed.iter().all(|line| rest.any(|other| other == line)), "in their order");
    assert_eq!(last_of_each(&(followed.join("\n") + "\n")), last_of_each(&all));
    let now = ok(run_on(path, "subscribe", &["t"], ""));
    assert_eq!(last_of_each(&now), last_of_each(&all));
    assert!(now.lines().count() < 1500, "{}", now.lines().count());
    ok(admin(path, &["compact", "t", "--close"]));
    assert_eq!(ok(run_on(path, "subscribe", &["t"], "")), last_of_each(&all));
    follower.signal(0, Signal::SIGINT);
    assert_eq!(daemon.terminate().status, 0);
    ok(admin(path, &["verify"]));
    // The same files, without a daemon.
    assert_eq!(ok(run_on(path, "subscribe", &["t"], "")), last_of_each(&all));
}

#[test]
fn a_group_goes_on_behind_what_is_gone() {
    let (dir, daemon) = with_topic("1KiB");
    let path = dir.path();
    let group = ["t", "--group", "g"];
    ok(run_on(path, "produce", &["t"], records(0..50, 3)));
    ok(admin(path, &["reset", "g", "t", "--to", "20"]));
    ok(admin(path, &["compact", "t", "--close"]));
    let last = last_of_each(&records(0..50, 3));
    assert_eq!(ok(run_on(path, "subscribe", &group, "")), last);
    assert_eq!(ok(run_on(path, "subscribe", &group, "")), "");
    let listed = ok(admin(path, &["groups", "g", "--json"]));
    assert!(listed.contains("\"committed\":50,\"end\":50,\"lag\":0"), "{listed}");
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn compaction_that_is_killed_is_taken_up_again() {
    let (dir, mut daemon) = Daemon::alone(&[]);
    let path: PathBuf = dir.path().to_owned();
    ok(admin(&path, &["create", "t", "--key", ".k", "--segment-bytes", "64KiB"]));
    let all = records(0..250_000, 500);
    ok(run_on(&path, "produce", &["t"], &all));
    let segments = files(&path).len() / 2;
    assert!(segments > 10, "{segments}");
    ok(admin(&path, &["alter", "t", "--compact"]));
    for kills in 1.. {
        // All but the last two: the active one, and one that may hold nothing that has to go.
        let target = (kills * 4).min(segments - 2);
        wait_for("some segments to be compacted", || (rewritten(&path) >= target).then_some(()));
        daemon.signal(Signal::SIGKILL);
        assert_eq!(daemon.end().status, 137);
        let verified = admin(&path, &["verify"]);
        assert_eq!(verified.status, 0, "{verified:?}");
        let there = ok(run_on(&path, "subscribe", &["t"], ""));
        assert_eq!(last_of_each(&there), last_of_each(&all));
        if target == segments - 2 {
            break;
        }
        daemon = Daemon::start(&path, &[]);
    }
    ok(admin(&path, &["compact", "t", "--close"]));
    assert_eq!(ok(run_on(&path, "subscribe", &["t"], "")), last_of_each(&all));
    let left: Vec<String> = files(&path);
    assert!(left.iter().all(|name| !name.ends_with(".tmp")), "{left:?}");
    let bases: std::collections::BTreeSet<&str> = left.iter().map(|name| &name[..20]).collect();
    assert_eq!(left.len(), bases.len() * 2, "{left:?}");
}
