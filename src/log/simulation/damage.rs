//! Damage of every kind, done to a small log on a simulated disk: it is found, and a repair keeps
//! what can be kept.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::crash::{Model, PARTITIONS, TOPIC, run};
use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::api::reading::Span;
use crate::log::recover::repair::{Repaired, repair_topic};
use crate::log::recover::verify::{Verified, verify_topic};
use crate::log::segment::Place;
use crate::log::segment::format::{BLOCK_BYTES, ENTRIES_AT, Entry};
use crate::log::storage::small::read_whole;
use crate::log::storage::{Open, Storage};
use crate::log::{Log, LogError};

fn dir() -> PathBuf {
    Path::new("/topics").join(TOPIC)
}

fn places() -> Vec<Place> {
    (0..PARTITIONS).map(|number| Place::new(TOPIC, &dir(), number)).collect()
}

/// A log that was closed, with several segments in each partition.
fn whole() -> Simulated {
    let disk = Simulated::new(BrokenPromise::None);
    run(&disk, &mut Model::default(), &mut Random::new(5)).unwrap();
    disk
}

fn copy(disk: &Simulated) -> Simulated {
    disk.after_crash(&mut Random::new(1))
}

fn files(disk: &Simulated) -> Vec<PathBuf> {
    let of = |place: Place| {
        let names = disk.list(&place.dir).unwrap();
        names.into_iter().map(move |name| place.dir.join(name))
    };
    places().into_iter().flat_map(of).collect()
}

fn verify(disk: &Simulated) -> Verified {
    verify_topic(disk, &dir(), &places()).unwrap()
}

fn repair(disk: &Simulated) -> Repaired {
    repair_topic(disk, &dir(), &places()).unwrap()
}

/// The lines of each partition, read as a user reads them.
fn lines(disk: &Simulated) -> Result<BTreeMap<u32, Vec<String>>, LogError> {
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/"))?;
    let topic = log.topic(TOPIC)?;
    let mut all = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let span = Span { partition, from: 0, until: None };
        let mut cursor = topic.reader().cursor(vec![span])?;
        let (mut bytes, mut text) = (Vec::new(), Vec::new());
        while cursor.next(10, &mut bytes)?.is_some() {
            text.extend_from_slice(&bytes);
        }
        let text = String::from_utf8(text).unwrap();
        all.insert(partition, text.lines().map(str::to_owned).collect());
    }
    let batch = topic.prepare(b"[0,0]\n[0,1]\n[0,2]\n[0,3]\n".to_vec(), None)?;
    topic.append(vec![batch]).remove(0)?;
    log.close()?;
    Ok(all)
}

/// What was damaged is repaired, and holds all that the repair does not call lost.
fn check(disk: &Simulated, expected: &BTreeMap<u32, Vec<String>>, what: &str) {
    let found = verify(disk);
    let repaired = repair(disk);
    assert_eq!(repaired.found, found, "{what}");
    assert!(!verify(disk).is_damaged(), "{what}: {:?}", verify(disk));
    if found.is_damaged() {
        assert!(!repaired.quarantined.is_empty() || !found.producers.is_empty(), "{what}");
    }
    let left = lines(disk).unwrap_or_else(|error| panic!("{what}: {error}; {repaired:?}"));
    for (partition, expected) in expected {
        let lost: &[Range<u64>] = &found.partitions[*partition as usize].lost;
        let is_lost = |at: usize| lost.iter().any(|range| range.contains(&(at as u64)));
        let mut expected = expected.clone();
        for (at, line) in expected.iter_mut().enumerate().filter(|(at, _)| is_lost(*at)) {
            assert_eq!(left[partition][at], "", "{what}: {partition}@{at}");
            line.clear();
        }
        assert_eq!(left[partition], expected, "{what}: {found:?}");
    }
}

