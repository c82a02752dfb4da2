//! Input: the FILEs of a command line, or standard input, read in large blocks.
//!
//! Each of them is a [`Source`], which gives its bytes; here is which one comes next.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::file_source::FileSource;
use super::source::{Polled, Source};
use super::spans::Span;
use super::watch::Waiting;
pub use super::watch::{StopReason, Watch, Woken};

/// How much one read asks for.
pub const BLOCK_BYTES: usize = 256 << 10;

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

/// The sources of a command line, one after the other.
pub struct Input {
    files: VecDeque<PathBuf>,
    current: Option<Box<dyn Source>>,
    /// Among how many plain files are shared out.
    parallelism: usize,
    name: Arc<str>,
    watch: Arc<Watch>,
    waited: Duration,
}

impl Input {
    /// The input made of `files` in order; standard input if there are none. `-` is standard input.
    /// If there are several `parallelism`, the whole lines of plain files come as spans.
    pub fn new(files: &[PathBuf], watch: Arc<Watch>, parallelism: usize) -> Input {
        let files = if files.is_empty() { vec![PathBuf::from("-")] } else { files.to_vec() };
        Input {
            files: files.into(),
            current: None,
            parallelism,
            name: Arc::from("stdin"),
            watch,
            waited: Duration::ZERO,
        }
    }

    /// The source that is read, once one is open.
    pub fn source(&mut self) -> Option<&mut (dyn Source + 'static)> {
        self.current.as_deref_mut()
    }

    /// The pipe of that source, if others can read it, and what wakes us meanwhile.
    pub fn pipe(&self) -> Option<(BorrowedFd<'_>, &Watch)> {
        Some((self.current.as_ref()?.pipe()?, &self.watch))
    }

    /// Whether a signal has asked us to stop.
    pub fn stopped(&self) -> Option<StopReason> {
        self.watch.stopped()
    }

    /// Whether the next read may have to wait for somebody to write.
    pub fn may_wait(&self) -> bool {
        self.current.as_ref().is_none_or(|source| source.may_wait())
    }

    /// The name of the current source, for messages.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How many bytes of the current source were read, decompressed; 0 between two of them.
    pub fn position(&self) -> u64 {
        self.current.as_ref().map_or(0, |source| source.position())
    }

    /// How long reading has waited since this was last asked for; none if not at all, or if there
    /// was no limit to it.
    pub fn take_waited(&mut self) -> Option<Duration> {
        Some(std::mem::take(&mut self.waited)).filter(|waited| !waited.is_zero())
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
                let Some(path) = self.files.pop_front() else { return Ok(Next::End) };
                self.name = name_of(&path);
                let opened = FileSource::open(&path, Arc::clone(&self.name), self.parallelism);
                let opened = opened.with_context(|| self.name.to_string())?;
                self.current.insert(Box::new(opened))
            }
        };
        let mut waiting = Waiting::new(&self.watch, patience);
        let polled = source.poll(block, &mut waiting);
        self.waited += waiting.waited();
        self.name = Arc::clone(source.name());
        Ok(match polled? {
            Polled::Bytes(count) => Next::Bytes(count),
            Polled::Span(span) => Next::Span(span),
            Polled::Quiet => Next::Quiet,
            Polled::Stopped(reason) => Next::StopReason(reason),
            Polled::End => {
                self.current = None;
                Next::SourceEnd
            }
        })
    }
}

fn name_of(path: &Path) -> Arc<str> {
    if path == Path::new("-") { Arc::from("stdin") } else { Arc::from(path.to_string_lossy()) }
}
