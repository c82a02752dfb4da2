//! `aggregate`: groups records and reduces each group.

mod arguments;
mod over;
mod windowed;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::Path;

use super::clock::TimeOptions;
use super::late::Late;
use super::windowing::WindowingOptions;
use crate::aggregate::catalog::FUNCTIONS;
use crate::aggregate::fault::{Fault, StreamError};
use crate::aggregate::plan::PlanError;
use crate::aggregate::{
    AggregateSpec, Aggregator, Emit, Extent, GroupSpec, Held, Over, Plan, Policy, Selection, Style,
    Unreported,
};
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Ended, Outcome, Stage, StageError, in_option};
use crate::cli::{Failure, Status, message};
use crate::expr::Loaded;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::record::splice::remove_added;
use crate::time::Duration;
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};

const EXAMPLES: &str = "\
Examples:
  aggregate --by .origin count 'avg(.dep_delay)' 'max(.dep_delay)' flights.ndjson
      Delays by airport, over a whole file.
  window --tumbling 1m --time .ts | aggregate count 'bad=sum(if .ok then 0 else 1 end)'
      Requests a minute, and how many of them failed.
  aggregate --by .host --by 'day=.at[:10]' 'bytes=sum(.size)' access.ndjson
      By host and day.
  window --tumbling 1m --time .ts | aggregate 'slow=count where .ms > 99' --having '.slow > 5'
      The minutes with more than five slow requests.
  aggregate --by .path count 'arg_max(.user; .ms)' --top 10:count access.ndjson
      The ten paths asked for most, and who waited longest there.
  aggregate --over 10 --by .host 'recent=avg(.ms)' requests.ndjson | filter '.ms > 5 * .recent'
      Requests that took five times as long as the last ten of their host on average.
  aggregate --over 1h --time .at --by .card count 'sum(.amount)' --having '.count > 9' payments.ndjson
      Payments by cards that paid more than nine times within the hour before.
  aggregate --tumbling 1m --time .ts --by .host count requests.ndjson
      By minute and host, in one process.
  aggregate --session 30m --time .ts --by .user count 'pages=collect(.path)' clicks.ndjson
      What each user looked at, from visit to visit.
  subscribe -f requests | aggregate --tumbling 1h --time .ts --every 1m --emit updates count
      Requests an hour, told every minute while the hour goes on.
  aggregate --by .id 'last(.)' edits.ndjson | map .last
      The last record of each id.

