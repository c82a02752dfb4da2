//! The whole of an aggregation: records and watermarks in, results out.

use super::counts::Counts;
use super::fault::{Fault, StreamError};
use super::function::Scope;
use super::panes::{NUMBER_FIELD, PANE_FIELD, Pane, Policy, Progress, Room, write_head};
use super::piece::Pieces;
use super::plan::{Maker, Plan};
use super::report::{Report, Results, Style};
use super::select::Selection;
use super::sessions::Sessions;
use super::slices::Slices;
use super::table::{Incoming, Stager, Table};
use super::windows::Windows;
use crate::expr::Program;
use crate::record::control::{Mark, Windowing};
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};
use crate::time::{Duration, Interval};
use crate::window::{self, Carried};

/// Reduces a stream of records.
///
/// A stream that says how it is windowed has results for each window when the watermark passes its
/// end; any other has results at its end. A [`Policy`] may have them come sooner, and again.
pub struct Aggregator {
    plan: Plan,
    maker: Maker,
    report: Report,
    policy: Policy,
    state: State,
    pieces: Pieces,
    progress: Progress,
    room: Room,
    /// The key of the record in hand.
    key: Vec<u8>,
    /// How many records have been taken.
    arrivals: u64,
    /// None as long as nobody wants to know.
    held: Option<Held>,
}

/// What is held, and was at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// What windows are made of, which is what is counted below: the word for one, and for many.
    pub of: [&'static str; 2],
    /// Groups now, those of all open windows.
    pub groups: usize,
    /// Groups at most.
    pub groups_most: usize,
    /// Open windows now.
    pub windows: usize,
    /// Open windows at most, where windows closed.
    pub windows_most: usize,
    /// About how many bytes their states take now.
    pub bytes: usize,
    /// And at most, where windows closed.
    pub bytes_most: usize,
}

/// What is reduced, by the kind of windows.
enum State {
    /// One set of results for the whole input.
    Whole(Table),
    /// A table a window: those that records carry, or all that have a record's slice.
    Windows(Windows, Option<window::Windows>),
    /// A table a slice.
    Slices(Box<Slices>),
    Sessions(Box<Sessions>),
    Counts(Box<Counts>),
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

impl Aggregator {
    /// Starts on a stream.
    pub fn new(plan: Plan) -> Aggregator {
        let report = Report::new(plan.layout(), Selection::default(), Style::Records);
        let maker = plan.maker();
        Aggregator {
            report,
            policy: Policy::default(),
            state: State::Whole(maker.table(false)),
            plan,
            maker,
            pieces: Pieces::new(WINDOW_FIELDS),
            progress: Progress::default(),
            room: Room { groups: 0, groups_max: usize::MAX },
            key: Vec::new(),
            arrivals: 0,
            held: None,
        }
    }

    /// Lets only some results pass, and says what they look like.
    #[must_use]
    pub fn reporting(mut self, selection: Selection, style: Style) -> Aggregator {
        self.report = Report::new(self.plan.layout(), selection, style);
        self
    }

    /// Says which results come, and when.
    #[must_use]
    pub fn emitting(mut self, policy: Policy) -> Aggregator {
        self.policy = policy;
        self
    }

    /// Allows at most so many groups at the same time, those of all open windows together.
    #[must_use]
    pub fn limited(mut self, groups_max: usize) -> Aggregator {
        self.room.groups_max = groups_max;
        self
    }

    /// Watches what is held.
    #[must_use]
    pub fn watched(mut self) -> Aggregator {
        self.held = Some(Held {
            of: self.of(),
            groups: 0,
            groups_most: 0,
            windows: 0,
            windows_most: 0,
            bytes: 0,
            bytes_most: 0,
        });
        self
    }

