//! A session's reading: delivering, following, telling offsets.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use super::commit_queue::CommitQueue;
use super::daemon::STOPPING;
use super::direct_delivery::DirectDelivery;
use super::limits::{CHUNK_BYTES, GATHER_BYTES, IDLE_BUFFER_BYTES};
use super::notifier::Subscriber;
use super::refusal;
use super::session::{End, Session};
use crate::api::error::{Code, ErrorBody};
use crate::api::reading::{
    At, ByPartition, Chunk, Fetch, Fetched, Offsets, Place, Places, Position, Span,
};
use crate::log::access::Right;
use crate::log::{Bounds, Cursor, LogError};
use crate::sys::wait::{Wanted, wait};
use crate::wire::answer::Answer;

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
        let opened = waiter.and_then(|waiter| self.open(&fetch).map(|opened| (waiter, opened)));
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
        self.reply(ended.map(fetched).map_err(refusal::body));
        Ok(())
    }

    fn open(&self, fetch: &Fetch) -> Result<(Arc<CommitQueue>, Cursor), ErrorBody> {
        let queue = self.queue_for(Right::Read, &fetch.topic)?;
        let reader = queue.topic.reader();
        let bounds = reader.bounds().map_err(refusal::body)?;
        let spans = spans(fetch, &bounds)?;
        let cursor = reader.cursor(spans).map_err(refusal::body)?;
        Ok((queue, cursor.verifying(!fetch.unverified)))
    }

    /// What a follower or a member sleeps by. It takes a descriptor, which there may be none for.
    pub fn new_waiter(&self) -> Result<Arc<Subscriber>, ErrorBody> {
        let failed = |error| refusal::body(LogError::io(self.shared.log.dir(), error));
        Subscriber::new().map(Arc::new).map_err(failed)
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
        waiter: &Arc<Subscriber>,
    ) -> Result<(Cursor, Result<(), LogError>), End> {
        let _subscription = queue.notifier.subscribe(waiter);
        let (topic, stream) = (Arc::clone(&queue.topic), Arc::clone(&self.stream));
        let delivered = Arc::clone(&self.shared.counters.delivered);
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
        waiter: &Subscriber,
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

    fn wait_for_records(&self, waiter: &Subscriber, tells: bool) -> io::Result<Woken> {
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
    fn wake(
        &mut self,
        waiter: &Subscriber,
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
        self.shared.counters.delivered.add(chunk.records, chunk.bytes);
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

    /// Tells where partitions begin and end, and where in them a place is.
    pub fn places(&self, asked: Offsets) -> Result<Places, ErrorBody> {
        let queue = self.queue_for(Right::Look, &asked.topic)?;
        let reader = queue.topic.reader();
        let bounds = reader.bounds().map_err(refusal::body)?;
        let mut chosen = asked.partitions.unwrap_or_else(|| all(&bounds));
        chosen.sort_unstable();
        chosen.dedup();
        let last: ByPartition<u64> = match asked.at {
            At::Last(count) => {
                reader.last(&bounds, &chosen, count).map_err(refusal::body)?.into_iter().collect()
            }
            _ => ByPartition::new(),
        };
        let mut partitions = ByPartition::new();
        for partition in chosen {
            let Bounds { start, end, .. } = *find(&asked.topic, &bounds, partition)?;
            let at = match asked.at {
                At::Start => start,
                At::End => end,
                At::TimeUs(time_us) => {
                    reader.offset_at(partition, time_us).map_err(refusal::body)?
                }
                At::Last(_) => last.get(&partition).copied().unwrap_or(end),
            };
            partitions.insert(partition, Place { start, end, at });
        }
        Ok(Places { topic: asked.topic, partitions })
    }
}

/// What is said before a run of records, of its batches only to who asked for them.
pub(super) fn header(mut chunk: Chunk, batches: bool) -> Answer {
    if !batches {
        chunk.batches.clear();
    }
    Answer::Records(chunk)
}

fn all(bounds: &[Bounds]) -> Vec<u32> {
    bounds.iter().map(|bounds| bounds.partition).collect()
}

/// What a partition holds, among those of its topic.
pub(super) fn find<'a>(
    topic: &str,
    bounds: &'a [Bounds],
    partition: u32,
) -> Result<&'a Bounds, ErrorBody> {
    bounds.iter().find(|bounds| bounds.partition == partition).ok_or_else(|| {
        let partitions = u32::try_from(bounds.len()).unwrap_or(u32::MAX);
        let topic = topic.to_owned();
        refusal::body(LogError::UnknownPartition { topic, partition, partitions })
    })
}

/// What to read: from where to where in which partitions. Who does not follow reads what is there
/// now.
fn spans(fetch: &Fetch, bounds: &[Bounds]) -> Result<Vec<Span>, ErrorBody> {
    let from = starts(fetch, bounds)?;
    if let Some(partition) = fetch.until.keys().find(|partition| !from.contains_key(partition)) {
        let message = format!("`until` names partition {partition}, which is not read");
        return Err(ErrorBody::new(Code::BadRequest, message));
    }
    let span = |(partition, position)| {
        let bounds = find(&fetch.topic, bounds, partition)?;
        let from = match position {
            Position::Start => bounds.start,
            Position::End => bounds.end,
            Position::Offset(offset) => offset,
        };
        let until = fetch.until.get(&partition).copied();
        let until = if fetch.follow {
            until
        } else {
            Some(until.map_or(bounds.end, |until| until.min(bounds.end)))
        };
        // Nothing to read is no error, and where to go on never lies before where we began.
        Ok(Span { partition, from, until: until.map(|until| until.max(from)) })
    };
    from.into_iter().map(span).collect()
}

/// Where to begin in which partitions.
fn starts(fetch: &Fetch, bounds: &[Bounds]) -> Result<ByPartition<Position>, ErrorBody> {
    let refuse = |message: &str| Err(ErrorBody::new(Code::BadRequest, message));
    let offset = fetch.offset.unwrap_or_default();
    match (&fetch.offsets, fetch.partition) {
        (Some(offsets), _) if offsets.is_empty() => refuse("`offsets` names no partition"),
        (Some(offsets), _) => Ok(offsets.clone()),
        (None, Some(partition)) => Ok(ByPartition::from([(partition, offset)])),
        (None, None) if matches!(offset, Position::Offset(_)) && bounds.len() != 1 => {
            refuse("an offset by its number needs `partition`: the topic has several")
        }
        (None, None) => Ok(all(bounds).into_iter().map(|partition| (partition, offset)).collect()),
    }
}
