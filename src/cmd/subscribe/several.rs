//! Several topics at once: what is there is merged in the order in which it was appended, as
//! partitions are; what comes later is printed as it comes.

mod lag;
mod printing;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use glob::Pattern;

use self::lag::Lag;
pub(super) use self::printing::Printing;
use super::opening::{may_come, open, open_within};
use super::pace::Ended;
use super::single::spans;
use super::{Options, Place, explain, halted};
use crate::api::reading::{BatchSpan, Chunk, Span};
use crate::cli::counters::{Place as Waits, counters};
use crate::cli::input::{StopReason, Watch};
use crate::cli::output::Output;
use crate::cli::{Failure, Status, message};
use crate::cmd::reconnect::is_gone;
use crate::store::{Manner, Reading, Step, Store, Tries};

/// How many topics may be read at once: each takes a connection, and the records that were read.
const TOPICS_MAX: usize = 256;
/// How many runs of records wait to be printed at most.
const NEWS_MAX: usize = 8;
/// How often it is looked for new topics.
const LOOK: Duration = Duration::from_secs(1);
/// How often they are listed though the directory of the topics has not changed: a topic may have
/// been made ours to read.
const LIST: Duration = Duration::from_secs(30);
/// So old is a change that no other one has the same time.
const SETTLED: Duration = Duration::from_secs(2);

/// Whether the user asks for more than one topic.
pub(super) fn is_asked(options: &Options) -> bool {
    !options.others.is_empty() || is_pattern(&options.topic)
}

fn is_pattern(topic: &str) -> bool {
    topic.contains(['*', '?', '['])
}

/// Which topics are meant.
pub(super) struct Wanted {
    named: Vec<String>,
    patterns: Vec<Pattern>,
}

impl Wanted {
    /// Those that the options name.
    ///
    /// # Errors
    /// When a pattern is none.
    pub(super) fn new(options: &Options) -> Result<Wanted, Failure> {
        let mut wanted = Wanted { named: Vec::new(), patterns: Vec::new() };
        for topic in std::iter::once(&options.topic).chain(&options.others) {
            if !is_pattern(topic) {
                wanted.named.push(topic.clone());
                continue;
            }
            let pattern = Pattern::new(topic).map_err(|error| {
                Failure::usage(format!("{topic}: not a pattern: {}", error.msg))
            })?;
            wanted.patterns.push(pattern);
        }
        Ok(wanted)
    }

    /// Does without a topic that cannot be read, if only a pattern says that it is meant: it may be
    /// somebody else's.
    ///
    /// # Errors
    /// The error, if the topic was named.
    fn do_without(&self, topic: &String, error: anyhow::Error) -> anyhow::Result<()> {
        if self.named.contains(topic) {
            return Err(error);
        }
        message::note(&format!("{error:#}; reading the other topics"));
        Ok(())
    }

    /// All that there are now, and those that were named.
    pub(super) fn topics(&self, options: &Options) -> anyhow::Result<BTreeSet<String>> {
        let mut topics: BTreeSet<String> = self.named.iter().cloned().collect();
        if !self.patterns.is_empty() {
            let names = Store::open(&options.data.dir()?)?.topic_names()?.into_iter();
            topics.extend(names.filter(|name| self.patterns.iter().any(|it| it.matches(name))));
        }
        Ok(topics)
    }
}

/// Refuses what makes no sense with several topics, or with merged partitions.
pub(super) fn check(options: &Options) -> Result<(), Failure> {
    let is_offset = |place: &Place| matches!(place, Place::Offset(_));
    let why = if options.group.is_some() {
        "a group reads one topic; start one subscribe for each"
    } else if options.control && !options.merge.merge {
        "--control numbers the partitions of one topic; start one subscribe for each"
    } else if !options.partition.is_empty() && is_asked(options) {
        "--partition is of one topic"
    } else if options.follow && options.until.is_some() {
        "with -f, --until is of one topic that is not merged"
    } else if options.merge.merge && options.times.idle.is_some() && !options.follow {
        "--idle: it has no effect here; add -f, or leave it out"
    } else if is_asked(options)
        && (is_offset(&options.from) || options.until.as_ref().is_some_and(is_offset))
    {
        "an offset is a place in one topic; --from and --until take times"
    } else {
        return Ok(());
    };
    Err(Failure::usage(why))
}

/// A topic whose records that are there are being read.
struct Past<'a> {
    topic: String,
    reading: Reading<'a>,
    /// What was read and not printed yet, and from which batch on.
    run: Option<Run>,
}

