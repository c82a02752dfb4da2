//! A disk that crashes and fails, for tests: it forgets, tears and reorders what was not forced to
//! it, and refuses any call that it is told to.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::call::{self, Call, Fault};
use crate::log::storage::{Lock, Open, Storage, StorageFile};
use crate::log::sync::lock;

/// Which promise of a disk a test takes away, to see that other tests notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BrokenPromise {
    #[default]
    None,
    /// Forcing a file to the disk does nothing.
    Sync,
    /// Forcing a directory to the disk does nothing.
    SyncDir,
    /// Forcing a file to the disk is answered at once, and done only with the next one: whatever
    /// is acknowledged then is acknowledged early.
    SyncLater,
}

/// A simulated disk. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simulated {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    nodes: Vec<Node>,
    steps: u64,
    calls: u64,
    crash_at: Option<u64>,
    fail_at: Option<u64>,
    /// From which call on, up to which one, and how calls fail.
    fault: Option<(u64, u64, Fault)>,
    /// Whether a call has failed as `fault` says.
    struck: bool,
    broken: BrokenPromise,
    /// The file whose sync was answered and not done.
    owed: Option<usize>,
}

#[derive(Clone, Debug)]
enum Node {
    File { now: Vec<u8>, disk: Vec<u8>, pending: Vec<Change> },
    Dir { now: Names, disk: Names, pending: Vec<Names> },
}

