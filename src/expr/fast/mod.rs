//! The fast evaluator: expressions made of common parts, over the bytes of records, without
//! building values and without allocating.
//!
//! - [`tree`]: what such an expression is made of.
//! - `compile`: from jaq's syntax tree to it, or to what stands in the way; `calls`: of functions.
//! - `eval`: running it over the fields that [`crate::record::pick`] found; `results`: what becomes
//!   of what it gives.
//! - `value`: values and their order; `json`: arrays and objects; `text`: escapes, and room.
//!
//! It gives the results that jaq gives, or none at all: [`Stop::Fallback`] sends a record to jaq,
//! for the result or for the message. So what is rare costs time, and is never another result.

mod calls;
mod compile;
mod eval;
mod json;
mod results;
mod text;
mod tree;
mod value;

use std::ops::ControlFlow;

use super::name::spelled;
use super::presence::Watch;
use crate::record::lines::Lines;
use crate::record::pick::{Kind, Line, Picker, Plan, Slot, Step};
use crate::record::reserved::is_reserved;
use crate::record::scan::{Scanner, TEXT_BYTES_MAX};
use eval::Context;
use json::Compact;
use results::Shape;
use text::{SCRATCH_BYTES, Scratch};
use tree::{Expr, Steps};
use value::Value;

pub(super) use compile::compile;
pub(super) use tree::{FastExpr, Unsupported};

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The expression has no result.
    Empty,
    /// The record is one for jaq.
    Fallback,
}

/// What became of a record: whether it was the last that is wanted.
type Taken = Result<ControlFlow<()>, Stop>;

/// A path from the record, and its steps.
struct Path {
    place: usize,
    steps: Vec<PathStep>,
}

struct PathStep {
    place: usize,
    /// An item of an array, not a field of an object.
    item: bool,
    /// It may fail quietly.
    quiet: bool,
}

/// The compiled expressions, and what was found of them in the record that was read.
pub(super) struct Evaluator {
    expressions: Vec<(Expr, Vec<Path>)>,
    /// The paths of all of them.
    paths: Vec<Vec<Step>>,
    plan: Plan,
    /// The places of fields that no expression reads, or not as such: see [`Evaluator::seek`].
    sought: Vec<usize>,
    slots: Vec<Slot>,
    scanner: Scanner,
    scratch: Vec<u8>,
    compact: Compact,
    /// Whether the next record that is read was found to be one for jaq.
    refused: bool,
    /// Whether records are known to be valid.
    pub(super) trusted: bool,
}

impl Evaluator {
    pub(super) fn new(drafts: Vec<FastExpr>) -> Evaluator {
        let bare = |steps: &Steps| steps.iter().map(|(step, _)| step.clone()).collect();
        let all: Vec<Vec<Step>> = drafts.iter().flat_map(|d| &d.paths).map(bare).collect();
        let plan = Plan::new(all.iter().map(Vec::as_slice));
        let path = |steps: &Steps| {
            let bare: Vec<Step> = bare(steps);
            let place = |length| bare.get(..length).and_then(|part| plan.place(part)).unwrap_or(0);
            let step = |(at, (step, quiet)): (usize, &(Step, bool))| PathStep {
                place: place(at + 1),
                item: matches!(step, Step::Item(_)),
                quiet: *quiet,
            };
            Path { place: place(bare.len()), steps: steps.iter().enumerate().map(step).collect() }
        };
        let expressions =
            drafts.into_iter().map(|d| (d.expr, d.paths.iter().map(path).collect())).collect();
        Evaluator {
            expressions,
            paths: all,
            slots: vec![Slot::default(); plan.len()],
            plan,
            sought: Vec::new(),
            scanner: Scanner::default(),
            scratch: vec![0; SCRATCH_BYTES],
            compact: Compact::default(),
            refused: false,
            trusted: false,
        }
    }

    /// The paths that are read, for people.
    pub(super) fn fields(&self) -> Vec<String> {
        let mut fields: Vec<String> = self.paths.iter().map(|path| spelled(path)).collect();
        fields.sort();
        fields.dedup();
        fields
    }

    /// The paths that are read.
    pub(super) fn paths(&self) -> &[Vec<Step>] {
        &self.paths
    }

    /// Where what a path leads to is found among the slots.
    pub(super) fn place(&self, path: &[Step]) -> Option<usize> {
        self.plan.place(path)
    }

