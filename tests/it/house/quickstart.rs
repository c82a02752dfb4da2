//! `scripts/quickstart` does the main job, the same each time, and leaves nothing behind.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{self, bin};

fn quickstart(temporary: &Path) -> common::Ran {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let programs = bin("produce").parent().expect("a directory").to_owned();
    let mut command = Command::new(root.join("scripts/quickstart"));
    command.current_dir(temporary).env("MILLSTREAM_BIN", programs).env("TMPDIR", temporary);
    common::run(&mut command, "")
}

#[test]
fn twice_gives_the_same_and_leaves_nothing() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/flights-delays.ndjson");
    let expected = fs::read_to_string(golden).unwrap();
    let last: Vec<&str> = expected.lines().rev().take(5).collect();
    let temporary = tempfile::tempdir().unwrap();
    let first = quickstart(temporary.path());
    assert_eq!(first.status, 0, "{}{}", first.stdout, first.stderr);
    for line in last {
        assert!(first.stdout.contains(line), "{}", first.stdout);
    }
    assert!(first.stdout.contains("\nno difference\n"), "{}", first.stdout);
    let second = quickstart(temporary.path());
    assert_eq!((second.status, second.stdout), (0, first.stdout));
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "something was left behind");
}
