//! Reading: what is asked for, the runs of records that come, and places in a topic.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::{repeat, repeat_n};

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number for each partition: offsets, mostly.
pub type ByPartition<T> = BTreeMap<u32, T>;

/// Reads records.
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

/// Asks where partitions begin and end, and where in them a place is.
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

/// A part of a partition to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The partition's number.
    pub partition: u32,
    /// The offset of the first record.
    pub from: u64,
    /// The offset behind the last record; `None` for as far as there are records.
    pub until: Option<u64>,
}

/// A run of records of one partition, whose bytes come beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The partition's number.
    pub partition: u32,
    /// The offset of the first record.
    pub offset: u64,
    /// How many records.
    pub records: u64,
    /// Their length in bytes, line ends included.
    pub bytes: u64,
    /// The offset before which the partition may be read at this time.
    pub end: u64,
    /// The batches that the records belong to; empty for a client that did not ask for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<BatchSpan>,
}

impl Chunk {
    /// When each of its records was appended, in µs since the epoch; 0 for those of which the
    /// batches say nothing. A batch may have no records here.
    pub fn append_times(&self) -> impl Iterator<Item = i64> + '_ {
        let count = |batch: &BatchSpan| usize::try_from(batch.records).unwrap_or(usize::MAX);
        let times =
            self.batches.iter().flat_map(move |batch| repeat_n(batch.time_us, count(batch)));
        times.chain(repeat(0))
    }

    /// Adds a record of so many bytes, line end included, which was appended at this time.
    pub fn add(&mut self, bytes: u64, time_us: i64) {
        self.records += 1;
        self.bytes += bytes;
        match self.batches.last_mut() {
            Some(batch) if batch.time_us == time_us => {
                batch.records += 1;
                batch.bytes += bytes;
            }
            _ => self.batches.push(BatchSpan { records: 1, bytes, time_us }),
        }
    }
}

/// What a chunk has of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSpan {
    /// How many records.
    pub records: u64,
    /// Their length in bytes, line ends included.
    pub bytes: u64,
    /// When they were appended, in µs since the epoch.
    pub time_us: i64,
}

/// A run of whole batches of one partition, to be read from a data file, where they follow each
/// other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRun {
    /// The partition's number.
    pub partition: u32,
    /// The offset of the first record.
    pub offset: u64,
    /// How many records.
    pub records: u64,
    /// The offset before which the partition may be read at this time.
    pub end: u64,
    /// Whether the file's descriptor comes beside this; else the file is that of the partition's
    /// run before.
    pub passed: bool,
    /// The position in the file at which the first record begins.
    pub position: u64,
    /// The batches.
    pub batches: Vec<FileBatch>,
}

/// A batch in a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBatch {
    /// How many records.
    pub records: u64,
    /// Their length in bytes, line ends included.
    pub bytes: u64,
    /// When they were appended, in µs since the epoch.
    pub time_us: i64,
    /// The CRC-32C of their bytes.
    pub crc: u32,
}

impl FileRun {
    /// The length of the records in bytes, line ends included.
    pub fn bytes(&self) -> u64 {
        self.batches.iter().map(|batch| batch.bytes).sum()
    }
}

/// Where to resume in a topic's partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// From where.
    pub topic: String,
    /// Where a next fetch goes on.
    pub offsets: ByPartition<u64>,
}

/// Places in a topic; see [`Offsets`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// Of which topic.
    pub topic: String,
    /// For each partition.
    pub partitions: ByPartition<Place>,
}

/// Where a partition begins and ends, and where the place asked for is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The first offset.
    pub start: u64,
    /// The offset behind the last record.
    pub end: u64,
    /// The place asked for.
    pub at: u64,
}

impl Fetch {
    /// Fields that make no sense together.
    pub fn contradiction(&self) -> Option<&'static str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_times_of_their_batches() {
        let batch = |records, time_us| BatchSpan { records, bytes: records * 2, time_us };
        let batches = vec![batch(0, 1), batch(2, 5), batch(0, 6), batch(1, 7), batch(0, 8)];
        let chunk = Chunk { records: 5, batches, ..Chunk::default() };
        let times: Vec<i64> = chunk.append_times().take(5).collect();
        assert_eq!(times, [5, 5, 7, 0, 0]);
        assert_eq!(Chunk::default().append_times().next(), Some(0));
    }
}
