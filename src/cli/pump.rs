//! The loop that every tool with records on its input shares.
//!
//! Natural batching (DESIGN idea 5): take all that one read returned, hand it to the tool's
//! [`Stage`] record by record, have the stage flush, and only then wait for more.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

use super::blame::explained;
use super::blocks::{Block, Blocks};
pub use super::context::Context;
use super::input::{BLOCK_BYTES, Input, Next, StopReason, Watch};
use super::lending::Lending;
use super::options::InputOptions;
use super::output::{Output, OutputError};
use super::rejects::Rejects;
use super::signals::Stop;
use super::spans::Span;
use super::streams::{Cut, Noted};
use super::{Failure, Status, message, written};
use crate::expr::RecordError;
use crate::record::control::{Control, End, Start, is_control};
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::framing::Frame;
use crate::record::lines::{LineDecoder, Lines};
use crate::record::reserved;

/// What one tool does with the records.
pub trait Stage {
    /// Whether the tool has nothing left to do once its standard output is closed.
    const ENDS_WITH_OUTPUT: bool = true;

    /// Whether the work is done elsewhere, later: starts and ends of streams are then seen there.
    const DELEGATES: bool = false;

    /// Takes a record. `Break` means that the tool needs no more input.
    ///
    /// # Errors
    /// [`StageError::Bad`] when the record is at fault, [`StageError::Fatal`] when the tool cannot
    /// continue.
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError>;

    /// Takes as many records as it can from the front of `lines`. The next one then comes through
    /// one of the other methods, and after it `lines` is called again. It takes neither control
    /// records nor bad lines. `Break` means that the tool needs no more input.
    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let _ = (lines, cx);
        ControlFlow::Continue(())
    }

    /// The number of workers that read plain files side by side. If there are several, the stage
    /// gets the whole lines of a plain file as spans, which nothing has read, and not as records.
    fn parallelism(&self) -> usize {
        1
    }

    /// Takes a span of a plain file, in order. Called only if [`Stage::parallelism`] is above 1.
    ///
    /// # Errors
    /// The first bad record, or when the tool cannot go on.
    fn span(&mut self, span: Span, cx: &mut Context) -> anyhow::Result<()> {
        let _ = (span, cx);
        Err(anyhow!("this tool takes no spans"))
    }

    /// Takes a control record; passes it on unless the tool consumes it.
    ///
    /// # Errors
    /// As [`Stage::record`].
    fn control(
        &mut self,
        control: Control,
        line: &[u8],
        cx: &mut Context,
    ) -> Result<(), StageError> {
        let _ = control;
        cx.out.extend_from_slice(line);
        cx.out.push(b'\n');
        Ok(())
    }

    /// A bad line comes next. Processes the records before it now, so that rejects keep their
    /// order.
    ///
    /// # Errors
    /// When the tool cannot go on.
    fn flush_pending(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let _ = cx;
        Ok(())
    }

    /// How long to wait for input before [`Stage::on_idle`] is called; `None` for no limit.
    fn idle_timeout(&self) -> Option<Duration> {
        None
    }

    /// The tool waited so long for input, whether some came then or not. Called only if there is an
    /// idle timeout.
    fn on_idle(&mut self, time: Duration, cx: &mut Context) {
        let _ = (time, cx);
    }

    /// One of several inputs has ended; statements about its records no longer hold.
    fn source_end(&mut self) {}

    /// All records of one read have been taken. Writes what is pending before the next wait.
    ///
    /// # Errors
    /// When the tool cannot go on.
    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let _ = cx;
        Ok(())
    }

    /// The input has ended, and all its streams are whole. Not called when it was cut short, or
    /// when a signal or a closed output ended the tool.
    ///
    /// # Errors
    /// When the tool cannot finish.
    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let _ = cx;
        Ok(())
    }

    /// Whether what the tool writes is a stream of its own, with a start and an end.
    fn begins_stream(&self) -> bool {
        false
    }

    /// What the tool leaves undone because the input was cut short, for the message about that.
    fn undone(&self) -> Option<String> {
        None
    }
}

/// Why a stage did not take a record.
#[derive(Debug)]
pub enum StageError {
    /// The record is at fault: it is rejected, with this reason.
    Bad(String),
    /// The tool cannot go on.
    Fatal(anyhow::Error),
}

impl StageError {
    /// A bad record, for the reason that `why` gives.
    pub fn bad(why: impl ToString) -> StageError {
        StageError::Bad(why.to_string())
    }

