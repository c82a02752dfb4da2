//! jq expressions: compiled once, run over records.
//!
//! - [`Program`]: the seam. Everybody else sees records as bytes and results as [`Value`]s.
//! - `jaq`: the evaluator behind it, the only module that knows the jaq crates.
//! - [`value`]: what an expression gives.
//! - [`error`]: what can be wrong with an expression, and with a record.
//! - [`name`]: the name that a simple path suggests for its result.
//!
//! The language is jq, whole, but for what would let an expression see or do more than the record
//! in front of it: the environment, the clock, other records, standard error, ending the process.
//! Using one of these is an error when the expression is compiled.

pub mod error;
mod jaq;
pub mod name;
pub mod value;

use crate::record::json;

pub use error::{ExprError, RecordError};
pub use name::path_name;
pub use value::Value;

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
        Ok(Program {
            evaluator: jaq::Evaluator::compile(sources)?,
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
        // Valid JSON is valid UTF-8, so nothing is replaced.
        self.evaluator.load(&String::from_utf8_lossy(record))
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
mod tests {
    use super::*;

    fn program(source: &str) -> Program {
        Program::compile(&[source]).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The results of an expression for a record, or what was wrong.
    fn results(source: &str, record: &str) -> String {
        let mut program = program(source);
        let mut out = Vec::new();
        let done = program.load(record.as_bytes()).and_then(|()| program.write(0, &mut out));
        match done {
            Ok(()) => String::from_utf8_lossy(&out).trim_end().replace('\n', " "),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn a_program_can_be_sent_to_a_thread() {
        let mut program = program(".a");
        let sum = std::thread::spawn(move || {
            program.load(b"{\"a\":7}").map(|()| program.value(0).map(|value| format!("{value:?}")))
        });
        assert_eq!(sum.join().unwrap(), Ok(Ok("Number(\"7\")".to_owned())));
    }

    #[test]
    fn all_expressions_see_one_record() {
        let mut program = Program::compile(&[".a", ".b[]", "empty", "."]).unwrap();
        assert_eq!(program.source(1), ".b[]");
        program.load(br#"{"b":[null,false],"a":"\u00e4\n"}"#).unwrap();
        assert_eq!(program.value(0), Ok(Value::Text("\u{e4}\n")));
        assert_eq!(program.value(1), Ok(Value::Null));
        assert_eq!(program.value(2), Ok(Value::Null));
        assert_eq!(program.value(3), Ok(Value::Json("{\"b\":[null,false],\"a\":\"\u{e4}\\n\"}")));
        assert_eq!(program.truth(0), Ok(true));
        assert_eq!(program.truth(1), Ok(false));
        assert_eq!(program.truth(2), Ok(false));
        let mut out = b"> ".to_vec();
        program.write(1, &mut out).unwrap();
        assert_eq!(out, b"> null\nfalse\n");
        assert!(program.value(4).is_err());
    }

    #[test]
    fn a_failed_evaluation_leaves_no_half_results() {
        let mut program = program(".[] | . + 1");
        program.load(b"[1,2,\"x\"]").unwrap();
        let mut out = b"> ".to_vec();
        assert!(program.write(0, &mut out).is_err());
        assert_eq!(out, b"> ");
        assert_eq!(program.value(0), Ok(Value::Number("2")));
        assert_eq!(program.truth(0), Ok(true));
    }

    #[test]
    fn a_bad_record_is_not_the_record_before() {
        let mut program = program(".a");
        program.load(b"{\"a\":1}").unwrap();
        assert!(program.load(b"{\"a\":").is_err());
        assert_eq!(program.value(0), Ok(Value::Null));
        assert_eq!(
            results(".", "{\"a\":1} 2"),
            "error: not valid JSON: something follows the value at byte 9"
        );
    }
}
