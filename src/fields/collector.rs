//! Records in, a summary for each path out.

use std::borrow::Cow;

use super::common::Frequent;
use super::summary::{Kind, Summary};
use super::tree::Tree;
use crate::aggregate::functions::function::{Call, Column, Function, Input, Scope};
use crate::expr::Value;
use crate::record::members::{elements, members};

/// Values that are nested deeper have no paths of their own.
const DEPTH_MAX: usize = 32;

/// How many frequent values are told.
const COMMON_MAX: usize = 3;

/// Collects what fields records have.
pub struct Collector {
    tree: Tree,
    /// By the number of the path, as the groups of the columns.
    summaries: Vec<Summary>,
    distinct: Estimates,
    median: Estimates,
    records: u64,
}

/// A field: a path, and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The path as jq spells it; `[]` stands for all elements of arrays, and all values of objects
    /// whose keys are data.
    pub path: String,
    /// How many records have it.
    pub records: u64,
    /// How many values are of each kind, for those that there are.
    pub kinds: Vec<(Kind, u64)>,
    /// How many different values there are that are neither null nor nested, about.
    pub distinct: u64,
    /// The least value, as JSON: a number; a string if there are no numbers.
    pub min: Option<String>,
    /// The median of the numbers, as JSON; more than 64 of them are approximated.
    pub median: Option<String>,
    /// The greatest value, as the least one.
    pub max: Option<String>,
    /// The most frequent values.
    pub common: Vec<Frequent>,
}

impl Field {
    /// How many values there are.
    pub fn values(&self) -> u64 {
        self.kinds.iter().map(|(_, count)| count).sum()
    }

    /// How many of them are null.
    pub fn nulls(&self) -> u64 {
        let nulls = self.kinds.iter().filter(|(kind, _)| *kind == Kind::Null);
        nulls.map(|(_, count)| count).sum()
    }
}

impl Collector {
    /// No records; there may be so many paths.
    pub fn new(paths_max: usize) -> Collector {
        Collector {
            tree: Tree::new(paths_max),
            summaries: Vec::new(),
            distinct: Estimates::of("distinct"),
            median: Estimates::of("median"),
            records: 0,
        }
    }

    /// How many records there were.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether there were more paths than there may be, and some are not known.
    pub fn is_full(&self) -> bool {
        self.tree.is_full()
    }

    /// Takes a record, which must be valid JSON.
    pub fn record(&mut self, record: &[u8]) {
        self.records += 1;
        self.value(0, record.trim_ascii(), 0);
        for (from, into) in self.tree.settle() {
            self.merge(into, from);
        }
    }

    fn value(&mut self, at: usize, json: &[u8], depth: usize) {
        let (kind, number) = (Kind::of(json), self.records);
        let Some(node) = self.tree.node(at) else { return };
        if node.last != number {
            node.last = number;
            node.records += 1;
        }
        node.objects += u64::from(kind == Kind::Object);
        self.make_room(at);
        let text = if kind == Kind::String { decoded(json) } else { Cow::Borrowed("") };
        let value = match kind {
            Kind::Null => Value::Null,
            Kind::Bool => Value::Bool(json == b"true"),
            Kind::Number => Value::Number(str::from_utf8(json).unwrap_or("0")),
            Kind::String => Value::Text(&text),
            Kind::Array | Kind::Object => Value::Json(""),
        };
        if let Some(summary) = self.summaries.get_mut(at) {
            summary.take(kind, &value, json);
        }
        match kind {
            Kind::Null => {}
            Kind::Bool | Kind::String => self.distinct.take(at, value),
            Kind::Number => {
                self.distinct.take(at, value);
                self.median.take(at, value);
            }
            Kind::Array | Kind::Object if depth >= DEPTH_MAX => {}
            Kind::Array => {
                for element in elements(json) {
                    let Some(at) = self.tree.elements(at) else { break };
                    self.value(at, element, depth + 1);
                }
            }
            Kind::Object => {
                for member in members(json) {
                    let Some(at) = self.tree.child(at, member.key) else { continue };
                    let rest = member.bytes.get(member.key.len() + 2..).unwrap_or_default();
                    let value = rest.trim_ascii_start().strip_prefix(b":").unwrap_or_default();
                    self.value(at, value.trim_ascii(), depth + 1);
                }
            }
        }
    }

