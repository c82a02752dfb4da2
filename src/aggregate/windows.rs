//! The windows of a stream that are open: a group table each, until the watermark closes them.

use std::collections::BTreeMap;

use super::fault::{Fault, StreamError};
use super::function::Scope;
use super::panes::{Pane, Progress, write_head};
use super::report::Results;
use super::table::{Incoming, Stager, Table};
use crate::time::Interval;
use crate::time::timestamp::OutOfRange;

/// A window in the making.
struct Open {
    /// From when to when it is.
    interval: Interval,
    /// The window as the first fields of its results.
    head: Vec<u8>,
    /// Its groups.
    table: Table,
    /// Whether its results at its end are out.
    ended: bool,
    changed: Changed,
}

/// The groups that changed since their results came last.
#[derive(Default)]
pub(super) struct Changed {
    groups: Vec<usize>,
    /// Whether a group is among them.
    flags: Vec<bool>,
}

impl Changed {
    pub(super) fn add(&mut self, group: usize) {
        if self.flags.len() <= group {
            self.flags.resize(group + 1, false);
        }
        if let Some(flag) = self.flags.get_mut(group)
            && !std::mem::replace(flag, true)
        {
            self.groups.push(group);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Takes them out, in order.
    fn take(&mut self) -> Vec<usize> {
        let mut groups = std::mem::take(&mut self.groups);
        groups.sort_unstable();
        for group in &groups {
            self.flags.iter_mut().skip(*group).take(1).for_each(|flag| *flag = false);
        }
        groups
    }
}

impl Open {
    fn new(interval: Interval, table: Table, progress: &Progress) -> Result<Open, OutOfRange> {
        let mut head = Vec::new();
        write_head(Some(interval), None, &mut head)?;
        let ended = progress.ends(interval.end_ms);
        Ok(Open { interval, head, table, ended, changed: Changed::default() })
    }

    /// Appends results of the window: those of `groups`, or all.
    fn write(
        &self,
        pane: Pane,
        groups: Option<&[usize]>,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let scope = Scope::of(self.interval);
        match results.policy.marked(pane) {
            None => self.table.write(groups, &self.head, scope, results),
            pane => {
                let mut head = self.head.clone();
                // A pane is no time, which might be out of range.
                let _ = write_head(None, pane, &mut head);
                self.table.write(groups, &head, scope, results)
            }
        }
    }

    /// A record changed `group`; its results, if they come at once, are appended.
    fn change(
        &mut self,
        group: usize,
        progress: &Progress,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        if results.policy.refines() {
            self.changed.add(group);
            if results.policy.at_once() {
                return self.refine(progress, results);
            }
        }
        Ok(())
    }

    /// Appends the results that are due because groups changed.
    fn refine(
        &mut self,
        progress: &Progress,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let changed = self.changed.take();
        let pane = if progress.ends(self.interval.end_ms) { Pane::Late } else { Pane::Early };
        self.write(pane, results.policy.pick(&changed), results)
    }
}

/// The open windows.
///
/// A window that the watermark has passed is closed for good, whether it had records or not.
#[derive(Default)]
pub(super) struct Windows {
    /// The window of the last record: most often also that of the next.
    current: Option<(Interval, Box<Open>)>,
    others: BTreeMap<Interval, Box<Open>>,
}

impl Windows {
    /// Takes a record into the window at `interval`; says whether that is open. Its results, if
    /// they come at once, are appended. New tables are from `new`.
    ///
    /// # Errors
    /// When the record is at fault, or the interval has no written form.
    pub(super) fn take<S: Stager>(
        &mut self,
        interval: Interval,
        record: &mut Incoming<'_, S>,
        progress: &Progress,
        results: &mut Results<'_>,
        new: impl FnOnce() -> Table,
    ) -> Result<bool, Fault> {
        if self.current.as_ref().is_none_or(|(current, _)| *current != interval) {
            if progress.is_closed(interval.end_ms) {
                return Ok(false);
            }
            self.stash();
            let open = self.open_at(interval, progress, new)?;
            self.current = Some((interval, open));
        }
        if let Some((_, open)) = &mut self.current {
            let group = open.table.take(record)?;
            open.change(group, progress, results)?;
        }
        Ok(true)
    }

    /// Takes a record into each of `intervals` that is open; says whether there was one. Otherwise
    /// as [`Windows::take`].
    pub(super) fn take_all<S: Stager>(
        &mut self,
        intervals: impl Iterator<Item = Interval>,
        record: &mut Incoming<'_, S>,
        progress: &Progress,
        results: &mut Results<'_>,
        new: impl Fn() -> Table,
    ) -> Result<bool, Fault> {
        self.stash();
        let mut open = Vec::new();
        for interval in intervals.filter(|one| !progress.is_closed(one.end_ms)) {
            open.push(self.open_at(interval, progress, &new)?);
        }
        let mut tables: Vec<&mut Table> = open.iter_mut().map(|open| &mut open.table).collect();
        let taken = Table::take_all(&mut tables, record);
        let mut written = Ok(());
        if let Ok(groups) = &taken {
            for (open, group) in open.iter_mut().zip(groups) {
                written = written.and_then(|()| open.change(*group, progress, results));
            }
        }
        let any = !open.is_empty();
        self.others.extend(open.into_iter().map(|open| (open.interval, open)));
        taken?;
        written?;
        Ok(any)
    }

    /// Takes an open window out, or a new one.
    fn open_at(
        &mut self,
        interval: Interval,
        progress: &Progress,
        new: impl FnOnce() -> Table,
    ) -> Result<Box<Open>, OutOfRange> {
        match self.others.remove(&interval) {
            Some(open) => Ok(open),
            None => Ok(Box::new(Open::new(interval, new(), progress)?)),
        }
    }

    /// The watermark has moved: appends the results that come because of it, by end and then by
    /// start. At a `tick` these are also those of groups that have changed. Gives the number of
    /// groups that are no longer held.
    pub(super) fn advance(
        &mut self,
        tick: bool,
        progress: &mut Progress,
        results: &mut Results<'_>,
    ) -> Result<usize, StreamError> {
        self.stash();
        let mut freed = 0;
        while let Some(first) = self.others.first_entry() {
            let end_ms = first.key().end_ms;
            if !progress.is_closed(end_ms) {
                break;
            }
            let mut open = first.remove();
            freed += open.table.len();
            if open.table.is_empty() {
                continue;
            }
            progress.report(end_ms);
            if !(open.ended && results.policy.refines()) {
                open.write(Pane::OnTime, None, results)?;
            } else if !open.changed.is_empty() {
                open.refine(progress, results)?;
            }
        }
        if results.policy.refines() {
            self.refine(tick, progress, results)?;
        }
        Ok(freed)
    }

    /// Appends results of windows that stay open.
    fn refine(
        &mut self,
        tick: bool,
        progress: &mut Progress,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        for (interval, open) in &mut self.others {
            let ends = progress.ends(interval.end_ms);
            if !(ends || tick) {
                break;
            }
            if ends && !std::mem::replace(&mut open.ended, true) && !open.table.is_empty() {
                progress.report(interval.end_ms);
                open.changed.take();
                open.write(Pane::OnTime, None, results)?;
            } else if tick && !open.changed.is_empty() {
                open.refine(progress, results)?;
            }
        }
        Ok(())
    }

    /// How many windows with records are open.
    pub(super) fn open_count(&self) -> usize {
        self.open().filter(|open| !open.table.is_empty()).count()
    }

    /// About how many bytes of memory their groups take.
    pub(super) fn bytes(&self) -> usize {
        self.open().map(|open| open.table.bytes()).sum()
    }

    fn open(&self) -> impl Iterator<Item = &Open> {
        let current = self.current.as_ref().map(|(_, open)| open);
        self.others.values().chain(current).map(|open| &**open)
    }

    fn stash(&mut self) {
        self.others.extend(self.current.take());
    }
}

#[cfg(test)]
mod tests {
    use super::super::emit::Layout;
    use super::super::panes::{Policy, Room};
    use super::super::report::{Report, Style};
    use super::super::select::Selection;
    use super::*;
    use crate::record::control::Mark;

    /// Windows of tables without columns, and how far time has come.
    #[derive(Default)]
    struct Bench {
        windows: Windows,
        progress: Progress,
    }

    impl Bench {
        /// Puts a record into a window; false if that is closed.
        fn put(&mut self, start_s: i64, end_s: i64) -> bool {
            let interval = Interval { start_ms: start_s * 1_000, end_ms: end_s * 1_000 };
            let mut room = Room { groups: 0, groups_max: 9 };
            let stage = |_: Option<usize>, _: &mut [_]| Ok(());
            let mut record = Incoming { key: b"", arrival: 1, stage, room: &mut room };
            let (windows, progress) = (&mut self.windows, &self.progress);
            let table = || Table::new(Vec::new(), false);
            Bench::with_results(|results| {
                windows.take(interval, &mut record, progress, results, table).unwrap()
            })
            .0
        }

        fn closed(&mut self, mark: Mark) -> Vec<String> {
            self.progress.advance(mark, None);
            let (windows, progress) = (&mut self.windows, &mut self.progress);
            let (_, out) =
                Bench::with_results(|results| windows.advance(false, progress, results).unwrap());
            out.lines().map(|line| line.replace("1970-01-01T00:00:0", "")).collect()
        }

        fn with_results<T>(work: impl FnOnce(&mut Results<'_>) -> T) -> (T, String) {
            let layout = Layout::new([].into_iter(), [].into_iter());
            let mut report = Report::new(layout, Selection::default(), Style::Records);
            let mut out = Vec::new();
            let policy = Policy::default();
            let given = work(&mut Results { policy, report: &mut report, out: &mut out });
            (given, String::from_utf8(out).unwrap())
        }
    }

    fn result(start: i64, end: i64) -> String {
        format!("{{\"window_start\":\"{start}Z\",\"window_end\":\"{end}Z\"}}")
    }

    #[test]
    fn windows_close_by_end_then_by_start() {
        let mut bench = Bench::default();
        for (start_s, end_s) in [(3, 4), (1, 2), (0, 4), (0, 2), (5, 6)] {
            assert!(bench.put(start_s, end_s));
        }
        assert_eq!(bench.windows.open_count(), 5);
        assert_eq!(bench.closed(Mark::Ms(1_998)), [""; 0]);
        let four = [result(0, 2), result(1, 2), result(0, 4), result(3, 4)];
        assert_eq!(bench.closed(Mark::Ms(3_999)), four);
        assert_eq!(bench.closed(Mark::End), [result(5, 6)]);
        assert_eq!(bench.windows.open_count(), 0);
    }

    #[test]
    fn a_closed_window_stays_closed() {
        let mut bench = Bench::default();
        assert_eq!(bench.closed(Mark::Ms(999)), [""; 0]);
        assert!(!bench.put(0, 1));
        assert!(bench.put(0, 2));
        // A watermark that goes back reopens nothing.
        assert_eq!(bench.closed(Mark::Ms(5)), [""; 0]);
        assert!(!bench.put(0, 1));
        assert!(bench.put(0, 2));
        assert_eq!(bench.closed(Mark::End).len(), 1);
        assert!(!bench.put(1, 2));
    }

    #[test]
    fn a_second_stream_goes_on_behind_the_first() {
        let mut bench = Bench::default();
        assert!(bench.put(0, 1));
        bench.progress.begin(0);
        assert!(bench.put(0, 1));
        assert_eq!(bench.closed(Mark::End).len(), 1);
        bench.progress.begin(0);
        assert!(!bench.put(0, 1));
        assert!(bench.put(1, 2));
        assert_eq!(bench.closed(Mark::End).len(), 1);
    }
}
