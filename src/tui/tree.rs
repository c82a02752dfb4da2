//! One record as a tree whose branches fold.

use std::collections::HashMap;
use std::ops::Range;

use super::row::Row;
use crate::record::tokens::{Kind, tokens};

/// A value within a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// How many values are around it.
    pub depth: usize,
    /// The value around it.
    pub parent: Option<usize>,
    /// What it is called there.
    pub name: Name,
    /// What it is; a mark for an object or an array.
    pub kind: Kind,
    /// Where it is in the record.
    pub range: Range<usize>,
    /// How many values it has in it.
    pub children: usize,
    /// The first node after those in it.
    pub end: usize,
}

/// What a value is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// It is the record.
    Root,
    /// By a key: where that is in the record, quotes and all.
    Key(Range<usize>),
    /// By its place in an array.
    Index(usize),
}

impl Node {
    /// Whether it has something in it that can be folded away.
    pub fn folds(&self) -> bool {
        self.children > 0
    }

    /// Where its key begins, or else the value.
    fn begin(&self) -> usize {
        if let Name::Key(key) = &self.name { key.start } else { self.range.start }
    }
}

/// A record, and which of its values are folded.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The record.
    pub row: Row,
    /// Its values, each before those in it.
    pub nodes: Vec<Node>,
    /// Which of them are folded.
    folded: Vec<bool>,
    /// The one that the cursor is on.
    pub cursor: usize,
    /// Which of the lines is the first on the screen.
    pub top: usize,
}

impl Tree {
    /// The tree of a record, with nothing folded.
    pub fn new(row: Row) -> Tree {
        let nodes = nodes(&row.text);
        Tree { folded: vec![false; nodes.len()], nodes, row, cursor: 0, top: 0 }
    }

    /// The tree of another record: the cursor is on the value of the same path, and what has the
    /// path of a folded value is folded, as far as they have such values.
    #[must_use]
    pub fn turn_to(&self, row: Row) -> Tree {
        let mut next = Tree::new(row);
        // No paths are written: of a deep record, all of them together are very long.
        let places = (0..self.nodes.len()).filter_map(|at| {
            let node = self.nodes.get(at)?;
            Some(((node.parent, self.name(node)), at))
        });
        let places: HashMap<_, usize> = places.collect();
        // For each value of the next record, the value of this one that has the same path.
        let mut same: Vec<Option<usize>> = Vec::with_capacity(next.nodes.len());
        for node in &next.nodes {
            let around = node.parent.map(|parent| same.get(parent).copied().flatten());
            same.push(match around {
                Some(None) => None,
                around => places.get(&(around.flatten(), next.name(node))).copied(),
            });
        }
        for (at, before) in same.into_iter().enumerate() {
            let Some(before) = before else { continue };
            if before == self.cursor {
                next.cursor = at;
            }
            next.fold(at, self.is_folded(before));
        }
        next.top = self.top;
        next
    }

    /// What a value is called: the key, quotes and all, or the place in an array.
    fn name(&self, node: &Node) -> (Option<&[u8]>, usize) {
        match &node.name {
            Name::Root => (None, 0),
            Name::Key(range) => (self.row.text.get(range.clone()), 0),
            Name::Index(index) => (None, *index),
        }
    }

    /// Whether a value is folded.
    pub fn is_folded(&self, at: usize) -> bool {
        self.folded.get(at).copied().unwrap_or_default()
    }

    fn fold(&mut self, at: usize, folds: bool) {
        if let Some(folded) = self.folded.get_mut(at) {
            *folded = folds && self.nodes.get(at).is_some_and(Node::folds);
        }
    }

    /// The nodes that have a line.
    pub fn lines(&self) -> Vec<usize> {
        let (mut lines, mut at) = (Vec::new(), 0);
        while let Some(node) = self.nodes.get(at) {
            lines.push(at);
            at = if self.is_folded(at) { node.end.max(at + 1) } else { at + 1 };
        }
        lines
    }

    /// Moves the cursor by so many lines.
    pub fn step(&mut self, by: i64) {
        let lines = self.lines();
        let at = lines.iter().position(|&node| node == self.cursor).unwrap_or_default();
        let last = lines.len().saturating_sub(1);
        let distance = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
        let to = if by < 0 { at.saturating_sub(distance) } else { at.saturating_add(distance) };
        self.cursor = lines.get(to.min(last)).copied().unwrap_or_default();
    }

    /// Folds or unfolds the value at the cursor.
    pub fn toggle(&mut self) {
        self.fold(self.cursor, !self.is_folded(self.cursor));
    }

    /// Folds the value at the cursor; if that is folded or has nothing in it, goes to the one
    /// around it.
    pub fn fold_or_leave(&mut self) {
        let node = self.nodes.get(self.cursor);
        match node.is_some_and(Node::folds) && !self.is_folded(self.cursor) {
            true => self.fold(self.cursor, true),
            false => self.cursor = node.and_then(|node| node.parent).unwrap_or(self.cursor),
        }
    }

