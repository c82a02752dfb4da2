//! The log as a whole, on a real disk.

use std::fs;

use super::*;
use crate::api::appending::Appended;
use crate::api::reading::{ByPartition, Span};
use crate::log::simulation::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::{Identity, open_readers};

fn append(topic: &Topic, bytes: &[u8]) -> Appended {
    let batch = topic.prepare(bytes.to_vec(), None).unwrap();
    topic.append(vec![batch]).remove(0).unwrap()
}

fn read(reader: &TopicReader, spans: &[(u32, u64)], until: Option<u64>) -> String {
    let spans = spans.iter().map(|&(partition, from)| Span { partition, from, until });
    let mut cursor = reader.cursor(spans.collect()).unwrap();
    let (mut bytes, mut all) = (Vec::new(), Vec::new());
    while let Some(chunk) = cursor.next(10, &mut bytes).unwrap() {
        assert_eq!(chunk.records as usize, bytes.split(|&byte| byte == b'\n').count() - 1);
        all.extend_from_slice(&bytes);
    }
    String::from_utf8(all).unwrap().replace('\n', " ")
}

#[test]
fn what_was_appended_is_read_from_any_offset() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    let topic = log.create("t", &Settings::new(1, None)).unwrap();
    assert_eq!(append(&topic, b"0\n1\n2\n").offsets, ByPartition::from([(0, 0)]));
    assert_eq!(append(&topic, b"3\n4\n").offsets, ByPartition::from([(0, 3)]));
    let reader = topic.reader();
    for from in 0..=5 {
        let expected: String = (from..5).map(|number| format!("{number} ")).collect();
        assert_eq!(read(&reader, &[(0, from)], None), expected);
        for until in from..=5 {
            let expected: String = (from..until).map(|number| format!("{number} ")).collect();
            assert_eq!(read(&reader, &[(0, from)], Some(until)), expected);
        }
    }
    let beyond = reader.cursor(vec![Span { partition: 0, from: 6, until: None }]);
    assert!(matches!(beyond, Err(LogError::OffsetOutOfRange { end: 5, .. })));
    let nowhere = reader.cursor(vec![Span { partition: 1, from: 0, until: None }]);
    assert!(matches!(nowhere, Err(LogError::UnknownPartition { partitions: 1, .. })));
}

#[test]
fn a_reader_goes_on_where_it_was_when_a_writer_comes_that_has_not_recovered_yet() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    let topic = log.create("t", &Settings::new(1, None)).unwrap();
    append(&topic, b"0\n1\n");
    let index = dir.path().join("topics/t/0/00000000000000000000.index");
    let before = fs::read(&index).unwrap();
    append(&topic, b"2\n");
    drop((topic, log));
    // As a writer leaves it that is killed before it attests its last batch.
    let mut after = fs::read(&index).unwrap();
    after[64..128].copy_from_slice(&before[64..128]);
    fs::write(&index, after).unwrap();

    let reader = || open_readers(dir.path(), &[]).unwrap().remove(0).0;
    assert_eq!(read(&reader(), &[(0, 0)], None), "0 1 2 ");
    let writer = Log::open(dir.path()).unwrap();
    let span = |from| vec![Span { partition: 0, from, until: None }];
    let reader = reader();
    assert!(matches!(reader.cursor(span(4)), Err(LogError::OffsetOutOfRange { .. })));
    let mut cursor = reader.cursor(span(3)).unwrap();
    let mut bytes = Vec::new();
    assert!(cursor.next(10, &mut bytes).unwrap().is_none());
    append(&writer.topic("t").unwrap(), b"3\n");
    assert_eq!(cursor.next(10, &mut bytes).unwrap().map(|chunk| chunk.offset), Some(3));
    assert_eq!(bytes, b"3\n");
}

#[test]
fn small_segments_are_one_log_also_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { segment_bytes: 8, ..Settings::new(1, None) };
    let mut expected = String::new();
    for round in 0..3 {
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &settings).unwrap();
        for number in 0..10 {
            append(&topic, format!("1{round}{number}\n").as_bytes());
            expected += &format!("1{round}{number} ");
        }
        assert_eq!(read(&topic.reader(), &[(0, 0)], None), expected);
        if round == 1 {
            log.close().unwrap();
        }
    }
    let (reader, _) = open_readers(dir.path(), &["t".to_owned()]).unwrap().remove(0);
    assert_eq!(read(&reader, &[(0, 0)], None), expected);
    assert_eq!(reader.last(&reader.bounds().unwrap(), &[0], 4).unwrap(), [(0, 26)]);
    assert_eq!(reader.last(&reader.bounds().unwrap(), &[0], 400).unwrap(), [(0, 0)]);
    assert_eq!(reader.offset_at(0, 0).unwrap(), 0);
    assert_eq!(reader.offset_at(0, i64::MAX).unwrap(), 30);
}

