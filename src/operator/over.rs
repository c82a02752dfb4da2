//! `aggregate --over`: each record with the aggregates of the last ones of its group.

use std::ops::ControlFlow;
use std::time::Duration;

use super::clock::Clock;
use super::late::{Cause, Late};
use super::window::{load_waited, save_waited, whole_ms};
use super::{Collector, Fault, InputId, Operator};
use crate::aggregate;
use crate::aggregate::over::Taken;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::state::{Reader, StateError, Writer};
use crate::window::Progress;

/// Emits each record with its running aggregates.
pub struct Over {
    over: aggregate::Over,
    /// What tells the time of records, where it is time that counts.
    clock: Option<Clock>,
    late: Late,
    /// For how long input was waited for, as far as `over` was not told.
    waited: Duration,
}

impl Over {
    /// Aggregates by this, in the order of the input or of the times that `clock` tells.
    pub fn new(over: aggregate::Over, clock: Option<Clock>) -> Over {
        Over { over, clock, late: Late::default(), waited: Duration::ZERO }
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
        self.clock.as_ref().map_or_else(Vec::new, Clock::odd_times)
    }
}

impl Operator for Over {
    fn record(
        &mut self,
        _: InputId,
        raw: Raw<'_>,
        out: &mut dyn Collector,
    ) -> Result<ControlFlow<()>, Fault> {
        let taken = match &mut self.clock {
            None => self.over.record(raw.bytes, out).map(|()| Taken::In)?,
            Some(clock) => {
                let time_ms = clock.read(raw.bytes)?;
                self.over.record_at(time_ms, raw.bytes, out)?
            }
        };
        if let Taken::Late(behind) = taken {
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

    fn snapshot(&self, places: &dyn Collector, to: &mut Writer) {
        to.put_option(self.clock.as_ref(), |to, clock| clock.save(to));
        self.over.save(to);
        self.late.save(places, to);
        save_waited(self.waited, to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        match (from.take_bool()?, &mut self.clock) {
            (true, Some(clock)) => clock.restore(from)?,
            (false, None) => {}
            _ => return Err(StateError::Changed("event times")),
        }
        self.over.restore(from)?;
        self.late.restore(from)?;
        self.waited = load_waited(from)?;
        Ok(())
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
        Control::Window(_) | Control::Watermark(_) | Control::End(_) => {}
    }
}
