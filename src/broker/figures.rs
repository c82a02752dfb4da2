//! Figures for operators: of topics, of groups, and what the service counts.

use super::Broker;
use super::access::Access;
use super::error::Error;
use crate::api::error::ErrorBody;
use crate::api::groups::Groups;
use crate::api::reading::ByPartition;
use crate::api::stats::{Figures, Memory, PartitionFigures, Stats, Syncs, TopicFigures};
use crate::log::{LogError, PartitionStats};

impl Broker {
    /// Figures of topics and of groups.
    ///
    /// # Errors
    /// When the log cannot be read, or there is no topic of a name that is asked for.
    pub fn figures(&self, access: &Access, asked: &Stats) -> Result<Figures, Error> {
        let names = match &asked.topics {
            Some(names) => names.clone(),
            None => self.log.topic_names()?,
        };
        let mut topics = Vec::with_capacity(names.len());
        for name in names {
            topics.push(match self.look(access, &name) {
                Ok((reader, topic)) => {
                    let closed = topic.and_then(|topic| topic.closed());
                    let fsync = self.log.settings(&name).ok().map(|it| it.fsync.into());
                    let found = topic_figures(name, reader.partition_stats(), closed);
                    TopicFigures { fsync, ..found }
                }
                // Who asks for a topic by its name wants to know that there is none.
                Err(error @ LogError::UnknownTopic { .. }) if asked.topics.is_some() => {
                    return Err(error.into());
                }
                Err(error) => topic_figures(name, Err(error), None),
            });
        }
        let mut groups = self.groups(access, &Groups::default())?;
        groups.retain(|group| asked.topics.as_ref().is_none_or(|it| it.contains(&group.topic)));
        Ok(Figures { daemon: None, topics, groups })
    }

    /// The memory for appends in progress.
    pub fn memory(&self) -> Memory {
        let (held_bytes, waiting) = self.append_memory.used();
        Memory { held_bytes, limit_bytes: self.append_memory.bytes(), waiting }
    }

    /// How often files were fsynced, and how long that took.
    pub fn syncs(&self) -> Syncs {
        let syncs = self.log.syncs();
        Syncs {
            count: syncs.count,
            time_us: syncs.time_us,
            within_us: syncs.within_us.into_iter().collect(),
        }
    }
}

/// What there is of a topic, from what its partitions hold and why it takes no appends; but for
/// its settings.
pub fn topic_figures(
    topic: String,
    partition_stats: Result<Vec<PartitionStats>, LogError>,
    closed: Option<LogError>,
) -> TopicFigures {
    let partition_stats = match partition_stats {
        Ok(partition_stats) => partition_stats,
        Err(error) => {
            let damaged = matches!(error, LogError::Damaged { .. });
            let error = ErrorBody::from(error);
            let closed = closed.map(ErrorBody::from).or_else(|| damaged.then(|| error.clone()));
            let partitions = ByPartition::new();
            let fsync = None;
            return TopicFigures { topic, fsync, partitions, closed, error: Some(error) };
        }
    };
    let damaged = match &closed {
        Some(LogError::Damaged { partition, .. }) => Some(*partition),
        _ => None,
    };
    let damage = partition_stats.iter().find_map(|held| {
        let (why, partition) = (held.damage.clone()?, held.partition);
        Some(LogError::Damaged { topic: topic.clone(), partition, offset: held.end, why })
    });
    let figures = |held: PartitionStats| PartitionFigures {
        start: held.start,
        end: held.end,
        synced: held.synced,
        bytes: held.bytes,
        segments: held.segments,
        first_append_us: held.first_append_us,
        last_append_us: held.last_append_us,
        damaged: held.damage.is_some() || damaged == Some(held.partition),
    };
    let partitions =
        partition_stats.into_iter().map(|held| (held.partition, figures(held))).collect();
    let closed = closed.or(damage).map(ErrorBody::from);
    TopicFigures { topic, fsync: None, partitions, closed, error: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::error::Code;

    fn held(partition: u32, damage: Option<&str>) -> PartitionStats {
        PartitionStats {
            partition,
            start: 1,
            end: 3,
            synced: Some(3),
            bytes: 4,
            segments: 1,
            first_append_us: Some(4),
            last_append_us: Some(5),
            damage: damage.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_wrong_is_told_of_the_topic_and_of_the_partition() {
        let name = || "t".to_owned();
        let well = topic_figures(name(), Ok(vec![held(0, None)]), None);
        assert!(well.closed.is_none() && !well.partitions[&0].damaged);
        let by_files = topic_figures(name(), Ok(vec![held(0, None), held(1, Some("w"))]), None);
        assert_eq!(by_files.closed.map(|closed| closed.code), Some(Code::Damaged));
        assert!(!by_files.partitions[&0].damaged && by_files.partitions[&1].damaged);
        let damaged = LogError::Damaged { topic: name(), partition: 0, offset: 1, why: name() };
        let by_writer = topic_figures(name(), Ok(vec![held(0, None)]), Some(damaged));
        assert!(by_writer.partitions[&0].damaged);
        let failed = LogError::Poisoned { topic: name(), why: name() };
        let closed = topic_figures(name(), Ok(vec![held(0, None)]), Some(failed));
        assert_eq!(closed.closed.map(|closed| closed.code), Some(Code::ClosedToAppends));
        let gone = LogError::UnknownTopic { topic: name() };
        let none = topic_figures(name(), Err(gone), None);
        assert!(none.partitions.is_empty() && none.error.is_some() && none.closed.is_none());
        let lost = LogError::Damaged { topic: name(), partition: 0, offset: 0, why: name() };
        assert!(topic_figures(name(), Err(lost), None).closed.is_some());
    }
}
