//! The same promise where segments are removed meanwhile, and where acknowledging does not wait for
//! the disk: tested on a disk that crashes at every step.

use std::path::Path;
use std::sync::Arc;

use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::api::reading::Span;
use crate::log::append::placement::partition_of_json;
use crate::log::{Before, Fsync, Identity, Log, LogError, Settings};
use crate::time::duration::Duration;

pub(in crate::log) const TOPIC: &str = "t";
const PARTITIONS: u32 = 2;
pub(in crate::log) const PRODUCER: &str = "p";
const KEPT_BYTES: u64 = 60;
/// Later than anything is due.
const LATER_US: i64 = i64::MAX;

/// What a test knows: how many records each batch has, and how many batches are surely there.
#[derive(Clone, Debug, Default)]
pub(in crate::log) struct Model {
    pub batches: Vec<u64>,
    pub certain: usize,
}

pub(in crate::log) fn retained() -> Settings {
    let settings = Settings::new(PARTITIONS, Some(".[1]".to_owned()));
    Settings { segment_bytes: 30, retention_bytes: Some(KEPT_BYTES), ..settings }
}

fn lazy(fsync: Fsync) -> Settings {
    Settings { fsync, ..retained() }
}

pub(in crate::log) fn batch_bytes(batch: usize, records: u64) -> Vec<u8> {
    (0..records).flat_map(|record| format!("[{batch},{record}]\n").into_bytes()).collect()
}

/// The records of a partition, in order, if the first `batches` are there.
fn expected(model: &Model, batches: usize, partition: u32) -> Vec<String> {
    let of_batch = |(batch, &records): (usize, &u64)| {
        let record = move |record: u64| {
            let placed = partition_of_json(&record.to_string(), PARTITIONS);
            (placed == partition).then(|| format!("[{batch},{record}]"))
        };
        (0..records).filter_map(record).collect::<Vec<_>>()
    };
    model.batches.iter().take(batches).enumerate().flat_map(of_batch).collect()
}

fn run(
    disk: &Simulated,
    settings: &Settings,
    model: &mut Model,
    random: &mut Random,
) -> Result<(), LogError> {
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/"))?;
    let topic = log.create(TOPIC, settings)?;
    for round in 0..6 {
        let number = model.batches.len();
        let records = random.below(7) as u64;
        let identity = Identity {
            producer: PRODUCER.to_owned(),
            after: Some(number as u64),
            sequence: number as u64 + 1,
        };
        let batch = topic.prepare(batch_bytes(number, records), Some(identity))?;
        model.batches.push(records);
        topic.append(vec![batch]).remove(0)?;
        if settings.fsync == Fsync::Always {
            model.certain = model.batches.len();
        }
        if round % 2 == 1 {
            topic.run_due_at(LATER_US)?;
            if settings.fsync != Fsync::Never {
                model.certain = model.batches.len();
            }
        }
        if round == 4 {
            let end = topic.reader().bounds()?[0].end;
            topic.trim(Some(0), Before::Offset(end))?;
        }
    }
    log.close()?;
    model.certain = model.batches.len();
    Ok(())
}

/// Opens what a crash left and compares it with the model, which then learns what is there.
pub(in crate::log) fn check(disk: &Simulated, model: &mut Model) -> Result<(), String> {
    let fail = |error: LogError| error.to_string();
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).map_err(fail)?;
    let topic = match log.topic(TOPIC) {
        Err(LogError::UnknownTopic { .. }) if model.certain == 0 => {
            model.batches.clear();
            return Ok(());
        }
        topic => topic.map_err(fail)?,
    };
    let held = topic.producer(PRODUCER).map_err(fail)?.unwrap_or(0) as usize;
    if held < model.certain {
        return Err(format!("producer at {held}, but {} batches are certain", model.certain));
    }
    let reader = topic.reader();
    for bounds in reader.bounds().map_err(fail)? {
        let span = Span { partition: bounds.partition, from: bounds.start, until: None };
        let mut cursor = reader.cursor(vec![span]).map_err(fail)?;
        let (mut bytes, mut found) = (Vec::new(), Vec::new());
        while cursor.next(1, &mut bytes).map_err(fail)?.is_some() {
            found.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
        }
        let all = expected(model, held, bounds.partition);
        if all.get(bounds.start as usize..) != Some(&found[..]) {
            return Err(format!("{bounds:?}, producer at {held}: {found:?} of {all:?}"));
        }
        let kept_bytes: usize = found.iter().map(|record| record.len() + 1).sum();
        let trimmed = bounds.partition == 0;
        if !trimmed && bounds.start > 0 && (kept_bytes as u64) < KEPT_BYTES {
            return Err(format!("{bounds:?}: only {kept_bytes} bytes are kept"));
        }
    }
    model.batches.truncate(held);
    model.certain = held;
    Ok(())
}

