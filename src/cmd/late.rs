//! Records that come too late: kept or dropped, counted, and told.

use crate::cli::keep::Keep;
use crate::cli::pump::Context;
use crate::cli::{Status, message};
use crate::time::Duration;
use crate::time::timestamp::show_ms;

/// The lateness beyond which a wrong time is a likelier cause than disorder.
const DAY_MS: i64 = 86_400_000;

/// A year of 365 days.
const YEAR_MS: i64 = 365 * DAY_MS;

/// What becomes of late records.
#[derive(Default)]
pub struct Late {
    keep: Option<Keep>,
    /// Lines on their way into the file.
    pending: Vec<u8>,
    /// Whether they could not be written there.
    failed: bool,
    /// Records that no window took.
    dropped: Tally,
    /// Records that only some of their windows took.
    missed: Tally,
    /// The record that last moved the watermark past the end of a window, if a record did.
    mover: Option<Mover>,
    /// Whether the file that it is in has ended.
    left: bool,
}

/// How many records were late, and by how much.
#[derive(Default)]
struct Tally {
    count: u64,
    /// How many of them had a window that was reported before their stream began.
    reported: u64,
    behind_max: Duration,
    /// What was [`Late::mover`] for the record that was late by most.
    mover_max: Option<Mover>,
}

/// Why a record is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is so far behind the greatest event time.
    Behind(Duration),
    /// Its window is closed; by how much it is late is not known here.
    Closed,
    /// Its window had results in a stream that came before its own.
    Reported,
}

/// What those who wait for records longer can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The tool itself waits for them.
    Here,
    /// The tool itself does, and the records may be of partitions that nobody tells apart.
    HereOrByPartition,
    /// The `window` before it does.
    InWindow,
}

#[derive(Clone, Debug)]
struct Mover {
    line: u64,
    time_ms: i64,
    /// Where the line is, once that has been asked for.
    place: Option<String>,
}

impl Late {
    /// Late records are dropped, or go to this file.
    pub fn new(keep: Option<Keep>) -> Late {
        Late { keep, ..Late::default() }
    }

    /// The watermark has passed the end of a window: because of the record of this line and time,
    /// or without one.
    pub fn moved(&mut self, by: Option<(u64, i64)>) {
        self.mover = by.map(|(line, time_ms)| Mover { line, time_ms, place: None });
    }

    /// The file in hand has ended; lines are those of the next one.
    pub fn leave_file(&mut self) {
        self.left = true;
    }

    /// Takes a late record.
    pub fn take(&mut self, record: &[u8], cause: Cause) {
        self.dropped.add(cause, self.mover.as_ref());
        if self.keep.is_some() {
            self.pending.extend_from_slice(record);
            self.pending.push(b'\n');
        }
    }

    /// Notes that a record went into some of its windows only, since others were closed.
    pub fn miss(&mut self, cause: Cause) {
        self.missed.add(cause, self.mover.as_ref());
    }

    /// Writes what was taken into the file, and notes the places of the records that matter while
    /// their input is open.
    ///
    /// # Errors
    /// When writing fails.
    pub fn flush(&mut self, cx: &Context) -> anyhow::Result<()> {
        let left = std::mem::take(&mut self.left);
        let tallied = self.dropped.mover_max.iter_mut().chain(&mut self.missed.mover_max);
        let movers = self.mover.iter_mut().filter(|_| left).chain(tallied);
        for mover in movers.filter(|mover| mover.place.is_none()) {
            mover.place = Some(cx.place(mover.line));
        }
        match &mut self.keep {
            Some(keep) if !self.pending.is_empty() => {
                let written = keep.write(&self.pending);
                self.pending.clear();
                self.failed |= written.is_err();
                written
            }
            _ => Ok(()),
        }
    }

    /// Reports how many records were late; to drop records, or to leave them out of windows, is not
    /// to end with 0.
    pub fn conclude(&self, waiting: Waiting) -> Status {
        match (self.tell_dropped(waiting), self.tell_missed(waiting)) {
            (Status::Done, status) | (status, _) => status,
        }
    }