Exit status: 0 done; 2 wrong options or aggregates; 65 bad records, late ones, too many groups, or a
windowed input that was cut short; 74 reading or writing failed.";

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
/// Any aggregate takes a condition: NAME=FUNCTION(EXPR) where CONDITION, both jq. A record that
/// does not meet it is left out, and EXPR is not evaluated for it.
///
/// Sums and averages of whole numbers are exact, however large; others are 64-bit floats, added
/// with compensation. distinct has a standard error of 0.8 % (less than 2.5 % in 99.7 % of all
/// cases), and hardly any up to a thousand values. median, p99 and quantile are within 1 %
/// of the value at that rank, always, and exact for up to 64 values. The _exact ones hold all
/// values of a group in memory, as top and collect hold theirs. Nothing in them is random: the same
/// input gives the same bytes. min and max compare numbers, or texts by code points, not both in
/// one group; of equal values, and for first, arg_min and arg_max, the first stays.
///
/// Numbers are equal by value when records are grouped: 1, 1.0 and 1e0 are one group. Arrays and
/// objects are compared as they are spelled.
///
/// With --over each record comes out, with the aggregates of others of its group behind its own
/// fields; fields that are called so already are replaced, and --having looks at the whole record.
/// --over N: at once, of the record itself and the N - 1 that came before it. (In SQL that is ROWS
/// BETWEEN N - 1 PRECEDING AND CURRENT ROW: its 10 PRECEDING are 11 rows.) --over D, with --time: of
/// all records whose time is at most D before its own, and not after it (RANGE BETWEEN INTERVAL D
/// PRECEDING AND CURRENT ROW). Such records wait until the watermark, --out-of-order behind the
/// greatest time, has passed them, and come out in the order of their times; what comes later still
/// is late.
///
/// What --over holds is a state for each record that counts, and those that wait. However many
/// count, five states are merged for each record; but collect, top and the exact functions put
/// together all values that count, for each record. Of numbers and texts in one group, which min
/// and max refuse elsewhere, the numbers are less.
///
/// The arguments up to the first that is not an aggregate are aggregates, those from there on are
/// files; -- before the files sets them apart where that is not clear. A result that has no plain
/// path to be named after needs a name: NAME=sum(.a * .b).
///
/// With the options of window, like --tumbling 1m --time .ts, it puts records into windows itself:
/// the results are those of window with these options and aggregate behind it, byte for byte, but
/// nothing is added to records and read again in between. What window says of them is in window(1).
///
/// A window is reported when the watermark has passed its end, and the --allowed-lateness that
/// window was given; records that come for it afterwards are late: dropped, or kept with --late, and
/// counted on stderr. Windows come by end, then by start. Hopping and cumulating windows are put
/// together from slices, so that a record costs once however many windows it is in. Sessions are of
/// one group each: records that are no further apart than the gap; a late one may join two. Windows
/// that count have a number instead of times, "window":0 and so on, for each group; what is left
/// at the end is reported, too.
///
/// --emit updates reports results before they are final, marked by a field "pane" behind those of
/// the window: early while the window goes on, on_time when the watermark passes its end, then of
/// all its groups, and late when a late record that is still allowed has changed it. Early and late
/// results are of the groups that changed: with each record, or, with --every, when the watermark
/// passes a multiple of that duration, which window must be told, too. --emit all reports all groups
/// of a window each time. A later result takes the place of an earlier one of the same window and
/// group; but an early one of a session that was then joined with another keeps its old start and
/// end, and stays. Without windows the end of the input is on_time. With --emit, hopping and
/// cumulating windows are held one by one, and not put together from slices. --having looks at each
/// result by itself, pane and all, and takes none back; --top goes with --emit all, and --format table
/// draws a table for each window and moment.
///
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

    /// Put out only results for which a jq expression over them is neither false nor null
    #[arg(long, value_name = "EXPR")]
    having: Option<String>,

    /// Put out only the K results, of each window, for which the aggregate NAME is greatest
    #[arg(long, value_name = "K:NAME")]
    top: Option<String>,

    /// With --top, put out also those that are as good as the last of them
    #[arg(long, requires = "top")]
    ties: bool,

    /// Put out each record, with the aggregates of the last N records of its group, or of the last D of event time
    #[arg(long, value_name = "N|D", conflicts_with = "top")]
    over: Option<Extent>,

    /// Which results come: each once, those that changed, or all of a window when one changed
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        default_value = "final",
        conflicts_with = "over"
    )]
    emit: EmitOption,

    #[command(flatten)]
    windowing: WindowingOptions,

    #[command(flatten)]
    time: TimeOptions,

    /// Stop when there are more groups than N at the same time, in all open windows, slices or sessions together
    #[arg(long, value_name = "N", default_value_t = GROUPS_MAX)]
    max_groups: usize,

    /// Say on standard error at the end how many groups and windows, slices or sessions were held, and how much memory they took
    #[arg(long)]
    stats: bool,

    /// What results look like [default: table on a terminal, else ndjson]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    #[command(flatten)]
    input: InputOptions,
}

/// Which results come.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum EmitOption {
    /// Each once, when nothing can change it any more
    Final,
    /// Those that changed, marked early or late; and all of a window at its end, marked on_time
    Updates,
    /// The same, but all of a window whenever one of them changed
    All,
}

/// What results look like.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// One object a line
    Ndjson,
    /// Aligned columns for people, a table for each window; long texts are cut, decimals rounded
    Table,
}

/// How many groups there may be, if nothing else is said: with a few aggregates, some gigabytes.
const GROUPS_MAX: usize = 10_000_000;

