//! What it costs to open a topic: a clean one a few blocks, whatever its size; after kill -9 the
//! tail of the active segment.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::common::daemon::Daemon;
use crate::common::proc::read_bytes;
use nix::sys::signal::Signal;

const SEGMENT_BYTES: u64 = 1 << 20;

/// How many bytes a daemon reads to open the topic, and where the topic then ends.
fn opened(dir: &Path, daemon: &Daemon) -> (u64, u64) {
    let pid = daemon.child.0.id();
    let mut talk = daemon.talk();
    assert_eq!(talk.ask(r#"{"topics":{}}"#)["topics"][0]["topic"], "t", "{}", dir.display());
    let before = read_bytes(pid);
    let asked = talk.ask(r#"{"offsets":{"topic":"t"}}"#);
    let end = asked["offsets"]["partitions"]["0"]["end"].as_u64().unwrap();
    (read_bytes(pid) - before, end)
}

#[test]
fn a_topic_is_opened_by_a_few_blocks_and_recovered_by_its_tail() {
    let (dir, daemon) = Daemon::alone(&[]);
    let mut talk = daemon.talk();
    let create = format!(r#"{{"create":{{"topic":"t","segment_bytes":{SEGMENT_BYTES}}}}}"#);
    assert!(talk.ask(&create).get("created").is_some());
    let batch = format!("{{\"text\":\"{}\"}}\n", "x".repeat(1000)).repeat(64);
    for _ in 0..300 {
        talk.store("t", &batch);
    }
    assert_eq!(daemon.terminate().status, 0);

    let daemon = Daemon::start(dir.path(), &[]);
    let (read, end) = opened(dir.path(), &daemon);
    assert_eq!(end, 19_200);
    assert!(read < 4096, "a clean topic: {read} bytes");

    // Killed while it has appended and not ended.
    let mut talk = daemon.talk();
    talk.store("t", &batch);
    daemon.signal(Signal::SIGKILL);
    daemon.end();
    let daemon = Daemon::start(dir.path(), &[]);
    let (read, end) = opened(dir.path(), &daemon);
    assert_eq!(end, 19_264);
    assert!(read < 4096, "killed between two appends: {read} bytes");
    daemon.signal(Signal::SIGKILL);
    daemon.end();

    // Killed while it wrote: there is more than was acknowledged.
    let partition = dir.path().join("topics/t/0");
    let mut names: Vec<_> =
        std::fs::read_dir(&partition).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let data = names.iter().rfind(|path| path.extension().unwrap() == "ndjson").unwrap();
    let mut file = OpenOptions::new().append(true).open(data).unwrap();
    file.write_all(b"{\"text\":\"").unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let (read, end) = opened(dir.path(), &daemon);
    assert_eq!(end, 19_264);
    assert!(read < SEGMENT_BYTES / 8, "killed in a write: {read} bytes");
}
