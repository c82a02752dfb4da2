//! `aggregate`: groups records and reduces each group.

mod arguments;
mod choices;
mod fill;
mod job;
mod live;
mod over;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::Path;

use self::fill::FillOptions;
use self::job::{Job, run_windowed};
use super::clock::{TZ, TimeOptions};
use super::late::{self, Waiting};
use super::merging::MergeOptions;
use super::silent::{self, Results};
use super::watched::Watched;
use super::windowing::WindowingOptions;
use crate::aggregate::functions::catalog::FUNCTIONS;
use crate::aggregate::{Aggregator, Extent, GroupSpec, Over, Style};
use crate::cli::look::wants_colors;
use crate::cli::options::{InputOptions, parse_bytes};
use crate::cli::pump::in_option;
use crate::cli::run::Run;
use crate::cli::{Failure, Status};
use crate::operator::Side;
use crate::operator::aggregate::Aggregate;

const EXAMPLES: &str = "\
Examples:
  aggregate --by .origin count 'avg(.dep_delay)' 'max(.dep_delay)' flights.ndjson
      Compute delays by airport over a whole file.
  window --tumbling 1m --time .ts | aggregate count 'bad=sum(if .ok then 0 else 1 end)'
      Count the requests of each minute, and those of them that failed.
  aggregate --by .host --by 'day=.at[:10]' 'bytes=sum(.size)' access.ndjson
      Group by host and day.
  window --tumbling 1m --time .ts | aggregate 'slow=count where .ms > 99' --having '.slow > 5'
      Print only the minutes with more than five slow requests.
  aggregate --by .path count 'arg_max(.user; .ms)' --top 10:count access.ndjson
      Print the ten most requested paths, and for each the user who waited longest.
  aggregate --over 10 --by .host 'recent=avg(.ms)' requests.ndjson | filter '.ms > 5 * .recent'
      Print requests that took five times the average of their host's last ten.
  aggregate --over 1h --time .at --by .card count 'sum(.amount)' --having '.count > 9' payments.ndjson
      Print payments by cards with more than nine payments within the past hour.
  aggregate --tumbling 1m --time .ts --by .host count requests.ndjson
      Window and aggregate in one process.
  aggregate --tumbling 1m --time .ts --fill --idle 30s count --having '.count == 0'
      Print a line for each minute in which no record arrived.
  aggregate --session 30m --time .ts --by .user count 'pages=collect(.path)' clicks.ndjson
      Collect the pages of each user's visits.
  subscribe -f --control requests | aggregate --tumbling 1h --time .ts --every 1m --emit updates count
      Count the requests of each hour, with an update every minute.
  aggregate --control --tumbling 1m --time .ts count | window --tumbling 1h --time .window_start
      Mark the end of the results, so that a later tool notices if this one is killed.
  aggregate --by .id 'last=last_by(.; .time)' edits.ndjson | map .last
      Print the latest record of each id; of records with equal times, the last one.

Exit status: 0 done; 2 invalid options or aggregates; 65 bad records, late ones, too many groups, or an
input that was cut short; 74 reading or writing failed.";

/// What --every means here; for `window`, it is when watermarks come.
const EVERY: &str = "With --emit: report early and late results when the watermark passes a \
                     multiple of this event time";