/// Runs the tool.
///
/// # Errors
/// Options or aggregates that make no sense; bad records where rejects are not kept; input and
/// output failing.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let (aggregates, files) = arguments::sort_out(&options.arguments, Path::exists)?;
    let groups: Result<Vec<GroupSpec>, _> =
        options.by.iter().map(|text| GroupSpec::parse(text)).collect();
    let groups = groups.map_err(|error| in_option("--by", error))?;
    let windowed = options.windowing.build(&options.time)?;
    let plan = plan(groups, aggregates, windowed.as_ref().and(options.time.time.as_deref()))?;
    let selection = selection(&options, &plan)?;
    let policy = policy(&options)?;
    let over = over::extent(options.over, &options.time, windowed.is_some())?;
    if over.is_some() && options.format == Some(Format::Table) {
        let why = "records come out one by one with --over; leave it out";
        return Err(in_option("--format table", why).into());
    }
    let style = match options.format {
        Some(Format::Table) => Style::Columns,
        None if std::io::stdout().is_terminal() => Style::Columns,
        Some(Format::Ndjson) | None => Style::Records,
    };
    let mut input = options.input;
    input.files.splice(0..0, files);
    if let Some(extent) = over {
        let over = Over::new(plan, extent, options.time.out_of_order(), selection);
        let over = over.map_err(refuse)?.limited(options.max_groups);
        return over::run(over, &options.time, options.stats, &input);
    }
    let late = options.time.keep_late()?;
    let aggregator = Aggregator::new(plan)
        .reporting(selection, style)
        .emitting(policy)
        .limited(options.max_groups);
    let aggregator = if options.stats { aggregator.watched() } else { aggregator };
    match windowed {
        Some(windowed) => {
            let stage = windowed::Aggregating::new(aggregator, windowed, late).map_err(refuse)?;
            run_stage(&input, stage, |stage| (&mut stage.aggregator, &stage.late))
        }
        None => {
            let stage = Aggregating { aggregator, late };
            run_stage(&input, stage, |stage| (&mut stage.aggregator, &stage.late))
        }
    }
}

/// What is evaluated. Where this is also to put records into windows by their event time, the plan
/// reads that too, unless an expression might look at what `window` would have added to the record.
fn plan(
    groups: Vec<GroupSpec>,
    aggregates: Vec<AggregateSpec>,
    time: Option<&str>,
) -> Result<Plan, Failure> {
    let usage = |error: PlanError| Failure::usage(error.to_string());
    if let Some(time) = time {
        let plan =
            Plan::with_time(groups.clone(), aggregates.clone(), Some(time)).map_err(usage)?;
        if !plan.reads_windows() {
            return Ok(plan);
        }
    }
    Plan::new(groups, aggregates).map_err(usage)
}

/// Runs a stage, and reports what became of the records.
fn run_stage<S: Stage>(
    input: &InputOptions,
    mut stage: S,
    parts: impl FnOnce(&mut S) -> (&mut Aggregator, &Late),
) -> anyhow::Result<Status> {
    let ran = pump::run(input, &mut stage);
    let (aggregator, late) = parts(&mut stage);
    let late = late.conclude();
    aggregator.held().iter().for_each(tell_held);
    let outcome = ran?;
    let cut_short = conclude_unreported(aggregator, outcome);
    let worse = |status, other| if status == Status::Done { other } else { status };
    Ok(worse(worse(outcome.status, cut_short), late))
}

/// Which results come out.
fn selection(options: &Options, plan: &Plan) -> Result<Selection, Failure> {
    let mut selection = Selection::default();
    if let Some(condition) = &options.having {
        selection.having(condition).map_err(|error| in_option("--having", error))?;
    }
    if let Some(top) = &options.top {
        selection.top(top, options.ties, plan).map_err(|error| in_option("--top", error))?;
    }
    Ok(selection)
}

/// Which results come when.
fn policy(options: &Options) -> Result<Policy, Failure> {
    let emit = match options.emit {
        EmitOption::Final => Emit::Final,
        EmitOption::Updates => Emit::Updates,
        EmitOption::All => Emit::All,
    };
    let wrong = |option, why: &str| Err(in_option(option, why));
    if emit == Emit::Updates && options.top.is_some() {
        return wrong("--top", "the best of those that changed are not the best; use --emit all");
    }
    let every_ms = options.windowing.every.map(Duration::ms);
    match (emit, every_ms) {
        (_, Some(0)) => wrong("--every", "it must be longer than 0"),
        (Emit::Final, Some(_)) => {
            wrong("--every", "results come once; say --emit updates or --emit all, too")
        }
        _ => Ok(Policy { emit, every_ms }),
    }
}