fn two_lives(settings: &Settings, seed: u64, steps: [u64; 2]) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut model = Model::default();
    let mut disk = Simulated::new(BrokenPromise::None);
    for step in steps {
        disk.crash_at(step);
        // The crash is what ends it; what it was in the middle of does not matter.
        let _ = run(&disk, settings, &mut model, &mut random);
        disk = disk.after_crash(&mut random);
        check(&disk, &mut model)?;
    }
    disk = disk.after_crash(&mut random);
    check(&disk, &mut model)
}

fn survives_every_step(settings: &Settings) {
    let disk = Simulated::new(BrokenPromise::None);
    run(&disk, settings, &mut Model::default(), &mut Random::new(1)).unwrap();
    let names = |disk: &Simulated| {
        use crate::log::storage::Storage;
        disk.list(&Path::new("/topics").join(TOPIC).join("0")).unwrap()
    };
    assert!(!names(&disk).contains(&"00000000000000000000.ndjson".to_owned()), "nothing removed");
    let steps = disk.steps();
    for first in 1..=steps + 1 {
        for seed in seeds(4) {
            let second = Random::new(seed ^ first << 8).below(steps as usize) as u64 + 1;
            if let Err(why) = two_lives(settings, seed, [first, second]) {
                panic!("{settings:?} seed {seed}, crashes at {first} and {second}: {why}");
            }
        }
    }
}

#[test]
fn removing_segments_loses_no_other_at_any_step() {
    survives_every_step(&retained());
}

#[test]
fn what_is_forced_to_the_disk_later_is_a_beginning_and_whole() {
    survives_every_step(&lazy(Fsync::Within(Duration::from_ms(100).unwrap())));
    survives_every_step(&lazy(Fsync::Never));
}

/// The process dies and the machine does not: the files are as they were written.
#[test]
fn without_a_power_failure_nothing_acknowledged_is_lost_under_any_policy() {
    let disk = Simulated::new(BrokenPromise::None);
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).unwrap();
    let topic = log.create(TOPIC, &lazy(Fsync::Never)).unwrap();
    let mut model = Model::default();
    for number in 0..5 {
        let identity =
            Identity { producer: PRODUCER.to_owned(), after: None, sequence: number as u64 + 1 };
        let batch = topic.prepare(batch_bytes(number, 1), Some(identity)).unwrap();
        model.batches.push(1);
        topic.append(vec![batch]).remove(0).unwrap();
        model.certain += 1;
        let ends: u64 = topic.reader().bounds().unwrap().iter().map(|held| held.end).sum();
        assert_eq!(ends, number as u64 + 1, "seen once acknowledged");
    }
    drop((topic, log));
    check(&disk, &mut model).unwrap();
}

#[test]
fn a_failed_step_never_costs_what_was_acknowledged_under_a_lazy_policy() {
    let settings = lazy(Fsync::Never);
    let disk = Simulated::new(BrokenPromise::None);
    run(&disk, &settings, &mut Model::default(), &mut Random::new(1)).unwrap();
    for step in 1..=disk.steps() {
        let disk = Simulated::new(BrokenPromise::None);
        disk.fail_at(step);
        let (mut model, mut random) = (Model::default(), Random::new(step));
        let _ = run(&disk, &settings, &mut model, &mut random);
        disk.fail_at(0);
        check(&disk, &mut model).unwrap_or_else(|why| panic!("failed at {step}: {why}"));
        run(&disk, &settings, &mut model, &mut random)
            .unwrap_or_else(|error| panic!("failed at {step}, cured: {error}"));
        check(&disk, &mut model).unwrap();
    }
}

