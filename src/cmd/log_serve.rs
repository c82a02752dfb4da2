//! `log-serve`: the daemon that owns a log's directory.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::lock_wait::WaitOptions;
use crate::api::stats::Stats;
use crate::broker;
use crate::cli::counters::{MORE_WITHIN, counters};
use crate::cli::options::{DataOptions, parse_bytes};
use crate::cli::ready::Readiness;
use crate::cli::signals::Stop;
use crate::cli::{Failure, Status, inherited, trace};
use crate::log::{BATCH_BYTES_MAX, Disk, Log, LogError};
use crate::serve::{self, Limits, ServeError};
use crate::sys::process::raise_file_limit;
use crate::wire::Client;
use crate::wire::address::{self, Listener, SOCKET};
use clap::Parser;

const EXAMPLES: &str = "\
Examples:
  log-serve --data /var/lib/millstream
      Serve the log in that directory to users who may open its socket; stop with Ctrl-C.
  log-serve --socket-mode 0660 --ready-fd 3 3>&1
      Admit the directory's group, and tell a supervisor when the log is ready.
  echo '{\"topics\":{}}' | nc -NU \"$MILLSTREAM_DIR/socket\"
      Send a request by hand; see docs/PROTOCOL.md.";

/// Serve a log: store appended records, and deliver them over a Unix socket
#[derive(Parser, Clone, Debug)]
#[command(
    name = "log-serve",
    version,
    long_about = "Serve a log: store appended records, and deliver them over a Unix socket.\n\n\
        log-serve is the only writer of the log's directory while it runs, and listens on the file \
        'socket' in it. It reports that it is ready by a line on stderr, on --ready-fd, and to \
        $NOTIFY_SOCKET. A supervisor may open the socket and pass it (systemd's socket activation; \
        see contrib/). On SIGTERM or SIGINT, log-serve completes the requests in progress, closes \
        the log and ends.",
    after_help = EXAMPLES
)]
pub struct Options {
    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    wait: WaitOptions,

    /// Write a line end to descriptor N when ready, and close it
    #[arg(long, value_name = "N")]
    ready_fd: Option<i32>,

    /// Create the socket with these permissions
    #[arg(help_heading = "Permissions")]
    #[arg(long, value_name = "MODE", value_parser = parse_mode, default_value = "0600")]
    socket_mode: u32,

    /// Create files with these permissions: 0600, 0640 or 0644
    #[arg(help_heading = "Permissions")]
    #[arg(long, value_name = "MODE", value_parser = parse_file_mode, default_value = "0600")]
    mode: u32,

    /// Serve at most N connections at a time
    #[arg(help_heading = "Limits")]
    #[arg(long, value_name = "N", default_value_t = 1024)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,

    /// Refuse request lines longer than SIZE
    #[arg(help_heading = "Limits", hide_short_help = true)]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "64KiB")]
    max_request: u64,

    /// Refuse appends of more than SIZE
    #[arg(help_heading = "Limits")]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "32MiB")]
    max_append: u64,

    /// Hold at most SIZE of appended records in memory, all connections together
    #[arg(help_heading = "Limits")]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "256MiB")]
    max_memory: u64,

    /// Refuse appends that would leave less than SIZE of the disk free
    #[arg(help_heading = "Limits")]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "0")]
    min_free: u64,

    /// Let one connection append under the names of at most N producers
    #[arg(help_heading = "Limits", hide_short_help = true)]
    #[arg(long, value_name = "N", default_value_t = 1024)]
    max_names: u32,

    /// Refuse an append whose bytes arrive too slowly for SECONDS while others wait for memory
    #[arg(help_heading = "Limits", hide_short_help = true)]
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    stall: u32,

    /// When stopping, close connections that are not done after SECONDS
    #[arg(help_heading = "Limits")]
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    drain: u32,

