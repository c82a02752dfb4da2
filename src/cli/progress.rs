//! A progress bar on a terminal, for a tool that reads files for longer than a moment.
//!
//! The tool's own thread only stores how far it has come, once a block. Another thread draws, so
//! that the bar also says so when nothing moves. Whatever else is written to the terminal takes the
//! bar away meanwhile (`aside`). What others write there is not known, so there is none beside a
//! pipe.

use std::io::{self, IsTerminal, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{
    HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike,
};

use super::area;
use crate::sys::process::is_in_foreground;
use crate::sys::terminal::size;

/// How long a tool has run before the bar is shown.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
/// How often it is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(200);

/// How often it may be drawn a second.
const HZ: u8 = 20;
/// How many columns are left free: what is typed there, such as ^C, would else begin another line, and
/// the one before it would stay.
const FREE_COLUMNS: usize = 8;

const TEMPLATE: &str =
    "{percent:>3} % [{wide_bar}] {bytes} of {total_bytes}, {bytes_per_sec}{left}";

/// The bar, if there is one: messages come from everywhere.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Whether progress is shown.
#[derive(Args, Clone, Copy, Debug)]
pub struct ProgressOptions {
    /// Show no progress bar while files are read, and no hint why nothing is printed yet
    #[arg(long, hide_short_help = true)]
    no_progress: bool,
}

impl ProgressOptions {
    /// Whether it may be shown.
    pub fn allowed(self) -> bool {
        !self.no_progress
    }
}

/// Shows how much is done, until it is dropped.
#[derive(Debug)]
pub struct Progress {
    state: Arc<State>,
    /// Dropped to end the thread that draws.
    going_on: Option<Sender<()>>,
    drawing: Option<JoinHandle<()>>,
}

/// What is drawn, in bytes.
#[derive(Debug)]
struct State {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Progress through so many bytes. `None` if nobody would see it.
    pub fn of(total: u64) -> Option<Progress> {
        if !io::stderr().is_terminal() || std::env::var_os("TERM").is_some_and(|it| it == "dumb") {
            return None;
        }
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        bar.set_style(ProgressStyle::with_template(TEMPLATE).ok()?.progress_chars("=> ").with_key(
            "left",
            |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // As long as nothing is done, nobody can tell.
                let eta = state.eta();
                if !eta.is_zero() {
                    let _ = write!(out, ", {:#} left", HumanDuration(eta));
                }
            },
        ));
        let (going_on, ended) = channel();
        let state = Arc::new(State { done: AtomicU64::new(0), total: AtomicU64::new(total) });
        let (shared, drawn) = (Arc::clone(&state), bar.clone());
        let drawing = Builder::new().name("progress".to_owned());
        let drawing = drawing.spawn(move || draw(&drawn, &shared, &ended)).ok()?;
        *shown() = Some(bar);
        Some(Progress { state, going_on: Some(going_on), drawing: Some(drawing) })
    }

    /// So many bytes are done.
    pub fn tell(&self, done: u64) {
        self.state.done.store(done, Ordering::Relaxed);
    }

    /// So many bytes there are to do in all, as far as is known now.
    pub fn set_total(&self, total: u64) {
        self.state.total.store(total, Ordering::Relaxed);
    }
}

/// Standard error, which is a terminal.
#[derive(Debug)]
struct Terminal;

impl Terminal {
    fn put(&self, text: &str) -> io::Result<()> {
        io::stderr().write_all(text.as_bytes())
    }
}

/// With the sequences of ECMA-48 that all terminals know.
impl TermLike for Terminal {
    fn width(&self) -> u16 {
        let columns =
            size(io::stderr()).map_or(80, |size| size.0).saturating_sub(FREE_COLUMNS).max(1);
        u16::try_from(columns).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(&format!("\x1b[{n}A")) }
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(&format!("\x1b[{n}B")) }
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(&format!("\x1b[{n}C")) }
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(&format!("\x1b[{n}D")) }
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
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

/// Does what writes to the terminal, and takes the bar away meanwhile, or what else is drawn there.
pub(super) fn aside<T>(write: impl FnOnce() -> T) -> T {
    let bar = shown().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => area::aside(write),
    }
}

fn shown() -> MutexGuard<'static, Option<ProgressBar>> {
    BAR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws the bar until `ended` is closed, and takes it away. It counts from the beginning, unseen
/// at first, so that it knows the rate when it is shown. In the background it is not shown: it would
/// stand in the middle of what is typed.
fn draw(bar: &ProgressBar, state: &State, ended: &Receiver<()>) {
    let begun = Instant::now();
    while ended.recv_timeout(DRAWN_EVERY) == Err(RecvTimeoutError::Timeout) {
        let done = state.done.load(Ordering::Relaxed);
        // A file may have grown.
        let total = state.total.load(Ordering::Relaxed).max(done);
        if bar.length() != Some(total) {
            bar.set_length(total);
        }
        let is_visible = begun.elapsed() >= SHOWN_AFTER && is_in_foreground(io::stderr());
        if is_visible == bar.is_hidden() {
            bar.set_draw_target(match is_visible {
                true => ProgressDrawTarget::term_like_with_hz(Box::new(Terminal), HZ),
                false => ProgressDrawTarget::hidden(),
            });
        }
        bar.set_position(done);
    }
    bar.finish_and_clear();
}
