//! A real daemon in a directory of its own, and raw talk with it.

use std::io::{BufRead, BufReader, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::unistd::Pid;

use super::{Guard, PATIENCE, Ran, tool, wait_for};

/// A running log-serve; killed when the test ends.
pub struct Daemon {
    pub child: Guard,
    pub dir: PathBuf,
    stderr: Receiver<String>,
}

impl Daemon {
    /// Starts a daemon on `dir` and waits until it says that it is ready.
    pub fn start(dir: &Path, args: &[&str]) -> Daemon {
        let mut command = tool("log-serve", &["--data", dir.to_str().unwrap()]);
        command.args(args);
        Daemon::spawn(&mut command, dir)
    }

    /// Runs a command that becomes log-serve on `dir`, and waits until it says that it is ready.
    pub fn spawn(command: &mut Command, dir: &Path) -> Daemon {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, stderr) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|l| sender.send(l)));
        let daemon = Daemon { child: Guard(child), dir: dir.to_owned(), stderr };
        loop {
            let line = daemon.stderr.recv_timeout(PATIENCE).expect("log-serve says it is ready");
            if line.starts_with("log-serve: ready: ") {
                return daemon;
            }
        }
    }

    /// Starts a daemon in a directory of its own.
    pub fn alone(args: &[&str]) -> (tempfile::TempDir, Daemon) {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(dir.path(), args);
        (dir, daemon)
    }

    /// The same, with a topic `t` of one partition, and a connection.
    pub fn with_topic(args: &[&str]) -> (tempfile::TempDir, Daemon, Talk) {
        let (dir, daemon) = Daemon::alone(args);
        let mut talk = daemon.talk();
        talk.ask(r#"{"create":{"topic":"t"}}"#);
        (dir, daemon, talk)
    }

    /// The same, and appends to `t` do not wait for the disk.
    pub fn without_fsync() -> (tempfile::TempDir, Daemon, Talk) {
        let (dir, daemon, mut talk) = Daemon::with_topic(&[]);
        let altered = talk.ask(r#"{"alter":{"topic":"t","settings":{"fsync":"never"}}}"#);
        assert!(altered.get("altered").is_some(), "{altered}");
        (dir, daemon, talk)
    }

    /// All records of `t`, as one text.
    pub fn records(&self) -> String {
        let mut talk = self.talk();
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

    /// A connection to it.
    pub fn talk(&self) -> Talk {
        Talk::new(UnixStream::connect(self.dir.join("socket")).unwrap())
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.0.id().try_into().unwrap()), signal).unwrap();
    }

    /// Stops it, as Ctrl-Z does; returns once it does nothing any more.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
        wait_for("log-serve to stand still", || {
            super::proc::is_stopped(self.child.0.id()).then_some(())
        });
    }

    /// Waits until it says this on stderr; gives the line.
    pub fn said(&self, part: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(PATIENCE).expect(part);
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Waits for its end; `stderr` is what it said after it was ready.
    pub fn end(mut self) -> Ran {
        let status = wait_for("log-serve to end", || self.child.0.try_wait().unwrap());
        let stderr: Vec<String> = self.stderr.iter().collect();
        let output = std::process::Output {
            status,
            stdout: Vec::new(),
            stderr: stderr.join("\n").into_bytes(),
        };
        output.into()
    }

    /// Asks it to end, and waits for that.
    pub fn terminate(self) -> Ran {
        self.signal(Signal::SIGTERM);
        self.end()
    }
}

/// Runs a test once without a daemon and once with one, each in a directory of its own.
pub fn both_ways(test: impl Fn(&Path)) {
    let embedded = tempfile::tempdir().unwrap();
    test(embedded.path());
    let served = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(served.path(), &[]);
    test(served.path());
    assert_eq!(daemon.terminate().status, 0);
}

/// One connection, line by line.
pub struct Talk {
    pub input: BufReader<UnixStream>,
}

impl Talk {
    pub fn new(stream: UnixStream) -> Talk {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Talk { input: BufReader::new(stream) }
    }

    pub fn stream(&self) -> &UnixStream {
        self.input.get_ref()
    }

    /// Sends `text` as it is.
    pub fn send(&mut self, text: impl AsRef<[u8]>) {
        let mut stream = self.input.get_ref();
        stream.write_all(text.as_ref()).unwrap();
    }

    /// Sends a line.
    pub fn say(&mut self, line: &str) {
        self.send(format!("{line}\n"));
    }

    /// Sends an append of `records`.
    pub fn append(&mut self, topic: &str, records: &str) {
        let bytes = records.len();
        self.send(format!("{{\"append\":{{\"topic\":\"{topic}\",\"bytes\":{bytes}}}}}\n{records}"));
    }

    /// Appends `records`; returns once they are stored.
    #[track_caller]
    pub fn store(&mut self, topic: &str, records: &str) {
        self.append(topic, records);
        let answer = self.answer();
        assert!(answer.get("appended").is_some(), "{answer}");
    }

    /// Sends a line, and passes a descriptor with it.
    pub fn pass(&self, line: &str, descriptor: impl AsFd) {
        let line = format!("{line}\n");
        let descriptors = [descriptor.as_fd().as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let (stream, bytes) = (self.stream().as_raw_fd(), [IoSlice::new(line.as_bytes())]);
        sendmsg::<()>(stream, &bytes, &rights, MsgFlags::empty(), None).unwrap();
    }

    /// The next line, without its end; empty at the end of the connection.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.input.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line, as JSON.
    pub fn answer(&mut self) -> serde_json::Value {
        let line = self.hear();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// Sends a line and takes the answer.
    pub fn ask(&mut self, line: &str) -> serde_json::Value {
        self.say(line);
        self.answer()
    }

    /// The code of the next answer, which is an error.
    pub fn error(&mut self) -> String {
        let answer = self.answer();
        let code = answer["error"]["code"].as_str();
        code.unwrap_or_else(|| panic!("not an error: {answer}")).to_owned()
    }

    /// So many bytes, as they come.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.input.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Whether the daemon has closed the connection; waits for it to do or say something. A close
    /// with something of ours unread shows as a reset.
    pub fn is_closed(&mut self) -> bool {
        match self.input.fill_buf() {
            Ok(bytes) => bytes.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
