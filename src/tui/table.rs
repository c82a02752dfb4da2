//! Records by their fields, in columns.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::lines::{base, begin, gutter};
use super::pen::Pen;
use super::state::State;
use super::theme::Theme;
use crate::layout::text;

const GAP: &str = "  ";

/// Draws the names of the columns, and the records that are on the screen.
pub fn draw(buffer: &mut Buffer, area: Rect, state: &State, theme: Theme) {
    let gutter = gutter(state);
    let columns = state.columns.all();
    let mut pen = Pen::new(buffer, (area.x, area.right()), area.y);
    if gutter > 0 {
        pen.write(&" ".repeat(gutter + 1), Style::new());
    }
    let widths = state.columns.widths(pen.room(), text::width(GAP));
    pen.hide(state.side);
    for (column, &width) in columns.iter().zip(&widths) {
        pen.write(&text::cell(&column.title, width, column.numbers), theme.heading());
        pen.write(GAP, Style::new());
    }
    for (y, at) in (area.y + 1..area.bottom()).zip(state.list.shown()) {
        let is_cursor = at == state.list.cursor;
        let base = base(state, at, theme);
        buffer.set_style(Rect { y, height: 1, ..area }, base);
        let Some(row) = state.list.row(at) else { continue };
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        begin(&mut pen, row, gutter, (theme, base, is_cursor));
        pen.hide(state.side);
        if row.fault.is_some() {
            pen.write(&text::safe(&row.text), base);
            continue;
        }
        let cells = columns.iter().zip(&widths).zip(state.columns.cells(row));
        for ((column, &width), cell) in cells {
            let shown = cell.as_deref().unwrap_or_default();
            let is_found = !shown.is_empty()
                && state.pattern.as_ref().is_some_and(|pattern| pattern.is_in(shown.as_bytes()));
            let style = if is_found { base.patch(theme.found()) } else { base };
            pen.write(&text::cell(shown, width, column.numbers), style);
            pen.write(GAP, base);
        }
    }
}
