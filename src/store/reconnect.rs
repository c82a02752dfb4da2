//! Waiting for a daemon that is stopped and started again.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::error::Error;
use super::tries::Tries;
use super::watch::{News, Watch};
use crate::wire::{Client, ClientError};

/// How long the daemon may take, once we are to stop, to acknowledge what we sent: it may wait for
/// a slow disk. For what changes nothing there is no need to wait.
const GRACE: Duration = Duration::from_secs(5);

/// How waiting for a daemon ended.
#[derive(Debug)]
pub enum Waited<S, C = Client> {
    /// It is there: the connection, and what it has answered, if it was asked something.
    Connected(C),
    /// There is no need to wait any longer.
    Stopped(S),
    /// It did not come in time.
    NotInTime,
}

/// Connects to the daemon of `dir` as soon as there is one.
///
/// # Errors
/// When it cannot be told whether there is one, or we are not permitted to connect.
pub fn connect<W: Watch>(
    dir: &Path,
    tries: &mut Tries,
    watch: &W,
) -> Result<Waited<W::Stop>, Error> {
    Ok(match connect_and(dir, tries, watch, |_| Ok(()))? {
        Waited::Connected((client, ())) => Waited::Connected(client),
        Waited::Stopped(stop) => Waited::Stopped(stop),
        Waited::NotInTime => Waited::NotInTime,
    })
}

/// The same, where the daemon is asked something first; one that is about to go does not count.
/// One that stops may still leave its socket for a moment: who connects to it then hears nothing,
/// and must not have lent or sent it anything. So each is greeted before.
///
/// # Errors
/// As [`connect`]; or what the daemon refuses.
pub fn connect_and<W: Watch, T>(
    dir: &Path,
    tries: &mut Tries,
    watch: &W,
    mut ask: impl FnMut(&mut Client) -> Result<T, ClientError>,
) -> Result<Waited<W::Stop, (Client, T)>, Error> {
    loop {
        if let Some(mut client) = Client::connect(dir)? {
            heed(&mut client, watch)?;
            match client.hello().and_then(|_| ask(&mut client)) {
                Ok(answer) => return Ok(Waited::Connected((client, answer))),
                Err(error) if error.is_gone() => {}
                Err(error) => {
                    let stopped = watch.stopped().filter(|_| error.is_interrupted());
                    return stopped.map(Waited::Stopped).ok_or(error.into());
                }
            }
        }
        let Some(pause) = tries.next_pause() else { return Ok(Waited::NotInTime) };
        if let Some(stop) = watch.pause(pause)? {
            return Ok(Waited::Stopped(stop));
        }
    }
}

/// Ends waits for the daemon's answers once we are told to stop.
///
/// # Errors
/// When the kernel has no file descriptor left.
pub fn heed<W: Watch>(client: &mut Client, watch: &W) -> io::Result<()> {
    client.heed(watch.interrupt(Duration::ZERO)?);
    Ok(())
}

/// The same, soon after: for a client that waits for acknowledgements.
///
/// # Errors
/// As [`heed`].
pub fn heed_with_grace<W: Watch>(client: &mut Client, watch: &W) -> io::Result<()> {
    client.heed(watch.interrupt(GRACE)?);
    Ok(())
}

/// Waits for the daemon of `dir`, which is gone, to come back, and resumes with a connection to it.
/// If that one goes away, too, while `resume` uses it, which `is_gone` says, the next one is waited
/// for.
///
/// # Errors
/// When none comes back in time; as [`connect`]; or what `resume` fails with.
pub fn resume<W: Watch, E: From<Error>>(
    dir: &Path,
    patience: Duration,
    watch: &W,
    is_gone: impl Fn(&E) -> bool,
    mut resume: impl FnMut(Client) -> Result<Option<W::Stop>, E>,
) -> Result<Option<W::Stop>, E> {
    watch.hear(News::Gone(dir, patience));
    let not_back = || Error::NotBack { dir: dir.to_owned(), patience };
    let mut tries = Tries::within(patience);
    loop {
        let client = match connect(dir, &mut tries, watch)? {
            Waited::Connected(client) => client,
            Waited::Stopped(stop) => return Ok(Some(stop)),
            Waited::NotInTime => return Err(not_back().into()),
        };
        watch.hear(News::Back(dir));
        match resume(client) {
            Err(error) if is_gone(&error) => {}
            ended => return ended,
        }
        let Some(pause) = tries.next_pause() else { return Err(not_back().into()) };
        if let Some(stop) = watch.pause(pause).map_err(Error::from)? {
            return Ok(Some(stop));
        }
    }
}
