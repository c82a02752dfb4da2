//! Files that are appended bit by bit, each from where the log says that it was left.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration as StdDuration, Instant};

use clap::Args;
use serde_json::json;

use super::batch::Batch;
use super::enrich::Enrich;
use super::sender::{Origin, Sender};
use super::{BATCH_BYTES, Options, stats, tell, unique};
use crate::api::appending::Stands;
use crate::cli::follow::{Done, FollowOptions, Following, Order, Spool};
use crate::cli::pump::{self, Context, Ended, Stage, StageError};
use crate::cli::{Failure, Status};
use crate::ingest::files::identity::hash;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::store::{self, Store, Tries, Wanted};
use crate::time::Duration;

/// How much of a file is read without telling the log, also if there is no record in it.
const UNTOLD_BYTES_MAX: u64 = 8 << 20;
/// How long to wait for changes before all files are looked at, whatever the kernel tells.
const IDLE: StdDuration = StdDuration::from_secs(3600);

/// How files are resumed and followed.
#[derive(Args, Clone, Debug)]
pub struct CollectOptions {
    /// Append what each FILE has more than the log, also where it was rotated meanwhile
    #[arg(long, conflicts_with = "producer")]
    resume: bool,

    /// As --resume, and then wait for more; FILE may be a quoted pattern
    #[arg(short = 'F', long, conflicts_with = "producer")]
    follow: bool,

    /// Append each finished file of DIR once, and put it away
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    #[arg(conflicts_with_all = ["files", "producer"])]
    spool: Option<PathBuf>,

    /// With --spool: what is done with a file: suffix (.done), move:DIR, or delete
    #[arg(long, value_name = "HOW", requires = "spool", default_value = "suffix")]
    done: Done,

    /// With --spool: the order of the files
    #[arg(long, value_name = "ORDER", value_enum, requires = "spool", default_value = "name")]
    order: Order,

    /// Print at the end what was done, as a JSON object, also after an error
    #[arg(long)]
    stats: bool,

    /// With --follow: look for changes every D, instead of being told by the kernel
    #[arg(long, value_name = "D", requires = "follow")]
    poll: Option<Duration>,

    /// Append a last line without a line end once the file has not changed for D
    ///
    /// The same holds for the last lines that belong together with --multiline. Without the option,
    /// they wait for the next run, or for their writer. With --producer and standard input, only 0
    /// takes them.
    #[arg(long, value_name = "D")]
    partial_after: Option<Duration>,

    /// While the log is full or cannot write, try again for D [default: 0, with --follow for ever]
    #[arg(long, value_name = "D")]
    retry: Option<Duration>,
}

impl CollectOptions {
    /// Whether files are resumed.
    pub fn is_on(&self) -> bool {
        self.resume || self.follow || self.spool.is_some()
    }

    /// Whether what was done is printed at the end.
    pub fn stats(&self) -> bool {
        self.stats
    }

    /// How old a file must be that ends without a line end, for its last line to be taken.
    pub fn partial_after(&self) -> Option<StdDuration> {
        self.partial_after.map(Duration::to_std)
    }

    fn spool(&self) -> Option<Spool> {
        let dir = std::path::absolute(self.spool.as_ref()?).ok()?;
        Some(Spool { dir, order: self.order, done: self.done.clone() })
    }

    fn retry(&self) -> StdDuration {
        let usual = if self.follow { StdDuration::MAX } else { StdDuration::ZERO };
        self.retry.map_or(usual, Duration::to_std)
    }
}

