//! What a client may ask, and reading it from its line.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::groups::{Commit, Groups, Join, Leave, Poll, Reset};

/// A number for each partition: offsets, mostly.
pub type ByPartition<T> = BTreeMap<u32, T>;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Names the version of the protocol that the client speaks.
    Hello(Hello),
    /// Makes a topic.
    Create(Create),
    /// Changes a topic's settings.
    Alter(Alter),
    /// Tells a topic's settings.
    Describe(Named),
    /// Removes a topic with all its records.
    Delete(Named),
    /// Removes a topic's old records.
    Trim(Trim),
    /// Removes the records of a topic that have a later one of their key.
    Compact(Compact),
    /// Lists the topics.
    Topics(Topics),
    /// Appends records, whose bytes follow.
    Append(Append),
    /// Reads records.
    Fetch(Fetch),
    /// Tells where partitions begin and end, and where in them a place is.
    Offsets(Offsets),
    /// Makes the connection a member of a group.
    Join(Join),
    /// Asks for the next run of records of the member's partitions.
    Poll(Poll),
    /// Commits offsets for the member's group.
    Commit(Commit),
    /// Ends the membership.
    Leave(Leave),
    /// Lists what groups have.
    Groups(Groups),
    /// Commits offsets for a group without members.
    Reset(Reset),
    /// Takes a producer's name for this connection, and tells where the producer stands.
    Producer(Producer),
}

/// See [`Request::Hello`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The version of the protocol.
    pub version: u32,
}

/// See [`Request::Create`].
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

/// See [`Request::Alter`].
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Which topic.
    pub topic: String,
}

/// See [`Request::Trim`].
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

/// See [`Request::Compact`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compact {
    /// Which topic.
    pub topic: String,
    /// Whether to close the active segments first, so that their records are compacted, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub close: bool,
}

/// See [`Request::Topics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {}

/// See [`Request::Append`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Append {
    /// Where to.
    pub topic: String,
    /// How many bytes of records follow the line.
    pub bytes: u64,
    /// Who appends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// Where the producer stood before this batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Where the producer stands after this batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
}

/// See [`Request::Fetch`].
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
    /// Whether to tell when the records were appended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub batches: bool,
}

/// See [`Request::Offsets`].
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

/// See [`Request::Producer`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Producer {
    /// In which topic.
    pub topic: String,
    /// Its name.
    pub name: String,
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

/// A line that is not a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct BadRequest {
    /// What is wrong with it, for a person.
    pub why: String,
    /// How many bytes of records follow it all the same; `None` if nobody can tell, so that
    /// nothing behind it can be read.
    pub bytes: Option<u64>,
}

impl Request {
    /// Reads a request from its line.
    ///
    /// # Errors
    /// When it is not one, with what is known about where the next one begins.
    pub fn parse(line: &[u8]) -> Result<Request, BadRequest> {
        match serde_json::from_slice::<Request>(line) {
            Ok(request) => match request.contradiction() {
                None => Ok(request),
                Some(why) => {
                    Err(BadRequest { why: why.to_owned(), bytes: Some(request.payload_bytes()) })
                }
            },
            Err(error) => Err(refuse(line, &error)),
        }
    }

    /// Appends the request's line to `out`, LF included.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_line(self, out);
    }

    /// How many bytes of records follow the line.
    pub fn payload_bytes(&self) -> u64 {
        match self {
            Request::Append(append) => append.bytes,
            _ => 0,
        }
    }

    /// Fields that make no sense together.
    fn contradiction(&self) -> Option<&'static str> {
        match self {
            Request::Append(append) => match (&append.producer, append.sequence, append.after) {
                (Some(_), None, _) => Some("`producer` needs `sequence`"),
                (None, Some(_), _) => Some("`sequence` needs `producer`"),
                (None, None, Some(_)) => Some("`after` needs `producer` and `sequence`"),
                _ => None,
            },
            Request::Trim(trim) => match (trim.offset, trim.time_us) {
                (Some(_), None) | (None, Some(_)) => None,
                _ => Some("`trim` needs `offset` or `time_us`, one of them"),
            },
            Request::Fetch(fetch) if fetch.offsets.is_some() => (fetch.partition.is_some()
                || fetch.offset.is_some())
            .then_some("`offsets` stands in place of `partition` and `offset`"),
            _ => None,
        }
    }
}

