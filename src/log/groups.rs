//! What consumer groups have committed (`docs/FORMAT.md`, "groups/NAME.json").
//!
//! A group commits in generations, one for each sharing out of a topic's partitions. What comes
//! from an older generation than the current one is refused: whoever sends it has lost partitions
//! that somebody else reads by now.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::LogError;
use super::settings::check_name;
use super::storage::{Disk, Storage, small};

/// The version of a group's file that this code writes and reads.
const VERSION: u32 = 1;
/// Where the groups' files are, below the data directory.
const DIR: &str = "groups";

/// A consumer group: for each topic, how far it has read.
#[derive(Debug)]
pub struct ConsumerGroup {
    name: String,
    path: PathBuf,
    storage: Arc<dyn Storage>,
    /// What the file holds.
    held: Held,
    /// The generation that may commit, for each topic; it may be ahead of what the file holds.
    generations: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    version: u32,
    topics: BTreeMap<String, Committed>,
}

/// What a group has committed in one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    /// The generation of the last commit.
    pub generation: u64,
    /// For each partition the offset of the record that is read next.
    pub offsets: BTreeMap<u32, u64>,
}

impl ConsumerGroup {
    pub(super) fn open(
        storage: Arc<dyn Storage>,
        dir: &Path,
        name: &str,
    ) -> Result<ConsumerGroup, LogError> {
        check_name(name).map_err(|_| LogError::BadGroupName { name: name.to_owned() })?;
        let path = dir.join(DIR).join(format!("{name}.json"));
        let held = read(&*storage, &path)?;
        let generations =
            held.topics.iter().map(|(topic, held)| (topic.clone(), held.generation)).collect();
        Ok(ConsumerGroup { name: name.to_owned(), path, storage, held, generations })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The topics in which it has committed, sorted.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.held.topics.keys().map(String::as_str)
    }

    /// What is committed in a topic, by partition.
    pub fn offsets(&self, topic: &str) -> BTreeMap<u32, u64> {
        self.held.topics.get(topic).map(|held| held.offsets.clone()).unwrap_or_default()
    }

    /// The generation that may commit in a topic; 0 before the first.
    pub fn generation(&self, topic: &str) -> u64 {
        self.generations.get(topic).copied().unwrap_or(0)
    }

    /// Begins the next generation of a topic; commits of those before it are refused from now on.
    pub fn begin_generation(&mut self, topic: &str) -> u64 {
        let generation = self.generations.entry(topic.to_owned()).or_default();
        *generation += 1;
        *generation
    }

    /// Commits offsets; the partitions that are not named keep theirs. Durable on return. On an
    /// error what was committed before still is, and the new offsets may be after a crash.
    ///
    /// # Errors
    /// [`LogError::StaleGeneration`], or the file cannot be written.
    pub fn commit(
        &mut self,
        topic: &str,
        generation: u64,
        offsets: &BTreeMap<u32, u64>,
    ) -> Result<(), LogError> {
        let current = self.generation(topic);
        if generation != current {
            let (group, topic) = (self.name.clone(), topic.to_owned());
            return Err(LogError::StaleGeneration { group, topic, generation, current });
        }
        let mut next = self.held.clone();
        let committed = next.topics.entry(topic.to_owned()).or_default();
        committed.generation = generation;
        committed.offsets.extend(offsets);
        self.save(&next)?;
        self.held = next;
        Ok(())
    }

    /// Takes over to another name of a topic what is committed in it; the old name keeps it, too.
    /// Durable on return.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn adopt(&mut self, from: &str, to: &str) -> Result<(), LogError> {
        let generation = self.generation(from).max(self.generation(to));
        let Some(committed) = self.held.topics.get(from).cloned() else { return Ok(()) };
        let mut next = self.held.clone();
        next.topics.insert(to.to_owned(), committed);
        self.save(&next)?;
        self.held = next;
        self.generations.insert(to.to_owned(), generation);
        Ok(())
    }

    /// Forgets all that was committed, and what members may yet send; the file is removed. Durable
    /// on return.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn delete(&mut self) -> Result<(), LogError> {
        remove_file(&*self.storage, &self.path)?;
        self.generations.values_mut().for_each(|generation| *generation += 1);
        self.held.topics.clear();
        Ok(())
    }

    /// Forgets what was committed in a topic that is deleted, and what members of it may yet send.
    /// Durable on return.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget(&mut self, topic: &str) -> Result<(), LogError> {
        if let Some(generation) = self.generations.get_mut(topic) {
            *generation += 1;
        }
        let mut next = self.held.clone();
        if next.topics.remove(topic).is_some() {
            match next.topics.is_empty() {
                // Nobody could tell that there is such a group.
                true => remove_file(&*self.storage, &self.path)?,
                false => self.save(&next)?,
            }
            self.held = next;
        }
        Ok(())
    }

    fn save(&self, next: &Held) -> Result<(), LogError> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let io = |error| LogError::io(dir, error);
        self.storage.make_dir(dir).map_err(io)?;
        if self.held.topics.is_empty() {
            // The directory may be new, and with it its name.
            self.storage.sync_dir(dir.parent().unwrap_or(Path::new("."))).map_err(io)?;
        }
        small::write(&*self.storage, &self.path, next)
    }
}

