//! Input: the FILEs of a command line, or standard input, read in large blocks.
//!
//! Each of them is a [`Source`], which gives its bytes; [`Sources`] says which one comes next.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::counters::counters;
use super::file_source::FileSource;
use super::progress::Progress;
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
    /// Another source begins.
    SourceBegin,
    /// The lane of the current source has ended, and the source goes on.
    LaneEnd,
    /// The current source has ended.
    SourceEnd,
    /// All sources have ended.
    End,
    /// There is no need to read further.
    StopReason(StopReason),
}

/// What gives an input's sources, one after the other.
pub trait Sources {
    /// The next one; waits for it if need be, as `waiting` allows.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn next(&mut self, waiting: &mut Waiting<'_>) -> anyhow::Result<NextSource>;

    /// How many bytes all of them have, also those that were given, as they are stored; none if
    /// that cannot be known, as of a pipe. It may change, as more becomes known.
    fn stored_bytes(&self) -> Option<u64> {
        None
    }
}

/// What comes next of an input.
pub enum NextSource {
    /// This source.
    Source(Box<dyn Source>),
    /// Nothing came for as long as it may wait.
    Quiet,
    /// Nothing.
    End,
    /// There is no need to read further.
    Stopped(StopReason),
}

/// The sources of a command line.
pub struct Files {
    files: VecDeque<PathBuf>,
    /// Among how many plain files are shared out.
    parallelism: usize,
    /// How many bytes all have, once that was asked for.
    bytes: OnceCell<Option<u64>>,
}

impl Files {
    /// `files` in order; standard input if there are none. `-` is standard input. If there are
    /// several `parallelism`, the whole lines of plain files come as spans.
    pub fn new(files: &[PathBuf], parallelism: usize) -> Files {
        let files = if files.is_empty() { vec![PathBuf::from("-")] } else { files.to_vec() };
        Files { files: files.into(), parallelism, bytes: OnceCell::new() }
    }
}

impl Sources for Files {
    fn next(&mut self, _: &mut Waiting<'_>) -> anyhow::Result<NextSource> {
        let Some(path) = self.files.pop_front() else { return Ok(NextSource::End) };
        let name = name_of(&path);
        let opened = FileSource::open(&path, Arc::clone(&name), self.parallelism);
        Ok(NextSource::Source(Box::new(opened.with_context(|| name.to_string())?)))
    }

    fn stored_bytes(&self) -> Option<u64> {
        *self.bytes.get_or_init(|| self.files.iter().map(|file| stored_bytes(file)).sum())
    }
}

/// What a tool reads: one source after the other.
pub struct Input {
    sources: Box<dyn Sources>,
    current: Option<Box<dyn Source>>,
    name: Arc<str>,
    /// The source that has ended, until another begins.
    ended: Option<Box<dyn Source>>,
    /// How many bytes of all sources that have ended were read, as they are stored.
    stored: u64,
    progress: Option<Progress>,
    watch: Arc<Watch>,
    waited: Duration,
}

impl Input {
    /// The input made of these sources.
    pub fn new(sources: Box<dyn Sources>, watch: Arc<Watch>) -> Input {
        let (name, waited) = (Arc::from("stdin"), Duration::ZERO);
        Input {
            sources,
            current: None,
            name,
            ended: None,
            stored: 0,
            progress: None,
            watch,
            waited,
        }
    }

    /// Shows how much of it is read, if that can be known.
    pub(super) fn show_progress(&mut self) {
        let total = self.sources.stored_bytes().filter(|total| *total > 0);
        self.progress = total.and_then(Progress::of);
    }

    /// The source that is read, once one is open.
    pub fn source(&mut self) -> Option<&mut (dyn Source + 'static)> {
        self.current.as_deref_mut()
    }

    /// The pipe of that source, if others can read it, and what wakes us meanwhile.
    pub fn pipe(&self) -> Option<(BorrowedFd<'_>, &Watch)> {
        Some((self.current.as_ref()?.pipe()?, &self.watch))
    }

    /// Reads no more of one of several inputs side by side.
    pub fn close_lane(&mut self, lane: u64) {
        if let Some(source) = &mut self.current {
            source.close_lane(lane);
        }
    }

