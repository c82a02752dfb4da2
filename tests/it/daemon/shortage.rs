//! What the kernel refuses or interrupts for a while: descriptors, and calls that a signal ends
//! early. A full disk is in `daemon/requests.rs` and `topics/produce.rs`.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::common::daemon::{Daemon, Talk};
use crate::common::live::Pipeline;
use crate::common::{bin, run, tool, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How many descriptors the daemon may have.
const DESCRIPTORS: usize = 40;

/// How much processor time a process has used, in ticks of 10 ms.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

#[test]
fn without_descriptors_the_daemon_waits_and_then_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    let script = format!(r#"ulimit -n {DESCRIPTORS}; exec "$1" --data "$0""#);
    command.args(["-c", &script]).arg(dir.path()).arg(bin("log-serve"));
    let daemon = Daemon::spawn(&mut command, dir.path());
    let pid = daemon.child.0.id();
    let begun = Instant::now();
    let mut first = daemon.talk();
    first.ask(r#"{"create":{"topic":"t"}}"#);
    // So that the topic is not closed to make room.
    let mut follower = daemon.talk();
    follower.say(r#"{"fetch":{"topic":"t","follow":true}}"#);
    first.append("t", "0\n");
    assert_eq!(first.answer()["appended"]["records"], 1);
    assert!(follower.answer().get("records").is_some());
    // More than there are descriptors; those behind them stand in the listener's line.
    let mut crowd: Vec<Talk> = (0..DESCRIPTORS + 5).map(|_| daemon.talk()).collect();
    wait_for("the daemon to be short", || (descriptors(pid) >= DESCRIPTORS).then_some(()));
    let before = ticks(pid);
    let short = Instant::now();
    // What is open works, and what would need a descriptor is refused with its reason.
    wait_for("some time to be short", || (short.elapsed().as_millis() > 500).then_some(()));
    first.append("t", "1\n");
    assert_eq!(first.answer()["appended"]["records"], 1);
    let refused = first.ask(r#"{"create":{"topic":"u"}}"#);
    assert_eq!(refused["error"]["code"], "io", "{refused}");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("Too many open files"), "{message}");
    // A follower and a member sleep by a descriptor each: told so, too, and not cut off.
    for needy in [
        r#"{"fetch":{"topic":"t","follow":true}}"#,
        r#"{"join":{"group":"g","topic":"t","follow":true}}"#,
    ] {
        let refused = first.ask(needy);
        assert_eq!(refused["error"]["code"], "io", "{refused}");
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.contains("raise log-serve's limit"), "{message}");
    }
    let used = ticks(pid) - before;
    assert!(used < 20, "{used} ticks of 10 ms in {:?}: it spins", short.elapsed());
    // All that were in line are served once there is room again.
    let last = crowd.split_off(crowd.len() - 5);
    drop(crowd);
    for mut talk in last {
        assert!(talk.ask(r#"{"hello":{"version":1}}"#).get("hello").is_some());
    }
    assert!(first.ask(r#"{"create":{"topic":"u"}}"#).get("created").is_some());
    let ran = daemon.terminate();
    let told = ran.stderr.matches("cannot accept a connection now").count();
    assert!(told >= 1 && told as u128 <= begun.elapsed().as_millis() / 100 + 1, "{ran:?}");
}

/// Stops and continues processes as fast as it can while `job` runs: calls that wait return early
/// then, as after a signal with a handler (signal(7), "Interruption ... by stop signals").
fn shower<T>(pids: &[u32], job: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
                    for pid in pids {
                        // One that has just ended is none of our concern.
                        let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
                    }
                }
                std::thread::yield_now();
            }
        });
        let result = job();
        done.store(true, Ordering::SeqCst);
        result
    })
}

#[test]
fn a_shower_of_signals_loses_and_repeats_nothing() {
    let (dir, daemon, _talk) = Daemon::with_topic(&[]);
    let data = dir.path().to_str().unwrap();
    let mut produce = Pipeline::start(&[&["produce", "t", "--data", data]]);
    let subscribe = Pipeline::start(&[
        &["subscribe", "t", "-f", "--from", "start", "--data", data],
        &["filter", "true"],
    ]);
    let mut pids = vec![daemon.child.0.id()];
    pids.extend(produce.pids());
    pids.extend(subscribe.pids());
    shower(&pids, || {
        for number in 0..300 {
            produce.send(format!("{number}\n"));
            assert_eq!(subscribe.line(), number.to_string());
        }
        let many: String = (300..20_000).map(|number| format!("{number}\n")).collect();
        produce.send(many);
        for number in 300..20_000 {
            assert_eq!(subscribe.line(), number.to_string());
        }
    });
    let ran = produce.finish().remove(0);
    assert_eq!((ran.status, &ran.stderr[..]), (0, ""), "{ran:?}");
    let all: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    assert!(daemon.records() == all);
    // Nobody took it for a signal to end.
    let counted = tool("subscribe", &["t", "--data", data]).output().unwrap();
    assert!(counted.stdout == all.into_bytes());
}

/// A tool that gets few descriptors.
fn short_of_files(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]).arg(bin(name)).args(args);
    command
}

#[test]
fn a_topic_that_is_made_and_cannot_be_opened_is_removed() {
    for served in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_str().unwrap();
        let mut daemon = short_of_files("log-serve", &["--data", data]);
        let daemon = served.then(|| Daemon::spawn(&mut daemon, dir.path()));
        let create = ["create", "many", "--data", data];
        let made = run(
            &mut short_of_files("log-admin", &[&create, &["--partitions", "100"][..]].concat()),
            "",
        );
        assert_eq!(made.status, 74, "{made:?}");
        assert!(made.stderr.contains("Too many open files"), "{made:?}");
        let left: Vec<_> = std::fs::read_dir(dir.path().join("topics")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        // Another one of that name can be made.
        let made = run(&mut short_of_files("log-admin", &create), "");
        assert_eq!(made.status, 0, "{made:?}");
        daemon.into_iter().for_each(|daemon| assert_eq!(daemon.terminate().status, 0));
    }
}
