//! Far more topics than files can be open: they are opened when they are asked for, and closed when
//! nobody uses them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::daemon::Daemon;
use crate::common::proc::{open_files, resident_bytes};
use crate::common::{bin, run_on, wait_for};
use millstream::log::{Log, Settings};

/// A directory of its own, in memory if there is such a place: tens of thousands of files are made,
/// and what is asked here is not how fast the disk is.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap()
}

/// A log of so many topics, with a record each. Their names are `t0` and so on.
fn make_topics(dir: &Path, count: usize) {
    let log = Log::open(dir).unwrap();
    let topic = log.create("t0", &Settings::new(1, None)).unwrap();
    let batch = topic.prepare(b"\"first\"\n".to_vec(), None).unwrap();
    topic.append(vec![batch]).remove(0).unwrap();
    log.close().unwrap();
    drop(log);
    let first = dir.join("topics/t0");
    let files: Vec<(String, Vec<u8>)> =
        ["topic.json", "0/00000000000000000000.index", "0/00000000000000000000.ndjson"]
            .map(|name| (name.to_owned(), fs::read(first.join(name)).unwrap()))
            .into();
    for number in 1..count {
        let topic = dir.join(format!("topics/t{number}"));
        fs::create_dir_all(topic.join("0")).unwrap();
        files.iter().for_each(|(name, bytes)| fs::write(topic.join(name), bytes).unwrap());
    }
}

