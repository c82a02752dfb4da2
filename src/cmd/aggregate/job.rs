//! How an aggregation is run, and what is reported of it.

use super::live::Live;
use crate::aggregate::fault::StreamError;
use crate::aggregate::{Aggregator, Held, Policy};
use crate::cli::options::InputOptions;
use crate::cli::output::{LastOutput, OutputError};
use crate::cli::pump::{Ended, Outcome};
use crate::cli::run::Run;
use crate::cli::{Failure, Status, message};
use crate::cmd::clock::tell_odd_times;
use crate::cmd::late;
use crate::cmd::watched::Watched;
use crate::cmd::windowing::{Windowed, waiting};
use crate::operator::aggregate::{Reread, unreported};
use crate::operator::clock::Clock;
use crate::operator::splice::Splice;
use crate::operator::{Fused, Operator, Window};

/// How an operator is run, and what is reported of it.
pub struct Job<'a> {
    /// The run.
    pub run: Run<'a>,
    /// Whether statistics are printed.
    pub stats: bool,
    /// Whether results are shown in a table that is drawn again and again.
    pub is_live: bool,
    /// Which results come, and when.
    pub policy: Policy,
    /// Which fields were found.
    pub watched: &'a Watched,
}

impl Job<'_> {
    /// Runs an operator in which `aggregator` aggregates, and reports what became of the records.
    ///
    /// # Errors
    /// As [`Run::operator`], and [`Run::redrawn`].
    pub fn run<O: Operator>(
        mut self,
        mut operator: O,
        aggregator: fn(&mut O) -> &mut Aggregator,
        conclude: impl FnOnce(&mut O, &Run<'_>) -> Status,
    ) -> anyhow::Result<Status> {
        let ran = match self.is_live {
            true => self.run.redrawn(&mut operator, Live::new(aggregator)),
            false => self.run.operator(&mut operator),
        };
        let late = conclude(&mut operator, &self.run);
        let aggregator = aggregator(&mut operator);
        if self.stats {
            tell_held(&aggregator.held());
        }
        let outcome = ran?;
        match (outcome.ended, unreported(aggregator)) {
            (Ended::Stopped(_), Some(_)) if self.policy.at_interrupt => report(aggregator)?,
            (Ended::Stopped(_), Some(unreported)) if !self.is_live => {
                message::note(&format!(
                    "stopped before the end of the input: {unreported}; --on-interrupt report emits \
                     what there is"
                ));
            }
            _ => {}
        }
        Ok(conclude_with(late, outcome, self.watched))
    }
}

/// Emits the results of what there is, because the input was interrupted.
fn report(aggregator: &mut Aggregator) -> anyhow::Result<()> {
    let mut output = LastOutput::new()?;
    let reported = aggregator.state().interrupt(&mut output);
    match output.end() {
        // Whoever reads it was interrupted, too.
        Ok(()) | Err(OutputError::Closed) => {}
        Err(error) => return Err(error.into()),
    }
    match reported {
        Ok(()) | Err(StreamError::Refused(_)) => Ok(()),
        Err(error) => Err(Failure::from(error).into()),
    }
}

/// Windows and aggregates in one process, with the results of the two in a pipe: the window of a
/// record goes beside it, unless an expression might look at what `window` would have added to it.
pub fn run_windowed(
    job: Job<'_>,
    mut aggregator: Aggregator,
    Windowed { clock, placing, control }: Windowed,
    input: &InputOptions,
) -> anyhow::Result<Status> {
    aggregator.begin_windows(&control).map_err(Failure::from)?;
    let late = |window: &Window, run: &Run<'_>| {
        tell_odd_times(&window.odd_times());
        late::conclude(window.late(), run.sides(), waiting(window, input))
    };
    let time = match (clock.map(Clock::into_parts), aggregator.time_expression()) {
        (None, _) => None,
        (Some((_, form, _)), Some(expression)) => Some((form, expression)),
        (Some((program, form, only)), None) => {
            let window = Window::new(placing, Some((form, 0)), control);
            let lines = Reread::new(aggregator);
            let splice = Splice::new(program, Some(only), window.carried(), lines);
            let fused = Fused::new(window, splice);
            return job.run(
                fused,
                |fused| fused.parts().1.lines().aggregator(),
                |fused, run| late(fused.parts().0, run),
            );
        }
    };
    let window = Window::new(placing, time, control);
    job.run(
        Fused::new(window, aggregator),
        |fused| fused.parts().1,
        |fused, run| late(fused.parts().0, run),
    )
}

/// The status after all is read, and what is to be said of its fields: nothing where records were
/// late, since not all expressions have seen those.
pub fn conclude_with(late: Status, mut outcome: Outcome, watched: &Watched) -> Status {
    if outcome.status == Status::Done {
        outcome.status = late;
    }
    watched.tell(&outcome);
    outcome.status
}

/// Prints what was held.
pub fn tell_held(held: &Held) {
    let Held { of: [_, of], groups, groups_most, windows, windows_most, bytes, bytes_most } = held;
    message::note(&format!(
        "groups: {groups} at the end, {groups_most} at the peak; {of}: {windows}, \
         {windows_most} at the peak; memory for them: about {bytes} bytes, {bytes_most} at the peak"
    ));
}
