//! What lies over the foot of the screen: messages, and a line that is typed, with what is to be
//! known of it above it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use super::pen::Pen;
use super::prompt::Prompt;
use super::theme::Theme;
use crate::layout::text;

/// How many columns there are at least for what is typed.
const TYPED_COLUMNS_MIN: usize = 10;

/// What a line begins with whose own beginning is too long.
const SIGN: &str = "> ";

/// Over how many lines a text lies at most.
const LINES_MAX: usize = 6;

/// Draws a line that is typed; gives the place of the cursor.
pub fn draw(buffer: &mut Buffer, area: Rect, prompt: &Prompt, theme: Theme) -> Position {
    let columns = usize::from(area.width);
    let (label, text) = (text::safe(prompt.label.as_bytes()), prompt.text());
    let mut said = Vec::new();
    said.extend(prompt.fault.iter().map(|fault| (fault.clone(), theme.bad())));
    let mut sign = &*label;
    if text::width(&label) + TYPED_COLUMNS_MIN > columns {
        said.push((label.trim_end().to_owned(), theme.key()));
        sign = SIGN;
    }
    let begin = text::width(sign);
    let hint = prompt.purpose.hint();
    let fits = begin + 2 + text::width(hint) <= columns;
    if text.is_empty() && !fits {
        said.push((hint.to_owned(), theme.dim()));
    }
    let y = area.bottom() - 1;
    over(buffer, Rect { height: area.height - 1, ..area }, &said);
    Clear.render(Rect { y, height: 1, ..area }, buffer);
    // The end of a long line is where the user types.
    let hidden = (prompt.column() + begin + 1).saturating_sub(columns);
    let mut pen = Pen::new(buffer, (area.x, area.right()), y);
    pen.write(sign, theme.key());
    pen.hide(hidden);
    let style = if prompt.is_proposed { theme.selected() } else { Style::new() };
    pen.write(&text::safe(text.as_bytes()), style);
    if text.is_empty() && fits {
        pen.write("  ", Style::new());
        pen.write(hint, theme.dim());
    }
    let column = u16::try_from(begin + prompt.column() - hidden).unwrap_or(area.width - 1);
    Position::new(area.x.saturating_add(column).min(area.right() - 1), y)
}

/// Writes texts into the last lines of an area, as many as they take.
pub fn over(buffer: &mut Buffer, area: Rect, said: &[(String, Style)]) {
    let most = LINES_MAX.min(usize::from(area.height).saturating_sub(1));
    let columns = usize::from(area.width).saturating_sub(1);
    let lines = said.iter().flat_map(|(text, style)| {
        let lines = text::lines(&text::safe(text.as_bytes()), columns, most);
        lines.into_iter().map(|line| (line, *style))
    });
    let lines: Vec<(String, Style)> = lines.collect();
    for (y, (line, style)) in (area.y..area.bottom()).rev().zip(lines.iter().rev().take(most)) {
        Clear.render(Rect { y, height: 1, ..area }, buffer);
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        pen.write(" ", Style::new());
        pen.write(line, *style);
    }
}
