//! A daemon that is killed while `produce` opens its topics is waited for, as one that is killed later.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::common::daemon::Daemon;
use crate::common::producing::{Producing, records};
use crate::common::run_on;

/// What a daemon answers whose topics have no records and know of nobody.
fn answer(request: &str) -> Value {
    let request: Value = serde_json::from_str(request).unwrap();
    let (asked, about) = request.as_object().unwrap().iter().next().unwrap();
    let topic = &about["topic"];
    let partitions = json!({"0": {"start": 0, "end": 0, "at": 0}});
    match &**asked {
        "offsets" => json!({"offsets": {"topic": topic, "partitions": partitions}}),
        "keep" => json!({"kept": {"topic": topic}}),
        "producer" => {
            json!({"producer": {"topic": topic, "name": about["name"], "sequence": null}})
        }
        "producers" => json!({"producers": {"topic": topic, "producers": []}}),
        other => panic!("{other}"),
    }
}

/// Listens in `dir` for one client, and is gone with its next request after so many answers.
fn gone_after(dir: &Path, answers: usize) -> JoinHandle<()> {
    let socket = dir.join("socket");
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut input = BufReader::new(stream.try_clone().unwrap());
        for left in (0..=answers).rev() {
            let mut line = String::new();
            input.read_line(&mut line).unwrap();
            if left == 0 {
                break;
            }
            (&stream).write_all(format!("{}\n", answer(&line)).as_bytes()).unwrap();
        }
        // Whoever sees that the client's connection is closed finds nobody who listens.
        drop(listener);
        fs::remove_file(&socket).unwrap();
    })
}

#[test]
fn a_daemon_that_is_killed_while_topics_are_opened_is_waited_for() {
    let ways: [(&[&str], usize); 5] = [
        (&["t"], 2),
        (&["t", "--producer", "p"], 3),
        (&["t", "--unique", ".n"], 2),
        (&["t", "--resume"], 4),
        (&["--topic-by", ".t", "--topic-default", "home", "--resume"], 4),
    ];
    for (args, requests) in ways {
        for answers in 0..requests {
            let dir = tempfile::tempdir().unwrap();
            for topic in ["t", "home"] {
                run_on(dir.path(), "log-admin", &["create", topic], "").good();
            }
            let path = dir.path().join("records");
            let lines: String =
                (0..9).map(|n| json!({"t": "t", "n": n}).to_string() + "\n").collect();
            fs::write(&path, &lines).unwrap();
            let args = [args, &[path.to_str().unwrap()]].concat();

            let server = gone_after(dir.path(), answers);
            let ran =
                run_on(dir.path(), "produce", &[&args[..], &["--reconnect", "50ms"]].concat(), "");
            server.join().unwrap();
            // What it does not append without a daemon, it does not by itself, either.
            assert_eq!(ran.status, 69, "{args:?} {answers}: {ran:?}");
            assert!(ran.stderr.contains("was not started again within 50ms"), "{ran:?}");
            assert_eq!(records(dir.path(), "t").len(), 0, "{args:?} {answers}");

            let server = gone_after(dir.path(), answers);
            let mut producing = Producing::start(dir.path(), &args);
            producing.said("log-serve is gone; waiting up to 30s");
            server.join().unwrap();
            let daemon = Daemon::start(dir.path(), &[]);
            let ended = producing.end();
            assert_eq!(ended.status, 0, "{args:?} {answers}: {ended:?}");
            assert!(ended.stderr.contains("log-serve is running again"), "{ended:?}");
            assert_eq!(records(dir.path(), "t").join("\n") + "\n", lines, "{args:?} {answers}");
            daemon.terminate();
        }
    }
}
