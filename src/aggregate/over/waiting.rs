//! Records that wait for the watermark, to count in the order of their times.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::memory::{vector, written};
use crate::state::{Reader, StateError, Writer};
use crate::time::timestamp::load_ms;

/// Records by their time and, of one time, as they came.
#[derive(Default)]
pub struct Waiting {
    held: BinaryHeap<Reverse<Queued>>,
    came: u64,
    /// Buffers of those that have gone.
    spare: Vec<Vec<u8>>,
    /// How much memory the buffers of all take, also of those that `pop` lent out.
    buffers_bytes: usize,
}

/// A record that waits.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Queued {
    /// Its event time.
    pub time_ms: i64,
    number: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its group, once it counts.
    pub group: usize,
}

impl Waiting {
    /// How many records wait.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// The earliest time that waits, in milliseconds since the epoch.
    pub fn next_ms(&self) -> Option<i64> {
        self.held.peek().map(|Reverse(held)| held.time_ms)
    }

    /// Adds a record.
    pub fn push(&mut self, time_ms: i64, record: &[u8]) {
        let mut bytes = self.spare.pop().unwrap_or_default();
        self.buffers_bytes -= vector(&bytes);
        bytes.clear();
        bytes.extend_from_slice(record);
        self.buffers_bytes += vector(&bytes);
        self.came += 1;
        self.held.push(Reverse(Queued { time_ms, number: self.came, bytes, group: 0 }));
    }

    /// Moves the records of the earliest time into `peers`, in place of what is there, if a
    /// watermark of `mark_ms` has reached them; false if it has not.
    pub fn pop(&mut self, mark_ms: i64, peers: &mut Vec<Queued>) -> bool {
        self.spare.extend(peers.drain(..).map(|held| held.bytes));
        let earliest = self.held.peek().map(|Reverse(held)| held.time_ms);
        let Some(time_ms) = earliest.filter(|time_ms| *time_ms <= mark_ms) else { return false };
        while self.held.peek().is_some_and(|Reverse(held)| held.time_ms == time_ms) {
            peers.extend(self.held.pop().map(|Reverse(held)| held));
        }
        true
    }

    /// Saves the records, in the order in which they are due.
    pub fn save(&self, to: &mut Writer) {
        let mut held: Vec<&Queued> = self.held.iter().map(|Reverse(held)| held).collect();
        held.sort_unstable();
        to.put_len(held.len());
        for held in held {
            to.put_i64(held.time_ms);
            to.put_bytes(&held.bytes);
        }
    }

    /// Restores the records that [`Waiting::save`] saved.
    pub fn load(from: &mut Reader<'_>) -> Result<Waiting, StateError> {
        let mut waiting = Waiting::default();
        for _ in 0..from.take_count(9)? {
            waiting.push(load_ms(from)?, from.take_bytes()?);
        }
        Ok(waiting)
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        let held = written::<Queued>(self.held.len(), self.held.capacity());
        held + vector(&self.spare) + self.buffers_bytes
    }
}
