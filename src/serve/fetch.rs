//! A session's reading: delivering and following.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use super::direct_delivery::DirectDelivery;
use super::header::header;
use super::limits::{GATHER_BYTES, IDLE_BUFFER_BYTES};
use super::session::{End, Session};
use super::shared::STOPPING;
use crate::api::error::{Code, ErrorBody};
use crate::api::reading::{ByPartition, Chunk, Fetch, Fetched};
use crate::broker::commit_queue::CommitQueue;
use crate::broker::limits::CHUNK_BYTES;
use crate::broker::notifier::{Deliver, Subscriber};
use crate::log::access::Right;
use crate::log::{Cursor, LogError};
use crate::sys::wait::{Wanted, wait};
use crate::wire::answer::Answer;

/// What a follower sleeps by, and lends meanwhile.
type Follower = Subscriber<Option<DirectDelivery>>;

/// What ended a follower's sleep.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Woken {
    HungUp,
    Told,
    Rung,
    Stopped,
}

impl Session<'_> {
    /// Delivers what a fetch asks for; follows if it asks for that.
    pub fn fetch(&mut self, fetch: Fetch) -> Result<(), End> {
        let waiter = fetch.follow.then(|| self.new_waiter()).transpose();
        let opened =
            waiter.and_then(|waiter| Ok((waiter, self.broker.open_fetch(&self.access, &fetch)?)));
        let (waiter, (queue, cursor)) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.reply(Err(error));
                return Ok(());
            }
        };
        let (cursor, ended) = if let Some(waiter) = waiter {
            self.follow(&queue, cursor, &fetch, &waiter)?
        } else {
            let mut cursor = cursor;
            let ended = self.deliver(&queue, &mut cursor, &fetch)?;
            (cursor, ended)
        };
        let fetched = |()| {
            let offsets = cursor.positions().into_iter().collect();
            Answer::Fetched(Fetched { topic: fetch.topic, offsets })
        };
        self.reply(ended.map(fetched).map_err(ErrorBody::from));
        Ok(())
    }

    /// What a follower or a member sleeps by. It takes a descriptor, which there may be none for.
    pub fn new_waiter<D: Deliver + Default>(&self) -> Result<Arc<Subscriber<D>>, ErrorBody> {
        Subscriber::new().map(Arc::new).map_err(|error| self.broker.io(error).into())
    }

    /// Sends all that is visible up to the cursor's ends.
    fn deliver(
        &mut self,
        queue: &CommitQueue,
        cursor: &mut Cursor,
        fetch: &Fetch,
    ) -> Result<Result<(), LogError>, End> {
        let batches = fetch.batches;
        loop {
            if fetch.files
                && let Err(error) = self.pass_files(queue, cursor)?
            {
                return Ok(Err(error));
            }
            match self.next_chunk(queue, cursor) {
                Ok(Some(chunk)) => self.send(chunk, batches)?,
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// Sends what is visible and what becomes so, until the cursor has reached its ends.
    fn follow(
        &mut self,
        queue: &CommitQueue,
        cursor: Cursor,
        fetch: &Fetch,
        waiter: &Arc<Follower>,
    ) -> Result<(Cursor, Result<(), LogError>), End> {
        let _subscription = queue.notifier.subscribe(waiter);
        let (topic, stream) = (Arc::clone(&queue.topic), Arc::clone(&self.stream));
        let delivered = Arc::clone(&self.broker.counters.delivered);
        let mut outlet = DirectDelivery::new(cursor, fetch.batches, topic, stream, delivered);
        outlet.output = self.borrow_output(fetch, &outlet.cursor);
        // Also what was added between the client's last look and its fetch.
        let last = outlet.cursor.positions().into_iter().map(|(partition, _)| partition).max();
        let mut known = last.map_or(0, |last| last + 1);
        loop {
            let ended = self.deliver(queue, &mut outlet.cursor, fetch)?;
            if ended.is_err() || outlet.cursor.done() {
                return Ok((outlet.cursor, ended));
            }
            if fetch.added && queue.topic.settings().partitions > known {
                match outlet.widen(known) {
                    Ok(partitions) => known = partitions,
                    Err(error) => return Ok((outlet.cursor, Err(error))),
                }
                continue;
            }
            // Armed first and looked again, so that no notify between the two is missed.
            waiter.arm();
            match self.next_chunk(queue, &mut outlet.cursor) {
                Ok(Some(chunk)) => {
                    waiter.disarm();
                    self.send(chunk, fetch.batches)?;
                }
                Ok(None) => outlet = self.sleep_lending(waiter, outlet)?,
                Err(error) => return Ok((outlet.cursor, Err(error))),
            }
            if let Some(error) = outlet.failed.take() {
                return Ok((outlet.cursor, Err(error)));
            }
        }
    }

    /// Sleeps while others may send to the client what they append.
    fn sleep_lending(
        &mut self,
        waiter: &Follower,
        mut outlet: DirectDelivery,
    ) -> Result<DirectDelivery, End> {
        self.rest()?;
        self.hear(&mut outlet)?;
        let tells = outlet.output.is_some();
        waiter.lend(outlet);
        let woken = self.wait_for_records(waiter, tells);
        // Nobody else takes it.
        let Some(mut outlet) = waiter.take_back() else { return Err(End::Closed) };
        let woken = woken?;
        match woken {
            // Past the client, if that is how it went before; what is left goes over the socket.
            Woken::Rung if outlet.caught_up => drop(outlet.deliver()),
            // A client that has ended its side tells nothing any more.
            Woken::Told if self.connection.fill()? == 0 => outlet.output = None,
            _ => {}
        }
        outlet.caught_up = false;
        self.connection.output().append(&mut outlet.unsent);
        self.wake(waiter, woken, || outlet.cursor.positions().into_iter().collect())?;
        Ok(outlet)
    }

    /// Reads the next run of records. Asked again whether that is permitted, and only afterwards:
    /// what was appended after the topic's readers were altered goes by the new ones.
    pub fn next_chunk(
        &mut self,
        queue: &CommitQueue,
        cursor: &mut Cursor,
    ) -> Result<Option<Chunk>, LogError> {
        let chunk = self.read_chunk(queue, cursor);
        if !matches!(chunk, Ok(Some(_))) {
            self.large = None;
        }
        chunk
    }

    fn read_chunk(
        &mut self,
        queue: &CommitQueue,
        cursor: &mut Cursor,
    ) -> Result<Option<Chunk>, LogError> {
        let mut chunk = cursor.next(CHUNK_BYTES, &mut self.chunk)?;
        if let Some(run) = chunk {
            chunk = self.take_memory(cursor, run)?;
        }
        self.access.check(&queue.topic, Right::Read)?;
        Ok(chunk)
    }

    /// Sleeps until the notifier rings, the client hangs up, or the daemon stops.
    pub fn sleep(&mut self, waiter: &Subscriber) -> Result<(), End> {
        self.rest()?;
        let woken = self.wait_for_records(waiter, false)?;
        self.wake(waiter, woken, ByPartition::new)
    }

    /// Holds nothing back, and little memory.
    fn rest(&mut self) -> Result<(), End> {
        self.connection.flush()?;
        self.chunk.clear();
        self.chunk.shrink_to(IDLE_BUFFER_BYTES);
        Ok(())
    }

    fn wait_for_records<D>(&self, waiter: &Subscriber<D>, tells: bool) -> io::Result<Woken> {
        // Requests that come meanwhile have their turn after this one; only a hang-up counts, or
        // what the client tells of this one.
        let events = if tells { Wanted::Input } else { Wanted::HangUp };
        let client = (self.connection.stream().as_fd(), events);
        let notifier = (waiter.as_fd(), Wanted::Input);
        Ok(match wait(&[client, notifier, self.shared.stop_wanted()], None)?[..] {
            [true, ..] if tells => Woken::Told,
            [true, ..] => Woken::HungUp,
            [_, true, ..] => Woken::Rung,
            _ => Woken::Stopped,
        })
    }

    /// Goes on, or ends; `reached` tells where another fetch would go on.
    fn wake<D>(
        &mut self,
        waiter: &Subscriber<D>,
        woken: Woken,
        reached: impl FnOnce() -> ByPartition<u64>,
    ) -> Result<(), End> {
        match woken {
            Woken::HungUp => Err(End::Done),
            Woken::Told => Ok(()),
            Woken::Rung => {
                waiter.clear();
                Ok(())
            }
            Woken::Stopped => {
                let error = ErrorBody::new(Code::ShuttingDown, STOPPING);
                self.reply(Err(ErrorBody { offsets: reached(), ..error }));
                self.close()
            }
        }
    }

    /// Sends a run of records; a small one waits for company, but not past the next sleep.
    pub fn send(&mut self, chunk: Chunk, batches: bool) -> Result<(), End> {
        self.broker.counters.delivered.add(chunk.records, chunk.bytes);
        let output = self.connection.output();
        header(chunk, batches).write(output);
        if let Some(share) = self.large.take() {
            return self.send_large(&share);
        }
        if output.len() + self.chunk.len() <= GATHER_BYTES {
            output.extend_from_slice(&self.chunk);
        } else {
            self.connection.flush_with(&self.chunk)?;
        }
        Ok(())
    }
}
