//! What comes out of tables: their results, selected, as records or as a table for people.

use super::draw::draw;
use super::emit::Layout;
use super::fault::StreamError;
use super::function::{Column, Scope};
use super::panes::Policy;
use super::select::Selection;
use crate::expr::RecordError;

/// What results look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// One JSON object a line.
    #[default]
    Records,
    /// Aligned columns, a table for each window.
    Columns,
}

/// A result: where it is, and what it is of.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its first fields, as JSON with commas between them.
    pub head: &'a [u8],
    /// The key of the group.
    pub key: &'a [u8],
    /// The number of the group in the columns.
    pub group: usize,
    /// What it may depend on beside the records.
    pub scope: Scope,
}

/// Where results go, and which come when.
pub(super) struct Results<'a> {
    pub(super) policy: Policy,
    pub(super) report: &'a mut Report,
    pub(super) out: &'a mut Vec<u8>,
}

impl Results<'_> {
    /// Appends results that belong together; see [`Report::write`].
    pub(super) fn write<'r>(
        &mut self,
        columns: &[Box<dyn Column>],
        rows: impl Iterator<Item = Row<'r>>,
    ) -> Result<(), StreamError> {
        self.report.write(columns, rows, self.out).map_err(StreamError::Having)
    }
}

/// Writes results.
pub struct Report {
    layout: Layout,
    selection: Selection,
    style: Style,
    /// Whether a table was drawn before.
    drawn: bool,
}

impl Report {
    /// Results with the fields of `layout`.
    pub fn new(layout: Layout, selection: Selection, style: Style) -> Report {
        Report { layout, selection, style, drawn: false }
    }

    /// Whether only the best results of each window come.
    pub fn is_ranked(&self) -> bool {
        self.selection.is_ranked()
    }

    /// Appends results that belong together: those of a window, of one moment.
    ///
    /// # Errors
    /// When the condition on results fails; nothing is then appended.
    pub fn write<'a>(
        &mut self,
        columns: &[Box<dyn Column>],
        rows: impl Iterator<Item = Row<'a>>,
        out: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        if self.selection.is_all() && self.style == Style::Records {
            rows.for_each(|row| self.layout.write(&row, columns, out));
            return Ok(());
        }
        let mut line = Vec::new();
        let mut passed = Vec::new();
        for row in rows {
            line.clear();
            self.layout.write(&row, columns, &mut line);
            if self.selection.passes(line.trim_ascii_end())? {
                passed.push(row);
            }
        }
        let mut lines = Vec::new();
        for row in self.selection.best(columns, passed) {
            self.layout.write(&row, columns, &mut lines);
        }
        match self.style {
            Style::Records => out.extend_from_slice(&lines),
            Style::Columns if lines.is_empty() => {}
            Style::Columns => {
                if std::mem::replace(&mut self.drawn, true) {
                    out.push(b'\n');
                }
                draw(&lines, out);
            }
        }
        Ok(())
    }
}
