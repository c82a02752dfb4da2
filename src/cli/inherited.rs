//! A listening socket that a supervisor opened for us (systemd's socket activation,
//! `sd_listen_fds(3)`).

use std::os::unix::net::UnixListener;

use listenfd::ListenFd;

use super::Failure;

/// Takes over the one socket that `$LISTEN_FDS` passes, if `$LISTEN_PID` says that it is for us. To
/// be called before the process opens anything.
///
/// # Errors
/// When there are several, or it is not a listening Unix stream socket.
pub fn listener() -> anyhow::Result<Option<UnixListener>> {
    let mut passed = ListenFd::from_env();
    if passed.len() > 1 {
        let why = format!("$LISTEN_FDS: {} sockets; log-serve listens on one", passed.len());
        return Err(Failure::usage(why).into());
    }
    passed.take_unix_listener(0).map_err(|error| {
        Failure::usage(format!("$LISTEN_FDS: descriptor 3 is not a listening Unix socket: {error}"))
            .into()
    })
}
