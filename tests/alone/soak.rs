//! `scripts/soak`, for a few seconds: what runs for long does not grow.

use std::process::Command;

use crate::alone;
use crate::common::{bin, run};

#[test]
fn nothing_grows_while_events_come() {
    let _alone = alone();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/soak");
    let bins = bin("produce");
    let mut command = Command::new(script);
    command.args(["--seconds", "12", "--rate", "500", "--bin-dir"]).arg(bins.parent().unwrap());
    let ran = run(&mut command, "");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stdout.contains("served: log-serve"), "{ran:?}");
}
