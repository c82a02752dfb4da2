//! Aggregates of the last records of each group, without adding them up anew for each record.
//!
//! Nothing can be taken out of most states, so two stacks stand in for a queue (the known way to
//! aggregate over a queue; Tangwongsan, Hirzel and Schneider, "In-order sliding-window
//! aggregation", 2017, have it with its proof). New records go to the back, whose states are
//! merged into one. When the oldest is to go and the front is empty, the back becomes the front:
//! from the youngest to the oldest, each state takes in the one behind it, so that the oldest
//! stands for all of the front, and the next for all but it. A record is merged three times in its
//! life, and two merges put front and back together.
//!
//! A state that holds all its values would hold them once for each record before them, and a merge
//! takes as long as there are values: such states stay as they are and are merged one by one.

use std::collections::VecDeque;

use super::super::memory::{Holders, Holds, allocated, vector};
use super::super::table::{columns_bytes, load_columns, save_columns};
use crate::aggregate::functions::function::Column;
use crate::state::{Reader, StateError, Writer};

/// The states of the records of each group that count, oldest first.
pub struct Sliding {
    /// A state for each record, by its slot: of the record alone, or of it and all behind it in
    /// the front of its group.
    states: Vec<Box<dyn Column>>,
    /// How many slots there are, and those that are free.
    slots: usize,
    free: Vec<usize>,
    /// The states of each group's back.
    backs: Vec<Box<dyn Column>>,
    queues: Holders<Queue>,
    /// How many records have been taken.
    arrivals: u64,
    /// One state, for results and while the back turns.
    hand: Vec<Box<dyn Column>>,
}

/// The records of a group.
#[derive(Clone, Debug, Default)]
struct Queue {
    slots: VecDeque<usize>,
    /// How many of them are the front.
    front: usize,
}

impl Holds for Queue {
    fn beside(&self) -> usize {
        allocated(self.slots.capacity() * size_of::<usize>())
    }
}

impl Sliding {
    /// No groups; `columns` makes the columns of the aggregates, which can be merged.
    pub fn new(columns: impl Fn() -> Vec<Box<dyn Column>>) -> Sliding {
        let mut hand = columns();
        hand.iter_mut().for_each(|column| column.add_group());
        Sliding {
            states: columns(),
            slots: 0,
            free: Vec::new(),
            backs: columns(),
            queues: Holders::default(),
            arrivals: 0,
            hand,
        }
    }

    /// The columns, to stage a record's values.
    pub fn columns(&mut self) -> &mut [Box<dyn Column>] {
        &mut self.states
    }

    /// Adds a group, numbered in sequence.
    pub fn add_group(&mut self) {
        self.queues.push(Queue::default());
        self.backs.iter_mut().for_each(|column| column.add_group());
    }

    /// How many records of a group count.
    pub fn len(&self, group: usize) -> usize {
        self.queues.as_slice().get(group).map_or(0, |queue| queue.slots.len())
    }

    /// How many records count, of all groups.
    pub fn count(&self) -> usize {
        self.slots - self.free.len()
    }

    /// Lets the record that was staged count, as the youngest of its group.
    pub fn push(&mut self, group: usize) {
        let slot = self.apply();
        self.queues.change(group, |queue| queue.slots.push_back(slot));
        for (back, states) in self.backs.iter_mut().zip(&self.states) {
            if !states.holds_values() {
                back.merge(group, &**states, slot);
            }
        }
    }

    /// Lets the oldest record of a group count no more.
    pub fn pop(&mut self, group: usize) {
        let queue = self.queues.get_mut(group);
        if queue.front == 0 {
            queue.front = queue.slots.len();
            for (column, states) in self.states.iter_mut().enumerate() {
                let (Some(hand), Some(back)) =
                    (self.hand.get_mut(column), self.backs.get_mut(column))
                else {
                    continue;
                };
                back.clear(group);
                if !states.holds_values() {
                    turn(&queue.slots, &mut **states, &mut **hand);
                }
            }
        }
        if let Some(slot) = queue.slots.pop_front() {
            queue.front -= 1;
            self.free.push(slot);
        }
    }

    /// The states of all records of a group that count.
    pub fn all(&mut self, group: usize) -> &mut [Box<dyn Column>] {
        let queue = &self.queues[group];
        for ((hand, states), back) in self.hand.iter_mut().zip(&self.states).zip(&self.backs) {
            hand.clear(0);
            if states.holds_values() {
                queue.slots.iter().for_each(|slot| hand.merge(0, &**states, *slot));
                continue;
            }
            if let Some(oldest) = queue.slots.front().filter(|_| queue.front > 0) {
                hand.merge(0, &**states, *oldest);
            }
            if queue.front < queue.slots.len() {
                hand.merge(0, &**back, group);
            }
        }
        &mut self.hand
    }

    /// Saves these groups: also what was merged of their records, since to merge it again may give
    /// other last digits.
    pub fn save(&self, groups: &[usize], to: &mut Writer) {
        to.put_u64(self.arrivals);
        let queues = groups.iter().filter_map(|group| self.queues.as_slice().get(*group));
        for queue in queues.clone() {
            to.put_len(queue.slots.len());
            to.put_len(queue.front);
        }
        save_columns(&self.backs, groups.iter().copied(), to);
        save_columns(&self.states, queues.flat_map(|queue| queue.slots.iter().copied()), to);
    }

    /// Restores so many groups that [`Sliding::save`] saved; `self` is without groups.
    pub fn load(mut self, groups: usize, from: &mut Reader<'_>) -> Result<Sliding, StateError> {
        self.arrivals = from.take_records()?;
        for _ in 0..groups {
            // Each has a state of at least a byte.
            let slots = self.slots..self.slots + from.take_count(1)?;
            let front = from.take_place(slots.len() + 1)?;
            self.slots = slots.end;
            self.queues.push(Queue { slots: slots.collect(), front });
        }
        load_columns(&mut self.backs, groups, from)?;
        load_columns(&mut self.states, self.slots, from)?;
        Ok(self)
    }

    /// Applies what was staged to a state of its own.
    fn apply(&mut self) -> usize {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.states.iter_mut().for_each(|column| column.add_group());
            self.slots - 1
        });
        self.arrivals += 1;
        for column in &mut self.states {
            column.clear(slot);
            column.apply(slot, self.arrivals);
        }
        slot
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        let columns = [&self.states, &self.backs, &self.hand].map(columns_bytes);
        columns.iter().sum::<usize>() + vector(&self.free) + self.queues.bytes()
    }
}

/// Has each state take in the one behind it, the youngest first.
fn turn(slots: &VecDeque<usize>, states: &mut dyn Column, hand: &mut dyn Column) {
    let mut behind: Option<usize> = None;
    for slot in slots.iter().rev() {
        if let Some(behind) = behind {
            hand.clear(0);
            hand.merge(0, states, behind);
            states.merge(*slot, hand, 0);
        }
        behind = Some(*slot);
    }
}
