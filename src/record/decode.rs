//! The seam between bytes and records: a [`Decoder`] turns the blocks of one input into records.
//!
//! NDJSON ([`super::lines::LineDecoder`]) is one decoder; every other input format is another.
//! Decoders are pushed whatever one read returned, so a record leaves as soon as its bytes are
//! there, and nothing waits for the next read.

use std::ops::ControlFlow;
use std::time::Duration;

use super::lines::Lines;

/// A record on its way into a tool.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// The record, without its line end; never empty.
    pub bytes: &'a [u8],
    /// The line of the input at which it begins, counted from 1.
    pub line: u64,
    /// Whether the input ended without a line end behind it: if the record is also not valid, the
    /// input was cut in the middle. Of lines that belong together, whether it ended behind them:
    /// more of them might have followed.
    pub unterminated: bool,
}

/// Input that is not a record.
#[derive(Debug)]
pub struct Bad<'a> {
    /// The offending bytes as they stood in the input, without the line end. For a line over the
    /// limit this is one piece of it; `more` says whether others follow.
    pub bytes: &'a [u8],
    /// The line of the input, counted from 1.
    pub line: u64,
    /// What is wrong, for a person.
    pub why: String,
    /// Whether the input ended within it, without a line end: there may be more of it.
    pub unterminated: bool,
    /// Whether this is a piece of a line whose rest comes in further calls.
    pub more: bool,
    /// Whether this is a later piece of a line that was already reported.
    pub continued: bool,
    /// Whether all that follows in this input is bad, too, as rows are without their header.
    pub spoils_rest: bool,
}

impl<'a> Bad<'a> {
    /// A whole line with its line end, or what counts as one.
    pub fn line(bytes: &'a [u8], line: u64, why: String) -> Bad<'a> {
        let (unterminated, more, continued, spoils_rest) = (false, false, false, false);
        Bad { bytes, line, why, unterminated, more, continued, spoils_rest }
    }
}

/// Where a decoder puts what it finds.
pub trait Sink {
    /// Takes a record. `Break` stops the decoder at once.
    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()>;
    /// May take records from the front of `lines`, as many as it likes: those it leaves come one by
    /// one. It is asked again behind each of them. `Break` stops the decoder at once.
    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        let _ = lines;
        ControlFlow::Continue(())
    }
    /// Takes something that is not a record. `Break` stops the decoder at once.
    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()>;
    /// Hears of something about the input as a whole.
    fn note(&mut self, what: &str) {
        let _ = what;
    }
    /// Hears that the input cannot be read as was asked, and why. `Break` stops the decoder at
    /// once.
    fn refuse(&mut self, why: String) -> ControlFlow<()> {
        let _ = why;
        ControlFlow::Break(())
    }
    /// Hears that the input ended after what came as records, but before an end that it announced:
    /// more may be missing. `Break` stops the decoder at once.
    fn cut_short(&mut self, line: u64, why: &str) -> ControlFlow<()> {
        let _ = (line, why);
        ControlFlow::Break(())
    }
    /// Hears of something that is no fault, but hardly what was meant.
    fn warn(&mut self, line: u64, why: &str) {
        let _ = (line, why);
    }
}

/// What a decoder is given for what it learns, and not for its records.
pub struct Unheard;

impl Sink for Unheard {
    fn record(&mut self, _: Raw<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn bad(&mut self, _: Bad<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Turns the bytes of one input into records.
pub trait Decoder {
    /// Decodes all records that `block` completes; keeps the rest for the next call.
    fn decode(&mut self, block: &[u8], sink: &mut dyn Sink) -> ControlFlow<()>;
    /// Decodes what is left when the input has ended, and makes ready for another input. A record
    /// that the input's end alone has ended is [`Raw::unterminated`].
    fn finish(&mut self, sink: &mut dyn Sink) -> ControlFlow<()>;
    /// How long its input may be quiet until what it holds back counts as complete; `None` if it
    /// holds back nothing that could be.
    fn patience(&self) -> Option<Duration> {
        None
    }
    /// The input has been quiet for that long.
    fn quiet(&mut self, sink: &mut dyn Sink) -> ControlFlow<()> {
        let _ = sink;
        ControlFlow::Continue(())
    }
    /// How many bytes at the end of what it was given belong to no record that it has handed over,
    /// good or bad. Whoever reads the input again from where they begin gets every record once.
    fn pending(&self) -> u64;
    /// Whether the next row of the input is one that names the fields of those after it. Whoever
    /// begins in the middle of such an input first gives the decoder the input's first lines, one
    /// by one, until this is no longer so.
    fn awaits_header(&self) -> bool {
        false
    }
}
