//! log-serve as a process: beginning, ending, and what it takes and refuses on its socket.

mod common;

use std::io::Read;
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Stdio};

use common::daemon::{Daemon, Talk};
use common::{Guard, PATIENCE, bin, run, tool, wait_for};
use millstream::wire::answer::Code;
use millstream::wire::client::Delivery;
use millstream::wire::request::{Append, Fetch};
use millstream::wire::{Client, ClientError};
use nix::sys::signal::Signal;

fn serve(args: &[&str]) -> (tempfile::TempDir, Daemon) {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), args);
    (dir, daemon)
}

/// A daemon with a topic `t` of one partition, and a connection to it.
fn with_topic(args: &[&str]) -> (tempfile::TempDir, Daemon, Talk) {
    let (dir, daemon) = serve(args);
    let mut talk = daemon.talk();
    talk.ask(r#"{"create":{"topic":"t"}}"#);
    (dir, daemon, talk)
}

/// All records of partition 0 of `t`, as one text.
fn records(daemon: &Daemon) -> String {
    let mut talk = daemon.talk();
    talk.say(r#"{"fetch":{"topic":"t"}}"#);
    let mut text = String::new();
    loop {
        let answer = talk.answer();
        let Some(bytes) = answer["records"]["bytes"].as_u64() else {
            assert!(answer.get("fetched").is_some(), "{answer}");
            return text;
        };
        text += std::str::from_utf8(&talk.bytes(bytes as usize)).unwrap();
    }
}

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
    for (fd, part) in [("2", "use 3 or more"), ("57", "descriptor 57 is not open")] {
        let args = ["--data", dir.path().to_str().unwrap(), "--ready-fd", fd];
        let ran = run(&mut tool("log-serve", &args), "");
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains(part), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
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
        let (dir, _daemon) = serve(args);
        let metadata = std::fs::symlink_metadata(dir.path().join("socket")).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn a_second_daemon_is_refused() {
    let (dir, daemon) = serve(&[]);
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
    let (dir, daemon, mut talk) = with_topic(&[]);
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
    assert_eq!(records(&daemon), expected);
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
    let (dir, daemon, mut talk) = with_topic(&[]);
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
    assert!(idle.is_closed());
    talk.send("3\n");
    assert_eq!(talk.answer()["appended"]["offsets"]["0"], 1);
    assert!(talk.is_closed());
    let ran = daemon.end();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!(records(&Daemon::start(dir.path(), &[])), "1\n2\n3\n");
}

#[test]
fn a_connection_that_does_not_finish_is_cut_off() {
    let (_dir, daemon, mut talk) = with_topic(&["--drain", "0"]);
    half_an_append(&mut talk);
    let ran = daemon.terminate();
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("not done in time: 1 connection"), "{ran:?}");
    assert!(talk.is_closed());
}

// What it takes.

#[test]
fn requests_may_be_pipelined() {
    let (_dir, _daemon, mut talk) = with_topic(&[]);
    let mut all = String::new();
    for number in 0..300 {
        all += &format!("{{\"append\":{{\"topic\":\"t\",\"bytes\":4}}}}\n{}\n", 100 + number);
        if number % 100 == 50 {
            all += "{\"append\":{\"topic\":\"t\",\"bytes\":4}}\nbad\n";
            all += "{\"offsets\":{\"topic\":\"t\",\"at\":\"end\"}}\r\n\n";
        }
    }
    talk.send(all);
    for number in 0..300 {
        assert_eq!(talk.answer()["appended"]["offsets"]["0"], number);
        if number % 100 == 50 {
            assert_eq!(talk.error(), "bad_records");
            assert_eq!(talk.answer()["offsets"]["partitions"]["0"]["end"], number + 1);
        }
    }
}

#[test]
fn a_client_that_only_stops_sending_gets_all_its_answers() {
    let (_dir, daemon, mut talk) = with_topic(&[]);
    // The last line lacks its line end, too.
    talk.send("{\"append\":{\"topic\":\"t\",\"bytes\":4}}\n1\n2\n{\"fetch\":{\"topic\":\"t\",\"follow\":true}}");
    talk.stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(talk.answer()["appended"]["records"], 2);
    assert_eq!(talk.answer()["records"]["records"], 2);
    assert_eq!(talk.bytes(4), b"1\n2\n");
    let mut other = daemon.talk();
    other.append("t", "3\n");
    assert_eq!(other.answer()["appended"]["records"], 1);
    assert_eq!(talk.answer()["records"]["offset"], 2);
    assert_eq!(talk.bytes(2), b"3\n");

    let mut short = daemon.talk();
    short.send("{\"append\":{\"topic\":\"t\",\"bytes\":4}}\n5\n");
    short.stream().shutdown(Shutdown::Write).unwrap();
    let answer = short.answer();
    assert_eq!(answer["error"]["code"], "bad_request");
    assert!(answer["error"]["message"].as_str().unwrap().contains("after 2 of 4 bytes"));
    assert!(short.is_closed());
}

/// A client that everybody has: skipped where neither of the two is installed.
#[test]
fn a_foreign_client_will_do() {
    let (dir, _daemon, _talk) = with_topic(&[]);
    let socket = dir.path().join("socket");
    let socket = socket.to_str().unwrap();
    let clients: [&[&str]; 2] =
        [&["nc", "-N", "-U", socket], &["socat", "-t30", "-", &format!("UNIX-CONNECT:{socket}")]];
    let mut next = 0;
    for client in clients {
        let found = Command::new("sh").args(["-c", "command -v \"$0\"", client[0]]).output();
        if !found.unwrap().status.success() {
            eprintln!("skipped: there is no {} here", client[0]);
            continue;
        }
        let input = "{\"append\":{\"topic\":\"t\",\"bytes\":14}}\n{\"user\":\"u1\"}\n\
                     {\"fetch\":{\"topic\":\"t\"}}\n";
        let ran = run(Command::new(client[0]).args(&client[1..]), input);
        let said: Vec<&str> = ran.stdout.lines().collect();
        let appended = format!(
            "{{\"appended\":{{\"topic\":\"t\",\"records\":1,\"offsets\":{{\"0\":{next}}}}}}}"
        );
        next += 1;
        let fetched = format!("{{\"fetched\":{{\"topic\":\"t\",\"offsets\":{{\"0\":{next}}}}}}}");
        assert_eq!(said.first(), Some(&appended.as_str()), "{ran:?}");
        assert_eq!(said.last(), Some(&fetched.as_str()), "{ran:?}");
        assert_eq!(said.iter().filter(|line| **line == "{\"user\":\"u1\"}").count(), next);
    }
}

#[test]
fn a_key_may_be_of_a_deeply_nested_record() {
    let (_dir, _daemon, mut talk) = with_topic(&[]);
    talk.ask(r#"{"create":{"topic":"deep","partitions":4,"key":"flatten"}}"#);
    for depth in [100, 1024] {
        talk.append("deep", &format!("{}{}\n", "[".repeat(depth), "]".repeat(depth)));
        assert_eq!(talk.answer()["appended"]["records"], 1, "{depth} levels");
    }
}

#[test]
fn a_client_that_hangs_up_frees_its_place() {
    let (_dir, daemon, mut talk) = with_topic(&["--max-connections", "2"]);
    let mut follower = daemon.talk();
    follower.say(r#"{"fetch":{"topic":"t","follow":true,"offset":"start"}}"#);
    talk.append("t", "1\n");
    talk.answer();
    assert_eq!(follower.answer()["records"]["records"], 1);
    let mut refused = daemon.talk();
    assert_eq!(refused.error(), "too_many_connections");
    assert!(refused.is_closed());
    let error = Client::connect(&daemon.dir).unwrap().unwrap().hello().unwrap_err();
    let code = Code::TooManyConnections;
    assert!(matches!(&error, ClientError::Refused(body) if body.code == code), "{error:?}");
    drop(follower);
    wait_for("the place to be free", || {
        let mut client = Client::connect(&daemon.dir).unwrap().unwrap();
        client.hello().ok()
    });
}

// What it refuses.

#[test]
fn a_request_line_has_a_limit() {
    let (_dir, daemon, mut talk) = with_topic(&["--max-request", "100"]);
    let mut hello = String::from("{\"hello\":{\"version\":1}}");
    hello += &" ".repeat(99 - hello.len());
    assert!(talk.ask(&hello).get("hello").is_some());
    talk.say(&(hello + " "));
    assert_eq!(talk.error(), "too_large");
    assert!(talk.is_closed());
    let mut endless = daemon.talk();
    endless.send(vec![b'{'; 1000]);
    assert_eq!(endless.error(), "too_large");
}

#[test]
fn an_append_has_a_limit() {
    let (_dir, _daemon, mut talk) = with_topic(&["--max-append", "1k"]);
    let record = |bytes: usize| format!("\"{}\"\n", "x".repeat(bytes - 3));
    talk.append("t", &record(1024));
    assert_eq!(talk.answer()["appended"]["records"], 1);
    talk.append("t", &record(1025));
    assert_eq!(talk.error(), "too_large");
    // Refused before its bytes come, and all of them are dropped.
    talk.say(r#"{"append":{"topic":"t","bytes":1000000}}"#);
    assert_eq!(talk.error(), "too_large");
    talk.send(record(1_000_000));
    assert!(talk.ask(r#"{"topics":{}}"#).get("topics").is_some());
}

#[test]
fn bad_records_are_all_named() {
    let (_dir, daemon, mut talk) = with_topic(&[]);
    let good = "{\"n\":1}\n";
    let batch = [
        good,
        "{\"n\":\n",
        "\n",
        good,
        "[1\u{0}]\n",
        "{\"@millstream\":{}}\n",
        good,
        "nul\n",
        "1 2",
    ];
    talk.append("t", &batch.concat());
    let answer = talk.answer();
    let named: Vec<u64> = answer["error"]["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bad| bad["record"].as_u64().unwrap())
        .collect();
    assert_eq!(named, [1, 4, 5, 7, 8], "{answer}");
    assert!(answer["error"]["message"].as_str().unwrap().starts_with("5 of the batch's records"));
    // Very many are counted, and listed as far as that is useful.
    talk.append("t", &"x\n".repeat(70_000));
    let answer = talk.answer();
    assert_eq!(answer["error"]["records"].as_array().unwrap().len(), 65_536);
    assert!(answer["error"]["message"].as_str().unwrap().starts_with("70000 of"));
    assert_eq!(records(&daemon), "");
}

#[test]
fn what_is_no_request_is_refused() {
    let (_dir, daemon, mut talk) = with_topic(&[]);
    for request in [
        r#"{"fetch":{"topic":"t","offset":"middle"}}"#,
        r#"{"fetch":{"topic":"t","until":{"1":5}}}"#,
        r#"{"fetch":{"topic":"t","offsets":{}}}"#,
        r#"{"append":{"topic":"t","bytes":0,"after":1}}"#,
        r#"{"topics":null}"#,
    ] {
        assert_eq!(talk.ask(request)["error"]["code"], "bad_request", "{request}");
    }
    // A frame of a later version, with bytes that look like a request of ours.
    talk.send("{\"enqueue\":{\"bytes\":14}}\n{\"topics\":{}}\n");
    assert_eq!(talk.error(), "bad_request");
    talk.ask(r#"{"create":{"topic":"u","partitions":2}}"#);
    for (request, code) in [
        (r#"{"fetch":{"topic":"u","offset":0}}"#, "bad_request"),
        (r#"{"create":{"topic":"v","partitions":0}}"#, "bad_settings"),
        (r#"{"create":{"topic":"v","key":".a +"}}"#, "bad_settings"),
        (r#"{"create":{"topic":"v","segment_bytes":0}}"#, "bad_settings"),
        (r#"{"fetch":{"topic":".."}}"#, "bad_topic_name"),
        (r#"{"offsets":{"topic":"v"}}"#, "unknown_topic"),
        (r#"{"offsets":{"topic":"u","partitions":[0,2]}}"#, "unknown_partition"),
        (r#"{"offsets":{"topic":"u","partitions":[2],"at":{"last":1}}}"#, "unknown_partition"),
    ] {
        assert_eq!(talk.ask(request)["error"]["code"], code, "{request}");
    }
    assert_eq!(talk.ask(r#"{"topics":{}}"#)["topics"].as_array().unwrap().len(), 2);
    for lost in ["help", "[]", r#"{"append":{"topic":"t"}}"#, r#"{"topics":{},"hello":{}}"#] {
        let mut talk = daemon.talk();
        talk.say(lost);
        talk.say(r#"{"create":{"topic":"smuggled"}}"#);
        assert_eq!(talk.error(), "bad_request", "{lost}");
        assert!(talk.input.read_to_end(&mut Vec::new()).map_or(true, |rest| rest == 0), "{lost}");
    }
    assert!(!daemon.dir.join("topics/smuggled").exists());
}

#[test]
fn damage_is_told_and_hides_nothing_else() {
    let (dir, daemon, mut talk) = with_topic(&[]);
    for topic in ["flipped", "strange", "whole"] {
        talk.ask(&format!("{{\"create\":{{\"topic\":\"{topic}\"}}}}"));
    }
    for topic in ["t", "flipped", "t", "flipped"] {
        talk.append(topic, "{\"a\":\"one record of some length\"}\n");
        talk.answer();
    }
    daemon.signal(Signal::SIGKILL);
    daemon.end();
    let topics = dir.path().join("topics");
    let data = |topic: &str| topics.join(topic).join("0/00000000000000000000.ndjson");
    let mut bytes = std::fs::read(data("t")).unwrap();
    std::fs::write(data("t"), &bytes[..10]).unwrap();
    bytes[10] ^= 1;
    std::fs::write(data("flipped"), bytes).unwrap();
    std::fs::write(topics.join("strange/topic.json"), "{}").unwrap();
    let daemon = Daemon::start(dir.path(), &[]);
    let mut talk = daemon.talk();
    let listed = talk.ask(r#"{"topics":{}}"#);
    assert_eq!(listed["topics"][1]["error"]["code"], "bad_settings", "{listed}");
    assert_eq!(listed["topics"][3], serde_json::json!({"topic": "whole", "partitions": 1}));
    talk.append("t", "1\n");
    assert_eq!(talk.error(), "damaged");
    talk.say(r#"{"fetch":{"topic":"flipped"}}"#);
    assert_eq!(talk.error(), "damaged");
    talk.append("whole", "1\n");
    assert_eq!(talk.answer()["appended"]["records"], 1);
}

// Many at once.

#[test]
fn a_crowd_loses_reorders_and_repeats_nothing() {
    const PRODUCERS: u64 = 100;
    const BATCHES: u64 = 12;
    const EACH: u64 = 5;
    let (dir, daemon) = serve(&[]);
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
            Delivery::Done(fetched) => {
                assert_eq!((fetched.offsets, next), ([(0, all)].into(), all));
                return seen;
            }
        }
    }
}

#[test]
fn readers_that_do_not_read_hold_nobody_up() {
    let (_dir, daemon, mut talk) = with_topic(&[]);
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
fn a_client_is_told_when_the_daemon_dies() {
    let (_dir, daemon, _talk) = with_topic(&[]);
    let mut client = Client::connect(&daemon.dir).unwrap().unwrap();
    client.hello().unwrap();
    daemon.signal(Signal::SIGKILL);
    daemon.end();
    let append = Append { topic: "t".to_owned(), ..Append::default() };
    let error = client.append(&append, b"1\n").unwrap_err();
    assert!(matches!(error, ClientError::Closed { .. }), "{error:?}");
}
