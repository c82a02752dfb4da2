//! Records as they are, one a line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::pen::Pen;
use super::row::Row;
use super::state::State;
use super::text;
use super::theme::Theme;

/// Draws the records that are on the screen.
pub fn draw(buffer: &mut Buffer, area: Rect, state: &State, theme: Theme) {
    let gutter = gutter(state);
    for (y, at) in (area.y..area.bottom()).zip(state.list.shown()) {
        let is_cursor = at == state.list.cursor;
        let base = if is_cursor { theme.cursor() } else { Style::new() };
        buffer.set_style(Rect { y, height: 1, ..area }, base);
        let Some(row) = state.list.row(at) else { continue };
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        begin(&mut pen, row, gutter, (theme, base, is_cursor));
        pen.hide(state.side);
        let found = state.pattern.as_ref().map(|pattern| pattern.places(&row.text));
        pen.write_json(&row.text, &found.unwrap_or_default(), (theme, base, is_cursor));
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

fn place(row: &Row) -> String {
    let place = text::safe(row.place.as_bytes());
    match &row.time {
        Some(time) => format!("{time} {place}"),
        None => place.into_owned(),
    }
}
