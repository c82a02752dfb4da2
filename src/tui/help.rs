//! The keys, over what is shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use super::keys::{self, Scope};
use super::pen::Pen;
use super::theme::Theme;
use crate::layout::text;

/// Draws the help, from one of its lines on; first come the keys of this place.
pub fn draw(buffer: &mut Buffer, area: Rect, (from, scope): (usize, Scope), theme: Theme) {
    Clear.render(area, buffer);
    let lines = lines(scope);
    let from = from.min(lines.len().saturating_sub(usize::from(area.height)));
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(from)) {
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        match line {
            Line::Heading(text) => pen.write(text, theme.heading()),
            Line::Key(keys, help) => {
                pen.write("  ", Style::new());
                pen.write(&text::cell(keys, KEYS_COLUMNS, false), theme.key());
                pen.write(&format!(" {help}"), Style::new());
            }
        }
    }
}

/// How wide the keys are.
const KEYS_COLUMNS: usize = 22;

enum Line {
    Heading(&'static str),
    Key(String, &'static str),
}

fn lines(scope: Scope) -> Vec<Line> {
    let mut parts = keys::help();
    parts.sort_by_key(|(heading, _)| *heading != scope.heading());
    let parts = parts.into_iter().flat_map(|(heading, keys)| {
        let keys = keys.into_iter().map(|(keys, help)| Line::Key(keys, help));
        std::iter::once(Line::Heading(heading)).chain(keys)
    });
    parts.collect()
}
