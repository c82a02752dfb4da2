//! An input that goes to several topics, on a disk that crashes at every step, while it grows: each
//! topic gets its records once and in order, as `produce --topic-by` appends them. With files that
//! are resumed, one topic is the home topic and keeps where the file was left; with a named producer,
//! the input is read from its beginning each time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::{Identity, Log, LogError, Settings, Topic};

pub(super) const HOME: &str = "home";
pub(super) const OTHERS: [&str; 3] = ["a", "b", "c"];
/// What stands in the place of a position before which nothing was read.
pub(super) const BEGUN: u64 = 1;
/// How many records the input has more in each life, and how many are read together then.
const MORE: u64 = 7;
const READ: [u64; 3] = [3, 5, 4];

#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Files,
    Name,
    /// As by files, but for the order in which topics are told: a fault.
    HomeFirst,
}

/// The topic of a record.
fn topic_of(record: u64) -> &'static str {
    match record * record % 11 % 4 {
        3 => HOME,
        other => OTHERS[other as usize],
    }
}

/// How many records of each topic were acknowledged.
type Acknowledged = BTreeMap<&'static str, usize>;

pub(super) fn open(disk: &Simulated) -> Result<Log, LogError> {
    Log::open_on(Arc::new(disk.clone()), Path::new("/"))
}

pub(super) fn append(
    topic: &Topic,
    records: &[u64],
    name: &str,
    after: Option<u64>,
    sequence: u64,
) -> Result<(), LogError> {
    let lines = records.iter().flat_map(|record| format!("{record}\n").into_bytes()).collect();
    let identity = Identity { producer: name.to_owned(), after, sequence };
    topic.append(vec![topic.prepare(lines, Some(identity))?]).remove(0)?;
    Ok(())
}

/// Appends what the input has more than the log, until something fails.
fn live(disk: &Simulated, by: By, life: u64, done: &mut Acknowledged) -> Result<(), LogError> {
    let log = open(disk)?;
    let mut settings = Settings::new(1, None);
    // Some records are appended between two segments.
    settings.segment_bytes = 12;
    let (end, step) = (life * MORE, READ[life as usize % READ.len()]);
    let name = if by == By::Name { "p" } else { "file:1@home" };
    let home = match by {
        By::Name => None,
        _ => Some(log.create(HOME, &settings)?),
    };
    let mut at = 0;
    if let Some(home) = &home {
        let held = home.producer("file:1")?;
        if held.is_none() {
            append(home, &[], "file:1", Some(0), BEGUN)?;
        }
        at = held.unwrap_or(BEGUN) - BEGUN;
    }
    while at < end {
        let to = (at + step).min(end);
        let of = |wanted: &str, from: u64| -> Vec<u64> {
            (at..to).filter(|record| topic_of(*record) == wanted && *record >= from).collect()
        };
        let tell_home = |done: &mut Acknowledged| {
            let Some(home) = &home else { return Ok(()) };
            let records = of(HOME, 0);
            append(home, &records, "file:1", Some(at + BEGUN), to + BEGUN)?;
            *done.entry(HOME).or_default() += records.len();
            Ok::<_, LogError>(())
        };
        if by == By::HomeFirst {
            tell_home(done)?;
        }
        for wanted in OTHERS.into_iter().chain(home.is_none().then_some(HOME)) {
            if of(wanted, 0).is_empty() {
                continue;
            }
            let topic = log.create(wanted, &settings)?;
            let held = topic.producer(name)?.unwrap_or(0);
            let records = of(wanted, held.saturating_sub(BEGUN));
            if let Some(last) = records.last() {
                // A named producer stands behind the last record that a topic got.
                let (after, sequence) = match by {
                    By::Name => (Some(held), last + 1 + BEGUN),
                    _ => (None, to + BEGUN),
                };
                append(&topic, &records, name, after, sequence)?;
                *done.entry(wanted).or_default() += records.len();
            }
        }
        if by == By::Files {
            tell_home(done)?;
        }
        at = to;
    }
    drop(home);
    log.close()
}