    /// What the last record has at each place.
    #[inline(always)]
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Reads a record, unless it is one for jaq.
    pub(super) fn load(&mut self, record: &[u8]) -> bool {
        if std::mem::take(&mut self.refused) || record.len() > TEXT_BYTES_MAX {
            return false;
        }
        let (scanner, plan, slots) = (&mut self.scanner, &self.plan, &mut self.slots);
        let line = match self.trusted {
            false => Picker::<false>::new(record, 0, scanner, plan, slots).line(),
            true => Picker::<true>::new(record, 0, scanner, plan, slots).line(),
        };
        line == Line::Record(record.len())
    }

    /// Looks for fields of these names, too.
    pub(super) fn seek<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let sought: Vec<Vec<Step>> = names.map(|name| vec![Step::Key(name.to_owned())]).collect();
        // What is new stands after what was there, and so leaves all places as they are.
        self.plan = Plan::new(self.paths.iter().chain(&sought).map(Vec::as_slice));
        self.sought = sought.iter().filter_map(|path| self.plan.place(path)).collect();
        self.slots.resize(self.plan.len(), Slot::default());
    }

    /// Whether the record has none of the fields that are sought.
    #[inline]
    pub(super) fn lacks_sought(&self) -> bool {
        let is_missing =
            |place: &usize| self.slots.get(*place).is_some_and(|slot| slot.kind == Kind::Missing);
        self.sought.iter().all(is_missing)
    }

    /// Takes up a record whose fields were found before, where `slots` says; false, if it was one
    /// for jaq. The lines that are being read can be read on.
    #[inline]
    pub(super) fn recall(&mut self, slots: &[Slot]) -> bool {
        let known = slots.len() == self.slots.len();
        if known {
            self.slots.copy_from_slice(slots);
        }
        known
    }

    /// Makes ready to read records at the front of `lines`.
    pub(super) fn begin(&mut self, lines: &Lines<'_>) {
        self.scanner.restart(lines.at());
        self.refused = false;
    }

    /// Reads the next record of the lines that were begun, unless it is one for jaq, or none;
    /// gives it with the end of its line.
    #[inline(always)]
    pub(super) fn load_next<'t>(&mut self, lines: &mut Lines<'t>) -> Option<(usize, &'t [u8])> {
        let text = lines.text();
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let (scanner, plan, slots) = (&mut self.scanner, &self.plan, &mut self.slots);
        match self.trusted || lines.are_compact() {
            false => {
                let mut picker = Picker::<false>::resume(text, scanner, plan, slots);
                next_record(&mut picker, lines, &mut self.refused)
            }
            true => {
                let mut picker = Picker::<true>::resume(text, scanner, plan, slots);
                next_record(&mut picker, lines, &mut self.refused)
            }
        }
    }

    /// Works on expression `index` over the record that was read, which stands in `text`.
    fn run<T>(
        &mut self,
        index: usize,
        text: &[u8],
        work: impl for<'r> FnOnce(&mut Context<'r>, &'r Expr) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let (expr, paths) = self.expressions.get(index).ok_or(Stop::Fallback)?;
        let mut context = Context {
            text,
            slots: &self.slots,
            paths,
            scratch: Scratch::new(&mut self.scratch),
            compact: &mut self.compact,
        };
        work(&mut context, expr)
    }

    pub(super) fn truth(&mut self, index: usize, text: &[u8]) -> Result<bool, Stop> {
        self.run(index, text, |context, expr| context.truth(expr, Value::Null))
    }

    /// Appends all results, each with a LF; after an error, `out` may have some of them.
    pub(super) fn write(
        &mut self,
        index: usize,
        text: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        self.run(index, text, |context, expr| context.stream(expr, Value::Null, out))
    }

    /// The only result, whose text is appended to `result`.
    pub(super) fn value(
        &mut self,
        index: usize,
        text: &[u8],
        result: &mut Vec<u8>,
    ) -> Result<Shape, Stop> {
        self.run(index, text, |context, expr| context.only(expr, Value::Null, result))
    }

    /// The field that expression `index` is, with its text as it stands in the record, where
    /// it is a number or a string without escapes: what is counted and compared mostly is.
    #[inline]
    pub(super) fn plain_value<'t>(
        &self,
        index: usize,
        text: &'t [u8],
    ) -> Option<(Shape, &'t [u8])> {
        let slot = self.field(index)?;
        let json = slot.of(text);
        match slot.kind {
            Kind::Plain => Some((Shape::Text, value::inside(json))),
            Kind::Number => Some((Shape::Number, json)),
            _ => None,
        }
    }

    /// The field that expression `index` is, as it stands in the record, if that is a string
    /// without escapes.
    #[inline]
    pub(super) fn plain_string<'t>(&self, index: usize, text: &'t [u8]) -> Option<&'t [u8]> {
        let slot = self.field(index)?;
        (slot.kind == Kind::Plain).then(|| slot.of(text))
    }

    /// The field that expression `index` is, as it stands in the record, if that is a number.
    #[inline]
    pub(super) fn plain_number<'t>(&self, index: usize, text: &'t [u8]) -> Option<&'t [u8]> {
        let slot = self.field(index)?;
        (slot.kind == Kind::Number).then(|| slot.of(text))
    }

    /// What expression `index` stands for, if it is nothing but a path.
    #[inline]
    fn field(&self, index: usize) -> Option<&Slot> {
        let (Expr::Path(number), paths) = self.expressions.get(index)? else { return None };
        self.slots.get(paths.get(*number)?.place)
    }

    /// Goes through the records at the front of `lines` for as long as they are for this one.
    /// `take` is given each record and whether expression `index` is true for it.
    pub(super) fn sift(
        &mut self,
        index: usize,
        lines: &mut Lines<'_>,
        watch: &mut Watch,
        mut take: impl FnMut(&[u8], bool) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.each(index, lines, watch, |context, expr, line| {
            context.truth(expr, Value::Null).map(|truth| take(line, truth))
        })
    }

    /// Goes through the records at the front of `lines` for as long as they are for this one, and
    /// appends the results of expression `index` for each.
    pub(super) fn rewrite(
        &mut self,
        index: usize,
        lines: &mut Lines<'_>,
        watch: &mut Watch,
        out: &mut Vec<u8>,
    ) {
        if lines.are_compact() && self.is_whole(index) {
            out.extend_from_slice(lines.rest());
            return lines.pass_all();
        }
        let _ = self.each(index, lines, watch, |context, expr, _| {
            let start = out.len();
            let written = context.stream(expr, Value::Null, out);
            if written.is_err() {
                out.truncate(start);
            }
            written.map(ControlFlow::Continue)
        });
    }

    /// Whether expression `index` is the whole record.
    fn is_whole(&self, index: usize) -> bool {
        let Some((Expr::Path(number), paths)) = self.expressions.get(index) else { return false };
        paths.get(*number).is_some_and(|path| path.steps.is_empty())
    }

    #[inline(always)]
    fn each(
        &mut self,
        index: usize,
        lines: &mut Lines<'_>,
        watch: &mut Watch,
        work: impl for<'r> FnMut(&mut Context<'r>, &'r Expr, &[u8]) -> Taken,
    ) -> ControlFlow<()> {
        match self.trusted || lines.are_compact() {
            false => self.each_with::<false>(index, lines, watch, work),
            true => self.each_with::<true>(index, lines, watch, work),
        }
    }

    #[inline(always)]
    fn each_with<const TRUSTED: bool>(
        &mut self,
        index: usize,
        lines: &mut Lines<'_>,
        watch: &mut Watch,
        mut work: impl for<'r> FnMut(&mut Context<'r>, &'r Expr, &[u8]) -> Taken,
    ) -> ControlFlow<()> {
        let text = lines.text();
        let Some((expr, paths)) = self.expressions.get(index) else {
            return ControlFlow::Continue(());
        };
        if text.len() > TEXT_BYTES_MAX {
            return ControlFlow::Continue(());
        }
        let (scanner, slots) = (&mut self.scanner, &mut self.slots);
        let mut picker = Picker::<TRUSTED>::new(text, lines.at(), scanner, &self.plan, slots);
        self.refused = false;
        while let Some((end, line)) = next_record(&mut picker, lines, &mut self.refused) {
            watch.look(line, picker.slots());
            let mut context = Context {
                text,
                slots: picker.slots(),
                paths,
                scratch: Scratch::new(&mut self.scratch),
                compact: &mut self.compact,
            };
            match work(&mut context, expr, line) {
                Ok(flow) => {
                    lines.pass(end);
                    flow?;
                }
                Err(_) => {
                    self.refused = true;
                    break;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// The next line that is a record, with its end; none, and perhaps `refused`, if it is for others.
#[inline(always)]
fn next_record<'t, const TRUSTED: bool>(
    picker: &mut Picker<'_, TRUSTED>,
    lines: &mut Lines<'t>,
    refused: &mut bool,
) -> Option<(usize, &'t [u8])> {
    while !lines.rest().is_empty() && !is_reserved(lines.rest()) {
        match picker.line() {
            Line::Record(end) => return Some((end, lines.record(end)?)),
            Line::Blank(end) => lines.pass(end),
            Line::Odd => {
                *refused = true;
                return None;
            }
        }
    }
    None
}
