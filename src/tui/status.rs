//! The foot of the screen: what is to be known of what is shown, and the keys that may be pressed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::keys::Scope;
use super::pen::Pen;
use super::state::{Page, State};
use super::theme::Theme;
use crate::layout::text;

/// In how many lines it is said what is to be known, at most.
const LINES_MAX: usize = 3;

/// How many lines of the screen are not for this in any case.
const OTHER_LINES: usize = 4;

/// What stands between two things that are said.
const BETWEEN: &str = "   ";

/// What the foot says beside the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foot {
    /// Lines before the last one.
    above: Vec<String>,
    /// What the last line begins with, before the keys.
    last: String,
}

impl Foot {
    /// What is to be said now. It is broken into lines where the screen is narrow, so that none of
    /// it is lost.
    pub fn of(state: &State) -> Foot {
        let (columns, lines) = (usize::from(state.size.0), usize::from(state.size.1));
        let lines_max = LINES_MAX.min(lines.saturating_sub(OTHER_LINES) / 2);
        let said = |parts: Vec<String>| {
            let parts = parts.iter().map(|part| text::safe(part.as_bytes()));
            parts.collect::<Vec<_>>().join(BETWEEN)
        };
        if state.page == Page::Topics {
            let item = state.overview.as_ref().and_then(|it| it.current());
            let details = said(item.map(|item| item.details()).into_iter().collect());
            return Foot { above: lines_of(&details, columns, lines_max), last: String::new() };
        }
        let said = said(parts(state));
        let mut above = lines_of(&said, columns, lines_max + 1);
        let last = above.pop().unwrap_or_default();
        Foot { above, last }
    }

    /// How many lines it takes.
    pub fn height(&self) -> usize {
        self.above.len() + 1
    }

    /// Draws it, with the keys at its end.
    pub fn draw(&self, buffer: &mut Buffer, area: Rect, state: &State, theme: Theme) {
        let style = if state.page == Page::Topics { Style::new() } else { theme.key() };
        for (y, line) in (area.y..area.bottom()).zip(&self.above) {
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
            return pen.write("q ends the help; j, k and Space scroll it", theme.key());
        }
        if !self.last.is_empty() {
            pen.write(&self.last, style);
            pen.write(BETWEEN, Style::new());
        }
        hints(&mut pen, state, theme);
    }
}

/// A text in lines, so many at most, with room for a blank before each.
pub fn lines_of(said: &str, columns: usize, most: usize) -> Vec<String> {
    let columns = columns.saturating_sub(1);
    let wrapped = text::wrap(said, columns);
    let whole = wrapped.len().min(if wrapped.len() > most { most.saturating_sub(1) } else { most });
    let (whole, rest) = wrapped.split_at_checked(whole).unwrap_or_default();
    let rest = (most > 0 && !rest.is_empty()).then(|| rest.join(" "));
    let rest = rest.iter().map(|rest| text::cut(rest, columns).into_owned());
    whole.iter().map(|&line| line.to_owned()).chain(rest).collect()
}

/// What is to be known of the records that are shown, the most important first.
fn parts(state: &State) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(tree) = state.tree.as_ref().filter(|tree| !tree.row.is_whole()) {
        let more = tree.row.bytes - tree.row.text.len() as u64;
        said.push(format!("the last {} are not shown", text::bytes(more)));
    }
    if let Some(selected) = state.selection() {
        said.push(format!("{} selected", text::thousands(selected.end - selected.start)));
    }
    if state.searches {
        said.push("searching; Esc ends it".to_owned());
    }
    if let Some(fault) = state.list.current().and_then(|row| row.fault.as_ref()) {
        said.push(fault.clone());
    }
    if let Some(note) = &state.list.extent.note {
        said.push(note.clone());
    }
    if state.list.follows {
        said.push("following".to_owned());
    }
    if let Some(filter) = &state.filter {
        said.push(format!("& {filter}"));
    }
    if let (Some(_), failed @ 1..) = (&state.filter, state.list.extent.failed) {
        said.push(format!("the filter failed for {}", text::thousands(failed)));
    }
    said
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

const HINTS_IN_TOPICS: [(&str, &str); 4] =
    [("h", "help"), ("q", "quit"), ("Enter", "records"), ("r", "reset a group")];

fn hints(pen: &mut Pen<'_>, state: &State, theme: Theme) {
    let hints = match state.scope() {
        Scope::Topics => &HINTS_IN_TOPICS[..],
        Scope::Tree => &HINTS_IN_TREE[..],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_cut_at_its_end() {
        assert_eq!(lines_of("one two three", 8, 2), ["one two", "three"]);
        assert_eq!(lines_of("one two three", 8, 1), ["one tw…"]);
        assert_eq!(lines_of("one two three", 10, 1), ["one two …"]);
        assert_eq!(lines_of("", 8, 1), [""; 0]);
    }
}
