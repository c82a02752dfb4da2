//! What a daemon tells of its running: events from the library's rooms, one line each on stderr, in
//! the form of all our messages. No times: who runs a daemon has a supervisor that adds them.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, Subscriber as Lines};
use tracing_subscriber::registry::LookupSpan;

use super::message;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs)] // The words speak for themselves.
pub enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> LevelFilter {
        match level {
            Level::Off => LevelFilter::OFF,
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        }
    }
}

/// Begins to print events up to `level`. The first call in a process counts.
pub fn start(level: Level) {
    let lines = Lines::builder()
        .with_max_level(LevelFilter::from(level))
        .with_writer(std::io::stderr)
        .event_format(Line)
        .finish();
    let _ = tracing::subscriber::set_global_default(lines);
}

/// `tool: level: message field=value`
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        write!(line, "{}: {level}: ", message::tool())?;
        context.format_fields(line.by_ref(), event)?;
        writeln!(line)
    }
}
