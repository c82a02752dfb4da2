//! The promise where segments are compacted meanwhile, tested on a disk that crashes at every step;
//! and damage of every kind to what is compacted.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::damage::is_first_of_several;
use super::simulated::{BrokenPromise, Random, Simulated};
use crate::api::reading::Span;
use crate::log::append::placement::partition_of_json;
use crate::log::recover::repair::repair_topic;
use crate::log::recover::verify::verify_topic;
use crate::log::segment::Place;
use crate::log::segment::listing::bases;
use crate::log::storage::small::read_whole;
use crate::log::storage::{Open, Storage};
use crate::log::{Identity, Log, LogError, Settings};

const TOPIC: &str = "t";
const PARTITIONS: u32 = 2;
const PRODUCER: &str = "p";
const KEYS: usize = 5;
/// A time at which compaction is told that it happens; tombstones go a second later.
const NOW_US: i64 = 1 << 60;
const LATER_US: i64 = NOW_US + 1_000_000;

/// A record: its key, and whether it takes it away. Its text tells its number.
type Record = (usize, bool);

/// What a test knows.
#[derive(Clone, Debug, Default)]
struct Model {
    batches: Vec<Vec<Record>>,
    /// How many batches are surely there.
    certain: usize,
    /// Whether a compaction came to its end with so many batches certain.
    compacted: bool,
}

fn settings() -> Settings {
    Settings {
        segment_bytes: 50,
        compact: true,
        tombstone: Some(".gone".to_owned()),
        tombstone_ms: Some(1000),
        ..Settings::new(PARTITIONS, Some(".k".to_owned()))
    }
}

fn text(batch: usize, at: usize, (key, gone): Record) -> String {
    let gone = if gone { ",\"gone\":1" } else { "" };
    format!("{{\"k\":{key},\"n\":[{batch},{at}]{gone}}}")
}

fn partition_of(key: usize) -> u32 {
    partition_of_json(&key.to_string(), PARTITIONS)
}

/// The records of a partition, in order.
fn placed(batches: &[Vec<Record>], partition: u32) -> Vec<(Record, String)> {
    let mut all = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        for (at, &record) in batch.iter().enumerate() {
            if partition_of(record.0) == partition {
                all.push((record, text(number, at, record)));
            }
        }
    }
    all
}

fn run(disk: &Simulated, model: &mut Model, random: &mut Random) -> Result<(), LogError> {
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/"))?;
    let topic = log.create(TOPIC, &settings())?;
    for round in 0..5 {
        let number = model.batches.len();
        let record = |random: &mut Random| (random.below(KEYS), random.below(4) == 0);
        let records: Vec<Record> = (0..random.below(6)).map(|_| record(random)).collect();
        let lines: Vec<String> =
            records.iter().enumerate().map(|(at, &it)| text(number, at, it) + "\n").collect();
        let (after, sequence) = (Some(number as u64), number as u64 + 1);
        let identity = Identity { producer: PRODUCER.to_owned(), after, sequence };
        let batch = topic.prepare(lines.concat().into_bytes(), Some(identity))?;
        model.batches.push(records);
        model.compacted = false;
        topic.append(vec![batch]).remove(0)?;
        model.certain = model.batches.len();
        match round {
            // Little room for keys: it takes several passes.
            1 => drop(topic.compact_at(false, NOW_US, 2)?),
            3 => {
                topic.compact_at(true, NOW_US, 100)?;
                topic.compact_at(false, LATER_US, 100)?;
                model.compacted = true;
            }
            _ => {}
        }
    }
    log.close()
}

fn lines(disk: &Simulated) -> Result<(u64, BTreeMap<u32, Vec<String>>), LogError> {
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/"))?;
    let topic = log.topic(TOPIC)?;
    let held = topic.producer(PRODUCER)?.unwrap_or(0);
    let mut all = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let span = Span { partition, from: 0, until: None };
        let mut cursor = topic.reader().cursor(vec![span])?;
        let (mut bytes, mut text) = (Vec::new(), String::new());
        while cursor.next(1, &mut bytes)?.is_some() {
            text += &String::from_utf8_lossy(&bytes);
        }
        all.insert(partition, text.split_terminator('\n').map(str::to_owned).collect());
    }
    Ok((held, all))
}

