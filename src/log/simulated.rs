//! A disk that crashes, for tests: it forgets, tears and reorders what was not forced to it.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex};

use super::storage::{Lock, Open, Storage, StorageFile};
use super::topic::lock;

/// Which promise of a disk a test takes away, to see that other tests notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lie {
    #[default]
    None,
    /// Forcing a file to the disk does nothing.
    Sync,
    /// Forcing a directory to the disk does nothing.
    SyncDir,
}

/// A simulated disk. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Simulated {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    nodes: Vec<Node>,
    steps: u64,
    crash_at: Option<u64>,
    fail_at: Option<u64>,
    lie: Lie,
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
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

impl Simulated {
    pub(super) fn new(lie: Lie) -> Simulated {
        let disk = Simulated::default();
        lock(&disk.state).nodes.push(Node::Dir {
            now: Names::new(),
            disk: Names::new(),
            pending: Vec::new(),
        });
        lock(&disk.state).lie = lie;
        disk
    }

    /// Everything fails from the step with this number on.
    pub(super) fn crash_at(&self, step: u64) {
        lock(&self.state).crash_at = Some(step);
    }

    /// Only the step with this number fails, as on a full disk; a write then leaves a part behind.
    pub(super) fn fail_at(&self, step: u64) {
        lock(&self.state).fail_at = Some(step);
    }

    pub(super) fn steps(&self) -> u64 {
        lock(&self.state).steps
    }

    /// The disk with everything forced to it.
    pub(super) fn after_sync(&self) -> Simulated {
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
        let state = State { nodes, lie: state.lie, ..State::default() };
        Simulated { state: Arc::new(Mutex::new(state)) }
    }

    /// The disk as it is found after the crash.
    pub(super) fn after_crash(&self, random: &mut Random) -> Simulated {
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
        let state = State { nodes, lie: state.lie, ..State::default() };
        Simulated { state: Arc::new(Mutex::new(state)) }
    }
}

impl State {
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
                state.step()?;
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
            (_, found) => found?,
        };
        Ok(Box::new(SimulatedFile { state: Arc::clone(&self.state), node }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = lock(&self.state);
        match &state.nodes[state.find(dir)?] {
            Node::Dir { now, .. } => Ok(now.keys().cloned().collect()),
            Node::File { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.find(dir).is_ok() {
            return Ok(());
        }
        state.step()?;
        let node = Node::Dir { now: Names::new(), disk: Names::new(), pending: Vec::new() };
        state.add(dir, node).map(drop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_eq!(from.parent(), to.parent(), "the log renames only within a directory");
        let mut state = lock(&self.state);
        state.step()?;
        let target = to.file_name().unwrap().to_str().unwrap().to_owned();
        let (now, pending, name) = state.names(from)?;
        let node = now.remove(&name).ok_or(io::ErrorKind::NotFound)?;
        now.insert(target, node);
        pending.push(now.clone());
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.step()?;
        let (now, pending, name) = state.names(path)?;
        now.remove(&name).ok_or(io::ErrorKind::NotFound)?;
        pending.push(now.clone());
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.step()?;
        if state.lie == Lie::SyncDir {
            return Ok(());
        }
        let node = state.find(dir)?;
        let Node::Dir { now, disk, pending } = &mut state.nodes[node] else { panic!() };
        disk.clone_from(now);
        pending.clear();
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Option<Lock>> {
        Ok(Some(Lock::unshared()))
    }

    fn is_locked(&self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }
}

#[derive(Debug)]
struct SimulatedFile {
    state: Arc<Mutex<State>>,
    node: usize,
}

impl SimulatedFile {
    fn change(&self, change: Change, bytes_if_full: usize) -> io::Result<()> {
        let mut state = lock(&self.state);
        let stepped = state.step();
        let bytes_max = match &stepped {
            Ok(()) => usize::MAX,
            Err(error) if error.kind() == io::ErrorKind::StorageFull => bytes_if_full,
            Err(_) => return stepped,
        };
        if let Node::File { now, pending, .. } = &mut state.nodes[self.node] {
            change.apply(now, bytes_max);
            pending.push(change);
        }
        stepped
    }
}

impl StorageFile for SimulatedFile {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = lock(&self.state);
        let Node::File { now, .. } = &state.nodes[self.node] else { panic!() };
        let rest = now.get(position as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, position: u64, slices: &[IoSlice<'_>]) -> io::Result<()> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let half = bytes.len() / 2;
        self.change(Change::Write(position as usize, bytes), half)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.step()?;
        if state.lie == Lie::Sync {
            return Ok(());
        }
        if let Node::File { now, disk, pending } = &mut state.nodes[self.node] {
            disk.clone_from(now);
            pending.clear();
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let state = lock(&self.state);
        let Node::File { now, .. } = &state.nodes[self.node] else { panic!() };
        Ok(now.len() as u64)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.change(Change::Cut(bytes as usize), usize::MAX)
    }
}
