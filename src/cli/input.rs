//! Input: the FILEs of a command line, or standard input, read in large blocks.
//!
//! Compressed input is recognised by its first bytes (`encoding`). Waiting for input also waits for
//! a signal and for the reader of our output to leave.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::closed;
use super::encoding::{Encoding, decompressed, describe, look_ahead};
use super::output::{Output, widen_pipe};
use super::signals::Stop;
use super::spans::{Span, Spans};
use crate::sys::pipe::{is_pipe, read_now};
use crate::sys::wait::{Wanted, wait};
use crate::wire::interrupt::Interrupt;

/// How much one read asks for.
pub const BLOCK_BYTES: usize = 256 << 10;

/// What a wait for input ended with, other than input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A signal asked us to stop.
    Stopped(i32),
    /// Whoever read our output is gone.
    OutputClosed,
}

/// What reading gave.
#[derive(Debug)]
pub enum Next {
    /// So many bytes at the front of the block.
    Bytes(usize),
    /// What comes next of a plain file that is shared out, to be read by whoever gets it.
    Span(Span),
    /// Nothing came for as long as there was patience for.
    Quiet,
    /// The current source has ended.
    SourceEnd,
    /// All sources have ended.
    End,
    /// There is no need to read further.
    StopReason(StopReason),
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
        match self.wait_until(source, None)? {
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
        self.wait_until(source, Instant::now().checked_add(time))
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

    /// As [`Watch::wait`], but no longer than until `end`, if there is one.
    fn wait_until(&self, source: impl AsFd, end: Option<Instant>) -> io::Result<Woken> {
        loop {
            if let Some(reason) = self.stopped() {
                return Ok(Woken::Stopped(reason));
            }
            let mut fds = vec![(source.as_fd(), Wanted::Input), (self.stop.as_fd(), Wanted::Input)];
            if let Some(output) = &self.output {
                fds.push((output.as_fd(), Wanted::HangUp));
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let seen = wait(&fds, left)?;
            if left.is_some_and(|left| left.is_zero()) && !seen.contains(&true) {
                return Ok(Woken::Quiet);
            }
            let ready = |at: usize| seen.get(at) == Some(&true);
            if ready(1) {
                continue;
            }
            if ready(2) {
                return Ok(Woken::Stopped(StopReason::OutputClosed));
            }
            if ready(0) {
                return Ok(Woken::Ready);
            }
        }
    }
}

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

/// How long input may be waited for, and was.
#[derive(Default)]
struct Patience {
    /// None where nobody wants to know.
    limit: Cell<Option<Duration>>,
    waited: Cell<Duration>,
    /// Whether the last read ended because the limit was reached.
    over: Cell<bool>,
}

/// One open source: the raw file, waited for where it can make us wait.
struct Raw {
    file: Arc<File>,
    watch: Arc<Watch>,
    waits: bool,
    /// Bytes that were looked at to recognise compression, still to be read.
    looked_at: VecDeque<u8>,
    /// Why the last read ended early, if it did.
    reason: Rc<Cell<Option<StopReason>>>,
    patience: Rc<Patience>,
}

impl Read for Raw {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        if !self.looked_at.is_empty() {
            return self.looked_at.read(block);
        }
        let woken = if self.waits {
            self.wait()?
        } else {
            self.watch.stopped().map_or(Woken::Ready, Woken::Stopped)
        };
        match woken {
            Woken::Ready => self.file.read(block),
            Woken::Quiet => {
                self.patience.over.set(true);
                // What decompressors take for a pause, and not for the end.
                Err(io::ErrorKind::WouldBlock.into())
            }
            Woken::Stopped(reason) => {
                self.reason.set(Some(reason));
                Err(io::Error::other("halted"))
            }
        }
    }
}

impl Raw {
    /// Waits for input; looks at the clock only where somebody wants to know.
    fn wait(&self) -> io::Result<Woken> {
        let Some(limit) = self.patience.limit.get() else {
            return self.watch.wait_until(&*self.file, None);
        };
        let begin = Instant::now();
        // Longer than any clock runs is for ever.
        let woken = self.watch.wait_until(&*self.file, begin.checked_add(limit));
        self.patience.waited.set(self.patience.waited.get() + begin.elapsed());
        woken
    }
}

/// The sources of a command line, one after the other.
pub struct Input {
    sources: VecDeque<PathBuf>,
    current: Option<Box<dyn Read>>,
    /// Among how many plain files are shared out; what is shared out of the current source before
    /// the rest of it is read.
    parallelism: usize,
    spans: Option<Spans>,
    name: Arc<str>,
    watch: Arc<Watch>,
    reason: Rc<Cell<Option<StopReason>>>,
    patience: Rc<Patience>,
    /// Whether the current source is something that can make us wait: not a plain file.
    waits: bool,
    /// The current source, if it is a pipe that is read as it is, and can be without waiting.
    pipe: Option<Arc<File>>,
}

impl Input {
    /// The input made of `files` in order; standard input if there are none. `-` is standard input.
    /// If there are several `parallelism`, the whole lines of plain files come as spans.
    pub fn new(files: &[PathBuf], watch: Arc<Watch>, parallelism: usize) -> Input {
        let sources = if files.is_empty() { vec![PathBuf::from("-")] } else { files.to_vec() };
        Input {
            sources: sources.into(),
            current: None,
            parallelism,
            spans: None,
            name: Arc::from("stdin"),
            watch,
            reason: Rc::default(),
            patience: Rc::default(),
            waits: true,
            pipe: None,
        }
    }

