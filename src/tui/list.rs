//! A list of records of any length: which part of it is on the screen, and which rows of it are
//! known.

use std::collections::BTreeMap;
use std::ops::Range;

use super::row::{Extent, Row};

/// How many screens of rows are kept ready on either side of the one that is shown.
const SCREENS_READY: u64 = 2;

/// A list of records. Positions count the records of a view.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// What there is.
    pub extent: Extent,
    /// The position that the cursor is on.
    pub cursor: u64,
    /// The position of the first line of the screen.
    pub top: u64,
    /// Whether the cursor stays at the last record.
    pub follows: bool,
    /// How many lines the screen has for records.
    pub height: u64,
    /// Rows that are known, by their positions.
    rows: BTreeMap<u64, Row>,
    /// Which rows were asked for and have not come.
    asked: Option<Range<u64>>,
    /// Whether those that came were fewer: until there are more, none are asked for.
    lacks: bool,
    /// From which position on what is known may have changed.
    stale: Option<u64>,
}

impl List {
    /// A list of which this much is known.
    pub fn of(extent: Extent) -> List {
        List { extent, ..List::default() }
    }

    /// The row at a position, if it is known.
    pub fn row(&self, at: u64) -> Option<&Row> {
        self.rows.get(&at)
    }

    /// The row that the cursor is on.
    pub fn current(&self) -> Option<&Row> {
        self.row(self.cursor)
    }

    /// Whether some rows of the screen were asked for and could not be given.
    pub fn lacks(&self) -> bool {
        self.lacks
    }

    /// The positions that are on the screen.
    pub fn shown(&self) -> Range<u64> {
        let span = &self.extent.span;
        let top = self.top.clamp(span.start, span.end);
        top..span.end.min(top.saturating_add(self.height))
    }

    /// The last position.
    pub fn last(&self) -> u64 {
        self.extent.span.end.saturating_sub(1).max(self.extent.span.start)
    }

    /// Takes what there is now: the place is kept, unless the list follows.
    pub fn grow(&mut self, extent: Extent) {
        if extent.epoch != self.extent.epoch {
            (self.rows, self.asked) = (BTreeMap::new(), None);
            (self.cursor, self.top) = (extent.span.start, extent.span.start);
        }
        if extent.changes.all != self.extent.changes.all {
            self.rows.clear();
        }
        // The last row may have been the beginning of a line.
        if extent.span.end != self.extent.span.end || extent.changes != self.extent.changes {
            let last = self.extent.span.end.saturating_sub(1);
            self.stale = Some(self.stale.map_or(last, |stale| stale.min(last)));
        }
        if std::mem::take(&mut self.lacks) {
            self.asked = None;
        }
        self.extent = extent;
        // While records are filtered, the last one is another one again and again, and rows would
        // always come too late.
        if self.follows && self.extent.progress.is_none() {
            self.cursor = self.last();
        }
        self.settle();
    }

    /// Takes rows that were asked for.
    pub fn fill(&mut self, epoch: u64, first: u64, rows: Vec<Row>) {
        if epoch != self.extent.epoch {
            return;
        }
        let count = rows.len() as u64;
        let fresh = first..first + count;
        if self.stale.is_some_and(|stale| fresh.contains(&stale) || stale >= first) {
            self.stale = None;
        }
        self.rows.extend(fresh.zip(rows));
        let shown = self.shown();
        let asked = self.asked.take().unwrap_or_default();
        let covered = asked.start <= shown.start && shown.end <= asked.end;
        if covered && !shown.clone().all(|at| self.rows.contains_key(&at)) {
            (self.lacks, self.asked) = (true, Some(asked));
        }
        let ready = self.ready();
        self.rows.retain(|at, _| ready.contains(at));
    }

    /// Rows that are not known and should be; they count as asked for.
    pub fn wanted(&mut self) -> Option<Range<u64>> {
        let shown = self.shown();
        let stale = self.stale.unwrap_or(u64::MAX);
        let known = |at: u64| self.rows.contains_key(&at) && at < stale;
        if self.asked.is_some() || shown.clone().all(known) {
            return None;
        }
        let ready = self.ready();
        self.asked = Some(ready.clone());
        Some(ready)
    }

    /// The positions whose rows are kept.
    fn ready(&self) -> Range<u64> {
        let (shown, span) = (self.shown(), &self.extent.span);
        let more = self.height.saturating_mul(SCREENS_READY);
        shown.start.saturating_sub(more).max(span.start)
            ..shown.end.saturating_add(more).min(span.end)
    }

    /// Moves the cursor by so many records.
    pub fn step(&mut self, by: i64) {
        let was_last = self.cursor == self.last();
        let to = self.cursor.saturating_add_signed(by);
        self.follows = by > 0 && was_last && (self.follows || !self.extent.span.is_empty());
        self.cursor = to;
        self.settle();
    }

    /// Moves the cursor and the screen by so many records.
    pub fn scroll(&mut self, by: i64) {
        let before = self.cursor;
        self.step(by);
        let moved = self.cursor.abs_diff(before);
        let moved = i64::try_from(moved).unwrap_or(i64::MAX);
        let limit = self.extent.span.end.saturating_sub(self.height).max(self.extent.span.start);
        let top = self.top.saturating_add_signed(if by < 0 { -moved } else { moved });
        self.top = top.min(limit);
        self.settle();
    }

    /// Goes to a position.
    pub fn go(&mut self, to: u64) {
        self.follows = false;
        let apart = self.cursor.abs_diff(to) > self.height;
        self.cursor = to;
        if apart {
            self.top = to.saturating_sub(self.height / 2);
        }
        self.settle();
    }

