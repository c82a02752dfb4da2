//! `map`: replaces each record by the results of an expression.

mod through;

use std::io::IsTerminal;

use super::expression::{DIFFERENCES, ExpressionOptions};
use super::merging::{MergeOptions, MergeTimeOptions, Uses};
use super::silent;
use super::watched::Watched;
use crate::cli::options::InputOptions;
use crate::cli::run::Run;
use crate::cli::{Failure, Status};
use crate::layout::{Format, Layout, Look};
use crate::operator::{Laid, Map};

const EXAMPLES: &str = "\
Examples:
  map '{user, cents: (.price * 100 | round)}' orders.ndjson
      Build new records from fields of the old ones.
  map 'del(.password)' users.ndjson
      Remove a field and keep the rest.
  subscribe deploys --control | map '.hosts[]'
      Emit a record for each host.
  map 'select(.ok | not) | .error' results.ndjson
      Print only the errors of failed requests.
  map '.time = (.ms / 1000 | todate)' events.ndjson
      Write a time in milliseconds as an RFC 3339 string.
  map --argjson rates \"$(cat rates.json)\" '.eur = .amount * $rates[.currency]' orders.ndjson
      Use values from a file.
  map -r '.url' hits.ndjson | sort -u
      Print strings as plain text, for other programs.
  map --csv '{ts, host, ms: .latency_ms}' hits.ndjson > hits.csv
      Write a file for a spreadsheet or a database.
  window --tumbling 1m --time .ts app.ndjson | map --through './enrich.py' | aggregate count
      Let a program of your own change each record between two tools.

Exit status: 0 done; 2 invalid options or expression; 65 bad records, or an input
that was cut short; 74 reading or writing failed.";

/// Replace each record by the results of a jq expression
///
/// map reads one JSON value on each line, and writes all results of EXPR for it, each on a line, as
/// compact JSON. An expression without a result drops the record. Numbers keep their digits until
/// arithmetic changes them, and objects keep the order of their keys. EXPR is a jq expression that
/// sees only the record: not the environment, the clock, other records or files. A record for which
/// EXPR fails is bad input, and none of its results is written. Control records keep their
/// positions; --plain leaves them out.
///
/// With --through, a shell command replaces EXPR. It reads the records on its standard input and
/// writes exactly one line for each, in the same order; it may delay them as long as it needs. map
/// passes these lines on. An empty line drops the record. Control records bypass the command and
/// keep their positions among the records. If the command writes fewer or more lines, or ends with
/// a status other than 0, that is an error.
#[derive(clap::Parser, Debug)]
#[command(
    name = "map",
    version,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{DIFFERENCES}"),
    mut_arg("no_progress", |arg| arg.short('q').visible_alias("quiet")),
    override_usage = "map [OPTIONS] EXPR [FILE]...\n       map [OPTIONS] -f FILE [FILE]...\n       \
                      map [OPTIONS] --through COMMAND [FILE]..."
)]
pub struct Options {
    #[command(flatten)]
    expression: ExpressionOptions,

    /// Send the records through COMMAND, which sh runs and which writes a line for each of them
    #[arg(help_heading = "Expression")]
    #[arg(
        long, value_name = "COMMAND", value_hint = clap::ValueHint::CommandString,
        conflicts_with_all = ["from_file", "arg", "argjson", "explain", "trust"]
    )]
    through: Option<String>,

    /// Print strings without quotes and escapes, and other results as JSON
    #[arg(help_heading = "Output")]
    #[arg(short, long, conflicts_with_all = ["csv", "tsv", "through"])]
    raw_output: bool,

    /// Print results as CSV: arrays as lines of values, objects below a header of their fields
    ///
    /// The fields of the first result are the columns. A field that a result does not have is
    /// empty, and so is null; an empty string is \"\". A result with another field is bad input.
    #[arg(help_heading = "Output")]
    #[arg(long, conflicts_with_all = ["tsv", "through"])]
    csv: bool,

    /// The same with tabs between the values; tabs, line ends and backslashes are escaped
    #[arg(help_heading = "Output")]
    #[arg(long, conflicts_with = "through")]
    tsv: bool,

    /// Use N cores; the results keep the order of the records
    #[arg(help_heading = "Input", hide_short_help = true)]
    #[arg(
        short = 'j', long, value_name = "N", default_value = "1", conflicts_with = "through",
        value_parser = clap::value_parser!(u8).range(1..)
    )]
    jobs: u8,

    #[command(flatten)]
    merge: MergeOptions,

    #[command(flatten)]
    times: MergeTimeOptions,

    #[command(flatten)]
    input: InputOptions,
}

impl Options {
    /// What results look like, if not JSON.
    fn format(&self) -> Option<Format> {
        match self {
            Options { raw_output: true, .. } => Some(Format::Raw),
            Options { csv: true, .. } => Some(Format::Csv),
            Options { tsv: true, .. } => Some(Format::Tsv),
            _ => None,
        }
    }
}

/// Runs the tool.
///
/// # Errors
/// A malformed expression, a bad record without `--rejects`, or failing input or output.
pub fn run(mut options: Options) -> anyhow::Result<Status> {
    if let Some(command) = &options.through {
        options.expression.give_up(&mut options.input);
        options.merge.settle_alone(&mut options.input, &options.times, Uses::default())?;
        return through::run(command, options.expression.speaks(), &options.input);
    }
    if !options.expression.settle(&mut options.input) {
        return Err(Failure::usage("<EXPR> is missing, the jq expression; see 'map --help'").into());
    }
    options.merge.settle_alone(&mut options.input, &options.times, Uses::default())?;
    let watched = Watched::for_people();
    let compile = || anyhow::Ok(watched.over(options.expression.compile(&[])?));
    let program = compile()?;
    if options.expression.explain(&program)? {
        return Ok(Status::Done);
    }
    let trust = options.expression.trust(options.jobs == 1);
    let format = options.format();
    if options.jobs > 1 && matches!(format, Some(Format::Csv | Format::Tsv)) {
        return Err(
            Failure::usage("-j does not go with --csv and --tsv, whose first line is one").into()
        );
    }
    // What is laid out is no stream of records.
    let speaks = options.expression.speaks() && format.is_none();
    let laid = || -> anyhow::Result<Option<Laid>> {
        // Raw strings are what the user asked for, also on a terminal.
        let terminal = format != Some(Format::Raw) && std::io::stdout().is_terminal();
        let look = Look { terminal, ..Look::default() };
        let layout = format.map(|format| Layout::new(format, None, look, false));
        Ok(layout.transpose()?.map(Laid::new))
    };
    silent::explain_with(&options.input, |it| Some(silent::none_was("with a result", it)));
    let mut map = Map::new(program, trust, speaks, laid()?);
    let mut run = Run::over(&options.input);
    let outcome = if options.jobs == 1 {
        run.operator(&mut map)?
    } else {
        let worker = |_| Ok(Map::new(compile()?, trust, speaks, laid()?));
        let workers: anyhow::Result<Vec<Map>> = (0..options.jobs).map(worker).collect();
        run.shared(&mut map, workers?)?
    };
    watched.tell(&outcome);
    Ok(outcome.status)
}
