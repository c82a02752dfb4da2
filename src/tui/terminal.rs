//! The terminal: taken for the screen, and given back as it was, however the program ends.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, KeyEventKind};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use ratatui::layout::Rect;
use ratatui::text::Text;

use super::draw::draw;
use super::event::Event;
use super::keys;
use super::state::State;
use super::theme::Theme;

/// How much is written to the terminal at once: a frame, mostly.
const FRAME_BYTES: usize = 64 << 10;

/// The most that is given to the clipboard: terminals take little more.
const CLIPBOARD_BYTES_MAX: usize = 96 << 10;

/// Whether the terminal is taken.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal as a screen. When it is dropped, or the program panics, the terminal is as it was.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal. Standard output must be one.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn open() -> io::Result<Screen> {
        restore_at_panic();
        enter()?;
        let output = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        let opened = Terminal::new(CrosstermBackend::new(output));
        opened.map(|terminal| Screen { terminal }).inspect_err(|_| leave())
    }

    /// How many columns and lines it has.
    ///
    /// # Errors
    /// When the terminal does not tell.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Draws what has changed.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn draw(&mut self, state: &State, theme: Theme) -> io::Result<()> {
        // A panic of another thread gives it back, too, and what it prints is to be seen.
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.terminal.draw(|frame| draw(frame, state, theme)).map(|_| ())
    }

    /// Draws a text, as far as there is room; nothing in it may be obeyed by a terminal.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn show(&mut self, text: &str) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.terminal.draw(|frame| frame.render_widget(Text::raw(text), frame.area())).map(|_| ())
    }

    /// Has the next [`Screen::draw`] draw all of it.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn clear(&mut self) -> io::Result<()> {
        // What clears it by name asks the terminal where its cursor is, and waits for the answer,
        // which another thread reads.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Gives the terminal back for a while.
    pub fn leave(&mut self) {
        leave();
    }

    /// Takes it again.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn enter(&mut self) -> io::Result<()> {
        enter()?;
        self.clear()
    }

    /// Gives a text to the clipboard (OSC 52), as much of it as terminals take.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let end = text.floor_char_boundary(CLIPBOARD_BYTES_MAX);
        let text = text.get(..end).unwrap_or_default();
        let mut output = io::stdout();
        write!(output, "\x1b]52;c;{}\x07", base64(text.as_bytes()))?;
        output.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// How many columns and lines the terminal has, if it tells.
pub fn size() -> Option<(u16, u16)> {
    ratatui::crossterm::terminal::size().ok()
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)
        .inspect_err(|_| leave())
}

/// Gives the terminal back, if it is taken. What fails is left: there is nothing else to do.
fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

/// Has a panic give the terminal back before it is reported.
fn restore_at_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            leave();
            report(info);
        }));
    });
}

/// Gives `take` what is typed and how large the screen becomes, until it wants no more. Keys come
/// from the terminal, also if standard input is something else.
///
/// # Errors
/// When the terminal cannot be read.
pub fn read(mut take: impl FnMut(Event) -> bool) -> io::Result<()> {
    loop {
        let event = match event::read()? {
            event::Event::Key(key) if key.kind != KeyEventKind::Release => {
                keys::name(key).map(Event::Key)
            }
            event::Event::Resize(columns, lines) => Some(Event::Size(columns, lines)),
            event::Event::Paste(text) => Some(Event::Paste(text)),
            _ => None,
        };
        if event.is_some_and(|event| !take(event)) {
            return Ok(());
        }
    }
}

/// Base64 of RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = (bits >> (18 - 6 * at)) as usize & 63;
            out.push(if at > group.len() { '=' } else { char::from(DIGITS[digit]) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clipboard_takes_base64() {
        for (text, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
