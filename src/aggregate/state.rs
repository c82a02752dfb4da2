//! What is reduced, by the kind of windows.

use super::counts::Counts;
use super::fault::{Fault, StreamError};
use super::function::Scope;
use super::panes::{Pane, Policy, Progress, write_head};
use super::report::Results;
use super::sessions::Sessions;
use super::slices::Slices;
use super::table::{Incoming, Stager, Table};
use super::windows::Windows;
use super::wiring::Maker;
use crate::time::Interval;
use crate::window::{self, Carried};

/// The states of all groups.
pub(super) enum State {
    /// One set of results for the whole input.
    Whole(Table),
    /// A table a window: those that records carry, or all that have a record's slice.
    Windows(Windows, Option<window::Windows>),
    /// A table a slice.
    Slices(Box<Slices>),
    Sessions(Box<Sessions>),
    Counts(Box<Counts>),
}

impl State {
    pub(super) fn new(
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
    pub(super) fn is_of(&self, windows: &window::Windows, carried: Carried) -> bool {
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
    pub(super) fn restarts(&self) -> bool {
        matches!(self, State::Slices(_))
    }

    /// Takes a record; says whether it was not late.
    pub(super) fn take<S: Stager>(
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
pub(super) fn write_whole(
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
