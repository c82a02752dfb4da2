//! `window`: gives each record its window of event time, and the stream its watermarks.

use std::io::IsTerminal;
use std::ops::{ControlFlow, Range};

use memchr::memmem;

use super::clock::{Clock, TimeOptions};
use super::late::{Cause, Late};
use super::windowing::{Windowed, WindowingOptions};
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Stage, StageError};
use crate::cli::{Failure, Status};
use crate::expr::is_object;
use crate::record::control::{Control, End, Mark, Start};
use crate::record::decode::Raw;
use crate::record::json;
use crate::record::lines::Lines;
use crate::record::outlet::Outlet;
use crate::record::reserved::{self, Reserved};
use crate::record::splice::{add_fields, has_field, replace_fields};
use crate::time::Interval;
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};
use crate::window::{Carried, Placed, Placing, Windows};

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
#[command(name = "window", version, after_help = EXAMPLES)]
pub struct Options {
    #[command(flatten)]
    windowing: WindowingOptions,

    #[command(flatten)]
    time: TimeOptions,

    /// Emit records only, no control records
    #[arg(long)]
    plain: bool,

    #[command(flatten)]
    input: InputOptions,
}

/// Runs the tool.
///
/// # Errors
/// Options that make no sense; bad records where rejects are not kept; input and output failing.
pub fn run(options: Options) -> anyhow::Result<Status> {
    let windowed = options.windowing.build(&options.time, false)?.ok_or_else(|| {
        Failure::usage(
            "no windows are given; add --tumbling SIZE, --hop SLIDE --size SIZE, --cumulate STEP --size \
             SIZE, --session GAP or --count N",
        )
    })?;
    let windows = windowed.placing.windows();
    if options.time.late.is_some() {
        can_be_late(windows)?;
    }
    let stream = Stream {
        head: Some(Control::Window(windowed.control.clone())),
        speaks: !options.plain && !std::io::stdout().is_terminal(),
        ended: false,
        fields: Fields::new(windows.carried(windowed.control.expanded)),
        late: options.time.keep_late()?,
    };
    let mut stage = Windowing { windowed, stream };
    let ran = pump::run(&options.input, &mut stage);
    let late = stage.stream.late.conclude(stage.windowed.waiting(&options.input));
    stage.windowed.clock.iter().for_each(Clock::tell_odd_times);
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

struct Windowing {
    windowed: Windowed,
    stream: Stream,
}

/// What goes out.
struct Stream {
    /// What it begins with, until that has been put out.
    head: Option<Control>,
    /// Whether control records go out.
    speaks: bool,
    /// Whether the stream that came in has ended, and nobody was told yet.
    ended: bool,
    fields: Fields,
    late: Late,
}

impl Stage for Windowing {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        self.stream.begin(&mut cx.out);
        let Some(clock) = &mut self.windowed.clock else {
            json::validate(raw.bytes).map_err(StageError::bad)?;
            cx.out.extend_from_slice(raw.bytes);
            cx.out.push(b'\n');
            return Ok(ControlFlow::Continue(()));
        };
        let time_ms = clock.read(raw.bytes)?;
        if self.stream.put(raw.bytes, true, time_ms, &mut self.windowed.placing, cx)? {
            self.stream.late.moved(Some((raw.line, time_ms)));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let Windowing { windowed: Windowed { clock, placing, .. }, stream } = self;
        let Some(clock) = clock else { return ControlFlow::Continue(()) };
        let named = lines.may_name(&stream.fields.prefix);
        let (mut records, form) = clock.records(lines);
        while let Some(mut record) = records.load_next_if(is_object) {
            stream.begin(&mut cx.out);
            let Ok(time_ms) = form.read(&mut record, 0) else { break };
            match stream.put(record.record(), named, time_ms, placing, cx) {
                Ok(false) => {}
                Ok(true) => stream.late.moved(Some((records.line(), time_ms))),
                // It comes again, alone, for what is to be said about it.
                Err(_) => break,
            }
        }
        ControlFlow::Continue(())
    }

    /// Uses up what an earlier `window` said: its windows are not those of this stream any more.
    /// What is said of partitions is used up too: the watermarks from here on are of them all.
    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        let passed_ms = self.windowed.hear(&control);
        match control {
            Control::Start(start) => {
                self.stream.end(&mut cx.out);
                let start = Start { partitions: Vec::new(), ..start };
                self.stream.say(&Control::Start(start), &mut cx.out);
            }
            // If it is the last one, the final watermark comes first.
            Control::End(_) => self.stream.ended = true,
            _ => {}
        }
        self.stream.move_on(passed_ms, &mut cx.out);
        Ok(())
    }

    fn idle_timeout(&self) -> Option<std::time::Duration> {
        self.windowed.idle_timeout()
    }

    fn on_idle(&mut self, time: std::time::Duration, cx: &mut Context) {
        let passed_ms = self.windowed.wait(time);
        self.stream.move_on(passed_ms, &mut cx.out);
    }

    fn source_end(&mut self) {
        self.stream.late.leave_file();
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.stream.late.flush(cx)
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.stream.begin(&mut cx.out);
        self.stream.say(&Control::Watermark(Mark::End), &mut cx.out);
        self.stream.end(&mut cx.out);
        Ok(())
    }

    fn undone(&self) -> Option<String> {
        self.stream.speaks.then(|| "the final watermark is not written".to_owned())
    }
}

