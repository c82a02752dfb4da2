//! What is reduced, by the kind of windows.

use super::counts::Counts;
use super::panes::{Pane, Policy, Progress, write_pane};
use super::sessions::Sessions;
use super::slices::Slices;
use super::windows::Windows;
use crate::aggregate::fault::{Fault, StreamError};
use crate::aggregate::functions::function::Scope;
use crate::aggregate::output::report::Results;
use crate::aggregate::table::{ColumnFactory, Incoming, Stager, Table};
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;
use crate::window::{self, Carried};

/// The states of all groups.
pub(in crate::aggregate) enum GroupsByWindow {
    /// One set of results for the whole input.
    Whole(Table),
    /// A table a window: those that records carry, or all that have a record's slice.
    Windows(Windows, Option<window::Windows>),
    /// A table a slice.
    Slices(Box<Slices>),
    Sessions(Box<Sessions>),
    Counts(Box<Counts>),
}

impl GroupsByWindow {
    pub(in crate::aggregate) fn new(
        windows: window::Windows,
        carried: Carried,
        policy: Policy,
        progress: &Progress,
        factory: &ColumnFactory,
    ) -> GroupsByWindow {
        match (carried, &windows) {
            (Carried::Nothing, window::Windows::Count { size }) => {
                GroupsByWindow::Counts(Box::new(Counts::new(*size, factory.table(false))))
            }
            (Carried::Session, _) => {
                GroupsByWindow::Sessions(Box::new(Sessions::new(|| factory.columns(true))))
            }
            // Results that come again and again are of whole windows: there is nothing to merge.
            (Carried::Slice, _) if policy.refines() => {
                GroupsByWindow::Windows(Windows::default(), Some(windows))
            }
            (Carried::Slice, _) => GroupsByWindow::Slices(Box::new(Slices::new(windows, progress))),
            _ => GroupsByWindow::Windows(Windows::default(), None),
        }
    }

    /// Whether it is for these windows. Those that records carry may be of any size.
    pub(in crate::aggregate) fn is_of(&self, windows: &window::Windows, carried: Carried) -> bool {
        match self {
            GroupsByWindow::Whole(_) => false,
            GroupsByWindow::Windows(_, None) => carried == Carried::Window,
            GroupsByWindow::Windows(_, Some(ours)) => carried == Carried::Slice && ours == windows,
            GroupsByWindow::Slices(slices) => {
                carried == Carried::Slice && slices.windows() == windows
            }
            GroupsByWindow::Sessions(_) => carried == Carried::Session,
            GroupsByWindow::Counts(counts) => {
                *windows == window::Windows::Count { size: counts.size() }
            }
        }
    }

    /// How many groups are held, those of all windows together.
    pub(in crate::aggregate) fn groups(&self) -> usize {
        match self {
            GroupsByWindow::Whole(table) => table.len(),
            GroupsByWindow::Windows(windows, _) => windows.groups(),
            GroupsByWindow::Slices(slices) => slices.groups(),
            GroupsByWindow::Sessions(sessions) => sessions.open_count(),
            GroupsByWindow::Counts(counts) => counts.groups(),
        }
    }

    /// Saves all groups; those of windows that may be `filled` with others, too.
    pub(in crate::aggregate) fn save(&self, filled: bool, to: &mut Writer) {
        match self {
            GroupsByWindow::Whole(table) => table.save(to),
            GroupsByWindow::Windows(windows, _) => windows.save(filled, to),
            GroupsByWindow::Slices(slices) => slices.save(to),
            GroupsByWindow::Sessions(sessions) => sessions.save(to),
            GroupsByWindow::Counts(counts) => counts.save(to),
        }
    }

    /// The groups that [`GroupsByWindow::save`] saved of the same windows.
    pub(in crate::aggregate) fn load(
        &self,
        policy: Policy,
        filled: bool,
        (progress, factory): (&Progress, &ColumnFactory),
        from: &mut Reader<'_>,
    ) -> Result<GroupsByWindow, StateError> {
        let (table, merging) = (|| factory.table(false), || factory.table(true));
        Ok(match self {
            GroupsByWindow::Whole(_) => GroupsByWindow::Whole(table().load(from)?),
            GroupsByWindow::Windows(_, all) => {
                GroupsByWindow::Windows(Windows::load(policy, filled, table, from)?, all.clone())
            }
            GroupsByWindow::Slices(slices) => {
                let empty = Slices::new(slices.windows().clone(), progress);
                GroupsByWindow::Slices(Box::new(empty.load(merging, from)?))
            }
            GroupsByWindow::Sessions(_) => {
                let empty = Sessions::new(|| factory.columns(true));
                GroupsByWindow::Sessions(Box::new(empty.load(progress, policy, from)?))
            }
            GroupsByWindow::Counts(counts) => {
                let empty = Counts::new(counts.size(), table());
                GroupsByWindow::Counts(Box::new(empty.load(from)?))
            }
        })
    }

