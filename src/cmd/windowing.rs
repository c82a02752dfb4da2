//! The options that say how a stream is windowed: those of `window`, and of `aggregate` where it
//! does the same in its own process.

use super::clock::{Clock, TimeOptions};
use crate::cli::Failure;
use crate::cli::pump::in_option;
use crate::record::control::{self, Control};
use crate::time::{Duration, Shift};
use crate::window::{Carried, Frame, Length, Placing, Progress, Tumbling, Windows};

/// How a stream is windowed.
#[derive(clap::Args, Debug)]
pub struct WindowingOptions {
    /// Windows of this size, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w, 1mo, 1y
    #[arg(long, value_name = "SIZE")]
    tumbling: Option<Length>,

    /// Windows that overlap: one of --size begins every SLIDE
    #[arg(long, value_name = "SLIDE")]
    hop: Option<Length>,

    /// Windows that begin together and grow by STEP up to --size, then begin anew
    #[arg(long, value_name = "STEP")]
    cumulate: Option<Length>,

    /// The size of windows with --hop and --cumulate
    #[arg(long, value_name = "SIZE")]
    size: Option<Length>,

    /// For each group, a window that ends when no record came for GAP of event time
    #[arg(long, value_name = "GAP")]
    session: Option<Duration>,

    /// For each group, a window for every N records
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// Begin windows this far after (or, with a minus, before) the epoch and its multiples of the size
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    offset: Option<Shift>,

    /// Let windows take records until the watermark is so far behind their end
    #[arg(long, value_name = "DURATION")]
    allowed_lateness: Option<Duration>,

    /// Put out a watermark also when it passes a multiple of this event time: for aggregate --every
    #[arg(long, value_name = "DURATION")]
    pub every: Option<Duration>,

    /// When the input, or one of its partitions, was quiet for so long, go on without it: event time then goes on as the clock does
    #[arg(long, value_name = "DURATION")]
    idle: Option<Duration>,

    /// With --hop and --cumulate: put out each record once for each window that it is in
    #[arg(long)]
    expand: bool,
}

/// A stream that is to be windowed: what `window` and `aggregate` need for it.
pub struct Windowed {
    /// Reads event times; windows that count records need none.
    pub clock: Option<Clock>,
    /// Puts records into windows by their event times.
    pub placing: Placing,
    /// What the stream's control record says.
    pub control: control::Windowing,
    /// For how long input was waited for, as far as `placing` was not told.
    waited: std::time::Duration,
}

impl Windowed {
    /// Hears what is said of the stream and its partitions; gives the watermark, if it is to be told.
    /// What an earlier `window` said is used up: its windows are not those of this stream any more.
    pub fn hear(&mut self, control: &Control) -> Option<i64> {
        match control {
            Control::Window(_) | Control::Watermark(_) => None,
            Control::Start(start) => self.placing.begin(&start.partitions),
            Control::Partition(number) => {
                self.placing.turn_to(*number);
                None
            }
            Control::PartitionEnd(number) => self.placing.end(*number),
        }
    }

    /// How long to wait for input before the stream is taken to be quiet.
    pub fn patience(&self) -> Option<std::time::Duration> {
        let patience = self.placing.patience()?;
        Some(patience.to_std().saturating_sub(self.waited))
    }

    /// Input was waited for so long; gives the watermark, if it is to be told.
    pub fn wait(&mut self, time: std::time::Duration) -> Option<i64> {
        self.waited += time;
        let whole_ms = i64::try_from(self.waited.as_millis()).unwrap_or(i64::MAX);
        let whole = Duration::from_ms(whole_ms).filter(|whole| whole.ms() > 0)?;
        self.waited = self.waited.saturating_sub(whole.to_std());
        self.placing.wait(whole)
    }
}

