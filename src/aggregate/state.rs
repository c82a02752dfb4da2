//! Groups and their states, over the whole input or by window: values and watermarks in, results
//! out.

use super::fault::{Fault, StreamError};
use super::held::{Allowance, Held};
use super::output::live::{Best, Live};
use super::output::report::{Report, Results};
use super::plan::Reading;
use super::plan::projection::Projection;
use super::table::Incoming;
use super::windowed::carried::CarriedReader;
use super::windowed::fill::Fill;
use super::windowed::kinds::{GroupsByWindow, write_whole};
use super::windowed::panes::{
    NUMBER_FIELD, PANE_FIELD, Pane, Policy, Progress, Room, WINDOW_TIME_FIELD,
};
use crate::aggregate::table::ColumnFactory;
use crate::expr::ParsedRecord;
use crate::record::control::{Mark, Windowing};
use crate::record::outlet::Outlet;
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};
use crate::time::{Duration, Interval};
use crate::window::{self, Carried};

/// All of an aggregation but the reading of records.
pub struct AggregateState {
    pub(super) projection: Projection,
    pub(super) factory: ColumnFactory,
    pub(super) report: Report,
    pub(super) policy: Policy,
    pub(super) state: GroupsByWindow,
    /// How the stream said that it is windowed, if it did.
    pub(super) windowing: Option<Windowing>,
    /// What reads the window or slice that records carry, where they carry one.
    pub(super) carried_reader: Option<CarriedReader>,
    /// What results are added of windows without records, if any are.
    pub(super) fill: Option<Box<Fill>>,
    pub(super) progress: Progress,
    pub(super) room: Room,
    /// The key of the record in hand.
    pub(super) key: Vec<u8>,
    /// How many records have been taken.
    pub(super) arrivals: u64,
    pub(super) held: Held,
    pub(super) allowance: Allowance,
}

/// What the end of the input, or of our patience, leaves without results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreported {
    /// Nothing: all results are out.
    Nothing,
    /// The whole: results come at the end of the input only.
    Whole,
    /// So many open windows, or what they are made of; the final watermark has not come.
    Windows(usize, [&'static str; 2]),
}

/// What is held at a moment, for those who look often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// How many results are out.
    pub results: u64,
    /// The watermark, if there is one.
    pub mark: Option<Mark>,
    /// How many windows are open, or what they are made of; none where there are no windows.
    pub windows: Option<usize>,
    /// How many groups are held, those of all open windows together.
    pub groups: usize,
    /// About how many bytes they took when that was last looked at.
    pub bytes: usize,
    /// What the watermark must pass for the first of the windows to close, in milliseconds since
    /// the epoch; none where that is not known by a look.
    pub closes_ms: Option<i64>,
}

impl AggregateState {
    /// Takes a record, which is an object; appends the results that come at once. False if the
    /// record is late: all its windows are closed, and nothing comes of it.
    ///
    /// # Errors
    /// When the record is at fault; or the condition on results fails.
    pub fn take(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        out: &mut dyn Outlet,
    ) -> Result<bool, Fault> {
        let piece = match &mut self.carried_reader {
            Some(carried_reader) => Some(carried_reader.read(record)?),
            None => None,
        };
        self.take_in(piece, record, out)
    }

    /// As [`AggregateState::take`], with a record of this window or slice.
    ///
    /// # Errors
    /// As [`AggregateState::take`].
    pub fn take_in(
        &mut self,
        piece: Option<Interval>,
        record: &mut ParsedRecord<'_, '_>,
        out: &mut dyn Outlet,
    ) -> Result<bool, Fault> {
        if let GroupsByWindow::Whole(table) = &self.state
            && table.is_empty()
        {
            self.needs_no_windows()?;
        }
        if self.allowance.is_due(record.record().len()) {
            let bytes = self.look();
            self.allowance.check(bytes)?;
        }
        self.key.clear();
        self.projection.write_key(record, &mut self.key)?;
        let AggregateState {
            projection,
            report,
            policy,
            state,
            room,
            key,
            progress,
            factory,
            fill,
            ..
        } = self;
        let arrival = self.arrivals + 1;
        let stage =
            |group: Option<usize>, columns: &mut [_]| projection.stage(group, record, columns);
        let mut incoming = Incoming { key, arrival, stage, room };
        let mut results = Results { policy: *policy, report, out, fill: fill.as_deref_mut() };
        let taken = state.take(piece, &mut incoming, progress, &mut results, factory)?;
        self.arrivals = arrival;
        Ok(taken)
    }

