//! The consumer groups that have members: who they are, what each reads, what is committed.
//!
//! A member is a connection. When one joins, leaves or dies, its topic's partitions are rebalanced
//! at once, in a new generation, and the members are notified of it.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::assign::share;
use super::notifier::Notifier;
use super::{lock, refusal};
use crate::api::error::{Code, ErrorBody};
use crate::api::groups::MemberEntry;
use crate::api::reading::ByPartition;
use crate::log::{ConsumerGroup, Log, LogError};
use crate::sys::wait::has_hung_up;

/// All groups that somebody uses just now.
#[derive(Debug, Default)]
pub struct Groups {
    open: Mutex<HashMap<String, Arc<Mutex<State>>>>,
    /// The number of the last member.
    last_member: AtomicU64,
}

/// The use of a group, until dropped. There is one [`ConsumerGroup`] of a name at a time.
#[derive(Debug)]
pub struct Lease<'a> {
    groups: &'a Groups,
    name: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    store: ConsumerGroup,
    /// By topic.
    topics: BTreeMap<String, TopicMembers>,
}

/// Those who share the partitions of a topic.
#[derive(Debug, Default)]
struct TopicMembers {
    partitions: u32,
    /// In order of joining.
    members: Vec<Member>,
    current: Arc<Generation>,
}

#[derive(Debug)]
struct Member {
    number: u64,
    peer: Option<Peer>,
    /// Its partitions, each with the generation in which it got it.
    partitions: ByPartition<u64>,
}

/// The other end of a member's connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its process, if the kernel tells.
    pub pid: Option<i32>,
    /// The connection.
    pub stream: Arc<UnixStream>,
}

impl Peer {
    /// Whether it has closed the connection, also if its session has not come to see that yet.
    fn is_gone(&self) -> bool {
        has_hung_up(&self.stream)
    }
}

/// The current generation of a topic's members, and what reports the next one.
#[derive(Debug, Default)]
pub struct Generation {
    generation: AtomicU64,
    /// Notifies when a new generation has begun.
    pub notifier: Notifier,
}

