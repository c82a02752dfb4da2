//! `produce --listen --from syslog`: framings, and what rsyslog and logger send.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::common::producing::{Producing, await_records, records, send};
use crate::common::{Guard, wait_for};

const MESSAGE: &str = "<34>1 2026-10-11T22:14:15.003Z host app 7 - -";

#[test]
fn lengths_and_line_ends_may_be_mixed() {
    let dir = tempfile::tempdir().unwrap();
    let (producing, port) =
        Producing::listen(dir.path(), "tcp", &["t", "--from", "syslog", "--map", ".msg"]);
    let counted = |text: &str| format!("{} {text}", text.len());
    let stream = counted(&format!("{MESSAGE} one\ntwo"))
        + &format!("{MESSAGE} three\n")
        + &counted(&format!("{MESSAGE} four\n"))
        + &counted(&format!("{MESSAGE} five"));
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for piece in stream.as_bytes().chunks(7) {
        connection.write_all(piece).unwrap();
    }
    assert_eq!(
        await_records(dir.path(), "t", 4),
        ["\"one two\"", "\"three\"", "\"four\"", "\"five\""]
    );
    assert_eq!(producing.terminate().status, 143);
}

#[test]
fn lengths_that_lie_cost_their_connection_only() {
    let dir = tempfile::tempdir().unwrap();
    let (mut producing, port) =
        Producing::listen(dir.path(), "tcp", &["t", "--from", "syslog", "--map", ".msg"]);
    let good = format!("{MESSAGE} good");
    for lie in ["99999999999999999999 ", "12345x", "1000000000 "] {
        send(port, format!("{} {good}{lie}{good}\n", good.len()));
    }
    assert_eq!(await_records(dir.path(), "t", 3), ["\"good\""; 3]);
    producing.said("the connection is closed");
    // Too short: the rest is a bad line; too long: the connection's end ends the message.
    send(port, format!("{} {good}\n{good}\n", good.len() - 4));
    send(port, format!("{} {good}", good.len() + 4));
    await_records(dir.path(), "t", 6);
    wait_for("all records", || {
        let got = records(dir.path(), "t");
        (got.iter().filter(|line| *line == "\"good\"").count() == 5).then_some(())
    });
    let ran = producing.terminate();
    assert_eq!(ran.status, 65, "{ran:?}");
    assert!(ran.stderr.contains("3 connections were closed for a wrong message length"), "{ran:?}");
}

/// A program of the system, where it is; the test says loudly that it is left out where it is not.
fn program(names: &[&str]) -> Option<PathBuf> {
    let found = names.iter().map(PathBuf::from).find(|path| path.exists());
    if found.is_none() {
        eprintln!("!!! LEFT OUT: none of {names:?} is installed, and nothing was tested with it");
    }
    found
}

/// An rsyslogd with a configuration of its own, which takes messages at `dir/log` and forwards them.
fn rsyslogd(dir: &Path, forward: &str) -> Option<Guard> {
    let program = program(&["/usr/sbin/rsyslogd", "/sbin/rsyslogd", "/usr/bin/rsyslogd"])?;
    let config = dir.join("rsyslog.conf");
    let socket = dir.join("log");
    let text = format!(
        "global(workDirectory=\"{0}\")\n\
         module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
         input(type=\"imuxsock\" Socket=\"{1}\" RateLimit.Interval=\"0\")\n\
         {forward}\n",
        dir.display(),
        socket.display(),
    );
    fs::write(&config, text).unwrap();
    let child: Child = Command::new(program)
        .arg("-n")
        .arg("-f")
        .arg(&config)
        .arg("-i")
        .arg(dir.join("rsyslog.pid"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let guard = Guard(child);
    wait_for("rsyslogd to listen", || socket.exists().then_some(()));
    Some(guard)
}

fn log(socket: &Path, text: &str) -> bool {
    let Some(logger) = program(&["/usr/bin/logger"]) else { return false };
    let status = Command::new(logger)
        .args(["--socket-errors=on", "-u", socket.to_str().unwrap(), "-t", "app", text])
        .status()
        .unwrap();
    assert!(status.success());
    true
}

fn forwarded(scheme: &str, parameters: &str) {
    let dir = tempfile::tempdir().unwrap();
    let args = ["t", "--from", "syslog", "--map", "[.app_name, (.msg | ltrimstr(\" \"))]"];
    let (producing, port) = Producing::listen(dir.path(), scheme, &args);
    let forward = format!(
        "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"{scheme}\" {parameters})"
    );
    let Some(_rsyslogd) = rsyslogd(dir.path(), &forward) else { return };
    let socket = dir.path().join("log");
    for number in 0..5 {
        if !log(&socket, &format!("message {number}")) {
            return;
        }
    }
    let got: Vec<_> = wait_for("messages", || {
        let got = records(dir.path(), "t");
        // rsyslogd also says that it has begun. Some of its templates put a space before a message.
        let ours: Vec<_> = got.into_iter().filter(|line| line.contains("message ")).collect();
        (ours.len() == 5).then_some(ours)
    });
    let wanted: Vec<_> = (0..5).map(|number| format!("[\"app\",\"message {number}\"]")).collect();
    assert_eq!(got, wanted, "{scheme} {parameters}");
    assert_eq!(producing.terminate().status, 143);
}

#[test]
fn rsyslog_forwards_with_lengths() {
    forwarded("tcp", "TCP_Framing=\"octet-counted\" template=\"RSYSLOG_SyslogProtocol23Format\"");
}

#[test]
fn rsyslog_forwards_with_line_ends() {
    forwarded("tcp", "template=\"RSYSLOG_ForwardFormat\"");
}

#[test]
fn rsyslog_forwards_in_datagrams() {
    forwarded("udp", "template=\"RSYSLOG_SyslogProtocol23Format\"");
}

#[test]
fn logger_writes_as_to_dev_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dev-log");
    let url = format!("unixgram://{}", path.display());
    let args = ["t", "--from", "syslog", "--map", ".msg", "--listen", &url];
    let mut producing = Producing::start(dir.path(), &args);
    producing.said("listening on ");
    if log(&path, "hello") && log(&path, "world") {
        assert_eq!(await_records(dir.path(), "t", 2), ["\"hello\"", "\"world\""]);
    }
    assert_eq!(producing.terminate().status, 143);
}