/// The records of a topic; none if it does not exist.
pub(super) fn held(disk: &Simulated, name: &str) -> Result<Vec<u64>, String> {
    open(disk).and_then(|log| held_in(&log, name)).map_err(|error| error.to_string())
}

fn held_in(log: &Log, name: &str) -> Result<Vec<u64>, LogError> {
    let topic = match log.topic(name) {
        Err(LogError::UnknownTopic { .. }) => return Ok(Vec::new()),
        topic => topic?,
    };
    let reader = topic.reader();
    let mut cursor = reader.cursor(reader.added_since(0)?)?;
    let (mut bytes, mut part) = (Vec::new(), Vec::new());
    while cursor.next(1 << 10, &mut part)?.is_some() {
        bytes.append(&mut part);
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Opens what a crash left: each topic has a beginning of its records, and all that is acknowledged.
fn check(disk: &Simulated, done: &mut Acknowledged) -> Result<(), String> {
    let fail = |error: LogError| error.to_string();
    let log = open(disk).map_err(fail)?;
    for name in OTHERS.into_iter().chain([HOME]) {
        let acknowledged = done.get(name).copied().unwrap_or(0);
        let held = held_in(&log, name).map_err(|error| error.to_string())?;
        let wanted = (0..).filter(|record| topic_of(*record) == name).take(held.len());
        if held.len() < acknowledged || !wanted.eq(held.iter().copied()) {
            return Err(format!("{name} has {held:?}, and {acknowledged} were acknowledged"));
        }
        done.insert(name, held.len());
    }
    Ok(())
}

fn three_lives(broken: BrokenPromise, by: By, seed: u64, steps: [u64; 2]) -> Result<(), String> {
    let mut random = Random::new(seed);
    let (mut disk, mut done) = (Simulated::new(broken), Acknowledged::new());
    for (life, step) in (1..).zip(steps) {
        disk.crash_at(step);
        // The crash is what ends it; what it was in the middle of does not matter.
        let _ = live(&disk, by, life, &mut done);
        disk = disk.after_crash(&mut random);
        check(&disk, &mut done)?;
    }
    live(&disk, by, 3, &mut done).map_err(|error| error.to_string())?;
    check(&disk, &mut done)?;
    let all: usize = done.values().sum();
    if all as u64 == 3 * MORE { Ok(()) } else { Err(format!("of {} there are {all}", 3 * MORE)) }
}

fn steps_of_a_life(by: By) -> u64 {
    let disk = Simulated::new(BrokenPromise::None);
    live(&disk, by, 1, &mut Acknowledged::new()).unwrap();
    disk.steps()
}

#[test]
fn each_topic_gets_all_once_after_a_crash_at_any_step() {
    for by in [By::Files, By::Name] {
        let steps = steps_of_a_life(by);
        assert!(steps > 50, "{steps}");
        for first in 1..=steps + 1 {
            for seed in seeds(2) {
                let second = Random::new(seed ^ first << 8).below(steps as usize) as u64 + 1;
                let steps = [first, second];
                if let Err(why) = three_lives(BrokenPromise::None, by, seed, steps) {
                    panic!("{by:?}, seed {seed}, crashes at {steps:?}: {why}");
                }
            }
        }
    }
}

#[test]
fn the_wrong_order_and_a_disk_that_lies_are_found_out() {
    let is_found = |broken, by| {
        let steps = steps_of_a_life(by);
        (1..=steps).any(|first| {
            seeds(8).any(|seed| three_lives(broken, by, seed, [first, steps]).is_err())
        })
    };
    assert!(is_found(BrokenPromise::None, By::HomeFirst));
    for by in [By::Files, By::Name] {
        assert!(is_found(BrokenPromise::Sync, by), "{by:?} goes unnoticed");
    }
}
