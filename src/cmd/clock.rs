//! The event time of a record, as `--time`, `--time-unit` and `--time-format` say.

use std::path::PathBuf;

use crate::cli::format_options::FormatOptions;
use crate::cli::keep::Keep;
use crate::cli::pump::in_option;
use crate::cli::{Failure, message};
use crate::expr::Program;
use crate::operator::clock::{Clock, Form, Teller};
use crate::time::event_time::TimeUnit;
use crate::time::{Ambiguous, Duration, LocalClock, TimeFormat, Zone};

/// How far a record may come behind the greatest event time, if nothing else is said: 5 s.
const OUT_OF_ORDER_MS: i64 = 5_000;

/// Where event time comes from, and how far it may be out of order.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Event time")]
pub struct TimeOptions {
    /// The jq expression for a record's event time: an RFC 3339 string, or a number since 1970
    ///
    /// 'arrival' is when a record is read: windows close by the clock, and a second run gives other
    /// results. 'append' is when a record was appended to the topic that subscribe --control
    /// --append-times reads.
    #[arg(long, value_name = "EXPR")]
    pub time: Option<String>,

    /// The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "s|ms|us|ns", requires = "time", conflicts_with = "time_format")]
    pub time_unit: Option<TimeUnit>,

    /// The format of event times, as for strptime: '%d/%b/%Y:%H:%M:%S %z'
    #[arg(long, value_name = "FORMAT", requires = "time")]
    pub time_format: Option<String>,

    /// The time zone of event times that have no offset, and of windows; see [`TimeOptions::settle`].
    #[arg(skip)]
    pub tz: Option<Zone>,

    /// Whether the format of the input has a use for it, too.
    #[arg(skip)]
    pub tz_is_of_format: bool,

    /// How to read a local time that occurs twice when clocks are set back [default: earlier]
    ///
    /// Without this option, a message reports how many such times there were. "reject" treats them
    /// as bad input, and also times that never occur because clocks are set forward.
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "earlier|later|nearest|reject", requires = "tz")]
    pub ambiguous: Option<Ambiguous>,

    /// How far event times may be out of order; a record that is further before the maximum so far is
    /// late [default: 5s]
    #[arg(long, value_name = "D", allow_hyphen_values = true)]
    pub out_of_order: Option<Duration>,

    /// Treat a record as bad input if its time is more than DURATION after the maximum so far
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub max_ahead: Option<Duration>,

    /// Append late records to FILE unchanged, instead of dropping them
    ///
    /// A record that is late for only some of its windows is not written to FILE.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub late: Option<PathBuf>,
}

/// What --tz means to tools that know event times.
pub const TZ: &str =
    "The time zone of event times that have no offset, and of windows: Europe/Berlin, UTC";

impl TimeOptions {
    /// Takes from the format of the input what is not given: the event time, if the tool `wants` one
    /// and all records of the format have it. The time zone is of the format, too.
    ///
    /// # Errors
    /// When an option has no effect, as there is no event time.
    pub fn settle(&mut self, format: &mut FormatOptions, wants: bool) -> Result<(), Failure> {
        format.tz_is_of_tool = true;
        self.tz.clone_from(&format.tz);
        self.tz_is_of_format = format.reads_zone();
        if self.time.is_none() && wants {
            self.time = format.time().map(str::to_owned);
        }
        let given = [
            ("--ambiguous", self.ambiguous.is_some()),
            ("--out-of-order", self.out_of_order.is_some()),
            ("--max-ahead", self.max_ahead.is_some()),
        ];
        match given.iter().find(|(_, given)| *given && self.time.is_none()) {
            Some((option, _)) => Err(in_option(option, "--time is missing; add --time EXPR")),
            None => self.check_teller(),
        }
    }

    /// Who says what time records have, if they do not.
    fn teller(&self) -> Option<Teller> {
        match self.time.as_deref() {
            Some("arrival") => Some(Teller::Arrival),
            Some("append") => Some(Teller::Append),
            _ => None,
        }
    }

    /// Whether the times are not in the records.
    pub fn is_told(&self) -> bool {
        self.teller().is_some()
    }

