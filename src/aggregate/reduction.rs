//! Groups and their states, over the whole input or by window: values and watermarks in, results
//! out.

use super::fault::{Fault, StreamError};
use super::panes::{NUMBER_FIELD, PANE_FIELD, Pane, Policy, Progress, Room};
use super::piece::Pieces;
use super::plan::Reading;
use super::report::{Report, Results};
use super::state::{State, write_whole};
use super::table::Incoming;
use super::wiring::{Maker, Wiring};
use crate::expr::Loaded;
use crate::record::control::{Mark, Windowing};
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};
use crate::time::{Duration, Interval};
use crate::window::{self, Carried};

/// All of an aggregation but the reading of records.
pub struct Reduction {
    pub(super) wiring: Wiring,
    pub(super) maker: Maker,
    pub(super) report: Report,
    pub(super) policy: Policy,
    pub(super) state: State,
    /// What reads the window or slice that records carry, where they carry one.
    pub(super) pieces: Option<Pieces>,
    pub(super) progress: Progress,
    pub(super) room: Room,
    /// The key of the record in hand.
    pub(super) key: Vec<u8>,
    /// How many records have been taken.
    pub(super) arrivals: u64,
    /// None as long as nobody wants to know.
    pub(super) held: Option<Held>,
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

impl Reduction {
    /// Takes a record, which is an object; appends the results that come at once. False if the
    /// record is late: all its windows are closed, and nothing comes of it.
    ///
    /// # Errors
    /// When the record is at fault; or the condition on results fails.
    pub fn take(&mut self, record: &mut Loaded<'_, '_>, out: &mut Vec<u8>) -> Result<bool, Fault> {
        let piece = match &mut self.pieces {
            Some(pieces) => Some(pieces.read(record)?),
            None => None,
        };
        self.take_in(piece, record, out)
    }

    /// As [`Reduction::take`], with a record of this window or slice.
    ///
    /// # Errors
    /// As [`Reduction::take`].
    pub fn take_in(
        &mut self,
        piece: Option<Interval>,
        record: &mut Loaded<'_, '_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Fault> {
        if let State::Whole(table) = &self.state
            && table.is_empty()
        {
            self.needs_no_windows()?;
        }
        self.key.clear();
        self.wiring.write_key(record, &mut self.key)?;
        let Reduction { wiring, report, policy, state, room, key, progress, maker, .. } = self;
        let arrival = self.arrivals + 1;
        let stage = |group: Option<usize>, columns: &mut [_]| wiring.stage(group, record, columns);
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
            State::Whole(table) if table.is_empty() => true,
            State::Whole(_) => return Err(StreamError::Mixed),
            state if self.progress.ended() => !state.is_of(&windows, carried) || state.restarts(),
            state if state.is_of(&windows, carried) => false,
            _ => return Err(StreamError::Changed),
        };
        self.progress.begin(windowing.allowed_lateness_ms);
        if is_new {
            let fields = match carried {
                Carried::Nothing => None,
                Carried::Window => Some(WINDOW_FIELDS),
                Carried::Slice | Carried::Session => Some(SLICE_FIELDS),
            };
            // Who knows the time of records says what they are of.
            let fields = fields.filter(|_| reading.time_expression().is_none());
            self.pieces = fields.map(|fields| Pieces::new(fields, reading.read_pieces(fields)));
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
            let text = self.wiring.text_of(name)?.to_owned();
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
        let Reduction { report, policy, state, progress, maker, .. } = self;
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
        if !self.wiring.is_grouped() {
            table.enter(table.find(b""), b"", 0);
        }
        let mut results = Results { policy: self.policy, report: &mut self.report, out };
        write_whole(table, Pane::OnTime, None, &mut results)
    }

    /// Begins to watch what is held.
    pub(super) fn watch(&mut self) {
        self.held = Some(Held {
            of: self.of(),
            groups: 0,
            groups_most: 0,
            windows: 0,
            windows_most: 0,
            bytes: 0,
            bytes_most: 0,
        });
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

    /// What has no results, if the stream ends here and [`Reduction::finish`] is not called.
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
        if let Some(text) = self.wiring.needs_windows() {
            return Err(StreamError::NoWindows(text.to_owned()));
        }
        match (&self.state, self.policy.every_ms) {
            (State::Whole(_), Some(_)) => Err(StreamError::NoEventTime),
            _ => Ok(()),
        }
    }
}