/// Group records and reduce each group
///
/// aggregate emits one object for each group: the fields of the group key, then a field for each
/// aggregate. Groups are in the order in which they first occurred. Results are emitted at the end
/// of the input; without --by there is always one, even if there was no record.
///
/// If the input comes from window, or an option says how to window it, the results of a window are
/// emitted as soon as the watermark passes its end. Its window_start and window_end come before the
/// other fields.
///
/// Arguments:
///
/// Arguments are aggregates, up to the first one that is not an aggregate; from there on they are
/// files. -- before the files separates them if that is not clear. If EXPR is not a plain path such
/// as .a.b, give the result a name: NAME=sum(.a * .b).
///
/// In FUNCTION(EXPR) and --by, an expression returns one result, or none, which counts as null. A
/// record for which it returns several is bad input: combine them, as in sum(.items | add), or
/// split the record with map before.
///
/// Any aggregate takes a condition: NAME=FUNCTION(EXPR) where CONDITION, both jq expressions. A
/// record that does not meet it is left out, and EXPR is not evaluated for it. A condition holds if
/// one of its results is neither false nor null, as in filter, count_if and --having.
///
/// Groups and values:
///
/// Groups compare numbers by value: 1, 1.0 and 1e0 are one group. Arrays and objects are equal only
/// if their JSON text is.
///
/// Null and missing values are left out, as in SQL. A string where a number is needed is bad input.
///
/// Sums and averages of integers, written without an exponent, are exact at any size. Other numbers
/// are added as 64-bit floats, with an error correction. An average is the nearest float; from 2^53
/// on, where floats cannot represent all integers, it is printed with up to nine decimals. A result
/// beyond the range of floats is null.
///
/// min and max compare numbers, or strings by code points, but not both in one group. Of equal
/// values, min, max, arg_min and arg_max keep the first one, and last_by the last one. arg_min,
/// arg_max and last_by skip a record for which EXPR or BY is null. first, last and collect follow
/// the order of the input, also within windows; to follow the order of event time, use a function
/// with BY.
///
/// Exact and approximate:
///
/// distinct has a standard error of 0.8 % (less than 2.5 % in 99.7 % of all cases), and almost none
/// up to a thousand values. median, p99 and quantile are exact for up to 64 values of a group; for
/// more, the error is at most 1 %. The _exact functions have no error, but keep all values of a
/// group in memory, as top and collect do. No function is random: the same input gives the same
/// bytes.
///
/// The quantile q of n values is the value at rank q(n - 1) of the sorted values, counted from 0.
/// If the rank is not an integer, it is interpolated linearly between two values, as in SQL's
/// percentile_cont. So 0 is min and 1 is max, the median of two numbers is their mean, and a
/// quantile is never outside of the values. The error of 1 % is that of each of the two values. For
/// integers, the result of an _exact function is as exact as that of avg.
///
/// Windows:
///
/// With the options of window, like --tumbling 1m --time .ts, aggregate windows the records itself.
/// The results are those of window with these options before aggregate, byte for byte. A window is
/// reported when the watermark has passed its end and the --allowed-lateness. Records that arrive
/// for it later are late: they are dropped, or stored with --late, and counted on stderr.
///
/// --fill also reports windows without records, with counts, sums and rates of 0. With --by, add
/// --fill-for D, for the groups that had a record in a window that ended within D before.
///
/// --emit updates reports a window while it is open, too; a field "pane" says which report it is:
/// early, on_time or late. --over N emits every record with aggregates of the last N records of its
/// group, and --over D with those of the last duration D.
///
/// millstream-windows(7) describes kinds of windows, watermarks, calendars, early and late results,
/// and running aggregates.
///
/// On a terminal:
///
/// --live shows one table, which is drawn again in its place up to ten times a second: the results of
/// the newest window, or all so far if there are no windows. So does --emit updates without
/// --format. The greatest values of the first aggregate come first, or those of --top; what has no
/// room is counted. Of hopping and cumulating windows, the one that ends next is shown. The bars are
/// the group's values in the last 20 windows. Records never wait for the terminal. The last table
/// stays; if a signal ended the tool, it says after how many records.
///
/// --on-interrupt report emits the results of what there is when a signal ends the tool, each with
/// "pane":"interrupted". The status is still that of the signal.
#[derive(clap::Parser, Debug)]
#[command(
    name = "aggregate",
    version,
    after_help = after_help(false),
    after_long_help = after_help(true),
    override_usage = "aggregate [OPTIONS] AGG... [FILE]...",
    mut_arg("files", |files| files.last(true)),
    mut_arg("every", |every| every.help(EVERY).hide_short_help(true)),
    mut_arg("cumulate", |arg| arg.hide_short_help(true)),
    mut_arg("offset", |arg| arg.hide_short_help(true)),
    mut_arg("allowed_lateness", |arg| arg.hide_short_help(true)),
    mut_arg("idle", |arg| arg.hide_short_help(true)),
    mut_arg("time_format", |arg| arg.hide_short_help(true)),
    mut_arg("no_progress", |arg| arg.short('q').visible_alias("quiet")),
    mut_arg("tz", |tz| tz.help(TZ).hide_short_help(false).help_heading("Event time"))
)]
pub struct Options {
    /// What to compute: [NAME=]FUNCTION(EXPR), where EXPR is a jq expression; see Functions below
    #[arg(value_name = "AGG", value_hint = clap::ValueHint::FilePath)]
    arguments: Vec<OsString>,

