//! A file whose last line is taken without a line end, while it grows, into several topics, on a
//! disk that crashes at every step: each part of a line is in one record. Where it was cut, it is
//! cut again after a crash, since the home topic was told before any other one.

use super::crash_routes::{BEGUN, HOME, OTHERS, append, open};
use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::{LogError, Settings};

/// How many parts of lines the file has more in each life; a line has two. How many are read
/// together.
const MORE: u64 = 5;
const READ: u64 = 4;
const LIVES: u64 = 3;

/// The topic of a record, by the part with which it begins.
fn topic_of(begin: u64) -> &'static str {
    match begin * begin % 11 % 4 {
        3 => HOME,
        other => OTHERS[other as usize],
    }
}

/// The records of these parts: a line that was cut is two of them. One is its begin and its end.
fn records(from: u64, to: u64) -> Vec<(u64, u64)> {
    let (mut records, mut at) = (Vec::new(), from);
    while at < to {
        let end = (at + 2 - at % 2).min(to);
        records.push((at, end));
        at = end;
    }
    records
}

/// Appends what the file has more than the log, until something fails.
fn live(disk: &Simulated, life: u64, notes_cuts: bool) -> Result<(), LogError> {
    let log = open(disk)?;
    let mut settings = Settings::new(1, None);
    // Some records are appended between two segments.
    settings.segment_bytes = 12;
    let end = life * MORE;
    let home = log.create(HOME, &settings)?;
    let held = home.producer("file:1")?;
    if held.is_none() {
        append(&home, &[], "file:1", Some(0), BEGUN)?;
    }
    let mut at = held.unwrap_or(BEGUN) - BEGUN;
    let cut = home.producer("file:1@cut")?.unwrap_or(BEGUN) - BEGUN;
    while at < end {
        let limit = if cut > at { cut } else { end };
        let to = (at + READ).next_multiple_of(2).min(limit);
        let read = records(at, to);
        // As many digits as it takes to tell both.
        let of = |wanted: &str, from: u64| -> Vec<u64> {
            let of = read.iter().filter(|(begin, _)| topic_of(*begin) == wanted && *begin >= from);
            of.map(|(begin, end)| begin * 1000 + end).collect()
        };
        let others: Vec<&str> =
            OTHERS.into_iter().filter(|other| !of(other, 0).is_empty()).collect();
        if notes_cuts && to % 2 == 1 && to != cut && !others.is_empty() {
            append(&home, &[], "file:1@cut", None, to + BEGUN)?;
        }
        for other in others {
            let topic = log.create(other, &settings)?;
            let held = topic.producer("file:1@home")?.unwrap_or(0);
            let records = of(other, held.saturating_sub(BEGUN));
            if !records.is_empty() {
                append(&topic, &records, "file:1@home", None, to + BEGUN)?;
            }
        }
        append(&home, &of(HOME, 0), "file:1", Some(at + BEGUN), to + BEGUN)?;
        at = to;
    }
    drop(home);
    log.close()
}

/// All parts of lines that the topics have, in order; an error if one is there twice, or a topic
/// does not have its records in order.
fn parts(disk: &Simulated) -> Result<Vec<u64>, String> {
    let mut all = Vec::new();
    for name in OTHERS.into_iter().chain([HOME]) {
        let held = super::crash_routes::held(disk, name)?;
        if !held.is_sorted_by(|one, next| one < next) {
            return Err(format!("{name} has {held:?}"));
        }
        all.extend(held.iter().flat_map(|record| record / 1000..record % 1000));
    }
    all.sort_unstable();
    if all.is_sorted_by(|one, next| one < next) { Ok(all) } else { Err(format!("{all:?}")) }
}

fn lives(notes_cuts: bool, seed: u64, steps: [u64; 2]) -> Result<(), String> {
    let (mut random, mut disk) = (Random::new(seed), Simulated::new(BrokenPromise::None));
    for (life, step) in (1..).zip(steps) {
        disk.crash_at(step);
        // The crash is what ends it; what it was in the middle of does not matter.
        let _ = live(&disk, life, notes_cuts);
        disk = disk.after_crash(&mut random);
        parts(&disk)?;
    }
    live(&disk, LIVES, notes_cuts).map_err(|error| error.to_string())?;
    let parts = parts(&disk)?;
    match (0..LIVES * MORE).eq(parts.iter().copied()) {
        true => Ok(()),
        false => Err(format!("the topics have only {parts:?}")),
    }
}

fn steps_of_a_life() -> u64 {
    let disk = Simulated::new(BrokenPromise::None);
    live(&disk, 1, true).unwrap();
    disk.steps()
}

#[test]
fn a_line_that_was_cut_is_cut_there_again_after_a_crash_at_any_step() {
    let steps = steps_of_a_life();
    assert!(steps > 30, "{steps}");
    for first in 1..=steps + 1 {
        for seed in seeds(2) {
            let second = Random::new(seed ^ first << 8).below(steps as usize) as u64 + 1;
            if let Err(why) = lives(true, seed, [first, second]) {
                panic!("seed {seed}, crashes at {first} and {second}: {why}");
            }
        }
    }
}

#[test]
fn cuts_that_the_home_topic_does_not_know_lose_the_rest_of_a_line() {
    let steps = steps_of_a_life();
    let is_lost = |first: u64| seeds(4).any(|seed| lives(false, seed, [first, steps + 1]).is_err());
    assert!((1..=steps).any(is_lost), "the test above proves nothing");
}
