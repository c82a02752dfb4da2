//! `log-admin`, through the daemon and without one.

use std::path::Path;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::{self, Ran, run, run_on, tool};

fn admin(dir: &Path, args: &[&str]) -> Ran {
    run_on(dir, "log-admin", args, "")
}

#[test]
fn topics_are_made_listed_and_described() {
    both_ways(|dir| {
        let made = admin(dir, &["create", "clicks", "--partitions", "2", "--key", ".user"]);
        assert_eq!((made.status, made.stdout.as_str()), (0, ""), "{made:?}");
        assert_eq!(admin(dir, &["create", "a"]).status, 0);
        let again = admin(dir, &["create", "clicks", "--partitions", "2", "--key", ".user"]);
        assert_eq!(again.status, 0, "{again:?}");
        assert_eq!(
            admin(dir, &["list"]).stdout,
            "TOPIC   PARTITIONS  KEY\na                1  -\nclicks           2  .user\n"
        );
        assert_eq!(
            admin(dir, &["--json", "list"]).stdout,
            "{\"topic\":\"a\",\"partitions\":1,\"key\":null}\n\
             {\"topic\":\"clicks\",\"partitions\":2,\"key\":\".user\"}\n"
        );
        run_on(dir, "produce", &["a"], "1\n2\n");
        assert_eq!(
            admin(dir, &["describe", "a", "--json"]).stdout,
            "{\"topic\":\"a\",\"partition\":0,\"start\":0,\"end\":2,\"key\":null,\"settings\":\
             {\"fsync\":\"always\",\"partitions\":1,\"segment_bytes\":268435456}}\n"
        );
    });
}

#[test]
fn what_cannot_be_made_is_refused() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["create", "t"]).status, 0);
        let cases: [(&[&str], i32, &str); 5] = [
            (
                &["create", "t", "--partitions", "2"],
                73,
                "t: the topic already exists, with other settings: partitions is 1, not 2",
            ),
            (&["create", "u", "--key", ".a +"], 2, "not a jq expression"),
            (&["create", ".."], 2, "is not a topic name"),
            (&["describe", "u"], 69, "u: no such topic"),
            (&[], 2, "subcommand"),
        ];
        for (args, status, message) in cases {
            let ran = admin(dir, args);
            assert_eq!(ran.status, status, "{args:?}: {ran:?}");
            assert!(ran.stderr.contains(message), "{args:?}: {ran:?}");
            assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        }
    });
}

#[test]
fn a_log_that_is_served_is_not_verified_from_the_side() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    assert_eq!(admin(dir.path(), &["create", "t"]).status, 0);
    assert_eq!(admin(dir.path(), &["verify"]).status, 75);
    drop(daemon);
    let ran = admin(dir.path(), &["verify"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("ok"), "{ran:?}");
}

fn produce(dir: &Path, topic: &str, lines: &str) -> Ran {
    run_on(dir, "produce", &[topic], lines)
}

fn settings_of(dir: &Path, topic: &str) -> serde_json::Value {
    let described = admin(dir, &["describe", topic, "--json"]);
    assert_eq!(described.status, 0, "{described:?}");
    let first = described.stdout.lines().next().unwrap();
    serde_json::from_str::<serde_json::Value>(first).unwrap()["settings"].clone()
}

