//! What a tool's stage works with beside the record in hand.

use std::borrow::Cow;
use std::sync::Arc;

use super::blocks::Block;
use super::line_offsets::LineOffsets;
use super::merged::Places;
use super::output::{Output, OutputError};
use super::rejects::{Rejected, Rejects};
use super::sides::Sides;
use super::streams::{Cut, Noted, Streams};
use super::watch::Watch;
use crate::operator::{Collector, Side};
use crate::record::outlet::{Outlet, Refused};

/// What a stage works with beside the record.
#[derive(Debug)]
pub struct Context {
    /// What goes to standard output with the next flush.
    pub out: Vec<u8>,
    /// Whether the next read is certain not to wait: there is no hurry then to settle.
    pub more_at_hand: bool,
    /// What goes elsewhere.
    pub(super) sides: Sides,
    pub(super) rejects: Rejects,
    /// Where it goes; nowhere for a stage that works apart from the stream.
    pub(super) output: Option<Output>,
    /// Why the output takes no more, until that is told.
    pub(super) refused: Option<OutputError>,
    pub(super) source: String,
    pub(super) position: u64,
    /// How many lines of the source lie before those that the decoder has seen.
    pub(super) lines_before: u64,
    /// Where the lines of the source begin.
    pub(super) offsets: LineOffsets,
    /// The line that ended the tool, if one has, or something else did.
    pub(super) broken: Option<Option<u64>>,
    /// What was read last; whoever works on it later keeps a share.
    pub(super) block: Block,
    pub(super) streams: Streams,
    /// How many records were taken.
    pub(super) records_in: u64,
    /// How much of the input was read, from 0 to 1; none if that is not known, or not asked for.
    pub(super) read_share: Option<f64>,
    /// Where the lines are from, if the inputs are merged.
    pub(super) places: Option<Places>,
    /// What wakes the tool; nothing for a stage that works apart from the stream.
    pub(super) watch: Option<Arc<Watch>>,
}

impl Context {
    /// One for a stage that works apart from the stream: it has no place in it to name, and its bad
    /// records are dealt with elsewhere.
    pub(super) fn apart(out: Vec<u8>, sides: Sides) -> Context {
        let streams = Streams::Noted(Vec::new());
        Context { out, sides, more_at_hand: true, streams, ..Context::with(Rejects::default()) }
    }

    /// One for a stage in another thread, which works on records that were read here. Its bad
    /// records are those that [`Context::take_rejected`] gives.
    pub fn beside(&self) -> Context {
        Context { watch: self.watch.clone(), ..Context::with(Rejects::gathering()) }
    }

    /// The bad records of a stage in another thread.
    pub fn take_rejected(&mut self) -> Vec<Rejected> {
        self.rejects.take_gathered()
    }

    /// What comes now is of this input.
    pub fn begin_source(&mut self, name: &str) {
        name.clone_into(&mut self.source);
    }

    /// One with nothing in it yet.
    pub(super) fn with(rejects: Rejects) -> Context {
        Context {
            out: Vec::new(),
            more_at_hand: false,
            sides: Sides::default(),
            rejects,
            output: None,
            refused: None,
            source: String::new(),
            position: 0,
            lines_before: 0,
            offsets: LineOffsets::default(),
            broken: None,
            block: Block::default(),
            streams: Streams::default(),
            records_in: 0,
            read_share: None,
            places: None,
            watch: None,
        }
    }

    /// The place of a line in the input, for messages: `flights.ndjson:17`.
    pub fn place(&self, line: u64) -> String {
        let (source, line) = self.origin(line);
        format!("{source}:{line}")
    }

    /// The input that a line is of, and its number there, as in messages.
    pub fn origin(&self, line: u64) -> (Cow<'_, str>, u64) {
        match self.places.as_ref().and_then(|places| places.place(line)) {
            Some((name, line)) => (Cow::Owned(name.to_string()), line),
            None => (Cow::Borrowed(&*self.source), self.lines_before + line),
        }
    }

    /// Whether the lines are of several inputs, which [`Context::origin`] tells apart.
    pub fn is_merged(&self) -> bool {
        self.places.is_some()
    }

    /// The name of the input, as in messages.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The byte of the input at which a line begins, decompressed. Only for a stage that wants it
    /// ([`super::stage::Stage::wants_offsets`]); lines before this one are not asked for again.
    pub fn line_offset(&mut self, line: u64) -> u64 {
        self.offsets.of(line)
    }

    /// Where the input is read again that the records taken so far do not have, in decompressed
    /// bytes; those that others read for us not among them.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How much of the input was read, from 0 to 1, if that is known. Only for a stage that wants
    /// it ([`super::stage::Stage::TELLS_SHARE`]).
    pub fn read_share(&self) -> Option<f64> {
        self.read_share
    }

    /// Where taking records has ended early, if it has: at which line, as far as that is known.
    pub fn broken(&self) -> Option<Option<u64>> {
        self.broken
    }

    /// Says how many lines lie before those that the decoder has seen.
    pub fn begin_behind(&mut self, lines: u64) {
        self.lines_before = lines;
    }

    /// What wakes the tool while it waits for something else than its input; nothing for a stage
    /// that works apart from the stream.
    pub fn watch(&self) -> Option<Arc<Watch>> {
        self.watch.clone()
    }

    /// Takes note of where a stream begins or ends.
    pub(super) fn note(&mut self, noted: Noted) -> Result<(), Cut> {
        self.streams.note(noted).map_err(|cut| Cut { place: self.place(noted.line), cut })
    }

    /// Whether bad records are kept, so that the stage may go on after one.
    pub fn keeps_rejects(&self) -> bool {
        self.rejects.kept()
    }

    /// Rejects a record that was taken before: for stages that learn only later that it was bad.
    ///
    /// # Errors
    /// When rejects are not kept, which ends the tool, or keeping it failed.
    pub fn reject(&mut self, place: &str, bytes: &[u8], why: &str) -> anyhow::Result<()> {
        self.rejects.take(place, bytes, why)
    }

    /// Writes what goes to other outputs.
    pub(super) fn flush_sides(&mut self) -> anyhow::Result<()> {
        self.sides.flush()
    }

    /// Writes what is to go out.
    pub(super) fn flush(&mut self) -> Result<(), OutputError> {
        if let Some(refused) = self.refused.take() {
            return Err(refused);
        }
        let Some(output) = &mut self.output else { return Ok(()) };
        let written = output.write(&self.out);
        self.out.clear();
        written
    }
}

/// What a stage brings at once may be much more than what it read: it goes out in pieces.
impl Outlet for Context {
    fn screen(&self) -> Option<(usize, usize)> {
        self.output.as_ref().and_then(Output::size)
    }

    fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    fn pass_on(&mut self) -> Result<(), Refused> {
        self.refused = self.flush().err();
        if self.refused.is_some() { Err(Refused) } else { Ok(()) }
    }
}

impl Collector for Context {
    fn side(&mut self, side: Side) -> Option<&mut Vec<u8>> {
        self.sides.lines(side)
    }

    fn place(&self, line: u64) -> String {
        Context::place(self, line)
    }
}
