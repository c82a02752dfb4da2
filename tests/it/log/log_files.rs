//! The small files of a log and what lies beside them: damaged, missing, strange, or somebody
//! else's. None of it hides another topic, and none of it is written over.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::common::daemon::Daemon;
use crate::common::someone::{NOBODY, can_be_others, tool_as};
use crate::common::{self, Ran, run, run_on};

/// A log with the topics `a` and `b`, of two partitions by key, each with three records.
fn two_topics(dir: &Path) {
    for topic in ["a", "b"] {
        let args = ["create", topic, "--partitions", "2", "--key", ".k"];
        assert_eq!(run_on(dir, "log-admin", &args, "").status, 0);
        let records = "{\"k\":1}\n{\"k\":2}\n{\"k\":3}\n";
        assert_eq!(run_on(dir, "produce", &[topic], records).status, 0);
    }
}

fn settings(dir: &Path, topic: &str) -> PathBuf {
    dir.join("topics").join(topic).join("topic.json")
}

fn lines(ran: &Ran) -> usize {
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    ran.stdout.lines().count()
}

/// Whoever asks for `a` is told of its file, with this status; `b` is there for everybody.
fn only_a_is_refused(dir: &Path, status: i32, what: &str) {
    for (name, args) in [
        ("subscribe", &["a"][..]),
        ("produce", &["a"]),
        ("log-admin", &["describe", "a"]),
        ("log-admin", &["list"]),
    ] {
        let ran = run_on(dir, name, args, "{}\n");
        assert_eq!(ran.status, status, "{what}: {name} {args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("topics/a/topic.json: "), "{what}: {name}: {}", ran.stderr);
    }
    assert_eq!(lines(&run_on(dir, "subscribe", &["b"], "")), 3);
    let verified = run_on(dir, "log-admin", &["verify"], "");
    assert!(verified.stdout.lines().any(|line| line.starts_with("b ")), "{what}: {verified:?}");
}

#[test]
fn damaged_settings_hide_no_other_topic_and_are_repaired() {
    type Case = (&'static str, fn(&Path));
    let cases: [Case; 4] = [
        ("a bit flipped", |path| {
            let mut bytes = fs::read(path).unwrap();
            let at = bytes.windows(2).position(|two| two == b".k").unwrap();
            bytes[at + 1] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("cut", |path| fs::write(path, &fs::read(path).unwrap()[..30]).unwrap()),
        ("missing", |path| fs::remove_file(path).unwrap()),
    ];
    for (what, break_it) in cases {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        two_topics(dir);
        break_it(&settings(dir, "a"));
        only_a_is_refused(dir, 74, what);
        let daemon = Daemon::start(dir, &[]);
        for name in ["subscribe", "produce"] {
            let ran = run_on(dir, name, &["a"], "{}\n");
            assert_eq!(ran.status, 74, "{what}: {name}: {}", ran.stderr);
        }
        assert_eq!(lines(&run_on(dir, "subscribe", &["b"], "")), 3);
        assert_eq!(daemon.terminate().status, 0);
        let planned = run_on(dir, "log-admin", &["verify", "--repair", "--dry-run"], "");
        assert!(planned.stdout.contains("it has the 2 partitions"), "{what}: {planned:?}");
        let repaired = run_on(dir, "log-admin", &["verify", "--repair"], "");
        assert_eq!(repaired.status, 1, "{what}: {repaired:?}");
        assert!(repaired.stderr.contains("kept as they were"), "{what}: {}", repaired.stderr);
        assert_eq!(run_on(dir, "log-admin", &["verify"], "").status, 0, "{what}");
        assert_eq!(lines(&run_on(dir, "subscribe", &["a"], "")), 3, "{what}");
    }
}

#[test]
fn settings_of_another_version_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    two_topics(dir);
    let text = r#"{"version":2,"partitions":2}"#;
    fs::write(settings(dir, "a"), text).unwrap();
    only_a_is_refused(dir, 74, "another version");
    let repaired = run_on(dir, "log-admin", &["verify", "--repair"], "");
    assert_eq!(repaired.status, 74, "{repaired:?}");
    assert!(repaired.stderr.contains("it has version 2"), "{}", repaired.stderr);
    assert_eq!(fs::read_to_string(settings(dir, "a")).unwrap(), text);
}

#[test]
fn what_is_no_plain_file_is_not_waited_for_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    two_topics(dir);
    let path = settings(dir, "a");
    let kept = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    only_a_is_refused(dir, 74, "a pipe");
    fs::remove_file(&path).unwrap();
    let sparse = fs::File::create(&path).unwrap();
    sparse.set_len(10 << 30).unwrap();
    only_a_is_refused(dir, 74, "a sparse file");
    fs::write(&path, kept).unwrap();

    let victim = dir.join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, settings(dir, "b").with_extension("json.tmp")).unwrap();
    let altered = run_on(dir, "log-admin", &["alter", "b", "--retention", "7d"], "");
    assert_eq!(altered.status, 74, "{}", altered.stderr);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");

    fs::remove_file(dir.join("lock")).unwrap();
    nix::unistd::mkfifo(&dir.join("lock"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (name, args) in [("subscribe", ["a"]), ("produce", ["a"])] {
        let ran = run_on(dir, name, &args, "{}\n");
        assert_eq!(ran.status, 74, "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains("not a plain file"), "{name}: {}", ran.stderr);
    }
}

#[test]
fn strays_and_leftovers_keep_nobody_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    two_topics(dir);
    let topics = dir.join("topics");
    fs::create_dir(topics.join("notes")).unwrap();
    fs::write(topics.join("notes/text"), "mine").unwrap();
    fs::write(topics.join("README"), "mine").unwrap();
    fs::create_dir_all(topics.join(".old.deleted/0")).unwrap();
    let verified = run_on(dir, "log-admin", &["verify"], "");
    assert_eq!(verified.status, 0, "{verified:?}");
    for stray in ["topics/notes: not a topic", "topics/README: not a topic"] {
        assert!(verified.stderr.contains(stray), "{}", verified.stderr);
    }
    assert_eq!(lines(&run_on(dir, "log-admin", &["list"], "")), 3);
    let missing = run_on(dir, "subscribe", &["notes"], "");
    assert_eq!(missing.status, 69, "{}", missing.stderr);
    let in_the_way = run_on(dir, "produce", &["notes"], "{}\n");
    assert_eq!(in_the_way.status, 74, "{}", in_the_way.stderr);
    assert!(in_the_way.stderr.contains("this exists and is not a topic"), "{}", in_the_way.stderr);
    assert_eq!(fs::read_to_string(topics.join("notes/text")).unwrap(), "mine");
    assert!(!topics.join(".notes.tmp").exists() && !topics.join(".old.deleted").exists());
    let daemon = Daemon::start(dir, &[]);
    assert_eq!(lines(&run_on(dir, "subscribe", &["a"], "")), 3);
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn a_delete_that_fails_changes_nothing_and_keeps_nobody_out() {
    if !can_be_others() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let as_nobody =
        |name: &str, args: &[&str], input: &str| run(&mut tool_as(NOBODY, dir, name, args), input);
    let log = dir.join("log");
    fs::create_dir(&log).unwrap();
    std::os::unix::fs::chown(&log, Some(NOBODY.0), Some(NOBODY.1)).unwrap();
    for topic in ["mine", "rooted"] {
        let made = as_nobody("produce", &[topic], "{\"a\":1}\n");
        assert_eq!(made.status, 0, "{}", made.stderr);
    }
    let partition = log.join("topics/rooted/0");
    std::os::unix::fs::chown(&partition, Some(0), Some(0)).unwrap();
    let refused = as_nobody("log-admin", &["delete", "rooted"], "");
    assert_eq!(refused.status, 77, "{}", refused.stderr);
    assert!(refused.stderr.contains("topics/rooted/0: "), "{}", refused.stderr);
    assert!(partition.exists(), "it is there as before");
    // What an earlier program left half deleted.
    fs::rename(log.join("topics/rooted"), log.join("topics/.rooted.deleted")).unwrap();
    let other = as_nobody("produce", &["mine"], "{\"a\":2}\n");
    assert_eq!(other.status, 0, "{}", other.stderr);
    assert_eq!(as_nobody("log-admin", &["delete", "mine"], "").status, 0);
    let again = as_nobody("produce", &["rooted"], "{\"a\":2}\n");
    assert_eq!(again.status, 77, "{}", again.stderr);
    assert!(again.stderr.contains("remove it by hand"), "{}", again.stderr);
}

#[test]
fn a_log_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("new/log");
    let make = |umask: &str| {
        let script = format!("umask {umask}; exec \"$0\" t --producer p");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script]).arg(common::bin("produce")).env("MILLSTREAM_DIR", &log);
        assert_eq!(run(&mut command, "{\"a\":1}\n").status, 0);
    };
    make("000");
    let mut found = vec![log.clone()];
    let mut seen = 0;
    while let Some(path) = found.pop() {
        let metadata = fs::metadata(&path).unwrap();
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.mode() & 0o777, expected, "{}", path.display());
        if metadata.is_dir() {
            found.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        seen += 1;
    }
    assert!(seen > 6, "{seen}");
    // One that is open to all is closed by the next writer.
    let lock = log.join("lock");
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
    make("022");
    assert_eq!(fs::metadata(&lock).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn log_serve_shares_what_it_makes_if_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let daemon = Daemon::start(&log, &["--mode", "0640", "--socket-mode", "0660"]);
    assert_eq!(run_on(&log, "produce", &["t"], "{}\n").status, 0);
    let mode = |path: &str| fs::metadata(log.join(path)).unwrap().mode() & 0o777;
    assert_eq!((mode(""), mode("topics/t/0"), mode("lock")), (0o750, 0o750, 0o600));
    assert_eq!(mode("topics/t/0/00000000000000000000.ndjson"), 0o640);
    let warned = run_on(&log, "log-admin", &["alter", "t", "--readers", "root"], "");
    assert_eq!(warned.status, 0, "{}", warned.stderr);
    assert!(warned.stderr.contains("other users can read"), "{}", warned.stderr);
    assert_eq!(daemon.terminate().status, 0);
    let refused = run_on(&log, "log-serve", &["--mode", "0660"], "");
    assert_eq!(refused.status, 2, "{}", refused.stderr);
}

#[test]
fn another_user_does_not_write_into_a_log_by_its_files() {
    if !can_be_others() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fs::create_dir(&log).unwrap();
    std::os::unix::fs::chown(&log, Some(NOBODY.0), Some(NOBODY.1)).unwrap();
    assert_eq!(run(&mut tool_as(NOBODY, dir.path(), "produce", &["t"]), "{}\n").status, 0);
    for (name, args) in [
        ("produce", &["t"][..]),
        ("produce", &["new"]),
        ("log-admin", &["create", "new"]),
        ("log-admin", &["verify", "--repair"]),
        ("log-serve", &[]),
    ] {
        let ran = run_on(&log, name, args, "{}\n");
        if args.contains(&"--repair") {
            assert_eq!(ran.status, 0, "nothing is to be repaired: {}", ran.stderr);
        } else {
            assert_eq!(ran.status, 77, "{name} {args:?}: {}", ran.stderr);
            assert!(ran.stderr.contains("belongs to user 65534"), "{name}: {}", ran.stderr);
        }
    }
    assert_eq!(lines(&run_on(&log, "subscribe", &["t"], "")), 1);
    assert_eq!(run(&mut tool_as(NOBODY, dir.path(), "produce", &["t"]), "{}\n").status, 0);
}

#[test]
fn a_groups_damaged_file_is_told_and_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    two_topics(dir);
    assert_eq!(run_on(dir, "log-admin", &["reset", "g", "a", "--to", "end"], "").status, 0);
    let path = dir.join("groups/g.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen(":1", ":3", 1)).unwrap();
    let found = run_on(dir, "log-admin", &["verify"], "");
    assert_eq!(found.status, 1, "{found:?}");
    assert!(found.stdout.contains("groups/g.json: damaged: "), "{}", found.stdout);
    let daemon = Daemon::start(dir, &[]);
    let member = run_on(dir, "subscribe", &["a", "--group", "g"], "");
    assert_eq!((member.status, member.stdout.as_str()), (74, ""), "{}", member.stderr);
    assert_eq!(daemon.terminate().status, 0);
    let repaired = run_on(dir, "log-admin", &["verify", "--repair"], "");
    assert!(repaired.stderr.contains("log-admin reset"), "{}", repaired.stderr);
    assert_eq!(run_on(dir, "log-admin", &["verify"], "").status, 0);
}

#[test]
fn any_amount_of_damage_and_any_key_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let daemon = Daemon::start(dir, &[]);
    let key = format!("\"{}\"", "k".repeat(4_000));
    let made = run_on(dir, "log-admin", &["create", "long", "--key", &key], "");
    assert_eq!(made.status, 0, "{}", made.stderr);
    assert_eq!(run_on(dir, "log-admin", &["create", "t", "--fsync", "never"], "").status, 0);
    let mut talk = daemon.talk();
    (0..2000).for_each(|_| talk.append("t", "1\n"));
    (0..2000).for_each(|_| assert!(talk.answer().get("appended").is_some()));
    assert_eq!(daemon.terminate().status, 0);
    fs::write(dir.join("topics/t/0/00000000000000000000.ndjson"), "").unwrap();
    let found = run_on(dir, "log-admin", &["verify", "t"], "");
    assert_eq!(found.status, 1, "{found:?}");
    let folded = "damaged at 0: index entries 0 to 1999: some of its records are missing\n";
    assert!(found.stdout.ends_with(folded), "{}", found.stdout);
    for args in [&["list"][..], &["describe"], &["verify", "--json"], &["verify", "--repair"]] {
        let ran = run_on(dir, "log-admin", args, "");
        assert!(matches!(ran.status, 0 | 1), "{args:?}: {}: {}", ran.status, ran.stderr);
    }
    assert_eq!(run_on(dir, "log-admin", &["verify"], "").status, 0);
}

#[test]
fn a_missing_partition_is_told_and_nobody_says_what_nobody_knows() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    two_topics(dir);
    fs::remove_dir_all(dir.join("topics/a/0")).unwrap();
    for name in ["subscribe", "produce"] {
        let ran = run_on(dir, name, &["a"], "{}\n");
        assert_eq!(ran.status, 74, "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains("topics/a/0 is missing"), "{name}: {}", ran.stderr);
    }
    let repaired = run_on(dir, "log-admin", &["verify", "--repair"], "");
    assert!(repaired.stderr.contains("it is not known how many records are lost"), "{repaired:?}");
    assert_eq!(run_on(dir, "log-admin", &["verify"], "").status, 0);
    assert_eq!(run_on(dir, "produce", &["a"], "{}\n").status, 0);
}

#[test]
fn keys_that_are_small_numbers_use_all_partitions() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let args = ["create", "t", "--partitions", "4", "--key", ".k"];
    assert_eq!(run_on(dir, "log-admin", &args, "").status, 0);
    let records: String = (1..=12).map(|key| format!("{{\"k\":{key}}}\n")).collect();
    assert_eq!(run_on(dir, "produce", &["t"], records).status, 0);
    let counts: Vec<usize> = (0..4)
        .map(|number| {
            let partition = number.to_string();
            lines(&run_on(dir, "subscribe", &["t", "--partition", &partition], ""))
        })
        .collect();
    assert_eq!(counts, [2, 1, 4, 5], "as Kafka's Java client places them");
}

