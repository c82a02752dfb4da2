//! Why a request to the daemon did not succeed, as its client sees it.

use std::io;
use std::path::PathBuf;

use crate::api::error::{Code, ErrorBody};

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The socket cannot be connected to, or failed.
    #[error("{}: {error}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The daemon is gone.
    #[error("{}: log-serve closed the connection{}", path.display(), doubt(*unanswered))]
    Closed {
        /// The socket.
        path: PathBuf,
        /// Whether it had not answered a request that it may have carried out or not.
        unanswered: bool,
    },
    /// We were told to stop while the daemon did not answer; nothing more can be asked of it.
    #[error("{}: log-serve does not answer, and a signal ended the wait for it", path.display())]
    Interrupted {
        /// The socket.
        path: PathBuf,
    },
    /// The daemon refused.
    #[error(transparent)]
    Refused(#[from] ErrorBody),
    /// The daemon said something that is not an answer to this request.
    #[error("{}: log-serve's answer is invalid: {why}; use log-serve of the same version", path.display())]
    Garbled {
        /// The socket.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

fn doubt(unanswered: bool) -> &'static str {
    if unanswered { "; it is not known whether unanswered requests were carried out" } else { "" }
}

impl ClientError {
    /// The same, of a request that changes nothing.
    pub(super) fn harmless(self) -> ClientError {
        match self {
            ClientError::Closed { path, .. } => ClientError::Closed { path, unanswered: false },
            error => error,
        }
    }

    /// Whether it only says that we were told to stop.
    pub fn is_interrupted(&self) -> bool {
        matches!(self, ClientError::Interrupted { .. })
    }

    /// Whether a request was sent and not answered by a daemon that is gone: it may have been
    /// carried out or not.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, ClientError::Closed { unanswered: true, .. })
    }

    /// Whether the daemon is gone, or about to go: another one may come.
    pub fn is_gone(&self) -> bool {
        match self {
            ClientError::Closed { .. } => true,
            ClientError::Refused(why) => why.code == Code::ShuttingDown,
            _ => false,
        }
    }
}
