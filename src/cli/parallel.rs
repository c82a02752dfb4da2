//! `-j`: one stage on several cores, its output in the order of the input.
//!
//! [`Parallel`] is itself a stage. It gives the blocks that were read in turn to workers that each
//! have a stage of their own, and takes what they made of them in the same turn. Blocks are shared
//! and not copied, but for the lines across their borders. What only one may do, and in order, it
//! does itself: rejecting bad records, and whatever else the stage does with what the workers hand
//! in.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use anyhow::anyhow;

use super::pump::{self, Block, Context, Stage, StageError};
use crate::record::control::Control;
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::{LineDecoder, Lines};

/// How much of lines that came one by one a chunk may have.
const SINGLE_BYTES: usize = 64 << 10;
/// Less than this is not parted among workers.
const PART_BYTES: usize = 32 << 10;
/// How many chunks may be on their way, for each worker: one to work on, one to begin with next.
const CHUNKS_AHEAD: usize = 2;

/// A stage of which several may work side by side, each on other records.
pub trait Shared: Stage + Send + 'static {
    /// What a worker has to hand in besides its output.
    type Sum: Send;

    /// Hands in what has come together since the last time.
    fn hand_in(&mut self) -> Self::Sum;

    /// Takes what another one handed in; in the order of the records.
    fn absorb(&mut self, sum: Self::Sum);
}

/// A stage that lets others work.
pub struct Parallel<S: Shared> {
    /// Does what is done in order.
    stage: S,
    workers: Vec<Worker<S>>,
    /// Which worker has the next turn, and which of them work on something, the first first.
    turn: usize,
    busy: VecDeque<usize>,
    /// The next chunk, and how many lines of the input lie before it and behind.
    pending: Chunk,
    pending_from: u64,
    pending_to: u64,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
    /// Whether something went wrong, and what, until it is told.
    over: bool,
    failed: Option<anyhow::Error>,
}

struct Worker<S: Shared> {
    work: Option<Sender<Work>>,
    done: Receiver<Done<S::Sum>>,
    thread: Option<JoinHandle<()>>,
}

/// Whole lines: some that came one by one, and behind them a part of a block.
#[derive(Default)]
struct Chunk {
    single: Vec<u8>,
    block: Block,
    part: Range<usize>,
}

impl Chunk {
    fn is_empty(&self) -> bool {
        self.single.is_empty() && self.part.is_empty()
    }

    fn part(&self) -> &[u8] {
        self.block.get(self.part.clone()).unwrap_or_default()
    }
}

/// What a worker is to do.
struct Work {
    chunk: Chunk,
    /// How many lines of the input lie before them.
    line: u64,
    out: Vec<u8>,
    /// Whether to go on behind a bad record.
    keeps_rejects: bool,
}

/// What became of it.
struct Done<T> {
    /// To be used again.
    single: Vec<u8>,
    out: Vec<u8>,
    sum: T,
    rejected: Vec<Rejected>,
    failed: Option<anyhow::Error>,
}

struct Rejected {
    line: u64,
    bytes: Vec<u8>,
    why: String,
}

