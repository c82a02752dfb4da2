//! `window`: gives each record its window of event time, and the stream its watermarks.

use std::io::IsTerminal;
use std::ops::ControlFlow;

use memchr::memmem;

use super::clock::TimeOptions;
use super::late::Late;
use super::windowing::{Windowed, WindowingOptions};
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Stage, StageError};
use crate::cli::{Failure, Status};
use crate::expr::Loaded;
use crate::record::control::{Control, Mark, Start};
use crate::record::decode::Raw;
use crate::record::json;
use crate::record::lines::Lines;
use crate::record::splice::{add_fields, replace_fields};
use crate::time::Interval;
use crate::time::interval::{SLICE_FIELDS, WINDOW_FIELDS};
use crate::window::{Carried, Placed, Placing, Windows};

const EXAMPLES: &str = "\
Examples:
  window --tumbling 1m --time .ts requests.ndjson | aggregate count
      Count requests by minute.
  window --hop 1m --size 10m --time .ts requests.ndjson | aggregate count
      Every minute, those of the last ten.
  window --cumulate 1h --size 1d --tz Europe/Berlin --time .ts | aggregate 'sum(.amount)'
      Every hour, the sum of the day so far, from midnight in Berlin on.
  window --session 30m --time .ts clicks.ndjson | aggregate --by .user count
      Visits: a user's clicks with less than half an hour between them.
  subscribe flights | window --tumbling 1h --time .time_hour --out-of-order 24h --late late.ndjson
      Hours of a stream whose records may come a day late; those that come later still are kept.
  window --tumbling 1d --time .at --time-format '%d/%b/%Y:%H:%M:%S %z' --plain access.ndjson
      Days of UTC, for a tool that knows nothing of control records.

Exit status: 0 done; 2 wrong options; 65 bad records, or late ones that were dropped; 74 reading or
writing failed.";

/// Give each record its window of event time
///
/// Adds the fields window_start and window_end to each record, in RFC 3339, UTC; a window holds the
/// times from its start on that are before its end. Nothing else in the record changes. Where
/// windows overlap, the fields are slice_start and slice_end: the piece of time from which aggregate
/// makes windows, so that each record goes out once; with --expand it goes out once for each of its
/// windows. With --session they are the record's time and the gap behind it; with --count nothing is
/// added, and aggregate counts.
///
/// Time comes from the records alone, so the same records give the same output at any speed. The
/// watermark follows the greatest event time, --out-of-order behind it; a window closes when the
/// watermark passes its end by --allowed-lateness. A record all of whose windows are closed is late:
/// it is dropped, or kept with --late, and counted on stderr. Behind subscribe --control, each
/// partition of a topic has a watermark, and the least of them is the stream's. Only --idle looks at
/// a clock, and only while it waits for input.
///
/// With --tz, sizes are those of the calendar there: a part of a day, like 15m or 6h, begins when
/// the clocks show a multiple of it; days begin at midnight, weeks on Monday.
///
/// Control records between the records tell the next tool how the stream is windowed and where the
/// watermark is. They are left out with --plain, and on a terminal. Those that come in from an
/// earlier window are used up: the windows of this one take their place.
#[derive(clap::Parser, Debug)]
#[command(name = "window", version, after_help = EXAMPLES)]
pub struct Options {
    #[command(flatten)]
    windowing: WindowingOptions,

    #[command(flatten)]
    time: TimeOptions,

