//! `aggregate`: groups records and reduces each group.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::aggregate::fault::StreamError;
use crate::aggregate::function::{Argument, FUNCTIONS, Function};
use crate::aggregate::{AggregateSpec, Aggregator, GroupSpec, Plan, Unreported};
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Ended, Outcome, Stage, StageError, in_option};
use crate::cli::{Failure, Status, message};
use crate::record::control::Control;
use crate::record::decode::Raw;

const EXAMPLES: &str = "\
Examples:
  aggregate --by .origin count 'avg(.dep_delay)' 'max(.dep_delay)' flights.ndjson
      Delays by airport, over a whole file.
  window --tumbling 1m --time .ts | aggregate count 'bad=sum(if .ok then 0 else 1 end)'
      Requests a minute, and how many of them failed.
  aggregate --by .host --by 'day=.at[:10]' 'bytes=sum(.size)' access.ndjson
      By host and day.

Exit status: 0 done; 2 wrong options or aggregates; 65 bad records, late ones, or a windowed input
that was cut short; 74 reading or writing failed.";

/// Group records and reduce each group
///
/// Puts out one object for each group: the fields of the group, then one field for each aggregate.
/// Groups come in the order in which they were first seen.
///
/// An input that comes from window has results for each window, with window_start and window_end
/// before the other fields, as soon as the watermark passes the window's end. Any other input has
/// results at its end; without --by there is always one, also of no records.
///
/// Null and missing values are left out, as in SQL; a text where a number is needed is bad input.
/// Numbers are equal by value when records are grouped: 1, 1.0 and 1e0 are one group. Arrays and
/// objects are compared as they are spelled.
///
/// The arguments up to the first that is not an aggregate are aggregates, those from there on are
/// files; -- before the files sets them apart where that is not clear. A result that has no plain
/// path to be named after needs a name: NAME=sum(.a * .b).
///
/// A window is reported once: records that come for it afterwards are late, and counted on stderr.
/// A windowed input that ends without the final watermark was cut short: its open windows are not
/// reported, and the exit status says so.
#[derive(clap::Parser, Debug)]
#[command(
    name = "aggregate",
    version,
    after_help = after_help(),
    override_usage = "aggregate [OPTIONS] AGG... [FILE]...",
    mut_arg("files", |files| files.last(true))
)]
pub struct Options {
    /// What to compute: [NAME=]FUNCTION(EXPR), where EXPR is jq; the functions are below
    #[arg(value_name = "AGG", value_hint = clap::ValueHint::FilePath)]
    arguments: Vec<OsString>,

    /// Group by the value of a jq expression; may be given several times
    #[arg(long, value_name = "[NAME=]EXPR")]
    by: Vec<String>,

    #[command(flatten)]
    input: InputOptions,
}

/// Runs the tool.
///
/// # Errors
/// Options or aggregates that make no sense; bad records where rejects are not kept; input and
/// output failing.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let (aggregates, files) = sort_out(&options.arguments, Path::exists)?;
    let groups: Result<Vec<GroupSpec>, _> =
        options.by.iter().map(|text| GroupSpec::parse(text)).collect();
    let groups = groups.map_err(|error| in_option("--by", error))?;
    let plan = Plan::new(groups, aggregates).map_err(|error| Failure::usage(error.to_string()))?;
    let mut input = options.input;
    input.files.splice(0..0, files);
    let mut stage = Aggregating { aggregator: Aggregator::new(plan) };
    let ran = pump::run(&input, &mut stage);
    let late = stage.conclude_late();
    let outcome = ran?;
    let cut_short = stage.conclude_unreported(outcome);
    let worse = |status, other| if status == Status::Done { other } else { status };
    Ok(worse(worse(outcome.status, cut_short), late))
}

/// Tells aggregates from files.
fn sort_out(
    arguments: &[OsString],
    exists: impl Fn(&Path) -> bool,
) -> Result<(Vec<AggregateSpec>, Vec<PathBuf>), Failure> {
    let mut aggregates = Vec::new();
    let mut rest = arguments;
    while let Some((argument, behind)) = rest.split_first() {
        match read(argument) {
            Ok(Some(aggregate)) => aggregates.push(aggregate),
            Err(_) if exists(Path::new(argument)) => break,
            Err(why) => return Err(why),
            Ok(None) => break,
        }
        rest = behind;
    }
    for argument in rest.iter().filter(|argument| *argument != "-") {
        if !exists(Path::new(argument)) {
            check_missing(argument)?;
        }
    }
    if aggregates.is_empty() {
        return Err(Failure::usage(
            "no aggregate is given; name one before the files, like count or avg(.field)",
        ));
    }
    Ok((aggregates, rest.iter().map(PathBuf::from).collect()))
}

fn read(argument: &OsString) -> Result<Option<AggregateSpec>, Failure> {
    let Some(text) = argument.to_str() else { return Ok(None) };
    AggregateSpec::parse(text).map_err(|error| Failure::usage(error.to_string()))
}

/// Finds out whether what stands for a file, but is none, was meant as an aggregate.
fn check_missing(argument: &OsString) -> Result<(), Failure> {
    let text = argument.to_string_lossy();
    if read(argument)?.is_some() {
        let why = format!("'{text}' is an aggregate behind a file; put all aggregates first");
        return Err(Failure::usage(why));
    }
    match Function::nearest(&text) {
        None => Ok(()),
        Some(function) => Err(Failure::usage(format!(
            "'{text}' is neither an aggregate nor a file; did you mean {}?",
            function.name
        ))),
    }
}

