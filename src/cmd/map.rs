//! `map`: replaces each record by the results of an expression.

use std::ops::ControlFlow;

use anyhow::Context as _;

use crate::cli::Status;
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Stage, StageError};
use crate::expr::Program;
use crate::record::decode::Raw;
use crate::record::lines::Lines;

use super::evaluation::EvaluationOptions;

const EXAMPLES: &str = "\
Examples:
  map '{user, cents: (.price * 100 | round)}' orders.ndjson
      Make new records of fields of the old.
  map 'del(.password)' users.ndjson
      Leave a field out, and the rest as it is.
  subscribe deploys | map '.hosts[]'
      One record for each host.
  map 'select(.ok | not) | .error' results.ndjson
      Only the errors of what failed.
  map '.time = (.ms / 1000 | todate)' events.ndjson
      Write a time in milliseconds as text that window takes.

Exit status: 0 done; 2 wrong options or expression; 65 bad records; 74 reading or writing failed.";

/// Replace each record by the results of a jq expression
///
/// Reads one JSON value a line and writes all results of EXPR for it, one a line, as compact JSON;
/// an expression without a result drops the record. Numbers that EXPR does not compute with keep
/// their spelling, objects the order of their keys. EXPR is jq, but for what reaches beyond the
/// record: the environment, the clock, other records, files. A record for which EXPR fails is a bad
/// record, and none of its results is written.
#[derive(clap::Parser, Debug)]
#[command(name = "map", version, after_help = EXAMPLES)]
pub struct Options {
    /// The jq expression
    #[arg(value_name = "EXPR")]
    pub expression: String,

    #[command(flatten)]
    pub evaluation: EvaluationOptions,

    #[command(flatten)]
    pub input: InputOptions,
}

/// Runs the tool.
///
/// # Errors
/// A malformed expression, a bad record without `--rejects`, or failing input or output.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let mut program = Program::compile(&[&options.expression]).context("EXPR")?;
    if options.evaluation.apply(&mut program)? {
        return Ok(Status::Done);
    }
    Ok(pump::run(&options.input, &mut Map { program })?.status)
}

struct Map {
    program: Program,
}

impl Stage for Map {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        self.program.load(raw.bytes).map_err(StageError::bad)?;
        self.program.write(0, &mut cx.out).map_err(StageError::bad)?;
        Ok(ControlFlow::Continue(()))
    }

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        self.program.rewrite(0, lines, &mut cx.out);
        ControlFlow::Continue(())
    }
}
