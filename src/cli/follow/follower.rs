//! Which visit is next: what is to be read of files that may have changed.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::FollowOptions;
use super::amount::Amount;
use super::changes::Changes;
use super::content::Content;
use super::family::{self, Again, Member, Members};
use super::targets::Targets;
use super::visit::{Plan, State, Visit};
use crate::cli::input::NextSource;
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

/// How many files it is decided about at once: they are visited later than that.
const FAMILIES_MAX: usize = 64;

/// What is known of files that are read, and which visit is next.
pub(super) struct Follower {
    pub(super) options: FollowOptions,
    pub(super) targets: Targets,
    pub(super) memory: Memory,
    /// Where files end whose last line was about to be taken without a line end, when that may not
    /// have come to all topics.
    pub(super) cuts: HashMap<Identity, Mark>,
    /// When this run began to look at files, by the clock of their times.
    pub(super) began_us: i64,
    /// All files that are meant.
    pub(super) families: BTreeSet<PathBuf>,
    /// Those that are to be looked at.
    pub(super) dirty: BTreeSet<PathBuf>,
    /// Those that are to be looked at later, also if nothing changes.
    pub(super) later: BTreeMap<PathBuf, Instant>,
    pub(super) visits: VecDeque<Plan>,
    /// Files with a bad line, of which no more is read: of a family, the one with the plain name.
    pub(super) given_up: BTreeSet<PathBuf>,
    pub(super) current: Option<Rc<RefCell<State>>>,
    pub(super) amount: Amount,
    pub(super) changes: Option<Changes>,
    /// Whether all was read that there was when this run began.
    pub(super) has_caught_up: bool,
    /// Of which files the log is to be told that they are there, and when that was done.
    pub(super) to_keep: Vec<Identity>,
    pub(super) kept: HashMap<Identity, Instant>,
    pub(super) missing: Vec<PathBuf>,
}

impl Follower {
    pub(super) fn next(&mut self, waiting: &mut Waiting<'_>) -> anyhow::Result<NextSource> {
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
    pub(super) fn give_up_file(&mut self, plan: &Plan) -> bool {
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
            let decided = plan(&found, &remembered, path, self.began_us, &mut Members(&members))?;
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
            let also = (step.by_content && file.compressed)
                .then(|| identity_of(file, &remembered, path, self.began_us));
            self.visits.push_back(Plan {
                live: live.to_owned(),
                path: at.clone(),
                inode: file.inode,
                cut: self.cuts.get(&step.identity).copied(),
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
    pub(super) fn look_later(&mut self, state: &State) {
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
        if self.options.follow && !self.has_caught_up {
            // Whoever shows how much is read takes that away before the wait.
            self.has_caught_up = true;
            return Ok(Some(NextSource::Quiet));
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
    pub(super) fn look_everywhere(&mut self) {
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
