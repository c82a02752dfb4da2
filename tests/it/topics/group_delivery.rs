//! What a member of a group commits, and when: not what its reader has left in the pipe, not what
//! a command has not done; and what becomes of it when records go, or the daemon does.

use std::fs;
use std::io::{BufRead, BufReader, PipeReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::common::daemon::Daemon;
use crate::common::{Guard, run_on, tool, tool_on, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

fn admin(dir: &Path, args: &[&str]) {
    let ran = run_on(dir, "log-admin", args, "");
    assert_eq!(ran.status, 0, "{ran:?}");
}

/// A command that appends its input to `seen`, and ends once there is `go`.
struct Slow {
    seen: PathBuf,
    go: PathBuf,
}

impl Slow {
    fn new(dir: &Path) -> Slow {
        Slow { seen: dir.join("seen"), go: dir.join("go") }
    }

    fn command(&self) -> String {
        let (seen, go) = (self.seen.display(), self.go.display());
        format!("cat >> '{seen}'; while [ ! -e '{go}' ]; do sleep 0.01; done")
    }

    fn seen(&self) -> String {
        fs::read_to_string(&self.seen).unwrap_or_default()
    }

    fn go(&self) {
        fs::write(&self.go, "").unwrap();
    }
}

/// A daemon with a topic of five segments, of one record each.
fn with_segments() -> (TempDir, Daemon) {
    let (dir, daemon) = Daemon::alone(&[]);
    admin(dir.path(), &["create", "t", "--segment-bytes", "1"]);
    (0..5).for_each(|number| produce(dir.path(), &format!("{number}\n")));
    (dir, daemon)
}

/// Appends four more segments while the command runs, and removes the first eight; then the
/// command ends.
fn trim_during(slow: &Slow, dir: &Path) {
    (5..9).for_each(|number| produce(dir, &format!("{number}\n")));
    admin(dir, &["trim", "t", "--before", "8"]);
    slow.go();
}

fn numbers(range: std::ops::Range<u32>) -> String {
    range.map(|number| format!("{number}\n")).collect()
}

fn produce(dir: &Path, records: &str) {
    let ran = run_on(dir, "produce", &["t"], records);
    assert_eq!(ran.status, 0, "{ran:?}");
}

/// How many records the group has committed in all partitions of `t` together.
fn committed(dir: &Path) -> u64 {
    let listed = run_on(dir, "log-admin", &["groups", "--json"], "");
    let rows = listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    rows.map(|row: serde_json::Value| row["committed"].as_u64().unwrap_or(0)).sum()
}

/// A member of the group `g`, whose output the test reads when it likes.
struct Member {
    child: Guard,
    output: BufReader<PipeReader>,
}

impl Member {
    fn start(dir: &Path, args: &[&str]) -> Member {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = tool("subscribe", &["t", "--group", "g"]);
        command.args(args).env("MILLSTREAM_DIR", dir);
        let child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        Member { child: Guard(child), output: BufReader::with_capacity(1, reader) }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.0.id().try_into().unwrap()), signal).unwrap();
    }

    /// Its status and messages, once it has ended.
    fn end(&mut self) -> (i32, String) {
        let status = wait_for("subscribe to end", || self.child.0.try_wait().unwrap());
        let mut said = String::new();
        self.child.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status.code().unwrap_or(-1), said)
    }
}

// What its reader has not taken.

#[test]
fn what_a_reader_left_in_the_pipe_is_delivered_again() {
    let (dir, _daemon, _talk) = Daemon::with_topic(&[]);
    produce(dir.path(), &numbers(0..1000));
    let mut member = Member::start(dir.path(), &[]);
    (0..10).for_each(|number| assert_eq!(member.line(), number.to_string()));
    assert_eq!(committed(dir.path()), 0);
    // The reader leaves.
    member.output = BufReader::new(std::io::pipe().unwrap().0);
    assert_eq!(member.end().0, 0);
    assert_eq!(committed(dir.path()), 0);
    let again = run_on(dir.path(), "subscribe", &["t", "--group", "g"], "");
    assert_eq!(again.stdout, numbers(0..1000));
    assert_eq!(committed(dir.path()), 1000);
}

