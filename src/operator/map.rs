//! `map`: the results of an expression in place of each record.

use std::ops::ControlFlow;

use super::trust::Trust;
use super::{Collector, Fault, InputId, Operator, Shared};
use crate::expr::Program;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::state::{Reader, StateError, Writer};

/// Emits all results of an expression for each record.
pub struct Map {
    /// Its first expression is the one.
    pub program: Program,
    /// Which records need no check.
    pub trust: Trust,
    /// Whether control records go out.
    pub speaks: bool,
}

impl Operator for Map {
    fn lines(
        &mut self,
        _: InputId,
        lines: &mut Lines<'_>,
        out: &mut dyn Collector,
    ) -> ControlFlow<()> {
        self.program.rewrite(0, lines, out.pending());
        ControlFlow::Continue(())
    }

    fn record(
        &mut self,
        _: InputId,
        raw: Raw<'_>,
        out: &mut dyn Collector,
    ) -> Result<ControlFlow<()>, Fault> {
        let mut record = self.program.load(raw.bytes).map_err(Fault::said)?;
        record.write(0, out.pending()).map_err(Fault::said)?;
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

    fn snapshot(&self, _: &dyn Collector, to: &mut Writer) {
        self.program.save_presence(to);
    }

    fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.program.restore_presence(from)
    }
}

impl Shared for Map {
    type Sum = ();

    fn hand_in(&mut self) {}

    fn absorb(&mut self, (): ()) {}
}