/// Runs the tool with files that are resumed.
///
/// # Errors
/// When the log cannot be written to, or a file cannot be read or is bad.
pub(super) fn run(options: &Options) -> anyhow::Result<Status> {
    let paths = &options.input.files;
    if paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::usage("-: only files can be resumed; name one").into());
    }
    let spool = options.collect.spool();
    if paths.is_empty() && spool.is_none() {
        return Err(Failure::usage("--resume and --follow need files; name one").into());
    }
    let begun = Instant::now();
    if options.input.format.is_auto() {
        let why = "--from: auto needs the first lines, which are not read again; name the format";
        return Err(Failure::usage(why).into());
    }
    let enrich = options.enrich.build()?;
    options.unique.asked()?;
    let (sender, known) = open(options)?;
    let sender = sender.retrying(options.collect.retry());
    let follow = FollowOptions {
        paths: paths.clone(),
        follow: options.collect.follow,
        poll: options.collect.poll.map(Duration::to_std),
        spool,
        partial_after: options.collect.partial_after(),
    };
    let known = known.into_iter().map(|one| (one.name, one.sequence, one.time_us));
    let following = Following::new(follow, known)?;
    let mut stage = Collect {
        following: following.clone(),
        sender,
        batch: Batch::default(),
        enrich,
        visit: None,
        is_end: false,
        taken: HashSet::new(),
        bytes: 0,
        idle: options.collect.follow.then_some(StdDuration::ZERO),
    };
    let input = options.input.without_files();
    let outcome = pump::run_sources(&input, Box::new(following.clone()), &mut stage);
    let appended = stage.sender.appended();
    let (files, bytes) = (stage.taken.len(), stage.bytes);
    let appender = stage.sender.into_appender();
    let placed = appender.placed().clone();
    let closed = appender.close();
    if options.collect.stats {
        stats::print(&json!({
            "topic": options.topic, "files": files, "records": appended,
            "skipped": placed.skipped, "bytes": bytes, "ms": stats::ms_since(begun),
        }))?;
    }
    let outcome = outcome.inspect_err(|_| tell(appended, &options.topic))?;
    closed?;
    if options.verbose || matches!(outcome.ended, Ended::Stopped(_)) {
        tell(appended, &options.topic);
    }
    if options.verbose {
        unique::tell(&placed, &options.topic);
    }
    match following.missing().first() {
        Some(path) if outcome.ended == Ended::Input => {
            Err(Failure::new(Status::Io, format!("{}: no such file", path.display())).into())
        }
        _ => Ok(outcome.status),
    }
}

/// Opens the topic, for us alone as far as these files go; tells what it knows of files.
fn open(options: &Options) -> anyhow::Result<(Sender, Vec<Stands>)> {
    let wanted = Wanted { partitions: options.partitions, key: options.key.clone() };
    let dir = options.data.dir()?;
    let patience = match options.reconnect.asked() {
        None if options.collect.follow => StdDuration::MAX,
        _ => options.reconnect.patience(),
    };
    let claims = match &options.collect.spool {
        Some(dir) => claims(std::slice::from_ref(dir))?,
        None => claims(&options.input.files)?,
    };
    let mut tries = Tries::within(options.wait.asked().unwrap_or_default());
    loop {
        let attempt = || -> anyhow::Result<_> {
            let mut appender = Store::open(&dir)?.appender(&options.topic, &wanted, patience)?;
            options.unique.apply(&mut appender)?;
            let mut sender = Sender::new(appender, None, 0);
            // What one who was killed has sent is appended, or not, once its claims are free.
            sender.claim(claims.clone())?;
            let known = sender.sources()?;
            Ok((sender, known))
        };
        match attempt() {
            Err(error) if is_busy(&error) => match tries.next_pause() {
                Some(pause) => std::thread::sleep(pause),
                None => return Err(busy(options, &error)),
            },
            done => return done,
        }
    }
}

fn is_busy(error: &anyhow::Error) -> bool {
    error.downcast_ref::<store::Error>().is_some_and(store::Error::is_busy)
}

fn busy(options: &Options, error: &anyhow::Error) -> anyhow::Error {
    let of_lock =
        error.downcast_ref::<store::Error>().is_some_and(|error| error.locked().is_some());
    let what = match of_lock {
        true => "another process writes the log",
        false => "another process collects the same files",
    };
    let why = format!("{}: {what}; try again, or wait with --wait D", options.topic);
    Failure::new(Status::TryAgain, why).into()
}

/// Names that only one process has at a time: one for each file or pattern.
fn claims(paths: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut claims = Vec::new();
    for path in paths {
        let path = std::path::absolute(path)?;
        claims.push(format!("collects:{:016x}", hash(path.as_os_str().as_encoded_bytes())));
    }
    claims.sort();
    claims.dedup();
    Ok(claims)
}

/// Gathers what was read of a file, and appends it with where that leaves the file.
struct Collect {
    following: Following,
    sender: Sender,
    batch: Batch,
    /// What is done with records before they are appended.
    enrich: Option<Box<Enrich>>,
    /// Where the log has the file that is being visited, or will have it.
    visit: Option<u64>,
    /// Whether the visit is over.
    is_end: bool,
    /// The files of which something was taken, and how many bytes of them.
    taken: HashSet<u64>,
    bytes: u64,
    /// For how long nothing came, with --follow.
    idle: Option<StdDuration>,
}

