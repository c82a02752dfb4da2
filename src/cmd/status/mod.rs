//! `millstream status` and `millstream top`: the pipelines of a user, and what each stage does.

mod ask;
mod pipelines;
mod seen;
mod table;
pub mod top;

use std::time::Duration;

use clap::Parser;

use self::ask::{Watched, look};
use crate::cli::look::wants_colors;
use crate::cli::output::{Output, OutputError};
use crate::cli::{Failure, Status, message};
use crate::layout::Look;

/// The tools that are stages of pipelines, or that these talk to.
const STAGES: [&str; 9] = [
    "produce",
    "log-serve",
    "subscribe",
    "filter",
    "map",
    "window",
    "aggregate",
    "inspect",
    "log-admin",
];

/// How often a stage is asked: what one look shows may be chance.
const LOOKS: u32 = 11;
/// The pause between two looks; all of them take half a second.
const PAUSE: Duration = Duration::from_millis(50);

const EXAMPLES: &str = "\
Examples:
  millstream status
      Show all pipelines of this user that run a tool.
  millstream status $!
      Show the pipeline with the last process that this shell started in the background.
  millstream status --json | filter .slow | map '{pid, command}'
      Print the stage of each pipeline that holds the others up.

Exit status: 0 done; 2 invalid options; 69 no process of this number; 74 writing failed.";

/// Show running pipelines: what each stage has read and emitted, and what it waits for
///
/// status prints a table for each pipeline of this user in which a tool runs. A pipeline consists
/// of the processes that pipes connect. The number before its commands is that of its process
/// group. Other programs in it are shown without figures.
///
/// WAITS FOR tells what a stage waits for mostly, of ten looks within half a second: input, if it
/// has done all that there is; output, if its reader, or the log, does not take more; or neither:
/// then it works. The stage that holds the others up is marked as slow: it waits for neither, it is
/// stopped, or it is a program without figures for which both neighbours wait.
///
/// IN and OUT are records since the stage began, and the columns with /S are records in a second
/// at the moment. LAG is the number of records of the topic that subscribe has not read yet.
/// WINDOWS are the open windows, or the slices that they are made of. STATE is about how much
/// memory groups take, and MEMORY all of the process. A column in which no stage has a figure is
/// left out.
///
/// SIGUSR1 has each tool print its own figures on standard error, as one line of JSON:
/// 'kill -USR1 PID'.
#[derive(Parser, Clone, Debug)]
#[command(name = "status", display_name = "millstream-status", version, after_help = EXAMPLES)]
pub struct Options {
    /// Only the pipeline with this process, or with this process group [default: all]
    #[arg(value_name = "PID|PGID", value_parser = number)]
    number: Option<u32>,

    /// Print a JSON object for each process
    #[arg(long)]
    json: bool,
}

/// The number of a process or of a process group.
fn number(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "it is no number of a process, as ps lists them")
}

/// Runs the command.
///
/// # Errors
/// When no process has the number, or standard output cannot be written to.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let mut output = Output::stdout()?;
    let pipelines = look(&STAGES, options.number, LOOKS, || std::thread::sleep(PAUSE))?;
    check(&pipelines, options.number)?;
    if pipelines.is_empty() && message::is_terminal() {
        message::note("no tool of this user runs");
    }
    let text = match options.json {
        true => table::lines(&pipelines),
        false => table::tables(&pipelines, of(&output)),
    };
    match output.write(text.as_bytes()) {
        Ok(()) | Err(OutputError::Closed) => Ok(Status::Done),
        Err(error) => Err(error.into()),
    }
}

/// Checks that a number that was given means something.
fn check(pipelines: &[Watched], number: Option<u32>) -> Result<(), Failure> {
    match number {
        Some(number) if pipelines.is_empty() => {
            let why = format!(
                "{number}: no pipeline of this user has this process or process group; \
                 'millstream status' shows all"
            );
            Err(Failure::new(Status::Unavailable, why))
        }
        _ => Ok(()),
    }
}

/// What tables look like on this output.
fn of(output: &Output) -> Look {
    let (columns, _) = output.size().filter(|_| output.is_terminal()).unzip();
    Look { color: wants_colors(output.is_terminal()), columns, lines: None, terminal: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Tool;

    #[test]
    fn all_tools_with_names_are_stages() {
        let tools = crate::cmd::tools();
        let named: Vec<&str> =
            tools.iter().filter(|tool| tool.is_named()).map(Tool::name).collect();
        assert_eq!(named, STAGES);
    }
}
