//! The consumer groups that somebody uses just now, each opened once: their state is in `state`,
//! who reads which partition is decided in `assign`, and what is told of them is in `progress`.

mod assign;
mod progress;
mod state;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use self::state::Group;
use super::error::Error;
use super::lock;
use crate::api::reading::ByPartition;
use crate::log::{Log, LogError};

pub use progress::{entry, moved};
pub use state::{Assignment, Generation, GroupState, Peer};

/// All groups that somebody uses just now.
#[derive(Debug, Default)]
pub struct Groups {
    open: Mutex<HashMap<String, Arc<Mutex<Group>>>>,
    /// The number of the last member.
    last_member: AtomicU64,
    /// The topics that are being renamed: nobody becomes a member for them, or commits there.
    moving: Mutex<HashSet<String>>,
}

/// A topic is being renamed, until dropped.
#[derive(Debug)]
pub struct Moving<'a>(&'a Groups, String);

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        lock(&self.0.moving).remove(&self.1);
    }
}

/// The use of a group, until dropped. There is one state of a name at a time.
#[derive(Debug)]
pub struct Lease<'a> {
    groups: &'a Groups,
    name: String,
    state: Arc<Mutex<Group>>,
}

impl Groups {
    /// Opens a group, which need not be there yet.
    ///
    /// # Errors
    /// When the name cannot be one, or the group's file cannot be read.
    pub fn open(&self, log: &Log, name: &str) -> Result<Lease<'_>, LogError> {
        let mut open = lock(&self.open);
        let state = match open.get(name) {
            Some(state) => Arc::clone(state),
            None => {
                let state = Arc::new(Mutex::new(Group::new(log.group(name)?)));
                open.insert(name.to_owned(), Arc::clone(&state));
                state
            }
        };
        Ok(Lease { groups: self, name: name.to_owned(), state })
    }

    /// Lets all groups forget what they have committed in a topic that is deleted; nobody is a
    /// member there any more.
    ///
    /// # Errors
    /// When a group's file cannot be read or written.
    pub fn forget(&self, log: &Log, topic: &str) -> Result<(), LogError> {
        self.each(log, |lease| lease.forget(topic))
    }

    /// Lets all groups take over to another name of a topic what they have committed in it.
    ///
    /// # Errors
    /// When a group's file cannot be read or written.
    pub fn adopt(&self, log: &Log, from: &str, to: &str) -> Result<(), LogError> {
        self.each(log, |lease| lock(&lease.state).adopt(from, to))
    }

    /// Begins to rename a topic, for which no group has members, and none will have any.
    ///
    /// # Errors
    /// When a group has members for it, or it is being renamed already.
    pub fn begin_move(&self, topic: &str) -> Result<Moving<'_>, Error> {
        if !lock(&self.moving).insert(topic.to_owned()) {
            return Err(LogError::UnknownTopic { topic: topic.to_owned() }.into());
        }
        let moving = Moving(self, topic.to_owned());
        // Who joins from now on sees that it is being renamed; who joined before is seen here.
        self.leases().iter().try_for_each(|lease| lock(&lease.state).check_unused(topic))?;
        Ok(moving)
    }

    /// Whether a topic is not being renamed. Who has just become a member asks for it, and who is
    /// about to commit while no other may.
    ///
    /// # Errors
    /// When it is, as if it had its new name already.
    pub fn check_stays(&self, topic: &str) -> Result<(), Error> {
        match lock(&self.moving).contains(topic) {
            true => Err(LogError::UnknownTopic { topic: topic.to_owned() }.into()),
            false => Ok(()),
        }
    }

    /// Does something with each group that can be read.
    fn each(
        &self,
        log: &Log,
        work: impl Fn(&Lease<'_>) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let mut names = log.group_names()?;
        names.extend(self.names());
        names.sort_unstable();
        names.dedup();
        for name in names {
            match self.open(log, &name) {
                Ok(lease) => work(&lease)?,
                // What nobody can read, nobody goes on from.
                Err(error) if error.is_garbled() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Shares out a topic's partitions anew in all groups that read it, now that it has so many.
    pub fn share_out_added(&self, topic: &str, partitions: u32) {
        for lease in self.leases() {
            lock(&lease.state).add_partitions(topic, partitions);
        }
    }

    /// All groups in use.
    fn leases(&self) -> Vec<Lease<'_>> {
        let lease = |(name, state): (&String, &Arc<Mutex<Group>>)| Lease {
            groups: self,
            name: name.clone(),
            state: Arc::clone(state),
        };
        lock(&self.open).iter().map(lease).collect()
    }

    /// The names of the groups in use.
    pub fn names(&self) -> Vec<String> {
        lock(&self.open).keys().cloned().collect()
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut open = lock(&self.groups.open);
        // The other one is in the map. More leases are made only while it is locked.
        if Arc::strong_count(&self.state) == 2 {
            open.remove(&self.name);
        }
    }
}

impl<'a> Lease<'a> {
    /// Becomes a member for a topic; `partitions` tells how many it has. It is asked while nobody
    /// can share them out, so that what is added meanwhile is either seen here or shared out by
    /// [`Groups::share_out_added`] afterwards.
    pub fn join(
        self,
        topic: &str,
        partitions: impl FnOnce() -> u32,
        peer: Option<Arc<dyn Peer>>,
    ) -> Membership<'a> {
        let number = self.groups.last_member.fetch_add(1, Ordering::Relaxed) + 1;
        let current = {
            let mut state = lock(&self.state);
            state.join(topic, partitions(), number, peer)
        };
        Membership { lease: self, topic: topic.to_owned(), number, current }
    }

    /// Forgets what was committed in a topic that is deleted. Its members have no partitions any
    /// more, and are none where another topic of that name is joined.
    ///
    /// # Errors
    /// When the group's file cannot be written.
    pub fn forget(&self, topic: &str) -> Result<(), LogError> {
        lock(&self.state).forget(topic)
    }

    /// Forgets all that was committed, and that there was such a group.
    ///
    /// # Errors
    /// When it has members, or its file cannot be removed.
    pub fn delete(&self) -> Result<(), Error> {
        lock(&self.state).delete()
    }

    /// What the group has in each topic.
    pub fn states(&self) -> Vec<GroupState> {
        lock(&self.state).states()
    }

    /// Commits offsets, unless it is a dry run; gives what was committed before.
    ///
    /// # Errors
    /// When the group has members for the topic, or the commit fails.
    pub fn reset(
        &self,
        topic: &str,
        offsets: &ByPartition<u64>,
        dry_run: bool,
    ) -> Result<ByPartition<u64>, Error> {
        let mut state = lock(&self.state);
        self.groups.check_stays(topic)?;
        state.reset(topic, offsets, dry_run)
    }
}

/// A member of a group, until dropped.
#[derive(Debug)]
pub struct Membership<'a> {
    lease: Lease<'a>,
    topic: String,
    /// The number of the member.
    pub number: u64,
    /// Tells of new generations.
    pub current: Arc<Generation>,
}

