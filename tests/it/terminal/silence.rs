//! Why nothing is printed yet, on a terminal: said once, after some seconds.

use std::io::{PipeWriter, Write, pipe};
use std::path::Path;
use std::process::Stdio;

use crate::common::terminal::OnATerminal;
use crate::common::{run_on, wait_for};

/// A tool that has read these records, and waits for more.
fn started(
    dir: &Path,
    tool: &str,
    args: &[&str],
    records: &str,
) -> Option<(OnATerminal, PipeWriter)> {
    let (reader, mut writer) = pipe().unwrap();
    let running = OnATerminal::start_tool(dir, tool, args, Stdio::from(reader))?;
    writer.write_all(records.as_bytes()).unwrap();
    Some((running, writer))
}

/// All of them wait at the same time.
#[test]
fn after_some_seconds_it_is_said_why_nothing_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    run_on(dir.path(), "produce", &["t"], "{}\n");
    run_on(dir.path(), "produce", &["u"], "{}\n");
    let records = "{\"t\":1700000000,\"a\":1}\n{\"t\":1700000001,\"a\":2}\n";
    let windows = ["--tumbling", "1m", "--time", ".t"];
    let cases = [
        ("filter", vec![".a > 5"], "filter: 2 records, none passed"),
        ("map", vec!["empty"], "map: 2 records, none with a result"),
        (
            "aggregate",
            vec!["count"],
            "aggregate: 2 records, 1 group; results are emitted at the end",
        ),
        (
            "aggregate",
            [&["count"][..], &windows].concat(),
            "aggregate: 2 records, 1 window open; the next closes when event time reaches \
             22:14:05Z (now 22:13:21Z, --out-of-order 5s); --emit updates shows results earlier",
        ),
        ("subscribe", vec!["t", "-f"], "subscribe: no record since "),
        ("subscribe", vec!["t", "u", "--from", "end", "-f"], "subscribe: no record since "),
    ];
    let quiet = [
        ("map", vec!["empty", "-q"]),
        ("aggregate", vec!["count", "--quiet"]),
        ("filter", vec![".a > 5", "--no-progress"]),
        ("subscribe", vec!["t", "-f", "-q"]),
        // Those have a result.
        ("filter", vec![".a > 1"]),
        ("window", windows.to_vec()),
    ];
    let mut running = Vec::new();
    for (tool, args, said) in &cases {
        let Some(one) = started(dir.path(), tool, args, records) else { return };
        running.push((one, *said));
    }
    let silent: Vec<_> =
        quiet.iter().filter_map(|(tool, args)| started(dir.path(), tool, args, records)).collect();
    for ((terminal, _), said) in &running {
        wait_for(said, || terminal.shows(said).then_some(()));
    }
    for (terminal, _) in &silent {
        assert!(!terminal.shows("record"), "a hint that was not wanted");
    }
    for ((terminal, writer), said) in running {
        if said.starts_with("subscribe") {
            continue;
        }
        drop(writer);
        let (status, shown) = terminal.end();
        assert_eq!(status, 0, "{shown}");
        assert_eq!(shown.matches(said).count(), 1, "{shown}");
    }
}
