//! What Unix tools do about odd files and descriptors: an output that is the input, one that is closed
//! or full, and text that a terminal would obey.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use crate::common::daemon::Daemon;
use crate::common::{Ran, bin, run, tool};

const RECORD: &str = "{\"a\":1,\"t\":\"2020-01-01T00:00:01Z\"}\n";

/// Runs a line of sh in `dir`, where our programs are found first.
fn sh(dir: &std::path::Path, line: &str) -> Ran {
    let programs = bin("filter");
    let programs = programs.parent().unwrap().display();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    // A fault must not fill the disk.
    let line = format!("ulimit -f 4096; {line}");
    let mut command = Command::new("timeout");
    command.args(["60", "sh", "-c", &line]).current_dir(dir).env("PATH", path);
    run(command.env("MILLSTREAM_DIR", dir.join("log")), "")
}

#[test]
fn an_output_that_is_the_input_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (line, what) in [
        ("filter .a --rejects in in", "rejects would be written there"),
        ("filter .a --rejects in < in", "rejects would be written there"),
        ("filter .a --rejects in - < in", "rejects would be written there"),
        ("filter .a --rejects link in", "rejects would be written there"),
        ("filter .a --else in in", "what is not kept would be written there"),
        ("filter .a other --else in in", "what is not kept would be written there"),
        ("filter .a in >> in", "standard output would be written there"),
        ("filter -j 2 .a in >> in", "standard output would be written there"),
        ("map . < in >> in", "standard output would be written there"),
        ("map --through cat in >> in", "standard output would be written there"),
        ("window --tumbling 1m --time .t --late in in", "late records would be written there"),
        (
            "aggregate --tumbling 1m --time .t --late in count in",
            "late records would be written there",
        ),
        ("produce t --rejects in in", "rejects would be written there"),
        ("produce t --from csv --rejects in in", "rejects would be written there"),
    ] {
        fs::write(dir.path().join("in"), RECORD).unwrap();
        fs::write(dir.path().join("other"), RECORD).unwrap();
        let _ = std::os::unix::fs::symlink("in", dir.path().join("link"));
        let ran = sh(dir.path(), line);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{line}: {ran:?}");
        assert!(ran.stderr.contains(&format!("is the input, and {what}")), "{line}: {ran:?}");
        assert_eq!(fs::read_to_string(dir.path().join("in")).unwrap(), RECORD, "{line}");
    }
}

#[test]
fn outputs_that_would_write_over_each_other_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in"), "{\"a\":1}\nx\n{\"b\":1}\n").unwrap();
    let ran = sh(dir.path(), "filter .a --rejects out in > out");
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("would overwrite each other"), "{ran:?}");
    // What is appended loses nothing, and devices and pipes are no plain files.
    let ran = sh(dir.path(), "filter .a --rejects all --else all in >> all");
    assert_eq!(ran.status, 65, "{ran:?}");
    let mut lines: Vec<_> =
        fs::read_to_string(dir.path().join("all")).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["x", "{\"a\":1}", "{\"b\":1}"]);
    let ran = sh(dir.path(), "filter .a --rejects /dev/null --else /dev/null in > /dev/null");
    assert_eq!(ran.status, 65, "{ran:?}");
}

