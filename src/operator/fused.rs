//! Two operators in one: what the first hands on reaches the second without being written and read
//! again.

use std::ops::ControlFlow;
use std::time::Duration;

use super::{Collector, Fault, InputId, Operator, Work};
use crate::expr::{ParsedRecord, Records, is_object};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;
use crate::window::{Carried, Windows};

/// An operator that hands on the records that it takes, as they are, each with its windows beside
/// it.
///
/// It reads nothing itself: its expressions are evaluated by the program of the operator after it,
/// so that a record is read once for both.
pub trait Upstream {
    /// A record comes next, good or bad.
    ///
    /// # Errors
    /// When the next operator cannot go on.
    fn begin<N: Next>(&mut self, next: &mut N, out: &mut dyn Collector) -> Result<(), Fault> {
        let _ = (next, out);
        Ok(())
    }

    /// Takes a record, which is in this line of the input.
    ///
    /// # Errors
    /// As [`Operator::record`].
    fn record<N: Next>(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        line: u64,
        next: &mut N,
        out: &mut dyn Collector,
    ) -> Result<(), Fault>;

    /// Takes a control record.
    ///
    /// # Errors
    /// As [`Operator::record`].
    fn control<N: Next>(
        &mut self,
        control: &Control,
        next: &mut N,
        out: &mut dyn Collector,
    ) -> Result<(), Fault>;

    /// As [`Operator::end_of_batch`].
    fn end_of_batch(&mut self, out: &mut dyn Collector) {
        let _ = out;
    }

    /// As [`Operator::file_end`].
    fn file_end(&mut self) {}

    /// As [`Operator::work`], where `next` is that of the operator after it.
    fn work(&self, next: Work) -> Work;

    /// As [`Operator::end`], before the next operator ends.
    ///
    /// # Errors
    /// As [`Operator::end`].
    fn end<N: Next>(&mut self, next: &mut N, out: &mut dyn Collector) -> Result<(), Fault>;

    /// As [`Operator::patience`].
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// As [`Operator::takes_clock`].
    fn takes_clock(&self) -> bool {
        false
    }

    /// As [`Operator::clock`].
    ///
    /// # Errors
    /// As [`Operator::clock`].
    fn clock<N: Next>(
        &mut self,
        now_ms: i64,
        next: &mut N,
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        let _ = (now_ms, next, out);
        Ok(())
    }

    /// As [`Operator::snapshot`]; `source` gives the text of an expression.
    fn snapshot<'s>(
        &self,
        source: impl Fn(usize) -> &'s str,
        places: &dyn Collector,
        to: &mut Writer,
    );

    /// As [`Operator::restore`].
    ///
    /// # Errors
    /// As [`Operator::restore`].
    fn restore<'s>(
        &mut self,
        source: impl Fn(usize) -> &'s str,
        from: &mut Reader<'_>,
    ) -> Result<(), StateError>;

    /// As [`Operator::waited`].
    ///
    /// # Errors
    /// As [`Operator::waited`].
    fn waited<N: Next>(
        &mut self,
        time: Duration,
        next: &mut N,
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        let _ = (time, next, out);
        Ok(())
    }
}

/// What takes what an upstream operator hands on.
pub trait Next {
    /// Takes a record, which was read, with its windows beside it if it has some. False if it is
    /// late for one of them.
    ///
    /// # Errors
    /// As [`Operator::record`].
    fn record(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        beside: Option<&Beside<'_>>,
        out: &mut dyn Collector,
    ) -> Result<bool, Fault>;

    /// Takes a control record.
    ///
    /// # Errors
    /// As [`Operator::record`].
    fn control(&mut self, control: &Control, out: &mut dyn Collector) -> Result<(), Fault>;
}

/// An operator that can come after another one, and reads records for both.
pub trait Downstream {
    /// All of it but the reading of records.
    type Next: Next;

    /// Reads records at the front of `lines`, as far as that can be done fast.
    fn records<'a, 'l, 't>(
        &'a mut self,
        lines: &'l mut Lines<'t>,
    ) -> (Records<'a, 'l, 't>, &'a mut Self::Next);

    /// Reads a record.
    ///
    /// # Errors
    /// [`Fault::Bad`] when it is not valid, or not of the right kind.
    fn load<'t>(
        &mut self,
        record: &'t [u8],
    ) -> Result<(ParsedRecord<'_, 't>, &mut Self::Next), Fault>;

    /// All of it but the reading of records.
    fn next(&mut self) -> &mut Self::Next;

    /// The text of expression `index` of those that it evaluates for both.
    fn source(&self, index: usize) -> &str;

    /// As [`Operator::snapshot`].
    fn snapshot(&self, to: &mut Writer);

    /// As [`Operator::restore`].
    ///
    /// # Errors
    /// As [`Operator::restore`].
    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError>;

    /// As [`Operator::end`].
    ///
    /// # Errors
    /// As [`Operator::end`].
    fn end(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        let _ = out;
        Ok(())
    }

    /// As [`Operator::undone`].
    fn undone(&self) -> Option<String> {
        None
    }

    /// As [`Operator::work`].
    fn work(&self) -> Work;
}

