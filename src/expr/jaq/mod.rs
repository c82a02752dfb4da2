//! The evaluator: the jaq crates, behind the seam of [`super::Program`].
//!
//! - `compile`: from text to something that runs; `suggest` helps with names that do not exist, and
//!   `conditions` finds those that are always true; `data`: what an evaluation runs on.
//! - `fields`: which fields of a record an expression looks at.
//! - `rewrite`: gives an expression jq's meaning where jaq has another; `order` and `single` help
//!   with operands that have several results.
//! - `updates`: what updates are rewritten to.
//! - `library`: which functions there are; `natives`, `strings` (with `encodings`), `math`,
//!   `entries`, `sorting`, `range`, `regex`, `substitute`, `dates` (with `strptime`) and `defs.jq`
//!   hold ours.
//! - `val`: the values that jaq works on; `read` and `write`: from records, and to results.
//! - `stack`: room for jaq's recursion.

mod compile;
mod conditions;
mod data;
mod dates;
mod encodings;
mod entries;
mod fields;
mod library;
mod math;
mod natives;
mod order;
mod range;
mod read;
mod regex;
mod rewrite;
mod single;
mod sorting;
mod stack;
mod strings;
mod strptime;
mod substitute;
mod suggest;
mod updates;
mod val;
mod write;

use std::cell::RefCell;

use jaq_core::{Ctx, ValT, Vars};

use super::bounds::{Bounds, Exceeded};
use super::name::spelled;
use super::patterns::Patterns;
use super::syntax::Tree;
use super::{ExprError, RecordError, Value, Variables, meter};
use crate::expr::meter::{Context, Cut, Room};
use data::{Data, Expression, Kind, Shared};
use fields::Fields;
use read::Reader;
use val::Val;

use crate::record::pick::Step;
use crate::record::reserved;

/// How deep records and expressions may nest to be evaluated on the caller's stack. Measured in
/// debug builds, where it is worst: an update takes up to 4 KiB of stack for each level of the
/// record, an expression up to 5 KiB for each of its own levels.
const SHALLOW: usize = 64;

/// How long expressions may be, in bytes, to be compiled on the caller's stack: none nests deeper
/// than it is long.
const SHORT_BYTES: usize = 128;

/// The results of an expression, one after the other.
type Results<'a> = &'a mut dyn Iterator<Item = Result<Val, RecordError>>;

/// The compiled expressions and the record they look at.
pub(super) struct Evaluator {
    expressions: Vec<Expression>,
    /// What all of them together look at.
    fields: Fields,
    bounds: Bounds,
    /// Whether the last evaluation took more steps than there is room for on the caller's stack.
    is_long: bool,
    shared: Shared,
    reader: Reader,
    /// The values of the variables, in the order in which the expressions were told of them.
    variables: Vec<Val>,
    variables_depth: usize,
    record: Val,
    /// How deep the record, or a variable, nests.
    depth: usize,
    /// The result handed out last, which its [`Value`] borrows from.
    result: Val,
}

