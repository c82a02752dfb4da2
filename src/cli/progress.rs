//! A progress bar on a terminal, for a tool that reads files for longer than a moment.
//!
//! The tool's own thread only stores how far it has come, once a block. Another thread draws, so
//! that the bar also says so when nothing moves. Messages are printed beside it.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, IsTerminal, Seek};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How long a tool has run before the bar is shown.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
/// How often it is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(200);

const TEMPLATE: &str =
    "{percent:>3} % [{wide_bar}] {bytes} of {total_bytes}, {bytes_per_sec}{left}";

/// The bar, if there is one: messages come from everywhere.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Whether progress is shown.
#[derive(Args, Clone, Copy, Debug)]
pub struct ProgressOptions {
    /// Show no progress bar; without this, it is shown on a terminal while files are read
    #[arg(long)]
    no_progress: bool,
}

impl ProgressOptions {
    /// Whether it may be shown.
    pub fn allowed(self) -> bool {
        !self.no_progress
    }
}

/// Shows how much of the files is read, until it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    read: Arc<AtomicU64>,
    /// Dropped to end the thread that draws.
    going_on: Option<Sender<()>>,
    drawing: Option<JoinHandle<()>>,
}

impl Progress {
    /// Progress through these files, as they are stored; standard input if there are none. `None`
    /// if nobody would see it, or one of them is no plain file, so that its end is not known.
    pub fn of(files: &[PathBuf]) -> Option<Progress> {
        if !io::stderr().is_terminal() || std::env::var_os("TERM").is_some_and(|it| it == "dumb") {
            return None;
        }
        let total = stored_bytes(files)?;
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        bar.set_style(ProgressStyle::with_template(TEMPLATE).ok()?.progress_chars("=> ").with_key(
            "left",
            |state: &ProgressState, out: &mut dyn Write| {
                // As long as nothing is read, nobody can tell.
                let eta = state.eta();
                if !eta.is_zero() {
                    let _ = write!(out, ", {:#} left", HumanDuration(eta));
                }
            },
        ));
        let (going_on, ended) = channel();
        let read = Arc::new(AtomicU64::new(0));
        let (shared, drawn) = (Arc::clone(&read), bar.clone());
        let drawing = Builder::new().name("progress".to_owned());
        let drawing = drawing.spawn(move || draw(&drawn, &shared, &ended)).ok()?;
        *shown() = Some(bar);
        Some(Progress { read, going_on: Some(going_on), drawing: Some(drawing) })
    }

    /// So many bytes of all files were read, as they are stored.
    pub fn tell(&self, read: u64) {
        self.read.store(read, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.going_on.take());
        if let Some(drawing) = self.drawing.take() {
            // If it ended by a fault of its own, that was reported.
            let _ = drawing.join();
        }
        *shown() = None;
    }
}

/// Does what writes to the terminal, and takes the bar away meanwhile.
pub(super) fn aside<T>(write: impl FnOnce() -> T) -> T {
    let bar = shown().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

fn shown() -> MutexGuard<'static, Option<ProgressBar>> {
    BAR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws the bar until `ended` is closed, and takes it away. It counts from the beginning, unseen
/// at first, so that it knows the rate when it is shown.
fn draw(bar: &ProgressBar, read: &AtomicU64, ended: &Receiver<()>) {
    let begun = Instant::now();
    while ended.recv_timeout(DRAWN_EVERY) == Err(RecvTimeoutError::Timeout) {
        let read = read.load(Ordering::Relaxed);
        if bar.length().is_some_and(|total| read > total) {
            // A file has grown.
            bar.set_length(read);
        }
        if bar.is_hidden() && begun.elapsed() >= SHOWN_AFTER {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_position(read);
    }
    bar.finish_and_clear();
}

/// How many bytes there are to read, if all are plain files and not empty.
fn stored_bytes(files: &[PathBuf]) -> Option<u64> {
    let total = match files {
        [] => bytes_of(Path::new("-"))?,
        files => files.iter().map(|file| bytes_of(file)).sum::<Option<u64>>()?,
    };
    (total > 0).then_some(total)
}

fn bytes_of(path: &Path) -> Option<u64> {
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
        assert_eq!(stored_bytes(&[file.clone(), empty.clone(), file.clone()]), Some(10));
        assert_eq!(stored_bytes(&[empty]), None);
        assert_eq!(stored_bytes(&[file.clone(), pipe]), None);
        assert_eq!(stored_bytes(&[file, dir.path().join("missing")]), None);
    }
}
