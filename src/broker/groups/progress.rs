//! What is told of groups: how far each is in its topics, and what a reset has moved.

use super::GroupState;
use crate::api::error::{Code, ErrorBody};
use crate::api::groups::{GroupEntry, Moved, Progress, Reset, ResetDone};
use crate::api::reading::ByPartition;
use crate::log::{Bounds, LogError};

/// How far a group is in a topic, of which `bounds` tells what its partitions hold.
pub fn entry(group: &str, state: GroupState, bounds: Result<Vec<Bounds>, LogError>) -> GroupEntry {
    let mut partitions: ByPartition<Progress> = ByPartition::new();
    for (&number, &member) in &state.readers {
        partitions.entry(number).or_default().member = Some(member);
    }
    for (&number, &offset) in &state.committed {
        partitions.entry(number).or_default().committed = Some(offset);
    }
    let error = match bounds {
        Ok(bounds) => {
            for held in bounds {
                let progress = partitions.entry(held.partition).or_default();
                (progress.start, progress.end) = (Some(held.start), Some(held.end));
            }
            None
        }
        Err(error) => Some(ErrorBody::from(error)),
    };
    if error.as_ref().is_some_and(|error| error.code == Code::NotPermitted) {
        partitions.clear();
    }
    GroupEntry {
        group: group.to_owned(),
        topic: state.topic,
        generation: state.generation,
        members: state.members,
        partitions,
        error,
    }
}

/// What a reset did, or would do, where this was committed before.
pub fn moved(reset: Reset, before: &ByPartition<u64>) -> ResetDone {
    let moved = |(number, to)| (number, Moved { from: before.get(&number).copied(), to });
    ResetDone {
        group: reset.group,
        topic: reset.topic,
        partitions: reset.offsets.into_iter().map(moved).collect(),
        dry_run: reset.dry_run,
    }
}
