//! What log-serve takes and refuses on its socket, beyond the sessions in docs/PROTOCOL.md.

use std::io::Read;
use std::net::Shutdown;
use std::process::Command;

use crate::common::daemon::Daemon;
use crate::common::{bin, run, wait_for};
use millstream::api::error::Code;
use millstream::wire::{Client, ClientError};
use nix::sys::signal::Signal;

// What it takes.

#[test]
fn requests_may_be_pipelined() {
    let (_dir, _daemon, mut talk) = Daemon::with_topic(&[]);
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
fn who_begins_another_append_is_answered_meanwhile() {
    let (_dir, _daemon, mut talk) = Daemon::with_topic(&[]);
    let header = "{\"append\":{\"topic\":\"t\",\"bytes\":4}}\n";
    for number in 0..20 {
        // Nothing more comes until the one before is answered.
        talk.send(format!("{header}{}\n{header}", 100 + number));
        assert_eq!(talk.answer()["appended"]["offsets"]["0"], 2 * number);
        talk.send(format!("{}\n", 200 + number));
        assert_eq!(talk.answer()["appended"]["offsets"]["0"], 2 * number + 1);
    }
}

#[test]
fn a_chain_ends_where_an_append_fails() {
    let (_dir, daemon, mut talk) = Daemon::with_topic(&[]);
    let append = |fields: &str, records: &str| {
        let bytes = records.len();
        format!("{{\"append\":{{\"topic\":\"t\",\"bytes\":{bytes}{fields}}}}}\n{records}")
    };
    let chained = |records: &str| append(",\"chained\":true", records);
    let named = |after: u64, sequence: u64, records: &str| {
        let name = ",\"producer\":\"p\",\"chained\":true";
        append(&format!("{name},\"after\":{after},\"sequence\":{sequence}"), records)
    };
    // Large ones are written while the next are received.
    let long = |number: u32| format!("\"{number}{}\"\n", "x".repeat(200_000));
    let mut sent = chained(&long(1)) + &chained(&long(2)) + &chained("bad\n") + &chained(&long(3));
    sent += &chained("4\n");
    sent += &append("", "5\n");
    sent += &chained("6\n");
    // What the log learns only when it writes.
    sent += &(named(0, 10, "7\n") + &named(5, 15, "8\n") + &named(10, 20, "9\n"));
    // Refused for its header.
    sent += &append(",\"colour\":1", "10\n");
    sent += &chained("11\n");
    let mut sender = talk.stream().try_clone().unwrap();
    let sending =
        std::thread::spawn(move || std::io::Write::write_all(&mut sender, sent.as_bytes()));
    let outcomes: Vec<String> = (0..12)
        .map(|_| {
            let answer = talk.answer();
            answer["error"]["code"].as_str().unwrap_or("appended").to_owned()
        })
        .collect();
    sending.join().unwrap().unwrap();
    assert_eq!(
        outcomes,
        [
            "appended",
            "appended",
            "bad_records",
            "chain_broken",
            "chain_broken",
            "appended",
            "appended",
            "appended",
            "sequence_gap",
            "chain_broken",
            "bad_request",
            "chain_broken",
        ]
    );
    assert_eq!(daemon.records(), long(1) + &long(2) + "5\n6\n7\n");
}

#[test]
fn a_client_that_only_stops_sending_gets_all_its_answers() {
    let (_dir, daemon, mut talk) = Daemon::with_topic(&[]);
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

/// Each kind of last request: a client may shut down its sending side right behind it.
#[test]
fn the_last_request_before_the_end_is_answered() {
    let append = "{\"append\":{\"topic\":\"t\",\"bytes\":2}}\n1\n";
    let requests = [
        (append.to_owned(), "appended"),
        (append.repeat(3), "appended"),
        (append.trim_end().replace("\"bytes\":2", "\"bytes\":1"), "appended"),
        ("{\"offsets\":{\"topic\":\"t\"}}\n".to_owned(), "offsets"),
        ("{\"create\":{\"topic\":\"u\"}}\n".to_owned(), "created"),
        ("{\"fetch\":{\"topic\":\"u\"}}\n".to_owned(), "fetched"),
        ("{\"tide\":{}}\n".to_owned(), "error"),
    ];
    let (_dir, daemon, _talk) = Daemon::with_topic(&[]);
    // Several times: whether the end is seen before the append is written is a matter of time.
    for (request, answer) in requests.iter().cycle().take(4 * requests.len()) {
        let mut last = daemon.talk();
        last.send(request);
        last.stream().shutdown(Shutdown::Write).unwrap();
        for _ in 0..request.matches("append").count().max(1) {
            let heard = last.answer();
            assert!(heard.get(answer).is_some(), "{request}: {heard}");
        }
        assert!(last.is_closed());
    }
}

/// A client that everybody has: skipped where neither of the two is installed.
#[test]
fn a_foreign_client_will_do() {
    let (dir, _daemon, _talk) = Daemon::with_topic(&[]);
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
    let (_dir, _daemon, mut talk) = Daemon::with_topic(&[]);
    for (number, key) in ["flatten", "tojson", "walk(.)", "[..] | length"].iter().enumerate() {
        let create =
            format!(r#"{{"create":{{"topic":"k{number}","partitions":4,"key":"{key}"}}}}"#);
        assert_eq!(talk.ask(&create)["created"]["key"], *key);
        for (open, close) in [("[", "]"), ("{\"a\":[", "]}")] {
            let levels = 1000 / close.len();
            let record = format!("{}{}\n", open.repeat(levels), close.repeat(levels));
            talk.append(&format!("k{number}"), &record);
            assert_eq!(talk.answer()["appended"]["records"], 1, "{key}");
        }
    }
}

#[test]
fn a_client_that_hangs_up_frees_its_place() {
    let (_dir, daemon, mut talk) = Daemon::with_topic(&["--max-connections", "2"]);
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
    let (_dir, daemon, mut talk) = Daemon::with_topic(&["--max-request", "100"]);
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
    let (_dir, _daemon, mut talk) = Daemon::with_topic(&["--max-append", "1k"]);
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
    let (_dir, daemon, mut talk) = Daemon::with_topic(&[]);
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
    assert_eq!(daemon.records(), "");
}

#[test]
fn what_is_no_request_is_refused() {
    let (_dir, daemon, mut talk) = Daemon::with_topic(&[]);
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
        (&format!(r#"{{"create":{{"topic":"v","key":".{}"}}}}"#, "a".repeat(4096)), "bad_settings"),
        (r#"{"create":{"topic":"v","segment_bytes":0}}"#, "bad_settings"),
        (r#"{"fetch":{"topic":".."}}"#, "bad_topic_name"),
        (r#"{"offsets":{"topic":"v"}}"#, "unknown_topic"),
        (r#"{"offsets":{"topic":"u","partitions":[0,2]}}"#, "unknown_partition"),
        (r#"{"offsets":{"topic":"u","partitions":[2],"at":{"last":1}}}"#, "unknown_partition"),
    ] {
        assert_eq!(talk.ask(request)["error"]["code"], code, "{request}");
    }
    assert_eq!(talk.ask(r#"{"topics":{}}"#)["topics"].as_array().unwrap().len(), 2);
    let twice = r#"{"append":{"topic":"t","bytes":2},"append":{"topic":"t","bytes":4}}"#;
    for lost in [
        "help",
        "[]",
        r#"{"append":{"topic":"t"}}"#,
        r#"{"topics":{},"hello":{}}"#,
        r#"{"topics":{},"topics":{}}"#,
        twice,
        r#"{"append":{"topic":"t","bytes":2,"bytes":4}}"#,
    ] {
        let mut talk = daemon.talk();
        // In one write: once it has read the first line, the daemon hangs up.
        talk.send(format!("{lost}\n{{\"create\":{{\"topic\":\"smuggled\"}}}}\n"));
        assert_eq!(talk.error(), "bad_request", "{lost}");
        assert!(talk.input.read_to_end(&mut Vec::new()).map_or(true, |rest| rest == 0), "{lost}");
    }
    assert!(!daemon.dir.join("topics/smuggled").exists());
}

#[test]
fn damage_is_told_and_hides_nothing_else() {
    let (dir, daemon, mut talk) = Daemon::with_topic(&[]);
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
    assert_eq!(listed["topics"][1]["error"]["code"], "damaged", "{listed}");
    assert_eq!(listed["topics"][3], serde_json::json!({"topic": "whole", "partitions": 1}));
    talk.append("t", "1\n");
    assert_eq!(talk.error(), "damaged");
    talk.say(r#"{"fetch":{"topic":"flipped"}}"#);
    assert_eq!(talk.error(), "damaged");
    talk.append("whole", "1\n");
    assert_eq!(talk.answer()["appended"]["records"], 1);
}

/// On a small file system of its own, which nobody else sees; skipped where that is not allowed.
#[test]
fn a_full_disk_is_told_and_passes() {
    const MOUNT: &str = r#"mount -t tmpfs -o size=1m tmpfs "$0""#;
    let dir = tempfile::tempdir().unwrap();
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-Urm", "sh", "-c", script]).arg(dir.path());
        command
    };
    if !unshared(MOUNT).status().is_ok_and(|status| status.success()) {
        return eprintln!("skipped: this machine gives no file system of our own");
    }
    let script = format!(r#"{MOUNT} && exec "$1" --data "$0""#);
    let mut daemon = Daemon::spawn(unshared(&script).arg(bin("log-serve")), dir.path());
    let inside = format!("/proc/{}/root{}", daemon.child.0.id(), dir.path().display());
    daemon.dir = inside.into();
    let filler = daemon.dir.join("filler");
    std::fs::write(&filler, vec![0; 256 << 10]).unwrap();
    let mut talk = daemon.talk();
    talk.ask(r#"{"create":{"topic":"t"}}"#);
    let (mut acknowledged, mut number) = (String::new(), 0);
    let code = loop {
        let record = format!("\"{number:0>30000}\"\n");
        number += 1;
        talk.append("t", &record);
        let answer = talk.answer();
        match answer["error"]["code"].as_str() {
            None => acknowledged += &record,
            Some(code) => break code.to_owned(),
        }
    };
    assert_eq!(code, "full_disk");
    assert!(!acknowledged.is_empty());
    std::fs::remove_file(filler).unwrap();
    talk.append("t", "\"after\"\n");
    assert_eq!(talk.answer()["appended"]["records"], 1);
    assert!(daemon.records() == acknowledged + "\"after\"\n");
    // The operator hears of it: once, and when it is over.
    let ran = daemon.terminate();
    assert_eq!(ran.stderr.matches("No space left on device").count(), 1, "{ran:?}");
    assert_eq!(ran.stderr.matches("the disk has space again").count(), 1, "{ran:?}");
}

#[test]
fn a_failed_write_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    // By default the signal that comes with it ends a process.
    let script = r#"ulimit -f 8; exec "$1" --data "$0""#;
    command.args(["-c", script]).arg(dir.path()).arg(bin("log-serve"));
    let daemon = Daemon::spawn(&mut command, dir.path());
    let mut talk = daemon.talk();
    talk.ask(r#"{"create":{"topic":"t"}}"#);
    talk.append("t", &format!("\"{}\"\n", "x".repeat(20_000)));
    assert_eq!(talk.error(), "io");
    talk.append("t", "1\n");
    assert_eq!(talk.answer()["appended"]["offsets"]["0"], 0);
    assert_eq!(daemon.records(), "1\n");
    let ran = daemon.terminate();
    assert!(ran.stderr.contains("File too large"), "{ran:?}");
}
