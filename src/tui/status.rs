//! The foot of the screen: what is to be known of what is shown, and the keys that may be pressed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::keys::Scope;
use super::pen::Pen;
use super::state::{BETWEEN, Page, State};
use super::theme::Theme;

/// Draws the foot, with the keys at its end.
pub fn draw(buffer: &mut Buffer, area: Rect, state: &State, theme: Theme) {
    let foot = &state.foot;
    let is_plain = matches!(state.scope(), Scope::Topics | Scope::Fields);
    let style = if is_plain { Style::new() } else { theme.key() };
    for (y, line) in (area.y..area.bottom()).zip(&foot.above) {
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        pen.write(" ", Style::new());
        pen.write(line, style);
    }
    let mut pen = Pen::new(buffer, (area.x, area.right()), area.bottom().saturating_sub(1));
    pen.write(" ", Style::new());
    if let Some(count) = state.count {
        return pen.write(&count.to_string(), theme.key());
    }
    if state.help.is_some() {
        return pen.write("q ends the help; j, k, Space scroll", theme.key());
    }
    if !foot.last.is_empty() {
        pen.write(&foot.last, style);
        pen.write(BETWEEN, Style::new());
    }
    hints(&mut pen, state, theme);
}
/// The keys that are named at the bottom, the most important first.
const HINTS: [(&str, &str); 7] = [
    ("h", "help"),
    ("q", "quit"),
    ("/", "search"),
    ("&", "filter"),
    ("Enter", "tree"),
    ("t", "table"),
    ("F", "follow"),
];

const HINTS_IN_TREE: [(&str, &str); 7] = [
    ("h", "help"),
    ("q", "back"),
    ("Enter", "fold"),
    ("J", "next"),
    ("K", "previous"),
    ("/", "search"),
    ("&", "filter"),
];

const HINTS_IN_CHART: [(&str, &str); 3] = [("h", "help"), ("q", "back"), ("c", "another chart")];

const HINTS_IN_FIELDS: [(&str, &str); 6] = [
    ("h", "help"),
    ("q", "back"),
    ("Enter", "chart"),
    ("&", "filter"),
    ("/", "search"),
    ("Right", "more columns"),
];

const HINTS_IN_TOPICS: [(&str, &str); 5] =
    [("h", "help"), ("q", "quit"), ("Enter", "records"), ("/", "search"), ("r", "reset a group")];

fn hints(pen: &mut Pen<'_>, state: &State, theme: Theme) {
    let hints = match state.scope() {
        Scope::Topics => &HINTS_IN_TOPICS[..],
        Scope::Tree => &HINTS_IN_TREE[..],
        Scope::Fields => &HINTS_IN_FIELDS[..],
        Scope::Chart => &HINTS_IN_CHART[..],
        _ => &HINTS[..],
    };
    for (key, what) in hints {
        let leaves = *key == "q" && state.page == Page::Records && state.overview.is_some();
        let what = if leaves && *what == "quit" { "topics" } else { *what };
        if pen.room() < key.len() + what.len() + 3 {
            break;
        }
        pen.write(key, theme.key());
        pen.write(&format!(" {what}  "), Style::new());
    }
}
