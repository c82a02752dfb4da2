//! Every file of a topic, damaged in every way, for everybody who meets it: each gets all records,
//! or is told; nobody gets fewer without a word, and nothing that was acknowledged is written over.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::daemon::Daemon;
use crate::common::{Ran, run_on};
use millstream::api::reading::Span;
use millstream::log::{Log, LogError, Settings, open_groups, open_readers};

/// A log with a topic of three segments, two producers' names and a group that has read two records.
fn log(dir: &Path) -> Vec<String> {
    let log = Log::open(dir).unwrap();
    let mut settings = Settings::new(1, None);
    settings.segment_bytes = 30;
    let topic = log.create("t", &settings).unwrap();
    let records: Vec<String> =
        (0..6).map(|number| format!("{{\"n\":{number},\"p\":\"abc\"}}\n")).collect();
    for (number, record) in (0..).zip(&records) {
        // The last one's name is newer than producers.json.
        let (producer, after) = if number == 5 { ("q", 0) } else { ("p", number) };
        let identity = millstream::log::Identity {
            producer: producer.to_owned(),
            after: Some(after),
            sequence: after + 1,
        };
        let batch = topic.prepare(record.clone().into_bytes(), Some(identity)).unwrap();
        topic.append(vec![batch]).remove(0).unwrap();
    }
    drop(topic);
    log.close().unwrap();
    drop(log);
    assert_eq!(run_on(dir, "log-admin", &["reset", "g", "t", "--to", "2"], "").status, 0);
    records
}

/// All files of the topic and of the group, below the log's directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut dirs = vec![dir.join("topics"), dir.join("groups")];
    let mut files = Vec::new();
    while let Some(path) = dirs.pop() {
        for entry in fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()) {
            let list = if entry.is_dir() { &mut dirs } else { &mut files };
            list.push(entry);
        }
    }
    files.sort();
    files.into_iter().map(|file| file.strip_prefix(dir).unwrap().to_owned()).collect()
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        fs::create_dir_all(to.join(&file).parent().unwrap()).unwrap();
        fs::copy(from.join(&file), to.join(&file)).unwrap();
    }
}

/// What is done to a file, in words and in deed.
type Way = (&'static str, fn(&Path));

/// All that is done to files.
const WAYS: [Way; 4] = [
    ("missing", |path| fs::remove_file(path).unwrap()),
    ("empty", |path| fs::write(path, "").unwrap()),
    ("cut", |path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - bytes.len() / 4 - 1]).unwrap();
    }),
    ("one bit flipped", |path| {
        let mut bytes = fs::read(path).unwrap();
        let at = bytes.len() - 10;
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    }),
];

/// Reading gave all that is expected with status 0, or a beginning of it and an error.
fn is_whole_or_told(ran: &Ran, expected: &str, what: &str) {
    match ran.status {
        0 => assert_eq!(ran.stdout, expected, "{what}: {}", ran.stderr),
        74 => {
            assert!(expected.starts_with(&ran.stdout), "{what}: {}", ran.stdout);
            assert!(ran.stderr.contains("damaged") || ran.stderr.contains("missing"), "{what}");
        }
        status => panic!("{what}: {status}: {}", ran.stderr),
    }
}

/// Whether the data of the first segment is missing: that cannot be told from retention.
fn looks_removed(file: &Path, way: &str) -> bool {
    way == "missing" && file.ends_with("0/00000000000000000000.ndjson")
}

