//! A session's part in a consumer group: joining, reading what is assigned, committing, leaving;
//! and telling and resetting what groups have.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::commit_queue::CommitQueue;
use super::fetch::find;
use super::groups::{GroupState, Membership, Peer};
use super::notifier::Subscriber;
use super::refusal;
use super::session::{End, Session};
use crate::api::error::{Code, ErrorBody};
use crate::api::groups::{
    Assigned, Commit, Committed, Edge, GroupEntry, Groups, Join, Left, Moved, Progress, Reset,
    ResetDone,
};
use crate::api::reading::{ByPartition, Fetched, Position, Span};
use crate::log::access::Right;
use crate::log::{Bounds, Cursor, LogError};
use crate::sys::socket::peer;
use crate::wire::answer::Answer;

/// A member of a group, and where it is in its partitions.
pub(super) struct Member<'a> {
    membership: Membership<'a>,
    join: Join,
    queue: Arc<CommitQueue>,
    /// Where it ends, if it does not follow.
    until: Option<ByPartition<u64>>,
    /// Whether it was given records since its last commit.
    owes_commit: bool,
    /// The generation that the cursor belongs to.
    generation: u64,
    cursor: Cursor,
    waiter: Arc<Subscriber>,
}

impl Member<'_> {
    /// Whether it has records in hand that it may still commit.
    pub fn owes_commit(&self) -> bool {
        self.owes_commit
    }
}

impl<'a> Session<'a> {
    /// Makes the connection a member of a group; what it was a member of before, it leaves.
    pub fn join(&mut self, join: Join) -> Result<(), End> {
        self.member = None;
        let joined = self.new_waiter().and_then(|waiter| self.become_member(join, waiter));
        let answer = joined.map(|(member, assigned)| {
            self.member = Some(member);
            Answer::Assigned(assigned)
        });
        self.reply(answer);
        Ok(())
    }

    fn become_member(
        &self,
        join: Join,
        waiter: Arc<Subscriber>,
    ) -> Result<(Member<'a>, Assigned), ErrorBody> {
        let shared = self.shared;
        let queue = self.queue_for(Right::Read, &join.topic)?;
        let reader = queue.topic.reader();
        let bounds = reader.bounds().map_err(refusal::body)?;
        for &partition in join.offsets.keys() {
            find(&join.topic, &bounds, partition)?;
        }
        let ends = bounds.iter().map(|held| (held.partition, held.end)).collect();
        let until = (!join.follow).then_some(ends);
        let cursor = reader.cursor(Vec::new()).map_err(refusal::body)?;
        let lease = shared.groups.open(&shared.log, &join.group).map_err(refusal::body)?;
        let pid = peer(self.connection.stream()).map(|peer| peer.pid);
        let peer = Peer { pid, stream: Arc::clone(&self.stream) };
        let partitions = || queue.topic.settings().partitions;
        let membership = lease.join(&join.topic, partitions, Some(peer));
        let mut member = Member {
            membership,
            join,
            queue,
            until,
            owes_commit: false,
            generation: 0,
            cursor,
            waiter,
        };
        let assigned = member.take_share()?;
        Ok((member, assigned))
    }

    /// Gives the member the next run of records of its partitions, or its new partitions; waits
    /// for either if it follows.
    pub fn poll(&mut self) -> Result<(), End> {
        let Some(mut member) = self.member.take() else {
            self.reply(Err(not_a_member()));
            return Ok(());
        };
        match self.poll_for(&mut member)? {
            Ok(()) => self.member = Some(member),
            // Its partitions are for those who may read them.
            Err(error) => {
                drop(member);
                self.reply(Err(refusal::body(error)));
            }
        }
        Ok(())
    }

    /// An error of the inner kind ends the membership.
    fn poll_for(&mut self, member: &mut Member<'a>) -> Result<Result<(), LogError>, End> {
        let (waiter, queue) = (Arc::clone(&member.waiter), Arc::clone(&member.queue));
        let current = Arc::clone(&member.membership.current);
        let mut subscription = None;
        // Always armed before looking, so that no notify between looking and sleeping is missed.
        loop {
            if let Err(error) = self.access.check(&queue.topic, Right::Read) {
                return Ok(Err(error));
            }
            if self.answer_poll(member)? {
                return Ok(Ok(()));
            }
            match &subscription {
                None => {
                    subscription = Some((
                        queue.notifier.subscribe(&waiter),
                        current.notifier.subscribe(&waiter),
                    ))
                }
                Some(_) => self.sleep(&waiter)?,
            }
            waiter.arm();
        }
    }