type Names = BTreeMap<String, usize>;

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>, bytes_max: usize) {
        match self {
            Change::Write(at, bytes) => {
                let bytes = &bytes[..bytes.len().min(bytes_max)];
                if contents.len() < at + bytes.len() {
                    contents.resize(at + bytes.len(), 0);
                }
                contents[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Change::Cut(len) => contents.resize(*len, 0),
        }
    }
}

/// A small generator of pseudo-random numbers (xorshift64*), so that a seed replays a crash.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

/// So many seeds: the same ones each time, unless MILLSTREAM_SEED names the first. A test tells the
/// seed with which it failed; it is then the first to be tried.
pub(crate) fn seeds(count: u64) -> Range<u64> {
    let first = std::env::var("MILLSTREAM_SEED").map_or(0, |seed| seed.parse().unwrap());
    first..first + count
}

impl Simulated {
    pub(crate) fn new(broken: BrokenPromise) -> Simulated {
        let disk = Simulated::default();
        lock(&disk.state).nodes.push(Node::Dir {
            now: Names::new(),
            disk: Names::new(),
            pending: Vec::new(),
        });
        lock(&disk.state).broken = broken;
        disk
    }

    /// Everything fails from the step with this number on.
    pub(in crate::log) fn crash_at(&self, step: u64) {
        lock(&self.state).crash_at = Some(step);
    }

    /// Only the step with this number fails, as on a full disk; a write then leaves a part behind.
    pub(in crate::log) fn fail_at(&self, step: u64) {
        lock(&self.state).fail_at = Some(step);
    }

    pub(in crate::log) fn steps(&self) -> u64 {
        lock(&self.state).steps
    }

    /// Of the calls that can fail in this way, makes `calls` fail from the one with the number
    /// `first` on.
    pub(crate) fn break_at(&self, first: u64, calls: u64, fault: Fault) {
        lock(&self.state).fault = Some((first, calls, fault));
    }

    /// Nothing fails any more.
    pub(crate) fn cure(&self) {
        lock(&self.state).fault = None;
    }

    /// Whether a call has failed since the disk was made.
    pub(crate) fn is_struck(&self) -> bool {
        lock(&self.state).struck
    }

    /// The disk with everything forced to it.
    pub(in crate::log) fn after_sync(&self) -> Simulated {
        let state = lock(&self.state);
        let mut nodes = state.nodes.clone();
        for node in &mut nodes {
            match node {
                Node::File { now, disk, pending } => {
                    disk.clone_from(now);
                    pending.clear();
                }
                Node::Dir { now, disk, pending } => {
                    disk.clone_from(now);
                    pending.clear();
                }
            }
        }
        let state = State { nodes, broken: state.broken, ..State::default() };
        Simulated { state: Arc::new(Mutex::new(state)) }
    }

    /// The disk as it is found after the crash.
    pub(crate) fn after_crash(&self, random: &mut Random) -> Simulated {
        let state = lock(&self.state);
        let mut nodes = state.nodes.clone();
        for node in &mut nodes {
            match node {
                Node::File { now, disk, pending } => {
                    for change in pending.drain(..) {
                        match random.below(4) {
                            0 => {}
                            1 => change.apply(disk, random.below(100)),
                            _ => change.apply(disk, usize::MAX),
                        }
                    }
                    now.clone_from(disk);
                }
                // Names reach the disk in order: file systems journal them.
                Node::Dir { now, disk, pending } => {
                    let kept = random.below(pending.len() + 1);
                    if let Some(names) = kept.checked_sub(1).and_then(|last| pending.get(last)) {
                        disk.clone_from(names);
                    }
                    pending.clear();
                    now.clone_from(disk);
                }
            }
        }
        let state = State { nodes, broken: state.broken, ..State::default() };
        Simulated { state: Arc::new(Mutex::new(state)) }
    }
}

impl State {
    /// Any call; it may be one that fails.
    fn call(&mut self, call: Call) -> io::Result<()> {
        let Some((first, left, fault)) = &mut self.fault else { return Ok(()) };
        if !fault.befalls(call) {
            return Ok(());
        }
        self.calls += 1;
        if self.calls < *first || *left == 0 {
            return Ok(());
        }
        *left -= 1;
        self.struck = true;
        Err(fault.error())
    }

    /// A call that changes something.
    fn change(&mut self, call: Call) -> io::Result<()> {
        self.step()?;
        self.call(call)
    }

    /// Forces a file to the disk.
    fn force(&mut self, node: usize) {
        if let Node::File { disk, pending, .. } = &mut self.nodes[node] {
            pending.drain(..).for_each(|change| change.apply(disk, usize::MAX));
        }
    }

    /// Counts a step that changes something; it may be the one that fails.
    fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        if self.crash_at.is_some_and(|at| self.steps >= at) {
            return Err(io::Error::other("simulated crash"));
        }
        if self.fail_at == Some(self.steps) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut node = 0;
        for part in path.components() {
            let Component::Normal(name) = part else { continue };
            let Node::Dir { now, .. } = &self.nodes[node] else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            node = *now.get(name.to_str().unwrap()).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    fn names(&mut self, path: &Path) -> io::Result<(&mut Names, &mut Vec<Names>, String)> {
        let dir = self.find(path.parent().unwrap())?;
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match &mut self.nodes[dir] {
            Node::Dir { now, pending, .. } => Ok((now, pending, name)),
            Node::File { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let number = self.nodes.len();
        let (now, pending, name) = self.names(path)?;
        now.insert(name, number);
        pending.push(now.clone());
        self.nodes.push(node);
        Ok(number)
    }
}

impl Storage for Simulated {
    fn open(&self, path: &Path, open: Open) -> io::Result<Box<dyn StorageFile>> {
        let mut state = lock(&self.state);
        let found = state.find(path);
        let node = match (open, found) {
            (Open::Create, found) => {
                state.change(Call::Name)?;
                if let Ok(node) = found {
                    let Node::File { now, pending, .. } = &mut state.nodes[node] else { panic!() };
                    now.clear();
                    pending.push(Change::Cut(0));
                    node
                } else {
                    let file =
                        Node::File { now: Vec::new(), disk: Vec::new(), pending: Vec::new() };
                    state.add(path, file)?
                }
            }
            (_, found) => {
                state.call(Call::Open)?;
                found?
            }
        };
        Ok(Box::new(SimulatedFile { state: Arc::clone(&self.state), node }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut state = lock(&self.state);
        state.call(Call::Open)?;
        match &state.nodes[state.find(dir)?] {
            Node::Dir { now, .. } => Ok(now.keys().cloned().collect()),
            Node::File { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.find(dir).is_ok() {
            return state.call(Call::Other);
        }
        state.change(Call::Name)?;
        let node = Node::Dir { now: Names::new(), disk: Names::new(), pending: Vec::new() };
        state.add(dir, node).map(drop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_eq!(from.parent(), to.parent(), "the log renames only within a directory");
        let mut state = lock(&self.state);
        state.change(Call::Name)?;
        let target = to.file_name().unwrap().to_str().unwrap().to_owned();
        let (now, pending, name) = state.names(from)?;
        let node = now.remove(&name).ok_or(io::ErrorKind::NotFound)?;
        now.insert(target, node);
        pending.push(now.clone());
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.change(Call::Other)?;
        let (now, pending, name) = state.names(path)?;
        now.remove(&name).ok_or(io::ErrorKind::NotFound)?;
        pending.push(now.clone());
        Ok(())
    }

    fn check_removable(&self, _: &Path) -> Result<(), (PathBuf, io::Error)> {
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.change(Call::Open)?;
        if state.broken == BrokenPromise::SyncDir {
            return Ok(());
        }
        let node = state.find(dir)?;
        let Node::Dir { now, disk, pending } = &mut state.nodes[node] else { panic!() };
        disk.clone_from(now);
        pending.clear();
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Option<Lock>> {
        lock(&self.state).call(Call::Open)?;
        Ok(Some(Lock::unshared()))
    }

    fn is_locked(&self, _path: &Path) -> io::Result<bool> {
        lock(&self.state).call(Call::Open)?;
        Ok(false)
    }
}

#[derive(Debug)]
struct SimulatedFile {
    state: Arc<Mutex<State>>,
    node: usize,
}

impl SimulatedFile {
    fn change(&self, change: Change, call: Call) -> io::Result<()> {
        let mut state = lock(&self.state);
        let changed = state.change(call);
        let change = match (&changed, change) {
            (Ok(()), change) => change,
            (Err(error), Change::Write(at, mut bytes)) if call::leaves_a_part(error) => {
                bytes.truncate(bytes.len() / 2);
                Change::Write(at, bytes)
            }
            (Err(_), _) => return changed,
        };
        if let Node::File { now, pending, .. } = &mut state.nodes[self.node] {
            change.apply(now, usize::MAX);
            pending.push(change);
        }
        changed
    }
}

impl StorageFile for SimulatedFile {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = lock(&self.state);
        state.call(Call::Read)?;
        let Node::File { now, .. } = &state.nodes[self.node] else { panic!() };
        let rest = now.get(position as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, position: u64, slices: &[IoSlice<'_>]) -> io::Result<()> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let held = match &lock(&self.state).nodes[self.node] {
            Node::File { now, .. } => now.len(),
            Node::Dir { .. } => panic!(),
        };
        let is_longer = position as usize + bytes.len() > held;
        let call = if is_longer { Call::Write } else { Call::Overwrite };
        self.change(Change::Write(position as usize, bytes), call)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        if let Err(error) = state.change(Call::Sync) {
            if error.raw_os_error() == Some(nix::libc::EIO)
                && let Node::File { pending, .. } = &mut state.nodes[self.node]
            {
                pending.clear();
            }
            return Err(error);
        }
        match state.broken {
            BrokenPromise::Sync => {}
            BrokenPromise::SyncLater => {
                let owed = state.owed.replace(self.node);
                owed.into_iter().for_each(|node| state.force(node));
            }
            BrokenPromise::None | BrokenPromise::SyncDir => state.force(self.node),
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let mut state = lock(&self.state);
        state.call(Call::Other)?;
        let Node::File { now, .. } = &state.nodes[self.node] else { panic!() };
        Ok(now.len() as u64)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.change(Change::Cut(bytes as usize), Call::Other)
    }
}