#[test]
fn settings_are_made_shown_and_changed() {
    both_ways(|dir| {
        let made = [
            "create",
            "t",
            "--fsync",
            "100ms",
            "--retention",
            "7d",
            "--retention-bytes",
            "1GiB",
            "--segment-age",
            "1d",
            "--segment-bytes",
            "64MiB",
            "--max-record",
            "20",
        ];
        assert_eq!(admin(dir, &made).status, 0);
        assert_eq!(admin(dir, &made).status, 0, "it is there just so");
        let other = admin(dir, &["create", "t"]);
        assert_eq!(other.status, 73);
        assert!(other.stderr.contains("fsync is 100ms, not always, "), "{other:?}");
        let key = admin(dir, &["alter", "t", "--key", ".k"]);
        assert_eq!(key.status, 2);
        assert!(key.stderr.contains("the key of a topic cannot be changed"), "{key:?}");
        let unknown = admin(dir, &["alter", "t", "--keys=.k"]);
        assert!(unknown.stderr.ends_with("see 'log-admin alter --help'\n"), "{unknown:?}");
        let bad = admin(dir, &["alter", "t", "--retention", "1"]);
        assert!(bad.stderr.ends_with("see 'log-admin alter --help'\n"), "{bad:?}");
        let unknown = admin(dir, &["list", "--lines"]);
        assert_eq!(unknown.status, 2);
        assert!(!unknown.stderr.contains("as a value"), "{unknown:?}");
        assert_eq!(
            settings_of(dir, "t"),
            serde_json::json!({
                "partitions": 1, "fsync": "100ms", "segment_bytes": 67_108_864,
                "segment_ms": 86_400_000, "retention_ms": 604_800_000,
                "retention_bytes": 1_073_741_824, "record_bytes_max": 20
            })
        );
        let shown = admin(dir, &["describe", "t"]).stdout;
        assert!(shown.contains("retention 7d"), "{shown}");
        assert!(shown.contains("segment-bytes 64MiB"), "{shown}");
        let long = produce(dir, "t", "\"a record of this length\"\n");
        assert_eq!(long.status, 65, "{long:?}");
        let altered = [
            "alter",
            "t",
            "--fsync",
            "default",
            "--retention",
            "default",
            "--retention-bytes",
            "default",
            "--segment-age",
            "default",
            "--segment-bytes",
            "default",
            "--max-record",
            "default",
        ];
        assert_eq!(admin(dir, &altered).status, 0);
        assert_eq!(
            settings_of(dir, "t"),
            serde_json::json!({"partitions": 1, "fsync": "always", "segment_bytes": 268_435_456})
        );
        let taken = produce(dir, "t", "\"a record of this length\"\n");
        assert_eq!(taken.status, 0, "{taken:?}");
        for (args, status, message) in [
            (&["alter", "t"][..], 2, "no setting is given; add one"),
            (&["alter", "nosuch", "--fsync", "never"], 69, "nosuch: no such topic"),
            (&["alter", "t", "--fsync", "often"], 2, "not an fsync policy"),
            (&["alter", "t", "--segment-bytes", "0"], 2, "a segment of 0 bytes"),
        ] {
            let ran = admin(dir, args);
            assert_eq!(ran.status, status, "{args:?}: {ran:?}");
            assert!(ran.stderr.contains(message), "{args:?}: {ran:?}");
        }
    });
}

#[test]
fn partitions_are_added_and_to_a_keyed_topic_only_by_force() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["create", "plain"]).status, 0);
        assert_eq!(produce(dir, "plain", "1\n").status, 0);
        assert_eq!(admin(dir, &["alter", "plain", "--partitions", "3"]).status, 0);
        for _ in 0..3 {
            assert_eq!(produce(dir, "plain", "2\n").status, 0);
        }
        let shown = admin(dir, &["describe", "plain", "--json"]).stdout;
        assert_eq!(shown.lines().count(), 3, "{shown}");
        assert!(shown.lines().all(|line| !line.contains("\"end\":0")), "{shown}");
        let fewer = admin(dir, &["alter", "plain", "--partitions", "2"]);
        assert_eq!(fewer.status, 2, "{fewer:?}");

        assert_eq!(admin(dir, &["create", "keyed", "--key", "."]).status, 0);
        assert_eq!(produce(dir, "keyed", "1\n2\n3\n4\n").status, 0);
        let refused = admin(dir, &["alter", "keyed", "--partitions", "4"]);
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(refused.stderr.contains("would go to another partition"), "{refused:?}");
        assert_eq!(admin(dir, &["alter", "keyed", "--partitions", "4", "--force"]).status, 0);
        assert_eq!(produce(dir, "keyed", "1\n2\n3\n4\n").status, 0);
        let read = run_on(dir, "subscribe", &["keyed"], "");
        assert_eq!(read.stdout.lines().count(), 8, "{read:?}");
    });
}

