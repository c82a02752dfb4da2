//! `subscribe --group`: reading as a member of a consumer group.

use std::time::{Duration, Instant};

use super::announce::Announcer;
use super::print::Printer;
use super::{Options, exec};
use crate::cli::input::{Halt, Watch};
use crate::cli::output::{Output, OutputError};
use crate::cli::{Failure, Status};
use crate::cmd::place::{Place, at};
use crate::cmd::store::reader::chunk;
use crate::log::Chunk;
use crate::wire::answer::Code;
use crate::wire::client::{Client, ClientError, Polled};
use crate::wire::groups::{Assigned, Commit, Join};
use crate::wire::request::{ByPartition, Offsets, Position};

/// How long records may be written and not yet committed while more are there already. A commit
/// costs the daemon about a millisecond.
const COMMIT_EVERY: Duration = Duration::from_millis(20);

/// Reads as a member of `group`.
///
/// # Errors
/// When no daemon runs, an offset is out of range, or a command fails.
pub fn run(
    options: &Options,
    group: &str,
    watch: &Watch,
    output: Output,
    mut announcer: Announcer,
) -> anyhow::Result<Status> {
    let dir = options.data.dir()?;
    let Some(mut client) = Client::connect(&dir)? else {
        let why = format!("{}: --group needs log-serve, which does not run here", dir.display());
        return Err(Failure::new(Status::Unavailable, why).into());
    };
    let offsets = begin(options, &mut client)?;
    let assigned = client.join(Join {
        group: group.to_owned(),
        topic: options.topic.clone(),
        offsets,
        reset: options.reset.map(Into::into),
        follow: options.follow,
        batches: options.meta,
        unverified: options.no_verify,
    })?;
    announcer.begin(assigned.offsets.keys().copied().collect());
    let printer = Printer::new(options.meta.then_some(&*options.topic), None);
    let mut member = Member {
        client,
        generation: assigned.generation,
        done: ByPartition::new(),
        committed: Instant::now(),
        sink: Sink {
            output,
            announcer,
            printer,
            topic: &options.topic,
            command: options.exec.as_deref(),
        },
    };
    member.read(watch, options.follow)
}

/// Where to begin in partitions in which nothing is committed.
fn begin(options: &Options, client: &mut Client) -> anyhow::Result<ByPartition<Position>> {
    if options.from == Place::Start {
        return Ok(ByPartition::new());
    }
    let topic = options.topic.clone();
    let there = client.offsets(Offsets { topic: topic.clone(), ..Offsets::default() })?;
    let partitions: Vec<u32> = there.partitions.keys().copied().collect();
    let at = at(options.from, "--from", &partitions)?;
    let found = client.offsets(Offsets { topic, partitions: None, at })?;
    let position = |found: u64| match options.from {
        Place::End => Position::End,
        Place::Offset(offset) => Position::Offset(offset),
        _ => Position::Offset(found),
    };
    Ok(found.partitions.into_iter().map(|(number, it)| (number, position(it.at))).collect())
}

/// A member of a group.
struct Member<'a> {
    client: Client,
    generation: u64,
    /// How far records are delivered but not committed.
    done: ByPartition<u64>,
    /// When they were last committed.
    committed: Instant,
    sink: Sink<'a>,
}