    /// Takes a record; appends the results that come at once. False if the record is late: all its
    /// windows are closed, and nothing comes of it.
    ///
    /// # Errors
    /// When the record is at fault; or the condition on results fails.
    pub fn record(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<bool, Fault> {
        self.load(record)?;
        let piece = match &self.state {
            State::Whole(_) | State::Counts(_) => None,
            _ => Some(self.pieces.read(&mut self.plan)?),
        };
        self.place(piece, record, out)
    }

    /// Reads a record, for [`Aggregator::place`].
    ///
    /// # Errors
    /// When it is not valid, or no object.
    pub fn load(&mut self, record: &[u8]) -> Result<(), Fault> {
        self.plan.program.load(record)?;
        if record.trim_ascii_start().starts_with(b"{") { Ok(()) } else { Err(Fault::NotAnObject) }
    }

    /// What has read the record, and which of its expressions is that for the event time, if the
    /// plan has one.
    pub fn clock(&mut self) -> Option<(&mut Program, usize)> {
        let expression = self.plan.time_expression()?;
        Some((&mut self.plan.program, expression))
    }

    /// As [`Aggregator::record`], with the record that was loaded, and is of this window or slice.
    ///
    /// # Errors
    /// As [`Aggregator::record`].
    pub fn place(
        &mut self,
        piece: Option<Interval>,
        record: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool, Fault> {
        if let State::Whole(table) = &self.state
            && table.is_empty()
        {
            self.needs_no_windows()?;
        }
        self.key.clear();
        self.plan.write_key(&mut self.key)?;
        let Aggregator { plan, report, policy, state, room, key, progress, maker, .. } = self;
        let arrival = self.arrivals + 1;
        let stage = |group: Option<usize>, columns: &mut [_]| plan.stage(group, record, columns);
        let mut incoming = Incoming { key, arrival, stage, room };
        let mut results = Results { policy: *policy, report, out };
        let taken = state.take(piece, &mut incoming, progress, &mut results, maker)?;
        self.arrivals = arrival;
        Ok(taken)
    }

    /// The stream says how it is windowed from here on.
    ///
    /// # Errors
    /// When records without windows came before, a result's name is taken by the window, or the
    /// windows do not go with what is to come of them.
    pub fn begin_windows(&mut self, windowing: &Windowing) -> Result<(), StreamError> {
        let windows = window::Windows::from_kind(&windowing.kind)?;
        let carried = windows.carried(windowing.expanded);
        self.check_names(carried)?;
        self.check_policy(&windows, windowing)?;
        let is_new = match &self.state {
            State::Whole(table) if table.is_empty() => true,
            State::Whole(_) => return Err(StreamError::Mixed),
            state if self.progress.ended() => !state.is_of(&windows, carried) || state.restarts(),
            state if state.is_of(&windows, carried) => false,
            _ => return Err(StreamError::Changed),
        };
        self.progress.begin(windowing.allowed_lateness_ms);
        if is_new {
            let fields = match carried {
                Carried::Window | Carried::Nothing => WINDOW_FIELDS,
                Carried::Slice | Carried::Session => SLICE_FIELDS,
            };
            self.pieces = Pieces::new(fields);
            if carried != Carried::Nothing && self.plan.time_expression().is_none() {
                self.plan.read_pieces(fields);
            }
            self.state = State::new(windows, carried, self.policy, &self.progress, &self.maker);
        }
        Ok(())
    }

    fn check_names(&self, carried: Carried) -> Result<(), StreamError> {
        let window: &[&'static str] = match carried {
            Carried::Nothing => &[NUMBER_FIELD],
            _ => &WINDOW_FIELDS,
        };
        let pane: &[&'static str] = if self.policy.refines() { &[PANE_FIELD] } else { &[] };
        let names = window.iter().chain(pane);
        let clash = |name: &&'static str| {
            let text = self.plan.text_of(name)?.to_owned();
            Some(StreamError::Clash { text, name })
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
            window::Windows::Count { .. } => Some("window that counts"),
            _ => None,
        };
        if let (Some(alone), true) = (alone, self.report.is_ranked()) {
            return Err(StreamError::Ranked(alone));
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
    pub fn watermark(&mut self, mark: Mark, out: &mut Vec<u8>) -> Result<(), StreamError> {
        self.look();
        let tick = self.progress.advance(mark, self.policy.every_ms);
        let Aggregator { report, policy, state, progress, maker, .. } = self;
        let mut results = Results { policy: *policy, report, out };
        let freed = match state {
            State::Whole(_) => 0,
            State::Windows(windows, _) => windows.advance(tick, progress, &mut results)?,
            State::Slices(slices) => {
                slices.advance(progress, &mut results, || maker.table(true))?
            }
            State::Sessions(sessions) => sessions.advance(tick, progress, &mut results)?,
            State::Counts(counts) if progress.ended() => {
                counts.end(&mut results)?;
                0
            }
            State::Counts(_) => 0,
        };
        self.room.free(freed);
        Ok(())
    }

    /// The input has ended: appends the results of a stream without windows. Without groups there
    /// is always one result, as in SQL, also of no records. Windows stay open: only the final
    /// watermark says that nothing is missing from them.
    ///
    /// # Errors
    /// When the condition on results fails, or an aggregate needs windows.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        if !matches!(self.state, State::Whole(_)) {
            return Ok(());
        }
        self.needs_no_windows()?;
        let State::Whole(table) = &mut self.state else { return Ok(()) };
        if !self.plan.is_grouped() {
            table.enter(table.find(b""), b"", 0);
        }
        let mut results = Results { policy: self.policy, report: &mut self.report, out };
        write_whole(table, Pane::OnTime, None, &mut results)
    }

    /// What is held now and was at most, if it was watched.
    pub fn held(&mut self) -> Option<Held> {
        self.look();
        self.held
    }

    /// Sees what is held.
    fn look(&mut self) {
        let of = self.of();
        let Some(held) = &mut self.held else { return };
        held.of = of;
        held.groups = self.room.groups;
        (held.windows, held.bytes) = match &self.state {
            State::Whole(table) => (0, table.bytes()),
            State::Windows(windows, _) => (windows.open_count(), windows.bytes()),
            State::Slices(slices) => (slices.open_count(), slices.bytes()),
            State::Sessions(sessions) => (sessions.open_count(), sessions.bytes()),
            State::Counts(counts) => (counts.open_count(), counts.bytes()),
        };
        held.groups_most = held.groups_most.max(held.groups);
        held.windows_most = held.windows_most.max(held.windows);
        held.bytes_most = held.bytes_most.max(held.bytes);
    }

    /// What is open, for people.
    fn of(&self) -> [&'static str; 2] {
        match self.state {
            State::Whole(_) | State::Windows(..) => ["open window", "open windows"],
            State::Slices(_) => ["slice of open windows", "slices of open windows"],
            State::Sessions(_) => ["open session", "open sessions"],
            State::Counts(_) => ["window that is not full", "windows that are not full"],
        }
    }

    /// What has no results, if the stream ends here and [`Aggregator::finish`] is not called.
    pub fn unreported(&self) -> Unreported {
        let count = match &self.state {
            State::Whole(_) => return Unreported::Whole,
            _ if self.progress.ended() => return Unreported::Nothing,
            State::Windows(windows, _) => windows.open_count(),
            State::Slices(slices) => slices.open_count(),
            State::Sessions(sessions) => sessions.open_count(),
            State::Counts(counts) => counts.open_count(),
        };
        Unreported::Windows(count, self.of())
    }

    fn needs_no_windows(&self) -> Result<(), StreamError> {
        if let Some(text) = self.plan.needs_windows() {
            return Err(StreamError::NoWindows(text.to_owned()));
        }
        match (&self.state, self.policy.every_ms) {
            (State::Whole(_), Some(_)) => Err(StreamError::NoEventTime),
            _ => Ok(()),
        }
    }
}

impl State {
    fn new(
        windows: window::Windows,
        carried: Carried,
        policy: Policy,
        progress: &Progress,
        maker: &Maker,
    ) -> State {
        match (carried, &windows) {
            (Carried::Nothing, window::Windows::Count { size }) => {
                State::Counts(Box::new(Counts::new(*size, maker.table(false))))
            }
            (Carried::Session, _) => {
                State::Sessions(Box::new(Sessions::new(|| maker.columns(true))))
            }
            // Results that come again and again are of whole windows: there is nothing to merge.
            (Carried::Slice, _) if policy.refines() => {
                State::Windows(Windows::default(), Some(windows))
            }
            (Carried::Slice, _) => State::Slices(Box::new(Slices::new(windows, progress))),
            _ => State::Windows(Windows::default(), None),
        }
    }

    /// Whether it is for these windows. Those that records carry may be of any size.
    fn is_of(&self, windows: &window::Windows, carried: Carried) -> bool {
        match self {
            State::Whole(_) => false,
            State::Windows(_, None) => carried == Carried::Window,
            State::Windows(_, Some(ours)) => carried == Carried::Slice && ours == windows,
            State::Slices(slices) => carried == Carried::Slice && slices.windows() == windows,
            State::Sessions(_) => carried == Carried::Session,
            State::Counts(counts) => *windows == window::Windows::Count { size: counts.size() },
        }
    }

    /// Whether a second stream needs it anew.
    fn restarts(&self) -> bool {
        matches!(self, State::Slices(_))
    }

    /// Takes a record; says whether it was not late.
    fn take<S: Stager>(
        &mut self,
        piece: Option<Interval>,
        record: &mut Incoming<'_, S>,
        progress: &Progress,
        results: &mut Results<'_>,
        maker: &Maker,
    ) -> Result<bool, Fault> {
        match (self, piece) {
            (State::Windows(windows, None), Some(piece)) => {
                windows.take(piece, record, progress, results, || maker.table(false))
            }
            (State::Windows(windows, Some(all)), Some(piece)) => {
                let all = all.of_slice(piece);
                windows.take_all(all, record, progress, results, || maker.table(false))
            }
            (State::Slices(slices), Some(piece)) => {
                slices.take(piece, record, progress, || maker.table(true))
            }
            (State::Sessions(sessions), Some(piece)) => {
                sessions.take(piece, record, progress, results)
            }
            (State::Counts(counts), _) => {
                counts.take(record, results)?;
                Ok(true)
            }
            (State::Whole(table), _) => {
                let group = table.take(record)?;
                if results.policy.at_once() {
                    write_whole(table, Pane::Early, Some(group), results)?;
                }
                Ok(true)
            }
            // A record has a piece wherever windows are made of pieces.
            (_, None) => Ok(true),
        }
    }
}

/// Appends results of a stream without windows, because a group changed or at the end.
fn write_whole(
    table: &Table,
    pane: Pane,
    changed: Option<usize>,
    results: &mut Results<'_>,
) -> Result<(), StreamError> {
    let mut head = Vec::new();
    write_head(None, results.policy.marked(pane), &mut head)?;
    let groups = changed.as_ref().map(std::slice::from_ref);
    let groups = groups.and_then(|changed| results.policy.pick(changed));
    table.write(groups, &head, Scope::default(), results)
}
