//! Names given to producers, on a disk that crashes at every step: whoever was acknowledged is known
//! by name, and a number never changes its name.

use std::path::Path;
use std::sync::Arc;

use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::recover::verify::verify_topic;
use crate::log::segment::Place;
use crate::log::{Identity, Log, LogError, Settings};

const TOPIC: &str = "t";
/// Names appended together; and how often that is done in a life.
const GROUP: u32 = 3;
const GROUPS: u32 = 5;

fn open(disk: &Simulated) -> Result<Log, LogError> {
    Log::open_on(Arc::new(disk.clone()), Path::new("/"))
}

/// Appends a record under each of many new names until something fails; those that were
/// acknowledged are added to `known`.
fn live(disk: &Simulated, life: u32, known: &mut Vec<String>) -> Result<(), LogError> {
    let log = open(disk)?;
    let mut settings = Settings::new(1, None);
    // A few groups a segment, so that some names come behind a segment that was closed.
    settings.segment_bytes = 40;
    let topic = log.create(TOPIC, &settings)?;
    for group in 0..GROUPS {
        let names: Vec<String> =
            (0..GROUP).map(|one| format!("{life}-{}", group * GROUP + one)).collect();
        let mut batches = Vec::new();
        for name in &names {
            let identity = Identity { producer: name.clone(), after: Some(0), sequence: 1 };
            batches.push(topic.prepare(format!("\"{name}\"\n").into_bytes(), Some(identity))?);
        }
        for (name, result) in names.into_iter().zip(topic.append(batches)) {
            result?;
            known.push(name);
        }
    }
    log.close()
}

/// Opens what a crash left: all names are known, and verifying finds nothing.
fn check(disk: &Simulated, known: &[String]) -> Result<(), String> {
    let fail = |error: LogError| error.to_string();
    let log = open(disk).map_err(fail)?;
    let topic = match log.topic(TOPIC) {
        Err(LogError::UnknownTopic { .. }) if known.is_empty() => return Ok(()),
        topic => topic.map_err(fail)?,
    };
    for name in known {
        if topic.producer(name).map_err(fail)? != Some(1) {
            return Err(format!("{name} was acknowledged and is not known"));
        }
    }
    let dir = Path::new("/topics").join(TOPIC);
    let found = verify_topic(disk, &dir, &[Place::new(TOPIC, &dir, 0)]).map_err(fail)?;
    if found.is_damaged() { Err(format!("{found:?}")) } else { Ok(()) }
}

fn two_lives(broken: BrokenPromise, seed: u64, first: u64, second: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let (mut disk, mut known) = (Simulated::new(broken), Vec::new());
    for (life, step) in [(1, first), (2, second)] {
        disk.crash_at(step);
        // The crash is what ends it; what it was in the middle of does not matter.
        let _ = live(&disk, life, &mut known);
        disk = disk.after_crash(&mut random);
        check(&disk, &known)?;
    }
    live(&disk, 3, &mut known).map_err(|error| error.to_string())?;
    check(&disk, &known)
}

fn steps_of_a_life() -> u64 {
    let disk = Simulated::new(BrokenPromise::None);
    live(&disk, 1, &mut Vec::new()).unwrap();
    disk.steps()
}

#[test]
fn names_survive_a_crash_at_any_step() {
    let steps = steps_of_a_life();
    assert!(steps > 50, "{steps}");
    for first in 1..=steps + 1 {
        for seed in seeds(8) {
            let second = Random::new(seed ^ first << 8).below(steps as usize) as u64 + 1;
            if let Err(why) = two_lives(BrokenPromise::None, seed, first, second) {
                panic!("seed {seed}, crashes at {first} and {second}: {why}");
            }
        }
    }
}

#[test]
fn a_disk_that_lies_is_found_out() {
    let steps = steps_of_a_life();
    for broken in [BrokenPromise::Sync, BrokenPromise::SyncDir] {
        let found = (1..=steps)
            .any(|first| seeds(8).any(|seed| two_lives(broken, seed, first, steps / 2).is_err()));
        assert!(found, "{broken:?} goes unnoticed: the test above proves nothing");
    }
}

#[test]
fn names_are_kept_where_a_step_fails() {
    for step in 1..=steps_of_a_life() {
        let (disk, mut known) = (Simulated::new(BrokenPromise::None), Vec::new());
        disk.fail_at(step);
        let _ = live(&disk, 1, &mut known);
        disk.fail_at(0);
        check(&disk, &known).unwrap_or_else(|why| panic!("failed at {step}: {why}"));
        live(&disk, 2, &mut known).unwrap_or_else(|error| panic!("failed at {step}: {error}"));
        check(&disk, &known).unwrap_or_else(|why| panic!("failed at {step}, then: {why}"));
        // What is read again after a failure may not be on the disk.
        let disk = disk.after_crash(&mut Random::new(step));
        check(&disk, &known).unwrap_or_else(|why| panic!("failed at {step}, crashed: {why}"));
    }
}

#[test]
fn a_new_name_costs_the_same_however_many_there_are() {
    let disk = Simulated::new(BrokenPromise::None);
    let topic = open(&disk).unwrap().create(TOPIC, &Settings::new(1, None)).unwrap();
    let mut steps = Vec::new();
    for number in 0..50 {
        let before = disk.steps();
        let identity = Identity { producer: format!("p{number}"), after: None, sequence: 1 };
        let batch = topic.prepare(b"1\n".to_vec(), Some(identity)).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
        steps.push(disk.steps() - before);
    }
    // The first is saved with all that is known of producers, the second begins the file of names.
    assert!(steps[3..].iter().all(|&of_one| of_one == steps[2]), "{steps:?}");
    let written = |name| {
        let path = Path::new("/topics").join(TOPIC).join(name);
        crate::log::storage::small::read_whole(&disk, &path).unwrap().len()
    };
    assert!(written("producers.json") < 200, "it was written again for each name");
    assert!(written("producers.new") > 49 * 30);
}
