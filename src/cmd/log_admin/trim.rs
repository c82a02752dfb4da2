//! `log-admin trim`: a topic's old records are removed by hand.

use std::path::Path;

use serde_json::json;

use super::consent::{Consent, records};
use super::table::Table;
use crate::api::reading::ByPartition;
use crate::cli::{Failure, Status};
use crate::cmd::lock_wait::WaitOptions;
use crate::cmd::place::Place;
use crate::log::Before;
use crate::store::Store;

/// What to trim.
#[derive(clap::Args, Clone, Debug)]
pub struct Wanted {
    /// The topic's name
    topic: String,

    /// An offset, an append time, -7d for a week ago, or 'end' for all
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    before: Place,

    /// Trim only these partitions, as in 0,1; may be repeated
    #[arg(long, value_name = "P,…", value_delimiter = ',')]
    partition: Vec<u32>,

    #[command(flatten)]
    consent: Consent,
}

impl Wanted {
    /// Whether the user wants it.
    ///
    /// # Errors
    /// When the topic does not exist, or the log cannot be read.
    pub fn is_agreed(&self, dir: &Path, wait: WaitOptions) -> anyhow::Result<bool> {
        let before = self.starts(dir)?;
        Ok(self.consent.is_given(|| {
            let after = self.trim(dir, wait, true).ok();
            let count = after.map_or_else(
                || "records".to_owned(),
                |after| records(removed(&before, &after).map(|(_, _, count)| count).sum()),
            );
            format!("remove {count} of {}?", self.topic)
        }))
    }

    /// Where the partitions begin.
    fn starts(&self, dir: &Path) -> anyhow::Result<ByPartition<u64>> {
        let bounds = Store::open(dir)?.bounds(&self.topic)?;
        Ok(bounds.into_iter().map(|(partition, held)| (partition, held.start)).collect())
    }

    /// Trims, or tells what that would do: where partitions begin after it.
    fn trim(
        &self,
        dir: &Path,
        wait: WaitOptions,
        dry_run: bool,
    ) -> anyhow::Result<ByPartition<u64>> {
        let before = match self.before {
            Place::Offset(offset) => Before::Offset(offset),
            Place::TimeUs(time_us) => Before::TimeUs(time_us),
            Place::Start => {
                return Err(Failure::usage("there are no records before the start").into());
            }
            Place::End => Before::TimeUs(i64::MAX),
        };
        if self.partition.is_empty() {
            return Ok(Store::open(dir)?.trim(&self.topic, None, before, dry_run)?);
        }
        let mut all = ByPartition::new();
        for partition in &self.partition {
            // Each takes the lock: another process may have it in between.
            all.extend(wait.retry_or_tell(|| {
                Ok(Store::open(dir)?.trim(&self.topic, Some(*partition), before, dry_run)?)
            })?);
        }
        Ok(all)
    }
}

/// Each partition, where it begins afterwards, and how many records that removes.
fn removed<'a>(
    before: &'a ByPartition<u64>,
    after: &'a ByPartition<u64>,
) -> impl Iterator<Item = (u32, u64, u64)> + 'a {
    after.iter().map(|(partition, start)| {
        let began = before.get(partition).copied().unwrap_or(*start);
        (*partition, *start, start.saturating_sub(began))
    })
}

/// Removes the segments in which all records lie before a place.
///
/// # Errors
/// When there is no such topic or partition, or the disk refuses.
pub fn run(
    dir: &Path,
    wanted: &Wanted,
    wait: WaitOptions,
    table: &mut Table,
) -> anyhow::Result<Status> {
    let before = wanted.starts(dir)?;
    let after = wanted.trim(dir, wait, wanted.consent.dry_run)?;
    for (partition, start, count) in removed(&before, &after) {
        table.row(&[
            ("topic", json!(wanted.topic)),
            ("partition", json!(partition)),
            ("start", json!(start)),
            ("removed", json!(count)),
            ("done", json!(wanted.consent.done())),
        ]);
    }
    Ok(Status::Done)
}
