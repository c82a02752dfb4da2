//! Records that wait for the watermark, to count in the order of their times.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use super::super::memory::{allocated, vector, written};
use crate::expr::{Found, ParsedRecord};
use crate::state::{Reader, StateError, Writer};
use crate::time::timestamp::load_ms;

/// Records by their time and, of one time, as they came.
///
/// Most come in this order: they stand in a queue, and only those that come after a later one need
/// a heap.
#[derive(Default)]
pub struct Waiting {
    queue: VecDeque<Queued>,
    stragglers: BinaryHeap<Reverse<Queued>>,
    came: u64,
    /// Those that have gone, for their buffers.
    spare: Vec<Queued>,
    /// How much memory the records of all take, also of those that `pop` lent out.
    held_bytes: usize,
}

/// A record that waits; ordered by when it is due.
#[derive(Debug, Default)]
pub struct Queued {
    /// Its event time.
    pub time_ms: i64,
    number: u64,
    /// The record itself.
    pub held: Box<Held>,
}

/// A record, and what is known of it.
#[derive(Debug, Default)]
pub struct Held {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where its fields stand.
    pub found: Found,
    /// Whether it is plain that it has none of the fields that results are put into.
    pub is_bare: bool,
    /// Its group, once it counts.
    pub group: usize,
}

impl Queued {
    /// Its time and, of one time, how many came before it.
    fn due(&self) -> (i64, u64) {
        (self.time_ms, self.number)
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Queued) -> Ordering {
        self.due().cmp(&other.due())
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Queued) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Queued) -> bool {
        self.due() == other.due()
    }
}

impl Eq for Queued {}

impl Held {
    fn memory(&self) -> usize {
        allocated(size_of::<Held>()) + vector(&self.bytes) + vector(self.found.slots())
    }
}

impl Waiting {
    /// How many records wait.
    pub fn len(&self) -> usize {
        self.queue.len() + self.stragglers.len()
    }

    /// The earliest time that waits, in milliseconds since the epoch.
    pub fn next_ms(&self) -> Option<i64> {
        self.first().map(|first| first.time_ms)
    }

    /// The record that is due first.
    fn first(&self) -> Option<&Queued> {
        let straggler = self.stragglers.peek().map(|Reverse(queued)| queued);
        self.queue.front().into_iter().chain(straggler).min()
    }

    /// Adds a record.
    pub fn push(&mut self, time_ms: i64, record: &ParsedRecord<'_, '_>) {
        self.add(time_ms, record.record(), |held| {
            record.note(&mut held.found);
            held.is_bare = record.lacks_sought();
        });
    }

    fn add(&mut self, time_ms: i64, record: &[u8], note: impl FnOnce(&mut Held)) {
        let spare = self.spare.pop();
        self.held_bytes -= spare.as_ref().map_or(0, |spare| spare.held.memory());
        let mut queued = spare.unwrap_or_default();
        let held = &mut *queued.held;
        held.bytes.clear();
        held.bytes.extend_from_slice(record);
        note(held);
        self.held_bytes += held.memory();
        self.came += 1;
        (queued.time_ms, queued.number) = (time_ms, self.came);
        match self.queue.back().is_some_and(|last| time_ms < last.time_ms) {
            true => self.stragglers.push(Reverse(queued)),
            false => self.queue.push_back(queued),
        }
    }

    /// Moves the records of the earliest time into `peers`, in place of what is there, if a
    /// watermark of `mark_ms` has reached them; false if it has not.
    pub fn pop(&mut self, mark_ms: i64, peers: &mut Vec<Queued>) -> bool {
        self.spare.append(peers);
        let Some(time_ms) = self.next_ms().filter(|time_ms| *time_ms <= mark_ms) else {
            return false;
        };
        while self.next_ms() == Some(time_ms) {
            peers.extend(self.pop_first());
        }
        true
    }

    fn pop_first(&mut self) -> Option<Queued> {
        let straggler = self.stragglers.peek().map(|Reverse(queued)| queued);
        match straggler
            .is_some_and(|straggler| self.queue.front().is_none_or(|one| straggler < one))
        {
            true => self.stragglers.pop().map(|Reverse(queued)| queued),
            false => self.queue.pop_front(),
        }
    }

    /// Saves the records, in the order in which they are due.
    pub fn save(&self, to: &mut Writer) {
        let stragglers = self.stragglers.iter().map(|Reverse(queued)| queued);
        let mut waiting: Vec<&Queued> = self.queue.iter().chain(stragglers).collect();
        waiting.sort_unstable();
        to.put_len(waiting.len());
        for queued in waiting {
            to.put_i64(queued.time_ms);
            to.put_bytes(&queued.held.bytes);
        }
    }

    /// Restores the records that [`Waiting::save`] saved.
    pub fn load(from: &mut Reader<'_>) -> Result<Waiting, StateError> {
        let mut waiting = Waiting::default();
        for _ in 0..from.take_count(9)? {
            let (time_ms, record) = (load_ms(from)?, from.take_bytes()?);
            waiting.add(time_ms, record, |_| ());
        }
        Ok(waiting)
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        let queue = written::<Queued>(self.queue.len(), self.queue.capacity());
        let stragglers = written::<Queued>(self.stragglers.len(), self.stragglers.capacity());
        queue + stragglers + vector(&self.spare) + self.held_bytes
    }
}
