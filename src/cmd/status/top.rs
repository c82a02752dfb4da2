//! `millstream top`: what `status` shows, drawn again every second until the user quits.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::Duration;

use clap::Parser;

use super::ask::{Watched, look};
use super::{STAGES, table};
use crate::cli::output::Output;
use crate::cli::signals::{self, Wish};
use crate::cli::{Failure, Status};
use crate::layout::Look;
use crate::tui::Event;
use crate::tui::terminal::{self, Screen};

/// How often stages are asked between two frames.
const LOOKS: u32 = 6;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(150);

const EXAMPLES: &str = "\
Examples:
  millstream top
      Watch all pipelines of this user; q ends.
  millstream top $!
      Watch the pipeline with the last process that this shell started in the background.

Exit status: 0 done; 2 invalid options, or standard output is not a terminal; 74 the terminal
failed.";

/// Watch running pipelines: the tables of status, redrawn every second
///
/// The tables are those of millstream status, with the looks of the last second. q, Esc and Ctrl-C
/// end top. A pipeline that ends is not shown any longer.
#[derive(Parser, Clone, Debug)]
#[command(name = "top", display_name = "millstream-top", version, after_help = EXAMPLES)]
pub struct Options {
    /// Only the pipeline with this process, or with this process group [default: all]
    #[arg(value_name = "PID|PGID", value_parser = super::number)]
    number: Option<u32>,
}

/// What happens.
enum Happening {
    Event(Event),
    Wish(Wish),
    Looked(anyhow::Result<Vec<Watched>>),
    Lost(io::Error),
}

/// Runs the command.
///
/// # Errors
/// When standard output is no terminal, or the terminal fails.
pub fn run(options: Options) -> anyhow::Result<Status> {
    if !Output::stdout()?.is_terminal() {
        let why = "standard output is not a terminal; 'millstream status' prints the same once";
        return Err(Failure::usage(why).into());
    }
    let (tell, happenings) = channel();
    let (by_signal, by_key) = (tell.clone(), tell.clone());
    signals::hear(move |wish| by_signal.send(Happening::Wish(wish)).is_ok())?;
    let failed = |error: io::Error| Failure::new(Status::Io, format!("the terminal: {error}"));
    let mut screen = Screen::open().map_err(failed)?;
    Builder::new().name("keys".to_owned()).spawn(move || {
        let read = terminal::read(|event| by_key.send(Happening::Event(event)).is_ok());
        if let Err(error) = read {
            let _ = by_key.send(Happening::Lost(error));
        }
    })?;
    let number = options.number;
    Builder::new().name("looks".to_owned()).spawn(move || {
        let pause = || std::thread::sleep(PAUSE);
        // The first frame comes at once.
        let mut looks = 1;
        loop {
            let looked = look(&STAGES, number, looks, pause);
            if tell.send(Happening::Looked(looked)).is_err() {
                return;
            }
            (looks, ()) = (LOOKS, pause());
        }
    })?;
    let mut shown = None;
    loop {
        match happenings.recv_timeout(Duration::from_secs(1)) {
            Ok(Happening::Looked(looked)) => shown = Some(looked?),
            Ok(Happening::Event(Event::Key(key))) if ["q", "Q", "Esc", "^C"].contains(&&*key) => {
                return Ok(Status::Done);
            }
            Ok(Happening::Event(Event::Key(key))) if key == "^Z" => signals::suspend_all(),
            Ok(Happening::Event(Event::Size(..))) => screen.clear().map_err(failed)?,
            Ok(Happening::Event(_)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Happening::Wish(Wish::End(signal))) => return Ok(Status::Signal(signal)),
            Ok(Happening::Wish(Wish::Suspend)) => {
                screen.leave();
                signals::suspend();
            }
            Ok(Happening::Wish(Wish::Resume)) => {
                screen.leave();
                screen.enter().map_err(failed)?;
            }
            Ok(Happening::Lost(error)) => return Err(failed(error).into()),
            Err(RecvTimeoutError::Disconnected) => return Ok(Status::Done),
        }
        let (columns, _) = screen.size().map_err(failed)?;
        let look = Look { columns: Some(columns.into()), terminal: true, ..Look::default() };
        let text = match &shown {
            None => String::new(),
            Some(none) if none.is_empty() => "no tool of this user runs; q ends".to_owned(),
            Some(pipelines) => table::tables(pipelines, look),
        };
        screen.show(&text).map_err(failed)?;
    }
}
