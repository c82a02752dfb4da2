//! The loop that every tool with records on its input shares.
//!
//! Natural batching (DESIGN idea 5): take all that one read returned, hand it to the tool's
//! [`Stage`] record by record, let the stage settle, flush, and only then wait for more.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

use super::input::{BLOCK_BYTES, Halt, Input, Next, Watch};
use super::lending::{Lender, lend};
use super::options::InputOptions;
use super::output::{Output, OutputError};
use super::rejects::Rejects;
use super::signals::Stop;
use super::spans::Span;
use super::{Failure, Status};
use crate::record::control::{Control, is_control};
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::{LineDecoder, Lines};

/// What one tool does with the records.
pub trait Stage {
    /// Whether the tool has nothing left to do once nobody reads its standard output.
    const ENDS_WITH_OUTPUT: bool = true;

    /// Takes a record. `Break` means that the tool needs no more input.
    ///
    /// # Errors
    /// [`StageError::Bad`] when the record is at fault, [`StageError::Fatal`] when the tool cannot
    /// go on.
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError>;

    /// May take records from the front of `lines`, as many as it likes: those it leaves come one by
    /// one through the other methods. It is asked again behind each of them. It takes neither
    /// control records nor what is bad. `Break` means that the tool needs no more input.
    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let _ = (lines, cx);
        ControlFlow::Continue(())
    }

    /// Among how many the stage shares out the whole lines of a plain file. If they are several it
    /// takes these as spans, which nobody has read, and not as records.
    fn sharers(&self) -> usize {
        1
    }

    /// Takes a span of a plain file, behind the one before. Called only where there are sharers.
    ///
    /// # Errors
    /// The first bad record, or when the tool cannot go on.
    fn span(&mut self, span: Span, cx: &mut Context) -> anyhow::Result<()> {
        let _ = (span, cx);
        Err(anyhow!("this tool takes no spans"))
    }

    /// Takes a control record; passes it on unless the tool uses it up.
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

    /// Something bad comes next, and may be rejected: what was taken before it is to be rejected
    /// first.
    ///
    /// # Errors
    /// When the tool cannot go on.
    fn catch_up(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let _ = cx;
        Ok(())
    }

    /// How long the tool may wait for input before it wants to know of it; forever, if there is
    /// none.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// The tool has waited for input so long, whether something came then or not. Called only where
    /// there is a limit to its patience.
    fn waited(&mut self, time: Duration, cx: &mut Context) {
        let _ = (time, cx);
    }

    /// Who may lend the input to others now, if anybody does.
    fn lender(&mut self) -> Option<&mut dyn Lender> {
        None
    }

    /// One of several inputs has ended: what was said of its records holds no longer.
    fn source_end(&mut self) {}

    /// All that one read returned has been taken: finish with it before the next wait.
    ///
    /// # Errors
    /// When the tool cannot go on.
    fn settle(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let _ = cx;
        Ok(())
    }

    /// The input has ended. Not called when a signal or a closed output ended the tool.
    ///
    /// # Errors
    /// When the tool cannot finish.
    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let _ = cx;
        Ok(())
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
}

impl<E: Into<anyhow::Error>> From<E> for StageError {
    fn from(error: E) -> StageError {
        StageError::Fatal(error.into())
    }
}

/// What a stage works with beside the record.
#[derive(Debug)]
pub struct Context {
    /// What goes to standard output with the next flush.
    pub out: Vec<u8>,
    /// Whether the next read is certain not to wait: there is no hurry then to settle.
    pub more_at_hand: bool,
    rejects: Rejects,
    source: String,
    /// How many lines of the source lie before those that the decoder has seen.
    pub(super) lines_before: u64,
    /// What was read last; whoever works on it later keeps a share.
    pub(super) block: Block,
}

/// A block of input.
pub(super) type Block = Arc<Vec<u8>>;

impl Context {
    /// One for a stage that works apart from the stream: it has no place in it to name, and its bad
    /// records are dealt with elsewhere.
    pub(super) fn apart(out: Vec<u8>) -> Context {
        Context { out, more_at_hand: true, ..Context::with(Rejects::default()) }
    }

    fn with(rejects: Rejects) -> Context {
        Context {
            out: Vec::new(),
            more_at_hand: false,
            rejects,
            source: String::new(),
            lines_before: 0,
            block: Block::default(),
        }
    }

