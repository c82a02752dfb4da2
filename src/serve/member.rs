//! A session's part in a consumer group: joining, reading what is assigned, committing, leaving.

use std::sync::Arc;

use super::membership::Membership;
use super::peer::Connected;
use super::session::{End, Session};
use crate::api::error::{Code, ErrorBody};
use crate::api::groups::{Assigned, Commit, Committed, Join, Left};
use crate::broker::member::Member;
use crate::log::LogError;
use crate::log::access::Right;
use crate::wire::answer::Answer;

impl<'a> Session<'a> {
    /// Makes the connection a member of a group; what it was a member of before, it leaves.
    pub fn join(&mut self, join: Join) -> Result<Assigned, ErrorBody> {
        self.member = None;
        let waiter = self.new_waiter()?;
        let peer = Arc::new(Connected::new(&self.stream));
        let (member, assigned) = self.broker.join(&self.access, join, peer)?;
        self.member = Some(Membership { member, owes_commit: false, waiter });
        Ok(assigned)
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
                self.reply(Err(error.into()));
            }
        }
        Ok(())
    }

    /// An error of the inner kind ends the membership.
    fn poll_for(&mut self, member: &mut Membership<'a>) -> Result<Result<(), LogError>, End> {
        let (waiter, queue) = (Arc::clone(&member.waiter), Arc::clone(member.member.queue()));
        let current = member.member.current();
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
    fn answer_poll(&mut self, membership: &mut Membership<'a>) -> Result<bool, End> {
        let member = &mut membership.member;
        if member.is_stale() {
            self.assign(member);
            return Ok(true);
        }
        let queue = Arc::clone(member.queue());
        match self.next_chunk(&queue, &mut member.cursor) {
            Ok(Some(chunk)) => {
                self.send(chunk, member.asked().batches)?;
                membership.owes_commit = true;
            }
            Ok(None) if member.asked().follow || !member.cursor.done() => return Ok(false),
            Ok(None) => self.reply(Ok(Answer::Fetched(member.fetched()))),
            // Retention or a trim has passed the member by: it goes on where it wants to.
            Err(LogError::OffsetOutOfRange { .. }) if member.asked().reset.is_some() => {
                self.assign(member);
            }
            Err(error) => self.reply(Err(error.into())),
        }
        Ok(true)
    }

    /// Has the member go over to what it is assigned now, and tells it of that.
    fn assign(&mut self, member: &mut Member<'a>) {
        let assigned = member.take_assignment().map(Answer::Assigned);
        self.reply(assigned.map_err(ErrorBody::from));
    }

    /// Commits offsets for the member's group.
    pub fn commit_offsets(&mut self, commit: Commit) -> Result<Committed, ErrorBody> {
        let membership = self.member.as_mut().ok_or_else(not_a_member)?;
        membership.owes_commit = false;
        Ok(membership.member.commit(&self.access, commit)?)
    }

    /// Ends the membership.
    pub fn leave(&mut self) -> Result<Left, ErrorBody> {
        let membership = self.member.take().ok_or_else(not_a_member)?;
        Ok(membership.member.left())
    }
}

fn not_a_member() -> ErrorBody {
    ErrorBody::new(Code::NotAMember, "this connection is not a member of a group; join one first")
}