/// Whether what is there of a partition is what may be: every record, or an empty line where a
/// later one of its key is, or where it was a tombstone.
fn check_lines(all: &[(Record, String)], found: &[String], strict: bool) -> Result<(), String> {
    if all.len() != found.len() {
        return Err(format!("{} lines of {}: {found:?}", found.len(), all.len()));
    }
    for (at, ((record, text), line)) in all.iter().zip(found).enumerate() {
        let superseded = all[at + 1..].iter().any(|(later, _)| later.0 == record.0);
        let may_go = superseded || record.1;
        if line != text && (!line.is_empty() || !may_go) {
            return Err(format!("{line:?} in place of {text}"));
        }
        if strict && may_go && !line.is_empty() {
            return Err(format!("{text} is still there"));
        }
        // What a tombstone took away never comes back when the tombstone itself is gone.
        let tombstone_gone =
            |later: usize| all[later].0 == (record.0, true) && found[later].is_empty();
        if !line.is_empty() && (at + 1..all.len()).any(tombstone_gone) {
            return Err(format!("{text} is back"));
        }
    }
    Ok(())
}

fn check(disk: &Simulated, model: &mut Model) -> Result<(), String> {
    let (held, found) = match lines(disk) {
        Err(LogError::UnknownTopic { .. }) if model.certain == 0 => {
            model.batches.clear();
            return Ok(());
        }
        found => found.map_err(|error| error.to_string())?,
    };
    let held = held as usize;
    if held < model.certain || held > model.batches.len() {
        return Err(format!("producer at {held}, but {} batches are certain", model.certain));
    }
    let strict = model.compacted && held == model.batches.len();
    model.batches.truncate(held);
    model.certain = held;
    for (&partition, lines) in &found {
        check_lines(&placed(&model.batches, partition), lines, strict)?;
        check_files(disk, partition)?;
    }
    Ok(())
}

/// Nothing is left over of what was interrupted. (An index may be, of a segment being begun.)
fn check_files(disk: &Simulated, partition: u32) -> Result<(), String> {
    let names = disk.list(&place(partition).dir).unwrap();
    let data = names.iter().filter(|name| name.ends_with(".ndjson")).count();
    let is_segment = |name: &String| name.ends_with(".ndjson") || name.ends_with(".index");
    if data != bases(disk, &place(partition)).unwrap().len() || !names.iter().all(is_segment) {
        return Err(format!("{names:?}"));
    }
    Ok(())
}

fn place(partition: u32) -> Place {
    Place::new(TOPIC, &Path::new("/topics").join(TOPIC), partition)
}

fn two_lives(broken: BrokenPromise, seed: u64, first: u64, second: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let (mut model, mut disk) = (Model::default(), Simulated::new(broken));
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
    let mut model = Model::default();
    run(&disk, &mut model, &mut Random::new(1)).unwrap();
    check(&disk, &mut model).unwrap();
    disk.steps()
}

