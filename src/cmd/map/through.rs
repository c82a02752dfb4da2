//! `map --through`: records go through a foreign command, line for line, and control records around
//! it.
//!
//! Two threads: one reads our input and feeds the command, the other takes what it writes. So it
//! does not matter how much the command holds back, or for how long. Each result is known by its
//! number, and a control record by the number of results that go out before it.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context as _, anyhow};

use crate::cli::counters::{Place, counters};
use crate::cli::options::InputOptions;
use crate::cli::output::{Output, OutputError};
use crate::cli::pump::{self, Context, Ended, Stage, StageError};
use crate::cli::{Failure, Status, signals};
use crate::record::control::{Control, Start};
use crate::record::decode::Raw;
use crate::record::{json, reserved};

/// How much of the command's output is read at a time.
const BLOCK_BYTES: usize = 256 << 10;

/// How many bytes of control records may wait for results that the command holds back.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// Runs `command` by sh, with the records of the input, and writes what it makes of them; and the
/// control records, if `speaks` says so.
///
/// # Errors
/// When the command cannot be run, fails, or does not write a line for each record; else as
/// [`pump::run`].
pub fn run(command: &str, speaks: bool, input: &InputOptions) -> anyhow::Result<Status> {
    // The command may take its time.
    counters().answer();
    let mut child = spawn(command).with_context(|| format!("--through '{command}': sh"))?;
    let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Failure::new(Status::Internal, "the command has no pipes").into());
    };
    let merge = Arc::new(Mutex::new(Merge::new(Output::stdout()?, input.record_bytes_max())));
    let merging = Arc::clone(&merge);
    let relay = thread::Builder::new().spawn(move || {
        let relayed = relay(from, &merging);
        if relayed.is_err() {
            // There is nothing to wait for input for.
            signals::interrupt();
        }
        relayed
    })?;
    let (block, waiting) = (Vec::new(), Vec::new());
    let mut feed = Feed { to: Some(to), block, sent: 0, speaks, waiting, merge };
    let pumped = pump::run(input, &mut feed);
    // The command sees the end of its input, finishes, and ends; then so does the relay.
    drop(feed.to.take());
    let relayed = relay.join().unwrap_or_else(|_| Err(anyhow!("a thread failed")));
    if relayed.is_err() {
        // It may be gone already, and then there is nothing to end.
        let _ = child.kill();
    }
    let ended = child.wait().with_context(|| format!("--through '{command}'"))?;
    let given = match relayed.and_then(|rest| conclude(rest, ended, &feed.merge)) {
        Ok(given) => given,
        // Nobody reads our output: as everywhere, no error.
        Err(error) if pump::is_closed(&error) => return Ok(Status::Done),
        Err(error) if error.is::<OutputError>() => return Err(error),
        Err(error) => return Err(error.context(format!("--through '{command}'"))),
    };
    match pumped {
        Ok(outcome) => match judge(command, ended, feed.sent, given) {
            Err(_) if outcome.ended != Ended::Input => Ok(outcome.status),
            judged => judged.map(|()| outcome.status),
        },
        Err(error) if error.is::<Gone>() => match judge(command, ended, feed.sent, given) {
            Err(judged) => Err(judged),
            Ok(()) => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// The command has closed its input.
#[derive(Debug, thiserror::Error)]
#[error("the command of --through stopped reading")]
struct Gone;

fn spawn(command: &str) -> io::Result<Child> {
    Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
}

/// Whether the command did its job.
fn judge(command: &str, ended: ExitStatus, sent: u64, given: u64) -> anyhow::Result<()> {
    if !ended.success() {
        let how = match (ended.code(), ended.signal()) {
            (Some(status), _) => format!("status {status}"),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        };
        let why = format!("--through '{command}': ended with {how}");
        return Err(Failure::new(Status::Io, why).into());
    }
    if sent != given {
        let why = format!(
            "--through '{command}': is not line for line: it got {sent} records and wrote \
             {given} lines; let it write one for each, an empty one to drop the record"
        );
        return Err(Failure::new(Status::Data, why).into());
    }
    Ok(())
}

/// What goes out: results, and control records in their places among them.
struct Merge {
    output: Output,
    /// The longest result, in bytes, without its line end.
    record_bytes_max: usize,
    /// How many records were sent, or are about to be.
    sent: u64,
    /// How many results have gone out.
    given: u64,
    /// Control records, each with how many results go out before it.
    waiting: VecDeque<(u64, Vec<u8>)>,
    waiting_bytes: usize,
}

impl Merge {
    fn new(output: Output, record_bytes_max: usize) -> Merge {
        let waiting = VecDeque::new();
        Merge { output, record_bytes_max, sent: 0, given: 0, waiting, waiting_bytes: 0 }
    }

    /// Takes a control record; it goes out at once if nothing is to go before it.
    fn control(&mut self, after: u64, line: Vec<u8>) -> Result<(), OutputError> {
        self.waiting_bytes += line.len();
        self.waiting.push_back((after, line));
        self.release()
    }

    /// Emits the control records whose turn has come.
    fn release(&mut self) -> Result<(), OutputError> {
        let given = self.given;
        while let Some((_, line)) = self.waiting.pop_front_if(|(after, _)| *after <= given) {
            self.waiting_bytes -= line.len();
            self.output.write(&line)?;
        }
        Ok(())
    }

    /// Emits whole lines of results, up to the first that is none.
    fn results(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        let (end, fault) = self.admit(lines);
        self.emit(lines.get(..end).unwrap_or_default())?;
        fault.map_or(Ok(()), |why| Err(Failure::new(Status::Data, why).into()))
    }

    /// Up to where these lines are results, and what is wrong with the one there.
    fn admit(&self, lines: &[u8]) -> (usize, Option<String>) {
        let (mut end, mut number) = (0, self.given);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let result = line.trim_ascii_end();
            let fault = if number == self.sent {
                Some(format!(
                    "is not line for line: it got {number} records and wrote more lines; let \
                     it write one for each, an empty one to drop the record"
                ))
            } else if result.len() > self.record_bytes_max {
                Some(self.too_long())
            } else {
                reserved::check(result).err().map(|why| format!("its line {}: {why}", number + 1))
            };
            if fault.is_some() {
                return (end, fault);
            }
            end += line.len();
            number += 1;
        }
        (end, None)
    }

    fn too_long(&self) -> String {
        let max = self.record_bytes_max;
        format!(
            "it wrote a line longer than the limit of {max} bytes; --max-record changes the limit"
        )
    }

    fn emit(&mut self, mut lines: &[u8]) -> Result<(), OutputError> {
        while !lines.is_empty() {
            let room = self.waiting.front().map(|(after, _)| after - self.given);
            let (count, end) = first_lines(lines, room.unwrap_or(u64::MAX));
            let (now, later) = lines.split_at(end);
            self.output.write(now)?;
            self.given += count;
            counters().emitted(self.given);
            self.release()?;
            lines = later;
        }
        Ok(())
    }
}

/// How many lines `bytes` has, `most` at most, and where the last of them ends.
fn first_lines(bytes: &[u8], most: u64) -> (u64, usize) {
    let (mut count, mut end) = (0, 0);
    for at in memchr::memchr_iter(b'\n', bytes) {
        if count == most {
            break;
        }
        count += 1;
        end = at + 1;
    }
    (count, end)
}

fn lock(merge: &Mutex<Merge>) -> MutexGuard<'_, Merge> {
    merge.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Emits the whole lines that the command writes; gives what is left at its end.
///
/// # Errors
/// When the output fails, or what the command writes cannot be results.
fn relay(mut from: ChildStdout, merge: &Mutex<Merge>) -> anyhow::Result<Vec<u8>> {
    let mut block = Vec::new();
    loop {
        let partial = block.len();
        block.resize(partial + BLOCK_BYTES, 0);
        let read = from.read(&mut block[partial..]);
        block.truncate(partial + read.as_ref().map_or(0, |count| *count));
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        let whole = memchr::memrchr(b'\n', &block).map_or(0, |at| at + 1);
        lock(merge).results(&block[..whole])?;
        block.drain(..whole);
        // One more, for a CR that belongs to the line end.
        let merge = lock(merge);
        if block.len() > merge.record_bytes_max + 1 {
            return Err(Failure::new(Status::Data, merge.too_long()).into());
        }
    }
    Ok(block)
}

/// Puts out a last line that has no line end, which counts only where the command ended well: else
/// it is a part of one. Gives how many results there are. Control records behind results that never
/// came do not go out: among them is the stream's end.
fn conclude(rest: Vec<u8>, ended: ExitStatus, merge: &Mutex<Merge>) -> anyhow::Result<u64> {
    let mut merge = lock(merge);
    if ended.success() && !rest.is_empty() {
        merge.results(&[&*rest, b"\n"].concat())?;
    }
    Ok(merge.given)
}

/// Feeds the command.
struct Feed {
    to: Option<ChildStdin>,
    /// Records on their way to it.
    block: Vec<u8>,
    sent: u64,
    /// Whether control records go out.
    speaks: bool,
    /// Control records behind some of them, each with how many are before it.
    waiting: Vec<(u64, Vec<u8>)>,
    merge: Arc<Mutex<Merge>>,
}

impl Stage for Feed {
    fn record(&mut self, raw: Raw<'_>, _: &mut Context) -> Result<ControlFlow<()>, StageError> {
        json::validate(raw.bytes).map_err(StageError::bad)?;
        self.block.extend_from_slice(raw.bytes);
        self.block.push(b'\n');
        self.sent += 1;
        Ok(ControlFlow::Continue(()))
    }

    fn control(
        &mut self,
        control: &Control,
        line: &[u8],
        _: &mut Context,
    ) -> Result<(), StageError> {
        if !self.speaks {
            return Ok(());
        }
        let mut line = line.to_vec();
        line.push(b'\n');
        if let Control::Start(start) = control {
            // What the command writes is not what was validated.
            line.clear();
            Control::Start(Start { trusted: false, ..start.clone() }).write(&mut line);
        }
        self.waiting.push((self.sent, line));
        Ok(())
    }

    fn flush(&mut self, _: &mut Context) -> anyhow::Result<()> {
        self.announce()?;
        lock(&self.merge).sent = self.sent;
        let Some(to) = &mut self.to else { return Ok(()) };
        let written = counters().at(Place::Output, || to.write_all(&self.block));
        self.block.clear();
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Gone.into()),
            written => written.context("the command of --through"),
        }
    }
}

impl Feed {
    /// Hands the control records over before the records around them are sent.
    fn announce(&mut self) -> anyhow::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let mut merge = lock(&self.merge);
        for (after, line) in self.waiting.drain(..) {
            merge.control(after, line)?;
        }
        if merge.waiting_bytes > WAITING_BYTES_MAX {
            let why = format!(
                "the command of --through holds back the results around more than \
                 {WAITING_BYTES_MAX} bytes of control records; let it write each line as it comes"
            );
            return Err(Failure::new(Status::Data, why).into());
        }
        Ok(())
    }
}
