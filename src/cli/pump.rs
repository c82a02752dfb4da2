//! The loop that every tool with records on its input shares.
//!
//! Natural batching: take all that one read returned, hand it to the tool's
//! [`Stage`] record by record, have the stage flush, and only then wait for more.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::blame::explained;
use super::blocks::{Block, Blocks};
pub use super::context::Context;
use super::input::{BLOCK_BYTES, Input, Next};
use super::lending::Lending;
use super::line_offsets::LineOffsets;
use super::options::InputOptions;
use super::output::{Output, OutputError};
use super::rejects::Rejects;
use super::sides::Sides;
use super::signals::Stop;
use super::stage::take;
pub use super::stage::{Stage, StageError};
pub use super::status::in_option;
use super::streams::Cut;
use super::watch::{StopReason, Watch};
use super::{Failure, Status, message, written};
use crate::record::control::{Control, End, Start};
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::Lines;

/// How a pump came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The input ended, or the stage needed no more of it.
    Input,
    /// A signal asked for it.
    Stopped(i32),
    /// Whoever read our output is gone.
    OutputClosed,
}

/// How a pump came to its end, and what the tool's exit status is for it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// The status, rejected lines considered.
    pub status: Status,
}

/// Runs a stage over the input, in whatever format it is.
///
/// # Errors
/// See [`run_lending`].
pub fn run(options: &InputOptions, stage: &mut impl Stage) -> anyhow::Result<Outcome> {
    run_beside(options, stage, &mut Sides::default(), false)
}

/// Runs a stage that has other outputs over the input. If it `begins_stream`, what it writes has
/// a start and an end.
///
/// # Errors
/// See [`run_lending`].
pub(super) fn run_beside<S: Stage>(
    options: &InputOptions,
    stage: &mut S,
    sides: &mut Sides,
    begins_stream: bool,
) -> anyhow::Result<Outcome> {
    let format = options.choice()?;
    // A bad line may be too long to be held: only one who reads all can keep it piece by piece. And
    // only NDJSON can be cut anywhere.
    let alone = options.rejects.is_some() || !format.is_verbatim();
    let parallelism = if alone { 1 } else { stage.parallelism() };
    let mut pump = Pump::new(options, stage, Lending::off(), parallelism)?;
    pump.begins_stream = begins_stream;
    // Its lines are apart from those of standard output, and written before them.
    std::mem::swap(sides, &mut pump.cx.sides);
    let outcome = pump.run(&mut *format.decoder());
    std::mem::swap(sides, &mut pump.cx.sides);
    outcome
}

/// Runs a stage over the input, which `lending` may have others read.
///
/// Whatever the stage had put out before an error is written before the error is returned.
///
/// # Errors
/// The first bad line, unless rejects are kept; the stage's own errors; input and output failing.
pub fn run_lending<S: Stage>(
    options: &InputOptions,
    stage: &mut S,
    lending: Lending<S>,
) -> anyhow::Result<Outcome> {
    let mut decoder = options.choice()?.decoder();
    Pump::new(options, stage, lending, 1)?.run(&mut *decoder)
}

/// Whether an error only says that nobody reads our standard output any more.
pub fn is_closed(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<OutputError>(), Some(OutputError::Closed))
}

struct Pump<'a, S> {
    stage: &'a mut S,
    input: Input,
    cx: Context,
    lending: Lending<S>,
    /// Whether what the tool writes is a stream of its own, with a start and an end.
    begins_stream: bool,
    failed: Option<anyhow::Error>,
    /// The stage needs no more input.
    enough: bool,
}

