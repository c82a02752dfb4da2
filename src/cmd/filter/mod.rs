//! `filter`: keeps the records for which an expression is true.

mod unique;

use std::ops::ControlFlow;
use std::path::PathBuf;

use self::unique::{Memory, Seen};
use super::clock::event_time;
use super::expression::{DIFFERENCES, ExpressionOptions, Trust};
use super::watched::Watched;
use crate::cli::keep::Keep;
use crate::cli::options::InputOptions;
use crate::cli::parallel::{Parallel, Shared};
use crate::cli::pump::{self, Context, Ended, Stage, StageError};
use crate::cli::{Failure, Status};
use crate::expr::Program;
use crate::record::control::Control;
use crate::record::decode::Raw;
use crate::record::lines::Lines;
use crate::time::Duration;
use crate::time::event_time::TimeUnit;

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
/// Control records pass; with --else they go to both outputs. --plain leaves them out. If filter
/// stops early, as with -m, it writes the ends of the streams that are open.
#[derive(clap::Parser, Debug)]
#[command(
    name = "filter",
    version,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{DIFFERENCES}"),
    override_usage = "filter [OPTIONS] EXPR [FILE]...\n       filter [OPTIONS] -f FILE [FILE]..."
)]
pub struct Options {
    #[command(flatten)]
    expression: ExpressionOptions,

    /// Keep the records for which EXPR is not true
    #[arg(short = 'v', long)]
    invert: bool,

    /// Accept an EXPR that is always true, such as an assignment or a constant
    #[arg(long)]
    allow_assignment: bool,

    /// Print only how many records were kept
    #[arg(short = 'c', long)]
    count: bool,

    /// Stop after N records are kept
    #[arg(short = 'm', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_kept: Option<u64>,

    /// Print nothing, stop at the first record that is kept, and set the exit status as -e does
    #[arg(short = 'q', long, conflicts_with = "count")]
    quiet: bool,

    /// End with status 1 if no record was kept
    #[arg(short = 'e', long)]
    exit_status: bool,

    /// Append the records that are not kept to FILE, which may be a FIFO or >(COMMAND)
    #[arg(long = "else", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    otherwise: Option<PathBuf>,

    /// Keep only the first record for each value of the jq expression EXPR
    #[arg(long, value_name = "EXPR")]
    unique: Option<String>,

    /// With --unique: leave out records only within this event time of a kept one of their key
    ///
    /// The tool forgets a key when the maximum event time so far is DURATION after the kept record.
    #[arg(long, value_name = "DURATION", requires = "unique", requires = "time")]
    within: Option<Duration>,

    /// With --unique: remember only the N most recent keys
    #[arg(
        long, value_name = "N", requires = "unique", conflicts_with = "within",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    last: Option<u32>,

    /// With --within: the jq expression for a record's event time: an RFC 3339 string, or a number
    #[arg(long, value_name = "EXPR", requires = "within")]
    time: Option<String>,

    /// The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]
    #[arg(long, value_name = "s|ms|us|ns", requires = "time")]
    time_unit: Option<TimeUnit>,