impl<S: Shared> Parallel<S> {
    /// A stage that leaves its work to `workers`, records having at most `record_bytes_max` bytes.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub fn new(stage: S, workers: Vec<S>, record_bytes_max: usize) -> anyhow::Result<Parallel<S>> {
        let start = |stage| Worker::start(stage, record_bytes_max);
        Ok(Parallel {
            stage,
            workers: workers.into_iter().map(start).collect::<anyhow::Result<_>>()?,
            turn: 0,
            busy: VecDeque::new(),
            pending: Chunk::default(),
            pending_from: 0,
            pending_to: 0,
            spare: Vec::new(),
            over: false,
            failed: None,
        })
    }

    /// The stage, to be asked for its results.
    pub fn stage(&self) -> &S {
        &self.stage
    }

    /// Makes sure that what is added next has `from` lines of the input before it, and `to` behind.
    fn extend(&mut self, from: u64, to: u64, cx: &mut Context) -> anyhow::Result<()> {
        let full = !self.pending.part.is_empty() || self.pending.single.len() > SINGLE_BYTES;
        if from != self.pending_to || full {
            self.dispatch_pending(cx)?;
        }
        if self.pending.is_empty() {
            self.pending_from = from;
        }
        self.pending_to = to;
        Ok(())
    }

    /// Adds a line.
    fn gather(&mut self, line: &[u8], before: u64, cx: &mut Context) -> anyhow::Result<()> {
        self.extend(before, before + 1, cx)?;
        self.pending.single.extend_from_slice(line);
        self.pending.single.push(b'\n');
        Ok(())
    }

    /// Adds whole lines, which are a part of the block that was read last.
    fn gather_part(
        &mut self,
        text: &[u8],
        from: u64,
        to: u64,
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        self.extend(from, to, cx)?;
        let start = text.as_ptr().addr().wrapping_sub(cx.block.as_ptr().addr());
        let part = start..start.wrapping_add(text.len());
        if cx.block.get(part.clone()).is_some_and(|found| std::ptr::eq(found, text)) {
            (self.pending.block, self.pending.part) = (Block::clone(&cx.block), part);
        } else {
            self.pending.single.extend_from_slice(text);
        }
        Ok(())
    }

    /// Hands the pending lines to a worker, waiting for an earlier one if all have enough.
    fn dispatch_pending(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let single = self.spare.pop().unwrap_or_default();
        let chunk = std::mem::replace(&mut self.pending, Chunk { single, ..Chunk::default() });
        self.dispatch(chunk, self.pending_from, cx)
    }

    fn dispatch(&mut self, chunk: Chunk, line: u64, cx: &mut Context) -> anyhow::Result<()> {
        while self.busy.len() >= CHUNKS_AHEAD * self.workers.len() {
            self.collect(cx)?;
        }
        let keeps_rejects = cx.keeps_rejects();
        let out = self.spare.pop().unwrap_or_default();
        let worker = self.workers.get(self.turn).and_then(|worker| worker.work.as_ref());
        let sent = worker.map(|work| work.send(Work { chunk, line, out, keeps_rejects }));
        if !matches!(sent, Some(Ok(()))) {
            return Err(gone());
        }
        self.busy.push_back(self.turn);
        self.turn = (self.turn + 1) % self.workers.len();
        Ok(())
    }

    /// Takes what the first worker made of its chunk, waiting for it. After an error nothing more
    /// is to be taken.
    fn collect(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let collected = self.try_collect(cx);
        self.over |= collected.is_err();
        collected
    }

    fn try_collect(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let Some(first) = self.busy.pop_front() else { return Ok(()) };
        let done = self.workers.get(first).and_then(|worker| worker.done.recv().ok());
        let Done { mut single, mut out, sum, rejected, failed } = done.ok_or_else(gone)?;
        if cx.out.is_empty() {
            std::mem::swap(&mut cx.out, &mut out);
        } else {
            cx.out.extend_from_slice(&out);
        }
        self.stage.absorb(sum);
        for Rejected { line, bytes, why } in rejected {
            cx.reject(&cx.place(line), &bytes, &why)?;
        }
        single.clear();
        out.clear();
        self.spare.extend([single, out]);
        failed.map_or(Ok(()), Err)
    }

    /// Takes everything that was gathered to its end.
    fn finish(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.part_pending(cx)?;
        self.dispatch_pending(cx)?;
        while !self.busy.is_empty() {
            self.collect(cx)?;
        }
        Ok(())
    }

    /// Parts the pending lines among all workers, if they are enough for that.
    fn part_pending(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let wanted = self.pending.part.len() / self.workers.len().max(1);
        while wanted >= PART_BYTES && self.pending.part.len() > wanted + PART_BYTES {
            let front = self.pending.part().get(..wanted).unwrap_or_default();
            let Some(end) = memchr::memrchr(b'\n', front) else { return Ok(()) };
            let (start, split) = (self.pending.part.start, self.pending.part.start + end + 1);
            let single = std::mem::take(&mut self.pending.single);
            let block = Block::clone(&self.pending.block);
            let chunk = Chunk { single, block, part: start..split };
            let lines = count_lines(&chunk.single) + count_lines(chunk.part());
            let from = self.pending_from;
            (self.pending_from, self.pending.part.start) = (from + lines, split);
            self.dispatch(chunk, from, cx)?;
        }
        Ok(())
    }
}

