//! `filter`: keeps the records for which an expression is true.

use std::path::PathBuf;

use super::expression::{DIFFERENCES, ExpressionOptions};
use super::merging::{MergeOptions, MergeTimeOptions, Uses};
use super::silent;
use super::watched::Watched;
use crate::cli::keep::Keep;
use crate::cli::options::InputOptions;
use crate::cli::pump::{Ended, in_option};
use crate::cli::run::Run;
use crate::cli::{Failure, Status};
use crate::expr::Program;
use crate::operator::Side;
use crate::operator::filter::{Filter, Keeping, Unique};
use crate::operator::repeats::Repeats;
use crate::operator::rolled_up::RolledUp;
use crate::operator::unique::{Memory, Seen};
use crate::record::reserved::is_reserved_key;
use crate::time::Duration;

const EXAMPLES: &str = "\
Examples:
  filter '.status >= 500' access.ndjson
      Print the requests that failed.
  subscribe clicks -f --control | filter '.country == \"DE\" and (.path | startswith(\"/buy\"))'
      Follow a topic and print only some of its records.
  filter -v '.user == null' events.ndjson.gz > known.ndjson
      Leave out records of a compressed file.
  filter -c '.level == \"error\"' app.ndjson
      Count them.
  if filter -q 'has(\"panic\")' app.ndjson; then echo 'it happened again'; fi
      Test whether a record matches.
  filter --arg user \"$USER\" '.user == $user' --else others.ndjson events.ndjson
      Split the records between two outputs, by a value from the shell.
  filter true --unique .id --within 10m --time .ts events.ndjson
      Leave out records that are delivered again within ten minutes.
  filter '.level == \"error\"' --merge --time .ts web1.ndjson <(ssh web2 cat app.ndjson)
      Print the errors of two hosts in the order of their times.
  tail -n0 -F alerts.ndjson | filter true --unique .rule --within 10m --time .ts --repeats n --idle 10s
      Print an alert at once, and those that repeat it as one, which says how many they are.

Exit status: 0 done; 1 with -e or -q, no record was kept; 2 invalid options or expression; 65 bad
records, or an input that was cut short; 74 reading or writing failed.";

/// Keep the records for which a jq expression is true
///
/// filter reads one JSON value on each line, and writes those for which a result of EXPR is neither
/// false nor null, byte for byte as they are. EXPR is a jq expression that sees only the record:
/// not the environment, the clock, other records or files. A record for which EXPR fails is bad
/// input; use '.a?' and '//' for fields that may be missing or of another type.
///
/// With --unique, filter keeps only the first record of each key among those that EXPR keeps. Its
/// memory grows with the number of keys, unless --within or --last limits it. Keys are compared as
/// JSON: 1 and 1.0 are two keys.
///
/// With --unique, --within and --repeats, the first record of a key passes at once, and the later
/// ones are held back. When --within is over, the last one of them passes, with a field that says
/// how many there were, itself included; if there was none, nothing comes. So each record is counted
/// once: by itself, or in that number.
///
/// Control records pass; with --else they go to both outputs. --plain leaves them out. If filter
/// stops early, as with -m, it writes the ends of the streams that are open.
#[derive(clap::Parser, Debug)]
#[command(
    name = "filter",
    version,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{DIFFERENCES}"),
    mut_arg("merge", |merge| merge.hide_short_help(false)),
    mut_arg("idle", |idle| idle.help(
        "With --repeats: let event time continue with the clock after DURATION without a record; with \
         --merge: do not wait any longer for a pipe that gave nothing for DURATION"
    )),
    override_usage = "filter [OPTIONS] EXPR [FILE]...\n       filter [OPTIONS] -f FILE [FILE]..."
)]
pub struct Options {
    #[command(flatten)]
    expression: ExpressionOptions,

    /// Keep the records for which EXPR is not true
    #[arg(help_heading = "Selection")]
    #[arg(short = 'v', long)]
    invert: bool,

    /// Accept an EXPR that is always true, such as an assignment or a constant
    #[arg(help_heading = "Selection", hide_short_help = true)]
    #[arg(long)]
    allow_assignment: bool,

    /// Print only how many records were kept
    #[arg(help_heading = "Output")]
    #[arg(short = 'c', long)]
    count: bool,

    /// Stop after N records are kept
    #[arg(help_heading = "Selection")]
    #[arg(short = 'm', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_kept: Option<u64>,

    /// Print nothing, stop at the first record that is kept, and set the exit status as -e does
    #[arg(help_heading = "Output")]
    #[arg(short = 'q', long, conflicts_with = "count")]
    quiet: bool,

    /// End with status 1 if no record was kept
    #[arg(help_heading = "Output")]
    #[arg(short = 'e', long)]
    exit_status: bool,

    /// Append the records that are not kept to FILE, which may be a FIFO or >(COMMAND)
    #[arg(help_heading = "Output")]
    #[arg(long = "else", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    otherwise: Option<PathBuf>,

    /// Keep only the first record for each value of the jq expression EXPR
    #[arg(help_heading = "Selection")]
    #[arg(long, value_name = "EXPR")]
    unique: Option<String>,

    /// With --unique: leave out records only within this event time of a kept one of their key
    ///
    /// The tool forgets a key when the maximum event time so far is DURATION after the kept record.
    #[arg(help_heading = "Selection")]
    #[arg(long, value_name = "DURATION", requires = "unique", requires = "time")]
    within: Option<Duration>,

    /// With --within: also keep the last repeat of a key, with how many there were in this field
    ///
    /// It comes when --within is over: with the first record after that, or by --idle. Several that
    /// are over are ordered by that time, then by their first records. At the end of the input all
    /// come; if the input is cut short, none does. A field of this name is replaced. --else gets the
    /// other repeats. The input must not be windowed; partitions are not passed on.
    #[arg(help_heading = "Selection", hide_short_help = true)]
    #[arg(long, value_name = "FIELD", requires = "within")]
    repeats: Option<String>,