#[test]
fn a_deleted_topic_is_gone_and_its_name_free() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["create", "t", "--partitions", "2"]).status, 0);
        assert_eq!(produce(dir, "t", "1\n").status, 0);
        let row = r#""records":1,"bytes":2,"done":"#;
        let trial = admin(dir, &["delete", "t", "--dry-run", "--json"]);
        assert!(trial.stdout.contains(&format!("{row}\"no: dry run\"}}\n")), "{trial:?}");
        let deleted = admin(dir, &["--json", "rm", "t"]);
        assert_eq!(deleted.stdout, trial.stdout.replace("no: dry run", "yes"));
        assert_eq!(admin(dir, &["delete", "t"]).status, 69);
        assert_eq!(admin(dir, &["delete", "t", "--dry-run"]).status, 69);
        assert_eq!(admin(dir, &["list"]).stdout, "");
        assert!(!dir.join("topics/t").exists());
        assert_eq!(std::fs::read_dir(dir.join("topics")).unwrap().count(), 0);
        assert_eq!(produce(dir, "t", "2\n").status, 0);
        let read = run_on(dir, "subscribe", &["t"], "");
        assert_eq!(read.stdout, "2\n");
    });
}

#[test]
fn nothing_is_deleted_if_one_of_the_names_is_none() {
    both_ways(|dir| {
        run_on(dir, "produce", &["a"], "1\n2\n").good();
        for args in [&["delete", "a", "aa"][..], &["delete", "a", "aa", "--yes"]] {
            let ran = run_on(dir, "log-admin", args, "");
            assert_eq!((ran.status, ran.stdout.as_str()), (69, ""), "{ran:?}");
            assert!(ran.stderr.contains("did you mean 'a'?"), "{ran:?}");
        }
        assert_eq!(run_on(dir, "subscribe", &["a"], "").good(), "1\n2\n");
    });
}

#[test]
fn trimming_removes_whole_segments_before_a_place() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["create", "t", "--segment-bytes", "4"]).status, 0);
        for _ in 0..3 {
            assert_eq!(produce(dir, "t", "1\n2\n").status, 0);
        }
        let trial = admin(dir, &["trim", "t", "--before", "3", "--json", "--dry-run"]);
        let trimmed = admin(dir, &["trim", "t", "--before", "3", "--json", "--partition", "0"]);
        assert_eq!(trial.stdout, trimmed.stdout.replace("yes", "no: dry run"));
        let row = r#"{"topic":"t","partition":0,"start":2,"removed":2,"done":"#;
        assert_eq!(trimmed.stdout, format!("{row}\"yes\"}}\n"));
        let before = admin(dir, &["trim", "t", "--before", "7"]);
        assert_eq!(before.status, 69, "{before:?}");
        assert_eq!(admin(dir, &["trim", "t", "--before", "-1h"]).status, 0);
        let read = run_on(dir, "subscribe", &["t"], "");
        assert_eq!(read.stdout, "1\n2\n1\n2\n");
        let below = run_on(dir, "subscribe", &["t", "--from", "1"], "");
        assert_eq!(below.status, 69, "{below:?}");
        let whole = &["trim", "t", "--before", "end", "--json"];
        let trial = admin(dir, &[whole, &["--dry-run"][..]].concat());
        assert!(
            trial.stdout.contains(r#""start":6,"removed":4,"done":"no: dry run""#),
            "{trial:?}"
        );
        assert_eq!(run_on(dir, "subscribe", &["t", "-n", "1"], "").stdout, "2\n");
        assert_eq!(admin(dir, whole).stdout, trial.stdout.replace("no: dry run", "yes"));
        assert_eq!(produce(dir, "t", "3\n").status, 0);
        let read = run_on(dir, "subscribe", &["t"], "");
        assert_eq!(read.stdout, "3\n");
    });
}

/// Killed between the removal of a segment's records and that of its index.
#[test]
fn repair_brings_nothing_back_that_a_killed_trim_removed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(admin(dir, &["create", "t", "--segment-bytes", "4"]).status, 0);
    for number in 0..3 {
        assert_eq!(produce(dir, "t", &format!("{number}\n{number}\n")).status, 0);
    }
    let partition = dir.join("topics/t/0");
    let files = || {
        let entries = std::fs::read_dir(&partition).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("00000000000000000000.")).collect::<Vec<String>>()
    };
    std::fs::remove_file(partition.join("00000000000000000000.ndjson")).unwrap();
    assert_eq!(files(), ["00000000000000000000.index"]);
    for args in [&["verify"][..], &["verify", "--repair"], &["verify"]] {
        let ran = admin(dir, args);
        assert_eq!(ran.status, 0, "{args:?}: {ran:?}");
        assert!(!files().contains(&"00000000000000000000.ndjson".to_owned()), "{args:?}");
        let read = run_on(dir, "subscribe", &["t"], "");
        assert_eq!((read.status, &*read.stdout), (0, "1\n1\n2\n2\n"), "{args:?}: {read:?}");
        assert_eq!(run_on(dir, "subscribe", &["t", "--from", "1"], "").status, 69);
    }
}

