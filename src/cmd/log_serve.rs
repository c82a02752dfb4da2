//! `log-serve`: the daemon that owns a log's directory.

use std::path::Path;
use std::time::Duration;

use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::cli::options::{DataOptions, parse_bytes};
use crate::cli::ready::Readiness;
use crate::cli::signals::Stop;
use crate::cli::{Failure, Status, inherited, trace};
use crate::log::{BATCH_BYTES_MAX, Log, LogError};
use crate::serve::{self, Limits, ServeError};
use crate::wire::address::{self, Listener, SOCKET};

const EXAMPLES: &str = "\
Examples:
  log-serve --data /var/lib/millstream
      Serve the log in that directory to whoever may open its socket; stop with Ctrl-C.
  log-serve --socket-mode 0660 --ready-fd 3 3>&1
      Let the directory's group in, and tell a supervisor when it can begin.
  echo '{\"topics\":{}}' | nc -NU \"$MILLSTREAM_DIR/socket\"
      Talk to it by hand; docs/PROTOCOL.md says how.";

/// Serve a log: take appends, keep them, and deliver records over a Unix socket
#[derive(Parser, Clone, Debug)]
#[command(
    name = "log-serve",
    version,
    long_about = "Serve a log: take appends, keep them, and deliver records over a Unix socket.\n\n\
        log-serve owns the log's directory while it runs and listens on the file 'socket' in it. \
        It is ready once it says so: in a line on stderr, on --ready-fd, and to $NOTIFY_SOCKET. \
        A supervisor may open the socket and pass it (systemd's socket activation; see contrib/). \
        SIGTERM or SIGINT makes it finish what is in hand, close the log and end.",
    after_help = EXAMPLES
)]
pub struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// Write a line end to descriptor N once ready, and close it
    #[arg(long, value_name = "N")]
    ready_fd: Option<i32>,

    /// Give the socket these permissions
    #[arg(long, value_name = "MODE", value_parser = parse_mode, default_value = "0600")]
    socket_mode: u32,

    /// Serve at most N connections at a time
    #[arg(long, value_name = "N", default_value_t = 1024)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,

    /// Refuse request lines longer than SIZE
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "64KiB")]
    max_request: u64,

    /// Refuse appends of more than SIZE
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "32MiB")]
    max_append: u64,

    /// Hold at most SIZE of appended records in memory, all connections together
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "256MiB")]
    max_memory: u64,

    /// Refuse appends that would leave less than SIZE of the disk free
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "0")]
    min_free: u64,

    /// Let one connection append under at most N producers' names
    #[arg(long, value_name = "N", default_value_t = 1024)]
    max_names: u32,

    /// Take the memory from an append whose bytes stay away for SECONDS while others wait for it
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    stall: u32,

    /// When stopping, cut off connections that are not done after SECONDS
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    drain: u32,

    /// Tell on stderr what happens, up to LEVEL
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "warn")]
    log_level: trace::Level,
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// When the directory cannot be opened or is somebody else's now, or the socket cannot be listened
/// on.
pub fn run(options: Options) -> anyhow::Result<Status> {
    // First of all: it takes over a descriptor by its number.
    let passed = inherited::listener()?;
    let mut readiness = Readiness::new(options.ready_fd)?;
    let stop = Stop::install()?;
    trace::start(options.log_level);
    let limits = options.limits(allow_descriptors());
    let dir = options.data.made_dir()?;
    if limits.append_bytes_max > BATCH_BYTES_MAX as u64 {
        let why = format!("--max-append: the log takes at most {BATCH_BYTES_MAX} bytes at once");
        return Err(Failure::usage(why).into());
    }
    let log = Log::open(&dir).map_err(|error| match passed {
        // Then the supervisor listens, and no connection tells of another daemon.
        Some(_) => error.into(),
        None => explain_lock(&dir, error),
    })?;
    let listener = match passed {
        Some(passed) => Listener::adopt(&dir, passed)?,
        None => Listener::bind(&dir, options.socket_mode)?,
    };
    readiness.ready(&format!("listening on {}", dir.join(SOCKET).display()));
    match serve::run(listener, log, &stop, limits, || readiness.stopping()) {
        Ok(()) => Ok(Status::Done),
        // The log's error has a status of its own.
        Err(ServeError::Log(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}

impl Options {
    fn limits(&self, descriptors: u64) -> Limits {
        Limits {
            files_max: topic_files(descriptors),
            connections_max: self.max_connections as usize,
            request_bytes_max: usize::try_from(self.max_request).unwrap_or(usize::MAX),
            append_bytes_max: self.max_append,
            memory_bytes_max: self.max_memory,
            free_bytes_min: self.min_free,
            names_max: self.max_names as usize,
            stall: Duration::from_secs(self.stall.into()),
            drain: Duration::from_secs(self.drain.into()),
        }
    }
}

/// Says who holds the lock, as far as can be told.
fn explain_lock(dir: &Path, error: LogError) -> anyhow::Error {
    if matches!(error, LogError::Locked { .. }) && matches!(address::connect(dir), Ok(Some(_))) {
        let socket = dir.join(SOCKET);
        let message = format!("{}: another log-serve listens there already", socket.display());
        return Failure::new(Status::TryAgain, message).into();
    }
    error.into()
}

/// Each connection is a descriptor, and so is each open file of the log: takes as many as the
/// system lets us, since the usual limit is far lower. Tells how many that are.
fn allow_descriptors() -> u64 {
    let allowed = getrlimit(Resource::RLIMIT_NOFILE);
    let raised = allowed.and_then(|(now, most)| {
        setrlimit(Resource::RLIMIT_NOFILE, most, most).map(|()| most).or_else(|error| {
            tracing::warn!("cannot raise the limit of open files: {error}");
            Ok(now)
        })
    });
    raised.unwrap_or_else(|error| {
        tracing::warn!("the limit of open files is not known: {error}");
        0
    })
}

/// How many files of topics may be open, however few descriptors there are.
const FILES_MIN: usize = 64;

/// How many of so many descriptors are for the files of topics: half of them, the others are for
/// connections and what they read.
fn topic_files(descriptors: u64) -> usize {
    let half = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
    half.max(FILES_MIN)
}

fn parse_mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| format!("'{text}' is not a file mode; write it like 0660"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        assert_eq!(parse_mode("0660"), Ok(0o660));
        assert_eq!(parse_mode("600"), Ok(0o600));
        for bad in ["", "0680", "1777", "rw", "-1"] {
            assert!(parse_mode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_defaults_are_the_librarys() {
        let options = Options::try_parse_from(["log-serve"]).unwrap();
        assert_eq!(options.limits(1024), Limits::default());
    }
}
