//! A log as its users see it, through the daemon where one listens, else by its files:
//! [`Store::open`] is the one place that decides.
//!
//! Nothing here writes to a terminal or ends a process: what ends a wait is the caller's
//! ([`Watch`]), and so is what becomes of an [`Error`].
//!
//! - `topics`, `groups`, `stats`: the operations on topics, groups and figures.
//! - [`appender`]: writing to one topic; [`wanted`]: what it must be like; `new_topic`: one that
//!   does not exist yet; [`placed`]: where records were put. [`appenders`]: writing to several
//!   topics.
//! - [`reader`]: reading one topic; `unserved`: from the files; `served`: through the daemon, and
//!   `lent_output`: where that writes what is read by itself.
//! - [`member`]: reading one topic as a member of a consumer group.
//! - [`reconnect`]: waiting for a daemon that is being restarted; [`opening`]: the same while the
//!   log is opened. [`tries`]: how often to try.
//! - [`watch`]: what ends waits. [`error`]: what can go wrong.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::broker::{self, Access, Broker};
use crate::log::{Log, LogError};
use crate::wire::Client;

pub mod appender;
pub mod appenders;
pub mod error;
mod groups;
mod lent_output;
pub mod member;
mod new_topic;
pub mod opening;
pub mod placed;
pub mod reader;
pub mod reconnect;
mod served;
mod stats;
mod step;
mod topics;
pub mod tries;
mod unserved;
pub mod wanted;
pub mod watch;

pub use appender::Appender;
pub use appenders::Appenders;
pub use error::{AppendError, Error};
pub use member::Member;
pub use new_topic::Created;
pub use opening::Opening;
pub use placed::Placed;
pub use reader::{Manner, Reader, Reading};
pub use step::Step;
pub use topics::{Broken, Listed};
pub use tries::Tries;
pub use wanted::Wanted;
pub use watch::{News, Watch};

/// A log.
pub enum Store {
    /// By the daemon that serves it.
    Served {
        /// The connection to it.
        client: Box<Client>,
        /// The log's directory.
        dir: PathBuf,
    },
    /// By its files.
    Embedded {
        /// The log's directory.
        dir: PathBuf,
    },
}

impl Store {
    /// Opens the log in `dir`, which need not exist: through the daemon where one listens, else by
    /// its files.
    ///
    /// # Errors
    /// When it cannot be told whether a daemon listens, or we are not permitted to connect.
    pub fn open(dir: &Path) -> Result<Store, Error> {
        let client = Client::connect(dir)?;
        let dir = dir.to_owned();
        Ok(match client {
            Some(client) => Store::Served { client: Box::new(client), dir },
            None => Store::Embedded { dir },
        })
    }

    /// From now on a daemon has so long for an answer, which is not zero.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn limit_waits(&mut self, time: Duration) -> io::Result<()> {
        match self {
            Store::Served { client, .. } => client.limit_waits(time),
            Store::Embedded { .. } => Ok(()),
        }
    }

    /// Whether a daemon serves it.
    pub fn is_served(&self) -> bool {
        matches!(self, Store::Served { .. })
    }
}

/// Carries out an operation on the files of a log that must exist, under its lock.
fn embedded<T>(
    dir: &Path,
    operate: impl FnOnce(&Broker, &Access) -> Result<T, broker::Error>,
) -> Result<T, Error> {
    if !dir.join("topics").is_dir() {
        return Err(LogError::NoLog { path: dir.to_owned() }.into());
    }
    embedded_new(dir, operate)
}

/// The same on a log that is created if it does not exist.
fn embedded_new<T>(
    dir: &Path,
    operate: impl FnOnce(&Broker, &Access) -> Result<T, broker::Error>,
) -> Result<T, Error> {
    let broker = Broker::new(Log::open(dir)?, broker::Limits::default());
    let done = operate(&broker, &Access::of_owner())?;
    broker.close()?;
    Ok(done)
}
