//! What is said of records that came too late.

use crate::cli::sides::Sides;
use crate::cli::{Status, message};
use crate::operator::Side;
use crate::operator::late::{Late, Mover, Tally};
use crate::time::Duration;
use crate::time::timestamp::show_ms;

/// The lateness beyond which a wrong time is a likelier cause than disorder.
const DAY_MS: i64 = 86_400_000;

/// A year of 365 days.
const YEAR_MS: i64 = 365 * DAY_MS;

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

/// Reports how many records were late; to drop records, or to leave them out of windows, is not
/// to end with 0.
pub fn conclude(late: &Late, sides: &Sides, waiting: Waiting) -> Status {
    match (tell_dropped(late.dropped(), sides, waiting), tell_missed(late, waiting)) {
        (Status::Done, status) | (status, _) => status,
    }
}

fn tell_dropped(tally: &Tally, sides: &Sides, waiting: Waiting) -> Status {
    let (fate, status) = match sides.kept(Side::Late) {
        _ if tally.count == 0 => return Status::Done,
        Some((path, false)) => (format!("could not be stored in {}", path.display()), Status::Io),
        Some((path, true)) => (format!("stored in {}", path.display()), Status::Done),
        None => ("dropped".to_owned(), Status::Data),
    };
    let mut remedies = Vec::new();
    if status == Status::Data {
        remedies.push(format!("--late FILE stores {}", they(tally)));
    }
    add_remedies(tally, waiting, &mut remedies);
    let (count, remedies) = (tally.count, remedies.join("; "));
    let why = why(tally, if count == 1 { "its window" } else { "their windows" });
    message::note(&format!("{count} late {} {fate}{why}; {remedies}", records(tally)));
    status
}

fn tell_missed(late: &Late, waiting: Waiting) -> Status {
    let tally = late.missed();
    if tally.count == 0 {
        return Status::Done;
    }
    // What holds for all of them was said of those that were dropped.
    let told = late.dropped().count > 0;
    let waiting = if told { Waiting::Here } else { waiting };
    let mut remedies = Vec::new();
    add_remedies(tally, waiting, &mut remedies);
    let (count, remedies) = (tally.count, remedies.join("; "));
    let [records, of] = [records(tally), if count == 1 { "its" } else { "their" }];
    let why = why(tally, "them");
    message::note(&format!(
        "{count} {records} came too late for some of {of} windows{why}; {remedies}"
    ));
    Status::Data
}

fn records(tally: &Tally) -> &'static str {
    if tally.count == 1 { "record" } else { "records" }
}

fn they(tally: &Tally) -> &'static str {
    if tally.count == 1 { "it" } else { "them" }
}

/// By how much they were late, and which record closed `windows`, those that they came for.
fn why(tally: &Tally, windows: &str) -> String {
    let was = if tally.count == 1 { "was" } else { "were" };
    if tally.reported == tally.count {
        return format!(": {windows} {was} reported for an earlier stream of the input");
    }
    if tally.behind_max == Duration::default() {
        return format!(": {windows} {was} closed already");
    }
    let up_to = if tally.count == 1 { "" } else { "up to " };
    let late = format!(", {up_to}{} late", rough(tally.behind_max));
    match &tally.mover_max {
        Some(Mover { time_ms, place: Some(place), .. }) => {
            let time = show_ms(*time_ms);
            format!("{late}: {place} (time {time}) came first and closed {windows}")
        }
        _ => late,
    }
}

fn add_remedies(tally: &Tally, waiting: Waiting, remedies: &mut Vec<String>) {
    if tally.reported == tally.count {
        remedies.push("aggregate the streams separately, or sort their records by time".to_owned());
        return;
    }
    let they = they(tally);
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
    if tally.behind_max.ms() > DAY_MS {
        // So much disorder is rare, and one wrong time is not.
        let wrong = "if a time in the future is wrong, --max-ahead 1d refuses such records";
        remedies.push(format!("{or}{wrong}"));
        or = "else ";
    }
    remedies.push(match tally.behind_max {
        behind if behind == Duration::default() || behind.ms() > DAY_MS => {
            format!("{or}a larger --out-of-order waits for {they}")
        }
        behind => format!("{or}--out-of-order {behind} would have waited for {they}"),
    });
}

/// A duration as people say it: of years, only those count.
fn rough(duration: Duration) -> String {
    match duration.ms() / YEAR_MS {
        0 | 1 => duration.to_string(),
        years => format!("{years} years"),
    }
}
