//! `log-admin`: the topics of a log are made, looked at and checked. One file an action.

mod describe;
mod list;
mod table;
mod verify;

use clap::{Parser, Subcommand};

use self::table::Table;
use super::store::{Wanted, catalog};
use crate::cli::Status;
use crate::cli::options::DataOptions;
use crate::cli::output::{Output, OutputError};

const EXAMPLES: &str = "\
Examples:
  log-admin create clicks --partitions 4 --key .user
      Make a topic of 4 partitions, in which each user's records stay together and in order.
  log-admin list
      List the topics.
  log-admin describe clicks --json
      Tell what a topic's partitions hold, as JSON.
  log-admin verify && echo all is well
      Check every record of every topic; the exit status is 1 if something is damaged.";

/// Make, list, describe and verify the topics of a log
#[derive(Parser, Clone, Debug)]
#[command(
    name = "log-admin",
    version,
    long_about = "Make, list, describe and verify the topics of a log.\n\n\
        Works through log-serve where it runs, else on the files. verify looks at the files \
        themselves, and needs log-serve to be stopped.",
    after_help = EXAMPLES,
    arg_required_else_help = false
)]
pub struct Options {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    data: DataOptions,

    /// Print JSON, an object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Make a topic; one that is there already just so is fine
    Create {
        /// The topic's name: ASCII letters, digits, '.', '_' and '-'
        topic: String,

        /// How many partitions it has
        #[arg(long, value_name = "N", default_value_t = 1)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
        partitions: u32,

        /// A jq expression: records for which it has the same value go to the same partition
        #[arg(long, value_name = "EXPR")]
        key: Option<String>,
    },
    /// List the topics
    List,
    /// Tell what a topic's partitions hold
    Describe {
        /// The topic's name
        topic: String,
    },
    /// Check every entry, checksum and line; exit status 1 if something is damaged
    Verify {
        /// The topics to check; all if none is named
        topic: Vec<String>,
    },
}

/// Runs the tool.
///
/// # Errors
/// When the log cannot be read or written to, or there is no such topic.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let dir = options.data.dir()?;
    let mut table = Table::new(options.json);
    let status = match &options.action {
        Action::Create { topic, partitions, key } => {
            let wanted = Wanted { partitions: Some(*partitions), key: key.clone() };
            catalog::create(&dir, topic, &wanted)?;
            Status::Done
        }
        Action::List => list::run(&dir, &mut table)?,
        Action::Describe { topic } => describe::run(&dir, topic, &mut table)?,
        Action::Verify { topic } => verify::run(&dir, topic, &mut table)?,
    };
    match Output::stdout()?.write(table.render().as_bytes()) {
        Ok(()) | Err(OutputError::Closed) => Ok(status),
        Err(error) => Err(error.into()),
    }
}
