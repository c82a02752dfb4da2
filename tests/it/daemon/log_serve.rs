//! log-serve as a process: beginning, ending, and many clients at once.

use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::daemon::{Daemon, Talk};
use crate::common::someone::{NOBODY, can_be_others, copy};
use crate::common::{Guard, PATIENCE, bin, run, run_on, tool, wait_for};
use millstream::api::appending::Append;
use millstream::api::reading::Fetch;
use millstream::wire::client::Delivery;
use millstream::wire::{Client, ClientError};
use nix::sys::signal::Signal;

// Beginning.

#[test]
fn readiness_is_told_on_a_descriptor() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec "$0" --data "$1" --ready-fd 3 3>&1 >/dev/null"#]);
    command.arg(bin("log-serve")).arg(dir.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Guard(command.spawn().unwrap());
    let mut said = String::new();
    // To the end: the daemon closes it, and goes on.
    child.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "\n");
    assert!(child.0.try_wait().unwrap().is_none());
    assert!(Client::connect(dir.path()).unwrap().is_some());
}

#[test]
fn a_descriptor_that_cannot_be_given_away_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (fd, part) in [
        ("2", "use descriptor 3 or higher"),
        ("57", "descriptor 57 is not open"),
        ("4", "open for reading only"),
    ] {
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$0" --data "$1" --ready-fd "$2" 4</dev/null"#]);
        command.arg(bin("log-serve")).arg(dir.path()).arg(fd);
        let ran = run(&mut command, "");
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains(part), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// As a supervisor does it: the pipe is its own, and log-serve runs as somebody else.
#[test]
fn readiness_is_told_on_a_descriptor_that_another_user_opened() {
    if !can_be_others() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    std::fs::create_dir(&log).unwrap();
    std::os::unix::fs::chown(&log, Some(NOBODY.0), Some(NOBODY.1)).unwrap();
    let log_serve = copy(dir.path(), "log-serve");
    // The shell opens the pipe before the daemon, as another user, is run.
    let mut command = Command::new("setpriv");
    let (user, group) = (NOBODY.0.to_string(), NOBODY.1.to_string());
    command.args(["--reuid", &user, "--regid", &group, "--clear-groups", "sh", "-c"]);
    command.arg(r#"exec "$0" --data "$1" --ready-fd 3 3>&1 >/dev/null"#);
    command.arg(log_serve).arg(&log).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(child) = command.spawn() else {
        eprintln!("there is no setpriv; nothing was tested");
        return;
    };
    let mut child = Guard(child);
    let mut said = String::new();
    child.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "\n");
    assert!(child.0.try_wait().unwrap().is_none());
}

#[test]
fn a_supervisor_is_notified() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let name = format!("millstream-test-{}", std::process::id());
    let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
    for (address, value) in [
        (SocketAddr::from_pathname(&path).unwrap(), path.to_str().unwrap().to_owned()),
        (abstract_name, format!("@{name}")),
    ] {
        let supervisor = UnixDatagram::bind_addr(&address).unwrap();
        supervisor.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = tool("log-serve", &["--data", dir.path().to_str().unwrap()]);
        command.env("NOTIFY_SOCKET", value).stderr(Stdio::null());
        let mut child = Guard(command.spawn().unwrap());
        let hear = || {
            let mut said = [0; 100];
            let count = supervisor.recv(&mut said).unwrap();
            String::from_utf8_lossy(&said[..count]).into_owned()
        };
        assert_eq!(hear(), "READY=1");
        assert!(Client::connect(dir.path()).unwrap().is_some());
        let pid = nix::unistd::Pid::from_raw(child.0.id().try_into().unwrap());
        nix::sys::signal::kill(pid, Signal::SIGTERM).unwrap();
        assert_eq!(hear(), "STOPPING=1");
        assert!(wait_for("the end", || child.0.try_wait().unwrap()).success());
    }
}