    fn make_room(&mut self, at: usize) {
        while self.summaries.len() <= at {
            self.summaries.push(Summary::default());
            self.distinct.add();
            self.median.add();
        }
    }

    /// Adds the values of one path to those of another.
    fn merge(&mut self, into: usize, from: usize) {
        self.make_room(into.max(from));
        let merged = self.summaries.get_mut(from).map(std::mem::take);
        if let (Some(merged), Some(summary)) = (merged, self.summaries.get_mut(into)) {
            summary.merge(&merged);
        }
        self.distinct.merge(into, from);
        self.median.merge(into, from);
    }

    /// The fields, each after the one that it is in, in the order in which they were first seen.
    /// The records themselves are among them if not all are objects.
    pub fn fields(&mut self) -> Vec<Field> {
        let mut fields = Vec::new();
        for at in self.tree.in_order() {
            let (Some(node), Some(summary)) = (self.tree.nodes().get(at), self.summaries.get(at))
            else {
                continue;
            };
            let is_plain = summary.count(Kind::Object) == summary.values();
            if summary.values() == 0 || at == 0 && is_plain {
                continue;
            }
            let plain = summary.values()
                - [Kind::Null, Kind::Array, Kind::Object]
                    .map(|it| summary.count(it))
                    .iter()
                    .sum::<u64>();
            let distinct = self.distinct.result(at).and_then(|it| it.parse::<u64>().ok());
            let [min, max] = summary.extremes().map_or([None, None], |both| both.map(Some));
            let count = |kind: Kind| (kind, summary.count(kind));
            fields.push(Field {
                path: node.path.clone(),
                records: node.records,
                kinds: Kind::ALL.into_iter().map(count).filter(|(_, count)| *count > 0).collect(),
                distinct: distinct.unwrap_or(0).min(plain),
                min,
                median: self.median.result(at).filter(|median| median != "null"),
                max,
                common: summary.common(COMMON_MAX),
            });
        }
        fields
    }
}

/// What a JSON string says.
fn decoded(json: &[u8]) -> Cow<'_, str> {
    match serde_json::from_slice::<&str>(json) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(serde_json::from_slice(json).unwrap_or_default()),
    }
}

/// An aggregate of each path.
struct Estimates(Option<Columns>);

struct Columns {
    column: Box<dyn Column>,
    /// One group, for a state on its way from one path to another.
    between: Box<dyn Column>,
}

impl Estimates {
    /// The aggregate of this name; none where there is no such one.
    fn of(name: &str) -> Estimates {
        let call = Call { bare: false, number: 0.0, merges: true };
        Estimates(Function::find(name).map(|function| {
            let (column, mut between) = ((function.column)(call), (function.column)(call));
            between.add_group();
            Columns { column, between }
        }))
    }

    fn add(&mut self) {
        self.0.iter_mut().for_each(|it| it.column.add_group());
    }

    fn take(&mut self, at: usize, value: Value<'_>) {
        let Some(Columns { column, .. }) = &mut self.0 else { return };
        // A number beyond the floats is left out.
        if column.stage(Some(at), &Input::new(value)).is_ok() {
            column.apply(at, 0);
        }
    }

    fn merge(&mut self, into: usize, from: usize) {
        let Some(Columns { column, between }) = &mut self.0 else { return };
        between.merge(0, &**column, from);
        column.merge(into, &**between, 0);
        between.clear(0);
        column.clear(from);
    }

    fn result(&mut self, at: usize) -> Option<String> {
        let mut out = Vec::new();
        self.0.as_mut()?.column.write(at, Scope::default(), &mut out);
        String::from_utf8(out).ok()
    }
}
