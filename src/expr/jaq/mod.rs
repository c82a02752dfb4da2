//! The evaluator: the jaq crates, behind the seam of [`super::Program`].
//!
//! - `compile`: from text to something that runs; `suggest` helps with what does not.
//! - `fields`: which fields of a record an expression looks at.
//! - `rewrite`: makes an expression look at the stack where it recurses.
//! - `library`: which functions there are; `natives`, `regex`, `encodings` and `defs.jq` hold ours.
//! - `val`: the values that jaq works on; `read` and `write`: from records, and to results.
//! - `stack`: room for jaq's recursion.

mod compile;
mod encodings;
mod fields;
mod library;
mod natives;
mod read;
mod regex;
mod rewrite;
mod stack;
mod suggest;
mod val;
mod write;

use jaq_core::{Ctx, ValT, Vars};

use super::fast::{Draft, NotFast, spelled};
use super::{ExprError, RecordError, Value, Variables};
use compile::Expression;
use fields::Fields;
use natives::{Data, Kind, Shared};
use read::Reader;
use val::Val;

use crate::record::pick::Step;

pub(super) use regex::Compiled as Pattern;

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
    pub(super) fn compile(sources: &[&str], variables: &Variables) -> Result<Evaluator, ExprError> {
        let all = || {
            let each = sources.iter().enumerate();
            each.map(|(index, source)| compile::compile(index, source, variables)).collect()
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
            shared: Shared::default(),
            reader: Reader::default(),
            variables,
            variables_depth: depth,
            record: Val::Null,
            depth,
            result: Val::Null,
        })
    }

    /// The expressions as the fast evaluator takes them, or what in the first that it does not.
    pub(super) fn drafts(&mut self) -> Result<Vec<Draft>, NotFast> {
        let taken = || Err(NotFast("it was taken before".into()));
        self.expressions.iter_mut().map(|one| std::mem::replace(&mut one.fast, taken())).collect()
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

    /// Forgets the record.
    pub(super) fn unload(&mut self) {
        self.record = Val::Null;
        self.result = Val::Null;
        self.depth = self.variables_depth;
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

    /// The first result; `text` is where it may put the text of the value.
    pub(super) fn value<'a>(
        &'a mut self,
        index: usize,
        text: &'a mut Vec<u8>,
    ) -> Result<Value<'a>, RecordError> {
        self.result =
            self.run(index, |results| Ok(results.next().transpose()?.unwrap_or_default()))?;
        write::value(&self.result, text)
    }

    pub(super) fn write(&mut self, index: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let start = out.len();
        self.run(index, |results| {
            out.truncate(start);
            for result in results {
                write::json(&result?, out).map_err(RecordError::eval)?;
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
        let (shared, given) = (&mut self.shared, (&self.record, &*self.variables));
        if self.depth <= SHALLOW && expression.depth <= SHALLOW {
            let done = attempt(expression, given, shared, stack::CALLER_BYTES, &mut take);
            if !shared.gauge.ran_low() {
                return done;
            }
        }
        // The thread takes `shared` over, which must not be seen by two of them.
        let (done, ran_low) = stack::roomy(move || {
            let done = attempt(expression, given, shared, stack::ROOMY_BYTES, &mut take);
            (done, shared.gauge.ran_low())
        })
        .map_err(|error| RecordError::eval(format_args!("no memory to evaluate it: {error}")))?;
        if ran_low { Err(RecordError::eval("the expression recurses too deeply")) } else { done }
    }
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

fn attempt<T>(
    expression: &Expression,
    (record, variables): (&Val, &[Val]),
    shared: &Shared,
    stack_bytes: usize,
    take: &mut impl FnMut(Results<'_>) -> Result<T, RecordError>,
) -> Result<T, RecordError> {
    shared.gauge.start(stack_bytes);
    let lut = &expression.filter.lut;
    let context = Ctx::<Kind>::new(Data { lut, shared }, Vars::new(variables.iter().cloned()));
    let results = expression.filter.id.run((context, record.clone()));
    take(&mut results.map(|result| {
        result.map_err(|exception| match exception.get_err() {
            Ok(error) => match error.into_val() {
                Val::Text(text) if text.is_empty() => RecordError::eval("the expression failed"),
                Val::Text(text) => RecordError::eval(text.as_str()),
                other => RecordError::eval(other),
            },
            Err(_) => RecordError::eval("the expression stopped without a result"),
        })
    }))
}
