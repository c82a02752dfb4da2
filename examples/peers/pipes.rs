//! Latency from the standard input of one command to the standard output of another.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::latency::{self, Latencies};

/// Starts the commands, each in a shell, and measures; both end when the pipe to the writer does.
pub fn latency(count: usize, writer: &str, reader: &str) -> io::Result<Latencies> {
    let mut reading = shell(reader).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut writing = shell(writer).stdin(Stdio::piped()).spawn()?;
    let measured = between(&mut writing, &mut reading, count);
    drop(writing.stdin.take());
    writing.wait()?;
    reading.kill()?;
    reading.wait()?;
    measured
}

fn between(writing: &mut Child, reading: &mut Child, count: usize) -> io::Result<Latencies> {
    let (Some(mut to), Some(from)) = (writing.stdin.take(), reading.stdout.take()) else {
        return Err(io::Error::other("no pipes"));
    };
    let mut from = BufReader::new(from);
    let send = move |record: &[u8]| {
        let mut line = record.to_vec();
        line.push(b'\n');
        to.write_all(&line)
    };
    latency::measure(count, send, |record| from.read_until(b'\n', record).map(drop))
}

/// A shell that becomes the command, so that a signal to it is one to the command.
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec {command}")]);
    shell
}
