//! Waiting for a daemon that is stopped and started again: how long, and with what pauses.

use std::io;
use std::path::Path;
use std::time::{Duration as StdDuration, Instant};

use clap::Args;

use crate::cli::input::{StopReason, Watch};
use crate::cli::{Failure, Status, message};
use crate::time::Duration;
use crate::wire::ClientError;
use crate::wire::address::SOCKET;
use crate::wire::client::Client;

/// How long a daemon that is gone is waited for, unless the user says otherwise.
const RECONNECT: StdDuration = StdDuration::from_secs(30);

/// The first pause between two tries, and the longest: each is twice the one before.
const PAUSE_MIN: StdDuration = StdDuration::from_millis(5);
const PAUSE_MAX: StdDuration = StdDuration::from_millis(100);

/// How long the daemon may take, once we are to stop, to acknowledge what we sent: it may wait for
/// a slow disk. For what changes nothing there is no need to wait.
const GRACE: StdDuration = StdDuration::from_secs(5);

/// What a tool does when log-serve goes away.
#[derive(Args, Clone, Copy, Debug)]
pub struct ReconnectOptions {
    /// When log-serve stops, wait up to D until it runs again, and continue; 0 does not wait
    /// [default: 30s]
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

/// Pauses between tries, each longer than the one before, up to a deadline.
#[derive(Debug)]
pub struct Tries {
    end: Option<Instant>,
    pause: StdDuration,
}

impl Tries {
    /// Tries for so long.
    pub fn within(patience: StdDuration) -> Tries {
        // Longer than any clock runs is for ever.
        Tries { end: Instant::now().checked_add(patience), pause: PAUSE_MIN }
    }

    /// How long the next pause is; none if time is up.
    pub fn next_pause(&mut self) -> Option<StdDuration> {
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return None;
        }
        let pause = left.map_or(self.pause, |left| self.pause.min(left));
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Some(pause)
    }
}

/// How waiting for a daemon ended.
#[derive(Debug)]
pub enum Waited<T = ()> {
    /// It is there, and has answered so.
    Connected(Client, T),
    /// There is no need to wait any longer.
    Halted(StopReason),
    /// It did not come in time.
    InVain,
}

/// Connects to the daemon of `dir` as soon as there is one.
///
/// # Errors
/// When it cannot be told whether there is one, or we are not permitted to connect.
pub fn connect(dir: &Path, tries: &mut Tries, watch: &Watch) -> anyhow::Result<Waited> {
    connect_and(dir, tries, watch, |_| Ok(()))
}

/// The same, where the daemon is asked something first; one that is about to go does not count.
/// One that stops may still leave its socket for a moment: who connects to it then hears nothing,
/// and must not have lent or sent it anything. So each is greeted before.
///
/// # Errors
/// As [`connect`]; or what the daemon refuses.
pub fn connect_and<T>(
    dir: &Path,
    tries: &mut Tries,
    watch: &Watch,
    mut ask: impl FnMut(&mut Client) -> Result<T, ClientError>,
) -> anyhow::Result<Waited<T>> {
    loop {
        if let Some(mut client) = Client::connect(dir)? {
            heed(&mut client, watch)?;
            match client.hello().and_then(|_| ask(&mut client)) {
                Ok(answer) => return Ok(Waited::Connected(client, answer)),
                Err(error) if error.is_gone() => {}
                Err(error) => return halted(error, watch).map(Waited::Halted),
            }
        }
        let Some(pause) = tries.next_pause() else { return Ok(Waited::InVain) };
        if let Some(halt) = watch.pause(pause)? {
            return Ok(Waited::Halted(halt));
        }
    }
}

/// Ends waits for the daemon's answers once we are told to stop.
///
/// # Errors
/// When the kernel has no file descriptor left.
pub fn heed(client: &mut Client, watch: &Watch) -> io::Result<()> {
    client.heed(watch.interrupt(StdDuration::ZERO)?);
    Ok(())
}

/// The same, soon after: for a client that waits for acknowledgements.
///
/// # Errors
/// As [`heed`].
pub fn heed_with_grace(client: &mut Client, watch: &Watch) -> io::Result<()> {
    client.heed(watch.interrupt(GRACE)?);
    Ok(())
}

