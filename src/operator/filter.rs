//! `filter`: the records for which an expression is true, or only the first of each key, or also
//! the last of those that repeat it.

use std::ops::ControlFlow;
use std::time::Duration;

use super::clock::event_time;
use super::repeats::TooManyKeys;
use super::rolled_up::RolledUp;
use super::trust::Trust;
use super::unique::Seen;
use super::window::{load_waited, save_waited, whole_ms};
use super::{Collector, Fault, InputId, Operator, Shared, Side, Work};
use crate::expr::{ParsedRecord, Program};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::framing::{Frame, Framing};
use crate::record::lines::Lines;
use crate::state::{Reader, StateError, Writer};
use crate::time::event_time::TimeUnit;

/// Emits the records that it keeps, and gives the others to [`Side::Else`].
pub struct Filter {
    program: Program,
    trust: Trust,
    keeping: Keeping,
    unique: Option<Unique>,
    kept: u64,
    /// Which streams are open.
    framing: Framing,
}

/// Which records are kept, and what goes out of them.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// Whether those are kept for which the expression is not true.
    pub invert: bool,
    /// Whether records that are kept go out.
    pub print: bool,
    /// Whether control records go out with them.
    pub speaks: bool,
    /// Whether control records go with the others.
    pub others_speak: bool,
    /// Whether the number of records that were kept goes out, at the end.
    pub count: bool,
    /// After how many that are kept no more are wanted.
    pub kept_max: Option<u64>,
}

/// Keeps the first record of each key.
pub struct Unique {
    /// The keys that passed.
    passed: Passed,
    /// The key of the record in hand.
    key: Vec<u8>,
    /// Whether records have times, and the unit of their numbers.
    time: Option<Option<TimeUnit>>,
}

/// The keys that passed, and what becomes of records that repeat them.
enum Passed {
    /// They do not pass.
    Seen(Seen),
    /// The last of them passes later.
    Repeats(Box<RolledUp>),
}

impl Unique {
    /// The key is the second expression of the program; with `time`, the third is for the event
    /// time, whose numbers have that unit.
    pub fn new(seen: Seen, time: Option<Option<TimeUnit>>) -> Unique {
        Unique { passed: Passed::Seen(seen), key: Vec::new(), time }
    }

    /// The same, but the last of the records that repeat a key passes later. The third expression
    /// is for the event time.
    pub fn rolled_up(repeats: RolledUp, unit: Option<TimeUnit>) -> Unique {
        Unique { passed: Passed::Repeats(Box::new(repeats)), key: Vec::new(), time: Some(unit) }
    }

    fn repeats(&self) -> Option<&RolledUp> {
        match &self.passed {
            Passed::Seen(_) => None,
            Passed::Repeats(repeats) => Some(repeats),
        }
    }

    fn repeats_mut(&mut self) -> Option<&mut RolledUp> {
        match &mut self.passed {
            Passed::Seen(_) => None,
            Passed::Repeats(repeats) => Some(repeats),
        }
    }

    /// Reads the key of a record, and gives its event time.
    fn read(&mut self, record: &mut ParsedRecord<'_, '_>) -> Result<i64, Fault> {
        let Unique { key, time, .. } = self;
        key.clear();
        match record.plain_string(1) {
            Some(text) => key.extend_from_slice(text),
            None => {
                let value = record.value(1);
                value.map_err(|error| Fault::said_of("--unique", error))?.write_json(key);
            }
        }
        match *time {
            Some(unit) => event_time(record, 2, unit),
            None => Ok(0),
        }
    }

    /// Puts a record where it goes, and before it those that are due. If it is bad, it leaves no
    /// trace.
    fn take(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        ways: &mut Ways<'_>,
    ) -> Result<ControlFlow<()>, Fault> {
        let time_ms = self.read(record)?;
        let Unique { passed, key, .. } = self;
        match passed {
            Passed::Seen(seen) => Ok(ways.put(record.record(), seen.passes(key, time_ms))),
            Passed::Repeats(rolled_up) => {
                rolled_up.check(record.record(), record.is_object()).map_err(Fault::bad)?;
                rolled_up.repeats.observe(time_ms);
                if rolled_up.put_due(false, |line| ways.put(line, true)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                let others = &mut ways.others;
                let drop = |before: &[u8]| others.iter_mut().for_each(|others| put(before, others));
                match rolled_up.repeats.take(key, time_ms, record.record(), drop) {
                    Ok(true) => Ok(ways.put(record.record(), true)),
                    Ok(false) => Ok(ControlFlow::Continue(())),
                    Err(TooManyKeys(keys_max)) => Err(Fault::TooManyKeys(keys_max)),
                }
            }
        }
    }

    fn save(&self, to: &mut Writer) {
        match &self.passed {
            Passed::Seen(seen) => seen.save(to),
            Passed::Repeats(repeats) => {
                repeats.save(to);
                save_waited(repeats.waited, to);
            }
        }
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        match &mut self.passed {
            Passed::Seen(seen) => seen.restore(from),
            Passed::Repeats(repeats) => {
                repeats.restore(from)?;
                repeats.waited = load_waited(from)?;
                Ok(())
            }
        }
    }
}

/// Where records go.
struct Ways<'a> {
    keeping: &'a Keeping,
    kept: &'a mut u64,
    out: &'a mut Vec<u8>,
    others: &'a mut Option<Vec<u8>>,
}

