//! Topics as a whole: created, altered, described, trimmed, compacted, deleted, listed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::ErrorBody;
use super::reading::ByPartition;

/// Creates a topic, unless it exists with the same settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// Its name.
    pub topic: String,
    /// How many partitions; one if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<u32>,
    /// The jq expression that places records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How large a segment grows, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment_bytes: Option<u64>,
    /// Other settings, by their names.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
}

/// Changes a topic's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alter {
    /// Which topic.
    pub topic: String,
    /// What to change, by the settings' names; null takes one back to its default.
    pub settings: Map<String, Value>,
    /// Whether to add partitions although records then change theirs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// A topic by its name: to be described, or deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Which topic.
    pub topic: String,
}

/// Gives a topic another name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// Which topic.
    pub topic: String,
    /// Its new name.
    pub to: String,
}

/// Removes a topic's old records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trim {
    /// Which topic.
    pub topic: String,
    /// Which partition; all if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// What lies before this offset may go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Or what was appended before this time, in microseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_us: Option<i64>,
    /// Whether only to tell where partitions would begin, and to remove nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

impl Trim {
    /// Fields that make no sense together.
    pub fn contradiction(&self) -> Option<&'static str> {
        match (self.offset, self.time_us) {
            (Some(_), None) | (None, Some(_)) => None,
            _ => Some("`trim` needs `offset` or `time_us`, one of them"),
        }
    }
}

/// Removes the records of a topic that have a later one of their key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compact {
    /// Which topic.
    pub topic: String,
    /// Whether to close the active segments first, so that their records are compacted, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub close: bool,
}

/// Lists the topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {}

/// A topic that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: u32,
    /// The jq expression that places its records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// In a list, in place of a key that is longer than a topic is given now: how long it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_bytes: Option<u64>,
}

/// A topic's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// Which topic.
    pub topic: String,
    /// Its settings, by their names.
    pub settings: Map<String, Value>,
}

/// A topic of a list, or why it cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TopicEntry {
    /// A topic that can be used.
    Open(Topic),
    /// One that cannot.
    Broken {
        /// Its name.
        topic: String,
        /// Why not.
        error: ErrorBody,
    },
}

impl TopicEntry {
    /// The topic's name.
    pub fn into_name(self) -> String {
        match self {
            TopicEntry::Open(Topic { topic, .. }) | TopicEntry::Broken { topic, .. } => topic,
        }
    }
}

/// What compacting a topic removed; see [`Compact`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compacted {
    /// Of which topic.
    pub topic: String,
    /// Of each partition.
    pub partitions: ByPartition<TakenAway>,
}

/// What compacting took away from a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenAway {
    /// From how many segments.
    pub segments: u64,
    /// How many records.
    pub records: u64,
    /// How many bytes.
    pub bytes: u64,
}