impl Stream {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(head) = self.head.take() {
            self.say(&head, out);
        }
    }

    /// Passes on that the stream that came in has ended, if it has.
    fn end(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.ended) {
            self.say(&Control::End(End {}), out);
        }
    }

    /// Emits a record of this event time with its windows, or handles it as a late one. Returns
    /// whether the watermark is to be written. `named`: whether such a field may be in the record.
    fn put(
        &mut self,
        record: &[u8],
        named: bool,
        time_ms: i64,
        placing: &mut Placing,
        out: &mut impl Outlet,
    ) -> Result<bool, StageError> {
        match placing.place(time_ms).map_err(StageError::bad)? {
            Placed::Late { behind } => {
                self.late.take(record, Cause::Behind(behind));
                Ok(false)
            }
            Placed::In { slice, closed_ms, passed_ms, missed } => {
                self.fields.prepare(slice, placing.windows())?;
                let replaces = named && self.fields.are_in(record);
                for text in self.fields.texts(closed_ms) {
                    self.fields
                        .add(record, replaces, text, out.pending())
                        .map_err(StageError::bad)?;
                    out.pending().push(b'\n');
                    out.relieve()?;
                }
                if let Some(behind) = missed {
                    self.late.miss(Cause::Behind(behind));
                }
                self.tell(passed_ms, out.pending());
                Ok(passed_ms.is_some())
            }
        }
    }

    /// Tells the watermark, if it has moved without a record.
    fn move_on(&mut self, passed_ms: Option<i64>, out: &mut Vec<u8>) {
        if passed_ms.is_some() {
            self.late.moved(None);
        }
        self.tell(passed_ms, out);
    }

    /// Tells the watermark, where there is something to tell.
    fn tell(&self, passed_ms: Option<i64>, out: &mut Vec<u8>) {
        if let Some(ms) = passed_ms {
            self.say(&Control::Watermark(Mark::Ms(ms)), out);
        }
    }

    fn say(&self, control: &Control, out: &mut Vec<u8>) {
        if self.speaks {
            control.write(out);
        }
    }
}

/// Writes windows or slices into records; remembers the text of the last ones.
pub struct Fields {
    names: [&'static str; 2],
    /// How such a name begins, in a record that has one already.
    prefix: memmem::Finder<'static>,
    /// Whether a record goes out once for each window of its slice.
    expands: bool,
    slice: Option<Interval>,
    text: Vec<u8>,
    /// For each window or slice, the watermark's time from which it is not written, and its text.
    ends: Vec<(i64, Range<usize>)>,
}

impl Fields {
    /// Writes what records carry.
    pub fn new(carried: Carried) -> Fields {
        let (names, prefix) = match carried {
            Carried::Window | Carried::Nothing => (WINDOW_FIELDS, "\"window_"),
            Carried::Slice | Carried::Session => (SLICE_FIELDS, "\"slice_"),
        };
        Fields {
            names,
            prefix: memmem::Finder::new(prefix),
            expands: carried == Carried::Window,
            slice: None,
            text: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Makes the texts of a slice.
    ///
    /// # Errors
    /// When they reach beyond the years that can be written.
    #[inline]
    pub fn prepare(&mut self, slice: Interval, windows: &Windows) -> Result<(), StageError> {
        if self.slice == Some(slice) { Ok(()) } else { self.prepare_next(slice, windows) }
    }

    #[cold]
    fn prepare_next(&mut self, slice: Interval, windows: &Windows) -> Result<(), StageError> {
        self.slice = None;
        self.text.clear();
        self.ends.clear();
        if self.expands {
            for window in windows.of_slice(slice) {
                self.prepare_one(window, window.end_ms)?;
            }
        } else {
            self.prepare_one(slice, i64::MAX)?;
        }
        self.slice = Some(slice);
        Ok(())
    }

    fn prepare_one(&mut self, interval: Interval, until_ms: i64) -> Result<(), StageError> {
        let begin = self.text.len();
        interval.write_fields_as(self.names, &mut self.text).map_err(StageError::bad)?;
        self.ends.push((until_ms, begin..self.text.len()));
        Ok(())
    }

    /// The texts, but for those of windows that end at `closed_ms` or before.
    pub fn texts(&self, closed_ms: i64) -> impl Iterator<Item = &[u8]> {
        let open = self.ends.iter().filter(move |(until_ms, _)| *until_ms > closed_ms);
        open.map(|(_, text)| self.text.get(text.clone()).unwrap_or_default())
    }

    /// Whether a record has such a field already, as the output of an aggregate that is windowed
    /// again does; asked once for all its texts.
    pub fn are_in(&self, record: &[u8]) -> bool {
        has_field(record, &self.names, self.prefix.find(record).is_some())
    }

    /// Appends a record with one of the texts, which replaces the fields that are in it already.
    ///
    /// # Errors
    /// When nothing but a field that is replaced kept it from beginning like a control record;
    /// nothing is appended then.
    #[inline]
    pub fn add(
        &self,
        record: &[u8],
        replaces: bool,
        text: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Reserved> {
        if replaces {
            let begin = out.len();
            replace_fields(record, &self.names, text, out);
            if let Err(reserved) = reserved::check(out.get(begin..).unwrap_or_default()) {
                out.truncate(begin);
                return Err(reserved);
            }
        } else {
            add_fields(record, text, out);
        }
        Ok(())
    }
}
