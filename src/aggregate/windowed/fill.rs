//! Windows without records, and groups without records in a window, which have results, too.
//!
//! Nothing of this costs anything where a record is taken: the groups of a window are looked at
//! when the watermark passes its end.

use super::panes::Progress;
use crate::aggregate::fault::StreamError;
use crate::aggregate::keys::Keys;
use crate::aggregate::memory::vector;
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;
use crate::time::timestamp::load_ms;
use crate::window::Windows;

/// Which results are added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filling {
    /// For how long a group has results: in the windows that end at most so many milliseconds after
    /// the last one in which it had a record. None where it has no others.
    pub lasts_ms: Option<i64>,
    /// The keys of groups that have results in all windows from the first one on.
    pub always: Vec<Vec<u8>>,
    /// How many results may be added at one watermark.
    pub rows_max: usize,
}

/// What the results depend on that are added: the last window, and the groups.
///
/// From the first window on that had results, each has some when the watermark passes its end, as
/// long as there are groups to report. Windows of these kinds have different ends.
pub(in crate::aggregate) struct Fill {
    filling: Filling,
    windows: Option<Windows>,
    /// Windows that end here or before have had their results; none before the first window.
    done_ms: Option<i64>,
    /// The groups that windows are filled with, in the order in which the stream had them.
    groups: Keys,
    /// For each group, the last end of a window that is filled with it.
    until_ms: Vec<i64>,
    groups_max: usize,
    /// How many results were added at this watermark.
    rows: usize,
    /// How many groups were added at this watermark to windows that stay open.
    kept: usize,
    /// From which time to which one this watermark has windows filled, for messages.
    way_ms: [i64; 2],
}

impl Fill {
    /// Adds results as `filling` says.
    pub(in crate::aggregate) fn new(filling: Filling) -> Fill {
        let mut fill = Fill {
            filling,
            windows: None,
            done_ms: None,
            groups: Keys::default(),
            until_ms: Vec::new(),
            groups_max: usize::MAX,
            rows: 0,
            kept: 0,
            way_ms: [i64::MIN; 2],
        };
        for key in &fill.filling.always {
            let found = fill.groups.find(key);
            if found.number.is_none() {
                fill.groups.add(found, key);
                fill.until_ms.push(i64::MAX);
            }
        }
        fill
    }

    /// Knows at most so many groups.
    pub(in crate::aggregate) fn limit(&mut self, groups_max: usize) {
        self.groups_max = groups_max;
    }

    /// The stream is windowed so from here on.
    pub(in crate::aggregate) fn begin_windows(&mut self, windows: &Windows) {
        self.windows = Some(windows.clone());
    }

    /// The watermark has moved: it is `progress` now, and the newest record held is of `newest_ms`
    /// or later.
    pub(in crate::aggregate) fn begin(&mut self, progress: &Progress, newest_ms: Option<i64>) {
        (self.rows, self.kept) = (0, 0);
        let since_ms = self.done_ms.unwrap_or(i64::MIN);
        self.way_ms = [since_ms, newest_ms.max(progress.time_ms()).unwrap_or(since_ms)];
    }

    /// All windows that end at `time_ms` or before have had their results.
    pub(in crate::aggregate) fn settle(&mut self, time_ms: i64) {
        self.done_ms = self.done_ms.map(|done_ms| done_ms.max(time_ms));
    }

    /// How many groups were added to windows that stay open since [`Fill::begin`].
    pub(in crate::aggregate) fn kept(&self) -> usize {
        self.kept
    }

    /// The window after the last one that had results, if it has some before those of the next one
    /// with records, which ends at `before_ms`; `is_due` says whether it is time for a window that
    /// ends then. After the final watermark no window follows the last one with records.
    pub(in crate::aggregate) fn gap(
        &self,
        progress: &Progress,
        before_ms: Option<i64>,
        is_due: fn(&Progress, i64) -> bool,
    ) -> Option<Interval> {
        let gap = self.windows.as_ref()?.next_by_end(self.done_ms?)?;
        let is_next = match before_ms {
            Some(before_ms) => gap.end_ms < before_ms,
            None => !progress.ended(),
        };
        let is_filled = is_next && is_due(progress, gap.end_ms) && self.has_groups(gap.end_ms);
        is_filled.then_some(gap)
    }

