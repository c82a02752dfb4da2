//! The loop that every tool with records on its input shares.
//!
//! Natural batching: take all that one read returned, hand it to the tool's
//! [`Stage`] record by record, have the stage flush, and only then wait for more.

mod ended;
mod merged;
mod side_by_side;
mod source_end;
mod time;
mod told;

use std::ops::ControlFlow;
use std::sync::Arc;

use self::ended::ended_by;
pub use self::ended::{Ended, Outcome, is_closed};
use super::blame::explained;
use super::blocks::{Block, Blocks};
pub use super::context::Context;
use super::input::{BLOCK_BYTES, Files, Input, Next, Sources};
use super::lanes::Lanes;
use super::lending::Lending;
use super::line_offsets::LineOffsets;
use super::options::InputOptions;
use super::output::Output;
use super::rejects::Rejects;
use super::seldom::Seldom;
use super::sides::Sides;
use super::signals::Stop;
use super::stage::take;
pub use super::stage::{Stage, StageError};
pub use super::status::in_option;
use super::streams::Cut;
use super::watch::{StopReason, Watch};
use super::{Failure, Status, written};
use crate::record::control::{Control, End, Start};
use crate::record::decode::{Bad, Decoder, Raw, Sink, Unheard};
use crate::record::lines::Lines;

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
    let alone = options.rejects.is_some() || options.merge.is_some() || !format.is_verbatim();
    let parallelism = if alone { 1 } else { stage.parallelism() };
    let mut pump = Pump::new(options, stage, Lending::off(), parallelism)?;
    pump.begins_stream = begins_stream;
    let decoder = pump.decoder(options, &format);
    pump.show_progress(options);
    // Its lines are apart from those of standard output, and written before them.
    std::mem::swap(sides, &mut pump.cx.sides);
    let outcome = decoder.and_then(|mut decoder| pump.run(&mut *decoder));
    std::mem::swap(sides, &mut pump.cx.sides);
    drop(pump);
    merged::conclude(options, outcome)
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
    let choice = options.choice()?;
    let mut pump = Pump::new(options, stage, lending, 1)?;
    let mut decoder = pump.decoder(options, &choice)?;
    pump.show_progress(options);
    let outcome = pump.run(&mut *decoder);
    drop(pump);
    merged::conclude(options, outcome)
}

/// Runs a stage over other sources than the files of the command line.
///
/// # Errors
/// See [`run_lending`].
pub fn run_sources<S: Stage>(
    options: &InputOptions,
    sources: Box<dyn Sources>,
    stage: &mut S,
) -> anyhow::Result<Outcome> {
    let mut decoder = options.choice()?.decoder();
    let mut pump = Pump::new(options, stage, Lending::off(), 1)?;
    pump.input = Input::new(sources, Arc::clone(&pump.watch));
    pump.show_progress(options);
    pump.run(&mut *decoder)
}

/// Runs a stage over sources to which others send, several side by side: one who sends what is bad
/// does not stop the tool.
///
/// # Errors
/// The stage's own errors; input and output failing.
pub fn run_live<S: Stage>(
    options: &InputOptions,
    sources: Box<dyn Sources>,
    stage: &mut S,
) -> anyhow::Result<Outcome> {
    let choice = options.choice()?;
    let mut decoder = choice.decoder();
    let mut pump = Pump::new(options, stage, Lending::off(), 1)?;
    pump.input = Input::new(sources, Arc::clone(&pump.watch));
    pump.lanes = Some(Lanes::new(choice, options.max_record, pump.stage.wants_offsets()));
    pump.cx.rejects = std::mem::take(&mut pump.cx.rejects).or_drop();
    pump.run(&mut *decoder)
}

