//! `subscribe --merge`: partitions, of one topic or of several, as one stream in the order of their
//! records' times, also where it follows.

mod feed;
mod gathered;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration as StdDuration, Instant};

use self::feed::{Fed, Feed, Followed};
use self::gathered::Gathered;
use super::opening::open;
use super::pace::Ended;
use super::several::{Printing, Wanted, check};
use super::single::spans;
use super::{Options, explain, halted};
use crate::api::reading::{Chunk, Span};
use crate::cli::input::Watch;
use crate::cli::merged::{counted, part_of, too_much};
use crate::cli::output::Output;
use crate::cli::{Failure, Status, message};
use crate::cmd::clock::tell_odd_times;
use crate::merge::{Fullness, Merge};
use crate::operator::Fault;
use crate::operator::clock::Clock;
use crate::record::control::{Control, End, Start};
use crate::time::Duration;

/// How many partitions may be merged: each takes a connection, and the records that wait.
const INPUTS_MAX: usize = 1024;
/// The bytes before a waiting record: when it was appended.
const TIME_BYTES: usize = 8;

/// A partition that is merged with others.
struct Input {
    topic: Arc<str>,
    partition: u32,
    feed: Feed,
    /// For how long it was waited for since it gave something.
    quiet: StdDuration,
    is_over: bool,
}

/// Partitions on their way to become one stream.
struct Merging<'a> {
    options: &'a Options,
    inputs: Vec<Input>,
    merge: Merge,
    /// What reads the times of records, in ms; without it, they are merged by append time, in µs.
    clock: Option<Clock>,
    out_of_order: Duration,
    /// How many came later than is allowed, and by how much at most, in the unit of the times.
    later: (u64, i64),
    /// Why an input is not read further.
    faults: HashMap<usize, Failure>,
    /// A record before its time was put before it.
    line: Vec<u8>,
    /// For how long was waited, until it is known which inputs gave nothing for so long.
    waited: StdDuration,
    has_told: bool,
}

/// Prints all partitions that are asked for.
///
/// # Errors
/// When there is no such topic or place, or the log cannot be read.
pub(super) fn run(
    options: &Options,
    watch: &Arc<Watch>,
    mut output: Output,
) -> anyhow::Result<Status> {
    check(options)?;
    let (clock, out_of_order) = options.times.clock_if_asked()?;
    let topics = Wanted::new(options)?.topics(options)?;
    if topics.is_empty() {
        let why = format!("{}: no topic matches", options.topic);
        return Err(Failure::new(Status::Unavailable, why).into());
    }
    let mut printing = Printing::new(options, &output, &topics)?;
    let followed = options.follow.then(Followed::new);
    let mut inputs = Vec::new();
    for topic in &topics {
        let mut reader = match open(options, topic, watch)? {
            Ok(reader) => reader,
            Err(halt) => return Ok(halted(halt, options.follow)),
        };
        let topic: Arc<str> = Arc::from(&**topic);
        for span in spans(options, &topic, &mut reader).map_err(explain)? {
            if inputs.len() == INPUTS_MAX {
                let why = format!("--merge: more than {INPUTS_MAX} partitions; name fewer topics");
                return Err(Failure::usage(why).into());
            }
            let feed = match &followed {
                Some(followed) => followed.begin(options, watch, &topic, span)?,
                None => match Feed::begin(options, watch, &topic, span)? {
                    Ok(feed) => feed,
                    Err(halt) => return Ok(halted(halt, options.follow)),
                },
            };
            let (topic, Span { partition, .. }) = (Arc::clone(&topic), span);
            let (quiet, is_over) = (StdDuration::ZERO, false);
            inputs.push(Input { topic, partition, feed, quiet, is_over });
        }
    }
    let mut merging = Merging {
        options,
        merge: Merge::new(inputs.len(), out_of_order),
        inputs,
        clock,
        out_of_order,
        later: (0, 0),
        faults: HashMap::new(),
        line: Vec::new(),
        waited: StdDuration::ZERO,
        has_told: false,
    };
    let ended = merging.drive(followed.as_ref(), watch, &mut printing, &mut output);
    let status = merging.conclude();
    printing.finish();
    Ok(match ended? {
        Some(Ended::Halt(halt)) => halted(halt, options.follow),
        _ => status,
    })
}

