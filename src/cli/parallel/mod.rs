//! `-j`: one operator on several cores, its output in the order of the input.
//!
//! [`Parallel`] shares the input out among workers that each have an operator of their own, and
//! takes what they made of it in the order in which it gave it. Of a plain file they get spans,
//! which they read themselves: so whoever shares out has next to nothing to do. Of all other input
//! they get the blocks that were read, which are not copied, but for the lines across their
//! borders. What only one may do, and in order, it does itself: rejecting bad records, and whatever
//! else the operator does with what the workers hand in.

mod queue;
mod worker;

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};

use self::worker::{Chunk, Done, Pending, Rejected, Task, Workers};
use super::blocks::Block;
use super::context::Context;
use super::single::{INPUT, Single, stage_error};
use super::spans::Span;
use super::stage::{Stage, StageError};
use crate::operator::{Shared, Work};
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;

/// How much of lines that came one by one a chunk may have.
const SINGLE_BYTES: usize = 64 << 10;
/// Less than this is not parted among workers.
const PART_BYTES: usize = 32 << 10;
/// How many tasks may be on their way, for each worker: one to work on, one to begin with next.
const TASKS_AHEAD: usize = 2;

/// An operator that lets others work.
pub struct Parallel<'a, S: Shared> {
    /// Does what is done in order.
    operator: &'a mut S,
    workers: Workers<S>,
    /// What they have to do, the first first.
    under_way: VecDeque<Pending<S::Sum>>,
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

impl<'a, S: Shared> Parallel<'a, S> {
    /// An operator that leaves its work to `workers`, records having at most `record_bytes_max`
    /// bytes.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub fn new(
        operator: &'a mut S,
        workers: Vec<S>,
        record_bytes_max: usize,
    ) -> anyhow::Result<Parallel<'a, S>> {
        Ok(Parallel {
            operator,
            workers: Workers::start(workers, record_bytes_max)?,
            under_way: VecDeque::new(),
            pending: Chunk::default(),
            pending_from: 0,
            pending_to: 0,
            spare: Vec::new(),
            over: false,
            failed: None,
        })
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
        part: Range<usize>,
        (from, to): (u64, u64),
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        self.extend(from, to, cx)?;
        (self.pending.block, self.pending.part) = (Block::clone(&cx.block), part);
        Ok(())
    }

    /// Adds whole lines that are in no block.
    fn gather_text(
        &mut self,
        text: &[u8],
        (from, to): (u64, u64),
        cx: &mut Context,
    ) -> anyhow::Result<()> {
        self.extend(from, to, cx)?;
        self.pending.single.extend_from_slice(text);
        Ok(())
    }

    /// Hands the pending lines to a worker, waiting for an earlier task if all have enough.
    fn dispatch_pending(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let single = self.spare.pop().unwrap_or_default();
        let chunk = std::mem::replace(&mut self.pending, Chunk { single, ..Chunk::default() });
        self.dispatch(Task::Chunk(chunk, self.pending_from), cx)
    }

    fn dispatch(&mut self, task: Task, cx: &mut Context) -> anyhow::Result<()> {
        while self.under_way.len() >= TASKS_AHEAD * self.workers.count() {
            self.collect(cx)?;
        }
        let out = self.spare.pop().unwrap_or_default();
        let sides = cx.sides.apart();
        self.under_way.push_back(self.workers.begin(task, (out, sides), cx.keeps_rejects()));
        Ok(())
    }

    /// Takes what became of the first task, waiting for it. After an error nothing more is to be
    /// taken.
    fn collect(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let collected = self.try_collect(cx);
        self.over |= collected.is_err();
        collected
    }

    fn try_collect(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let Some(first) = self.under_way.pop_front() else { return Ok(()) };
        let Done { mut out, sides, sum, mut rejected, noted, mut failed, lines, mut single } =
            self.workers.wait(first)?;
        for one in noted {
            if let Err(cut) = cx.note(one) {
                // Nothing is passed on from where the input turns out to be cut short.
                out.truncate(one.out_bytes);
                rejected.retain(|it| it.line < one.line);
                failed = Some(cut.into());
                break;
            }
        }
        if cx.out.is_empty() {
            std::mem::swap(&mut cx.out, &mut out);
        } else {
            cx.out.extend_from_slice(&out);
        }
        cx.sides.append(sides);
        self.operator.absorb(sum);
        for Rejected { line, bytes, why } in rejected {
            cx.reject(&cx.place(line), &bytes, &why)?;
        }
        cx.lines_before += lines;
        cx.records_in += lines;
        single.clear();
        out.clear();
        self.spare.extend([single, out].into_iter().filter(|buffer| buffer.capacity() > 0));
        failed.map_or(Ok(()), Err)
    }

    /// Takes everything that was gathered to its end.
    fn finish(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.part_pending(cx)?;
        self.dispatch_pending(cx)?;
        while !self.under_way.is_empty() {
            self.collect(cx)?;
        }
        Ok(())
    }

    /// Parts the pending lines among all workers, if they are enough for that.
    fn part_pending(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let wanted = self.pending.part.len() / self.workers.count().max(1);
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
            self.dispatch(Task::Chunk(chunk, from), cx)?;
        }
        Ok(())
    }
}

fn count_lines(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

impl<S: Shared> Stage for Parallel<'_, S> {
    const DELEGATES: bool = true;

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        let (part, text, from) = (lines.part(), lines.rest(), lines.line());
        lines.pass_all();
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        let to = (from, lines.line());
        let gathered = match part {
            Some(part) => self.gather_part(part, to, cx),
            None => self.gather_text(text, to, cx),
        };
        match gathered {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn shows_progress(&self) -> bool {
        true
    }

    fn parallelism(&self) -> usize {
        self.workers.count()
    }

    fn span(&mut self, span: Span, cx: &mut Context) -> anyhow::Result<()> {
        self.dispatch_pending(cx)?;
        self.dispatch(Task::Span(span), cx)
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        if raw.unterminated {
            // Only the stream's end says so: it goes behind all others.
            self.finish(cx)?;
            return self.operator.record(INPUT, raw, cx).map_err(stage_error);
        }
        self.gather(raw.bytes, raw.line.saturating_sub(1), cx)?;
        Ok(ControlFlow::Continue(()))
    }

    fn control(&mut self, _: &Control, line: &[u8], cx: &mut Context) -> Result<(), StageError> {
        // Its number may be another, if there are blank lines before it; it needs none.
        Ok(self.gather(line, self.pending_to, cx)?)
    }

    fn flush_pending(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        self.finish(cx)
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
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
        Single(self.operator).flush(cx)
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        Single(self.operator).end(cx)
    }

    fn work(&self) -> Work {
        self.operator.work()
    }

    fn undone(&self) -> Option<String> {
        self.operator.undone()
    }
}
