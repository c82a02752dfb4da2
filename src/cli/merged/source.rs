//! All inputs as one source: which of them is read next, and what goes out.

use std::collections::{HashMap, HashSet};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::decoder::{Aside, Asides, MergedDecoder};
use super::input::{Got, Input};
use super::intake::{ASIDE, Buffers, STARTS};
use super::places::Places;
use super::plan::{MergePlan, Report, counted, part_of, too_much};
use crate::cli::input::{BLOCK_BYTES, NextSource, Sources, name_of, stored_bytes};
use crate::cli::options::InputOptions;
use crate::cli::source::{Polled, Source};
use crate::cli::watch::{StopReason, Waiting, Woken};
use crate::cli::{Failure, message};
use crate::ingest::formats::Choice;
use crate::merge::{Fullness, Merge};
use crate::record::control::{Control, End, Start};
use crate::time::timestamp::show_ms;

/// How much is read at a time of all inputs together, at least.
const READ_BYTES: usize = 2 << 20;
/// The least that is read of one of many.
const READ_BYTES_MIN: usize = 16 << 10;
/// How often the others are read while the one that holds them back has enough to give: one that
/// has gone quiet would not be heard else.
const OTHERS_EVERY: u64 = 16;

/// The inputs, which are one source of a tool.
pub(in crate::cli) struct Merged {
    source: Option<MergedSource>,
    files: Vec<PathBuf>,
}

/// Inputs side by side.
struct MergedSource {
    name: Arc<str>,
    plan: Arc<MergePlan>,
    inputs: Vec<Input>,
    buffers: Buffers,
    places: Places,
    asides: Asides,
    /// Where inputs are read into.
    block: Vec<u8>,
    /// A line that was too long for one block, and how much of it was given.
    long: (Vec<u8>, usize),
    stage: Stage,
    fault: Option<anyhow::Error>,
    position: u64,
    /// How often inputs were read.
    rounds: u64,
    /// For how long was waited, until it is known which inputs gave nothing for so long.
    waited: Duration,
    /// Whether it was said which input is waited for.
    has_told: bool,
}

/// How far the stream that is given has come, if it is one with a start and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Before,
    Started,
    After,
}

impl Merged {
    /// Opens the files of a command line, standard input if there are none; gives what decodes the
    /// source that they are, and the places of its lines.
    ///
    /// # Errors
    /// When one cannot be opened, or standard input is named twice.
    pub fn open(
        options: &InputOptions,
        choice: &Choice,
        plan: &Arc<MergePlan>,
    ) -> anyhow::Result<(Merged, MergedDecoder, Places)> {
        let stdin = PathBuf::from("-");
        let files = if options.files.is_empty() { vec![stdin] } else { options.files.clone() };
        if files.iter().filter(|file| *file == Path::new("-")).count() > 1 {
            let why = "--merge: standard input (-) is named twice; name it once";
            return Err(Failure::usage(why).into());
        }
        let mut names = HashSet::new();
        let mut inputs = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let mut name = name_of(file);
            if !names.insert(Arc::clone(&name)) {
                name = Arc::from(format!("{name}#{}", number + 1));
            }
            inputs.push(Input::open(file, name, number, choice.decoder())?);
        }
        let clock = plan.take_clock();
        let clock = clock.ok_or_else(|| anyhow::anyhow!("the inputs are merged already"))?;
        let places = Places::of(inputs.iter().map(|input| Arc::clone(input.name())).collect());
        let asides = Asides::default();
        let decoder = MergedDecoder::new(options.record_bytes_max(), asides.clone());
        let buffers = Buffers {
            merge: Merge::new(inputs.len(), plan.timing.out_of_order),
            clock,
            asides: HashMap::new(),
            asides_count: 0,
            report: Report::default(),
            starts: vec![false; inputs.len()],
        };
        let block_bytes = (READ_BYTES / inputs.len()).clamp(READ_BYTES_MIN, BLOCK_BYTES);
        let source = MergedSource {
            name: Arc::from("merged input"),
            plan: Arc::clone(plan),
            inputs,
            buffers,
            places: places.clone(),
            asides,
            block: vec![0; block_bytes],
            long: (Vec::new(), 0),
            stage: Stage::Before,
            fault: None,
            position: 0,
            rounds: 0,
            waited: Duration::ZERO,
            has_told: false,
        };
        Ok((Merged { source: Some(source), files }, decoder, places))
    }
}

impl Sources for Merged {
    fn next(&mut self, _: &mut Waiting<'_>) -> anyhow::Result<NextSource> {
        Ok(match self.source.take() {
            Some(source) => NextSource::Source(Box::new(source)),
            None => NextSource::End,
        })
    }

    fn stored_bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| stored_bytes(file)).sum()
    }
}

