//! `log-admin`: the topics of a log are made, looked at and checked. One file an action.

mod alter;
mod compact;
mod consent;
mod delete;
mod delete_group;
mod describe;
mod elsewhere;
mod fields;
mod groups;
mod list;
mod prometheus;
mod reset;
mod settings;
mod stats;
mod table;
mod trim;
mod unique;
mod unknown;
mod values;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use self::settings::SettingsOptions;
pub use self::settings::option_and_value;
use self::table::Table;
use super::lock_wait::WaitOptions;
use super::near;
use crate::cli::options::DataOptions;
use crate::cli::output::{Output, OutputError};
use crate::cli::{Failure, Status};
use crate::store::{Store, Wanted};

const EXAMPLES: &str = "\
Examples:
  log-admin create clicks --partitions 4 --key .user
      Create a topic with 4 partitions, in which each user's records stay together and in order.
  log-admin alter clicks --retention 7d --segment-age 1d
      Remove records a week after they were appended, in segments of a day.
  log-admin trim clicks --before -1h
      Remove records older than an hour now, as far as they fill whole segments.
  log-admin create users --key .id --compact --tombstone .deleted
      Create a topic that keeps each user's last record, and none of a deleted user.
  log-admin compact users --close
      Remove records whose key has a later record now.
  log-admin list
      List the topics.
  log-admin describe clicks --json
      Describe a topic's partitions as JSON.
  log-admin fields clicks
      List the fields of the records: in how many they are, their types, and frequent values.
  log-admin groups
      List consumer groups with their members and committed offsets.
  log-admin reset nightly clicks --to -1d --dry-run
      Print where the group nightly would resume if it were set back by a day.
  log-admin stats --prometheus -o /var/lib/node_exporter/millstream.prom
      Write metrics for node_exporter's textfile collector; run it from cron or a timer.
  log-admin verify && echo all is well
      Check every record of every topic; the exit status is 1 if something is damaged.
  log-admin verify clicks --repair
      Make a damaged topic usable again, and report what is lost.";

/// Create, change, look at and delete the topics and groups of a log
#[derive(Parser, Clone, Debug)]
#[command(
    name = "log-admin",
    version,
    long_about = "Create, change, look at and delete the topics and groups of a log.\n\n\
        log-admin works through log-serve if that runs, and otherwise on the files. verify checks \
        the files themselves, and needs log-serve to be stopped.",
    after_help = EXAMPLES,
    arg_required_else_help = false
)]
pub struct Options {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    wait: WaitOptions,

    /// Print JSON, one object on each line
    #[arg(help_heading = "Output")]
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Create a topic; one that already exists with the same settings is accepted
    #[command(visible_alias = "add", alias = "new")]
    Create {
        /// The topic's name: ASCII letters, digits, '.', '_' and '-'
        topic: String,

        /// The number of partitions
        #[arg(long, value_name = "N", default_value_t = 1)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
        partitions: u32,

        /// The topic's key: records with the same value of this jq expression go to one partition
        ///
        /// Values are compared as they are written: 1 and 1.0 are two values.
        #[arg(long, value_name = "EXPR")]
        key: Option<String>,

        #[command(flatten)]
        settings: SettingsOptions,
    },
    /// Change a topic's settings; "default" sets one back to its default
    #[command(aliases = ["edit", "set", "alter-config"])]
    Alter {
        /// The topic's name
        topic: String,

        /// Add partitions, so that the topic has N
        #[arg(long, value_name = "N")]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
        partitions: Option<u32>,

        // Not there, and taken all the same: the message says why.
        #[arg(long, value_name = "EXPR", hide = true)]
        key: Option<String>,

        /// Add partitions even to a topic with a key, whose later records then go to other ones
        #[arg(long)]
        force: bool,

        #[command(flatten)]
        settings: SettingsOptions,
    },
    /// Delete topics with all their records
    #[command(visible_alias = "rm", aliases = ["del", "drop", "remove"])]
    Delete(delete::Wanted),
    /// Give a topic another name; groups keep their committed offsets
    ///
    /// Programs that read or append by the old name get the error that there is no such topic.
    #[command(visible_alias = "mv")]
    Rename {
        /// The topic
        topic: String,

        /// Its new name
        #[arg(value_name = "NAME")]
        to: String,
    },
    /// Delete segments all of whose records are before a place
    #[command(aliases = ["purge", "trim-prefix"])]
    Trim(trim::Wanted),
    /// Keep only the last record of each key, now; prints what was removed
    Compact {
        /// The topic's name; it must have the setting --compact
        topic: String,

        /// Close the active segments before, so that their records are compacted, too
        #[arg(long)]
        close: bool,
    },
    /// List the topics
    #[command(visible_alias = "ls", alias = "topics")]
    List,
    /// Describe the partitions of topics
    #[command(visible_alias = "info", alias = "show")]
    Describe {
        /// The topics; all by default
        topic: Vec<String>,
    },
    /// List the fields of records, and what is in them
    ///
    /// A row is a path, as jq spells it; [] stands for all elements of arrays, and all values of
    /// objects whose keys are data, like ids. Distinct values and medians are estimates, as those of
    /// aggregate are. A name that is a file is that file.
    Fields(Box<fields::Options>),
    /// Describe consumer groups: members, offsets and lag
    #[command(aliases = ["group", "consumers"])]
    Groups {
        /// The group; all by default
        group: Option<String>,
    },
    /// Set where a group without members resumes
    ///
    /// Without log-serve no group has members: the group's file is changed directly, under the
    /// log's lock, and log-serve starts from it.
    #[command(visible_alias = "seek")]
    Reset(reset::Wanted),
    /// Delete a consumer group that has no members
    #[command(visible_alias = "rm-group")]
    DeleteGroup(delete_group::Wanted),
    /// Print metrics of the log and of log-serve
    #[command(aliases = ["metrics", "report"])]
    Stats(stats::Options),
    /// Check every index entry, checksum and line; exit status 1 if something is damaged
    #[command(aliases = ["check", "fsck"])]
    Verify(verify::Options),
    #[command(flatten)]
    Elsewhere(elsewhere::Wanted),
}

