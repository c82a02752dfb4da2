//! The windows of a stream that are open: a group table each, until the watermark closes them.

use std::collections::BTreeMap;

use super::table::Table;
use crate::record::control::Mark;
use crate::time::Interval;
use crate::time::timestamp::OutOfRange;
use crate::time::watermark::closes;

/// A window in the making.
pub struct Open {
    /// From when to when it is.
    pub interval: Interval,
    /// The window as the first fields of its results.
    pub head: Vec<u8>,
    /// Its groups.
    pub table: Table,
}

/// The open windows, and how far event time has come.
///
/// A window that the watermark has passed is closed for good, whether it had records or not.
#[derive(Default)]
pub struct Windows {
    /// The window of the last record: most often also that of the next.
    current: Option<(Interval, Box<Open>)>,
    others: BTreeMap<Interval, Box<Open>>,
    mark: Option<Mark>,
    /// The greatest end of all windows that had results.
    reported_end_ms: Option<i64>,
}

impl Windows {
    /// The open window at `interval`, with a table from `new` if it had no record yet. None if the
    /// window is closed.
    ///
    /// # Errors
    /// When the interval has no written form.
    pub fn enter(
        &mut self,
        interval: Interval,
        new: impl FnOnce() -> Table,
    ) -> Result<Option<&mut Open>, OutOfRange> {
        if self.current.as_ref().is_none_or(|(current, _)| *current != interval) {
            if self.is_closed(interval) {
                return Ok(None);
            }
            self.stash();
            let open = match self.others.remove(&interval) {
                Some(open) => open,
                None => {
                    let mut head = Vec::new();
                    interval.write_fields(&mut head)?;
                    Box::new(Open { interval, head, table: new() })
                }
            };
            self.current = Some((interval, open));
        }
        Ok(self.current.as_mut().map(|(_, open)| open.as_mut()))
    }

    /// Moves the watermark, never back; hands over the windows that it closes, by end and then by
    /// start.
    pub fn close(&mut self, mark: Mark, mut report: impl FnMut(&Open)) {
        self.mark = self.mark.max(Some(mark));
        self.stash();
        while let Some(first) = self.others.first_entry() {
            if !passes(mark, first.key().end_ms) {
                break;
            }
            let (interval, open) = first.remove_entry();
            if !open.table.is_empty() {
                self.reported_end_ms = self.reported_end_ms.max(Some(interval.end_ms));
                report(&open);
            }
        }
    }

    /// Another stream begins: if the one before it has ended, the watermark goes back to the last
    /// window that had results, so that no window has results twice.
    pub fn begin(&mut self) {
        if self.ended() {
            self.mark = self.reported_end_ms.map(|end_ms| Mark::Ms(end_ms.saturating_sub(1)));
        }
    }

    /// Whether the final watermark has come.
    pub fn ended(&self) -> bool {
        self.mark == Some(Mark::End)
    }

    /// How many windows with records are open.
    pub fn open_count(&self) -> usize {
        let current = self.current.as_ref().map(|(_, open)| open);
        self.others.values().chain(current).filter(|open| !open.table.is_empty()).count()
    }

    /// About how many bytes of memory their groups take.
    pub fn bytes(&self) -> usize {
        let current = self.current.as_ref().map(|(_, open)| open);
        self.others.values().chain(current).map(|open| open.table.bytes()).sum()
    }

    fn is_closed(&self, interval: Interval) -> bool {
        self.mark.is_some_and(|mark| passes(mark, interval.end_ms))
    }

    fn stash(&mut self) {
        self.others.extend(self.current.take());
    }
}

fn passes(mark: Mark, end_ms: i64) -> bool {
    match mark {
        Mark::Ms(at_ms) => closes(at_ms, end_ms),
        Mark::End => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start_ms: i64, end_ms: i64) -> Interval {
        Interval { start_ms, end_ms }
    }

    /// Puts a record into a window; false if that is closed.
    fn put(windows: &mut Windows, window: Interval) -> bool {
        match windows.enter(window, || Table::new(Vec::new(), false)).unwrap() {
            None => false,
            Some(open) => {
                let found = open.table.find(b"");
                open.table.enter(found, b"", 0);
                true
            }
        }
    }

    fn closed(windows: &mut Windows, mark: Mark) -> Vec<String> {
        let mut heads = Vec::new();
        windows.close(mark, |open| heads.push(String::from_utf8_lossy(&open.head).into_owned()));
        heads.iter().map(|head| head.replace("1970-01-01T00:00:0", "")).collect()
    }

    #[test]
    fn windows_close_by_end_then_by_start() {
        let mut windows = Windows::default();
        for (start_ms, end_ms) in [(3, 4), (1, 2), (0, 4), (0, 2), (5, 6)] {
            assert!(put(&mut windows, interval(start_ms * 1_000, end_ms * 1_000)));
        }
        assert_eq!(windows.open_count(), 5);
        assert_eq!(closed(&mut windows, Mark::Ms(1_998)), [""; 0]);
        let fields =
            |start, end| format!("\"window_start\":\"{start}Z\",\"window_end\":\"{end}Z\"");
        assert_eq!(
            closed(&mut windows, Mark::Ms(3_999)),
            [fields(0, 2), fields(1, 2), fields(0, 4), fields(3, 4)]
        );
        assert_eq!(closed(&mut windows, Mark::End), [fields(5, 6)]);
        assert!(windows.ended());
        assert_eq!(windows.open_count(), 0);
    }

    #[test]
    fn a_closed_window_stays_closed() {
        let mut windows = Windows::default();
        assert_eq!(closed(&mut windows, Mark::Ms(9)), [""; 0]);
        assert!(!put(&mut windows, interval(0, 10)));
        assert!(put(&mut windows, interval(1, 11)));
        // A watermark that goes back reopens nothing.
        assert_eq!(closed(&mut windows, Mark::Ms(5)), [""; 0]);
        assert!(!put(&mut windows, interval(0, 10)));
        assert!(put(&mut windows, interval(1, 11)));
        assert_eq!(closed(&mut windows, Mark::End).len(), 1);
        assert!(!put(&mut windows, interval(1_000, 2_000)));
    }

    #[test]
    fn a_window_without_groups_is_not_reported() {
        let mut windows = Windows::default();
        let table = || Table::new(Vec::new(), false);
        assert!(windows.enter(interval(0, 10), table).unwrap().is_some());
        assert_eq!(windows.open_count(), 0);
        assert_eq!(closed(&mut windows, Mark::End), [""; 0]);
    }

    #[test]
    fn a_second_stream_goes_on_behind_the_first() {
        let mut windows = Windows::default();
        assert!(put(&mut windows, interval(0, 10)));
        windows.begin();
        assert!(put(&mut windows, interval(0, 10)));
        assert_eq!(closed(&mut windows, Mark::End).len(), 1);
        windows.begin();
        assert!(!windows.ended());
        assert!(!put(&mut windows, interval(0, 10)));
        assert!(put(&mut windows, interval(10, 20)));
        assert_eq!(closed(&mut windows, Mark::End).len(), 1);
    }
}
