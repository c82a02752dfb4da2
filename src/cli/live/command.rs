//! A command that is run for what it writes, and run again when it has ended.

use std::cell::Cell;
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::cli::input::{NextSource, Sources, StopReason};
use crate::cli::message;
use crate::cli::output::widen_pipe;
use crate::cli::signals::{Ending, end_group};
use crate::cli::source::{Polled, Source};
use crate::cli::watch::{Waiting, Woken};
use crate::cli::{Failure, Status};
use crate::sys::wait::{Wanted, wait};

/// How long a command may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long is waited for the rest of what it wrote when it was killed.
const REST: Duration = Duration::from_secs(1);
/// How often it is looked whether a command has ended that has closed its output.
const LOOK: Duration = Duration::from_millis(10);
/// The longest pause before a command is run again, unless the first one is longer.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// When a command is run again that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Restart {
    /// Whatever its exit status
    Always,
    /// When it failed, or was killed
    OnFailure,
    /// Never
    #[default]
    Never,
}

/// Which command, and how.
#[derive(Clone, Debug)]
pub struct CommandOptions {
    /// What the shell runs.
    pub command: String,
    /// When it is run again.
    pub restart: Restart,
    /// How long after it has ended; failures in a row double it.
    pub pause: Duration,
}

/// The runs of a command: each is a source.
pub struct Runs {
    options: CommandOptions,
    name: Arc<str>,
    /// How the last run ended, if it has, and when it began.
    ended: Rc<Cell<Option<ExitStatus>>>,
    begun: Option<Instant>,
    /// The pause before the next run, and when that begins.
    pause: Duration,
    until: Option<Instant>,
}

impl Runs {
    /// Nothing is run yet.
    pub fn new(options: CommandOptions) -> Runs {
        let (name, pause) = (Arc::from(options.command.as_str()), options.pause);
        let (ended, begun, until) = (Rc::default(), None, None);
        Runs { options, name, ended, begun, pause, until }
    }

    /// Decides when to run it again. None if it is not.
    fn again(&mut self, begun: Instant) -> anyhow::Result<Option<Instant>> {
        let Some(status) = self.ended.take() else { return Ok(None) };
        let failed = !status.success();
        let how = how(status);
        match self.options.restart {
            Restart::Never if failed => {
                let why = format!("{}: the command {how}; --restart runs it again", self.name);
                return Err(Failure::new(Status::Io, why).into());
            }
            Restart::OnFailure | Restart::Never if !failed => return Ok(None),
            _ => {}
        }
        let (first, most) = (self.options.pause, PAUSE_MAX.max(self.options.pause));
        // A run that lasted has nothing to do with the failures before it.
        if !failed || begun.elapsed() >= most {
            self.pause = first;
        }
        if failed {
            message::note(&format!("{}: the command {how}; it is run again", self.name));
        }
        let until = Instant::now() + self.pause;
        if failed {
            self.pause = self.pause.saturating_mul(2).min(most);
        }
        Ok(Some(until))
    }

    fn begin(&mut self) -> anyhow::Result<Box<dyn Source>> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(&self.options.command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().with_context(|| format!("{}: cannot run it", self.name))?;
        let output = child.stdout.take().context("the command has no output")?;
        widen_pipe(output.as_fd());
        self.begun = Some(Instant::now());
        Ok(Box::new(Run {
            child,
            output,
            name: Arc::clone(&self.name),
            position: 0,
            is_lane: self.options.restart != Restart::Never,
            phase: Phase::Reads,
            stopping: None,
            ended: Rc::clone(&self.ended),
        }))
    }
}

impl Sources for Runs {
    fn next(&mut self, waiting: &mut Waiting<'_>) -> anyhow::Result<NextSource> {
        if let Some(reason) = waiting.stopped() {
            return Ok(NextSource::Stopped(reason));
        }
        if let (None, Some(begun)) = (self.until, self.begun) {
            self.until = self.again(begun)?;
            if self.until.is_none() {
                return Ok(NextSource::End);
            }
        }
        while let Some(left) =
            self.until.map(|until| until.saturating_duration_since(Instant::now()))
            && !left.is_zero()
        {
            match waiting.pause(Some(left))? {
                Woken::Stopped(reason) => return Ok(NextSource::Stopped(reason)),
                _ if waiting.is_over() => return Ok(NextSource::Quiet),
                _ => {}
            }
        }
        self.until = None;
        Ok(NextSource::Source(self.begin()?))
    }
}

