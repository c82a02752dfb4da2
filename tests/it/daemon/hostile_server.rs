//! Our tools talk to whoever listens on the socket: one that answers nonsense gets a tidy error,
//! and neither memory nor time.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::common::{Ran, run_on};

/// Listens in `dir`, and answers each request of one connection with the next of `answers`.
fn serve(dir: &Path, answers: &[&str]) -> std::thread::JoinHandle<()> {
    let listener = UnixListener::bind(dir.join("socket")).unwrap();
    let answers: Vec<String> = answers.iter().map(|answer| format!("{answer}\n")).collect();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut input = BufReader::new(stream.try_clone().unwrap());
        for answer in answers {
            // Requests are objects, records of the test are not.
            let mut line = String::new();
            while !line.starts_with('{') {
                line.clear();
                if input.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
            }
            let _ = (&stream).write_all(answer.as_bytes());
        }
        // The client hears no more, and may hang up.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = input.read_line(&mut String::new());
    })
}

fn ask(answers: &[&str], name: &str, args: &[&str]) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), answers);
    let ran = run_on(dir.path(), name, args, "1\n2\n");
    server.join().unwrap();
    ran
}

fn assert_garbled(ran: &Ran, about: &str) {
    assert_eq!(ran.status, 70, "{about}: {ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{about}: {ran:?}");
    assert!(ran.stderr.contains("use log-serve of the same version"), "{about}: {ran:?}");
    assert_eq!(ran.stdout, "", "{about}");
}

const PLACES: &str = r#"{"offsets":{"topic":"t","partitions":{"0":{"start":0,"end":5,"at":0}}}}"#;

#[test]
fn a_run_that_cannot_be_is_refused() {
    let most = u64::MAX;
    for run in [
        format!(r#"{{"records":{{"partition":0,"offset":0,"records":1,"bytes":{most},"end":1}}}}"#),
        r#"{"records":{"partition":0,"offset":0,"records":1,"bytes":1099511627776,"end":1}}"#.into(),
        format!(r#"{{"records":{{"partition":0,"offset":{most},"records":1,"bytes":2,"end":1}}}}"#),
        r#"{"records":{"partition":0,"offset":0,"records":1,"bytes":2,"end":1,"batches":[{"records":0,"bytes":2,"time_us":0}]}}"#.into(),
    ] {
        let read = ask(&[PLACES, PLACES, &run], "subscribe", &["t"]);
        assert_garbled(&read, &run);
        let assigned = r#"{"assigned":{"group":"g","topic":"t","member":1,"generation":1,"offsets":{"0":0}}}"#;
        let read = ask(&[assigned, &run], "subscribe", &["t", "--group", "g", "--meta"]);
        assert_garbled(&read, &run);
    }
}

#[test]
fn bad_records_that_were_not_sent_end_produce() {
    for records in [
        r#"[{"record":7,"why":"x"}]"#,
        r#"[{"record":18446744073709551615,"why":"x"}]"#,
        r#"[{"record":1,"why":"x"},{"record":0,"why":"x"}]"#,
        r#"[{"record":0,"why":"x"},{"record":0,"why":"x"}]"#,
        "[]",
    ] {
        let bad =
            format!(r#"{{"error":{{"code":"bad_records","message":"m","records":{records}}}}}"#);
        let dir = tempfile::tempdir().unwrap();
        let rejects = dir.path().join("rejects");
        for args in [&["t"][..], &["t", "--rejects", rejects.to_str().unwrap()]] {
            let ran = ask(&[PLACES, &bad, &bad, &bad, &bad], "produce", args);
            assert_ne!(ran.status, 0, "{records}: {ran:?}");
            assert!(ran.stderr.contains("use log-serve of the same version"), "{records}: {ran:?}");
        }
    }
}
