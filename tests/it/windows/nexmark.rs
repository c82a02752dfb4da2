//! The NEXMark queries of `examples/nexmark` give what `scripts/compare-flink --nexmark` found to
//! be Flink's results, too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::common::{bin, run};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/nexmark").join(name)
}

/// What a query's script gives for the sample.
fn results_of(query: &str) -> String {
    results(query, &[golden("bids.ndjson")], "")
}

/// What a query's script gives for files, or for its input.
fn results(query: &str, files: &[PathBuf], input: &str) -> String {
    let tools = bin("window").parent().expect("a directory").to_owned();
    let others = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(tools).chain(env::split_paths(&others)));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/nexmark").join(query);
    let mut command = Command::new(script);
    command.args(files).env("PATH", path.expect("a search path"));
    let ran = run(&mut command, input);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{query}");
    ran.stdout
}

#[test]
fn queries_give_the_results_that_flink_gives() {
    for query in ["q5", "q7", "q11", "q15", "q16", "q17", "q18", "q19"] {
        let expected = fs::read_to_string(golden(&format!("{query}.ndjson"))).unwrap();
        assert!(!expected.is_empty(), "{query}");
        assert_eq!(results_of(query), expected, "{query}");
    }
}

/// Flink keeps the one that comes last.
#[test]
fn of_two_bids_at_one_time_the_last_stays() {
    let bids = "{\"bidder\":1,\"auction\":2,\"price\":10,\"date_time\":5}\n\
                {\"bidder\":1,\"auction\":2,\"price\":20,\"date_time\":5}\n";
    let last = results("q18", &[], bids);
    assert_eq!(last, "{\"bidder\":1,\"auction\":2,\"price\":20,\"date_time\":5}\n");
}

/// The windows are those of the clock, and so others in every run.
#[test]
fn windows_of_the_clock_hold_all_bids_of_each_bidder() {
    if Command::new("jq").arg("--version").output().is_err() {
        eprintln!("jq is not installed; left out: q12");
        return;
    }
    let count = |text: &str, field: &str| {
        let mut counts = BTreeMap::<u64, u64>::new();
        for line in text.lines() {
            let row: serde_json::Value = serde_json::from_str(line).expect("an object");
            let bids = if field.is_empty() { Some(1) } else { row[field].as_u64() };
            *counts.entry(row["bidder"].as_u64().unwrap()).or_default() += bids.unwrap();
        }
        counts
    };
    let bids = fs::read_to_string(golden("bids.ndjson")).unwrap();
    assert_eq!(count(&results_of("q12"), "bid_count"), count(&bids, ""));
}