#[test]
fn a_reader_that_takes_all_that_was_asked_for_and_is_gone_has_read_it() {
    let (dir, _daemon, _talk) = Daemon::with_topic(&[]);
    produce(dir.path(), &numbers(0..20));
    for round in 1..=4 {
        let mut member = Member::start(dir.path(), &["-c", "5"]);
        let mut output =
            std::mem::replace(&mut member.output, BufReader::new(std::io::pipe().unwrap().0));
        for _ in 0..5 {
            output.read_line(&mut String::new()).unwrap();
        }
        drop(output);
        assert_eq!(member.end().0, 0);
        assert_eq!(committed(dir.path()), 5 * round);
    }
}

#[test]
fn a_member_commits_what_its_reader_takes_when_it_takes_it() {
    let (dir, _daemon, _talk) = Daemon::with_topic(&[]);
    for (args, ends) in [(&["-f"][..], false), (&[][..], true)] {
        let before = committed(dir.path());
        produce(dir.path(), &numbers(0..20));
        let mut member = Member::start(dir.path(), args);
        (0..19).for_each(|number| assert_eq!(member.line(), number.to_string()));
        assert_eq!(committed(dir.path()), before);
        assert!(member.child.0.try_wait().unwrap().is_none());
        assert_eq!(member.line(), "19");
        wait_for("the commit", || (committed(dir.path()) == before + 20).then_some(()));
        if !ends {
            produce(dir.path(), "20\n21\n");
            assert_eq!(member.line(), "20");
            // Told to stop, it waits a moment for its reader, and not for ever.
            member.signal(Signal::SIGTERM);
        }
        assert_eq!(member.end().0, 0);
        let all = if ends { 22 + 20 } else { 20 };
        assert_eq!(committed(dir.path()), all);
        run_on(dir.path(), "subscribe", &["t", "--group", "g"], "");
    }
}

#[test]
fn a_file_has_what_is_written() {
    let (dir, _daemon, _talk) = Daemon::with_topic(&[]);
    produce(dir.path(), &numbers(0..5));
    let out = dir.path().join("out");
    let mut command = tool_on(dir.path(), "subscribe", &["t", "--group", "g"]);
    command.stdout(fs::File::create(&out).unwrap());
    assert!(command.status().unwrap().success());
    assert_eq!(fs::read_to_string(out).unwrap(), numbers(0..5));
    assert_eq!(committed(dir.path()), 5);
}

// Records that go.

#[test]
fn a_member_that_a_trim_passes_goes_on_as_it_wants_to() {
    for (reset, next) in [("start", "8"), ("end", "9")] {
        let (dir, _daemon) = with_segments();
        let slow = Slow::new(dir.path());
        let args = ["-f", "--reset", reset, "--exec", &slow.command()];
        let mut member = Member::start(dir.path(), &args);
        let begun = wait_for("a batch", || Some(slow.seen()).filter(|it| !it.is_empty()));
        trim_during(&slow, dir.path());
        wait_for("the group to have committed all", || (committed(dir.path()) == 9).then_some(()));
        produce(dir.path(), "9\n");
        wait_for("the next record", || (committed(dir.path()) == 10).then_some(()));
        let expected = if next == "8" { begun + "8\n9\n" } else { begun + "9\n" };
        assert_eq!(slow.seen(), expected);
        member.signal(Signal::SIGTERM);
        let (status, said) = member.end();
        assert_eq!(status, 0, "{said}");
        assert!(said.contains("t/0: the records from 5 to"), "{said}");
    }
}

