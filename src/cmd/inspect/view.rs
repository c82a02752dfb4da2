//! What is shown of the records: all, or those that a filter keeps. Positions count the records of
//! a view.

use std::ops::Range;

use super::feed::Feed;
use super::matches::Matches;
use crate::expr::Program;

/// A view of the records.
#[derive(Default)]
pub struct View {
    epoch: u64,
    filter: Option<Filter>,
}

struct Filter {
    program: Program,
    matches: Matches,
    /// The records that the expression failed for.
    failed: Matches,
    /// The number of the record whose place is to be told, until it is.
    near: Option<u64>,
}

impl View {
    /// All records, as the view with this number.
    pub fn all(epoch: u64) -> View {
        View { epoch, filter: None }
    }

    /// The condition, if there is one.
    pub fn condition(&self) -> Option<&str> {
        self.filter.as_ref().map(|filter| filter.program.source(0))
    }

    /// A view with this number, of records that `span` has now.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub fn new(
        epoch: u64,
        expression: Option<&str>,
        near: u64,
        span: &Range<u64>,
    ) -> Result<View, String> {
        let Some(expression) = expression else {
            let filter = None;
            return Ok(View { epoch, filter });
        };
        let program = Program::compile(&[expression]).map_err(|error| error.to_string())?;
        program.check_condition(0).map_err(|error| error.to_string())?;
        let matches = Matches::from(span.start);
        let failed = Matches::from(span.start);
        let filter = Some(Filter { program, matches, failed, near: Some(near) });
        Ok(View { epoch, filter })
    }

    /// Its number.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The positions that there are.
    pub fn span(&self, records: &Range<u64>) -> Range<u64> {
        match &self.filter {
            Some(filter) => filter.matches.rank(records.start)..filter.matches.kept(),
            None => records.clone(),
        }
    }

    /// Up to which record it was filtered.
    pub fn scanned(&self) -> Option<u64> {
        self.filter.as_ref().map(|filter| filter.matches.length())
    }

    /// How much is filtered, in thousandths; none if all is.
    pub fn progress(&self, records: &Range<u64>) -> Option<u16> {
        let done = self.scanned().filter(|scanned| *scanned < records.end)?;
        let (done, all) = (done.saturating_sub(records.start), records.end - records.start);
        Some((done.saturating_mul(1000) / all.max(1)).min(999) as u16)
    }

    /// How many records the filter failed for.
    pub fn failed(&self) -> u64 {
        self.filter.as_ref().map_or(0, |filter| filter.failed.kept())
    }

    /// The number of the record at a position.
    pub fn number(&self, position: u64) -> Option<u64> {
        match &self.filter {
            Some(filter) => filter.matches.select(position),
            None => Some(position),
        }
    }

    /// The position of a record, or of the first one of the view after it.
    pub fn position(&self, number: u64) -> u64 {
        match &self.filter {
            Some(filter) => filter.matches.rank(number),
            None => number,
        }
    }

    /// Whether a record belongs to it.
    pub fn has(&self, number: u64) -> bool {
        self.number(self.position(number)) == Some(number)
    }

    /// Records from this one on are other ones now.
    pub fn take_back(&mut self, number: u64) {
        if let Some(filter) = &mut self.filter {
            filter.matches.truncate(number);
            filter.failed.truncate(number);
        }
    }

    /// Records before this one are gone.
    pub fn forget(&mut self, number: u64) {
        if let Some(filter) = &mut self.filter {
            filter.matches.forget(number);
            filter.failed.forget(number);
        }
    }

    /// Filters some more records; says whether there are others.
    ///
    /// # Errors
    /// When reading fails.
    pub fn filter_on(&mut self, feed: &mut impl Feed) -> anyhow::Result<bool> {
        let Some(Filter { program, matches, failed, .. }) = &mut self.filter else {
            return Ok(false);
        };
        let span = feed.span();
        // What is gone before it was filtered counts as left out.
        for _ in matches.length()..span.start {
            matches.push(false);
            failed.push(false);
        }
        let next = matches.length();
        if next >= span.end {
            return Ok(false);
        }
        // What cannot be read now is not left out: either it can be later, or it is gone.
        let Some(chunk) = feed.chunk(next)? else { return Ok(false) };
        for number in next..chunk.end() {
            let record = chunk.record(number).unwrap_or_default();
            let truth = match chunk.is_good(number) {
                true => program.load(record).and_then(|mut record| record.truth(0)),
                false => Ok(false),
            };
            failed.push(truth.is_err());
            matches.push(truth.unwrap_or(false));
        }
        program.rest();
        Ok(matches.length() < span.end)
    }

    /// The position that the record has which the view was made near to; once, when it is known.
    pub fn place_found(&mut self, feed: &impl Feed) -> Option<u64> {
        let records = feed.span();
        let filter = match &mut self.filter {
            Some(filter) => filter,
            None => return None,
        };
        let near = filter.near?;
        let is_complete = filter.matches.length() >= records.end && feed.progress().is_none();
        if filter.matches.length() <= near && !is_complete {
            return None;
        }
        filter.near = None;
        let at = filter.matches.rank(near);
        Some(at.min(filter.matches.kept().saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::{Collector, Place};
    use super::super::pipe::Pipe;
    use super::*;

    #[test]
    fn what_is_filtered_again_fails_once() {
        let mut pipe = Pipe::new(1 << 20);
        let mut collector = Collector::new("stdin".into(), 0);
        let records = [&b"{\"n\":1}"[..], b"{\"n\":\"x\"}"];
        records.into_iter().for_each(|record| collector.push(record, Place::Line(1), None));
        pipe.push(collector.take().unwrap());
        let mut view = View::new(1, Some(".n - 1 == 0"), 0, &(0..2)).unwrap();
        for _ in 0..2 {
            while view.filter_on(&mut pipe).unwrap() {}
            assert_eq!((view.span(&(0..2)), view.failed()), (0..1, 1));
            view.take_back(1);
            assert_eq!(view.failed(), 0);
        }
    }
}
