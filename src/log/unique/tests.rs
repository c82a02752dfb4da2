//! Appending only what a topic does not have, on a simulated disk.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::cache;
use crate::api::appending::{Appended, Unique};
use crate::log::clock::test::shift_us;
use crate::log::simulation::faulty_storage::{FaultyStorage, Task};
use crate::log::simulation::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::storage::Storage;
use crate::log::storage::small::{read_whole, replace};
use crate::log::{Batch, Before, Identity, Log, LogError, Settings, Topic};

fn unique(key: &str) -> Unique {
    Unique { key: key.to_owned(), ..Unique::default() }
}

fn settings(unique: &str) -> Settings {
    Settings { unique: Some(unique.to_owned()), ..Settings::new(1, None) }
}

fn open(disk: &Simulated, settings: &Settings) -> (Log, Arc<Topic>) {
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).unwrap();
    let topic = log.create("t", settings).unwrap();
    (log, topic)
}

fn disk() -> Simulated {
    Simulated::new(BrokenPromise::None)
}

fn ids(ids: impl IntoIterator<Item = u64>) -> String {
    ids.into_iter().map(|id| format!("{{\"id\":{id}}}\n")).collect()
}

fn batch(topic: &Topic, records: &str, asked: Option<&Unique>) -> Batch {
    topic.prepare_unique(records.as_bytes().to_vec(), None, asked).unwrap()
}

fn try_append(topic: &Topic, records: &str, asked: Option<&Unique>) -> Result<Appended, LogError> {
    let batch = topic.prepare_unique(records.as_bytes().to_vec(), None, asked)?;
    topic.append(vec![batch]).remove(0)
}

/// Appends; gives how many were appended, and how many skipped.
fn append(topic: &Topic, records: &str, asked: Option<&Unique>) -> (u64, u64) {
    let appended = try_append(topic, records, asked).unwrap();
    (appended.records, appended.skipped)
}

fn held(topic: &Topic) -> String {
    let reader = topic.reader();
    let spans = reader.added_since(0).unwrap();
    let mut cursor = reader.cursor(spans).unwrap();
    let (mut all, mut bytes) = (Vec::new(), Vec::new());
    while cursor.next(1 << 20, &mut bytes).unwrap().is_some() {
        all.extend_from_slice(&bytes);
    }
    String::from_utf8(all).unwrap()
}

#[test]
fn pages_that_overlap_are_appended_once() {
    let disk = disk();
    for (round, asked) in [(0, None), (1000, Some(unique(".id")))] {
        let settings = if asked.is_none() { settings(".id") } else { Settings::new(1, None) };
        let (log, topic) = open(&disk, &settings);
        let page = |first| ids(round + first..round + first + 10);
        assert_eq!(append(&topic, &page(0), asked.as_ref()), (10, 0));
        assert_eq!(append(&topic, &page(5), asked.as_ref()), (5, 5));
        drop(topic);
        log.close().unwrap();
        drop(log);
        let (log, topic) = open(&disk, &settings);
        assert_eq!(append(&topic, &page(8), asked.as_ref()), (3, 7));
        assert_eq!(held(&topic), ids(round..round + 18));
        drop(topic);
        log.delete("t").unwrap();
    }
}

#[test]
fn what_is_appended_without_it_counts_too() {
    let (_log, topic) = open(&disk(), &Settings::new(1, None));
    let by_id = unique(".id");
    append(&topic, &ids(0..3), None);
    assert_eq!(append(&topic, &ids(2..5), Some(&by_id)), (2, 1));
    append(&topic, &ids([7, 7]), None);
    assert_eq!(append(&topic, &ids([7, 8, 8, 9]), Some(&by_id)), (2, 2));
    // Also what is written with it at once, and only if it is.
    let group = [
        batch(&topic, &ids([20, 21]), None),
        batch(&topic, &ids([21, 22]), Some(&by_id)),
        batch(&topic, &ids([22, 23]), Some(&by_id)),
        batch(&topic, &ids([24]), None),
        batch(&topic, &ids([23, 24, 25]), Some(&by_id)).chained(),
        batch(&topic, &ids([25, 26]), Some(&unique(".id + 0"))),
    ];
    let results = topic.append(group.into());
    let results: Vec<_> =
        results.into_iter().map(|it| it.map(|it| (it.records, it.skipped)).unwrap()).collect();
    assert_eq!(results, [(2, 0), (1, 1), (1, 1), (1, 0), (1, 2), (1, 1)]);
}

