//! What ends the waits of a tool: what it waits for, a signal, or the reader of its output, who
//! leaves.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::counters::{Place, counters};
use super::output::Output;
use super::signals::Stop;
use crate::sys::wait::{Wanted, wait};
use crate::wire::interrupt::Interrupt;

/// How long the first wait of a tool is before somebody might ask why.
const SOON: Duration = Duration::from_millis(20);

/// What a wait for input ended with, other than input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A signal asked us to stop.
    Stopped(i32),
    /// Whoever read our output is gone.
    OutputClosed,
}

/// Why something long was left in the middle: there is no need to go on.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
pub struct Halted(pub StopReason);

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There is something to read.
    Ready,
    /// Time is up.
    Quiet,
    /// There is no need to read it.
    Stopped(StopReason),
}

/// All that wakes a tool while it waits.
#[derive(Debug)]
pub struct Watch {
    stop: Stop,
    output: Option<OwnedFd>,
}

impl Watch {
    /// Watches for a signal, and for the reader of `output` to leave.
    ///
    /// # Errors
    /// When the kernel has no file descriptor left.
    pub fn new(stop: Stop, output: Option<&Output>) -> io::Result<Watch> {
        let output = match output {
            Some(output) if output.hangs_up => Some(output.as_fd().try_clone_to_owned()?),
            _ => None,
        };
        Ok(Watch { stop, output })
    }

    /// Whether a signal has asked us to stop.
    pub fn stopped(&self) -> Option<StopReason> {
        self.stop.requested().map(StopReason::Stopped)
    }

    /// What ends waits for a daemon: it may take `grace` to answer once we are to stop.
    ///
    /// # Errors
    /// When the kernel has no file descriptor left.
    pub fn interrupt(&self, grace: Duration) -> io::Result<Interrupt> {
        Ok(Interrupt::new(self.stop.as_fd().try_clone_to_owned()?, grace))
    }

    /// Waits until `source` has something to read, or until there is no need to read it.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn wait(&self, source: impl AsFd) -> io::Result<Option<StopReason>> {
        match self.wait_until(source, None, Place::Input)? {
            Woken::Stopped(reason) => Ok(Some(reason)),
            Woken::Ready | Woken::Quiet => Ok(None),
        }
    }

    /// As [`Watch::wait`], but no longer than `time`.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn wait_for(&self, source: impl AsFd, time: Duration) -> io::Result<Woken> {
        // Longer than any clock runs is for ever.
        self.wait_until(source, Instant::now().checked_add(time), Place::Input)
    }

    /// The same, where it is who reads our output that is waited for.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn wait_for_reader(&self, source: impl AsFd, time: Duration) -> io::Result<Woken> {
        self.wait_until(source, Instant::now().checked_add(time), Place::Output)
    }

    /// Waits so long, or until a signal asks us to stop.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn pause(&self, time: Duration) -> io::Result<Option<StopReason>> {
        match self.wait_for(&self.stop, time)? {
            Woken::Stopped(reason) => Ok(Some(reason)),
            Woken::Ready | Woken::Quiet => Ok(None),
        }
    }

    /// As [`Watch::wait`], but no longer than until `end`, if there is one; those who ask are told
    /// this place.
    fn wait_until(
        &self,
        source: impl AsFd,
        end: Option<Instant>,
        place: Place,
    ) -> io::Result<Woken> {
        self.wait_any(&[source.as_fd()], end, place)
    }

    /// The same for several sources, one of which is enough.
    fn wait_any(
        &self,
        sources: &[BorrowedFd<'_>],
        end: Option<Instant>,
        place: Place,
    ) -> io::Result<Woken> {
        loop {
            if let Some(reason) = self.stopped() {
                return Ok(Woken::Stopped(reason));
            }
            let mut fds: Vec<_> = sources.iter().map(|source| (*source, Wanted::Input)).collect();
            fds.push((self.stop.as_fd(), Wanted::Input));
            if let Some(output) = &self.output {
                fds.push((output.as_fd(), Wanted::HangUp));
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if !counters().is_answering() {
                let soon = left.map_or(SOON, |left| left.min(SOON));
                let seen = counters().at(place, || wait(&fds, Some(soon)))?;
                if !seen.contains(&true) {
                    counters().answer();
                    continue;
                }
            }
            let seen = counters().at(place, || wait(&fds, left))?;
            if left.is_some_and(|left| left.is_zero()) && !seen.contains(&true) {
                return Ok(Woken::Quiet);
            }
            let (of_sources, others) = seen.split_at(sources.len().min(seen.len()));
            match others {
                [true, ..] => {}
                [false, true] => return Ok(Woken::Stopped(StopReason::OutputClosed)),
                _ if of_sources.contains(&true) => return Ok(Woken::Ready),
                _ => {}
            }
        }
    }
}

/// How long a source may wait for its bytes, and did.
#[derive(Debug)]
pub struct Waiting<'a> {
    watch: &'a Watch,
    /// For ever, if there is none.
    limit: Option<Duration>,
    waited: Duration,
}

impl<'a> Waiting<'a> {
    /// Waits that end when something wakes `watch`, or after `limit`.
    pub fn new(watch: &'a Watch, limit: Option<Duration>) -> Waiting<'a> {
        Waiting { watch, limit, waited: Duration::ZERO }
    }

    /// Whether a signal has asked us to stop.
    pub fn stopped(&self) -> Option<StopReason> {
        self.watch.stopped()
    }

    /// Waits until `source` has something to read. Looks at the clock only if there is a limit.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn until_ready(&mut self, source: impl AsFd) -> io::Result<Woken> {
        let Some(limit) = self.limit else {
            return self.watch.wait_until(source, None, Place::Input);
        };
        let begin = Instant::now();
        // Longer than any clock runs is for ever.
        let woken = self.watch.wait_until(source, begin.checked_add(limit), Place::Input);
        self.waited += begin.elapsed();
        woken
    }

    /// The same, but no longer than `time`: what ends it then is [`Woken::Quiet`], too.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn until_ready_within(
        &mut self,
        source: impl AsFd,
        time: Option<Duration>,
    ) -> io::Result<Woken> {
        self.until_any_ready_within(&[source.as_fd()], time)
    }

    /// The same for several sources, one of which is enough.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn until_any_ready_within(
        &mut self,
        sources: &[BorrowedFd<'_>],
        time: Option<Duration>,
    ) -> io::Result<Woken> {
        let left = self.limit.map(|limit| limit.saturating_sub(self.waited));
        let time = [left, time].into_iter().flatten().min();
        let begin = Instant::now();
        // Longer than any clock runs is for ever.
        let end = time.and_then(|time| begin.checked_add(time));
        let woken = self.watch.wait_any(sources, end, Place::Input);
        if self.limit.is_some() {
            self.waited += begin.elapsed();
        }
        woken
    }

    /// Waits so long, or until there is no need to go on.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn pause(&mut self, time: Option<Duration>) -> io::Result<Woken> {
        self.until_ready_within(&self.watch.stop, time)
    }

    /// Whether it has waited as long as it may.
    pub fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.waited >= limit)
    }

    /// Does not wait at all.
    pub fn briefly(&self) -> Waiting<'a> {
        Waiting::new(self.watch, Some(Duration::ZERO))
    }

    /// Waits without a limit.
    pub fn patiently(&self) -> Waiting<'a> {
        Waiting::new(self.watch, None)
    }

    /// How long it has waited; 0 if there is no limit.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}
