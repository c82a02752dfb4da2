//! Waiting for another process that writes the log.

use std::path::Path;
use std::time::Duration as StdDuration;

use clap::Args;

use crate::cli::{Failure, Status};
use crate::log::LogError;
use crate::store::watch::shown;
use crate::store::{self, Tries};
use crate::time::Duration;

/// How long another writer is waited for, unless the user says otherwise.
const WAIT: StdDuration = StdDuration::from_secs(5);

/// What a tool does while another process writes the log.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Log")]
pub struct WaitOptions {
    /// While another process writes the log, wait up to D for it to end; 0 does not wait [default:
    /// 5s]
    #[arg(hide_short_help = true)]
    #[arg(long, global = true, value_name = "D")]
    wait: Option<Duration>,
}

impl WaitOptions {
    /// Does what takes the lock of the log, again and again while another process holds it. Before
    /// each try `pause` waits as long as it is told; false ends the waiting, and there is no
    /// result.
    ///
    /// # Errors
    /// [`LogError::Locked`] when the lock was not free in time; whatever else `attempt` fails with.
    pub fn retry<T>(
        self,
        mut attempt: impl FnMut() -> anyhow::Result<T>,
        mut pause: impl FnMut(StdDuration) -> bool,
    ) -> anyhow::Result<Option<T>> {
        let mut tries = Tries::within(self.duration());
        loop {
            match attempt() {
                Err(error) if lock_of(&error).is_some() => match tries.next_pause() {
                    Some(time) if pause(time) => {}
                    Some(_) => return Ok(None),
                    None => return Err(error),
                },
                done => return done.map(Some),
            }
        }
    }

    /// The same for a tool that any signal ends while it waits, and that tells how long that was.
    ///
    /// # Errors
    /// As [`WaitOptions::retry`].
    pub fn retry_or_tell<T>(self, attempt: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let sleep = |time| {
            std::thread::sleep(time);
            true
        };
        match self.retry(attempt, sleep) {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(anyhow::anyhow!("stopped while another process writes the log")),
            Err(error) => Err(self.in_vain(error, "try again, or start log-serve to share it")),
        }
    }

    /// Says how long was waited in vain, and what to do now.
    pub fn in_vain(self, error: anyhow::Error, remedy: &str) -> anyhow::Error {
        match lock_of(&error) {
            Some(dir) if !self.duration().is_zero() => {
                let (dir, wait) = (dir.display(), shown(self.duration()));
                let why = format!(
                    "{dir}: another process writes this log, and did not end within {wait}; {remedy}"
                );
                Failure::new(Status::TryAgain, why).into()
            }
            _ => error,
        }
    }

    /// How long the user wants to wait; none if they have not said.
    pub fn asked(self) -> Option<StdDuration> {
        self.wait.map(Duration::to_std)
    }

    /// How long to wait for another process that writes the log.
    pub fn duration(self) -> StdDuration {
        self.wait.map_or(WAIT, Duration::to_std)
    }
}

/// The directory of the log whose lock somebody else holds, if the error says so.
fn lock_of(error: &anyhow::Error) -> Option<&Path> {
    match error.downcast_ref::<LogError>() {
        Some(LogError::Locked { path }) => Some(path),
        _ => error.downcast_ref::<store::Error>()?.locked(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked() -> anyhow::Error {
        LogError::Locked { path: "d".into() }.into()
    }

    #[test]
    fn the_lock_of_a_store_is_a_lock() {
        let locked = LogError::Locked { path: "d".into() };
        let error = anyhow::Error::from(store::Error::from(locked));
        assert_eq!(lock_of(&error), Some(Path::new("d")));
    }

    #[test]
    fn only_a_lock_is_waited_for() {
        let options = WaitOptions { wait: None };
        let mut left = 3;
        let attempt = || {
            left -= 1;
            if left > 0 { Err(locked()) } else { Ok(left) }
        };
        assert_eq!(options.retry(attempt, |_| true).unwrap(), Some(0));
        let fails = || -> anyhow::Result<()> { Err(anyhow::anyhow!("something else")) };
        assert!(options.retry(fails, |_| panic!("it waits")).is_err());
    }

    #[test]
    fn who_is_stopped_waits_no_longer() {
        let options = WaitOptions { wait: None };
        assert!(
            options.retry(|| -> anyhow::Result<()> { Err(locked()) }, |_| false).unwrap().is_none()
        );
    }

    #[test]
    fn the_message_tells_how_long() {
        let never = WaitOptions { wait: Some(Duration::default()) };
        let error = never.retry(|| -> anyhow::Result<()> { Err(locked()) }, |_| true).unwrap_err();
        assert!(never.in_vain(error, "").is::<LogError>());
        let usual = WaitOptions { wait: None };
        assert!(usual.in_vain(locked(), "try").to_string().contains("within 5s; try"));
    }
}
