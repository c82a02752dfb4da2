//! `--plain`: what the first screen shows, as text, once.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::happening::{self, Happening};
use super::sources::Sources;
use crate::cli::input::{StopReason, Watch};
use crate::cli::message;
use crate::cli::output::{Output, OutputError};
use crate::cli::signals::{self, Wish};
use crate::cli::{Failure, Status};
use crate::tui::{Data, Event, State, plain};

/// How long a screen that is full waits until all records are counted, which it says, too.
const COUNTED_WITHIN: Duration = Duration::from_secs(1);

/// Prints the screen as soon as it has all that it shows.
///
/// # Errors
/// When reading or writing fails.
pub fn run(
    mut state: State,
    size: (u16, u16),
    (happenings, tell): (&Receiver<Happening>, Sender<Happening>),
    sources: &mut Sources,
    watch: &Watch,
) -> anyhow::Result<Status> {
    signals::hear(move |wish| tell.send(Happening::Wish(wish)).is_ok())?;
    let mut event = Event::Size(size.0, size.1);
    let mut full_at: Option<Instant> = None;
    let status = loop {
        let failed = match &event {
            Event::Data(Data::Failed(why) | Data::Refused(why)) => Some(why.clone()),
            _ => None,
        };
        for effect in state.take(event) {
            sources.work(effect)?;
        }
        if let Some(why) = failed.or_else(|| state.missing().map(str::to_owned)) {
            return Err(Failure::new(Status::Io, why).into());
        }
        // A signal may have ended the input: then it is not complete.
        if let Some(StopReason::Stopped(signal)) = watch.stopped() {
            break Status::Signal(signal);
        }
        if state.is_complete() {
            break Status::Done;
        }
        full_at = full_at.or_else(|| state.is_full().then(Instant::now));
        let wait = full_at.map(|at| COUNTED_WITHIN.saturating_sub(at.elapsed()));
        match next(happenings, wait) {
            Next::Event(another) => event = another,
            Next::Status(status) => break status,
            Next::Broken(thread) => return Err(happening::broken(thread)),
        }
    };
    let mut lines = plain::lines(&state);
    // What the keys do is of no interest here.
    lines.truncate(lines.len().saturating_sub(state.foot.height()));
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

/// What is next.
enum Next {
    Event(Event),
    /// It ends.
    Status(Status),
    /// This thread has panicked.
    Broken(&'static str),
}

/// What happens next; it ends if that is nothing within this time.
fn next(happenings: &Receiver<Happening>, wait: Option<Duration>) -> Next {
    loop {
        let happening = match wait {
            Some(wait) => happenings.recv_timeout(wait),
            None => happenings.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match happening {
            Ok(Happening::Event(event)) => return Next::Event(event),
            Ok(Happening::Wish(Wish::End(signal))) => return Next::Status(Status::Signal(signal)),
            Ok(Happening::Broken(thread)) => return Next::Broken(thread),
            Ok(Happening::Wish(Wish::Suspend)) => signals::suspend(),
            Ok(Happening::Wish(Wish::Resume)) => {}
            Ok(Happening::Lost(_)) | Err(_) => return Next::Status(Status::Done),
        }
    }
}
