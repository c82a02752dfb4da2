//! `log-admin`: the topics of a log are made, looked at and checked. One file an action.

mod alter;
mod compact;
mod describe;
mod groups;
mod list;
mod prometheus;
mod reset;
mod settings;
mod stats;
mod table;
mod trim;
mod unknown;
mod verify;

use clap::{Parser, Subcommand};

use self::settings::SettingsOptions;
use self::table::Table;
use super::place::Place;
use super::store::{Wanted, catalog};
use crate::cli::Status;
use crate::cli::options::DataOptions;
use crate::cli::output::{Output, OutputError};

const EXAMPLES: &str = "\
Examples:
  log-admin create clicks --partitions 4 --key .user
      Make a topic of 4 partitions, in which each user's records stay together and in order.
  log-admin alter clicks --retention 7d --segment-age 1d
      Remove records a week after they were appended, a day's segment at a time.
  log-admin trim clicks --before -1h
      Remove now what is older than an hour, as far as it fills whole segments.
  log-admin create users --key .id --compact --tombstone .deleted
      Make a topic that keeps each user's last record, and none of one who is deleted.
  log-admin compact users --close
      Remove now what has a later record of its key.
  log-admin list
      List the topics.
  log-admin describe clicks --json
      Tell what a topic's partitions hold, as JSON.
  log-admin groups
      List consumer groups: who reads which partition, and how far.
  log-admin reset nightly clicks --to -1d --dry-run
      Tell where the group nightly would go on if it were set back by a day.
  log-admin stats --prometheus -o /var/lib/node_exporter/millstream.prom
      Write figures for node_exporter's textfile collector; run it from cron or a timer.
  log-admin verify && echo all is well
      Check every record of every topic; the exit status is 1 if something is damaged.
  log-admin verify clicks --repair
      Make a damaged topic usable again, and tell what of it is lost.";

/// Make, change, list, describe, trim, compact, delete and verify the topics of a log
#[derive(Parser, Clone, Debug)]
#[command(
    name = "log-admin",
    version,
    long_about = "Make, change, list, describe, trim, compact, delete and verify the topics of a \
        log.\n\n\
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

        #[command(flatten)]
        settings: SettingsOptions,
    },
    /// Change a topic's settings; "default" takes one back to its default
    Alter {
        /// The topic's name
        topic: String,

        /// Add partitions, so that it has N
        #[arg(long, value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
        partitions: Option<u32>,

        /// Add partitions also to a topic with a key, whose records then change theirs
        #[arg(long)]
        force: bool,

        #[command(flatten)]
        settings: SettingsOptions,
    },
    /// Remove a topic with all its records
    Delete {
        /// The topic's name
        topic: String,
    },
    /// Remove the segments in which all records lie before a place
    Trim {
        /// The topic's name
        topic: String,

        /// An offset, a time, -7d for a week ago, or end for all
        #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
        before: Place,

        /// Only in partition N
        #[arg(long, value_name = "N")]
        partition: Option<u32>,
    },
    /// Keep only the last record of each key, at once; tells what was removed
    Compact {
        /// The topic's name; it has the setting --compact
        topic: String,

        /// Close the active segments first, so that their records are compacted, too
        #[arg(long)]
        close: bool,
    },
    /// List the topics
    List,
    /// Tell what the partitions of topics hold
    Describe {
        /// The topics; all if none is named
        topic: Vec<String>,
    },
    /// Tell who reads what, and how far: members, committed offsets, and how many records are left
    Groups {
        /// The group; all if none is named
        group: Option<String>,
    },
    /// Set where a group without members goes on
    Reset(reset::Wanted),
    /// Tell how the log is doing: sizes, ends and lag; of log-serve also what it did and what it takes
    Stats(stats::Options),
    /// Check every entry, checksum and line; exit status 1 if something is damaged
    Verify(verify::Options),
}

/// Runs the tool.
///
/// # Errors
/// When the log cannot be read or written to, or there is no such topic.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let dir = options.data.dir()?;
    let mut table = Table::new(options.json);
    let status = match &options.action {
        Action::Create { topic, partitions, key, settings } => {
            let wanted = Wanted { partitions: Some(*partitions), key: key.clone() };
            let settings = settings.to_map();
            catalog::create(&dir, topic, &wanted, &settings)?;
            unknown::warn(topic, &settings);
            Status::Done
        }
        Action::Alter { topic, partitions, force, settings } => {
            let mut changes = settings.to_map();
            changes.extend(partitions.map(|count| ("partitions".to_owned(), count.into())));
            alter::run(&dir, topic, &changes, *force)?
        }
        Action::Delete { topic } => {
            catalog::delete(&dir, topic)?;
            Status::Done
        }
        Action::Trim { topic, before, partition } => {
            trim::run(&dir, topic, *partition, *before, &mut table)?
        }
        Action::Compact { topic, close } => compact::run(&dir, topic, *close, &mut table)?,
        Action::List => list::run(&dir, &mut table)?,
        Action::Describe { topic } => describe::run(&dir, topic, &mut table)?,
        Action::Groups { group } => groups::run(&dir, group.as_deref(), &mut table)?,
        Action::Reset(wanted) => reset::run(&dir, wanted, &mut table)?,
        Action::Stats(wanted) => return stats::run(&dir, wanted, options.json),
        Action::Verify(options) => verify::run(&dir, options, &mut table)?,
    };
    match Output::stdout()?.write(table.render().as_bytes()) {
        Ok(()) | Err(OutputError::Closed) => Ok(status),
        Err(error) => Err(error.into()),
    }
}
