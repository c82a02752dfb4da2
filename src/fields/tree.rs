//! The paths of the fields, and which objects are maps: objects whose keys are data, like ids.

use std::collections::HashMap;

use crate::expr::name::{below, elements_of};

/// An object with more keys than this may be a map.
const KEYS_MAX: usize = 64;

/// It is one if its keys, on average, are in no more than one of so many of the objects.
const RARE: u64 = 5;

/// A path.
#[derive(Debug)]
pub struct Node {
    /// The path as jq spells it.
    pub path: String,
    /// Whether there are values at it: not where it has become part of another one.
    pub is_live: bool,
    /// How many records have it.
    pub records: u64,
    /// The last of them.
    pub last: u64,
    /// How many objects are at it.
    pub objects: u64,
    keys: HashMap<Box<[u8]>, usize>,
    /// The elements of its arrays, and the values of its objects if these are maps.
    elements: Option<usize>,
    is_map: bool,
}

/// All paths: the first is that of the records.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    live: usize,
    paths_max: usize,
    /// Whether there were more paths than there may be.
    is_full: bool,
    /// Objects that have more keys than they had when they were looked at.
    crowded: Vec<usize>,
}

impl Tree {
    /// Records without fields; there may be so many paths.
    pub fn new(paths_max: usize) -> Tree {
        let root = Node::new(".".to_owned());
        Tree { nodes: vec![root], live: 1, paths_max, is_full: false, crowded: Vec::new() }
    }

    /// The paths, those that are live and others.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A path.
    pub fn node(&mut self, at: usize) -> Option<&mut Node> {
        self.nodes.get_mut(at)
    }

    /// Whether there were more paths than there may be.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The numbers of the paths, each after the one that it is in.
    pub fn in_order(&self) -> Vec<usize> {
        let (mut order, mut next) = (Vec::new(), vec![0]);
        while let Some((at, node)) = next.pop().and_then(|at| Some((at, self.nodes.get(at)?))) {
            order.push(at);
            let mut below: Vec<usize> = node.keys.values().copied().chain(node.elements).collect();
            // The one that is to come first is taken out last.
            below.sort_unstable_by_key(|child| std::cmp::Reverse(*child));
            next.extend(below);
        }
        order
    }

    /// The path of a key of an object, a new one if need be; none if there are too many.
    pub fn child(&mut self, at: usize, key: &[u8]) -> Option<usize> {
        let node = self.nodes.get(at)?;
        if node.is_map {
            return self.elements(at);
        }
        if let Some(child) = node.keys.get(key) {
            return Some(*child);
        }
        let quoted = [b"\"", key, b"\""].concat();
        let name = serde_json::from_slice::<String>(&quoted).unwrap_or_default();
        let child = self.add(below(&node.path, &name))?;
        let node = self.nodes.get_mut(at)?;
        node.keys.insert(key.into(), child);
        let count = node.keys.len();
        if count == KEYS_MAX + 1 || count > KEYS_MAX && count.is_power_of_two() {
            self.crowded.push(at);
        }
        Some(child)
    }

    /// The path of the elements of an array; none if there are too many.
    pub fn elements(&mut self, at: usize) -> Option<usize> {
        let node = self.nodes.get(at)?;
        if node.elements.is_some() {
            return node.elements;
        }
        let elements = self.add(elements_of(&node.path))?;
        self.nodes.get_mut(at)?.elements = Some(elements);
        Some(elements)
    }

    fn add(&mut self, path: String) -> Option<usize> {
        // One record may bring more than there is room for; then the tree is tidied after it.
        if self.live >= self.paths_max.saturating_mul(2).max(KEYS_MAX * 4) {
            self.is_full = true;
            return None;
        }
        self.live += 1;
        self.nodes.push(Node::new(path));
        Some(self.nodes.len() - 1)
    }

    /// A record has been taken: takes objects for maps that look like it, or because there are too
    /// many paths. Gives which path has become part of which other one.
    pub fn settle(&mut self) -> Vec<(usize, usize)> {
        let mut merged = Vec::new();
        for at in std::mem::take(&mut self.crowded) {
            if self.is_like_a_map(at) {
                self.take_for_map(at, &mut merged);
            }
        }
        while self.live > self.paths_max {
            let largest = |at: &usize| self.nodes.get(*at).map_or(0, |node| node.keys.len());
            let inner = (1..self.nodes.len()).filter(|at| self.nodes[*at].is_live);
            let Some(at) = inner.filter(|at| largest(at) > 1).max_by_key(largest) else {
                self.is_full = true;
                break;
            };
            self.take_for_map(at, &mut merged);
        }
        merged
    }