/// It is not known then which topic was being renamed, nor whether it has its new name.
#[test]
fn a_damaged_renaming_is_found_and_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let admin = |args: &[&str]| run_on(dir.path(), "log-admin", args, "");
    run_on(dir.path(), "produce", &["b"], "1\n2\n").good();
    assert_eq!(admin(&["reset", "g", "b", "--to", "end"]).status, 0);
    // What the group had under the old name is still there, as after a crash.
    let group = dir.path().join("groups/g.json");
    let held = fs::read_to_string(&group).unwrap();
    let mut held: serde_json::Value = serde_json::from_str(&held).unwrap();
    held.as_object_mut().unwrap().remove("crc32c");
    held["topics"]["a"] = held["topics"]["b"].clone();
    fs::write(&group, held.to_string()).unwrap();
    let renaming = dir.path().join("renaming.json");
    fs::write(&renaming, "{\"version\":1,\"from\":\"a\",\"t\n").unwrap();
    let refused = admin(&["create", "a"]);
    assert!(refused.status == 74 && refused.stderr.contains("see log-admin verify"), "{refused:?}");
    let found = admin(&["verify"]);
    assert!(found.status == 1 && found.stdout.contains("renaming.json: damaged"), "{found:?}");
    let planned = admin(&["verify", "--repair", "--dry-run"]);
    assert!(planned.status == 1 && planned.stdout.contains("after a repair: groups forget"));
    assert!(renaming.exists());
    let repaired = admin(&["verify", "--repair"]);
    let kept = dir.path().join("renaming.json.damaged-1");
    assert!(repaired.stderr.contains(kept.to_str().unwrap()), "{repaired:?}");
    assert!(kept.exists() && !renaming.exists());
    admin(&["verify"]).good();
    let groups = fs::read_to_string(&group).unwrap();
    assert!(groups.contains("\"b\"") && !groups.contains("\"a\""), "{groups}");
    admin(&["create", "a"]).good();
    // One of a version that is not known is left as it is.
    fs::write(&renaming, "{\"version\":2,\"from\":\"a\",\"to\":\"c\"}\n").unwrap();
    let newer = admin(&["verify", "--repair"]);
    assert!(newer.status == 74 && newer.stderr.contains("version 2"), "{newer:?}");
    assert!(renaming.exists());
}
