//! A pipeline of our programs whose input a test keeps open.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Guard, PATIENCE, Ran, tool, wait_for};

/// Programs in a pipe, running.
pub struct Pipeline {
    stages: Vec<(Guard, JoinHandle<String>)>,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Pipeline {
    /// Starts the programs; the first word of each is its name.
    pub fn start(stages: &[&[&str]]) -> Pipeline {
        let (mut running, mut input, mut output) = (Vec::new(), None, None::<ChildStdout>);
        for stage in stages {
            let mut command = tool(stage[0], &stage[1..]);
            command.stdin(output.take().map_or_else(Stdio::piped, Stdio::from));
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("the program starts");
            input = input.or(child.stdin.take());
            output = child.stdout.take();
            let stderr = child.stderr.take().expect("stderr is piped");
            running.push((Guard(child), std::thread::spawn(|| read_all(stderr))));
        }
        let lines = follow(output.expect("there is a program"));
        Pipeline { stages: running, input, lines }
    }

    /// Writes to the first program, at once.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(bytes.as_ref()).expect("the program reads its input");
    }

    /// Writes to the first program; false if it reads no more.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.input.as_mut().expect("the input is open").write_all(bytes.as_ref()).is_ok()
    }

    /// Waits for the next line of the last program; without its line end.
    pub fn line(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|why| panic!("no line of {:?} comes: {why}", self.pids()));
        line.trim_end_matches('\n').to_owned()
    }

    /// The process ids of the programs.
    pub fn pids(&self) -> Vec<u32> {
        self.stages.iter().map(|(child, _)| child.0.id()).collect()
    }

    /// Sends a signal to the program at this place in the pipe, as soon as it listens for signals.
    pub fn signal(&self, stage: usize, signal: Signal) {
        let pid = i32::try_from(self.stages[stage].0.0.id()).expect("a pid");
        if signal != Signal::SIGKILL {
            wait_for("the program to listen for signals", || catches(pid, signal).then_some(()));
        }
        kill(Pid::from_raw(pid), signal).expect("the program runs");
    }

    /// Ends the input and waits for all programs; gives what each left. Only the last one's output
    /// is known: what no [`Pipeline::line`] has taken of it.
    pub fn finish(mut self) -> Vec<Ran> {
        drop(self.input.take());
        let mut stdout = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => stdout += &line,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the output does not end"),
            }
        }
        let mut left: Vec<Ran> = self.stages.drain(..).map(end).collect();
        if let Some(last) = left.last_mut() {
            last.stdout = stdout;
        }
        left
    }
}

/// Runs the programs over `input`, given in pieces of `piece_bytes`.
pub fn pipe(stages: &[&[&str]], input: &str, piece_bytes: usize) -> Vec<Ran> {
    let mut pipeline = Pipeline::start(stages);
    for piece in input.as_bytes().chunks(piece_bytes) {
        pipeline.send(piece);
    }
    pipeline.finish()
}

fn end((mut child, stderr): (Guard, JoinHandle<String>)) -> Ran {
    use std::os::unix::process::ExitStatusExt;
    let status = child.0.wait().expect("the program ends");
    let signal = status.signal().map_or(-1, |signal| 128 + signal);
    Ran {
        status: status.code().unwrap_or(signal),
        stdout: String::new(),
        stderr: stderr.join().expect("stderr is read"),
    }
}

/// Whether a process has a handler for a signal (proc(5), SigCgt).
fn catches(pid: i32, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal as i32 - 1) & 1 == 1)
}

fn read_all(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).expect("stderr is readable");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Hands over the lines of `from` as they come.
pub fn follow(from: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = String::new();
        while from.read_line(&mut line).expect("the output is UTF-8") > 0 {
            if sender.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    lines
}