    /// Reads no more of the current source.
    pub(super) fn drop_source(&mut self) {
        self.stored = self.stored_position();
        (self.current, self.ended) = (None, None);
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

    /// How many bytes of the current source, or of the one that has ended, were read, decompressed.
    pub fn position(&self) -> u64 {
        let source = self.current.as_ref().or(self.ended.as_ref());
        source.map_or(0, |source| source.position())
    }

    /// Which of several inputs side by side was read last, if there are such.
    pub fn lane(&self) -> Option<u64> {
        self.current.as_ref().and_then(|source| source.lane())
    }

    /// How many bytes of all sources were read, as they are stored.
    pub fn stored_position(&self) -> u64 {
        self.stored + self.current.as_ref().map_or(0, |source| source.stored_position())
    }

    /// How many lines of that source lie before those that were read.
    pub fn lines_before(&mut self) -> u64 {
        let source = self.current.as_mut().or(self.ended.as_mut());
        source.map_or(0, |source| source.lines_before())
    }

    /// Whether what is left of the source that has ended is a whole line.
    pub fn rest_counts(&self) -> bool {
        self.ended.as_ref().is_none_or(|source| source.takes_rest())
    }

    /// How much of all sources was read, from 0 to 1, if that can be known.
    pub fn read_share(&self) -> Option<f64> {
        let total = self.sources.stored_bytes().filter(|total| *total > 0)?;
        Some((self.stored_position() as f64 / total as f64).min(1.0))
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
        if let Some(progress) = &self.progress {
            match self.sources.stored_bytes() {
                Some(total) => {
                    progress.tell(self.stored_position());
                    progress.set_total(total);
                }
                None => self.progress = None,
            }
        }
        let mut waiting = Waiting::new(&self.watch, patience);
        let Some(source) = &mut self.current else {
            let next = self.sources.next(&mut waiting);
            self.waited += waiting.waited();
            return Ok(match next? {
                NextSource::Source(source) => {
                    self.name = Arc::clone(source.name());
                    (self.current, self.ended) = (Some(source), None);
                    Next::SourceBegin
                }
                NextSource::Quiet => Next::Quiet,
                NextSource::End => Next::End,
                NextSource::Stopped(reason) => Next::StopReason(reason),
            });
        };
        let polled = source.poll(block, &mut waiting);
        self.waited += waiting.waited();
        self.name = Arc::clone(source.name());
        Ok(match polled? {
            Polled::Bytes(count) => {
                counters().begin_block(count);
                Next::Bytes(count)
            }
            Polled::Span(span) => Next::Span(span),
            Polled::Quiet => Next::Quiet,
            Polled::Stopped(reason) => Next::StopReason(reason),
            Polled::LaneEnd => Next::LaneEnd,
            Polled::End => {
                self.stored = self.stored_position();
                self.ended = self.current.take();
                Next::SourceEnd
            }
        })
    }
}

pub(super) fn name_of(path: &Path) -> Arc<str> {
    if path == Path::new("-") { Arc::from("stdin") } else { Arc::from(path.to_string_lossy()) }
}

/// How many bytes there are to read of a file, if it is a plain one; `-` is standard input.
pub(super) fn stored_bytes(path: &Path) -> Option<u64> {
    if path != Path::new("-") {
        let metadata = std::fs::metadata(path).ok()?;
        return metadata.is_file().then_some(metadata.len());
    }
    let mut stdin = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    let metadata = stdin.metadata().ok()?;
    let begin = metadata.is_file().then(|| stdin.stream_position().ok()).flatten()?;
    Some(metadata.len().saturating_sub(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_of_plain_files_is_it_known_how_much_there_is() {
        let dir = tempfile::tempdir().unwrap();
        let (file, empty) = (dir.path().join("f"), dir.path().join("e"));
        std::fs::write(&file, "12345").unwrap();
        std::fs::write(&empty, "").unwrap();
        let pipe = PathBuf::from("/dev/null");
        let of = |files: &[PathBuf]| Files::new(files, 1).stored_bytes();
        assert_eq!(of(&[file.clone(), empty.clone(), file.clone()]), Some(10));
        assert_eq!(of(&[empty]), Some(0));
        assert_eq!(of(&[file.clone(), pipe]), None);
        assert_eq!(of(&[file, dir.path().join("missing")]), None);
    }
}