    /// The start of the newest window that is open, or of the newest piece of one.
    pub(in crate::aggregate) fn newest_ms(&self) -> Option<i64> {
        match self {
            GroupsByWindow::Windows(windows, _) => windows.newest_ms(),
            GroupsByWindow::Slices(slices) => slices.newest_ms(),
            _ => None,
        }
    }

    /// Whether a second stream needs it anew.
    pub(in crate::aggregate) fn restarts(&self) -> bool {
        matches!(self, GroupsByWindow::Slices(_))
    }

    /// How many windows are open, or what they are made of.
    pub(in crate::aggregate) fn open_count(&self) -> usize {
        match self {
            GroupsByWindow::Whole(_) => 0,
            GroupsByWindow::Windows(windows, _) => windows.open_count(),
            GroupsByWindow::Slices(slices) => slices.open_count(),
            GroupsByWindow::Sessions(sessions) => sessions.open_count(),
            GroupsByWindow::Counts(counts) => counts.open_count(),
        }
    }

    /// The end of the open window that ends first, where a look tells it.
    pub(in crate::aggregate) fn first_end_ms(&self) -> Option<i64> {
        match self {
            // A session that was to end first may have grown since.
            GroupsByWindow::Whole(_) | GroupsByWindow::Counts(_) | GroupsByWindow::Sessions(_) => {
                None
            }
            GroupsByWindow::Windows(windows, _) => windows.first_end_ms(),
            GroupsByWindow::Slices(slices) => slices.first_end_ms(),
        }
    }

    /// About how many bytes of memory they take.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        match self {
            GroupsByWindow::Whole(table) => table.bytes(),
            GroupsByWindow::Windows(windows, _) => windows.bytes(),
            GroupsByWindow::Slices(slices) => slices.bytes(),
            GroupsByWindow::Sessions(sessions) => sessions.bytes(),
            GroupsByWindow::Counts(counts) => counts.bytes(),
        }
    }

    /// The same, at most while results were made, where that is more than before and after.
    pub(in crate::aggregate) fn bytes_most(&self) -> usize {
        match self {
            GroupsByWindow::Whole(_) | GroupsByWindow::Windows(..) => 0,
            GroupsByWindow::Slices(slices) => slices.bytes_most(),
            GroupsByWindow::Sessions(sessions) => sessions.bytes_most(),
            GroupsByWindow::Counts(counts) => counts.bytes_most(),
        }
    }

    /// Appends what the results of the newest window are at this moment, if one is open; those of
    /// all windows that are open, where each is of one group.
    pub(in crate::aggregate) fn write_newest(
        &mut self,
        results: &mut Results<'_>,
        new: impl FnOnce() -> Table,
    ) -> Result<(), StreamError> {
        match self {
            GroupsByWindow::Whole(table) => table.write(None, b"", Scope::default(), results),
            GroupsByWindow::Windows(windows, _) => windows.write_newest(results),
            GroupsByWindow::Slices(slices) => slices.write_newest(results, new),
            GroupsByWindow::Sessions(sessions) => sessions.write_open(results),
            GroupsByWindow::Counts(counts) => counts.write_open(results),
        }
    }

    /// Takes a record; says whether it was not late.
    pub(in crate::aggregate) fn take<S: Stager>(
        &mut self,
        piece: Option<Interval>,
        record: &mut Incoming<'_, S>,
        progress: &Progress,
        results: &mut Results<'_>,
        factory: &ColumnFactory,
    ) -> Result<bool, Fault> {
        match (self, piece) {
            (GroupsByWindow::Windows(windows, None), Some(piece)) => {
                windows.take(piece, record, progress, results, || factory.table(false))
            }
            (GroupsByWindow::Windows(windows, Some(all)), Some(piece)) => {
                let all = all.of_slice(piece);
                windows.take_all(all, record, progress, results, || factory.table(false))
            }
            (GroupsByWindow::Slices(slices), Some(piece)) => {
                slices.take(piece, record, progress, || factory.table(true))
            }
            (GroupsByWindow::Sessions(sessions), Some(piece)) => {
                sessions.take(piece, record, progress, results)
            }
            (GroupsByWindow::Counts(counts), _) => {
                counts.take(record, results)?;
                Ok(true)
            }
            (GroupsByWindow::Whole(table), _) => {
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
pub(in crate::aggregate) fn write_whole(
    table: &mut Table,
    pane: Pane,
    changed: Option<usize>,
    results: &mut Results<'_>,
) -> Result<(), StreamError> {
    let mut head = Vec::new();
    write_pane(results.policy.marked(pane), &mut head);
    let groups = changed.as_ref().map(std::slice::from_ref);
    let groups = groups.and_then(|changed| results.policy.pick(changed));
    table.write(groups, &head, Scope::default(), results)
}
