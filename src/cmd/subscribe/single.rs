//! One topic, without a group.

use std::os::fd::AsFd;

use super::announce::Announcer;
use super::files::Files;
use super::lag::Reached;
use super::opening::open;
use super::pace::{Ended, Paced};
use super::print::{Printed, Printer};
use super::{Options, Place, explain, halted};
use crate::api::reading::{At, ByPartition, Chunk, Span};
use crate::cli::Status;
use crate::cli::counters::counters;
use crate::cli::input::{StopReason, Watch};
use crate::cli::output::{Output, OutputError};
use crate::cmd::place::at;
use crate::log::LogError;
use crate::store::{Manner, Reader, Reading, Step};

/// Prints the records of the topic, without a group.
///
/// # Errors
/// When there is no such topic or place, or the log cannot be read.
pub(super) fn read(
    options: &Options,
    watch: &Watch,
    mut output: Output,
    announcer: Announcer,
) -> anyhow::Result<Status> {
    let mut reader = match open(options, &options.topic, watch)? {
        Ok(reader) => reader,
        Err(halt) => return Ok(halted(halt, options.follow)),
    };
    let spans = spans(options, &options.topic, &mut reader).map_err(explain)?;
    let until_us = match options.until {
        Some(Place::TimeUs(time_us)) if options.follow => Some(time_us),
        _ => None,
    };
    let printer = options.printer(&output)?.up_to(until_us, options.count);
    let mut paced = Paced::new(options)?;
    // What is to be late must pass through us.
    let plain = printer.is_plain() && !paced.is_asked();
    let verify = !options.no_verify;
    // Who wants to go on even after a daemon that was killed must know all that was written.
    let knows_all = options.reconnect.asked().is_some_and(|patience| !patience.is_zero());
    let lends = plain && !options.control && !knows_all && options.lend.allowed();
    let lendable = if lends { Some(output.as_fd().try_clone_to_owned()?) } else { None };
    let unending = spans.iter().all(|span| span.until.is_none());
    let manner = Manner {
        follow: options.follow,
        added: options.follow && options.partition.is_empty() && unending,
        patience: options.reconnect.patience(),
        verify,
        files: plain,
        output: lendable.as_ref().map(AsFd::as_fd),
    };
    let mut printing = Printing {
        partitions: reader.partitions(),
        announcer,
        printer,
        files: Files::new(&options.topic, verify),
        watch,
        reached: Reached::in_topic(options.data.dir()?, &options.topic),
    };
    printing.announcer.begin_spans(&spans);
    printing.reached.begin(spans.iter().map(|span| (span.partition, span.from)).collect());
    let reading = reader.read(spans, manner).map_err(anyhow::Error::from);
    let printed = reading.and_then(|reading| printing.print(reading, &mut paced, &mut output));
    let halt = printed.map_err(explain)?;
    paced.finish();
    Ok(halt.map_or(Status::Done, |halt| halted(halt, options.follow)))
}

/// Records on their way to standard output.
struct Printing<'a> {
    /// How many partitions there are, as far as we know.
    partitions: u32,
    announcer: Announcer,
    printer: Printer,
    files: Files<'a>,
    watch: &'a Watch,
    reached: Reached,
}