impl Membership<'_> {
    /// What this member is to read.
    pub fn assignment(&self) -> Assignment {
        lock(&self.lease.state).assignment(&self.topic, self.number)
    }

    /// Commits offsets of partitions that this member has in this generation; durable on return.
    ///
    /// # Errors
    /// When the generation is over, a partition is another's, or the disk refuses.
    pub fn commit(&self, generation: u64, offsets: &ByPartition<u64>) -> Result<(), Error> {
        lock(&self.lease.state).commit(&self.topic, self.number, generation, offsets)
    }
}

impl Drop for Membership<'_> {
    fn drop(&mut self) {
        lock(&self.lease.state).leave(&self.topic, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::error::Code;
    use std::sync::atomic::AtomicBool;

    /// A peer that is gone once it is said to be.
    #[derive(Debug, Default)]
    struct Far(AtomicBool);

    impl Peer for Far {
        fn is_gone(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }

        fn pid(&self) -> Option<i32> {
            None
        }
    }

    fn assignment_of(member: &Membership<'_>) -> (u64, Vec<u32>) {
        let share = member.assignment();
        (share.generation, share.since.keys().copied().collect())
    }

    #[test]
    fn each_change_of_members_is_a_generation_and_fences_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let groups = Groups::default();
        let join = || groups.open(&log, "g").unwrap().join("t", || 4, None);
        let at = |number, offset| ByPartition::from([(number, offset)]);
        let first = join();
        assert_eq!(assignment_of(&first), (1, vec![0, 1, 2, 3]));
        first.commit(1, &at(3, 5)).unwrap();
        let second = join();
        assert_eq!(assignment_of(&first), (2, vec![0, 1]));
        assert_eq!(assignment_of(&second), (2, vec![2, 3]));
        assert_eq!(second.assignment().committed, at(3, 5));
        assert_eq!(first.current.generation(), 2);
        assert_eq!(first.commit(1, &at(3, 6)).unwrap_err().code(), Code::StaleGeneration);
        assert_eq!(first.commit(2, &at(3, 6)).unwrap_err().code(), Code::NotAssigned);
        assert_eq!(first.assignment().since[&0], 1);
        drop(second);
        assert_eq!(assignment_of(&first), (3, vec![0, 1, 2, 3]));
        // What it lost and got back it does not have since before.
        assert_eq!(first.assignment().since, ByPartition::from([(0, 1), (1, 1), (2, 3), (3, 3)]));
        first.commit(3, &at(0, 1)).unwrap();
        drop(first);
        assert!(groups.names().is_empty());
        assert_eq!(assignment_of(&join()), (4, vec![0, 1, 2, 3]));
    }

    #[test]
    fn nobody_commits_in_a_topic_that_is_being_renamed() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let groups = Groups::default();
        let lease = || groups.open(&log, "g").unwrap();
        let offsets = ByPartition::from([(0, 1)]);
        let member = lease().join("t", || 1, None);
        assert_eq!(groups.begin_move("t").unwrap_err().code(), Code::GroupInUse);
        drop(member);
        let moving = groups.begin_move("t").unwrap();
        for refused in [
            groups.check_stays("t").unwrap_err(),
            lease().reset("t", &offsets, false).unwrap_err(),
            groups.begin_move("t").unwrap_err(),
        ] {
            assert_eq!(refused.code(), Code::UnknownTopic);
        }
        lease().reset("u", &offsets, false).unwrap();
        drop(moving);
        lease().reset("t", &offsets, false).unwrap();
        groups.check_stays("t").unwrap();
    }

    #[test]
    fn partitions_that_are_added_are_shared_out_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let groups = Groups::default();
        let join = |group, topic| groups.open(&log, group).unwrap().join(topic, || 1, None);
        let (first, second) = (join("g", "t"), join("g", "t"));
        let (other, elsewhere) = (join("h", "t"), join("h", "u"));
        groups.share_out_added("t", 4);
        assert_eq!(assignment_of(&first), (3, vec![0, 1]));
        assert_eq!(assignment_of(&second), (3, vec![2, 3]));
        assert_eq!(first.assignment().since, ByPartition::from([(0, 1), (1, 3)]));
        assert_eq!(assignment_of(&other), (2, vec![0, 1, 2, 3]));
        assert_eq!(assignment_of(&elsewhere), (1, vec![0]));
        // It has so many already.
        groups.share_out_added("t", 4);
        assert_eq!(first.current.generation(), 3);
        drop((first, second, other, elsewhere));
        assert!(groups.names().is_empty());
    }

    #[test]
    fn who_has_hung_up_is_no_member_when_the_next_one_joins() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let groups = Groups::default();
        let join = |peer| groups.open(&log, "g").unwrap().join("t", || 2, peer);
        let connected = || {
            let far = Arc::new(Far::default());
            let peer: Arc<dyn Peer> = Arc::<Far>::clone(&far);
            (far, Some(peer))
        };
        let (far, peer) = connected();
        let gone = join(peer);
        let lives = join(None);
        assert_eq!((assignment_of(&gone).1, assignment_of(&lives).1), (vec![0], vec![1]));
        far.0.store(true, Ordering::SeqCst);
        let next = join(None);
        assert_eq!((assignment_of(&lives), assignment_of(&next)), ((3, vec![1]), (3, vec![0])));
        let late = gone.commit(3, &ByPartition::from([(0, 1)]));
        assert_eq!(late.unwrap_err().code(), Code::NotAssigned);
        // Its session ends at last: nothing is left to share out.
        drop(gone);
        assert_eq!(lives.current.generation(), 3);
        drop((lives, next));
        let (far, peer) = connected();
        let gone = join(peer);
        let lease = groups.open(&log, "g").unwrap();
        assert_eq!(lease.states()[0].members.len(), 1);
        far.0.store(true, Ordering::SeqCst);
        assert!(lease.states().is_empty());
        lease.reset("t", &ByPartition::from([(0, 7)]), false).unwrap();
        drop(gone);
    }

    #[test]
    fn what_was_committed_in_a_deleted_topic_is_forgotten_and_stays_so() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let groups = Groups::default();
        let join = || groups.open(&log, "g").unwrap().join("t", || 1, None);
        let to = ByPartition::from([(0, 7)]);
        let old = join();
        old.commit(1, &to).unwrap();
        groups.open(&log, "h").unwrap().reset("t", &to, false).unwrap();
        groups.open(&log, "h").unwrap().reset("u", &to, false).unwrap();
        groups.forget(&log, "t").unwrap();
        // A member of the topic that is gone neither commits in the new one nor has a part in it.
        assert!(old.commit(1, &to).is_err());
        let new = join();
        assert!(
            old.commit(1, &to).is_err() && old.commit(new.assignment().generation, &to).is_err()
        );
        assert_eq!(new.assignment().since.keys().collect::<Vec<_>>(), [&0]);
        assert!(new.assignment().committed.is_empty());
        drop(old);
        assert_eq!(new.assignment().since.len(), 1);
        let other = groups.open(&log, "h").unwrap();
        let topics: Vec<String> = other.states().into_iter().map(|it| it.topic).collect();
        assert_eq!(topics, ["u"]);
        drop((new, other));
        assert!(log.group("g").unwrap().offsets("t").is_empty());
        assert!(log.group("h").unwrap().offsets("t").is_empty());
    }

    #[test]
    fn offsets_are_reset_only_while_nobody_reads() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path()).unwrap();
        let groups = Groups::default();
        let to = ByPartition::from([(0, 7)]);
        let member = groups.open(&log, "g").unwrap().join("t", || 1, None);
        let lease = groups.open(&log, "g").unwrap();
        assert_eq!(lease.reset("t", &to, true).unwrap_err().code(), Code::GroupInUse);
        // Another topic of the group is another matter.
        assert!(lease.reset("u", &to, false).unwrap().is_empty());
        drop(member);
        assert!(lease.reset("t", &to, true).unwrap().is_empty());
        assert!(lease.reset("t", &to, false).unwrap().is_empty());
        assert_eq!(lease.reset("t", &to, true).unwrap(), to);
        let states = lease.states();
        assert_eq!(states.iter().map(|it| &*it.topic).collect::<Vec<_>>(), ["t", "u"]);
    }
}