    /// A window has its results: from here on, only later ones are to come.
    pub(in crate::aggregate) fn pass(&mut self, window: Interval) {
        let end_ms = window.end_ms;
        self.done_ms = self.done_ms.max(Some(end_ms));
        let [since_ms, _] = &mut self.way_ms;
        if *since_ms == i64::MIN {
            // The first one at all.
            *since_ms = end_ms;
        }
    }

    /// Forgets the groups that fill no window that ends then or later.
    pub(in crate::aggregate) fn forget(&mut self, end_ms: i64) {
        if self.until_ms.iter().all(|until_ms| *until_ms >= end_ms) {
            return;
        }
        let mut groups = Keys::default();
        for (key, until_ms) in self.groups.iter().zip(&self.until_ms) {
            if *until_ms >= end_ms {
                groups.add(groups.find(key), key);
            }
        }
        self.groups = groups;
        self.until_ms.retain(|until_ms| *until_ms >= end_ms);
    }

    /// The keys of the groups that windows are filled with, in the order in which the stream had
    /// them.
    pub(in crate::aggregate) fn groups(&self) -> impl Iterator<Item = &[u8]> {
        self.groups.iter()
    }

    /// So many results are added; those of a window that `stays` open are held.
    ///
    /// # Errors
    /// When these are too many.
    pub(in crate::aggregate) fn count(
        &mut self,
        rows: usize,
        stays: bool,
    ) -> Result<(), StreamError> {
        self.rows += rows;
        self.kept += if stays { rows } else { 0 };
        match self.rows > self.filling.rows_max {
            true => {
                let [since_ms, time_ms] = self.way_ms;
                let rows_max = self.filling.rows_max;
                Err(StreamError::TooMuchToFill { rows_max, since_ms, time_ms })
            }
            false => Ok(()),
        }
    }

    /// A group has a record in a window that ends then.
    ///
    /// # Errors
    /// When there are too many groups.
    pub(in crate::aggregate) fn see(&mut self, key: &[u8], end_ms: i64) -> Result<(), StreamError> {
        let Some(lasts_ms) = self.filling.lasts_ms else { return Ok(()) };
        let until_ms = end_ms.saturating_add(lasts_ms);
        let found = self.groups.find(key);
        match found.number.and_then(|number| self.until_ms.get_mut(number)) {
            Some(known_ms) => *known_ms = until_ms.max(*known_ms),
            None if self.groups.len() >= self.groups_max => {
                return Err(StreamError::TooManyGroups(self.groups_max));
            }
            None => {
                self.groups.add(found, key);
                self.until_ms.push(until_ms);
            }
        }
        Ok(())
    }

    /// Whether there is a group to fill a window with that ends then.
    fn has_groups(&self, end_ms: i64) -> bool {
        self.until_ms.iter().any(|until_ms| *until_ms >= end_ms)
    }

    /// About how many bytes of memory it takes.
    pub(in crate::aggregate) fn bytes(&self) -> usize {
        self.groups.memory() + vector(&self.until_ms)
    }

    /// Saves what was asked for, as far as states depend on it.
    pub(in crate::aggregate) fn save_options(&self, to: &mut Writer) {
        to.put_option(self.filling.lasts_ms, Writer::put_i64);
        to.put_len(self.filling.always.len());
        self.filling.always.iter().for_each(|key| to.put_bytes(key));
    }

    /// Saves the groups that are known, and how far windows are done.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        to.put_option(self.done_ms, Writer::put_i64);
        to.put_len(self.groups.len());
        for (key, until_ms) in self.groups.iter().zip(&self.until_ms) {
            to.put_bytes(key);
            to.put_i64(*until_ms);
        }
    }

    /// Restores what [`Fill::save`] saved.
    pub(in crate::aggregate) fn restore(
        &mut self,
        from: &mut Reader<'_>,
    ) -> Result<(), StateError> {
        self.done_ms = from.take_option(load_ms)?;
        (self.groups, self.until_ms) = (Keys::default(), Vec::new());
        for _ in 0..from.take_count(9)? {
            let key = from.take_bytes()?;
            let found = self.groups.find(key);
            if found.number.is_some() {
                return Err(StateError::Invalid("a group occurs twice"));
            }
            self.groups.add(found, key);
            self.until_ms.push(from.take_i64()?);
        }
        Ok(())
    }
}
