//! `window`: the windows of each record by its event time, and the watermark after it.

use std::time::Duration as StdDuration;

use super::clock::{Form, Teller};
use super::fused::{Beside, Next, Upstream};
use super::late::{Cause, Late};
use super::{Collector, Fault, Work};
use crate::expr::ParsedRecord;
use crate::record::control::{Appended, Control, End, Mark, Start, Windowing};
use crate::state::{Reader, StateError, Writer};
use crate::time::Duration;
use crate::window::{Carried, Placed, Placing};

/// Puts records into windows, and tells the watermark.
pub struct Window {
    /// What event times look like, and which expression gives them; windows that count records
    /// need none.
    time: Option<(Form, usize)>,
    placing: Placing,
    carried: Carried,
    /// What the stream begins with, and whether that has been said.
    head: Control,
    begun: bool,
    /// Whether the stream that came in has ended, and that was not passed on yet.
    ended: bool,
    late: Late,
    /// Whether the stream said of which partitions it is.
    partitioned: bool,
    /// For how long input was waited for, as far as `placing` was not told.
    waited: StdDuration,
}

impl Window {
    /// Puts records into windows as `placing` does, by the event times that an expression of the
    /// next operator gives, and begins the stream with `windowing`.
    pub fn new(placing: Placing, time: Option<(Form, usize)>, windowing: Windowing) -> Window {
        Window {
            time,
            carried: placing.windows().carried(windowing.expanded),
            placing,
            head: Control::Window(windowing),
            begun: false,
            ended: false,
            late: Late::default(),
            partitioned: false,
            waited: StdDuration::ZERO,
        }
    }

    /// What stands for the windows of a record.
    pub fn carried(&self) -> Carried {
        self.carried
    }

    /// The records that came too late.
    pub fn late(&self) -> &Late {
        &self.late
    }

    /// Whether the stream said of which partitions it is.
    pub fn is_partitioned(&self) -> bool {
        self.partitioned
    }

    /// As [`Form::odd_times`].
    pub fn odd_times(&self) -> Vec<String> {
        self.time.as_ref().map_or_else(Vec::new, |(form, _)| form.odd_times())
    }

    /// Which windows there are, and how times are read, as far as states depend on it.
    fn options<'s>(&self, source: impl Fn(usize) -> &'s str) -> Vec<u8> {
        let (mut options, mut head) = (Writer::new(), Vec::new());
        self.head.write(&mut head);
        options.put_bytes(&head);
        let time = self.time.as_ref();
        options.put_option(time, |to, (_, index)| to.put_bytes(source(*index).as_bytes()));
        options.into_bytes()
    }

    /// Hears what is said of the stream and its partitions; gives the watermark, if it is to be
    /// told. What an earlier window said is used up: its windows are not those of this stream any
    /// more.
    fn hear(&mut self, control: &Control) -> Option<i64> {
        if let Some((form, _)) = &mut self.time {
            hear_times(control, |ms| form.tell(Teller::Append, ms));
        }
        match control {
            Control::Window(_) | Control::Watermark(_) | Control::End(_) | Control::Appended(_) => {
                None
            }
            Control::Start(start) => self.begin_partitions(&start.partitions),
            Control::Partitions(partitions) => self.begin_partitions(partitions),
            Control::Partition(number) => {
                self.placing.turn_to(*number);
                None
            }
            Control::PartitionEnd(number) => self.placing.end(*number),
        }
    }

    fn begin_partitions(&mut self, partitions: &[u32]) -> Option<i64> {
        self.partitioned |= !partitions.is_empty();
        self.placing.begin(partitions)
    }

    /// Tells the watermark, if it has moved without a record.
    fn move_on<N: Next>(
        &mut self,
        passed_ms: Option<i64>,
        next: &mut N,
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        if passed_ms.is_some() {
            self.late.moved(None);
        }
        tell(passed_ms, next, out)
    }

    /// Passes on that the stream that came in has ended, if it has.
    fn end_stream<N: Next>(&mut self, next: &mut N, out: &mut dyn Collector) -> Result<(), Fault> {
        match std::mem::take(&mut self.ended) {
            true => next.control(&Control::End(End {}), out),
            false => Ok(()),
        }
    }
}

/// Hears when the records that come now were appended; that is not known where a stream begins.
pub(super) fn hear_times(control: &Control, mut tell: impl FnMut(Option<i64>)) {
    match control {
        Control::Appended(Appended { ms }) => tell(Some(*ms)),
        Control::Start(_) => tell(None),
        _ => {}
    }
}

/// Tells the watermark, where there is something to tell.
fn tell<N: Next>(
    passed_ms: Option<i64>,
    next: &mut N,
    out: &mut dyn Collector,
) -> Result<(), Fault> {
    passed_ms.map_or(Ok(()), |ms| next.control(&Control::Watermark(Mark::Ms(ms)), out))
}

impl Upstream for Window {
    fn begin<N: Next>(&mut self, next: &mut N, out: &mut dyn Collector) -> Result<(), Fault> {
        match std::mem::replace(&mut self.begun, true) {
            false => next.control(&self.head, out),
            true => Ok(()),
        }
    }