#[test]
fn without_reset_the_work_is_committed_and_the_remedy_named() {
    let (dir, _daemon) = with_segments();
    let slow = Slow::new(dir.path());
    let mut member = Member::start(dir.path(), &["-f", "--exec", &slow.command()]);
    wait_for("a batch", || Some(slow.seen()).filter(|it| !it.is_empty()));
    trim_during(&slow, dir.path());
    let (status, said) = member.end();
    assert!(status == 69 && said.contains("--reset start"), "{status} {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    // What was done counts, though it is gone.
    assert_eq!(committed(dir.path()), 5);
    let refused = run_on(dir.path(), "subscribe", &["t", "--group", "g"], "");
    assert!(refused.status == 69 && refused.stderr.contains("--reset start"), "{refused:?}");
    let again = run_on(dir.path(), "subscribe", &["t", "--group", "g", "--reset", "start"], "");
    assert_eq!((again.status, again.stdout.as_str()), (0, "8\n"));
}

// So many records, and no more.

#[test]
fn a_member_that_is_asked_for_some_records_commits_those() {
    let (dir, daemon, _talk) = Daemon::with_topic(&[]);
    produce(dir.path(), &numbers(0..10));
    let some = |count: &str| {
        let ran = run_on(dir.path(), "subscribe", &["t", "--group", "g", "-c", count], "");
        assert_eq!(ran.status, 0, "{ran:?}");
        (ran.stdout, committed(dir.path()))
    };
    assert_eq!(some("0"), (String::new(), 0));
    assert_eq!(some("3"), (numbers(0..3), 3));
    // Killed before its reader has taken them all, it has committed nothing.
    let mut killed = Member::start(dir.path(), &["-c", "3"]);
    assert_eq!(killed.line(), "3");
    killed.signal(Signal::SIGKILL);
    killed.end();
    assert_eq!(some("3"), (numbers(3..6), 6));
    // Taken in the middle of a block, by a command, and over a kill of the daemon.
    let ran =
        run_on(dir.path(), "subscribe", &["t", "--group", "g", "-c", "1", "--exec", "cat"], "");
    assert_eq!((ran.status, ran.stdout.as_str(), committed(dir.path())), (0, "6\n", 7), "{ran:?}");
    daemon.signal(Signal::SIGKILL);
    drop(daemon);
    let _daemon = Daemon::start(dir.path(), &[]);
    assert_eq!(some("2"), (numbers(7..9), 9));
    // There are no more.
    assert_eq!(some("5"), (numbers(9..10), 10));
    // It waits for the rest, and says that its stream is complete.
    let mut waits = Member::start(dir.path(), &["-c", "2", "-f", "--control"]);
    assert!(waits.line().contains("start"));
    produce(dir.path(), "10\n");
    assert!(waits.line().contains("partition"));
    assert_eq!(waits.line(), "10");
    produce(dir.path(), "11\n12\n");
    assert_eq!(waits.line(), "11");
    assert_eq!(waits.line(), r#"{"@millstream":{"end":{}}}"#);
    assert_eq!((waits.end().0, committed(dir.path())), (0, 12));
}

#[test]
fn members_count_their_own_records() {
    let (dir, _daemon) = Daemon::alone(&[]);
    admin(dir.path(), &["create", "t", "--partitions", "2", "--key", "."]);
    let mut members = [(); 2].map(|()| Member::start(dir.path(), &["-c", "5", "-f"]));
    wait_for("two members", || {
        let listed = run_on(dir.path(), "log-admin", &["groups", "--json"], "");
        listed.stdout.contains("\"member\":2").then_some(())
    });
    produce(dir.path(), &numbers(0..100));
    for member in &mut members {
        (0..5).for_each(|_| assert!(!member.line().is_empty()));
        assert_eq!((member.line(), member.end().0), (String::new(), 0));
    }
    assert_eq!(committed(dir.path()), 10);
    let rest = run_on(dir.path(), "subscribe", &["t", "--group", "g"], "");
    assert_eq!((rest.stdout.lines().count(), committed(dir.path())), (90, 100));
}

// Commands.

#[test]
fn commands_get_long_runs_also_of_several_partitions() {
    let (dir, daemon) = Daemon::alone(&[]);
    admin(dir.path(), &["create", "t", "--partitions", "4", "--fsync", "never"]);
    let mut talk = daemon.talk();
    for number in 0..400 {
        talk.store("t", &format!("{number}\n"));
    }
    let ran = run_on(dir.path(), "subscribe", &["t", "--group", "g", "--exec", "wc -l"], "");
    assert_eq!(ran.status, 0, "{ran:?}");
    let counts: Vec<u32> = ran.stdout.lines().map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!(counts, [100; 4]);
}

#[test]
fn an_empty_command_is_refused() {
    let (dir, _daemon, _talk) = Daemon::with_topic(&[]);
    produce(dir.path(), "1\n");
    for command in ["", " "] {
        let ran = run_on(dir.path(), "subscribe", &["t", "--group", "g", "--exec", command], "");
        assert!(ran.status == 2 && ran.stderr.contains("--exec"), "{ran:?}");
    }
    assert_eq!(committed(dir.path()), 0);
}

// A daemon that comes back.

#[test]
fn a_member_goes_on_when_the_daemon_is_back() {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(dir.path(), &[]);
        admin(dir.path(), &["create", "t", "--partitions", "2", "--key", "."]);
        let mut plain = Member::start(dir.path(), &["-f"]);
        produce(dir.path(), &numbers(0..10));
        let mut lines: Vec<String> = (0..10).map(|_| plain.line()).collect();
        // Whether this was committed or not, it comes only once.
        daemon.signal(signal);
        drop(daemon.end());
        let again = Daemon::start(dir.path(), &[]);
        produce(dir.path(), &numbers(10..20));
        lines.extend((10..20).map(|_| plain.line()));
        let mut read: Vec<u32> = lines.iter().map(|line| line.parse().unwrap()).collect();
        read.sort_unstable();
        assert_eq!(read, (0..20).collect::<Vec<_>>());
        wait_for("all to be committed", || (committed(dir.path()) == 20).then_some(()));
        plain.signal(Signal::SIGTERM);
        let (status, said) = plain.end();
        assert!(status == 0 && said.contains("waiting up to 30s"), "{status} {said}");
        drop(again);
    }
}

#[test]
fn what_a_command_did_while_the_daemon_was_away_is_done_once() {
    let (dir, daemon, _talk) = Daemon::with_topic(&[]);
    produce(dir.path(), &numbers(0..10));
    let slow = Slow::new(dir.path());
    let mut member = Member::start(dir.path(), &["-f", "--exec", &slow.command()]);
    wait_for("a batch", || Some(slow.seen()).filter(|it| it.ends_with("9\n")));
    assert_eq!(daemon.terminate().status, 0);
    let _daemon = Daemon::start(dir.path(), &[]);
    slow.go();
    wait_for("the commit", || (committed(dir.path()) == 10).then_some(()));
    produce(dir.path(), "10\n");
    wait_for("the next commit", || (committed(dir.path()) == 11).then_some(()));
    assert_eq!(slow.seen(), numbers(0..11));
    member.signal(Signal::SIGTERM);
    assert_eq!(member.end().0, 0);
}

#[test]
fn a_member_that_waits_in_vain_ends_with_an_error() {
    for (patience, part) in
        [("0", "shutting down"), ("100ms", "was not started again within 100ms")]
    {
        let (dir, daemon, _talk) = Daemon::with_topic(&[]);
        let mut member = Member::start(dir.path(), &["-f", "--reconnect", patience]);
        wait_for("the member", || {
            let listed = run_on(dir.path(), "log-admin", &["groups", "--json"], "");
            listed.stdout.contains("\"member\":1").then_some(())
        });
        assert_eq!(daemon.terminate().status, 0);
        let (status, said) = member.end();
        assert!([69, 75].contains(&status) && said.contains(part), "{status} {said}");
    }
}