    fn tell_dropped(&self, waiting: Waiting) -> Status {
        let (fate, status) = match &self.keep {
            _ if self.dropped.count == 0 => return Status::Done,
            Some(keep) if self.failed => {
                (format!("could not be stored in {}", keep.path().display()), Status::Io)
            }
            Some(keep) => (format!("stored in {}", keep.path().display()), Status::Done),
            None => ("dropped".to_owned(), Status::Data),
        };
        let tally = &self.dropped;
        let mut remedies = Vec::new();
        if status == Status::Data {
            remedies.push(format!("--late FILE stores {}", tally.they()));
        }
        tally.remedies(waiting, &mut remedies);
        let (count, remedies) = (tally.count, remedies.join("; "));
        let why = tally.why(if count == 1 { "its window" } else { "their windows" });
        message::note(&format!("{count} late {} {fate}{why}; {remedies}", tally.records()));
        status
    }

    fn tell_missed(&self, waiting: Waiting) -> Status {
        let tally = &self.missed;
        if tally.count == 0 {
            return Status::Done;
        }
        // What holds for all of them was said of those that were dropped.
        let told = self.dropped.count > 0;
        let waiting = if told { Waiting::Here } else { waiting };
        let mut remedies = Vec::new();
        tally.remedies(waiting, &mut remedies);
        let (count, remedies) = (tally.count, remedies.join("; "));
        let [records, of] = [tally.records(), if count == 1 { "its" } else { "their" }];
        let why = tally.why("them");
        message::note(&format!(
            "{count} {records} came too late for some of {of} windows{why}; {remedies}"
        ));
        Status::Data
    }
}

impl Tally {
    fn add(&mut self, cause: Cause, mover: Option<&Mover>) {
        self.count += 1;
        match cause {
            Cause::Behind(behind) if behind > self.behind_max => {
                self.behind_max = behind;
                self.mover_max = mover.cloned();
            }
            Cause::Reported => self.reported += 1,
            _ => {}
        }
    }

    fn records(&self) -> &'static str {
        if self.count == 1 { "record" } else { "records" }
    }

    fn they(&self) -> &'static str {
        if self.count == 1 { "it" } else { "them" }
    }

    /// By how much they were late, and which record closed `windows`, those that they came for.
    fn why(&self, windows: &str) -> String {
        let was = if self.count == 1 { "was" } else { "were" };
        if self.reported == self.count {
            return format!(": {windows} {was} reported for an earlier stream of the input");
        }
        if self.behind_max == Duration::default() {
            return format!(": {windows} {was} closed already");
        }
        let up_to = if self.count == 1 { "" } else { "up to " };
        let late = format!(", {up_to}{} late", rough(self.behind_max));
        match &self.mover_max {
            Some(Mover { time_ms, place: Some(place), .. }) => {
                let time = show_ms(*time_ms);
                format!("{late}: {place} (time {time}) came first and closed {windows}")
            }
            _ => late,
        }
    }

    fn remedies(&self, waiting: Waiting, remedies: &mut Vec<String>) {
        if self.reported == self.count {
            remedies
                .push("aggregate the streams separately, or sort their records by time".to_owned());
            return;
        }
        let they = self.they();
        if waiting == Waiting::InWindow {
            let window = "give the window before this tool a larger --out-of-order";
            remedies.push(format!("{window}, which waits for {they}"));
            return;
        }
        let mut or = "";
        if waiting == Waiting::HereOrByPartition {
            let several = "if they are of several partitions of a topic, subscribe --control";
            remedies.push(format!("{several} gives each a watermark of its own"));
            or = "else ";
        }
        if self.behind_max.ms() > DAY_MS {
            // So much disorder is rare, and one wrong time is not.
            let wrong = "if a time in the future is wrong, --max-ahead 1d refuses such records";
            remedies.push(format!("{or}{wrong}"));
            or = "else ";
        }
        remedies.push(match self.behind_max {
            behind if behind == Duration::default() || behind.ms() > DAY_MS => {
                format!("{or}a larger --out-of-order waits for {they}")
            }
            behind => format!("{or}--out-of-order {behind} would have waited for {they}"),
        });
    }
}

/// A duration as people say it: of years, only those count.
fn rough(duration: Duration) -> String {
    match duration.ms() / YEAR_MS {
        0 | 1 => duration.to_string(),
        years => format!("{years} years"),
    }
}
