//! Lines at the end of the terminal that are drawn again and again in place.
//!
//! A thread writes them: whoever has new ones never waits for the terminal, and leaves them out
//! while earlier ones are being written. Nothing of the terminal is changed that would have to be
//! given back: no mode, no cursor, no other screen. Whatever else is written to it, as messages
//! are, stands above (`aside`).

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use crate::layout::screen::shown_width;
use crate::sys::process::is_in_foreground;
use crate::sys::terminal::size;

/// What is on the terminal, if anything is drawn there: messages come from everywhere.
static DRAWN: Mutex<Option<Arc<Mutex<Drawn>>>> = Mutex::new(None);

/// The lines, until it is dropped.
#[derive(Debug)]
pub struct Area {
    drawn: Arc<Mutex<Drawn>>,
    /// Closed to end the thread.
    frames: Option<SyncSender<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
    /// Whether the thread is writing.
    is_busy: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Drawn {
    terminal: File,
    /// The lines, if they are on the terminal with nothing below them.
    lines: Vec<String>,
    /// Whether the process was stopped meanwhile: others have written to the terminal.
    continued: Arc<AtomicBool>,
    failed: Option<io::Error>,
}

impl Area {
    /// Draws to this terminal.
    ///
    /// # Errors
    /// When the system has no thread left, or refuses to tell of signals.
    pub fn new(terminal: File) -> io::Result<Area> {
        let continued = super::signals::continued()?;
        let drawn = Drawn { terminal, lines: Vec::new(), continued, failed: None };
        let drawn = Arc::new(Mutex::new(drawn));
        let (frames, wanted) = sync_channel(1);
        let is_busy = Arc::new(AtomicBool::new(false));
        let (shared, busy) = (Arc::clone(&drawn), Arc::clone(&is_busy));
        let thread = Builder::new().name("screen".to_owned());
        let thread = thread.spawn(move || draw_all(&shared, &wanted, &busy))?;
        *known() = Some(Arc::clone(&drawn));
        Ok(Area { drawn, frames: Some(frames), thread: Some(thread), is_busy })
    }

    /// Whether it can take other lines: not while it writes the last ones.
    pub fn is_idle(&self) -> bool {
        !self.is_busy.load(Ordering::Acquire)
    }

    /// Draws these lines in place of those before, soon; they must fit the terminal.
    pub fn draw(&self, lines: Vec<String>) {
        self.is_busy.store(true, Ordering::Release);
        if let Some(frames) = &self.frames
            && frames.try_send(lines).is_err()
        {
            self.is_busy.store(false, Ordering::Release);
        }
    }

    /// Draws the last lines, which stay.
    ///
    /// # Errors
    /// When the terminal could not be written to.
    pub fn conclude(mut self, lines: Vec<String>) -> io::Result<()> {
        self.stop();
        let mut drawn = held(&self.drawn);
        drawn.draw(lines, true);
        super::signals::take_interrupt();
        drawn.failed.take().map_or(Ok(()), Err)
    }

    fn stop(&mut self) {
        drop(self.frames.take());
        if let Some(thread) = self.thread.take() {
            // If it ended by a fault of its own, that was reported.
            let _ = thread.join();
        }
        *known() = None;
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Drawn {
    /// Draws lines in place of those that are there. In the background they are left out, unless
    /// they are `last`: they would stand in the middle of what is typed.
    fn draw(&mut self, lines: Vec<String>, last: bool) {
        if lines.is_empty() && self.lines.is_empty() {
            return;
        }
        if !last && !is_in_foreground(&self.terminal) {
            self.lines.clear();
            return;
        }
        // Terminals that know this show all of it at once; others ignore it.
        let mut out = String::from("\x1b[?2026h");
        out += &self.back();
        for line in &lines {
            out += line;
            out += "\x1b[K\n";
        }
        out += "\x1b[J\x1b[?2026l";
        self.write(out.as_bytes());
        self.lines = lines;
    }

    /// What moves the cursor to where the lines begin that are there.
    fn back(&mut self) -> String {
        match self.taken() {
            0 => "\r".to_owned(),
            lines => format!("\r\x1b[{lines}A"),
        }
    }

    /// What takes away the lines that are there, one by one: terminals keep the whole screen in
    /// what can be scrolled back to, if all of it is cleared at once.
    fn cleared(&mut self) -> String {
        let lines = self.taken();
        let back = self.back();
        format!("{back}{}\x1b[K{back}", "\x1b[K\n".repeat(lines))
    }

    /// How many lines of the terminal are taken.
    fn taken(&mut self) -> usize {
        if self.continued.swap(false, Ordering::Relaxed) {
            self.lines.clear();
        }
        // Where the terminal has become narrower, a line takes several of its lines.
        let columns = size(&self.terminal).map_or(usize::MAX, |(columns, _)| columns);
        let taken = |line: &String| shown_width(line).div_ceil(columns).max(1);
        self.lines.iter().map(taken).sum()
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.terminal.write_all(bytes).err();
        }
    }
}

/// Draws what comes, until no more does.
fn draw_all(drawn: &Mutex<Drawn>, frames: &Receiver<Vec<String>>, is_busy: &AtomicBool) {
    while let Ok(lines) = frames.recv() {
        held(drawn).draw(lines, false);
        is_busy.store(false, Ordering::Release);
    }
}

/// Does what writes to the terminal, and has it stand above the lines that are drawn.
pub(super) fn aside<T>(write: impl FnOnce() -> T) -> T {
    let drawn = known().clone();
    let Some(drawn) = drawn else { return write() };
    let mut drawn = held(&drawn);
    let lines = std::mem::take(&mut drawn.lines);
    if lines.is_empty() {
        return write();
    }
    drawn.lines.clone_from(&lines);
    let cleared = drawn.cleared();
    drawn.write(cleared.as_bytes());
    drawn.lines.clear();
    let written = write();
    drawn.draw(lines, false);
    written
}

fn known() -> MutexGuard<'static, Option<Arc<Mutex<Drawn>>>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn held(drawn: &Mutex<Drawn>) -> MutexGuard<'_, Drawn> {
    drawn.lock().unwrap_or_else(PoisonError::into_inner)
}