#[test]
fn a_closed_output_is_an_error_as_soon_as_something_is_to_go_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in"), RECORD).unwrap();
    for line in [
        "filter .a in >&-",
        "filter --trust .a in >&-",
        "filter -j 2 .a in >&-",
        "map . in >&-",
        "map --through cat in >&-",
        "aggregate count in >&-",
        "filter --help >&-",
        "map --version >&-",
        "filter --explain .a >&-",
    ] {
        let ran = sh(dir.path(), line);
        assert_eq!(ran.status, 74, "{line}: {ran:?}");
        assert!(ran.stderr.contains("standard output: it is closed; "), "{line}: {ran:?}");
    }
    for line in [
        "filter .b in >&-",
        "produce t in >&-",
        "filter .a in > /dev/null",
        "filter .a < in >&- 2>&-",
    ] {
        let expected = if line.ends_with("2>&-") { 74 } else { 0 };
        assert_eq!(sh(dir.path(), line).status, expected, "{line}");
    }
    let ran = sh(dir.path(), "filter . <&-");
    assert_eq!((ran.status, ran.stderr.contains("stdin: it is closed; ")), (74, true), "{ran:?}");
    // Where a parent gives its own /dev/null, as Python does, nothing is closed.
    let null = || File::options().read(true).write(true).open("/dev/null").unwrap();
    let mut command = tool("filter", &["."]);
    let status = command.stdin(null()).stdout(null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_group_commits_nothing_that_went_to_a_closed_output() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let daemon = Daemon::start(&log, &[]);
    fs::write(dir.path().join("in"), "1\n2\n").unwrap();
    assert_eq!(sh(dir.path(), "produce t in").status, 0);
    let ran = sh(dir.path(), "subscribe t --group g >&-");
    assert_eq!(ran.status, 74, "{ran:?}");
    let again = sh(dir.path(), "subscribe t --group g");
    assert_eq!((again.status, again.stdout.as_str()), (0, "1\n2\n"), "{again:?}");
    assert_eq!(daemon.terminate().status, 0);
}

#[test]
fn a_full_output_is_an_error_whose_cause_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in"), RECORD).unwrap();
    fs::write(dir.path().join("bad"), "x\n").unwrap();
    for (line, place) in [
        ("filter .a in > /dev/full", "standard output"),
        ("filter --help > /dev/full", "standard output"),
        ("log-admin --version > /dev/full", "standard output"),
        ("filter .a --rejects /dev/full bad", "/dev/full: rejects"),
    ] {
        let ran = sh(dir.path(), line);
        assert_eq!(ran.status, 74, "{line}: {ran:?}");
        let said = format!("{place}: No space left on device (os error 28)\n");
        assert!(ran.stderr.ends_with(&said), "{line}: {ran:?}");
        assert!(!ran.stderr.contains("kept in"), "{line}: {ran:?}");
    }
    assert_eq!(sh(dir.path(), "filter --help | head -n 1").status, 0);
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let many = RECORD.repeat(100_000);
    fs::write(dir.path().join("in"), many).unwrap();
    for line in ["ulimit -f 100; filter .a in > out", "ulimit -f 100; produce t in"] {
        let ran = sh(dir.path(), line);
        assert_eq!(ran.status, 74, "{line}: {ran:?}");
        assert!(ran.stderr.contains("File too large (os error 27)"), "{line}: {ran:?}");
    }
}

#[test]
fn names_from_elsewhere_reach_no_terminal_as_commands() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("h.csv"), "\u{1b}[31m,\u{1b}[31m\n1,2\n").unwrap();
    fs::write(dir.path().join("\u{1b}]0;x\u{7}"), "x\n").unwrap();
    let setting = "log-admin create t --key '.[\"\u{1b}]0;PWN\u{7}\u{9b}\u{7f}\"]'";
    assert_eq!(sh(dir.path(), setting).status, 0);
    for line in [
        "produce c --from csv h.csv",
        "filter . \u{1b}]0*",
        "filter . missing\u{1b}",
        "filter '.\u{1b}'",
        "filter --no\u{1b}",
        "log-admin describe t",
        "log-admin list",
        "log-admin alter t --key .a",
        "log-admin --data no\u{1b}where list",
        "subscribe \u{1b}",
    ] {
        let ran = sh(dir.path(), line);
        let obeyed = |c: char| c.is_control() && c != '\n';
        assert!(!ran.stdout.contains(obeyed) && !ran.stderr.contains(obeyed), "{line}: {ran:?}");
    }
    let described = sh(dir.path(), "log-admin describe t").stdout;
    assert!(described.contains("PWN"), "{described}");
}
