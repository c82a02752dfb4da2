//! What compaction leaves, against a model of it.

use crate::log::append::placement::partition_of_json;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::api::reading::{ByPartition, Span};
use crate::api::topics::TakenAway;
use crate::log::simulation::simulated::{BrokenPromise, Simulated};
use crate::log::storage::Storage;
use crate::log::{Before, Identity, Log};

const TOPIC: &str = "t";
const NOW_US: i64 = 1 << 60;

fn settings(partitions: u32, tombstone_ms: u64) -> Settings {
    Settings {
        segment_bytes: 60,
        compact: true,
        tombstone: Some(".gone".to_owned()),
        tombstone_ms: Some(tombstone_ms),
        ..Settings::new(partitions, Some(".k".to_owned()))
    }
}

fn make(disk: &Simulated, settings: &Settings) -> (Log, Arc<Topic>) {
    let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).unwrap();
    let topic = log.create(TOPIC, settings).unwrap();
    (log, topic)
}

fn append(topic: &Topic, lines: &str) {
    let batch = topic.prepare(lines.as_bytes().to_vec(), None).unwrap();
    topic.append(vec![batch]).remove(0).unwrap();
}

/// The lines of a partition from an offset on.
fn lines(topic: &Topic, partition: u32, from: u64) -> Vec<String> {
    let span = Span { partition, from, until: None };
    let mut cursor = topic.reader().cursor(vec![span]).unwrap();
    let (mut bytes, mut all) = (Vec::new(), String::new());
    while let Some(chunk) = cursor.next(30, &mut bytes).unwrap() {
        assert_eq!(chunk.offset, from + all.lines().count() as u64);
        assert_eq!(chunk.records as usize, bytes.split(|&byte| byte == b'\n').count() - 1);
        all += std::str::from_utf8(&bytes).unwrap();
    }
    all.split_terminator('\n').map(str::to_owned).collect()
}

fn shown(topic: &Topic) -> String {
    lines(topic, 0, 0).join(" ")
}

/// Where the active segment begins.
fn active_base(disk: &Simulated, partition: u32) -> u64 {
    let place = Place::new(TOPIC, &Path::new("/topics").join(TOPIC), partition);
    bases(disk, &place).unwrap().pop().unwrap()
}

/// What compacting a topic of one partition says where there is nothing to do.
fn nothing() -> ByPartition<TakenAway> {
    ByPartition::from([(0, TakenAway::default())])
}

fn compact(topic: &Topic, now_us: i64) -> ByPartition<TakenAway> {
    topic.compact_at(false, now_us, KEYS_MAX).unwrap()
}

