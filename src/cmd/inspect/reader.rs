//! Who reads: a thread that answers what the screen asks, and between answers looks for more
//! records, filters them, and searches.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use super::charting::Charting;
use super::chunk::Chunk;
use super::feed::{Advance, Command, Feed};
use super::save::Save;
use super::surveying::Surveying;
use super::view::View;
use crate::tui::pattern::Pattern;
use crate::tui::prompt::Purpose;
use crate::tui::row::{ROW_BYTES_MAX, Row, TREE_BYTES_MAX};
use crate::tui::{Ask, Data, Extent, Target};

/// How often the screen is told how much there is, at most.
const TOLD_EVERY: Duration = Duration::from_millis(50);

/// How often files are looked at for more.
const LOOKED_EVERY: Duration = Duration::from_millis(200);

/// How many rows are given at once, at most.
const ROWS_MAX: u64 = 4096;

/// How often a chart is drawn again while its records are read.
const CHARTED_EVERY: Duration = Duration::from_millis(200);

/// How many records are saved before something else is done.
const SAVED_AT_ONCE: usize = 2048;

/// How many records are looked at for their fields before something else is done.
const SURVEYED_AT_ONCE: usize = 512;

/// What wakes the thread.
#[derive(Debug)]
pub enum Wake {
    /// The screen asks.
    Ask(Ask),
    /// More records came.
    Grown,
}

/// The records, the view of them, and what is under way.
pub struct Reader<F, T> {
    feed: F,
    view: View,
    search: Option<Search>,
    save: Option<Save>,
    surveying: Option<Surveying>,
    charting: Option<Charting>,
    /// When the chart was told last; none if it has changed and is to be told.
    charted_at: Option<Instant>,
    told: Option<Extent>,
    told_at: Instant,
    /// Gives the screen what it asked for; false if there is none any more.
    tell: T,
    /// The chunk that was used last.
    last: Option<Arc<Chunk>>,
}

/// A search that is under way.
struct Search {
    pattern: Pattern,
    /// The number of the next record to look at; none if it is before the first one.
    next: Option<u64>,
    forward: bool,
}

impl<F: Feed, T: FnMut(Data) -> bool> Reader<F, T> {
    /// Reads `feed`; all of it is the view with this number.
    pub fn new(feed: F, epoch: u64, tell: T) -> Reader<F, T> {
        let (view, told_at) = (View::all(epoch), Instant::now());
        Reader {
            feed,
            view,
            search: None,
            save: None,
            surveying: None,
            charting: None,
            charted_at: None,
            told: None,
            told_at,
            tell,
            last: None,
        }
    }