    fn is_like_a_map(&self, at: usize) -> bool {
        let Some(node) = self.nodes.get(at).filter(|node| node.is_live && !node.is_map) else {
            return false;
        };
        let keys = node.keys.values().filter_map(|child| self.nodes.get(*child));
        let found: u64 = keys.map(|child| child.records).sum();
        let most = node.objects.saturating_mul(node.keys.len() as u64);
        // Of few objects nobody can tell.
        node.objects >= RARE && found.saturating_mul(RARE) <= most
    }

    fn take_for_map(&mut self, at: usize, merged: &mut Vec<(usize, usize)>) {
        let Some(node) = self.nodes.get_mut(at) else { return };
        node.is_map = true;
        let mut children: Vec<usize> = std::mem::take(&mut node.keys).into_values().collect();
        children.sort_unstable();
        let path = elements_of(&node.path);
        let elements = match node.elements {
            Some(elements) => elements,
            None => {
                self.live += 1;
                self.nodes.push(Node::new(path));
                self.nodes.len() - 1
            }
        };
        if let Some(node) = self.nodes.get_mut(at) {
            node.elements = Some(elements);
        }
        for child in children {
            self.merge(elements, child, merged);
        }
        let most = self.nodes.get(at).map_or(0, |node| node.records);
        if let Some(elements) = self.nodes.get_mut(elements) {
            elements.records = elements.records.min(most);
        }
    }

    /// Makes a path part of another one, with all below it. In how many records they are together
    /// is not known: at most in so many as in both.
    fn merge(&mut self, into: usize, from: usize, merged: &mut Vec<(usize, usize)>) {
        merged.push((from, into));
        let Some(node) = self.nodes.get_mut(from) else { return };
        node.is_live = false;
        let (records, last, objects) = (node.records, node.last, node.objects);
        let (elements, is_map) = (node.elements.take(), node.is_map);
        let keys = std::mem::take(&mut node.keys);
        self.live -= 1;
        let Some(ours) = self.nodes.get_mut(into) else { return };
        ours.records += records;
        ours.last = ours.last.max(last);
        ours.objects += objects;
        if is_map && !ours.is_map {
            self.take_for_map(into, merged);
        }
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort_unstable();
        for (key, child) in keys {
            let Some(ours) = self.nodes.get(into) else { return };
            match (ours.is_map, ours.keys.get(&key).copied()) {
                (true, _) => {
                    if let Some(elements) = self.elements(into) {
                        self.merge(elements, child, merged);
                    }
                }
                (false, Some(known)) => self.merge(known, child, merged),
                (false, None) => self.move_to(into, key, child),
            }
        }
        if let Some(child) = elements {
            match self.nodes.get(into).and_then(|ours| ours.elements) {
                Some(known) => self.merge(known, child, merged),
                None => {
                    let path = self.nodes.get(into).map(|ours| elements_of(&ours.path));
                    self.rename(child, path.unwrap_or_default());
                    if let Some(ours) = self.nodes.get_mut(into) {
                        ours.elements = Some(child);
                    }
                }
            }
        }
    }

    /// Puts a path below another one, under this key.
    fn move_to(&mut self, into: usize, key: Box<[u8]>, child: usize) {
        let quoted = [b"\"", &*key, b"\""].concat();
        let name = serde_json::from_slice::<String>(&quoted).unwrap_or_default();
        let Some(ours) = self.nodes.get_mut(into) else { return };
        let path = below(&ours.path, &name);
        ours.keys.insert(key, child);
        self.rename(child, path);
    }

    /// Gives a path, and those below it, another beginning.
    fn rename(&mut self, at: usize, path: String) {
        let Some(node) = self.nodes.get_mut(at) else { return };
        let old = std::mem::replace(&mut node.path, path.clone());
        let below: Vec<usize> = node.keys.values().copied().chain(node.elements).collect();
        for child in below {
            let Some(node) = self.nodes.get(child) else { continue };
            let rest = node.path.strip_prefix(&old).unwrap_or_default().to_owned();
            self.rename(child, format!("{path}{rest}"));
        }
    }
}

impl Node {
    fn new(path: String) -> Node {
        Node {
            path,
            is_live: true,
            records: 0,
            last: 0,
            objects: 0,
            keys: HashMap::new(),
            elements: None,
            is_map: false,
        }
    }
}
