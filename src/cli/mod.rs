//! The one door: everything a tool shares with the others on its way in and out.
//!
//! A tool's `main` calls [`enter`], which parses its options, runs it, and turns what it returns
//! into a message on stderr and an exit status. A tool that reads records hands a [`pump::Stage`]
//! to [`pump::run`] and never sees a file, a signal or a broken line.
//!
//! Only this room touches stderr, signals and exit statuses.

pub mod inherited;
pub mod input;
pub mod keep;
pub mod lending;
pub mod message;
pub mod options;
pub mod output;
pub mod pages;
pub mod parallel;
pub mod pump;
pub mod ready;
pub mod rejects;
pub mod signals;
pub mod spans;
pub mod status;
pub mod trace;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

pub use status::{Failure, Status};

/// Parses the tool's options, runs it, and ends the process as DESIGN section 9 says.
pub fn enter<O: clap::Parser>(run: fn(O) -> anyhow::Result<Status>) -> ExitCode {
    let mut command = pages::with_statuses(O::command());
    message::name_tool(command.get_name());
    message::quiet_panics();
    let parsed = command.try_get_matches_from_mut(std::env::args_os()).and_then(|mut matches| {
        O::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    });
    let options = match parsed {
        Ok(options) => options,
        Err(error) => return message::usage(&error, &command).end(),
    };
    match catch_unwind(AssertUnwindSafe(|| run(options))) {
        Ok(Ok(status)) => status.end(),
        Ok(Err(error)) => message::failure(&error).end(),
        Err(panic) => message::panic(panic.as_ref()).end(),
    }
}
