//! `subscribe --group`: reading as a member of a consumer group.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::Options;
use super::announce::Announcer;
use super::lag::Reached;
use super::sink::Sink;
use crate::api::groups::{Assigned, Commit, Join};
use crate::api::reading::{ByPartition, Chunk, Offsets, Position};
use crate::cli::counters::counters;
use crate::cli::input::{StopReason, Watch, Woken};
use crate::cli::output::Output;
use crate::cli::{Failure, Status, message};
use crate::cmd::place::{Place, at};
use crate::cmd::reconnect::is_gone;
use crate::store::member::{Member, Polled};
use crate::store::reconnect::Waited;
use crate::store::{Error, Tries};

/// How long records may have arrived and not be committed while more are there already. A commit
/// costs the daemon about a millisecond.
const COMMIT_EVERY: Duration = Duration::from_millis(20);

/// The first pause before we look again whether our reader has taken what is in the pipe, and the
/// longest: each is twice the one before.
const LOOK_MIN: Duration = Duration::from_micros(50);
const LOOK_MAX: Duration = Duration::from_millis(50);

/// How long our reader may take what is in the pipe once we were told to stop.
const PARTING: Duration = Duration::from_secs(1);

/// Reads as a member of `group`.
///
/// # Errors
/// When no daemon runs, an offset is out of range, or a command fails.
pub fn run(
    options: &Options,
    group: &str,
    watch: &Watch,
    output: Output,
    announcer: Announcer,
) -> anyhow::Result<Status> {
    if options.exec.as_ref().is_some_and(|command| command.trim().is_empty()) {
        return Err(Failure::usage("--exec: the command is empty").into());
    }
    let dir = options.data.dir()?;
    let mut tries = Tries::within(options.reconnect.asked().unwrap_or_default());
    let mut member = match Member::connect(&dir, &mut tries, watch)? {
        Waited::Connected(member) => member,
        Waited::Stopped(halt) => return Ok(status(halt, options.follow)),
        Waited::NotInTime => {
            let why = format!(
                "{}: --group needs log-serve, which is not running; start it",
                dir.display()
            );
            return Err(Failure::new(Status::Unavailable, why).into());
        }
    };
    let join = Join {
        group: group.to_owned(),
        topic: options.topic.clone(),
        offsets: begin(options, &mut member)?,
        reset: options.reset.map(Into::into),
        follow: options.follow,
        batches: options.meta || options.append_times || options.look.has_template(),
        unverified: options.no_verify,
        runs: options.exec.is_some(),
    };
    let printer = options.printer(&output)?.up_to(None, options.count);
    let command = options.exec.as_deref();
    let mut consumer = Consumer {
        reached: Reached::in_topic(dir.clone(), &options.topic),
        dir,
        patience: options.reconnect.patience(),
        member,
        generation: 0,
        at: ByPartition::new(),
        more: false,
        done: ByPartition::new(),
        committed: Instant::now(),
        sink: Sink::new(output, announcer, printer, &options.topic, command),
        join,
    };
    consumer.run(watch)
}

/// Where to begin in partitions in which nothing is committed.
fn begin(options: &Options, member: &mut Member) -> anyhow::Result<ByPartition<Position>> {
    if options.from == Place::Start {
        return Ok(ByPartition::new());
    }
    let topic = options.topic.clone();
    let there = member.places(Offsets { topic: topic.clone(), ..Offsets::default() })?;
    let partitions: Vec<u32> = there.partitions.keys().copied().collect();
    if matches!(options.from, Place::Offset(_)) && partitions.len() != 1 {
        return Err(Failure::usage(format!(
            "--from: an offset is a place in one partition, and this topic has {}; with --group \
             name a time, 'start' or 'end', or see log-admin reset",
            partitions.len()
        ))
        .into());
    }
    let at = at(options.from, "--from", &partitions)?;
    let found = member.places(Offsets { topic, partitions: None, at })?;
    let position = |found: u64| match options.from {
        Place::End => Position::End,
        Place::Offset(offset) => Position::Offset(offset),
        _ => Position::Offset(found),
    };
    Ok(found.partitions.into_iter().map(|(number, it)| (number, position(it.at))).collect())
}

/// A member of a group, over as many connections as that takes.
struct Consumer<'a> {
    dir: PathBuf,
    /// How long a daemon that is gone is waited for.
    patience: Duration,
    join: Join,
    member: Member,
    generation: u64,
    /// Which record comes next in each of our partitions.
    at: ByPartition<u64>,
    /// The same, for those who ask what we do.
    reached: Reached,
    /// Whether more records were there when the last ones were read.
    more: bool,
    /// How far records have arrived where they are delivered to, and are not committed.
    done: ByPartition<u64>,
    /// When they were last committed.
    committed: Instant,
    sink: Sink<'a>,
}

