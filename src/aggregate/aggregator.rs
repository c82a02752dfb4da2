//! The whole of an aggregation: records and watermarks in, results out.

use super::fault::{Fault, StreamError};
use super::held::{Allowance, Held};
use super::output::report::{Report, Style};
use super::output::select::Selection;
use super::plan::{Plan, Reading};
use super::state::{AggregateState, Holding, Unreported};
use super::windowed::fill::{Fill, Filling};
use super::windowed::kinds::GroupsByWindow;
use super::windowed::panes::{Policy, Progress, Room};
use crate::expr::{ParsedRecord, Records};
use crate::record::control::{Mark, Windowing};
use crate::record::lines::Lines;
use crate::record::outlet::Outlet;

/// Reduces a stream of records.
///
/// A stream that says how it is windowed has results for each window when the watermark passes its
/// end; any other has results at its end. A [`Policy`] may have them come sooner, and again.
pub struct Aggregator {
    pub(super) reading: Reading,
    pub(super) state: AggregateState,
}

impl Aggregator {
    /// Starts on a stream.
    pub fn new(plan: Plan) -> Aggregator {
        let Plan { reading, projection } = plan;
        let factory = projection.factory();
        let state = AggregateState {
            report: Report::new(projection.layout(), Selection::default(), Style::Records),
            policy: Policy::default(),
            state: GroupsByWindow::Whole(factory.table(false)),
            projection,
            factory,
            windowing: None,
            carried_reader: None,
            fill: None,
            progress: Progress::default(),
            room: Room { groups: 0, groups_max: usize::MAX },
            key: Vec::new(),
            arrivals: 0,
            held: Held::new(["", ""]),
            allowance: Allowance::new(usize::MAX),
        };
        Aggregator { reading, state }
    }

    /// Lets only some results pass, and says what they look like.
    #[must_use]
    pub fn reporting(mut self, selection: Selection, style: Style) -> Aggregator {
        self.state.report = Report::new(self.state.projection.layout(), selection, style);
        self
    }

    /// Says which results come, and when.
    #[must_use]
    pub fn emitting(mut self, policy: Policy) -> Aggregator {
        self.state.policy = policy;
        self
    }

    /// Adds results of windows without records.
    #[must_use]
    pub fn filling(mut self, filling: Option<Filling>) -> Aggregator {
        self.state.fill = filling.map(|filling| Box::new(Fill::new(filling)));
        self
    }

    /// Allows at most so many groups at the same time, those of all open windows together, and so
    /// many bytes of memory for them.
    #[must_use]
    pub fn limited(mut self, groups_max: usize, memory_bytes_max: usize) -> Aggregator {
        self.state.room.groups_max = groups_max;
        self.state.fill.iter_mut().for_each(|fill| fill.limit(groups_max));
        self.state.allowance = Allowance::new(memory_bytes_max);
        self
    }

    /// Takes a record; appends the results that come at once. False if the record is late: all its
    /// windows are closed, and nothing comes of it.
    ///
    /// # Errors
    /// When the record is at fault; or the condition on results fails.
    pub fn record(&mut self, record: &[u8], out: &mut dyn Outlet) -> Result<bool, Fault> {
        let (mut record, state) = self.load(record)?;
        state.take(&mut record, out)
    }

    /// Reads a record, for what takes it.
    ///
    /// # Errors
    /// When it is not valid, or no object.
    pub fn load<'t>(
        &mut self,
        record: &'t [u8],
    ) -> Result<(ParsedRecord<'_, 't>, &mut AggregateState), Fault> {
        Ok((self.reading.load(record)?, &mut self.state))
    }

    /// Reads records at the front of `lines`, as far as that can be done fast, for what takes them.
    pub fn records<'a, 'l, 't>(
        &'a mut self,
        lines: &'l mut Lines<'t>,
    ) -> (Records<'a, 'l, 't>, &'a mut AggregateState) {
        (self.reading.records(lines), &mut self.state)
    }

    /// All of it but the reading of records.
    pub fn state(&mut self) -> &mut AggregateState {
        &mut self.state
    }

    /// Which expression of the records that are read is that for the event time, if there is one.
    pub fn time_expression(&self) -> Option<usize> {
        self.reading.time_expression()
    }

    /// The text of expression `index` of the records that are read.
    pub fn source(&self, index: usize) -> &str {
        self.reading.source(index)
    }

    /// The stream says how it is windowed from here on.
    ///
    /// # Errors
    /// When records without windows came before, a result's name is taken by the window, or the
    /// windows do not go with what is to come of them.
    pub fn begin_windows(&mut self, windowing: &Windowing) -> Result<(), StreamError> {
        self.state.begin_windows(windowing, &mut self.reading)
    }

    /// As [`AggregateState::watermark`].
    ///
    /// # Errors
    /// As [`AggregateState::watermark`].
    pub fn watermark(&mut self, mark: Mark, out: &mut dyn Outlet) -> Result<(), StreamError> {
        self.state.watermark(mark, out)
    }

    /// As [`AggregateState::finish`].
    ///
    /// # Errors
    /// As [`AggregateState::finish`].
    pub fn finish(&mut self, out: &mut dyn Outlet) -> Result<(), StreamError> {
        self.state.finish(out)
    }

    /// What is held now and was at most.
    pub fn held(&mut self) -> Held {
        self.state.held()
    }

    /// What is held now, as far as is known without a look at all of it.
    pub fn holds(&self) -> Holding {
        self.state.holds()
    }

    /// What has no results, if the stream ends here and [`Aggregator::finish`] is not called.
    pub fn unreported(&self) -> Unreported {
        self.state.unreported()
    }
}
