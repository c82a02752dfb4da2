//! `window`: gives each record its window of event time, and the stream its watermarks.

use std::io::IsTerminal;

use super::clock::{TZ, TimeOptions, tell_odd_times};
use super::late;
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
/// If windows overlap, the fields are slice_start and slice_end: each record is emitted once, and
/// aggregate merges the windows from slices. With --expand, a record is emitted once for each of
/// its windows. With --session, the slice begins at the record's time and is as long as the gap.
/// With --count nothing is added, and aggregate counts the records.
///
/// Time comes from the records alone: the same records give the same output at any speed. The
/// watermark is the maximum event time so far minus --out-of-order. A window closes when the
/// watermark has passed its end by --allowed-lateness. A record is late if all of its windows are
/// closed: it is dropped, or stored with --late, and counted on stderr. If windows overlap, a
/// record may be too late for only some of them: it is added to the others and counted on stderr,
/// --late does not store it, and the exit status is 65. After subscribe --control, each partition
/// of a topic has a watermark, and the stream's watermark is their minimum. Only --idle uses a
/// clock, and only while window waits for input.
///
/// At the end of the input, window emits the final watermark, which closes all windows, but only if
/// each stream of the input is complete. A stream of subscribe --control or of another window that
/// has no end was cut short: then window emits no final watermark, and the exit status is 65.
///
/// With --tz, windows follow the calendar of that time zone: a part of a day, like 15m or 6h,
/// begins when the local clock shows a multiple of it, and days begin at midnight. Weeks begin on
/// Monday, with and without --tz, or on the day of --week-start. --offset shifts all of these: with
/// --tumbling 1d --offset 6h, days begin at six in the morning. --tz also reads event times that
/// have no offset from UTC, like 2020-01-01T00:00:00 or 2020-01-01. A time that occurs twice,
/// because clocks are set back, is read as the earlier one; without --ambiguous, a message on
/// stderr says how many there were. Event times have a resolution of milliseconds; finer digits are
/// rounded down.
///
/// One record with a wrong time in the far future makes all later ones late. With --max-ahead, such
/// a record is bad input, and does not affect the others.
///
/// Control records tell the next tool how the stream is windowed and where the watermark is. They
/// are left out with --plain, and on a terminal. window consumes the control records of an earlier
/// window, since its own windows replace those.
#[derive(clap::Parser, Debug)]
#[command(
    name = "window",
    version,
    after_help = EXAMPLES,
    mut_arg("tz", |tz| tz.help(TZ).hide_short_help(false).help_heading("Event time"))
)]
pub struct Options {
    #[command(flatten)]
    windowing: WindowingOptions,

    #[command(flatten)]
    time: TimeOptions,

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
    options.time.settle(&mut options.input.format, options.windowing.wants_time())?;
    let windowed = options.windowing.build(&options.time, false)?.ok_or_else(|| {
        Failure::usage(
            "no windows are given; add --tumbling SIZE, --hop SLIDE --size SIZE, --cumulate STEP --size \
             SIZE, --session GAP or --count N",
        )
    })?;
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
    let lines = Print { speaks: !options.plain && !std::io::stdout().is_terminal() };
    let splice = Splice::new(program, only, window.carried(), lines);
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
