//! Workers, each with an operator of its own, that take their tasks from one queue: threads, and
//! whoever waits for one of the tasks.

use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};

use anyhow::anyhow;

use super::queue::Queue;
use crate::cli::blame::explained;
use crate::cli::blocks::Block;
use crate::cli::context::Context;
use crate::cli::sides::Sides;
use crate::cli::single::Single;
use crate::cli::spans::{self, Span};
use crate::cli::stage::{Stage, StageError, take};
use crate::cli::streams::Noted;
use crate::operator::Shared;
use crate::record::decode::{Bad, Decoder, Raw, Sink};
use crate::record::lines::{LineDecoder, Lines};
use crate::sys::aligned::AlignedBuffer;

/// What is to be done.
pub enum Task {
    /// These lines, which have so many lines of the input before them.
    Chunk(Chunk, u64),
    /// The lines of a span, counted from its own beginning.
    Span(Span),
}

/// Whole lines: some that came one by one, and behind them a part of a block.
#[derive(Default)]
pub struct Chunk {
    pub single: Vec<u8>,
    pub block: Block,
    pub part: Range<usize>,
}

impl Chunk {
    /// Whether there are no lines.
    pub fn is_empty(&self) -> bool {
        self.single.is_empty() && self.part.is_empty()
    }

    /// The part of the block.
    pub fn part(&self) -> &[u8] {
        self.block.get(self.part.clone()).unwrap_or_default()
    }
}

/// A task for whichever worker is free first.
struct Work<T> {
    task: Task,
    out: Vec<u8>,
    sides: Sides,
    /// Whether to go on behind a bad record.
    keeps_rejects: bool,
    done: SyncSender<Done<T>>,
}

/// What became of a task.
pub struct Done<T> {
    /// The output.
    pub out: Vec<u8>,
    /// The other outputs.
    pub sides: Sides,
    /// What the operator handed in.
    pub sum: T,
    /// Bad records, in order.
    pub rejected: Vec<Rejected>,
    /// Where streams begin and end, in order.
    pub noted: Vec<Noted>,
    /// What ended the work before its end, if not a bad record.
    pub failed: Option<anyhow::Error>,
    /// How many lines a span has; none for a chunk, whose lines have been counted.
    pub lines: u64,
    /// The chunk's buffer, to be used again.
    pub single: Vec<u8>,
}

/// A bad record.
pub struct Rejected {
    pub line: u64,
    pub bytes: Vec<u8>,
    pub why: String,
}

/// A task under way, and what will become of it.
pub struct Pending<T>(Receiver<Done<T>>);

/// The workers. The threads among them end with this.
pub struct Workers<S: Shared> {
    queue: Arc<Queue<Work<S::Sum>>>,
    /// Works while others are waited for.
    own: Option<Worker<S>>,
    threads: Vec<JoinHandle<()>>,
}

impl<S: Shared> Workers<S> {
    /// One for each operator, records having at most `record_bytes_max` bytes.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub fn start(operators: Vec<S>, record_bytes_max: usize) -> anyhow::Result<Workers<S>> {
        let queue = Arc::new(Queue::new());
        let buffer = AlignedBuffer::default;
        let worker = |operator| Worker { operator, record_bytes_max, buffer: buffer() };
        let mut others = operators.into_iter().map(worker);
        let own = others.next();
        let mut workers = Workers { queue, own, threads: Vec::new() };
        for worker in others {
            workers.threads.push(worker.start(Arc::clone(&workers.queue))?);
        }
        Ok(workers)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.threads.len() + 1
    }

    /// Has a task done; its output goes behind `out`, and other outputs to `sides`.
    pub fn begin(
        &self,
        task: Task,
        (out, sides): (Vec<u8>, Sides),
        keeps_rejects: bool,
    ) -> Pending<S::Sum> {
        let (done, pending) = sync_channel(1);
        self.queue.put(Work { task, out, sides, keeps_rejects, done });
        Pending(pending)
    }

    /// Waits until a task is done, and works meanwhile where there is something left to do.
    ///
    /// # Errors
    /// When the worker who had it is gone.
    pub fn wait(&mut self, Pending(pending): Pending<S::Sum>) -> anyhow::Result<Done<S::Sum>> {
        loop {
            match pending.try_recv() {
                Ok(done) => return Ok(done),
                Err(TryRecvError::Disconnected) => return Err(gone()),
                Err(TryRecvError::Empty) => {}
            }
            match (self.queue.try_take(), &mut self.own) {
                (Some(work), Some(own)) => own.serve(work),
                _ => return pending.recv().map_err(|_| gone()),
            };
        }
    }
}