/// A run of records.
struct Run {
    chunk: Chunk,
    bytes: Vec<u8>,
}

impl Run {
    /// When the first of its batches was appended.
    fn time_us(&self) -> i64 {
        self.chunk.batches.first().map_or(i64::MIN, |batch| batch.time_us)
    }

    /// Takes the batches from the front that were appended before a time, and at least one.
    fn split(&mut self, before_us: i64) -> Run {
        let later = |batch: &BatchSpan| batch.time_us > before_us;
        let count = self.chunk.batches.iter().skip(1).position(later).map(|at| at + 1);
        let count = count.unwrap_or(self.chunk.batches.len());
        let rest = self.chunk.batches.split_off(count);
        let records = self.chunk.batches.iter().map(|batch| batch.records).sum();
        let bytes: u64 = self.chunk.batches.iter().map(|batch| batch.bytes).sum();
        let at = usize::try_from(bytes).unwrap_or(usize::MAX).min(self.bytes.len());
        let mut chunk = self.chunk.clone();
        (chunk.records, chunk.bytes) = (records, bytes);
        self.chunk.offset += records;
        self.chunk.records -= records.min(self.chunk.records);
        self.chunk.bytes -= bytes.min(self.chunk.bytes);
        self.chunk.batches = rest;
        let behind = self.bytes.split_off(at);
        Run { chunk, bytes: std::mem::replace(&mut self.bytes, behind) }
    }
}

/// What a thread that follows a topic has to say.
enum News {
    Records(String, Run),
    /// A topic has appeared that is meant.
    Appeared(String),
    /// There is no need to read on.
    Halted(StopReason),
    /// A topic cannot be read any more; or none is said, all.
    Failed(Option<String>, anyhow::Error),
}

/// Prints all topics that are asked for.
///
/// # Errors
/// When there is no such topic or place, or the log cannot be read.
pub(super) fn run(
    options: &Options,
    watch: &Arc<Watch>,
    mut output: Output,
) -> anyhow::Result<Status> {
    check(options)?;
    let wanted = Wanted::new(options)?;
    let waits = options.follow && options.wait;
    let topics = match wanted.topics(options) {
        Err(error) if waits && may_come(&error) => wanted.named.iter().cloned().collect(),
        topics => topics?,
    };
    if topics.is_empty() && !waits {
        let remedy = if options.follow { "; --wait waits until there is one" } else { "" };
        let why = format!("{}: no topic matches{remedy}", options.topic);
        return Err(Failure::new(Status::Unavailable, why).into());
    }
    let mut printing = Printing::new(options, &output, &topics)?;
    printing.lag = Some(Lag::in_log(options.data.dir()?));
    let (ended, followed) = past(options, watch, (topics, &wanted), &mut printing, &mut output)?;
    let ended = match ended {
        None if options.follow => {
            Some(follow(options, watch, wanted, followed, &mut printing, &mut output)?)
        }
        ended => ended,
    };
    printing.finish();
    Ok(match ended {
        Some(Ended::Halt(halt)) => halted(halt, options.follow),
        _ => Status::Done,
    })
}

fn too_many() -> anyhow::Error {
    Failure::usage(format!("more than {TOPICS_MAX} topics; name fewer")).into()
}

/// How records are read: what is there, or what comes, also in partitions that are added.
pub(super) fn manner(options: &Options, follow: bool) -> Manner<'static> {
    Manner {
        follow,
        added: follow,
        patience: options.reconnect.patience(),
        verify: !options.no_verify,
        files: false,
        output: None,
    }
}

/// Where each topic is followed from: its beginning, if it is still to come.
type Followed = Vec<(String, Option<Vec<Span>>)>;