impl Consumer<'_> {
    /// Reads to the end, over as many connections as that takes.
    fn run(&mut self, watch: &Watch) -> anyhow::Result<Status> {
        let assigned = self.member.join(self.join.clone()).map_err(|error| self.explain(error))?;
        self.assigned(&assigned)?;
        loop {
            let error = match self.read(watch) {
                Err(error) if is_gone(&error) => error,
                ended => return ended,
            };
            if let Some(halt) = self.rejoin(error, watch)? {
                return Ok(status(halt, self.join.follow));
            }
        }
    }

    fn read(&mut self, watch: &Watch) -> anyhow::Result<Status> {
        let mut bytes = Vec::new();
        loop {
            if !self.sink.announce()? {
                return Ok(Status::Done);
            }
            if self.sink.has_enough() {
                return self.finish(watch, &mut bytes);
            }
            let halted = match watch.stopped() {
                // To wait for more would keep what our reader takes meanwhile from being committed.
                None if !self.more => self.await_reader(watch)?,
                halted => halted,
            };
            if let Some(halt) = halted {
                return self.part(halt);
            }
            self.member.poll()?;
            if !self.member.has_answer()
                && let Some(halt) = watch.wait(&self.member)?
            {
                return self.halt(halt, &mut bytes);
            }
            match self.member.next(&mut bytes).map_err(|error| self.explain(error))? {
                Polled::Records(chunk) => {
                    match self.sink.deliver(&chunk, &bytes) {
                        Ok(true) => self.delivered(&chunk)?,
                        Ok(false) => return Ok(Status::Done),
                        // The signal that stops us may have ended the command, too.
                        Err(error) => match watch.stopped() {
                            Some(halt) => return Ok(status(halt, self.join.follow)),
                            None => return Err(error),
                        },
                    }
                }
                Polled::Assigned(assigned) => self.assigned(&assigned)?,
                Polled::Done(_) => {
                    if let Some(halt) = self.await_reader(watch)? {
                        return self.part(halt);
                    }
                    if self.commit()? {
                        self.sink.end()?;
                        return Ok(Status::Done);
                    }
                    // The next poll tells what has changed.
                }
            }
        }
    }

    /// Ends, with as many records as were asked for: commits them once our reader has taken them.
    fn finish(&mut self, watch: &Watch, bytes: &mut Vec<u8>) -> anyhow::Result<Status> {
        loop {
            if let Some(halt) = self.await_reader(watch)? {
                // A reader may take all that was asked for and be gone before we look: what the
                // pipe has no more was read.
                let closed = halt == StopReason::OutputClosed;
                if !closed || !self.sink.take_up(&mut self.done)? {
                    return self.part(halt);
                }
            }
            if self.sink.take_up(&mut self.done)? && self.commit()? {
                self.sink.end()?;
                return Ok(Status::Done);
            }
            // The answer says what has changed: which partitions are ours, or that the daemon goes.
            self.member.poll()?;
            if let Polled::Assigned(assigned) = self.member.next(bytes)? {
                self.assigned(&assigned)?;
            }
        }
    }

    /// Waits until our reader has taken all that is in the pipe, and commits that; or until there
    /// is no need to wait.
    fn await_reader(&mut self, watch: &Watch) -> anyhow::Result<Option<StopReason>> {
        let mut pause = LOOK_MIN;
        while !self.sink.take_up(&mut self.done)? {
            match watch.wait_for_reader(&self.member, pause)? {
                Woken::Stopped(reason) => return Ok(Some(reason)),
                // The daemon has something to say unasked: that it goes. The next request tells.
                Woken::Ready => return Ok(None),
                Woken::Quiet => pause = (pause * 2).min(LOOK_MAX),
            }
        }
        self.commit()?;
        Ok(None)
    }

    /// Ends while a poll is not answered. If something is not committed there is more to read, so
    /// that the answer comes at once; only then can we commit.
    fn halt(&mut self, halt: StopReason, bytes: &mut Vec<u8>) -> anyhow::Result<Status> {
        let all_arrived = self.sink.take_up(&mut self.done)?;
        let nothing_left = all_arrived && self.done.is_empty();
        if halt == StopReason::OutputClosed || nothing_left {
            return Ok(status(halt, self.join.follow));
        }
        if let Polled::Assigned(assigned) = self.member.next(bytes)? {
            self.assigned(&assigned)?;
        }
        self.part(halt)
    }

    /// Ends between two polls. Of what a reader left in the pipe, or took and left without having
    /// come to its end, nothing more is committed.
    fn part(&mut self, halt: StopReason) -> anyhow::Result<Status> {
        let end = Instant::now() + PARTING;
        let mut pause = LOOK_MIN;
        while halt != StopReason::OutputClosed && !self.sink.is_abandoned() {
            if self.sink.take_up(&mut self.done)? || Instant::now() >= end {
                self.commit()?;
                break;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LOOK_MAX);
        }
        Ok(status(halt, self.join.follow))
    }

    /// Remembers what is delivered, and commits what has arrived unless more follows at once.
    fn delivered(&mut self, chunk: &Chunk) -> anyhow::Result<()> {
        let next = chunk.offset + chunk.records;
        counters().printed(chunk.records, chunk.bytes);
        self.reached.reached(chunk.partition, next);
        self.at.insert(chunk.partition, next);
        self.more = next < chunk.end && !self.sink.runs_commands();
        self.sink.take_up(&mut self.done)?;
        if !self.more || self.committed.elapsed() >= COMMIT_EVERY {
            self.commit()?;
        }
        Ok(())
    }

    /// Takes over what is assigned from now on. Where we go on in a partition we still have, what
    /// we did there still counts.
    fn assigned(&mut self, assigned: &Assigned) -> anyhow::Result<()> {
        if assigned.generation == self.generation {
            self.tell_gaps(assigned);
        }
        let before = std::mem::replace(&mut self.at, assigned.offsets.clone());
        self.reached.begin(assigned.offsets.clone());
        let kept = |partition: u32| {
            let offset = assigned.offsets.get(&partition);
            offset.is_some() && offset == before.get(&partition)
        };
        self.generation = assigned.generation;
        self.more = false;
        self.sink.begin(assigned.offsets.keys().copied().collect(), kept);
        self.done.retain(|&partition, _| kept(partition));
        self.commit()?;
        Ok(())
    }

    /// Tells of records that were gone before we came to them.
    fn tell_gaps(&self, assigned: &Assigned) {
        for (partition, &offset) in &assigned.offsets {
            if let Some(&at) = self.at.get(partition).filter(|at| **at < offset) {
                message::note(&format!(
                    "{}/{partition}: the records from {at} to {} are gone; continuing at {offset}",
                    self.join.topic,
                    offset - 1
                ));
            }
        }
    }

    /// Commits what has arrived. False if partitions have been shared out anew meanwhile: then the
    /// next poll tells what is still ours.
    fn commit(&mut self) -> anyhow::Result<bool> {
        if self.done.is_empty() {
            return Ok(true);
        }
        let offsets = self.done.clone();
        let committed = self.member.commit(Commit { generation: self.generation, offsets })?;
        if committed {
            self.done.clear();
            self.committed = Instant::now();
        }
        Ok(committed)
    }

    /// Becomes a member again once the daemon is back. What has arrived meanwhile is committed
    /// first, as far as its partitions are ours again, and is not read a second time.
    fn rejoin(&mut self, lost: anyhow::Error, watch: &Watch) -> anyhow::Result<Option<StopReason>> {
        if self.patience.is_zero() {
            return Err(lost);
        }
        let dir = self.dir.clone();
        Member::resume(&dir, self.patience, watch, is_gone, |member| {
            self.member = member;
            while !self.sink.take_up(&mut self.done)? {
                if let Some(halt) = watch.pause(LOOK_MAX)? {
                    return Ok(Some(halt));
                }
            }
            let assigned = self.join_again()?;
            self.done.clear();
            // Another daemon counts generations by itself.
            self.generation = 0;
            self.assigned(&assigned)?;
            Ok(None)
        })
    }

    fn join_again(&mut self) -> anyhow::Result<Assigned> {
        loop {
            let assigned =
                self.member.join(self.join.clone()).map_err(|error| self.explain(error))?;
            let mut offsets = self.done.clone();
            offsets.retain(|partition, next| {
                assigned.offsets.get(partition).is_some_and(|offset| *offset < *next)
            });
            if offsets.is_empty() {
                return Ok(assigned);
            }
            let committed = self.member.commit(Commit { generation: assigned.generation, offsets });
            if committed.context("after log-serve was started again")? {
                self.done.clear();
            }
        }
    }

    /// Says what to do where records are gone.
    fn explain(&self, error: Error) -> anyhow::Error {
        if !error.is_out_of_range() {
            return error.into();
        }
        let remedy = "--reset start or --reset end continues where there are records";
        let why = format!("{error}; {remedy}");
        Failure::new(Status::of(&error.into()), why).into()
    }
}

/// How it ends: to be stopped is how following ends.
fn status(halt: StopReason, follow: bool) -> Status {
    match halt {
        StopReason::Stopped(signal) if !follow => Status::Signal(signal),
        _ => Status::Done,
    }
}