    /// The current source, if it can be read by others, and what wakes us meanwhile.
    pub fn lendable(&self) -> Option<(BorrowedFd<'_>, &Watch)> {
        self.pipe.as_ref().map(|pipe| (pipe.as_fd(), &*self.watch))
    }

    /// Reads what a lendable source has at hand into the front of `block`: 0 bytes if there is
    /// nothing yet. `None` if only [`Input::read`] can tell.
    pub fn read_at_hand(&mut self, block: &mut [u8]) -> Option<usize> {
        let pipe = self.pipe.as_ref().filter(|_| self.watch.stopped().is_none())?;
        match read_now(pipe, block) {
            Ok(None) => Some(0),
            Ok(Some(count)) if count > 0 => Some(count),
            // Its end, or that it cannot be read so, holds for good.
            _ => {
                self.pipe = None;
                None
            }
        }
    }

    /// Whether a signal has asked us to stop.
    pub fn stopped(&self) -> Option<StopReason> {
        self.watch.stopped()
    }

    /// Whether the next read may have to wait for somebody to write.
    pub fn may_wait(&self) -> bool {
        self.waits
    }

    /// The name of the current source, for messages.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How long reading has waited since this was last asked for; none if not at all, or if there
    /// was no limit to it.
    pub fn take_waited(&mut self) -> Option<Duration> {
        Some(self.patience.waited.take()).filter(|waited| !waited.is_zero())
    }

    /// Reads into the front of `block` whatever is there, waiting until something is, but no longer
    /// than there is `patience`.
    ///
    /// # Errors
    /// When a file cannot be opened or read, or compressed input is damaged or cut short.
    pub fn read(&mut self, block: &mut [u8], patience: Option<Duration>) -> anyhow::Result<Next> {
        let source = match &mut self.current {
            Some(source) => source,
            None => {
                let Some(path) = self.sources.pop_front() else { return Ok(Next::End) };
                self.name = name_of(&path);
                let opened = self.open(&path);
                if let Some(reason) = self.reason.take() {
                    return Ok(Next::StopReason(reason));
                }
                self.current.insert(opened.with_context(|| self.name.to_string())?)
            }
        };
        if let Some(spans) = &mut self.spans {
            if let Some(reason) = self.watch.stopped() {
                return Ok(Next::StopReason(reason));
            }
            if let Some(span) = spans.hand_out().with_context(|| self.name.to_string())? {
                return Ok(Next::Span(span));
            }
            self.spans = None;
        }
        self.patience.limit.set(patience);
        loop {
            match source.read(block) {
                Ok(0) => {
                    // A signal to the whole pipeline ends the tool before us too: that is no end
                    // of the input, however soon the two come after each other.
                    if let Some(reason) = self.watch.stopped() {
                        return Ok(Next::StopReason(reason));
                    }
                    self.current = None;
                    self.pipe = None;
                    return Ok(Next::SourceEnd);
                }
                Ok(count) => return Ok(Next::Bytes(count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if self.patience.over.take() => return Ok(Next::Quiet),
                Err(error) => {
                    if let Some(reason) = self.reason.take() {
                        return Ok(Next::StopReason(reason));
                    }
                    return Err(describe(error)).with_context(|| self.name.to_string());
                }
            }
        }
    }

    fn open(&mut self, path: &Path) -> io::Result<Box<dyn Read>> {
        let file = if path == Path::new("-") {
            closed::check_stdin()?;
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            File::open(path)?
        };
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
        }
        // The first bytes are waited for without a limit: nothing can be quiet before it began.
        self.patience.limit.set(None);
        widen_pipe(file.as_fd());
        self.waits = !metadata.is_file();
        let mut raw = Raw {
            waits: self.waits,
            file: Arc::new(file),
            watch: Arc::clone(&self.watch),
            looked_at: VecDeque::new(),
            reason: Rc::clone(&self.reason),
            patience: Rc::clone(&self.patience),
        };
        let (encoding, start) = look_ahead(&mut raw)?;
        if encoding != Encoding::Marked {
            raw.looked_at = start.into();
        }
        if matches!(encoding, Encoding::Plain | Encoding::Marked) {
            self.pipe = is_pipe(&*raw.file).then(|| Arc::clone(&raw.file));
            self.share_out(&mut raw)?;
            return Ok(Box::new(raw));
        }
        decompressed(encoding, raw)
    }

    /// Has the whole lines that are left of a plain file shared out, what was looked at among them.
    fn share_out(&mut self, raw: &mut Raw) -> io::Result<()> {
        if self.waits || self.parallelism < 2 {
            return Ok(());
        }
        let begin = (&*raw.file).stream_position()?.saturating_sub(raw.looked_at.len() as u64);
        let (file, name) = (Arc::clone(&raw.file), Arc::clone(&self.name));
        self.spans = Spans::of(file, name, begin, self.parallelism);
        if self.spans.is_some() {
            raw.looked_at.clear();
        }
        Ok(())
    }
}

fn name_of(path: &Path) -> Arc<str> {
    if path == Path::new("-") { Arc::from("stdin") } else { Arc::from(path.to_string_lossy()) }
}
