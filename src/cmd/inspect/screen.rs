//! The screen on a terminal: whatever happens comes through one channel, and after it the screen is
//! drawn, once.

use std::io;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::happening::{self, Happening};
use super::sources::Sources;
use crate::cli::answers;
use crate::cli::counters::{Place, counters};
use crate::cli::signals::{self, Wish};
use crate::cli::{Failure, Status};
use crate::tui::terminal::{self, Screen};
use crate::tui::{Data, Effect, Event, State, Theme};

/// How soon a frame may follow another one, if nobody waits for it.
const FRAME: Duration = Duration::from_millis(30);

/// Shows `state` until the user quits.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(
    mut state: State,
    theme: Theme,
    (happenings, tell): (&Receiver<Happening>, Sender<Happening>),
    sources: &mut Sources,
) -> anyhow::Result<Status> {
    let signals = tell.clone();
    signals::hear(move |wish| signals.send(Happening::Wish(wish)).is_ok())?;
    let failed = |error: io::Error| Failure::new(Status::Io, format!("the terminal: {error}"));
    // The figures would garble the screen.
    answers::leave_stderr();
    counters().answer();
    let mut screen = Screen::open().map_err(failed)?;
    let keys = move || {
        let read = terminal::read(|event| tell.send(Happening::Event(event)).is_ok());
        if let Err(error) = read {
            let _ = tell.send(Happening::Lost(error));
        }
    };
    Builder::new().name("keys".to_owned()).spawn(keys)?;
    let (columns, lines) = screen.size().map_err(failed)?;
    let mut first = Some(Happening::Event(Event::Size(columns, lines)));
    let mut drawn_at: Option<Instant> = None;
    loop {
        let mut hurries = false;
        while let Some(happening) = first.take().or_else(|| happenings.try_recv().ok()) {
            match happening {
                Happening::Event(event) => {
                    hurries |= !is_frequent(&event);
                    for effect in state.take(event) {
                        match effect {
                            Effect::Copy(text) => screen.copy(&text).map_err(failed)?,
                            Effect::Redraw => screen.clear().map_err(failed)?,
                            Effect::Suspend => signals::suspend_all(),
                            Effect::Quit => return Ok(Status::Done),
                            other => sources.work(other)?,
                        }
                    }
                }
                Happening::Wish(Wish::End(signal)) => return Ok(Status::Signal(signal)),
                Happening::Wish(Wish::Suspend) => {
                    screen.leave();
                    signals::suspend();
                }
                Happening::Wish(Wish::Resume) => {
                    // Who was stopped without a word still has it, in whatever mode it is now.
                    screen.leave();
                    screen.enter().map_err(failed)?;
                    // It may have another size now.
                    let (columns, lines) = screen.size().map_err(failed)?;
                    first = Some(Happening::Event(Event::Size(columns, lines)));
                }
                Happening::Lost(error) => return Err(failed(error).into()),
                Happening::Broken(thread) => return Err(happening::broken(thread)),
            }
        }
        // What comes fast is drawn as often as an eye can follow.
        let wait = drawn_at.map_or(Duration::ZERO, |at| FRAME.saturating_sub(at.elapsed()));
        if hurries || wait.is_zero() {
            screen.draw(&state, theme).map_err(failed)?;
            drawn_at = Some(Instant::now());
            first = counters().at(Place::Input, || happenings.recv()).ok();
        } else {
            first = counters().at(Place::Input, || happenings.recv_timeout(wait)).ok();
        }
    }
}

/// Whether it comes by itself, again and again, and is no answer to a key.
fn is_frequent(event: &Event) -> bool {
    matches!(event, Event::Data(Data::Extent(_) | Data::Chart(_) | Data::Figures(_)))
}