#[test]
fn the_socket_has_the_mode_that_was_asked_for() {
    for (args, mode) in [(&[][..], 0o600), (&["--socket-mode", "0660"][..], 0o660)] {
        let (dir, _daemon) = Daemon::alone(args);
        let metadata = std::fs::symlink_metadata(dir.path().join("socket")).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn a_second_daemon_is_refused() {
    let (dir, daemon) = Daemon::alone(&[]);
    let ran = run(&mut tool("log-serve", &["--data", dir.path().to_str().unwrap()]), "");
    assert_eq!(ran.status, 75, "{ran:?}");
    assert!(ran.stderr.contains("another log-serve"), "{ran:?}");
    assert_eq!(daemon.talk().ask(r#"{"topics":{}}"#), serde_json::json!({"topics": []}));
}

#[test]
fn a_directory_that_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("data");
    let ran = run(&mut tool("log-serve", &["--data", below.to_str().unwrap()]), "");
    assert_eq!(ran.status, 73, "{ran:?}");
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("socket"), "mine").unwrap();
    let ran = run(&mut tool("log-serve", &["--data", data.to_str().unwrap()]), "");
    assert_eq!(ran.status, 73, "{ran:?}");
    assert!(ran.stderr.contains("is not a socket"), "{ran:?}");
}

#[test]
fn a_very_long_path_is_no_hindrance() {
    let base = tempfile::tempdir().unwrap();
    let mut dir = base.path().to_owned();
    while dir.as_os_str().len() < 600 {
        dir.push("a-directory-whose-name-is-rather-long-for-a-socket");
    }
    let daemon = Daemon::start(&dir, &[]);
    let mut client = Client::connect(&dir).unwrap().unwrap();
    assert_eq!(client.hello().unwrap().version, 1);
    assert_eq!(daemon.terminate().status, 0);
    assert!(!dir.join("socket").exists());
}

// Ending.

#[test]
fn a_killed_daemon_loses_nothing_that_it_acknowledged() {
    let (dir, daemon, mut talk) = Daemon::with_topic(&[]);
    for number in 0..20 {
        talk.append("t", &format!("{number}\n"));
        assert_eq!(talk.answer()["appended"]["offsets"]["0"], number);
    }
    daemon.signal(Signal::SIGKILL);
    assert_eq!(daemon.end().status, 128 + 9);
    assert!(dir.path().join("socket").exists());
    assert!(Client::connect(dir.path()).unwrap().is_none());
    let daemon = Daemon::start(dir.path(), &[]);
    let expected: String = (0..20).map(|number| format!("{number}\n")).collect();
    assert_eq!(daemon.records(), expected);
}

/// Sends the beginning of an append that wants four bytes; returns once the daemon waits for the
/// rest of them.
fn half_an_append(talk: &mut Talk) {
    // One write, one read: when the first request is answered, the second is in hand.
    talk.send("{\"topics\":{}}\n{\"append\":{\"topic\":\"t\",\"bytes\":4}}\n2\n");
    assert!(talk.answer().get("topics").is_some());
}

#[test]
fn sigterm_finishes_what_is_in_hand() {
    let (dir, daemon, mut talk) = Daemon::with_topic(&[]);
    let mut idle = daemon.talk();
    idle.ask(r#"{"topics":{}}"#);
    let mut follower = daemon.talk();
    follower.say(r#"{"fetch":{"topic":"t","follow":true}}"#);
    talk.append("t", "1\n");
    talk.answer();
    assert_eq!(follower.answer()["records"]["records"], 1);
    assert_eq!(follower.hear(), "1");
    half_an_append(&mut talk);
    daemon.signal(Signal::SIGTERM);
    wait_for("the socket to go", || (!dir.path().join("socket").exists()).then_some(()));
    assert_eq!(follower.error(), "shutting_down");
    assert!(follower.is_closed());
    assert_eq!(idle.error(), "shutting_down");
    assert!(idle.is_closed());
    talk.send("3\n");
    assert_eq!(talk.answer()["appended"]["offsets"]["0"], 1);
    assert_eq!(talk.error(), "shutting_down");
    assert!(talk.is_closed());
    let ran = daemon.end();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!(Daemon::start(dir.path(), &[]).records(), "1\n2\n3\n");
}

#[test]
fn a_connection_that_does_not_finish_is_cut_off() {
    let (_dir, daemon, mut talk) = Daemon::with_topic(&["--drain", "0"]);
    half_an_append(&mut talk);
    let ran = daemon.terminate();
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("not done in time: 1 connection"), "{ran:?}");
    assert!(talk.is_closed());
}

// Many at once.

#[test]
fn a_crowd_loses_reorders_and_repeats_nothing() {
    const PRODUCERS: u64 = 100;
    const BATCHES: u64 = 12;
    const EACH: u64 = 5;
    let (dir, daemon) = Daemon::alone(&[]);
    let dir: &Path = dir.path();
    daemon.talk().ask(r#"{"create":{"topic":"t"}}"#);
    let all = PRODUCERS * BATCHES * EACH;
    let seen: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let followers: Vec<_> = (0..5).map(|_| scope.spawn(move || follow(dir, all))).collect();
        for producer in 0..PRODUCERS {
            scope.spawn(move || {
                let mut client = Client::connect(dir).unwrap().unwrap();
                for batch in 0..BATCHES {
                    let numbers = (batch * EACH)..((batch + 1) * EACH);
                    let records: String =
                        numbers.clone().map(|n| format!("[{producer},{n}]\n")).collect();
                    let append = Append {
                        topic: "t".to_owned(),
                        producer: Some(format!("p{producer}")),
                        after: (batch > 0).then_some(numbers.start),
                        sequence: Some(numbers.end),
                        ..Append::default()
                    };
                    let appended = client.append(&append, records.as_bytes()).unwrap();
                    assert_eq!((appended.records, appended.duplicate), (EACH, false));
                    if batch % 4 == 0 {
                        let again = client.append(&append, records.as_bytes()).unwrap();
                        assert!(again.duplicate);
                    }
                }
            });
        }
        followers.into_iter().map(|follower| follower.join().unwrap()).collect()
    });
    assert!(seen.iter().all(|other| *other == seen[0]), "all followers see the same");
    let mut next = vec![0; PRODUCERS as usize];
    for line in seen[0].split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let (producer, number): (usize, u64) = serde_json::from_slice(line).unwrap();
        assert_eq!(number, next[producer], "of producer {producer}");
        next[producer] += 1;
    }
    assert!(next.iter().all(|&count| count == BATCHES * EACH));
}

/// Follows `t` until it has `all` records; returns their bytes.
fn follow(dir: &Path, all: u64) -> Vec<u8> {
    let mut client = Client::connect(dir).unwrap().unwrap();
    let fetch =
        Fetch { topic: "t".to_owned(), until: [(0, all)].into(), follow: true, ..Fetch::default() };
    client.fetch(fetch).unwrap();
    let (mut seen, mut chunk, mut next) = (Vec::new(), Vec::new(), 0);
    loop {
        match client.next_chunk(&mut chunk).unwrap() {
            Delivery::Records(records) => {
                assert_eq!(records.offset, next);
                next += records.records;
                seen.extend_from_slice(&chunk);
            }
            Delivery::File(run, _) => panic!("nobody asked for files: {run:?}"),
            Delivery::Done(fetched) => {
                assert_eq!((fetched.offsets, next), ([(0, all)].into(), all));
                return seen;
            }
        }
    }
}

#[test]
fn readers_that_do_not_read_hold_nobody_up() {
    let (_dir, daemon, mut talk) = Daemon::with_topic(&[]);
    let mut stopped: Vec<Talk> = (0..4).map(|_| daemon.talk()).collect();
    for reader in &mut stopped {
        reader.say(r#"{"fetch":{"topic":"t","follow":true}}"#);
    }
    // Far more than sockets and buffers hold.
    let batch = format!("\"{}\"\n", "x".repeat(1021)).repeat(256);
    for _ in 0..64 {
        talk.append("t", &batch);
        assert_eq!(talk.answer()["appended"]["records"], 256);
    }
    let status = format!("/proc/{}/status", daemon.child.0.id());
    let status = std::fs::read_to_string(status).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 64 << 10, "{peak_kib} KiB");
    // One of them wakes up, and has missed nothing.
    let (reader, mut left) = (&mut stopped[2], 64 * 256);
    while left > 0 {
        let answer = reader.answer();
        left -= answer["records"]["records"].as_u64().unwrap();
        reader.bytes(answer["records"]["bytes"].as_u64().unwrap() as usize);
    }
}

#[test]
fn a_client_may_send_ahead() {
    let (_dir, daemon, _talk) = Daemon::with_topic(&[]);
    let mut client = Client::connect(&daemon.dir).unwrap().unwrap();
    let append = Append { topic: "t".to_owned(), ..Append::default() };
    // Errors larger than what the sockets hold come back while we are still sending.
    let bad = "x\n".repeat(60_000);
    for number in 0..12 {
        let records = if number % 2 == 0 { "1\n2\n" } else { &bad };
        client.send_append(&append, records.as_bytes()).unwrap();
    }
    assert_eq!(client.outstanding(), 12);
    for number in 0..6 {
        assert_eq!(client.receive_appended().unwrap().offsets, [(0, 2 * number)].into());
        match client.receive_appended() {
            Err(ClientError::Refused(body)) => assert_eq!(body.records.len(), 60_000),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(client.outstanding(), 0);
    assert_eq!(client.hello().unwrap().version, 1);
}

#[test]
fn a_client_is_told_when_the_daemon_dies() {
    let (_dir, daemon, _talk) = Daemon::with_topic(&[]);
    let mut client = Client::connect(&daemon.dir).unwrap().unwrap();
    client.hello().unwrap();
    daemon.signal(Signal::SIGKILL);
    daemon.end();
    let append = Append { topic: "t".to_owned(), ..Append::default() };
    let error = client.append(&append, b"1\n").unwrap_err();
    assert!(matches!(error, ClientError::Closed { .. }), "{error:?}");
}

#[test]
fn help_tells_the_exit_statuses_once() {
    for (name, args) in [
        ("log-serve", &["--help"][..]),
        ("log-admin", &["--help"]),
        ("log-admin", &["stats", "--help"]),
        ("produce", &["--help"]),
        ("subscribe", &["--help"]),
        ("filter", &["--help"]),
    ] {
        let help = run(&mut tool(name, args), "");
        assert_eq!((help.status, help.stderr.as_str()), (0, ""), "{help:?}");
        assert_eq!(help.stdout.matches("Exit status:").count(), 1, "{name}: {}", help.stdout);
    }
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["--max-append", "65MiB"][..], &["--stall", "0"], &["--max-names", "-1"]] {
        let ran = run_on(dir.path(), "log-serve", args, "");
        assert_eq!(ran.status, 2, "{args:?}: {ran:?}");
    }
}

#[test]
fn a_connection_has_as_many_producers_names_as_it_may() {
    let (_dir, _daemon, mut talk) = Daemon::with_topic(&["--max-names", "1"]);
    let ask = |talk: &mut Talk, name: &str| {
        talk.ask(&format!("{{\"producer\":{{\"topic\":\"t\",\"name\":\"{name}\"}}}}"))
    };
    assert!(ask(&mut talk, "a")["producer"].is_object());
    assert!(ask(&mut talk, "a")["producer"].is_object());
    assert_eq!(ask(&mut talk, "b")["error"]["code"], "too_large");
}