#[test]
fn a_reader_below_the_start_is_told_so_and_one_inside_finishes_its_segment() {
    let disk = Simulated::new(BrokenPromise::None);
    let log = Log::open_on(Arc::new(disk), Path::new("/")).unwrap();
    let settings = Settings { segment_bytes: 4, ..Settings::new(1, None) };
    let topic = log.create(TOPIC, &settings).unwrap();
    for _ in 0..4 {
        let batch = topic.prepare(b"1\n2\n".to_vec(), None).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
    }
    let reader = topic.reader();
    let mut inside = reader.cursor(vec![Span { partition: 0, from: 1, until: None }]).unwrap();
    let mut waiting = reader.cursor(vec![Span { partition: 0, from: 1, until: None }]).unwrap();
    let mut bytes = Vec::new();
    assert_eq!(inside.next(1, &mut bytes).unwrap().map(|chunk| chunk.offset), Some(1));
    assert_eq!(topic.trim(Some(0), Before::Offset(5)).unwrap(), [(0, 4)]);
    let gone = |result: Result<_, LogError>| {
        matches!(result, Err(LogError::OffsetOutOfRange { start: 4, end: 8, .. }))
    };
    assert!(gone(inside.next(1, &mut bytes).map(drop)));
    assert!(gone(waiting.next(1, &mut bytes).map(drop)));
    assert!(gone(reader.cursor(vec![Span { partition: 0, from: 3, until: None }]).map(drop)));
    assert!(topic.trim(Some(0), Before::Offset(9)).is_err());
    assert_eq!(topic.trim(Some(0), Before::Offset(8)).unwrap(), [(0, 8)]);
    assert_eq!(topic.trim(Some(0), Before::TimeUs(LATER_US)).unwrap(), [(0, 8)]);
}

#[test]
fn a_slow_topic_closes_its_segments_by_age() {
    let disk = Simulated::new(BrokenPromise::None);
    let log = Log::open_on(Arc::new(disk), Path::new("/")).unwrap();
    let (segment_ms, retention_ms) = (Some(1_000), Some(5_000));
    let settings = Settings { segment_ms, retention_ms, ..Settings::new(1, None) };
    let topic = log.create(TOPIC, &settings).unwrap();
    topic.run_due().unwrap();
    assert_eq!(topic.due_us(), None, "an empty topic needs nothing");
    let batch = topic.prepare(b"1\n".to_vec(), None).unwrap();
    topic.append(vec![batch]).remove(0).unwrap();
    let appended_us = topic.due_us().unwrap() - 1_000_000;
    let start = || topic.reader().bounds().unwrap()[0].start;
    topic.run_due_at(appended_us + 999_999).unwrap();
    assert_eq!(topic.due_us(), Some(appended_us + 1_000_000));
    topic.run_due_at(appended_us + 1_000_000).unwrap();
    assert_eq!((start(), topic.due_us()), (0, Some(appended_us + 5_000_000)));
    topic.run_due_at(appended_us + 5_000_000).unwrap();
    assert_eq!((start(), topic.due_us()), (1, None));
}

/// Altering a topic and deleting one: a crash at any step leaves the old or the new.
#[test]
fn altered_or_deleted_or_not_at_any_step() {
    let changes = || match serde_json::json!({"partitions": 3, "fsync": "never"}) {
        serde_json::Value::Object(changes) => changes,
        _ => panic!("no object"),
    };
    let append = |topic: &crate::log::Topic| -> Result<(), LogError> {
        let batch = topic.prepare(b"1\n".to_vec(), None)?;
        topic.append(vec![batch]).remove(0).map(drop)
    };
    let life = |disk: &Simulated, appended: &mut u64, deleting: &mut bool| {
        let log = Log::open_on(Arc::new(disk.clone()), Path::new("/"))?;
        let topic = log.create(TOPIC, &Settings::new(1, None))?;
        for _ in 0..2 {
            append(&topic)?;
            *appended += 1;
        }
        topic.alter(&changes(), false)?;
        for _ in 0..3 {
            append(&topic)?;
        }
        log.close()?;
        *deleting = true;
        log.delete(TOPIC)
    };
    let whole = Simulated::new(BrokenPromise::None);
    life(&whole, &mut 0, &mut false).unwrap();
    for step in 1..=whole.steps() {
        for seed in seeds(8) {
            let disk = Simulated::new(BrokenPromise::None);
            disk.crash_at(step);
            let (mut appended, mut deleting) = (0, false);
            assert!(life(&disk, &mut appended, &mut deleting).is_err());
            let disk = disk.after_crash(&mut Random::new(seed ^ step << 8));
            let log = Log::open_on(Arc::new(disk), Path::new("/")).unwrap();
            let place = format!("step {step} seed {seed}");
            let topic = match log.topic(TOPIC) {
                Ok(topic) => topic,
                Err(LogError::UnknownTopic { .. }) if deleting || appended == 0 => continue,
                Err(error) => panic!("{place}: {error}"),
            };
            let partitions = topic.settings().partitions;
            assert!([1, 3].contains(&partitions), "{place}");
            let held = |topic: &crate::log::Topic| -> u64 {
                topic.reader().bounds().unwrap().iter().map(|bounds| bounds.end).sum()
            };
            let before = held(&topic);
            assert!(before >= appended && before <= 5, "{place}: {before} of {appended}");
            topic.alter(&changes(), false).unwrap();
            append(&topic).unwrap();
            assert_eq!(held(&topic), before + 1, "{place}");
        }
    }
}