fn after_help() -> String {
    let lines: Vec<String> = FUNCTIONS
        .iter()
        .map(|function| {
            let argument = match function.argument {
                Argument::Optional => "[(EXPR)]",
                Argument::Required => "(EXPR)",
            };
            format!("  {:16}{}\n", format!("{}{argument}", function.name), function.about)
        })
        .collect();
    format!("Functions:\n{}\n{EXAMPLES}", lines.concat())
}

struct Aggregating {
    aggregator: Aggregator,
}

impl Stage for Aggregating {
    fn record(&mut self, raw: Raw<'_>, _: &mut Context) -> Result<ControlFlow<()>, StageError> {
        self.aggregator.record(raw.bytes).map_err(StageError::bad)?;
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        match control {
            Control::Window(_) => self.aggregator.begin_windows().map_err(refuse)?,
            Control::Watermark(mark) => self.aggregator.watermark(mark, &mut cx.out),
        }
        Ok(())
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.aggregator.finish(&mut cx.out);
        Ok(())
    }
}

/// A stream that cannot be aggregated is nothing that leaving out a line would mend.
fn refuse(error: StreamError) -> Failure {
    let status = match error {
        StreamError::Mixed => Status::Data,
        StreamError::Clash { .. } => Status::Usage,
    };
    Failure::new(status, error.to_string())
}

impl Aggregating {
    fn conclude_late(&self) -> Status {
        let count = self.aggregator.late_records();
        if count == 0 {
            return Status::Done;
        }
        let records = if count == 1 { "late record" } else { "late records" };
        message::note(&format!(
            "{count} {records} dropped: the window was closed already; let window run right before \
             aggregate, with a larger --out-of-order"
        ));
        Status::Data
    }

    /// Reports what has no results because the input did not come to its end.
    fn conclude_unreported(&self, outcome: Outcome) -> Status {
        let unreported = match self.aggregator.unreported() {
            Unreported::Nothing => return Status::Done,
            Unreported::Whole => "nothing is reported".to_owned(),
            Unreported::Windows(1) => "1 open window is not reported".to_owned(),
            Unreported::Windows(count) => format!("{count} open windows are not reported"),
        };
        match (outcome.ended, self.aggregator.unreported()) {
            (Ended::OutputClosed, _) | (Ended::Input, Unreported::Whole) => Status::Done,
            (Ended::Stopped(_), _) => {
                message::note(&format!("stopped before the end of the input: {unreported}"));
                Status::Done
            }
            (Ended::Input, _) => {
                message::note(&format!(
                    "the windowed input was cut short, its final watermark is missing: \
                     {unreported}; see why the tools before this one ended"
                ));
                Status::Data
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorts arguments out where only the files named `here*` exist.
    fn sorted(arguments: &[&str]) -> Result<(Vec<String>, Vec<PathBuf>), String> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let exists = |path: &Path| path.to_string_lossy().starts_with("here");
        sort_out(&arguments, exists)
            .map(|(aggregates, files)| (aggregates.into_iter().map(|a| a.text).collect(), files))
            .map_err(|error| error.to_string())
    }

    fn parts(aggregates: &[&str], files: &[&str]) -> Result<(Vec<String>, Vec<PathBuf>), String> {
        let aggregates = aggregates.iter().map(|text| (*text).to_owned()).collect();
        Ok((aggregates, files.iter().map(PathBuf::from).collect()))
    }

    #[test]
    fn aggregates_come_first_then_files() {
        assert_eq!(sorted(&["count", "avg(.x)"]), parts(&["count", "avg(.x)"], &[]));
        assert_eq!(sorted(&["count", "here", "-"]), parts(&["count"], &["here", "-"]));
        assert_eq!(sorted(&["count", "gone.csv"]), parts(&["count"], &["gone.csv"]));
        assert_eq!(sorted(&["count", "here(1).gz"]), parts(&["count"], &["here(1).gz"]));
        assert_eq!(
            sorted(&["count", "-", "count"]).err().as_deref(),
            Some("'count' is an aggregate behind a file; put all aggregates first")
        );
    }

    #[test]
    fn a_slip_is_no_missing_file() {
        for (arguments, why) in [
            (vec!["avgg(.x)"], "'avgg(.x)': there is no aggregate 'avgg'; did you mean avg?"),
            (vec!["count", "agv(.x)"], "'agv(.x)': there is no aggregate 'agv'; did you mean avg?"),
            (vec!["cuont"], "'cuont' is neither an aggregate nor a file; did you mean count?"),
            (
                vec!["count", "here", "max(.x)"],
                "'max(.x)' is an aggregate behind a file; put all aggregates first",
            ),
            (vec!["count", "sum"], "'sum': sum needs an expression; write it like sum(.field)"),
            (vec![], "no aggregate is given; name one before the files, like count or avg(.field)"),
            (
                vec!["here"],
                "no aggregate is given; name one before the files, like count or avg(.field)",
            ),
        ] {
            assert_eq!(sorted(&arguments).err().as_deref(), Some(why));
        }
    }

    #[test]
    fn the_help_tells_of_every_function() {
        let help = after_help();
        for function in FUNCTIONS {
            assert!(help.contains(&format!("  {}", function.name)), "{}", function.name);
        }
    }
}
