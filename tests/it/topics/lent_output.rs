//! `subscribe -f` into a pipe, which it lends the daemon: whoever writes there, the reader gets
//! everything, once, whole and in order.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::common::daemon::{Daemon, Talk};
use crate::common::proc::{open_files, runs};
use crate::common::someone::{NOBODY, can_be_others, tool_as};
use crate::common::{Guard, tool, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A daemon with a topic `t` that is not forced to the disk, and a connection.
/// A record of about so many bytes.
fn record(number: usize, bytes: usize) -> String {
    format!("{{\"number\":{number},\"text\":\"{}\"}}\n", "x".repeat(bytes))
}

/// `subscribe -f`, and what reads its output.
struct Follower {
    child: Guard,
    output: BufReader<PipeReader>,
}

impl Follower {
    fn new(daemon: &Daemon, args: &[&str]) -> Follower {
        let (reader, writer) = std::io::pipe().unwrap();
        Follower { child: subscribe(daemon, args, writer), output: BufReader::new(reader) }
    }

    /// The next line; none at the end.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let count = self.output.read_line(&mut line).unwrap();
        (count > 0).then_some(line)
    }

    fn read(&mut self, wanted: &str) {
        for wanted in wanted.split_inclusive('\n') {
            assert_eq!(self.line().as_deref(), Some(wanted));
        }
    }

    /// Appends and reads records until that does not wake the subscriber; tells how many.
    fn until_lent(&mut self, talk: &mut Talk) {
        let pid = self.child.0.id();
        let woken = || woken(pid);
        wait_for("records that do not wake the subscriber", || {
            let before = woken();
            for number in 0..20 {
                talk.store("t", &record(number, 100));
                self.read(&record(number, 100));
            }
            (woken() == before).then_some(())
        });
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.0.id().try_into().unwrap()), signal).unwrap();
    }

    fn status(&mut self) -> i32 {
        let status = wait_for("subscribe to end", || self.child.0.try_wait().unwrap());
        status.code().unwrap()
    }
}

/// How often the main thread of a subscriber was put on a processor; not at all before it has its
/// name.
fn woken(pid: u32) -> u64 {
    runs(pid, "subscribe").get("subscribe").map_or(0, |runs| runs.0)
}

fn subscribe(daemon: &Daemon, args: &[&str], output: impl Into<Stdio>) -> Guard {
    let mut command = tool("subscribe", &["--data", daemon.dir.to_str().unwrap(), "-f", "t"]);
    Guard(command.args(args).stdout(output).stderr(Stdio::null()).spawn().unwrap())
}

/// The name of a pipe among a process's descriptors.
fn name(pipe: impl AsFd) -> String {
    let path = format!("/proc/self/fd/{}", pipe.as_fd().as_raw_fd());
    fs::read_link(path).unwrap().to_string_lossy().into_owned()
}

fn holds(daemon: &Daemon, name: &str) -> bool {
    open_files(daemon.child.0.id()).iter().any(|file| file == name)
}

#[test]
fn small_appends_pass_a_subscriber_by() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let mut follower = Follower::new(&daemon, &[]);
    follower.until_lent(&mut talk);
    follower.signal(Signal::SIGSTOP);
    for number in 0..100 {
        talk.store("t", &record(number, 100));
        follower.read(&record(number, 100));
    }
    // What is large waits for it, and all that comes behind.
    let sizes = [5_000, 100, 50_000, 100, 100];
    let behind: Vec<String> = sizes.into_iter().map(|bytes| record(100, bytes)).collect();
    for record in &behind {
        talk.store("t", record);
    }
    follower.signal(Signal::SIGCONT);
    follower.read(&behind.concat());
    follower.until_lent(&mut talk);
}

#[test]
fn a_pipe_that_is_full_holds_no_append_up_and_nothing_is_lost() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let mut follower = Follower::new(&daemon, &[]);
    follower.until_lent(&mut talk);
    // More than the pipe holds, and the connection.
    let many = 12_000;
    for number in 0..many {
        talk.store("t", &record(number, 200));
    }
    for number in 0..many {
        follower.read(&record(number, 200));
    }
    follower.until_lent(&mut talk);
}

