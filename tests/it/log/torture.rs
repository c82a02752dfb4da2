//! Each mode of `scripts/torture`, for a little while.

use std::process::Command;

use crate::common::{bin, run};

/// Runs a mode for so many seconds: it finds no fault, and its summary has `told`.
fn torture(mode: &str, seconds: &str, told: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/torture");
    let bins = bin("produce");
    let mut command = Command::new(script);
    command.args([mode, "--seconds", seconds, "--bin-dir"]).arg(bins.parent().unwrap());
    let ran = run(&mut command, "");
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains(told), "{ran:?}");
    eprint!("{}", ran.stderr);
}

#[test]
fn nothing_acknowledged_is_lost_or_repeated_whoever_is_killed() {
    torture("kills", "4", "acknowledged");
}

#[test]
fn a_crash_before_any_call_that_changes_files_leaves_a_log_that_holds() {
    torture("crash", "4", "");
}

#[test]
fn signals_to_anything_under_any_load_break_no_promise() {
    torture("chaos", "5", "acknowledged");
}

#[test]
fn a_flipped_bit_is_noticed_by_everybody_or_carries_nothing() {
    torture("flips", "5", "flipped");
}

#[test]
fn a_power_cut_takes_nothing_that_was_promised() {
    torture("power", "10", "");
}

#[test]
fn a_call_that_fails_costs_nothing_that_was_promised() {
    torture("faults", "6", "");
}

#[test]
fn every_line_of_files_that_are_rotated_is_collected_once() {
    torture("rotations", "6", "renamed");
}

#[test]
fn a_copy_of_a_log_that_is_written_has_what_was_acknowledged_before() {
    torture("copies", "5", "");
}
