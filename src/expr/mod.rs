//! jq expressions: compiled once, run over records.
//!
//! - [`Program`]: the seam. All other rooms see records as bytes and results as [`Value`]s.
//! - `syntax`: from the text of an expression to its syntax tree, from which both evaluators
//!   compile.
//! - `jaq`: the evaluator of the whole language; with `syntax` and `fast::compile`, the only module
//!   that knows the jaq crates.
//! - `fast`: the evaluator of the fast subset, over the bytes of records.
//! - `patterns`: compiled regular expressions; `arithmetic`: calculations on numbers.
//! - [`bounds`]: what one evaluation may take; `meter`: counts it.
//! - [`parsed_record`]: a record on its way through the expressions; [`value`]: one result;
//!   [`loose`]: fields that no record has been made of.
//! - [`presence`]: fields that are read and that no record had; `distance`: similar names.
//! - [`error`]: what can be wrong with an expression, and with a record.
//! - [`variables`]: values that the user names.
//! - [`name`]: paths as text, and the name that a simple path suggests for its result.
//!
//! The language is jq, whole, but for what would let an expression see or do more than the record
//! in front of it: the environment, the clock, other records, standard error, ending the process.
//! Using one of these is an error when the expression is compiled.

#[doc(hidden)]
pub mod agreement;
mod arithmetic;
pub mod bounds;
pub mod error;
mod fast;
mod jaq;
pub mod loose;
mod meter;
pub mod name;
pub mod outermost;
pub mod parsed_record;
mod patterns;
pub mod presence;
mod syntax;
pub mod value;
pub mod variables;

use std::ops::ControlFlow;

use crate::record::check::Checker;
use crate::record::lines::Lines;
use crate::state::{self, StateError, Writer};

use fast::{FastExpr, Unsupported};
use parsed_record::Reader;
use presence::Watch;

pub use bounds::{Bounds, Exceeded};
pub use error::{ExprError, RecordError};
pub use loose::LooseFields;
pub use name::path_name;
pub use parsed_record::{Found, ParsedRecord, Recall, Records, is_object};
pub use presence::Presence;
pub use value::Value;
pub use variables::{VariableError, Variables};

/// One or several expressions that are evaluated over the same record; the record is read once for
/// all of them.
///
/// It can be sent to another thread; threads that evaluate at the same time each have their own.
pub struct Program {
    sources: Vec<String>,
    evaluator: jaq::Evaluator,
    /// The fast evaluator, or what in the expressions it cannot do.
    fast: Result<Box<fast::Evaluator>, String>,
    watch: Watch,
    checker: Checker,
    /// Where the text of the value handed out last is kept.
    result: Vec<u8>,
}

/// How large a buffer a program keeps that nobody uses.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// How a program is run, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The construct that keeps the fast evaluator from running it; none if it does.
    pub not_fast: Option<String>,
    /// The paths that are read; none if it may be the whole record.
    pub reads: Option<Vec<String>>,
}

impl Program {
    /// Compiles the expressions.
    ///
    /// # Errors
    /// The first thing wrong with the first expression that is wrong: where it is, and why.
    pub fn compile(sources: &[&str]) -> Result<Program, ExprError> {
        Program::compile_with(sources, &Variables::default())
    }

    /// Compiles expressions that may use variables.
    ///
    /// # Errors
    /// As [`Program::compile`].
    pub fn compile_with(sources: &[&str], variables: &Variables) -> Result<Program, ExprError> {
        let mut drafts = Vec::with_capacity(sources.len());
        let evaluator = jaq::Evaluator::compile(sources, variables, |tree, patterns| {
            drafts.push(fast::compile(tree, variables, patterns));
        })?;
        let drafts: Result<Vec<FastExpr>, Unsupported> = drafts.into_iter().collect();
        let fast = drafts.map(|drafts| Box::new(fast::Evaluator::new(drafts)));
        Ok(Program {
            evaluator,
            fast: fast.map_err(|not_fast| not_fast.0),
            watch: Watch::default(),
            checker: Checker::default(),
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
            result: Vec::new(),
        })
    }

    /// Says whether records come from where they were validated: what nobody looks at in them then
    /// need not be valid JSON. Of a record that is not valid, the results are not defined.
    pub fn trust(&mut self, trusted: bool) {
        if let Ok(fast) = &mut self.fast {
            fast.trusted = trusted;
        }
    }

    /// Sets the variable that was given as number `index`, from 0, to a text. It must be one that
    /// [`Variables::add_changing`] has added.
    pub fn set_text(&mut self, index: usize, text: &str) {
        self.evaluator.set_text(index, text);
    }

    /// As [`Program::set_text`], to a number.
    pub fn set_number(&mut self, index: usize, number: i64) {
        self.evaluator.set_number(index, number);
    }

    /// Sets what each evaluation may take, in place of what it may in a tool.
    pub fn bound(&mut self, bounds: Bounds) {
        self.evaluator.bound(bounds);
    }

