//! What comes out of tables: their results, selected, as records or as a table for people.

use super::emit::{Layout, Row};
use super::live::Live;
use super::ranking::Ranking;
use super::select::Selection;
use crate::aggregate::fault::StreamError;
use crate::aggregate::functions::function::Column;
use crate::aggregate::memory::{allocated, vector};
use crate::aggregate::windowed::fill::Fill;
use crate::aggregate::windowed::panes::{Policy, Progress};
use crate::layout::Look;
use crate::layout::cells::{Cell, fields};
use crate::layout::grid::Widest;
use crate::layout::table::Table;
use crate::record::outlet::{Outlet, PIECE_BYTES};
use crate::state::{Reader, StateError, Writer};
use crate::time::Interval;

/// What results look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// One JSON object a line.
    #[default]
    Records,
    /// Aligned columns, for people: a table, in which the rows of a window are apart from others.
    Columns {
        /// Whether to use colours.
        color: bool,
    },
    /// Nothing: a table is drawn again and again of what [`AggregateState::current`] gives.
    ///
    /// [`AggregateState::current`]: crate::aggregate::AggregateState::current
    Live {
        /// How many rows there is room for at first.
        rows_max: usize,
    },
}

/// How wide columns become where no screen limits them.
const WIDEST: Widest = Widest { inner: 60, last: 60 };

/// Where results go, and which come when.
pub(in crate::aggregate) struct Results<'a> {
    pub(in crate::aggregate) policy: Policy,
    pub(in crate::aggregate) report: &'a mut Report,
    pub(in crate::aggregate) out: &'a mut dyn Outlet,
    /// Which results are added of windows without records, if any are.
    pub(in crate::aggregate) fill: Option<&'a mut Fill>,
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

    /// The window without records whose results come before those of the next window, if there is
    /// one; see [`Fill::gap`].
    pub(in crate::aggregate) fn gap(
        &self,
        progress: &Progress,
        before_ms: Option<i64>,
        is_due: fn(&Progress, i64) -> bool,
    ) -> Option<Interval> {
        self.fill.as_ref()?.gap(progress, before_ms, is_due)
    }

    /// How many results to write at the same time where there may be many: `most`, unless a table
    /// is drawn of them, which needs all.
    pub(in crate::aggregate) fn rows_max(&self, most: usize) -> usize {
        match self.report.style {
            Style::Columns { .. } | Style::Live { .. } => usize::MAX,
            Style::Records => most,
        }
    }
}

/// Writes results.
pub struct Report {
    layout: Layout,
    selection: Selection,
    style: Style,
    /// What people are shown.
    table: Table,
    /// What is kept for a table that is drawn again and again.
    live: Option<Live>,
    /// How much memory was taken at most to select and to write results.
    bytes_most: usize,
    /// How many results were written.
    written: u64,
}

impl Report {
    /// Results with the fields of `layout`.
    pub fn new(layout: Layout, mut selection: Selection, style: Style) -> Report {
        selection.place(&layout);
        let table = Table::new(std::iter::empty(), WIDEST).spaced();
        let live = match style {
            Style::Live { rows_max } => Some(Live::new(rows_max)),
            _ => None,
        };
        Report { layout, selection, style, table, live, bytes_most: 0, written: 0 }
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
        if let Some(live) = &mut self.live {
            return live.take(columns, rows, (&mut self.selection, &self.layout));
        }
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

    /// How many results were written.
    pub(in crate::aggregate) fn written(&self) -> u64 {
        self.written
    }

    /// What is kept for a table that is drawn again and again, if it is.
    pub(in crate::aggregate) fn live(&mut self) -> Option<&mut Live> {
        self.live.as_mut()
    }

    /// Saves what later results depend on.
    pub(in crate::aggregate) fn save(&self, to: &mut Writer) {
        self.table.save(to);
    }

    /// Restores what [`Report::save`] saved.
    pub(in crate::aggregate) fn restore(
        &mut self,
        from: &mut Reader<'_>,
    ) -> Result<(), StateError> {
        self.table.restore(from)
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
        let Style::Columns { color } = self.style else {
            for row in rows {
                self.layout.write(&row, columns, out.pending());
                self.written += 1;
                self.see_output(out.pending().len());
                out.relieve()?;
            }
            return Ok(());
        };
        let (mut line, mut bytes) = (Vec::new(), 0);
        for row in rows {
            line.clear();
            self.layout.write(&row, columns, &mut line);
            bytes += self.tabulate(&line);
            self.written += 1;
        }
        let (columns, lines) = out.screen().unzip();
        self.table.show(Look { color, columns, lines, terminal: true }, out.pending());
        self.see_output(bytes + vector(&line) + out.pending().len());
        Ok(())
    }

    /// Takes a result into the table; gives about how many bytes it takes there.
    fn tabulate(&mut self, result: &[u8]) -> usize {
        let (mut names, mut cells) = (Vec::new(), Vec::new());
        for (name, value) in fields(result) {
            names.push(name);
            cells.push(Cell::of_json(value).rounded());
        }
        self.table.name(names.iter().map(String::as_str));
        let texts = cells.iter().filter_map(|cell| cell.text.as_ref());
        let bytes = vector(&cells) + texts.map(|text| allocated(text.capacity())).sum::<usize>();
        self.table.push(cells);
        bytes
    }
}
