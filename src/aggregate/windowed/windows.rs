//! The windows of a stream that are open: a group table each, until the watermark closes them.

mod saved;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::complete::{complete, order};
use super::panes::{Pane, Policy, Progress, write_pane, write_window};
use crate::aggregate::fault::{Fault, StreamError};
use crate::aggregate::functions::function::Scope;
use crate::aggregate::memory::{allocated, tree, vector};
use crate::aggregate::output::report::Results;
use crate::aggregate::table::{Incoming, Stager, Table};
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
    /// The groups that have no record, if its results at its end are out.
    filled: BTreeSet<usize>,
    /// How much memory it took when it was put among the others.
    bytes: usize,
}

/// The groups that changed since their results came last.
#[derive(Default)]
pub(in crate::aggregate) struct Changed {
    groups: Vec<usize>,
    /// Whether a group is among them.
    flags: Vec<bool>,
}

impl Changed {
    pub(in crate::aggregate) fn add(&mut self, group: usize) {
        if self.flags.len() <= group {
            self.flags.resize(group + 1, false);
        }
        if let Some(flag) = self.flags.get_mut(group)
            && !std::mem::replace(flag, true)
        {
            self.groups.push(group);
        }
    }

    pub(in crate::aggregate) fn is_empty(&self) -> bool {
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
    fn new(
        interval: Interval,
        table: Table,
        progress: &Progress,
        policy: Policy,
    ) -> Result<Open, OutOfRange> {
        let mut head = Vec::new();
        write_window(interval, policy, &mut head)?;
        let ended = progress.ends(interval.end_ms);
        let (changed, filled) = (Changed::default(), BTreeSet::new());
        Ok(Open { interval, head, table, ended, changed, filled, bytes: 0 })
    }

    /// Appends results of the window: those of `groups`, or all.
    fn write(
        &mut self,
        pane: Pane,
        groups: Option<&[usize]>,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let scope = Scope::of(self.interval);
        let mut head = Cow::Borrowed(&self.head);
        if let Some(pane) = results.policy.marked(pane) {
            write_pane(Some(pane), head.to_mut());
        }
        match (&results.fill, groups) {
            (Some(fill), None) => {
                let order = order(&self.table, fill);
                let is_filled = |group| self.filled.contains(&group);
                self.table.write_filled(&order, is_filled, &head, scope, results)
            }
            _ => self.table.write(groups, &head, scope, results),
        }
    }

    /// Appends the results at its end, also of groups without records where these have some; it
    /// `stays` open or not.
    fn report(
        &mut self,
        stays: bool,
        progress: &mut Progress,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        progress.report(self.interval.end_ms);
        if let Some(fill) = &mut results.fill {
            let count = complete(&mut self.table, self.interval, fill, stays)?;
            self.filled = (count..self.table.len()).collect();
        }
        self.write(Pane::OnTime, None, results)
    }

    /// How much memory it takes.
    fn measure(&self) -> usize {
        allocated(size_of::<Open>())
            + vector(&self.head)
            + self.table.bytes()
            + vector(&self.changed.groups)
            + vector(&self.changed.flags)
            + tree::<usize>(self.filled.len())
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
            self.filled.remove(&group);
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
        if let (Pane::Late, Some(fill)) = (pane, &mut results.fill) {
            let mut keys = changed.iter().map(|group| self.table.key(*group));
            keys.try_for_each(|key| fill.see(key, self.interval.end_ms))?;
        }
        self.write(pane, results.policy.pick(&changed), results)
    }
}

/// The open windows.
///
/// A window that the watermark has passed is closed for good, whether it had records or not.
#[derive(Default)]
pub(in crate::aggregate) struct Windows {
    /// The window of the last record: most often also that of the next.
    current: Option<(Interval, Box<Open>)>,
    others: BTreeMap<Interval, Box<Open>>,
    /// How much memory those take.
    others_bytes: usize,
    /// Where results come again and again: the windows whose results at their end are to come, if
    /// they are open at all.
    ending: BTreeSet<Interval>,
    /// And those of the others that changed since their results came last.
    changed: BTreeSet<Interval>,
}

impl Windows {
    /// Takes a record into the window at `interval`; says whether that is open. Its results, if
    /// they come at once, are appended. New tables are from `new`.
    ///
    /// # Errors
    /// When the record is at fault, or the interval has no written form.
    pub(in crate::aggregate) fn take<S: Stager>(
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
            let open = self.open_at(interval, progress, results.policy, new)?;
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
    pub(in crate::aggregate) fn take_all<S: Stager>(
        &mut self,
        intervals: impl Iterator<Item = Interval>,
        record: &mut Incoming<'_, S>,
        progress: &Progress,
        results: &mut Results<'_>,
        new: impl Fn() -> Table,
    ) -> Result<bool, Fault> {
        self.stash();
        let mut open = Vec::new();
        let mut opened = Ok(());
        for interval in intervals.filter(|one| !progress.is_closed(one.end_ms)) {
            match self.open_at(interval, progress, results.policy, &new) {
                Ok(one) => open.push(one),
                Err(error) => opened = Err(error.into()),
            }
        }
        let any = !open.is_empty();
        let taken = opened.and_then(|()| take_into(&mut open, record, progress, results));
        open.into_iter().for_each(|open| self.put_back(open));
        taken.map(|()| any)
    }

    /// Takes an open window out, or a new one.
    fn open_at(
        &mut self,
        interval: Interval,
        progress: &Progress,
        policy: Policy,
        new: impl FnOnce() -> Table,
    ) -> Result<Box<Open>, OutOfRange> {
        if let Some(open) = self.others.remove(&interval) {
            self.others_bytes -= open.bytes;
            return Ok(open);
        }
        let open = Open::new(interval, new(), progress, policy)?;
        if policy.refines() && !open.ended {
            self.ending.insert(interval);
        }
        Ok(Box::new(open))
    }

    /// The watermark has moved: appends the results that come because of it, by end and then by
    /// start. At a `tick` these are also those of groups that have changed. Gives the number of
    /// groups that are no longer held. New tables are from `new`.
    pub(in crate::aggregate) fn advance(
        &mut self,
        tick: bool,
        progress: &mut Progress,
        results: &mut Results<'_>,
        new: impl Fn() -> Table,
    ) -> Result<usize, StreamError> {
        self.stash();
        let mut freed = 0;
        loop {
            let first = self.others.first_entry();
            let first = first.filter(|first| progress.is_closed(first.key().end_ms));
            let before_ms = first.as_ref().map(|first| first.key().end_ms);
            if let Some(gap) = results.gap(progress, before_ms, Progress::is_closed) {
                let mut open = Open::new(gap, new(), progress, results.policy)?;
                open.report(false, progress, results)?;
                continue;
            }
            let Some(first) = first else { break };
            let mut open = first.remove();
            freed += open.table.len();
            self.others_bytes -= open.bytes;
            if results.policy.refines() {
                self.ending.remove(&open.interval);
                self.changed.remove(&open.interval);
            }
            progress.report(open.interval.end_ms);
            if !(open.ended && results.policy.refines()) {
                open.report(false, progress, results)?;
            } else if !open.changed.is_empty() {
                open.refine(progress, results)?;
            }
        }
        if results.policy.refines() {
            self.refine(tick, progress, results, new)?;
        }
        Ok(freed)
    }

    /// Appends results of windows that stay open: of those that end now, and at a `tick` of those
    /// that have changed. All others cost nothing.
    fn refine(
        &mut self,
        tick: bool,
        progress: &mut Progress,
        results: &mut Results<'_>,
        new: impl Fn() -> Table,
    ) -> Result<(), StreamError> {
        let mut due = if tick { std::mem::take(&mut self.changed) } else { BTreeSet::new() };
        while let Some(first) = self.ending.first().filter(|first| progress.ends(first.end_ms)) {
            due.insert(*first);
            self.ending.pop_first();
        }
        loop {
            let before_ms = due.first().map(|first| first.end_ms);
            if let Some(gap) = results.gap(progress, before_ms, Progress::ends) {
                let mut open = Box::new(Open::new(gap, new(), progress, results.policy)?);
                open.report(true, progress, results)?;
                self.put_back(open);
                continue;
            }
            let Some(interval) = due.pop_first() else { break };
            let Some(open) = self.others.get_mut(&interval) else { continue };
            if progress.ends(interval.end_ms) && !std::mem::replace(&mut open.ended, true) {
                open.changed.take();
                open.report(true, progress, results)?;
                self.others_bytes -= open.bytes;
                open.bytes = open.measure();
                self.others_bytes += open.bytes;
            } else if !open.changed.is_empty() {
                open.refine(progress, results)?;
            }
        }
        Ok(())
    }

    /// Appends what the results of the newest window are at this moment.
    pub(in crate::aggregate) fn write_newest(
        &mut self,
        results: &mut Results<'_>,
    ) -> Result<(), StreamError> {
        let current = self.current.as_mut().filter(|(_, open)| !open.table.is_empty());
        let other = self.others.last_entry().map(|last| (*last.key(), &mut **last.into_mut()));
        let current = current.map(|(interval, open)| (*interval, &mut **open));
        match current.into_iter().chain(other).max_by_key(|(interval, _)| *interval) {
            Some((_, open)) => open.write(Pane::Early, None, results),
            None => Ok(()),
        }
    }

    /// How many groups all of them have.
    pub(in crate::aggregate) fn groups(&self) -> usize {
        let current = self.current.iter().map(|(_, open)| open.table.len());
        self.others.values().map(|open| open.table.len()).chain(current).sum()
    }

    /// The start of the last window that is open.
    pub(in crate::aggregate) fn newest_ms(&self) -> Option<i64> {
        let last = self.others.last_key_value().map(|(last, _)| *last);
        last.max(self.current.as_ref().map(|(current, _)| *current)).map(|last| last.start_ms)
    }

    /// How many windows are open.
    pub(in crate::aggregate) fn open_count(&self) -> usize {
        let current = self.current.as_ref().filter(|(_, open)| !open.table.is_empty());
        self.others.len() + usize::from(current.is_some())
    }

    /// The end of the one that ends first.
    pub(in crate::aggregate) fn first_end_ms(&self) -> Option<i64> {
        let current = self.current.as_ref().filter(|(_, open)| !open.table.is_empty());
        let first = self.others.first_key_value().map(|(interval, _)| interval);
        let ends = first.into_iter().chain(current.map(|(interval, _)| interval));
        ends.map(|interval| interval.end_ms).min()
    }

    /// About how many bytes of memory they take.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        let current = self.current.as_ref().map_or(0, |(_, open)| open.measure());
        self.others_bytes
            + current
            + tree::<(Interval, Box<Open>)>(self.others.len())
            + tree::<Interval>(self.ending.len())
            + tree::<Interval>(self.changed.len())
    }