    /// The stream says how it is windowed from here on.
    ///
    /// # Errors
    /// When records without windows came before, a result's name is taken by the window, or the
    /// windows do not go with what is to come of them.
    pub(super) fn begin_windows(
        &mut self,
        windowing: &Windowing,
        reading: &mut Reading,
    ) -> Result<(), StreamError> {
        let windows = window::Windows::from_kind(&windowing.kind)?;
        let carried = windows.carried(windowing.expanded);
        self.check_names(carried)?;
        self.check_policy(&windows, windowing)?;
        let is_new = match &self.state {
            GroupsByWindow::Whole(table) if table.is_empty() => true,
            GroupsByWindow::Whole(_) => return Err(StreamError::Mixed),
            state if self.progress.ended() => !state.is_of(&windows, carried) || state.restarts(),
            state if state.is_of(&windows, carried) => false,
            _ => return Err(StreamError::Changed),
        };
        self.progress.begin(windowing.allowed_lateness_ms);
        self.fill.iter_mut().for_each(|fill| fill.begin_windows(&windows));
        self.windowing = Some(windowing.clone());
        if is_new {
            let fields = match carried {
                Carried::Nothing => None,
                Carried::Window => Some(WINDOW_FIELDS),
                Carried::Slice | Carried::Session => Some(SLICE_FIELDS),
            };
            // Who knows the time of records says what they are of.
            let fields = fields.filter(|_| reading.time_expression().is_none());
            self.carried_reader = fields.map(|fields| {
                CarriedReader::new(fields, reading.read_fields(fields), windows.clone(), carried)
            });
            if let Some(live) = self.report.live() {
                live.begin_windows(matches!(carried, Carried::Window | Carried::Slice));
            }
            self.state =
                GroupsByWindow::new(windows, carried, self.policy, &self.progress, &self.factory);
        }
        Ok(())
    }