/// Prints what is there, in the order in which it was appended.
fn past(
    options: &Options,
    watch: &Watch,
    (topics, wanted): (BTreeSet<String>, &Wanted),
    printing: &mut Printing,
    output: &mut Output,
) -> anyhow::Result<(Option<Ended>, Followed)> {
    if topics.len() > TOPICS_MAX {
        return Err(too_many());
    }
    let (mut all, mut followed) = (Vec::new(), Vec::new());
    let ends = Options { follow: false, ..options.clone() };
    // What is there does not wait for what is to come.
    let comes = options.follow && options.wait;
    let now = Options { wait: !comes && options.wait, ..options.clone() };
    for topic in topics {
        let mut reader = match open(&now, &topic, watch) {
            Ok(Ok(reader)) => reader,
            Ok(Err(halt)) => return Ok((Some(Ended::Halt(halt)), followed)),
            Err(error) if comes && may_come(&error) => {
                followed.push((topic, None));
                continue;
            }
            Err(error) => {
                wanted.do_without(&topic, error)?;
                continue;
            }
        };
        let spans = spans(&ends, &topic, &mut reader).map_err(explain)?;
        let from = |span: &Span| span.until.unwrap_or(span.from);
        let after = |span: &Span| Span { from: from(span), until: None, ..*span };
        followed.push((topic.clone(), Some(spans.iter().map(after).collect())));
        printing.lag.iter().for_each(|lag| lag.begin(&topic, &spans));
        let reading = reader.read(spans, manner(options, false))?;
        all.push(Past { topic, reading, run: None });
    }
    loop {
        let mut at = 0;
        while let Some(past) = all.get_mut(at) {
            if past.run.is_none() {
                let mut bytes = Vec::new();
                match past.reading.next(watch, &mut bytes)? {
                    Step::Records(chunk) => past.run = Some(Run { chunk, bytes }),
                    Step::Stopped(halt) => return Ok((Some(Ended::Halt(halt)), followed)),
                    Step::Done | Step::File(..) => {
                        all.remove(at);
                        continue;
                    }
                }
            }
            at += 1;
        }
        let time = |past: &Past<'_>| past.run.as_ref().map_or(i64::MIN, Run::time_us);
        let mut times: Vec<(i64, usize)> =
            all.iter().enumerate().map(|(at, past)| (time(past), at)).collect();
        times.sort_unstable();
        let Some(&(_, first)) = times.first() else { return Ok((None, followed)) };
        let until_us = times.get(1).map_or(i64::MAX, |(time, _)| *time);
        let Some(Past { topic, run: held, .. }) = all.get_mut(first) else {
            return Ok((None, followed));
        };
        let Some(run) = held else { continue };
        let part = run.split(until_us);
        if run.chunk.batches.is_empty() {
            *held = None;
        }
        if let Some(ended) = printing.print(topic, &part, watch, output)? {
            return Ok((Some(ended), followed));
        }
    }
}

/// Prints what comes, as it comes. A thread follows each topic; they end with the process.
fn follow(
    options: &Options,
    watch: &Arc<Watch>,
    wanted: Wanted,
    followed: Followed,
    printing: &mut Printing,
    output: &mut Output,
) -> anyhow::Result<Ended> {
    let (sender, news) = sync_channel(NEWS_MAX);
    let mut known: BTreeSet<String> = followed.iter().map(|(topic, _)| topic.clone()).collect();
    let spawned = |topic: String, spans: Option<Vec<Span>>| {
        let (options, watch, sender) = (options.clone(), Arc::clone(watch), sender.clone());
        spawn(move || {
            let last = match tell(&options, &watch, &topic, spans, &sender) {
                Ok(None) => return,
                Ok(Some(halt)) => News::Halted(halt),
                Err(error) => News::Failed(Some(topic), error),
            };
            // If nobody hears it, it is over.
            let _ = sender.send(last);
        })
    };
    for (topic, spans) in followed {
        spawned(topic, spans)?;
    }
    let wanted = Arc::new(wanted);
    if !wanted.patterns.is_empty() {
        let (options, watch, sender) = (options.clone(), Arc::clone(watch), sender.clone());
        let wanted = Arc::clone(&wanted);
        spawn(move || {
            let last = match look(&options, &watch, &wanted, &sender) {
                Ok(halt) => News::Halted(halt),
                Err(error) => News::Failed(None, error),
            };
            let _ = sender.send(last);
        })?;
    }
    loop {
        match counters().at(Waits::Input, || news.recv()) {
            Ok(News::Records(topic, run)) => {
                if let Some(ended) = printing.print(&topic, &run, watch, output)? {
                    return Ok(ended);
                }
            }
            Ok(News::Appeared(topic)) => {
                if known.len() >= TOPICS_MAX && !known.contains(&topic) {
                    wanted.do_without(&topic, too_many())?;
                } else if known.insert(topic.clone()) {
                    spawned(topic, None)?;
                }
            }
            Ok(News::Halted(halt)) => return Ok(Ended::Halt(halt)),
            Ok(News::Failed(Some(topic), error)) => {
                wanted.do_without(&topic, explain(error))?;
                printing.lag.iter().for_each(|lag| lag.end(&topic));
                // One that has its name later is another one.
                known.remove(&topic);
            }
            Ok(News::Failed(None, error)) => return Err(explain(error)),
            // All have ended, and one of them has said why.
            Err(_) => return Ok(Ended::Complete),
        }
    }
}

