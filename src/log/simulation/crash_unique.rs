//! Unique keys, on a disk that crashes at every step: what is acknowledged is there, and nothing
//! twice, whatever became of the file that the keys are saved in.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::{Before, Fsync, Log, LogError, Settings, Topic};

const TOPIC: &str = "t";
const PARTITIONS: u32 = 2;

fn open(disk: &Simulated) -> Result<Log, LogError> {
    Log::open_on(Arc::new(disk.clone()), Path::new("/"))
}

fn settings(fsync: Fsync) -> Settings {
    // Some pages are appended between two segments.
    let (segment_bytes, unique) = (60, Some(".id".to_owned()));
    let keyed = Settings::new(PARTITIONS, Some(".id".to_owned()));
    Settings { segment_bytes, unique, fsync, ..keyed }
}

fn page(first: u64) -> Vec<u8> {
    (first..first + 6).flat_map(|id| format!("{{\"id\":{id}}}\n").into_bytes()).collect()
}

/// Appends pages that overlap, from this one on, until something fails. Gives the id before which
/// all were acknowledged.
fn live(disk: &Simulated, fsync: Fsync, done: &mut u64) -> Result<(), LogError> {
    let log = open(disk)?;
    let topic = log.create(TOPIC, &settings(fsync))?;
    topic.sets.save_often();
    for round in 0..3 {
        let first = done.saturating_sub(3);
        topic.append(vec![topic.prepare(page(first), None)?]).remove(0)?;
        *done = first + 6;
        topic.run_due()?;
        if round == 1 {
            topic.trim(Some(0), Before::Offset(2))?;
        }
    }
    drop(topic);
    log.close()
}

/// How often the topic has each id, and where its partitions begin.
fn held(topic: &Topic) -> Result<(BTreeMap<u64, u32>, bool), LogError> {
    let reader = topic.reader();
    let is_trimmed = reader.bounds()?.iter().any(|held| held.start > 0);
    let mut cursor = reader.cursor(reader.added_since(0)?)?;
    let (mut ids, mut bytes) = (BTreeMap::new(), Vec::new());
    while cursor.next(1 << 10, &mut bytes)?.is_some() {
        let text = String::from_utf8_lossy(&bytes);
        for line in text.lines() {
            let id = line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(u64::MAX);
            *ids.entry(id).or_default() += 1;
        }
    }
    Ok((ids, is_trimmed))
}

/// Opens what a crash left, and appends all pages again. Gives the id before which all are there.
fn check(disk: &Simulated, fsync: Fsync, done: u64) -> Result<u64, String> {
    let fail = |error: LogError| error.to_string();
    let log = open(disk).map_err(fail)?;
    let topic = match log.topic(TOPIC) {
        Err(LogError::UnknownTopic { .. }) if done == 0 => return Ok(0),
        topic => topic.map_err(fail)?,
    };
    let once = |ids: &BTreeMap<u64, u32>| ids.values().all(|count| *count == 1);
    let (ids, is_trimmed) = held(&topic).map_err(fail)?;
    let has_all = (0..done).all(|id| ids.contains_key(&id));
    if !once(&ids) || fsync == Fsync::Always && !is_trimmed && !has_all {
        return Err(format!("acknowledged up to {done}, there is {ids:?}"));
    }
    // What is there is known, and what is not there is not taken to be.
    for first in (0..done + 6).step_by(3) {
        let batch = topic.prepare(page(first), None).map_err(fail)?;
        topic.append(vec![batch]).remove(0).map_err(fail)?;
    }
    let (ids, _) = held(&topic).map_err(fail)?;
    if !once(&ids) || !(0..done + 6).all(|id| ids.contains_key(&id)) {
        return Err(format!("all up to {} were appended, there is {ids:?}", done + 6));
    }
    Ok(done + 6)
}

fn two_lives(
    broken: BrokenPromise,
    fsync: Fsync,
    seed: u64,
    steps: [u64; 2],
) -> Result<(), String> {
    let mut random = Random::new(seed);
    let (mut disk, mut done) = (Simulated::new(broken), 0);
    for step in steps {
        disk.crash_at(step);
        // The crash is what ends it; what it was in the middle of does not matter.
        let _ = live(&disk, fsync, &mut done);
        disk = disk.after_crash(&mut random);
        if fsync != Fsync::Always {
            // Acknowledged is not on the disk.
            done = 0;
        }
        done = check(&disk, fsync, done)?;
    }
    live(&disk, fsync, &mut done).map_err(|error| error.to_string())?;
    check(&disk, fsync, done).map(drop)
}

fn steps_of_a_life() -> u64 {
    let disk = Simulated::new(BrokenPromise::None);
    live(&disk, Fsync::Always, &mut 0).unwrap();
    disk.steps()
}

#[test]
fn keys_are_those_of_the_records_after_a_crash_at_any_step() {
    let steps = steps_of_a_life();
    assert!(steps > 60, "{steps}");
    for first in 1..=steps + 1 {
        // Half of the time, what is acknowledged need not be on the disk.
        let fsync = if first % 2 == 0 { Fsync::Never } else { Fsync::Always };
        for seed in seeds(2) {
            let second = Random::new(seed ^ first << 8).below(steps as usize) as u64 + 1;
            let lives = [first, second];
            if let Err(why) = two_lives(BrokenPromise::None, fsync, seed, lives) {
                panic!("seed {seed}, crashes at {lives:?}, {fsync:?}: {why}");
            }
        }
    }
}

#[test]
fn a_disk_that_lies_is_found_out() {
    let steps = steps_of_a_life();
    let found = (1..=steps).any(|first| {
        let lives = |seed| two_lives(BrokenPromise::Sync, Fsync::Always, seed, [first, steps / 2]);
        seeds(8).any(|seed| lives(seed).is_err())
    });
    assert!(found, "it goes unnoticed: the test above proves nothing");
}