impl MergedSource {
    /// Puts lines at the front of `block`, as many as are certain and have room; how many bytes.
    fn fill(&mut self, block: &mut [u8]) -> usize {
        let mut room = Room { block, used: 0 };
        let (long, given) = &mut self.long;
        *given += room.put_some(long.get(*given..).unwrap_or_default());
        if *given < long.len() {
            return room.used;
        }
        (*long, *given) = (Vec::new(), 0);
        let MergedSource { buffers, places, stage, asides, fault, .. } = self;
        let Buffers { merge, asides: waiting, .. } = buffers;
        places.adding(|places| {
            while fault.is_none()
                && let Some(next) = merge.first()
            {
                // Where the first record after a start has its place, and not when it was read: so
                // that the output does not depend on that.
                if next.tag & STARTS != 0 && *stage == Stage::Before {
                    if !room.put_line(&control(&Control::Start(Start::default()))) {
                        break;
                    }
                    places.add(None, 0);
                    *stage = Stage::Started;
                }
                let input = u32::try_from(next.input).ok();
                if next.tag & ASIDE == 0 {
                    let (tag, line) = (next.tag & !STARTS, next.bytes);
                    if !room.put_line(line) {
                        if room.used > 0 {
                            break;
                        }
                        long.extend_from_slice(line);
                        long.push(b'\n');
                        *given = room.put_some(long);
                    }
                    places.add(input, tag);
                    merge.pass();
                    continue;
                }
                // An empty line keeps its place, and nothing comes after that in this block.
                if !room.put_line(b"") {
                    break;
                }
                let aside = match waiting.remove(&(next.tag & !STARTS)) {
                    Some(Aside::Bad(mut bad, _)) => {
                        bad.line = places.add(input, bad.line);
                        Aside::Bad(bad, next.bytes.to_vec())
                    }
                    Some(Aside::CutShort(line, why)) => {
                        Aside::CutShort(places.add(input, line), why)
                    }
                    Some(Aside::Fault(error)) => {
                        *fault = Some(error);
                        places.add(input, 0);
                        break;
                    }
                    None => break,
                };
                merge.pass();
                asides.push(aside);
                break;
            }
        });
        room.used
    }

    /// The end of the stream that was given, if it has one.
    fn finish(&mut self, block: &mut [u8]) -> Polled {
        let mut room = Room { block, used: 0 };
        // Streams without records are streams, too.
        if self.stage == Stage::Before && self.buffers.starts.contains(&true) {
            self.places.adding(|places| places.add(None, 0));
            room.put_line(&control(&Control::Start(Start::default())));
            self.stage = Stage::Started;
        }
        let has_end = self.stage == Stage::Started;
        self.stage = Stage::After;
        if !has_end {
            return Polled::End;
        }
        self.places.adding(|places| places.add(None, 0));
        room.put_line(&control(&Control::End(End {})));
        self.position += room.used as u64;
        Polled::Bytes(room.used)
    }

    /// Reads on: what holds the others back first, so that little has to wait.
    fn read_on(&mut self, waiting: &mut Waiting<'_>) -> anyhow::Result<Option<Polled>> {
        let awaited = self.buffers.merge.awaited();
        let is_full = self.is_full(awaited)?;
        let waited = std::mem::take(&mut self.waited);
        self.rounds = self.rounds.wrapping_add(1);
        let (first, reason) = self.read_all(awaited.as_slice(), waited, waiting)?;
        let is_turn = !waited.is_zero() || self.rounds.is_multiple_of(OTHERS_EVERY);
        if reason.is_some() || first && !is_turn {
            return Ok(reason.map(Polled::Stopped));
        }
        // Pipes are kept moving while there is room; files can wait.
        let others: Vec<usize> = (0..self.inputs.len())
            .filter(|number| Some(*number) != awaited)
            .filter(|number| !is_full || !self.buffers.merge.counts(*number))
            .filter(|number| self.inputs.get(*number).is_some_and(|it| it.descriptor().is_some()))
            .collect();
        let (second, reason) = self.read_all(&others, waited, waiting)?;
        // What has gone quiet may have made others certain.
        if reason.is_some() || first || second || !waited.is_zero() {
            return Ok(reason.map(Polled::Stopped));
        }
        if is_full {
            self.tell_full(awaited);
        }
        self.wait(awaited.into_iter().chain(others).collect(), waiting)
    }

    /// Reads each of these inputs once; whether one gave something, and why there is no need to
    /// read on, if so. Those that have nothing were `waited` for.
    fn read_all(
        &mut self,
        numbers: &[usize],
        waited: Duration,
        waiting: &Waiting<'_>,
    ) -> anyhow::Result<(bool, Option<StopReason>)> {
        let idle = self.plan.timing.idle.map(|idle| idle.to_std());
        let mut has_read = false;
        for &number in numbers {
            match self.read(number, waiting)? {
                Got::Something => has_read = true,
                Got::Stopped(reason) => return Ok((has_read, Some(reason))),
                Got::Nothing => {
                    if let Some(input) = self.inputs.get_mut(number) {
                        input.wait(waited, idle, &mut self.buffers);
                    }
                }
            }
        }
        Ok((has_read, None))
    }

