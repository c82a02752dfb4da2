//! What the daemon says, and reading it from its line.

use serde::{Deserialize, Serialize};

use super::frame::{explain, write_line};
use crate::api::appending::{Appended, Standing, Standings};
use crate::api::error::ErrorBody;
use crate::api::groups::{Assigned, Committed, DeletedGroup, GroupEntry, Left, ResetDone};
use crate::api::reading::{Chunk, Fetched, FileRun, Places};
use crate::api::stats::Figures;
use crate::api::topics::{Compacted, Described, Named, Rename, Topic, TopicEntry};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Which version of the protocol the daemon speaks.
    Hello(Greeting),
    /// The topic is there.
    Created(Topic),
    /// The topic's settings after the change.
    Altered(Described),
    /// The topic's settings.
    Described(Described),
    /// The topic is gone.
    Deleted(Named),
    /// The topic has its new name.
    Renamed(Rename),
    /// Where the partitions now begin.
    Trimmed(Fetched),
    /// What compacting took away.
    Compacted(Compacted),
    /// All topics.
    Topics(Vec<TopicEntry>),
    /// The records are durable.
    Appended(Appended),
    /// A pipe is lent no longer; what was read from it and not appended follows.
    Returned(Returned),
    /// A run of records, whose bytes follow.
    Records(Chunk),
    /// A run of records, to be read from a file.
    File(FileRun),
    /// A fetch is complete.
    Fetched(Fetched),
    /// Where the partitions begin and end.
    Offsets(Places),
    /// Which partitions a member of a group reads from now on.
    Assigned(Assigned),
    /// The offsets of a group are durable.
    Committed(Committed),
    /// The connection is no member any more.
    Left(Left),
    /// What groups have.
    Groups(Vec<GroupEntry>),
    /// What a reset did.
    Reset(ResetDone),
    /// The group is gone.
    DeletedGroup(DeletedGroup),
    /// Figures for operators.
    Stats(Box<Figures>),
    /// The name is this connection's.
    Producer(Standing),
    /// Where producers stand.
    Producers(Standings),
    /// The sources are not forgotten.
    Kept(Named),
    /// The request failed.
    Error(ErrorBody),
}

/// See [`Answer::Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The version of the protocol.
    pub version: u32,
    /// The program and its version, for people.
    pub server: String,
}

/// See [`Answer::Returned`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Which topic its records went to.
    pub topic: String,
    /// How many bytes follow that were read and not appended.
    pub bytes: u64,
}