impl<'a, S: Stage> Pump<'a, S> {
    /// Opens all that `stage` works with. It may share out plain files among so many.
    fn new(
        options: &InputOptions,
        stage: &'a mut S,
        lending: Lending<S>,
        parallelism: usize,
    ) -> anyhow::Result<Pump<'a, S>> {
        let rejects = Rejects::open(options.rejects.as_deref())?;
        let output = Output::stdout()?;
        written::check_inputs(&options.files)?;
        let watch = Watch::new(Stop::install()?, S::ENDS_WITH_OUTPUT.then_some(&output))?;
        let watch = Arc::new(watch);
        let input = Input::new(&options.files, Arc::clone(&watch), parallelism);
        let out = Vec::with_capacity(BLOCK_BYTES);
        let (output, watch) = (Some(output), Some(watch));
        let offsets = LineOffsets::new(stage.wants_offsets());
        let cx = Context { out, output, watch, offsets, ..Context::with(rejects) };
        let begins_stream = false;
        Ok(Pump { stage, input, cx, lending, begins_stream, failed: None, enough: false })
    }

    /// Runs to the end of the input, or of what is wanted of it.
    fn run(&mut self, decoder: &mut dyn Decoder) -> anyhow::Result<Outcome> {
        let ended = match self.drive(decoder) {
            Ok(ended) => ended,
            Err(error) if is_closed(&error) => Ended::OutputClosed,
            Err(error) => {
                self.cx.rejects.conclude();
                return Err(match error.downcast::<Cut>() {
                    Ok(cut) => cut.into_failure(self.stage.undone()).into(),
                    Err(error) => error,
                });
            }
        };
        let status = match (self.cx.rejects.conclude(), ended) {
            (_, Ended::Stopped(signal)) => Status::Signal(signal),
            (status, _) => status,
        };
        Ok(Outcome { ended, status })
    }

    fn drive(&mut self, decoder: &mut dyn Decoder) -> anyhow::Result<Ended> {
        let mut blocks = Blocks::default();
        if self.begins_stream {
            Control::Start(Start::default()).write(&mut self.cx.out);
            self.cx.flush()?;
        }
        let ended = loop {
            let (idle, holding) = (self.stage.idle_timeout(), decoder.patience());
            let patience = idle.into_iter().chain(holding).min();
            let (block, lines) = ((blocks.free(), patience), &mut self.cx.lines_before);
            let next = self.lending.read(self.stage, &mut self.input, block, lines);
            if let Some(waited) = self.input.take_waited()
                && idle.is_some()
                && let Err(error) = self.stage.on_idle(waited, &mut self.cx)
            {
                // What came after that wait is not taken.
                let _ = self.stage.flush(&mut self.cx);
                self.cx.flush()?;
                return Err(error);
            }
            if *self.cx.source != **self.input.name() {
                self.cx.source = self.input.name().to_string();
            }
            self.cx.position = self.input.position();
            let read = matches!(next, Ok(Next::Bytes(_) | Next::Span(_)));
            self.cx.more_at_hand = read && !self.input.may_wait();
            let source_end = matches!(next, Ok(Next::SourceEnd));
            let end = match next {
                Ok(Next::Bytes(count)) => {
                    self.cx.block = blocks.share();
                    let block = Arc::clone(&self.cx.block);
                    let before = self.cx.position.saturating_sub(count as u64);
                    self.cx.offsets.see(&block[..count], before);
                    let _ = decoder.decode(&block[..count], self);
                    self.cx.block = Block::default();
                    None
                }
                Ok(Next::Span(span)) => {
                    self.failed = self.stage.span(span, &mut self.cx).err();
                    None
                }
                Ok(Next::SourceEnd) => {
                    let _ = decoder.finish(self);
                    self.stage.source_end();
                    None
                }
                // The stage has been told.
                Ok(Next::Quiet) => {
                    if holding.is_some() {
                        let _ = decoder.quiet(self);
                    }
                    None
                }
                Ok(Next::End) => Some(Ok(Ended::Input)),
                Ok(Next::StopReason(StopReason::Stopped(signal))) => {
                    Some(Ok(Ended::Stopped(signal)))
                }
                Ok(Next::StopReason(StopReason::OutputClosed)) => Some(Ok(Ended::OutputClosed)),
                Err(error) => Some(Err(error)),
            };
            // Also after an error: what was taken before it counts.
            self.cx.more_at_hand &= self.failed.is_none() && !self.enough;
            let settled = self.stage.flush(&mut self.cx);
            if source_end {
                // All that came of it has been told its place.
                self.cx.lines_before = 0;
                self.cx.offsets.reset();
            }
            self.cx.flush()?;
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            settled?;
            if source_end && let Some(stopped) = self.end_streams()? {
                break stopped;
            }
            match end {
                Some(end) => break end?,
                None if self.enough => break Ended::Input,
                None => {}
            }
        };
        if ended == Ended::Input {
            let done = self.stage.end(&mut self.cx);
            if done.is_ok() && self.begins_stream {
                Control::End(End {}).write(&mut self.cx.out);
            }
            self.cx.flush()?;
            done?;
        }
        Ok(ended)
    }

    /// A source has ended: so must have its streams. Where a signal ends us, it has ended those
    /// before us, too.
    fn end_streams(&mut self) -> Result<Option<Ended>, Cut> {
        match (self.cx.streams.finish(), self.input.stopped()) {
            (Err(_), Some(StopReason::Stopped(signal))) => Ok(Some(Ended::Stopped(signal))),
            (Err(cut), _) if !self.enough => Err(Cut { place: self.cx.source.clone(), cut }),
            _ => Ok(None),
        }
    }

    /// Whether a last line without a line end is what is left of a record: inside of a stream it
    /// is, whoever wrote it was stopped in the middle.
    fn is_torn(&mut self) -> anyhow::Result<bool> {
        self.stage.flush_pending(&mut self.cx)?;
        Ok(self.cx.streams.is_open())
    }

    fn fail(&mut self, error: impl Into<anyhow::Error>) -> ControlFlow<()> {
        self.failed = Some(error.into());
        ControlFlow::Break(())
    }
}