#[test]
fn each_file_damaged_in_each_way_is_met_by_everybody() {
    let original = tempfile::tempdir().unwrap();
    let records = log(original.path());
    let all: String = records.concat();
    let files = files(original.path());
    assert_eq!(files.len(), 10, "{files:?}");
    for file in &files {
        for (way, break_it) in WAYS {
            let what = format!("{} {way}", file.display());
            let dir = tempfile::tempdir().unwrap();
            let dir = dir.path();
            copy(original.path(), dir);
            if fs::metadata(dir.join(file)).unwrap().len() < 16 {
                continue;
            }
            break_it(&dir.join(file));
            if looks_removed(file, way) {
                assert_eq!(run_on(dir, "log-admin", &["verify"], "").status, 0, "{what}");
                continue;
            }
            let until = ["t", "-f", "--until", "6"];
            is_whole_or_told(&run_on(dir, "subscribe", &["t"], ""), &all, &what);
            is_whole_or_told(&run_on(dir, "subscribe", &until, ""), &all, &what);
            let verified = run_on(dir, "log-admin", &["verify"], "");
            assert!(matches!(verified.status, 0 | 1), "{what}: {verified:?}");

            let daemon = Daemon::start(dir, &[]);
            is_whole_or_told(&run_on(dir, "subscribe", &["t"], ""), &all, &what);
            is_whole_or_told(&run_on(dir, "subscribe", &until, ""), &all, &what);
            let from_group = records[2..].concat();
            let member = run_on(dir, "subscribe", &["t", "--group", "g"], "");
            if !(file.ends_with("g.json") && way == "missing") {
                is_whole_or_told(&member, &from_group, &what);
            }
            assert_eq!(daemon.terminate().status, 0, "{what}");

            // An append is refused, or nothing that was there is written over.
            let appended = run_on(dir, "produce", &["t"], "{}\n");
            let read = run_on(dir, "subscribe", &["t"], "");
            match appended.status {
                0 => is_whole_or_told(&read, &format!("{all}{{}}\n"), &what),
                _ => is_whole_or_told(&read, &all, &what),
            }
            let repaired = run_on(dir, "log-admin", &["verify", "--repair"], "");
            assert!(matches!(repaired.status, 0 | 1), "{what}: {repaired:?}");
            let again = run_on(dir, "log-admin", &["verify"], "");
            assert_eq!(again.status, 0, "{what}: {again:?}");
            assert_eq!(run_on(dir, "produce", &["t"], "{\"after\":1}\n").status, 0, "{what}");
            assert_eq!(run_on(dir, "subscribe", &["t"], "").status, 0, "{what}");
        }
    }
}

/// Reads all of `t` by its files.
fn read_all(dir: &Path) -> Result<Vec<u8>, LogError> {
    let (reader, _) = open_readers(dir, &["t".to_owned()])?.remove(0);
    let bounds = reader.bounds()?[0];
    let span = Span { partition: 0, from: bounds.start, until: Some(bounds.end) };
    let mut cursor = reader.cursor(vec![span])?;
    let (mut bytes, mut all) = (Vec::new(), Vec::new());
    while cursor.next(64, &mut bytes)?.is_some() {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

/// What the group has committed.
fn committed(dir: &Path) -> Result<Vec<(u32, u64)>, LogError> {
    let (_, group) = open_groups(dir)?.remove(0);
    Ok(group?.offsets("t").into_iter().collect())
}

/// Whether verifying finds anything wrong with `t`.
fn is_found(dir: &Path) -> bool {
    let verified =
        open_readers(dir, &["t".to_owned()]).and_then(|mut readers| readers.remove(0).0.verify());
    verified.map_or(true, |verified| verified.is_damaged())
}

#[test]
fn every_bit_of_a_small_log_is_noticed_or_carries_nothing() {
    let original = tempfile::tempdir().unwrap();
    let all = log(original.path()).concat().into_bytes();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    copy(original.path(), dir);
    let offsets = committed(dir).unwrap();
    let (mut told, mut harmless) = (0, 0);
    for file in files(dir) {
        let path = dir.join(&file);
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bytes).unwrap();
            let what = format!("{} bit {bit}", file.display());
            match (read_all(dir), committed(dir)) {
                (Ok(read), Ok(offsets_read)) => {
                    assert!(read == all, "{what}: read short or wrong");
                    assert_eq!(offsets_read, offsets, "{what}");
                    harmless += 1;
                }
                (Ok(_), Err(_)) => told += 1,
                (Err(_), _) => {
                    // One bit of each byte, since verifying reads everything.
                    assert!(bit % 8 != bit / 8 % 8 || is_found(dir), "{what}: not found");
                    told += 1;
                }
            }
        }
        fs::write(&path, whole).unwrap();
    }
    assert!(told > harmless && harmless > 0, "{told} were told, {harmless} harmless");
}