    /// Whether event time is that of the clock.
    pub fn is_arrival(&self) -> bool {
        self.teller() == Some(Teller::Arrival)
    }

    /// The expression for the event time; where that is not in the records, one that reads nothing.
    pub fn expression(&self) -> Option<&str> {
        self.time.as_deref().map(|time| if self.is_told() { "null" } else { time })
    }

    /// Refuses what has no effect on times that are not in the records.
    fn check_teller(&self) -> Result<(), Failure> {
        let Some(teller) = self.teller() else { return Ok(()) };
        let is_arrival = teller == Teller::Arrival;
        let useless = [
            ("--time-unit", self.time_unit.is_some()),
            ("--time-format", self.time_format.is_some()),
            ("--ambiguous", self.ambiguous.is_some()),
            ("--out-of-order", is_arrival && self.out_of_order.is_some()),
            ("--max-ahead", is_arrival && self.max_ahead.is_some()),
            ("--late", is_arrival && self.late.is_some()),
        ];
        let word = if is_arrival { "arrival" } else { "append" };
        match useless.iter().find(|(_, given)| *given) {
            Some((option, _)) => {
                Err(in_option(option, format!("no effect with --time {word}; leave it out")))
            }
            None => Ok(()),
        }
    }

    /// Refuses files where times are those of the clock: they would have other results each time.
    ///
    /// # Errors
    /// When there are FILEs.
    pub fn check_files(&self, files: &[PathBuf]) -> Result<(), Failure> {
        match files.first().filter(|_| self.is_arrival()) {
            Some(file) => Err(in_option(
                "--time arrival",
                format!(
                    "{}: results would depend on when the file is read, and differ each time; \
                     use a time of the records, as in --time .ts",
                    file.display()
                ),
            )),
            None => Ok(()),
        }
    }

    /// What reads the time of records; `only` tells why none but objects have one.
    ///
    /// # Errors
    /// When there is no expression for it, or a wrong one.
    pub fn clock(&self, only: &'static str) -> Result<Clock, Failure> {
        let missing = "no event time is given; add --time EXPR, as in --time .ts, for a time in \
                       the records; --time arrival for when they are read; or --time append for \
                       when they were appended to a topic";
        let time = self.expression().ok_or_else(|| Failure::usage(missing))?;
        let program = Program::compile(&[time]).map_err(|error| in_option("--time", error))?;
        let ambiguous = self.ambiguous.unwrap_or_default();
        let local = self.tz.clone().map(|zone| LocalClock::new(zone, ambiguous));
        let told = self.ambiguous.is_some();
        let form = match &self.time_format {
            _ if let Some(teller) = self.teller() => Form::of_teller(teller),
            None => Form::known(self.time_unit, local, told),
            Some(format) => {
                let format = TimeFormat::new(format, local);
                Form::described(format.map_err(|error| in_option("--time-format", error))?, told)
            }
        };
        Ok(Clock::new(program, form, only))
    }

    /// How far a record may be ahead of the greatest event time before it; as far as it likes, if
    /// there is no limit.
    ///
    /// # Errors
    /// When no record could be ahead.
    pub fn max_ahead(&self) -> Result<Option<Duration>, Failure> {
        match self.max_ahead {
            Some(most) if most.ms() == 0 => Err(in_option("--max-ahead", "must be longer than 0")),
            most => Ok(most),
        }
    }

    /// How far a record may come behind the greatest event time without being late.
    pub fn out_of_order(&self) -> Duration {
        // What clocks and the log say is in order.
        let most_ms = if self.is_told() { 0 } else { OUT_OF_ORDER_MS };
        self.out_of_order.or(Duration::from_ms(most_ms)).unwrap_or_default()
    }

    /// Where late records are kept, if they are.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn keep_late(&self) -> anyhow::Result<Option<Keep>> {
        let open = |path| Keep::open(path, "late records");
        self.late.as_deref().map(open).transpose()
    }
}

/// Tells what became of odd local times.
pub fn tell_odd_times(notes: &[String]) {
    notes.iter().for_each(|note| message::note(note));
}