/// Appends `frame` as a line.
pub(super) fn write_line(frame: &impl Serialize, out: &mut Vec<u8>) {
    // Maps with integer keys and plain structures: writing them to memory has no way to fail.
    let _ = serde_json::to_writer(&mut *out, frame);
    out.push(b'\n');
}

/// What a JSON error says, its place given as a byte of the line.
pub(super) fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    match error.column() {
        0 => what.to_owned(),
        column => format!("{what} at byte {column}"),
    }
}

/// Finds out what follows a line that is not a request: `bytes` means the same in every frame.
fn refuse(line: &[u8], error: &serde_json::Error) -> BadRequest {
    const SHAPE: &str = "a request is a JSON object with one key, its name";
    let why = explain(error);
    let frame = match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(frame)) if frame.len() == 1 => frame,
        Ok(_) => return BadRequest { why: SHAPE.to_owned(), bytes: None },
        Err(_) => return BadRequest { why: format!("{SHAPE}: {why}"), bytes: None },
    };
    let bytes = frame.iter().next().and_then(|(name, fields)| match fields.get("bytes") {
        Some(bytes) => bytes.as_u64(),
        None => (name != "append").then_some(0),
    });
    BadRequest { why, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn forms() -> Vec<(Request, &'static str)> {
        let topic = || "t".to_owned();
        vec![
            (Request::Hello(Hello { version: 1 }), r#"{"hello":{"version":1}}"#),
            (
                Request::Create(Create { topic: topic(), ..Create::default() }),
                r#"{"create":{"topic":"t"}}"#,
            ),
            (
                Request::Create(Create {
                    topic: topic(),
                    partitions: Some(2),
                    key: Some(".a".to_owned()),
                    segment_bytes: Some(9),
                    settings: Map::new(),
                }),
                r#"{"create":{"topic":"t","partitions":2,"key":".a","segment_bytes":9}}"#,
            ),
            (
                Request::Alter(Alter {
                    topic: topic(),
                    settings: Map::from_iter([("retention_ms".to_owned(), Value::Null)]),
                    force: true,
                }),
                r#"{"alter":{"topic":"t","settings":{"retention_ms":null},"force":true}}"#,
            ),
            (Request::Describe(Named { topic: topic() }), r#"{"describe":{"topic":"t"}}"#),
            (Request::Delete(Named { topic: topic() }), r#"{"delete":{"topic":"t"}}"#),
            (
                Request::Trim(Trim { topic: topic(), offset: Some(3), ..Trim::default() }),
                r#"{"trim":{"topic":"t","offset":3}}"#,
            ),
            (
                Request::Compact(Compact { topic: topic(), close: true }),
                r#"{"compact":{"topic":"t","close":true}}"#,
            ),
            (Request::Topics(Topics {}), r#"{"topics":{}}"#),
            (
                Request::Append(Append { topic: topic(), bytes: 3, ..Append::default() }),
                r#"{"append":{"topic":"t","bytes":3}}"#,
            ),
            (
                Request::Append(Append {
                    topic: topic(),
                    bytes: 3,
                    producer: Some("p".to_owned()),
                    after: Some(0),
                    sequence: Some(u64::MAX),
                }),
                r#"{"append":{"topic":"t","bytes":3,"producer":"p","after":0,"sequence":18446744073709551615}}"#,
            ),
            (
                Request::Fetch(Fetch {
                    topic: topic(),
                    partition: Some(1),
                    offset: Some(Position::Offset(7)),
                    follow: true,
                    batches: true,
                    ..Fetch::default()
                }),
                r#"{"fetch":{"topic":"t","partition":1,"offset":7,"follow":true,"batches":true}}"#,
            ),
            (
                Request::Fetch(Fetch {
                    topic: topic(),
                    offsets: Some(BTreeMap::from([
                        (10, Position::Start),
                        (2, Position::End),
                        (3, Position::Offset(0)),
                    ])),
                    until: BTreeMap::from([(10, 5)]),
                    ..Fetch::default()
                }),
                r#"{"fetch":{"topic":"t","offsets":{"2":"end","3":0,"10":"start"},"until":{"10":5}}}"#,
            ),
            (
                Request::Offsets(Offsets {
                    topic: topic(),
                    partitions: Some(vec![1]),
                    at: At::TimeUs(-5),
                }),
                r#"{"offsets":{"topic":"t","partitions":[1],"at":{"time_us":-5}}}"#,
            ),
            (
                Request::Producer(Producer { topic: topic(), name: "p".to_owned() }),
                r#"{"producer":{"topic":"t","name":"p"}}"#,
            ),
            (
                Request::Offsets(Offsets { topic: topic(), partitions: None, at: At::Last(5) }),
                r#"{"offsets":{"topic":"t","at":{"last":5}}}"#,
            ),
        ]
    }

    #[test]
    fn the_written_form_is_fixed() {
        for (request, text) in forms() {
            let mut out = Vec::new();
            request.write(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), format!("{text}\n"));
            assert_eq!(Request::parse(text.as_bytes()), Ok(request));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, part) in [
            (r#"{"append":{"topic":"t","bytes":3,"colour":1}}"#, "`colour`"),
            (r#"{"tide":{}}"#, "`tide`"),
            (r#"{"topics":{"x":1}}"#, "`x`"),
            (r#"{"fetch":{}}"#, "`topic`"),
            (r#"{"fetch":{"topic":"t","offset":"middle"}}"#, "\"start\""),
            (r#"{"fetch":{"topic":"t","offsets":{},"partition":0}}"#, "`offsets`"),
            (r#"{"append":{"topic":"t","bytes":3,"producer":"p"}}"#, "`sequence`"),
            (r#"{"append":{"topic":"t","bytes":3,"sequence":1}}"#, "`producer`"),
            (r#"{"append":{"topic":"t","bytes":3,"after":1}}"#, "`after`"),
            (r#"{"hello":{"version":1}}x"#, "one key"),
            (r#"{"topics":{},"hello":{}}"#, "one key"),
        ] {
            let why = Request::parse(line.as_bytes()).unwrap_err().why;
            assert!(why.contains(part), "{line}: {why}");
            assert!(!why.contains("line 1"), "{why}");
        }
    }

    #[test]
    fn where_the_next_request_begins_is_known_as_far_as_can_be() {
        for (line, bytes) in [
            (r#"{"append":{"topic":"t","bytes":3,"colour":1}}"#, Some(3)),
            (r#"{"append":{"topic":"t","bytes":3,"after":1}}"#, Some(3)),
            (r#"{"tide":{"bytes":5}}"#, Some(5)),
            (r#"{"tide":[]}"#, Some(0)),
            (r#"{"topics":null}"#, Some(0)),
            (r#"{"append":{"topic":"t"}}"#, None),
            (r#"{"append":{"topic":"t","bytes":-3}}"#, None),
            (r#"{"append":{"topic":"t","bytes":3.5}}"#, None),
            (r#"{"append":30}"#, None),
            (r#"{"a":{},"b":{}}"#, None),
            ("[]", None),
            ("help", None),
            ("{\"tide\":\"\u{0}\"}", None),
        ] {
            assert_eq!(Request::parse(line.as_bytes()).unwrap_err().bytes, bytes, "{line}");
        }
        assert_eq!(Request::parse(b"{\"tide\":\"\xff\"}").unwrap_err().bytes, None);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Request::parse(&bytes);
        }

        /// One byte of a request changed: it is read or refused, and what is read is written back
        /// as something that reads the same.
        #[test]
        fn a_changed_byte_is_read_or_refused(which in 0..11_usize, at in 0..100_usize, byte in any::<u8>()) {
            let mut line = forms()[which].1.as_bytes().to_vec();
            let at = at % line.len();
            line[at] = byte;
            if let Ok(request) = Request::parse(&line) {
                let mut out = Vec::new();
                request.write(&mut out);
                prop_assert_eq!(Request::parse(&out), Ok(request));
            }
        }
    }
}
