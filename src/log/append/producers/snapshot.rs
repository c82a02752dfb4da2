//! `producers.json`: the producers of a topic as they stood at certain offsets, with the names that
//! were given since.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::log::LogError;
use crate::log::append::new_names::{self, NEW_NAMES, Named};
use crate::log::storage::{Storage, small};

/// The version of `producers.json` in which every number up to the last one has its producer.
const VERSION: u32 = 1;
/// The version in which some have none: what was known of a source is forgotten, and its number is
/// not given again, because entries may have it.
const VERSION_WITH_GAPS: u32 = 2;
/// The file's name in a topic's directory.
pub(in crate::log) const PRODUCERS: &str = "producers.json";

/// One producer, as `producers.json` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::log) struct Producer {
    pub name: String,
    pub number: u32,
    #[serde(flatten)]
    pub last: Option<Last>,
}

/// A producer's last batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::log) struct Last {
    pub sequence: u64,
    pub(super) records: u64,
    pub(super) offsets: Vec<(u32, u64)>,
    /// When it was appended, or the producer last known to be there, in µs since the epoch. Not
    /// known where a version wrote this that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time_us: Option<i64>,
}

/// The contents of `producers.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::log) struct Snapshot {
    version: u32,
    /// For each partition, the offset from which entries add to what is here.
    pub from: Vec<u64>,
    pub producers: Vec<Producer>,
    /// How many of them, at the end, are named in `producers.new` alone.
    #[serde(skip)]
    pub(super) new: usize,
}

impl Snapshot {
    /// What is held where nobody was ever named.
    pub fn empty(partitions: usize) -> Snapshot {
        Snapshot::of(vec![0; partitions], Vec::new())
    }

    /// These producers, as of these offsets.
    pub(super) fn of(from: Vec<u64>, producers: Vec<Producer>) -> Snapshot {
        let is_whole = last_number(&producers) as usize == producers.len();
        let version = if is_whole { VERSION } else { VERSION_WITH_GAPS };
        Snapshot { version, from, producers, new: 0 }
    }

    /// The producer that has a number.
    pub fn get(&self, number: u32) -> Option<&Producer> {
        self.producers.get(place_of(&self.producers, number)?)
    }

    /// The highest number that was given; 0 if none was.
    pub fn last_number(&self) -> u32 {
        last_number(&self.producers)
    }

    /// Reads the file in `topic_dir` and the names that were given since. A file that is not there
    /// is empty; one that makes no sense gives the reason.
    pub fn read(
        storage: &dyn Storage,
        topic_dir: &Path,
        partitions: usize,
    ) -> Result<Result<Snapshot, String>, LogError> {
        match small::read(storage, &topic_dir.join(PRODUCERS)) {
            Ok(snapshot) => {
                let snapshot = snapshot.unwrap_or_else(|| Snapshot::empty(partitions));
                let names = new_names::read(storage, topic_dir)?;
                Ok(check(snapshot, partitions).and_then(|snapshot| snapshot.with(names)))
            }
            Err(LogError::BadFile { why, .. }) => Ok(Err(why)),
            Err(error) => Err(error),
        }
    }

    /// Adds names that were given after it was written, and leaves out those given before.
    fn with(mut self, names: Vec<Named>) -> Result<Snapshot, String> {
        let known = self.last_number();
        for named in names.into_iter().filter(|named| named.number > known) {
            if named.number != self.last_number() + 1 {
                return Err(format!("damaged: {NEW_NAMES} does not continue it"));
            }
            self.producers.push(Producer { name: named.name, number: named.number, last: None });
            self.new += 1;
        }
        Ok(self)
    }

    /// Replaces the file in `topic_dir`.
    pub fn write(&self, storage: &dyn Storage, topic_dir: &Path) -> Result<(), LogError> {
        small::write(storage, &topic_dir.join(PRODUCERS), self)
    }
}

/// Where in the list, which is in order, the producer with this number is.
pub(super) fn place_of(producers: &[Producer], number: u32) -> Option<usize> {
    // Where none was forgotten, the numbers say it.
    let at = number.checked_sub(1)? as usize;
    match producers.get(at) {
        Some(one) if one.number == number => Some(at),
        _ => producers.binary_search_by_key(&number, |one| one.number).ok(),
    }
}

pub(super) fn last_number(producers: &[Producer]) -> u32 {
    producers.last().map_or(0, |one| one.number)
}

fn check(snapshot: Snapshot, partitions: usize) -> Result<Snapshot, String> {
    let numbers = || snapshot.producers.iter().map(|one| one.number);
    let numbered = match snapshot.version {
        VERSION => (1..).zip(numbers()).all(|(wanted, number)| number == wanted),
        VERSION_WITH_GAPS => {
            numbers().all(|number| number > 0) && numbers().is_sorted_by(|one, next| one < next)
        }
        other => {
            return Err(format!(
                "version {other}; this program supports only versions {VERSION} and \
                 {VERSION_WITH_GAPS}"
            ));
        }
    };
    if !numbered || snapshot.from.len() > partitions {
        return Err("damaged: its contents contradict the topic".to_owned());
    }
    Ok(snapshot)
}