    /// Group by the value of a jq expression; may be repeated
    #[arg(help_heading = "Grouping")]
    #[arg(long, value_name = "[NAME=]EXPR")]
    by: Vec<String>,

    /// Emit only results for which EXPR is true
    ///
    /// That is, neither false nor null.
    #[arg(help_heading = "Grouping")]
    #[arg(long, value_name = "EXPR")]
    having: Option<String>,

    /// Emit the K results with the greatest NAME, of each window; K alone for one aggregate
    #[arg(help_heading = "Grouping")]
    #[arg(long, value_name = "K[:NAME]")]
    top: Option<String>,

    /// With --top: emit also results that tie with the last one
    #[arg(help_heading = "Grouping", hide_short_help = true)]
    #[arg(long, requires = "top")]
    ties: bool,

    /// Emit each record with aggregates of the last N records, or the last duration D, of its group
    #[arg(help_heading = "Grouping")]
    #[arg(long, value_name = "N|D", conflicts_with = "top")]
    over: Option<Extent>,

    /// When to emit results: once, or also those that changed
    #[arg(help_heading = "Output")]
    #[arg(
        long,
        value_enum,
        value_name = "WHICH",
        default_value = "final",
        conflicts_with = "over"
    )]
    emit: EmitOption,

    /// Add window_time, the last millisecond of the window, for windows over the results
    #[arg(help_heading = "Output", hide_short_help = true)]
    #[arg(long, conflicts_with = "over")]
    window_time: bool,

    /// Redraw the results in one table as they change; for a terminal
    #[arg(help_heading = "Output")]
    #[arg(long, conflicts_with_all = ["over", "format", "control"])]
    live: bool,

    /// On SIGINT and SIGTERM: emit nothing more, or the results so far, with "pane":"interrupted"
    #[arg(help_heading = "Output", hide_short_help = true)]
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "discard",
        conflicts_with_all = ["over", "live"]
    )]
    on_interrupt: OnInterrupt,

    #[command(flatten)]
    windowing: WindowingOptions,

    #[command(flatten)]
    fill: FillOptions,

    #[command(flatten)]
    time: TimeOptions,

    #[command(flatten)]
    merge: MergeOptions,

    /// Stop when more than N groups are held, in all open windows together
    #[arg(help_heading = "Limits", hide_short_help = true)]
    #[arg(long, value_name = "N", default_value_t = GROUPS_MAX)]
    max_groups: usize,

    /// With --over: stop when more than N records are held, in frames or until the watermark
    #[arg(help_heading = "Limits", hide_short_help = true)]
    #[arg(long, value_name = "N", default_value_t = RECORDS_MAX, requires = "over")]
    max_records: usize,

    /// Stop when groups, windows and records take more than SIZE of memory
    #[arg(help_heading = "Limits", hide_short_help = true)]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, default_value = "8GiB")]
    max_memory: u64,

    /// Write control records, so that later tools notice when the results are cut short
    #[arg(help_heading = "Output")]
    #[arg(long)]
    control: bool,

    /// Print statistics on standard error at the end: groups, windows, memory
    #[arg(help_heading = "Output", hide_short_help = true)]
    #[arg(long)]
    stats: bool,

    /// The format of results [default: table on a terminal, otherwise ndjson]
    #[arg(help_heading = "Output")]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    #[command(flatten)]
    input: InputOptions,
}

/// Which results come.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum EmitOption {
    /// Each result once, when it is final
    Final,
    /// Results that changed, marked early or late, and all results of a window at its end, marked
    /// on_time
    Updates,
    /// The same, but all results of a window whenever one of them changes
    All,
}

/// What becomes of groups when a signal ends the tool.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum OnInterrupt {
    /// They have no results
    Discard,
    /// They have the results of the records so far
    Report,
}

/// What results look like.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// One JSON object on each line
    Ndjson,
    /// Aligned columns for people, a table for all windows; long strings are cut, decimals rounded
    Table,
}

/// How many groups there may be, if nothing else is said: with a few aggregates, some gigabytes.
const GROUPS_MAX: usize = 10_000_000;

/// How many records `--over` holds, if nothing else is said: with short ones, some gigabytes.
const RECORDS_MAX: usize = 10_000_000;

