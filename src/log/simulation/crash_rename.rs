//! A topic that is renamed, on a disk that crashes at every step: it has one of its names, all of its
//! records, and there what groups have committed; and under no other name has a group anything.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::{Log, LogError, Settings};

const GROUPS: [&str; 2] = ["g", "h"];

fn open(disk: &Simulated) -> Result<Log, LogError> {
    Log::open_on(Arc::new(disk.clone()), Path::new("/"))
}

/// A log with a topic `a`, in which two groups have committed.
fn begin(disk: &Simulated) -> Result<(), LogError> {
    let log = open(disk)?;
    let topic = log.create("a", &Settings::new(1, None))?;
    let batch = topic.prepare(b"1\n2\n".to_vec(), None)?;
    topic.append(vec![batch]).remove(0)?;
    for (name, offset) in GROUPS.iter().zip(1..) {
        let mut group = log.group(name)?;
        let generation = group.begin_generation("a");
        group.commit("a", generation, &BTreeMap::from([(0, offset)]))?;
    }
    log.close()
}

fn rename(log: &Log, from: &str, to: &str) -> Result<(), LogError> {
    let each =
        |work: &dyn Fn(&str) -> Result<(), LogError>| GROUPS.iter().try_for_each(|name| work(name));
    log.rename_with(
        from,
        to,
        || each(&|name| log.group(name)?.adopt(from, to)),
        |topic| each(&|name| log.group(name)?.forget(topic)),
    )
}

/// Renames it; whether that was acknowledged.
fn live(disk: &Simulated) -> Result<(), LogError> {
    let log = open(disk)?;
    rename(&log, "a", "b")?;
    log.close()
}

/// Opens what a crash left, and looks at it.
fn check(disk: &Simulated, acknowledged: bool) -> Result<(), String> {
    let fail = |error: LogError| error.to_string();
    let log = open(disk).map_err(fail)?;
    let names = log.topic_names().map_err(fail)?;
    let [name] = names.as_slice() else { return Err(format!("{names:?}")) };
    if acknowledged && name != "b" {
        return Err(format!("it was acknowledged, and is called {name}"));
    }
    let bounds = log.topic(name).and_then(|topic| topic.reader().bounds()).map_err(fail)?;
    if bounds[0].end != 2 {
        return Err(format!("{bounds:?}"));
    }
    let other = if name == "a" { "b" } else { "a" };
    for (group, offset) in GROUPS.iter().zip(1..) {
        let held = log.group(group).map_err(fail)?;
        let (here, there) = (held.offsets(name), held.offsets(other));
        if here != BTreeMap::from([(0, offset)]) || !there.is_empty() {
            return Err(format!("{name}: {group} has {here:?}, and in {other} {there:?}"));
        }
    }
    // The other name is free, and whoever takes it begins anew.
    log.create(other, &Settings::new(1, None)).map_err(fail)?;
    log.delete(other).map_err(fail)?;
    rename(&log, name, other).map_err(fail)?;
    let held = log.group("g").map_err(fail)?.offsets(other);
    if held.is_empty() { Err("nothing was taken over".to_owned()) } else { Ok(()) }
}

fn one(broken: BrokenPromise, seed: u64, step: u64) -> Result<(), String> {
    let disk = Simulated::new(broken);
    begin(&disk).map_err(|error| error.to_string())?;
    disk.crash_at(disk.steps() + step);
    let acknowledged = live(&disk).is_ok();
    check(&disk.after_crash(&mut Random::new(seed)), acknowledged)
}

fn steps() -> u64 {
    let disk = Simulated::new(BrokenPromise::None);
    begin(&disk).unwrap();
    let before = disk.steps();
    live(&disk).unwrap();
    disk.steps() - before
}

#[test]
fn a_topic_has_one_name_after_a_crash_at_any_step() {
    let steps = steps();
    assert!(steps > 15, "{steps}");
    for step in 1..=steps + 1 {
        for seed in seeds(20) {
            if let Err(why) = one(BrokenPromise::None, seed, step) {
                panic!("seed {seed}, crash at {step}: {why}");
            }
        }
    }
}

#[test]
fn a_disk_that_lies_is_found_out() {
    let found = (1..=steps() + 1)
        .any(|step| seeds(20).any(|seed| one(BrokenPromise::SyncDir, seed, step).is_err()));
    assert!(found, "it goes unnoticed: the test above proves nothing");
}

#[test]
fn a_step_that_fails_leaves_one_name() {
    for step in 1..=steps() {
        let disk = Simulated::new(BrokenPromise::None);
        begin(&disk).unwrap();
        disk.fail_at(disk.steps() + step);
        let _ = live(&disk);
        disk.fail_at(0);
        // A failure is no acknowledgement, whatever was done.
        check(&disk, false).unwrap_or_else(|why| panic!("failed at {step}: {why}"));
    }
}

#[test]
fn names_that_are_taken_or_unknown_are_refused() {
    let disk = Simulated::new(BrokenPromise::None);
    begin(&disk).unwrap();
    let log = open(&disk).unwrap();
    log.create("b", &Settings::new(1, None)).unwrap();
    for (from, to) in [("a", "b"), ("a", "a")] {
        assert!(matches!(rename(&log, from, to), Err(LogError::NameTaken { .. })));
    }
    assert!(matches!(rename(&log, "c", "d"), Err(LogError::UnknownTopic { .. })));
    assert!(matches!(rename(&log, "a", ".d"), Err(LogError::BadTopicName { .. })));
    assert_eq!(log.topic_names().unwrap(), ["a", "b"]);
}

/// Long enough for any create that does not wait.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn only_who_wants_one_of_the_two_names_waits_for_a_rename() {
    let disk = Simulated::new(BrokenPromise::None);
    begin(&disk).unwrap();
    let log = open(&disk).unwrap();
    let settings = Settings::new(1, None);
    let (sender, made) = channel();
    let create = |name: &'static str| {
        let end = log.create(name, &settings).and_then(|topic| topic.reader().bounds());
        sender.send((name, end.map(|bounds| bounds[0].end))).unwrap();
    };
    std::thread::scope(|scope| {
        let adopt = || {
            scope.spawn(|| create("b"));
            scope.spawn(|| create("c"));
            // The one that has nothing to do with it is there before the rename goes on.
            let (name, end) = made.recv_timeout(PATIENCE).expect("another topic");
            assert_eq!((name, end.unwrap()), ("c", 0));
            Ok(())
        };
        log.rename_with("a", "b", adopt, |_| Ok(())).unwrap();
        // The other one has found the topic that was renamed.
        let (name, end) = made.recv_timeout(PATIENCE).expect("the topic");
        assert_eq!((name, end.unwrap()), ("b", 2));
    });
}