impl Printing<'_> {
    /// Prints all that is read; tells what ended it, if that was not its own end.
    fn print(
        &mut self,
        mut reading: Reading<'_>,
        paced: &mut Paced,
        output: &mut Output,
    ) -> anyhow::Result<Option<StopReason>> {
        let mut bytes = Vec::new();
        counters().lend(reading.is_lent());
        loop {
            if !self.announcer.put(output)? {
                return Ok(None);
            }
            if !self.printer.wants_more() {
                break;
            }
            let chunk = match reading.next(self.watch, &mut bytes)? {
                Step::Records(chunk) => chunk,
                Step::File(run, file) => {
                    if !self.turn_to(run.partition, output)? {
                        return Ok(None);
                    }
                    let (partition, next) = (run.partition, run.offset + run.records);
                    if let Some(halt) = self.files.print(&run, file, self.watch, output)? {
                        return Ok(Some(halt));
                    }
                    let batches = run.batches.iter();
                    counters().printed(run.records, batches.map(|batch| batch.bytes).sum());
                    self.reached.reached(partition, next);
                    self.announcer.reached(partition, next);
                    continue;
                }
                Step::Done => break,
                Step::Stopped(halt) => return Ok(Some(halt)),
            };
            if !self.turn_to(chunk.partition, output)? {
                return Ok(None);
            }
            let ended = paced.each(&chunk, &bytes, self.watch, |chunk, bytes| {
                self.print_run(chunk, bytes, output)
            });
            match ended? {
                None => {}
                Some(Ended::Complete) => break,
                Some(Ended::Unread) => return Ok(None),
                Some(Ended::Halt(halt)) => return Ok(Some(halt)),
            }
        }
        self.announcer.end();
        self.announcer.put(output)?;
        Ok(None)
    }

    /// Prints a run of records.
    fn print_run(
        &mut self,
        chunk: &Chunk,
        bytes: &[u8],
        output: &mut Output,
    ) -> anyhow::Result<Option<Ended>> {
        self.printer.resize(|| output.size());
        let Printed { lines, more, .. } = self.printer.lines(chunk, bytes);
        let written = output.write(lines);
        self.printer.check()?;
        match written {
            Ok(()) if more => {
                let next = chunk.offset + chunk.records;
                counters().printed(chunk.records, chunk.bytes);
                self.reached.reached(chunk.partition, next);
                self.announcer.reached(chunk.partition, next);
                Ok(None)
            }
            Ok(()) => Ok(Some(Ended::Complete)),
            Err(OutputError::Closed) => Ok(Some(Ended::Unread)),
            Err(error) => Err(error.into()),
        }
    }

    /// Says which partition comes next, and before that if it was added; false if nobody reads on.
    fn turn_to(&mut self, partition: u32, output: &mut Output) -> Result<bool, OutputError> {
        if partition >= self.partitions {
            self.partitions = partition.saturating_add(1);
            self.announcer.begin((0..self.partitions).collect());
        }
        self.announcer.turn_to(partition);
        self.announcer.put(output)
    }
}

/// The parts of the partitions that the user asks for.
///
/// # Errors
/// When there is no such place, or it cannot be looked for.
pub(super) fn spans(
    options: &Options,
    topic: &str,
    reader: &mut Reader,
) -> anyhow::Result<Vec<Span>> {
    let mut partitions = options.partition.clone();
    partitions.sort_unstable();
    partitions.dedup();
    if partitions.is_empty() {
        partitions.extend(0..reader.partitions());
    }
    let from = match (options.last, options.from) {
        (Some(count), _) => At::Last(count),
        (None, place) => at(place, "--from", &partitions)?,
    };
    let until = match options.until {
        // Where following, a time is met when a record of that time comes.
        Some(Place::TimeUs(_)) if options.follow => None,
        Some(place) => Some(at(place, "--until", &partitions)?),
        None if options.follow => None,
        None => Some(At::End),
    };
    let begins = reader.find(&partitions, from)?;
    let ends = match until {
        // Of one moment with the beginning: the last N are N, whatever is appended meanwhile.
        Some(At::End) => begins.iter().map(|(&partition, held)| (partition, held.end)).collect(),
        Some(until) => {
            let found = reader.find(&partitions, until)?;
            found.iter().map(|(&partition, found)| (partition, found.at)).collect()
        }
        None => ByPartition::new(),
    };
    let mut spans = Vec::with_capacity(begins.len());
    for (&partition, held) in &begins {
        let offset = match (options.last, options.from) {
            (None, Place::Offset(offset)) => offset,
            _ => held.at,
        };
        if !(held.start..=held.end).contains(&offset) {
            return Err(LogError::OffsetOutOfRange {
                topic: topic.to_owned(),
                partition,
                offset,
                start: held.start,
                end: held.end,
            }
            .into());
        }
        let until = match options.until {
            Some(Place::Offset(until)) if options.follow => Some(until),
            Some(Place::Offset(until)) => Some(until.min(held.end)),
            _ => ends.get(&partition).copied(),
        };
        let until = until.map(|until| until.max(offset));
        spans.push(Span { partition, from: offset, until });
    }
    Ok(spans)
}
