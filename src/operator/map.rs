//! `map`: the results of an expression in place of each record.

use std::ops::ControlFlow;

use super::trust::Trust;
use super::{Collector, Fault, InputId, Operator, Shared, Work};
use crate::expr::Program;
use crate::layout::{Layout, Unfit};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::state::{Reader, StateError, Writer};

/// Emits all results of an expression for each record.
pub struct Map {
    /// Its first expression is the one.
    pub(super) program: Program,
    /// Which records need no check.
    trust: Trust,
    /// Whether control records go out.
    speaks: bool,
    /// What results look like, if not JSON.
    layout: Option<Laid>,
    /// How many lines of results there were.
    emitted: u64,
}

impl Map {
    /// Emits the results of the first expression of a program; control records, too, if it
    /// `speaks`.
    pub fn new(program: Program, trust: Trust, speaks: bool, layout: Option<Laid>) -> Map {
        Map { program, trust, speaks, layout, emitted: 0 }
    }
}

/// How many lines were appended to `out` since it was so long.
fn lines_behind(start: usize, out: &[u8]) -> u64 {
    let appended = out.get(start..).unwrap_or_default();
    memchr::memchr_iter(b'\n', appended).count() as u64
}

/// Results that are laid out.
pub struct Laid {
    layout: Layout,
    /// The results of a record, or of a block.
    results: Vec<u8>,
}

impl Laid {
    /// Results in this layout.
    pub fn new(layout: Layout) -> Laid {
        Laid { layout, results: Vec::new() }
    }

    /// Appends the results to `out`.
    fn write(&mut self, out: &mut Vec<u8>) -> Result<(), Unfit> {
        let lines = self.results.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        // A header stays, also if what follows it does not.
        lines.clone().take(1).for_each(|first| self.layout.begin(first, out));
        let start = out.len();
        for line in lines {
            if let Err(unfit) = self.layout.record(line, None, out) {
                out.truncate(start);
                return Err(unfit);
            }
        }
        Ok(())
    }
}

impl Operator for Map {
    fn lines(
        &mut self,
        _: InputId,
        lines: &mut Lines<'_>,
        out: &mut dyn Collector,
    ) -> ControlFlow<()> {
        // Results that are laid out may not fit, which is said of the record that they are of.
        if self.layout.is_none() {
            let out = out.pending();
            let start = out.len();
            self.program.rewrite(0, lines, out);
            self.emitted += lines_behind(start, out);
        }
        ControlFlow::Continue(())
    }

    fn record(
        &mut self,
        _: InputId,
        raw: Raw<'_>,
        out: &mut dyn Collector,
    ) -> Result<ControlFlow<()>, Fault> {
        let mut record = self.program.load(raw.bytes).map_err(Fault::said)?;
        let start = out.pending().len();
        match &mut self.layout {
            None => record.write(0, out.pending()).map_err(Fault::said)?,
            Some(laid) => {
                laid.results.clear();
                record.write(0, &mut laid.results).map_err(Fault::said)?;
                laid.write(out.pending()).map_err(|unfit| Fault::Bad(unfit.to_string()))?;
            }
        }
        self.emitted += lines_behind(start, out.pending());
        Ok(ControlFlow::Continue(()))
    }

    fn control(
        &mut self,
        _: InputId,
        control: &Control,
        line: &[u8],
        out: &mut dyn Collector,
    ) -> Result<(), Fault> {
        self.trust.heed(control, &mut self.program);
        if self.speaks {
            out.pending().extend_from_slice(line);
            out.pending().push(b'\n');
        }
        Ok(())
    }

    fn file_end(&mut self, _: InputId) {
        self.trust.forget(&mut self.program);
    }

    /// What is laid out is no stream of records, and nothing resumes it: it is not saved whether
    /// there was a header.
    fn snapshot(&self, _: &dyn Collector, to: &mut Writer) {
        self.program.save_presence(to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.program.restore_presence(from)
    }

    fn work(&self) -> Work {
        Work { emitted: Some(self.emitted), ..Work::default() }
    }
}

impl Shared for Map {
    /// How many lines of results there were.
    type Sum = u64;

    fn hand_in(&mut self) -> u64 {
        std::mem::take(&mut self.emitted)
    }

    fn absorb(&mut self, emitted: u64) {
        self.emitted += emitted;
    }
}