#[test]
fn topics_with_longer_keys_than_are_given_now_are_all_listed() {
    let dir = scratch();
    let dir = dir.path();
    let log = Log::open(dir).unwrap();
    log.create("short", &Settings::new(1, Some(".a".to_owned()))).unwrap();
    log.close().unwrap();
    drop(log);
    let key = format!("\"{}\"", "k".repeat(60_000));
    let count = 3;
    for number in 0..count {
        let topic = dir.join(format!("topics/t{number:04}"));
        fs::create_dir_all(topic.join("0")).unwrap();
        let settings = serde_json::json!({"version": 1, "partitions": 1, "key": key});
        fs::write(topic.join("topic.json"), settings.to_string()).unwrap();
    }
    let list = || {
        let listed = run_on(dir, "log-admin", &["list", "--json"], "");
        assert_eq!(listed.status, 0, "{}", listed.stderr);
        listed.stdout
    };
    let alone = list();
    let daemon = Daemon::start(dir, &[]);
    let served = list();
    assert!(served == alone, "{} and {} bytes", served.len(), alone.len());
    assert_eq!(served.lines().count(), count + 1);
    assert_eq!(served.matches(&"k".repeat(60_000)).count(), count);
    // The list is one line, which a thousand such topics must not make too long.
    let mut talk = daemon.talk();
    talk.say(r#"{"topics":{}}"#);
    let listed = talk.answer();
    assert_eq!(listed["topics"][3]["key_bytes"], 60_002, "{listed}");
    assert!(listed.to_string().len() < 1_000, "{listed}");
    // A producer compares what it wants with its own topic alone.
    let other = ["short", "--partitions", "1", "--key", ".other"];
    let produced = run_on(dir, "produce", &other, "");
    assert!(produced.stderr.contains("has the key .a"), "{produced:?}");
    assert_eq!(daemon.terminate().status, 0);
}

/// The files of segments that a process has open.
fn segments(pid: u32) -> usize {
    open_files(pid).iter().filter(|path| path.contains("/topics/t") && path.contains("/0/")).count()
}

#[test]
fn ten_thousand_topics_cost_nothing_until_they_are_asked_for() {
    let dir = scratch();
    make_topics(dir.path(), 10_000);
    let daemon = Daemon::start(dir.path(), &[]);
    let pid = daemon.child.0.id();
    let mut talk = daemon.talk();
    assert_eq!(segments(pid), 0);
    assert!(resident_bytes(pid) < 32 << 20, "{}", resident_bytes(pid));
    for (asked, topic) in ["t17", "t9999"].into_iter().enumerate() {
        talk.append(topic, "2\n");
        let answer = talk.answer();
        assert_eq!(answer["appended"]["offsets"]["0"], 1, "{answer}");
        assert_eq!(segments(pid), 2 * (asked + 1));
    }
    let topics = talk.ask(r#"{"topics":{}}"#);
    assert_eq!(topics["topics"].as_array().unwrap().len(), 10_000);
    assert_eq!(segments(pid), 4);
}

#[test]
fn topics_that_nobody_uses_are_closed_when_files_get_short() {
    const TOPICS: usize = 300;
    const FILES: usize = 128;
    let dir = scratch();
    make_topics(dir.path(), TOPICS);
    let start = |limit: usize| {
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {limit}; exec \"$0\" --data \"$1\"");
        command.args(["-c", &script]).arg(bin("log-serve")).arg(dir.path());
        Daemon::spawn(&mut command, dir.path())
    };
    let daemon = start(FILES);
    let pid = daemon.child.0.id();
    let (mut talk, mut follower) = (daemon.talk(), daemon.talk());
    follower.say(r#"{"fetch":{"topic":"t0","offset":1,"follow":true}}"#);
    for round in 1..=3 {
        for number in 0..TOPICS {
            talk.append(&format!("t{number}"), &format!("{round}\n"));
            let answer = talk.answer();
            assert_eq!(answer["appended"]["offsets"]["0"], round, "t{number}: {answer}");
        }
        assert!((2..FILES).contains(&segments(pid)), "{}", segments(pid));
        // Its topic is never closed.
        assert_eq!(follower.answer()["records"]["offset"], round);
        assert_eq!(follower.hear(), round.to_string());
    }
    // Making topics opens them, too.
    for number in 0..TOPICS {
        let made = talk.ask(&format!(r#"{{"create":{{"topic":"u{number}"}}}}"#));
        assert!(made.get("created").is_some(), "{made}");
    }
    assert!(open_files(pid).len() < FILES);
    // One that needs more than there can be is refused with the reason, and spoils nothing.
    let many = talk.ask(r#"{"create":{"topic":"wide","partitions":100}}"#);
    let message = many["error"]["message"].as_str().unwrap();
    assert!(message.contains("limit of open files"), "{message}");
    talk.append("t1", "4\n");
    let answer = talk.answer();
    assert_eq!(answer["appended"]["offsets"]["0"], 4, "{answer}");

    assert_eq!(daemon.terminate().status, 0);
    let daemon = start(1024);
    let mut talk = daemon.talk();
    let ends = |topic: &str| {
        let asked = talk.ask(&format!(r#"{{"offsets":{{"topic":"{topic}"}}}}"#));
        asked["offsets"]["partitions"]["0"]["end"].as_u64()
    };
    assert_eq!(["t0", "t1", "t299"].map(ends), [Some(4), Some(5), Some(4)]);
}

#[test]
fn a_closed_topic_is_still_tended() {
    let dir = scratch();
    make_topics(dir.path(), 200);
    let mut command = Command::new("sh");
    let script = "ulimit -n 128; exec \"$0\" --data \"$1\"";
    command.args(["-c", script]).arg(bin("log-serve")).arg(dir.path());
    let daemon = Daemon::spawn(&mut command, dir.path());
    let mut talk = daemon.talk();
    let altered = talk.ask(r#"{"alter":{"topic":"t0","settings":{"segment_ms":1500}}}"#);
    assert!(altered.get("altered").is_some(), "{altered}");
    talk.store("t0", "1\n");
    let pid = daemon.child.0.id();
    let is_open = || open_files(pid).iter().any(|path| path.contains("/topics/t0/"));
    for number in 1..200 {
        talk.append(&format!("t{number}"), "1\n");
        let answer = talk.answer();
        assert!(answer.get("appended").is_some(), "{answer}");
    }
    wait_for("the other topics to push it out, or its segment to be closed for its age", || {
        let rolled = fs::read_dir(dir.path().join("topics/t0/0")).unwrap().count() > 2;
        (rolled || !is_open()).then_some(())
    });
    wait_for("its segment to be closed for its age", || {
        let files = fs::read_dir(dir.path().join("topics/t0/0")).unwrap().count();
        (files == 4).then_some(())
    });
}
