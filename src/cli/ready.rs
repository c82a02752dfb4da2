//! Telling a supervisor that a daemon is ready, in each of the ways that are in use: a line on
//! stderr, a line end on a descriptor (s6, <https://skarnet.org/software/s6/notifywhenup.html>),
//! and a datagram to `$NOTIFY_SOCKET` (systemd, `sd_notify(3)`).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use anyhow::Context;

use super::{Failure, Status, message};
use crate::sys::{descriptor, file};

/// Those who wait to hear that the daemon is ready.
#[derive(Debug)]
pub struct Readiness {
    fd: Option<File>,
    supervisor: Option<(UnixDatagram, SocketAddr)>,
}

impl Readiness {
    /// Takes over descriptor `fd`, which must be open, and finds `$NOTIFY_SOCKET`. To be called
    /// before the process opens anything, so that the number cannot mean anything else.
    ///
    /// # Errors
    /// When `fd` is one of the standard three, is not open or cannot be written to, or the socket's
    /// address makes no sense.
    pub fn new(fd: Option<i32>) -> anyhow::Result<Readiness> {
        let fd = fd.map(take_over).transpose()?;
        let supervisor = match std::env::var_os("NOTIFY_SOCKET") {
            Some(name) if !name.is_empty() => Some(
                supervisor(&name).with_context(|| format!("$NOTIFY_SOCKET: {}", name.display()))?,
            ),
            _ => None,
        };
        Ok(Readiness { fd, supervisor })
    }

    /// Tells everybody. A supervisor that cannot be told is reported, and no reason to stop.
    pub fn ready(&mut self, what: &str) {
        // Closing the descriptor is part of the message.
        if let Some(mut file) = self.fd.take()
            && let Err(error) = file.write_all(b"\n")
        {
            message::note(&format!("--ready-fd: cannot report that log-serve is ready: {error}"));
        }
        self.notify("READY=1");
        message::note(&format!("ready: {what}"));
    }

    /// Tells the supervisor that the end has begun.
    pub fn stopping(&self) {
        self.notify("STOPPING=1");
    }

    fn notify(&self, state: &str) {
        if let Some((socket, address)) = &self.supervisor
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            message::note(&format!("$NOTIFY_SOCKET: cannot report {state}: {error}"));
        }
    }
}

/// Makes the inherited descriptor ours, and closes its number. The kernel hands us a copy, by a
/// socket of our own: to open the file once more would need a permission that is gone where
/// privileges were dropped after a supervisor made the pipe.
fn take_over(fd: i32) -> anyhow::Result<File> {
    if fd <= 2 {
        let why = format!("--ready-fd: {fd} is a standard stream; use descriptor 3 or higher");
        return Err(Failure::usage(why).into());
    }
    let place = || format!("--ready-fd: descriptor {fd}");
    let copy = descriptor::copy_of(fd)
        .map_err(|error| Failure::new(Status::Usage, format!("{}: {error}", place())))?;
    let copy = copy.ok_or_else(|| Failure::usage(format!("{} is not open", place())))?;
    if file::manner(&copy).with_context(place)?.reads_only {
        let why = format!("{} is open for reading only; open it for writing", place());
        return Err(Failure::usage(why).into());
    }
    descriptor::close(fd).with_context(place)?;
    Ok(File::from(copy))
}

fn supervisor(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => {
            let why = "neither a path nor an abstract socket's name";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
    };
    Ok((UnixDatagram::unbound()?, address))
}
