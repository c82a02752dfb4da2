//! The condition on results: over their values where that can be, and else over the results as they
//! are written.

use super::emit::{Layout, Part, Row};
use crate::aggregate::fault::HavingError;
use crate::aggregate::functions::function::Column;
use crate::aggregate::memory::vector;
use crate::expr::{ExprError, LooseFields, Program};

/// How much of a result, in characters, a message shows.
const RESULT_CHARS_MAX: usize = 200;

/// What takes more bytes may nest too deep for a record, which is found when it is read.
const SHALLOW_BYTES_MAX: usize = 1_000;

/// A jq expression that results are to meet.
pub struct Condition {
    program: Program,
    /// What it reads of results, where it reads nothing but their fields.
    reads: Option<Reads>,
    line: Vec<u8>,
}

/// Fields of results.
struct Reads {
    fields: LooseFields,
    /// What each of the fields is, in their order; none for what is no group and no aggregate.
    parts: Vec<Option<Part>>,
}

impl Condition {
    /// Compiles it.
    ///
    /// # Errors
    /// When it does not compile, or is no condition.
    pub fn compile(condition: &str) -> Result<Condition, ExprError> {
        let program = Program::compile(&[condition])?;
        program.check_condition(0)?;
        Ok(Condition { program, reads: None, line: Vec::new() })
    }

    /// The results are those of `layout`.
    pub fn place(&mut self, layout: &Layout) {
        self.reads = self.program.loose_fields().map(|fields| Reads {
            parts: fields.names().map(|name| layout.part(name)).collect(),
            fields,
        });
    }

    /// Whether it holds for a result that was written.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn holds(&mut self, result: &[u8]) -> Result<bool, HavingError> {
        let holds = self.program.load(result).and_then(|mut result| result.truth(0));
        holds.map_err(|error| HavingError {
            condition: self.program.source(0).to_owned(),
            result: beginning(&String::from_utf8_lossy(result)),
            error,
        })
    }

    /// Whether it holds for a result.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn holds_for(
        &mut self,
        row: &Row<'_>,
        layout: &Layout,
        columns: &mut [Box<dyn Column>],
    ) -> Result<bool, HavingError> {
        let plain = self.reads.as_mut().is_some_and(|reads| reads.read(row, columns));
        if let Some(Reads { fields, .. }) = self.reads.as_ref().filter(|_| plain)
            && let Some(holds) = self.program.truth_of(0, fields)
        {
            return Ok(holds);
        }
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        layout.write(row, columns, &mut line);
        let holds = self.holds(line.trim_ascii_end());
        self.line = line;
        holds
    }

    /// How many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        let fields = self.reads.as_ref().map_or(0, |reads| vector(reads.fields.text()));
        vector(&self.line) + fields
    }
}

impl Reads {
    /// Reads the fields of a result; false, if it takes the whole result to tell.
    fn read(&mut self, row: &Row<'_>, columns: &mut [Box<dyn Column>]) -> bool {
        let Reads { fields, parts } = self;
        fields.clear();
        for (at, part) in parts.iter().enumerate() {
            match part {
                Some(Part::Group(group)) => {
                    let value = row.key_values().nth(*group).unwrap_or_default();
                    fields.set(at, |out| out.extend_from_slice(value));
                }
                Some(Part::Aggregate(column)) => {
                    let Some(column) = columns.get_mut(*column) else { return false };
                    fields.set(at, |out| column.write(row.group, row.scope, out));
                }
                // It may be among the first fields.
                None if !row.head.is_empty() => return false,
                None => {}
            }
        }
        for (at, column) in columns.iter_mut().enumerate() {
            if column.nests() && !parts.contains(&Some(Part::Aggregate(at))) {
                fields.pass(|out| column.write(row.group, row.scope, out));
            }
        }
        fields.text().len() + row.key.len() <= SHALLOW_BYTES_MAX
    }
}

/// A result as a message shows it.
fn beginning(result: &str) -> String {
    match result.char_indices().nth(RESULT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &result[..end]),
        None => result.to_owned(),
    }
}