#[test]
fn large_and_small_records_keep_their_order() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let mut follower = Follower::new(&daemon, &[]);
    let size =
        |number: usize| [10, 300, 3_900, 4_100, 20_000, 10, 10, 300_000][number * 7 % 23 % 8];
    let many = 600;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..many {
                talk.store("t", &record(number, size(number)));
            }
        });
        for number in 0..many {
            follower.read(&record(number, size(number)));
        }
    });
}

#[test]
fn subscribers_that_share_a_pipe_do_not_break_each_others_lines() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let (reader, writer) = std::io::pipe().unwrap();
    let share = |writer: &PipeWriter| writer.try_clone().unwrap();
    let _both = [subscribe(&daemon, &[], share(&writer)), subscribe(&daemon, &[], writer)];
    let mut lines = BufReader::new(reader).lines();
    let many = 2_000;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..many {
                talk.store("t", &record(number, 1_000));
            }
        });
        let mut seen = BTreeMap::new();
        for _ in 0..2 * many {
            let line = lines.next().unwrap().unwrap();
            *seen.entry(line).or_insert(0) += 1;
        }
        for number in 0..many {
            assert_eq!(seen.get(record(number, 1_000).trim_end()), Some(&2), "{number}");
        }
    });
}

#[test]
fn beside_many_others_it_is_the_followers_own_thread_that_writes() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let mut followers: Vec<Follower> = (0..10).map(|_| Follower::new(&daemon, &[])).collect();
    let mut next = 0;
    let woken = |follower: &Follower| woken(follower.child.0.id());
    wait_for("records that wake no subscriber", || {
        let before: Vec<u64> = followers.iter().map(woken).collect();
        for number in next..next + 10 {
            talk.store("t", &record(number, 100));
            for follower in &mut followers {
                follower.read(&record(number, 100));
            }
        }
        next += 10;
        (followers.iter().map(woken).collect::<Vec<_>>() == before).then_some(())
    });
}

#[test]
fn a_reader_that_leaves_ends_the_subscriber() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let mut follower = Follower::new(&daemon, &[]);
    follower.until_lent(&mut talk);
    let pipe = name(follower.output.get_ref());
    assert!(holds(&daemon, &pipe));
    let (reader, _writer) = std::io::pipe().unwrap();
    follower.output = BufReader::new(reader);
    talk.store("t", &record(0, 100));
    assert_eq!(follower.status(), 0);
    wait_for("the daemon to let the pipe go", || (!holds(&daemon, &pipe)).then_some(()));
    talk.store("t", &record(1, 100));
}

#[test]
fn a_subscriber_that_ends_ends_its_output() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let (_dir, daemon, mut talk) = Daemon::without_fsync();
        let mut follower = Follower::new(&daemon, &[]);
        follower.until_lent(&mut talk);
        follower.signal(signal);
        assert_eq!(follower.line(), None);
        drop(daemon);
    }
}

#[test]
fn when_the_daemon_stops_the_subscriber_says_so() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let mut follower = Follower::new(&daemon, &["--reconnect", "0"]);
    let mut patient = Follower::new(&daemon, &[]);
    follower.until_lent(&mut talk);
    patient.until_lent(&mut talk);
    talk.store("t", &record(0, 100));
    drop(talk);
    let dir = daemon.dir.clone();
    assert_eq!(daemon.terminate().status, 0);
    while follower.line().is_some() {}
    assert_eq!(follower.status(), 75);
    // One that waits is told how much the daemon had written, and goes on behind it.
    let again = Daemon::start(&dir, &[]);
    again.talk().store("t", &record(1, 100));
    while patient.line() != Some(record(0, 100)) {}
    patient.read(&record(1, 100));
}

#[test]
fn a_bound_is_kept() {
    let (_dir, daemon, mut talk) = Daemon::without_fsync();
    let mut follower = Follower::new(&daemon, &["--until", "3"]);
    for number in 0..5 {
        talk.store("t", &record(number, 100));
    }
    follower.read(&(0..3).map(|number| record(number, 100)).collect::<String>());
    assert_eq!((follower.line(), follower.status()), (None, 0));
}

