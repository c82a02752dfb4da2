//! `filter`: keeps the records for which an expression is true.

use std::ops::ControlFlow;

use anyhow::Context as _;

use crate::cli::Status;
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Ended, Stage, StageError};
use crate::expr::Program;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;

use super::evaluation::EvaluationOptions;

const EXAMPLES: &str = "\
Examples:
  filter '.status >= 500' access.ndjson
      Print the requests that failed.
  subscribe clicks -f | filter '.country == \"DE\" and (.path | startswith(\"/buy\"))'
      Follow a topic, and see only some of it.
  filter -v '.user == null' events.ndjson.gz > known.ndjson
      Leave records out, from a compressed file.
  filter -c '.level == \"error\"' app.ndjson
      Count them.
  if filter -q 'has(\"panic\")' app.ndjson; then echo 'it happened again'; fi
      Ask whether there is any.

Exit status: 0 done; 1 with -e or -q, nothing was kept; 2 wrong options or expression; 65 bad
records; 74 reading or writing failed.";

/// Keep the records for which a jq expression is true
///
/// Reads one JSON value a line and writes those for which EXPR gives any result that is neither
/// false nor null, byte for byte as they came. EXPR is jq, but for what reaches beyond the record:
/// the environment, the clock, other records, files. A record for which EXPR fails is a bad record;
/// '.a?' and '//' are for fields that may be missing or of another type.
#[derive(clap::Parser, Debug)]
#[command(name = "filter", version, after_help = EXAMPLES)]
pub struct Options {
    /// The jq expression
    #[arg(value_name = "EXPR")]
    pub expression: String,

    /// Keep the records for which EXPR is not true
    #[arg(short = 'v', long)]
    pub invert: bool,

    /// Print only how many records were kept
    #[arg(short = 'c', long)]
    pub count: bool,

    /// Stop after N records are kept
    #[arg(short = 'm', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_kept: Option<u64>,

    /// Print nothing and stop at the first record that is kept; the exit status is that of -e
    #[arg(short = 'q', long, conflicts_with = "count")]
    pub quiet: bool,

    /// End with status 1 if no record was kept
    #[arg(short = 'e', long)]
    pub exit_status: bool,

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
    let keeper = Keeper {
        invert: options.invert,
        print: !(options.count || options.quiet),
        kept_max: if options.quiet { Some(1) } else { options.max_kept },
        kept: 0,
    };
    let mut filter = Filter { program, keeper, count: options.count };
    let outcome = pump::run(&options.input, &mut filter)?;
    let nothing = filter.keeper.kept == 0 && outcome.ended == Ended::Input;
    Ok(match outcome.status {
        Status::Done if nothing && (options.exit_status || options.quiet) => Status::No,
        status => status,
    })
}

struct Filter {
    program: Program,
    keeper: Keeper,
    /// Whether the number of records that were kept goes out, at the end.
    count: bool,
}

/// What becomes of a record for which the expression is true or not.
struct Keeper {
    invert: bool,
    /// Whether records go out.
    print: bool,
    kept_max: Option<u64>,
    kept: u64,
}

impl Keeper {
    /// Takes a record that is true or not; `Break` when it was the last that is wanted.
    #[inline]
    fn take(&mut self, record: &[u8], truth: bool, out: &mut Vec<u8>) -> ControlFlow<()> {
        if truth == self.invert {
            return ControlFlow::Continue(());
        }
        self.kept += 1;
        if self.print {
            out.extend_from_slice(record);
            out.push(b'\n');
        }
        if self.kept_max == Some(self.kept) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl Stage for Filter {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        self.program.load(raw.bytes).map_err(StageError::bad)?;
        let truth = self.program.truth(0).map_err(StageError::bad)?;
        Ok(self.keeper.take(raw.bytes, truth, &mut cx.out))
    }

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let keeper = &mut self.keeper;
        self.program.sift(0, lines, |record, truth| keeper.take(record, truth, &mut cx.out))
    }

    fn control(
        &mut self,
        _control: Control,
        line: &[u8],
        cx: &mut Context,
    ) -> Result<(), StageError> {
        if self.keeper.print {
            cx.out.extend_from_slice(line);
            cx.out.push(b'\n');
        }
        Ok(())
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        if self.count {
            cx.out.extend_from_slice(format!("{}\n", self.keeper.kept).as_bytes());
        }
        Ok(())
    }
}