#[test]
fn partitions_are_read_merged_in_the_order_of_appending() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    let topic = log.create("t", &Settings::new(3, None)).unwrap();
    for number in 0..10 {
        append(&topic, format!("{number}\n").as_bytes());
    }
    let reader = topic.reader();
    assert_eq!(read(&reader, &[(0, 0), (1, 0), (2, 0)], None), "0 1 2 3 4 5 6 7 8 9 ");
    assert_eq!(
        reader.last(&reader.bounds().unwrap(), &[0, 1, 2], 4).unwrap(),
        [(0, 2), (1, 2), (2, 2)]
    );
    assert_eq!(read(&reader, &[(0, 2), (1, 2), (2, 2)], None), "6 7 8 9 ");
}

#[test]
fn a_key_decides_on_the_partition() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    let topic = log.create("t", &Settings::new(4, Some(".k".to_owned()))).unwrap();
    let first = append(&topic, b"{\"k\":\"a\"}\n{\"k\":\"b\"}\n{\"k\":\"c\"}\n{\"k\":\"d\"}\n");
    assert!(first.offsets.len() > 1, "{first:?}");
    for key in ["a", "b", "c", "d"] {
        let at = |n| append(&topic, format!("{{\"n\":{n},\"k\":\"{key}\"}}\n").as_bytes());
        assert!(at(1).offsets.keys().eq(at(2).offsets.keys()));
    }
    let bad = topic.prepare(b"{\"k\":1}\n{\n".to_vec(), None);
    assert!(matches!(bad, Err(LogError::BadRecords { records }) if records[0].record == 1));
}

#[test]
fn producers_are_remembered_across_restarts_and_segments() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { segment_bytes: 8, ..Settings::new(2, Some(".".to_owned())) };
    let id =
        |after, sequence| Some(Identity { producer: "p".to_owned(), after: Some(after), sequence });
    for round in 0..5 {
        let log = Log::open(dir.path()).unwrap();
        let topic = log.create("t", &settings).unwrap();
        let held = topic.producer("p").unwrap();
        assert_eq!(held, (round > 0).then_some(round * 10));
        let send = |identity| {
            let batch = topic.prepare(b"1\n2\n3\n4\n".to_vec(), identity).unwrap();
            topic.append(vec![batch]).remove(0)
        };
        let first = send(id(round * 10, round * 10 + 10)).unwrap();
        let again = send(id(round * 10, round * 10 + 10)).unwrap();
        // How many records each partition got is known of the batch itself only.
        let repeated = Appended { duplicate: true, counts: ByPartition::new(), ..first };
        assert_eq!(again, repeated);
        let gap = send(id(round * 10 + 5, round * 10 + 20));
        assert!(matches!(gap, Err(LogError::SequenceGap { held: Some(_), .. })));
    }
}

#[test]
fn a_directory_has_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    assert!(matches!(Log::open(dir.path()), Err(LogError::Locked { .. })));
    drop(log);
    assert!(Log::open(dir.path()).is_ok());
}

#[test]
fn other_settings_are_not_taken_for_the_same_topic() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path()).unwrap();
    log.create("t", &Settings::new(2, None)).unwrap();
    assert!(log.create("t", &Settings::new(2, None)).is_ok());
    let other = log.create("t", &Settings::new(3, None));
    assert!(matches!(other, Err(LogError::TopicExists { .. })));
    assert!(log.create("u", &Settings::new(1, Some(".a +".to_owned()))).is_err());
    assert_eq!(log.topic_names().unwrap(), ["t"]);
}

#[test]
fn a_power_cut_does_not_take_the_data_directory_away() {
    for seed in seeds(50) {
        let disk = Simulated::new(BrokenPromise::None);
        let dir = Path::new("/srv/data");
        for made in [Path::new("/srv"), dir] {
            disk.make_dir(made).unwrap();
        }
        let log = Log::open_on(Arc::new(disk.clone()), dir).unwrap();
        let topic = log.create("t", &Settings::new(1, None)).unwrap();
        append(&topic, b"1\n");
        let left = disk.after_crash(&mut Random::new(seed));
        let log =
            Log::open_on(Arc::new(left), dir).unwrap_or_else(|error| panic!("{seed}: {error}"));
        assert_eq!(read(&log.topic("t").unwrap().reader(), &[(0, 0)], None), "1 ", "seed {seed}");
    }
}