    /// With --repeats: stop when more than N keys are held at the same time
    #[arg(help_heading = "Selection", hide_short_help = true)]
    #[arg(long, value_name = "N", default_value_t = KEYS_MAX, requires = "repeats")]
    max_keys: usize,

    /// With --unique: remember only the N most recent keys
    #[arg(help_heading = "Selection", hide_short_help = true)]
    #[arg(
        long, value_name = "N", requires = "unique", conflicts_with = "within",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    last: Option<u32>,

    #[command(flatten)]
    times: MergeTimeOptions,

    #[command(flatten)]
    merge: MergeOptions,

    /// Use N cores; the records keep their order
    #[arg(help_heading = "Input", hide_short_help = true)]
    #[arg(
        short = 'j', long, value_name = "N", default_value = "1",
        conflicts_with_all = ["max_kept", "quiet", "unique"],
        value_parser = clap::value_parser!(u8).range(1..)
    )]
    jobs: u8,

    #[command(flatten)]
    input: InputOptions,
}

/// How many keys `--repeats` holds, if nothing else is said: with short records, some hundred
/// megabytes.
const KEYS_MAX: usize = 1_000_000;

/// Runs the tool.
///
/// # Errors
/// A malformed expression, a bad record without `--rejects`, or failing input or output.
pub fn run(mut options: Options) -> anyhow::Result<Status> {
    if !options.expression.settle(&mut options.input) {
        return Err(
            Failure::usage("<EXPR> is missing, the jq expression; see 'filter --help'").into()
        );
    }
    options.check_repeats()?;
    let uses = Uses { time: options.within.is_some(), idle: options.repeats.is_some() };
    options.merge.settle_alone(&mut options.input, &options.times, uses)?;
    let watched = Watched::for_people();
    let program = watched.over(options.program()?);
    if !options.allow_assignment {
        options.expression.check_condition(&program, "--allow-assignment")?;
    }
    if options.expression.explain(&program)? {
        return Ok(Status::Done);
    }
    let place = options.otherwise.as_deref();
    let keep = place.map(|path| Keep::open(path, "what is not kept")).transpose()?;
    if !(options.quiet || options.count) {
        silent::explain_with(&options.input, |figures| Some(silent::none_was("passed", figures)));
    }
    let mut filter = options.filter(program);
    let mut run = Run::over(&options.input).keeping(Side::Else, keep);
    let outcome = if options.jobs == 1 {
        run.operator(&mut filter)?
    } else {
        let worker = |_| Ok(options.filter(watched.over(options.program()?)));
        let workers: anyhow::Result<Vec<Filter>> = (0..options.jobs).map(worker).collect();
        run.shared(&mut filter, workers?)?
    };
    let kept = filter.kept();
    // With -m it has not seen all records, and with -q it is to print nothing.
    if !options.quiet && options.max_kept.is_none_or(|most| kept < most) {
        watched.tell(&outcome);
    }
    let nothing = kept == 0 && outcome.ended == Ended::Input;
    Ok(match outcome.status {
        Status::Done if nothing && (options.exit_status || options.quiet) => Status::No,
        status => status,
    })
}

impl Options {
    fn filter(&self, program: Program) -> Filter {
        let keeping = Keeping {
            invert: self.invert,
            print: !(self.count || self.quiet),
            speaks: self.expression.speaks(),
            others_speak: !self.expression.plain,
            count: self.count,
            kept_max: if self.quiet { Some(1) } else { self.max_kept },
        };
        let time = self.time_of_keys().map(|_| self.times.time_unit);
        let unique = match (&self.repeats, self.within) {
            (Some(field), Some(within)) => {
                let repeats = Repeats::new(within.ms(), self.max_keys).idling(self.times.idle);
                Some(Unique::rolled_up(RolledUp::new(repeats, field), self.times.time_unit))
            }
            _ => self.memory().map(|memory| Unique::new(Seen::new(memory), time)),
        };
        let trust = self.expression.trust(self.jobs == 1);
        Filter::new(program, trust, keeping).with_unique(unique)
    }

    fn check_repeats(&self) -> Result<(), Failure> {
        if self.times.idle.is_some() && self.repeats.is_none() && !self.merge.merge {
            return Err(in_option("--idle", "it has no effect here; add --repeats or --merge"));
        }
        let Some(field) = &self.repeats else { return Ok(()) };
        if is_reserved_key(field) {
            let why = "no record may begin with this field; choose another name";
            return Err(in_option("--repeats", why));
        }
        for (option, given) in [("--within", self.within), ("--idle", self.times.idle)] {
            if given == Some(Duration::default()) {
                return Err(in_option(option, "must be longer than 0"));
            }
        }
        Ok(())
    }

    /// EXPR and, behind it, what gives a record's key and its time.
    fn program(&self) -> anyhow::Result<Program> {
        let unique = self.unique.as_deref().map(|expression| ("--unique", expression));
        let time = self.time_of_keys().map(|expression| ("--time", expression));
        let others: Vec<_> = unique.into_iter().chain(time).collect();
        self.expression.compile(&others)
    }

    /// The expression for a time after which a key is forgotten.
    fn time_of_keys(&self) -> Option<&str> {
        self.times.time.as_deref().filter(|_| self.within.is_some())
    }

    fn memory(&self) -> Option<Memory> {
        self.unique.as_ref()?;
        Some(match (self.within, self.last) {
            (Some(span), _) => Memory::Within(span.ms()),
            (None, Some(count)) => Memory::Last(count as usize),
            (None, None) => Memory::All,
        })
    }
}
