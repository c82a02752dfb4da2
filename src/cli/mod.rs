//! The one door: everything a tool shares with the others on its way in and out.
//!
//! The program's `main` calls [`enter`], which finds the tool that is asked for, parses its
//! options, runs it, and turns what it returns into a message on stderr and an exit status. A tool
//! that reads records hands an [`Operator`](crate::operator::Operator) to [`run::Run`] and never
//! sees a file, a signal or a broken line.
//!
//! Only this room touches stderr, signals and exit statuses.

pub mod answers;
mod area;
pub mod ask;
pub mod blame;
mod blocks;
mod closed;
pub mod complete;
mod context;
pub mod counters;
mod decompress;
mod encoding;
pub mod figures;
pub mod file_source;
pub mod follow;
pub mod format_options;
pub mod inherited;
pub mod input;
pub mod keep;
mod lanes;
pub mod lending;
mod line_offsets;
pub mod live;
pub mod look;
pub mod merged;
pub mod message;
pub mod options;
pub mod output;
mod pager;
pub mod pages;
pub mod parallel;
pub mod progress;
pub mod pump;
pub mod ready;
pub mod redrawn;
pub mod rejects;
pub mod run;
pub mod seldom;
pub mod shell;
pub mod sides;
pub mod signals;
pub mod silence;
mod single;
pub mod source;
pub mod spans;
pub mod stage;
pub mod status;
mod streams;
mod tool;
pub mod trace;
pub mod watch;
mod written;

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Command;

pub use status::{Failure, Status};
pub use tool::Tool;

use crate::record::near::nearest;
use tool::{Call, Job, PROGRAM};

/// All that is in the program.
pub struct Tools {
    tools: Vec<Tool>,
    command: fn() -> Command,
    values: complete::Values,
    recipes: fn() -> Vec<Recipe>,
}

/// Something that `help NAME` explains, beside the tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// What it is for, in a few words.
    pub title: String,
    /// All of it.
    pub text: String,
}

impl Tools {
    /// A program of these tools; `command` is the command line of all of them together.
    pub fn new(tools: Vec<Tool>, command: fn() -> Command) -> Tools {
        Tools { tools, command, values: |_, _, _| None, recipes: Vec::new }
    }

    /// The same, where Tab offers these values, too.
    #[must_use]
    pub fn completing(self, values: complete::Values) -> Tools {
        Tools { values, ..self }
    }

    /// The same, with recipes.
    #[must_use]
    pub fn with_recipes(self, recipes: fn() -> Vec<Recipe>) -> Tools {
        Tools { recipes, ..self }
    }

    /// Prints the recipe of this name.
    ///
    /// # Errors
    /// When there is none; the message names what may have been meant.
    fn help(&self, name: &str) -> Result<Status, Failure> {
        let recipes = (self.recipes)();
        if let Some(recipe) = recipes.iter().find(|recipe| recipe.name == name) {
            return Ok(message::page(&recipe.text));
        }
        let names = self.tools.iter().map(|tool| -> &str { tool.name() });
        let names = names.chain(recipes.iter().map(|recipe| recipe.name.as_str()));
        let meant = nearest(name, names).map(|near| format!("did you mean '{near}'? "));
        let why = format!(
            "there is no tool or recipe '{name}'; {}'millstream --help' lists all",
            meant.unwrap_or_default()
        );
        Err(Failure::usage(why))
    }
}

/// Runs the tool that the command line asks for, and ends the process with the status that
/// [`Status`] says.
pub fn enter(program: &Tools) -> ExitCode {
    let call = Call::read(&program.tools, std::env::args_os().collect());
    let name = call.tool.map_or(PROGRAM, Tool::name);
    message::name_tool(name);
    message::quiet_panics();
    name_process(name);
    signals::outlive_file_limits();
    answers::expect(name);
    if let Some(args) = call.completes() {
        let done = complete::run(program, args);
        return done.unwrap_or_else(|error| message::failure(&error)).end();
    }
    if let Some(name) = call.asks_about() {
        let done = program.help(name).map_err(anyhow::Error::from);
        return done.unwrap_or_else(|error| message::failure(&error)).end();
    }
    let command = match call.tool {
        Some(tool) => tool.called(&call.name),
        None => (program.command)().bin_name(&call.name),
    };
    let mut command = pages::with_statuses(command);
    let job = match prepare(&call, &mut command) {
        Ok(job) => job,
        Err(error) => {
            let args = call.args.get(1..).unwrap_or_default();
            return message::usage(&error, &command, args, call.asks_for_all()).end();
        }
    };
    match catch_unwind(AssertUnwindSafe(job)) {
        // To be ended by a signal is something that shells notice by themselves.
        Ok(Ok(status @ Status::Signal(_))) => status.end(),
        Ok(Ok(status)) => {
            message::end_line();
            status.end()
        }
        Ok(Err(error)) => message::failure(&error).end(),
        Err(panic) => message::panic(panic.as_ref()).end(),
    }
}

/// Reads the options of the tool that is called. The program itself has none but those that print
/// something, which for clap is an error.
fn prepare(call: &Call, command: &mut Command) -> Result<Job, clap::Error> {
    let mut matches = command.try_get_matches_from_mut(&call.args)?;
    let job = call.tool.map(|tool| tool.prepare(&mut matches));
    let none = || Ok(Box::new(|| Err(Failure::usage("name a tool").into())) as Job);
    job.unwrap_or_else(none).map_err(|error| error.format(command))
}

/// Lets ps and top show the tool where they would show the program (comm in proc(5)).
fn name_process(name: &str) {
    if let Ok(name) = CString::new(name) {
        // Where the kernel refuses it, the process is called after the program.
        let _ = crate::sys::process::set_name(&name);
    }
}
