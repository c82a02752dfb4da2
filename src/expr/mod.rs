//! jq expressions: compiled once, run over records.
//!
//! - [`Program`]: the seam. Everybody else sees records as bytes and results as [`Value`]s.
//! - `jaq`: the evaluator behind it, the only module that knows the jaq crates.
//! - [`value`]: what an expression gives.
//! - [`error`]: what can be wrong with an expression, and with a record.
//! - [`variables`]: values that the user names.
//! - [`name`]: the name that a simple path suggests for its result.
//!
//! The language is jq, whole, but for what would let an expression see or do more than the record
//! in front of it: the environment, the clock, other records, standard error, ending the process.
//! Using one of these is an error when the expression is compiled.

pub mod error;
mod jaq;
pub mod name;
pub mod value;
pub mod variables;

use crate::record::json;

pub use error::{ExprError, RecordError};
pub use name::path_name;
pub use value::Value;
pub use variables::{VariableError, Variables};

/// One or several expressions that are evaluated over the same record; the record is read once for
/// all of them.
///
/// A program keeps the record that was loaded last. It can be sent to another thread; threads that
/// evaluate at the same time each have their own.
pub struct Program {
    sources: Vec<String>,
    evaluator: jaq::Evaluator,
    /// Where the text of the value handed out last is kept.
    text: Vec<u8>,
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
        Ok(Program {
            evaluator: jaq::Evaluator::compile(sources, variables)?,
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
            text: Vec::new(),
        })
    }

    /// Reads a record, which the other methods then work on.
    ///
    /// # Errors
    /// When it is not valid JSON, as [`json::validate`] says. The program then has no record: its
    /// expressions see null.
    pub fn load(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.evaluator.unload();
        json::validate(record)?;
        // Valid JSON is valid UTF-8.
        let text = simdutf8::basic::from_utf8(record).map_err(RecordError::eval)?;
        self.evaluator.load(text)
    }

    /// Whether any result of expression `index` is neither false nor null: the rule of `filter`.
    /// Results behind the first such one are not computed.
    ///
    /// # Errors
    /// When the evaluation fails before such a result.
    pub fn truth(&mut self, index: usize) -> Result<bool, RecordError> {
        self.evaluator.truth(index)
    }

    /// The first result of expression `index`; null if it has none. Results behind it are not
    /// computed.
    ///
    /// # Errors
    /// When the evaluation fails before the first result, or the result is nothing that JSON has.
    pub fn value(&mut self, index: usize) -> Result<Value<'_>, RecordError> {
        self.text.clear();
        self.evaluator.value(index, &mut self.text)
    }

    /// Appends all results of expression `index` to `out`: compact JSON, each with a LF.
    ///
    /// # Errors
    /// When the evaluation fails anywhere, or a result is nothing that JSON has; `out` is then as
    /// it was before.
    pub fn write(&mut self, index: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let start = out.len();
        let written = self.evaluator.write(index, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// The text of expression `index`; empty if there is none.
    pub fn source(&self, index: usize) -> &str {
        self.sources.get(index).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests;
