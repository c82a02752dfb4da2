//! What a client may ask, and reading it from its line.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::frame::{explain, write_line};
use crate::api::appending::{Append, Keep, Producer, Producers};
use crate::api::groups::{Commit, DeleteGroup, Groups, Join, Leave, Poll, Reset};
use crate::api::reading::{Fetch, Offsets};
use crate::api::stats::Stats;
use crate::api::topics::{Alter, Compact, Create, Named, Rename, Topics, Trim};

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
    /// Gives a topic another name.
    Rename(Rename),
    /// Removes a topic's old records.
    Trim(Trim),
    /// Removes the records of a topic that have a later one of their key.
    Compact(Compact),
    /// Lists the topics.
    Topics(Topics),
    /// Appends records, whose bytes follow.
    Append(Append),
    /// Appends what comes by a pipe, whose descriptor comes along.
    Lend(Named),
    /// Reads records.
    Fetch(Fetch),
    /// Tells, while a fetch follows, how much is in the pipe that was lent.
    Written(Written),
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
    /// Deletes a group without members.
    DeleteGroup(DeleteGroup),
    /// Asks for figures.
    Stats(Stats),
    /// Takes a producer's name for this connection, and tells where the producer stands.
    Producer(Producer),
    /// Tells where producers stand.
    Producers(Producers),
    /// Says that sources are there, so that they are not forgotten.
    Keep(Keep),
}

/// See [`Request::Hello`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The version of the protocol.
    pub version: u32,
}

/// See [`Request::Written`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// How many records of the fetch came over the connection and are in the pipe.
    pub records: u64,
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
            Request::Append(append) => append.contradiction(),
            Request::Trim(trim) => trim.contradiction(),
            Request::Fetch(fetch) => fetch.contradiction(),
            _ => None,
        }
    }
}

/// Finds out what follows a line that is not a request: `bytes` means the same in every frame.
fn refuse(line: &[u8], error: &serde_json::Error) -> BadRequest {
    const SHAPE: &str = "a request is a JSON object with one key, its name";
    let why = explain(error);
    let shapeless = |why| BadRequest { why, bytes: None };
    if serde_json::from_slice::<IgnoredAny>(line).is_err() {
        return shapeless(format!("{SHAPE}: {why}"));
    }
    let Ok(Pairs(frame)) = serde_json::from_slice::<Pairs<Value>>(line) else {
        return shapeless(SHAPE.to_owned());
    };
    let [(name, _)] = &frame[..] else { return shapeless(SHAPE.to_owned()) };
    // Twice `bytes`: nobody can tell which of the two is meant.
    let bytes = match serde_json::from_slice::<Pairs<Pairs<Value>>>(line) {
        Ok(Pairs(frame)) => {
            let fields = frame.iter().flat_map(|(_, Pairs(fields))| fields);
            let lengths: Vec<_> = fields.filter(|(field, _)| field == "bytes").collect();
            match lengths[..] {
                [] => (name != "append").then_some(0),
                [(_, length)] => length.as_u64(),
                _ => None,
            }
        }
        Err(_) => (name != "append").then_some(0),
    };
    BadRequest { why, bytes }
}

/// An object with all its keys, also those that come twice.
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs<T>, D::Error> {
        struct Collect<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Collect<T> {
            type Value = Pairs<T>;

            fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Collect(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::appending::Unique;
    use crate::api::reading::{At, Position};
    use proptest::prelude::*;
    use serde_json::Map;
    use std::collections::BTreeMap;

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
            (Request::Lend(Named { topic: topic() }), r#"{"lend":{"topic":"t"}}"#),
            (Request::Written(Written { records: 3 }), r#"{"written":{"records":3}}"#),
            (
                Request::Fetch(Fetch {
                    topic: topic(),
                    follow: true,
                    pipe: true,
                    ..Fetch::default()
                }),
                r#"{"fetch":{"topic":"t","follow":true,"pipe":true}}"#,
            ),
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
                    chained: true,
                    unique: None,
                }),
                r#"{"append":{"topic":"t","bytes":3,"producer":"p","after":0,"sequence":18446744073709551615,"chained":true}}"#,
            ),
            (
                Request::Append(Append {
                    topic: topic(),
                    bytes: 3,
                    unique: Some(Unique {
                        key: ".id".to_owned(),
                        within_ms: Some(9),
                        last: None,
                        max: Some(5),
                    }),
                    ..Append::default()
                }),
                r#"{"append":{"topic":"t","bytes":3,"unique":{"key":".id","within_ms":9,"max":5}}}"#,
            ),
            (
                Request::Fetch(Fetch {
                    topic: topic(),
                    partition: Some(1),
                    offset: Some(Position::Offset(7)),
                    follow: true,
                    batches: true,
                    unverified: true,
                    ..Fetch::default()
                }),
                r#"{"fetch":{"topic":"t","partition":1,"offset":7,"follow":true,"batches":true,"unverified":true}}"#,
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
                Request::Producer(Producer {
                    topic: topic(),
                    name: "p".to_owned(),
                    release: false,
                }),
                r#"{"producer":{"topic":"t","name":"p"}}"#,
            ),
            (
                Request::Producer(Producer { topic: topic(), name: "p".to_owned(), release: true }),
                r#"{"producer":{"topic":"t","name":"p","release":true}}"#,
            ),
            (
                Request::Producers(Producers { topic: topic(), ..Producers::default() }),
                r#"{"producers":{"topic":"t"}}"#,
            ),
            (
                Request::Producers(Producers {
                    topic: topic(),
                    prefix: "file:".to_owned(),
                    after: "file:1".to_owned(),
                }),
                r#"{"producers":{"topic":"t","prefix":"file:","after":"file:1"}}"#,
            ),
            (
                Request::Keep(Keep { topic: topic(), names: vec!["file:1".to_owned()] }),
                r#"{"keep":{"topic":"t","names":["file:1"]}}"#,
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
            (r#"{"append":{"topic":"t","bytes":3,"unique":{"key":".","last":0}}}"#, "no record"),
            (r#"{"append":{"topic":"t","bytes":3,"unique":{"kay":"."}}}"#, "`kay`"),
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
            (r#"{"append":{"topic":"t","bytes":3},"append":{"topic":"t","bytes":4}}"#, None),
            (r#"{"topics":{},"topics":{}}"#, None),
            (r#"{"append":{"topic":"t","bytes":3,"bytes":4}}"#, None),
            (r#"{"append":{"topic":"t","topic":"t","bytes":3}}"#, Some(3)),
            (r#"{"tide":{"bytes":5,"bytes":5}}"#, None),
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

        /// A fraction among the settings is the nearest float each time it is read.
        #[test]
        fn a_fraction_reads_the_same_after_it_was_written(digits in "[1-9][0-9]{0,24}", exponent in -40..40) {
            let line = format!(r#"{{"create":{{"topic":"t","settings":{{"x":{digits}.5e{exponent}}}}}}}"#);
            let request = Request::parse(line.as_bytes()).unwrap();
            let mut out = Vec::new();
            request.write(&mut out);
            prop_assert_eq!(Request::parse(&out), Ok(request));
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
