//! The buffers of several inputs, from which records are taken in the order of their times.
//!
//! An input's *mark* is the greatest time seen in it, less what is allowed for disorder. A record
//! has an *effective time*: its own, or the mark before it if that is later. The order is that of
//! effective times, then of the inputs, then of the positions in them. What comes first in it is
//! given as soon as no input can give anything that has to come before it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::chunks::{Chunks, Filling};
use super::frontier::{Frontier, Progress};
use super::queue::{Queue, Waiting};
use crate::time::Duration;

/// What a waiting record takes beside its bytes.
const WAITING_BYTES: u64 = size_of::<Waiting>() as u64;

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// How many records.
    pub records: u64,
    /// How much memory they take, in bytes.
    pub bytes: u64,
}

/// How much later a record came than is allowed: by this many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later(pub i64);

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next<'a> {
    /// The input.
    pub input: usize,
    /// What the caller has given with it.
    pub tag: u64,
    /// The record.
    pub bytes: &'a [u8],
}

/// Inputs that become one.
#[derive(Debug)]
pub struct Merge {
    inputs: Vec<Input>,
    progress: Vec<Progress>,
    chunks: Chunks,
    /// The first effective time of each input in which something waits, and some that are no longer
    /// the first of theirs.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    /// What holds the others back; not known where something has changed since.
    frontier: Option<Option<Frontier>>,
    /// The greatest effective time of what was given.
    given_ms: Option<i64>,
    held: Held,
}

#[derive(Debug, Default)]
struct Input {
    queue: Queue,
    filling: Filling,
    /// How many have come.
    count: u64,
}

impl Merge {
    /// Buffers for so many inputs, in which a record may come so far behind the greatest time.
    pub fn new(inputs: usize, out_of_order: Duration) -> Merge {
        let progress = Progress { out_of_order_ms: out_of_order.ms(), ..Progress::default() };
        Merge {
            inputs: (0..inputs).map(|_| Input::default()).collect(),
            progress: vec![progress; inputs],
            chunks: Chunks::default(),
            heads: BinaryHeap::new(),
            frontier: None,
            given_ms: None,
            held: Held::default(),
        }
    }

    /// Adds the next record of an input, which has less than 4 GiB. Tells if it came later than is
    /// allowed: then it is where it came, and not where its time is.
    pub fn push(&mut self, input: usize, time_ms: i64, tag: u64, bytes: &[u8]) -> Option<Later> {
        self.wake(input);
        let progress = self.progress.get_mut(input)?;
        let mark_ms = progress.mark_ms();
        let effective_ms = progress.observe(time_ms);
        if mark_ms != progress.mark_ms() {
            self.touch(input);
        }
        // Only of an input that did not count can something be before what was given.
        let at_ms = self.given_ms.map_or(effective_ms, |given_ms| given_ms.max(effective_ms));
        self.add(input, at_ms, tag, bytes);
        (at_ms > time_ms).then(|| Later(at_ms.saturating_sub(time_ms)))
    }

    /// Adds something that has no time: it is after the record with the greatest time before it.
    pub fn push_untimed(&mut self, input: usize, tag: u64, bytes: &[u8]) {
        self.wake(input);
        let at_ms = self.untimed_ms(input);
        self.add(input, at_ms, tag, bytes);
    }

    /// Nothing more comes of an input, though it has not ended as it should: nothing with a later
    /// time than its greatest goes out before what is given here was taken.
    pub fn break_off(&mut self, input: usize, tag: u64) {
        self.push_untimed(input, tag, &[]);
        let at_ms = self.untimed_ms(input);
        if let Some(progress) = self.progress.get_mut(input) {
            progress.greatest_ms = Some(at_ms);
            progress.out_of_order_ms = 0;
        }
        self.frontier = None;
    }

    /// An input has ended.
    pub fn end(&mut self, input: usize) {
        if let Some(progress) = self.progress.get_mut(input) {
            progress.ended = true;
        }
        if let Some(input) = self.inputs.get_mut(input) {
            self.chunks.finish(&mut input.filling);
        }
        self.frontier = None;
    }

