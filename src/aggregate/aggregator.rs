//! The whole of an aggregation: records and watermarks in, results out.

use super::fault::{Fault, StreamError};
use super::panes::{Policy, Progress, Room};
use super::plan::{Plan, Reading};
use super::reduction::{Held, Reduction, Unreported};
use super::report::{Report, Style};
use super::select::Selection;
use super::state::State;
use crate::expr::{Loaded, Records};
use crate::record::control::{Mark, Windowing};
use crate::record::lines::Lines;

/// Reduces a stream of records.
///
/// A stream that says how it is windowed has results for each window when the watermark passes its
/// end; any other has results at its end. A [`Policy`] may have them come sooner, and again.
pub struct Aggregator {
    reading: Reading,
    reduction: Reduction,
}

impl Aggregator {
    /// Starts on a stream.
    pub fn new(plan: Plan) -> Aggregator {
        let Plan { reading, wiring } = plan;
        let maker = wiring.maker();
        let reduction = Reduction {
            report: Report::new(wiring.layout(), Selection::default(), Style::Records),
            policy: Policy::default(),
            state: State::Whole(maker.table(false)),
            wiring,
            maker,
            pieces: None,
            progress: Progress::default(),
            room: Room { groups: 0, groups_max: usize::MAX },
            key: Vec::new(),
            arrivals: 0,
            held: None,
        };
        Aggregator { reading, reduction }
    }

    /// Lets only some results pass, and says what they look like.
    #[must_use]
    pub fn reporting(mut self, selection: Selection, style: Style) -> Aggregator {
        self.reduction.report = Report::new(self.reduction.wiring.layout(), selection, style);
        self
    }

    /// Says which results come, and when.
    #[must_use]
    pub fn emitting(mut self, policy: Policy) -> Aggregator {
        self.reduction.policy = policy;
        self
    }

    /// Allows at most so many groups at the same time, those of all open windows together.
    #[must_use]
    pub fn limited(mut self, groups_max: usize) -> Aggregator {
        self.reduction.room.groups_max = groups_max;
        self
    }

    /// Watches what is held.
    #[must_use]
    pub fn watched(mut self) -> Aggregator {
        self.reduction.watch();
        self
    }

    /// Takes a record; appends the results that come at once. False if the record is late: all its
    /// windows are closed, and nothing comes of it.
    ///
    /// # Errors
    /// When the record is at fault; or the condition on results fails.
    pub fn record(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<bool, Fault> {
        let (mut record, reduction) = self.load(record)?;
        reduction.take(&mut record, out)
    }

    /// Reads a record, for what takes it.
    ///
    /// # Errors
    /// When it is not valid, or no object.
    pub fn load<'t>(
        &mut self,
        record: &'t [u8],
    ) -> Result<(Loaded<'_, 't>, &mut Reduction), Fault> {
        Ok((self.reading.load(record)?, &mut self.reduction))
    }

    /// Reads records at the front of `lines`, as far as that can be done fast, for what takes them.
    pub fn records<'a, 'l, 't>(
        &'a mut self,
        lines: &'l mut Lines<'t>,
    ) -> (Records<'a, 'l, 't>, &'a mut Reduction) {
        (self.reading.records(lines), &mut self.reduction)
    }

    /// All of it but the reading of records.
    pub fn reduction(&mut self) -> &mut Reduction {
        &mut self.reduction
    }

    /// Which expression of the records that are read is that for the event time, if there is one.
    pub fn time_expression(&self) -> Option<usize> {
        self.reading.time_expression()
    }

    /// The stream says how it is windowed from here on.
    ///
    /// # Errors
    /// When records without windows came before, a result's name is taken by the window, or the
    /// windows do not go with what is to come of them.
    pub fn begin_windows(&mut self, windowing: &Windowing) -> Result<(), StreamError> {
        self.reduction.begin_windows(windowing, &mut self.reading)
    }

    /// As [`Reduction::watermark`].
    ///
    /// # Errors
    /// As [`Reduction::watermark`].
    pub fn watermark(&mut self, mark: Mark, out: &mut Vec<u8>) -> Result<(), StreamError> {
        self.reduction.watermark(mark, out)
    }

    /// As [`Reduction::finish`].
    ///
    /// # Errors
    /// As [`Reduction::finish`].
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        self.reduction.finish(out)
    }

    /// What is held now and was at most, if it was watched.
    pub fn held(&mut self) -> Option<Held> {
        self.reduction.held()
    }

    /// What has no results, if the stream ends here and [`Aggregator::finish`] is not called.
    pub fn unreported(&self) -> Unreported {
        self.reduction.unreported()
    }
}
