//! Records that others send, or a command writes, while produce runs.

use std::path::PathBuf;
use std::time::Duration as StdDuration;

use clap::{Args, ValueEnum};

use crate::cli::live::address::Address;
use crate::cli::live::command::{CommandOptions, Restart, Runs};
use crate::cli::live::listener::{ListenOptions, Listener, Listening, Lost};
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Outcome, Stage};
use crate::cli::{Failure, Status, message};
use crate::time::Duration;

/// What the options are listed under.
const HEADING: &str = "Live input";

/// Where records come from, if not from files.
#[derive(Args, Clone, Debug)]
pub(super) struct LiveOptions {
    /// Read what is sent to a socket: tcp://ADDR:PORT, udp://…, unix://PATH or unixgram://PATH
    ///
    /// May be repeated. Without ADDR, only programs of this machine can send; * is every address.
    /// Each connection is an input of its own, with its own header in csv; each datagram ends a line.
    /// With --from syslog, messages on a connection may have their lengths before them (RFC 6587).
    /// A socket of an earlier run is replaced. Bad lines do not stop produce: without --rejects and
    /// --keep-bad they are dropped and counted, and the status is 65 at the end. With SIGTERM,
    /// produce appends what it has read, and ends.
    #[arg(
        long, value_name = "URL", conflicts_with_all = ["files", "producer", "exec"],
        help_heading = HEADING
    )]
    listen: Vec<Address>,

    /// With --listen: the mode of Unix sockets, in octal
    #[arg(
        long, value_name = "MODE", default_value = "600", value_parser = mode,
        hide_short_help = true, help_heading = HEADING
    )]
    socket_mode: u32,

    /// With --listen: accept N connections at a time; others wait
    #[arg(
        long, value_name = "N", default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        hide_short_help = true, help_heading = HEADING
    )]
    max_connections: u32,

    /// While the log does not take records in time: have those who send wait, or drop records
    ///
    /// With drop, records wait in up to 8 MiB of memory; more are dropped, counted, and reported at
    /// most every 10 s. Their number is reported at the end, with status 65, and by --stats.
    #[arg(long, value_name = "WHAT", value_enum, hide_short_help = true, help_heading = HEADING)]
    on_full: Option<OnFull>,

    /// Read the standard output of a shell command
    ///
    /// Its standard error is that of produce. When produce ends, it sends SIGTERM to the command
    /// and all processes of its group, appends what they still write, and kills them after 5 s.
    /// If the command fails, so does produce, with status 74 and after all records were appended.
    #[arg(
        long, value_name = "COMMAND", conflicts_with_all = ["files", "producer"],
        help_heading = HEADING
    )]
    exec: Option<String>,

    /// With --exec: when to run the command again that has ended
    ///
    /// With always and on-failure, bad lines do not stop produce: without --rejects and --keep-bad
    /// they are dropped and counted, and the status is 65 at the end.
    #[arg(
        long, value_name = "WHEN", value_enum, requires = "exec", default_value = "never",
        hide_short_help = true, help_heading = HEADING
    )]
    restart: Restart,

    /// With --restart: how long after it has ended; failures in a row double it, up to 1 minute
    #[arg(
        long, value_name = "D", requires = "exec", default_value = "1s",
        hide_short_help = true, help_heading = HEADING
    )]
    restart_after: Duration,
}

/// What becomes of records that the log does not take in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnFull {
    /// They wait, and so does the program that sends them (default)
    Wait,
    /// They are dropped and counted
    Drop,
}

/// Reads the mode of a file.
fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "it must be an octal number of at most 777".to_owned())
}

/// An input that is not from files.
pub(super) enum Live {
    /// Sockets.
    Listens(Box<Listener>),
    /// A command, and whether bad lines end the tool.
    Runs(Runs, bool),
}

impl LiveOptions {
    /// Whether there is such an input.
    pub fn is_on(&self) -> bool {
        self.exec.is_some() || !self.listen.is_empty()
    }

    /// Whether records are dropped that the log does not take in time.
    pub fn drops(&self) -> bool {
        self.on_full == Some(OnFull::Drop)
    }

    /// Refuses what has no effect.
    ///
    /// # Errors
    /// When there is no live input, and an option is only for that.
    pub fn check(&self) -> Result<(), Failure> {
        if self.on_full.is_some() && !self.is_on() {
            let why = "--on-full: it has no effect without --listen or --exec; files wait";
            return Err(Failure::usage(why));
        }
        Ok(())
    }

    /// The input, if there is one. Sockets are made now, before the log is opened.
    ///
    /// # Errors
    /// When a socket cannot be made.
    pub fn open(&self, input: &InputOptions) -> anyhow::Result<Option<Live>> {
        if let Some(command) = &self.exec {
            let pause: StdDuration = self.restart_after.to_std();
            let options = CommandOptions { command: command.clone(), restart: self.restart, pause };
            let ends = self.restart == Restart::Never;
            return Ok(Some(Live::Runs(Runs::new(options), ends)));
        }
        if self.listen.is_empty() {
            return Ok(None);
        }
        let options = ListenOptions {
            addresses: self.listen.clone(),
            mode: self.socket_mode,
            connections_max: usize::try_from(self.max_connections).unwrap_or(usize::MAX),
            syslog: input.format.is_syslog(),
            several_lines: !input.format.is_of_lines(),
            message_bytes_max: input.record_bytes_max(),
        };
        Ok(Some(Live::Listens(Box::new(Listener::new(options)?))))
    }
}

impl Live {
    /// What is lost before it is read, now and later.
    pub fn lost(&self) -> Lost {
        match self {
            Live::Listens(listener) => listener.lost(),
            Live::Runs(..) => Lost::default(),
        }
    }

    /// Runs a stage over the input.
    ///
    /// # Errors
    /// As [`pump::run_sources`].
    pub fn run(self, input: &InputOptions, stage: &mut impl Stage) -> anyhow::Result<Outcome> {
        let input = InputOptions { files: Vec::<PathBuf>::new(), ..input.clone() };
        match self {
            Live::Runs(runs, true) => pump::run_sources(&input, Box::new(runs), stage),
            Live::Runs(runs, false) => pump::run_live(&input, Box::new(runs), stage),
            Live::Listens(listener) => {
                let lost = listener.lost();
                let mut outcome =
                    pump::run_live(&input, Box::new(Listening::new(*listener)), stage)?;
                if tell(&lost) {
                    outcome.status = Status::Data;
                }
                Ok(outcome)
            }
        }
    }
}

/// Reports what was lost, if anything was.
fn tell(lost: &Lost) -> bool {
    let (datagrams, connections) = (lost.datagrams(), lost.connections());
    if datagrams > 0 {
        let what = were(datagrams, "datagram");
        message::note(&format!("{what} lost before produce read them"));
    }
    if connections > 0 {
        let what = were(connections, "connection");
        message::note(&format!("{what} closed for a wrong message length"));
    }
    datagrams + connections > 0
}

/// So many of something, as the beginning of what became of it.
fn were(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what} was"),
        _ => format!("{count} {what}s were"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_named_as_one() {
        assert_eq!(were(1, "connection"), "1 connection was");
        assert_eq!(were(2, "datagram"), "2 datagrams were");
    }
}