/// Begins a thread.
///
/// # Errors
/// When the system has none left.
pub(super) fn spawn(work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    let thread = std::thread::Builder::new().name("follow".to_owned());
    thread.spawn(work).context("cannot follow a topic")?;
    Ok(())
}

/// Follows a topic, from its beginning if it is not said from where, and tells what comes.
fn tell(
    options: &Options,
    watch: &Watch,
    topic: &str,
    from: Option<Vec<Span>>,
    sender: &SyncSender<News>,
) -> anyhow::Result<Option<StopReason>> {
    let added = manner(options, true);
    let mut reading = match try_to_begin(options, watch, topic, from.as_deref(), added)? {
        Ok(reading) => reading,
        Err(halt) => return Ok(Some(halt)),
    };
    loop {
        let mut bytes = Vec::new();
        let run = match reading.next(watch, &mut bytes)? {
            Step::Records(chunk) => Run { chunk, bytes },
            Step::Stopped(halt) => return Ok(Some(halt)),
            Step::Done | Step::File(..) => return Ok(None),
        };
        if sender.send(News::Records(topic.to_owned(), run)).is_err() {
            return Ok(None);
        }
    }
}

/// Begins to read a topic that was there: its daemon may have gone since.
///
/// # Errors
/// When it cannot be read.
pub(super) fn try_to_begin(
    options: &Options,
    watch: &Watch,
    topic: &str,
    from: Option<&[Span]>,
    manner: Manner<'static>,
) -> anyhow::Result<Result<Reading<'static>, StopReason>> {
    let mut tries = Tries::within(options.reconnect.patience());
    loop {
        let error = match begin(options, watch, topic, from, manner) {
            Ok(begun) => return Ok(begun),
            Err(error) => error,
        };
        let Some(pause) = tries.next_pause().filter(|_| is_gone(&error)) else {
            return Err(error);
        };
        if let Some(halt) = watch.pause(pause)? {
            return Ok(Err(halt));
        }
    }
}

/// Begins to read a topic.
fn begin(
    options: &Options,
    watch: &Watch,
    topic: &str,
    from: Option<&[Span]>,
    manner: Manner<'static>,
) -> anyhow::Result<Result<Reading<'static>, StopReason>> {
    let waits = from.is_none() && options.wait;
    let patience = if waits { Duration::MAX } else { options.reconnect.patience() };
    let mut reader = match open_within(options, topic, watch, Tries::within(patience))? {
        Ok(reader) => reader,
        Err(halt) => return Ok(Err(halt)),
    };
    let spans = match from {
        Some(spans) => spans.to_vec(),
        None => {
            let whole = Options { from: Place::Start, last: None, ..options.clone() };
            spans(&whole, topic, &mut reader)?
        }
    };
    Ok(Ok(reader.read(spans, manner)?))
}

/// Looks for topics that appear, and tells of them.
fn look(
    options: &Options,
    watch: &Watch,
    wanted: &Wanted,
    sender: &SyncSender<News>,
) -> anyhow::Result<StopReason> {
    let dir = options.data.dir()?;
    let mut told = BTreeSet::new();
    let mut listed: Option<(SystemTime, Instant)> = None;
    loop {
        let changed = Store::topics_changed(&dir);
        let is_known = listed.is_some_and(|(of, at)| Some(of) == changed && at.elapsed() < LIST);
        match if is_known { Ok(None) } else { wanted.topics(options).map(Some) } {
            Ok(None) => {}
            Ok(Some(topics)) => {
                let settled = |at: &SystemTime| at.elapsed().is_ok_and(|age| age > SETTLED);
                listed = changed.filter(settled).map(|changed| (changed, Instant::now()));
                told.retain(|topic| topics.contains(topic));
                for topic in topics {
                    if told.insert(topic.clone()) && sender.send(News::Appeared(topic)).is_err() {
                        return Ok(StopReason::OutputClosed);
                    }
                }
            }
            // Whoever follows a topic says so, and waits for the daemon.
            Err(error) if may_come(&error) => {}
            Err(error) => return Err(error),
        }
        if let Some(halt) = watch.pause(LOOK)? {
            return Ok(halt);
        }
    }
}
