//! Input that nobody in their right mind sends, at each door: a pipe, a file, the socket.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::daemon::Daemon;
use crate::common::{Guard, Ran, run, tool};

const GIB: usize = 1 << 30;
/// What a tool may hold at its most while a line that it refuses goes by, in KiB: the limit of a
/// record, which grows by doubling, and the program itself.
const HELD_KIB_MAX: u64 = 96 << 10;

/// Writes so many bytes of one line; tells whether all of them were taken.
fn pour(to: &mut impl Write, bytes: usize) -> bool {
    let block = vec![b'x'; 1 << 20];
    (0..bytes / block.len()).all(|_| to.write_all(&block).is_ok())
}

/// The most memory that a process has held so far, in KiB.
fn held_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn spawn(command: &mut Command) -> Guard {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Guard(command.spawn().unwrap())
}

fn finish(child: &mut Child) -> Ran {
    let mut stderr = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    let status = child.wait().unwrap();
    std::process::Output { status, stdout: Vec::new(), stderr }.into()
}

#[test]
fn a_line_of_a_gibibyte_ends_a_tool_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    for (name, args) in [("filter", &["."][..]), ("produce", &["t", "--data", data][..])] {
        let mut child = spawn(&mut tool(name, args));
        let mut input = child.0.stdin.take().unwrap();
        input.write_all(b"1\n").unwrap();
        assert!(!pour(&mut input, GIB), "{name} reads on");
        drop(input);
        let ran = finish(&mut child.0);
        assert_eq!(ran.status, 65, "{name}: {ran:?}");
        assert!(ran.stderr.contains(":2: "), "{name}: {ran:?}");
    }
    let ran = run(&mut tool("subscribe", &["t", "--data", data]), "");
    assert_eq!(ran.stdout, "1\n", "what came before it is kept");
}

#[test]
fn a_line_of_a_gibibyte_goes_by_without_being_held() {
    let mut child = spawn(&mut tool("filter", &[".", "--rejects", "/dev/null"]));
    let mut input = child.0.stdin.take().unwrap();
    assert!(pour(&mut input, GIB));
    input.write_all(b"\n[\"after\"]\n").unwrap();
    let mut line = String::new();
    // Kept open: a tool that nobody listens to any more ends.
    let mut output = BufReader::new(child.0.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "[\"after\"]\n");
    let held = held_kib(child.0.id());
    assert!(held < HELD_KIB_MAX, "{held} KiB");
    drop(input);
    let ran = finish(&mut child.0);
    assert_eq!(ran.status, 65, "{ran:?}");
    assert!(ran.stderr.contains('1'), "the loss is told: {ran:?}");
}

#[test]
fn a_file_that_is_one_line_of_a_gibibyte_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zeros");
    File::create(&path).unwrap().set_len(GIB as u64).unwrap();
    let (path, data) = (path.to_str().unwrap(), dir.path().to_str().unwrap());
    for (name, args) in [("filter", vec![".", path]), ("produce", vec!["t", path, "--data", data])]
    {
        let ran = run(&mut tool(name, &args), "");
        assert_eq!(ran.status, 65, "{name}: {ran:?}");
        assert!(ran.stderr.contains("zeros:1"), "{name}: {ran:?}");
    }
}

#[test]
fn a_gibibyte_on_the_socket_is_refused_and_not_held() {
    let (_dir, daemon, mut talk) = Daemon::with_topic(&[]);
    // As a request: nothing can be read behind it.
    let endless = daemon.talk();
    assert!(!pour(&mut endless.stream(), GIB), "the daemon reads on");
    // As records: they are dropped, and the connection is as good as before.
    talk.say(&format!("{{\"append\":{{\"topic\":\"t\",\"bytes\":{GIB}}}}}"));
    assert_eq!(talk.error(), "too_large");
    assert!(pour(&mut talk.stream(), GIB));
    talk.append("t", "1\n");
    assert_eq!(talk.answer()["appended"]["records"], 1);
    let held = held_kib(daemon.child.0.id());
    assert!(held < HELD_KIB_MAX, "{held} KiB");
    assert_eq!(daemon.records(), "1\n");
}

