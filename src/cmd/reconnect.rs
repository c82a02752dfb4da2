//! What a tool does while log-serve is being restarted: the option, and what errors say of it.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as StdDuration;

use clap::Args;

use crate::cli::input::{StopReason, Watch};
use crate::cli::message;
use crate::store::{self, News};
use crate::time::Duration;
use crate::wire::interrupt::Interrupt;

/// How long a daemon that is gone is waited for, unless the user says otherwise.
const RECONNECT: StdDuration = StdDuration::from_secs(30);

/// Whether the user knows that log-serve is gone: all readers of a tool find out, and one says so.
static IS_GONE: AtomicBool = AtomicBool::new(false);

/// What a tool does when log-serve goes away.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Log")]
pub struct ReconnectOptions {
    /// When log-serve stops, wait up to D until it runs again, and continue; 0 does not wait
    /// [default: 30s]
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "D")]
    reconnect: Option<Duration>,
}

impl ReconnectOptions {
    /// How long to wait when a connection breaks.
    pub fn patience(self) -> StdDuration {
        self.reconnect.map_or(RECONNECT, Duration::to_std)
    }

    /// How long the user wants to wait; none if they have not said.
    pub fn asked(self) -> Option<StdDuration> {
        self.reconnect.map(Duration::to_std)
    }
}

/// A store's waits end by a signal, or when the reader of our output leaves.
impl store::Watch for Watch {
    type Stop = StopReason;

    fn stopped(&self) -> Option<StopReason> {
        self.stopped()
    }

    fn wait(&self, source: BorrowedFd<'_>) -> io::Result<Option<StopReason>> {
        self.wait(source)
    }

    fn pause(&self, time: StdDuration) -> io::Result<Option<StopReason>> {
        self.pause(time)
    }

    fn interrupt(&self, grace: StdDuration) -> io::Result<Interrupt> {
        self.interrupt(grace)
    }

    fn hear(&self, news: News<'_>) {
        hear(news);
    }
}

/// Says what a long wait is for, once for all that wait.
pub fn hear(news: News<'_>) {
    let is_gone = matches!(news, News::Gone(..));
    if IS_GONE.swap(is_gone, Ordering::Relaxed) != is_gone {
        message::note(&news.to_string());
    }
}

/// Whether an error only says that the daemon is gone, or is about to go.
pub fn is_gone(error: &anyhow::Error) -> bool {
    says(error, store::Error::is_gone)
}

/// Why there is no need to go on, if an error only says that a signal ended a wait.
///
/// # Errors
/// With any other error.
pub fn halted(error: anyhow::Error, watch: &Watch) -> anyhow::Result<StopReason> {
    watch.stopped().filter(|_| says(&error, store::Error::is_interrupted)).ok_or(error)
}

/// Whether a store's error in the chain says so.
fn says(error: &anyhow::Error, what: fn(&store::Error) -> bool) -> bool {
    error.chain().any(|cause| cause.downcast_ref().is_some_and(what))
}