    /// Works until the screen is gone.
    pub fn run(&mut self, wakes: &Receiver<Wake>) {
        loop {
            let more = match self.work() {
                Ok(more) => more,
                Err(error) => {
                    (self.tell)(Data::Failed(format!("{error:#}")));
                    return self.hold_out(wakes);
                }
            };
            let told = self.tell_extent(more);
            if !told {
                return;
            }
            let wake = if more {
                match wakes.try_recv() {
                    Ok(wake) => Some(wake),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                }
            } else {
                match wakes.recv_timeout(LOOKED_EVERY) {
                    Ok(wake) => Some(wake),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            };
            if let Some(Wake::Ask(ask)) = wake
                && let Err(error) = self.answer(ask)
            {
                (self.tell)(Data::Failed(format!("{error:#}")));
                return self.hold_out(wakes);
            }
        }
    }

    /// Reading has failed: what was read stays on the screen.
    fn hold_out(&mut self, wakes: &Receiver<Wake>) {
        while let Ok(wake) = wakes.recv() {
            if let Wake::Ask(ask) = wake {
                let _ = self.answer(ask);
            }
        }
    }

    /// Does a little of all that is to be done; says whether there is more.
    fn work(&mut self) -> anyhow::Result<bool> {
        let (before, changes) = (self.feed.span(), self.feed.changes());
        let settled = self.feed.settled();
        let advance = self.feed.advance()?;
        let span = self.feed.span();
        if span != before || self.feed.changes() != changes {
            // The last line may have become longer, or the file another one.
            let same = match self.feed.changes().all == changes.all {
                true => settled.min(self.feed.settled()).min(span.end),
                false => span.start,
            };
            self.view.take_back(same);
            if let Some(charting) = self.charting.as_mut().filter(|it| it.next > same) {
                charting.begin_again();
                self.charted_at = Some(Instant::now());
            }
            self.view.forget(span.start);
            self.last = None;
        }
        let filters = self.view.filter_on(&mut self.feed)?;
        if let Some(at) = self.view.place_found(&self.feed) {
            let epoch = self.view.epoch();
            self.tell_extent(false);
            (self.tell)(Data::Near { epoch, at });
        }
        let searches = self.search_on()?;
        let saves = self.save_on()?;
        let more = filters | searches | saves | self.chart_on()? | self.survey_on()?;
        Ok(advance == Advance::More || more)
    }

    fn extent(&self) -> Extent {
        let records = self.feed.span();
        Extent {
            epoch: self.view.epoch(),
            span: self.view.span(&records),
            scanned: self.view.scanned().unwrap_or(records.end),
            progress: self.view.progress(&records).or(self.feed.progress()),
            ended: self.feed.has_ended(),
            changes: self.feed.changes(),
            failed: self.view.failed(),
            note: self.feed.note(),
            records,
        }
    }

    /// Tells how much there is, if that is due; false if nobody hears it.
    fn tell_extent(&mut self, more: bool) -> bool {
        if more && self.told.is_some() && self.told_at.elapsed() < TOLD_EVERY {
            return true;
        }
        let extent = self.extent();
        if self.told.as_ref() == Some(&extent) {
            return true;
        }
        self.told_at = Instant::now();
        self.told = Some(extent.clone());
        (self.tell)(Data::Extent(extent))
    }

    fn answer(&mut self, ask: Ask) -> anyhow::Result<()> {
        match ask {
            Ask::Rows { epoch, span } if epoch == self.view.epoch() => {
                let (first, rows) = self.rows(span)?;
                // Why there are fewer, before they are.
                self.tell_extent(false);
                (self.tell)(Data::Rows { epoch, first, rows });
            }
            Ask::Whole { epoch, at } if epoch == self.view.epoch() => {
                if let Some(number) = self.view.number(at)
                    && let Some(chunk) = self.chunk(number)?
                    && let Some(row) = chunk.row(number, TREE_BYTES_MAX)
                {
                    (self.tell)(Data::Whole(row));
                }
            }
            Ask::Filter { epoch, expression, near } => {
                let span = self.feed.span();
                match View::new(epoch, expression.as_deref(), near, &span) {
                    Ok(view) => {
                        (self.view, self.search) = (view, None);
                        self.tell_extent(false);
                        if expression.is_none() {
                            (self.tell)(Data::Near { epoch, at: near });
                        }
                    }
                    Err(why) => {
                        (self.tell)(Data::NotFiltered { epoch, why });
                    }
                }
            }
            Ask::Search { epoch, text, from, forward } if epoch == self.view.epoch() => {
                self.search = match Pattern::new(&text) {
                    Ok(pattern) => {
                        let next = self.view.number(from);
                        let next = if forward { next.or(Some(self.feed.span().end)) } else { next };
                        Some(Search { pattern, next, forward })
                    }
                    Err(_) => None,
                };
            }
            Ask::Seek { epoch, target } if epoch == self.view.epoch() => {
                self.seek(epoch, target);
            }
            Ask::Command { epoch, span } if epoch == self.view.epoch() => self.command(span),
            Ask::Save { epoch, span, path } if epoch == self.view.epoch() => {
                let span = span.unwrap_or(self.view.span(&self.feed.span()));
                match Save::begin(&path, span) {
                    Ok(save) => self.save = Some(save),
                    Err(error) => {
                        (self.tell)(Data::Saved(Err(format!("{path}: {error}"))));
                    }
                }
            }
            Ask::Save { path, .. } => {
                let why = "other records are shown now; save them again";
                (self.tell)(Data::Saved(Err(format!("{path}: {why}"))));
            }
            Ask::Chart { epoch, text } if epoch == self.view.epoch() => {
                match Charting::new(&text, self.feed.span().start) {
                    Ok(charting) => {
                        (self.charting, self.charted_at) = (Some(charting), Some(Instant::now()));
                    }
                    Err(why) => {
                        (self.tell)(Data::Wrong { purpose: Purpose::Chart, text, why });
                    }
                }
            }
            Ask::Fields { epoch } if epoch == self.view.epoch() => {
                self.surveying = Some(Surveying::new(&self.view.span(&self.feed.span())));
            }
            Ask::Stop => (self.search, self.charting) = (None, None),
            // Of a view that is no more.
            _ => {}
        }
        Ok(())
    }

    /// Rows of the view, and the position of the first.
    fn rows(&mut self, span: Range<u64>) -> anyhow::Result<(u64, Vec<Row>)> {
        let there = self.view.span(&self.feed.span());
        let first = span.start.max(there.start);
        let end = span.end.min(there.end).min(first.saturating_add(ROWS_MAX));
        let mut rows = Vec::new();
        for at in first..end {
            let Some(number) = self.view.number(at) else { break };
            let Some(row) = self.chunk(number)?.and_then(|it| it.row(number, ROW_BYTES_MAX)) else {
                break;
            };
            rows.push(row);
        }
        Ok((first, rows))
    }

    fn chunk(&mut self, number: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        let has = |chunk: &Arc<Chunk>| chunk.first <= number && number < chunk.end();
        if let Some(chunk) = self.last.as_ref().filter(|chunk| has(chunk)) {
            return Ok(Some(Arc::clone(chunk)));
        }
        self.last = self.feed.chunk(number)?;
        Ok(self.last.clone())
    }

    fn seek(&mut self, epoch: u64, target: Target) {
        let span = self.feed.span();
        let number = match target {
            Target::Record(number) => number,
            Target::Percent(percent) => {
                let share = percent.clamp(0.0, 100.0) / 100.0;
                span.start + ((span.end - span.start) as f64 * share) as u64
            }
            Target::Written(place) => match self.feed.find(&place) {
                Ok(number) => number,
                Err(error) => {
                    let (purpose, why) = (Purpose::GoTo, format!("{error:#}"));
                    (self.tell)(Data::Wrong { purpose, text: place, why });
                    return;
                }
            },
        };
        let at = Some(self.view.position(number));
        (self.tell)(Data::Found { epoch, at });
    }

    /// Gives a command that prints the records at these positions, or all of the view.
    fn command(&mut self, span: Option<Range<u64>>) {
        let numbers = span.and_then(|span| {
            let (first, last) = (self.view.number(span.start)?, self.view.number(span.end - 1)?);
            Some(first..last + 1)
        });
        (self.tell)(match self.feed.command(numbers, self.view.condition()) {
            Ok(Command { line, but }) => Data::Command { line, but },
            Err(error) => Data::Refused(format!("{error:#}")),
        });
    }

    /// Saves some records; says whether there are more.
    fn save_on(&mut self) -> anyhow::Result<bool> {
        let Some(mut save) = self.save.take() else { return Ok(false) };
        for _ in 0..SAVED_AT_ONCE {
            let Some(at) = save.next() else { break };
            let number = self.view.number(at);
            let chunk = match number {
                Some(number) => self.chunk(number)?,
                None => None,
            };
            match chunk.as_ref().zip(number).and_then(|(chunk, number)| chunk.whole(number)) {
                Some(record) => save.take(record),
                None => save.miss(),
            }
        }
        if !save.is_done() {
            self.save = Some(save);
            return Ok(true);
        }
        (self.tell)(Data::Saved(save.end()));
        Ok(false)
    }

    /// Looks at more records for their fields; says whether there are others.
    fn survey_on(&mut self) -> anyhow::Result<bool> {
        let Some(mut surveying) = self.surveying.take() else { return Ok(false) };
        for _ in 0..SURVEYED_AT_ONCE {
            let Some(at) = surveying.next() else { break };
            let Some(number) = self.view.number(at) else { continue };
            let chunk = self.chunk(number)?;
            if let Some(record) = chunk.as_ref().and_then(|chunk| chunk.whole(number)) {
                surveying.take(record);
            }
        }
        if let Some(survey) = surveying.due() {
            (self.tell)(Data::Fields(Box::new(survey)));
        }
        let more = !surveying.is_done();
        self.surveying = Some(surveying).filter(|_| more);
        Ok(more)
    }

    /// Takes more records into the chart; says whether there are others.
    fn chart_on(&mut self) -> anyhow::Result<bool> {
        let Some(mut charting) = self.charting.take() else { return Ok(false) };
        let span = self.feed.span();
        let end = self.view.scanned().unwrap_or(span.end).min(span.end);
        charting.next = charting.next.max(span.start);
        let chunk = if charting.next < end { self.chunk(charting.next)? } else { None };
        let more = chunk.is_some();
        if let Some(chunk) = chunk {
            charting.take(&chunk, end, |number| self.view.has(number));
        }
        let is_due = self.charted_at.is_some_and(|at| !more || at.elapsed() >= CHARTED_EVERY);
        if is_due {
            let all = end.saturating_sub(span.start).max(1);
            let done = charting.next.saturating_sub(span.start).saturating_mul(1000) / all;
            charting.chart.progress = more.then_some(done.min(999) as u16);
            (self.tell)(Data::Chart(Box::new(charting.chart.clone())));
        }
        self.charted_at = match (more, is_due) {
            // It is told again when there is more.
            (false, _) => None,
            (true, true) => Some(Instant::now()),
            (true, false) => self.charted_at.or_else(|| Some(Instant::now())),
        };
        self.charting = Some(charting);
        Ok(more)
    }

    /// Searches a chunk; says whether there is more to search.
    fn search_on(&mut self) -> anyhow::Result<bool> {
        let Some(search) = &self.search else { return Ok(false) };
        let (next, forward) = (search.next, search.forward);
        let span = self.feed.span();
        // A filter keeps records only up to here.
        let end = self.view.scanned().unwrap_or(span.end).min(span.end);
        let Some(next) = next.filter(|next| *next >= span.start || forward) else {
            return Ok(self.found(None));
        };
        let next = next.max(span.start);
        if next >= end {
            let complete = self.extent().progress.is_none();
            return Ok(if forward && !complete { false } else { self.found(None) });
        }
        let Some(chunk) = self.chunk(next)? else { return Ok(self.found(None)) };
        let numbers = if forward { next..chunk.end().min(end) } else { chunk.first..next + 1 };
        let Some(search) = &mut self.search else { return Ok(false) };
        search.next = if forward { Some(numbers.end) } else { numbers.start.checked_sub(1) };
        let is_hit = |number: &u64| {
            let record = chunk.record(*number).unwrap_or_default();
            search.pattern.is_in(record) && self.view.has(*number)
        };
        let hit = match forward {
            true => numbers.clone().find(is_hit),
            false => numbers.clone().rev().find(is_hit),
        };
        Ok(match hit {
            Some(number) => {
                let at = self.view.position(number);
                self.found(Some(at))
            }
            None => true,
        })
    }

    /// The search has ended.
    fn found(&mut self, at: Option<u64>) -> bool {
        self.search = None;
        self.tell_extent(false);
        (self.tell)(Data::Found { epoch: self.view.epoch(), at });
        false
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::files::LinesFiles;
    use super::super::lines_file::tests::ndjson;
    use super::super::plain_file::PlainFile;
    use super::*;

    #[test]
    fn a_chart_forgets_the_beginning_of_a_line() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"1\n2").unwrap();
        let feed = PlainFile::open(file.path(), &ndjson(1 << 20)).unwrap().unwrap();
        let mut reader = Reader::new(LinesFiles::new(vec![feed]).unwrap(), 0, |_| true);
        while reader.work().unwrap() {}
        reader.answer(Ask::Chart { epoch: 0, text: ".".into() }).unwrap();
        for sum in [3.0, 24.0] {
            while reader.work().unwrap() {}
            let chart = &reader.charting.as_ref().unwrap().chart;
            let (_, cells) = chart.series[""].within(1000);
            assert_eq!((chart.records, cells.iter().map(|(_, it)| it.sum).sum()), (2, sum));
            file.write_all(b"3\n").unwrap();
        }
    }
}
