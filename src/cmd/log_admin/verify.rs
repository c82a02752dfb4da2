//! `log-admin verify`: checks the files of a log, and repairs them where that is asked for.

use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};

use super::table::Table;
use crate::cli::{Failure, Status, message};
use crate::log::{Repaired, Verified, VerifiedPartition, keep_still, open_readers, repair};
use crate::wire::client::Client;

/// What to check, and what to do about damage.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The topics to check; all if none is named
    topic: Vec<String>,

    /// Make damaged topics usable again, and tell what of them is lost; exit status 1 all the same
    #[arg(long)]
    repair: bool,

    /// With --repair: tell what it would do, and change nothing
    #[arg(long, requires = "repair")]
    dry_run: bool,
}

/// Runs the action.
///
/// # Errors
/// When somebody writes the log, there is no such topic, or files cannot be read or written.
pub fn run(dir: &Path, options: &Options, table: &mut Table) -> anyhow::Result<Status> {
    if Client::connect(dir)?.is_some() {
        let why = format!("{}: log-serve is writing here; stop it first", dir.display());
        return Err(Failure::new(Status::TryAgain, why).into());
    }
    let mut status = Status::Done;
    let still = keep_still(dir)?;
    let readers = open_readers(dir, &options.topic)?;
    let mut damaged = Vec::new();
    for (reader, _) in readers {
        let verified = reader.verify()?;
        if verified.is_damaged() {
            status = Status::No;
            damaged.push(reader.topic().to_owned());
        }
        let repairs = options.repair && options.dry_run;
        tabulate(reader.topic(), &verified, repairs, table);
    }
    if options.repair && !options.dry_run {
        drop(still);
        for topic in damaged {
            tell(&topic, &repair(dir, &topic)?, table);
        }
    }
    Ok(status)
}

/// A row for each partition.
fn tabulate(topic: &str, verified: &Verified, repairs: bool, table: &mut Table) {
    for one in &verified.partitions {
        let mut state = state(one);
        if repairs && !one.damage.is_empty() {
            state = format!("{state}; after a repair: {}", outcome(one));
        }
        table.row(&[
            ("topic", json!(topic)),
            ("partition", json!(one.partition)),
            ("segments", json!(one.segments)),
            ("records", json!(one.records)),
            ("bytes", json!(one.bytes)),
            ("unacknowledged", json!(one.unacknowledged)),
            ("lost", ranges(&one.lost)),
            ("state", json!(state)),
        ]);
    }
    if !verified.producers.is_empty() {
        row_of_topic(topic, &format!("damaged: {}", verified.producers.join("; ")), table);
    }
}

fn row_of_topic(topic: &str, state: &str, table: &mut Table) {
    table.row(&[
        ("topic", json!(topic)),
        ("partition", Value::Null),
        ("segments", Value::Null),
        ("records", Value::Null),
        ("bytes", Value::Null),
        ("unacknowledged", Value::Null),
        ("lost", Value::Null),
        ("state", json!(state)),
    ]);
}

/// A partition's state in words: which promise was kept.
fn state(one: &VerifiedPartition) -> String {
    if !one.damage.is_empty() {
        let damage = one.damage.iter().map(|(offset, why)| format!("damaged at {offset}: {why}"));
        return damage.collect::<Vec<_>>().join("; ");
    }
    let kept = "ok: every acknowledged record is there";
    match one.unacknowledged {
        0 => kept.to_owned(),
        1 => format!("{kept}; 1 batch that was never acknowledged lies behind the end"),
        many => format!("{kept}; {many} batches that were never acknowledged lie behind the end"),
    }
}

/// Says on stderr what a repair did: never in silence.
fn tell(topic: &str, repaired: &Repaired, table: &mut Table) {
    for one in repaired.found.partitions.iter().filter(|one| !one.damage.is_empty()) {
        message::note(&format!("{topic}/{}: repaired: {}", one.partition, outcome(one)));
    }
    if repaired.nameless_producers > 0 {
        message::note(&format!(
            "{topic}: the names of {} producers are lost: what they send again is not recognised",
            repaired.nameless_producers
        ));
    }
    for path in &repaired.quarantined {
        message::note(&format!("{topic}: what was damaged is kept as {}", path.display()));
    }
    row_of_topic(topic, "repaired", table);
}

/// What a repair leaves of a partition.
fn outcome(one: &VerifiedPartition) -> String {
    let lost = match spell(&one.lost) {
        None => "no record is lost".to_owned(),
        Some(ranges) => format!("the records at {ranges} are lost, empty lines now"),
    };
    match spell(&one.rebuilt) {
        None => lost,
        Some(ranges) => format!(
            "{lost}; those at {ranges} are kept by their lines, with estimated append times and \
             without producers' sequences"
        ),
    }
}

/// Offsets as a person reads them; `None` for none.
fn spell(ranges: &[Range<u64>]) -> Option<String> {
    let spelled = ranges.iter().map(|range| match range.end - range.start {
        1 => range.start.to_string(),
        _ => format!("{} to {}", range.start, range.end - 1),
    });
    let all = spelled.collect::<Vec<_>>().join(", ");
    (!all.is_empty()).then_some(all)
}

fn ranges(ranges: &[Range<u64>]) -> Value {
    ranges.iter().map(|range| json!([range.start, range.end])).collect()
}