/// Runs the tool.
///
/// # Errors
/// When the log cannot be read or written to, or there is no such topic.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let dir = match &options.action {
        // Files need no log.
        Action::Fields(_) => PathBuf::new(),
        Action::Elsewhere(wanted) => return Err(wanted.refusal().into()),
        _ => options.data.dir()?,
    };
    let agreed = match &options.action {
        Action::Delete(wanted) => wanted.is_agreed(&dir),
        Action::Trim(wanted) => wanted.is_agreed(&dir, options.wait),
        Action::DeleteGroup(wanted) => wanted.is_agreed(&dir),
        _ => Ok(true),
    };
    if !agreed.map_err(|error| near::suggest(&dir, error))? {
        return Ok(Status::No);
    }
    // The lock is the first that an action takes: before that, it changes and tells nothing. What
    // takes it several times waits for it by itself after the first time.
    let mut table = Table::new(options.json);
    let acted = options.wait.retry_or_tell(|| {
        table = Table::new(options.json);
        options.act(&dir, &mut table)
    });
    let acted = acted.map_err(|error| near::suggest(&dir, error));
    let status = match acted {
        Ok(status) => status,
        // What is removed is told, also if not all is.
        Err(error) if matches!(options.action, Action::Delete(_)) => {
            print(&table)?;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    if matches!(options.action, Action::Stats(_)) {
        return Ok(status);
    }
    print(&table)?;
    Ok(status)
}

fn print(table: &Table) -> anyhow::Result<()> {
    let mut output = Output::stdout()?;
    match output.write(table.render(table::look(&output)).as_bytes()) {
        Ok(()) | Err(OutputError::Closed) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Options {
    fn act(&self, dir: &Path, table: &mut Table) -> anyhow::Result<Status> {
        Ok(match &self.action {
            Action::Create { topic, partitions, key, settings } => {
                let wanted = Wanted { partitions: Some(*partitions), key: key.clone() };
                let settings = settings.to_map();
                Store::open(dir)?.create(topic, &wanted, settings.clone())?;
                unknown::warn(dir, topic, &settings);
                Status::Done
            }
            Action::Alter { key: Some(_), .. } => {
                let why = "--key: the key of a topic cannot be changed, since it decides each \
                           record's partition; create another topic, and copy the records";
                return Err(Failure::usage(why).into());
            }
            Action::Alter { topic, partitions, force, settings, key: None } => {
                let mut changes = settings.to_map();
                changes.extend(partitions.map(|count| ("partitions".to_owned(), count.into())));
                alter::run(dir, topic, &changes, *force)?
            }
            Action::Delete(wanted) => delete::run(dir, wanted, self.wait, table)?,
            Action::Trim(wanted) => trim::run(dir, wanted, self.wait, table)?,
            Action::Rename { topic, to } => {
                Store::open(dir)?.rename(topic, to)?;
                Status::Done
            }
            Action::Compact { topic, close } => compact::run(dir, topic, *close, table)?,
            Action::List => list::run(dir, table)?,
            Action::Describe { topic } => describe::run(dir, topic, table)?,
            Action::Fields(options) => fields::run(&self.data, options, table)?,
            Action::Groups { group } => groups::run(dir, group.as_deref(), table)?,
            Action::Reset(wanted) => reset::run(dir, wanted, table)?,
            Action::DeleteGroup(wanted) => delete_group::run(dir, wanted, table)?,
            Action::Stats(wanted) => stats::run(dir, wanted, self.json)?,
            Action::Verify(options) => verify::run(dir, options, self.wait, table)?,
            Action::Elsewhere(wanted) => return Err(wanted.refusal().into()),
        })
    }
}
