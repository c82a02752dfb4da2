//! The options that say how a stream is windowed: those of `window`, and of `aggregate` where it
//! does the same in its own process.

use super::clock::TimeOptions;
use super::late::Waiting;
use crate::cli::Failure;
use crate::cli::options::InputOptions;
use crate::cli::pump::in_option;
use crate::operator::Window;
use crate::operator::clock::Clock;
use crate::record::control;
use crate::time::{Duration, Shift};
use crate::window::{Carried, Frame, Length, Placing, Progress, Tumbling, WeekStart, Windows};

/// How a stream is windowed.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Windows")]
pub struct WindowingOptions {
    /// Tumbling windows of SIZE, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w, 1mo, 1y
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    tumbling: Option<Length>,

    /// Hopping windows, which overlap: one of --size begins every SLIDE
    #[arg(long, value_name = "SLIDE", allow_hyphen_values = true)]
    hop: Option<Length>,

    /// Cumulating windows, which grow by STEP up to --size; those of a series begin together
    #[arg(long, value_name = "STEP", allow_hyphen_values = true)]
    cumulate: Option<Length>,

    /// The size of windows with --hop and --cumulate
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    size: Option<Length>,

    /// Session windows, ended by GAP without a record; each group has its own, in event time
    #[arg(long, value_name = "GAP", allow_hyphen_values = true)]
    session: Option<Duration>,

    /// Count windows: a group's window holds N records
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// Begin windows later by DURATION, or earlier if it is negative
    ///
    /// Otherwise windows begin at multiples of their size since 1970, at midnight, or with the
    /// week.
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    offset: Option<Shift>,

    /// The first day of the week, for windows of whole weeks [default: monday]
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "DAY")]
    week_start: Option<WeekStart>,

    /// Accept records until the watermark is D after the window's end
    #[arg(long, value_name = "D", allow_hyphen_values = true)]
    allowed_lateness: Option<Duration>,

    /// Emit watermarks also at multiples of this event time, for aggregate --every
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub every: Option<Duration>,

    /// Treat an input or partition as idle after DURATION without a record
    ///
    /// The watermark does not wait for it any longer. If all are idle, it advances with the clock.
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub idle: Option<Duration>,

    /// With --hop and --cumulate: emit each record once for each of its windows
    #[arg(hide_short_help = true)]
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
}

/// Who can wait longer for records that are late, where this is the input.
pub fn waiting(window: &Window, input: &InputOptions) -> Waiting {
    match input.files.is_empty() && !window.is_partitioned() {
        true => Waiting::HereOrByPartition,
        false => Waiting::Here,
    }
}

impl WindowingOptions {
    /// Whether windows of event time are asked for.
    pub fn wants_time(&self) -> bool {
        let by_length = [self.tumbling, self.hop, self.cumulate];
        by_length.iter().any(Option::is_some) || self.session.is_some()
    }

    /// What these options ask for, with the event time of those; nothing, if no windows are asked
    /// for. `--idle` has a use without windows where something else `idles`.
    ///
    /// # Errors
    /// Options that make no sense, or not together.
    pub fn build(&self, time: &TimeOptions, idles: bool) -> Result<Option<Windowed>, Failure> {
        let windows = self.windows(time, idles)?;
        let no_length = |given: Option<Duration>| given == Some(Duration::default());
        if no_length(self.idle) {
            return Err(in_option("--idle", "must be longer than 0"));
        }
        let Some(windows) = windows else { return Ok(None) };
        if no_length(self.every) {
            return Err(in_option("--every", "must be longer than 0"));
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
        if time.is_arrival() && self.idle.is_some() {
            let why = "no effect with --time arrival: windows close by the clock; leave it out";
            return Err(in_option("--idle", why));
        }
        let progress = Progress::new(time.out_of_order()).idling(self.idle);
        let progress = if time.is_arrival() { progress.clocked() } else { progress };
        let placing =
            Placing::new(windows, progress).lenient(allowed_lateness).telling_every(every);
        let placing = placing.guarded(time.max_ahead()?);
        Ok(Some(Windowed { clock, placing, control }))
    }

    /// The one kind of windows that is asked for.
    fn windows(&self, time: &TimeOptions, idles: bool) -> Result<Option<Windows>, Failure> {
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
            let remedy = "without windows; add --tumbling SIZE or another kind, give it to the \
                          window before this tool, or leave it out";
            let all = [Use::Size, Use::Place, Use::Watermark, Use::Overlap, Use::Idle];
            let all = if idles { &all[..4] } else { &all };
            self.refuse(all, remedy, None)?;
            return Ok(None);
        };
        let frame = || Frame {
            zone: time.tz.clone(),
            offset: self.offset.unwrap_or_default(),
            week_start: Some(self.week_start.unwrap_or_default()),
        };
        let begin_with = self.tumbling.or(self.hop).or(self.size);
        if self.week_start.is_some() && begin_with.is_some_and(|length| !length.is_weeks()) {
            let why =
                "it has no effect on windows that are not of whole weeks, like 1w; leave it out";
            return Err(in_option("--week-start", why));
        }
        let size = || {
            let missing = || in_option(kind, "the size of windows is missing; add --size SIZE");
            self.size.ok_or_else(missing)
        };
        let windows = if let Some(size) = self.tumbling {
            self.refuse(
                &[Use::Size],
                "with --tumbling, which sets the size itself; leave it out",
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
            let remedy = "with --count, whose windows do not depend on time; leave it out";
            let all = [
                Use::Size,
                Use::Time,
                Use::Place,
                Use::Watermark,
                Use::Idle,
                Use::Every,
                Use::Overlap,
            ];
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
            [
                (Use::Time, "--time", time.time.is_some()),
                (Use::Time, "--tz", time.tz.is_some() && !time.tz_is_of_format),
            ]
        });
        let own = [
            (Use::Size, "--size", self.size.is_some()),
            (Use::Place, "--offset", self.offset.is_some()),
            (Use::Place, "--week-start", self.week_start.is_some()),
            (Use::Watermark, "--allowed-lateness", self.allowed_lateness.is_some()),
            (Use::Idle, "--idle", self.idle.is_some()),
            (Use::Every, "--every", self.every.is_some()),
            (Use::Overlap, "--expand", self.expand),
        ];
        let mut given = own.into_iter().chain(of_time.into_iter().flatten());
        match given.find(|(of, _, given)| *given && useless.contains(of)) {
            Some((_, option, _)) => Err(Failure::usage(format!("{option} has no effect {why}"))),
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
    Idle,
    Every,
    Overlap,
}