#[test]
fn retention_is_enforced_by_whoever_writes() {
    // An embedded produce does it when it closes, the daemon in the background.
    both_ways(|dir| {
        let create = ["create", "t", "--segment-bytes", "4", "--retention-bytes", "4"];
        assert_eq!(admin(dir, &create).status, 0);
        for _ in 0..4 {
            assert_eq!(produce(dir, "t", "1\n2\n").status, 0);
        }
        let oldest = dir.join("topics/t/0/00000000000000000000.ndjson");
        common::wait_for("the oldest segment to be removed", || (!oldest.exists()).then_some(()));
        let read = run_on(dir, "subscribe", &["t"], "");
        assert!(read.stdout.lines().count() >= 2, "{read:?}");
    });
}

#[test]
fn a_disk_is_not_filled_further_than_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), &["--min-free", "1000000G"]);
    assert_eq!(admin(dir.path(), &["create", "t"]).status, 0);
    let refused = produce(dir.path(), "t", "1\n");
    assert_eq!(refused.status, 74, "{refused:?}");
    assert!(
        refused.stderr.contains("iB are free, and log-serve keeps 1000000.0 GiB free (--min-free)"),
        "{refused:?}"
    );
    assert_eq!(daemon.terminate().status, 0);
    let daemon = Daemon::start(dir.path(), &["--min-free", "1"]);
    assert_eq!(produce(dir.path(), "t", "1\n").status, 0);
    assert_eq!(daemon.terminate().status, 0);
}

/// A log with one topic of one partition and ten batches of two records.
fn ten_batches() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for batch in 0..10 {
        let input = format!("{{\"n\":{}}}\n{{\"n\":{}}}\n", 2 * batch, 2 * batch + 1);
        assert_eq!(run_on(dir.path(), "produce", &["t"], input).status, 0);
    }
    dir
}

fn file(dir: &Path, ending: &str) -> std::path::PathBuf {
    dir.join("topics/t/0").join(format!("{:020}.{ending}", 0))
}

fn read(dir: &Path) -> String {
    run_on(dir, "subscribe", &["t"], "").stdout
}

#[test]
fn damage_is_found_shown_and_repaired() {
    let dir = ten_batches();
    let path = file(dir.path(), "ndjson");
    let mut contents = std::fs::read(&path).unwrap();
    contents[20] ^= 1;
    std::fs::write(&path, &contents).unwrap();
    let found = admin(dir.path(), &["verify"]);
    assert_eq!(found.status, 1, "{found:?}");
    assert!(found.stdout.contains("damaged at 2: index entry 1"), "{found:?}");
    let shown = admin(dir.path(), &["verify", "t", "--repair", "--dry-run"]);
    assert_eq!(shown.status, 1, "{shown:?}");
    assert!(shown.stdout.contains("after a repair: the records at 2 to 3 are lost"), "{shown:?}");
    assert_eq!(std::fs::read(&path).unwrap(), contents, "a dry run changes nothing");
    let repaired = admin(dir.path(), &["verify", "--repair"]);
    assert_eq!(repaired.status, 1, "{repaired:?}");
    let told = "log-admin: t/0: repaired: the records at 2 to 3 are lost, and are empty lines now";
    assert!(repaired.stderr.contains(told), "{repaired:?}");
    let quarantine = dir.path().join("topics/t/0/quarantine/1");
    assert_eq!(std::fs::read(quarantine.join(path.file_name().unwrap())).unwrap(), contents);
    let again = admin(dir.path(), &["verify"]);
    assert_eq!(again.status, 0, "{again:?}");
    let state = "ok: every acknowledged record exists, except those that a repair lost; it moved";
    assert!(again.stdout.contains(state), "{again:?}");
    let lines = std::fs::read_to_string(&path).unwrap();
    assert_eq!(lines.lines().nth(4), Some("{\"n\":4}"), "offsets are line numbers");
    assert_eq!(lines.lines().nth(2), Some(""));
    assert_eq!(read(dir.path()).split_whitespace().count(), 18);
}