    /// The place of a line in the input, for messages: `flights.ndjson:17`.
    pub fn place(&self, line: u64) -> String {
        format!("{}:{}", self.source, self.lines_before + line)
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
    let sharers = if options.rejects.is_some() { 1 } else { stage.sharers() };
    run_shared(options, &mut LineDecoder::new(options.record_bytes_max()), stage, sharers)
}

/// Runs a stage over input that `decoder` turns into records.
///
/// Whatever the stage had put out before an error is written before the error is returned.
///
/// # Errors
/// The first bad line, unless rejects are kept; the stage's own errors; input and output failing.
pub fn run_decoded(
    options: &InputOptions,
    decoder: &mut dyn Decoder,
    stage: &mut impl Stage,
) -> anyhow::Result<Outcome> {
    run_shared(options, decoder, stage, 1)
}

/// The same, where the stage may share out plain files among so many: only NDJSON can be cut
/// anywhere.
fn run_shared(
    options: &InputOptions,
    decoder: &mut dyn Decoder,
    stage: &mut impl Stage,
    sharers: usize,
) -> anyhow::Result<Outcome> {
    let rejects = Rejects::open(options.rejects.as_deref())?;
    let output = Output::stdout()?;
    let watch = watch_for(stage, &output)?;
    let input = Input::new(&options.files, watch, sharers);
    let cx = Context { out: Vec::with_capacity(BLOCK_BYTES), ..Context::with(rejects) };
    let mut pump = Pump { stage, cx, failed: None, enough: false };
    let ended = match pump.drive(input, output, decoder) {
        Ok(ended) => ended,
        Err(error) if is_closed(&error) => Ended::OutputClosed,
        Err(error) => {
            pump.cx.rejects.conclude();
            return Err(error);
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
fn is_closed(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<OutputError>(), Some(OutputError::Closed))
}

struct Pump<'a, S> {
    stage: &'a mut S,
    cx: Context,
    failed: Option<anyhow::Error>,
    /// The stage needs no more input.
    enough: bool,
}

impl<S: Stage> Pump<'_, S> {
    fn drive(
        &mut self,
        mut input: Input,
        mut output: Output,
        decoder: &mut dyn Decoder,
    ) -> anyhow::Result<Ended> {
        let mut blocks = Blocks::default();
        let ended = loop {
            let patience = self.stage.patience();
            let lent = match self.stage.lender() {
                Some(lender) => lend(lender, &mut input, decoder, blocks.free()),
                None => Ok(None),
            };
            let next = match lent {
                Ok(Some(count)) => Ok(Next::Bytes(count)),
                Ok(None) => input.read(blocks.free(), patience),
                Err(error) => Err(error),
            };
            if let Some(waited) = input.take_waited() {
                self.stage.waited(waited, &mut self.cx);
            }
            if *self.cx.source != **input.name() {
                self.cx.source = input.name().to_string();
            }
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
                Ok(Next::Halt(Halt::Stopped(signal))) => Some(Ok(Ended::Stopped(signal))),
                Ok(Next::Halt(Halt::OutputClosed)) => Some(Ok(Ended::OutputClosed)),
                Err(error) => Some(Err(error)),
            };
            // Also after an error: what was taken before it counts.
            self.cx.more_at_hand &= self.failed.is_none() && !self.enough;
            let settled = self.stage.settle(&mut self.cx);
            if source_end {
                // All that came of it has been told its place.
                self.cx.lines_before = 0;
            }
            self.flush(&mut output)?;
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            settled?;
            match end {
                Some(end) => break end?,
                None if self.enough => break Ended::Input,
                None => {}
            }
        };
        if ended == Ended::Input {
            let done = self.stage.end(&mut self.cx);
            self.flush(&mut output)?;
            done?;
        }
        Ok(ended)
    }

    fn flush(&mut self, output: &mut Output) -> Result<(), OutputError> {
        let written = output.write(&self.cx.out);
        self.cx.out.clear();
        written
    }

    fn fail(&mut self, error: impl Into<anyhow::Error>) -> ControlFlow<()> {
        self.failed = Some(error.into());
        ControlFlow::Break(())
    }
}

/// Blocks to read into, the next one first. Only where work on one goes on while others are read,
/// and only as long as that work is bounded, are there more than one.
#[derive(Default)]
struct Blocks(VecDeque<Block>);

impl Blocks {
    /// A block that nobody works on any more.
    fn free(&mut self) -> &mut [u8] {
        let free = self.0.iter_mut().position(|block| Arc::get_mut(block).is_some());
        match free {
            Some(at) => self.0.swap(0, at),
            None => self.0.push_front(Arc::new(vec![0; BLOCK_BYTES])),
        }
        self.0.front_mut().and_then(Arc::get_mut).map_or(&mut [], Vec::as_mut_slice)
    }

    /// The block that was read into.
    fn share(&self) -> Block {
        self.0.front().cloned().unwrap_or_default()
    }
}

/// Gives a stage a record, or a control record.
pub(super) fn take(
    stage: &mut impl Stage,
    raw: Raw<'_>,
    cx: &mut Context,
) -> Result<ControlFlow<()>, StageError> {
    if is_control(raw.bytes) {
        let control = Control::parse(raw.bytes).map_err(StageError::bad)?;
        stage.control(control, raw.bytes, cx)?;
        return Ok(ControlFlow::Continue(()));
    }
    stage.record(raw, cx)
}

impl<S: Stage> Sink for Pump<'_, S> {
    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        let flow = self.stage.lines(lines, &mut self.cx);
        self.enough |= flow.is_break();
        flow
    }

    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        match take(self.stage, raw, &mut self.cx) {
            Ok(ControlFlow::Continue(())) => ControlFlow::Continue(()),
            Ok(ControlFlow::Break(())) => {
                self.enough = true;
                ControlFlow::Break(())
            }
            Err(StageError::Fatal(error)) => self.fail(error),
            Err(StageError::Bad(why)) => {
                if let Err(error) = self.stage.catch_up(&mut self.cx) {
                    return self.fail(error);
                }
                let place = self.cx.place(raw.line);
                let why = self::why(&why, raw.unterminated);
                match self.cx.rejects.take(&place, raw.bytes, &why) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => self.fail(error),
                }
            }
        }
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        if let Err(error) = self.stage.catch_up(&mut self.cx) {
            return self.fail(error);
        }
        let place = self.cx.place(bad.line);
        match self.cx.rejects.take_piece(&place, bad.bytes, &bad.why, bad.more, bad.continued) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.fail(error),
        }
    }
}

/// What is wrong with a record, with the hint that an input which ends in it may have been cut
/// short.
pub fn why(why: &str, unterminated: bool) -> String {
    if unterminated {
        format!("{why} (the input ends here, without a line end: it may be cut short)")
    } else {
        why.to_owned()
    }
}

/// Turns an error into one for the user's options, pointing at the option that caused it.
pub fn in_option(option: &str, error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{option}: {error}"))
}
