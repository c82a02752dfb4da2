//! Records of any input, for one topic.

use std::ops::ControlFlow;

use super::BATCH_BYTES;
use super::batch::Batch;
use super::ending::Ending;
use super::enrich::Enrich;
use super::position::{Position, Standing};
use super::sender::Sender;
use super::shedding::Settled;
use crate::cli::lending::Lender;
use crate::cli::pump::{Context, Stage, StageError};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::store::{self, Placed};
use crate::wire::lending::LINES_BYTES_MAX;

/// The records of the input are not those that its producer has appended.
#[derive(Debug, thiserror::Error)]
#[error("the input is not the one that was appended earlier")]
pub(super) struct OtherInput;

/// What of the input the log has from before, and how much of that was read.
#[derive(Clone, Copy, Default)]
pub(super) struct Skip {
    pub to: Standing,
    pub at: Position,
}

impl Skip {
    /// Whether there are records to come that the log has.
    pub fn is_going_on(self) -> bool {
        self.at.records() < self.to.records
    }
}

/// Gathers what one read returned into a batch, and appends it.
pub(super) struct Produce {
    sender: Sender,
    batch: Batch,
    skip: Skip,
    /// What is done with records before they are appended.
    enrich: Option<Box<Enrich>>,
    ending: Ending,
    /// Whether what was read last was so little that the log would have taken it.
    small: bool,
    /// Whether records come from several inputs that are read side by side.
    side_by_side: bool,
}

/// What a stage leaves.
#[derive(Default)]
pub(super) struct Left {
    /// How many records were appended.
    pub appended: u64,
    /// Where they were put.
    pub placed: Placed,
    /// What of the input the log had.
    pub skip: Skip,
    /// Where the input ends with what is not appended, since it may be incomplete.
    pub torn: Option<String>,
    /// Why the log could not be left as the next one likes to find it, if so.
    pub failed: Option<store::Error>,
}

impl Settled for Left {
    fn settled(&self) -> u64 {
        self.appended.saturating_add(self.placed.skipped)
    }
}

impl Produce {
    /// Appends what comes to one topic.
    pub fn new(sender: Sender, enrich: Option<Box<Enrich>>) -> Produce {
        Produce {
            sender,
            batch: Batch::default(),
            skip: Skip::default(),
            enrich,
            ending: Ending::default(),
            small: false,
            side_by_side: false,
        }
    }

    /// The log counts the records of the input, and has some of them.
    #[must_use]
    pub fn resuming(self, skip: Skip, ending: Ending) -> Produce {
        Produce { skip, ending, ..self }
    }

    /// Records come from several inputs that are read side by side.
    #[must_use]
    pub fn side_by_side(self) -> Produce {
        Produce { side_by_side: true, ..self }
    }

    /// Closes the log.
    pub fn leave(self) -> Left {
        let appended = self.sender.appended();
        let appender = self.sender.into_appender();
        let placed = appender.placed().clone();
        let (torn, failed) = (self.ending.into_torn(), appender.close().err());
        Left { appended, placed, skip: self.skip, torn, failed }
    }

    /// Passes over a record that the log has. When it is the last one, all of them must be those
    /// that were appended.
    fn pass(&mut self, record: &[u8]) -> Result<(), OtherInput> {
        self.skip.at = self.skip.at.behind_record(record);
        if self.skip.is_going_on() {
            return Ok(());
        }
        self.sender.begin_at(self.skip.at);
        if self.skip.to.agrees(self.skip.at) { Ok(()) } else { Err(OtherInput) }
    }

    /// Lends the input, where the log would take more of it than we do.
    pub fn lender(&mut self) -> Option<&mut dyn Lender> {
        (self.small && self.sender.lends()).then_some(&mut self.sender)
    }
}

impl Produce {
    /// Takes a record as it is to be appended.
    fn append(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        if self.skip.is_going_on() {
            self.pass(raw.bytes)?;
            return Ok(ControlFlow::Continue(()));
        }
        if raw.unterminated && self.ending.holds(raw.line, cx) {
            // What comes behind it must not be counted before it.
            return Ok(ControlFlow::Break(()));
        }
        if self.batch.bytes().len() + raw.bytes.len() >= BATCH_BYTES {
            self.sender.send(&mut self.batch, cx)?;
        }
        if self.side_by_side {
            self.batch.begin_origin(cx.source());
        }
        self.batch.push(raw);
        Ok(ControlFlow::Continue(()))
    }
}

impl Stage for Produce {
    const ENDS_WITH_OUTPUT: bool = false;

    fn shows_progress(&self) -> bool {
        true
    }

    fn wants_offsets(&self) -> bool {
        self.enrich.as_ref().is_some_and(|enrich| enrich.reads_offset())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let Some(mut enrich) = self.enrich.take() else { return self.append(raw, cx) };
        let flow = enrich.apply(raw, cx, |raw, cx| self.append(raw, cx));
        self.enrich = Some(enrich);
        flow
    }

    fn takes_quiet(&self) -> bool {
        // Another run reads the same input, and must find the same records.
        !self.ending.may_hold()
    }

    fn leaves_torn(&mut self, line: u64, cx: &Context) -> bool {
        !self.skip.is_going_on() && self.ending.holds(line, cx)
    }

    fn control(&mut self, _: &Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        if cx.more_at_hand {
            // Each append costs a trip to the disk: a file fills the batch first.
            return Ok(());
        }
        self.small = self.batch.bytes().len() <= LINES_BYTES_MAX;
        self.sender.send(&mut self.batch, cx)?;
        self.sender.finish(cx)
    }
}
