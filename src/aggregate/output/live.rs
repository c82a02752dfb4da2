//! Results for a table that is drawn again and again: the best of what is there, and how their
//! groups did in the windows before.

use std::collections::{HashMap, VecDeque};

use super::emit::{Layout, Row};
use super::ranking::{Ranking, Top};
use super::select::Selection;
use crate::aggregate::fault::StreamError;
use crate::aggregate::functions::function::Column;

/// How many windows a trend has.
pub const TREND_WINDOWS: usize = 20;

/// The most groups whose trends are kept.
const TRENDS_MAX: usize = 10_000;

/// Some results, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Best {
    /// The results.
    pub rows: Vec<BestRow>,
    /// How many there are with those that are not among them.
    pub count: usize,
    /// Whether all are of one window.
    pub is_of_one_window: bool,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BestRow {
    /// The result as a record.
    pub result: Vec<u8>,
    /// What the group had in the last windows that were closed, the last one at the end: the
    /// numbers that results are ranked by. Empty where there are no windows.
    pub trend: Vec<Option<f64>>,
}

/// What is kept for such a table.
pub(in crate::aggregate) struct Live {
    /// How many results it has room for.
    rows_max: usize,
    /// Whether there are windows.
    is_windowed: bool,
    /// Whether a window has results of many groups, which close together.
    is_shared: bool,
    trends: Trends,
    /// Those of the window that closed last.
    closed: Best,
    /// Those that are asked for, while they are.
    current: Option<Best>,
}

impl Live {
    /// For so many rows.
    pub(in crate::aggregate) fn new(rows_max: usize) -> Live {
        let (trends, closed) = (Trends::default(), Best::default());
        Live { rows_max, is_windowed: false, is_shared: true, trends, closed, current: None }
    }

    /// Windows begin; whether the groups of one close together.
    pub(in crate::aggregate) fn begin_windows(&mut self, is_shared: bool) {
        (self.is_windowed, self.is_shared) = (true, is_shared);
    }

    /// The results that come next are those of this moment, and nothing closes.
    pub(in crate::aggregate) fn begin(&mut self, rows_max: usize) {
        self.rows_max = rows_max;
        self.current = Some(Best::default());
    }

    /// The results that came since [`Live::begin`]; if there were none, those of the last window.
    pub(in crate::aggregate) fn end(&mut self) -> Best {
        match self.current.take() {
            Some(current) if current.count > 0 => current,
            _ => self.closed.clone(),
        }
    }

    /// Takes results that belong together.
    pub(in crate::aggregate) fn take<'a>(
        &mut self,
        columns: &mut [Box<dyn Column>],
        rows: impl Iterator<Item = Row<'a>>,
        (selection, layout): (&mut Selection, &Layout),
    ) -> Result<(), StreamError> {
        let Live { rows_max, is_windowed, is_shared, trends, current, closed } = self;
        let wanted =
            selection.wanted().unwrap_or(Top { count: usize::MAX, column: 0, ties: false });
        let mut ranking = Ranking::new(Top { count: wanted.count.min(*rows_max).max(1), ..wanted });
        let mut count = 0_usize;
        let closes = current.is_none() && *is_windowed;
        if closes && *is_shared {
            trends.windows += 1;
        }
        for row in rows {
            match (selection.passes_row(&row, layout, columns), &current) {
                (Ok(true), _) => {}
                // Once the window closes, it is reported.
                (Ok(false), _) | (Err(_), Some(_)) => continue,
                (Err(error), None) => return Err(StreamError::Having(error)),
            }
            count += 1;
            if closes {
                let number = number(&row, columns.get_mut(wanted.column));
                trends.add(row.key, number, *is_shared);
            }
            ranking.take(row, columns);
        }
        let is_ranked = |row: Row<'a>| {
            let mut result = Vec::new();
            layout.write(&row, columns, &mut result);
            let trend = if *is_windowed { trends.of(row.key, *is_shared) } else { Vec::new() };
            BestRow { result, trend }
        };
        let rows: Vec<BestRow> = ranking.into_rows().take(*rows_max).map(is_ranked).collect();
        let is_of_one_window = *is_windowed && *is_shared;
        let best = Best { rows, count: count.min(wanted.count), is_of_one_window };
        match current {
            Some(current) => *current = best,
            None => *closed = best,
        }
        Ok(())
    }
}

