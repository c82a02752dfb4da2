//! Files that are read bit by bit: again and again, each from where it was left, whatever rotation
//! does with them. What is read from where is decided by [`crate::ingest::files`]; here are the
//! files.
//!
//! - `targets`: which files are meant. `family`: a file with those it was rotated to.
//! - `content`: what is in a file. `visit`: a part of that, as a source.
//! - `spool`: a directory of files that are taken once.
//! - `changes`: waiting until something changes. `amount`: how much there is to read.
//! - `recount`: how many records lie before a position that another topic has.
//! - `follower`: which visit is next. Here: what a tool's stage asks and says of the visits.

mod amount;
mod changes;
mod content;
mod family;
mod follower;
mod recount;
mod spool;
mod targets;
mod visit;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use self::amount::Amount;
use self::changes::Changes;
use self::follower::Follower;
pub use self::spool::{Done, Order, Spool};
use self::targets::Targets;
pub use self::visit::Visited;
use self::visit::{Plan, State};
use crate::cli::input::{NextSource, Sources};
use crate::cli::watch::{Waiting, Watch};
use crate::ingest::files::identity::Identity;
use crate::ingest::files::mark::Mark;
use crate::ingest::files::memory::Memory;
use crate::record::decode::Decoder;
use crate::sys::clock::{files_now_us, now_us};

/// What the name of a source has behind it that tells where its last line was cut.
pub const CUT: &str = "@cut";

/// How often the log is told that a file is still there.
const KEEPING: Duration = Duration::from_secs(3600);

/// How files are read.
#[derive(Clone, Debug, Default)]
pub struct FollowOptions {
    /// The files and patterns.
    pub paths: Vec<PathBuf>,
    /// Whether to go on when all is read.
    pub follow: bool,
    /// How often to look for changes; none to be told of them, where the kernel does that.
    pub poll: Option<Duration>,
    /// A directory whose files are taken, instead of `paths`.
    pub spool: Option<Spool>,
    /// After how long without a change a last line without a line end is taken.
    pub partial_after: Option<Duration>,
}

/// The files that are read, and what is known of them. Clones share it: one is the input of a tool,
/// another tells its stage which file a record is of.
#[derive(Clone)]
pub struct Following(Rc<RefCell<Follower>>);

impl Following {
    /// Files to be read from where `known` says: names of sources and their sequences, and when the
    /// log last heard of them, in µs since the epoch.
    ///
    /// # Errors
    /// When a path makes no sense, or directories cannot be watched.
    pub fn new(
        options: FollowOptions,
        known: impl Iterator<Item = (String, u64, Option<i64>)>,
    ) -> anyhow::Result<Following> {
        let targets = Targets::new(&options.paths)?;
        let (mut memory, mut cuts) = (Memory::default(), HashMap::new());
        for (name, sequence, time_us) in known {
            if let Some(identity) = name.strip_suffix(CUT).and_then(Identity::parse) {
                cuts.insert(identity, Mark::of(sequence));
            } else if let Some(identity) = Identity::parse(&name) {
                memory.note(identity, Mark::of(sequence), time_us);
            }
        }
        let mut follower = Follower {
            options,
            targets,
            memory,
            cuts,
            began_us: files_now_us(),
            families: BTreeSet::new(),
            dirty: BTreeSet::new(),
            later: BTreeMap::new(),
            visits: VecDeque::new(),
            given_up: BTreeSet::new(),
            current: None,
            has_caught_up: false,
            amount: Amount::default(),
            changes: None,
            to_keep: Vec::new(),
            kept: HashMap::new(),
            missing: Vec::new(),
        };
        if follower.options.follow {
            follower.changes = Some(Changes::new(follower.options.poll)?);
        }
        follower.look_everywhere();
        follower.amount = Amount::of(&follower.dirty);
        Ok(Following(Rc::new(RefCell::new(follower))))
    }

    /// The file that is being visited.
    pub fn visited(&self) -> Option<Visited> {
        let follower = self.0.borrow();
        let state = follower.current.as_ref()?.borrow();
        let (name, from) = (state.plan.identity.to_string(), state.plan.from);
        Some(Visited { name, from })
    }

