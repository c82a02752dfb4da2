//! `--plain`: what the first screen shows, as text, once.

use std::sync::mpsc::Receiver;

use super::happening::Happening;
use super::sources::Sources;
use crate::cli::message;
use crate::cli::output::{Output, OutputError};
use crate::cli::signals::Wish;
use crate::cli::{Failure, Status};
use crate::tui::{Data, Event, State, plain};

/// Prints the screen as soon as it has all that it shows.
///
/// # Errors
/// When reading or writing fails.
pub fn run(
    mut state: State,
    size: (u16, u16),
    happenings: &Receiver<Happening>,
    sources: &mut Sources,
) -> anyhow::Result<Status> {
    let mut next = Some(Event::Size(size.0, size.1));
    let mut status = Status::Done;
    while let Some(event) = next.take() {
        let failed = match &event {
            Event::Data(Data::Failed(why)) => Some(why.clone()),
            _ => None,
        };
        for effect in state.take(event) {
            sources.work(effect)?;
        }
        if let Some(why) = failed {
            return Err(Failure::new(Status::Io, why).into());
        }
        if state.is_complete() {
            break;
        }
        next = match happenings.recv() {
            Ok(Happening::Event(event)) => Some(event),
            Ok(Happening::Wish(Wish::End(signal))) => {
                status = Status::Signal(signal);
                None
            }
            _ => None,
        };
    }
    let mut lines = plain::lines(&state);
    // What the keys do is of no interest here.
    lines.pop();
    let used = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    lines.truncate(used);
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    if let Some(note) = &state.list.extent.note {
        message::note(note);
    }
    match Output::stdout()?.write(text.as_bytes()) {
        Ok(()) | Err(OutputError::Closed) => Ok(status),
        Err(error) => Err(error.into()),
    }
}
