//! Files that are read bit by bit: again and again, each from where it was left, whatever rotation
//! does with them. What is read from where is decided by [`crate::ingest::files`]; here are the
//! files.
//!
//! - `targets`: which files are meant. `family`: a file with those it was rotated to.
//! - `content`: what is in a file. `visit`: a part of that, as a source.
//! - `spool`: a directory of files that are taken once.
//! - `changes`: waiting until something changes. `amount`: how much there is to read.
//! - here: which visit is next, and what is known of those that are over.

mod amount;
mod changes;
mod content;
mod family;
mod spool;
mod targets;
mod visit;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use self::amount::Amount;
use self::changes::Changes;
use self::content::Content;
use self::family::{Again, Member, Members};
pub use self::spool::{Done, Order, Spool};
use self::targets::Targets;
pub use self::visit::Visited;
use self::visit::{Plan, State, Visit};
use crate::cli::input::{NextSource, Sources};
use crate::cli::watch::{Waiting, Woken};
use crate::ingest::files::identity::{Identity, hash};
use crate::ingest::files::mark::Mark;
use crate::ingest::files::memory::Memory;
use crate::ingest::files::plan::{Found, identity_of, plan};
use crate::ingest::files::rotation::Rotated;
use crate::sys::clock::now_us;

/// How long a rotated file is left alone whose last line has no line end, if nothing says that its
/// writer is done with it.
const SETTLING: Duration = Duration::from_secs(1);
/// How often the log is told that a file is still there.
const KEEPING: Duration = Duration::from_secs(3600);

/// How many files it is decided about at once: they are visited later than that.
const FAMILIES_MAX: usize = 64;

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

struct Follower {
    options: FollowOptions,
    targets: Targets,
    memory: Memory,
    /// All files that are meant.
    families: BTreeSet<PathBuf>,
    /// Those that are to be looked at.
    dirty: BTreeSet<PathBuf>,
    /// Those that are to be looked at later, also if nothing changes.
    later: BTreeMap<PathBuf, Instant>,
    visits: VecDeque<Plan>,
    /// Files with a bad line, of which no more is read: of a family, the one with the plain name.
    given_up: BTreeSet<PathBuf>,
    current: Option<Rc<RefCell<State>>>,
    amount: Amount,
    changes: Option<Changes>,
    /// Of which files the log is to be told that they are there, and when that was done.
    to_keep: Vec<Identity>,
    kept: HashMap<Identity, Instant>,
    missing: Vec<PathBuf>,
}

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
        let mut memory = Memory::default();
        for (name, sequence, time_us) in known {
            if let Some(identity) = Identity::parse(&name) {
                memory.note(identity, Mark::of(sequence), time_us);
            }
        }
        let mut follower = Follower {
            options,
            targets,
            memory,
            families: BTreeSet::new(),
            dirty: BTreeSet::new(),
            later: BTreeMap::new(),
            visits: VecDeque::new(),
            given_up: BTreeSet::new(),
            current: None,
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
        if state.is_cut || state.has_grown() {
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
        (!follower.options.follow).then(|| follower.amount.total(follower.visits.iter()))
    }
}

impl Follower {
    fn next(&mut self, waiting: &mut Waiting<'_>) -> anyhow::Result<NextSource> {
        self.current = None;
        loop {
            if let Some(reason) = waiting.stopped() {
                return Ok(NextSource::Stopped(reason));
            }
            if let Some(plan) = self.visits.pop_front() {
                if let Some(visit) = self.begin(plan)? {
                    return Ok(NextSource::Source(Box::new(visit)));
                }
            } else if !self.dirty.is_empty() {
                self.look_at_dirty()?;
            } else if let Some(next) = self.wait(waiting)? {
                return Ok(next);
            }
        }
    }

    /// Begins a visit; none if the file is another one by now.
    fn begin(&mut self, plan: Plan) -> anyhow::Result<Option<Visit>> {
        let name: Arc<str> = Arc::from(plan.path.to_string_lossy());
        let (live, bytes) = (plan.live.clone(), plan.bytes());
        let opened = Content::open(&plan.path).and_then(|content| {
            // Another file may have the name by now.
            let is_same = content.status()?.inode == plan.inode;
            if is_same { State::new(plan, content) } else { Ok(None) }
        });
        let state = match opened {
            Ok(Some(state)) => state,
            Ok(None) => return Ok(self.give_up(live)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(self.give_up(live));
            }
            Err(error) => return Err(anyhow::Error::new(error).context(name.to_string())),
        };
        self.amount.begin(bytes);
        let state = Rc::new(RefCell::new(state));
        self.current = Some(Rc::clone(&state));
        Ok(Some(Visit::new(name, state)))
    }