    /// An input is not waited for until it gives something.
    pub fn quieten(&mut self, input: usize) {
        if let Some(progress) = self.progress.get_mut(input) {
            progress.quiet = true;
        }
        self.frontier = None;
    }

    /// Whether an input is waited for.
    pub fn counts(&self, input: usize) -> bool {
        self.progress.get(input).is_some_and(|it| !it.ended && !it.quiet)
    }

    /// The input that holds the others back, to be read next; none if none is waited for.
    pub fn awaited(&mut self) -> Option<usize> {
        self.frontier().map(|frontier| frontier.input)
    }

    /// The greatest time seen in an input.
    pub fn greatest_ms(&self, input: usize) -> Option<i64> {
        self.progress.get(input)?.greatest_ms
    }

    /// What comes next, once that is certain.
    pub fn first(&mut self) -> Option<Next<'_>> {
        let frontier = self.frontier();
        loop {
            let Reverse((at_ms, input)) = *self.heads.peek()?;
            if self.first_ms(input) == Some(at_ms) {
                break;
            }
            self.heads.pop();
        }
        let Reverse((at_ms, input)) = *self.heads.peek()?;
        if frontier.is_some_and(|frontier| !frontier.allows(at_ms, input)) {
            return None;
        }
        let waiting = self.inputs.get(input)?.queue.first()?;
        Some(Next { input, tag: waiting.tag, bytes: self.chunks.get(waiting.spot) })
    }

    /// Takes what [`Merge::first`] has given.
    pub fn pass(&mut self) {
        let Some(mut head) = self.heads.peek_mut() else { return };
        let Reverse((_, number)) = *head;
        let Some(input) = self.inputs.get_mut(number) else { return };
        let Some(waiting) = input.queue.pop() else { return };
        match input.queue.first() {
            Some(next) => *head = Reverse((next.at_ms, number)),
            None => {
                std::collections::binary_heap::PeekMut::pop(head);
            }
        }
        self.held.records -= 1;
        self.held.bytes -= u64::from(waiting.spot.bytes()) + WAITING_BYTES;
        self.chunks.free(waiting.spot);
        self.given_ms = self.given_ms.max(Some(waiting.at_ms));
    }

    /// How much waits.
    pub fn held(&self) -> Held {
        self.held
    }

    /// How many records wait of one input.
    pub fn held_of(&self, input: usize) -> u64 {
        self.inputs.get(input).map_or(0, |input| input.queue.len() as u64)
    }

    fn add(&mut self, number: usize, at_ms: i64, tag: u64, bytes: &[u8]) {
        let Some(input) = self.inputs.get_mut(number) else { return };
        let spot = self.chunks.keep(&mut input.filling, bytes);
        let first_ms = input.queue.first().map(|it| it.at_ms);
        input.queue.push(Waiting { at_ms, position: input.count, tag, spot });
        input.count += 1;
        self.held.records += 1;
        self.held.bytes += bytes.len() as u64 + WAITING_BYTES;
        if first_ms.is_none_or(|first_ms| at_ms < first_ms) {
            self.heads.push(Reverse((at_ms, number)));
        }
    }

    fn untimed_ms(&self, input: usize) -> i64 {
        let greatest_ms = self.progress.get(input).and_then(|it| it.greatest_ms);
        greatest_ms.max(self.given_ms).unwrap_or(i64::MIN)
    }

    fn first_ms(&self, input: usize) -> Option<i64> {
        self.inputs.get(input)?.queue.first().map(|it| it.at_ms)
    }

    /// An input gives something, so it counts.
    fn wake(&mut self, input: usize) {
        if let Some(progress) = self.progress.get_mut(input)
            && std::mem::take(&mut progress.quiet)
        {
            self.frontier = None;
        }
    }

    /// The mark of an input has moved: that matters only if it holds the others back.
    fn touch(&mut self, input: usize) {
        if matches!(self.frontier, Some(Some(frontier)) if frontier.input == input) {
            self.frontier = None;
        }
    }

    fn frontier(&mut self) -> Option<Frontier> {
        *self.frontier.get_or_insert_with(|| Frontier::of(self.progress.iter()))
    }
}