impl Answer {
    /// Reads an answer from its line.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(line: &[u8]) -> Result<Answer, String> {
        serde_json::from_slice(line).map_err(|error| explain(&error))
    }

    /// Appends the answer's line to `out`, LF included.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_line(self, out);
    }

    /// How many bytes of records follow the line.
    pub fn payload_bytes(&self) -> u64 {
        match self {
            Answer::Records(records) => records.bytes,
            Answer::Returned(returned) => returned.bytes,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::appending::Stands;
    use crate::api::error::{BadRecord, Code};
    use crate::api::reading::{BatchSpan, FileBatch, Place};
    use crate::api::topics::TakenAway;

    fn error(code: Code) -> ErrorBody {
        ErrorBody::new(code, "m")
    }

    #[test]
    fn the_written_form_is_fixed() {
        let topic = || "t".to_owned();
        let forms = [
            (
                Answer::Hello(Greeting { version: 1, server: "s".to_owned() }),
                r#"{"hello":{"version":1,"server":"s"}}"#,
            ),
            (
                Answer::Created(Topic {
                    topic: topic(),
                    partitions: 2,
                    key: None,
                    key_bytes: None,
                }),
                r#"{"created":{"topic":"t","partitions":2}}"#,
            ),
            (
                Answer::Topics(vec![
                    TopicEntry::Open(Topic {
                        topic: topic(),
                        partitions: 2,
                        key: Some(".k".to_owned()),
                        key_bytes: None,
                    }),
                    TopicEntry::Broken { topic: topic(), error: error(Code::Damaged) },
                ]),
                r#"{"topics":[{"topic":"t","partitions":2,"key":".k"},{"topic":"t","error":{"code":"damaged","message":"m"}}]}"#,
            ),
            (
                Answer::Appended(Appended {
                    topic: topic(),
                    records: 2,
                    skipped: 1,
                    offsets: BTreeMap::from([(10, 1), (9, 0)]),
                    counts: BTreeMap::from([(9, 1), (10, 1)]),
                    sequence: Some(7),
                    duplicate: true,
                }),
                r#"{"appended":{"topic":"t","records":2,"skipped":1,"offsets":{"9":0,"10":1},"counts":{"9":1,"10":1},"sequence":7,"duplicate":true}}"#,
            ),
            (
                Answer::Records(Chunk {
                    partition: 1,
                    offset: 2,
                    records: 3,
                    bytes: 4,
                    end: 5,
                    batches: vec![BatchSpan { records: 3, bytes: 4, time_us: 6 }],
                }),
                r#"{"records":{"partition":1,"offset":2,"records":3,"bytes":4,"end":5,"batches":[{"records":3,"bytes":4,"time_us":6}]}}"#,
            ),
            (
                Answer::File(FileRun {
                    partition: 1,
                    offset: 2,
                    records: 3,
                    end: 5,
                    passed: true,
                    position: 7,
                    batches: vec![FileBatch { records: 3, bytes: 4, time_us: 6, crc: 8 }],
                }),
                r#"{"file":{"partition":1,"offset":2,"records":3,"end":5,"passed":true,"position":7,"batches":[{"records":3,"bytes":4,"time_us":6,"crc":8}]}}"#,
            ),
            (
                Answer::Fetched(Fetched { topic: topic(), offsets: BTreeMap::from([(0, 1)]) }),
                r#"{"fetched":{"topic":"t","offsets":{"0":1}}}"#,
            ),
            (
                Answer::Offsets(Places {
                    topic: topic(),
                    partitions: BTreeMap::from([(0, Place { start: 1, end: 3, at: 2 })]),
                }),
                r#"{"offsets":{"topic":"t","partitions":{"0":{"start":1,"end":3,"at":2}}}}"#,
            ),
            (
                Answer::Compacted(Compacted {
                    topic: topic(),
                    partitions: BTreeMap::from([(
                        1,
                        TakenAway { segments: 2, records: 3, bytes: 4 },
                    )]),
                }),
                r#"{"compacted":{"topic":"t","partitions":{"1":{"segments":2,"records":3,"bytes":4}}}}"#,
            ),
            (
                Answer::Returned(Returned { topic: topic(), bytes: 3 }),
                r#"{"returned":{"topic":"t","bytes":3}}"#,
            ),
            (
                Answer::Producer(Standing { topic: topic(), name: "p".to_owned(), sequence: None }),
                r#"{"producer":{"topic":"t","name":"p","sequence":null}}"#,
            ),
            (
                Answer::Producers(Standings {
                    topic: topic(),
                    producers: vec![Stands { name: "p".to_owned(), sequence: 7, time_us: Some(9) }],
                }),
                r#"{"producers":{"topic":"t","producers":[{"name":"p","sequence":7,"time_us":9}]}}"#,
            ),
            (Answer::Kept(Named { topic: topic() }), r#"{"kept":{"topic":"t"}}"#),
            (
                Answer::Error(ErrorBody {
                    records: vec![BadRecord { record: 0, why: "w".to_owned() }],
                    ..error(Code::BadRecords)
                }),
                r#"{"error":{"code":"bad_records","message":"m","records":[{"record":0,"why":"w"}]}}"#,
            ),
            (
                Answer::Error(ErrorBody { held: Some(None), ..error(Code::SequenceGap) }),
                r#"{"error":{"code":"sequence_gap","message":"m","held":null}}"#,
            ),
            (
                Answer::Error(ErrorBody { held: Some(Some(4)), ..error(Code::SequenceGap) }),
                r#"{"error":{"code":"sequence_gap","message":"m","held":4}}"#,
            ),
            (
                Answer::Error(ErrorBody {
                    offsets: BTreeMap::from([(0, 7)]),
                    ..error(Code::ShuttingDown)
                }),
                r#"{"error":{"code":"shutting_down","message":"m","offsets":{"0":7}}}"#,
            ),
        ];
        for (answer, text) in forms {
            let mut out = Vec::new();
            answer.write(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), format!("{text}\n"));
            assert_eq!(Answer::parse(text.as_bytes()), Ok(answer));
        }
    }

    #[test]
    fn a_later_version_may_say_more() {
        let answer = Answer::parse(br#"{"created":{"topic":"t","partitions":2,"colour":"red"}}"#);
        let topic = Topic { topic: "t".to_owned(), partitions: 2, key: None, key_bytes: None };
        assert_eq!(answer, Ok(Answer::Created(topic)));
        let answer = Answer::parse(br#"{"error":{"code":"high_tide","message":"m"}}"#);
        assert_eq!(answer, Ok(Answer::Error(error(Code::Unknown))));
        assert!(Answer::parse(br#"{"tide":{}}"#).unwrap_err().contains("`tide`"));
    }
}