    /// Decides again about a file and those it was rotated to. None of them is visited before: if a
    /// later one were, an earlier one would seem to be older than all that was read.
    fn give_up(&mut self, live: PathBuf) -> Option<Visit> {
        self.visits.retain(|plan| plan.live != live);
        self.dirty.insert(live);
        None
    }

    /// See [`Following::give_up`].
    fn give_up_file(&mut self, plan: &Plan) -> bool {
        if self.options.spool.is_some() {
            self.given_up.insert(plan.path.clone());
        } else {
            self.visits.retain(|other| other.live != plan.live);
            self.later.remove(&plan.live);
            self.given_up.insert(plan.live.clone());
        }
        let is_open = self.options.spool.is_some()
            || self.targets.have_patterns()
            || self.families.len() > self.given_up.len();
        let comes = !(self.visits.is_empty() && self.dirty.is_empty() && self.later.is_empty());
        comes || self.options.follow && is_open
    }

    /// Decides what is to be read of files that may have changed and of those they were rotated to:
    /// of the first of them, and of others in its directory.
    fn look_at_dirty(&mut self) -> anyhow::Result<()> {
        if let Some(spool) = &self.options.spool {
            let found = spool.look(&self.memory, now_us())?;
            let given_up = &self.given_up;
            let visits = found.visits.into_iter().filter(|plan| !given_up.contains(&plan.path));
            self.visits.extend(visits);
            self.dirty.iter().for_each(|dir| self.amount.see(dir));
            self.dirty.clear();
            self.later.clear();
            let at = found.unsettled.and_then(|time| Instant::now().checked_add(time));
            self.later.extend(at.map(|at| (spool.dir.clone(), at)));
            return Ok(());
        }
        let given_up = &self.given_up;
        self.dirty.retain(|live| !given_up.contains(live));
        let dir = self.dirty.first().and_then(|live| live.parent());
        let lives = self.dirty.iter().take_while(|live| live.parent() == dir);
        let lives: Vec<PathBuf> = lives.take(FAMILIES_MAX).cloned().collect();
        let read = family::families(&lives, |path| self.is_named(path));
        for (live, members) in lives.into_iter().zip(read) {
            // The same file under another name: what is known of it changes by that visit.
            let is_same =
                |member: &Member| self.visits.iter().any(|visit| visit.inode == member.found.inode);
            if members.as_ref().is_ok_and(|members| members.iter().any(is_same)) {
                break;
            }
            match members.and_then(|members| self.decide(&live, members)) {
                // What was decided before it is read first.
                Err(_) if !self.visits.is_empty() => break,
                decided => decided?,
            }
            self.amount.see(&live);
            self.dirty.remove(&live);
            self.later.remove(&live);
        }
        Ok(())
    }

    /// Whether the user named a file.
    fn is_named(&self, path: &Path) -> bool {
        self.families.contains(path) || self.targets.means(path)
    }

    /// Decides what is to be read of a file and those it was rotated to.
    fn decide(&mut self, live: &Path, members: Vec<Member>) -> anyhow::Result<()> {
        let path = hash(live.as_os_str().as_encoded_bytes());
        let (mut members, mut again) = (members, Again::default());
        let (remembered, decided) = loop {
            let inodes = members.iter().map(|member| member.found.inode);
            let remembered = self.memory.of_family(path, inodes);
            let found: Vec<Found> = members.iter().map(|member| member.found.clone()).collect();
            let decided = plan(&found, &remembered, path, &mut Members(&members))?;
            // A copy of what was truncated meanwhile looks like a file that nobody knows.
            if !family::is_truncated(&members).with_context(|| live.display().to_string())? {
                break (remembered, decided);
            }
            again.pause(live)?;
            members = family::members(live, |path| self.is_named(path))?;
        };
        if members.is_empty() && self.targets.named().iter().any(|named| named == live) {
            self.missing.push(live.to_owned());
        }
        self.to_keep.extend(decided.kept);
        for step in decided.steps {
            let Some(Member { path: at, found: file, .. }) = members.get(step.file) else {
                continue;
            };
            let settled = self.is_settled(file, members.get(step.file + 1));
            let also =
                (step.by_content && file.compressed).then(|| identity_of(file, &remembered, path));
            self.visits.push_back(Plan {
                live: live.to_owned(),
                path: at.clone(),
                inode: file.inode,
                identity: step.identity,
                stored: file.bytes,
                from: step.mark,
                takes_rest: settled,
                finishes: file.compressed,
                also,
            });
        }
        Ok(())
    }