    /// The mark of the file that is being visited at a position. `is_end`: nothing more of it comes
    /// in this visit.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn mark(&self, position: u64, is_end: bool) -> anyhow::Result<Mark> {
        let state = self.state()?;
        let mut state = state.borrow_mut();
        let ended = is_end && state.plan.finishes && state.is_over(position);
        Ok(state.mark(position, ended))
    }

    /// The mark before a line, counted as the decoder counts them, from 1.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn mark_before_line(&self, line: u64) -> anyhow::Result<Mark> {
        let state = self.state()?;
        let state = state.borrow();
        let lines = line.saturating_sub(1 + state.head_lines);
        let at = state.content.position_of_line(state.plan.from.position, lines);
        let mark = at.and_then(|position| state.mark_anywhere(position));
        mark.with_context(|| state.plan.path.display().to_string())
    }

    /// How many records a new decoder finds between where the visit began and a mark; none if the
    /// file does not have that mark.
    ///
    /// # Errors
    /// When the file cannot be read; [`Halted`](crate::cli::watch::Halted) once `watch` says that
    /// there is no need to.
    pub fn records_before(
        &self,
        mark: Mark,
        decoder: &mut dyn Decoder,
        watch: &Watch,
    ) -> anyhow::Result<Option<u64>> {
        let state = self.state()?;
        let mut state = state.borrow_mut();
        let counted = state.records_before(mark, decoder, &|| watch.stopped());
        counted.with_context(|| state.plan.path.display().to_string())
    }

    /// Whether more may be written to what the visit ends with at a position: `is_open` says that
    /// the last record has no end of its own.
    pub fn may_go_on(&self, position: u64, is_open: bool) -> bool {
        self.state().is_ok_and(|state| state.borrow().may_go_on(position, is_open))
    }

    /// How many lines of the visited file lie before those that the decoder has seen.
    pub fn lines_before(&self) -> u64 {
        let state = self.state();
        state.map_or(0, |state| state.borrow_mut().lines_before())
    }

    /// Takes note that the log has the visited file up to a mark, and that the visit is over.
    /// Returns another name of the file under which the log is to remember the same.
    ///
    /// # Errors
    /// When nothing is visited.
    pub fn end_visit(&self, mark: Mark) -> anyhow::Result<Option<String>> {
        let state = self.state()?;
        let state = state.borrow();
        let mut follower = self.0.borrow_mut();
        let now_us = Some(now_us());
        let Plan { live, identity, also, takes_rest, .. } = &state.plan;
        follower.memory.note(identity.clone(), mark, now_us);
        if let Some(spool) = &follower.options.spool {
            spool.finish(&state.plan.path, &state.content, state.began)?;
            return Ok(None);
        }
        if state.ends_at_cut {
            // What follows comes before what the file was rotated for.
            follower.visits.retain(|plan| plan.live != *live);
        }
        if state.is_cut || state.ends_at_cut || state.has_grown() {
            follower.dirty.insert(live.clone());
        } else if !takes_rest && !state.is_over(mark.position) {
            follower.look_later(&state);
        }
        let Some(also) = also.as_ref().filter(|_| mark.ended) else { return Ok(None) };
        follower.memory.note(also.clone(), mark, now_us);
        Ok(Some(also.to_string()))
    }

    /// Reads no more of the file that is being visited, nor of those of its family that come after
    /// it: the next run begins where this one was left. Whether there may be other files.
    pub fn give_up(&self) -> bool {
        let Ok(state) = self.state() else { return false };
        self.0.borrow_mut().give_up_file(&state.borrow().plan)
    }

    /// The names of sources that are there, and of which the log was not told for long.
    pub fn take_kept(&self) -> Vec<String> {
        let mut follower = self.0.borrow_mut();
        let now = Instant::now();
        let all = std::mem::take(&mut follower.to_keep);
        let mut names = Vec::new();
        for identity in all {
            let is_news = follower.kept.get(&identity).is_none_or(|told| *told + KEEPING <= now);
            if is_news {
                names.push(identity.to_string());
                follower.kept.insert(identity, now);
            }
        }
        names
    }

    /// Looks at all files again: nothing has come for long.
    pub fn look_everywhere(&self) {
        self.0.borrow_mut().look_everywhere();
    }

    /// The files that were named and were never there, nor anything that rotation made of them.
    pub fn missing(&self) -> Vec<PathBuf> {
        self.0.borrow().missing.clone()
    }

    fn state(&self) -> anyhow::Result<Rc<RefCell<State>>> {
        let current = self.0.borrow().current.clone();
        current.ok_or_else(|| anyhow!("no file is being read"))
    }
}

impl Sources for Following {
    fn next(&mut self, waiting: &mut Waiting<'_>) -> anyhow::Result<NextSource> {
        self.0.borrow_mut().next(waiting)
    }

    fn stored_bytes(&self) -> Option<u64> {
        let follower = self.0.borrow();
        // Nobody knows how much comes of what is followed.
        let is_known = !follower.options.follow || !follower.has_caught_up;
        is_known.then(|| follower.amount.total(follower.visits.iter()))
    }
}