impl<S: Stage> Sink for Pump<'_, S> {
    fn warn(&mut self, line: u64, why: &str) {
        message::note(&format!("{}: {why}", self.cx.place(line)));
    }

    fn note(&mut self, what: &str) {
        message::note(&format!("{}: {what}", self.cx.source));
    }

    fn refuse(&mut self, why: String) -> ControlFlow<()> {
        let failure = Failure::usage(format!("{}: {why}", self.cx.source));
        self.fail(failure)
    }

    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        let flow = self.stage.lines(lines, &mut self.cx);
        self.enough |= flow.is_break();
        flow
    }

    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        if raw.unterminated {
            match self.is_torn() {
                Ok(true) => return ControlFlow::Continue(()),
                Ok(false) => {}
                Err(error) => return self.fail(error),
            }
        }
        match take(self.stage, raw, &mut self.cx) {
            Ok(ControlFlow::Continue(())) => ControlFlow::Continue(()),
            Ok(ControlFlow::Break(())) => {
                self.enough = true;
                ControlFlow::Break(())
            }
            Err(StageError::Fatal(error)) => self.fail(error),
            Err(StageError::Bad(why)) => {
                if let Err(error) = self.stage.flush_pending(&mut self.cx) {
                    return self.fail(error);
                }
                let place = self.cx.place(raw.line);
                let why = explained(&why, &raw);
                match self.cx.rejects.take(&place, raw.bytes, &why) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => self.fail(error),
                }
            }
        }
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        if let Err(error) = self.stage.flush_pending(&mut self.cx) {
            return self.fail(error);
        }
        if bad.unterminated && self.stage.leaves_torn(bad.line, &self.cx) {
            self.enough = true;
            return ControlFlow::Break(());
        }
        let place = self.cx.place(bad.line);
        match self.cx.rejects.take_piece(&place, bad.bytes, &bad.why, bad.more, bad.continued) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.fail(error),
        }
    }
}
