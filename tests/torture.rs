//! The daemon, producers and subscribers killed at any moment, by `scripts/torture`, for a little while.

mod common;

use std::process::Command;

use common::{bin, run};

#[test]
fn nothing_acknowledged_is_lost_or_repeated_whoever_is_killed() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/torture");
    let bins = bin("produce");
    let bins = bins.parent().unwrap().to_str().unwrap();
    let ran = run(Command::new(script).args(["--seconds", "4", "--bin-dir", bins]), "");
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("acknowledged"), "{ran:?}");
}
