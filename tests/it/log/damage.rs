//! Logs whose files are missing or damaged: whoever reads or writes is told, and nobody gets less
//! than was acknowledged without a word.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::daemon::{Daemon, both_ways};
use crate::common::run_on;

/// A record of the test's topic.
fn record(number: u64) -> String {
    format!("{{\"i\":{number},\"pad\":\"pppppppppppppppppppppppppppppp\"}}\n")
}

/// A topic `t` of twelve records in segments from 0, 5 and 10, each record a batch.
fn twelve_records(dir: &Path) {
    assert_eq!(run_on(dir, "log-admin", &["create", "t", "--segment-bytes", "200"], "").status, 0);
    for number in 0..12 {
        let ran = run_on(dir, "produce", &["t"], record(number));
        assert_eq!(ran.status, 0, "{}", ran.stderr);
    }
}

fn file(dir: &Path, base: u64, kind: &str) -> PathBuf {
    dir.join("topics/t/0").join(format!("{base:020}.{kind}"))
}

/// Whoever asks for the records gets `whole` of them, and is told of damage at that offset.
fn is_damaged_behind(dir: &Path, whole: u64, what: &str) {
    let expected: String = (0..whole).map(record).collect();
    for args in [&["t"][..], &["t", "--no-verify"], &["t", "-f"], &["t", "--from", "0"]] {
        let ran = run_on(dir, "subscribe", args, "");
        assert_eq!(ran.status, 74, "{what}: {args:?}: {}", ran.stderr);
        let place = format!("t/0@{whole}: damaged: ");
        assert!(ran.stderr.contains(&place), "{what}: {args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, expected, "{what}: {args:?}");
    }
}

/// Both ways, and as a member of a group, which there is only with a daemon.
fn all_are_told(break_it: fn(&Path), whole: u64, what: &str) {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    twelve_records(dir);
    break_it(dir);
    let verified = run_on(dir, "log-admin", &["verify"], "");
    assert_eq!(verified.status, 1, "{what}: {}", verified.stdout);
    is_damaged_behind(dir, whole, what);
    let refused = run_on(dir, "produce", &["t"], "{}\n");
    assert_eq!(refused.status, 74, "{what}: {}", refused.stderr);
    assert!(refused.stderr.contains("damaged"), "{what}: {}", refused.stderr);

    let daemon = Daemon::start(dir, &[]);
    is_damaged_behind(dir, whole, what);
    let refused = run_on(dir, "produce", &["t"], "{}\n");
    assert_eq!(refused.status, 74, "{what}: {}", refused.stderr);
    for args in [&["t", "--group", "g"][..], &["t", "--group", "h", "-f", "--exec", "cat"]] {
        let member = run_on(dir, "subscribe", args, "");
        assert_eq!(member.status, 74, "{what}: {args:?}: {}", member.stderr);
        let expected: String = (0..whole).map(record).collect();
        assert_eq!(member.stdout, expected, "{what}: {args:?}");
    }
    let ended = daemon.terminate();
    assert_eq!(ended.status, 0, "{what}: {}", ended.stderr);
    let told = ended.stderr.lines().filter(|line| line.contains("damaged")).count();
    assert!((1..=3).contains(&told), "{what}: {}", ended.stderr);
    let again = run_on(dir, "log-admin", &["verify"], "");
    assert_eq!(again.stdout, verified.stdout, "{what}: the evidence is there as before");
}

#[test]
fn a_missing_active_segment_is_damage_for_everybody() {
    let remove = |dir: &Path| fs::remove_file(file(dir, 10, "ndjson")).unwrap();
    all_are_told(remove, 10, "active data missing");
}

#[test]
fn a_missing_middle_segment_is_damage_for_everybody() {
    let data = |dir: &Path| fs::remove_file(file(dir, 5, "ndjson")).unwrap();
    all_are_told(data, 5, "middle data missing");
    let both = |dir: &Path| {
        fs::remove_file(file(dir, 5, "ndjson")).unwrap();
        fs::remove_file(file(dir, 5, "index")).unwrap();
    };
    all_are_told(both, 5, "middle segment missing");
}

#[test]
fn damage_at_the_attested_tail_is_damage_for_everybody() {
    fn change(path: &Path, how: impl Fn(&mut Vec<u8>)) {
        let mut bytes = fs::read(path).unwrap();
        how(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
    let flip = |dir: &Path| change(&file(dir, 10, "index"), |index| index[128 + 64 + 4] ^= 1);
    all_are_told(flip, 11, "last entry flipped");
    let cut = |dir: &Path| {
        change(&file(dir, 10, "index"), |index| index.truncate(index.len() - 64));
    };
    all_are_told(cut, 11, "last entry cut off");
    let cut = |dir: &Path| change(&file(dir, 10, "ndjson"), |data| data.truncate(data.len() - 10));
    all_are_told(cut, 11, "data cut");
}

#[test]
fn the_last_records_of_a_damaged_end_are_not_others() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    twelve_records(dir);
    let index = file(dir, 10, "index");
    let mut bytes = fs::read(&index).unwrap();
    bytes[128 + 64 + 4] ^= 1;
    fs::write(&index, bytes).unwrap();
    for args in
        [&["t", "-n", "1"][..], &["t", "-n", "20"], &["t", "--from", "2100-01-01T00:00:00Z"]]
    {
        let ran = run_on(dir, "subscribe", args, "");
        assert_eq!((ran.status, ran.stdout.as_str()), (74, ""), "{args:?}: {}", ran.stderr);
    }
    let gap = tempfile::tempdir().unwrap();
    let gap = gap.path();
    twelve_records(gap);
    fs::remove_file(file(gap, 5, "ndjson")).unwrap();
    fs::remove_file(file(gap, 5, "index")).unwrap();
    let last = run_on(gap, "subscribe", &["t", "-n", "2"], "");
    assert_eq!((last.status, last.stdout), (0, record(10) + &record(11)));
    assert_eq!(run_on(gap, "subscribe", &["t", "-n", "3"], "").status, 74);
    assert_eq!(run_on(gap, "subscribe", &["t", "--from", "6"], "").status, 74);
}

#[test]
fn a_daemon_whose_directory_was_changed_for_another_does_not_spin() {
    let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let dir = one.path().join("log");
    twelve_records(&dir);
    let daemon = Daemon::start(&dir, &[]);
    let socket = one.path().join("away/socket");
    assert_eq!(run_on(&dir, "subscribe", &["t", "-n", "1"], "").status, 0);
    fs::rename(&dir, one.path().join("away")).unwrap();
    twelve_records(&other.path().join("log"));
    fs::remove_file(other.path().join("log/topics/t/0/00000000000000000005.ndjson")).unwrap();
    fs::remove_file(other.path().join("log/topics/t/0/00000000000000000005.index")).unwrap();
    fs::rename(other.path().join("log"), &dir).unwrap();
    std::os::unix::fs::symlink(&socket, dir.join("socket")).unwrap();
    let ran = run_on(&dir, "subscribe", &["t"], "");
    assert_eq!(ran.status, 74, "{}", ran.stderr);
    drop(daemon);
}

#[test]
fn whole_logs_read_the_same_both_ways() {
    both_ways(|dir| {
        twelve_records(dir);
        let expected: String = (0..12).map(record).collect();
        assert_eq!(run_on(dir, "subscribe", &["t"], "").stdout, expected);
        assert_eq!(
            run_on(dir, "subscribe", &["t", "-n", "3"], "").stdout,
            (9..12).map(record).collect::<String>()
        );
    });
}
