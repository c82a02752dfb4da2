//! Sources that are gone are forgotten, on a disk that crashes at every step: those of which
//! something was heard stand where they were acknowledged, and a number never changes its name.

use std::path::Path;
use std::sync::Arc;

use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::clock::test::shift_us;
use crate::log::recover::verify::verify_topic;
use crate::log::segment::Place;
use crate::log::{Identity, Log, LogError, Settings};

const TOPIC: &str = "t";
/// How long sources are remembered.
const SOURCE_MS: u64 = 1000;
/// How often files are collected; each time a while after sources before are forgotten.
const RUNS: u32 = 3;
/// A producer that is no source, and one that is always there.
const NAMED: &str = "p";
const KEPT: &str = "file:kept";

/// What was acknowledged last of each.
#[derive(Default)]
struct Known {
    named: u64,
    kept: u64,
    /// The source of the last run, which appended in two partitions.
    latest: Option<(String, u64)>,
}

fn open(disk: &Simulated) -> Result<Log, LogError> {
    Log::open_on(Arc::new(disk.clone()), Path::new("/"))
}

fn source(life: u32, run: u32) -> String {
    format!("file:{life}:{run}")
}

/// Collects files until something fails.
fn live(disk: &Simulated, life: u32, known: &mut Known) -> Result<(), LogError> {
    let log = open(disk)?;
    let mut settings = Settings::new(2, Some(".".to_owned()));
    // Some files are collected between two segments.
    settings.segment_bytes = 30;
    settings.source_ms = Some(SOURCE_MS);
    let topic = log.create(TOPIC, &settings)?;
    let append = |producer: &str, after: u64| {
        let identity =
            Identity { producer: producer.to_owned(), after: Some(after), sequence: after + 10 };
        let records = b"1\n2\n3\n4\n".to_vec();
        topic.append(vec![topic.prepare(records, Some(identity))?]).remove(0)?;
        Ok::<u64, LogError>(after + 10)
    };
    for run in 0..RUNS {
        let so_far = i64::from((life - 1) * RUNS + run);
        // Long after the run before: its source is forgotten from here on.
        known.latest = None;
        shift_us(so_far * SOURCE_MS as i64 * 600);
        topic.keep_producers(&[KEPT.to_owned()])?;
        let listed = topic.producers("file:", "", 9)?;
        known.kept = known
            .kept
            .max(listed.iter().find(|one| one.name == KEPT).map_or(0, |one| one.sequence));
        if run % 2 == 0 {
            known.kept = append(KEPT, topic.producer(KEPT)?.unwrap_or(0))?;
        }
        let name = source(life, run);
        for _ in 0..2 {
            let after = topic.producer(&name)?.unwrap_or(0);
            known.latest = Some((name.clone(), append(&name, after)?));
        }
        known.named = append(NAMED, topic.producer(NAMED)?.unwrap_or(0))?;
    }
    log.close()
}

/// Opens what a crash left: whatever is not gone stands where it was acknowledged, or after the batch
/// that was under way. There it stands from now on.
fn check(disk: &Simulated, known: &mut Known) -> Result<(), String> {
    let fail = |error: LogError| error.to_string();
    let log = open(disk).map_err(fail)?;
    let topic = match log.topic(TOPIC) {
        Err(LogError::UnknownTopic { .. }) if known.named == 0 && known.kept == 0 => return Ok(()),
        topic => topic.map_err(fail)?,
    };
    let stands = |name: &str, acknowledged: u64| {
        let held = topic.producer(name).map_err(fail)?.unwrap_or(0);
        match held == acknowledged || held == acknowledged + 10 {
            true => Ok(held),
            false => Err(format!("{name} stands at {held}, and {acknowledged} was acknowledged")),
        }
    };
    known.named = stands(NAMED, known.named)?;
    known.kept = stands(KEPT, known.kept)?;
    if let Some((name, position)) = &mut known.latest {
        *position = stands(name, *position)?;
    }
    let dir = Path::new("/topics").join(TOPIC);
    let places = [0, 1].map(|partition| Place::new(TOPIC, &dir, partition));
    let found = verify_topic(disk, &dir, &places).map_err(fail)?;
    if found.is_damaged() { Err(format!("{found:?}")) } else { Ok(()) }
}

fn two_lives(broken: BrokenPromise, seed: u64, first: u64, second: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let (mut disk, mut known) = (Simulated::new(broken), Known::default());
    for (life, step) in [(1, first), (2, second)] {
        disk.crash_at(step);
        // The crash is what ends it; what it was in the middle of does not matter.
        let _ = live(&disk, life, &mut known);
        disk = disk.after_crash(&mut random);
        check(&disk, &mut known)?;
    }
    live(&disk, 3, &mut known).map_err(|error| error.to_string())?;
    check(&disk, &mut known)
}

fn steps_of_a_life() -> u64 {
    let disk = Simulated::new(BrokenPromise::None);
    live(&disk, 1, &mut Known::default()).unwrap();
    disk.steps()
}

#[test]
fn sources_survive_a_crash_at_any_step() {
    let steps = steps_of_a_life();
    assert!(steps > 50, "{steps}");
    for first in 1..=steps + 1 {
        for seed in seeds(2) {
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
fn what_is_gone_is_forgotten() {
    let disk = Simulated::new(BrokenPromise::None);
    live(&disk, 1, &mut Known::default()).unwrap();
    live(&disk, 2, &mut Known::default()).unwrap();
    let topic = open(&disk).unwrap().topic(TOPIC).unwrap();
    let names = |after: &str, most| {
        let listed = topic.producers("file:", after, most).unwrap();
        listed.into_iter().map(|one| one.name).collect::<Vec<_>>()
    };
    // Two are of the time that counts, and the last number is never forgotten.
    assert_eq!(names("", 9), ["file:2:1", "file:2:2", KEPT]);
    assert_eq!(names("file:2:1", 1), ["file:2:2"]);
    assert_eq!(topic.producer(NAMED).unwrap(), Some(60));
    let text = String::from_utf8(
        crate::log::storage::small::read_whole(&disk, Path::new("/topics/t/producers.json"))
            .unwrap(),
    );
    assert!(text.unwrap().starts_with("{\"version\":2,"));
}
