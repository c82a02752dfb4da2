//! Files that are appended bit by bit, each from where the log says that it was left.

mod destination;
mod several;
mod stage;

use std::path::PathBuf;
use std::time::{Duration as StdDuration, Instant};

use clap::Args;
use serde_json::{Value, json};

use self::destination::{Destination, One};
use self::several::Several;
use self::stage::Collect;
use super::enrich::Enrich;
use super::route::{Left, Opener};
use super::sender::Sender;
use super::{Options, records, stats, tell, tell_after, unique};
use crate::api::appending::Stands;
use crate::cli::follow::{Done, FollowOptions, Following, Order, Spool};
use crate::cli::pump::{self, Ended, Outcome};
use crate::cli::{Failure, Status, message};
use crate::cmd::reconnect;
use crate::ingest::files::identity::hash;
use crate::store::watch::shown;
use crate::store::{self, Appenders, Opening, Store, Tries, Wanted};
use crate::time::Duration;

/// How files are resumed and followed.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Files")]
pub struct CollectOptions {
    /// Append what each FILE has more than the log, also where it was rotated meanwhile
    #[arg(long, conflicts_with = "producer")]
    resume: bool,

    /// As --resume, and then wait for more; FILE may be a quoted pattern
    ///
    /// Only one run at a time reads a file into a topic: another one ends with status 75, or waits for
    /// the first one to end with --wait D.
    #[arg(short = 'F', long, conflicts_with = "producer")]
    follow: bool,

    /// Append each finished file of DIR once, and put it away
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    #[arg(conflicts_with_all = ["files", "producer"])]
    spool: Option<PathBuf>,

    /// With --spool: what is done with a file: suffix (.done), move:DIR, or delete
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "HOW", requires = "spool", default_value = "suffix")]
    done: Done,

    /// With --spool: the order of the files
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "ORDER", value_enum, requires = "spool", default_value = "name")]
    order: Order,

    /// Print at the end what was done, as a JSON object, also after an error
    #[arg(hide_short_help = true)]
    #[arg(long)]
    stats: bool,

    /// With --follow: look for changes every D, instead of being told by the kernel
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "D", requires = "follow")]
    poll: Option<Duration>,

    /// Append a last line without a line end once the file has not changed for D
    ///
    /// The same holds for the last lines that belong together with --multiline. Without the option,
    /// they wait for the next run, or for their writer. With --producer and standard input, only 0
    /// takes them.
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "D")]
    partial_after: Option<Duration>,

    /// While the log is full or cannot write, try again for D [default: 0, with --follow for ever]
    #[arg(hide_short_help = true)]
    #[arg(long, value_name = "D")]
    retry: Option<Duration>,
}

impl CollectOptions {
    /// Whether files are resumed.
    pub fn is_on(&self) -> bool {
        self.resume || self.follow || self.spool.is_some()
    }

