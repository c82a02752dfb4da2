//! A member of a consumer group that reads: joining, going over to what it is assigned, committing;
//! and what is told and reset of groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Broker;
use super::access::Access;
use super::commit_queue::CommitQueue;
use super::error::Error;
use super::groups::{self, Generation, Membership, Peer};
use super::offsets::{bounds_of, check, out_of_range};
use crate::api::groups::{
    Assigned, Commit, Committed, DeleteGroup, DeletedGroup, Edge, GroupEntry, Groups, Join, Left,
    Reset, ResetDone,
};
use crate::api::reading::{ByPartition, Fetched, Position, Span};
use crate::log::access::Right;
use crate::log::{Bounds, Cursor, LogError};

/// A member of a group, and where it is in its partitions.
pub struct Member<'a> {
    membership: Membership<'a>,
    join: Join,
    queue: Arc<CommitQueue>,
    /// Where it ends, if it does not follow.
    until: Option<ByPartition<u64>>,
    /// The generation that the cursor belongs to.
    generation: u64,
    /// Where it is in its partitions.
    pub cursor: Cursor,
}

impl Broker {
    /// Makes a client a member of a group; tells what it is assigned.
    ///
    /// # Errors
    /// When there is no such topic or partition, it must not be read, or the group cannot be
    /// opened.
    pub fn join(
        &self,
        access: &Access,
        join: Join,
        peer: Arc<dyn Peer>,
    ) -> Result<(Member<'_>, Assigned), Error> {
        let queue = self.queue_for(access, Right::Read, &join.topic)?;
        let reader = queue.topic.reader();
        let bounds = reader.bounds()?;
        for &partition in join.offsets.keys() {
            bounds_of(&join.topic, &bounds, partition)?;
        }
        let ends = bounds.iter().map(|held| (held.partition, held.end)).collect();
        let until = (!join.follow).then_some(ends);
        let cursor = reader.cursor(Vec::new())?;
        let lease = self.groups.open(&self.log, &join.group)?;
        let partitions = || queue.topic.settings().partitions;
        let membership = lease.join(&join.topic, partitions, Some(peer));
        self.groups.check_stays(&join.topic)?;
        let mut member = Member { membership, join, queue, until, generation: 0, cursor };
        let assigned = member.take_assignment()?;
        Ok((member, assigned))
    }

    /// Tells what groups have.
    ///
    /// # Errors
    /// When it cannot be told which groups there are.
    pub fn groups(&self, access: &Access, asked: &Groups) -> Result<Vec<GroupEntry>, Error> {
        let mut names: BTreeSet<String> = self.groups.names().into_iter().collect();
        names.extend(self.log.group_names()?);
        let mut entries = Vec::new();
        for name in names {
            if asked.group.as_ref().is_none_or(|asked| *asked == name) {
                match self.groups.open(&self.log, &name) {
                    Ok(lease) => entries.extend(lease.states().into_iter().map(|state| {
                        let reader = self.look(access, &state.topic);
                        let bounds = reader.and_then(|(reader, _)| reader.bounds());
                        groups::entry(&name, state, bounds)
                    })),
                    Err(error) => entries.push(GroupEntry::broken(name, error.into())),
                }
            }
        }
        Ok(entries)
    }

    /// Deletes a group that has no members; tells in which topics it had committed something.
    ///
    /// # Errors
    /// When the group has members, one of its topics must not be read, or the disk refuses.
    pub fn delete_group(
        &self,
        access: &Access,
        wanted: DeleteGroup,
    ) -> Result<DeletedGroup, Error> {
        let group = wanted.group;
        let lease = match self.groups.open(&self.log, &group) {
            Err(error) if error.is_garbled() && access.is_master() => {
                self.log.remove_group(&group)?;
                return Ok(DeletedGroup { group, topics: Vec::new() });
            }
            lease => lease?,
        };
        let topics: Vec<String> = lease.states().into_iter().map(|state| state.topic).collect();
        for topic in &topics {
            match self.log.settings(topic) {
                Ok(settings) => access.check_settings(topic, &settings, Right::Read)?,
                // One that is gone is nobody's.
                Err(LogError::UnknownTopic { .. }) => {}
                Err(_) if access.is_master() => {}
                Err(error) => return Err(error.into()),
            }
        }
        lease.delete()?;
        Ok(DeletedGroup { group, topics })
    }

    /// Commits offsets for a group that has no members.
    ///
    /// # Errors
    /// When the group has members for the topic, an offset is not one of the topic's, the topic
    /// must not be read, or the disk refuses.
    pub fn reset(&self, access: &Access, reset: Reset) -> Result<ResetDone, Error> {
        let queue = self.queue_for(access, Right::Read, &reset.topic)?;
        let bounds = queue.topic.reader().bounds()?;
        check(&reset.topic, &reset.offsets, &bounds, |held| held.start..=held.end)?;
        // Until the topic was looked at again.
        let lease = self.groups.open(&self.log, &reset.group)?;
        let topic = reset.topic.clone();
        if !reset.dry_run {
            queue.topic.force(&reset.offsets)?;
        }
        let done = self.reset_unchecked(reset)?;
        if let Err(gone) = queue.topic.reader().bounds() {
            // Deleted meanwhile: who deletes may have been before us.
            lease.forget(&topic)?;
            return Err(gone.into());
        }
        Ok(done)
    }