impl WindowingOptions {
    /// What these options ask for, with the event time of those; nothing, if no windows are asked
    /// for.
    ///
    /// # Errors
    /// Options that make no sense, or not together.
    pub fn build(&self, time: &TimeOptions) -> Result<Option<Windowed>, Failure> {
        let Some(windows) = self.windows(time)? else { return Ok(None) };
        for (option, duration) in [("--every", self.every), ("--idle", self.idle)] {
            if duration == Some(Duration::default()) {
                return Err(in_option(option, "must be longer than 0"));
            }
        }
        let clock = match windows {
            Windows::Count { .. } => None,
            _ => Some(time.clock("an object can carry a window")?),
        };
        let every = self.every.map(|every| Tumbling::new(every, Shift::default()));
        let every = every.transpose().map_err(|error| in_option("--every", error))?;
        let allowed_lateness = self.allowed_lateness.unwrap_or_default();
        let overlap = windows.carried(false) == Carried::Slice;
        let control = control::Windowing {
            kind: windows.kind(),
            allowed_lateness_ms: allowed_lateness.ms(),
            expanded: self.expand && overlap,
            every_ms: self.every.map_or(0, Duration::ms),
        };
        let progress = Progress::new(time.out_of_order()).idling(self.idle);
        let placing =
            Placing::new(windows, progress).lenient(allowed_lateness).telling_every(every);
        Ok(Some(Windowed { clock, placing, control, waited: std::time::Duration::ZERO }))
    }

    /// The one kind of windows that is asked for.
    fn windows(&self, time: &TimeOptions) -> Result<Option<Windows>, Failure> {
        let kinds = [
            ("--tumbling", self.tumbling.is_some()),
            ("--hop", self.hop.is_some()),
            ("--cumulate", self.cumulate.is_some()),
            ("--session", self.session.is_some()),
            ("--count", self.count.is_some()),
        ];
        let mut chosen = kinds.iter().filter(|(_, given)| *given).map(|(option, _)| *option);
        let (first, second) = (chosen.next(), chosen.next());
        if let (Some(first), Some(second)) = (first, second) {
            let why = format!("{first} and {second}: windows are of one kind; choose one");
            return Err(Failure::usage(why));
        }
        let Some(kind) = first else {
            let remedy = "without windows; add --tumbling SIZE or another kind, or leave it out";
            let all = [Use::Size, Use::Place, Use::Watermark, Use::Overlap];
            self.refuse(&all, remedy, None)?;
            return Ok(None);
        };
        let frame = || Frame { zone: time.tz.clone(), offset: self.offset.unwrap_or_default() };
        let size = || {
            let missing = || in_option(kind, "how long is a window? add --size SIZE");
            self.size.ok_or_else(missing)
        };
        let windows = if let Some(size) = self.tumbling {
            self.refuse(
                &[Use::Size],
                "with --tumbling, which says the size itself; leave it out",
                None,
            )?;
            Windows::tumbling(size, frame())
        } else if let Some(slide) = self.hop {
            Windows::hop(slide, size()?, frame())
        } else if let Some(step) = self.cumulate {
            Windows::cumulate(step, size()?, frame())
        } else if let Some(gap) = self.session {
            let remedy = "with --session, whose windows begin with a record; leave it out";
            self.refuse(&[Use::Size, Use::Place, Use::Overlap], remedy, Some(time))?;
            Windows::session(gap)
        } else {
            let remedy = "with --count, whose windows have nothing to do with time; leave it out";
            let all = [Use::Size, Use::Time, Use::Place, Use::Watermark, Use::Every, Use::Overlap];
            self.refuse(&all, remedy, Some(time))?;
            Windows::count(self.count.unwrap_or_default())
        };
        windows.map(Some).map_err(|error| in_option(kind, error))
    }

    /// Refuses options that have no use here; those of `time`, too.
    fn refuse(
        &self,
        useless: &[Use],
        why: &str,
        time: Option<&TimeOptions>,
    ) -> Result<(), Failure> {
        let of_time = time.map(|time| {
            let local = time.tz.is_some() && time.time_format.is_none();
            [(Use::Time, "--time", time.time.is_some()), (Use::Place, "--tz", local)]
        });
        let own = [
            (Use::Size, "--size", self.size.is_some()),
            (Use::Place, "--offset", self.offset.is_some()),
            (Use::Watermark, "--allowed-lateness", self.allowed_lateness.is_some()),
            (Use::Watermark, "--idle", self.idle.is_some()),
            (Use::Every, "--every", self.every.is_some()),
            (Use::Overlap, "--expand", self.expand),
        ];
        let mut given = own.into_iter().chain(of_time.into_iter().flatten());
        match given.find(|(of, _, given)| *given && useless.contains(of)) {
            Some((_, option, _)) => Err(Failure::usage(format!("{option} is of no use {why}"))),
            None => Ok(()),
        }
    }
}

/// What options are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Size,
    Time,
    Place,
    Watermark,
    Every,
    Overlap,
}