#[test]
fn a_lost_index_is_rebuilt_from_the_data() {
    let dir = ten_batches();
    let before = read(dir.path());
    std::fs::remove_file(file(dir.path(), "index")).unwrap();
    assert_eq!(admin(dir.path(), &["verify"]).status, 1);
    let repaired = admin(dir.path(), &["verify", "--repair"]);
    assert!(repaired.stderr.contains("no record is lost; those at 0 to 19"), "{repaired:?}");
    assert_eq!(read(dir.path()), before);
    assert_eq!(run_on(dir.path(), "produce", &["t"], "1\n").status, 0);
    assert_eq!(read(dir.path()), before + "1\n");
    assert_eq!(admin(dir.path(), &["verify"]).status, 0);
}

#[test]
fn a_log_that_an_embedded_writer_holds_is_not_repaired() {
    let dir = ten_batches();
    let mut pipeline =
        common::live::Pipeline::start(&[&["produce", "t", "--data", dir.path().to_str().unwrap()]]);
    pipeline.send("1\n");
    common::wait_for("the record", || read(dir.path()).ends_with("\n1\n").then_some(()));
    assert_eq!(admin(dir.path(), &["verify", "--wait", "0"]).status, 75);
    assert_eq!(admin(dir.path(), &["verify", "--repair", "--wait", "0"]).status, 75);
    assert_eq!(pipeline.finish()[0].status, 0);
    assert_eq!(admin(dir.path(), &["verify"]).status, 0);
}

#[test]
fn a_topic_that_cannot_be_opened_hides_no_other() {
    both_ways(|dir| {
        for topic in ["a", "b", "c"] {
            assert_eq!(admin(dir, &["create", topic]).status, 0);
        }
        std::fs::write(dir.join("topics/b/topic.json"), "{").unwrap();
        for (action, rows) in [("list", ["a ", "c "]), ("describe", ["a ", "c "])] {
            let ran = admin(dir, &[action]);
            assert_eq!(ran.status, 74, "{ran:?}");
            let lines: Vec<&str> = ran.stdout.lines().skip(1).collect();
            assert_eq!(lines.len(), 2, "{ran:?}");
            assert!(lines.iter().zip(rows).all(|(line, row)| line.starts_with(row)), "{ran:?}");
            assert!(ran.stderr.starts_with("log-admin: b: cannot be opened: "), "{ran:?}");
            assert!(ran.stderr.contains("topic.json"), "{ran:?}");
            assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        }
        assert_eq!(admin(dir, &["describe", "a", "c"]).status, 0);
        assert_eq!(admin(dir, &["describe", "b"]).status, 74);
    });
}

#[test]
fn readers_and_writers_that_are_not_there_are_warned_of() {
    both_ways(|dir| {
        let create = ["create", "t", "--readers", "root,:no-such-group", "--writers", "no-one-is"];
        let made = admin(dir, &create);
        assert_eq!(made.status, 0, "{made:?}");
        assert_eq!(
            made.stderr,
            "log-admin: t: readers: there is no group 'no-such-group' now; until one exists, this \
             grants nothing\n\
             log-admin: t: writers: there is no user 'no-one-is' now; until one exists, this \
             grants nothing\n"
        );
        let altered = admin(dir, &["alter", "t", "--writers", "root,:0,4321", "--readers", ":x-y"]);
        assert_eq!(altered.status, 0, "{altered:?}");
        assert_eq!(altered.stderr.lines().count(), 1, "{altered:?}");
        assert!(altered.stderr.contains("readers: there is no group 'x-y' now"), "{altered:?}");
    });
}

#[test]
fn the_directory_may_be_named_behind_the_action() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let made = run(&mut tool("log-admin", &["create", "t", "--data", data]), "");
    assert_eq!(made.status, 0, "{made:?}");
    for args in [&["list", "--data", data][..], &["--data", data, "list"]] {
        let listed = run(&mut tool("log-admin", args), "");
        assert!(listed.status == 0 && listed.stdout.contains('t'), "{listed:?}");
    }
}

