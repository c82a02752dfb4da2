//! What readers cost: one that does not read holds nothing up and next to no memory, and one that
//! waits costs nothing.

use std::io::Read;
use std::process::{Child, Stdio};

use crate::alone;
use crate::common::daemon::{Daemon, Talk};
use crate::common::proc::{resident_bytes, runs};
use crate::common::{Guard, tool, wait_for};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A batch of about so many MiB.
fn batch(mib: usize) -> String {
    let record = format!("{{\"text\":\"{}\"}}\n", "x".repeat(500));
    record.repeat((mib << 20) / record.len())
}

/// Sends a signal to a child and waits until /proc tells that it is in that state.
fn signal(child: &Child, signal: Signal, state: &str) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    let path = format!("/proc/{}/stat", child.id());
    wait_for("the child to be stopped", || {
        let stat = std::fs::read_to_string(&path).unwrap();
        stat.rsplit(") ").next().unwrap().starts_with(state).then_some(())
    });
}

#[test]
fn readers_that_stop_in_the_middle_of_large_batches_hold_neither_memory_nor_anybody_up() {
    let _alone = alone();
    const RAW: usize = 16;
    const STOPPED: usize = 2;
    let (dir, daemon, mut talk) = Daemon::with_topic(&[]);
    let (batch, pid) = (batch(30), daemon.child.0.id());
    for _ in 0..2 {
        talk.store("t", &batch);
    }
    let before = resident_bytes(pid);

    let mut raw: Vec<Talk> = (0..RAW).map(|_| daemon.talk()).collect();
    for talk in &mut raw {
        // The second batch, from its middle on.
        let offset = batch.lines().count() * 3 / 2;
        talk.say(&format!(r#"{{"fetch":{{"topic":"t","offset":{offset}}}}}"#));
        let run = talk.answer();
        assert!(run["records"]["bytes"].as_u64().unwrap() <= 512 << 10, "{run}");
    }
    let mut stopped: Vec<Guard> = (0..STOPPED)
        .map(|_| {
            let mut command = tool("subscribe", &["--data", dir.path().to_str().unwrap(), "t"]);
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
            signal(&child, Signal::SIGSTOP, "T");
            Guard(child)
        })
        .collect();

    // Others go on at once.
    for number in 0..100 {
        talk.store("t", &format!("{number}\n"));
    }
    let last = talk.ask(r#"{"offsets":{"topic":"t","at":"end"}}"#);
    let end = last["offsets"]["partitions"]["0"]["end"].as_u64().unwrap();
    let mut other = daemon.talk();
    other.say(&format!(r#"{{"fetch":{{"topic":"t","offset":{}}}}}"#, end - 1));
    assert_eq!(other.answer()["records"]["records"], 1);
    assert_eq!(other.bytes(3), b"99\n");

    let grown = resident_bytes(pid).saturating_sub(before);
    let most = ((RAW + STOPPED) as u64) << 20;
    assert!(grown < most, "the readers hold {grown} bytes; {most} at most were expected");

    // Who goes on reading has lost nothing.
    for child in &mut stopped {
        signal(&child.0, Signal::SIGCONT, "");
        let mut rest = Vec::new();
        child.0.stdout.as_mut().unwrap().read_to_end(&mut rest).unwrap();
        assert!(rest.len() + 1 >= 2 * batch.len(), "{}", rest.len());
        assert_eq!(rest[batch.len() - 1..2 * batch.len() - 1], *batch.as_bytes());
        assert!(child.0.wait().unwrap().success());
    }
    let record = batch.lines().next().unwrap();
    for talk in &mut raw {
        assert_eq!(talk.hear(), record);
    }
}

#[test]
fn followers_that_wait_cost_nothing_and_are_woken_by_their_own_topic_only() {
    let _alone = alone();
    const FOLLOWERS: usize = 1000;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let (_dir, daemon, mut talk) = Daemon::with_topic(&["--max-connections", "1010"]);
    for topic in ["a", "b"] {
        talk.ask(&format!(r#"{{"create":{{"topic":"{topic}"}}}}"#));
    }
    let mut followers: Vec<Talk> = (0..FOLLOWERS).map(|_| daemon.talk()).collect();
    for (number, follower) in followers.iter_mut().enumerate() {
        // Then its thread runs and has its name.
        follower.ask(r#"{"hello":{"version":1}}"#);
        let topic = ["a", "b"][number % 2];
        follower.say(&format!(r#"{{"fetch":{{"topic":"{topic}","follow":true}}}}"#));
    }
    let pid = daemon.child.0.id();
    let mut append = |topic: &str| {
        talk.store(topic, "1\n");
    };
    // Connections are numbered as they come; the first is the one that appends.
    let of_followers = |first: usize| {
        let mut runs = runs(pid, "session");
        let names = (first..FOLLOWERS).step_by(2).map(|number| format!("session {}", number + 2));
        names.map(|name| runs.remove(&name).unwrap()).collect::<Vec<_>>()
    };
    let asleep = |first: usize, append: &mut dyn FnMut(&str)| {
        wait_for("followers to sleep", || {
            let before = of_followers(first);
            (0..10).for_each(|_| append("t"));
            (of_followers(first) == before).then_some(before)
        })
    };
    let (of_a, of_b) = (asleep(0, &mut append), asleep(1, &mut append));
    (0..100).for_each(|_| append("t"));
    assert_eq!(of_followers(0), of_a);
    assert_eq!(of_followers(1), of_b);

    append("a");
    for follower in followers.iter_mut().step_by(2) {
        assert_eq!(follower.answer()["records"]["records"], 1);
    }
    assert_eq!(of_followers(1), of_b);
    append("b");
    for follower in followers.iter_mut().skip(1).step_by(2) {
        assert_eq!(follower.answer()["records"]["records"], 1);
    }
}
