//! What can go wrong with a log, near or far.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::watch::shown;
use crate::api::error::{BadRecord, Code};
use crate::broker;
use crate::log::LogError;
use crate::wire::ClientError;
use crate::wire::address::SOCKET;

/// An error of a store.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages are the documentation.
pub enum Error {
    /// Of the files.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Of the service, where it works on the files.
    #[error(transparent)]
    Broker(broker::Error),
    /// Of the daemon, or of the connection to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Of a wait.
    #[error(transparent)]
    Wait(#[from] io::Error),
    /// Files that are followed cannot be watched.
    #[error("{}: {error}", path.display())]
    Follow { path: PathBuf, error: io::Error },
    /// The topic exists, and is not as wanted.
    #[error("{topic}: the topic already exists and has {what}")]
    NotAsWanted { topic: String, what: String },
    #[error(
        "{topic}: another process created the topic and appended as {name} meanwhile; run this again"
    )]
    Overtaken { topic: String, name: String },
    #[error("{group}: no such group")]
    NoGroup { group: String },
    #[error("{}: log-serve is gone, and was not started again within {}; start it", dir.join(SOCKET).display(), shown(*patience))]
    NotBack { dir: PathBuf, patience: Duration },
    #[error("{}: log-serve is gone, and a signal ended the wait for it; the data read last is not appended", dir.join(SOCKET).display())]
    GivenUp { dir: PathBuf },
    #[error("{}: log-serve was killed; how much it had written to the output itself is not known, so subscribe ends; with --reconnect D, log-serve does not write there, and subscribe continues", dir.display())]
    UnknownOutput { dir: PathBuf },
}

/// What an error says that there is none of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// A topic of this name.
    Topic(String),
    /// A consumer group of this name.
    Group(String),
}

/// Why a batch was not appended.
#[derive(Debug)]
pub enum AppendError {
    /// These records are bad; nothing was appended.
    Bad(Vec<BadRecord>),
    /// A batch before this one was refused, so nothing of this one was appended.
    Behind,
    /// Anything else.
    Other(Error),
}

impl From<broker::Error> for Error {
    fn from(error: broker::Error) -> Error {
        match error {
            broker::Error::Log(error) => Error::Log(error),
            error => Error::Broker(error),
        }
    }
}

impl Error {
    /// The error of the daemon or of the connection to it, if it is one.
    pub(super) fn of_client(&self) -> Option<&ClientError> {
        match self {
            Error::Client(error) => Some(error),
            _ => None,
        }
    }

    /// The topic or group of which it says that there is none.
    pub fn unknown(&self) -> Option<Unknown> {
        match self {
            Error::NoGroup { group } => Some(Unknown::Group(group.clone())),
            Error::Log(LogError::UnknownTopic { topic }) => Some(Unknown::Topic(topic.clone())),
            // The message begins with what it is about.
            Error::Client(ClientError::Refused(why)) if why.code == Code::UnknownTopic => {
                let (topic, _) = why.message.split_once(':')?;
                Some(Unknown::Topic(topic.to_owned()))
            }
            _ => None,
        }
    }

    /// Whether it only says that the daemon is gone, or is about to go.
    pub fn is_gone(&self) -> bool {
        self.of_client().is_some_and(ClientError::is_gone)
    }

    /// Whether it only says that the wait for the daemon was ended.
    pub fn is_interrupted(&self) -> bool {
        self.of_client().is_some_and(ClientError::is_interrupted)
    }

    /// Whether a request was sent and not answered by a daemon that is gone: it may have been
    /// carried out or not.
    pub fn is_in_doubt(&self) -> bool {
        self.of_client().is_some_and(ClientError::is_in_doubt)
    }

    /// Whether the same may succeed later: the log had no room, or could not write.
    pub fn may_pass(&self) -> bool {
        let code = match self {
            Error::Log(LogError::Io { .. } | LogError::Locked { .. }) => return true,
            Error::Client(ClientError::Refused(why)) => why.code,
            Error::Broker(error) => error.code(),
            _ => return false,
        };
        matches!(
            code,
            Code::Io
                | Code::FullDisk
                | Code::ClosedToAppends
                | Code::TimedOut
                | Code::TooManyConnections
                | Code::ShuttingDown
        )
    }

    /// Whether another process does the same now.
    pub fn is_busy(&self) -> bool {
        match self {
            Error::Log(LogError::Locked { .. }) => true,
            Error::Client(ClientError::Refused(why)) => why.code == Code::ProducerInUse,
            _ => false,
        }
    }

    /// Whether the topic, or all of the log, is not there.
    pub fn is_missing(&self) -> bool {
        match self {
            Error::Log(LogError::UnknownTopic { .. } | LogError::NoLog { .. }) => true,
            Error::Client(ClientError::Refused(why)) => why.code == Code::UnknownTopic,
            _ => false,
        }
    }

    /// Whether the topic is there, and is another than it should be.
    pub fn is_of_topic(&self) -> bool {
        match self {
            Error::NotAsWanted { .. } | Error::Overtaken { .. } => true,
            Error::Client(ClientError::Refused(why)) => why.code == Code::TopicExists,
            Error::Log(error) => matches!(error, LogError::TopicExists { .. }),
            _ => false,
        }
    }

    /// Whether an offset is not among those of its partition.
    pub fn is_out_of_range(&self) -> bool {
        match self {
            Error::Log(error) => matches!(error, LogError::OffsetOutOfRange { .. }),
            Error::Client(ClientError::Refused(why)) => why.code == Code::OffsetOutOfRange,
            _ => false,
        }
    }

    /// The directory of the log whose lock another process holds, if that is why.
    pub fn locked(&self) -> Option<&Path> {
        match self {
            Error::Log(LogError::Locked { path }) => Some(path),
            _ => None,
        }
    }
}
