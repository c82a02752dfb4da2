//! `--unique`: only what the topic does not have; and what is said of where records were put.

use clap::Args;

use super::records;
use crate::api::appending::{UNIQUE_MAX_MAX, Unique};
use crate::cli::pump::in_option;
use crate::cli::{Failure, message};
use crate::expr::Program;
use crate::store::{Appender, Placed};
use crate::time::Duration;

/// What the topic is asked for with each append.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Only once")]
pub(super) struct UniqueOptions {
    /// Append only records whose EXPR is new in the topic; it is the value of a jq expression
    ///
    /// The log decides this when it appends, so two producers cannot both append a value. Skipped
    /// records are counted (-v). Numbers are compared by value, so 1 and 1.0 are one. A record for
    /// which EXPR is null is bad. A record that retention, a trim or compaction has removed does
    /// not count any more.
    #[arg(long, value_name = "EXPR")]
    unique: Option<String>,

    /// With --unique: compare only with records that were appended less than DURATION ago
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "DURATION", requires = "unique", conflicts_with = "last")]
    within: Option<Duration>,

    /// With --unique: compare only with the last N records of the topic
    #[arg(hide_short_help = true)]
    #[arg(
        long, value_name = "N", requires = "unique",
        value_parser = clap::value_parser!(u64).range(1..=UNIQUE_MAX_MAX)
    )]
    last: Option<u64>,

    /// With --unique: append nothing if more than N records would count [default: 4000000]
    ///
    /// Each of them takes 20 to 50 bytes of memory, in log-serve or in produce.
    #[arg(hide_short_help = true)]
    #[arg(
        long, value_name = "N", requires = "unique",
        value_parser = clap::value_parser!(u64).range(1..=UNIQUE_MAX_MAX)
    )]
    max_unique: Option<u64>,
}

impl UniqueOptions {
    /// What is asked for; nothing without the option.
    ///
    /// # Errors
    /// When the expression is wrong, or more records count than may.
    pub fn asked(&self) -> Result<Option<Unique>, Failure> {
        let Some(key) = &self.unique else { return Ok(None) };
        Program::compile(&[key]).map_err(|error| in_option("--unique", error))?;
        let within_ms = self.within.map(|within| u64::try_from(within.ms()).unwrap_or(0));
        let unique = Unique { key: key.clone(), within_ms, last: self.last, max: self.max_unique };
        match unique.contradiction() {
            Some(why) => Err(Failure::usage(why)),
            None => Ok(Some(unique)),
        }
    }

    /// Whether all records are to be appended. A pipe that is lent does not say otherwise.
    pub fn is_off(&self) -> bool {
        self.unique.is_none()
    }

    /// Has the log leave out what the topic has.
    ///
    /// # Errors
    /// As [`UniqueOptions::asked`].
    pub fn apply(&self, appender: &mut Appender) -> Result<(), Failure> {
        appender.append_only(self.asked()?);
        Ok(())
    }
}

/// Says how many records were skipped, and which offsets the others got.
pub(super) fn tell(placed: &Placed, topic: &str) {
    if placed.skipped > 0 {
        let what = records(placed.skipped);
        message::note(&format!("{what} skipped, because {topic} has the same key"));
    }
    for (partition, run) in &placed.runs {
        message::note(&format!("{topic}/{partition}: {}..{}", run.start, run.end));
    }
    if placed.others > 0 {
        message::note(&format!("{} at other offsets of {topic}", records(placed.others)));
    }
    if placed.untold > 0 {
        let (what, was) = (records(placed.untold), if placed.untold == 1 { "was" } else { "were" });
        message::note(&format!(
            "{what} {was} appended to {topic} by a log-serve that ended before it told the offsets"
        ));
    }
}
