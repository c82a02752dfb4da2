//! Reading a topic as a member of a consumer group, which only a daemon has.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use super::error::Error;
use super::reconnect::{self, Waited, heed_with_grace};
use super::tries::Tries;
use super::watch::Watch;
use crate::api::error::Code;
use crate::api::groups::{Assigned, Commit, Join};
use crate::api::reading::{Offsets, Places};
pub use crate::wire::client::Polled;
use crate::wire::{Client, ClientError};

/// A connection to the daemon that can take part in a group, for as long as it lasts.
#[derive(Debug)]
pub struct Member {
    client: Client,
}

impl Member {
    /// Connects to the daemon of `dir` as soon as there is one. Waits for its answers end soon
    /// after we are told to stop.
    ///
    /// # Errors
    /// When it cannot be told whether there is one, or we are not permitted to connect.
    pub fn connect<W: Watch>(
        dir: &Path,
        tries: &mut Tries,
        watch: &W,
    ) -> Result<Waited<W::Stop, Member>, Error> {
        Ok(match reconnect::connect(dir, tries, watch)? {
            Waited::Connected(client) => Waited::Connected(Member::over(client, watch)?),
            Waited::Stopped(stop) => Waited::Stopped(stop),
            Waited::NotInTime => Waited::NotInTime,
        })
    }

    /// Waits for the daemon of `dir`, which is gone, to come back, and resumes with a connection to
    /// it, as often as that breaks, which `is_gone` says.
    ///
    /// # Errors
    /// When none comes back in time; as [`Member::connect`]; or what `resume` fails with.
    pub fn resume<W: Watch, E: From<Error>>(
        dir: &Path,
        patience: Duration,
        watch: &W,
        is_gone: impl Fn(&E) -> bool,
        mut resume: impl FnMut(Member) -> Result<Option<W::Stop>, E>,
    ) -> Result<Option<W::Stop>, E> {
        reconnect::resume(dir, patience, watch, is_gone, |client| {
            resume(Member::over(client, watch)?)
        })
    }

    fn over<W: Watch>(mut client: Client, watch: &W) -> Result<Member, Error> {
        heed_with_grace(&mut client, watch)?;
        Ok(Member { client })
    }

    /// Where records of a topic are.
    ///
    /// # Errors
    /// When the daemon refuses it, or is gone.
    pub fn places(&mut self, offsets: Offsets) -> Result<Places, Error> {
        Ok(self.client.offsets(offsets)?)
    }

    /// Becomes a member of a group; gives what it reads.
    ///
    /// # Errors
    /// As [`Member::places`].
    pub fn join(&mut self, join: Join) -> Result<Assigned, Error> {
        Ok(self.client.join(join)?)
    }

    /// Asks for what comes next, which [`Member::next`] gives.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn poll(&mut self) -> Result<(), Error> {
        Ok(self.client.poll()?)
    }

    /// Whether an answer is there, so that it need not be waited for.
    pub fn has_answer(&mut self) -> bool {
        self.client.has_answer()
    }

    /// Waits for what was asked for; the records' lines replace `bytes`.
    ///
    /// # Errors
    /// As [`Member::places`].
    pub fn next(&mut self, bytes: &mut Vec<u8>) -> Result<Polled, Error> {
        Ok(self.client.next_polled(bytes)?)
    }

    /// Commits how far partitions have been processed. False if they have been shared out anew
    /// meanwhile: nothing is committed then.
    ///
    /// # Errors
    /// As [`Member::places`].
    pub fn commit(&mut self, commit: Commit) -> Result<bool, Error> {
        match self.client.commit(commit) {
            Ok(_) => Ok(true),
            Err(ClientError::Refused(why)) if why.code == Code::StaleGeneration => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// It can be read when an answer comes.
impl AsFd for Member {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.client.as_fd()
    }
}
