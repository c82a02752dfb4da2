//! Figures of all topics and groups, asked for once a second.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::api::groups::{GroupEntry, Reset};
use crate::api::reading::ByPartition;
use crate::api::stats::{self, TopicFigures};
use crate::cmd::place::{Place, at};
use crate::store::Store;
use crate::time::timestamp::show_us;
use crate::tui::Data;
use crate::tui::Resetting;
use crate::tui::overview::{Figures, GroupRow, Stored, TopicRow};

/// How often figures are asked for.
const ASKED_EVERY: Duration = Duration::from_secs(1);

/// How much longer it is waited than asking took: where that is much, it is asked less often.
const WAITED_TIMES: u32 = 50;

/// What the figures are now, of these topics or of all.
///
/// # Errors
/// When there is no log, or it cannot be read.
pub fn figures(dir: &Path, topics: &[String], begin: Instant) -> anyhow::Result<Figures> {
    let found = Store::open(dir)?.figures(topics)?;
    let at_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    let topics = found.topics.iter().map(topic).collect();
    Ok(Figures { at_ms, topics, groups: found.groups.iter().map(group).collect() })
}

/// Tells the figures of these topics or of all, until nobody hears them, and sets the offsets of
/// groups.
pub fn run(
    dir: &Path,
    topics: &[String],
    resets: &Receiver<Resetting>,
    tell: impl Fn(Data) -> bool,
) {
    let begin = Instant::now();
    loop {
        let asked_at = Instant::now();
        let data = match figures(dir, topics, begin) {
            Ok(figures) => Some(Data::Figures(figures)),
            // Who reads the records of a topic says why they cannot be read.
            Err(_) if !topics.is_empty() => None,
            Err(error) => Some(Data::Refused(format!("{error:#}"))),
        };
        if data.is_some_and(|data| !tell(data)) {
            return;
        }
        let wait = ASKED_EVERY.max(asked_at.elapsed().saturating_mul(WAITED_TIMES));
        match resets.recv_timeout(wait) {
            Ok(resetting) => {
                let said = match reset(dir, &resetting) {
                    Ok(()) => Data::Done(format!("{} resumes there", resetting.group)),
                    Err(error) => Data::Refused(format!("{error:#}")),
                };
                if !tell(said) {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn topic(found: &TopicFigures) -> TopicRow {
    let held = || found.partitions.values();
    let oldest = held().filter_map(|held| held.first_append_us).min().map(show_us);
    let newest = held().filter_map(|held| held.last_append_us).max().map(show_us);
    let damaged = held().any(|held| held.damaged).then(|| "it is damaged".to_owned());
    TopicRow {
        name: found.topic.clone(),
        stored: Stored {
            partitions: found.partitions.len() as u64,
            segments: held().map(|held| held.segments).sum(),
            bytes: held().map(|held| held.bytes).sum(),
            fsync: found.fsync.clone(),
            unsynced: found.unsynced(),
        },
        records: held().map(|held: &stats::PartitionFigures| held.end - held.start).sum(),
        appended: held().map(|held| held.end).sum(),
        oldest,
        newest,
        fault: found.error.as_ref().map(ToString::to_string).or(damaged),
    }
}

fn group(found: &GroupEntry) -> GroupRow {
    let lags: Vec<u64> = found.partitions.values().filter_map(|progress| progress.lag()).collect();
    GroupRow {
        group: found.group.clone(),
        topic: found.topic.clone(),
        members: found.members.len() as u64,
        committed: found.partitions.values().filter_map(|progress| progress.committed).sum(),
        lag: (!lags.is_empty()).then(|| lags.iter().sum()),
        fault: found.error.as_ref().map(ToString::to_string),
    }
}

/// Sets the offsets of a group in all partitions of a topic.
fn reset(dir: &Path, wanted: &Resetting) -> anyhow::Result<()> {
    let place: Place = wanted.to.parse().map_err(anyhow::Error::msg)?;
    let mut reader = Store::open(dir)?.reader(&wanted.topic)?;
    let partitions: Vec<u32> = (0..reader.partitions()).collect();
    let found = reader.find(&partitions, at(place, "the place", &partitions)?)?;
    let mut offsets = ByPartition::new();
    for (partition, held) in found {
        let offset = if let Place::Offset(offset) = place { offset } else { held.at };
        if !(held.start..=held.end).contains(&offset) {
            anyhow::bail!("partition {partition} has the offsets {} to {}", held.start, held.end);
        }
        offsets.insert(partition, offset);
    }
    let (group, topic) = (wanted.group.clone(), wanted.topic.clone());
    Store::open(dir)?.reset(Reset { group, topic, offsets, dry_run: false })?;
    Ok(())
}
