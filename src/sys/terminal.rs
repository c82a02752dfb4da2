//! Terminals.

use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// How many columns a terminal has; none if it is no terminal, or does not say.
pub fn columns(of: impl AsFd) -> Option<usize> {
    let size = tcgetwinsize(of).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}
