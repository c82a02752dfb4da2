//! Records as they are, one a line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::pen::Pen;
use super::row::Row;
use super::state::State;
use super::theme::Theme;
use crate::layout::text;

/// Draws the records that are on the screen.
pub fn draw(buffer: &mut Buffer, area: Rect, state: &State, theme: Theme) {
    let gutter = gutter(state);
    for (y, at) in (area.y..area.bottom()).zip(state.list.shown()) {
        let is_cursor = at == state.list.cursor;
        let base = base(state, at, theme);
        buffer.set_style(Rect { y, height: 1, ..area }, base);
        let Some(row) = state.list.row(at) else { continue };
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        begin(&mut pen, row, gutter, (theme, base, is_cursor));
        pen.hide(state.side);
        let found = state.pattern.as_ref().map(|pattern| pattern.places(&row.text));
        pen.write_json(&row.text, &found.unwrap_or_default(), (theme, base, is_cursor));
    }
}

/// How a line looks that has the record at a position.
pub fn base(state: &State, at: u64, theme: Theme) -> Style {
    let selected = state.selection().is_some_and(|selected| selected.contains(&at));
    match (at == state.list.cursor, selected) {
        (true, _) => theme.cursor(),
        (false, true) => theme.selected(),
        (false, false) => Style::new(),
    }
}

/// How wide what comes before a record is.
pub fn gutter(state: &State) -> usize {
    if !state.places {
        return 0;
    }
    let rows = state.list.shown().filter_map(|at| state.list.row(at));
    rows.map(|row| text::width(&place(row))).max().unwrap_or_default()
}

/// Writes what comes before a record: where it is, and that it is none.
pub fn begin(pen: &mut Pen<'_>, row: &Row, gutter: usize, look: (Theme, Style, bool)) {
    let (theme, base, is_cursor) = look;
    if gutter > 0 {
        let style = if is_cursor { base } else { theme.dim() };
        pen.write(&text::cell(&place(row), gutter, false), style);
        pen.write(" ", base);
    }
    if row.fault.is_some() {
        let style = if is_cursor { base } else { theme.bad() };
        pen.write("! ", style);
    }
}

/// Where a record is, in short: not in which topic or directory, and no time finer than a second.
fn place(row: &Row) -> String {
    let place = text::safe(row.place.as_bytes());
    let place = place.rsplit('/').next().unwrap_or_default();
    match row.time.as_deref().and_then(|time| time.get(5..19)) {
        Some(time) => format!("{} {place}", time.replace('T', " ")),
        None => place.to_owned(),
    }
}
