//! An aggregation, saved and restored: what it was asked for, how far its stream has come, and all
//! groups.

use super::aggregator::Aggregator;
use super::state::AggregateState;
use super::windowed::kinds::GroupsByWindow;
use crate::record::control::{Control, Windowing};
use crate::state::{Reader, StateError, Writer};

#[cfg(test)]
mod tests;

impl Aggregator {
    /// Saves all that is held, for [`Aggregator::restore`].
    pub fn save(&self, to: &mut Writer) {
        self.state.save(to);
        self.reading.save(to);
    }

    /// Restores what [`Aggregator::save`] saved, in an aggregator with the same groups, aggregates
    /// and policy. The rest of the stream then has the results that it would have had. The stream
    /// may have said how it is windowed before, or may say so again after it, if it says the same.
    ///
    /// Limits and the selection of results are not part of the state; nor is what was held at most.
    ///
    /// # Errors
    /// When it is no such state, or that of another aggregation. The aggregator must not be used
    /// then.
    pub fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let Aggregator { reading, state } = self;
        state.check_plan(from)?;
        let windowing = from.take_option(load_windowing)?;
        if let Some(windowing) = &windowing {
            let begun = state.begin_windows(windowing, reading);
            begun.map_err(|_| StateError::Changed("windows"))?;
        }
        state.restore(windowing.is_some(), from)?;
        reading.restore(from)
    }
}

impl AggregateState {
    fn save(&self, to: &mut Writer) {
        to.put_bytes(&self.plan());
        to.put_option(self.windowing.as_ref(), save_windowing);
        self.progress.save(to);
        to.put_u64(self.arrivals);
        self.report.save(to);
        if let Some(fill) = &self.fill {
            fill.save(to);
        }
        self.state.save(self.fill.is_some(), to);
    }

    /// What was asked for, as far as states depend on it.
    fn plan(&self) -> Vec<u8> {
        let mut plan = Writer::new();
        self.projection.save(&mut plan);
        self.policy.save(&mut plan);
        if let Some(fill) = &self.fill {
            fill.save_options(&mut plan);
        }
        plan.into_bytes()
    }

    fn check_plan(&self, from: &mut Reader<'_>) -> Result<(), StateError> {
        match from.take_bytes()? == self.plan() {
            true => Ok(()),
            false => Err(StateError::Changed("groups, aggregates or emitted results")),
        }
    }

    /// Restores all but what [`AggregateState::check_plan`] checks; the stream was, or was not,
    /// windowed when it was saved.
    fn restore(&mut self, windowed: bool, from: &mut Reader<'_>) -> Result<(), StateError> {
        let AggregateState {
            state, progress, factory, report, policy, arrivals, room, fill, ..
        } = self;
        progress.restore(from)?;
        *arrivals = from.take_records()?;
        report.restore(from)?;
        if let Some(fill) = fill {
            fill.restore(from)?;
        }
        if windowed {
            *state = state.load(*policy, fill.is_some(), (progress, factory), from)?;
        } else {
            let whole = factory.table(false).load(from)?;
            match state {
                GroupsByWindow::Whole(_) => *state = GroupsByWindow::Whole(whole),
                // When it was saved, the stream had not begun.
                _ if whole.is_empty() => {}
                _ => return Err(StateError::Changed("windows")),
            }
        }
        room.groups = state.groups();
        Ok(())
    }
}

/// As the control record that says so.
fn save_windowing(to: &mut Writer, windowing: &Windowing) {
    let mut line = Vec::new();
    Control::Window(windowing.clone()).write(&mut line);
    to.put_bytes(&line);
}

fn load_windowing(from: &mut Reader<'_>) -> Result<Windowing, StateError> {
    match Control::parse(from.take_bytes()?) {
        Ok(Control::Window(windowing)) => Ok(windowing),
        _ => Err(StateError::Invalid("unknown windows")),
    }
}