    /// Answers a poll, if there is something to say.
    fn answer_poll(&mut self, member: &mut Member<'a>) -> Result<bool, End> {
        if member.generation != member.membership.current.generation() {
            let assigned = member.take_share().map(Answer::Assigned);
            self.reply(assigned);
            return Ok(true);
        }
        let queue = Arc::clone(&member.queue);
        match self.next_chunk(&queue, &mut member.cursor) {
            Ok(Some(chunk)) => {
                self.send(chunk, member.join.batches)?;
                member.owes_commit = true;
            }
            Ok(None) if member.join.follow || !member.cursor.done() => return Ok(false),
            Ok(None) => {
                let offsets = member.cursor.positions().into_iter().collect();
                let topic = member.join.topic.clone();
                self.reply(Ok(Answer::Fetched(Fetched { topic, offsets })));
            }
            // Retention or a trim has passed the member by: it goes on where it wants to.
            Err(LogError::OffsetOutOfRange { .. }) if member.join.reset.is_some() => {
                let assigned = member.take_share().map(Answer::Assigned);
                self.reply(assigned);
            }
            Err(error) => self.reply(Err(refusal::body(error))),
        }
        Ok(true)
    }

    /// Commits offsets for the member's group.
    pub fn commit_offsets(&mut self, commit: Commit) -> Result<Committed, ErrorBody> {
        let member = self.member.as_mut().ok_or_else(not_a_member)?;
        member.owes_commit = false;
        self.access.check(&member.queue.topic, Right::Read).map_err(refusal::body)?;
        let bounds = member.queue.topic.reader().bounds().map_err(refusal::body)?;
        // Records before the start were delivered, though they may have been removed since.
        check_offsets(&member.join.topic, &commit.offsets, &bounds, |held| 0..=held.end)?;
        // A power cut must not leave the group behind the end: it would miss what comes there.
        member.queue.topic.force(&commit.offsets).map_err(refusal::body)?;
        member.membership.commit(commit.generation, &commit.offsets)?;
        Ok(Committed { generation: commit.generation, offsets: commit.offsets })
    }

    /// Ends the membership.
    pub fn leave(&mut self) -> Result<Left, ErrorBody> {
        let member = self.member.take().ok_or_else(not_a_member)?;
        Ok(Left { group: member.join.group.clone(), topic: member.join.topic.clone() })
    }

    /// Tells what groups have.
    pub fn groups(&self, asked: &Groups) -> Result<Vec<GroupEntry>, ErrorBody> {
        let shared = self.shared;
        let mut names: BTreeSet<String> = shared.groups.names().into_iter().collect();
        names.extend(shared.log.group_names().map_err(refusal::body)?);
        let mut entries = Vec::new();
        for name in names {
            if asked.group.as_ref().is_none_or(|asked| *asked == name) {
                match shared.groups.open(&shared.log, &name) {
                    Ok(lease) => {
                        let states = lease.states().into_iter();
                        entries.extend(states.map(|state| self.entry(&name, state)));
                    }
                    Err(error) => entries.push(GroupEntry::broken(name, refusal::body(error))),
                }
            }
        }
        Ok(entries)
    }

    fn entry(&self, group: &str, state: GroupState) -> GroupEntry {
        let bounds = self.look(&state.topic).and_then(|(reader, _)| reader.bounds());
        let bounds = bounds.map_err(refusal::body);
        let mut partitions: ByPartition<Progress> = ByPartition::new();
        for (&number, &member) in &state.readers {
            partitions.entry(number).or_default().member = Some(member);
        }
        for (&number, &offset) in &state.committed {
            partitions.entry(number).or_default().committed = Some(offset);
        }
        let error = match bounds {
            Ok(bounds) => {
                for held in bounds {
                    let progress = partitions.entry(held.partition).or_default();
                    (progress.start, progress.end) = (Some(held.start), Some(held.end));
                }
                None
            }
            Err(error) => {
                if error.code == Code::NotPermitted {
                    partitions.clear();
                }
                Some(error)
            }
        };
        GroupEntry {
            group: group.to_owned(),
            topic: state.topic,
            generation: state.generation,
            members: state.members,
            partitions,
            error,
        }
    }