#[test]
fn what_is_not_printed_as_it_is_or_may_not_be_used_is_not_lent() {
    for args in [&["--meta"][..], &["--control"], &["--group", "g"], &["--no-lend"]] {
        let (_dir, daemon, mut talk) = Daemon::without_fsync();
        talk.store("t", &record(0, 100));
        let mut follower = Follower::new(&daemon, args);
        let pipe = name(follower.output.get_ref());
        while !follower.line().unwrap().contains("\"number\":0") {}
        assert!(!holds(&daemon, &pipe), "{args:?}");
    }
}

/// Somebody else's pipe is not written to by those who append.
#[test]
fn others_get_everything_from_their_own_process() {
    if !can_be_others() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let daemon = Daemon::start(&log, &[]);
    let mut talk = daemon.talk();
    talk.ask(r#"{"create":{"topic":"t"}}"#);
    fs::set_permissions(&log, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(log.join("socket"), fs::Permissions::from_mode(0o777)).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let pipe = name(&reader);
    let mut command = tool_as(NOBODY, dir.path(), "subscribe", &["-f", "t"]);
    let _child = Guard(command.stdout(writer).spawn().unwrap());
    drop(command);
    let mut lines = BufReader::new(reader).lines();
    for number in 0..10 {
        talk.store("t", &record(number, 100));
        assert_eq!(lines.next().unwrap().unwrap() + "\n", record(number, 100));
        assert!(!holds(&daemon, &pipe));
    }
}

const LENDING: &str = r#"{"fetch":{"topic":"t","follow":true,"pipe":true}}"#;

#[test]
fn what_is_no_pipe_is_not_written_to() {
    let (dir, daemon, mut talk) = Daemon::without_fsync();
    let (path, mut follower) = (dir.path().join("file"), daemon.talk());
    follower.pass(LENDING, File::create(&path).unwrap());
    for number in 0..10 {
        talk.store("t", &record(number, 100));
        let bytes = follower.answer()["records"]["bytes"].as_u64().unwrap();
        assert_eq!(follower.bytes(bytes as usize), record(number, 100).as_bytes());
        follower.say(&format!("{{\"written\":{{\"records\":{}}}}}", number + 1));
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
}

#[test]
fn only_written_may_be_said_meanwhile() {
    let (_dir, daemon, _talk) = Daemon::without_fsync();
    let (_reader, writer) = std::io::pipe().unwrap();
    let mut follower = daemon.talk();
    follower.pass(LENDING, &writer);
    follower.say(r#"{"topics":{}}"#);
    assert_eq!(follower.error(), "bad_request");
    assert!(follower.is_closed());
    wait_for("the daemon to let the pipe go", || (!holds(&daemon, &name(&writer))).then_some(()));
}

#[test]
fn descriptors_that_nobody_asked_for_are_few() {
    let (_dir, daemon, _talk) = Daemon::without_fsync();
    let (_reader, writer) = std::io::pipe().unwrap();
    let mut talk = daemon.talk();
    for _ in 0..50 {
        talk.pass(r#"{"hello":{"version":1}}"#, &writer);
        talk.answer();
    }
    let held = open_files(daemon.child.0.id()).into_iter().filter(|file| *file == name(&writer));
    assert!(held.count() <= 4);
}

#[test]
fn the_environment_switches_lending_off_for_all_tools() {
    for (value, lends) in [("1", false), ("", true)] {
        let (_dir, daemon, mut talk) = Daemon::without_fsync();
        talk.store("t", &record(0, 100));
        let (reader, writer) = std::io::pipe().unwrap();
        let pipe = name(&reader);
        let data = daemon.dir.to_str().unwrap();
        let mut command = tool("subscribe", &["--data", data, "-f", "t"]);
        let _child =
            Guard(command.env("MILLSTREAM_NO_LEND", value).stdout(writer).spawn().unwrap());
        drop(command);
        let mut lines = BufReader::new(reader).lines();
        assert_eq!(lines.next().unwrap().unwrap() + "\n", record(0, 100));
        assert_eq!(holds(&daemon, &pipe), lends, "{value:?}");
    }
}