impl Generation {
    /// The current generation.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

/// What a member is to read.
#[derive(Debug)]
pub struct Assignment {
    /// The generation that this holds for.
    pub generation: u64,
    /// The member's partitions, each with the generation since which it has it.
    pub since: ByPartition<u64>,
    /// What the group has committed.
    pub committed: ByPartition<u64>,
}

/// What a group has in a topic.
#[derive(Debug)]
pub struct GroupState {
    /// The topic.
    pub topic: String,
    /// The current generation.
    pub generation: u64,
    /// Its members.
    pub members: Vec<MemberEntry>,
    /// Who reads which partition.
    pub readers: ByPartition<u64>,
    /// What is committed.
    pub committed: ByPartition<u64>,
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
                let state = State { store: log.group(name)?, topics: BTreeMap::new() };
                let state = Arc::new(Mutex::new(state));
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
        let mut names = log.group_names()?;
        names.extend(self.names());
        names.sort_unstable();
        names.dedup();
        for name in names {
            match self.open(log, &name) {
                Ok(lease) => lease.forget(topic)?,
                // What nobody can read, nobody goes on from.
                Err(error) if error.is_garbled() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Shares out a topic's partitions anew in all groups that read it, now that it has so many.
    pub fn share_out_added(&self, topic: &str, partitions: u32) {
        let lease = |(name, state): (&String, &Arc<Mutex<State>>)| Lease {
            groups: self,
            name: name.clone(),
            state: Arc::clone(state),
        };
        let leases: Vec<Lease<'_>> = lock(&self.open).iter().map(lease).collect();
        for lease in leases {
            lock(&lease.state).add_partitions(topic, partitions);
        }
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
        peer: Option<Peer>,
    ) -> Membership<'a> {
        let number = self.groups.last_member.fetch_add(1, Ordering::Relaxed) + 1;
        let current = {
            let mut state = lock(&self.state);
            let of_topic = state.topics.entry(topic.to_owned()).or_default();
            of_topic.partitions = partitions();
            of_topic.drop_gone();
            of_topic.members.push(Member { number, peer, partitions: ByPartition::new() });
            let current = Arc::clone(&of_topic.current);
            state.rebalance(topic);
            current
        };
        Membership { lease: self, topic: topic.to_owned(), number, current }
    }

    /// Forgets what was committed in a topic that is deleted. Its members have no partitions any
    /// more, and are none where another topic of that name is joined.
    ///
    /// # Errors
    /// When the group's file cannot be written.
    pub fn forget(&self, topic: &str) -> Result<(), LogError> {
        let mut state = lock(&self.state);
        state.topics.remove(topic);
        state.store.forget(topic)
    }

    /// What the group has in each topic.
    pub fn states(&self) -> Vec<GroupState> {
        let mut state = lock(&self.state);
        let topics: Vec<String> = state.topics.keys().cloned().collect();
        topics.iter().for_each(|topic| state.drop_gone(topic));
        let mut topics: Vec<&str> = state.store.topics().collect();
        topics.extend(state.topics.keys().map(String::as_str));
        topics.sort_unstable();
        topics.dedup();
        topics.into_iter().map(|topic| state.state(topic)).collect()
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
    ) -> Result<ByPartition<u64>, ErrorBody> {
        let mut state = lock(&self.state);
        state.drop_gone(topic);
        let members = state.topics.get(topic).map_or(0, |topic| topic.members.len());
        if members > 0 {
            let members =
                if members == 1 { "a member".into() } else { format!("{members} members") };
            let group = &self.name;
            let message = format!("{group}/{topic}: the group has {members}; stop reading first");
            return Err(ErrorBody::new(Code::GroupInUse, message));
        }
        let before = state.store.offsets(topic);
        if !dry_run {
            let generation = state.store.begin_generation(topic);
            state.store.commit(topic, generation, offsets).map_err(refusal::body)?;
        }
        Ok(before)
    }
}

impl TopicMembers {
    /// Removes the members that have hung up, also where their sessions have not seen it
    /// yet: who comes when another has just ended must not find its place taken. Whether any has.
    fn drop_gone(&mut self) -> bool {
        let before = self.members.len();
        self.members.retain(|member| !member.peer.as_ref().is_some_and(Peer::is_gone));
        self.members.len() < before
    }
}

impl State {
    /// Gives away the partitions of those who have hung up.
    fn drop_gone(&mut self, topic: &str) {
        if self.topics.get_mut(topic).is_some_and(TopicMembers::drop_gone) {
            self.rebalance(topic);
        }
    }

    /// Gives away partitions that were added.
    fn add_partitions(&mut self, topic: &str, partitions: u32) {
        if let Some(of_topic) =
            self.topics.get_mut(topic).filter(|of_topic| of_topic.partitions < partitions)
        {
            of_topic.partitions = partitions;
            self.rebalance(topic);
        }
    }

    /// Assigns a topic's partitions to its members, in a new generation.
    fn rebalance(&mut self, topic: &str) {
        let generation = self.store.begin_generation(topic);
        let Some(of_topic) = self.topics.get_mut(topic) else { return };
        if of_topic.members.is_empty() {
            self.topics.remove(topic);
            return;
        }
        let held: Vec<Vec<u32>> = of_topic
            .members
            .iter()
            .map(|member| member.partitions.keys().copied().collect())
            .collect();
        for (member, share) in of_topic.members.iter_mut().zip(share(of_topic.partitions, &held)) {
            let since = |number| member.partitions.get(&number).copied().unwrap_or(generation);
            member.partitions = share.into_iter().map(|number| (number, since(number))).collect();
        }
        of_topic.current.generation.store(generation, Ordering::SeqCst);
        of_topic.current.notifier.notify();
    }

    fn state(&self, topic: &str) -> GroupState {
        let members = self.topics.get(topic).map_or(&[][..], |topic| &topic.members);
        let entry = |member: &Member| MemberEntry {
            member: member.number,
            pid: member.peer.as_ref().and_then(|peer| peer.pid),
        };
        let read = |member: &Member| {
            let number = member.number;
            member.partitions.keys().map(move |&partition| (partition, number)).collect::<Vec<_>>()
        };
        GroupState {
            topic: topic.to_owned(),
            generation: self.store.generation(topic),
            members: members.iter().map(entry).collect(),
            readers: members.iter().flat_map(read).collect(),
            committed: self.store.offsets(topic),
        }
    }
}

/// A connection's place in a group, until dropped.
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
    pub fn share(&self) -> Assignment {
        let state = lock(&self.lease.state);
        let members = state.topics.get(&self.topic).map_or(&[][..], |topic| &topic.members);
        let member = members.iter().find(|member| member.number == self.number);
        Assignment {
            generation: state.store.generation(&self.topic),
            since: member.map(|member| member.partitions.clone()).unwrap_or_default(),
            committed: state.store.offsets(&self.topic),
        }
    }