/// A record, and whether it is one.
fn odd_records() -> Vec<(Vec<u8>, bool)> {
    let deep = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
    vec![
        (b"{\"a\":\"x\x00y\"}".to_vec(), false),
        (b"\x00".to_vec(), false),
        (b"{\"a\":\"\xff\"}".to_vec(), false),
        (b"{\"a\":\"\xc3\x28\"}".to_vec(), false),
        (b"{\"a\":\"\xed\xa0\x80\"}".to_vec(), false),
        // A byte order mark counts as one only before the first line of an input.
        (b"{}\xef\xbb\xbf".to_vec(), false),
        (deep(1025), false),
        (vec![b'['; 100_000], false),
        ("{\"a\":".repeat(100_000).into_bytes(), false),
        (deep(1024), true),
        (b"{\"a\":1,\"a\":2,\"a\":1}".to_vec(), true),
        (b"{\"a\":\"\\ud800\"}".to_vec(), true),
        (b"1e999999999".to_vec(), true),
        (b"{\"\":{\"\":[]}}".to_vec(), true),
    ]
}

/// What came out of the topic `t` in `dir`.
fn stored(dir: &Path) -> Vec<u8> {
    let args = ["t", "--data", dir.to_str().unwrap()];
    let output = tool("subscribe", &args).stdin(Stdio::null()).output().unwrap();
    output.stdout
}

#[test]
fn odd_records_are_kept_or_refused_alike_at_each_door() {
    let (_served, daemon, mut talk) = Daemon::with_topic(&[]);
    let mut kept = Vec::new();
    for (record, good) in odd_records() {
        let shown = String::from_utf8_lossy(&record[..record.len().min(40)]).into_owned();
        let line = [&record[..], b"\n"].concat();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("input");
        std::fs::write(&path, &line).unwrap();
        let path = path.to_str().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (piped, filed) = (at("piped"), at("filed"));
        let status = if good { 0 } else { 65 };
        for (name, args, input) in [
            ("filter", vec!["true"], &line[..]),
            ("filter", vec!["true", path], b""),
            ("produce", vec!["t", "--data", &piped], &line),
            ("produce", vec!["t", path, "--data", &filed], b""),
        ] {
            let ran = run(&mut tool(name, &args), input);
            assert_eq!(ran.status, status, "{shown}: {name} {args:?}: {ran:?}");
            assert!(good || ran.stderr.contains(":1"), "{shown}: {name} {args:?}: {ran:?}");
        }
        let expected = if good { &line[..] } else { b"" };
        assert!(stored(Path::new(&piped)) == expected, "{shown}");
        assert!(stored(Path::new(&filed)) == expected, "{shown}");
        // And on the socket, where the connection goes on.
        talk.say(&format!("{{\"append\":{{\"topic\":\"t\",\"bytes\":{}}}}}", line.len()));
        talk.send(&line);
        if good {
            assert_eq!(talk.answer()["appended"]["records"], 1, "{shown}");
            kept.extend_from_slice(&line);
        } else {
            assert_eq!(talk.error(), "bad_records", "{shown}");
        }
    }
    assert!(daemon.records().into_bytes() == kept);
}

#[test]
fn requests_of_odd_bytes_are_refused_and_the_daemon_serves_on() {
    let (_dir, daemon, _talk) = Daemon::with_topic(&[]);
    let deep = "[".repeat(60_000);
    let nested = format!("{{\"topics\":{}}}", "{\"a\":".repeat(10_000));
    for line in [&b"\x00"[..], b"\xff\xfe{}", deep.as_bytes(), nested.as_bytes()] {
        let mut talk = daemon.talk();
        talk.send([line, b"\n"].concat());
        assert_eq!(talk.error(), "bad_request");
        assert!(talk.is_closed());
    }
    let mut talk = daemon.talk();
    // Twice the same field: which one would count is nobody's guess.
    talk.send("{\"fetch\":{\"topic\":\"t\",\"topic\":\"t\"}}\n");
    assert_eq!(talk.error(), "bad_request");
    // An expression of the client's, as deep as a request can be long.
    let key = format!("{}.{}", "(".repeat(20_000), ")".repeat(20_000));
    talk.say(&format!("{{\"create\":{{\"topic\":\"u\",\"partitions\":2,\"key\":\"{key}\"}}}}"));
    let answer = talk.answer();
    assert!(answer.get("created").is_some() || answer.get("error").is_some(), "{answer}");
    assert!(daemon.talk().ask(r#"{"topics":{}}"#).get("topics").is_some());
}