    /// Print log messages up to LEVEL on stderr
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
    let disk = Disk::readable(options.mode);
    // Whoever may open the socket must get to it.
    let dir = options.data.made_dir(disk.dir_mode() | passing(options.socket_mode))?;
    if limits.service.append_bytes_max > BATCH_BYTES_MAX as u64 {
        let why = format!("--max-append: the maximum is {BATCH_BYTES_MAX} bytes");
        return Err(Failure::usage(why).into());
    }
    let open = || match Log::open_served(&dir, disk) {
        // Where the supervisor listens, no connection tells of another daemon.
        Err(error) if passed.is_none() => Err(explain_lock(&dir, error)),
        opened => Ok(opened?),
    };
    let Some(log) = options.wait_for_log(open, &stop)? else { return Ok(Status::Done) };
    let listener = match passed {
        Some(passed) => Listener::adopt(&dir, passed)?,
        None => Listener::bind(&dir, options.socket_mode)?,
    };
    warn_of(&log, &dir, options.socket_mode);
    answer_by(dir.clone());
    readiness.ready(&format!("listening on {}", dir.join(SOCKET).display()));
    match serve::run(listener, log, &stop, limits, || readiness.stopping()) {
        Ok(()) => Ok(Status::Done),
        // The log's error has a status of its own.
        Err(ServeError::Log(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}

impl Options {
    /// Opens the log as soon as no other process writes it; none if we are to stop before.
    fn wait_for_log(
        &self,
        open: impl FnMut() -> anyhow::Result<Log>,
        stop: &Stop,
    ) -> anyhow::Result<Option<Log>> {
        let pause = |time| {
            stop.pause(time);
            stop.requested().is_none()
        };
        let log = self.wait.retry(open, pause);
        log.map_err(|error| self.wait.in_vain(error, "try again, or wait longer with --wait D"))
    }

    fn limits(&self, descriptors: u64) -> Limits {
        let service = broker::Limits {
            append_bytes_max: self.max_append,
            memory_bytes_max: self.max_memory,
            free_bytes_min: self.min_free,
            files_max: topic_files(descriptors),
            names_max: self.max_names as usize,
        };
        Limits {
            service,
            connections_max: self.max_connections as usize,
            request_bytes_max: usize::try_from(self.max_request).unwrap_or(usize::MAX),
            stall: Duration::from_secs(self.stall.into()),
            drain: Duration::from_secs(self.drain.into()),
        }
    }
}

/// Has those answered who ask what the daemon does: by itself, as one of its clients.
fn answer_by(dir: PathBuf) {
    counters().add(move |figures| {
        let Ok(Some(mut client)) = Client::connect(&dir) else { return };
        if client.limit_waits(MORE_WITHIN).is_err() {
            return;
        }
        let asked = Stats { topics: Some(Vec::new()) };
        if let Some(daemon) = client.stats(asked).ok().and_then(|stats| stats.daemon) {
            figures.records_in = daemon.appended.records;
            figures.bytes_in = daemon.appended.bytes;
            figures.records_out = daemon.delivered.records;
            figures.bytes_out = daemon.delivered.bytes;
        }
    });
    counters().answer();
}

/// The bits of a directory's mode that let those pass it who may write to a socket of this mode.
fn passing(socket_mode: u32) -> u32 {
    (socket_mode & 0o022) >> 1
}

/// Tells of what is not as it should be, and keeps nobody from the log.
fn warn_of(log: &Log, dir: &Path, socket_mode: u32) {
    for leftover in log.leftovers() {
        tracing::warn!("{leftover}");
    }
    match log.strays() {
        Ok(strays) => strays
            .iter()
            .for_each(|stray| tracing::warn!("{}: not a topic; not changed", stray.display())),
        Err(error) => tracing::warn!("{error}"),
    }
    let mode = dir.metadata().map_or(0o777, |found| found.mode());
    if passing(socket_mode) & !mode != 0 {
        tracing::warn!(
            "{}: users admitted by --socket-mode cannot reach the socket: the directory has mode \
             {:04o}; chmod {:04o} lets them",
            dir.display(),
            mode & 0o7777,
            (mode | passing(socket_mode)) & 0o7777
        );
    }
}

/// Says who holds the lock, as far as can be told.
fn explain_lock(dir: &Path, error: LogError) -> anyhow::Error {
    if matches!(error, LogError::Locked { .. }) && matches!(address::connect(dir), Ok(Some(_))) {
        let socket = dir.join(SOCKET);
        let message = format!("{}: another log-serve already listens there", socket.display());
        return Failure::new(Status::TryAgain, message).into();
    }
    error.into()
}

/// Each connection is a descriptor, and so is each open file of the log: takes as many as the
/// system lets us, since the usual limit is far lower. Tells how many that are.
fn allow_descriptors() -> u64 {
    match raise_file_limit() {
        Ok((files, refused)) => {
            if let Some(error) = refused {
                tracing::warn!("cannot raise the limit of open files: {error}");
            }
            files
        }
        Err(error) => {
            tracing::warn!("cannot read the limit of open files: {error}");
            0
        }
    }
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

/// Reads the mode of files: their owner reads and writes them, others may at most read.
fn parse_file_mode(text: &str) -> Result<u32, String> {
    let mode = parse_mode(text)?;
    match mode & !0o044 {
        0o600 => Ok(mode),
        _ => Err(format!("'{text}' is not a mode for a log's files; write 0600, 0640 or 0644")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_but_the_owner_may_write_to_files() {
        assert_eq!(parse_file_mode("0640"), Ok(0o640));
        for bad in ["0660", "0400", "0755", "0604x"] {
            assert!(parse_file_mode(bad).is_err(), "{bad}");
        }
    }

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
