//! The durability promise (SEMANTICS, "Durability"), tested on a disk that crashes at every step.

use std::path::Path;
use std::sync::Arc;

use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::api::reading::Span;
use crate::log::append::placement::partition_of_json;
use crate::log::{Identity, Log, LogError, Settings};

pub(in crate::log) const TOPIC: &str = "t";
pub(in crate::log) const PARTITIONS: u32 = 3;
const PRODUCER: &str = "p";

/// What a test knows of its batches: batch N has records `[N,0]`, `[N,1]`, … which spread by their
/// second number.
#[derive(Debug, Default)]
pub(in crate::log) struct Model {
    /// How many records each batch has, and whether it was acknowledged.
    pub batches: Vec<(u64, bool)>,
}

fn settings() -> Settings {
    let key = Some(".[1]".to_owned());
    Settings { segment_bytes: 60, ..Settings::new(PARTITIONS, key) }
}

fn batch_bytes(batch: usize, records: u64) -> Vec<u8> {
    (0..records).flat_map(|record| format!("[{batch},{record}]\n").into_bytes()).collect()
}

/// Appends in groups until something fails or all is done. Every batch is the producer's, who goes
/// on from where the log says that it stands.
pub(in crate::log) fn run(
    disk: &Simulated,
    model: &mut Model,
    random: &mut Random,
) -> Result<(), LogError> {
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/"))?;
    let topic = log.create(TOPIC, &settings())?;
    for _ in 0..6 {
        let mut group = Vec::new();
        let first = model.batches.len();
        for _ in 0..=random.below(3) {
            let number = model.batches.len();
            let records = random.below(6) as u64;
            let after = Some(number as u64);
            let sequence = number as u64 + 1;
            let identity = Identity { producer: PRODUCER.to_owned(), after, sequence };
            group.push(topic.prepare(batch_bytes(number, records), Some(identity))?);
            model.batches.push((records, false));
        }
        for (at, result) in topic.append(group).into_iter().enumerate() {
            result?;
            model.batches[first + at].1 = true;
        }
    }
    log.close()
}

/// Opens what a crash left and compares it with the model, which then learns what of the
/// unacknowledged is there.
pub(in crate::log) fn check(disk: &Simulated, model: &mut Model) -> Result<(), String> {
    let fail = |error: LogError| error.to_string();
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).map_err(fail)?;
    let topic = match log.topic(TOPIC) {
        Err(LogError::UnknownTopic { .. }) if !model.batches.iter().any(|batch| batch.1) => {
            model.batches.clear();
            return Ok(());
        }
        topic => topic.map_err(fail)?,
    };
    let spans = (0..PARTITIONS).map(|partition| Span { partition, from: 0, until: None });
    let mut cursor = topic.reader().cursor(spans.collect()).map_err(fail)?;
    let mut found = vec![Vec::new(); model.batches.len()];
    let mut latest = 0;
    let mut bytes = Vec::new();
    while let Some(chunk) = cursor.next(1, &mut bytes).map_err(fail)? {
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let (batch, record): (usize, u64) =
                serde_json::from_slice(line).map_err(|error| error.to_string())?;
            if batch < latest {
                return Err(format!("batch {batch} behind batch {latest}"));
            }
            latest = batch;
            let expected = partition_of_json(&record.to_string(), PARTITIONS);
            if chunk.partition != expected {
                return Err(format!("[{batch},{record}] in partition {}", chunk.partition));
            }
            let batch = found.get_mut(batch).ok_or("a batch that never was")?;
            batch.push(record);
        }
    }
    let held = topic.producer(PRODUCER).map_err(fail)?.unwrap_or(0) as usize;
    for (number, (records, acknowledged)) in model.batches.iter().enumerate() {
        let mut there = std::mem::take(&mut found[number]);
        there.sort_unstable();
        let whole = there.iter().copied().eq(0..*records);
        if number < held && !whole || number >= held && !there.is_empty() {
            return Err(format!("batch {number} of {records}: {there:?}, producer at {held}"));
        }
        if *acknowledged && number >= held {
            return Err(format!("acknowledged batch {number} is lost, producer at {held}"));
        }
    }
    model.batches.truncate(held);
    model.batches.iter_mut().for_each(|batch| batch.1 = true);
    Ok(())
}

/// Crashes at a step of a first life, and at another one of a second, and checks after each.
fn two_lives(broken: BrokenPromise, seed: u64, first: u64, second: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut model = Model::default();
    let mut disk = Simulated::new(broken);
    for step in [first, second] {
        disk.crash_at(step);
        // The crash is what ends it; what it was in the middle of does not matter.
        let _ = run(&disk, &mut model, &mut random);
        disk = disk.after_crash(&mut random);
        check(&disk, &mut model)?;
    }
    disk = disk.after_crash(&mut random);
    check(&disk, &mut model)
}

fn steps_of_a_life() -> u64 {
    let disk = Simulated::new(BrokenPromise::None);
    run(&disk, &mut Model::default(), &mut Random::new(1)).unwrap();
    disk.steps()
}

#[test]
fn acknowledged_batches_survive_a_crash_at_any_step() {
    let steps = steps_of_a_life();
    assert!(steps > 100, "{steps}");
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
    for broken in [BrokenPromise::Sync, BrokenPromise::SyncDir, BrokenPromise::SyncLater] {
        let found = (1..=steps)
            .any(|first| seeds(8).any(|seed| two_lives(broken, seed, first, steps / 2).is_err()));
        assert!(found, "{broken:?} goes unnoticed: the test above proves nothing");
    }
}

#[test]
fn a_failed_step_is_an_error_and_never_a_false_acknowledgement() {
    for step in 1..=steps_of_a_life() {
        let disk = Simulated::new(BrokenPromise::None);
        disk.fail_at(step);
        let mut random = Random::new(step);
        let mut model = Model::default();
        let failed = run(&disk, &mut model, &mut random).is_err();
        disk.fail_at(0);
        if let Err(why) = check(&disk, &mut model) {
            panic!("failed at {step} ({failed}): {why}");
        }
        run(&disk, &mut model, &mut random).unwrap_or_else(|error| panic!("cured: {error}"));
        check(&disk, &mut model).unwrap();
        assert!(model.batches.len() >= 6, "failed at {step}");
    }
}

#[test]
fn every_flipped_bit_is_found_or_does_no_harm() {
    use crate::log::storage::small::read_whole;
    use crate::log::storage::{Open, Storage};
    use std::io::IoSlice;
    let original = Simulated::new(BrokenPromise::None);
    let mut model = Model::default();
    run(&original, &mut model, &mut Random::new(5)).unwrap();
    for partition in 0..PARTITIONS {
        let dir = Path::new("/topics").join(TOPIC).join(partition.to_string());
        for name in original.list(&dir).unwrap() {
            let path = dir.join(name);
            let bytes = read_whole(&original, &path).unwrap().len();
            for bit in 0..bytes * 8 {
                let disk = original.after_crash(&mut Random::new(1));
                let mut contents = read_whole(&disk, &path).unwrap();
                contents[bit / 8] ^= 1 << (bit % 8);
                let file = disk.open(&path, Open::Write).unwrap();
                file.write_at(0, &[IoSlice::new(&contents)]).unwrap();
                let mut copy = Model { batches: model.batches.clone() };
                // Whatever opens reads as it was written; all else must say that it is damaged.
                if let Err(why) = check(&disk, &mut copy) {
                    assert!(why.contains("damaged"), "{} bit {bit}: {why}", path.display());
                }
            }
        }
    }
}
