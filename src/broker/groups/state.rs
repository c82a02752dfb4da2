//! What a consumer group is: what it has committed, its members by topic, their generation and
//! their assignment. Who the members are, and how it shows that one is gone, is not known here.
//!
//! When a member joins, leaves or is gone, its topic's partitions are rebalanced at once, in a new
//! generation, and the members are notified of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::assign::share;
use crate::api::groups::MemberEntry;
use crate::api::reading::ByPartition;
use crate::broker::error::Error;
use crate::broker::notifier::Notifier;
use crate::log::{ConsumerGroup, LogError};

/// A group.
#[derive(Debug)]
pub(super) struct Group {
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
    peer: Option<Arc<dyn Peer>>,
    /// Its partitions, each with the generation in which it got it.
    partitions: ByPartition<u64>,
}

/// Whoever is a client of the service: a connection, say.
pub trait Peer: fmt::Debug + Send + Sync {
    /// Whether it is gone, also if what serves it has not come to see that yet.
    fn is_gone(&self) -> bool;

    /// Its process, if that is known.
    fn pid(&self) -> Option<i32>;
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

impl GroupState {
    /// What a group without members has in a topic.
    pub fn of(group: &ConsumerGroup, topic: &str) -> GroupState {
        GroupState {
            topic: topic.to_owned(),
            generation: group.generation(topic),
            members: Vec::new(),
            readers: ByPartition::new(),
            committed: group.offsets(topic),
        }
    }
}

impl TopicMembers {
    fn member(&self, number: u64) -> Option<&Member> {
        self.members.iter().find(|member| member.number == number)
    }

    /// Removes the members that are gone: who comes when another has just ended must not find its
    /// place taken. Whether any is.
    fn drop_gone(&mut self) -> bool {
        let before = self.members.len();
        self.members.retain(|member| !member.peer.as_ref().is_some_and(|peer| peer.is_gone()));
        self.members.len() < before
    }
}

impl Group {
    /// A group without members.
    pub fn new(store: ConsumerGroup) -> Group {
        Group { store, topics: BTreeMap::new() }
    }

    /// Adds a member for a topic that has so many partitions; gives what tells it of generations.
    pub fn join(
        &mut self,
        topic: &str,
        partitions: u32,
        number: u64,
        peer: Option<Arc<dyn Peer>>,
    ) -> Arc<Generation> {
        let of_topic = self.topics.entry(topic.to_owned()).or_default();
        of_topic.partitions = partitions;
        of_topic.drop_gone();
        of_topic.members.push(Member { number, peer, partitions: ByPartition::new() });
        let current = Arc::clone(&of_topic.current);
        self.rebalance(topic);
        current
    }

    /// Removes a member, if it is one still.
    pub fn leave(&mut self, topic: &str, number: u64) {
        let Some(of_topic) = self.topics.get_mut(topic) else { return };
        let before = of_topic.members.len();
        of_topic.members.retain(|member| member.number != number);
        if of_topic.members.len() < before {
            self.rebalance(topic);
        }
    }

    /// What a member is to read.
    pub fn assignment(&self, topic: &str, number: u64) -> Assignment {
        let member = self.topics.get(topic).and_then(|of_topic| of_topic.member(number));
        Assignment {
            generation: self.store.generation(topic),
            since: member.map(|member| member.partitions.clone()).unwrap_or_default(),
            committed: self.store.offsets(topic),
        }
    }

    /// Commits offsets of partitions that a member has in this generation; durable on return.
    ///
    /// # Errors
    /// When the generation is over, a partition is another's, or the disk refuses.
    pub fn commit(
        &mut self,
        topic: &str,
        number: u64,
        generation: u64,
        offsets: &ByPartition<u64>,
    ) -> Result<(), Error> {
        let member = self.topics.get(topic).and_then(|of_topic| of_topic.member(number));
        let foreign = |&number: &u32| !member.is_some_and(|it| it.partitions.contains_key(&number));
        match offsets.keys().copied().find(foreign) {
            // In an older generation it may have been this member's; that is the better answer.
            Some(partition) if generation == self.store.generation(topic) => {
                let (group, topic) = (self.store.name().to_owned(), topic.to_owned());
                Err(Error::NotAssigned { group, topic, partition })
            }
            _ => Ok(self.store.commit(topic, generation, offsets)?),
        }
    }