#[test]
fn a_group_that_reset_creates_is_told() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["create", "flights"]).status, 0);
        let reset = |group, more: &[&str]| {
            let args = ["reset", group, "flights", "--to", "start"];
            let ran = admin(dir, &[&args[..], more].concat());
            assert_eq!(ran.status, 0, "{ran:?}");
            ran.stderr
        };
        let said = "log-admin: mail: this group did not exist, and was created\n";
        assert_eq!(reset("mail", &[]), said);
        assert_eq!(reset("mail", &[]), "");
        // Nobody can be asked.
        let said = "log-admin: mial: this group did not exist, and would be created\n";
        assert_eq!(reset("mial", &["--dry-run"]), said);
        assert_eq!(reset("mial", &["--yes"]), said.replace("would be", "was"));
    });
}

#[test]
fn names_that_may_have_been_meant_are_named() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["create", "flights", "--partitions", "3"]).status, 0);
        assert_eq!(admin(dir, &["reset", "nightly", "flights", "--to", "start"]).status, 0);
        for (tool, args) in [
            ("subscribe", &["fligths"][..]),
            ("log-admin", &["describe", "fligths"]),
            ("log-admin", &["rm", "fligths"]),
        ] {
            let ran = run_on(dir, tool, args, "");
            let said = format!("{tool}: fligths: no such topic; did you mean 'flights'?\n");
            assert_eq!((ran.status, ran.stderr), (69, said));
        }
        let ran = admin(dir, &["groups", "nihgtly"]);
        let said = "log-admin: nihgtly: no such group; did you mean 'nightly'?\n";
        assert_eq!((ran.status, ran.stderr.as_str()), (69, said));
        let ran = admin(dir, &["describe", "orders"]);
        assert_eq!(ran.stderr, "log-admin: orders: no such topic\n");
    });
}

#[test]
fn partitions_are_listed_and_options_come_before_the_command() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["add", "t", "--partitions", "3"]).status, 0);
        for _ in 0..3 {
            // A batch is in one partition.
            assert_eq!(produce(dir, "t", "1\n2\n").status, 0);
        }
        let reset = ["--json", "seek", "g", "t", "--to", "start", "--partition", "0,2"];
        assert_eq!(admin(dir, &reset).stdout.lines().count(), 2);
        let all = run_on(dir, "subscribe", &["t", "--partition", "0,1,2"], "").good();
        assert_eq!(all.lines().count(), 6, "{all}");
        let some = run_on(dir, "subscribe", &["t", "--partition", "0,2"], "").good();
        assert_eq!(some.lines().count(), 4, "{some}");
        let at = dir.to_str().unwrap();
        let listed = tool("millstream", &["--data", at, "--json", "log-admin", "ls"]);
        let listed = crate::common::run(&mut { listed }, "").good();
        assert_eq!(listed, "{\"topic\":\"t\",\"partitions\":3,\"key\":null}\n");
    });
}

#[test]
fn a_renamed_topic_keeps_its_records_and_what_groups_have_committed() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["create", "old", "--partitions", "2"]).status, 0);
        assert_eq!(produce(dir, "old", "1\n2\n").status, 0);
        assert_eq!(admin(dir, &["create", "other"]).status, 0);
        assert_eq!(admin(dir, &["reset", "g", "old", "--to", "end"]).status, 0);
        let before = admin(dir, &["groups", "g", "--json"]).good();
        let taken = admin(dir, &["rename", "old", "other"]);
        let said = "log-admin: other: the topic already exists; choose another name\n";
        assert_eq!((taken.status, taken.stderr.as_str()), (73, said));
        admin(dir, &["mv", "old", "new"]).good();
        assert_eq!(admin(dir, &["groups", "g", "--json"]).good(), before.replace("old", "new"));
        assert_eq!(run_on(dir, "subscribe", &["new"], "").good(), "1\n2\n");
        assert_eq!(run_on(dir, "subscribe", &["old"], "").status, 69);
        assert_eq!(produce(dir, "new", "3\n").status, 0);
        assert_eq!(run_on(dir, "subscribe", &["new"], "").good(), "1\n2\n3\n");
        // The old name is free, and has nothing of the renamed topic.
        assert_eq!(produce(dir, "old", "4\n").status, 0);
        assert_eq!(run_on(dir, "subscribe", &["old"], "").good(), "4\n");
        assert_eq!(admin(dir, &["groups", "g", "--json"]).good().matches("old").count(), 0);
        assert!(!dir.join("renaming.json").exists());
        assert_eq!(admin(dir, &["mv", "gone", "x"]).status, 69);
        assert_eq!(
            admin(dir, &["verify"]).status,
            if dir.join("socket").exists() { 75 } else { 0 }
        );
    });
}