    /// Use N cores; the records keep their order
    #[arg(
        short = 'j', long, value_name = "N", default_value = "1",
        conflicts_with_all = ["max_kept", "quiet", "unique"],
        value_parser = clap::value_parser!(u8).range(1..)
    )]
    jobs: u8,

    #[command(flatten)]
    input: InputOptions,
}

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
    let filter = options.filter(program, keep);
    let (outcome, kept) = if options.jobs == 1 {
        let mut filter = filter;
        (pump::run(&options.input, &mut filter)?, filter.parting.kept)
    } else {
        let worker = |_| Ok(options.filter(watched.over(options.program()?), None));
        let workers: anyhow::Result<Vec<Filter>> = (0..options.jobs).map(worker).collect();
        let mut filters = Parallel::new(filter, workers?, options.input.record_bytes_max())?;
        (pump::run(&options.input, &mut filters)?, filters.stage().parting.kept)
    };
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
    fn filter(&self, program: Program, otherwise: Option<Keep>) -> Filter {
        Filter {
            program,
            trust: self.expression.trust(self.jobs == 1),
            seen: self.memory().map(Seen::new),
            key: Vec::new(),
            timed: self.time.is_some(),
            time_unit: self.time_unit,
            count: self.count,
            parting: Parting {
                invert: self.invert,
                print: !(self.count || self.quiet),
                speaks: self.expression.speaks(),
                others_speak: !self.expression.plain,
                kept_max: if self.quiet { Some(1) } else { self.max_kept },
                kept: 0,
                others: self.otherwise.is_some().then(Vec::new),
            },
            otherwise,
        }
    }

    /// EXPR and, behind it, what gives a record's key and its time.
    fn program(&self) -> anyhow::Result<Program> {
        let unique = self.unique.as_deref().map(|expression| ("--unique", expression));
        let time = self.time.as_deref().map(|expression| ("--time", expression));
        let others: Vec<_> = unique.into_iter().chain(time).collect();
        self.expression.compile(&others)
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

struct Filter {
    program: Program,
    trust: Trust,
    /// The keys that passed, with --unique.
    seen: Option<Seen>,
    /// The key of the record in hand.
    key: Vec<u8>,
    /// Whether records have times.
    timed: bool,
    time_unit: Option<TimeUnit>,
    /// Whether the number of records that were kept goes out, at the end.
    count: bool,
    parting: Parting,
    /// Where the others go.
    otherwise: Option<Keep>,
}

/// What is kept, and what becomes of it and of the others.
struct Parting {
    invert: bool,
    /// Whether records go out.
    print: bool,
    /// Whether control records go out with them.
    speaks: bool,
    /// Whether control records go with the others.
    others_speak: bool,
    kept_max: Option<u64>,
    kept: u64,
    /// The others on their way, if they go anywhere.
    others: Option<Vec<u8>>,
}

impl Parting {
    /// Takes a record that is kept or not; `Break` when it was the last that is wanted.
    #[inline]
    fn take(&mut self, record: &[u8], kept: bool, out: &mut Vec<u8>) -> ControlFlow<()> {
        if !kept {
            if let Some(others) = &mut self.others {
                put(record, others);
            }
            return ControlFlow::Continue(());
        }
        self.kept += 1;
        if self.print {
            put(record, out);
        }
        match self.kept_max == Some(self.kept) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// Adds lines of control records, which go both to the records that are kept and to the others.
    fn say(&mut self, lines: &[u8], out: &mut Vec<u8>) {
        if self.print && self.speaks {
            out.extend_from_slice(lines);
        }
        if let Some(others) = self.others.as_mut().filter(|_| self.others_speak) {
            others.extend_from_slice(lines);
        }
    }
}

fn put(line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(line);
    out.push(b'\n');
}

impl Filter {
    fn keeps(&mut self, record: &[u8]) -> Result<bool, StageError> {
        let mut record = self.program.load(record).map_err(StageError::bad)?;
        if record.truth(0).map_err(StageError::said)? == self.parting.invert {
            return Ok(false);
        }
        let Some(seen) = &mut self.seen else { return Ok(true) };
        self.key.clear();
        let key = record.value(1);
        key.map_err(|error| StageError::bad(format!("--unique: {error}")))?
            .write_json(&mut self.key);
        let time_ms = match self.timed {
            true => event_time(&mut record, 2, self.time_unit).map_err(StageError::Bad)?,
            false => 0,
        };
        Ok(seen.passes(&self.key, time_ms))
    }
}

impl Stage for Filter {
    fn record(&mut self, raw: Raw<'_>, cx: &mut Context) -> Result<ControlFlow<()>, StageError> {
        let kept = self.keeps(raw.bytes)?;
        Ok(self.parting.take(raw.bytes, kept, &mut cx.out))
    }

    fn lines(&mut self, lines: &mut Lines<'_>, cx: &mut Context) -> ControlFlow<()> {
        // A key is read from one record after the other.
        if self.seen.is_some() {
            return ControlFlow::Continue(());
        }
        let parting = &mut self.parting;
        self.program.sift(0, lines, |record, truth| {
            parting.take(record, truth != parting.invert, &mut cx.out)
        })
    }

    fn control(
        &mut self,
        control: Control,
        line: &[u8],
        cx: &mut Context,
    ) -> Result<(), StageError> {
        self.trust.heed(&control, &mut self.program);
        self.parting.say(line, &mut cx.out);
        self.parting.say(b"\n", &mut cx.out);
        Ok(())
    }

    fn source_end(&mut self) {
        self.trust.forget(&mut self.program);
    }

    fn flush(&mut self, _: &mut Context) -> anyhow::Result<()> {
        match (&mut self.otherwise, &mut self.parting.others) {
            (Some(otherwise), Some(others)) if !others.is_empty() => {
                let written = otherwise.write(others);
                others.clear();
                written
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, cx: &mut Context) -> anyhow::Result<()> {
        // With --max-kept the stream may have more, but all that was asked for is there.
        let ends = cx.close_streams();
        self.parting.say(&ends, &mut cx.out);
        if self.count {
            cx.out.extend_from_slice(format!("{}\n", self.parting.kept).as_bytes());
        }
        self.flush(cx)
    }
}

impl Shared for Filter {
    /// How many records were kept, and the others.
    type Sum = (u64, Vec<u8>);

    fn hand_in(&mut self) -> (u64, Vec<u8>) {
        let others = self.parting.others.as_mut().map(std::mem::take);
        (std::mem::take(&mut self.parting.kept), others.unwrap_or_default())
    }

    fn absorb(&mut self, (kept, others): (u64, Vec<u8>)) {
        self.parting.kept += kept;
        if let Some(all) = &mut self.parting.others {
            all.extend_from_slice(&others);
        }
    }
}
