//! A replay at a pace: the same records, only later.

use std::str::FromStr;
use std::time::{Duration, Instant};

use super::Options;
use crate::api::reading::Chunk;
use crate::cli::input::{StopReason, Watch};
use crate::cli::{Failure, message};
use crate::operator::clock::Clock;
use crate::sys::clock::now_us;
use crate::time::pace::{Pace, Schedule};

/// How long it waits at once.
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// How fast records are replayed.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Range")]
pub struct PaceOptions {
    /// Replay as the records came, N times as fast: 10x, 0.5x
    ///
    /// The time between two records is that between their append times, or what --time reads,
    /// divided by N. With -f, new records are printed as they come once the replay has met them.
    #[arg(
        long, value_name = "Nx", conflicts_with_all = ["rate", "group"],
        allow_hyphen_values = true
    )]
    speed: Option<Speed>,

    /// Print at most N records a second (or N/m, N/h), evenly
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "N/s", conflicts_with = "group", allow_hyphen_values = true)]
    rate: Option<Rate>,

    /// With --speed, never wait longer than DURATION between two records
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "DURATION", requires = "speed", default_value = "5s")]
    max_gap: crate::time::Duration,
}

/// A factor, as in `10x`.
#[derive(Clone, Copy, Debug)]
struct Speed(f64);

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Speed, String> {
        let number = text.strip_suffix(['x', 'X']).unwrap_or(text);
        positive(number).map(Speed).ok_or_else(|| "write it like 10x, 1x or 0.5x".to_owned())
    }
}

/// Records a second, as in `500/s`.
#[derive(Clone, Copy, Debug)]
struct Rate(f64);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
        let seconds = match unit.trim() {
            "s" | "sec" | "second" => 1.0,
            "m" | "min" | "minute" => 60.0,
            "h" | "hour" => 3600.0,
            _ => 0.0,
        };
        let rate = positive(number.trim()).map(|number| number / seconds);
        let rate = rate.filter(|rate| rate.is_normal());
        rate.map(Rate).ok_or_else(|| "write it like 500/s, 30/m or 1000/h".to_owned())
    }
}

fn positive(number: &str) -> Option<f64> {
    number.parse().ok().filter(|number: &f64| number.is_normal() && *number > 0.0)
}

impl PaceOptions {
    /// Whether the times of records have a use.
    pub fn takes_times(&self) -> bool {
        self.speed.is_some()
    }

    fn pace(&self) -> Option<Pace> {
        let gap_max = Duration::from_millis(u64::try_from(self.max_gap.ms()).unwrap_or(0));
        let speed = self.speed.map(|Speed(factor)| Pace::Speed { factor, gap_max });
        speed.or(self.rate.map(|Rate(rate)| Pace::Rate(rate)))
    }
}

/// Why the printing ended within a run.
pub enum Ended {
    /// All that was asked for is printed.
    Complete,
    /// The reader of the output has closed it.
    Unread,
    /// The tool is to stop.
    Halt(StopReason),
}

/// Gives records on when they are due.
pub struct Paced {
    schedule: Option<Schedule>,
    clock: Option<Clock>,
    begun: Instant,
    /// When all that had been read was printed, in µs since the epoch: what was appended later is
    /// new, and not replayed.
    printed_us: i64,
    /// Records in which there was no time to read.
    timeless: u64,
}

impl Paced {
    /// As the user asks for.
    ///
    /// # Errors
    /// When --time is no expression.
    pub fn new(options: &Options) -> Result<Paced, Failure> {
        let (clock, _) = options.times.clock_if_asked()?;
        Ok(Paced {
            schedule: options.pace.pace().map(Schedule::new),
            clock,
            begun: Instant::now(),
            printed_us: i64::MAX,
            timeless: 0,
        })
    }

    /// Whether records are to come later than they can.
    pub fn is_asked(&self) -> bool {
        self.schedule.is_some()
    }

    /// Gives a run to `print` in parts, each when it is due, until one of them ends it.
    ///
    /// # Errors
    /// Those of `print`; and when the kernel refuses to wait.
    pub fn each(
        &mut self,
        chunk: &Chunk,
        bytes: &[u8],
        watch: &Watch,
        mut print: impl FnMut(&Chunk, &[u8]) -> anyhow::Result<Option<Ended>>,
    ) -> anyhow::Result<Option<Ended>> {
        if self.schedule.is_none() {
            return print(chunk, bytes);
        }
        let mut part = Part::of(chunk);
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        for (line, time_us) in lines.zip(chunk.append_times()) {
            // An empty line stands for a record that compaction took away.
            if line != b"\n" {
                let due = self.due(line, time_us);
                while let Some(left) = due.checked_sub(self.begun.elapsed())
                    && !left.is_zero()
                {
                    if let Some(ended) = part.print(bytes, &mut print)? {
                        return Ok(Some(ended));
                    }
                    if let Some(halt) = watch.pause(left.min(PAUSE_MAX))? {
                        return Ok(Some(Ended::Halt(halt)));
                    }
                }
            }
            part.take(line, time_us);
        }
        let ended = part.print(bytes, &mut print);
        self.printed_us = now_us();
        ended
    }

    /// When a record is due, since the replay began.
    fn due(&mut self, line: &[u8], appended_us: i64) -> Duration {
        let now = self.begun.elapsed();
        let Some(schedule) = &mut self.schedule else { return now };
        let time_us = match &mut self.clock {
            None => Some(appended_us),
            Some(clock) => {
                let record = line.strip_suffix(b"\n").unwrap_or(line);
                let read = clock.read(record).ok().map(|ms| ms.saturating_mul(1000));
                self.timeless += u64::from(read.is_none());
                read
            }
        };
        match appended_us >= self.printed_us {
            true => schedule.next_live(time_us, now),
            false => schedule.next(time_us, now),
        }
    }

    /// Prints what there is to say at the end.
    pub fn finish(&self) {
        if self.timeless > 0 {
            let records = if self.timeless == 1 { "record" } else { "records" };
            message::note(&format!(
                "{} {records} without a time that --time can read: printed with the one before",
                self.timeless
            ));
        }
    }
}

/// The records of a run that are due and not printed yet.
struct Part {
    chunk: Chunk,
    /// How many bytes of the run were printed.
    printed: usize,
}

impl Part {
    /// Nothing of it yet.
    fn of(run: &Chunk) -> Part {
        Part { chunk: Chunk { records: 0, bytes: 0, batches: Vec::new(), ..*run }, printed: 0 }
    }

    fn take(&mut self, line: &[u8], time_us: i64) {
        self.chunk.add(line.len() as u64, time_us);
    }

    /// Prints it, if there is anything, and goes on after it.
    fn print(
        &mut self,
        run: &[u8],
        print: &mut impl FnMut(&Chunk, &[u8]) -> anyhow::Result<Option<Ended>>,
    ) -> anyhow::Result<Option<Ended>> {
        if self.chunk.records == 0 {
            return Ok(None);
        }
        let end = self.printed + usize::try_from(self.chunk.bytes).unwrap_or(usize::MAX);
        let bytes = run.get(self.printed..end).unwrap_or_default();
        let ended = print(&self.chunk, bytes)?;
        self.printed = end;
        self.chunk.offset += self.chunk.records;
        (self.chunk.records, self.chunk.bytes) = (0, 0);
        self.chunk.batches.clear();
        Ok(ended)
    }
}