    /// Commits offsets, unless it is a dry run; gives what was committed before.
    ///
    /// # Errors
    /// When the group has members for the topic, or the commit fails.
    pub fn reset(
        &mut self,
        topic: &str,
        offsets: &ByPartition<u64>,
        dry_run: bool,
    ) -> Result<ByPartition<u64>, Error> {
        self.check_unused(topic)?;
        let before = self.store.offsets(topic);
        if !dry_run {
            let generation = self.store.begin_generation(topic);
            self.store.commit(topic, generation, offsets)?;
        }
        Ok(before)
    }

    /// Whether the group has no members for a topic.
    ///
    /// # Errors
    /// When it has some.
    pub fn check_unused(&mut self, topic: &str) -> Result<(), Error> {
        self.drop_gone(topic);
        let members = self.topics.get(topic).map_or(0, |topic| topic.members.len());
        if members == 0 {
            return Ok(());
        }
        let (group, topic) = (self.store.name().to_owned(), topic.to_owned());
        Err(Error::GroupInUse { group, topic, members })
    }

    /// Takes over to another name of a topic what is committed in it.
    ///
    /// # Errors
    /// When the group's file cannot be written.
    pub fn adopt(&mut self, from: &str, to: &str) -> Result<(), LogError> {
        self.store.adopt(from, to)
    }

    /// Forgets all that was committed, and that there was such a group.
    ///
    /// # Errors
    /// When it has members, or its file cannot be removed.
    pub fn delete(&mut self) -> Result<(), Error> {
        let topics: Vec<String> = self.topics.keys().cloned().collect();
        topics.iter().try_for_each(|topic| self.check_unused(topic))?;
        self.topics.clear();
        Ok(self.store.delete()?)
    }

    /// Forgets what was committed in a topic that is deleted. Its members have no partitions any
    /// more, and are none where another topic of that name is joined.
    ///
    /// # Errors
    /// When the group's file cannot be written.
    pub fn forget(&mut self, topic: &str) -> Result<(), LogError> {
        self.topics.remove(topic);
        self.store.forget(topic)
    }

    /// What the group has in each topic.
    pub fn states(&mut self) -> Vec<GroupState> {
        let topics: Vec<String> = self.topics.keys().cloned().collect();
        topics.iter().for_each(|topic| self.drop_gone(topic));
        let mut topics: Vec<&str> = self.store.topics().collect();
        topics.extend(self.topics.keys().map(String::as_str));
        topics.sort_unstable();
        topics.dedup();
        topics.into_iter().map(|topic| self.state(topic)).collect()
    }

    fn state(&self, topic: &str) -> GroupState {
        let members = self.topics.get(topic).map_or(&[][..], |topic| &topic.members);
        let entry = |member: &Member| MemberEntry {
            member: member.number,
            pid: member.peer.as_ref().and_then(|peer| peer.pid()),
        };
        let read = |member: &Member| {
            let number = member.number;
            member.partitions.keys().map(move |&partition| (partition, number)).collect::<Vec<_>>()
        };
        GroupState {
            members: members.iter().map(entry).collect(),
            readers: members.iter().flat_map(read).collect(),
            ..GroupState::of(&self.store, topic)
        }
    }

    /// Gives away partitions that were added.
    pub fn add_partitions(&mut self, topic: &str, partitions: u32) {
        if let Some(of_topic) =
            self.topics.get_mut(topic).filter(|of_topic| of_topic.partitions < partitions)
        {
            of_topic.partitions = partitions;
            self.rebalance(topic);
        }
    }

    /// Gives away the partitions of those who are gone.
    fn drop_gone(&mut self, topic: &str) {
        if self.topics.get_mut(topic).is_some_and(TopicMembers::drop_gone) {
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
}