impl<S: Shared> Drop for Workers<S> {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn gone() -> anyhow::Error {
    anyhow!("a worker thread failed")
}

struct Worker<S> {
    operator: S,
    record_bytes_max: usize,
    /// For the text of spans.
    buffer: AlignedBuffer,
}

impl<S: Shared> Worker<S> {
    /// A thread that does tasks as long as there are any, and somebody wants to know.
    fn start(mut self, queue: Arc<Queue<Work<S::Sum>>>) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("worker".to_owned()).spawn(move || {
            while let Some(work) = queue.take() {
                if !self.serve(work) {
                    return;
                }
            }
        })
    }

    /// Does a task; whether anybody wanted to know of it.
    fn serve(&mut self, work: Work<S::Sum>) -> bool {
        let Work { task, out, sides, keeps_rejects, done } = work;
        let cx = Context::apart(out, sides);
        done.send(self.work(task, cx, keeps_rejects)).is_ok()
    }

    fn work(&mut self, task: Task, cx: Context, keeps_rejects: bool) -> Done<S::Sum> {
        let (rejected, failed) = (Vec::new(), None);
        let stage = Single(&mut self.operator);
        let mut bench = Bench { stage, cx, keeps_rejects, rejected, failed };
        let (mut lines, mut single) = (0, Vec::new());
        match task {
            Task::Chunk(chunk, line) => {
                let mut decoder = LineDecoder::behind(line, self.record_bytes_max);
                if decoder.decode(&chunk.single, &mut bench).is_continue() {
                    let _ = decoder.decode(chunk.part(), &mut bench);
                }
                single = chunk.single;
            }
            Task::Span(span) => {
                if self.buffer.is_empty() {
                    self.buffer = spans::buffer();
                }
                let mut decoder = LineDecoder::new(self.record_bytes_max);
                let read = span.read(&mut self.buffer, |text| decoder.decode(text, &mut bench));
                bench.failed = bench.failed.or(read.err());
                lines = decoder.lines();
            }
        }
        let Bench { cx, rejected, failed, .. } = bench;
        let Context { out, sides, streams, .. } = cx;
        let (sum, noted) = (self.operator.hand_in(), streams.into_noted());
        Done { out, sides, sum, rejected, noted, failed, lines, single }
    }
}

/// Where a worker does a task's records, one after the other.
struct Bench<'a, S> {
    stage: Single<'a, S>,
    cx: Context,
    keeps_rejects: bool,
    rejected: Vec<Rejected>,
    failed: Option<anyhow::Error>,
}

impl<S> Bench<'_, S> {
    fn reject(&mut self, line: u64, bytes: &[u8], why: String) -> ControlFlow<()> {
        self.rejected.push(Rejected { line, bytes: bytes.to_vec(), why });
        if self.keeps_rejects { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

impl<S: Shared> Sink for Bench<'_, S> {
    fn lines(&mut self, lines: &mut Lines<'_>) -> ControlFlow<()> {
        self.stage.lines(lines, &mut self.cx)
    }

    fn record(&mut self, raw: Raw<'_>) -> ControlFlow<()> {
        match take(&mut self.stage, raw, &mut self.cx) {
            Ok(flow) => flow,
            Err(StageError::Bad(why)) => self.reject(raw.line, raw.bytes, explained(&why, &raw)),
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