    /// Whether files of a directory are taken.
    pub fn spools(&self) -> bool {
        self.spool.is_some()
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
    let naming = options.route.is_on().then(|| options.route.naming()).transpose()?;
    let nothing = || options.figures(&Figures::default(), begun);
    let opened = stats::of_opening(open(options), options.collect.stats, nothing);
    let Opened { sender, known, appenders } = opened?;
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
    let outcome = match naming.zip(appenders) {
        None => {
            let drove = drive(options, &following, One::new(sender), enrich);
            drove.leave_one(options, begun)
        }
        Some((naming, appenders)) => {
            let home = (options.home().to_owned(), sender);
            let format = options.input.choice()?;
            let to = Several::new(naming, home, options.opener(appenders)?, format);
            drive(options, &following, to, enrich).leave_several(options, begun)
        }
    };
    let outcome = outcome?;
    match following.missing().first() {
        Some(path) if outcome.ended == Ended::Input => {
            Err(Failure::new(Status::Io, format!("{}: no such file", path.display())).into())
        }
        _ => Ok(outcome.status),
    }
}

/// How a run came to its end, and what it leaves.
struct Drove<D> {
    outcome: anyhow::Result<Outcome>,
    to: D,
    files: usize,
    bytes: u64,
}

fn drive<D: Destination>(
    options: &Options,
    following: &Following,
    to: D,
    enrich: Option<Box<Enrich>>,
) -> Drove<D> {
    let mut stage = Collect::new(following.clone(), to, enrich, options.collect.follow);
    let input = options.input.without_files();
    let outcome = pump::run_sources(&input, Box::new(following.clone()), &mut stage);
    let (files, bytes) = stage.amount();
    Drove { outcome, to: stage.to, files, bytes }
}

impl Drove<One> {
    /// Closes the log, and says what was done.
    fn leave_one(self, options: &Options, begun: Instant) -> anyhow::Result<Outcome> {
        let appended = self.to.sender.appended();
        let appender = self.to.sender.into_appender();
        let placed = appender.placed().clone();
        let closed = appender.close();
        if options.collect.stats {
            let (files, bytes, skipped) = (self.files, self.bytes, placed.skipped);
            let figures = Figures { topics: 1, files, records: appended, skipped, bytes };
            stats::print(&options.figures(&figures, begun))?;
        }
        let is_stopped = |outcome: &Outcome| matches!(outcome.ended, Ended::Stopped(_));
        match &self.outcome {
            Err(error) => tell_after(error, appended, &options.topic),
            Ok(outcome) if options.verbose || is_stopped(outcome) => tell(appended, &options.topic),
            Ok(_) => {}
        }
        if options.verbose {
            unique::tell(&placed, &options.topic);
        }
        let outcome = self.outcome?;
        closed?;
        Ok(outcome)
    }
}

impl Drove<Several> {
    /// Closes the log, and says what was done.
    fn leave_several(self, options: &Options, begun: Instant) -> anyhow::Result<Outcome> {
        let left = self.to.leave();
        if options.collect.stats {
            let Left { topics, appended: records, skipped, .. } = left;
            let (files, bytes) = (self.files, self.bytes);
            let figures = Figures { topics, files, records, skipped, bytes };
            stats::print(&options.figures(&figures, begun))?;
        }
        let outcome = self.outcome.inspect_err(|_| left.tell())?;
        if options.verbose || matches!(outcome.ended, Ended::Stopped(_)) {
            left.tell();
        }
        if options.verbose && left.passed > 0 {
            let what = records(left.passed);
            message::note(&format!("{what} passed over, because their topics have them"));
        }
        match left.failed {
            Some(error) => Err(error.into()),
            None => Ok(outcome),
        }
    }
}

/// What is printed of a run.
#[derive(Default)]
struct Figures {
    topics: usize,
    files: usize,
    records: u64,
    skipped: u64,
    bytes: u64,
}

impl Options {
    fn figures(&self, figures: &Figures, begun: Instant) -> Value {
        let Figures { topics, files, records, skipped, bytes } = figures;
        let (to, topics) = match self.route.is_on() {
            true => ("topics", json!(topics)),
            false => ("topic", json!(self.topic)),
        };
        json!({
            (to): topics, "files": files, "records": records, "skipped": skipped,
            "rejected": self.input.rejected.count(), "bytes": bytes, "ms": stats::ms_since(begun),
        })
    }

    /// The topic that keeps where files were left.
    fn home(&self) -> &str {
        self.route.default_topic().unwrap_or(&self.topic)
    }

    fn wanted(&self) -> Wanted {
        Wanted { partitions: self.partitions, key: self.key.clone() }
    }

