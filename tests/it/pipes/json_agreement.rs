//! What the tools take for JSON is what Python's json module takes: `scripts/compare-json`, shortly.

use std::path::Path;
use std::process::Command;

use crate::common::{bin, run};

#[test]
fn the_tools_and_python_agree_on_what_is_json() {
    if Command::new("python3").arg("--version").output().is_err() {
        return println!("left out: there is no python3");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/compare-json");
    let filter = bin("filter");
    let mut command = Command::new("python3");
    command.arg(script).args(["--lines", "5000", "--bin"]).arg(filter.parent().unwrap());
    let ran = run(&mut command, "");
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("5000 lines") && ran.stdout.ends_with(" 0 differences\n"),
        "{ran:?}"
    );
}
