//! The screen as it is drawn: a bar, the body, and a line for the status, messages and typing.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use super::keys::Scope;
use super::pen::Pen;
use super::state::{Layout, Page, State};
use super::theme::Theme;
use super::{chart_view, help, lines, table, topics_view, tree_view};
use crate::layout::text;

/// The fewest columns and lines that something can be shown in.
const LEAST: (u16, u16) = (10, 3);

/// In how many lines it is said what is wrong with what was typed, at most.
const FAULT_LINES_MAX: usize = 4;

/// Draws all of it.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: Theme) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        Pen::new(buffer, (area.x, area.right()), area.y).write("too small", Style::new());
        return;
    }
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    title(buffer, area, state, theme);
    let overview = state.overview.as_ref().filter(|_| state.page == Page::Topics);
    match (&state.tree, state.layout) {
        _ if let Some(chart) = &state.chart => chart_view::draw(buffer, body, chart, theme),
        _ if let Some(overview) = overview => topics_view::draw(buffer, body, overview, theme),
        (Some(tree), _) => {
            tree_view::draw(buffer, body, (tree, state.pattern.as_ref()), theme);
        }
        (None, Layout::Lines) => lines::draw(buffer, body, state, theme),
        (None, Layout::Table) => table::draw(buffer, body, state, theme),
    }
    if let Some(at) = state.help {
        help::draw(buffer, body, (at, state.scope()), theme);
    }
    let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
    match &state.prompt {
        Some(prompt) => {
            let label = text::safe(prompt.label.as_bytes());
            let label =
                text::front(&label, usize::from(area.width).saturating_sub(LEAST.0.into())).0;
            let begin = text::width(label);
            // The end of a long line is where the user types.
            let hidden = (prompt.column() + begin + 1).saturating_sub(usize::from(area.width));
            let mut pen = Pen::new(buffer, (area.x, area.right()), bottom.y);
            pen.write(label, theme.key());
            pen.hide(hidden);
            let style = if prompt.is_proposed { theme.selected() } else { Style::new() };
            pen.write(&text::safe(prompt.text().as_bytes()), style);
            if prompt.text().is_empty() {
                pen.write("  ", Style::new());
                pen.write(prompt.purpose.hint(), theme.dim());
            }
            if let Some(fault) = &prompt.fault {
                above(buffer, bottom, fault, theme.bad());
            }
            let column = u16::try_from(begin + prompt.column() - hidden).unwrap_or(area.width - 1);
            let x = area.x.saturating_add(column).min(area.right() - 1);
            frame.set_cursor_position(Position::new(x, bottom.y));
        }
        None => status(buffer, bottom, state, theme),
    }
}

/// Writes a text into the lines above one, as many as it takes.
fn above(buffer: &mut Buffer, line: Rect, said: &str, style: Style) {
    let said = text::safe(said.as_bytes());
    let (mut rest, mut parts) = (&*said, Vec::new());
    while !rest.is_empty() && parts.len() < FAULT_LINES_MAX {
        let (front, _) = text::front(rest, usize::from(line.width).max(2));
        parts.push(front);
        rest = rest.get(front.len()..).unwrap_or_default();
    }
    for (y, part) in (0..line.y).rev().zip(parts.into_iter().rev()) {
        Clear.render(Rect { y, ..line }, buffer);
        Pen::new(buffer, (line.x, line.right()), y).write(part, style);
    }
}

/// What is looked at, and how much of it there is.
fn title(buffer: &mut Buffer, area: Rect, state: &State, theme: Theme) {
    if let Some(overview) = state.overview.as_ref().filter(|_| state.page == Page::Topics) {
        let (topics, groups) = (overview.figures.topics.len(), overview.figures.groups.len());
        let s = |count| if count == 1 { "" } else { "s" };
        let right = format!("{topics} topic{}, {groups} group{} ", s(topics), s(groups));
        let name = format!(" {}", text::safe(state.title.as_bytes()));
        return bar(buffer, area, area.y, &name, &right, theme.bar());
    }
    let extent = &state.list.extent;
    let (count, all) = (
        extent.span.end - extent.span.start,
        extent.records.end.saturating_sub(extent.records.start),
    );
    let mut right = match (&state.filter, count) {
        (Some(_), _) => format!("{} of {} records", text::thousands(count), text::thousands(all)),
        (None, 1) => "1 record".to_owned(),
        (None, _) => format!("{} records", text::thousands(count)),
    };
    if extent.records.start > 0 {
        right = format!("{} dropped, {right}", text::thousands(extent.records.start));
    }
    if let Some(progress) = extent.progress {
        right = format!("{right}, {} % read", progress / 10);
    }
    let place = match count {
        0 => String::new(),
        _ => {
            let at = state.list.cursor - extent.span.start;
            let percent = (at + 1).saturating_mul(100) / count.max(1);
            format!("  {}/{} {percent}%", text::thousands(at + 1), text::thousands(count))
        }
    };
    let name = match &state.tree {
        Some(tree) => format!(" {}", text::safe(tree.row.place.as_bytes())),
        None => {
            let name = state.topic.as_ref().unwrap_or(&state.title);
            format!(" {}", text::safe(name.as_bytes()))
        }
    };
    bar(buffer, area, area.y, &name, &format!("{right}{place} "), theme.bar());
}

/// A line with a text at its left and one at its right, which has the right of way.
pub fn bar(buffer: &mut Buffer, area: Rect, y: u16, left: &str, right: &str, style: Style) {
    buffer.set_style(Rect { y, height: 1, ..area }, style);
    let wide = text::width(right).min(usize::from(area.width));
    let from = area.right().saturating_sub(u16::try_from(wide).unwrap_or(area.width));
    Pen::new(buffer, (area.x, from), y).write(left, style);
    Pen::new(buffer, (from, area.right()), y).write(right, style);
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

fn status(buffer: &mut Buffer, area: Rect, state: &State, theme: Theme) {
    let mut pen = Pen::new(buffer, (area.x, area.right()), area.y);
    pen.write(" ", Style::new());
    if let Some((message, is_error)) = &state.message {
        let style = if *is_error { theme.bad() } else { Style::new() };
        return pen.write(&text::safe(message.as_bytes()), style);
    }
    if let Some(count) = state.count {
        return pen.write(&count.to_string(), theme.key());
    }
    if state.help.is_some() {
        return pen.write("q ends the help; j, k and Space scroll it", theme.key());
    }
    if state.page == Page::Topics {
        return hints(&mut pen, state, theme);
    }
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
    if state.list.follows {
        said.push("following".to_owned());
    }
    if let Some(filter) = &state.filter {
        said.push(format!("& {filter}"));
    }
    if let (Some(_), failed @ 1..) = (&state.filter, state.list.extent.failed) {
        said.push(format!("the filter failed for {}", text::thousands(failed)));
    }
    if let Some(note) = &state.list.extent.note {
        said.push(note.clone());
    }
    for text in &said {
        pen.write(&text::safe(text.as_bytes()), theme.key());
        pen.write("   ", Style::new());
    }
    hints(&mut pen, state, theme);
}

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