    fn opener(&self, appenders: Appenders) -> anyhow::Result<Opener> {
        Ok(Opener {
            appenders,
            wanted: self.wanted(),
            unique: self.unique.asked()?,
            retry: self.collect.retry(),
            topics_max: self.route.topics_max(),
            created: 0,
        })
    }
}

/// The topic that keeps where files were left.
struct Opened {
    sender: Sender,
    /// What it knows of files.
    known: Vec<Stands>,
    /// For others, if there are such.
    appenders: Option<Appenders>,
}

/// Opens the topic that keeps where files were left, for us alone as far as these files go.
fn open(options: &Options) -> anyhow::Result<Opened> {
    let (home, wanted) = (options.home(), options.wanted());
    let dir = options.data.dir()?;
    let patience = match options.reconnect.asked() {
        None if options.collect.follow => StdDuration::MAX,
        _ => options.reconnect.patience(),
    };
    let claims = match &options.collect.spool {
        Some(dir) => claims(std::slice::from_ref(dir))?,
        None => claims(&options.input.files)?,
    };
    let mut waits = Waits::new(options);
    let mut tells = options.collect.follow || message::is_terminal();
    let mut opening = Opening::new(&dir, patience);
    loop {
        let attempt = |store: Store| -> anyhow::Result<_> {
            if store.is_served() && claims.len() > CLAIMS_MAX {
                return Err(too_many(claims.len()));
            }
            let (mut appender, appenders) = if options.route.is_on() {
                let (appender, appenders) = store.appenders_with(home, &wanted, patience)?;
                (appender, Some(appenders))
            } else {
                (store.appender(home, &wanted, patience)?, None)
            };
            options.unique.apply(&mut appender)?;
            let mut sender = Sender::new(appender, None, 0);
            // What one who was killed has sent is appended, or not, once its claims are free.
            sender.claim(claims.clone())?;
            let known = sender.sources()?;
            Ok(Opened { sender, known, appenders })
        };
        match opening.open(reconnect::hear, reconnect::is_gone, attempt) {
            Err(error) if is_busy(&error) => {
                let (tries, within) = waits.of(&error);
                let Some(pause) = tries.next_pause() else {
                    return Err(busy(options, &error, within));
                };
                // Cron jobs wait in silence.
                if std::mem::take(&mut tells) {
                    message::note(&waiting(options, &error, within));
                }
                std::thread::sleep(pause);
            }
            done => return done,
        }
    }
}

/// How long is waited for another process: one that writes the log ends soon as a rule, and one that
/// collects the same files does our work.
struct Waits {
    log: (Tries, StdDuration),
    files: (Tries, StdDuration),
}

impl Waits {
    fn new(options: &Options) -> Waits {
        let within = |time| (Tries::within(time), time);
        let files = options.wait.asked().unwrap_or_default();
        Waits { log: within(options.wait.duration()), files: within(files) }
    }

    fn of(&mut self, error: &anyhow::Error) -> (&mut Tries, StdDuration) {
        let (tries, within) = if is_locked(error) { &mut self.log } else { &mut self.files };
        (tries, *within)
    }
}

fn is_busy(error: &anyhow::Error) -> bool {
    error.downcast_ref::<store::Error>().is_some_and(store::Error::is_busy)
}

/// Whether it is the log itself that another process has.
fn is_locked(error: &anyhow::Error) -> bool {
    error.downcast_ref::<store::Error>().is_some_and(|error| error.locked().is_some())
}

fn busy(options: &Options, error: &anyhow::Error, within: StdDuration) -> anyhow::Error {
    let (home, what) = (options.home(), doing(error));
    let ended = match within.is_zero() {
        true => String::new(),
        false => format!(", and did not end within {}", shown(within)),
    };
    let why = format!("{home}: {what}{ended}; try again, or wait with --wait D");
    Failure::new(Status::TryAgain, why).into()
}

fn waiting(options: &Options, error: &anyhow::Error, within: StdDuration) -> String {
    let (home, what, within) = (options.home(), doing(error), shown(within));
    format!("{home}: {what}; waiting up to {within} for it to end")
}

/// What another process does, so that we cannot.
fn doing(error: &anyhow::Error) -> &'static str {
    match is_locked(error) {
        true => "another process writes the log",
        false => "another process collects the same files",
    }
}

/// How many names are claimed at most: a connection may not have many (`--max-names`).
const CLAIMS_MAX: usize = 900;

fn too_many(files: usize) -> anyhow::Error {
    let why = format!(
        "{files} FILEs: through log-serve, at most {CLAIMS_MAX} can be resumed in one run; name a \
         pattern in quotes, as '/var/log/*.log', which counts as one"
    );
    Failure::usage(why).into()
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