impl Ways<'_> {
    #[inline]
    fn put(&mut self, record: &[u8], kept: bool) -> ControlFlow<()> {
        self.keeping.put((record, kept), self.kept, self.out, self.others)
    }

    /// Takes a record that an expression has been evaluated over.
    #[inline]
    fn take(
        &mut self,
        record: &mut ParsedRecord<'_, '_>,
        unique: &mut Option<Unique>,
    ) -> Result<ControlFlow<()>, Fault> {
        let is_wanted = record.truth(0).map_err(Fault::said)? != self.keeping.invert;
        match unique {
            Some(unique) if is_wanted => unique.take(record, self),
            _ => Ok(self.put(record.record(), is_wanted)),
        }
    }
}

impl Filter {
    /// Keeps records by the first expression of the program.
    pub fn new(program: Program, trust: Trust, keeping: Keeping) -> Filter {
        let framing = Framing::default();
        Filter { program, trust, keeping, unique: None, kept: 0, framing }
    }

    /// Keeps only the first record of each key.
    #[must_use]
    pub fn with_unique(mut self, unique: Option<Unique>) -> Filter {
        self.unique = unique;
        self
    }

    /// How many records were kept.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// What is unique, and by which times, as far as states depend on it.
    fn options(&self) -> Vec<u8> {
        let mut options = Writer::new();
        options.put_option(self.unique.as_ref(), |to, unique| {
            to.put_bytes(self.program.source(1).as_bytes());
            to.put_option(unique.time, |to, unit| {
                to.put_bytes(self.program.source(2).as_bytes());
                to.put_option(unit, |to, unit| to.put_u8(unit as u8));
            });
            // States without it are what they were before it existed.
            if unique.repeats().is_some() {
                to.put_bool(true);
            }
        });
        options.into_bytes()
    }

    /// Emits the records that were held back and are due, or all of them.
    fn release(&mut self, all: bool, out: &mut dyn Collector) {
        let Filter { keeping, kept, unique, .. } = self;
        let Some(repeats) = unique.as_mut().and_then(Unique::repeats_mut) else { return };
        if keeping.has_all(*kept) {
            return;
        }
        with_others(out, |out, others| {
            let mut ways = Ways { keeping, kept, out, others };
            // Where no more are wanted, the next record is refused, too.
            let _ = repeats.put_due(all, |line| ways.put(line, true));
        });
    }

    /// Adds lines of control records, which go both to the records that are kept and to the others.
    fn say(&self, lines: &[&[u8]], out: &mut dyn Collector) {
        let put = |to: &mut Vec<u8>| lines.iter().for_each(|line| to.extend_from_slice(line));
        if self.keeping.print && self.keeping.speaks {
            put(out.pending());
        }
        if let Some(others) = out.side(Side::Else).filter(|_| self.keeping.others_speak) {
            put(others);
        }
    }
}

impl Keeping {
    /// Whether no more records are wanted, as when it was restored after the last one.
    fn has_all(&self, kept: u64) -> bool {
        self.kept_max.is_some_and(|most| kept >= most)
    }

