//! `aggregate --live`: what is shown of the results while they come to be.

use std::collections::VecDeque;
use std::time::Duration;

use crate::aggregate::{Aggregator, Best, BestRow, TREND_WINDOWS};
use crate::cli::redrawn::{Moment, Picture};
use crate::layout::live::{Frame, Row, View};
use crate::layout::text::thousands;
use crate::record::control::Mark;
use crate::sys::terminal::size;
use crate::time::timestamp::show_ms;

/// For how long records are counted for their rate.
const RATE_OVER: Duration = Duration::from_secs(3);

/// How many lines a terminal has at most, if it does not say.
const LINES_MAX: usize = 255;

/// How many rows may be shown, as the terminal is now.
pub fn rows_max() -> usize {
    size(std::io::stdout()).map_or(LINES_MAX, |(_, lines)| lines)
}

/// Shows the results of an operator that aggregates.
pub struct Live<O> {
    /// What aggregates in it.
    aggregator: fn(&mut O) -> &mut Aggregator,
    view: View,
    /// How many records there were, and when, for the last moments.
    counts: VecDeque<(Duration, u64)>,
}

impl<O> Live<O> {
    /// Shows what `aggregator` gives of an operator.
    pub fn new(aggregator: fn(&mut O) -> &mut Aggregator) -> Live<O> {
        Live { aggregator, view: View::default(), counts: VecDeque::new() }
    }

    /// How many records come in a second: just now, or on average at the end.
    fn rate(&mut self, records: u64, moment: &Moment) -> u64 {
        let now = moment.elapsed;
        let old = |(at, _): &(Duration, u64)| now.saturating_sub(*at) > RATE_OVER;
        while self.counts.get(1).is_some_and(old) {
            self.counts.pop_front();
        }
        let (since, before) = match self.counts.front() {
            Some(front) if !moment.is_last => *front,
            _ => (Duration::ZERO, 0),
        };
        self.counts.push_back((now, records));
        let seconds = now.saturating_sub(since).as_secs_f64().max(1e-3);
        (records.saturating_sub(before) as f64 / seconds).round() as u64
    }
}

impl<O> Picture<O> for Live<O> {
    fn lines(&mut self, operator: &mut O, moment: &Moment) -> Vec<String> {
        let state = (self.aggregator)(operator).state();
        let rows_max = moment.look.lines.unwrap_or(LINES_MAX);
        let best = state.current(rows_max);
        let (records, mark) = (state.taken(), state.mark());
        let is_windowed = state.is_windowed();
        let rate = self.rate(records, moment);
        let counted = match records {
            1 => "1 record".to_owned(),
            records => format!("{} records", thousands(records)),
        };
        let mut status = format!("{counted}, {}/s", thousands(rate));
        if let Some(share) = moment.read_share.filter(|_| !moment.is_last) {
            // It is all of it only when the table is the last one.
            status += &format!(", {} % read", (share * 100.0).floor().min(99.0));
        }
        if let Some(Mark::Ms(ms)) = mark {
            status += &format!(", watermark {}", show_ms(ms));
        }
        let heading = moment.is_interrupted.then(|| format!("interrupted after {counted}"));
        let Best { rows, count, is_of_one_window } = best;
        if moment.is_last {
            // It depends on nothing but the results.
            self.view = View::default();
        }
        let rows = rows.iter().map(|BestRow { result, trend }| Row { object: result, trend });
        let rows: Vec<Row<'_>> = rows.collect();
        let frame = Frame {
            heading: heading.as_deref(),
            rows: &rows,
            count,
            is_of_one_window,
            trend_windows: if is_windowed { TREND_WINDOWS } else { 0 },
            status: &status,
        };
        self.view.lines(&frame, moment.look)
    }
}
