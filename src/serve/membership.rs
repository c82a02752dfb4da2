//! A connection that is a member of a consumer group.

use std::sync::Arc;

use crate::broker::member::Member;
use crate::broker::notifier::Subscriber;

/// A connection that is a member of a group.
pub(super) struct Membership<'a> {
    pub member: Member<'a>,
    /// Whether it was given records since its last commit.
    pub owes_commit: bool,
    /// What it sleeps by.
    pub waiter: Arc<Subscriber>,
}
