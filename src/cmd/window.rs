//! `window`: gives each record its window of event time, and the stream its watermarks.

use std::io::IsTerminal;
use std::ops::ControlFlow;

use memchr::memmem;

use super::clock::{Clock, TimeOptions};
use super::late::Late;
use crate::cli::Status;
use crate::cli::options::InputOptions;
use crate::cli::pump::{self, Context, Stage, StageError, in_option};
use crate::record::control::{self, Control, Mark, Start};
use crate::record::decode::Raw;
use crate::record::splice::{add_fields, replace_fields};
use crate::time::interval::{END_FIELD, START_FIELD};
use crate::time::{Duration, Interval, Shift};
use crate::window::{Placed, Placing, Windows};

const EXAMPLES: &str = "\
Examples:
  window --tumbling 1m --time .ts requests.ndjson | aggregate count
      Count requests by minute.
  subscribe flights | window --tumbling 1h --time .time_hour --out-of-order 24h --late late.ndjson
      Hours of a stream whose records may come a day late; those that come later still are kept.
  window --tumbling 1d --offset 6h --time .at --plain events.ndjson | jq .window_start
      Days that begin at 06:00 UTC, for a tool that knows nothing of control records.

Exit status: 0 done; 2 wrong options; 65 bad records, or late ones that were dropped; 74 reading or
writing failed.";

/// Give each record its window of event time
///
/// Adds the fields window_start and window_end to each record, in RFC 3339, UTC; a window holds the
/// times from its start on that are before its end. Nothing else in the record changes.
///
/// Time comes from the records alone, so the same records give the same output at any speed. The
/// watermark follows the greatest event time, --out-of-order behind it; a window closes when the
/// watermark passes its end. A record of a closed window is late: it is dropped, or kept with
/// --late, and counted on stderr.
///
/// Control records between the records tell the next tool how the stream is windowed and where the
/// watermark is. They are left out with --plain, and on a terminal. Those that come in from an
/// earlier window are used up: the windows of this one take their place.
#[derive(clap::Parser, Debug)]
#[command(
    name = "window",
    version,
    after_help = EXAMPLES,
    mut_arg("time", |time| time.required(true))
)]
pub struct Options {
    /// Windows of this size, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w
    #[arg(long, value_name = "SIZE")]
    tumbling: Duration,

    /// Begin windows this far after (or, with a minus, before) the epoch and its multiples of SIZE
    #[arg(long, value_name = "DURATION", default_value = "0", allow_hyphen_values = true)]
    offset: Shift,

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
    let windows = Windows::tumbling(options.tumbling, options.offset)
        .map_err(|error| in_option("--tumbling", error))?;
    let clock = options.time.clock("an object can carry a window")?;
    let late = options.time.keep_late()?;
    let mut stage = Windowing {
        clock,
        head: Some(Control::Window(control::Windowing::from(windows.kind()))),
        placing: Placing::new(windows, options.time.out_of_order),
        speaks: !options.plain && !std::io::stdout().is_terminal(),
        fields: Fields::default(),
        late,
    };
    let ran = pump::run(&options.input, &mut stage);
    let late = stage.late.conclude();
    let outcome = ran?;
    Ok(if outcome.status == Status::Done { late } else { outcome.status })
}

struct Windowing {
    clock: Clock,
    placing: Placing,
    /// What the stream begins with, until it has been put out.
    head: Option<Control>,
    /// Whether control records go out.
    speaks: bool,
    fields: Fields,
    late: Late,
}

impl Stage for Windowing {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        self.begin(cx);
        let time_ms = self.clock.read(raw.bytes)?;
        match self.placing.place(time_ms).map_err(StageError::bad)? {
            Placed::Late { behind } => self.late.take(raw.bytes, behind),
            Placed::In { slice, passed_ms, .. } => {
                self.fields.add(raw.bytes, slice, &mut cx.out)?;
                cx.out.push(b'\n');
                if let Some(ms) = passed_ms {
                    self.say(&Control::Watermark(Mark::Ms(ms)), cx);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Uses up what an earlier `window` said: its windows are not those of this stream any more.
    fn control(&mut self, control: Control, _: &[u8], cx: &mut Context) -> Result<(), StageError> {
        match control {
            Control::Window(_)
            | Control::Watermark(_)
            | Control::Partition(_)
            | Control::PartitionEnd(_) => {}
            Control::Start(start) => {
                self.say(&Control::Start(Start { partitions: Vec::new(), ..start }), cx);
            }
        }
        Ok(())
    }

    fn settle(&mut self, _: &mut Context) -> anyhow::Result<()> {
        self.late.flush()
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.begin(cx);
        self.say(&Control::Watermark(Mark::End), cx);
        Ok(())
    }
}

impl Windowing {
    fn begin(&mut self, cx: &mut Context) {
        if let Some(head) = self.head.take() {
            self.say(&head, cx);
        }
    }

    fn say(&self, control: &Control, cx: &mut Context) {
        if self.speaks {
            control.write(&mut cx.out);
        }
    }
}

/// Writes windows into records; remembers the text of the last window.
#[derive(Default)]
struct Fields {
    window: Option<Interval>,
    text: Vec<u8>,
}

impl Fields {
    fn add(
        &mut self,
        record: &[u8],
        window: Interval,
        out: &mut Vec<u8>,
    ) -> Result<(), StageError> {
        if self.window != Some(window) {
            self.window = None;
            self.text.clear();
            window.write_fields(&mut self.text).map_err(StageError::bad)?;
            self.window = Some(window);
        }
        // Rarely is there such a field already: the output of an aggregate, windowed again.
        if memmem::find(record, b"\"window_").is_some() {
            replace_fields(record, &[START_FIELD, END_FIELD], &self.text, out);
        } else {
            add_fields(record, &self.text, out);
        }
        Ok(())
    }
}
