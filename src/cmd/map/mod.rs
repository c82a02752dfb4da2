//! `map`: replaces each record by the results of an expression.

mod through;

use std::ops::ControlFlow;

use super::expression::{DIFFERENCES, ExpressionOptions, Trust};
use crate::cli::options::InputOptions;
use crate::cli::parallel::{Parallel, Shared};
use crate::cli::pump::{self, Context, Stage, StageError};
use crate::cli::{Failure, Status};
use crate::expr::Program;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;

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
  map --argjson rates \"$(cat rates.json)\" '.eur = .amount * $rates[.currency]' orders.ndjson
      Use values from elsewhere.
  window --tumbling 1m --time .ts app.ndjson | map --through './enrich.py' | aggregate count
      Let a program of your own change each record, between two tools.

Exit status: 0 done; 2 wrong options or expression; 65 bad records; 74 reading or writing failed.";

/// Replace each record by the results of a jq expression
///
/// Reads one JSON value a line and writes all results of EXPR for it, one a line, as compact JSON;
/// an expression without a result drops the record. Numbers that EXPR does not compute with keep
/// their spelling, objects the order of their keys. EXPR is jq, but for what reaches beyond the
/// record: the environment, the clock, other records, files. A record for which EXPR fails is a bad
/// record, and none of its results is written. Control records pass in their places.
///
/// With --through a command of the shell takes the place of EXPR: it reads the records on its
/// standard input and writes exactly one line for each, in their order, which map passes on; an
/// empty line drops the record. It may write them as late as it likes. The control records go
/// around it, and come out between the same records as they came in. Fewer or more lines, or a
/// status other than 0, are an error.
#[derive(clap::Parser, Debug)]
#[command(
    name = "map",
    version,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{DIFFERENCES}"),
    override_usage = "map [OPTIONS] EXPR [FILE]...\n       map [OPTIONS] -f FILE [FILE]...\n       \
                      map [OPTIONS] --through COMMAND [FILE]..."
)]
pub struct Options {
    #[command(flatten)]
    expression: ExpressionOptions,

    /// Send the records through COMMAND, which sh runs and which writes one line for each
    #[arg(
        long, value_name = "COMMAND", value_hint = clap::ValueHint::CommandString,
        conflicts_with_all = ["from_file", "arg", "argjson", "explain", "trust"]
    )]
    through: Option<String>,

    /// Work on N cores; the results come in the order of the records all the same
    #[arg(
        short = 'j', long, value_name = "N", default_value = "1", conflicts_with = "through",
        value_parser = clap::value_parser!(u8).range(1..)
    )]
    jobs: u8,

    #[command(flatten)]
    input: InputOptions,
}

/// Runs the tool.
///
/// # Errors
/// A malformed expression, a bad record without `--rejects`, or failing input or output.
pub fn run(mut options: Options) -> anyhow::Result<Status> {
    if let Some(command) = &options.through {
        options.expression.give_up(&mut options.input);
        return through::run(command, &options.input);
    }
    if !options.expression.settle(&mut options.input) {
        return Err(Failure::usage("<EXPR> is missing, the jq expression; see 'map --help'").into());
    }
    let program = options.expression.compile(&[])?;
    if options.expression.explain(&program)? {
        return Ok(Status::Done);
    }
    let trust = options.expression.trust(options.jobs == 1);
    let mut map = Map { program, trust };
    if options.jobs == 1 {
        return Ok(pump::run(&options.input, &mut map)?.status);
    }
    let worker = |_| Ok(Map { program: options.expression.compile(&[])?, trust });
    let workers: anyhow::Result<Vec<Map>> = (0..options.jobs).map(worker).collect();
    let mut maps = Parallel::new(map, workers?, options.input.record_bytes_max())?;
    Ok(pump::run(&options.input, &mut maps)?.status)
}

struct Map {
    program: Program,
    trust: Trust,
}

impl Stage for Map {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let mut record = self.program.load(raw.bytes).map_err(StageError::bad)?;
        record.write(0, &mut cx.out).map_err(StageError::bad)?;
        Ok(ControlFlow::Continue(()))
    }

    fn control(
        &mut self,
        control: Control,
        line: &[u8],
        cx: &mut Context,
    ) -> Result<(), StageError> {
        self.trust.heed(&control, &mut self.program);
        cx.out.extend_from_slice(line);
        cx.out.push(b'\n');
        Ok(())
    }

    fn source_end(&mut self) {
        self.trust.forget(&mut self.program);
    }

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        self.program.rewrite(0, lines, &mut cx.out);
        ControlFlow::Continue(())
    }
}

impl Shared for Map {
    type Sum = ();

    fn hand_in(&mut self) {}

    fn absorb(&mut self, (): ()) {}
}