impl Evaluator {
    /// Compiles; `seen` is given the syntax tree of each expression, as it was written.
    pub(super) fn compile(
        sources: &[&str],
        variables: &Variables,
        mut seen: impl FnMut(&Tree<'_>, &mut Patterns) + Send,
    ) -> Result<Evaluator, ExprError> {
        let mut patterns = Patterns::default();
        let mut all = || {
            let each = sources.iter().enumerate();
            each.map(|(index, source)| {
                compile::compile(index, source, variables, &mut patterns, &mut seen)
            })
            .collect()
        };
        let short = sources.iter().all(|source| source.len() <= SHORT_BYTES);
        let expressions: Result<Vec<Expression>, ExprError> =
            if short { Ok(all()) } else { stack::roomy(all) }.unwrap_or_else(|error| {
                let expression = sources.first().copied().unwrap_or_default().to_owned();
                let why = format!("no memory to compile it ({error})");
                Err(ExprError { index: 0, expression, span: 0..0, why, remedy: None })
            });
        let expressions = expressions?;
        let (variables, depth) = values(variables);
        let none = Fields::Some(Vec::new());
        Ok(Evaluator {
            fields: expressions.iter().fold(none, |all, one| all.and(&one.fields)),
            expressions,
            bounds: Bounds::default(),
            is_long: false,
            shared: Shared { patterns: RefCell::new(patterns) },
            reader: Reader::default(),
            variables,
            variables_depth: depth,
            record: Val::Null,
            depth,
            result: Val::Null,
        })
    }

    /// Says why an expression is true for every record, if that is plain to see; and whether that
    /// is deliberate, as `true` is.
    pub(super) fn always(&self, index: usize) -> Option<(ExprError, bool)> {
        let one = self.expressions.get(index)?;
        Some((one.always.clone()?, one.deliberate))
    }

    /// What of a record is read; none if it may be all of it.
    pub(super) fn fields(&self) -> Option<Vec<String>> {
        match &self.fields {
            Fields::All => None,
            Fields::Some(names) => {
                Some(names.iter().map(|name| spelled(&[Step::Key(name.clone())])).collect())
            }
        }
    }

    /// The fields that are read by the expressions of which that is known.
    pub(super) fn paths(&self) -> Vec<Vec<Step>> {
        let names = self.expressions.iter().filter_map(|one| match &one.fields {
            Fields::All => None,
            Fields::Some(names) => Some(names),
        });
        names.flatten().map(|name| vec![Step::Key(name.clone())]).collect()
    }

    /// Whether the record has the field to which these keys lead.
    pub(super) fn has(&self, path: &[Step]) -> bool {
        let inside = path.iter().try_fold(&self.record, |value, step| match (value, step) {
            (Val::Obj(fields), Step::Key(key)) => fields.get(key.as_str()),
            _ => None,
        });
        inside.is_some()
    }

    /// Sets the variable that was given as number `index` to a text.
    pub(super) fn set_text(&mut self, index: usize, text: &str) {
        if let Some(variable) = self.variables.get_mut(index) {
            *variable = Val::Text(text.to_owned().into());
        }
    }

    /// Sets the variable that was given as number `index` to a number.
    pub(super) fn set_number(&mut self, index: usize, number: i64) {
        if let Some(variable) = self.variables.get_mut(index) {
            *variable = Val::Int(number);
        }
    }

    /// Sets what each evaluation may take.
    pub(super) fn bound(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    /// Forgets the record.
    pub(super) fn unload(&mut self) {
        self.record = Val::Null;
        self.result = Val::Null;
        self.depth = self.variables_depth;
    }

    /// Forgets the record, and gives back the memory that a long one took.
    pub(super) fn rest(&mut self) {
        self.unload();
        self.reader = Reader::default();
    }

    /// Reads a record that is valid JSON: of an object, the fields that are looked at.
    pub(super) fn load(&mut self, record: &str) -> Result<(), RecordError> {
        let (record, depth) = self.reader.read(record, &self.fields)?;
        self.record = record;
        self.depth = depth.max(self.variables_depth);
        Ok(())
    }

    pub(super) fn truth(&mut self, index: usize) -> Result<bool, RecordError> {
        self.run(index, |results| {
            for result in results {
                if result?.as_bool() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// The only result; `text` is where it may put the text of the value.
    pub(super) fn value<'a>(
        &'a mut self,
        index: usize,
        text: &'a mut Vec<u8>,
    ) -> Result<Value<'a>, RecordError> {
        self.result = self.run(index, |results| {
            let result = results.next().transpose()?.unwrap_or_default();
            match results.next().transpose()? {
                Some(_) => Err(RecordError::Several),
                None => write::text(&result, text).map(|()| result),
            }
        })?;
        Ok(write::value(&self.result, text))
    }

    pub(super) fn write(&mut self, index: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let start = out.len();
        self.run(index, |results| {
            out.truncate(start);
            for result in results {
                let begin = out.len();
                write::json(&result?, start, out).map_err(RecordError::eval)?;
                reserved::check(out.get(begin..).unwrap_or_default())?;
                out.push(b'\n');
            }
            Ok(())
        })
    }

    /// Evaluates an expression; `take` takes the results, and may be called a second time if the
    /// first time there was not enough room on the stack.
    fn run<T: Send>(
        &mut self,
        index: usize,
        mut take: impl FnMut(Results<'_>) -> Result<T, RecordError> + Send,
    ) -> Result<T, RecordError> {
        let Some(expression) = self.expressions.get(index) else {
            return Err(RecordError::eval(format_args!("there is no expression {index}")));
        };
        let given = Given { record: &self.record, variables: &self.variables };
        let (shared, bounds) = (&mut self.shared, &self.bounds);
        if self.depth <= SHALLOW && expression.depth <= SHALLOW && !self.is_long {
            let attempt = attempt(expression, given, shared, bounds, stack::CALLER, &mut take);
            match attempt.0 {
                Ok(done) => return done,
                Err(Cut::Bound(exceeded)) => return Err(exceeded.into()),
                Err(Cut::Room) => {}
            }
        }
        // The thread takes `shared` over, which must not be seen by two of them.
        let (done, steps) = stack::roomy(move || {
            attempt(expression, given, shared, bounds, stack::ROOMY, &mut take)
        })
        .map_err(|_| Exceeded::NoStack)?;
        self.is_long = steps > stack::CALLER.steps_max;
        done.unwrap_or_else(|cut| match cut {
            Cut::Bound(exceeded) => Err(exceeded.into()),
            Cut::Room => Err(Exceeded::Depth.into()),
        })
    }
}

/// What an evaluation looks at.
#[derive(Clone, Copy)]
struct Given<'a> {
    record: &'a Val,
    variables: &'a [Val],
}

/// The values of variables, and how deep they nest. They are valid JSON, so nothing is left out.
fn values(variables: &Variables) -> (Vec<Val>, usize) {
    let mut depth = 0;
    let values = variables.iter().map(|(_, json)| {
        let (value, nests) = Reader::default().read(json, &Fields::All).unwrap_or_default();
        depth = depth.max(nests);
        value
    });
    (values.collect(), depth)
}

/// Evaluates an expression in the room that is given; tells how many steps that took.
fn attempt<T>(
    expression: &Expression,
    given: Given<'_>,
    shared: &Shared,
    bounds: &Bounds,
    room: Room,
    take: &mut impl FnMut(Results<'_>) -> Result<T, RecordError>,
) -> (Result<Result<T, RecordError>, Cut>, u64) {
    meter::within(bounds, room, || {
        let data = Data { expression, shared, _metered: Context::new() };
        let context = Ctx::<Kind>::new(data, Vars::new(given.variables.iter().cloned()));
        let results = expression.filter.id.run((context, given.record.clone()));
        take(&mut results.map(|result| {
            result.map_err(|exception| match exception.get_err() {
                Ok(error) => failed(error.into_val()),
                Err(_) => RecordError::eval("the expression stopped without a result"),
            })
        }))
    })
}

/// The error that an expression did not catch.
fn failed(error: Val) -> RecordError {
    match error {
        Val::Text(text) if text.is_empty() => RecordError::eval("the expression failed"),
        Val::Text(text) => RecordError::eval(text.as_str()),
        other => RecordError::eval(other),
    }
}
