//! Input: the FILEs of a command line, or standard input, read in large blocks.
//!
//! Compressed input (gzip, zstd) is recognised by its first bytes and read as it is. Waiting for
//! input also waits for a signal and for the reader of our output to leave.

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
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::output::{Output, widen_pipe};
use super::signals::Stop;
use super::spans::{Span, Spans};
use crate::wire::pipe::{is_pipe, read_now};

/// How much one read asks for.
pub const BLOCK_BYTES: usize = 256 << 10;

/// What a wait for input ended with, other than input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
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
    Halt(Halt),
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
    pub fn stopped(&self) -> Option<Halt> {
        self.stop.requested().map(Halt::Stopped)
    }

    /// Waits until `source` has something to read, or until there is no need to read it.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    pub fn wait(&self, source: impl AsFd) -> io::Result<Option<Halt>> {
        match self.wait_until(source, None)? {
            Woken::Halted(halt) => Ok(Some(halt)),
            Woken::Ready | Woken::Quiet => Ok(None),
        }
    }

    /// As [`Watch::wait`], but no longer than until `end`, if there is one.
    fn wait_until(&self, source: impl AsFd, end: Option<Instant>) -> io::Result<Woken> {
        loop {
            if let Some(halt) = self.stopped() {
                return Ok(Woken::Halted(halt));
            }
            let mut fds = vec![
                PollFd::new(source.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.stop.as_fd(), PollFlags::POLLIN),
            ];
            if let Some(output) = &self.output {
                // No events asked for: hang-ups and errors are always told.
                fds.push(PollFd::new(output.as_fd(), PollFlags::empty()));
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            match poll(&mut fds, left.map_or(PollTimeout::NONE, timeout)) {
                Ok(0) if left.is_some_and(|left| left.is_zero()) => return Ok(Woken::Quiet),
                Ok(_) => {}
                Err(nix::Error::EINTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let ready = |at: usize| fds.get(at).is_some_and(|fd| fd.any().unwrap_or(true));
            if ready(1) {
                continue;
            }
            if ready(2) {
                return Ok(Woken::Halted(Halt::OutputClosed));
            }
            if ready(0) {
                return Ok(Woken::Ready);
            }
        }
    }
}

/// What ended a wait.
enum Woken {
    /// There is something to read.
    Ready,
    /// Time is up.
    Quiet,
    Halted(Halt),
}

/// A limit for poll: never less than what is left, at most some days.
fn timeout(left: Duration) -> PollTimeout {
    let whole = left + Duration::from_nanos(999_999);
    PollTimeout::try_from(whole.as_millis()).unwrap_or(PollTimeout::MAX)
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
    watch: Rc<Watch>,
    waits: bool,
    /// Bytes that were looked at to recognise compression, still to be read.
    looked_at: VecDeque<u8>,
    /// Why the last read ended early, if it did.
    halt: Rc<Cell<Option<Halt>>>,
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
            self.watch.stopped().map_or(Woken::Ready, Woken::Halted)
        };
        match woken {
            Woken::Ready => self.file.read(block),
            Woken::Quiet => {
                self.patience.over.set(true);
                // What decompressors take for a pause, and not for the end.
                Err(io::ErrorKind::WouldBlock.into())
            }
            Woken::Halted(halt) => {
                self.halt.set(Some(halt));
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
    sharers: usize,
    spans: Option<Spans>,
    name: Arc<str>,
    watch: Rc<Watch>,
    halt: Rc<Cell<Option<Halt>>>,
    patience: Rc<Patience>,
    /// Whether the current source is something that can make us wait: not a plain file.
    waits: bool,
    /// The current source, if it is a pipe that is read as it is, and can be without waiting.
    pipe: Option<Arc<File>>,
}

impl Input {
    /// The input made of `files` in order; standard input if there are none. `-` is standard input.
    /// If there are several `sharers`, the whole lines of plain files come as spans.
    pub fn new(files: &[PathBuf], watch: Watch, sharers: usize) -> Input {
        let sources = if files.is_empty() { vec![PathBuf::from("-")] } else { files.to_vec() };
        Input {
            sources: sources.into(),
            current: None,
            sharers,
            spans: None,
            name: Arc::from("stdin"),
            watch: Rc::new(watch),
            halt: Rc::default(),
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
                if let Some(halt) = self.halt.take() {
                    return Ok(Next::Halt(halt));
                }
                self.current.insert(opened.with_context(|| self.name.to_string())?)
            }
        };
        if let Some(spans) = &mut self.spans {
            if let Some(halt) = self.watch.stopped() {
                return Ok(Next::Halt(halt));
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
                    if let Some(halt) = self.watch.stopped() {
                        return Ok(Next::Halt(halt));
                    }
                    self.current = None;
                    self.pipe = None;
                    return Ok(Next::SourceEnd);
                }
                Ok(count) => return Ok(Next::Bytes(count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if self.patience.over.take() => return Ok(Next::Quiet),
                Err(error) => {
                    if let Some(halt) = self.halt.take() {
                        return Ok(Next::Halt(halt));
                    }
                    return Err(describe(error)).with_context(|| self.name.to_string());
                }
            }
        }
    }

    fn open(&mut self, path: &Path) -> io::Result<Box<dyn Read>> {
        let file = if path == Path::new("-") {
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
            watch: Rc::clone(&self.watch),
            looked_at: VecDeque::new(),
            halt: Rc::clone(&self.halt),
            patience: Rc::clone(&self.patience),
        };
        let start = look_ahead(&mut raw)?;
        raw.looked_at = start.iter().copied().collect();
        Ok(match start.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(raw)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::stream::read::Decoder::new(raw)?),
            _ => {
                self.pipe = is_pipe(&*raw.file).then(|| Arc::clone(&raw.file));
                self.share_out(&mut raw)?;
                Box::new(raw)
            }
        })
    }

    /// Has the whole lines that are left of a plain file shared out, what was looked at among them.
    fn share_out(&mut self, raw: &mut Raw) -> io::Result<()> {
        if self.waits || self.sharers < 2 {
            return Ok(());
        }
        let begin = (&*raw.file).stream_position()?.saturating_sub(raw.looked_at.len() as u64);
        let (file, name) = (Arc::clone(&raw.file), Arc::clone(&self.name));
        self.spans = Spans::of(file, name, begin, self.sharers);
        if self.spans.is_some() {
            raw.looked_at.clear();
        }
        Ok(())
    }
}

/// Reads the first bytes: only as many as it takes to tell that the input is not compressed, so
/// that a live pipe's first bytes are never waited for longer than needed.
fn look_ahead(raw: &mut Raw) -> io::Result<Vec<u8>> {
    const MAGICS: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];
    let mut start = Vec::new();
    while MAGICS.iter().any(|magic| start.len() < magic.len() && magic.starts_with(&start)) {
        let mut byte = [0];
        match raw.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => start.extend(byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(start)
}

fn name_of(path: &Path) -> Arc<str> {
    if path == Path::new("-") { Arc::from("stdin") } else { Arc::from(path.to_string_lossy()) }
}

/// Says in our words what a decompressor says in its own.
fn describe(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "the compressed input is cut short")
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            let why = format!("the compressed input is damaged: {error}");
            io::Error::new(io::ErrorKind::InvalidData, why)
        }
        _ => error,
    }
}
