//! What is said of a request that failed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::reading::ByPartition;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ErrorBody {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
    /// With [`Code::BadRecords`]: which, and why; the first of them if they are very many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<BadRecord>,
    /// With [`Code::SequenceGap`]: where the log has the producer, if anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub held: Option<Option<u64>>,
    /// With [`Code::ShuttingDown`], to one who follows: where to go on in each partition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub offsets: ByPartition<u64>,
}

/// A record that the log refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRecord {
    /// Which record of the batch, counted from 0.
    pub record: u64,
    /// What is wrong with it.
    pub why: String,
}

/// What went wrong, for programs (`docs/PROTOCOL.md`, "Errors").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The document says what each means.
pub enum Code {
    BadRequest,
    UnsupportedVersion,
    TooLarge,
    UnknownTopic,
    TopicExists,
    BadTopicName,
    BadSettings,
    NotPermitted,
    UnknownPartition,
    OffsetOutOfRange,
    BadRecords,
    SequenceGap,
    ChainBroken,
    BadGroupName,
    NotAMember,
    StaleGeneration,
    NotAssigned,
    GroupInUse,
    ProducerInUse,
    Damaged,
    ClosedToAppends,
    Io,
    FullDisk,
    TimedOut,
    TooManyConnections,
    ShuttingDown,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Code {
    /// All codes that this version knows.
    pub const ALL: [Code; 26] = [
        Code::BadRequest,
        Code::UnsupportedVersion,
        Code::TooLarge,
        Code::UnknownTopic,
        Code::TopicExists,
        Code::BadTopicName,
        Code::BadSettings,
        Code::NotPermitted,
        Code::UnknownPartition,
        Code::OffsetOutOfRange,
        Code::BadRecords,
        Code::SequenceGap,
        Code::ChainBroken,
        Code::BadGroupName,
        Code::NotAMember,
        Code::StaleGeneration,
        Code::NotAssigned,
        Code::GroupInUse,
        Code::ProducerInUse,
        Code::Damaged,
        Code::ClosedToAppends,
        Code::Io,
        Code::FullDisk,
        Code::TimedOut,
        Code::TooManyConnections,
        Code::ShuttingDown,
    ];
}

impl ErrorBody {
    /// An error with nothing but its code and message.
    pub fn new(code: Code, message: impl Into<String>) -> ErrorBody {
        ErrorBody {
            code,
            message: message.into(),
            records: Vec::new(),
            held: None,
            offsets: ByPartition::new(),
        }
    }
}

/// Tells a field that is null from one that is not there.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_codes_are_listed() {
        assert!(Code::ALL.is_sorted(), "in the order of the enum, each once");
        assert_eq!(Code::ALL.len(), Code::Unknown as usize);
    }
}
