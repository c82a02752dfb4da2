//! A session's batches between request and answer.

use std::sync::Arc;

use crate::broker::appends::{Appends, Underway};
use crate::broker::commit_queue::CommitQueue;
use crate::broker::committer::Committer;
use crate::broker::memory_limit::Permit;
use crate::log::{Batch, LogError};

/// Where a session's appends are between request and answer.
#[derive(Default)]
pub(super) struct Batches<'a> {
    /// Checked, and not yet written: all for one topic, each with its part of the memory.
    pub queue: Option<Arc<CommitQueue>>,
    pub appends: Appends<Permit<'a>>,
    pub gathered_bytes: u64,
    /// Being written by the committer.
    pub underway: Option<Group<'a>>,
    pub committer: Option<Committer>,
}

/// Appends that are being written, and where to.
pub(super) type Group<'a> = (Arc<CommitQueue>, Underway<Permit<'a>>);

impl<'a> Batches<'a> {
    /// Takes one more for the topic of those that are gathered.
    pub fn take(
        &mut self,
        queue: Arc<CommitQueue>,
        batch: Result<Batch, LogError>,
        chained: bool,
        share: Permit<'a>,
    ) {
        self.queue = Some(queue);
        self.gathered_bytes += share.bytes();
        self.appends.hand(batch, chained, share);
    }

    /// Whether the last append that was answered failed.
    pub fn is_broken(&self) -> bool {
        self.appends.is_broken()
    }

    /// Takes what was gathered, now that it is known what became of all before it.
    pub fn close(&mut self) -> Option<(Group<'a>, Vec<Batch>)> {
        let queue = self.queue.take()?;
        self.gathered_bytes = 0;
        let (underway, batches) = self.appends.close(queue.topic.name());
        Some(((queue, underway), batches))
    }
}