/// The number that results are ranked by, if it is one.
fn number(row: &Row<'_>, column: Option<&mut Box<dyn Column>>) -> Option<f64> {
    let column = column?;
    let mut text = Vec::new();
    column.write(row.group, row.scope, &mut text);
    str::from_utf8(&text).ok()?.parse().ok()
}

/// What groups had in the last windows.
#[derive(Default)]
struct Trends {
    /// How many windows were closed that groups share.
    windows: u64,
    /// By their keys. Windows of a group's own are counted for each group.
    groups: HashMap<Box<[u8]>, Trend>,
    /// In which window those that were too old made room.
    tidied: u64,
}

/// In which windows a group had which number.
type Trend = VecDeque<(u64, Option<f64>)>;

impl Trends {
    fn add(&mut self, key: &[u8], number: Option<f64>, is_shared: bool) {
        if !self.groups.contains_key(key) {
            if self.groups.len() >= TRENDS_MAX && self.tidied != self.windows {
                // Once a window: all of them are visited.
                self.tidied = self.windows;
                let first = self.windows.saturating_sub(TREND_WINDOWS as u64);
                self.groups.retain(|_, group| group.back().is_some_and(|(at, _)| *at > first));
            }
            if self.groups.len() >= TRENDS_MAX {
                return;
            }
        }
        let group = self.groups.entry(key.into()).or_default();
        let at = match is_shared {
            true => self.windows,
            false => group.back().map_or(1, |(at, _)| at + 1),
        };
        group.push_back((at, number));
        if group.len() > TREND_WINDOWS {
            group.pop_front();
        }
    }

    fn of(&self, key: &[u8], is_shared: bool) -> Vec<Option<f64>> {
        let group = self.groups.get(key);
        let own = || group.and_then(|group| group.back()).map_or(0, |(at, _)| *at);
        let last = if is_shared { self.windows } else { own() };
        let first = last.saturating_sub(TREND_WINDOWS as u64) + 1;
        let mut trend = vec![None; usize::try_from(last.saturating_sub(first - 1)).unwrap_or(0)];
        for (at, number) in group.into_iter().flatten() {
            let place = at.checked_sub(first).and_then(|place| usize::try_from(place).ok());
            if let Some(one) = place.and_then(|place| trend.get_mut(place)) {
                *one = *number;
            }
        }
        trend
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_has_a_place_for_each_of_the_last_windows() {
        let mut trends = Trends::default();
        assert_eq!(trends.of(b"a", true), []);
        for window in 1..=TREND_WINDOWS as u64 + 2 {
            trends.windows += 1;
            if window % 2 == 0 {
                trends.add(b"a", Some(window as f64), true);
            }
            if window < 3 {
                trends.add(b"b", Some(1.0), true);
            }
        }
        let of = trends.of(b"a", true);
        assert_eq!(of.len(), TREND_WINDOWS);
        assert_eq!(of[17..], [Some(20.0), None, Some(22.0)]);
        assert_eq!(of[..2], [None, Some(4.0)]);
        assert!(trends.of(b"b", true).iter().all(Option::is_none));
    }

    #[test]
    fn groups_with_windows_of_their_own_have_trends_of_their_own() {
        let mut trends = Trends::default();
        trends.add(b"a", Some(1.0), false);
        trends.add(b"b", Some(2.0), false);
        trends.add(b"a", None, false);
        assert_eq!(trends.of(b"a", false), [Some(1.0), None]);
        assert_eq!(trends.of(b"b", false), [Some(2.0)]);
    }

    #[test]
    fn so_many_trends_are_kept_at_most() {
        let mut trends = Trends { windows: 1, ..Trends::default() };
        for key in 0..TRENDS_MAX + 5 {
            trends.add(key.to_string().as_bytes(), Some(1.0), true);
        }
        assert_eq!(trends.groups.len(), TRENDS_MAX);
        // Those that were seen long ago make room.
        trends.windows += TREND_WINDOWS as u64 + 1;
        trends.add(b"new", Some(1.0), true);
        assert_eq!(trends.groups.len(), 1);
    }
}
