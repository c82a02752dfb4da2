//! Disks that are full, fail or take their time, under a topic that goes on.

use std::io;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::faulty_storage::{FaultyStorage, Gate, Rule, Task};
use super::simulated::{BrokenPromise, Random, Simulated};
use crate::api::reading::Span;
use crate::log::sync::lock;
use crate::log::{Fsync, Log, LogError, Settings, Topic};

fn open(faulty: &FaultyStorage, settings: &Settings) -> (Log, Arc<Topic>) {
    let log = Log::open_on(Arc::new(faulty.clone()), Path::new("/")).unwrap();
    let topic = log.create("t", settings).unwrap();
    (log, topic)
}

fn append(topic: &Topic, record: u32) -> Result<(), LogError> {
    let batch = topic.prepare(format!("{record}\n").into_bytes(), None)?;
    topic.append(vec![batch]).remove(0).map(drop)
}

fn read(topic: &Topic) -> String {
    let span = Span { partition: 0, from: 0, until: None };
    let mut cursor = topic.reader().cursor(vec![span]).unwrap();
    let (mut bytes, mut all) = (Vec::new(), Vec::new());
    while cursor.next(1, &mut bytes).unwrap().is_some() {
        all.extend_from_slice(&bytes);
    }
    String::from_utf8(all).unwrap().replace('\n', " ")
}

/// Fails one creation or write, counted from when the count is set, as a full disk does.
fn full_at(count: &Arc<Mutex<Option<u64>>>) -> Rule {
    let count = Arc::clone(count);
    Arc::new(move |task| {
        let mut count = lock(&count);
        match (task, *count) {
            (Task::Sync, _) | (_, None) => Ok(()),
            (_, Some(0)) => Err(io::ErrorKind::StorageFull.into()),
            (_, Some(left)) => {
                *count = Some(left - 1);
                Ok(())
            }
        }
    })
}

#[test]
fn a_disk_that_is_full_when_a_segment_is_begun_is_an_error_that_heals() {
    for step in 0..12 {
        let count = Arc::default();
        let faulty =
            FaultyStorage { disk: Simulated::new(BrokenPromise::None), rule: full_at(&count) };
        let settings = Settings { segment_bytes: 4, ..Settings::new(1, None) };
        let (log, topic) = open(&faulty, &settings);
        append(&topic, 0).unwrap();
        append(&topic, 1).unwrap();
        // The next append begins a segment.
        *lock(&count) = Some(step);
        let refused = append(&topic, 2);
        let again = append(&topic, 3);
        *lock(&count) = None;
        for error in [&refused, &again].into_iter().filter_map(|it| it.as_ref().err()) {
            assert!(error.is_full_disk(), "step {step}: {error}");
        }
        append(&topic, 4).unwrap_or_else(|error| panic!("step {step}: {error}"));
        let mut expected = "0 1 ".to_owned();
        expected += if refused.is_ok() { "2 " } else { "" };
        expected += if again.is_ok() { "3 4 " } else { "4 " };
        assert_eq!(read(&topic), expected, "step {step}");
        drop((topic, log));
        let (_log, topic) = open(&faulty, &settings);
        assert_eq!(read(&topic), expected, "step {step}");
        assert!(!topic.reader().verify().unwrap().is_damaged());
        if step == 0 {
            assert!(refused.is_err(), "nothing was tested");
        }
    }
}

/// Opens once this is what is read, or too much time is over.
fn open_at(gate: &Gate, topic: &Topic, text: &str) {
    let start = std::time::Instant::now();
    while read(topic) != text && start.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    gate.shut(false);
    assert!(read(topic).starts_with(text), "{} in place of {text}", read(topic));
}

/// How long to wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);
/// Later than anything is due.
const LATER_US: i64 = i64::MAX;

fn lazy() -> Settings {
    let fsync = Fsync::Within("1h".parse().unwrap());
    Settings { fsync, segment_bytes: 8, ..Settings::new(1, None) }
}

/// A disk that forces nothing while the gate is shut.
fn gated() -> (FaultyStorage, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let at_gate = Arc::clone(&gate);
    let rule: Rule = Arc::new(move |task| {
        if task == Task::Sync {
            at_gate.pass();
        }
        Ok(())
    });
    (FaultyStorage { disk: Simulated::new(BrokenPromise::None), rule }, gate)
}