    /// Whether nothing will be added to a last line that has no line end. `next` is the file that
    /// came after this one.
    fn is_settled(&self, file: &Found, next: Option<&Member>) -> bool {
        let is_followed = next.is_some_and(|next| next.found.bytes > 0);
        let wait = self.patience(file.rotated.is_some());
        let age = now_us().saturating_sub(file.modified_us);
        file.compressed
            || file.rotated.is_some() && is_followed
            || wait.is_some_and(|wait| i128::from(age) >= wait.as_micros() as i128)
    }

    /// How long a last line without a line end is waited for; none for ever.
    fn patience(&self, rotated: bool) -> Option<Duration> {
        match self.options.partial_after {
            Some(after) if rotated => Some(after.min(SETTLING)),
            None if rotated => Some(SETTLING),
            after => after,
        }
    }

    /// Looks again at a file whose last line has no line end, when nobody needs to wait for it any
    /// more.
    fn look_later(&mut self, state: &State) {
        let is_live = state.plan.path == state.plan.live;
        if is_live && !self.options.follow {
            return;
        }
        let Some(patience) = self.patience(!is_live) else { return };
        let at = Instant::now().checked_add(patience);
        self.later.extend(at.map(|at| (state.plan.live.clone(), at)));
    }

    /// Waits until there is something to look at; gives what there is instead.
    fn wait(&mut self, waiting: &mut Waiting<'_>) -> anyhow::Result<Option<NextSource>> {
        let first = self.later.values().min().copied();
        let left = first.map(|at| at.saturating_duration_since(Instant::now()));
        if left.is_none() && !self.options.follow {
            return Ok(Some(NextSource::End));
        }
        let woken = match &mut self.changes {
            Some(changes) => changes.wait(waiting, left)?,
            None => waiting.pause(left)?,
        };
        match woken {
            Woken::Stopped(reason) => return Ok(Some(NextSource::Stopped(reason))),
            Woken::Quiet if waiting.is_over() => return Ok(Some(NextSource::Quiet)),
            Woken::Quiet | Woken::Ready => {}
        }
        let now = Instant::now();
        self.dirty
            .extend(self.later.iter().filter(|(_, at)| **at <= now).map(|(live, _)| live.clone()));
        self.take_changes()?;
        Ok(None)
    }

    fn take_changes(&mut self) -> anyhow::Result<()> {
        let Some(changes) = &mut self.changes else { return Ok(()) };
        let happened = changes.take();
        if happened.everywhere || self.options.spool.is_some() && !happened.paths.is_empty() {
            self.look_everywhere();
        }
        for path in happened.paths {
            if self.options.spool.is_some() {
                break;
            }
            let families = self.families_of(&path);
            let is_new = families.is_empty() && self.targets.means(&path) && path.is_file();
            if is_new {
                self.families.insert(path.clone());
            }
            if self.families.contains(&path) {
                self.dirty.insert(path);
            }
            self.dirty.extend(families);
        }
        Ok(())
    }

    /// The files that a file may have been before it was rotated.
    fn families_of(&self, path: &Path) -> Vec<PathBuf> {
        if self.families.contains(path) {
            return Vec::new();
        }
        let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else {
            return Vec::new();
        };
        let is_of = |live: &&PathBuf| {
            let of = live.file_name().map(|live| Rotated::of(&name, &live.to_string_lossy()));
            live.parent() == path.parent() && of.flatten().is_some()
        };
        self.families.iter().filter(is_of).cloned().collect()
    }

    /// Looks for files that are meant, and at all of them.
    fn look_everywhere(&mut self) {
        if let Some(spool) = &self.options.spool {
            self.dirty.insert(spool.dir.clone());
            if let Some(changes) = &mut self.changes {
                changes.watch(BTreeSet::from([spool.dir.clone()]));
            }
            return;
        }
        // First of all: a file that appears before its directory is watched is found after that.
        let dirs = self.targets.dirs();
        if let Some(changes) = &mut self.changes {
            changes.watch(dirs);
        }
        let files = self.targets.files();
        let names: HashSet<_> = files.iter().map(|path| (path.parent(), name_of(path))).collect();
        let is_rotated = |path: &PathBuf| {
            let name = name_of(path);
            Rotated::lives(&name).into_iter().any(|live| names.contains(&(path.parent(), live)))
        };
        // A rotated file is read with the file that it was, also while that is not there.
        self.families.extend(files.iter().filter(|path| !is_rotated(path)).cloned());
        self.dirty.extend(self.families.iter().cloned());
    }
}

fn name_of(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}
