//! The log's errors as the protocol tells them.

use std::io;

use super::idle::is_shortage;
use super::limits::BAD_RECORDS_LISTED_MAX;
use crate::api::error::{Code, ErrorBody};
use crate::log::LogError;

/// What a client is told of an error.
pub fn body(error: LogError) -> ErrorBody {
    let mut body = ErrorBody::new(code(&error), error.to_string());
    if is_shortage(&error) {
        body.message += "; raise log-serve's limit of open files (ulimit -n; LimitNOFILE=)";
    }
    match error {
        LogError::BadRecords { records } => {
            body.records = records;
            body.records.truncate(BAD_RECORDS_LISTED_MAX);
        }
        LogError::SequenceGap { held, .. } => body.held = Some(held),
        _ => {}
    }
    body
}

/// What a client is told of an append that is chained to one that failed.
pub fn chain_broken(topic: &str) -> ErrorBody {
    body(LogError::ChainBroken { topic: topic.to_owned() })
}

fn code(error: &LogError) -> Code {
    match error {
        LogError::Io { error, .. } => match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::FullDisk,
            _ => Code::Io,
        },
        LogError::Locked { .. } | LogError::ForeignLog { .. } | LogError::NoLog { .. } => Code::Io,
        LogError::UnknownTopic { .. } => Code::UnknownTopic,
        LogError::TopicExists { .. } => Code::TopicExists,
        LogError::BadTopicName { .. } => Code::BadTopicName,
        LogError::BadGroupName { .. } => Code::BadGroupName,
        LogError::StaleGeneration { .. } => Code::StaleGeneration,
        LogError::NotPermitted { .. } => Code::NotPermitted,
        LogError::BadSettings { .. } => Code::BadSettings,
        LogError::UnknownPartition { .. } => Code::UnknownPartition,
        LogError::OffsetOutOfRange { .. } => Code::OffsetOutOfRange,
        LogError::BatchTooLarge { .. } => Code::TooLarge,
        LogError::BadRecords { .. } => Code::BadRecords,
        LogError::SequenceGap { .. } => Code::SequenceGap,
        LogError::ChainBroken { .. } => Code::ChainBroken,
        LogError::Damaged { .. } | LogError::BadFile { .. } => Code::Damaged,
        LogError::Poisoned { .. } => Code::ClosedToAppends,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::error::BadRecord;
    use std::path::Path;

    #[test]
    fn the_kind_of_a_failure_is_kept() {
        let at = |kind: io::ErrorKind| LogError::io(Path::new("d"), kind.into());
        let topic = || "t".to_owned();
        for (error, code) in [
            (at(io::ErrorKind::StorageFull), Code::FullDisk),
            (at(io::ErrorKind::QuotaExceeded), Code::FullDisk),
            (at(io::ErrorKind::PermissionDenied), Code::Io),
            (LogError::Poisoned { topic: topic(), why: topic() }, Code::ClosedToAppends),
            (LogError::BatchTooLarge { bytes: 9 }, Code::TooLarge),
        ] {
            let message = error.to_string();
            assert_eq!(body(error), ErrorBody::new(code, message));
        }
    }

    #[test]
    fn what_belongs_to_an_error_goes_with_it() {
        let gap = |held| LogError::SequenceGap {
            topic: "t".to_owned(),
            producer: "p".to_owned(),
            held,
            after: 5,
        };
        assert_eq!(body(gap(Some(3))).held, Some(Some(3)));
        assert_eq!(body(gap(None)).held, Some(None));
        let bad = |record| BadRecord { record, why: "w".to_owned() };
        let records = (0..70_000).map(bad).collect();
        let listed = body(LogError::BadRecords { records }).records;
        assert_eq!(listed.len(), BAD_RECORDS_LISTED_MAX);
        assert_eq!(listed.last().map(|bad| bad.record), Some(65_535));
    }
}
