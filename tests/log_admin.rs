//! `log-admin`, through the daemon and without one.

mod common;

use std::path::Path;

use common::daemon::Daemon;
use common::{Ran, run, tool};

fn admin(dir: &Path, args: &[&str]) -> Ran {
    run(tool("log-admin", args).env("MILLSTREAM_DIR", dir), "")
}

/// Runs a test once without a daemon and once with one.
fn both_ways(test: impl Fn(&Path)) {
    let embedded = tempfile::tempdir().unwrap();
    test(embedded.path());
    let served = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(served.path(), &[]);
    test(served.path());
    assert_eq!(daemon.terminate().status, 0);
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
            "TOPIC   PARTITIONS  KEY\na       1           -\nclicks  2           .user\n"
        );
        assert_eq!(
            admin(dir, &["--json", "list"]).stdout,
            "{\"topic\":\"a\",\"partitions\":1,\"key\":null}\n\
             {\"topic\":\"clicks\",\"partitions\":2,\"key\":\".user\"}\n"
        );
        run(tool("produce", &["a"]).env("MILLSTREAM_DIR", dir), "1\n2\n");
        assert_eq!(
            admin(dir, &["describe", "a", "--json"]).stdout,
            "{\"topic\":\"a\",\"partition\":0,\"start\":0,\"end\":2,\"key\":null}\n"
        );
    });
}

#[test]
fn what_cannot_be_made_is_refused() {
    both_ways(|dir| {
        assert_eq!(admin(dir, &["create", "t"]).status, 0);
        let cases: [(&[&str], i32, &str); 5] = [
            (&["create", "t", "--partitions", "2"], 73, "the topic exists already"),
            (&["create", "u", "--key", ".a +"], 2, "no jq"),
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

/// A log with one topic of one partition and ten batches of two records.
fn ten_batches() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for batch in 0..10 {
        let input = format!("{{\"n\":{}}}\n{{\"n\":{}}}\n", 2 * batch, 2 * batch + 1);
        assert_eq!(run(tool("produce", &["t"]).env("MILLSTREAM_DIR", dir.path()), input).status, 0);
    }
    dir
}

fn file(dir: &Path, ending: &str) -> std::path::PathBuf {
    dir.join("topics/t/0").join(format!("{:020}.{ending}", 0))
}

fn read(dir: &Path) -> String {
    run(tool("subscribe", &["t"]).env("MILLSTREAM_DIR", dir), "").stdout
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
    let told = "log-admin: t/0: repaired: the records at 2 to 3 are lost, empty lines now";
    assert!(repaired.stderr.contains(told), "{repaired:?}");
    let quarantine = dir.path().join("topics/t/0/quarantine/1");
    assert_eq!(std::fs::read(quarantine.join(path.file_name().unwrap())).unwrap(), contents);
    let again = admin(dir.path(), &["verify"]);
    assert_eq!(again.status, 0, "{again:?}");
    assert!(again.stdout.contains("ok: every acknowledged record is there"), "{again:?}");
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
    assert_eq!(run(tool("produce", &["t"]).env("MILLSTREAM_DIR", dir.path()), "1\n").status, 0);
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
    assert_eq!(admin(dir.path(), &["verify"]).status, 75);
    assert_eq!(admin(dir.path(), &["verify", "--repair"]).status, 75);
    assert_eq!(pipeline.finish()[0].status, 0);
    assert_eq!(admin(dir.path(), &["verify"]).status, 0);
}
