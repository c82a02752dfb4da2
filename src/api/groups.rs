//! What is asked and said about consumer groups (`docs/PROTOCOL.md`, "Groups").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::ErrorBody;
use super::reading::{ByPartition, Position};

/// Makes the connection a member of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The group; it need not be there yet.
    pub group: String,
    /// The topic whose partitions its members share.
    pub topic: String,
    /// Where to begin in partitions in which the group has committed nothing; at their start if
    /// not said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub offsets: ByPartition<Position>,
    /// Where to go on if the records at a committed offset are gone; an error if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Edge>,
    /// Whether to wait for records that are not there yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follow: bool,
    /// Whether to tell when the records were appended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub batches: bool,
    /// Whether to send records as they stand in the files, without checking their checksums.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unverified: bool,
    /// Whether runs are to be long, one partition after the other, and not in the order of
    /// appending.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub runs: bool,
}

/// An end of what a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// The first record that is there.
    Start,
    /// Behind the last one.
    End,
}

/// Asks for the next run of records of the member's partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {}

/// Commits offsets for the member's group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The generation in which the partitions were assigned.
    pub generation: u64,
    /// For each partition the offset of the record that is to be read next.
    pub offsets: ByPartition<u64>,
}

/// Ends the membership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leave {}

/// Lists what groups have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Which group; all if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Commits offsets for a group without members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// For each partition the offset of the record that is to be read next.
    pub offsets: ByPartition<u64>,
    /// Whether only to tell what would be done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// Deletes a group without members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteGroup {
    /// The group.
    pub group: String,
}

/// A group that is gone; see [`DeleteGroup`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedGroup {
    /// The group.
    pub group: String,
    /// The topics in which it had committed something; none if there was no such group.
    pub topics: Vec<String>,
}

/// Which partitions a member reads from now on; see [`Join`] and [`Poll`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// The number of this member.
    pub member: u64,
    /// The generation to commit in.
    pub generation: u64,
    /// Its partitions, and where in them it goes on.
    pub offsets: ByPartition<u64>,
}

/// The offsets are durable; see [`Commit`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// The generation.
    pub generation: u64,
    /// What was committed.
    pub offsets: ByPartition<u64>,
}

/// The connection is no member any more; see [`Leave`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The group it was a member of.
    pub group: String,
    /// The topic.
    pub topic: String,
}

/// What a group has in one topic; see [`Groups`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEntry {
    /// The group.
    pub group: String,
    /// The topic; empty if what the group has cannot be read, which `error` then tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic: String,
    /// The current generation.
    pub generation: u64,
    /// Who reads.
    pub members: Vec<MemberEntry>,
    /// For each partition how far the group is.
    pub partitions: ByPartition<Progress>,
    /// Why the topic cannot be opened or must not be seen, or the group's file cannot be read;
    /// figures are then missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

impl GroupEntry {
    /// A group whose file cannot be read.
    pub fn broken(group: String, error: ErrorBody) -> GroupEntry {
        GroupEntry {
            group,
            topic: String::new(),
            generation: 0,
            members: Vec::new(),
            partitions: ByPartition::new(),
            error: Some(error),
        }
    }
}

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberEntry {
    /// Its number.
    pub member: u64,
    /// Its process, if the kernel tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
}

/// How far a group is in a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The member that reads it, if any does.
    pub member: Option<u64>,
    /// The committed offset, if one is committed.
    pub committed: Option<u64>,
    /// Where the partition begins, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Where the partition ends.
    pub end: Option<u64>,
}

impl Progress {
    /// How many records are to be read yet, those that are gone not counted; nothing where nothing
    /// is committed.
    pub fn lag(&self) -> Option<u64> {
        let from = self.committed?.max(self.start.unwrap_or_default());
        Some(self.end?.saturating_sub(from))
    }
}

/// What a reset did; see [`Reset`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetDone {
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// For each partition what was committed, and what is now.
    pub partitions: ByPartition<Moved>,
    /// Whether nothing was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A committed offset that was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// What it was, if there was one.
    pub from: Option<u64>,
    /// What it is.
    pub to: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_blank_where_nothing_is_committed() {
        let progress =
            |committed, start, end| Progress { member: None, committed, start, end }.lag();
        assert_eq!(progress(Some(3), Some(0), Some(5)), Some(2));
        assert_eq!(progress(None, Some(0), Some(5)), None);
        assert_eq!(progress(Some(3), None, None), None);
        // What was removed before it was read is not to be read any more.
        assert_eq!(progress(Some(3), Some(5), Some(5)), Some(0));
        assert_eq!(progress(Some(3), Some(4), Some(6)), Some(2));
    }
}
