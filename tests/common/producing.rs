//! A `produce` that runs until it is asked to end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Guard, PATIENCE, Ran, run_on, tool_on, wait_for};

/// A running produce; killed when the test ends.
pub struct Producing {
    pub child: Guard,
    stderr: Receiver<String>,
    heard: Vec<String>,
}

impl Producing {
    /// Starts it on the log in `dir`.
    pub fn start(dir: &Path, args: &[&str]) -> Producing {
        let mut command = tool_on(dir, "produce", args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, stderr) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|l| sender.send(l)));
        Producing { child: Guard(child), stderr, heard: Vec::new() }
    }

    /// The same, with `--listen` at a free port; waits until it listens, and gives the port.
    pub fn listen(dir: &Path, scheme: &str, args: &[&str]) -> (Producing, u16) {
        let url = format!("{scheme}://:0");
        let mut producing = Producing::start(dir, &[&["--listen", &url], args].concat());
        let port = producing.port();
        (producing, port)
    }

    /// Waits until it listens; gives the port.
    pub fn port(&mut self) -> u16 {
        let line = self.said("listening on ");
        line.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Waits until it says this on stderr; gives the line.
    pub fn said(&mut self, part: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{part} was not said: {:?}", self.heard));
            self.heard.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end; `stderr` is all it said. What it prints is no more than a pipe holds.
    pub fn end(mut self) -> Ran {
        let status = wait_for("produce to end", || self.child.0.try_wait().unwrap());
        self.heard.extend(self.stderr.iter());
        let (mut stdout, stderr) = (Vec::new(), self.heard.join("\n").into_bytes());
        self.child.0.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        std::process::Output { status, stdout, stderr }.into()
    }

    /// Asks it to end, and waits for that.
    pub fn terminate(self) -> Ran {
        self.signal(Signal::SIGTERM);
        self.end()
    }
}

/// Sends bytes over a connection of their own, and closes it.
pub fn send(port: u16, bytes: impl AsRef<[u8]>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(bytes.as_ref()).unwrap();
}

/// The records of a topic; none if there is no such topic.
pub fn records(dir: &Path, topic: &str) -> Vec<String> {
    let ran = run_on(dir, "subscribe", &[topic], "");
    ran.stdout.lines().map(str::to_owned).collect()
}

/// Waits until a topic has so many records, and gives them.
#[track_caller]
pub fn await_records(dir: &Path, topic: &str, count: usize) -> Vec<String> {
    wait_for(&format!("{count} records"), || {
        let records = records(dir, topic);
        (records.len() >= count).then_some(records)
    })
}
