//! `aggregate --over`: each record with the aggregates of the last ones of its group.

use std::ops::ControlFlow;
use std::time::Duration;

use super::clock::{Clock, Teller};
use super::late::{Cause, Late};
use super::window::{hear_times, load_waited, save_waited, whole_ms};
use super::{Collector, Fault, InputId, Operator, Work};
use crate::aggregate;
use crate::aggregate::over::{OverState, Taken};
use crate::expr::{ParsedRecord, is_object};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::state::{Reader, StateError, Writer};
use crate::window::Progress;

/// Emits each record with its running aggregates.
pub struct Over {
    over: aggregate::Over,
    /// What tells the time of records, where it is time that counts.
    time: Option<Time>,
    late: Late,
    /// Why the record at the front of the lines is not taken. It is told when that record comes
    /// alone: what it has caused must not be caused again.
    failed: Option<Fault>,
    /// For how long input was waited for, as far as `over` was not told.
    waited: Duration,
}

/// What tells the time of records.
struct Time {
    clock: Clock,
    /// The expression for it, where records are read for the time with all else.
    within: Option<usize>,
}

impl Time {
    /// The time of a record that was read.
    fn read(&mut self, record: &mut ParsedRecord<'_, '_>) -> Result<i64, Fault> {
        match self.within {
            Some(expression) => self.clock.read_in(record, expression),
            None => self.clock.read(record.record()),
        }
    }
}

/// Takes a record that was read.
fn take(
    time: &mut Option<Time>,
    record: &mut ParsedRecord<'_, '_>,
    state: &mut OverState,
    out: &mut dyn Collector,
) -> Result<Taken, Fault> {
    match time {
        None => Ok(state.take(record, out).map(|()| Taken::In)?),
        Some(time) => {
            let time_ms = time.read(record)?;
            Ok(state.take_at(time_ms, record, out)?)
        }
    }
}

impl Over {
    /// Aggregates by this, in the order of the input or of the times that `clock` tells. Where the
    /// plan has an expression for the time, it is that of the clock.
    pub fn new(over: aggregate::Over, clock: Option<Clock>) -> Over {
        let within = over.time_expression();
        let time = clock.map(|clock| Time { clock, within });
        Over { over, time, late: Late::default(), failed: None, waited: Duration::ZERO }
    }

    /// What aggregates.
    pub fn over(&mut self) -> &mut aggregate::Over {
        &mut self.over
    }

    /// The records that came too late.
    pub fn late(&self) -> &Late {
        &self.late
    }

    /// As [`Clock::odd_times`].
    pub fn odd_times(&self) -> Vec<String> {
        self.time.as_ref().map_or_else(Vec::new, |time| time.clock.odd_times())
    }
}

impl Operator for Over {
    fn lines(
        &mut self,
        _: InputId,
        lines: &mut Lines<'_>,
        out: &mut dyn Collector,
    ) -> ControlFlow<()> {
        let Over { over, time, late, failed, .. } = self;
        let (mut records, state) = over.records(lines);
        while let Some(mut record) = records.load_next_if(is_object) {
            match take(time, &mut record, state, out) {
                Ok(Taken::In) => {}
                Ok(Taken::Late(behind)) => late.take(record.record(), Cause::Behind(behind), out),
                Err(fault) => {
                    *failed = Some(fault);
                    break;
                }
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
        let (mut record, state) = self.over.load(raw.bytes)?;
        if let Taken::Late(behind) = take(&mut self.time, &mut record, state, out)? {
            self.late.take(raw.bytes, Cause::Behind(behind), out);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn control(
        &mut self,
        _: InputId,
        control: &Control,
        _: &[u8],
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        if let Control::Window(_) = control {
            return Err(Fault::Windowed);
        }
        if let Some(time) = &mut self.time {
            hear_times(control, |ms| time.clock.tell(Teller::Append, ms));
        }
        hear(control, self.over.progress());
        Ok(self.over.go_on(out)?)
    }

    fn end_of_batch(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        self.late.end_of_batch(out);
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        Ok(self.over.finish(out)?)
    }

    fn patience(&self) -> Option<Duration> {
        Some(self.over.patience()?.to_std().saturating_sub(self.waited))
    }

    fn waited(&mut self, time: Duration, out: &mut dyn Collector) -> Result<(), Fault> {
        let Some(whole) = whole_ms(&mut self.waited, time) else { return Ok(()) };
        self.over.progress().wait(whole);
        Ok(self.over.go_on(out)?)
    }

    fn takes_clock(&self) -> bool {
        self.time.as_ref().is_some_and(|time| time.clock.teller() == Some(Teller::Arrival))
    }

    fn clock(&mut self, now_ms: i64, out: &mut dyn Collector) -> Result<(), Fault> {
        if let Some(time) = &mut self.time {
            time.clock.tell(Teller::Arrival, Some(now_ms));
        }
        self.over.progress().clock(now_ms);
        Ok(self.over.go_on(out)?)
    }

    fn snapshot(&self, places: &dyn Collector, to: &mut Writer) {
        to.put_option(self.time.as_ref(), |to, time| time.clock.save(to));
        self.over.save(to);
        self.late.save(places, to);
        save_waited(self.waited, to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        match (from.take_bool()?, &mut self.time) {
            (true, Some(time)) => time.clock.restore(from)?,
            (false, None) => {}
            _ => return Err(StateError::Changed("event times")),
        }
        self.over.restore(from)?;
        self.late.restore(from)?;
        self.waited = load_waited(from)?;
        Ok(())
    }

    fn work(&self) -> Work {
        Work { late: self.late.dropped().count, ..Work::of(&self.over.holds()) }
    }

    fn undone(&self) -> Option<String> {
        match self.over.waiting() {
            0 => None,
            1 => Some("1 record that waited is not printed".to_owned()),
            count => Some(format!("{count} records that waited are not printed")),
        }
    }
}

/// Hears what is said of the stream's partitions.
fn hear(control: &Control, progress: &mut Progress) {
    match control {
        Control::Start(start) => progress.begin(&start.partitions),
        Control::Partitions(partitions) => progress.begin(partitions),
        Control::Partition(number) => progress.turn_to(*number),
        Control::PartitionEnd(number) => progress.end(*number),
        Control::Window(_) | Control::Watermark(_) | Control::End(_) | Control::Appended(_) => {}
    }
}
