//! Requests of those who read: records, and places in a topic.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number for each partition: offsets, mostly.
pub type ByPartition<T> = BTreeMap<u32, T>;

/// See [`Request::Fetch`](super::request::Request::Fetch).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// Where from.
    pub topic: String,
    /// The one partition to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// Where to begin in it; where to begin in all of them if no partition is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Position>,
    /// The partitions to read, each with where to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offsets: Option<ByPartition<Position>>,
    /// For each partition the offset to stop before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub until: ByPartition<u64>,
    /// Whether to wait for records that are not there yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follow: bool,
    /// Whether to go on with partitions that are added to the topic, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub added: bool,
    /// Whether to tell when the records were appended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub batches: bool,
    /// Whether to send records as they stand in the files, without checking their checksums.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unverified: bool,
    /// Whether runs of records may come as files: the client takes their descriptors.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub files: bool,
    /// Whether the client lends a pipe, whose descriptor comes with the request: what it follows
    /// may be written there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pipe: bool,
}

/// See [`Request::Written`](super::request::Request::Written).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// How many records of the fetch came over the connection and are in the pipe.
    pub records: u64,
}

/// See [`Request::Offsets`](super::request::Request::Offsets).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offsets {
    /// Of which topic.
    pub topic: String,
    /// Of which partitions; all if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<Vec<u32>>,
    /// The place to look for.
    #[serde(default)]
    pub at: At,
}

/// A place in a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// Where each partition begins.
    #[default]
    Start,
    /// Where each partition ends.
    End,
    /// The first record appended at or after this time, in microseconds since the epoch.
    TimeUs(i64),
    /// Where to begin to read the last so many records of the partitions together.
    Last(u64),
}

/// Where to begin in a partition: a number, or a word in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// Where the partition begins.
    #[default]
    Start,
    /// Where the partition ends.
    End,
    /// This offset.
    Offset(u64),
}

impl Fetch {
    /// Fields that make no sense together.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let single = self.partition.is_some() || self.offset.is_some();
        if self.pipe && !self.follow {
            return Some("`pipe` needs `follow`");
        }
        if self.added && !self.follow {
            return Some("`added` needs `follow`");
        }
        if self.added && !self.until.is_empty() {
            return Some("`added` has no end, and excludes `until`");
        }
        (self.offsets.is_some() && single).then_some("`offsets` replaces `partition` and `offset`")
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Position::Start => serializer.serialize_str("start"),
            Position::End => serializer.serialize_str("end"),
            Position::Offset(offset) => serializer.serialize_u64(*offset),
        }
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Position, D::Error> {
        deserializer.deserialize_any(PositionVisitor)
    }
}

struct PositionVisitor;

impl Visitor<'_> for PositionVisitor {
    type Value = Position;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("an offset, \"start\" or \"end\"")
    }

    fn visit_u64<E: de::Error>(self, offset: u64) -> Result<Position, E> {
        Ok(Position::Offset(offset))
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Position, E> {
        match word {
            "start" => Ok(Position::Start),
            "end" => Ok(Position::End),
            _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
        }
    }
}