    /// Unfolds the value at the cursor; if that is not folded, goes to the first one in it.
    pub fn unfold_or_enter(&mut self) {
        match self.is_folded(self.cursor) {
            true => self.fold(self.cursor, false),
            false if self.nodes.get(self.cursor).is_some_and(Node::folds) => self.cursor += 1,
            false => {}
        }
    }

    /// Folds all but the record itself, or unfolds all.
    pub fn fold_all(&mut self, folds: bool) {
        (1..self.nodes.len()).for_each(|at| self.fold(at, folds));
        self.fold(0, false);
        while folds && self.nodes.get(self.cursor).is_some_and(|node| node.depth > 1) {
            let parent = self.nodes.get(self.cursor).and_then(|node| node.parent);
            self.cursor = parent.unwrap_or_default();
        }
    }

    /// The first node after this one in which one of `places` in the record begins, or the last
    /// before it; of all, if there is no such node to begin at.
    pub fn find(
        &self,
        places: &[Range<usize>],
        from: Option<usize>,
        forward: bool,
    ) -> Option<usize> {
        let node_of = |place: &Range<usize>| {
            let before = self.nodes.partition_point(|node| node.begin() <= place.start);
            before.saturating_sub(1)
        };
        let mut nodes = places.iter().map(node_of);
        match (forward, from) {
            (true, from) => nodes.find(|at| from.is_none_or(|from| *at > from)),
            (false, from) => nodes.rfind(|at| from.is_none_or(|from| *at < from)),
        }
    }

    /// Goes to a value, and unfolds all that is around it.
    pub fn show(&mut self, at: usize) {
        self.cursor = at;
        let mut around = self.nodes.get(at).and_then(|node| node.parent);
        while let Some(at) = around {
            self.fold(at, false);
            around = self.nodes.get(at).and_then(|node| node.parent);
        }
    }

    /// Keeps the cursor among so many lines of the screen.
    pub fn scroll(&mut self, height: usize) {
        let lines = self.lines();
        let at = lines.iter().position(|&node| node == self.cursor).unwrap_or_default();
        self.top = self.top.min(at).max((at + 1).saturating_sub(height.max(1)));
        self.top = self.top.min(lines.len().saturating_sub(height));
    }

    /// The text of a value.
    pub fn text(&self, at: usize) -> &[u8] {
        let range = self.nodes.get(at).map(|node| node.range.clone()).unwrap_or_default();
        self.row.text.get(range).unwrap_or_default()
    }

    /// The path of a value, as jq writes it.
    pub fn path(&self, at: usize) -> String {
        let mut steps = Vec::new();
        let mut here = self.nodes.get(at);
        while let Some(node) = here {
            steps.push(match &node.name {
                Name::Root => String::new(),
                Name::Index(index) => format!("[{index}]"),
                Name::Key(range) => step(self.row.text.get(range.clone()).unwrap_or_default()),
            });
            here = node.parent.and_then(|parent| self.nodes.get(parent));
        }
        let path: String = steps.iter().rev().map(String::as_str).collect();
        if path.starts_with('.') { path } else { format!(".{path}") }
    }

    /// A condition that is true for records with this value in this place.
    pub fn condition(&self, at: usize) -> String {
        let path = self.path(at);
        match self.nodes.get(at).map(|node| node.kind) {
            Some(Kind::Mark) | None => path,
            Some(_) => format!("{path} == {}", String::from_utf8_lossy(self.text(at))),
        }
    }
}

/// The step of a path to a key, which is given with its quotes.
fn step(key: &[u8]) -> String {
    let text = String::from_utf8_lossy(key);
    let name = text.trim_matches('"');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    match begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        true => format!(".{name}"),
        false => format!("[{text}]"),
    }
}