#[test]
fn compacting_loses_no_last_record_at_any_step() {
    let steps = steps_of_a_life();
    assert!(steps > 150, "{steps}");
    for first in 1..=steps + 1 {
        for seed in 0..4 {
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
            .any(|first| (0..4).any(|seed| two_lives(broken, seed, first, steps / 2).is_err()));
        assert!(found, "{broken:?} goes unnoticed: the test above proves nothing");
    }
}

#[test]
fn a_full_disk_at_any_step_costs_nothing_and_is_made_up_for() {
    for step in 1..=steps_of_a_life() {
        let disk = Simulated::new(BrokenPromise::None);
        disk.fail_at(step);
        let (mut model, mut random) = (Model::default(), Random::new(step));
        let _ = run(&disk, &mut model, &mut random);
        disk.fail_at(0);
        check(&disk, &mut model).unwrap_or_else(|why| panic!("failed at {step}: {why}"));
        run(&disk, &mut model, &mut random)
            .unwrap_or_else(|error| panic!("failed at {step}, cured: {error}"));
        check(&disk, &mut model).unwrap_or_else(|why| panic!("failed at {step}, cured: {why}"));
    }
}

/// A log with compacted segments, closed.
fn whole() -> Simulated {
    let disk = Simulated::new(BrokenPromise::None);
    run(&disk, &mut Model::default(), &mut Random::new(3)).unwrap();
    disk.after_sync()
}

fn files(disk: &Simulated) -> Vec<PathBuf> {
    let of = |partition: u32| {
        let dir = place(partition).dir;
        disk.list(&dir).unwrap().into_iter().map(move |name| dir.join(name))
    };
    (0..PARTITIONS).flat_map(of).collect()
}

fn copy(original: &Simulated) -> Simulated {
    original.after_crash(&mut Random::new(1))
}

fn damaged(original: &Simulated, path: &Path, contents: Option<&[u8]>) -> Simulated {
    let disk = copy(original);
    match contents {
        Some(contents) => {
            let file = disk.open(path, Open::Create).unwrap();
            file.write_at(0, &[IoSlice::new(contents)]).unwrap();
        }
        None => disk.remove(path).unwrap(),
    }
    disk
}

/// What is damaged is found, or nothing is the matter; after a repair all is there that the repair
/// does not call lost, and compacting goes on.
fn check_damaged(disk: &Simulated, expected: &BTreeMap<u32, Vec<String>>, what: &str) {
    let dir = Path::new("/topics").join(TOPIC);
    let places: Vec<Place> = (0..PARTITIONS).map(place).collect();
    let found = verify_topic(disk, &dir, &places).unwrap();
    repair_topic(disk, &dir, &places).unwrap_or_else(|error| panic!("{what}: {error}"));
    let again = verify_topic(disk, &dir, &places).unwrap();
    assert!(!again.is_damaged(), "{what}: {again:?}");
    let (_, left) = lines(disk).unwrap_or_else(|error| panic!("{what}: {error}"));
    for (&partition, expected) in expected {
        let lost = &found.partitions[partition as usize].lost;
        let is_lost = |at: usize| lost.iter().any(|range| range.contains(&(at as u64)));
        for (at, line) in expected.iter().enumerate() {
            let line = if is_lost(at) { "" } else { line };
            assert_eq!(left[&partition].get(at).map(String::as_str), Some(line), "{what}: @{at}");
        }
    }
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).unwrap();
    log.topic(TOPIC).unwrap().compact_at(true, LATER_US * 2, 100).unwrap();
    log.close().unwrap();
    assert!(!verify_topic(disk, &dir, &places).unwrap().is_damaged(), "{what}");
}

#[test]
fn a_flipped_bit_a_cut_or_a_missing_file_is_repaired() {
    let original = whole();
    let all = files(&original);
    let generations = all.iter().filter(|path| path.to_string_lossy().contains(".1.ndjson"));
    assert!(generations.count() > 1, "{all:?}");
    let (_, expected) = lines(&copy(&original)).unwrap();
    for path in all {
        let contents = read_whole(&original, &path).unwrap();
        let what = path.display();
        for at in 0..contents.len() {
            let mut flipped = contents.clone();
            flipped[at] ^= 1 << (at % 8);
            let disk = damaged(&original, &path, Some(&flipped));
            check_damaged(&disk, &expected, &format!("{what} byte {at}"));
            if at % 7 == 0 {
                let disk = damaged(&original, &path, Some(&contents[..at]));
                check_damaged(&disk, &expected, &format!("{what} cut to {at}"));
            }
        }
        // Which retention may have removed.
        if !is_first_of_several(&original, &path) {
            let disk = damaged(&original, &path, None);
            check_damaged(&disk, &expected, &format!("{what} removed"));
        }
    }
}

#[test]
fn what_is_damaged_is_not_written_anew_as_if_it_were_whole() {
    let disk = Simulated::new(BrokenPromise::None);
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).unwrap();
    let topic = log.create(TOPIC, &settings()).unwrap();
    for number in 0..4 {
        let line = format!("{{\"k\":0,\"n\":{number},\"text\":\"{}\"}}\n", "x".repeat(50));
        let batch = topic.prepare(line.into_bytes(), None).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
    }
    let path = place(partition_of(0)).dir.join("00000000000000000001.ndjson");
    let mut contents = read_whole(&disk, &path).unwrap();
    contents[30] ^= 1;
    disk.open(&path, Open::Write).unwrap().write_at(0, &[IoSlice::new(&contents)]).unwrap();
    let refused = topic.compact(false, None).unwrap_err();
    assert!(matches!(refused, LogError::Damaged { offset: 1, .. }), "{refused}");
    assert_eq!(read_whole(&disk, &path).unwrap(), contents);
    check_files(&disk, partition_of(0)).unwrap();
}
