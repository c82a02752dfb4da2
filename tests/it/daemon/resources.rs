//! What one client, or one user, can take of the daemon: never so much that others get nothing.

use std::fs;
use std::io::{BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::daemon::{Daemon, Talk};
use crate::common::proc::open_files;
use crate::common::someone::{NOBODY, can_be_others, tool_as};
use crate::common::{Guard, run, wait_for};

/// A daemon whose socket is for everybody, and the directory above its own.
fn open_to_all(args: &[&str]) -> Option<(tempfile::TempDir, Daemon)> {
    if !can_be_others() {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let args = [&["--socket-mode", "0666"], args].concat();
    let daemon = Daemon::start(&dir.path().join("log"), &args);
    daemon.talk().ask(r#"{"create":{"topic":"t"}}"#);
    Some((dir, daemon))
}

/// How many bytes appends hold, and how many appends wait for memory.
fn memory(talk: &mut Talk) -> (u64, u64) {
    let stats = talk.ask(r#"{"stats":{}}"#);
    let memory = &stats["stats"]["daemon"]["memory"];
    (memory["held_bytes"].as_u64().unwrap(), memory["waiting"].as_u64().unwrap())
}

/// Runs `job` while each of the connections sends a byte again and again.
fn while_they_drip(drips: &[Talk], job: impl FnOnce()) {
    /// Also when the job fails.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for drip in drips {
                    // Those that were cut off take no more.
                    let _ = drip.stream().write_all(b" ");
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let _done = Done(&done);
        job();
    });
}

#[test]
fn who_sends_an_append_drop_by_drop_loses_its_memory_to_those_who_wait() {
    let args = ["--max-append", "1MiB", "--max-memory", "2MiB", "--stall", "1"];
    let (_dir, daemon, mut talk) = Daemon::with_topic(&args);
    let mut drips = [daemon.talk(), daemon.talk()];
    for drip in &mut drips {
        drip.stream().set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        drip.say(r#"{"append":{"topic":"t","bytes":1048576}}"#);
    }
    wait_for("the memory to be taken", || (memory(&mut talk).0 == 2 << 20).then_some(()));
    while_they_drip(&drips, || {
        talk.append("t", "1\n");
        assert_eq!(talk.answer()["appended"]["records"], 1);
    });
    // One of the two is enough.
    let is_told = |drip: &mut Talk| {
        drip.stream().set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let mut said = String::new();
        drip.input.read_line(&mut said).is_ok() && said.contains("timed_out")
    };
    wait_for("one to be cut off", || drips.iter_mut().any(is_told).then_some(()));
    assert_eq!(daemon.records(), "1\n");
}

#[test]
fn the_daemon_ends_while_appends_come_drop_by_drop() {
    let args = ["--max-append", "1MiB", "--max-memory", "1MiB", "--stall", "60", "--drain", "1"];
    let (_dir, daemon, mut talk) = Daemon::with_topic(&args);
    let mut drips = [daemon.talk()];
    drips[0].say(r#"{"append":{"topic":"t","bytes":1048576}}"#);
    wait_for("the memory to be taken", || (memory(&mut talk).0 == 1 << 20).then_some(()));
    let mut waiting = daemon.talk();
    waiting.append("t", "1\n");
    wait_for("an append to wait", || (memory(&mut talk).1 == 1).then_some(()));
    while_they_drip(&drips, || {
        let ran = daemon.terminate();
        assert!(ran.stderr.contains("closed, because not done in time"), "{ran:?}");
    });
}

#[test]
fn readers_of_long_records_share_a_memory_and_make_way() {
    let args = ["--max-memory", "32MiB", "--stall", "1"];
    let (_dir, daemon, mut talk) = Daemon::with_topic(&args);
    let record = format!("\"{}\"\n", "x".repeat(12 << 20));
    talk.append("t", &record);
    assert_eq!(talk.answer()["appended"]["records"], 1);
    let ask = |reader: &mut Talk| reader.say(r#"{"fetch":{"topic":"t"}}"#);
    let mut stopped: Vec<Talk> = (0..8).map(|_| daemon.talk()).collect();
    stopped.iter_mut().for_each(ask);
    // Whoever reads gets it all the same, and whoever had begun to be served is cut off for it.
    let mut reader = daemon.talk();
    ask(&mut reader);
    let answer = reader.answer();
    assert_eq!(answer["records"]["bytes"].as_u64(), Some(record.len() as u64), "{answer}");
    assert!(reader.bytes(record.len()) == record.as_bytes());
    assert!(reader.answer().get("fetched").is_some());
    let whole = |mut reader: Talk| {
        let mut text = Vec::new();
        let read = std::io::Read::read_to_end(&mut reader.input, &mut text);
        read.is_ok() && text.len() > record.len()
    };
    drop(talk);
    let stopped = stopped.into_iter().map(|reader| {
        reader.stream().shutdown(std::net::Shutdown::Write).unwrap();
        whole(reader)
    });
    assert!(stopped.filter(|whole| !whole).count() > 0);
}

#[test]
fn a_member_commits_what_it_has_in_hand_while_the_daemon_stops() {
    let (dir, daemon, mut talk) = Daemon::with_topic(&[]);
    talk.append("t", "1\n2\n");
    assert_eq!(talk.answer()["appended"]["records"], 2);
    let mut member = daemon.talk();
    let joined = member.ask(r#"{"join":{"group":"g","topic":"t","follow":true}}"#);
    let generation = &joined["assigned"]["generation"];
    assert_eq!(member.ask(r#"{"poll":{}}"#)["records"]["records"], 2);
    assert_eq!(member.bytes(4), b"1\n2\n");
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    wait_for("the door to be closed", || (!dir.path().join("socket").exists()).then_some(()));
    assert_eq!(talk.error(), "shutting_down");
    let commit = format!(r#"{{"commit":{{"generation":{generation},"offsets":{{"0":2}}}}}}"#);
    assert!(member.ask(&commit).get("committed").is_some());
    let said = member.hear();
    assert!(said.is_empty() || said.contains("shutting_down"), "{said}");
    let ran = daemon.end();
    assert!(!ran.stderr.contains("cut off"), "{ran:?}");
}

#[test]
fn one_user_has_no_more_than_half_of_the_connections() {
    let Some((dir, daemon)) = open_to_all(&["--max-connections", "4"]) else { return };
    let mut root = daemon.talk();
    let followers = [(); 2].map(|()| {
        let mut follower = tool_as(NOBODY, dir.path(), "subscribe", &["t", "-f"]);
        Guard(follower.stdout(Stdio::null()).spawn().unwrap())
    });
    let taken = |root: &mut Talk| {
        root.ask(r#"{"stats":{}}"#)["stats"]["daemon"]["connections"]["now"].as_u64()
    };
    wait_for("both to be connected", || (taken(&mut root) == Some(3)).then_some(()));
    let ran = run(&mut tool_as(NOBODY, dir.path(), "subscribe", &["t"]), "");
    assert_eq!(ran.status, 75, "{ran:?}");
    assert!(ran.stderr.contains("this user has half of the connections"), "{ran:?}");
    // The others are for the others.
    let ran = run(&mut tool_as((0, 0), dir.path(), "produce", &["t"]), "1\n");
    assert_eq!(ran.status, 0, "{ran:?}");
    drop(followers);
}

#[test]
fn a_flood_of_refused_connections_does_not_flood_the_journal() {
    let (_dir, daemon, _talk) = Daemon::with_topic(&["--max-connections", "1"]);
    for _ in 0..100 {
        assert_eq!(daemon.talk().error(), "too_many_connections");
    }
    let ran = daemon.terminate();
    let told = ran.stderr.matches("refused").count();
    assert!((1..10).contains(&told), "{ran:?}");
}

/// With a program of the machine's: skipped where there is no python3.
#[test]
fn descriptors_of_other_users_are_not_kept() {
    const PASS: &str = r#"
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX); server.connect(sys.argv[1])
ours = array.array("i", os.pipe() + os.pipe())
server.sendmsg([b'{"hello":{"version":1}}\n'],
               [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ours)])
print(server.recv(1000).decode(), end="", flush=True)
sys.stdin.read()
"#;
    let Some((_dir, daemon)) = open_to_all(&[]) else { return };
    if Command::new("python3").arg("--version").output().is_err() {
        return eprintln!("skipped: there is no python3");
    }
    let pid = daemon.child.0.id();
    // Some are its own, as its standard error.
    let pipes = || open_files(pid).iter().filter(|file| file.starts_with("pipe:")).count();
    let before = pipes();
    let mut python = Command::new("python3");
    python.args(["-c", PASS]).arg(daemon.dir.join("socket")).uid(NOBODY.0).gid(NOBODY.1);
    let client = python.stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir("/").spawn();
    let mut client = Guard(client.unwrap());
    let mut answer = std::io::BufReader::new(client.0.stdout.take().unwrap());
    let mut line = String::new();
    answer.read_line(&mut line).unwrap();
    assert!(line.contains("hello"), "{line}");
    assert_eq!(pipes(), before);
}