/// How a command ended, as the end of a sentence.
fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// A command that runs. It has a process group of its own, all of which ends with us.
struct Run {
    child: Child,
    output: ChildStdout,
    name: Arc<str>,
    position: u64,
    /// Whether its end is one of a lane: what is bad at its end does not end the tool.
    is_lane: bool,
    phase: Phase,
    /// Why it was asked to end, if it was, and until when it may take.
    stopping: Option<(StopReason, Instant)>,
    ended: Rc<Cell<Option<ExitStatus>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It may write.
    Reads,
    /// It has closed its output.
    Ends,
    /// It has ended.
    Ended,
}

impl Run {
    /// Waits for output; gives what to tell if there is none.
    fn await_output(&mut self, waiting: &mut Waiting<'_>) -> anyhow::Result<Option<Polled>> {
        loop {
            if let Some((reason, until)) = self.stopping {
                let left = until.saturating_duration_since(Instant::now());
                let seen = wait(&[(self.output.as_fd(), Wanted::Input)], Some(left))?;
                if seen.contains(&true) {
                    return Ok(None);
                }
                end_group(self.child.id(), Ending::Now);
                let seen = wait(&[(self.output.as_fd(), Wanted::Input)], Some(REST))?;
                if seen.contains(&true) {
                    return Ok(None);
                }
                // Another process, of no group of ours, has its output.
                return Ok(Some(Polled::Stopped(reason)));
            }
            match waiting.until_ready(&self.output)? {
                Woken::Ready => return Ok(None),
                Woken::Quiet => return Ok(Some(Polled::Quiet)),
                Woken::Stopped(reason) => self.stop(reason),
            }
        }
    }

    /// Asks it to end.
    fn stop(&mut self, reason: StopReason) {
        end_group(self.child.id(), Ending::Soon);
        self.stopping = Some((reason, Instant::now() + GRACE));
    }

    /// Waits for its end.
    fn await_end(&mut self, waiting: &mut Waiting<'_>) -> anyhow::Result<Option<Polled>> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.ended.set(Some(status));
                self.phase = Phase::Ended;
                return Ok(None);
            }
            match self.stopping {
                Some((_, until)) if until <= Instant::now() => {
                    end_group(self.child.id(), Ending::Now);
                    self.child.wait()?;
                }
                Some(_) => std::thread::sleep(LOOK),
                None => match waiting.pause(Some(LOOK))? {
                    Woken::Stopped(reason) => self.stop(reason),
                    _ if waiting.is_over() => return Ok(Some(Polled::Quiet)),
                    _ => {}
                },
            }
        }
    }
}

impl Source for Run {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn may_wait(&self) -> bool {
        true
    }

    fn poll(&mut self, block: &mut [u8], waiting: &mut Waiting<'_>) -> anyhow::Result<Polled> {
        while self.phase == Phase::Reads {
            if let Some(polled) = self.await_output(waiting)? {
                return Ok(polled);
            }
            match self.output.read(block) {
                Ok(0) => self.phase = Phase::Ends,
                Ok(count) => {
                    self.position += count as u64;
                    return Ok(Polled::Bytes(count));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(|| self.name.to_string()),
            }
        }
        if self.phase == Phase::Ends {
            if let Some(polled) = self.await_end(waiting)? {
                return Ok(polled);
            }
            if self.is_lane {
                return Ok(Polled::LaneEnd);
            }
        }
        Ok(Polled::End)
    }

    fn lane(&self) -> Option<u64> {
        self.is_lane.then_some(0)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.phase == Phase::Ended {
            return;
        }
        end_group(self.child.id(), Ending::Soon);
        let until = Instant::now() + GRACE;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        end_group(self.child.id(), Ending::Now);
        let _ = self.child.wait();
    }
}