    /// Puts a record where it goes; `Break` when it was the last that is wanted.
    #[inline]
    fn put(
        &self,
        (record, kept): (&[u8], bool),
        count: &mut u64,
        out: &mut Vec<u8>,
        others: &mut Option<Vec<u8>>,
    ) -> ControlFlow<()> {
        if !kept {
            if let Some(others) = others {
                put(record, others);
            }
            return ControlFlow::Continue(());
        }
        *count += 1;
        if self.print {
            put(record, out);
        }
        match self.kept_max == Some(*count) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

fn put(line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(line);
    out.push(b'\n');
}

/// Lends `work` the lines of the other output beside those of the first.
fn with_others<T>(
    out: &mut dyn Collector,
    work: impl FnOnce(&mut Vec<u8>, &mut Option<Vec<u8>>) -> T,
) -> T {
    let mut others = out.side(Side::Else).map(std::mem::take);
    let done = work(out.pending(), &mut others);
    if let (Some(side), Some(others)) = (out.side(Side::Else), others) {
        *side = others;
    }
    done
}

impl Operator for Filter {
    fn lines(
        &mut self,
        _: InputId,
        lines: &mut Lines<'_>,
        out: &mut dyn Collector,
    ) -> ControlFlow<()> {
        let Filter { program, keeping, kept, unique, .. } = self;
        if keeping.has_all(*kept) {
            return ControlFlow::Break(());
        }
        with_others(out, |out, others| {
            if unique.is_none() {
                return program.sift(0, lines, |record, truth| {
                    keeping.put((record, truth != keeping.invert), kept, out, others)
                });
            }
            let mut ways = Ways { keeping, kept, out, others };
            let mut records = program.records(lines);
            while let Some(mut record) = records.load_next_if(|_| true) {
                // A bad record comes again, alone, for what is to be said about it.
                let Ok(flow) = ways.take(&mut record, unique) else { break };
                flow?;
            }
            ControlFlow::Continue(())
        })
    }

    fn record(
        &mut self,
        _: InputId,
        raw: Raw<'_>,
        out: &mut dyn Collector,
    ) -> Result<ControlFlow<()>, Fault> {
        let Filter { program, keeping, kept, unique, .. } = self;
        if keeping.has_all(*kept) {
            return Ok(ControlFlow::Break(()));
        }
        let mut record = program.load(raw.bytes).map_err(Fault::said)?;
        with_others(out, |out, others| {
            Ways { keeping, kept, out, others }.take(&mut record, unique)
        })
    }

    fn control(
        &mut self,
        _: InputId,
        control: &Control,
        line: &[u8],
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        if let Some(frame) = Frame::of(control) {
            // The driver has seen that no stream is cut short by it.
            let _ = self.framing.note(frame);
        }
        self.trust.heed(control, &mut self.program);
        let Some(repeats) = self.unique.as_mut().and_then(Unique::repeats_mut) else {
            self.say(&[line, b"\n"], out);
            return Ok(());
        };
        if let Control::Window(_) | Control::Watermark(_) = control {
            return Err(Fault::HeldBack);
        }
        let said = repeats.hear(control, line);
        self.say(&[&said], out);
        Ok(())
    }

    fn file_end(&mut self, _: InputId) {
        self.framing = Framing::default();
        self.trust.forget(&mut self.program);
    }

    fn patience(&self) -> Option<Duration> {
        let repeats = self.unique.as_ref()?.repeats()?;
        Some(repeats.repeats.patience()?.to_std().saturating_sub(repeats.waited))
    }

    fn waited(&mut self, time: Duration, out: &mut dyn Collector) -> Result<(), Fault> {
        if let Some(repeats) = self.unique.as_mut().and_then(Unique::repeats_mut)
            && let Some(whole) = whole_ms(&mut repeats.waited, time)
        {
            repeats.repeats.wait(whole);
            self.release(false, out);
        }
        Ok(())
    }

    fn undone(&self) -> Option<String> {
        match self.unique.as_ref()?.repeats()?.repeats.held_back() {
            0 => None,
            1 => Some("the repeats of 1 key are not reported".to_owned()),
            count => Some(format!("the repeats of {count} keys are not reported")),
        }
    }

    fn snapshot(&self, _: &dyn Collector, to: &mut Writer) {
        to.put_bytes(&self.options());
        to.put_u64(self.kept);
        self.framing.open().into_iter().for_each(|open| to.put_bool(open));
        if let Some(unique) = &self.unique {
            unique.save(to);
        }
        self.program.save_presence(to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        if from.take_bytes()? != self.options() {
            return Err(StateError::Changed("unique keys"));
        }
        self.kept = from.take_records()?;
        self.framing = Framing::of([from.take_bool()?, from.take_bool()?]);
        if let Some(unique) = &mut self.unique {
            unique.restore(from)?;
        }
        self.program.restore_presence(from)
    }

    fn end(&mut self, out: &mut dyn Collector) -> Result<(), Fault> {
        self.release(true, out);
        let repeats = self.unique.as_mut().and_then(Unique::repeats_mut);
        let mut ends = repeats.map_or_else(Vec::new, RolledUp::take_end);
        // There may be more of the streams, but all that was asked for is there.
        self.framing.close(&mut ends);
        self.say(&[&ends], out);
        if self.keeping.count {
            out.pending().extend_from_slice(format!("{}\n", self.kept).as_bytes());
        }
        Ok(())
    }

    fn work(&self) -> Work {
        Work { emitted: Some(self.kept), ..Work::default() }
    }
}

impl Shared for Filter {
    /// How many records were kept.
    type Sum = u64;

    fn hand_in(&mut self) -> u64 {
        std::mem::take(&mut self.kept)
    }

    fn absorb(&mut self, kept: u64) {
        self.kept += kept;
    }
}
