//! jq expressions: compiled once, run over records.
//!
//! - [`Program`]: the seam. Everybody else sees records as bytes and results as [`Value`]s.
//! - `jaq`: the evaluator of the whole language; with `fast::compile`, which reads its syntax tree,
//!   the only module that knows the jaq crates.
//! - `fast`: the evaluator of what people write every day, over the bytes of records.
//! - `number`: numbers, as both see them.
//! - [`loaded`]: a record on its way through the expressions.
//! - [`value`]: what an expression gives.
//! - [`error`]: what can be wrong with an expression, and with a record.
//! - [`variables`]: values that the user names.
//! - [`name`]: the name that a simple path suggests for its result.
//!
//! The language is jq, whole, but for what would let an expression see or do more than the record
//! in front of it: the environment, the clock, other records, standard error, ending the process.
//! Using one of these is an error when the expression is compiled.

#[doc(hidden)]
pub mod agreement;
pub mod error;
mod fast;
mod jaq;
pub mod loaded;
pub mod name;
mod number;
pub mod value;
pub mod variables;

use std::ops::ControlFlow;

use crate::record::json;
use crate::record::lines::Lines;

use loaded::Reader;

pub use error::{ExprError, RecordError};
pub use loaded::{Loaded, Records};
pub use name::path_name;
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
    /// Where the text of the value handed out last is kept.
    result: Vec<u8>,
}

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
        let mut evaluator = jaq::Evaluator::compile(sources, variables)?;
        let fast = evaluator.drafts().map(|drafts| Box::new(fast::Evaluator::new(drafts)));
        Ok(Program {
            evaluator,
            fast: fast.map_err(|not_fast| not_fast.0),
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

    /// Leaves the fast evaluator out, so that one can be compared with the other.
    #[doc(hidden)]
    pub fn without_fast(mut self) -> Program {
        self.fast = Err("it was left out".into());
        self
    }

    /// How the program is run.
    pub fn explain(&self) -> Explanation {
        match &self.fast {
            Ok(fast) => Explanation { not_fast: None, reads: Some(fast.fields().to_vec()) },
            Err(why) => Explanation { not_fast: Some(why.clone()), reads: self.evaluator.fields() },
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is not valid JSON, as [`json::validate`] says.
    pub fn load<'t>(&mut self, record: &'t [u8]) -> Result<Loaded<'_, 't>, RecordError> {
        let reader = if self.fast.as_mut().is_ok_and(|fast| fast.load(record)) {
            Reader::Fast
        } else {
            self.read(record)?;
            Reader::Jaq
        };
        Ok(Loaded { program: self, text: record, record, reader })
    }

    /// Has jaq read a record.
    fn read(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.evaluator.unload();
        json::validate(record)?;
        // Valid JSON is valid UTF-8.
        let text = simdutf8::basic::from_utf8(record).map_err(RecordError::eval)?;
        self.evaluator.load(text)
    }

    /// Reads records at the front of `lines`, as many as can be read fast.
    pub fn records<'p, 'l, 't>(&'p mut self, lines: &'l mut Lines<'t>) -> Records<'p, 'l, 't> {
        Records::new(self, lines)
    }

    /// Goes through records at the front of `lines`, as many as can be done fast; the next one, if
    /// any is left, is for [`Program::load`], or no record at all. `take` is given each record and
    /// what [`Loaded::truth`] is for it.
    pub fn sift(
        &mut self,
        index: usize,
        lines: &mut Lines<'_>,
        take: impl FnMut(&[u8], bool) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match &mut self.fast {
            Ok(fast) => fast.sift(index, lines, take),
            Err(_) => ControlFlow::Continue(()),
        }
    }

    /// Goes through records as [`Program::sift`] does, and does for each what [`Loaded::write`]
    /// does.
    pub fn rewrite(&mut self, index: usize, lines: &mut Lines<'_>, out: &mut Vec<u8>) {
        if let Ok(fast) = &mut self.fast {
            fast.rewrite(index, lines, out);
        }
    }

    /// The text of expression `index`; empty if there is none.
    pub fn source(&self, index: usize) -> &str {
        self.sources.get(index).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests;