    /// The same for a client that has seen for itself that the offsets are the topic's, and that
    /// no other client can delete it meanwhile.
    ///
    /// # Errors
    /// When the group has members for the topic, or the disk refuses.
    pub fn reset_unchecked(&self, reset: Reset) -> Result<ResetDone, Error> {
        let lease = self.groups.open(&self.log, &reset.group)?;
        let before = lease.reset(&reset.topic, &reset.offsets, reset.dry_run)?;
        Ok(groups::moved(reset, &before))
    }
}

impl Member<'_> {
    /// The queue of its topic.
    pub fn queue(&self) -> &Arc<CommitQueue> {
        &self.queue
    }

    /// What it asked for when it joined.
    pub fn asked(&self) -> &Join {
        &self.join
    }

    /// Tells of new generations.
    pub fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.membership.current)
    }

    /// Whether a new generation has begun since it was last told what it is assigned.
    pub fn is_stale(&self) -> bool {
        self.generation != self.membership.current.generation()
    }

    /// What is said to it when it leaves.
    pub fn left(&self) -> Left {
        Left { group: self.join.group.clone(), topic: self.join.topic.clone() }
    }

    /// What is said to it when it has read everything.
    pub fn fetched(&self) -> Fetched {
        let offsets = self.cursor.positions().into_iter().collect();
        Fetched { topic: self.join.topic.clone(), offsets }
    }

    /// Commits offsets for its group; durable on return.
    ///
    /// # Errors
    /// When it may no longer read the topic, an offset is not one of the topic's, the generation is
    /// over, a partition is another's, or the disk refuses.
    pub fn commit(&self, access: &Access, commit: Commit) -> Result<Committed, Error> {
        let (topic, offsets) = (&self.queue.topic, &commit.offsets);
        access.check(topic, Right::Read)?;
        let bounds = topic.reader().bounds()?;
        // Records before the start were delivered, though they may have been removed since.
        check(&self.join.topic, offsets, &bounds, |held| 0..=held.end)?;
        // A power cut must not leave the group after the end: it would miss what comes there.
        topic.force(offsets)?;
        self.membership.commit(commit.generation, offsets)?;
        Ok(Committed { generation: commit.generation, offsets: commit.offsets })
    }

    /// Goes over to the partitions of the current generation. Those it had all the while go on
    /// where they are, the others at what is committed.
    ///
    /// # Errors
    /// When partitions cannot be read, or no longer hold what is committed.
    pub fn take_assignment(&mut self) -> Result<Assigned, Error> {
        let assignment = self.membership.assignment();
        let reader = self.queue.topic.reader();
        let bounds = reader.bounds()?;
        let reached: ByPartition<u64> = self.cursor.positions().into_iter().collect();
        let (mut spans, mut begun) = (Vec::new(), ByPartition::new());
        for (&partition, &since) in &assignment.since {
            let held = bounds_of(&self.join.topic, &bounds, partition)?;
            let kept = reached.get(&partition).filter(|_| since <= self.generation);
            let committed = assignment.committed.get(&partition).copied();
            let from = match kept {
                Some(&offset) => self.within(offset, true, held, &mut begun),
                None => self.begin(committed, held, &mut begun),
            }?;
            // Of a partition that was added since it joined, nothing was there then.
            let until = self.until.as_ref().map(|until| until.get(&partition).copied());
            let until = until.map(|until| until.unwrap_or(from).max(from));
            spans.push(Span { partition, from, until });
        }
        let offsets = spans.iter().map(|span| (span.partition, span.from)).collect();
        if !begun.is_empty() {
            self.queue.topic.force(&begun)?;
            match self.membership.commit(assignment.generation, &begun) {
                // The next generation has begun meanwhile: that one, then.
                Err(Error::Log(LogError::StaleGeneration { .. })) => return self.take_assignment(),
                committed => committed?,
            }
        }
        let cursor = reader.cursor(spans)?;
        self.cursor = cursor.verifying(!self.join.unverified).by_turns(self.join.runs);
        self.generation = assignment.generation;
        Ok(Assigned {
            group: self.join.group.clone(),
            topic: self.join.topic.clone(),
            member: self.membership.number,
            generation: assignment.generation,
            offsets,
        })
    }

    /// Where to begin in a partition. Where that is no fixed place of the group's, it becomes one
    /// by a commit in `begun`: whoever reads the partition next must not skip what came meanwhile.
    fn begin(
        &self,
        committed: Option<u64>,
        held: &Bounds,
        begun: &mut ByPartition<u64>,
    ) -> Result<u64, LogError> {
        let asked = self.join.offsets.get(&held.partition).copied().unwrap_or_default();
        let (offset, fixed) = match (committed, asked) {
            (Some(offset), _) => (offset, true),
            (None, Position::Start) => (held.start, true),
            (None, Position::End) => (held.end, false),
            (None, Position::Offset(offset)) => (offset, false),
        };
        self.within(offset, fixed, held, begun)
    }

    /// The offset itself, if the partition has it, else where the member wants to go on. What is no
    /// fixed place of the group's becomes one by a commit in `begun`.
    fn within(
        &self,
        offset: u64,
        fixed: bool,
        held: &Bounds,
        begun: &mut ByPartition<u64>,
    ) -> Result<u64, LogError> {
        let (offset, fixed) = match (held.start..=held.end).contains(&offset) {
            true => (offset, fixed),
            false => match self.join.reset {
                Some(Edge::Start) => (held.start, false),
                Some(Edge::End) => (held.end, false),
                None => return Err(out_of_range(&self.join.topic, held, offset)),
            },
        };
        if !fixed {
            begun.insert(held.partition, offset);
        }
        Ok(offset)
    }
}
