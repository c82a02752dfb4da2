//! jq expressions: compiled once, run over records.
//!
//! - [`Program`]: the seam. Everybody else sees records as bytes and results as [`Value`]s.
//! - `jaq`: the evaluator of the whole language; with `fast::compile`, which reads its syntax tree,
//!   the only module that knows the jaq crates.
//! - `fast`: the evaluator of what people write every day, over the bytes of records.
//! - `number`: numbers, as both see them.
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
pub mod name;
mod number;
pub mod value;
pub mod variables;

use std::ops::ControlFlow;

use crate::record::json;
use crate::record::lines::Lines;

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
    /// The fast evaluator, or what in the expressions it cannot do.
    fast: Result<Box<fast::Evaluator>, String>,
    /// Which of the two has the record.
    holds: Holds,
    /// Where the text of the value handed out last is kept.
    text: Vec<u8>,
}

/// Who has the record that was loaded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Jaq,
    Fast,
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
            holds: Holds::Jaq,
            text: Vec::new(),
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
        self.holds = Holds::Jaq;
        self
    }

    /// How the program is run.
    pub fn explain(&self) -> Explanation {
        match &self.fast {
            Ok(fast) => Explanation { not_fast: None, reads: Some(fast.fields().to_vec()) },
            Err(why) => Explanation { not_fast: Some(why.clone()), reads: self.evaluator.fields() },
        }
    }

    /// Reads a record, which the other methods then work on.
    ///
    /// # Errors
    /// When it is not valid JSON, as [`json::validate`] says. The program then has no record: its
    /// expressions see null.
    pub fn load(&mut self, record: &[u8]) -> Result<(), RecordError> {
        if let Ok(fast) = &mut self.fast
            && fast.load(record)
        {
            self.holds = Holds::Fast;
            return Ok(());
        }
        self.load_jaq(record)
    }

    fn load_jaq(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.holds = Holds::Jaq;
        self.evaluator.unload();
        json::validate(record)?;
        // Valid JSON is valid UTF-8.
        let text = simdutf8::basic::from_utf8(record).map_err(RecordError::eval)?;
        self.evaluator.load(text)
    }

    /// Gives the record that the fast evaluator has to jaq.
    fn hand_over(&mut self) -> Result<(), RecordError> {
        let record = match &mut self.fast {
            Ok(fast) if self.holds == Holds::Fast => fast.take_record(),
            _ => return Ok(()),
        };
        let loaded = self.load_jaq(&record);
        if let Ok(fast) = &mut self.fast {
            fast.give_back(record);
        }
        loaded
    }

    /// Whether any result of expression `index` is neither false nor null: the rule of `filter`.
    /// Results behind the first such one are not computed.
    ///
    /// # Errors
    /// When the evaluation fails before such a result.
    pub fn truth(&mut self, index: usize) -> Result<bool, RecordError> {
        if let (Holds::Fast, Ok(fast)) = (self.holds, &mut self.fast)
            && let Ok(truth) = fast.truth(index)
        {
            return Ok(truth);
        }
        self.hand_over()?;
        self.evaluator.truth(index)
    }

    /// The first result of expression `index`; null if it has none. Results behind it are not
    /// computed.
    ///
    /// # Errors
    /// When the evaluation fails before the first result, or the result is nothing that JSON has.
    pub fn value(&mut self, index: usize) -> Result<Value<'_>, RecordError> {
        self.text.clear();
        if let (Holds::Fast, Ok(fast)) = (self.holds, &mut self.fast) {
            if let Ok(shape) = fast.value(index, &mut self.text) {
                return shape.given(&self.text);
            }
            self.text.clear();
            self.hand_over()?;
        }
        self.evaluator.value(index, &mut self.text)
    }

    /// Appends all results of expression `index` to `out`: compact JSON, each with a LF.
    ///
    /// # Errors
    /// When the evaluation fails anywhere, or a result is nothing that JSON has; `out` is then as
    /// it was before.
    pub fn write(&mut self, index: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let start = out.len();
        if let (Holds::Fast, Ok(fast)) = (self.holds, &mut self.fast) {
            if fast.write(index, out).is_ok() {
                return Ok(());
            }
            out.truncate(start);
        }
        let written = self.hand_over().and_then(|()| self.evaluator.write(index, out));
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    /// Goes through records at the front of `lines`, as many as can be done fast; the next one, if
    /// any is left, is for the methods above, or no record at all. `take` is given each record and
    /// what [`Program::truth`] is for it.
    pub fn sift(
        &mut self,
        index: usize,
        lines: &mut Lines<'_>,
        take: impl FnMut(&[u8], bool) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.holds = Holds::Jaq;
        match &mut self.fast {
            Ok(fast) => fast.sift(index, lines, take),
            Err(_) => ControlFlow::Continue(()),
        }
    }

    /// Goes through records as [`Program::sift`] does, and does for each what [`Program::write`]
    /// does.
    pub fn rewrite(&mut self, index: usize, lines: &mut Lines<'_>, out: &mut Vec<u8>) {
        self.holds = Holds::Jaq;
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
