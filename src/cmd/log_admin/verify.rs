//! `log-admin verify`: checks the files of a log, and repairs them where that is asked for.

use std::cell::Cell;
use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};

use super::list::tell as tell_broken;
use super::table::Table;
use crate::cli::progress::Progress;
use crate::cli::{Failure, Status, message};
use crate::cmd::lock_wait::WaitOptions;
use crate::log::{
    LogError, Repaired, Salvaged, Verified, VerifiedPartition, check_renaming, end_renaming,
    keep_still, open_groups, open_readers, plan_settings, repair, set_group_aside, strays_of,
    topic_names_of,
};
use crate::store::Store;

/// How many ranges of offsets people are told of.
const RANGES_MAX: usize = 20;

/// What to check, and what to do about damage.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The topics to check; all by default
    topic: Vec<String>,

    /// Make damaged topics usable again, and report what is lost; the exit status is still 1
    #[arg(long)]
    repair: bool,

    /// With --repair: report what it would do, and change nothing
    #[arg(long, requires = "repair")]
    dry_run: bool,
}

/// Runs the action.
///
/// # Errors
/// When somebody writes the log, there is no such topic, or files cannot be read or written.
pub fn run(
    dir: &Path,
    options: &Options,
    wait: WaitOptions,
    table: &mut Table,
) -> anyhow::Result<Status> {
    if Store::open(dir)?.is_served() {
        let why = format!("{}: log-serve writes here; stop it first", dir.display());
        return Err(Failure::new(Status::TryAgain, why).into());
    }
    let still = keep_still(dir)?;
    let names = if options.topic.is_empty() { topic_names_of(dir)? } else { options.topic.clone() };
    let progress = Progress::of(stored_bytes(dir, &names));
    let mut check = Check {
        dir,
        options,
        table,
        status: Status::Done,
        damaged: Vec::new(),
        read: Cell::new(0),
        progress,
    };
    for name in &names {
        check.topic(name)?;
    }
    check.progress = None;
    let (mut groups, mut is_renaming_damaged) = (Vec::new(), false);
    if options.topic.is_empty() {
        groups = check.groups()?;
        is_renaming_damaged = check.renaming()?;
        for stray in strays_of(dir)? {
            message::note(&format!("{}: not a topic; not changed", stray.display()));
        }
    }
    let Check { status, damaged, .. } = check;
    if options.repair && !options.dry_run {
        drop(still);
        for topic in damaged {
            // One by one: what was repaired before is told in any case.
            let repaired = wait.retry_or_tell(|| Ok(repair(dir, &topic)?))?;
            tell(&topic, &repaired, table);
        }
        for group in groups {
            let aside = wait.retry_or_tell(|| Ok(set_group_aside(dir, &group)?))?;
            message::note(&format!(
                "{group}: this group's committed offsets are lost, its file is kept as {}; log-admin \
                 reset sets where it resumes",
                aside.display()
            ));
        }
        if is_renaming_damaged {
            let aside = wait.retry_or_tell(|| Ok(end_renaming(dir)?))?;
            message::note(&format!(
                "a topic was being renamed, and it is not known which: log-admin list shows whether \
                 it has its old name or its new one; the damaged file is kept as {}",
                aside.display()
            ));
        }
    }
    Ok(status)
}

/// A check of a log under way.
struct Check<'a> {
    dir: &'a Path,
    options: &'a Options,
    table: &'a mut Table,
    status: Status,
    /// The topics that are damaged.
    damaged: Vec<String>,
    /// How many bytes of records were read, and who shows that.
    read: Cell<u64>,
    progress: Option<Progress>,
}

/// How many bytes the topics have, as far as that can be told.
fn stored_bytes(dir: &Path, names: &[String]) -> u64 {
    let of_topic = |name: &String| -> Option<u64> {
        let readers = open_readers(dir, std::slice::from_ref(name)).ok()?;
        let partitions = readers.first()?.0.partition_stats().ok()?;
        Some(partitions.iter().map(|one| one.bytes).sum())
    };
    names.iter().filter_map(of_topic).sum()
}