/// Runs the tool.
///
/// # Errors
/// Options or aggregates that make no sense; bad records where rejects are not kept; input and
/// output failing.
pub fn run(mut options: Options) -> anyhow::Result<Status> {
    let by_time = matches!(options.over, Some(Extent::Time(_)));
    let wants_time = options.windowing.wants_time() || by_time || options.merge.merge;
    options.time.settle(&mut options.input.format, wants_time)?;
    let (aggregates, files) = arguments::sort_out(&options.arguments, Path::exists)?;
    let groups: Result<Vec<GroupSpec>, _> =
        options.by.iter().map(|text| GroupSpec::parse(text)).collect();
    let groups = groups.map_err(|error| in_option("--by", error))?;
    let windowed = options.windowing.build(&options.time, by_time)?;
    let filling = options.fill.filling(&groups)?;
    let time = options.time.expression();
    let plan = match options.over {
        Some(_) => choices::plan_over(groups, aggregates, time.filter(|_| by_time))?,
        None => choices::plan(groups, aggregates, windowed.as_ref().and(time))?,
    };
    let selection = choices::selection(&options, &plan)?;
    let watched = Watched::for_people();
    let plan = match watched.presence() {
        Some(presence) => plan.watched(presence),
        None => plan,
    };
    let is_live = choices::is_live(&options)?;
    let policy = choices::policy(&options, &plan, is_live)?;
    let over = over::extent(options.over, &options.time, windowed.is_some())?;
    if over.is_some() && options.format == Some(Format::Table) {
        let why = "with --over, records are emitted one by one; leave it out";
        return Err(in_option("--format table", why).into());
    }
    let is_terminal = std::io::stdout().is_terminal();
    let style = match options.format {
        _ if is_live => Style::Live { rows_max: live::rows_max() },
        Some(Format::Table) => Style::Columns { color: wants_colors(is_terminal) },
        None if is_terminal => Style::Columns { color: wants_colors(is_terminal) },
        Some(Format::Ndjson) | None => Style::Records,
    };
    let control = options.control && style == Style::Records;
    let mut input = options.input;
    input.files.splice(0..0, files);
    options.time.check_files(&input.files)?;
    options.merge.settle(&mut input, &options.time, options.windowing.idle)?;
    let memory_bytes_max = usize::try_from(options.max_memory).unwrap_or(usize::MAX);
    if let Some(extent) = over {
        let over = Over::new(plan, extent, options.time.out_of_order(), selection);
        let over = over.map_err(Failure::from)?.limited(
            options.max_groups,
            options.max_records,
            memory_bytes_max,
        );
        let over = over.idling(options.windowing.idle);
        let over = if options.time.is_arrival() { over.clocked() } else { over };
        let over = over.guarded(options.time.max_ahead()?);
        return over::run(over, &options.time, (options.stats, control), &input, &watched);
    }
    if !is_live {
        let results = Results {
            out_of_order: windowed.as_ref().map(|_| options.time.out_of_order()),
            are_early: options.emit != EmitOption::Final,
            are_selected: options.having.is_some() || options.top.is_some(),
        };
        silent::explain_with(&input, move |it| Some(silent::no_result(&results, it)));
    }
    let late = options.time.keep_late()?;
    let aggregator = Aggregator::new(plan)
        .reporting(selection, style)
        .emitting(policy)
        .filling(filling)
        .limited(options.max_groups, memory_bytes_max);
    let job = Job {
        run: Run::over(&input).keeping(Side::Late, late).beginning_stream(control),
        stats: options.stats,
        is_live,
        policy,
        watched: &watched,
    };
    match windowed {
        Some(windowed) => run_windowed(job, aggregator, windowed, &input),
        None => job.run(Aggregate::new(aggregator), Aggregate::aggregator, |aggregate, run| {
            late::conclude(aggregate.late(), run.sides(), Waiting::InWindow)
        }),
    }
}

/// The functions, each on a line, with its arguments and what it is where that `is_long`; and the
/// examples.
fn after_help(is_long: bool) -> String {
    let lines = FUNCTIONS.iter().map(|function| {
        if !is_long {
            return format!("  {}\n", function.name);
        }
        let form = format!("{}{}", function.name, function.argument.shown());
        let also = match function.aliases {
            [] => String::new(),
            aliases => format!("; also {}", aliases.join(", ")),
        };
        format!("  {form:22} {}{also}\n", function.about)
    });
    format!("Functions:\n{}\n{EXAMPLES}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_tells_of_every_function() {
        let help = after_help(true);
        for function in FUNCTIONS {
            assert!(help.contains(&format!("  {}", function.name)), "{}", function.name);
        }
    }
}
