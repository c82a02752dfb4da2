//! `inspect`: records on a screen.

mod charting;
mod chunk;
mod decoding;
mod feed;
mod files;
mod happening;
mod lines_file;
mod matches;
mod once;
mod overview;
mod pipe;
mod plain_file;
mod reader;
mod save;
mod screen;
mod sources;
mod surveying;
mod topic;
mod view;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;

use anyhow::Context;
use clap::Parser;

use self::decoding::Inputs;
use self::plain_file::PlainFile;
use self::sources::{Sources, What};
use crate::cli::input::Watch;
use crate::cli::options::{DataOptions, InputOptions, parse_bytes};
use crate::cli::output::Output;
use crate::cli::signals::Stop;
use crate::cli::{Failure, Status};
use crate::tui::Theme;
use crate::tui::{keys, terminal};

const EXAMPLES: &str = "\
Examples:
  inspect
      Look at all topics and consumer groups of the log, and from there at their records.
  inspect clicks
      Look at the records of a topic; new ones are shown as they come.
  inspect access.ndjson
      Look at the records of a file; it may grow meanwhile.
  inspect --from combined /var/log/nginx/access.log
      Look at an access log while it is written; F follows its end.
  inspect --from combined /var/log/nginx/access.log.*.gz
      Look at compressed files of another format.
  subscribe clicks -f | filter '.status >= 500' | inspect -
      Look at the output of a pipeline while it runs.
  inspect --plain flights.csv.gz --from csv
      Print what the first screen shows.";

/// Look at records on a screen: of topics, of files, and at the end of a pipe
#[derive(Parser, Clone, Debug)]
#[command(
    name = "inspect",
    version,
    override_usage = "inspect [OPTIONS] [TOPIC|DIR]\n       inspect [OPTIONS] FILE...\n       \
                      inspect [OPTIONS] -",
    long_about = "Look at records on a screen: of topics, of files, and at the end of a pipe.\n\n\
        Without an argument, inspect lists the topics and groups of the log, or those of the \
        data directory DIR; Enter shows the records of one. It reads through log-serve if that \
        runs, and otherwise from the files. A topic may be of any size: only the records on the \
        screen are read. A name that is a file is that file.\n\n\
        inspect shows records as lines, as a table of their fields, and one record as a tree. It \
        searches them for a regular expression, and shows only those for which a jq expression is \
        true. New records are shown as they come: the place is kept, unless it is the last \
        record. The keys are those of less and vim; h lists them.\n\n\
        The key c asks for a chart. EXPR, a jq expression, shows how often each value of it comes. EXPR \
        over AXIS draws the mean of its numbers along an axis, which is a number or a time; count over \
        AXIS, the number of records; with by EXPR after either, a line for each value: .ms over .time \
        by .host. A chart grows with the records that are shown.\n\n\
        A plain file may be of any size and in any format (--from): only the records on the screen \
        are read. It may grow, and is followed by its name when it is rotated. Compressed files \
        and JSON in any layout (--from json) are read once to count their records, and again for \
        records that are far from those on the screen; they are not followed. Of standard input, \
        the last records are kept, as --memory says; how many were dropped is shown.\n\n\
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

    #[command(flatten)]
    data: DataOptions,

    /// Print what the first screen shows, once, and end; $COLUMNS and $LINES are its size
    #[arg(help_heading = "Output")]
    #[arg(long)]
    plain: bool,

    /// How much of standard input, or of compressed input, is kept in memory
    #[arg(help_heading = "Input", hide_short_help = true)]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "24MiB")]
    memory: u64,
}

/// The size of the screen that --plain prints: a lower one shows no record, and a larger one is no
/// screen.
const LINES_MIN: u16 = 3;
const SIZE_MAX: u16 = 1000;

const FILES_HELP: &str = "A topic, a data directory, files, or - for stdin; files are read in \
                          order, and gzip and zstd files are decompressed";

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
    let (tell, happenings) = channel();
    let mut sources = Sources::new(tell.clone());
    let watch = Arc::new(Watch::new(Stop::install()?, None)?);
    let what = options.what(&watch)?;
    let state = what.state();
    sources.begin(what, options.memory, !options.plain)?;
    if options.plain {
        let size = plain_size(&output);
        return once::run(state, size, (&happenings, tell), &mut sources, &watch);
    }
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    screen::run(state, Theme::new(colour), (&happenings, tell), &mut sources)
}

/// The size that the environment says, else that of the terminal.
fn plain_size(output: &Output) -> (u16, u16) {
    let said = |name| std::env::var(name).ok().and_then(|value| value.parse::<u16>().ok());
    let terminal = if output.is_terminal() { terminal::size() } else { None };
    let (columns, lines) = terminal.unwrap_or(PLAIN_SIZE);
    let within = |said: u16, least| said.clamp(least, SIZE_MAX);
    let columns = within(said("COLUMNS").unwrap_or(columns), 1);
    (columns, within(said("LINES").unwrap_or(lines), LINES_MIN))
}

impl Options {
    /// What the arguments name: files, standard input, a topic, or all topics.
    fn what(&self, watch: &Arc<Watch>) -> anyhow::Result<What> {
        let watch = Arc::clone(watch);
        let files = &self.input.files;
        let is_stdin = |file: &PathBuf| file.as_os_str() == "-";
        if files.is_empty() && std::io::IsTerminal::is_terminal(&std::io::stdin()) {
            return What::topics(self.data.dir()?, watch);
        }
        if let [one] = &files[..]
            && !is_stdin(one)
        {
            if one.join("topics").is_dir() {
                return What::topics(one.clone(), watch);
            }
            if one.is_dir() {
                let why = format!(
                    "{}: this directory holds no log; name its files, or the data directory of a log",
                    one.display()
                );
                return Err(Failure::new(Status::Unavailable, why).into());
            }
            let is_file = one.exists() && !one.is_dir();
            let name = one.to_str().filter(|name| !name.contains('/') && !is_file);
            if let Some(name) = name {
                return What::topic(self.data.dir()?, name, watch);
            }
        }
        let inputs = Inputs { files: files.clone(), choice: self.input.choice()?, watch };
        if files.is_empty() || files.iter().all(is_stdin) {
            return Ok(What::Stdin(inputs));
        }
        // Of several files, some are opened only once others have been read.
        for file in files.iter().filter(|file| !is_stdin(file)) {
            file.metadata().with_context(|| file.display().to_string())?;
        }
        let open = |file: &PathBuf| PlainFile::open(file, &inputs.choice);
        if !files.iter().any(is_stdin) {
            let opened: anyhow::Result<Option<Vec<PlainFile>>> = files.iter().map(open).collect();
            if let Some(opened) = opened? {
                return Ok(What::Lines(opened, files.clone()));
            }
        }
        let is_plain = |file: &PathBuf| file.metadata().is_ok_and(|data| data.is_file());
        Ok(match files.iter().all(is_plain) {
            true => What::Decoded(inputs),
            // It cannot be read twice.
            false => What::Stdin(inputs),
        })
    }
}
