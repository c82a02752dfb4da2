//! What an input gives, on its way into the buffers: each record with its time.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::decoder::Aside;
use super::plan::Report;
use crate::cli::blame::explained;
use crate::cli::streams::Cut;
use crate::cli::{Failure, Status, message};
use crate::merge::{Later, Merge};
use crate::operator::Fault;
use crate::operator::clock::Clock;
use crate::record::control::{Control, is_control};
use crate::record::decode::{Bad, Raw, Sink};
use crate::record::framing::{Frame, Framing};
use crate::record::lines::Lines;

/// Marks what waits as an [`Aside`]; the rest of the tag is its number. Else it is the line.
pub(super) const ASIDE: u64 = 1 << 63;

/// Marks what comes first after the start of a stream in its input.
pub(super) const STARTS: u64 = 1 << 62;

/// All that waits, and what is known of it.
pub(super) struct Buffers {
    pub merge: Merge,
    pub clock: Clock,
    pub asides: HashMap<u64, Aside>,
    /// How many of them there were.
    pub asides_count: u64,
    pub report: Report,
    /// Which inputs had the start of a stream, and nothing since.
    pub starts: Vec<bool>,
}

impl Buffers {
    /// Puts something in its place that is no record; a bad line has bytes.
    pub fn put_aside(&mut self, number: usize, aside: Aside, bytes: &[u8]) {
        let tag = ASIDE | self.asides_count;
        self.asides_count += 1;
        let marked = tag | self.take_start(number);
        match &aside {
            Aside::Fault(_) => self.merge.break_off(number, marked),
            Aside::Bad(..) | Aside::CutShort(..) => self.merge.push_untimed(number, marked, bytes),
        }
        self.asides.insert(tag, aside);
    }

    /// The mark of what comes next of an input: whether a stream starts with it.
    fn take_start(&mut self, number: usize) -> u64 {
        match self.starts.get_mut(number).map(std::mem::take) {
            Some(true) => STARTS,
            _ => 0,
        }
    }

    fn take(&mut self, number: usize, line: u64, time_ms: i64, record: &[u8]) {
        let tag = line | self.take_start(number);
        note(&mut self.report, self.merge.push(number, time_ms, tag, record));
    }
}

fn note(report: &mut Report, later: Option<Later>) {
    if let Some(Later(by_ms)) = later {
        report.later += 1;
        report.most_ms = report.most_ms.max(by_ms);
    }
}

/// Takes what one input gives.
pub(super) struct Intake<'a> {
    pub buffers: &'a mut Buffers,
    /// Which of the inputs.
    pub number: usize,
    pub name: &'a Arc<str>,
    pub framing: &'a mut Framing,
    /// Whether nothing more is read of it.
    pub is_over: &'a mut bool,
}

impl Intake<'_> {
    /// The input can be read no further.
    pub fn break_off(&mut self, error: anyhow::Error) -> ControlFlow<()> {
        *self.is_over = true;
        self.buffers.put_aside(self.number, Aside::Fault(error), &[]);
        ControlFlow::Break(())
    }

    fn refuse_record(&mut self, why: &str, raw: &Raw<'_>) -> ControlFlow<()> {
        self.bad(Bad {
            unterminated: raw.unterminated,
            ..Bad::line(raw.bytes, raw.line, explained(why, raw))
        })
    }

    fn control(&mut self, raw: &Raw<'_>) -> ControlFlow<()> {
        let control = match Control::parse(raw.bytes) {
            Ok(control) => control,
            Err(error) => return self.refuse_record(&error.to_string(), raw),
        };
        let place = || format!("{}:{}", self.name, raw.line);
        if matches!(control, Control::Window(_) | Control::Watermark(_)) {
            let why = "the input is windowed, and merging changes the order of records";
            let why = format!("{}: {why}; merge before window", place());
            return self.break_off(Failure::new(Status::Usage, why).into());
        }
        if let (Control::Start(_), Some(starts)) =
            (&control, self.buffers.starts.get_mut(self.number))
        {
            *starts = true;
        }
        let noted = Frame::of(&control).map_or(Ok(()), |frame| self.framing.note(frame));
        match noted {
            Ok(()) => ControlFlow::Continue(()),
            Err(cut) => {
                let place = place();
                self.break_off(Cut { place, cut }.into())
            }
        }
    }
}

impl Sink for Intake<'_> {
    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        let number = self.number;
        let mut start = self.buffers.take_start(number);
        let Buffers { merge, clock, report, starts, .. } = &mut *self.buffers;
        clock.read_lines(lines, is_control, |line, time_ms, record| {
            let tag = line | std::mem::take(&mut start);
            note(report, merge.push(number, time_ms, tag, record));
        });
        // Where none was read.
        if let Some(starts) = starts.get_mut(number) {
            *starts = start != 0;
        }
        ControlFlow::Continue(())
    }

    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        if is_control(raw.bytes) {
            return self.control(&raw);
        }
        // Whoever wrote it was stopped in the middle; the end of the input says so.
        if raw.unterminated && self.framing.is_open() {
            return ControlFlow::Continue(());
        }
        match self.buffers.clock.read(raw.bytes) {
            Ok(time_ms) => {
                self.buffers.take(self.number, raw.line, time_ms, raw.bytes);
                ControlFlow::Continue(())
            }
            Err(Fault::Bad(why)) => self.refuse_record(&why, &raw),
            Err(fault) => {
                let place = format!("{}:{}", self.name, raw.line);
                self.break_off(anyhow::Error::from(fault).context(place))
            }
        }
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        let (bytes, bad) = (bad.bytes, Bad { bytes: &[], ..bad });
        self.buffers.put_aside(self.number, Aside::Bad(bad, Vec::new()), bytes);
        ControlFlow::Continue(())
    }

    fn note(&mut self, what: &str) {
        message::note(&format!("{}: {what}", self.name));
    }

    fn refuse(&mut self, why: String) -> ControlFlow<()> {
        let failure = Failure::usage(format!("{}: {why}", self.name));
        self.break_off(failure.into())
    }

    fn cut_short(&mut self, line: u64, why: &str) -> ControlFlow<()> {
        self.buffers.put_aside(self.number, Aside::CutShort(line, why.to_owned()), &[]);
        ControlFlow::Continue(())
    }

    fn warn(&mut self, line: u64, why: &str) {
        message::note(&format!("{}:{line}: {why}", self.name));
    }
}
