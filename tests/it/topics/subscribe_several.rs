//! `subscribe` with several topics, and with patterns.

use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::common::daemon::{Daemon, both_ways};
use crate::common::{Guard, Ran, next_line, run_on, tool_on};

fn append(dir: &Path, topic: &str, records: &str) {
    run_on(dir, "produce", &[topic], records).good();
}

fn subscribe(dir: &Path, args: &[&str]) -> Ran {
    run_on(dir, "subscribe", args, "")
}

#[test]
fn records_of_all_topics_come_in_the_order_in_which_they_were_appended() {
    both_ways(|dir| {
        run_on(dir, "log-admin", &["create", "web.b", "--partitions", "2", "--key", "."], "")
            .good();
        for (topic, records) in [
            ("web.a", "1\n2\n"),
            ("web.b", "3\n"),
            ("db", "4\n"),
            ("web.a", "5\n"),
            ("web.b", "6\n7\n"),
        ] {
            append(dir, topic, records);
        }
        let all = |args: &[&str]| subscribe(dir, args).good().lines().collect::<Vec<_>>().join(" ");
        assert_eq!(all(&["web.a", "web.b", "db"]), "1 2 3 4 5 6 7");
        assert_eq!(all(&["web.*"]), "1 2 3 5 6 7");
        assert_eq!(all(&["d?", "web.[a]", "web.a"]), "1 2 4 5");
        assert_eq!(all(&["web.*", "-c", "4"]), "1 2 3 5");
        assert_eq!(all(&["web.a", "db", "-n", "1"]), "4 5");
        assert_eq!(all(&["*", "--from", "end"]), "");
        assert_eq!(
            all(&["web.a", "db", "--template", "%t {{.}}", "-c", "4"]),
            "web.a 1 web.a 2 db 4 web.a 5"
        );
        let with_places = subscribe(dir, &["db", "web.*", "--meta", "-c", "3"]).good();
        assert!(with_places.starts_with("{\"topic\":\"web.a\",\"partition\":0,\"offset\":0,"));
        assert!(with_places.lines().last().unwrap().starts_with("{\"topic\":\"web.b\","));
    });
}

#[test]
fn what_belongs_to_one_topic_is_refused() {
    both_ways(|dir| {
        append(dir, "a", "1\n");
        append(dir, "b", "1\n");
        for args in [
            &["a", "b", "--group", "g"][..],
            &["a", "b", "--control"],
            &["a", "*", "--partition", "0"],
            &["a*", "--from", "0"],
            &["a", "b", "--until", "1"],
            &["a", "b", "-f", "--until", "now"],
            &["[", "-c", "1"],
        ] {
            let ran = subscribe(dir, args);
            assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}: {ran:?}");
        }
        let ran = subscribe(dir, &["a", "nosuch"]);
        assert!(ran.status == 69 && ran.stderr.contains("nosuch: no such topic"), "{ran:?}");
        let ran = subscribe(dir, &["x*"]);
        assert!(ran.status == 69 && ran.stderr.contains("x*: no topic matches"), "{ran:?}");
    });
}

/// Follows, and gives what it prints line by line.
fn following(dir: &Path, args: &[&str]) -> (Guard, std::io::BufReader<std::process::ChildStdout>) {
    let mut command = tool_on(dir, "subscribe", args);
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap());
    (Guard(child), lines)
}

#[test]
fn topics_that_appear_are_followed() {
    both_ways(|dir| {
        append(dir, "web.a", "1\n");
        append(dir, "web.b", "2\n");
        let (mut child, mut lines) = following(dir, &["web.*", "other", "-f", "--wait", "-c", "7"]);
        // It waits for the topic that is named.
        append(dir, "other", "3\n");
        let mut seen = [(); 3].map(|()| next_line(&mut lines).trim().to_owned());
        assert_eq!(seen, ["1", "2", "3"]);
        append(dir, "web.b", "4\n");
        assert_eq!(next_line(&mut lines).trim(), "4");
        append(dir, "web.c", "5\n6\n");
        seen[0] = next_line(&mut lines);
        seen[1] = next_line(&mut lines);
        assert_eq!((seen[0].trim(), seen[1].trim()), ("5", "6"));
        append(dir, "db", "0\n");
        append(dir, "other", "7\n8\n");
        assert_eq!(next_line(&mut lines).trim(), "7");
        assert!(child.0.wait().unwrap().success());
    });
}

