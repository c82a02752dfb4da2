//! Messages on stderr: one line each, `tool: place: cause; remedy`.

use std::any::Any;
use std::io::Write;
use std::sync::OnceLock;

use super::Status;

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

/// Prints one line to stderr, the tool's name before it.
pub fn note(text: &str) {
    let line = format!("{}: {}\n", tool(), text.replace('\n', " "));
    // Nobody is left to tell when stderr itself is gone.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Reports an error with all its context; returns the status to end with.
pub(super) fn failure(error: &anyhow::Error) -> Status {
    note(&format!("{error:#}"));
    Status::of(error)
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

/// Prints help to stdout, or what is wrong with the options in one line to stderr.
pub(super) fn usage(error: &clap::Error, command: &clap::Command) -> Status {
    if !error.use_stderr() {
        let _ = error.print();
        return Status::Done;
    }
    let text = error.render().to_string();
    let said: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let said = said.join(" ").replace(" tip: ", "; ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    note(&format!("{said}; see '{} --help'", command.get_name()));
    Status::Usage
}