impl Member<'_> {
    fn read(&mut self, watch: &Watch, follow: bool) -> anyhow::Result<Status> {
        let mut bytes = Vec::new();
        loop {
            if !self.sink.announce()? {
                return self.halt_delivered();
            }
            if let Some(halt) = watch.stopped() {
                self.commit()?;
                return Ok(status(halt, follow));
            }
            self.client.poll()?;
            if !self.client.has_answer()
                && let Some(halt) = watch.wait(&self.client)?
            {
                return self.halt(halt, follow, &mut bytes);
            }
            match self.client.next_polled(&mut bytes)? {
                Polled::Records(records) => {
                    let chunk = chunk(records);
                    match self.sink.deliver(&chunk, &bytes) {
                        Ok(true) => self.delivered(&chunk)?,
                        Ok(false) => return self.halt_delivered(),
                        // The signal that stops us may have ended the command, too.
                        Err(error) => match watch.stopped() {
                            Some(halt) => return Ok(status(halt, follow)),
                            None => return Err(error),
                        },
                    }
                }
                Polled::Assigned(assigned) => self.assigned(&assigned)?,
                Polled::Done(_) if self.commit()? => return Ok(Status::Done),
                // The next poll tells what has changed.
                Polled::Done(_) => {}
            }
        }
    }

    /// Ends while a poll is not answered. If something is not committed there is more to read, so
    /// that the answer comes at once; only then can we commit.
    fn halt(&mut self, halt: Halt, follow: bool, bytes: &mut Vec<u8>) -> anyhow::Result<Status> {
        if !self.done.is_empty() {
            if let Polled::Assigned(assigned) = self.client.next_polled(bytes)? {
                self.assigned(&assigned)?;
            }
            self.commit()?;
        }
        Ok(status(halt, follow))
    }

    /// Ends after our reader has left.
    fn halt_delivered(&mut self) -> anyhow::Result<Status> {
        self.commit()?;
        Ok(Status::Done)
    }

    /// Remembers what is delivered, and commits it unless more follows at once.
    fn delivered(&mut self, chunk: &Chunk) -> anyhow::Result<()> {
        let next = chunk.offset + chunk.records;
        self.done.insert(chunk.partition, next);
        let more = next < chunk.end && self.sink.command.is_none();
        if !more || self.committed.elapsed() >= COMMIT_EVERY {
            self.commit()?;
        }
        Ok(())
    }

    /// Takes over what is assigned from now on. Where we go on in a partition we still have, what
    /// we did there still counts.
    fn assigned(&mut self, assigned: &Assigned) -> anyhow::Result<()> {
        self.generation = assigned.generation;
        self.sink.announcer.begin(assigned.offsets.keys().copied().collect());
        self.done.retain(|partition, next| assigned.offsets.get(partition) == Some(next));
        self.commit()?;
        Ok(())
    }

    /// Commits what is delivered. False if partitions have been shared out anew meanwhile: then
    /// the next poll tells what is still ours.
    fn commit(&mut self) -> anyhow::Result<bool> {
        if self.done.is_empty() {
            return Ok(true);
        }
        let offsets = self.done.clone();
        match self.client.commit(Commit { generation: self.generation, offsets }) {
            Ok(_) => {
                self.done.clear();
                self.committed = Instant::now();
                Ok(true)
            }
            Err(ClientError::Refused(why)) if why.code == Code::StaleGeneration => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Where records are delivered to.
struct Sink<'a> {
    output: Output,
    announcer: Announcer,
    printer: Printer,
    topic: &'a str,
    /// With --exec: the command.
    command: Option<&'a str>,
}

impl Sink<'_> {
    /// Says what is to be said of the records behind; false when nobody reads it any more.
    fn announce(&mut self) -> Result<bool, OutputError> {
        self.announcer.put(&mut self.output)
    }

    /// Delivers a run of records; false when nobody takes them any more.
    fn deliver(&mut self, chunk: &Chunk, bytes: &[u8]) -> anyhow::Result<bool> {
        let (lines, _) = self.printer.lines(chunk, bytes);
        let Some(command) = self.command else {
            self.announcer.turn_to(chunk.partition);
            if !self.announcer.put(&mut self.output)? {
                return Ok(false);
            }
            return match self.output.write(lines) {
                Ok(()) => Ok(true),
                Err(OutputError::Closed) => Ok(false),
                Err(error) => Err(error.into()),
            };
        };
        if !lines.is_empty() {
            let place = format!("{}/{}@{}", self.topic, chunk.partition, chunk.offset);
            exec::run(command, lines, &place)?;
        }
        Ok(true)
    }
}

/// How it ends: to be stopped is how following ends.
fn status(halt: Halt, follow: bool) -> Status {
    match halt {
        Halt::Stopped(signal) if !follow => Status::Signal(signal),
        _ => Status::Done,
    }
}
