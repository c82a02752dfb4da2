//! Runs of operators over the input of a tool.

use super::keep::Keep;
use super::options::InputOptions;
use super::parallel::Parallel;
use super::pump::{self, Outcome};
use super::redrawn::{Picture, Redrawn};
use super::sides::Sides;
use super::single::Single;
use crate::operator::{Operator, Shared, Side};

/// A run of an operator over NDJSON input: where the input is, and what becomes of the output.
pub struct Run<'a> {
    options: &'a InputOptions,
    sides: Sides,
    begins_stream: bool,
}

impl<'a> Run<'a> {
    /// A run over this input, to standard output.
    pub fn over(options: &'a InputOptions) -> Run<'a> {
        Run { options, sides: Sides::default(), begins_stream: false }
    }

    /// Keeps the lines of another output in a file, if there is one.
    #[must_use]
    pub fn keeping(mut self, side: Side, keep: Option<Keep>) -> Run<'a> {
        if let Some(keep) = keep {
            self.sides.add(side, keep);
        }
        self
    }

    /// Whether the output is a stream of its own, with a start and an end.
    #[must_use]
    pub fn beginning_stream(mut self, begins_stream: bool) -> Run<'a> {
        self.begins_stream = begins_stream;
        self
    }

    /// Runs an operator.
    ///
    /// # Errors
    /// The first bad line, unless rejects are kept; what the operator cannot do; input and output
    /// failing.
    pub fn operator(&mut self, operator: &mut impl Operator) -> anyhow::Result<Outcome> {
        let Run { options, sides, begins_stream } = self;
        pump::run_beside(options, &mut Single(operator), sides, *begins_stream)
    }

    /// Runs an operator, and shows on the terminal again and again what `picture` makes of it.
    /// Standard output must be that terminal.
    ///
    /// # Errors
    /// As [`Run::operator`], and when the terminal cannot be drawn to.
    pub fn redrawn<O: Operator>(
        &mut self,
        operator: &mut O,
        picture: impl Picture<O>,
    ) -> anyhow::Result<Outcome> {
        let Run { options, sides, .. } = self;
        let mut stage = Redrawn::new(operator, picture)?;
        let ran = pump::run_beside(options, &mut stage, sides, false);
        let drawn = stage.conclude(&ran);
        ran.and_then(|outcome| drawn.map(|()| outcome))
    }

    /// Runs an operator that leaves its work to `workers`, side by side.
    ///
    /// # Errors
    /// As [`Run::operator`], and when the system has no threads left.
    pub fn shared<O: Shared>(
        &mut self,
        operator: &mut O,
        workers: Vec<O>,
    ) -> anyhow::Result<Outcome> {
        let Run { options, sides, begins_stream } = self;
        let mut parallel = Parallel::new(operator, workers, options.record_bytes_max())?;
        pump::run_beside(options, &mut parallel, sides, *begins_stream)
    }

    /// The other outputs, and what became of them.
    pub fn sides(&self) -> &Sides {
        &self.sides
    }
}