#[test]
fn a_setting_holds_for_what_was_prepared_before_it_was_made() {
    let (_log, topic) = open(&disk(), &Settings::new(1, None));
    append(&topic, &ids(0..3), None);
    let early = batch(&topic, &ids(1..5), None);
    let other = batch(&topic, &ids(4..6), Some(&unique("[.id]")));
    let keyless = batch(&topic, "{\"id\":9}\n{\"n\":1}\n", None);
    let changes = |text: &str| serde_json::from_str(text).unwrap();
    topic.alter(&changes(r#"{"unique":".id"}"#), false).unwrap();
    let mut results = topic.append(vec![early, other, keyless]).into_iter();
    let mut next = || results.next().unwrap();
    assert_eq!(next().map(|it| (it.records, it.skipped)).unwrap(), (2, 2));
    assert_eq!(next().map(|it| (it.records, it.skipped)).unwrap(), (1, 1));
    let Err(LogError::BadRecords { records }) = next() else { panic!() };
    assert_eq!(records[0].record, 1);
    assert_eq!(held(&topic), ids(0..6));
    topic.alter(&changes(r#"{"unique":null}"#), false).unwrap();
    assert_eq!(append(&topic, &ids(0..2), None), (2, 0));
}

#[test]
fn a_record_without_a_key_is_bad() {
    let (_log, topic) = open(&disk(), &Settings::new(1, None));
    append(&topic, "{\"n\":1}\n{\"id\":null}\n7\n", None);
    let by_id = unique(".id");
    for (records, number) in [("{\"id\":1}\n\n{\"n\":1}\n", 2), ("{\"id\":null}\n", 0), ("7\n", 0)]
    {
        let Err(LogError::BadRecords { records }) = try_append(&topic, records, Some(&by_id))
        else {
            panic!("{records}");
        };
        assert_eq!(records[0].record, number);
    }
    assert_eq!(append(&topic, &ids([1, 1]), Some(&by_id)), (1, 1));
}

#[test]
fn what_was_appended_too_long_ago_does_not_count() {
    let (_log, topic) = open(&disk(), &Settings::new(1, None));
    let hour = Unique { within_ms: Some(3_600_000), ..unique(".id") };
    let minutes = |count: i64| shift_us(count * 60_000_000);
    let append = |records: &str| append(&topic, records, Some(&hour));
    minutes(0);
    assert_eq!(append(&ids([1, 2])), (2, 0));
    minutes(30);
    assert_eq!(append(&ids([2, 3])), (1, 1));
    minutes(59);
    assert_eq!(append(&ids([1, 2, 3])), (0, 3));
    minutes(61);
    assert_eq!(append(&ids([1, 2, 3])), (2, 1));
    // A set that reads the topic anew knows the same.
    topic.sets.clear();
    assert_eq!(append(&ids([1, 2, 3])), (0, 3));
    minutes(91);
    topic.sets.clear();
    assert_eq!(append(&ids([1, 2, 3])), (1, 2));
    // The clock may be set back: times of appending are not.
    minutes(0);
    assert_eq!(append(&ids([1, 2, 3, 4])), (1, 3));
    shift_us(0);
}

#[test]
fn only_so_many_records_count() {
    let (_log, topic) = open(&disk(), &Settings::new(1, None));
    let three = Unique { last: Some(3), ..unique(".id") };
    let append = |records: &str| append(&topic, records, Some(&three));
    assert_eq!(append(&ids(1..=4)), (4, 0));
    assert_eq!(append(&ids([2, 3, 4])), (0, 3));
    for _ in 0..2 {
        assert_eq!(append(&ids([1])), (1, 0));
        assert_eq!(append(&ids([1, 3, 4])), (0, 3));
        assert_eq!(append(&ids([2])), (1, 0));
        assert_eq!(append(&ids([3, 4])), (1, 1));
        // Both ways to know it: the last three are 1, 2, 3, and then 2, 3, 4.
        topic.sets.clear();
        assert_eq!(append(&ids([4])), (1, 0));
    }
}

#[test]
fn keys_are_those_of_all_partitions() {
    let disk = disk();
    let keyed = Settings { partitions: 3, key: Some(".p".to_owned()), ..settings(".id") };
    let (log, topic) = open(&disk, &keyed);
    let record = |p: u64, id: u64| format!("{{\"p\":{p},\"id\":{id}}}\n");
    let all: String = (0..30).map(|id| record(id, id / 2)).collect();
    assert_eq!(append(&topic, &all, None), (15, 15));
    let first: String = (0..15).map(|id| record(id * 2, id)).collect();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // Of the records of a key in one batch, the first one is appended.
    assert_eq!(sorted(&held(&topic)), sorted(&first));
    assert_eq!(append(&topic, &record(1, 14), None), (0, 1));
    drop(topic);
    log.close().unwrap();
    drop(log);
    let (_log, topic) = open(&disk, &keyed);
    assert_eq!(append(&topic, &(record(1, 14) + &record(1, 15)), None), (1, 1));
    let changes = serde_json::from_str(r#"{"partitions":5}"#).unwrap();
    topic.alter(&changes, true).unwrap();
    let again: String = (0..40).map(|id| record(id, id)).collect();
    assert_eq!(append(&topic, &again, None), (24, 16));
    assert_eq!(append(&topic, &again, None), (0, 40));
}

#[test]
fn batches_of_a_producer_keep_their_sequences() {
    let disk = disk();
    let (log, topic) = open(&disk, &settings(".id"));
    let send = |topic: &Topic, records: &str, after, sequence| {
        let identity = Identity { producer: "p".to_owned(), after: Some(after), sequence };
        let batch = topic.prepare(records.as_bytes().to_vec(), Some(identity)).unwrap();
        topic.append(vec![batch]).remove(0).unwrap()
    };
    assert_eq!(send(&topic, &ids([1, 2]), 0, 10).records, 2);
    // The answer was lost: it is the same again.
    let again = send(&topic, &ids([1, 2]), 0, 10);
    assert_eq!((again.records, again.skipped, again.duplicate), (2, 0, true));
    // Nothing of it is new, and still its sequence is kept.
    let none = send(&topic, &ids([2, 1]), 10, 20);
    assert_eq!((none.records, none.skipped, none.duplicate), (0, 2, false));
    assert_eq!(topic.producer("p").unwrap(), Some(20));
    drop(topic);
    log.close().unwrap();
    drop(log);
    let (_log, topic) = open(&disk, &settings(".id"));
    assert_eq!(topic.producer("p").unwrap(), Some(20));
    assert!(send(&topic, &ids([2, 1]), 10, 20).duplicate);
    assert_eq!(send(&topic, &ids([2, 3]), 20, 30).records, 1);
    assert_eq!(held(&topic), ids(1..4));
}

#[test]
fn what_could_not_be_written_is_not_known() {
    let full = Arc::new(AtomicBool::new(false));
    let is_full = Arc::clone(&full);
    let rule = move |task| match task {
        Task::Grow if is_full.load(Ordering::SeqCst) => Err(std::io::ErrorKind::StorageFull.into()),
        _ => Ok(()),
    };
    let storage = FaultyStorage { disk: disk(), rule: Arc::new(rule) };
    let log = Log::open_on(Arc::new(storage), Path::new("/")).unwrap();
    let topic = log.create("t", &settings(".id")).unwrap();
    assert_eq!(append(&topic, &ids(0..5), None), (5, 0));
    full.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert!(try_append(&topic, &ids(4..8), None).unwrap_err().is_full_disk());
    }
    full.store(false, Ordering::SeqCst);
    assert_eq!(append(&topic, &ids(4..8), None), (3, 1));
    assert_eq!(held(&topic), ids(0..8));
}

#[test]
fn more_keys_than_there_may_be_are_refused() {
    let (_log, topic) = open(&disk(), &Settings::new(1, None));
    let few = Unique { max: Some(5), ..unique(".id") };
    assert_eq!(append(&topic, &ids(0..4), Some(&few)), (4, 0));
    let why = try_append(&topic, &ids(3..6), Some(&few)).unwrap_err().to_string();
    assert!(why.contains("more than 5 records") && why.contains("--max-unique"), "{why}");
    assert_eq!(append(&topic, &ids(0..5), Some(&few)), (1, 4));
    append(&topic, &ids([5]), None);
    assert!(matches!(
        try_append(&topic, &ids([1]), Some(&few)),
        Err(LogError::TooManyKeys { most: 5, .. })
    ));
    // Fewer count, and there is room.
    let last = Unique { last: Some(5), ..few };
    assert_eq!(append(&topic, &ids(0..8), Some(&last)), (3, 5));
}

#[test]
fn a_topic_forgets_what_is_trimmed() {
    let disk = disk();
    let (_log, topic) = open(&disk, &Settings { segment_bytes: 40, ..settings(".id") });
    (0..10).for_each(|id| assert_eq!(append(&topic, &ids([id]), None), (1, 0)));
    topic.trim(None, Before::Offset(5)).unwrap();
    let start = topic.reader().bounds().unwrap()[0].start;
    assert!(start > 0 && start <= 5);
    assert_eq!(append(&topic, &ids(0..10), None), (start, 10 - start));
    topic.trim(None, Before::Offset(u64::MAX)).unwrap_err();
    let end = topic.reader().bounds().unwrap()[0].end;
    topic.trim(None, Before::Offset(end)).unwrap();
    assert_eq!(append(&topic, &ids(0..10), None), (10, 0));
}

#[test]
fn a_topic_forgets_what_is_compacted_away() {
    let compacted =
        Settings { compact: true, tombstone: Some(".gone".to_owned()), ..settings("[.id,.n]") };
    let (_log, topic) = open(&disk(), &Settings { key: Some(".id".to_owned()), ..compacted });
    let records = "{\"id\":1,\"n\":1}\n{\"id\":1,\"n\":2}\n{\"id\":2,\"n\":1}\n";
    assert_eq!(append(&topic, records, None), (3, 0));
    assert_eq!(append(&topic, records, None), (0, 3));
    topic.compact(true, None).unwrap();
    assert_eq!(append(&topic, records, None), (1, 2));
    assert_eq!(append(&topic, records, None), (0, 3));
}

/// Random batches of several writers, restarts and trims, compared with the records themselves.
#[test]
fn it_is_as_if_all_records_were_compared() {
    for seed in seeds(20) {
        let mut random = Random::new(seed);
        let disk = disk();
        let settings = Settings { segment_bytes: 200, ..Settings::new(2, Some(".id".to_owned())) };
        let (mut log, mut topic) = open(&disk, &settings);
        let by_id = unique(".id");
        for _ in 0..60 {
            match random.below(12) {
                0 => {
                    drop(topic);
                    log.close().unwrap();
                    drop(log);
                    (log, topic) = open(&disk, &settings);
                }
                1 => topic.sets.clear(),
                2 => {
                    let bounds = topic.reader().bounds().unwrap()[random.below(2)];
                    let offset = bounds.start
                        + random.below((bounds.end - bounds.start) as usize + 1) as u64;
                    topic.trim(Some(bounds.partition), Before::Offset(offset)).unwrap();
                }
                _ => {
                    let before: HashSet<String> = held(&topic).lines().map(str::to_owned).collect();
                    let records: Vec<u64> =
                        (0..random.below(6)).map(|_| random.below(40) as u64).collect();
                    let asked = (random.below(4) > 0).then_some(&by_id);
                    let (appended, skipped) = append(&topic, &ids(records.clone()), asked);
                    assert_eq!(appended + skipped, records.len() as u64, "{seed}");
                    let mut known = before.clone();
                    let new =
                        records.iter().filter(|id| known.insert(ids([**id]).trim().to_owned()));
                    let new = new.count() as u64;
                    let expected = if asked.is_some() { new } else { records.len() as u64 };
                    assert_eq!(appended, expected, "seed {seed}");
                }
            }
        }
    }
}

/// The one file of keys that the topic has, if it has one.
fn key_file(disk: &Simulated) -> Option<(std::path::PathBuf, Vec<u8>)> {
    let dir = Path::new("/topics/t");
    let names = disk.list(dir).unwrap();
    let mut ours = names.into_iter().filter(|name| name.ends_with(".keys"));
    let path = dir.join(ours.next()?);
    assert_eq!(ours.next(), None);
    let bytes = read_whole(disk, &path).unwrap();
    Some((path, bytes))
}

#[test]
fn keys_are_read_from_their_file_if_it_is_of_these_records() {
    let disk = disk();
    let small = Settings { segment_bytes: 40, partitions: 2, ..settings(".id") };
    let reopen = |log: Log, topic: Arc<Topic>| {
        drop(topic);
        log.close().unwrap();
        drop(log);
        let (log, topic) = open(&disk, &small);
        topic.sets.save_often();
        (log, topic)
    };
    let (log, topic) = open(&disk, &small);
    topic.sets.save_often();
    (0..10).for_each(|id| assert_eq!(append(&topic, &ids([id]), None), (1, 0)));
    assert_eq!(key_file(&disk), None);
    topic.run_due().unwrap();
    let first = key_file(&disk).unwrap();
    let is_used = |topic: &Topic| {
        let reader = topic.reader();
        let unique = topic.settings().unique().unwrap();
        cache::read(&reader, &unique, &reader.ends().unwrap()).map(|saved| saved.recent.len())
    };
    let (log, topic) = reopen(log, topic);
    assert_eq!(is_used(&topic), Some(10));
    assert_eq!(append(&topic, &ids(5..15), None), (5, 5));
    let (log, topic) = reopen(log, topic);
    assert_eq!(is_used(&topic), Some(15));
    // An older one is as good, and one that is damaged as good as none.
    replace(&disk, &first.0, &first.1).unwrap();
    let (log, topic) = reopen(log, topic);
    assert_eq!(is_used(&topic), Some(10));
    assert_eq!(append(&topic, &ids(0..16), None), (1, 15));
    for at in [0, 20, first.1.len() / 2, first.1.len() - 1] {
        let mut damaged = first.1.clone();
        damaged[at] ^= 4;
        replace(&disk, &first.0, &damaged).unwrap();
        topic.sets.clear();
        assert_eq!(is_used(&topic), None);
        assert_eq!(append(&topic, &ids(0..16), None), (0, 16));
    }
    // Records that are trimmed are not known any more; the others are.
    let end: u64 = topic.reader().bounds().unwrap().iter().map(|held| held.end).sum();
    topic.run_due().unwrap();
    topic.trim(Some(0), Before::Offset(3)).unwrap();
    let start = topic.reader().bounds().unwrap()[0].start;
    let (log, topic) = reopen(log, topic);
    assert_eq!(is_used(&topic), Some(16));
    assert_eq!((end, append(&topic, &ids(0..16), None)), (16, (start, 16 - start)));
    // Those of a topic that is gone are not those of another one of its name.
    let saved = key_file(&disk).unwrap();
    drop(topic);
    log.delete("t").unwrap();
    let topic = log.create("t", &small).unwrap();
    topic.append(vec![topic.prepare(ids(20..30).into_bytes(), None).unwrap()]).remove(0).unwrap();
    replace(&disk, &saved.0, &saved.1).unwrap();
    topic.sets.clear();
    assert_eq!(is_used(&topic), None);
    assert_eq!(append(&topic, &ids(0..30), None), (20, 10));
}

#[test]
fn the_file_of_a_topic_that_was_compacted_is_of_other_records() {
    let disk = disk();
    let key = Some(".id".to_owned());
    let compacted = Settings { key, compact: true, ..settings("[.id,.n]") };
    let (log, topic) = open(&disk, &compacted);
    topic.sets.save_often();
    let records = "{\"id\":1,\"n\":1}\n{\"id\":1,\"n\":2}\n{\"id\":2,\"n\":1}\n";
    assert_eq!(append(&topic, records, None), (3, 0));
    topic.run_due().unwrap();
    let saved = key_file(&disk).unwrap();
    topic.compact(true, None).unwrap();
    drop(topic);
    log.close().unwrap();
    drop(log);
    replace(&disk, &saved.0, &saved.1).unwrap();
    let (_log, topic) = open(&disk, &compacted);
    assert_eq!(append(&topic, records, None), (1, 2));
}

#[test]
fn files_of_keys_that_are_not_used_do_not_pile_up() {
    let disk = disk();
    let (_log, topic) = open(&disk, &Settings::new(1, None));
    topic.sets.save_often();
    for number in 0..9 {
        append(&topic, &ids([number]), Some(&unique(&format!(".id + {number}"))));
        topic.run_due().unwrap();
    }
    let names = disk.list(Path::new("/topics/t")).unwrap();
    assert_eq!(names.iter().filter(|name| name.ends_with(".keys")).count(), 4);
}