#[test]
fn a_topic_is_not_renamed_to_what_is_no_topic_and_goes_on() {
    both_ways(|dir| {
        produce(dir, "t", "1\n");
        std::fs::write(dir.join("topics/stray"), "x").unwrap();
        let ran = admin(dir, &["rename", "t", "stray"]);
        assert_eq!(ran.status, 73, "{ran:?}");
        assert!(!dir.join("renaming.json").exists());
        assert_eq!(produce(dir, "t", "2\n").status, 0);
        assert_eq!(produce(dir, "new", "3\n").status, 0);
        assert_eq!(run_on(dir, "subscribe", &["t"], "").good(), "1\n2\n");
    });
}

#[test]
fn a_group_without_topics_is_none() {
    both_ways(|dir| {
        produce(dir, "t", "1\n");
        assert_eq!(admin(dir, &["reset", "g", "t", "--to", "start"]).status, 0);
        assert_eq!(admin(dir, &["delete", "t"]).status, 0);
        let ran = admin(dir, &["delete-group", "g"]);
        assert!(ran.status == 69 && ran.stderr.ends_with("g: no such group\n"), "{ran:?}");
        assert_eq!(std::fs::read_dir(dir.join("groups")).unwrap().count(), 0);
    });
}

#[test]
fn a_topic_that_a_group_reads_is_not_renamed_and_the_group_not_deleted() {
    let (dir, daemon, mut talk) = Daemon::with_topic(&[]);
    let dir = dir.path();
    assert!(talk.ask(r#"{"join":{"group":"g","topic":"t"}}"#).get("assigned").is_some());
    for args in [&["rename", "t", "u"][..], &["delete-group", "g"]] {
        let ran = admin(dir, args);
        let said = "log-admin: g/t: the group has a member; stop reading first\n";
        assert_eq!((ran.status, ran.stderr.as_str()), (75, said));
    }
    drop(talk);
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn a_deleted_group_begins_anew() {
    both_ways(|dir| {
        assert_eq!(produce(dir, "t", "1\n2\n").status, 0);
        assert_eq!(admin(dir, &["reset", "nightly", "t", "--to", "end"]).status, 0);
        let trial = admin(dir, &["delete-group", "nightly", "--dry-run", "--json"]).good();
        let row = "{\"group\":\"nightly\",\"topic\":\"t\",\"done\":\"no: dry run\"}\n";
        assert_eq!(trial, row);
        let deleted = admin(dir, &["rm-group", "nightly", "--json"]).good();
        assert_eq!(deleted, row.replace("no: dry run", "yes"));
        assert!(!dir.join("groups/nightly.json").exists());
        assert_eq!(admin(dir, &["groups"]).good(), "");
        let again = admin(dir, &["delete-group", "nightly"]);
        assert_eq!(
            (again.status, again.stderr.as_str()),
            (69, "log-admin: nightly: no such group\n")
        );
    });
}

#[test]
fn names_that_other_programs_use_are_known() {
    both_ways(|dir| {
        admin(dir, &["new", "t"]).good();
        admin(dir, &["edit", "t", "--fsync", "never"]).good();
        assert!(admin(dir, &["show", "t"]).good().contains("never"));
        assert_eq!(admin(dir, &["topics"]).good(), admin(dir, &["list"]).good());
        assert_eq!(admin(dir, &["group"]).good(), admin(dir, &["groups"]).good());
        assert_eq!(admin(dir, &["purge", "t"]).status, 2);
        admin(dir, &["purge", "t", "--before", "end"]).good();
        admin(dir, &["drop", "t"]).good();
        for (args, part) in [
            (&["cp", "a", "b"][..], "subscribe a --control | produce b; create b before"),
            (&["copy"], "subscribe FROM --control | produce TO"),
            (&["tail", "-n", "a"], "another tool prints records: subscribe a\n"),
            (&["publish", "a", "--key", ".k"], "another tool appends records: produce a\n"),
        ] {
            let ran = admin(dir, args);
            assert!(ran.status == 2 && ran.stderr.contains(part), "{ran:?}");
        }
    });
    let help = run(&mut tool("log-admin", &["--help"]), "").good();
    assert!(!help.contains("copy") && !help.contains("fsck"), "{help}");
}