/// A group by its name, or why it cannot be read.
pub type Found = (String, Result<ConsumerGroup, LogError>);

/// The groups of a log that is looked into without writing, sorted by name, each with why it cannot
/// be read if it cannot.
///
/// # Errors
/// When it cannot be told which groups there are.
pub fn open_groups(dir: &Path) -> Result<Vec<Found>, LogError> {
    let storage: Arc<dyn Storage> = Arc::new(Disk::default());
    let open = |name: String| {
        let opened = ConsumerGroup::open(Arc::clone(&storage), dir, &name);
        (name, opened)
    };
    Ok(names(&*storage, dir)?.into_iter().map(open).collect())
}

/// Forgets in all groups, none of which may be open, what was committed in a topic that is deleted.
pub(super) fn forget_topic(
    storage: &Arc<dyn Storage>,
    dir: &Path,
    topic: &str,
) -> Result<(), LogError> {
    for name in names(&**storage, dir)? {
        match ConsumerGroup::open(Arc::clone(storage), dir, &name) {
            Ok(mut group) => group.forget(topic)?,
            // What nobody can read, nobody goes on from.
            Err(error) if error.is_garbled() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Removes the file of a group that nobody has open.
pub(super) fn remove(storage: &dyn Storage, dir: &Path, name: &str) -> Result<(), LogError> {
    check_name(name).map_err(|_| LogError::BadGroupName { name: name.to_owned() })?;
    remove_file(storage, &dir.join(DIR).join(format!("{name}.json")))
}

fn remove_file(storage: &dyn Storage, path: &Path) -> Result<(), LogError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    match storage.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed
            .and_then(|()| storage.sync_dir(parent))
            .map_err(|error| LogError::io(path, error)),
    }
}

/// The names of the groups that have a file, sorted.
pub(super) fn names(storage: &dyn Storage, dir: &Path) -> Result<Vec<String>, LogError> {
    let groups_dir = dir.join(DIR);
    let files = match storage.list(&groups_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.map_err(|error| LogError::io(&groups_dir, error))?,
    };
    let name = |file: &String| file.strip_suffix(".json").map(str::to_owned);
    let mut names: Vec<String> = files.iter().filter_map(name).collect();
    names.retain(|name| check_name(name).is_ok());
    names.sort_unstable();
    Ok(names)
}

fn read(storage: &dyn Storage, path: &Path) -> Result<Held, LogError> {
    let empty = || Held { version: VERSION, topics: BTreeMap::new() };
    let held: Held = small::read(storage, path)?.unwrap_or_else(empty);
    match held.version {
        VERSION => Ok(held),
        found => Err(small::of_version(path, found, VERSION)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Log;
    use crate::log::simulation::simulated::{BrokenPromise, Random, Simulated, seeds};

    fn at(offset: u64) -> BTreeMap<u32, u64> {
        BTreeMap::from([(0, offset), (7, offset * 2)])
    }

    #[test]
    fn commits_of_an_older_generation_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let mut group = log.group("g").unwrap();
        assert_eq!(group.generation("t"), 0);
        assert_eq!(group.begin_generation("t"), 1);
        group.commit("t", 1, &at(3)).unwrap();
        assert_eq!(group.begin_generation("t"), 2);
        for generation in [0, 1, 3] {
            let refused = group.commit("t", generation, &at(9)).unwrap_err();
            assert!(matches!(refused, LogError::StaleGeneration { current: 2, .. }), "{refused}");
        }
        assert_eq!(group.offsets("t"), at(3));
        group.commit("t", 2, &BTreeMap::from([(1, 1)])).unwrap();
        assert_eq!(group.offsets("t"), BTreeMap::from([(0, 3), (1, 1), (7, 6)]));
        let mut again = log.group("g").unwrap();
        assert_eq!(again.offsets("t"), group.offsets("t"));
        assert_eq!(again.begin_generation("t"), 3);
    }

    #[test]
    fn topics_and_groups_do_not_touch_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let mut group = log.group("g").unwrap();
        let generation = group.begin_generation("t");
        group.begin_generation("u");
        assert_eq!(group.begin_generation("u"), 2);
        group.commit("t", generation, &at(1)).unwrap();
        group.commit("u", 2, &at(2)).unwrap();
        assert_eq!((group.offsets("t"), group.offsets("u")), (at(1), at(2)));
        assert!(log.group("h").unwrap().offsets("t").is_empty());
        assert_eq!(log.group_names().unwrap(), ["g"]);
        let groups = open_groups(dir.path()).unwrap();
        let group = groups[0].1.as_ref().unwrap();
        assert_eq!(group.topics().collect::<Vec<_>>(), ["t", "u"]);
        let text = std::fs::read_to_string(dir.path().join("groups/g.json")).unwrap();
        let t = r#""t":{"generation":1,"offsets":{"0":1,"7":2}}"#;
        let u = r#""u":{"generation":2,"offsets":{"0":2,"7":4}}"#;
        let object = format!("{{\"version\":1,\"topics\":{{{t},{u}}}}}");
        assert_eq!(text.as_bytes(), small::seal(object.clone().into_bytes()));
        // Without its checksum it is as good.
        std::fs::write(dir.path().join("groups/g.json"), object).unwrap();
        assert_eq!(log.group("g").unwrap().offsets("t"), at(1));
    }

    #[test]
    fn what_is_not_a_groups_file_is_refused_and_left() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        std::fs::create_dir(dir.path().join("groups")).unwrap();
        let path = dir.path().join("groups/g.json");
        for text in ["", "{}", r#"{"version":2,"topics":{}}"#, r#"{"version":1,"topics":{},"x":1}"#]
        {
            std::fs::write(&path, text).unwrap();
            let error = log.group("g").unwrap_err().to_string();
            assert!(error.contains("groups/g.json"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        for name in ["", "..", "a/b", ".g", "g.json/../x"] {
            assert!(matches!(log.group(name), Err(LogError::BadGroupName { .. })), "{name}");
        }
    }

    /// Commits 1, 2, … until a step fails; tells the last that was acknowledged.
    fn life(disk: &Simulated, from: u64) -> u64 {
        let mut acknowledged = from;
        let Ok(log) = Log::open_on(Arc::new(disk.clone()), Path::new("/")) else { return from };
        let Ok(mut group) = log.group("g") else { return from };
        let generation = group.begin_generation("t");
        for offset in from + 1..=from + 4 {
            if group.commit("t", generation, &at(offset)).is_err() {
                break;
            }
            acknowledged = offset;
        }
        acknowledged
    }

    /// Crashes at a step and tells whether what is found is what was acknowledged, or the one
    /// commit that was under way.
    fn survives(lie: BrokenPromise, step: u64, seed: u64) -> bool {
        let mut random = Random::new(seed);
        let disk = Simulated::new(lie);
        disk.crash_at(step);
        let acknowledged = life(&disk, 0);
        let disk = disk.after_crash(&mut random);
        let found = |disk: &Simulated| {
            let log = Log::open_on(Arc::new(disk.clone()), Path::new("/")).ok()?;
            let offsets = log.group("g").ok()?.offsets("t");
            let offset = offsets.get(&0).copied().unwrap_or(0);
            (offset == 0 && offsets.is_empty() || offsets == at(offset)).then_some(offset)
        };
        let Some(offset) = found(&disk) else { return false };
        if offset != acknowledged && offset != acknowledged + 1 {
            return false;
        }
        // And from there it goes on.
        life(&disk, offset) == offset + 4 && found(&disk) == Some(offset + 4)
    }

    #[test]
    fn a_crash_leaves_the_old_commit_or_the_new_one() {
        let disk = Simulated::new(BrokenPromise::None);
        assert_eq!(life(&disk, 0), 4);
        let steps = disk.steps();
        assert!(steps > 15, "{steps}");
        for step in 1..=steps + 1 {
            for seed in seeds(20) {
                assert!(survives(BrokenPromise::None, step, seed), "seed {seed}, crash at {step}");
            }
        }
        for lie in [BrokenPromise::Sync, BrokenPromise::SyncDir, BrokenPromise::SyncLater] {
            let all = (1..=steps + 1).all(|step| seeds(20).all(|seed| survives(lie, step, seed)));
            assert!(!all, "{lie:?} goes unnoticed: the test above proves nothing");
        }
    }
}
