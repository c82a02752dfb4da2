//! `inspect`: records on a screen.

mod chunk;
mod decoding;
mod feed;
mod files;
mod lines_file;
mod matches;
mod once;
mod pipe;
mod reader;
mod screen;
mod view;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use clap::Parser;

use self::decoding::{Decoded, Inputs};
use self::feed::Feed;
use self::files::LinesFiles;
use self::lines_file::LinesFile;
use self::pipe::Pipe;
use self::reader::{Reader, Wake};
use self::screen::Happening;
use crate::cli::input::Watch;
use crate::cli::options::{InputOptions, parse_bytes};
use crate::cli::output::Output;
use crate::cli::signals::Stop;
use crate::cli::{Failure, Status};
use crate::tui::keys;
use crate::tui::terminal;
use crate::tui::{Data, Event, State, Theme};

const EXAMPLES: &str = "\
Examples:
  inspect access.ndjson
      Look at the records of a file; it may grow meanwhile.
  inspect --from combined /var/log/nginx/access.log.*.gz
      Look at compressed files of another format.
  subscribe clicks -f | filter '.status >= 500' | inspect -
      Look at the output of a pipeline while it runs.
  inspect --plain flights.csv.gz --from csv
      Print what the first screen shows.";

/// Look at records on a screen: of files, and at the end of a pipe
#[derive(Parser, Clone, Debug)]
#[command(
    name = "inspect",
    version,
    long_about = "Look at records on a screen: of files, and at the end of a pipe.\n\n\
        inspect shows records as lines, as a table of their fields, and one record as a tree. It \
        searches them for a regular expression, and shows only those for which a jq expression is \
        true. New records are shown as they come: the place is kept, unless it is the last \
        record. The keys are those of less and vim; h lists them.\n\n\
        A plain NDJSON file may be of any size and may grow: only the records on the screen are \
        read. Compressed files and other formats are read once to count their records, and again \
        for records that are far from those on the screen. Of standard input, the last records \
        are kept, as --memory says; how many were dropped is shown.\n\n\
        Keys come from the terminal, also if standard input is a pipe. Control characters in \
        records are shown as escapes. With $NO_COLOR there are no colours.",
    after_help = EXAMPLES,
    after_long_help = after_long_help(),
    mut_arg("rejects", |arg| arg.hide(true)),
    mut_arg("files", |arg| arg.help(FILES_HELP))
)]
pub struct Options {
    #[command(flatten)]
    input: InputOptions,

    /// Print what the first screen shows, once, and end; $COLUMNS and $LINES are its size
    #[arg(long)]
    plain: bool,

    /// How much of standard input, or of compressed input, is kept in memory
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "24MiB")]
    memory: u64,
}

const FILES_HELP: &str =
    "Look at these files in order, or at standard input (-); gzip and zstd files are decompressed";

/// The size of the screen of `--plain`, where nothing says another one.
const PLAIN_SIZE: (u16, u16) = (80, 24);

/// The examples, and all keys.
fn after_long_help() -> String {
    let mut text = EXAMPLES.to_owned();
    for (heading, keys) in keys::help() {
        text += &format!("\n\n{heading}:");
        for (keys, help) in keys {
            text += &format!("\n  {keys:<22} {help}");
        }
    }
    text
}

/// Runs the tool.
///
/// # Errors
/// When there is nothing to look at, the terminal cannot be used, or a file cannot be read.
pub fn run(options: Options) -> anyhow::Result<Status> {
    if options.input.rejects.is_some() {
        let why = "--rejects: bad lines are shown among the records; filter has --rejects";
        return Err(Failure::usage(why).into());
    }
    let output = Output::stdout()?;
    if !options.plain && !output.is_terminal() {
        let why = "standard output is not a terminal; --plain prints what the first screen shows";
        return Err(Failure::usage(why).into());
    }
    let what = options.what()?;
    let state = State::new(what.title(), false);
    let (tell, happenings) = channel();
    let (ask, asks) = channel();
    what.read(tell.clone(), (ask.clone(), asks), options.memory)?;
    if options.plain {
        drop(tell);
        return once::run(state, plain_size(&output), &happenings, &ask);
    }
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    screen::run(state, Theme::new(colour), (&happenings, tell), &ask)
}

