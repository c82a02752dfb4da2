//! What the tools say on a terminal of fields that no record had.

use std::fs;
use std::process::Command;

use crate::common::{Ran, bin, run, tool};

/// Runs its arguments with a terminal as standard error, and passes on what they print there.
const ON_A_TERMINAL: &str = "\
import os, subprocess, sys
ours, theirs = os.openpty()
ran = subprocess.run(sys.argv[1:], stderr=theirs)
os.close(theirs)
try:
    while piece := os.read(ours, 4096):
        os.write(2, piece.replace(b'\\r\\n', b'\\n'))
except OSError:
    pass
sys.exit(ran.returncode)
";

fn on_a_terminal(name: &str, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    let mut command = Command::new("python3");
    run(command.args(["-c", ON_A_TERMINAL]).arg(bin(name)).args(args), input)
}

/// Whether there is no python3, to make the terminal.
fn is_left_out() -> bool {
    let missing = Command::new("python3").arg("--version").output().is_err();
    if missing {
        println!("left out: there is no python3");
    }
    missing
}

const RECORDS: &str =
    "{\"ts\":1,\"path\":\"/a\",\"bytes\":5}\n{\"ts\":2,\"path\":\"/b\",\"user\":\"x\"}\n";

#[test]
fn a_field_that_no_record_had_is_told_at_the_end() {
    if is_left_out() {
        return;
    }
    let windows = ["--tumbling", "1m", "--time", ".ts"];
    let windowed = |more: &[&'static str]| [&windows, more].concat();
    for (name, args, said) in [
        ("filter", vec![".byte > 3"], ".byte; did you mean .bytes?"),
        ("filter", vec!["-c", ".nope"], ".nope; one record has .bytes .path .ts"),
        ("filter", vec!["-j2", ".byte > 3"], ".byte; did you mean .bytes?"),
        ("filter", vec![".ts > 0", "--unique", ".usr"], ".usr; one record has .bytes .path .ts"),
        ("filter", vec!["-m3", ".ts and (.paht | not)"], ".paht; did you mean .path?"),
        ("filter", vec!["[.paht, 1] | add"], ".paht; did you mean .path?"),
        ("map", vec!["{ts, paht}"], ".paht; did you mean .path?"),
        ("map", vec!["-j3", "{ts, paht, byte}"], ".paht or .byte; did you mean .path and .bytes?"),
        ("aggregate", vec!["--by", ".paht", "count"], ".paht; did you mean .path?"),
        ("aggregate", vec!["sum(.byte)"], ".byte; did you mean .bytes?"),
        ("aggregate", vec!["n=count where .bites > 1"], ".bites; did you mean .bytes?"),
        ("aggregate", vec!["--over", "2", "sum(.byte)"], ".byte; did you mean .bytes?"),
        ("aggregate", windowed(&["sum(.byte)"]), ".byte; did you mean .bytes?"),
        (
            "aggregate",
            windowed(&["--by", "end=.window_end", "s=max(.byte)"]),
            ".byte; did you mean .bytes?",
        ),
    ] {
        let ran = on_a_terminal(name, &args, RECORDS);
        assert_eq!(ran.status, 0, "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stderr, format!("{name}: no record had {said}\n"), "{args:?}");
        let ran = run(&mut tool(name, &args), RECORDS);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn nothing_is_told_of_what_a_record_had_or_what_was_not_read_to_the_end() {
    if is_left_out() {
        return;
    }
    for (name, args, input) in [
        ("filter", vec![".user"], RECORDS),
        ("filter", vec!["-j2", ".user"], RECORDS),
        ("filter", vec![".nope"], ""),
        ("filter", vec!["-m1", ".ts and (.nope | not)"], RECORDS),
        ("filter", vec!["-q", ".nope"], RECORDS),
        ("map", vec!["{nope: .ts} | .nope"], RECORDS),
        ("map", vec![".nope = .ts | .nope"], RECORDS),
        ("map", vec![".user, .bytes"], RECORDS),
        ("aggregate", vec!["--by", ".user", "sum(.bytes)", "--having", ".nope | not"], RECORDS),
        ("aggregate", vec!["count"], RECORDS),
    ] {
        let ran = on_a_terminal(name, &args, input);
        assert_eq!(ran.stderr, "", "{args:?}");
    }
    let ran = on_a_terminal("filter", &[".nope"], format!("{RECORDS}{{\n"));
    assert_eq!((ran.status, ran.stderr.lines().count()), (65, 1), "{}", ran.stderr);
}

#[test]
fn workers_find_fields_for_each_other() {
    if is_left_out() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("records.ndjson");
    let mut records = RECORDS.repeat(100_000);
    records.push_str("{\"rare\":1}\n");
    fs::write(&file, &records).expect("a file");
    let file = file.to_str().expect("a path in UTF-8");
    // The record that is shown is one of those that workers begin with.
    let shown = [".bytes .path .ts", ".path .ts .user"]
        .map(|fields| format!("filter: no record had .rar; one record has {fields}\n"));
    for (expression, said) in [
        (".rare", [""].as_slice()),
        ("[.rare] | first", &[""]),
        (".rar", &shown.each_ref().map(String::as_str)),
    ] {
        for jobs in ["-j1", "-j4"] {
            let ran = on_a_terminal("filter", &["-c", jobs, expression, file], "");
            assert!(said.contains(&ran.stderr.as_str()), "{jobs} {expression}: {}", ran.stderr);
        }
    }
}

#[test]
fn the_windows_that_records_bring_are_no_matter() {
    if is_left_out() {
        return;
    }
    let windowed = run(&mut tool("window", &["--tumbling", "1m", "--time", ".ts"]), RECORDS);
    let ran = on_a_terminal("aggregate", &["--by", ".paht", "sum(.bytes)"], windowed.stdout);
    let said = "aggregate: no record had .paht; did you mean .path?\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (0, said));
}
