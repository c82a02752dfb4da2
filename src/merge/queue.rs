//! What waits of one input, the next one first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::chunks::Spot;

/// A record, or what else the caller has put in its place, that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Its effective time.
    pub at_ms: i64,
    /// How many of its input came before it.
    pub position: u64,
    /// The caller's.
    pub tag: u64,
    pub spot: Spot,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        (self.at_ms, self.position).cmp(&(other.at_ms, other.position))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// What waits, in the order of effective times and positions.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Those that came in order, as most do.
    in_order: VecDeque<Waiting>,
    /// Those that came after one with a later time.
    others: BinaryHeap<Reverse<Waiting>>,
}

impl Queue {
    /// Adds what came after all before it.
    pub fn push(&mut self, waiting: Waiting) {
        match self.in_order.back() {
            Some(last) if last.at_ms > waiting.at_ms => self.others.push(Reverse(waiting)),
            _ => self.in_order.push_back(waiting),
        }
    }

    /// The next one.
    pub fn first(&self) -> Option<&Waiting> {
        match (self.in_order.front(), self.others.peek()) {
            (Some(one), Some(Reverse(other))) => Some(one.min(other)),
            (one, other) => one.or(other.map(|Reverse(other)| other)),
        }
    }

    /// Takes the next one out.
    pub fn pop(&mut self) -> Option<Waiting> {
        let is_other = match (self.in_order.front(), self.others.peek()) {
            (Some(one), Some(Reverse(other))) => other < one,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if is_other { self.others.pop().map(|Reverse(it)| it) } else { self.in_order.pop_front() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.in_order.len() + self.others.len()
    }
}