/// The size that the environment says, else that of the terminal.
fn plain_size(output: &Output) -> (u16, u16) {
    let said = |name| std::env::var(name).ok().and_then(|value| value.parse::<u16>().ok());
    let terminal = if output.is_terminal() { terminal::size() } else { None };
    let (columns, lines) = terminal.unwrap_or(PLAIN_SIZE);
    (said("COLUMNS").unwrap_or(columns).max(1), said("LINES").unwrap_or(lines).max(1))
}

/// What is looked at.
enum What {
    Stdin(Inputs),
    Lines(LinesFiles, String),
    Decoded(Inputs, String),
}

impl Options {
    fn what(&self) -> anyhow::Result<What> {
        let choice = self.input.choice()?;
        let files = &self.input.files;
        let is_stdin = |file: &PathBuf| file.as_os_str() == "-";
        if files.is_empty() && std::io::IsTerminal::is_terminal(&std::io::stdin()) {
            let why = "name a file to look at, or '-' for standard input; see 'inspect --help'";
            return Err(Failure::usage(why).into());
        }
        let watch = Arc::new(Watch::new(Stop::install()?, None)?);
        let inputs = Inputs { files: files.clone(), choice, watch };
        if files.is_empty() || files.iter().all(is_stdin) {
            return Ok(What::Stdin(inputs));
        }
        let title = match files.as_slice() {
            [one] => one.to_string_lossy().into_owned(),
            [first, rest @ ..] => format!("{} and {} more", first.to_string_lossy(), rest.len()),
            [] => String::new(),
        };
        let record_bytes_max = self.input.record_bytes_max();
        let open = |file: &PathBuf| LinesFile::open(file, record_bytes_max);
        if inputs.choice.is_verbatim() && !files.iter().any(is_stdin) {
            let opened: anyhow::Result<Option<Vec<LinesFile>>> = files.iter().map(open).collect();
            if let Some(opened) = opened? {
                return Ok(What::Lines(LinesFiles::new(opened), title));
            }
        }
        let is_plain = |file: &PathBuf| file.metadata().is_ok_and(|data| data.is_file());
        Ok(match files.iter().all(is_plain) {
            true => What::Decoded(inputs, title),
            // It cannot be read twice.
            false => What::Stdin(inputs),
        })
    }
}

impl What {
    fn title(&self) -> String {
        match self {
            What::Stdin(_) => "standard input".to_owned(),
            What::Lines(_, title) | What::Decoded(_, title) => title.clone(),
        }
    }

    /// Begins to read.
    fn read(
        self,
        tell: Sender<Happening>,
        (ask, asks): (Sender<Wake>, Receiver<Wake>),
        memory: u64,
    ) -> anyhow::Result<()> {
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        let reading = Builder::new().name("reader".to_owned());
        match self {
            What::Lines(files, _) => {
                reading.spawn(move || serve(files, &tell, &asks))?;
            }
            What::Decoded(inputs, _) => {
                reading.spawn(move || serve(Decoded::new(inputs, memory), &tell, &asks))?;
            }
            What::Stdin(inputs) => {
                let pipe = Pipe::new(memory);
                let (filled, failed) = (pipe.clone(), tell.clone());
                let news = pipe.clone();
                let grown = move || {
                    if news.has_news() {
                        let _ = ask.send(Wake::Grown);
                    }
                };
                let fill = move || {
                    if let Err(error) = decoding::fill(&filled, &inputs, &grown) {
                        let data = Data::Failed(format!("{error:#}"));
                        let _ = failed.send(Happening::Event(Event::Data(data)));
                    }
                    filled.end();
                    grown();
                };
                Builder::new().name("input".to_owned()).spawn(fill)?;
                reading.spawn(move || serve(pipe, &tell, &asks))?;
            }
        }
        Ok(())
    }
}

/// Reads for the screen, in a thread of its own.
fn serve(feed: impl Feed, tell: &Sender<Happening>, asks: &Receiver<Wake>) {
    let tell = |data| tell.send(Happening::Event(Event::Data(data))).is_ok();
    Reader::new(feed, tell).run(asks);
}
