//! `--merge`: FILEs as one input, in the order of their records' times.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use super::clock::TimeOptions;
use crate::cli::merged::{MergePlan, Timing, tell_later};
use crate::cli::options::InputOptions;
use crate::cli::pump::in_option;
use crate::cli::{Failure, Status};
use crate::merge::Limit;
use crate::operator::clock::Clock;
use crate::time::Duration;
use crate::time::event_time::TimeUnit;

/// How many records wait, if nothing else is said: with short ones, about a gigabyte.
const PENDING_MAX: u64 = 10_000_000;

/// Why none but objects are merged.
const ONLY: &str = "an object has a time to merge by";

/// Whether FILEs are merged.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Input")]
pub struct MergeOptions {
    /// Read FILEs side by side, and merge their records in the order of --time
    ///
    /// FILEs may be pipes: <(ssh HOST cat FILE). The order depends on the records alone, not on when
    /// they arrive. A record may be up to --out-of-order before the maximum time of its own file;
    /// one that is still earlier stays where it came, and is counted at the end.
    #[arg(hide_short_help = true)]
    #[arg(long)]
    pub merge: bool,

    /// With --merge: hold at most N records, and 1 GiB, until another file has come as far
    ///
    /// Then only the file that the others wait for is read, and a message names it.
    #[arg(hide_short_help = true)]
    #[arg(
        long, value_name = "N", requires = "merge", default_value_t = PENDING_MAX,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    max_pending: u64,

    /// With --merge: end with status 65 if a record came later than --out-of-order allows
    #[arg(hide_short_help = true)]
    #[arg(long, requires = "merge")]
    strict: bool,
}

/// The times of records, for tools that have no other use for them, or for another one.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Event time")]
pub struct MergeTimeOptions {
    /// The jq expression for a record's event time: an RFC 3339 string, or a number since 1970
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "EXPR")]
    pub time: Option<String>,

    /// The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "s|ms|us|ns", requires = "time")]
    pub time_unit: Option<TimeUnit>,

    /// With --merge: the format of event times, as for strptime: '%d/%b/%Y:%H:%M:%S %z'
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "FORMAT", requires = "merge", conflicts_with = "time_unit")]
    time_format: Option<String>,

    /// With --merge: how far a time may be before the maximum of its file so far [default: 5s]
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "DURATION", requires = "merge")]
    out_of_order: Option<Duration>,

    /// With --merge: do not wait any longer for a pipe that gave nothing for DURATION
    ///
    /// What it gives after that may come too late for its place, and is then counted.
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "DURATION")]
    pub idle: Option<Duration>,
}

impl MergeTimeOptions {
    /// What reads the times of records, if one is given, and how much disorder is allowed for:
    /// none without it, as append times are in order.
    ///
    /// # Errors
    /// When options make no sense.
    pub fn clock_if_asked(&self) -> Result<(Option<Clock>, Duration), Failure> {
        if self.idle == Some(Duration::default()) {
            return Err(in_option("--idle", "must be longer than 0"));
        }
        if self.time.is_none() {
            let given = [
                ("--out-of-order", self.out_of_order.is_some()),
                ("--time-format", self.time_format.is_some()),
            ];
            return match given.iter().find(|(_, is_given)| *is_given) {
                Some((option, _)) => Err(in_option(option, "--time is missing; add --time EXPR")),
                None => Ok((None, Duration::default())),
            };
        }
        let times = self.options();
        if times.is_told() {
            let why = "it takes a time that the records have, as in --time .ts; without it, append \
                       times count";
            return Err(in_option("--time", why));
        }
        Ok((Some(times.clock(ONLY)?), times.out_of_order()))
    }

    /// For how long an input is waited for that gives nothing.
    pub fn idle(&self) -> Option<StdDuration> {
        self.idle.map(Duration::to_std)
    }

    fn options(&self) -> TimeOptions {
        TimeOptions {
            time: self.time.clone(),
            time_unit: self.time_unit,
            time_format: self.time_format.clone(),
            out_of_order: self.out_of_order,
            ..TimeOptions::default()
        }
    }
}

impl MergeOptions {
    /// How much may wait.
    pub fn limit(&self) -> Limit {
        Limit { records: self.max_pending }
    }

    /// Says how many records came later than is allowed, and by how many milliseconds at most;
    /// gives the status for it. Without `out_of_order`, the times are those of appending.
    pub fn tell_later(&self, later: (u64, i64), out_of_order: Option<Duration>) -> Status {
        tell_later(later, out_of_order);
        if later.0 > 0 && self.strict { Status::Data } else { Status::Done }
    }

    /// Has the input merged by these times, if that is asked for.
    ///
    /// # Errors
    /// When no time is given, or options make no sense.
    pub fn settle(
        &self,
        input: &mut InputOptions,
        time: &TimeOptions,
        idle: Option<Duration>,
    ) -> Result<(), Failure> {
        if !self.merge {
            return Ok(());
        }
        if idle == Some(Duration::default()) {
            return Err(in_option("--idle", "must be longer than 0"));
        }
        if time.is_told() {
            let why = "it takes a time that the records have, as in --time .ts";
            return Err(in_option("--merge", why));
        }
        if time.time.is_none() {
            let why = "no event time is given; add --time EXPR, as in --time .ts";
            return Err(in_option("--merge", why));
        }
        let clock = time.clock(ONLY)?;
        let timing = Timing { out_of_order: time.out_of_order(), idle };
        let plan = MergePlan::new(clock, timing, self.limit(), self.strict);
        input.merge = Some(Arc::new(plan));
        Ok(())
    }

    /// The same for a tool that may have other `uses` for what belongs to times.
    ///
    /// # Errors
    /// As [`MergeOptions::settle`], and when a time is given and has no use.
    pub fn settle_alone(
        &self,
        input: &mut InputOptions,
        times: &MergeTimeOptions,
        uses: Uses,
    ) -> Result<(), Failure> {
        if !self.merge {
            return self.check_unused(times, uses);
        }
        let mut time = times.options();
        time.settle(&mut input.format, true)?;
        self.settle(input, &time, times.idle)
    }

    /// Refuses what belongs to times and has no use: without `--merge`, unless there is another one.
    ///
    /// # Errors
    /// When there is one.
    pub fn check_unused(&self, times: &MergeTimeOptions, uses: Uses) -> Result<(), Failure> {
        let given = [
            ("--time", times.time.is_some() && !uses.time),
            ("--idle", times.idle.is_some() && !uses.idle),
        ];
        match given.iter().find(|(_, is_useless)| *is_useless && !self.merge) {
            Some((option, _)) => Err(in_option(option, "it has no effect here; add --merge")),
            None => Ok(()),
        }
    }
}

/// What a tool uses besides `--merge`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uses {
    /// `--time`.
    pub time: bool,
    /// `--idle`.
    pub idle: bool,
}