    fn read(&mut self, number: usize, waiting: &Waiting<'_>) -> anyhow::Result<Got> {
        match self.inputs.get_mut(number) {
            Some(input) if !input.is_over() => {
                input.read(&mut self.block, &mut self.buffers, waiting)
            }
            _ => Ok(Got::Nothing),
        }
    }

    /// Waits until one of these inputs has something, or is not waited for any more.
    fn wait(
        &mut self,
        numbers: Vec<usize>,
        waiting: &mut Waiting<'_>,
    ) -> anyhow::Result<Option<Polled>> {
        let idle = self.plan.timing.idle.map(|idle| idle.to_std());
        let of = |number: &usize| self.inputs.get(*number);
        let waited_for: Vec<&Input> = numbers.iter().filter_map(of).collect();
        let patience = waited_for.iter().filter_map(|it| it.patience(idle, &self.buffers)).min();
        let patience = patience.map(|patience| part_of(patience, idle));
        let fds: Vec<BorrowedFd<'_>> = waited_for.iter().filter_map(|it| it.descriptor()).collect();
        let begun = patience.map(|_| Instant::now());
        let woken = waiting.until_any_ready_within(&fds, patience)?;
        if let Woken::Stopped(reason) = woken {
            return Ok(Some(Polled::Stopped(reason)));
        }
        self.waited = begun
            .zip(patience)
            .map_or(Duration::ZERO, |(begun, patience)| counted(begun.elapsed(), patience));
        Ok((woken == Woken::Quiet && waiting.is_over()).then_some(Polled::Quiet))
    }

    /// Whether only the input is read that holds the others back, since so much waits.
    ///
    /// # Errors
    /// When that input itself has too much waiting.
    fn is_full(&mut self, awaited: Option<usize>) -> anyhow::Result<bool> {
        let fullness = self.buffers.merge.fullness(self.plan.limit);
        if fullness != Fullness::Beyond {
            return Ok(fullness == Fullness::Full);
        }
        let name = awaited.and_then(|number| self.inputs.get(number)).map(Input::name);
        let name = name.map_or_else(String::new, |name| format!("{name}: "));
        let held = awaited.map_or(0, |number| self.buffers.merge.held_of(number));
        Err(too_much(&name, held, self.plan.timing.out_of_order).into())
    }

    fn tell_full(&mut self, awaited: Option<usize>) {
        let Some(number) = awaited.filter(|_| !std::mem::replace(&mut self.has_told, true)) else {
            return;
        };
        let Some(input) = self.inputs.get(number) else { return };
        let come_to = match self.buffers.merge.greatest_ms(number) {
            Some(greatest_ms) => format!("has come to {}", show_ms(greatest_ms)),
            None => "has given nothing yet".to_owned(),
        };
        message::note(&format!(
            "{}: waiting for this input, which {come_to}; {} records of the others wait for it, and no \
             more are read (--max-pending, --idle)",
            input.name(),
            self.buffers.merge.held().records
        ));
    }
}

impl Source for MergedSource {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn stored_position(&self) -> u64 {
        self.inputs.iter().map(Input::stored_position).sum()
    }

    fn may_wait(&self) -> bool {
        self.inputs.iter().any(|input| input.descriptor().is_some())
    }

    fn poll(&mut self, block: &mut [u8], waiting: &mut Waiting<'_>) -> anyhow::Result<Polled> {
        loop {
            if let Some(reason) = waiting.stopped() {
                return Ok(Polled::Stopped(reason));
            }
            let count = self.fill(block);
            if count > 0 {
                self.position += count as u64;
                return Ok(Polled::Bytes(count));
            }
            if let Some(error) = self.fault.take() {
                return Err(error);
            }
            if self.inputs.iter().all(Input::is_over) {
                return Ok(self.finish(block));
            }
            if let Some(polled) = self.read_on(waiting)? {
                return Ok(polled);
            }
        }
    }
}

impl Drop for MergedSource {
    fn drop(&mut self) {
        let odd_times = self.buffers.clock.odd_times();
        self.plan.report(Report { odd_times, ..std::mem::take(&mut self.buffers.report) });
    }
}

/// Where lines are put.
struct Room<'a> {
    block: &'a mut [u8],
    used: usize,
}

impl Room<'_> {
    /// Puts a line with its end, if there is room for all of it.
    fn put_line(&mut self, line: &[u8]) -> bool {
        let Some((front, rest)) =
            self.block.get_mut(self.used..).and_then(|left| left.split_at_mut_checked(line.len()))
        else {
            return false;
        };
        let Some(end) = rest.first_mut() else { return false };
        front.copy_from_slice(line);
        *end = b'\n';
        self.used += line.len() + 1;
        true
    }

    /// Puts as much as there is room for.
    fn put_some(&mut self, bytes: &[u8]) -> usize {
        let left = self.block.get_mut(self.used..).unwrap_or_default();
        let count = bytes.len().min(left.len());
        for (to, from) in left.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.used += count;
        count
    }
}

/// A control record, without a line end.
fn control(control: &Control) -> Vec<u8> {
    let mut line = Vec::new();
    control.write(&mut line);
    line.pop();
    line
}