fn tell_held(held: &Held) {
    let Held { of: [_, of], groups, groups_most, windows, windows_most, bytes, bytes_most } = held;
    message::note(&format!(
        "groups: {groups} at the end, {groups_most} at most; {of}: {windows}, {windows_most} at \
         most; memory for them: about {bytes} bytes, {bytes_most} at most"
    ));
}

fn after_help() -> String {
    let lines: Vec<String> = FUNCTIONS
        .iter()
        .map(|function| {
            let form = format!("{}{}", function.name, function.argument.shown());
            let also = match function.aliases {
                [] => String::new(),
                aliases => format!("; also {}", aliases.join(", ")),
            };
            format!("  {form:22} {}{also}\n", function.about)
        })
        .collect();
    format!("Functions:\n{}\n{EXAMPLES}", lines.concat())
}

struct Aggregating {
    aggregator: Aggregator,
    late: Late,
}

impl Stage for Aggregating {
    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let (mut records, reduction) = self.aggregator.records(lines);
        while let Some(mut record) = records.load_next().filter(Loaded::is_object) {
            match reduction.take(&mut record, &mut cx.out) {
                Ok(true) => {}
                Ok(false) => self.late.take(&bare(record.record()), Duration::default()),
                // It comes again, alone, for what is to be said about it.
                Err(_) => break,
            }
        }
        ControlFlow::Continue(())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        if !self.aggregator.record(raw.bytes, &mut cx.out).map_err(blame)? {
            self.late.take(&bare(raw.bytes), Duration::default());
        }
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        match control {
            Control::Start(_) | Control::Partition(_) | Control::PartitionEnd(_) => {}
            Control::Window(windowing) => {
                self.aggregator.begin_windows(&windowing).map_err(refuse)?;
            }
            Control::Watermark(mark) => {
                self.aggregator.watermark(mark, &mut cx.out).map_err(refuse)?;
            }
        }
        Ok(())
    }

    fn settle(&mut self, _: &mut Context) -> anyhow::Result<()> {
        self.late.flush()
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        Ok(self.aggregator.finish(&mut cx.out).map_err(refuse)?)
    }
}

/// Tells what is wrong with a record from what is wrong with the stream.
fn blame(fault: Fault) -> StageError {
    match fault {
        Fault::Stream(error) => refuse(error).into(),
        fault => StageError::bad(fault),
    }
}

/// A stream that cannot be aggregated is nothing that leaving out a line would mend.
fn refuse(error: StreamError) -> Failure {
    let status = match error {
        StreamError::Mixed
        | StreamError::Changed
        | StreamError::Windows(_)
        | StreamError::OutOfRange(_)
        | StreamError::TooManyGroups(_)
        | StreamError::Having(_) => Status::Data,
        StreamError::Clash { .. }
        | StreamError::NoWindows(_)
        | StreamError::NoTime(_)
        | StreamError::NotTold(_)
        | StreamError::NoEventTime
        | StreamError::Ranked(_) => Status::Usage,
    };
    Failure::new(status, error.to_string())
}

/// A record without what a window has added to it.
fn bare(record: &[u8]) -> Cow<'_, [u8]> {
    let mut bare = Vec::new();
    let removed = [SLICE_FIELDS, WINDOW_FIELDS]
        .into_iter()
        .any(|fields| remove_added(record, fields, &mut bare));
    if removed { Cow::Owned(bare) } else { Cow::Borrowed(record) }
}

/// Reports what has no results because the input did not come to its end.
fn conclude_unreported(aggregator: &Aggregator, outcome: Outcome) -> Status {
    let unreported = match aggregator.unreported() {
        Unreported::Nothing => return Status::Done,
        Unreported::Whole => "nothing is reported".to_owned(),
        Unreported::Windows(1, [of, _]) => format!("1 {of} is not reported"),
        Unreported::Windows(count, [_, of]) => format!("{count} {of} are not reported"),
    };
    match (outcome.ended, aggregator.unreported()) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_tells_of_every_function() {
        let help = after_help();
        for function in FUNCTIONS {
            assert!(help.contains(&format!("  {}", function.name)), "{}", function.name);
        }
    }
}