    /// Gives back the memory that long records and results took, before it is kept for later.
    pub fn rest(&mut self) {
        self.evaluator.rest();
        if self.result.capacity() > KEPT_BYTES_MAX {
            self.result = Vec::new();
        }
    }

    /// Leaves the fast evaluator out, so that one can be compared with the other.
    #[doc(hidden)]
    pub fn without_fast(mut self) -> Program {
        self.fast = Err("it was left out".into());
        self
    }

    /// How the program is run.
    pub fn explain(&self) -> Explanation {
        match &self.fast {
            Ok(fast) => Explanation { not_fast: None, reads: Some(fast.fields()) },
            Err(why) => Explanation { not_fast: Some(why.clone()), reads: self.evaluator.fields() },
        }
    }

    /// Notes in `presence` which of the fields that the expressions read are in the records from
    /// here on. An expression that may look at the whole record reads no field by name.
    pub fn watch(&mut self, presence: &Presence) {
        let paths = match &self.fast {
            Ok(fast) => fast.paths().to_vec(),
            Err(_) => self.evaluator.paths(),
        };
        self.watch = Watch::new(presence, paths);
        self.place_watch();
    }

    /// Watches on for another program, which is used no more: the fields of that one.
    pub fn watch_on(&mut self, other: &mut Program) {
        self.watch = std::mem::take(&mut other.watch);
        self.place_watch();
    }

    /// Saves which fields that its expressions read were in the records so far, as far as that is
    /// watched.
    pub fn save_presence(&self, to: &mut Writer) {
        self.watch.save(to);
    }

    /// Restores what [`Program::save_presence`] saved, where it is watched here.
    ///
    /// # Errors
    /// When it is no such state.
    pub fn restore_presence(&mut self, from: &mut state::Reader<'_>) -> Result<(), StateError> {
        self.watch.restore(from)
    }

    fn place_watch(&mut self) {
        self.watch.place(|path| self.fast.as_ref().ok()?.place(path));
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is not valid JSON, as [`crate::record::json::validate`] says.
    pub fn load<'t>(&mut self, record: &'t [u8]) -> Result<ParsedRecord<'_, 't>, RecordError> {
        let fast = self.fast.as_mut().ok().and_then(|fast| fast.load(record).then_some(fast));
        let reader = match fast {
            Some(fast) => {
                self.watch.look(record, fast.slots());
                Reader::Fast
            }
            None => {
                self.read(record)?;
                Reader::Jaq
            }
        };
        Ok(ParsedRecord { program: self, text: record, begin: 0, record, reader })
    }

    /// Has jaq read a record.
    fn read(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.evaluator.unload();
        self.checker.check(record)?;
        // Valid JSON is valid UTF-8.
        let text = simdutf8::basic::from_utf8(record).map_err(RecordError::eval)?;
        self.evaluator.load(text)?;
        self.watch.look_by(record, |path| self.evaluator.has(path));
        Ok(())
    }

    /// Reads records at the front of `lines`, as many as can be read fast.
    pub fn records<'p, 'l, 't>(&'p mut self, lines: &'l mut Lines<'t>) -> Records<'p, 'l, 't> {
        Records::new(self, lines)
    }

    /// Goes through records at the front of `lines`, as many as can be done fast; the next one, if
    /// any is left, is for [`Program::load`], or no record at all. `take` is given each record and
    /// what [`ParsedRecord::truth`] is for it.
    pub fn sift(
        &mut self,
        index: usize,
        lines: &mut Lines<'_>,
        take: impl FnMut(&[u8], bool) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match &mut self.fast {
            Ok(fast) => fast.sift(index, lines, &mut self.watch, take),
            Err(_) => ControlFlow::Continue(()),
        }
    }

    /// Goes through records as [`Program::sift`] does, and does for each what
    /// [`ParsedRecord::write`] does.
    pub fn rewrite(&mut self, index: usize, lines: &mut Lines<'_>, out: &mut Vec<u8>) {
        if let Ok(fast) = &mut self.fast {
            fast.rewrite(index, lines, &mut self.watch, out);
        }
    }

    /// Checks that expression `index` can be a condition.
    ///
    /// # Errors
    /// When it is true for every record, as what an assignment gives is: `=` was written for `==`.
    /// `true` can be one.
    pub fn check_condition(&self, index: usize) -> Result<(), ExprError> {
        match self.evaluator.always(index) {
            Some((error, deliberate)) if !deliberate => Err(error),
            _ => Ok(()),
        }
    }

    /// Checks that expression `index` tells records apart.
    ///
    /// # Errors
    /// When it is plain to see that it is true for every record, also if it says so: `true`.
    pub fn check_tells_apart(&self, index: usize) -> Result<(), ExprError> {
        self.evaluator.always(index).map_or(Ok(()), |(error, _)| Err(error))
    }

    /// The text of expression `index`; empty if there is none.
    pub fn source(&self, index: usize) -> &str {
        self.sources.get(index).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests;
