//! Opening a topic to read it, which may not be there yet.

use std::time::Duration;

use super::Options;
use crate::cli::input::{StopReason, Watch};
use crate::cli::{Failure, Status};
use crate::cmd::reconnect;
use crate::store::{self, Reader, Store, Tries};

impl Options {
    /// For how long to try to open the topic.
    fn tries(&self) -> Tries {
        let asked = self.reconnect.asked().unwrap_or_default();
        Tries::within(if self.wait { Duration::MAX } else { asked })
    }

    /// The same error, with what helps one who follows a topic that is not there yet.
    fn with_remedy(&self, error: anyhow::Error) -> anyhow::Error {
        let is_missing = error.downcast_ref::<store::Error>().is_some_and(store::Error::is_missing);
        if !self.follow || self.wait || !is_missing {
            return error;
        }
        let why = format!("{error:#}; --wait waits until it is there");
        Failure::new(Status::of(&error), why).into()
    }
}

/// Opens the topic; where the user asks for it, waits until it is there, or there is no need to.
///
/// # Errors
/// When it cannot be opened in that time.
pub fn open(
    options: &Options,
    topic: &str,
    watch: &Watch,
) -> anyhow::Result<Result<Reader, StopReason>> {
    open_within(options, topic, watch, options.tries())
}

/// The same; `tries` says how long to wait.
///
/// # Errors
/// As [`open`].
pub fn open_within(
    options: &Options,
    topic: &str,
    watch: &Watch,
    mut tries: Tries,
) -> anyhow::Result<Result<Reader, StopReason>> {
    let dir = options.data.dir()?;
    loop {
        let opened = Store::open(&dir).and_then(|store| store.reader_heeding(topic, watch));
        let error: anyhow::Error = match opened {
            Ok(reader) => return Ok(Ok(reader)),
            Err(error) => error.into(),
        };
        let Some(pause) = tries.next_pause().filter(|_| may_come(&error)) else {
            return Err(options.with_remedy(error));
        };
        if let Some(halt) = watch.pause(pause)? {
            return Ok(Err(halt));
        }
    }
}

/// Whether what is missing may come: a log, a topic, a daemon.
pub fn may_come(error: &anyhow::Error) -> bool {
    reconnect::is_gone(error) || Status::of(error) == Status::Unavailable
}