fn count_lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

impl<S: Shared> Stage for Parallel<S> {
    const ENDS_WITH_OUTPUT: bool = S::ENDS_WITH_OUTPUT;

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let (text, from) = (lines.rest(), lines.line());
        lines.pass_all();
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        match self.gather_part(text, from, lines.line(), cx) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        if raw.unterminated {
            // Only the stream's end says so: it goes behind all others.
            self.finish(cx)?;
            return self.stage.record(raw, cx);
        }
        self.gather(raw.bytes, raw.line.saturating_sub(1), cx)?;
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, _: Control, line: &[u8], cx: &mut Context) -> Result<(), StageError> {
        // Its number may be another, if there are blank lines before it; it needs none.
        Ok(self.gather(line, self.pending_to, cx)?)
    }

    fn catch_up(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.finish(cx)
    }

    fn settle(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.over {
            // It ended with what was wrong; nothing behind that goes out.
        } else if !cx.more_at_hand {
            self.finish(cx)?;
        } else {
            self.dispatch_pending(cx)?;
        }
        self.stage.settle(cx)
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.stage.end(cx)
    }
}

impl<S: Shared> Worker<S> {
    fn start(stage: S, record_bytes_max: usize) -> anyhow::Result<Worker<S>> {
        let (work, taken) = channel();
        let (tell, done) = channel();
        let thread = thread::Builder::new().name("worker".to_owned()).spawn(move || {
            let mut stage = stage;
            for work in taken {
                if tell.send(do_work(&mut stage, work, record_bytes_max)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Worker { work: Some(work), done, thread: Some(thread) })
    }
}

impl<S: Shared> Drop for Worker<S> {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn do_work<S: Shared>(stage: &mut S, work: Work, record_bytes_max: usize) -> Done<S::Sum> {
    let Work { chunk, line, out, keeps_rejects } = work;
    let mut bench =
        Bench { stage, cx: Context::apart(out), keeps_rejects, rejected: Vec::new(), failed: None };
    let mut decoder = LineDecoder::behind(line, record_bytes_max);
    if decoder.decode(&chunk.single, &mut bench).is_continue() {
        let _ = decoder.decode(chunk.part(), &mut bench);
    }
    let Bench { stage, cx, rejected, failed, .. } = bench;
    Done { single: chunk.single, out: cx.out, sum: stage.hand_in(), rejected, failed }
}

/// Where a worker does a chunk's records, one after the other.
struct Bench<'a, S> {
    stage: &'a mut S,
    cx: Context,
    keeps_rejects: bool,
    rejected: Vec<Rejected>,
    failed: Option<anyhow::Error>,
}

impl<S: Stage> Bench<'_, S> {
    fn reject(&mut self, line: u64, bytes: &[u8], why: String) -> ControlFlow<()> {
        self.rejected.push(Rejected { line, bytes: bytes.to_vec(), why });
        if self.keeps_rejects { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

impl<S: Stage> Sink for Bench<'_, S> {
    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        self.stage.lines(lines, &mut self.cx)
    }

    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        match pump::take(self.stage, raw, &mut self.cx) {
            Ok(flow) => flow,
            Err(StageError::Bad(why)) => self.reject(raw.line, raw.bytes, why),
            Err(StageError::Fatal(error)) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn bad(&mut self, bad: Bad<'_>) -> ControlFlow<()> {
        self.reject(bad.line, bad.bytes, bad.why)
    }
}

fn gone() -> anyhow::Error {
    anyhow!("a worker thread failed")
}