/// Deleting a topic of which groups have read some: whatever step crashes or fails, what they have
/// committed is there as long as the topic is.
#[test]
fn what_groups_committed_goes_with_the_topic_at_any_step() {
    let committed = std::collections::BTreeMap::from([(0, 2)]);
    let life = |disk: &Simulated, was_committed: &mut bool| {
        let log = Log::open_on(Arc::new(disk.clone()), Path::new("/"))?;
        let topic = log.create(TOPIC, &Settings::new(1, None))?;
        let batch = topic.prepare(b"1\n2\n3\n".to_vec(), None)?;
        topic.append(vec![batch]).remove(0)?;
        for (name, other) in [("g", "u"), ("h", TOPIC)] {
            let mut group = log.group(name)?;
            for topic in [other, TOPIC] {
                let generation = group.begin_generation(topic);
                group.commit(topic, generation, &committed)?;
            }
        }
        *was_committed = true;
        log.delete(TOPIC)
    };
    let check = |disk: &Simulated, was_committed: bool, place: &str| {
        let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).unwrap();
        let offsets = |name: &str| log.group(name).unwrap().offsets(TOPIC);
        match log.topic(TOPIC) {
            Ok(_) if was_committed => {
                assert_eq!(
                    (offsets("g"), offsets("h")),
                    (committed.clone(), committed.clone()),
                    "{place}"
                );
            }
            Ok(_) => {}
            Err(LogError::UnknownTopic { .. }) => {
                assert!(offsets("g").is_empty() && offsets("h").is_empty(), "{place}");
            }
            Err(error) => panic!("{place}: {error}"),
        }
        if was_committed {
            assert_eq!(log.group("g").unwrap().offsets("u"), committed, "{place}");
        }
        // Another topic of the name begins at its beginning.
        match log.delete(TOPIC) {
            Ok(()) | Err(LogError::UnknownTopic { .. }) => {}
            Err(error) => panic!("{place}: {error}"),
        }
        log.create(TOPIC, &Settings::new(2, None)).unwrap();
        assert!(offsets("g").is_empty() && offsets("h").is_empty(), "{place}");
    };
    let whole = Simulated::new(BrokenPromise::None);
    life(&whole, &mut false).unwrap();
    check(&whole, true, "no crash");
    let whole = Simulated::new(BrokenPromise::None);
    life(&whole, &mut false).unwrap();
    for step in 1..=whole.steps() {
        for seed in 0..8 {
            let disk = Simulated::new(BrokenPromise::None);
            disk.crash_at(step);
            let mut was_committed = false;
            assert!(life(&disk, &mut was_committed).is_err());
            let disk = disk.after_crash(&mut Random::new(seed ^ step << 8));
            check(&disk, was_committed, &format!("step {step} seed {seed}"));
        }
        let disk = Simulated::new(BrokenPromise::None);
        disk.fail_at(step);
        let mut was_committed = false;
        let _ = life(&disk, &mut was_committed);
        disk.fail_at(0);
        check(&disk, was_committed, &format!("failed at {step}"));
    }
}
