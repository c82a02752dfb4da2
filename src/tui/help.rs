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
    let lines = lines(scope, usize::from(area.width));
    let keys_wide = keys_columns(usize::from(area.width));
    let from = from.min(lines.len().saturating_sub(usize::from(area.height)));
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(from)) {
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        match line {
            Line::Heading(text) => pen.write(text, theme.heading()),
            Line::Key(keys, help) => {
                pen.write("  ", Style::new());
                pen.write(&text::cell(keys, keys_wide, false), theme.key());
                pen.write(&format!(" {help}"), Style::new());
            }
        }
    }
}

/// How wide the keys are, on so many columns.
fn keys_columns(columns: usize) -> usize {
    if columns < 60 { 12 } else { 22 }
}

enum Line {
    Heading(&'static str),
    Key(String, String),
}

/// The lines of the help. Keys, and what they do, take several where the screen is narrow.
fn lines(scope: Scope, columns: usize) -> Vec<Line> {
    let mut parts = keys::help();
    parts.sort_by_key(|(heading, _)| *heading != scope.heading());
    let keys_wide = keys_columns(columns);
    let room = columns.saturating_sub(keys_wide + 3);
    let key = |(keys, help): (String, &'static str)| {
        let (names, words) = (text::wrap(&keys, keys_wide), text::wrap(help, room));
        let line = |at: usize| {
            let part = |parts: &[&str]| parts.get(at).map_or(String::new(), |&it| it.to_owned());
            Line::Key(part(&names), part(&words))
        };
        (0..names.len().max(words.len())).map(line).collect::<Vec<Line>>()
    };
    let parts = parts.into_iter().flat_map(|(heading, keys)| {
        std::iter::once(Line::Heading(heading)).chain(keys.into_iter().flat_map(key))
    });
    parts.collect()
}
