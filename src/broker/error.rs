//! What can go wrong in the service, and what is said of it: one enum, and one table from errors to
//! codes.

use std::io;
use std::path::PathBuf;

use super::idle::is_shortage;
use super::limits::{BAD_RECORDS_LISTED_MAX, size};
use crate::api::error::{Code, ErrorBody};
use crate::log::LogError;

/// An error of the service.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages are the documentation.
pub enum Error {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("{0}")]
    BadRequest(String),
    #[error("an append of {bytes} bytes; the maximum is {most} (--max-append)")]
    AppendTooLarge { bytes: u64, most: u64 },
    #[error("a connection appends under at most {most} names (--max-names)")]
    TooManyNames { most: usize },
    #[error(
        "{topic}: another connection appends as producer {producer}; try again when it has ended"
    )]
    ProducerInUse { topic: String, producer: String },
    #[error("{}: cannot read the free space: {error}", dir.display())]
    UnknownSpace { dir: PathBuf, error: io::Error },
    #[error("{}: {} are free, and log-serve keeps {} free (--min-free); free some space, or lower a topic's retention", dir.display(), size(*free), size(*kept))]
    LowSpace { dir: PathBuf, free: u64, kept: u64 },
    #[error(
        "{group}/{topic}: partition {partition} is not assigned to this member; nothing was committed"
    )]
    NotAssigned { group: String, topic: String, partition: u32 },
    #[error("{group}/{topic}: the group has {}; stop reading first", counted(*members))]
    GroupInUse { group: String, topic: String, members: usize },
    #[error("an internal error of log-serve")]
    Internal,
}

fn counted(members: usize) -> String {
    if members == 1 { "a member".to_owned() } else { format!("{members} members") }
}

impl Error {
    /// What kind of error it is, for programs.
    pub fn code(&self) -> Code {
        match self {
            Error::Log(error) => code_of(error),
            Error::BadRequest(_) => Code::BadRequest,
            Error::AppendTooLarge { .. } | Error::TooManyNames { .. } => Code::TooLarge,
            Error::ProducerInUse { .. } => Code::ProducerInUse,
            Error::UnknownSpace { .. } | Error::Internal => Code::Io,
            Error::LowSpace { .. } => Code::FullDisk,
            Error::NotAssigned { .. } => Code::NotAssigned,
            Error::GroupInUse { .. } => Code::GroupInUse,
        }
    }
}

impl From<Error> for ErrorBody {
    fn from(error: Error) -> ErrorBody {
        match error {
            Error::Log(error) => error.into(),
            other => ErrorBody::new(other.code(), other.to_string()),
        }
    }
}

impl From<LogError> for ErrorBody {
    fn from(error: LogError) -> ErrorBody {
        let mut body = ErrorBody::new(code_of(&error), error.to_string());
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
}

fn code_of(error: &LogError) -> Code {
    match error {
        LogError::Io { error, .. } => match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::FullDisk,
            _ => Code::Io,
        },
        LogError::Locked { .. } | LogError::ForeignLog { .. } | LogError::NoLog { .. } => Code::Io,
        LogError::UnknownTopic { .. } => Code::UnknownTopic,
        LogError::TopicExists { .. } | LogError::NameTaken { .. } => Code::TopicExists,
        LogError::BadTopicName { .. } => Code::BadTopicName,
        LogError::BadGroupName { .. } => Code::BadGroupName,
        LogError::StaleGeneration { .. } => Code::StaleGeneration,
        LogError::NotPermitted { .. } => Code::NotPermitted,
        LogError::BadSettings { .. } => Code::BadSettings,
        LogError::UnknownPartition { .. } => Code::UnknownPartition,
        LogError::OffsetOutOfRange { .. } => Code::OffsetOutOfRange,
        LogError::BatchTooLarge { .. } | LogError::TooManyKeys { .. } => Code::TooLarge,
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
            assert_eq!(ErrorBody::from(error), ErrorBody::new(code, message));
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
        assert_eq!(ErrorBody::from(gap(Some(3))).held, Some(Some(3)));
        assert_eq!(ErrorBody::from(gap(None)).held, Some(None));
        let bad = |record| BadRecord { record, why: "w".to_owned() };
        let records = (0..70_000).map(bad).collect();
        let listed = ErrorBody::from(LogError::BadRecords { records }).records;
        assert_eq!(listed.len(), BAD_RECORDS_LISTED_MAX);
        assert_eq!(listed.last().map(|bad| bad.record), Some(65_535));
    }

    #[test]
    fn the_services_own_errors_have_codes() {
        let text = || "x".to_owned();
        for (error, code, message) in [
            (Error::BadRequest(text()), Code::BadRequest, "x"),
            (
                Error::GroupInUse { group: text(), topic: text(), members: 2 },
                Code::GroupInUse,
                "x/x: the group has 2 members; stop reading first",
            ),
            (
                Error::LowSpace { dir: "d".into(), free: 0, kept: 1024 },
                Code::FullDisk,
                "d: 0 bytes are free, and log-serve keeps 1.0 KiB free (--min-free); free some \
                 space, or lower a topic's retention",
            ),
        ] {
            assert_eq!(ErrorBody::from(error), ErrorBody::new(code, message));
        }
    }
}