    fn stash(&mut self) {
        if let Some((_, open)) = self.current.take() {
            self.put_back(open);
        }
    }

    fn put_back(&mut self, mut open: Box<Open>) {
        // A record at fault opens no window.
        if open.table.is_empty() {
            return;
        }
        if !open.changed.is_empty() {
            self.changed.insert(open.interval);
        }
        open.bytes = open.measure();
        self.others_bytes += open.bytes;
        self.others.insert(open.interval, open);
    }
}

/// Takes a record into all of these windows, or into none if it is at fault.
fn take_into<S: Stager>(
    open: &mut [Box<Open>],
    record: &mut Incoming<'_, S>,
    progress: &Progress,
    results: &mut Results<'_>,
) -> Result<(), Fault> {
    let mut tables: Vec<&mut Table> = open.iter_mut().map(|open| &mut open.table).collect();
    let groups = Table::take_all(&mut tables, record)?;
    for (open, group) in open.iter_mut().zip(groups) {
        open.change(group, progress, results)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::panes::Room;
    use super::*;
    use crate::aggregate::output::emit::Layout;
    use crate::aggregate::output::report::{Report, Style};
    use crate::aggregate::output::select::Selection;
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
            let (_, out) = Bench::with_results(|results| {
                windows.advance(false, progress, results, || Table::new(Vec::new(), false)).unwrap()
            });
            out.lines().map(|line| line.replace("1970-01-01T00:00:0", "")).collect()
        }

        fn with_results<T>(work: impl FnOnce(&mut Results<'_>) -> T) -> (T, String) {
            let layout = Layout::new([].into_iter(), [].into_iter());
            let mut report = Report::new(layout, Selection::default(), Style::Records);
            let mut out = Vec::new();
            let policy = Policy::default();
            let given =
                work(&mut Results { policy, report: &mut report, out: &mut out, fill: None });
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