    /// Commits offsets for a group that nobody is a member of.
    pub fn reset_group(&self, reset: Reset) -> Result<ResetDone, ErrorBody> {
        let shared = self.shared;
        let queue = self.queue_for(Right::Read, &reset.topic)?;
        let bounds = queue.topic.reader().bounds().map_err(refusal::body)?;
        check_offsets(&reset.topic, &reset.offsets, &bounds, |held| held.start..=held.end)?;
        let lease = shared.groups.open(&shared.log, &reset.group).map_err(refusal::body)?;
        if !reset.dry_run {
            queue.topic.force(&reset.offsets).map_err(refusal::body)?;
        }
        let before = lease.reset(&reset.topic, &reset.offsets, reset.dry_run)?;
        if let Err(gone) = queue.topic.reader().bounds() {
            // Deleted meanwhile: who deletes may have been before us.
            lease.forget(&reset.topic).map_err(refusal::body)?;
            return Err(refusal::body(gone));
        }
        let moved = |(number, to)| (number, Moved { from: before.get(&number).copied(), to });
        Ok(ResetDone {
            group: reset.group,
            topic: reset.topic,
            partitions: reset.offsets.into_iter().map(moved).collect(),
            dry_run: reset.dry_run,
        })
    }
}

impl Member<'_> {
    /// Goes over to the partitions of the current generation. Those it had all the while go on
    /// where they are, the others at what is committed.
    fn take_share(&mut self) -> Result<Assigned, ErrorBody> {
        let share = self.membership.share();
        let reader = self.queue.topic.reader();
        let bounds = reader.bounds().map_err(refusal::body)?;
        let reached: ByPartition<u64> = self.cursor.positions().into_iter().collect();
        let (mut spans, mut begun) = (Vec::new(), ByPartition::new());
        for (&partition, &since) in &share.since {
            let held = find(&self.join.topic, &bounds, partition)?;
            let kept = reached.get(&partition).filter(|_| since <= self.generation);
            let committed = share.committed.get(&partition).copied();
            let from = match kept {
                Some(&offset) => self.within(offset, true, held, &mut begun),
                None => self.begin(committed, held, &mut begun),
            };
            let from = from.map_err(refusal::body)?;
            // Of a partition that was added since it joined, nothing was there then.
            let until = self.until.as_ref().map(|until| until.get(&partition).copied());
            let until = until.map(|until| until.unwrap_or(from).max(from));
            spans.push(Span { partition, from, until });
        }
        let offsets = spans.iter().map(|span| (span.partition, span.from)).collect();
        if !begun.is_empty() {
            self.queue.topic.force(&begun).map_err(refusal::body)?;
            match self.membership.commit(share.generation, &begun) {
                // The next generation has begun meanwhile: that one, then.
                Err(stale) if stale.code == Code::StaleGeneration => return self.take_share(),
                committed => committed?,
            }
        }
        let cursor = reader.cursor(spans).map_err(refusal::body)?;
        self.cursor = cursor.verifying(!self.join.unverified).by_turns(self.join.runs);
        self.generation = share.generation;
        Ok(Assigned {
            group: self.join.group.clone(),
            topic: self.join.topic.clone(),
            member: self.membership.number,
            generation: share.generation,
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

fn not_a_member() -> ErrorBody {
    ErrorBody::new(Code::NotAMember, "this connection is not a member of a group; join one first")
}

fn out_of_range(topic: &str, held: &Bounds, offset: u64) -> LogError {
    LogError::OffsetOutOfRange {
        topic: topic.to_owned(),
        partition: held.partition,
        offset,
        start: held.start,
        end: held.end,
    }
}

/// Checks that each offset is among those that `allowed` gives for its partition.
fn check_offsets(
    topic: &str,
    offsets: &ByPartition<u64>,
    bounds: &[Bounds],
    allowed: impl Fn(&Bounds) -> RangeInclusive<u64>,
) -> Result<(), ErrorBody> {
    for (&partition, &offset) in offsets {
        let held = find(topic, bounds, partition)?;
        if !allowed(held).contains(&offset) {
            return Err(refusal::body(out_of_range(topic, held, offset)));
        }
    }
    Ok(())
}
