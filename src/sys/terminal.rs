//! Terminals.

use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// How many columns and lines a terminal has; none if it is no terminal, or does not say.
pub fn size(of: impl AsFd) -> Option<(usize, usize)> {
    let size = tcgetwinsize(of).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| (size.ws_col.into(), size.ws_row.into()))
}