impl Origin for Following {
    fn lines_before(&self) -> u64 {
        Following::lines_before(self)
    }

    fn sequence_before(&self, line: u64) -> anyhow::Result<u64> {
        Ok(self.mark_before_line(line)?.sequence())
    }
}

impl Collect {
    /// Where the log has the file, after the visit began.
    fn begin(&mut self, cx: &mut Context) -> anyhow::Result<Option<u64>> {
        if let Some(position) = self.visit {
            return Ok(Some(position));
        }
        let Some(visited) = self.following.visited() else { return Ok(None) };
        self.sender.keep(&self.following.take_kept(), cx)?;
        let origin = Box::new(self.following.clone());
        self.sender.begin_source(&visited.name, visited.from.sequence(), origin);
        self.visit = Some(visited.from.position);
        Ok(self.visit)
    }

    /// The visit is over, and all that it gave is in the log.
    fn end(&mut self, position: u64, cx: &mut Context) -> anyhow::Result<()> {
        (self.is_end, self.visit) = (false, None);
        let mark = self.following.mark(position, true)?;
        let Some(also) = self.following.end_visit(mark)? else { return Ok(()) };
        self.sender.begin_source(&also, 0, Box::new(self.following.clone()));
        self.sender.send_to(&mut self.batch, mark.sequence(), cx)?;
        self.sender.finish(cx)
    }
}

impl Stage for Collect {
    const ENDS_WITH_OUTPUT: bool = false;

    fn shows_progress(&self) -> bool {
        true
    }

    fn wants_offsets(&self) -> bool {
        self.enrich.as_ref().is_some_and(|enrich| enrich.reads_offset())
    }

    fn wants_lines(&self) -> bool {
        self.enrich.as_ref().is_some_and(|enrich| enrich.reads_line())
    }

    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let Collect { enrich, batch, .. } = self;
        let mut take = |raw: Raw<'_>, _: &mut Context| {
            batch.push(raw);
            Ok(ControlFlow::Continue(()))
        };
        let Some(enrich) = enrich else { return take(raw, cx) };
        let flow = enrich.apply(raw, cx, take)?;
        // It is good, also where nothing is appended for it, and need not be read again.
        self.sender.keep_positions();
        Ok(flow)
    }

    fn control(&mut self, _: &Control, _: &[u8], _: &mut Context) -> Result<(), StageError> {
        Ok(())
    }

    fn source_end(&mut self) {
        self.is_end = true;
    }

    fn gives_up_source(&mut self) -> bool {
        (self.is_end, self.visit) = (false, None);
        self.batch.clear();
        self.following.give_up()
    }

    fn flush(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        let Some(told) = self.begin(cx)? else { return Ok(()) };
        let mark = match cx.broken() {
            Some(None) => return Ok(()),
            Some(Some(line)) => self.following.mark_before_line(line)?,
            None => {
                let position = cx.position();
                let much = self.batch.bytes().len() >= BATCH_BYTES
                    || position.saturating_sub(told) >= UNTOLD_BYTES_MAX;
                if cx.more_at_hand && !much {
                    return Ok(());
                }
                self.following.mark(position, self.is_end)?
            }
        };
        if mark.sequence() != self.sender.stands() {
            self.sender.send_to(&mut self.batch, mark.sequence(), cx)?;
        }
        if mark.position > told
            && let Some(visited) = self.following.visited()
        {
            self.taken.insert(hash(visited.name.as_bytes()));
            self.bytes += mark.position - told;
        }
        self.visit = Some(mark.position);
        if cx.more_at_hand {
            return Ok(());
        }
        self.sender.finish(cx)?;
        if self.is_end && cx.broken().is_none() {
            return self.end(mark.position, cx);
        }
        Ok(())
    }

    fn idle_timeout(&self) -> Option<StdDuration> {
        self.idle.map(|_| IDLE)
    }

    fn on_idle(&mut self, time: StdDuration, cx: &mut Context) -> anyhow::Result<()> {
        let Some(idle) = &mut self.idle else { return Ok(()) };
        *idle = idle.saturating_add(time);
        if *idle >= IDLE {
            *idle = StdDuration::ZERO;
            self.following.look_everywhere();
            self.sender.keep(&self.following.take_kept(), cx)?;
        }
        Ok(())
    }
}