/// Why there is no need to go on, if an error only says that a signal ended a wait.
///
/// # Errors
/// With any other error.
pub fn halted(error: impl Into<anyhow::Error>, watch: &Watch) -> anyhow::Result<StopReason> {
    let error = error.into();
    watch.stopped().filter(|_| is_interrupted(&error)).ok_or(error)
}

/// Whether an error only says that a signal ended a wait for the daemon.
pub fn is_interrupted(error: &anyhow::Error) -> bool {
    let interrupted = |cause: &ClientError| matches!(cause, ClientError::Interrupted { .. });
    error.chain().any(|cause| cause.downcast_ref::<ClientError>().is_some_and(interrupted))
}

/// Waits for the daemon of `dir`, which is gone, to come back, and resumes with a connection to it.
/// If that one goes away, too, while `resume` uses it, the next one is waited for.
///
/// # Errors
/// When none comes back in time; as [`connect`]; or what `resume` fails with.
pub fn resume(
    dir: &Path,
    patience: StdDuration,
    watch: &Watch,
    mut resume: impl FnMut(Client) -> anyhow::Result<Option<StopReason>>,
) -> anyhow::Result<Option<StopReason>> {
    say_waiting(dir, patience);
    let mut tries = Tries::within(patience);
    loop {
        let client = match connect(dir, &mut tries, watch)? {
            Waited::Connected(client, ()) => client,
            Waited::Halted(halt) => return Ok(Some(halt)),
            Waited::InVain => return Err(in_vain(dir, patience)),
        };
        say_back(dir);
        match resume(client) {
            Err(error) if is_gone(&error) => {}
            ended => return ended,
        }
        let Some(pause) = tries.next_pause() else { return Err(in_vain(dir, patience)) };
        if let Some(halt) = watch.pause(pause)? {
            return Ok(Some(halt));
        }
    }
}

/// Whether an error only says that the daemon is gone, or is about to go.
pub fn is_gone(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<ClientError>().is_some_and(ClientError::is_gone))
}

/// Whether a request was sent and not answered by a daemon that is gone: it may have been carried
/// out or not.
pub fn is_in_doubt(error: &anyhow::Error) -> bool {
    let in_doubt =
        |cause: &ClientError| matches!(cause, ClientError::Closed { unanswered: true, .. });
    error.chain().any(|cause| cause.downcast_ref::<ClientError>().is_some_and(in_doubt))
}

/// Says that a daemon is waited for.
pub fn say_waiting(dir: &Path, patience: StdDuration) {
    let (socket, patience) = (dir.join(SOCKET), shown(patience));
    message::note(&format!(
        "{}: log-serve is gone; waiting up to {patience} for it to run again",
        socket.display()
    ));
}

/// Says that the daemon that was waited for is there.
pub fn say_back(dir: &Path) {
    message::note(&format!("{}: log-serve is running again", dir.join(SOCKET).display()));
}

/// Why a tool ends that has waited in vain.
pub fn in_vain(dir: &Path, patience: StdDuration) -> anyhow::Error {
    let (socket, patience) = (dir.join(SOCKET), shown(patience));
    let why = format!(
        "{}: log-serve is gone, and was not started again within {patience}; start it",
        socket.display()
    );
    Failure::new(Status::Unavailable, why).into()
}

/// Why a writer ends that is told to stop while it waits, with something in hand.
pub fn given_up(dir: &Path) -> anyhow::Error {
    let why = format!(
        "{}: log-serve is gone, and a signal ended the wait for it; the data read last is not \
         appended",
        dir.join(SOCKET).display()
    );
    Failure::new(Status::Unavailable, why).into()
}

/// A time, as messages show it.
pub(super) fn shown(time: StdDuration) -> Duration {
    let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Duration::from_ms(ms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut tries = Tries::within(StdDuration::from_secs(3600));
        let pauses: Vec<StdDuration> = std::iter::from_fn(|| tries.next_pause()).take(12).collect();
        assert_eq!(pauses.first(), Some(&PAUSE_MIN));
        assert_eq!(pauses.last(), Some(&PAUSE_MAX));
        assert!(pauses.is_sorted());
        assert_eq!(Tries::within(StdDuration::ZERO).next_pause(), None);
        assert!(Tries::within(StdDuration::MAX).next_pause().is_some());
    }
}