    /// Goes to the last record, and stays at the last one.
    pub fn follow(&mut self) {
        self.cursor = self.last();
        self.follows = true;
        self.settle();
    }

    /// Keeps the cursor on a record, and the screen on the cursor.
    pub fn settle(&mut self) {
        self.cursor = self.cursor.clamp(self.extent.span.start, self.last());
        let below = (self.cursor + 1).saturating_sub(self.height.max(1));
        self.top = self.top.min(self.cursor).max(below).max(self.extent.span.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(span: Range<u64>) -> List {
        let mut list = List { height: 10, ..List::default() };
        list.grow(Extent { span, ..Extent::default() });
        list
    }

    fn row(number: u64) -> Row {
        let (place, text) = (String::new(), b"1".as_slice().into());
        Row { number, place, time: None, text, bytes: 1, fault: None }
    }

    #[test]
    fn the_place_is_kept_while_it_grows_and_shrinks() {
        let mut list = list(0..100);
        list.go(50);
        assert_eq!((list.cursor, list.top), (50, 45));
        list.grow(Extent { span: 0..1000, ..Extent::default() });
        assert_eq!((list.cursor, list.top), (50, 45));
        // What was read from a pipe is not kept for ever.
        list.grow(Extent { span: 48..1000, ..Extent::default() });
        assert_eq!((list.cursor, list.top), (50, 48));
        list.grow(Extent { span: 900..2000, ..Extent::default() });
        assert_eq!((list.cursor, list.top), (900, 900));
    }

    #[test]
    fn it_follows_at_its_end() {
        let mut list = list(0..5);
        list.follow();
        list.grow(Extent { span: 0..100, ..Extent::default() });
        assert_eq!((list.cursor, list.top), (99, 90));
        list.step(-1);
        list.grow(Extent { span: 0..200, ..Extent::default() });
        assert_eq!(list.cursor, 98);
        list.follow();
        list.grow(Extent { span: 0..300, progress: Some(5), ..Extent::default() });
        assert_eq!(list.cursor, 199, "until all is filtered");
        list.grow(Extent { span: 0..300, ..Extent::default() });
        assert_eq!(list.cursor, 299);
        list.grow(Extent { span: 0..200, ..Extent::default() });
        list.go(199);
        assert!(!list.follows);
        list.step(1);
        assert!(list.follows);
    }

    #[test]
    fn screens_scroll_to_the_ends_and_no_further() {
        let mut list = list(0..25);
        list.scroll(10);
        assert_eq!((list.cursor, list.top), (10, 10));
        list.scroll(10);
        assert_eq!((list.cursor, list.top), (20, 15));
        list.scroll(10);
        assert_eq!((list.cursor, list.top), (24, 15));
        list.scroll(-10);
        assert_eq!((list.cursor, list.top), (14, 5));
        list.scroll(-100);
        assert_eq!((list.cursor, list.top), (0, 0));
    }

    #[test]
    fn rows_are_asked_for_once() {
        let mut list = list(0..100);
        assert_eq!(list.wanted(), Some(0..30));
        assert_eq!(list.wanted(), None);
        list.fill(0, 0, (0..30).map(row).collect());
        assert_eq!(list.wanted(), None);
        list.step(9);
        assert_eq!(list.wanted(), None);
        list.go(80);
        assert_eq!(list.wanted(), Some(55..100));
        list.fill(1, 55, vec![row(1)]);
        assert!(list.row(55).is_none(), "of another view");
        list.fill(0, 55, (55..100).map(row).collect());
        assert!(list.row(0).is_none() && list.row(80).is_some());
    }

    #[test]
    fn a_last_line_may_change() {
        let mut list = list(0..2);
        list.wanted();
        list.fill(0, 0, vec![row(0), row(1)]);
        list.grow(Extent { span: 0..3, ..Extent::default() });
        assert!(list.row(1).is_some());
        assert_eq!(list.wanted(), Some(0..3));
        list.fill(0, 0, vec![row(0), row(1), row(2)]);
        assert_eq!(list.wanted(), None);
    }

    #[test]
    fn records_that_become_other_ones_are_asked_for_again() {
        let mut list = list(0..2);
        list.wanted();
        list.fill(0, 0, vec![row(0), row(1)]);
        let mut extent = list.extent.clone();
        extent.changes.last = 1;
        list.grow(extent.clone());
        assert_eq!(list.wanted(), Some(0..2));
        assert!(list.row(1).is_some(), "what was known is shown until then");
        list.fill(0, 0, vec![row(0), row(1)]);
        assert_eq!(list.wanted(), None);
        extent.changes.all = 1;
        list.grow(extent);
        assert!(list.row(0).is_none());
        assert_eq!(list.wanted(), Some(0..2));
    }

    #[test]
    fn rows_that_are_gone_are_not_asked_for_again_and_again() {
        let mut list = list(0..2);
        list.wanted();
        list.fill(0, 1, vec![row(1)]);
        assert_eq!(list.wanted(), None);
        list.grow(Extent { span: 1..3, ..Extent::default() });
        assert_eq!(list.wanted(), Some(1..3));
    }

    #[test]
    fn an_empty_list_has_nothing() {
        let mut list = list(0..0);
        list.step(1);
        list.scroll(-10);
        list.follow();
        assert_eq!((list.cursor, list.shown(), list.wanted()), (0, 0..0, None));
    }
}
