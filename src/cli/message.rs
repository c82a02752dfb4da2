//! Messages on stderr: one line each, `tool: place: cause; remedy`.

use std::any::Any;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use clap::error::ErrorKind;

use super::{Status, closed, pager, pages, progress, signals};
use crate::record::text::printable;
use crate::sys::pipe::is_pipe;

/// How wide a screen is taken to be that is none.
const COLUMNS: usize = 80;

static TOOL: OnceLock<String> = OnceLock::new();

/// Sets the name that messages begin with; the first call counts.
pub(super) fn name_tool(name: &str) {
    let _ = TOOL.set(name.to_owned());
}

/// The name that messages begin with.
pub(super) fn tool() -> &'static str {
    TOOL.get().map_or("millstream", String::as_str)
}

/// Keeps the default panic report off stderr: [`panic`] says it in our form.
pub(super) fn quiet_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
            note(&format!("internal error{place}"));
        }));
    }
}

/// Whether what is printed is likely to be read by a person, on a terminal.
pub fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Prints one line to stderr, the tool's name before it.
pub fn note(text: &str) {
    let line = format!("{}: {}\n", tool(), printable(&text.replace('\n', " ")));
    // Nobody is left to tell when stderr itself is gone.
    let _ = progress::aside(|| std::io::stderr().write_all(line.as_bytes()));
    signals::take_interrupt();
}

/// Ends the line on which a terminal shows ^C, where the prompt of the shell would come after that.
/// Of the tools of a pipe the last one does so.
pub(super) fn end_line() {
    let is_last = !is_pipe(std::io::stdout());
    if signals::take_interrupt() && is_last && is_terminal() {
        let _ = std::io::stderr().write_all(b"\n");
    }
}

/// Prints a line for programs to stderr, as it is.
pub(super) fn line(line: &str) {
    let _ = progress::aside(|| std::io::stderr().write_all(line.as_bytes()));
}

/// Prints a question to stderr, the tool's name before it; the answer follows on its line.
pub(super) fn prompt(question: &str) {
    let text = format!("{}: {}", tool(), printable(&question.replace('\n', " ")));
    let _ = progress::aside(|| std::io::stderr().write_all(text.as_bytes()));
}

/// Reports an error with all its context; returns the status to end with.
pub(super) fn failure(error: &anyhow::Error) -> Status {
    note(&chain(error));
    Status::of(error)
}

/// An error and its causes. Many errors name their cause themselves; it is told once.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// What becomes of help that was printed, or not.
fn printed(printed: std::io::Result<()>) -> Status {
    match closed::check_stdout().and(printed) {
        // Whoever pages through it may have seen enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            note(&format!("standard output: {error}"));
            Status::of_io(&error)
        }
        _ => Status::Done,
    }
}

/// Prints a text, through a pager on a terminal.
pub(super) fn page(text: &str) -> Status {
    if pager::show(text) {
        return Status::Done;
    }
    printed(std::io::stdout().write_all(text.as_bytes()))
}

/// Reports a fault of our own.
pub(super) fn panic(payload: &(dyn Any + Send)) -> Status {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    note(&format!("internal error: {text}; this is a bug in millstream, please report it"));
    Status::Internal
}

/// Prints help to stdout, the long one where `is_long`; or what is wrong with the options in one
/// line to stderr. `args` are the words after the tool's name.
pub(super) fn usage(
    error: &clap::Error,
    command: &clap::Command,
    args: &[OsString],
    is_long: bool,
) -> Status {
    let text = error.render();
    if error.kind() == ErrorKind::DisplayHelp && !is_long {
        let asked = asked_about(&text.to_string(), command, args).1;
        let columns = crate::sys::terminal::size(std::io::stdout()).map_or(COLUMNS, |size| size.0);
        return printed(std::io::stdout().write_all(pages::brief(asked, columns).as_bytes()));
    }
    if !error.use_stderr() {
        let styled = if pager::colours() { text.ansi().to_string() } else { text.to_string() };
        if error.kind() == ErrorKind::DisplayHelp && pager::show(&styled) {
            return Status::Done;
        }
        return printed(error.print().and_then(|()| std::io::stdout().flush()));
    }
    let text = text.to_string();
    let said: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .filter(|line| !is_idle_tip(line))
        .collect();
    let said = said.join(" ").replace(" tip: ", "; ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    note(&format!("{said}; see '{} --help'", asked_about(&text, command, args).0));
    Status::Usage
}

/// Whether a line of clap's advises to pass an unknown option as a value, which is never meant:
/// only an expression like `-.x` is.
fn is_idle_tip(line: &str) -> bool {
    let option = line.strip_prefix("tip: to pass '-").unwrap_or_default();
    option.starts_with(|first: char| first == '-' || first.is_ascii_alphabetic())
}

/// The command that a message of clap is about, with its subcommands; and its name with theirs. The
/// usage in the message begins with it. In a message about a value there is none: it is about the
/// one that was called with `args`.
fn asked_about<'a>(
    text: &str,
    command: &'a clap::Command,
    args: &[OsString],
) -> (String, &'a clap::Command) {
    let called = command.get_bin_name().unwrap_or(command.get_name());
    let (mut words, mut asked) = (vec![called], command);
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
    if let Some(usage) = usage {
        for word in usage.strip_prefix(called).unwrap_or_default().split_whitespace() {
            let Some(subcommand) = asked.find_subcommand(word) else { break };
            words.push(subcommand.get_name());
            asked = subcommand;
        }
    } else {
        // Options may stand before the subcommand.
        let subcommand = args.iter().find_map(|word| command.find_subcommand(word));
        words.extend(subcommand.map(clap::Command::get_name));
        asked = subcommand.unwrap_or(asked);
    }
    (words.join(" "), asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::OutputError;

    #[test]
    fn a_cause_is_told_once() {
        let full = || std::io::Error::from_raw_os_error(28);
        let said = "No space left on device (os error 28)";
        let error = anyhow::Error::from(OutputError::Io(full()));
        assert_eq!(chain(&error), format!("standard output: {said}"));
        let error = anyhow::Error::from(full()).context("rejects").context("f");
        assert_eq!(chain(&error), format!("f: rejects: {said}"));
    }
}
