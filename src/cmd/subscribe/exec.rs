//! `subscribe --exec`: batches are fed to a command.

use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::cli::{Failure, Status};

/// Runs `command` by sh with `lines` on its standard input, and waits for its end. A command that
/// does not read all of them may still succeed: that is its own affair.
///
/// # Errors
/// When it cannot be run, or ends with another status than 0; `place` then begins the message.
pub fn run(command: &str, lines: &[u8], place: &str) -> anyhow::Result<()> {
    let mut shell = Command::new("sh");
    let mut child = shell
        .args(["-c", command])
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("{place}: cannot run sh"))?;
    // Dropped at the end of the statement, so that the command sees the end of its input.
    let fed = child.stdin.take().map_or(Ok(()), |mut input| input.write_all(lines));
    let ended = child.wait().with_context(|| format!("{place}: --exec"))?;
    match fed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(error).with_context(|| format!("{place}: --exec"));
        }
        _ if ended.success() => return Ok(()),
        _ => {}
    }
    let how = match (ended.code(), ended.signal()) {
        (Some(status), _) => format!("status {status}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    };
    let why = format!(
        "{place}: the command of --exec ended with {how}; records from there on are not committed, and \
         will be delivered again"
    );
    Err(Failure::new(Status::No, why).into())
}
