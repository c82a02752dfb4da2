//! The daemon's room with both ends in the test's hand: what needs limits that no option sets.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::common::daemon::Talk;
use crate::common::wait_for;
use millstream::broker;
use millstream::log::{Log, LogError};
use millstream::serve::{self, Limits, ServeError};
use millstream::wire::address::Listener;

/// A daemon in a thread of ours; ends when dropped.
struct Inside {
    dir: tempfile::TempDir,
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Inside {
    fn start(limits: Limits) -> Inside {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let listener = Listener::bind(dir.path(), 0o600).unwrap();
        // Readable once the other end is dropped.
        let (stop, stopped) = UnixStream::pair().unwrap();
        let run = move || serve::run(listener, log, stopped, limits, || {});
        let thread = Some(std::thread::spawn(run));
        Inside { dir, stop: Some(stop), thread }
    }

    fn talk(&self) -> Talk {
        Talk::new(UnixStream::connect(self.dir.path().join("socket")).unwrap())
    }

    fn stop(&mut self) -> Result<(), ServeError> {
        self.stop = None;
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Sends the beginning of an append of `bytes`; returns once the daemon waits for the rest.
fn half_an_append(talk: &mut Talk, bytes: usize) {
    talk.send(format!(
        "{{\"topics\":{{}}}}\n{{\"append\":{{\"topic\":\"t\",\"bytes\":{bytes}}}}}\n1\n"
    ));
    assert!(talk.answer().get("topics").is_some());
}

/// Memory for an append of 100 bytes.
fn little_memory() -> broker::Limits {
    broker::Limits { append_bytes_max: 100, memory_bytes_max: 100, ..broker::Limits::default() }
}

#[test]
fn memory_is_not_held_by_those_who_send_nothing() {
    let limits =
        Limits { service: little_memory(), stall: Duration::from_millis(20), ..Limits::default() };
    let daemon = Inside::start(limits);
    let mut first = daemon.talk();
    first.ask(r#"{"create":{"topic":"t"}}"#);
    half_an_append(&mut first, 60);
    // While nobody else needs it, it may hold the memory as long as it likes.
    let start = Instant::now();
    let mut other = daemon.talk();
    wait_for("some stalls to pass", || {
        other.append("t", "1\n");
        assert_eq!(other.answer()["appended"]["records"], 1);
        (start.elapsed() > 5 * limits.stall).then_some(())
    });
    other.append("t", &" ".repeat(50));
    assert_eq!(other.answer()["appended"]["records"], 0);
    assert_eq!(first.error(), "timed_out");
    assert!(first.is_closed());
}

#[test]
fn memory_that_comes_free_is_used() {
    let limits = Limits { service: little_memory(), ..Limits::default() };
    let daemon = Inside::start(limits);
    let mut first = daemon.talk();
    first.ask(r#"{"create":{"topic":"t"}}"#);
    half_an_append(&mut first, 60);
    let mut others: Vec<Talk> = (0..3).map(|_| daemon.talk()).collect();
    for other in &mut others {
        other.append("t", &format!("{}2\n", " ".repeat(98)));
    }
    first.send(format!("3\n{}", " ".repeat(56)));
    assert_eq!(first.answer()["appended"]["records"], 2);
    for other in &mut others {
        assert_eq!(other.answer()["appended"]["records"], 1);
    }
}

#[test]
fn stopping_leaves_the_directory_clean() {
    let mut daemon = Inside::start(Limits::default());
    daemon.talk().ask(r#"{"create":{"topic":"t"}}"#);
    daemon.stop().unwrap();
    let left = |dir: &Path| {
        let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    assert_eq!(left(daemon.dir.path()), ["lock", "topics"]);
    // A child that another test forks at this moment may hold the lock until its own exec.
    let log = wait_for("the lock to be free", || match Log::open(daemon.dir.path()) {
        Err(LogError::Locked { .. }) => None,
        opened => Some(opened.unwrap()),
    });
    assert_eq!(log.topic_names().unwrap(), ["t"]);
}

#[test]
fn what_is_in_hand_is_finished_and_no_more_is_begun() {
    let limits = Limits { drain: Duration::from_secs(30), ..Limits::default() };
    let mut daemon = Inside::start(limits);
    let mut talk = daemon.talk();
    talk.ask(r#"{"create":{"topic":"t"}}"#);
    half_an_append(&mut talk, 4);
    daemon.stop = None;
    wait_for("the socket to go", || (!daemon.dir.path().join("socket").exists()).then_some(()));
    // In hand: finished. Behind it: refused.
    talk.send("2\n{\"topics\":{}}\n");
    assert_eq!(talk.answer()["appended"]["records"], 2);
    assert_eq!(talk.error(), "shutting_down");
    assert!(talk.is_closed());
    daemon.stop().unwrap();
}

#[test]
fn who_follows_a_topic_that_is_deleted_is_told() {
    let inside = Inside::start(Limits::default());
    let (mut admin, mut follower) = (inside.talk(), inside.talk());
    admin.send("{\"create\":{\"topic\":\"t\"}}\n{\"append\":{\"topic\":\"t\",\"bytes\":2}}\n1\n");
    assert!(admin.answer().get("created").is_some());
    assert!(admin.answer().get("appended").is_some());
    follower.send("{\"fetch\":{\"topic\":\"t\",\"offset\":1,\"follow\":true}}\n");
    admin.send("{\"delete\":{\"topic\":\"t\"}}\n");
    assert!(admin.answer().get("deleted").is_some());
    assert_eq!(follower.answer()["error"]["code"], "unknown_topic");
    admin.send("{\"append\":{\"topic\":\"t\",\"bytes\":2}}\n1\n");
    assert_eq!(admin.answer()["error"]["code"], "unknown_topic");
}
