//! The log's errors as the protocol tells them.

use std::io;

use super::limits::BAD_RECORDS_LISTED_MAX;
use crate::log::LogError;
use crate::wire::answer::{BadRecord, Code, ErrorBody};

/// What a client is told of an error.
pub fn body(error: LogError) -> ErrorBody {
    let mut body = ErrorBody::new(code(&error), error.to_string());
    match error {
        LogError::BadRecords { records } => {
            let listed = records.into_iter().take(BAD_RECORDS_LISTED_MAX);
            body.records =
                listed.map(|bad| BadRecord { record: bad.record, why: bad.why }).collect();
        }
        LogError::SequenceGap { held, .. } => body.held = Some(held),
        _ => {}
    }
    body
}

fn code(error: &LogError) -> Code {
    match error {
        LogError::Io { error, .. } => match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::FullDisk,
            _ => Code::Io,
        },
        LogError::Locked { .. } | LogError::NoLog { .. } => Code::Io,
        LogError::UnknownTopic { .. } => Code::UnknownTopic,
        LogError::TopicExists { .. } => Code::TopicExists,
        LogError::BadTopicName { .. } => Code::BadTopicName,
        LogError::BadSettings { .. } => Code::BadSettings,
        LogError::UnknownPartition { .. } => Code::UnknownPartition,
        LogError::OffsetOutOfRange { .. } => Code::OffsetOutOfRange,
        LogError::BatchTooLarge { .. } => Code::TooLarge,
        LogError::BadRecords { .. } => Code::BadRecords,
        LogError::SequenceGap { .. } => Code::SequenceGap,
        LogError::Damaged { .. } => Code::Damaged,
        LogError::Poisoned { .. } => Code::ClosedToAppends,
    }
}