struct Pump<'a, S> {
    stage: &'a mut S,
    input: Input,
    watch: Arc<Watch>,
    cx: Context,
    lending: Lending<S>,
    /// The inputs that are read side by side, if there are such.
    lanes: Option<Lanes>,
    /// Why no more is read of the lane that is worked on, if so.
    given_up: Option<String>,
    /// Whether a bad line has ended a source, and not the tool.
    has_given_up: bool,
    /// Messages about them.
    seldom: Seldom,
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
        let rejects = Rejects::open(options.rejects.as_deref())?.counting(&options.rejected);
        let output = Output::stdout()?;
        written::check_inputs(&options.files)?;
        let watch = Watch::new(Stop::install()?, S::ENDS_WITH_OUTPUT.then_some(&output))?;
        let watch = Arc::new(watch);
        let files = Box::new(Files::new(&options.files, parallelism));
        let input = Input::new(files, Arc::clone(&watch));
        let out = Vec::with_capacity(BLOCK_BYTES);
        let (output, shared) = (Some(output), Some(Arc::clone(&watch)));
        let offsets = LineOffsets::new(stage.wants_offsets());
        let cx = Context { out, output, watch: shared, offsets, ..Context::with(rejects) };
        let begins_stream = false;
        Ok(Pump {
            stage,
            input,
            watch,
            cx,
            lending,
            lanes: None,
            given_up: None,
            has_given_up: false,
            seldom: Seldom::default(),
            begins_stream,
            failed: None,
            enough: false,
        })
    }

    /// Shows how much of the input is read, where that can be known and stays apart from what the
    /// tool writes.
    fn show_progress(&mut self, options: &InputOptions) {
        let is_apart =
            !S::ENDS_WITH_OUTPUT || self.cx.output.as_ref().is_some_and(Output::is_of_ours_alone);
        if is_apart && self.stage.shows_progress() && options.progress.allowed() {
            self.input.show_progress();
        }
    }

    /// Runs to the end of the input, or of what is wanted of it.
    fn run(&mut self, decoder: &mut dyn Decoder) -> anyhow::Result<Outcome> {
        let ended = match self.drive(decoder) {
            Ok(ended) => ended,
            Err(error) => match ended_by(&error) {
                Some(ended) => ended,
                None => {
                    self.cx.rejects.conclude();
                    return Err(match error.downcast::<Cut>() {
                        Ok(cut) => cut.into_failure(self.stage.undone()).into(),
                        Err(error) => error,
                    });
                }
            },
        };
        let status = match (self.cx.rejects.conclude(), ended) {
            (_, Ended::Stopped(_)) if self.cx.rejects.has_dropped() => Status::Data,
            (Status::Done, _) | (_, Ended::Stopped(_)) if self.has_given_up => Status::Data,
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
            let idle = self.stage.idle_timeout();
            let holding = decoder.patience().filter(|_| self.stage.takes_quiet());
            let lanes = self.lanes.as_ref().and_then(Lanes::patience);
            let patience = idle.into_iter().chain(holding).chain(lanes).min();
            let (block, lines) = ((blocks.free(), patience), &mut self.cx.lines_before);
            let next = self.lending.read(self.stage, &mut self.input, block, lines);
            if let Err(error) = self.tell_time(idle.is_some()) {
                // What came after that wait is not taken.
                let _ = self.stage.flush(&mut self.cx);
                self.cx.flush()?;
                return Err(error);
            }
            if *self.cx.source != **self.input.name() {
                self.cx.source = self.input.name().to_string();
            }
            if matches!(next, Ok(Next::SourceBegin)) {
                self.begin_source(decoder)?;
                continue;
            }
            let read = matches!(next, Ok(Next::Bytes(_) | Next::Span(_) | Next::LaneEnd));
            self.cx.more_at_hand = read && !self.input.may_wait();
            if S::TELLS_SHARE {
                self.cx.read_share = self.input.read_share();
            }
            let source_end = matches!(next, Ok(Next::SourceEnd));
            let end = match next {
                Ok(Next::Bytes(count)) => {
                    self.cx.block = blocks.share();
                    let block = Arc::clone(&self.cx.block);
                    match self.input.lane() {
                        None => self.take_block(decoder, &block[..count]),
                        Some(lane) => self.take_block_of(lane, &block[..count]),
                    }
                    self.cx.block = Block::default();
                    None
                }
                Ok(Next::Span(span)) => {
                    self.failed = self.stage.span(span, &mut self.cx).err();
                    None
                }
                Ok(Next::LaneEnd) => {
                    self.input.lane().into_iter().for_each(|lane| self.end_lane(lane));
                    None
                }
                Ok(Next::SourceEnd) => {
                    self.end_source(decoder);
                    None
                }
                // The stage has been told.
                Ok(Next::SourceBegin) => None,
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
            self.settle_lanes();
            // Also after an error: what was taken before it counts.
            self.cx.more_at_hand &= self.failed.is_none() && !self.enough;
            let settled = self.stage.flush(&mut self.cx);
            if source_end {
                // All that came of it has been told its place.
                self.cx.lines_before = 0;
                self.cx.offsets.reset();
            }
            self.tell_work();
            self.cx.flush()?;
            if let Some(error) = self.failed.take().or(settled.err()) {
                match self.goes_on(&error, decoder) {
                    true => continue,
                    false => return Err(error),
                }
            }
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
            self.tell_work();
            if done.is_ok() && self.begins_stream {
                Control::End(End {}).write(&mut self.cx.out);
            }
            self.cx.flush()?;
            done?;
        }
        Ok(ended)
    }

    /// Another source begins, maybe behind its first lines.
    fn begin_source(&mut self, decoder: &mut dyn Decoder) -> anyhow::Result<()> {
        self.cx.position = self.input.position();
        let mut head = Vec::new();
        while decoder.awaits_header()
            && let Some(source) = self.input.source()
            && let Some(line) = source.head_line()?
        {
            let _ = decoder.decode(&line, &mut Unheard);
            head.extend(line);
        }
        // The decoder counts these lines: what follows is taken to come right after them.
        let begin = self.cx.position.saturating_sub(head.len() as u64);
        if !head.is_empty() {
            self.cx.offsets.see(&head, begin);
        }
        if self.stage.wants_lines() {
            let lines = self.input.lines_before();
            self.cx.begin_behind(lines);
        }
        Ok(())
    }

    /// The place of a line that the decoder has seen, for messages.
    fn place(&mut self, line: u64) -> String {
        match self.input.lines_before() {
            0 => {}
            lines => self.cx.begin_behind(lines),
        }
        self.cx.place(line)
    }

    /// A source has ended: so must have its streams. Where a signal ends us, it has ended those
    /// before us, too.
    fn end_streams(&mut self) -> Result<Option<Ended>, Cut> {
        let finished = self.cx.streams.finish();
        if !self.input.rest_counts() {
            // More of it comes another time.
            return Ok(None);
        }
        match (finished, self.input.stopped()) {
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
        self.fail_at(None, error)
    }

    fn fail_at(&mut self, line: Option<u64>, error: impl Into<anyhow::Error>) -> ControlFlow<()> {
        let error = error.into();
        if let (Some(_), Some(Cut { cut, .. })) = (&self.lanes, error.downcast_ref()) {
            self.given_up = Some(format!("the input was cut short: {cut}"));
            return ControlFlow::Break(());
        }
        self.cx.broken = Some(line);
        self.failed = Some(error);
        ControlFlow::Break(())
    }
}

impl<S: Stage> Sink for Pump<'_, S> {
    fn warn(&mut self, line: u64, why: &str) {
        let place = self.place(line);
        self.tell(|| format!("{place}: {why}"));
    }

    fn cut_short(&mut self, line: u64, why: &str) -> ControlFlow<()> {
        if let Err(error) = self.stage.flush_pending(&mut self.cx) {
            return self.fail(error);
        }
        let place = self.cx.place(line);
        match self.cx.rejects.take_cut(&place, why) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.fail(error),
        }
    }

    fn note(&mut self, what: &str) {
        let place = self.cx.source.clone();
        self.tell(|| format!("{place}: {what}"));
    }

    fn refuse(&mut self, why: String) -> ControlFlow<()> {
        if self.lanes.is_some() {
            self.given_up = Some(why);
            return ControlFlow::Break(());
        }
        let failure = Failure::usage(format!("{}: {why}", self.cx.source));
        self.fail(failure)
    }

    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        let before = lines.line();
        let flow = self.stage.lines(lines, &mut self.cx);
        self.cx.records_in += lines.line() - before;
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
                let place = self.place(raw.line);
                let why = explained(&why, &raw);
                match self.cx.rejects.take(&place, raw.bytes, &why) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => self.fail_at(Some(raw.line), error),
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
        let place = self.place(bad.line);
        match self.cx.rejects.take_bad(&place, &bad) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.fail_at(Some(bad.line), error),
        }
    }
}
