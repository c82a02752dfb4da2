//! What comes out of a table: its results, selected, as records or as a table for people.

use super::draw::draw;
use super::emit::Layout;
use super::function::Scope;
use super::select::Selection;
use super::table::Table;
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

/// Writes the results of tables.
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

    /// Appends the results of `table`, with `head` as their first fields.
    ///
    /// # Errors
    /// When the condition on results fails; nothing is then appended.
    pub fn write(
        &mut self,
        head: &[u8],
        table: &Table,
        scope: Scope,
        out: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        let all = table.in_order();
        let is_plain = self.selection.is_all() && self.style == Style::Records;
        if is_plain {
            all.for_each(|group| self.layout.write(head, table, group, scope, out));
            return Ok(());
        }
        let mut row = Vec::new();
        let mut groups = Vec::new();
        for group in all {
            row.clear();
            self.layout.write(head, table, group, scope, &mut row);
            if self.selection.passes(row.trim_ascii_end())? {
                groups.push(group);
            }
        }
        let mut rows = Vec::new();
        for group in self.selection.best(table, scope, groups) {
            self.layout.write(head, table, group, scope, &mut rows);
        }
        match self.style {
            Style::Records => out.extend_from_slice(&rows),
            Style::Columns if rows.is_empty() => {}
            Style::Columns => {
                if std::mem::replace(&mut self.drawn, true) {
                    out.push(b'\n');
                }
                draw(&rows, out);
            }
        }
        Ok(())
    }
}
