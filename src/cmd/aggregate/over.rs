//! `aggregate --over`: each record with the aggregates of the last ones of its group.

use super::super::clock::{TimeOptions, tell_odd_times};
use super::super::late::{self, Waiting};
use super::super::watched::Watched;
use super::job::{conclude_with, tell_held};
use crate::aggregate::{self, Extent};
use crate::cli::options::InputOptions;
use crate::cli::pump::{Ended, in_option};
use crate::cli::run::Run;
use crate::cli::{Failure, Status, message};
use crate::operator::{Operator, Over, Side};

/// What `--over` says, if it goes with `--time`.
///
/// # Errors
/// When one of them makes no sense without the other.
pub fn extent(
    over: Option<Extent>,
    time: &TimeOptions,
    windowed: bool,
) -> Result<Option<Extent>, Failure> {
    match over {
        None if windowed => Ok(None),
        Some(_) if windowed => Err(in_option(
            "--over",
            "--over defines which records an aggregate covers; leave out the windows, or --over",
        )),
        Some(Extent::Time(length)) if time.time.is_none() => Err(in_option(
            "--over",
            format!("the last {length} of event time: --time is missing; add --time EXPR"),
        )),
        Some(Extent::Records(_)) | None if time.time.is_some() => Err(in_option(
            "--time",
            "it needs windows, like --tumbling 1m, or --over with a duration",
        )),
        Some(Extent::Records(_)) if time.late.is_some() => Err(in_option(
            "--late",
            "no record is late in a frame of N records; give --over a duration, and --time <EXPR>",
        )),
        over => Ok(over),
    }
}

/// Runs over the input.
///
/// # Errors
/// As for the whole tool.
pub fn run(
    over: aggregate::Over,
    time: &TimeOptions,
    (stats, control): (bool, bool),
    input: &InputOptions,
    watched: &Watched,
) -> anyhow::Result<Status> {
    let clock = match time.time {
        Some(_) => Some(time.clock("objects can be aggregated")?),
        None => None,
    };
    let mut over = Over::new(over, clock);
    let mut run = Run::over(input).keeping(Side::Late, time.keep_late()?).beginning_stream(control);
    let ran = run.operator(&mut over);
    let late = late::conclude(over.late(), run.sides(), Waiting::Here);
    tell_odd_times(&over.odd_times());
    if stats {
        tell_held(&over.over().held());
    }
    let outcome = ran?;
    if let (Ended::Stopped(_), Some(waiting)) = (outcome.ended, over.undone()) {
        message::note(&format!("stopped before the end of the input: {waiting}"));
    }
    Ok(conclude_with(late, outcome, watched))
}