    fn record<N: Next>(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        line: u64,
        next: &mut N,
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        let Some((form, expression)) = &mut self.time else {
            return next.record(record, None, out).map(drop);
        };
        let time_ms = form.read(record, *expression)?;
        match self.placing.place(time_ms).map_err(Fault::bad)? {
            Placed::Late { behind } => {
                self.late.take(record.record(), Cause::Behind(behind), out);
            }
            Placed::In { slice, closed_ms, passed_ms, missed } => {
                let (windows, carried) = (self.placing.windows(), self.carried);
                let beside = Beside { slice, closed_ms, windows, carried };
                let taken = next.record(record, Some(&beside), out);
                match (&taken, missed) {
                    (Ok(false), _) => self.late.take(record.record(), Cause::Closed, out),
                    (Ok(true), Some(behind)) => self.late.miss(Cause::Behind(behind)),
                    (Ok(true), None) | (Err(_), _) => {}
                }
                // A record that the next operator refuses has moved the watermark all the same.
                if passed_ms.is_some() {
                    self.late.moved(Some((line, time_ms)));
                }
                tell(passed_ms, next, out).map_err(|fault| fault.caused_by(time_ms))?;
                taken?;
            }
        }
        Ok(())
    }

    /// Uses up what an earlier window said: its windows are not those of this stream any more. What
    /// is said of partitions is used up too: the watermarks from here on are of them all.
    fn control<N: Next>(
        &mut self,
        control: &Control,
        next: &mut N,
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        let passed_ms = self.hear(control);
        match control {
            Control::Start(start) => {
                self.end_stream(next, out)?;
                let start = Start { partitions: Vec::new(), ..*start };
                next.control(&Control::Start(start), out)?;
            }
            // If it is the last one, the final watermark comes first.
            Control::End(_) => self.ended = true,
            _ => {}
        }
        self.move_on(passed_ms, next, out)
    }

    fn end_of_batch(&mut self, out: &mut dyn Collector) {
        self.late.end_of_batch(out);
    }

    fn file_end(&mut self) {
        self.late.leave_file();
    }

    fn work(&self, next: Work) -> Work {
        let progress = self.placing.progress();
        Work {
            late: self.late.dropped().count,
            watermark_ms: progress.at_ms(),
            time_ms: progress.greatest_ms(),
            ..next
        }
    }

    fn end<N: Next>(&mut self, next: &mut N, out: &mut dyn Collector) -> Result<(), Fault> {
        self.begin(next, out)?;
        next.control(&Control::Watermark(Mark::End), out)?;
        self.end_stream(next, out)
    }

    fn patience(&self) -> Option<StdDuration> {
        Some(self.placing.patience()?.to_std().saturating_sub(self.waited))
    }

    fn takes_clock(&self) -> bool {
        self.time.as_ref().is_some_and(|(form, _)| form.teller() == Some(Teller::Arrival))
    }

    fn clock<N: Next>(
        &mut self,
        now_ms: i64,
        next: &mut N,
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        if let Some((form, _)) = &mut self.time {
            form.tell(Teller::Arrival, Some(now_ms));
        }
        // Before the first record, there is nothing to close.
        let passed_ms = if self.begun { self.placing.clock(now_ms) } else { None };
        self.move_on(passed_ms, next, out)
    }

    fn snapshot<'s>(
        &self,
        source: impl Fn(usize) -> &'s str,
        places: &dyn Collector,
        to: &mut Writer,
    ) {
        to.put_bytes(&self.options(source));
        to.put_option(self.time.as_ref(), |to, (form, _)| form.save(to));
        self.placing.save(to);
        to.put_bool(self.begun);
        to.put_bool(self.ended);
        to.put_bool(self.partitioned);
        self.late.save(places, to);
        save_waited(self.waited, to);
    }

    fn restore<'s>(
        &mut self,
        source: impl Fn(usize) -> &'s str,
        from: &mut Reader<'_>,
    ) -> Result<(), StateError> {
        if from.take_bytes()? != self.options(source) {
            return Err(StateError::Changed("windows or event times"));
        }
        match (from.take_bool()?, &mut self.time) {
            (true, Some((form, _))) => form.restore(from)?,
            (false, None) => {}
            _ => return Err(StateError::Invalid("times of windows that have none")),
        }
        self.placing.restore(from)?;
        self.begun = from.take_bool()?;
        self.ended = from.take_bool()?;
        self.partitioned = from.take_bool()?;
        self.late.restore(from)?;
        self.waited = load_waited(from)?;
        Ok(())
    }

    fn waited<N: Next>(
        &mut self,
        time: StdDuration,
        next: &mut N,
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        let passed_ms = whole_ms(&mut self.waited, time).and_then(|time| self.placing.wait(time));
        self.move_on(passed_ms, next, out)
    }
}

/// Adds `time` to what was `waited`; takes the whole milliseconds of it, if there are some.
pub(super) fn whole_ms(waited: &mut StdDuration, time: StdDuration) -> Option<Duration> {
    *waited += time;
    let whole_ms = i64::try_from(waited.as_millis()).unwrap_or(i64::MAX);
    let whole = Duration::from_ms(whole_ms).filter(|whole| whole.ms() > 0)?;
    *waited = waited.saturating_sub(whole.to_std());
    Some(whole)
}

/// Saves for how long input was waited for, as far as it is less than a millisecond.
pub(super) fn save_waited(waited: StdDuration, to: &mut Writer) {
    to.put_u64(waited.subsec_nanos().into());
}

/// Restores what [`save_waited`] saved.
pub(super) fn load_waited(from: &mut Reader<'_>) -> Result<StdDuration, StateError> {
    let nanos = Some(from.take_u64()?).filter(|nanos| *nanos < 1_000_000);
    let nanos = nanos.ok_or(StateError::Invalid("a millisecond that was not counted"))?;
    Ok(StdDuration::from_nanos(nanos))
}
