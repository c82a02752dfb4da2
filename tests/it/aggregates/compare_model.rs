//! `aggregate` against the plain model of `scripts/compare-model`, which computes with exact
//! fractions: the same cases each time.

use std::path::Path;
use std::process::Command;

use crate::common::{bin, run};

#[test]
fn results_are_those_of_exact_fractions() {
    if Command::new("python3").arg("--version").output().is_err() {
        return println!("left out: there is no python3");
    }
    let keep = tempfile::tempdir().expect("a directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/compare-model");
    let tools = bin("aggregate").parent().expect("a directory").to_owned();
    let mut command = Command::new("python3");
    command.arg(script).args(["--runs", "60", "--keep"]).arg(keep.path());
    let ran = run(command.env("MILLSTREAM_BIN", tools), "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    assert!(ran.stdout.starts_with("60 cases, "), "{}", ran.stdout);
}