fn put(disk: &Simulated, path: &Path, contents: &[u8]) {
    disk.open(path, Open::Create).unwrap().write_at(0, &[IoSlice::new(contents)]).unwrap();
}

#[test]
fn a_whole_log_is_left_alone() {
    let disk = whole();
    let before: Vec<_> = files(&disk).iter().map(|path| read_whole(&disk, path).unwrap()).collect();
    assert_eq!(verify(&disk).producers, Vec::<String>::new());
    assert_eq!(repair(&disk).quarantined, Vec::<PathBuf>::new());
    let after: Vec<_> = files(&disk).iter().map(|path| read_whole(&disk, path).unwrap()).collect();
    assert_eq!(before, after);
}

#[test]
fn a_flipped_bit_in_any_byte_is_repaired_or_carries_nothing() {
    let original = whole();
    let expected = lines(&copy(&original)).unwrap();
    for path in files(&original) {
        let contents = read_whole(&original, &path).unwrap();
        // That every bit is noticed is tested elsewhere; here it is one in each byte.
        for bit in (0..contents.len()).map(|byte| byte * 8 + byte % 8) {
            let disk = copy(&original);
            let mut contents = contents.clone();
            contents[bit / 8] ^= 1 << (bit % 8);
            put(&disk, &path, &contents);
            check(&disk, &expected, &format!("{} bit {bit}", path.display()));
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_repaired() {
    let original = whole();
    let expected = lines(&copy(&original)).unwrap();
    for path in files(&original) {
        let contents = read_whole(&original, &path).unwrap();
        for kept in 0..contents.len() {
            let disk = copy(&original);
            put(&disk, &path, &contents[..kept]);
            check(&disk, &expected, &format!("{} cut to {kept}", path.display()));
        }
    }
}

#[test]
fn a_missing_file_is_made_up_for() {
    let original = whole();
    let expected = lines(&copy(&original)).unwrap();
    for path in files(&original) {
        let disk = copy(&original);
        disk.remove(&path).unwrap();
        if is_first_of_several(&disk, &path) {
            // Retention leaves the same when it is interrupted.
            assert!(!verify(&disk).is_damaged(), "{}", path.display());
            continue;
        }
        assert!(verify(&disk).is_damaged(), "{}", path.display());
        if path.extension().is_some_and(|ending| ending == "index") {
            let partitions = verify(&disk).partitions;
            assert!(partitions.iter().all(|one| one.lost.is_empty()), "{partitions:?}");
        }
        check(&disk, &expected, &format!("{} removed", path.display()));
    }
}

/// Makes the first record of a segment's first batch something else, as a log would hold it that
/// took it for a record.
fn replace_first_record(disk: &Simulated, data: &Path, with: u8) -> u64 {
    let index = data.with_extension("index");
    let mut lines = read_whole(disk, data).unwrap();
    let mut entries = read_whole(disk, &index).unwrap();
    let at = ENTRIES_AT as usize..(ENTRIES_AT + BLOCK_BYTES) as usize;
    let block = &mut entries[at];
    let mut entry = Entry::decode((&*block).try_into().unwrap()).unwrap();
    let end = memchr::memchr(b'\n', &lines).unwrap();
    lines[end - 1] = with;
    entry.data_crc = crc32c::crc32c(&lines[..entry.bytes as usize]);
    block.copy_from_slice(&entry.encode());
    put(disk, data, &lines);
    put(disk, &index, &entries);
    entry.base
}

#[test]
fn a_record_that_is_no_json_is_found_and_made_empty() {
    let original = whole();
    let expected = lines(&copy(&original)).unwrap();
    let has_lines = |path: &PathBuf| read_whole(&original, path).unwrap().first() == Some(&b'[');
    let data: Vec<_> = files(&original).into_iter().filter(has_lines).collect();
    assert!(!data.is_empty());
    for path in data {
        let disk = copy(&original);
        let offset = replace_first_record(&disk, &path, b'\\');
        let found = verify(&disk).partitions.into_iter().find(|one| !one.damage.is_empty());
        let found = found.unwrap_or_else(|| panic!("{}: not found", path.display()));
        assert_eq!(found.lost, std::slice::from_ref(&(offset..offset + 1)), "{found:?}");
        assert!(found.damage[0].1.starts_with("the record is not valid JSON: "), "{found:?}");
        assert_eq!((found.damage[0].0, found.damage.len()), (offset, 1));
        check(&disk, &expected, &path.display().to_string());
    }
}

/// Whether the file is the data of a partition's first segment, and there are more.
pub(in crate::log) fn is_first_of_several(disk: &Simulated, path: &Path) -> bool {
    let is_data = |name: &str| name.ends_with(".ndjson");
    let name = path.file_name().unwrap().to_str().unwrap();
    let others = disk.list(path.parent().unwrap()).unwrap();
    is_data(name)
        && others.iter().any(|other| is_data(other) && other.as_str() > name)
        && !others.iter().any(|other| is_data(other) && other.as_str() < name)
}

#[test]
fn producers_keep_their_numbers_where_their_names_are_lost() {
    let disk = whole();
    let path = dir().join("producers.json");
    for contents in [&b"{"[..], b"{\"version\":1,\"from\":[0,0,0],\"producers\":[]}"] {
        let disk = copy(&disk);
        put(&disk, &path, contents);
        assert!(verify(&disk).is_damaged());
        assert_eq!(repair(&disk).nameless_producers, 1);
        assert!(!verify(&disk).is_damaged());
        lines(&disk).unwrap();
    }
}

#[test]
fn a_repair_that_crashes_is_completed_by_the_next() {
    let original = whole();
    let expected = lines(&copy(&original)).unwrap();
    let damaged = |path: &Path| {
        let disk = copy(&original);
        let mut contents = read_whole(&disk, path).unwrap();
        let last = contents.len() - 1;
        contents[last] ^= 1;
        put(&disk, path, &contents);
        disk.after_sync()
    };
    for path in files(&original)
        .into_iter()
        .filter(|path| read_whole(&original, path).is_ok_and(|contents| !contents.is_empty()))
    {
        let disk = damaged(&path);
        let before = disk.steps();
        let found = repair(&disk).found;
        let steps = disk.steps() - before;
        for step in 1..=steps {
            for seed in seeds(3) {
                let disk = damaged(&path);
                disk.crash_at(disk.steps() + step);
                repair_topic(&disk, &dir(), &places()).unwrap_err();
                let disk = disk.after_crash(&mut Random::new(seed));
                repair(&disk);
                let what = format!("{} crashed at {step}, seed {seed}", path.display());
                assert!(!verify(&disk).is_damaged(), "{what}");
                let left = lines(&disk).unwrap();
                for (partition, lines) in &expected {
                    let lost = &found.partitions[*partition as usize].lost;
                    for (at, line) in lines.iter().enumerate() {
                        let is_lost = lost.iter().any(|range| range.contains(&(at as u64)));
                        let line = if is_lost { "" } else { line };
                        assert_eq!(left[partition][at], line, "{what}: {partition}@{at}");
                    }
                }
            }
        }
    }
}

#[test]
fn another_version_is_left_alone() {
    let disk = whole();
    let path = files(&disk).into_iter().find(|path| path.extension().unwrap() == "index").unwrap();
    let mut contents = read_whole(&disk, &path).unwrap();
    contents[8] = 2;
    let crc = crc32c::crc32c(&contents[..60]);
    contents[60..64].copy_from_slice(&crc.to_le_bytes());
    put(&disk, &path, &contents);
    assert!(verify(&disk).is_damaged());
    let steps = disk.steps();
    let refused = repair_topic(&disk, &dir(), &places()).unwrap_err();
    assert!(refused.to_string().contains("version 2"), "{refused}");
    assert_eq!(disk.steps(), steps, "something was written");
}
