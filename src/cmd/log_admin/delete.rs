//! `log-admin delete`: topics are removed with all their records.

use std::path::Path;

use serde_json::json;

use super::consent::{Consent, records};
use super::table::Table;
use crate::api::stats::TopicFigures;
use crate::cli::Status;
use crate::cmd::lock_wait::WaitOptions;
use crate::store::Store;

/// What to delete.
#[derive(clap::Args, Clone, Debug)]
pub struct Wanted {
    /// The topics
    #[arg(required = true)]
    topic: Vec<String>,

    #[command(flatten)]
    consent: Consent,
}

impl Wanted {
    /// Whether the user wants it.
    ///
    /// # Errors
    /// When one of the topics does not exist, or the log cannot be read.
    pub fn is_agreed(&self, dir: &Path) -> anyhow::Result<bool> {
        let names = Store::open(dir)?.topic_names()?;
        if let Some(missing) = self.topic.iter().find(|topic| !names.contains(topic)) {
            // Nothing is deleted if a name is mistyped.
            Store::open(dir)?.settings(missing)?;
        }
        Ok(self.consent.is_given(|| {
            let described = self.topic.iter().map(|topic| {
                let of_topic = |figures: TopicFigures| {
                    let held = figures.partitions.values().map(|it| it.end - it.start);
                    format!("{topic} with {}", records(held.sum()))
                };
                figures(dir, topic).map_or_else(|| topic.clone(), of_topic)
            });
            format!("delete {}?", described.collect::<Vec<_>>().join(" and "))
        }))
    }
}

/// Deletes topics, and tells what that removes.
///
/// # Errors
/// When there is no such topic, or the disk refuses; the topics before it are deleted then.
pub fn run(
    dir: &Path,
    wanted: &Wanted,
    wait: WaitOptions,
    table: &mut Table,
) -> anyhow::Result<Status> {
    for topic in &wanted.topic {
        // One that cannot be read can be deleted all the same.
        let figures = figures(dir, topic);
        match wanted.consent.dry_run {
            true => drop(Store::open(dir)?.settings(topic)?),
            // Each takes the lock: another process may have it in between.
            false => wait.retry_or_tell(|| Ok(Store::open(dir)?.delete(topic)?))?,
        }
        for (number, held) in figures.iter().flat_map(|figures| &figures.partitions) {
            table.row(&[
                ("topic", json!(topic)),
                ("partition", json!(number)),
                ("records", json!(held.end - held.start)),
                ("bytes", json!(held.bytes)),
                ("done", json!(wanted.consent.done())),
            ]);
        }
    }
    Ok(Status::Done)
}

/// What a topic holds; none if that cannot be read.
fn figures(dir: &Path, topic: &String) -> Option<TopicFigures> {
    let mut figures = Store::open(dir).ok()?.figures(std::slice::from_ref(topic)).ok()?;
    figures.topics.pop()
}