/// The windows of a record, beside it.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// The slice that it is in.
    pub slice: Interval,
    /// Those of its windows are closed that end here or before, in milliseconds.
    pub closed_ms: i64,
    /// All windows.
    pub windows: &'a Windows,
    /// What stands for the windows of a record: a slice, or each of them.
    pub carried: Carried,
}

impl Beside<'_> {
    /// Gives `take` the slice, or each window that is open, whatever stands for them; false if it
    /// says so for one of them.
    ///
    /// # Errors
    /// The first one of `take`.
    #[inline]
    pub fn each<E>(&self, mut take: impl FnMut(Interval) -> Result<bool, E>) -> Result<bool, E> {
        if self.carried != Carried::Window {
            return take(self.slice);
        }
        let mut all = true;
        for window in self.windows.of_slice(self.slice).filter(|one| one.end_ms > self.closed_ms) {
            all &= take(window)?;
        }
        Ok(all)
    }
}

/// Two operators, one after the other.
pub struct Fused<U, D> {
    first: U,
    second: D,
    /// Why the record at the front of the lines is not taken. It is told when that record comes
    /// alone: the first operator has heard its time, and must not hear it again.
    failed: Option<Fault>,
}

impl<U: Upstream, D: Downstream> Fused<U, D> {
    /// `first` takes records; `second` takes what that hands on, and reads for both.
    pub fn new(first: U, second: D) -> Fused<U, D> {
        Fused { first, second, failed: None }
    }

    /// The two of them.
    pub fn parts(&mut self) -> (&mut U, &mut D) {
        (&mut self.first, &mut self.second)
    }
}

impl<U: Upstream, D: Downstream> Operator for Fused<U, D> {
    fn lines(
        &mut self,
        _: InputId,
        lines: &mut Lines<'_>,
        out: &mut dyn Collector,
    ) -> ControlFlow<()> {
        let Fused { first, second, failed } = self;
        let (mut records, next) = second.records(lines);
        while let Some((line, mut record)) = records.load_next_line_if(is_object) {
            let begun = first.begin(next, out);
            if let Err(fault) = begun.and_then(|()| first.record(&mut record, line, next, out)) {
                *failed = Some(fault);
                break;
            }
        }
        ControlFlow::Continue(())
    }

    fn record(
        &mut self,
        _: InputId,
        raw: Raw<'_>,
        out: &mut dyn Collector,
    ) -> Result<ControlFlow<()>, Fault> {
        if let Some(fault) = self.failed.take() {
            return Err(fault);
        }
        let Fused { first, second, .. } = self;
        first.begin(second.next(), out)?;
        let (mut record, next) = second.load(raw.bytes)?;
        first.record(&mut record, raw.line, next, out)?;
        Ok(ControlFlow::Continue(()))
    }

    fn control(
        &mut self,
        _: InputId,
        control: &Control,
        _: &[u8],
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        self.first.control(control, self.second.next(), out)
    }

    fn end_of_batch(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        self.first.end_of_batch(out);
        Ok(())
    }

    fn file_end(&mut self, _: InputId) {
        self.first.file_end();
    }

    fn end(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        self.first.end(self.second.next(), out)?;
        self.second.end(out)
    }

    fn patience(&self) -> Option<Duration> {
        self.first.patience()
    }

    fn waited(&mut self, time: Duration, out: &mut dyn Collector) -> Result<(), Fault> {
        self.first.waited(time, self.second.next(), out)
    }

    fn takes_clock(&self) -> bool {
        self.first.takes_clock()
    }

    fn clock(&mut self, now_ms: i64, out: &mut dyn Collector) -> Result<(), Fault> {
        self.first.clock(now_ms, self.second.next(), out)
    }

    fn snapshot(&self, places: &dyn Collector, to: &mut Writer) {
        self.first.snapshot(|index| self.second.source(index), places, to);
        self.second.snapshot(to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        let Fused { first, second, .. } = self;
        first.restore(|index| second.source(index), from)?;
        second.restore(from)
    }

    fn undone(&self) -> Option<String> {
        self.second.undone()
    }

    fn work(&self) -> Work {
        self.first.work(self.second.work())
    }
}
