//! Long help on a terminal: through the user's pager, as man does it.

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::{Command, Stdio};

use super::signals;

/// What pages where $PAGER names nothing.
const PAGER: &str = "less";
/// How less is told to behave where $LESS does not: it ends by itself if all fits on the screen,
/// shows colours, and leaves the text on the screen.
const LESS: &str = "FRX";

/// Shows a text through a pager, if standard output is a terminal and there is a pager. Whether it
/// did; if not, the text is to be printed.
pub fn show(text: &str) -> bool {
    if !std::io::stdout().is_terminal() {
        return false;
    }
    let named = std::env::var("PAGER").unwrap_or_else(|_| PAGER.to_owned());
    if named.trim().is_empty() || named.trim() == "cat" {
        return false;
    }
    signals::outlive_interrupts();
    // $PAGER may have arguments, so a shell runs it, as for man and git.
    let mut command = Command::new("sh");
    command.args(["-c", &named]).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let Ok(mut pager) = command.spawn() else { return false };
    let mut input = pager.stdin.take();
    let written = input.as_mut().map_or(Ok(()), |input| input.write_all(text.as_bytes()));
    drop(input);
    let ended = pager.wait();
    // 126 and 127: the shell could not run it. Who leaves it early has seen enough.
    let ran = ended.is_ok_and(|status| !matches!(status.code(), Some(126 | 127)));
    ran && written.map_or_else(|error| error.kind() == ErrorKind::BrokenPipe, |()| true)
}

/// Whether help may have colours.
pub fn colours() -> bool {
    let is = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    is("NO_COLOR").is_none() && is("TERM").is_some_and(|term| term != "dumb")
}