impl Check<'_> {
    /// Whether to tell what a repair would do.
    fn plans(&self) -> bool {
        self.options.repair && self.options.dry_run
    }

    /// Checks a topic. One that cannot be read is told of, and hides no other.
    fn topic(&mut self, name: &str) -> anyhow::Result<()> {
        let opened = open_readers(self.dir, &[name.to_owned()]);
        let tell = |bytes: u64| {
            self.read.set(self.read.get() + bytes);
            self.progress.iter().for_each(|progress| progress.tell(self.read.get()));
        };
        let verified = opened.and_then(|readers| {
            readers.first().map(|(reader, _)| reader.verify_telling(&tell)).transpose()
        });
        match verified {
            Ok(Some(verified)) => {
                if verified.is_damaged() {
                    self.note_damaged(name);
                }
                tabulate(name, &verified, self.plans(), self.table);
            }
            Err(LogError::BadFile { path, why }) => {
                self.note_damaged(name);
                let mut state = format!("{}: {why}", path.display());
                if self.plans() {
                    let planned = plan_settings(self.dir, name);
                    let outcome = planned.map_or_else(|it| it.to_string(), |it| settings_left(&it));
                    state = format!("{state}; after a repair: {outcome}");
                }
                row_of_topic(name, &state, self.table);
            }
            Ok(None) => return Err(LogError::UnknownTopic { topic: name.to_owned() }.into()),
            Err(error @ LogError::UnknownTopic { .. }) => return Err(error.into()),
            Err(error) => {
                self.status = tell_broken(name, &error.into(), self.status);
            }
        }
        Ok(())
    }

    fn note_damaged(&mut self, name: &str) {
        self.status = Status::No;
        self.damaged.push(name.to_owned());
    }

    /// Checks what groups have committed; gives those whose file is damaged.
    fn groups(&mut self) -> anyhow::Result<Vec<String>> {
        let mut damaged = Vec::new();
        for (name, opened) in open_groups(self.dir)? {
            match opened {
                Ok(_) => {}
                Err(LogError::BadFile { path, why }) => {
                    self.status = Status::No;
                    let mut state = format!("{}: {why}", path.display());
                    if self.plans() {
                        state += "; after a repair: the group has no committed offsets";
                    }
                    row_of_topic("-", &state, self.table);
                    damaged.push(name);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(damaged)
    }

    /// Checks what is written down of a rename that was interrupted; whether it is damaged.
    fn renaming(&mut self) -> anyhow::Result<bool> {
        match check_renaming(self.dir) {
            Ok(()) => Ok(false),
            Err(LogError::BadFile { path, why }) => {
                self.status = Status::No;
                let mut state = format!("{}: {why}; no topic can be created", path.display());
                if self.plans() {
                    state += "; after a repair: groups forget what they have committed under names \
                              that no topic has";
                }
                row_of_topic("-", &state, self.table);
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }
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
            ("lost", if table.is_json() { ranges(&one.lost) } else { json!(spell(&one.lost)) }),
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
    let mut kept = "ok: every acknowledged record exists".to_owned();
    if let Some(path) = &one.quarantine {
        kept += &format!(
            ", except those that a repair lost; it moved the damaged files to {}",
            path.display()
        );
    }
    match one.unacknowledged {
        0 => kept,
        1 => format!("{kept}; 1 batch that was never acknowledged follows the end"),
        many => format!("{kept}; {many} batches that were never acknowledged follow the end"),
    }
}

/// What is known of settings that were made anew.
fn settings_left(salvaged: &Salvaged) -> String {
    let partitions = salvaged.settings.partitions;
    let kept = match salvaged.kept.is_empty() {
        true => "no setting".to_owned(),
        false => salvaged.kept.join(", "),
    };
    let mut told = format!(
        "it has the {partitions} partitions whose directories exist; kept as they were in the damaged \
         file: {kept}; check them with log-admin describe"
    );
    if salvaged.is_partial {
        told += "; other settings may be lost: until log-admin alter sets readers and writers, \
                 only root and the log's owner may read or append if those were not kept";
        if salvaged.settings.key.is_none() {
            told += "; if it had a key, write that into topic.json by hand before anything is \
                     appended (see docs/FORMAT.md)";
        }
    }
    told
}

/// Says on stderr what a repair did: never in silence.
fn tell(topic: &str, repaired: &Repaired, table: &mut Table) {
    if let Some(salvaged) = &repaired.settings {
        message::note(&format!("{topic}: repaired: {}", settings_left(salvaged)));
    }
    for one in repaired.found.partitions.iter().filter(|one| !one.damage.is_empty()) {
        message::note(&format!("{topic}/{}: repaired: {}", one.partition, outcome(one)));
    }
    if repaired.nameless_producers > 0 {
        message::note(&format!(
            "{topic}: the names of {} producers are lost: batches that they send again are not recognised",
            repaired.nameless_producers
        ));
    }
    for path in &repaired.quarantined {
        message::note(&format!(
            "{topic}: the damaged file is kept as {}; its intact lines can be appended again",
            path.display()
        ));
    }
    row_of_topic(topic, "repaired", table);
}

/// What a repair leaves of a partition.
fn outcome(one: &VerifiedPartition) -> String {
    let mut lost = match spell(&one.lost) {
        None if one.is_untold => "it is not known how many records are lost".to_owned(),
        None => "no record is lost".to_owned(),
        Some(ranges) => format!("the records at {ranges} are lost, and are empty lines now"),
    };
    if one.is_untold && !one.lost.is_empty() {
        lost += ", and perhaps more after them";
    }
    match spell(&one.rebuilt) {
        None => lost,
        Some(ranges) => format!(
            "{lost}; those at {ranges} were rebuilt from their lines, with estimated append times and \
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
    let mut all = spelled.take(RANGES_MAX).collect::<Vec<_>>().join(", ");
    if ranges.len() > RANGES_MAX {
        all += &format!(" and {} further ranges", ranges.len() - RANGES_MAX);
    }
    (!all.is_empty()).then_some(all)
}

fn ranges(ranges: &[Range<u64>]) -> Value {
    ranges.iter().map(|range| json!([range.start, range.end])).collect()
}