    fn check_names(&self, carried: Carried) -> Result<(), StreamError> {
        let window: &[&'static str] = match carried {
            Carried::Nothing => &[NUMBER_FIELD],
            _ => &WINDOW_FIELDS,
        };
        let pane: &[&'static str] = if self.policy.may_mark() { &[PANE_FIELD] } else { &[] };
        let time: &[&'static str] = if self.policy.timed { &[WINDOW_TIME_FIELD] } else { &[] };
        let names = window.iter().chain(time).chain(pane);
        let clash = |name: &&'static str| {
            let named = self.projection.named(name)?;
            let (text, unnamed) = (named.text.to_owned(), named.unnamed.to_owned());
            Some(StreamError::Clash { text, unnamed, name })
        };
        names.filter_map(clash).next().map_or(Ok(()), Err)
    }

    fn check_policy(
        &self,
        windows: &window::Windows,
        windowing: &Windowing,
    ) -> Result<(), StreamError> {
        let alone = match windows {
            window::Windows::Session { .. } => Some("session"),
            window::Windows::Count { .. } => Some("count window"),
            _ => None,
        };
        if let (Some(alone), true) = (alone, self.report.is_ranked()) {
            return Err(StreamError::Ranked(alone));
        }
        if let (Some(alone), true) = (alone, self.fill.is_some()) {
            return Err(StreamError::NeverEmpty(alone));
        }
        if let window::Windows::Count { .. } = windows {
            self.needs_no_windows()?;
            return self.policy.every_ms.map_or(Ok(()), |_| Err(StreamError::NoEventTime));
        }
        match (self.policy.every_ms, windowing.every_ms) {
            (Some(ours), theirs) if theirs <= 0 || ours % theirs != 0 => {
                Err(StreamError::NotTold(Duration::from_ms(ours).unwrap_or_default()))
            }
            _ => Ok(()),
        }
    }

    /// Takes a watermark: appends the results that come because of it. A stream without windows has
    /// no use for it.
    ///
    /// # Errors
    /// When the condition on results fails.
    pub fn watermark(&mut self, mark: Mark, out: &mut dyn Outlet) -> Result<(), StreamError> {
        let before = self.look_if_it_matters();
        let tick = self.progress.advance(mark, self.policy.every_ms);
        let newest_ms = self.fill.as_ref().and_then(|_| self.state.newest_ms());
        let AggregateState { report, policy, state, progress, factory, fill, .. } = self;
        if let Some(fill) = fill {
            fill.begin(progress, newest_ms);
        }
        let fill = fill.as_deref_mut();
        let mut results = Results { policy: *policy, report, out, fill };
        let freed = match state {
            GroupsByWindow::Whole(_) => 0,
            GroupsByWindow::Windows(windows, _) => {
                windows.advance(tick, progress, &mut results, || factory.table(false))?
            }
            GroupsByWindow::Slices(slices) => {
                slices.advance(progress, &mut results, || factory.table(true))?
            }
            GroupsByWindow::Sessions(sessions) => sessions.advance(tick, progress, &mut results)?,
            GroupsByWindow::Counts(counts) if progress.ended() => {
                counts.end(&mut results)?;
                0
            }
            GroupsByWindow::Counts(_) => 0,
        };
        self.room.free(freed);
        if let Some(fill) = &mut self.fill {
            self.room.take(fill.kept())?;
            let done_ms = match self.policy.refines() {
                true => self.progress.time_ms(),
                false => self.progress.time_ms().map(|_| self.progress.closed_ms()),
            };
            done_ms.into_iter().for_each(|done_ms| fill.settle(done_ms));
        }
        if freed > self.room.groups {
            self.allowance.forget();
        }
        let most = self.state.bytes_most().max(before) + self.report.bytes_most();
        self.held.see_bytes(most);
        self.allowance.check(most)
    }

    /// The input has ended: appends the results of a stream without windows. Without groups there
    /// is always one result, as in SQL, also of no records. Windows stay open: only the final
    /// watermark says that nothing is missing from them.
    ///
    /// # Errors
    /// When the condition on results fails, or an aggregate needs windows.
    pub fn finish(&mut self, out: &mut dyn Outlet) -> Result<(), StreamError> {
        if !matches!(self.state, GroupsByWindow::Whole(_)) {
            return Ok(());
        }
        self.needs_no_windows()?;
        let GroupsByWindow::Whole(table) = &mut self.state else { return Ok(()) };
        if !self.projection.is_grouped() {
            table.enter(table.find(b""), b"", 0);
        }
        let (policy, report) = (self.policy, &mut self.report);
        let mut results = Results { policy, report, out, fill: None };
        write_whole(table, Pane::OnTime, None, &mut results)?;
        let most = self.look() + self.report.bytes_most();
        self.held.see_bytes(most);
        Ok(())
    }

    /// The input was interrupted: appends the results of what there is, marked so. Nothing may
    /// follow.
    ///
    /// # Errors
    /// As [`AggregateState::finish`].
    pub fn interrupt(&mut self, out: &mut dyn Outlet) -> Result<(), StreamError> {
        self.policy.interrupted = true;
        match &self.state {
            _ if self.arrivals == 0 => Ok(()),
            GroupsByWindow::Whole(_) => self.finish(out),
            _ => self.watermark(Mark::End, out),
        }
    }

    /// The best results of this moment, of those that [`Style::Live`] shows: of the newest window
    /// that is open, or of the last one that was; without windows, of all so far.
    ///
    /// [`Style::Live`]: super::Style::Live
    pub fn current(&mut self, rows_max: usize) -> Best {
        let AggregateState { report, policy, state, factory, .. } = self;
        let Some(live) = report.live() else { return Best::default() };
        live.begin(rows_max);
        // Nothing is put out that could be refused, and a condition that fails is reported later.
        let mut nowhere = Vec::new();
        let out = &mut nowhere;
        let mut results = Results { policy: *policy, report, out, fill: None };
        let _ = state.write_newest(&mut results, || factory.table(true));
        report.live().map(Live::end).unwrap_or_default()
    }

    /// Whether the stream is windowed, as far as is known.
    pub fn is_windowed(&self) -> bool {
        !matches!(self.state, GroupsByWindow::Whole(_))
    }

    /// How many records have been taken.
    pub fn taken(&self) -> u64 {
        self.arrivals
    }

    /// The watermark of the stream, if it has one.
    pub fn mark(&self) -> Option<Mark> {
        self.progress.mark()
    }

    /// What is held now and was at most.
    pub fn held(&mut self) -> Held {
        self.look();
        Held { of: self.of(), ..self.held }
    }

    /// What is held now, as far as is known without a look at all of it.
    pub fn holds(&self) -> Holding {
        let (windows, closes_ms) = match &self.state {
            GroupsByWindow::Whole(_) => (None, None),
            state => (Some(state.open_count()), state.first_end_ms()),
        };
        Holding {
            results: self.report.written(),
            mark: self.progress.mark(),
            windows,
            groups: self.room.groups,
            bytes: self.held.bytes,
            closes_ms: closes_ms.map(|end_ms| self.progress.closing_ms(end_ms)),
        }
    }

    /// Sees what is held; gives how many bytes that are.
    fn look(&mut self) -> usize {
        let bytes = self.state.bytes() + self.fill.as_ref().map_or(0, |fill| fill.bytes());
        self.held.see(self.room.groups, self.state.open_count(), bytes);
        self.allowance.see(bytes);
        bytes
    }

    /// The same, but memory is taken for what it was if little came since: sessions close one by
    /// one, and adding up what all take is as much work as one of them.
    fn look_if_it_matters(&mut self) -> usize {
        if self.allowance.is_out_of_date() {
            return self.look();
        }
        self.held.see_counts(self.room.groups, self.state.open_count());
        self.held.bytes
    }

    /// What is open, for people.
    fn of(&self) -> [&'static str; 2] {
        match self.state {
            GroupsByWindow::Whole(_) | GroupsByWindow::Windows(..) => {
                ["open window", "open windows"]
            }
            GroupsByWindow::Slices(_) => ["slice of open windows", "slices of open windows"],
            GroupsByWindow::Sessions(_) => ["open session", "open sessions"],
            GroupsByWindow::Counts(_) => ["window that is not full", "windows that are not full"],
        }
    }

    /// What has no results, if the stream ends here and [`AggregateState::finish`] is not called.
    pub fn unreported(&self) -> Unreported {
        match &self.state {
            GroupsByWindow::Whole(_) => Unreported::Whole,
            _ if self.progress.ended() => Unreported::Nothing,
            state => Unreported::Windows(state.open_count(), self.of()),
        }
    }

    /// Whether a record that is late now is so because of a stream that came before its own.
    pub fn resumes(&self) -> bool {
        self.progress.resumes()
    }

    fn needs_no_windows(&self) -> Result<(), StreamError> {
        if let Some(text) = self.projection.needs_windows() {
            return Err(StreamError::NoWindows(text.to_owned()));
        }
        if self.policy.timed {
            return Err(StreamError::NoWindowTime);
        }
        if self.fill.is_some() {
            return Err(StreamError::NoFilledWindows);
        }
        match (&self.state, self.policy.every_ms) {
            (GroupsByWindow::Whole(_), Some(_)) => Err(StreamError::NoEventTime),
            _ => Ok(()),
        }
    }
}
