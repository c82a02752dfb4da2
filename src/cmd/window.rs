//! `window`: gives each record its window of event time, and the stream its watermarks.

use std::io::IsTerminal;

use super::clock::{TZ, TimeOptions, tell_odd_times};
use super::late;
use super::merging::MergeOptions;
use super::silent;
use super::windowing::{Windowed, WindowingOptions, waiting};
use crate::cli::options::InputOptions;
use crate::cli::run::Run;
use crate::cli::{Failure, Status};
use crate::expr::Program;
use crate::operator::splice::{Print, Splice};
use crate::operator::{Fused, Side, Window};
use crate::window::{Carried, Windows};

const EXAMPLES: &str = "\
Examples:
  window --tumbling 1m --time .ts requests.ndjson | aggregate count
      Count requests by minute.
  window --hop 1m --size 10m --time .ts requests.ndjson | aggregate count
      Every minute, count those of the last ten minutes.
  window --cumulate 1h --size 1d --tz Europe/Berlin --time .ts | aggregate 'sum(.amount)'
      Every hour, compute the sum of the day so far, which begins at midnight in Berlin.
  window --session 30m --time .ts clicks.ndjson | aggregate --by .user count
      Count a user's clicks by visit; half an hour without a click ends a visit.
  subscribe flights --control | window --tumbling 1h --time .at --out-of-order 24h --late late.ndjson
      Window a topic by hours; records may come a day late, and still later ones go to a file.
  window --tumbling 1d --time .at --time-format '%d/%b/%Y:%H:%M:%S %z' --plain access.ndjson
      Add days in UTC, for a program that does not know control records.

Exit status: 0 done; 2 invalid options; 65 bad records, late ones that were dropped or missed some of
their windows, or an input that was cut short; 74 reading or writing failed.";

/// Give each record its window of event time
///
/// window adds the fields window_start and window_end to each record, in RFC 3339, UTC, and changes
/// nothing else in it. A window contains the times from its start, included, to its end, excluded.
/// If windows overlap, the fields are slice_start and slice_end, and aggregate merges the windows
/// from slices; with --expand, a record is emitted once for each of its windows.
///
/// Time comes from the records alone: the same records give the same output at any speed. The
/// watermark is the maximum event time so far minus --out-of-order. A window closes when the
/// watermark has passed its end by --allowed-lateness. A record is late if all of its windows are
/// closed: it is dropped, or stored with --late, and counted on stderr.
///
/// At the end of the input, window emits the final watermark, which closes all windows, but only if
/// each stream of the input is complete; otherwise the exit status is 65.
///
/// millstream-windows(7) describes kinds of windows, watermarks of partitions, late records,
/// calendars and time zones.
///
/// Control records tell the next tool how the stream is windowed and where the watermark is. They
/// are left out with --plain, and on a terminal. window consumes the control records of an earlier
/// window, since its own windows replace those.
#[derive(clap::Parser, Debug)]
#[command(
    name = "window",
    version,
    after_help = EXAMPLES,
    mut_arg("no_progress", |arg| arg.short('q').visible_alias("quiet")),
    mut_arg("tz", |tz| tz.help(TZ).hide_short_help(false).help_heading("Event time"))
)]
pub struct Options {
    #[command(flatten)]
    windowing: WindowingOptions,

    #[command(flatten)]
    time: TimeOptions,

    #[command(flatten)]
    merge: MergeOptions,

    /// Emit records only, no control records
    #[arg(help_heading = "Output")]
    #[arg(long)]
    plain: bool,

    #[command(flatten)]
    input: InputOptions,
}

/// Runs the tool.
///
/// # Errors
/// Options that make no sense; bad records where rejects are not kept; input and output failing.
pub fn run(mut options: Options) -> anyhow::Result<Status> {
    let wants_time = options.windowing.wants_time() || options.merge.merge;
    options.time.settle(&mut options.input.format, wants_time)?;
    options.merge.settle(&mut options.input, &options.time, options.windowing.idle)?;
    let windowed = options.windowing.build(&options.time, false)?.ok_or_else(|| {
        Failure::usage(
            "no windows are given; add --tumbling SIZE, --hop SLIDE --size SIZE, --cumulate STEP --size \
             SIZE, --session GAP or --count N",
        )
    })?;
    options.time.check_files(&options.input.files)?;
    if options.time.late.is_some() {
        can_be_late(windowed.placing.windows())?;
    }
    let Windowed { clock, placing, control } = windowed;
    let (program, time, only) = match clock {
        Some(clock) => {
            let (program, form, only) = clock.into_parts();
            (program, Some((form, 0)), Some(only))
        }
        None => (Program::compile(&[])?, None, None),
    };
    let window = Window::new(placing, time, control);
    let lines = Print::new(!options.plain && !std::io::stdout().is_terminal());
    let splice = Splice::new(program, only, window.carried(), lines);
    silent::explain_with(&options.input, |it| Some(silent::none_was("emitted", it)));
    let mut fused = Fused::new(window, splice);
    let mut run = Run::over(&options.input).keeping(Side::Late, options.time.keep_late()?);
    let ran = run.operator(&mut fused);
    let (window, _) = fused.parts();
    let late = late::conclude(window.late(), run.sides(), waiting(window, &options.input));
    tell_odd_times(&window.odd_times());
    let outcome = ran?;
    Ok(if outcome.status == Status::Done { late } else { outcome.status })
}

/// Refuses to keep late records where there are none.
fn can_be_late(windows: &Windows) -> Result<(), Failure> {
    match windows.carried(false) {
        Carried::Window | Carried::Slice => Ok(()),
        Carried::Session => Err(Failure::usage(
            "--late: whether a record of a session is late depends on its group, which only \
             aggregate knows; give --late to aggregate instead",
        )),
        Carried::Nothing => Err(Failure::usage(
            "--late: no record is late where windows count records; leave it out",
        )),
    }
}