    /// What an expression says about a record: a bad record, but if it could not be evaluated for
    /// want of memory.
    pub fn said(error: RecordError) -> StageError {
        match error {
            passing if passing.is_passing() => {
                StageError::Fatal(Failure::new(Status::Io, passing.to_string()).into())
            }
            error => StageError::bad(error),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for StageError {
    fn from(error: E) -> StageError {
        StageError::Fatal(error.into())
    }
}

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

/// Runs a stage over NDJSON input.
///
/// # Errors
/// See [`run_decoded`].
pub fn run(options: &InputOptions, stage: &mut impl Stage) -> anyhow::Result<Outcome> {
    // A bad line may be too long to be held: only one who reads all can keep it piece by piece.
    let parallelism = if options.rejects.is_some() { 1 } else { stage.parallelism() };
    let decoder = &mut LineDecoder::new(options.record_bytes_max());
    run_shared(options, decoder, stage, (parallelism, Lending::off()))
}

/// Runs a stage over input that `decoder` turns into records, and that `lending` may have others
/// read.
///
/// Whatever the stage had put out before an error is written before the error is returned.
///
/// # Errors
/// The first bad line, unless rejects are kept; the stage's own errors; input and output failing.
pub fn run_decoded<S: Stage>(
    options: &InputOptions,
    decoder: &mut dyn Decoder,
    stage: &mut S,
    lending: Lending<S>,
) -> anyhow::Result<Outcome> {
    run_shared(options, decoder, stage, (1, lending))
}

/// The same, where the stage may share out plain files among so many: only NDJSON can be cut
/// anywhere.
fn run_shared<S: Stage>(
    options: &InputOptions,
    decoder: &mut dyn Decoder,
    stage: &mut S,
    (parallelism, lending): (usize, Lending<S>),
) -> anyhow::Result<Outcome> {
    let rejects = Rejects::open(options.rejects.as_deref())?;
    let output = Output::stdout()?;
    written::check_inputs(&options.files)?;
    let watch = Arc::new(watch_for(stage, &output)?);
    let input = Input::new(&options.files, Arc::clone(&watch), parallelism);
    let out = Vec::with_capacity(BLOCK_BYTES);
    let cx = Context { out, output: Some(output), watch: Some(watch), ..Context::with(rejects) };
    let mut pump = Pump { stage, cx, lending, failed: None, enough: false };
    let ended = match pump.drive(input, decoder) {
        Ok(ended) => ended,
        Err(error) if is_closed(&error) => Ended::OutputClosed,
        Err(error) => {
            pump.cx.rejects.conclude();
            return Err(match error.downcast::<Cut>() {
                Ok(cut) => cut.into_failure(pump.stage.undone()).into(),
                Err(error) => error,
            });
        }
    };
    let status = match (pump.cx.rejects.conclude(), ended) {
        (_, Ended::Stopped(signal)) => Status::Signal(signal),
        (status, _) => status,
    };
    Ok(Outcome { ended, status })
}

/// What wakes a tool that waits for input.
fn watch_for<S: Stage>(_: &S, output: &Output) -> std::io::Result<Watch> {
    Watch::new(Stop::install()?, S::ENDS_WITH_OUTPUT.then_some(output))
}

/// Whether an error only says that nobody reads our standard output any more.
pub fn is_closed(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<OutputError>(), Some(OutputError::Closed))
}

struct Pump<'a, S> {
    stage: &'a mut S,
    cx: Context,
    lending: Lending<S>,
    failed: Option<anyhow::Error>,
    /// The stage needs no more input.
    enough: bool,
}

impl<S: Stage> Pump<'_, S> {
    fn drive(&mut self, mut input: Input, decoder: &mut dyn Decoder) -> anyhow::Result<Ended> {
        let mut blocks = Blocks::default();
        if self.stage.begins_stream() {
            Control::Start(Start::default()).write(&mut self.cx.out);
            self.cx.flush()?;
        }
        let ended = loop {
            let patience = self.stage.idle_timeout();
            let (block, lines) = ((blocks.free(), patience), &mut self.cx.lines_before);
            let next = self.lending.read(self.stage, &mut input, block, lines);
            if let Some(waited) = input.take_waited() {
                self.stage.on_idle(waited, &mut self.cx);
            }
            if *self.cx.source != **input.name() {
                self.cx.source = input.name().to_string();
            }
            self.cx.position = input.position();
            let read = matches!(next, Ok(Next::Bytes(_) | Next::Span(_)));
            self.cx.more_at_hand = read && !input.may_wait();
            let source_end = matches!(next, Ok(Next::SourceEnd));
            let end = match next {
                Ok(Next::Bytes(count)) => {
                    self.cx.block = blocks.share();
                    let block = Arc::clone(&self.cx.block);
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
                Ok(Next::Quiet) => None,
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
            }
            self.cx.flush()?;
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            settled?;
            if source_end && let Some(stopped) = self.end_streams(&input)? {
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
            if done.is_ok() && self.stage.begins_stream() {
                Control::End(End {}).write(&mut self.cx.out);
            }
            self.cx.flush()?;
            done?;
        }
        Ok(ended)
    }

    /// A source has ended: so must have its streams. Where a signal ends us, it has ended those
    /// before us, too.
    fn end_streams(&mut self, input: &Input) -> Result<Option<Ended>, Cut> {
        match (self.cx.streams.finish(), input.stopped()) {
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

/// Gives a stage a record, or a control record.
pub(super) fn take<S: Stage>(
    stage: &mut S,
    raw: Raw<'_>,
    cx: &mut Context,
) -> Result<ControlFlow<()>, StageError> {
    if is_control(raw.bytes) {
        let control = Control::parse(raw.bytes).map_err(StageError::bad)?;
        if let (Some(frame), false) = (Frame::of(&control), S::DELEGATES) {
            cx.note(Noted { frame, line: raw.line, out_bytes: cx.out.len() })?;
        }
        stage.control(control, raw.bytes, cx)?;
        return Ok(ControlFlow::Continue(()));
    }
    reserved::check(raw.bytes).map_err(StageError::bad)?;
    stage.record(raw, cx)
}

impl<S: Stage> Sink for Pump<'_, S> {
    fn warn(&mut self, line: u64, why: &str) {
        message::note(&format!("{}: {why}", self.cx.place(line)));
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
        let place = self.cx.place(bad.line);
        match self.cx.rejects.take_piece(&place, bad.bytes, &bad.why, bad.more, bad.continued) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.fail(error),
        }
    }
}

/// Turns an error into one for the user's options, pointing at the option that caused it.
pub fn in_option(option: &str, error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{option}: {error}"))
}
