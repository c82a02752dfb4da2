//! The evaluator: the jaq crates, behind the seam of [`super::Program`].

mod compile;
mod write;

use jaq_core::{Ctx, ValT, Vars};
use jaq_json::{Val, read};

use super::{ExprError, RecordError, Value};
use compile::Filter;

/// The compiled expressions and the record they look at.
pub(super) struct Evaluator {
    filters: Vec<Filter>,
    record: Val,
    /// The result handed out last, which its [`Value`] borrows from.
    result: Val,
}

impl Evaluator {
    pub(super) fn compile(sources: &[&str]) -> Result<Evaluator, ExprError> {
        let filters =
            sources.iter().enumerate().map(|(index, source)| compile::compile(index, source));
        let filters = filters.collect::<Result<_, _>>()?;
        Ok(Evaluator { filters, record: Val::Null, result: Val::Null })
    }

    /// Forgets the record.
    pub(super) fn unload(&mut self) {
        self.record = Val::Null;
    }

    /// Reads a record that is valid JSON.
    pub(super) fn load(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.record = read::parse_single(record).map_err(RecordError::eval)?;
        Ok(())
    }

    pub(super) fn truth(&self, index: usize) -> Result<bool, RecordError> {
        for result in self.results(index)? {
            if result?.as_bool() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first result; `text` is where it may put the text of the value.
    pub(super) fn value<'a>(
        &'a mut self,
        index: usize,
        text: &'a mut Vec<u8>,
    ) -> Result<Value<'a>, RecordError> {
        let first = self.results(index)?.next();
        self.result = first.transpose()?.unwrap_or_default();
        write::value(&self.result, text)
    }

    pub(super) fn write(&self, index: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        for result in self.results(index)? {
            write::json(&result?, out)?;
            out.push(b'\n');
        }
        Ok(())
    }

    fn results(
        &self,
        index: usize,
    ) -> Result<impl Iterator<Item = Result<Val, RecordError>> + '_, RecordError> {
        let Some(filter) = self.filters.get(index) else {
            return Err(RecordError::eval(format_args!("there is no expression {index}")));
        };
        let context = Ctx::<compile::Kind>::new(&filter.lut, Vars::new([]));
        let results = filter.id.run((context, self.record.clone()));
        Ok(results.map(|result| {
            result.map_err(|exception| match exception.get_err() {
                Ok(error) => RecordError::eval(error),
                Err(_) => RecordError::eval("the expression asked to end the program"),
            })
        }))
    }
}
