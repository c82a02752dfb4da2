//! Standard input: what came last is kept, as much as there is room for.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chunk::Chunk;
use super::feed::{Advance, Feed};

/// Chunks are put together until they are as large.
const CHUNK_BYTES: usize = 64 << 10;

/// What came from a pipe: one thread adds to it, another one reads.
#[derive(Clone, Debug)]
pub struct Pipe {
    held: Arc<Mutex<Held>>,
    /// Whether something came that the one who reads has not seen.
    news: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Held {
    chunks: VecDeque<Arc<Chunk>>,
    bytes: usize,
    bytes_max: usize,
    /// The number of the next record.
    end: u64,
    has_ended: bool,
    note: Option<String>,
}

impl Pipe {
    /// Keeps so many bytes, and at least one chunk.
    pub fn new(bytes_max: usize) -> Pipe {
        let (chunks, has_ended, note) = (VecDeque::new(), false, None);
        let held = Held { chunks, bytes: 0, bytes_max, end: 0, has_ended, note };
        Pipe { held: Arc::new(Mutex::new(held)), news: Arc::default() }
    }

    /// Whether the one who reads is to be woken: what came since it looked is told once.
    pub fn has_news(&self) -> bool {
        !self.news.swap(true, Ordering::AcqRel)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what came.
    pub fn push(&self, chunk: Chunk) {
        self.held().push(chunk);
    }

    /// Nothing more comes.
    pub fn end(&self) {
        self.held().has_ended = true;
    }

    /// Says something about the input as a whole.
    pub fn tell(&self, note: Option<String>) {
        if note.is_some() {
            self.held().note = note;
        }
    }
}

impl Held {
    fn push(&mut self, chunk: Chunk) {
        self.end = chunk.end();
        let small = |last: &&mut Arc<Chunk>| last.memory() < CHUNK_BYTES;
        // While it is read, another one is begun.
        let last = self.chunks.back_mut().filter(small).and_then(Arc::get_mut);
        let chunk = match last {
            Some(last) => {
                let before = last.memory();
                let appended = last.append(chunk);
                self.bytes += last.memory() - before;
                appended.err()
            }
            None => Some(chunk),
        };
        if let Some(chunk) = chunk {
            self.bytes += chunk.memory();
            self.chunks.push_back(Arc::new(chunk));
        }
        while self.bytes > self.bytes_max && self.chunks.len() > 1 {
            if let Some(gone) = self.chunks.pop_front() {
                self.bytes -= gone.memory();
            }
        }
    }
}

impl Feed for Pipe {
    fn span(&self) -> Range<u64> {
        let held = self.held();
        held.chunks.front().map_or(held.end, |first| first.first)..held.end
    }

    fn chunk(&mut self, number: u64) -> anyhow::Result<Option<Arc<Chunk>>> {
        let held = self.held();
        let at = held.chunks.partition_point(|chunk| chunk.end() <= number);
        Ok(held.chunks.get(at).filter(|chunk| chunk.first <= number).cloned())
    }

    fn advance(&mut self) -> anyhow::Result<Advance> {
        self.news.store(false, Ordering::Release);
        Ok(Advance::Idle)
    }

    fn has_ended(&self) -> bool {
        self.held().has_ended
    }

    fn note(&self) -> Option<String> {
        self.held().note.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::{Collector, Place};
    use super::*;

    fn push(pipe: &Pipe, collector: &mut Collector, record: &[u8]) {
        collector.push(record, Place::Line(1), None);
        pipe.push(collector.take().unwrap());
    }

    #[test]
    fn the_last_records_are_kept() {
        let mut pipe = Pipe::new(1 << 20);
        let mut collector = Collector::new("stdin".into(), 0);
        let record = vec![b'1'; 1000];
        for count in 1..=5000 {
            push(&pipe, &mut collector, &record);
            assert_eq!(pipe.span().end, count);
            assert!(pipe.held().bytes <= 1 << 20);
        }
        let span = pipe.span();
        assert!(span.start > 3500 && span.end - span.start > 500, "{span:?}");
        for number in span.clone() {
            let chunk = pipe.chunk(number).unwrap().unwrap();
            assert_eq!(chunk.record(number), Some(&record[..]));
        }
        assert!(pipe.chunk(span.start - 1).unwrap().is_none());
        assert!(pipe.chunk(span.end).unwrap().is_none());
    }

    #[test]
    fn what_is_read_does_not_change() {
        let mut pipe = Pipe::new(1 << 20);
        let mut collector = Collector::new("stdin".into(), 0);
        push(&pipe, &mut collector, b"1");
        let first = pipe.chunk(0).unwrap().unwrap();
        push(&pipe, &mut collector, b"2");
        assert_eq!((first.end(), pipe.span()), (1, 0..2));
        assert_eq!(pipe.chunk(1).unwrap().unwrap().record(1), Some(&b"2"[..]));
    }
}
