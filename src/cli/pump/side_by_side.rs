//! The loop over inputs that are read side by side: each has a decoder of its own, and none ends
//! the tool.

use std::ops::ControlFlow;

use super::{Pump, Stage};
use crate::cli::lanes::Lane;
use crate::cli::message;
use crate::record::decode::Decoder;

impl<S: Stage> Pump<'_, S> {
    /// Takes what was read of an input.
    pub(super) fn take_block(&mut self, decoder: &mut dyn Decoder, block: &[u8]) {
        let before = self.input.position().saturating_sub(block.len() as u64);
        self.cx.offsets.see(block, before);
        let _ = decoder.decode(block, self);
        self.cx.position = self.input.position().saturating_sub(decoder.pending());
    }

    /// Takes what was read of one of them.
    pub(super) fn take_block_of(&mut self, number: u64, block: &[u8]) {
        self.work_on(number, |pump, decoder| pump.take_block(decoder, block));
        let overfull = self.lanes.as_ref().and_then(|lanes| lanes.overfull());
        if let Some((number, held)) = overfull {
            self.give_up(
                number,
                &format!("its last line is too long: {held} bytes without an end"),
            );
        }
    }

    /// One of them has ended. What is left of it is a record.
    pub(super) fn end_lane(&mut self, number: u64) {
        let Some(mut lane) = self.enter(number) else { return };
        let _ = lane.decoder.finish(self);
        let finished = self.cx.streams.finish();
        let why = self.given_up.take();
        let is_ready = why.is_none();
        let why = why.or_else(|| finished.err().map(|cut| format!("it was cut short: {cut}")));
        self.end(lane, is_ready);
        if let Some(why) = why {
            self.drop_rest(&why);
        }
    }

    /// Takes what lanes hold that have been quiet for long enough.
    pub(super) fn settle_lanes(&mut self) {
        while self.failed.is_none()
            && let Some(number) = self.lanes.as_ref().and_then(|lanes| lanes.quiet())
        {
            self.work_on(number, |pump, decoder| {
                let _: ControlFlow<()> = decoder.quiet(pump);
            });
        }
    }

    /// Prints a message about the input; seldom if others decide how often there is one.
    pub(super) fn tell(&mut self, what: impl FnOnce() -> String) {
        match &self.lanes {
            Some(_) => self.seldom.note(what),
            None => message::note(&what()),
        }
    }

    /// Has the decoder of a lane do something; ends the lane if it cannot be read further.
    fn work_on(&mut self, number: u64, work: impl FnOnce(&mut Self, &mut dyn Decoder)) {
        let Some(mut lane) = self.enter(number) else { return };
        work(self, &mut *lane.decoder);
        if let Some(lanes) = &mut self.lanes {
            lanes.leave(number, lane, &mut self.cx);
        }
        if let Some(why) = self.given_up.take() {
            self.give_up(number, &why);
        }
    }

    /// Reads no more of a lane, and forgets what is left of it.
    fn give_up(&mut self, number: u64, why: &str) {
        self.input.close_lane(number);
        if let Some(lane) = self.enter(number) {
            self.end(lane, false);
        }
        self.drop_rest(why);
    }

    fn drop_rest(&mut self, why: &str) {
        let place = self.cx.source.clone();
        self.failed = self.cx.rejects.take(&place, &[], why).err();
    }

    fn enter(&mut self, number: u64) -> Option<Lane> {
        let lanes = self.lanes.as_mut()?;
        Some(lanes.enter(number, &mut self.cx))
    }

    fn end(&mut self, lane: Lane, is_ready: bool) {
        if let Some(lanes) = &mut self.lanes {
            lanes.end(lane, is_ready, &mut self.cx);
        }
    }
}
