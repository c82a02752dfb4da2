//! Every call of the storage fails once, in every way that it can: nothing is acknowledged that is
//! not on the disk, the error says where it is, and the log goes on once the cause is cured.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::call::Fault;
use super::crash_maintenance::{Model, PRODUCER, TOPIC, batch_bytes, check, retained};
use super::simulated::{BrokenPromise, Random, Simulated, seeds};
use crate::log::storage::small::{read_whole, replace};
use crate::log::{ConsumerGroup, Identity, Log, LogError, Topic};

const ROUNDS: usize = 6;
/// Later than anything is due.
const LATER_US: i64 = i64::MAX;
const GROUP: &str = "g";

/// A writer of the log, as the daemon is one.
struct Life {
    log: Log,
    topic: Arc<Topic>,
    group: ConsumerGroup,
    generation: u64,
}

impl Life {
    fn begin(disk: &Simulated) -> Result<Life, LogError> {
        let log = Log::open_on(Arc::new(disk.clone()), Path::new("/"))?;
        let topic = log.create(TOPIC, &retained())?;
        let mut group = log.group(GROUP)?;
        let generation = group.begin_generation(TOPIC);
        Ok(Life { log, topic, group, generation })
    }

    /// Appends batches as one group; every one of them must be there then.
    fn append(&self, batches: &[(usize, u64)]) -> Result<(), LogError> {
        let mut group = Vec::new();
        for &(number, records) in batches {
            let (after, sequence) = (Some(number as u64), number as u64 + 1);
            let identity = Identity { producer: PRODUCER.to_owned(), after, sequence };
            group.push(self.topic.prepare(batch_bytes(number, records), Some(identity))?);
        }
        self.topic.append(group).into_iter().try_for_each(|result| result.map(drop))
    }

    fn commit(&mut self, offset: u64) -> Result<(), LogError> {
        self.group.commit(TOPIC, self.generation, &BTreeMap::from([(0, offset)]))
    }
}

/// A scenario on a disk that fails, and what was acknowledged in it.
struct Scenario {
    disk: Simulated,
    life: Option<Life>,
    model: Model,
    committed: u64,
    /// The first error.
    error: Option<LogError>,
    /// Whether the writer dies of the first error, and the log is opened anew.
    dies: bool,
    /// Whether the log had to be opened anew to go on.
    reopened: bool,
}

impl Scenario {
    fn new(disk: &Simulated) -> Scenario {
        Scenario {
            disk: disk.clone(),
            life: None,
            model: Model::default(),
            committed: 0,
            error: None,
            dies: false,
            reopened: false,
        }
    }

    /// Does something; where it fails, the cause is cured and it is tried again, if need be in a
    /// log that is opened anew.
    fn insist(&mut self, job: impl Fn(&mut Life) -> Result<(), LogError>) -> Result<(), String> {
        let Err(error) = self.attempt(&job) else { return Ok(()) };
        self.crash(2)?;
        self.error.get_or_insert(error);
        self.disk.cure();
        if !self.dies && self.attempt(&job).is_ok() {
            return Ok(());
        }
        (self.life, self.reopened) = (None, true);
        self.attempt(&job).map_err(|error| format!("cured and opened anew: {error}"))
    }

    fn attempt(&mut self, job: impl Fn(&mut Life) -> Result<(), LogError>) -> Result<(), LogError> {
        if self.life.is_none() {
            self.life = Some(Life::begin(&self.disk)?);
        }
        self.life.as_mut().map_or(Ok(()), job)
    }

    /// Looks at what a crash at this moment would leave, some times.
    fn crash(&self, times: u64) -> Result<(), String> {
        for seed in seeds(times) {
            let disk = self.disk.after_crash(&mut Random::new(seed));
            check(&disk, &mut self.model.clone()).map_err(|why| format!("crash {seed}: {why}"))?;
            let log = Log::open_on(Arc::new(disk), Path::new("/")).map_err(|e| e.to_string())?;
            let group = log.group(GROUP).map_err(|error| error.to_string())?;
            let found = group.offsets(TOPIC).get(&0).copied().unwrap_or(0);
            // A commit that failed may be there all the same.
            if found != self.committed && found != self.committed + 1 {
                return Err(format!("crash {seed}: committed {}, not {found}", self.committed));
            }
        }
        Ok(())
    }

