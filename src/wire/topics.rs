//! Requests about topics as a whole: made, altered, described, trimmed, deleted, listed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// See [`Request::Create`](super::request::Request::Create).
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

/// See [`Request::Alter`](super::request::Request::Alter).
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

/// A topic by its name; see [`Request::Describe`] and [`Request::Delete`].
///
/// [`Request::Describe`]: super::request::Request::Describe
/// [`Request::Delete`]: super::request::Request::Delete
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Which topic.
    pub topic: String,
}

/// See [`Request::Trim`](super::request::Request::Trim).
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
}

/// See [`Request::Compact`](super::request::Request::Compact).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compact {
    /// Which topic.
    pub topic: String,
    /// Whether to close the active segments first, so that their records are compacted, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub close: bool,
}

/// See [`Request::Topics`](super::request::Request::Topics).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {}

impl Trim {
    /// Fields that make no sense together.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        match (self.offset, self.time_us) {
            (Some(_), None) | (None, Some(_)) => None,
            _ => Some("`trim` needs `offset` or `time_us`, one of them"),
        }
    }
}