#[test]
fn what_only_a_pattern_names_may_go_and_come_again() {
    both_ways(|dir| {
        append(dir, "web.a", "1\n");
        append(dir, "web.b", "2\n");
        let (mut child, mut lines) = following(dir, &["web.*", "-f", "-c", "4"]);
        assert_eq!([(); 2].map(|()| next_line(&mut lines).trim().to_owned()), ["1", "2"]);
        run_on(dir, "log-admin", &["delete", "web.a"], "").good();
        append(dir, "web.b", "3\n");
        assert_eq!(next_line(&mut lines).trim(), "3");
        append(dir, "web.c", "4\n");
        assert_eq!(next_line(&mut lines).trim(), "4");
        assert!(child.0.wait().unwrap().success());
    });
}

#[test]
fn a_topic_that_is_named_may_not_go() {
    both_ways(|dir| {
        append(dir, "a", "1\n");
        append(dir, "b", "2\n");
        let (mut child, mut lines) = following(dir, &["a", "b", "-f"]);
        assert_eq!([(); 2].map(|()| next_line(&mut lines).trim().to_owned()), ["1", "2"]);
        run_on(dir, "log-admin", &["delete", "a"], "").good();
        assert_eq!(child.0.wait().unwrap().code(), Some(69));
    });
}

#[test]
fn a_signal_ends_it_and_a_daemon_may_come_again() {
    let (dir, mut daemon) = Daemon::alone(&[]);
    append(dir.path(), "a", "1\n");
    append(dir.path(), "b", "2\n");
    let (mut child, mut lines) = following(dir.path(), &["a", "b*", "-f"]);
    assert_eq!(next_line(&mut lines).trim(), "1");
    assert_eq!(next_line(&mut lines).trim(), "2");
    daemon.signal(Signal::SIGTERM);
    drop(daemon.end());
    daemon = Daemon::start(dir.path(), &[]);
    append(dir.path(), "a", "3\n");
    assert_eq!(next_line(&mut lines).trim(), "3");
    append(dir.path(), "b", "4\n");
    assert_eq!(next_line(&mut lines).trim(), "4");
    let pid = nix::unistd::Pid::from_raw(child.0.id().try_into().unwrap());
    nix::sys::signal::kill(pid, Signal::SIGTERM).unwrap();
    assert!(child.0.wait().unwrap().success());
    daemon.terminate();
}

#[test]
fn what_is_there_does_not_wait_for_what_is_to_come() {
    both_ways(|dir| {
        append(dir, "a", "1\n");
        let (mut child, mut lines) = following(dir, &["a", "b", "-f", "--wait", "-c", "3"]);
        assert_eq!(next_line(&mut lines).trim(), "1");
        append(dir, "b", "2\n");
        assert_eq!(next_line(&mut lines).trim(), "2");
        append(dir, "a", "3\n");
        assert_eq!(next_line(&mut lines).trim(), "3");
        assert!(child.0.wait().unwrap().success());
    });
}

#[test]
fn of_all_topics_one_says_that_the_daemon_is_gone() {
    let (dir, daemon) = Daemon::alone(&[]);
    ["a", "b", "c"].iter().for_each(|topic| append(dir.path(), topic, "1\n"));
    let mut command = tool_on(dir.path(), "subscribe", &["a", "b", "c", "-f", "-c", "6"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    let mut child = Guard(command.spawn().unwrap());
    let mut lines = std::io::BufReader::new(child.0.stdout.take().unwrap());
    (0..3).for_each(|_| assert_eq!(next_line(&mut lines).trim(), "1"));
    daemon.signal(Signal::SIGTERM);
    drop(daemon.end());
    let _daemon = Daemon::start(dir.path(), &[]);
    ["a", "b", "c"].iter().for_each(|topic| append(dir.path(), topic, "2\n"));
    (0..3).for_each(|_| assert_eq!(next_line(&mut lines).trim(), "2"));
    assert!(child.0.wait().unwrap().success());
    let said = std::io::read_to_string(child.0.stderr.take().unwrap()).unwrap();
    assert!(said.matches("log-serve is gone").count() <= 1, "{said}");
    assert_eq!(said.matches("is gone").count(), said.matches("running again").count(), "{said}");
}