/// Runs `meanwhile` while what was appended is being forced to the disk, with a way to let that go
/// on; tells how tending ended.
fn while_it_is_forced(
    faulty: &FaultyStorage,
    gate: &Gate,
    meanwhile: impl FnOnce(&Topic),
) -> (Arc<Topic>, Result<(), LogError>) {
    let (_log, topic) = open(faulty, &lazy());
    append(&topic, 0).unwrap();
    gate.shut(true);
    let tended = std::thread::scope(|scope| {
        let tending = scope.spawn(|| topic.run_due_at(LATER_US));
        gate.wait_for_somebody();
        meanwhile(&topic);
        gate.shut(false);
        tending.join().unwrap()
    });
    (topic, tended)
}

#[test]
fn appends_go_on_while_earlier_ones_are_forced_to_the_disk() {
    let (faulty, gate) = gated();
    let (topic, tended) = while_it_is_forced(&faulty, &gate, |topic| {
        let (done, is_done) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| done.send(append(topic, 1)));
            let appended = is_done.recv_timeout(PATIENCE);
            // Let it end, whatever comes of it.
            if appended.is_err() {
                gate.shut(false);
            }
            appended.expect("it waits").unwrap();
        });
        assert_eq!(read(topic), "0 1 ");
    });
    tended.unwrap();
    // What was appended meanwhile is due once more.
    assert!(topic.due_us().is_some());
    topic.run_due_at(LATER_US).unwrap();
    assert_eq!(topic.due_us(), None);
    // Nothing that was not forced to the disk is needed.
    let disk = faulty.disk.after_crash(&mut Random::new(0));
    let (_log, topic) = open(&FaultyStorage { disk, ..faulty }, &lazy());
    assert_eq!(read(&topic), "0 1 ");
}

#[test]
fn who_needs_all_on_the_disk_waits_for_what_is_under_way() {
    let (faulty, gate) = gated();
    let (topic, tended) = while_it_is_forced(&faulty, &gate, |topic| {
        std::thread::scope(|scope| {
            // The last of these begins a segment.
            let appending = scope.spawn(|| (1..=4).try_for_each(|record| append(topic, record)));
            open_at(&gate, topic, "0 1 2 3 ");
            appending.join().unwrap().unwrap();
        });
    });
    tended.unwrap();
    assert_eq!(read(&topic), "0 1 2 3 4 ");
    assert!(!topic.reader().verify().unwrap().is_damaged());
}

#[test]
fn what_fails_to_be_forced_to_the_disk_closes_the_topic() {
    for rolls in [false, true] {
        let gate = Arc::new(Gate::default());
        let (at_gate, failures) = (Arc::clone(&gate), Arc::new(Mutex::new(0)));
        let rule: Rule = Arc::new(move |task| {
            if task != Task::Sync {
                return Ok(());
            }
            let was_shut = at_gate.is_shut();
            at_gate.pass();
            // Told once, to whoever asks first, as the kernel does.
            let is_first = was_shut && std::mem::replace(&mut *lock(&failures), 1) == 0;
            if is_first { Err(io::Error::other("lost")) } else { Ok(()) }
        });
        let faulty = FaultyStorage { disk: Simulated::new(BrokenPromise::None), rule };
        let (topic, tended) = while_it_is_forced(&faulty, &gate, |topic| {
            std::thread::scope(|scope| {
                let records = if rolls { 1..=4 } else { 1..=1 };
                let appending =
                    scope.spawn(|| records.map(|record| append(topic, record)).last().unwrap());
                open_at(&gate, topic, if rolls { "0 1 2 3 " } else { "0 1 " });
                assert_eq!(appending.join().unwrap().is_err(), rolls);
            });
        });
        // Whoever came to know it first.
        assert_eq!(tended.is_err(), !rolls);
        let refused = append(&topic, 9).unwrap_err();
        assert!(matches!(refused, LogError::Poisoned { .. }), "{refused}");
    }
}

#[test]
fn what_there_is_is_told_while_a_write_hangs() {
    let (faulty, gate) = gated();
    let (_log, topic) = open(&faulty, &Settings::new(1, None));
    append(&topic, 0).unwrap();
    gate.shut(true);
    let (tell, told) = channel();
    let told = std::thread::scope(|scope| {
        let appending = scope.spawn(|| append(&topic, 1));
        gate.wait_for_somebody();
        scope.spawn(|| {
            let _ = tell.send((topic.closed(), topic.reader().partition_stats()));
        });
        let told = told.recv_timeout(PATIENCE);
        gate.shut(false);
        appending.join().unwrap().unwrap();
        told
    });
    let (closed, partition_stats) = told.expect("it waits");
    assert!(closed.is_none());
    // What is not acknowledged does not count.
    assert_eq!(partition_stats.unwrap()[0].end, 1);
}