#[test]
fn of_each_key_the_last_record_stays_where_it_is() {
    let disk = Simulated::new(BrokenPromise::None);
    let (_log, topic) = make(&disk, &Settings { segment_bytes: 1, ..settings(1, 1000) });
    for line in [r#"{"k":1,"n":1}"#, r#"{"k":2}"#, r#"{"k":1,"n":3}"#, r#"{"n":4}"#, r#"{"k":2}"#] {
        append(&topic, &format!("{line}\n"));
    }
    assert_eq!(active_base(&disk, 0), 4);
    let done = compact(&topic, NOW_US);
    // The last record is in the active segment, and takes nothing away.
    assert_eq!(shown(&topic), r#" {"k":2} {"k":1,"n":3} {"n":4} {"k":2}"#);
    assert_eq!(done, ByPartition::from([(0, TakenAway { segments: 1, records: 1, bytes: 13 })]));
    assert_eq!(compact(&topic, NOW_US), nothing());
    topic.compact_at(true, NOW_US, KEYS_MAX).unwrap();
    assert_eq!(shown(&topic), r#"  {"k":1,"n":3} {"n":4} {"k":2}"#);
}

#[test]
fn a_tombstone_stays_until_slow_readers_have_seen_it() {
    let disk = Simulated::new(BrokenPromise::None);
    let (_log, topic) = make(&disk, &Settings { segment_bytes: 1, ..settings(1, 1000) });
    append(&topic, "{\"k\":1}\n");
    append(&topic, "{\"k\":1,\"gone\":true}\n");
    append(&topic, "{\"k\":2}\n");
    // However old it is: its key's records go only now.
    compact(&topic, NOW_US);
    assert_eq!(shown(&topic), r#" {"k":1,"gone":true} {"k":2}"#);
    assert_eq!(topic.compaction_due_us(), Some(NOW_US + 1_000_000));
    compact(&topic, NOW_US + 999_999);
    assert_eq!(shown(&topic), r#" {"k":1,"gone":true} {"k":2}"#);
    compact(&topic, NOW_US + 1_000_000);
    assert_eq!(shown(&topic), r#"  {"k":2}"#);
    assert_eq!(topic.compaction_due_us(), None);
}

#[test]
fn who_watches_is_told_how_far_it_has_come() {
    for keys_max in [2, 100] {
        let disk = Simulated::new(BrokenPromise::None);
        let (_log, topic) = make(&disk, &settings(2, 1000));
        (0..50).for_each(|number| append(&topic, &format!("{{\"k\":{}}}\n", number % 7)));
        let told = std::cell::RefCell::new(Vec::new());
        let tell = |read, total| told.borrow_mut().push((read, total));
        topic.compact_telling(true, NOW_US, keys_max, Some(&tell)).unwrap();
        let told = told.into_inner();
        assert!(told.is_sorted_by_key(|(read, _)| *read), "{told:?}");
        assert!(told.iter().all(|(read, total)| read <= total), "{told:?}");
        let (read, total) = told.last().unwrap();
        // Once to gather the keys, and once to write: a record has eight bytes.
        assert!(read == total && *read >= 50 * 8 * 2, "{told:?}");
        assert!(keys_max == 2 || told.iter().all(|(_, of)| of == total), "{told:?}");
    }
}

#[test]
fn it_is_due_once_enough_is_dirty() {
    let disk = Simulated::new(BrokenPromise::None);
    let (_log, topic) = make(&disk, &Settings { segment_bytes: 1, ..settings(1, 1000) });
    topic.run_due().unwrap();
    assert_eq!(topic.compaction_due_us(), None);
    let due_after = |number: u64| {
        append(&topic, &format!("{{\"k\":{number}}}\n"));
        topic.run_due().unwrap();
        topic.compaction_due_us()
    };
    assert_eq!(due_after(0), None, "there is only the active segment");
    assert_eq!(due_after(1), Some(0));
    assert_eq!(topic.compact_due().unwrap(), nothing());
    assert_eq!((due_after(2), topic.compact_due().unwrap().len()), (Some(0), 1));
    assert_eq!((due_after(3), due_after(4)), (None, Some(0)));
}

#[test]
fn who_has_no_key_or_did_not_ask_is_told_so() {
    let disk = Simulated::new(BrokenPromise::None);
    let (log, topic) = make(&disk, &Settings::new(1, Some(".k".to_owned())));
    assert!(topic.compact(false, None).unwrap_err().to_string().contains("alter --compact"));
    let keyless = log.create("u", &Settings::new(1, None)).unwrap();
    assert!(keyless.compact(false, None).unwrap_err().to_string().contains("no key"));
    let changes = |text| serde_json::from_str(text).unwrap();
    assert!(keyless.alter(&changes(r#"{"compact":true}"#), false).is_err());
    assert!(topic.alter(&changes(r#"{"compact":true,"tombstone":".a +"}"#), false).is_err());
    topic.alter(&changes(r#"{"compact":true}"#), false).unwrap();
    topic.compact(false, None).unwrap();
}

#[test]
fn a_reader_in_the_middle_of_a_segment_reads_what_it_has_open() {
    let disk = Simulated::new(BrokenPromise::None);
    let (_log, topic) = make(&disk, &Settings { segment_bytes: 90, ..settings(1, 1000) });
    for number in 0..20 {
        append(&topic, &format!("{{\"k\":1,\"n\":{number}}}\n"));
    }
    let span = Span { partition: 0, from: 0, until: None };
    let mut cursor = topic.reader().cursor(vec![span]).unwrap();
    let (mut bytes, mut offset) = (Vec::new(), 0);
    while let Some(chunk) = cursor.next(1, &mut bytes).unwrap() {
        assert_eq!((chunk.offset, chunk.records), (offset, 1));
        offset += 1;
        if offset == 2 {
            compact(&topic, NOW_US);
        }
        // What was open is read as it was, what is opened later as it is.
        assert_eq!(bytes == b"\n", (7..20 - 20 % 7 - 1).contains(&chunk.offset), "{offset}");
    }
    assert_eq!(offset, 20);
}

#[test]
fn producers_stand_where_they_stood_though_all_their_records_are_gone() {
    let disk = Simulated::new(BrokenPromise::None);
    let settings = Settings { segment_bytes: 1, ..settings(2, 0) };
    let (log, topic) = make(&disk, &settings);
    for sequence in 1..=4 {
        let identity = Identity { producer: "p".to_owned(), after: None, sequence };
        let bytes = b"{\"k\":1}\n{\"k\":2}\n{\"k\":3}\n{\"k\":4}\n".to_vec();
        let batch = topic.prepare(bytes, Some(identity)).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
    }
    append(&topic, "{\"k\":1,\"gone\":1}\n{\"k\":2,\"gone\":1}\n{\"k\":3,\"gone\":1}\n");
    append(&topic, "{\"k\":4,\"gone\":1}\n");
    topic.compact_at(true, NOW_US, KEYS_MAX).unwrap();
    for partition in 0..2 {
        assert!(lines(&topic, partition, 0).iter().all(String::is_empty));
    }
    log.close().unwrap();
    drop((topic, log));
    // Also from the entries alone.
    disk.remove(Path::new("/topics/t/producers.json")).unwrap();
    let named = br#"{"version":1,"from":[],"producers":[{"name":"p","number":1}]}"#;
    crate::log::storage::small::replace(&disk, Path::new("/topics/t/producers.json"), named)
        .unwrap();
    let (_log, topic) = make(&disk, &settings);
    assert_eq!(topic.producer("p").unwrap(), Some(4));
}

#[test]
fn retention_removes_what_is_compacted_too() {
    let disk = Simulated::new(BrokenPromise::None);
    let retained = Settings { retention_bytes: Some(20), ..settings(1, 0) };
    let (_log, topic) = make(&disk, &retained);
    for number in 0..30 {
        append(&topic, &format!("{{\"k\":{},\"n\":{number}}}\n", number % 3));
    }
    compact(&topic, NOW_US);
    topic.run_due().unwrap();
    let start = topic.reader().bounds().unwrap()[0].start;
    assert!(start > 0);
    assert_eq!(lines(&topic, 0, start).len() as u64, 30 - start);
    assert_eq!(topic.trim(Some(0), Before::Offset(30)).unwrap(), [(0, 30)]);
    let place = Place::new(TOPIC, &Path::new("/topics").join(TOPIC), 0);
    assert_eq!(disk.list(&place.dir).unwrap().len(), 2, "only the active segment is left");
}

#[test]
fn the_last_records_are_those_that_are_there() {
    let disk = Simulated::new(BrokenPromise::None);
    let (_log, topic) = make(&disk, &Settings { segment_bytes: 40, ..settings(1, 0) });
    for number in 0..9 {
        append(&topic, &format!("{{\"k\":1,\"n\":{number}}}\n{{\"k\":{number}}}\n"));
    }
    topic.compact_at(true, NOW_US, KEYS_MAX).unwrap();
    let there: Vec<u64> = (0..)
        .zip(lines(&topic, 0, 0))
        .filter_map(|(offset, line)| (!line.is_empty()).then_some(offset))
        .collect();
    assert_eq!(there, [1, 5, 7, 9, 11, 13, 15, 16, 17]);
    for (count, &from) in (1..).zip(there.iter().rev()) {
        assert_eq!(
            topic.reader().last(&topic.reader().bounds().unwrap(), &[0], count).unwrap(),
            [(0, from)],
            "{count}"
        );
    }
    assert_eq!(
        topic.reader().last(&topic.reader().bounds().unwrap(), &[0], 100).unwrap(),
        [(0, 0)]
    );
}

/// What is done to a topic.
#[derive(Clone, Debug)]
enum Op {
    /// A batch: each record's key, 0 for none, and whether it is a tombstone.
    Append(Vec<(u8, bool)>),
    /// With room for so many keys.
    Compact(usize),
    Reopen,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let record = (0..6_u8, proptest::bool::weighted(0.2));
    let op = prop_oneof![
        6 => proptest::collection::vec(record, 0..8).prop_map(Op::Append),
        2 => (1..12_usize).prop_map(Op::Compact),
        1 => Just(Op::Reopen),
    ];
    proptest::collection::vec(op, 1..30)
}

/// The lines of a partition as they must be after compaction of all before `closed`.
fn expected(all: &[(u8, bool, String)], closed: usize, tombstones_stay: bool) -> Vec<String> {
    let stays = |at: usize| {
        let (key, is_tombstone, _) = &all[at];
        let is_last = !all[at + 1..closed].iter().any(|later| later.0 == *key);
        *key == 0 || is_last && (tombstones_stay || !is_tombstone)
    };
    let line =
        |at: usize| if at >= closed || stays(at) { all[at].2.clone() } else { String::new() };
    (0..all.len()).map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_leaves_what_the_model_leaves(ops in ops(), tombstones_stay in any::<bool>()) {
        let disk = Simulated::new(BrokenPromise::None);
        let settings = settings(2, if tombstones_stay { 1000 } else { 0 });
        let (mut log, mut topic) = make(&disk, &settings);
        let mut model: [Vec<(u8, bool, String)>; 2] = Default::default();
        let mut compacted = [0, 0];
        let mut number = 0;
        for op in ops {
            match op {
                Op::Append(records) => {
                    let mut bytes = String::new();
                    for (key, is_tombstone) in records {
                        let k = if key == 0 { "null".to_owned() } else { key.to_string() };
                        let gone = if is_tombstone { ",\"gone\":true" } else { "" };
                        let line = format!("{{\"n\":{number},\"k\":{k}{gone}}}");
                        number += 1;
                        let partition = partition_of_json(&k, 2);
                        bytes += &format!("{line}\n");
                        model[partition as usize].push((key, is_tombstone, line));
                    }
                    append(&topic, &bytes);
                }
                Op::Compact(keys_max) => {
                    topic.compact_at(false, NOW_US, keys_max).unwrap();
                    compacted = [0, 1].map(|partition| active_base(&disk, partition) as usize);
                }
                Op::Reopen => {
                    log.close().unwrap();
                    (log, topic) = make(&disk, &settings);
                }
            }
            for (partition, all) in (0..).zip(&model) {
                let closed = compacted[partition as usize];
                let expected = expected(all, closed, tombstones_stay);
                prop_assert_eq!(&lines(&topic, partition, 0), &expected);
                for from in [closed / 2, closed] {
                    prop_assert_eq!(&lines(&topic, partition, from as u64), &expected[from..]);
                }
            }
        }
        let verified = topic.reader().verify().unwrap();
        prop_assert!(!verified.is_damaged(), "{:?}", verified);
    }
}
