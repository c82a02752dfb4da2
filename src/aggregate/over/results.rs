//! Records with results after their own fields.

use memchr::memmem;

use crate::aggregate::fault::StreamError;
use crate::aggregate::functions::function::{Column, Scope};
use crate::aggregate::memory::vector;
use crate::aggregate::output::emit::Layout;
use crate::aggregate::output::select::Selection;
use crate::aggregate::plan::projection::Projection;
use crate::record::outlet::{Outlet, PIECE_BYTES};
use crate::record::reserved;
use crate::record::splice::{add_fields, has_field, replace_fields};
use crate::record::text::write_string;

/// Puts results into records.
pub struct Results {
    layout: Layout,
    selection: Selection,
    /// What the results are called.
    names: Vec<String>,
    /// What finds their plain spellings in a record.
    finders: Vec<memmem::Finder<'static>>,
    fields: Vec<u8>,
    /// How much memory the output took at most, beyond a piece of it.
    output_most: usize,
    /// How many records with results were written.
    written: u64,
}

impl Results {
    /// The results of `projection`; records with them pass `selection`.
    pub fn new(projection: &Projection, selection: Selection) -> Results {
        let names: Vec<String> = projection.aggregate_names().map(str::to_owned).collect();
        let finder = |name: &String| {
            let mut quoted = Vec::new();
            write_string(name, &mut quoted);
            memmem::Finder::new(&quoted).into_owned()
        };
        Results {
            layout: projection.layout(),
            selection,
            finders: names.iter().map(finder).collect(),
            names,
            fields: Vec::new(),
            output_most: 0,
            written: 0,
        }
    }

    /// Appends a record with the results of the first group of `columns`, if they pass. `is_bare`:
    /// whether it is plain that the record has none of the fields that results are put into.
    pub fn write(
        &mut self,
        columns: &mut [Box<dyn Column>],
        scope: Scope,
        (record, is_bare): (&[u8], bool),
        out: &mut dyn Outlet,
    ) -> Result<(), StreamError> {
        self.fields.clear();
        self.layout.write_aggregates(columns, 0, scope, &mut self.fields);
        let lines = out.pending();
        let begin = lines.len();
        // Rarely is there such a field already: results that are aggregated again.
        if is_bare || !self.has_field(record) {
            add_fields(record, &self.fields, lines);
        } else {
            replace_fields(record, &self.names, &self.fields, lines);
            if let Err(reserved) = reserved::check(lines.get(begin..).unwrap_or_default()) {
                lines.truncate(begin);
                return Err(reserved.into());
            }
        }
        self.output_most = self.output_most.max(lines.len().saturating_sub(PIECE_BYTES));
        let passes = self.selection.passes(lines.get(begin..).unwrap_or_default());
        if passes.map_err(StreamError::Having)? {
            lines.push(b'\n');
            self.written += 1;
        } else {
            lines.truncate(begin);
        }
        Ok(out.relieve()?)
    }

    fn has_field(&self, record: &[u8]) -> bool {
        let plain = self.finders.iter().any(|finder| finder.find(record).is_some());
        has_field(record, &self.names, plain)
    }

    /// How many records with results were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// About how many bytes it takes, and the output took at most.
    pub fn bytes(&self) -> usize {
        vector(&self.fields) + self.output_most
    }
}
