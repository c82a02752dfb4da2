//! What comes out of tables: their results, selected, as records or as a table for people.

use super::draw::draw;
use super::emit::{Layout, Row};
use super::ranking::Ranking;
use super::select::Selection;
use crate::aggregate::fault::StreamError;
use crate::aggregate::functions::function::Column;
use crate::aggregate::memory::vector;
use crate::aggregate::windowed::panes::Policy;
use crate::record::outlet::{Outlet, PIECE_BYTES};

/// What results look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// One JSON object a line.
    #[default]
    Records,
    /// Aligned columns, a table for each window.
    Columns,
}

/// Where results go, and which come when.
pub(in crate::aggregate) struct Results<'a> {
    pub(in crate::aggregate) policy: Policy,
    pub(in crate::aggregate) report: &'a mut Report,
    pub(in crate::aggregate) out: &'a mut dyn Outlet,
}

impl Results<'_> {
    /// Appends results that belong together; see [`Report::write`].
    pub(in crate::aggregate) fn write<'r>(
        &mut self,
        columns: &mut [Box<dyn Column>],
        rows: impl Iterator<Item = Row<'r>>,
    ) -> Result<(), StreamError> {
        self.report.write(columns, rows, self.out)
    }

    /// How many results to write at the same time where there may be many: `most`, unless a table
    /// is drawn of them, which needs all.
    pub(in crate::aggregate) fn rows_max(&self, most: usize) -> usize {
        if self.report.style == Style::Columns { usize::MAX } else { most }
    }
}

/// Writes results.
pub struct Report {
    layout: Layout,
    selection: Selection,
    style: Style,
    /// Whether a table was drawn before.
    drawn: bool,
    /// How much memory was taken at most to select and to write results.
    bytes_most: usize,
}

impl Report {
    /// Results with the fields of `layout`.
    pub fn new(layout: Layout, mut selection: Selection, style: Style) -> Report {
        selection.place(&layout);
        Report { layout, selection, style, drawn: false, bytes_most: 0 }
    }

    /// Whether only the best results of each window come.
    pub fn is_ranked(&self) -> bool {
        self.selection.is_ranked()
    }

    /// Appends results that belong together: those of a window, of one moment. They are passed on
    /// as they are made, but for tables, whose columns are as wide as their widest cells.
    ///
    /// # Errors
    /// When the condition on results fails; nothing is then appended. When the output takes no
    /// more.
    pub fn write<'a>(
        &mut self,
        columns: &mut [Box<dyn Column>],
        rows: impl Iterator<Item = Row<'a>>,
        out: &mut dyn Outlet,
    ) -> Result<(), StreamError> {
        if self.selection.is_all() {
            return self.put(columns, rows, out);
        }
        let (mut passed, mut ranking) = (Vec::new(), self.selection.ranking());
        for row in rows {
            let passes = self.selection.passes_row(&row, &self.layout, columns);
            match &mut ranking {
                _ if !passes.map_err(StreamError::Having)? => {}
                Some(ranking) => ranking.take(row, columns),
                None => passed.push(row),
            }
        }
        let ranked = ranking.as_ref().map_or(0, Ranking::bytes);
        let selecting = vector(&passed) + ranked + self.selection.bytes();
        self.bytes_most = self.bytes_most.max(selecting);
        match ranking {
            Some(ranking) => self.put(columns, ranking.into_rows(), out),
            None => self.put(columns, passed.into_iter(), out),
        }
    }

    /// Whether a table was drawn before.
    pub(in crate::aggregate) fn drawn(&self) -> bool {
        self.drawn
    }

    /// A table was drawn before, or was not.
    pub(in crate::aggregate) fn set_drawn(&mut self, drawn: bool) {
        self.drawn = drawn;
    }

    /// How many bytes of memory were taken at most to select and to write results. A piece of
    /// output, which is written sooner or later whatever is held, is not counted.
    pub(in crate::aggregate) fn bytes_most(&self) -> usize {
        self.bytes_most
    }

    fn see_output(&mut self, bytes: usize) {
        self.bytes_most = self.bytes_most.max(bytes.saturating_sub(PIECE_BYTES));
    }

    /// Appends results that have been selected.
    fn put<'a>(
        &mut self,
        columns: &mut [Box<dyn Column>],
        rows: impl Iterator<Item = Row<'a>>,
        out: &mut dyn Outlet,
    ) -> Result<(), StreamError> {
        if self.style == Style::Records {
            for row in rows {
                self.layout.write(&row, columns, out.pending());
                self.see_output(out.pending().len());
                out.relieve()?;
            }
            return Ok(());
        }
        let mut lines = Vec::new();
        rows.for_each(|row| self.layout.write(&row, columns, &mut lines));
        if !lines.is_empty() {
            if std::mem::replace(&mut self.drawn, true) {
                out.pending().push(b'\n');
            }
            let drawing = vector(&lines) + draw(&lines, out.pending());
            self.see_output(drawing + out.pending().len());
        }
        Ok(())
    }
}
