//! Inputs that are read side by side, as connections are: what each has of its own.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::context::Context;
use super::line_offsets::LineOffsets;
use super::streams::Streams;
use crate::ingest::formats::Choice;
use crate::record::decode::Decoder;

/// How much the decoders of all lanes together may hold of lines that have not ended, unless a
/// record may be longer.
const HELD_BYTES_MAX: u64 = 64 << 20;

/// All lanes.
pub(super) struct Lanes {
    choice: Choice,
    wants_offsets: bool,
    lanes: HashMap<u64, Lane>,
    /// Decoders of lanes that have ended.
    spare: Vec<Box<dyn Decoder>>,
    record_bytes_max: u64,
    held: u64,
}

/// One of them.
pub(super) struct Lane {
    /// What makes records of it.
    pub decoder: Box<dyn Decoder>,
    streams: Streams,
    offsets: LineOffsets,
    held: u64,
    /// Since when its decoder holds something that is complete if nothing more comes.
    holds_since: Option<Instant>,
}

impl Lanes {
    /// No lanes yet; records have at most so many bytes.
    pub fn new(choice: Choice, record_bytes_max: u64, wants_offsets: bool) -> Lanes {
        let (lanes, spare) = (HashMap::new(), Vec::new());
        Lanes { choice, wants_offsets, lanes, spare, record_bytes_max, held: 0 }
    }

    /// Takes a lane out, to work with it; its streams and offsets are those of the context then.
    pub fn enter(&mut self, number: u64, cx: &mut Context) -> Lane {
        let mut lane = self.lanes.remove(&number).unwrap_or_else(|| Lane {
            decoder: self.spare.pop().unwrap_or_else(|| self.choice.decoder()),
            streams: Streams::default(),
            offsets: LineOffsets::new(self.wants_offsets),
            held: 0,
            holds_since: None,
        });
        lane.swap(cx);
        self.held -= lane.held;
        lane
    }

    /// Puts a lane back.
    pub fn leave(&mut self, number: u64, mut lane: Lane, cx: &mut Context) {
        lane.swap(cx);
        let pending = lane.decoder.pending();
        // Of a line that is too long, nothing is held.
        lane.held = if pending > self.record_bytes_max { 0 } else { pending };
        lane.holds_since = lane.decoder.patience().map(|_| Instant::now());
        self.held += lane.held;
        self.lanes.insert(number, lane);
    }

    /// Ends a lane. Another one gets its decoder if that `is_ready` for another input: it is
    /// finished, and refused nothing.
    pub fn end(&mut self, mut lane: Lane, is_ready: bool, cx: &mut Context) {
        lane.swap(cx);
        if is_ready {
            self.spare.push(lane.decoder);
        }
    }

    /// The lane that holds most, if all together hold too much; and how much it holds.
    pub fn overfull(&self) -> Option<(u64, u64)> {
        if self.held <= HELD_BYTES_MAX.max(2 * self.record_bytes_max) {
            return None;
        }
        let most = self.lanes.iter().max_by_key(|(_, lane)| lane.held);
        most.map(|(number, lane)| (*number, lane.held))
    }

    /// How long until some lane has been quiet for so long that what it holds is complete.
    pub fn patience(&self) -> Option<Duration> {
        self.lanes.values().filter_map(Lane::patience).min()
    }

    /// A lane that has been.
    pub fn quiet(&self) -> Option<u64> {
        let is_quiet = |lane: &Lane| lane.patience().is_some_and(|left| left.is_zero());
        self.lanes.iter().find(|(_, lane)| is_quiet(lane)).map(|(number, _)| *number)
    }
}

impl Lane {
    fn swap(&mut self, cx: &mut Context) {
        std::mem::swap(&mut self.streams, &mut cx.streams);
        std::mem::swap(&mut self.offsets, &mut cx.offsets);
    }

    fn patience(&self) -> Option<Duration> {
        let since = self.holds_since?;
        Some(self.decoder.patience()?.saturating_sub(since.elapsed()))
    }
}