    /// Commits offsets of partitions that this member has in this generation; durable on return.
    ///
    /// # Errors
    /// When the generation is over, a partition is another's, or the disk refuses.
    pub fn commit(&self, generation: u64, offsets: &ByPartition<u64>) -> Result<(), ErrorBody> {
        let mut state = lock(&self.lease.state);
        let members = state.topics.get(&self.topic).map_or(&[][..], |topic| &topic.members);
        let member = members.iter().find(|member| member.number == self.number);
        let foreign = |&number: &u32| !member.is_some_and(|it| it.partitions.contains_key(&number));
        let foreign = offsets.keys().copied().find(foreign);
        match foreign {
            // In an older generation it may have been this member's; that is the better answer.
            Some(number) if generation == state.store.generation(&self.topic) => {
                let message = format!(
                    "{}/{}: partition {number} is not assigned to this member; nothing was \
                     committed",
                    self.lease.name, self.topic
                );
                Err(ErrorBody::new(Code::NotAssigned, message))
            }
            _ => state.store.commit(&self.topic, generation, offsets).map_err(refusal::body),
        }
    }
}

impl Drop for Membership<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.lease.state);
        if let Some(of_topic) = state.topics.get_mut(&self.topic) {
            let before = of_topic.members.len();
            of_topic.members.retain(|member| member.number != self.number);
            if of_topic.members.len() < before {
                state.rebalance(&self.topic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment_of(member: &Membership<'_>) -> (u64, Vec<u32>) {
        let share = member.share();
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
        assert_eq!(second.share().committed, at(3, 5));
        assert_eq!(first.current.generation(), 2);
        assert_eq!(first.commit(1, &at(3, 6)).unwrap_err().code, Code::StaleGeneration);
        assert_eq!(first.commit(2, &at(3, 6)).unwrap_err().code, Code::NotAssigned);
        assert_eq!(first.share().since[&0], 1);
        drop(second);
        assert_eq!(assignment_of(&first), (3, vec![0, 1, 2, 3]));
        // What it lost and got back it does not have since before.
        assert_eq!(first.share().since, ByPartition::from([(0, 1), (1, 1), (2, 3), (3, 3)]));
        first.commit(3, &at(0, 1)).unwrap();
        drop(first);
        assert!(groups.names().is_empty());
        assert_eq!(assignment_of(&join()), (4, vec![0, 1, 2, 3]));
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
        assert_eq!(first.share().since, ByPartition::from([(0, 1), (1, 3)]));
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
        let (near, far) = UnixStream::pair().unwrap();
        let gone = join(Some(Peer { pid: None, stream: Arc::new(near) }));
        let lives = join(None);
        assert_eq!((assignment_of(&gone).1, assignment_of(&lives).1), (vec![0], vec![1]));
        drop(far);
        let next = join(None);
        assert_eq!((assignment_of(&lives), assignment_of(&next)), ((3, vec![1]), (3, vec![0])));
        let late = gone.commit(3, &ByPartition::from([(0, 1)]));
        assert_eq!(late.unwrap_err().code, Code::NotAssigned);
        // Its session ends at last: nothing is left to share out.
        drop(gone);
        assert_eq!(lives.current.generation(), 3);
        drop((lives, next));
        let (near, far) = UnixStream::pair().unwrap();
        let gone = join(Some(Peer { pid: None, stream: Arc::new(near) }));
        let lease = groups.open(&log, "g").unwrap();
        assert_eq!(lease.states()[0].members.len(), 1);
        drop(far);
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
        assert!(old.commit(1, &to).is_err() && old.commit(new.share().generation, &to).is_err());
        assert_eq!(new.share().since.keys().collect::<Vec<_>>(), [&0]);
        assert!(new.share().committed.is_empty());
        drop(old);
        assert_eq!(new.share().since.len(), 1);
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
        assert_eq!(lease.reset("t", &to, true).unwrap_err().code, Code::GroupInUse);
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