    fn run(&mut self) -> Result<(), String> {
        for round in 0..ROUNDS {
            let first = self.model.batches.len();
            let group: Vec<_> =
                (first..=first + round % 3).map(|number| (number, number as u64 % 4)).collect();
            self.model.batches.extend(group.iter().map(|(_, records)| records));
            self.insist(|life| life.append(&group))?;
            self.model.certain = self.model.batches.len();
            if self.error.is_some() {
                self.crash(1)?;
            }
            if round % 2 == 1 {
                let offset = self.committed + 1;
                self.insist(|life| life.commit(offset))?;
                self.committed = offset;
                self.insist(|life| life.topic.run_due_at(LATER_US))?;
            }
        }
        self.crash(2)?;
        self.insist(|life| life.log.close())?;
        self.crash(2)
    }
}

/// Runs the scenario with each call failing that can, `calls` of them from that one on unless they
/// are cured before.
fn with_each_call_failing(fault: Fault, calls: u64, judge: impl Fn(&Scenario) -> Option<String>) {
    with_each_call_failing_of(Scenario::new, fault, calls, judge);
}

fn with_each_call_failing_of(
    scenario: impl Fn(&Simulated) -> Scenario,
    fault: Fault,
    calls: u64,
    judge: impl Fn(&Scenario) -> Option<String>,
) {
    let mut nth = 1;
    loop {
        let disk = Simulated::new(BrokenPromise::None);
        disk.break_at(nth, calls, fault);
        let mut scenario = scenario(&disk);
        let place = format!("{fault:?}, {calls} from call {nth} on");
        if let Err(why) = scenario.run() {
            panic!("{place}: {why}; the first error was {:?}", scenario.error);
        }
        if !disk.is_struck() {
            break;
        }
        if let Some(error) = &scenario.error {
            // Which file or topic it was.
            let text = error.to_string();
            assert!(text.starts_with('/') || text.starts_with("t"), "{place}: {text}");
        }
        if let Some(why) = judge(&scenario) {
            panic!("{place}: {why}; the first error was {:?}", scenario.error);
        }
        nth += 1;
    }
    assert!(nth > 20, "only {nth} calls can fail by {fault:?}");
}

#[test]
fn no_call_that_fails_acknowledges_falsely_or_stops_the_log_for_good() {
    for fault in [Fault::Full, Fault::Io, Fault::NoDescriptor, Fault::Interrupted, Fault::Short] {
        with_each_call_failing(fault, 1, |_| None);
    }
    for fault in [Fault::Full, Fault::Io] {
        with_each_call_failing(fault, u64::MAX, |_| None);
    }
}

/// Nobody needs to restart a daemon for these, unless it failed to force something to the disk.
#[test]
fn a_shortage_heals_without_opening_the_log_anew() {
    for fault in [Fault::NoDescriptor, Fault::NoRoom] {
        with_each_call_failing(fault, u64::MAX, |scenario| {
            scenario.reopened.then(|| "it had to be opened anew".to_owned())
        });
    }
}

/// The process is killed at any call, started anew, and then the machine crashes: what the first
/// one left undone is not taken for done.
#[test]
fn a_writer_that_was_killed_at_any_call_leaves_nothing_to_chance() {
    let dying = |disk: &Simulated| Scenario { dies: true, ..Scenario::new(disk) };
    with_each_call_failing_of(dying, Fault::Interrupted, 1, |_| None);
}

/// Replaces a small file, crashing at a step; whether the old one or the new one is found.
fn replaced_or_not(broken: BrokenPromise, step: u64, seed: u64) -> bool {
    let path = Path::new("/small.json");
    let disk = Simulated::new(broken);
    replace(&disk, path, b"old").unwrap();
    let before = disk.steps();
    disk.crash_at(before + step);
    let replaced = replace(&disk, path, b"new and longer").is_ok();
    let disk = disk.after_crash(&mut Random::new(seed));
    match read_whole(&disk, path) {
        Ok(found) if replaced => found == b"new and longer",
        Ok(found) => found == b"old" || found == b"new and longer",
        Err(_) => false,
    }
}

#[test]
fn a_small_file_is_the_old_one_or_the_new_one() {
    for (step, seed) in (1..=6).flat_map(|step| seeds(50).map(move |seed| (step, seed))) {
        assert!(replaced_or_not(BrokenPromise::None, step, seed), "seed {seed}, crash at {step}");
    }
    let all =
        |broken| (1..=6).all(|step| seeds(50).all(|seed| replaced_or_not(broken, step, seed)));
    for broken in [BrokenPromise::Sync, BrokenPromise::SyncDir, BrokenPromise::SyncLater] {
        assert!(!all(broken), "{broken:?} goes unnoticed: the lines above prove nothing");
    }
}