    /// Put out records only, no control records
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
    let windowed = options.windowing.build(&options.time)?.ok_or_else(|| {
        Failure::usage(
            "which windows? give --tumbling SIZE, --hop SLIDE --size SIZE, --cumulate STEP --size \
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
        fields: Fields::new(windows.carried(windowed.control.expanded)),
        late: options.time.keep_late()?,
    };
    let mut stage = Windowing { windowed, stream };
    let ran = pump::run(&options.input, &mut stage);
    let late = stage.stream.late.conclude();
    let outcome = ran?;
    Ok(if outcome.status == Status::Done { late } else { outcome.status })
}

/// Refuses to keep late records where there are none.
fn can_be_late(windows: &Windows) -> Result<(), Failure> {
    match windows.carried(false) {
        Carried::Window | Carried::Slice => Ok(()),
        Carried::Session => Err(Failure::usage(
            "--late: whether a record of a session is late depends on its group, which only \
             aggregate knows; leave --late out here, and give it to aggregate",
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
        self.stream.put(raw.bytes, time_ms, &mut self.windowed.placing, &mut cx.out)?;
        Ok(ControlFlow::Continue(()))
    }

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let Windowing { windowed: Windowed { clock, placing, .. }, stream } = self;
        let Some(clock) = clock else { return ControlFlow::Continue(()) };
        let (mut records, form) = clock.records(lines);
        while let Some(mut record) = records.load_next().filter(Loaded::is_object) {
            stream.begin(&mut cx.out);
            let time_ms = form.read(&mut record, 0).map_err(StageError::Bad);
            let put = time_ms.and_then(|ms| stream.put(record.record(), ms, placing, &mut cx.out));
            if put.is_err() {
                // It comes again, alone, for what is to be said about it.
                break;
            }
        }
        ControlFlow::Continue(())
    }

    /// Uses up what an earlier `window` said: its windows are not those of this stream any more.
    /// What is said of partitions is used up too: the watermarks from here on are of them all.
    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        let passed_ms = self.windowed.hear(&control);
        if let Control::Start(start) = control {
            let start = Start { partitions: Vec::new(), ..start };
            self.stream.say(&Control::Start(start), &mut cx.out);
        }
        self.stream.tell(passed_ms, &mut cx.out);
        Ok(())
    }

    fn patience(&self) -> Option<std::time::Duration> {
        self.windowed.patience()
    }

    fn waited(&mut self, time: std::time::Duration, cx: &mut Context) {
        let passed_ms = self.windowed.wait(time);
        self.stream.tell(passed_ms, &mut cx.out);
    }

    fn settle(&mut self, _: &mut Context) -> anyhow::Result<()> {
        self.stream.late.flush()
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.stream.begin(&mut cx.out);
        self.stream.say(&Control::Watermark(Mark::End), &mut cx.out);
        Ok(())
    }
}

impl Stream {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(head) = self.head.take() {
            self.say(&head, out);
        }
    }

    /// Puts out a record of this event time with its windows, or keeps it as a late one.
    fn put(
        &mut self,
        record: &[u8],
        time_ms: i64,
        placing: &mut Placing,
        out: &mut Vec<u8>,
    ) -> Result<(), StageError> {
        match placing.place(time_ms).map_err(StageError::bad)? {
            Placed::Late { behind } => self.late.take(record, behind),
            Placed::In { slice, closed_ms, passed_ms } => {
                self.fields.prepare(slice, placing.windows())?;
                self.fields.add(record, closed_ms, out);
                self.tell(passed_ms, out);
            }
        }
        Ok(())
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
    /// For each window or slice, where it ends in time, and where its text does.
    ends: Vec<(i64, usize)>,
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
    pub fn prepare(&mut self, slice: Interval, windows: &Windows) -> Result<(), StageError> {
        if self.slice == Some(slice) {
            return Ok(());
        }
        self.slice = None;
        self.text.clear();
        self.ends.clear();
        if self.expands {
            for window in windows.of_slice(slice) {
                self.prepare_one(window)?;
            }
        } else {
            self.prepare_one(slice)?;
        }
        self.slice = Some(slice);
        Ok(())
    }

    fn prepare_one(&mut self, interval: Interval) -> Result<(), StageError> {
        interval.write_fields_as(self.names, &mut self.text).map_err(StageError::bad)?;
        self.ends.push((interval.end_ms, self.text.len()));
        Ok(())
    }

    /// Puts out a record with each of the texts; those of windows that end at `closed_ms` or before
    /// are left out.
    pub fn add(&self, record: &[u8], closed_ms: i64, out: &mut Vec<u8>) {
        // Rarely is there such a field already: the output of an aggregate, windowed again.
        let there = self.prefix.find(record).is_some();
        let mut from = 0;
        for &(end_ms, to) in &self.ends {
            let text = self.text.get(from..to).unwrap_or_default();
            from = to;
            if self.expands && end_ms <= closed_ms {
                continue;
            }
            if there {
                replace_fields(record, &self.names, text, out);
            } else {
                add_fields(record, text, out);
            }
            out.push(b'\n');
        }
    }
}