impl Merging<'_> {
    /// Reads and prints until all has ended, or enough was printed.
    fn drive(
        &mut self,
        followed: Option<&Followed>,
        watch: &Watch,
        printing: &mut Printing,
        output: &mut Output,
    ) -> anyhow::Result<Option<Ended>> {
        let (trusted, partitions) = (!self.options.no_verify, Vec::new());
        self.say(printing, &Control::Start(Start { trusted, partitions }));
        loop {
            let (ended, fault) = self.print(watch, printing, output)?;
            let written = printing.write(output)?;
            if let Some(ended) = ended.or(written) {
                if matches!(ended, Ended::Complete) {
                    self.say(printing, &Control::End(End {}));
                    printing.write(output)?;
                }
                return Ok(Some(ended));
            }
            if let Some(fault) = fault {
                return Err(fault.into());
            }
            if self.inputs.iter().all(|input| input.is_over) {
                self.say(printing, &Control::End(End {}));
                return printing.write(output);
            }
            if let Some(halt) = watch.stopped() {
                return Ok(Some(Ended::Halt(halt)));
            }
            let awaited = self.merge.awaited();
            let is_full = self.is_full(awaited)?;
            let numbers = self.readable(awaited, is_full, followed.is_some());
            let waited = std::mem::take(&mut self.waited);
            let (mut has_read, idle) = (false, self.options.times.idle());
            for &number in &numbers {
                let Some(input) = self.inputs.get_mut(number) else { continue };
                match input.feed.next(watch).map_err(explain)? {
                    Fed::Records(chunk, bytes) => self.take(number, &chunk, &bytes),
                    Fed::End => self.end(number),
                    Fed::Nothing => {
                        self.wait(number, waited, idle);
                        continue;
                    }
                    Fed::Halted(halt) => return Ok(Some(Ended::Halt(halt))),
                }
                has_read = true;
            }
            let Some(followed) = followed.filter(|_| !has_read && waited.is_zero()) else {
                continue;
            };
            if is_full {
                self.tell_full(awaited);
            }
            let begun = Instant::now();
            let patience = self.patience(&numbers, idle);
            if let Some(halt) = followed.wait(patience).map_err(explain)? {
                return Ok(Some(Ended::Halt(halt)));
            }
            self.waited =
                patience.map_or(StdDuration::ZERO, |planned| counted(begun.elapsed(), planned));
        }
    }

    /// Which inputs may be read: the one that holds the others back; where they are followed, the
    /// others as well, while there is room.
    fn readable(&self, awaited: Option<usize>, is_full: bool, follows: bool) -> Vec<usize> {
        let is_one = |number: &usize| {
            let is_other = follows && (!is_full || !self.merge.counts(*number));
            Some(*number) == awaited || is_other
        };
        let is_open = |number: &usize| self.inputs.get(*number).is_some_and(|it| !it.is_over);
        (0..self.inputs.len()).filter(is_one).filter(is_open).collect()
    }

    /// Lays out all that is certain; why no more is wanted, or why there is no more, if so.
    fn print(
        &mut self,
        watch: &Watch,
        printing: &mut Printing,
        output: &mut Output,
    ) -> anyhow::Result<(Option<Ended>, Option<Failure>)> {
        let mut run = Gathered::default();
        let mut fault = None;
        let mut show = |inputs: &[Input], run: &Gathered| match run
            .input()
            .and_then(|number| inputs.get(number))
        {
            Some(input) if run.chunk.records > 0 => {
                printing.lay(&input.topic, &run.chunk, &run.bytes, watch, output)
            }
            _ => Ok(None),
        };
        while let Some(next) = self.merge.first() {
            let (input, offset) = (next.input, next.tag);
            if !run.continues(input, offset) {
                if let Some(ended) = show(&self.inputs, &run)? {
                    return Ok((Some(ended), None));
                }
                let partition = self.inputs.get(input).map_or(0, |input| input.partition);
                run.begin(input, partition, offset);
            }
            match next.bytes.split_first_chunk::<TIME_BYTES>() {
                Some((time_us, line)) => run.add(i64::from_le_bytes(*time_us), line),
                None => {
                    fault = self.faults.remove(&input);
                    break;
                }
            }
            self.merge.pass();
        }
        Ok((show(&self.inputs, &run)?, fault))
    }

    /// Takes records of an input.
    fn take(&mut self, number: usize, chunk: &Chunk, bytes: &[u8]) {
        let Some(input) = self.inputs.get_mut(number) else { return };
        input.quiet = StdDuration::ZERO;
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').zip(chunk.append_times());
        for (offset, (line, time_us)) in (chunk.offset..).zip(lines) {
            let record = line.strip_suffix(b"\n").unwrap_or(line);
            // An empty line stands for a record that compaction took away.
            if record.is_empty() {
                continue;
            }
            let at = match &mut self.clock {
                None => Ok(time_us),
                Some(clock) => clock.read(record),
            };
            match at {
                Ok(at) => {
                    self.line.clear();
                    self.line.extend_from_slice(&time_us.to_le_bytes());
                    self.line.extend_from_slice(record);
                    if let Some(later) = self.merge.push(number, at, offset, &self.line) {
                        self.later = (self.later.0 + 1, self.later.1.max(later.0));
                    }
                }
                Err(fault) => return self.break_off(number, offset, &fault),
            }
        }
    }

    fn break_off(&mut self, number: usize, offset: u64, fault: &Fault) {
        let Some(input) = self.inputs.get_mut(number) else { return };
        let why = format!("{}/{}@{offset}: {fault}", input.topic, input.partition);
        input.is_over = true;
        self.faults.insert(number, Failure::new(Status::Data, why));
        self.merge.break_off(number, offset);
    }

    fn end(&mut self, number: usize) {
        if let Some(input) = self.inputs.get_mut(number) {
            input.is_over = true;
        }
        self.merge.end(number);
    }

    /// How long to wait at once, until one of these inputs may not be waited for any more.
    fn patience(&self, numbers: &[usize], idle: Option<StdDuration>) -> Option<StdDuration> {
        let idle = idle?;
        let counting = numbers.iter().filter(|number| self.merge.counts(**number));
        let quiet = counting.filter_map(|number| self.inputs.get(*number)).map(|it| it.quiet);
        let left = quiet.map(|quiet| idle.saturating_sub(quiet)).min();
        left.map(|left| part_of(left, Some(idle)))
    }

    /// An input has nothing, and was waited for so long.
    fn wait(&mut self, number: usize, time: StdDuration, idle: Option<StdDuration>) {
        let Some(input) = self.inputs.get_mut(number) else { return };
        input.quiet = input.quiet.saturating_add(time);
        if idle.is_some_and(|idle| input.quiet >= idle) && self.merge.counts(number) {
            self.merge.quieten(number);
        }
    }

    /// Whether only the input is read that holds the others back, since so much waits.
    ///
    /// # Errors
    /// When that input itself has too much waiting.
    fn is_full(&mut self, awaited: Option<usize>) -> Result<bool, Failure> {
        let fullness = self.merge.fullness(self.options.merge.limit());
        if fullness != Fullness::Beyond {
            return Ok(fullness == Fullness::Full);
        }
        let input = awaited.and_then(|number| self.inputs.get(number));
        let place = input.map(|input| format!("{}/{}: ", input.topic, input.partition));
        let of_awaited = awaited.map_or(0, |number| self.merge.held_of(number));
        Err(too_much(&place.unwrap_or_default(), of_awaited, self.out_of_order))
    }

    fn tell_full(&mut self, awaited: Option<usize>) {
        let Some(input) = awaited.and_then(|number| self.inputs.get(number)) else { return };
        if !std::mem::replace(&mut self.has_told, true) {
            message::note(&format!(
                "{}/{}: waiting for this partition; {} records of the others wait for it, and no more \
                 are read (--max-pending, --idle)",
                input.topic,
                input.partition,
                self.merge.held().records
            ));
        }
    }

    fn say(&self, printing: &mut Printing, control: &Control) {
        if self.options.control {
            printing.put_control(control);
        }
    }

    /// Says what is to be said at the end; gives the status for it.
    fn conclude(&self) -> Status {
        if let Some(clock) = &self.clock {
            tell_odd_times(&clock.odd_times());
        }
        let (count, most) = self.later;
        match self.clock {
            Some(_) => self.options.merge.tell_later((count, most), Some(self.out_of_order)),
            // Append times are merged in microseconds.
            None => self.options.merge.tell_later((count, most.saturating_add(999) / 1000), None),
        }
    }
}
