//! What ends the waits of a store, and who hears of long ones. A tool has its signals and the
//! reader of its output; a screen has its keys.

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration as StdDuration;

use crate::time::Duration;
use crate::wire::address::SOCKET;
use crate::wire::interrupt::Interrupt;

/// What ends waits.
pub trait Watch {
    /// Why there is no need to wait any longer.
    type Stop;

    /// Whether there is no need to go on already.
    fn stopped(&self) -> Option<Self::Stop>;

    /// Waits until `source` has something to read, or until there is no need to read it.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    fn wait(&self, source: BorrowedFd<'_>) -> io::Result<Option<Self::Stop>>;

    /// Waits so long, or until there is no need to.
    ///
    /// # Errors
    /// When the kernel refuses to poll.
    fn pause(&self, time: StdDuration) -> io::Result<Option<Self::Stop>>;

    /// What ends waits for a daemon: it may take `grace` to answer once we are to stop.
    ///
    /// # Errors
    /// When the kernel has no file descriptor left.
    fn interrupt(&self, grace: StdDuration) -> io::Result<Interrupt>;

    /// Hears what a long wait is for.
    fn hear(&self, news: News<'_>);
}

/// What a wait is for, for people.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// The daemon of a directory is gone, and is waited for so long.
    Gone(&'a Path, StdDuration),
    /// It is there again.
    Back(&'a Path),
}

impl fmt::Display for News<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            News::Gone(dir, StdDuration::MAX) => write!(
                out,
                "{}: log-serve is gone; waiting for it to run again",
                dir.join(SOCKET).display()
            ),
            News::Gone(dir, patience) => write!(
                out,
                "{}: log-serve is gone; waiting up to {} for it to run again",
                dir.join(SOCKET).display(),
                shown(*patience)
            ),
            News::Back(dir) => {
                write!(out, "{}: log-serve is running again", dir.join(SOCKET).display())
            }
        }
    }
}

/// A time, as messages show it.
pub fn shown(time: StdDuration) -> Duration {
    let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Duration::from_ms(ms).unwrap_or_default()
}