/// The values of a record; of one that is not valid JSON, as far as they can be found.
fn nodes(text: &[u8]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    // The objects and arrays that are open.
    let mut open: Vec<usize> = Vec::new();
    let mut key = None;
    for token in tokens(text) {
        let byte = text.get(token.range.start).copied().unwrap_or_default();
        match token.kind {
            Kind::Space => {}
            Kind::Key => key = Some(token.range),
            Kind::Mark if byte == b'}' || byte == b']' => {
                let Some(at) = open.pop() else { continue };
                let end = nodes.len();
                if let Some(node) = nodes.get_mut(at) {
                    (node.range.end, node.end) = (token.range.end, end);
                }
            }
            Kind::Mark if byte == b',' || byte == b':' => {}
            kind => {
                let parent = open.last().copied();
                let index = parent.and_then(|at| nodes.get_mut(at)).map(|around| {
                    around.children += 1;
                    around.children - 1
                });
                let name = match (key.take(), index) {
                    (Some(range), _) => Name::Key(range),
                    (None, Some(index)) => Name::Index(index),
                    (None, None) => Name::Root,
                };
                let (at, depth) = (nodes.len(), open.len());
                if kind == Kind::Mark {
                    open.push(at);
                }
                let (range, end) = (token.range, at + 1);
                nodes.push(Node { depth, parent, name, kind, range, children: 0, end });
            }
        }
    }
    // What a cut record leaves open.
    let end = nodes.len();
    for at in open {
        if let Some(node) = nodes.get_mut(at) {
            (node.range.end, node.end) = (text.len(), end);
        }
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        let (number, bytes) = (0, text.len() as u64);
        let text = text.as_bytes().into();
        Tree::new(Row { number, place: "f:1".into(), time: None, text, bytes, fault: None })
    }

    fn shown(tree: &Tree) -> Vec<String> {
        let text = |at| String::from_utf8_lossy(tree.text(at)).into_owned();
        tree.lines().into_iter().map(|at| format!("{} {}", tree.path(at), text(at))).collect()
    }

    const TEXT: &str = r#"{"a":1,"b":{"c d":[true,"x"],"e":{}},"f":null}"#;

    #[test]
    fn every_value_has_a_path() {
        assert_eq!(
            shown(&tree(TEXT))[1..],
            [
                ".a 1",
                r#".b {"c d":[true,"x"],"e":{}}"#,
                r#".b["c d"] [true,"x"]"#,
                r#".b["c d"][0] true"#,
                r#".b["c d"][1] "x""#,
                ".b.e {}",
                ".f null",
            ]
        );
        assert_eq!(shown(&tree("[[1]]"))[1..], [".[0] [1]", ".[0][0] 1"]);
        assert_eq!(shown(&tree("1")), [". 1"]);
    }

    #[test]
    fn branches_fold() {
        let mut tree = tree(TEXT);
        tree.step(2);
        assert_eq!(tree.path(tree.cursor), ".b");
        tree.toggle();
        assert_eq!(tree.lines().len(), 4);
        tree.step(1);
        assert_eq!(tree.path(tree.cursor), ".f");
        tree.fold_or_leave();
        assert_eq!(tree.cursor, 0);
        tree.fold_all(false);
        assert_eq!(tree.lines().len(), 8);
        tree.step(5);
        tree.fold_all(true);
        assert_eq!((tree.lines().len(), tree.path(tree.cursor).as_str()), (4, ".b"));
        tree.unfold_or_enter();
        tree.unfold_or_enter();
        assert_eq!(tree.path(tree.cursor), r#".b["c d"]"#);
    }

    #[test]
    fn what_is_searched_for_is_shown() {
        let mut tree = tree(TEXT);
        tree.fold_all(true);
        let places = [7..8, 12..16, 21..22];
        let mut seen = Vec::new();
        let mut from = None;
        while let Some(at) = tree.find(&places, from, true) {
            seen.push(tree.path(at));
            from = Some(at);
        }
        assert_eq!(seen, [".b", r#".b["c d"]"#, r#".b["c d"][0]"#]);
        assert_eq!(tree.find(&places, None, false), from);
        assert_eq!(tree.find(&places, Some(2), false), None);
        tree.show(from.unwrap());
        assert!(tree.lines().contains(&tree.cursor));
        assert_eq!(self::tree("").find(&[], None, true), None);
    }

    #[test]
    fn the_next_record_is_shown_in_the_same_place() {
        let mut one = tree(TEXT);
        one.step(2);
        one.toggle();
        let next = one.turn_to(tree(r#"{"x":0,"b":{"y":1},"z":2}"#).row);
        assert_eq!((next.path(next.cursor).as_str(), next.lines().len()), (".b", 4));
    }

    /// A path for each of its values would be gigabytes.
    #[test]
    fn a_deep_record_is_shown_at_once() {
        let text = "[".repeat(crate::tui::row::ROW_BYTES_MAX);
        let mut one = tree(&text);
        one.fold_all(true);
        one.fold(0, false);
        one.cursor = one.nodes.len() - 1;
        let next = one.turn_to(tree(&text).row);
        assert_eq!((next.cursor, next.lines().len()), (one.cursor, 2));
    }

    #[test]
    fn what_is_cut_or_broken_is_shown_as_far_as_it_comes() {
        assert_eq!(shown(&tree(r#"{"a":[1,{"b":"x"#)).len(), 5);
        assert_eq!(shown(&tree("}{]nul")).len(), 2);
        assert_eq!(shown(&tree("")).len(), 0);
        let mut empty = tree("");
        empty.step(1);
        empty.toggle();
        empty.scroll(3);
        assert_eq!(empty.path(0), ".");
    }

    #[test]
    fn a_value_is_a_filter() {
        let tree = tree(TEXT);
        assert_eq!(tree.condition(1), ".a == 1");
        assert_eq!(tree.condition(2), ".b");
    }
}
