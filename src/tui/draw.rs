//! The screen as it is drawn: a bar, the body, the foot, and over it messages and what is typed.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::pen::Pen;
use super::state::{Layout, Page, State};
use super::theme::Theme;
use super::{
    chart_view, fields_view, help, lines, prompt_view, status, table, topics_view, tree_view,
};
use crate::layout::text;

/// The fewest columns and lines that something can be shown in.
const LEAST: (u16, u16) = (10, 3);

/// How wide the name of what is looked at is at least, if it is as wide.
const NAME_COLUMNS_MIN: usize = 16;

/// Draws all of it.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: Theme) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        Pen::new(buffer, (area.x, area.right()), area.y).write("too small", Style::new());
        return;
    }
    let foot = u16::try_from(state.foot.height()).unwrap_or(1).min(area.height - 2);
    let body = Rect { y: area.y + 1, height: area.height - 1 - foot, ..area };
    title(buffer, area, state, theme);
    let overview = state.overview.as_ref().filter(|_| state.page == Page::Topics);
    match (&state.tree, state.layout) {
        _ if let Some(chart) = &state.chart => chart_view::draw(buffer, body, chart, theme),
        _ if let Some(fields) = &state.fields => fields_view::draw(buffer, body, fields, theme),
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
    let foot = Rect { y: area.bottom() - foot, height: foot, ..area };
    status::draw(buffer, foot, state, theme);
    if let Some(prompt) = &state.prompt {
        let cursor = prompt_view::draw(buffer, area, prompt, theme);
        frame.set_cursor_position(cursor);
    } else if let Some((message, is_error)) = &state.message {
        let style = if *is_error { theme.bad() } else { Style::new() };
        prompt_view::over(buffer, area, &[(message.clone(), style)]);
    }
}

/// What is looked at, and how much of it there is.
fn title(buffer: &mut Buffer, area: Rect, state: &State, theme: Theme) {
    if let Some(overview) = state.overview.as_ref().filter(|_| state.page == Page::Topics) {
        let (topics, groups) = overview.all();
        let s = |count| if count == 1 { "" } else { "s" };
        let mut right = format!("{topics} topic{}, {groups} group{} ", s(topics), s(groups));
        if let Some(pattern) = &overview.pattern {
            let (shown, text) = (overview.count(), text::safe(pattern.text().as_bytes()));
            right = format!("/{text}: {shown} of {right}");
        }
        let name = format!(" {}", text::safe(state.title.as_bytes()));
        return bar(buffer, area, area.y, &name, &right, theme.bar());
    }
    let counts = match state.fields.as_ref().filter(|_| state.chart.is_none()) {
        Some(fields) => {
            let shown = format!("{} fields", text::thousands(fields.shown().count() as u64));
            let full = format!("{shown} of {}", fields.survey.scope());
            vec![
                full,
                format!("{shown} of {} records", text::thousands(fields.survey.records)),
                shown,
            ]
        }
        None => counts(state).to_vec(),
    };
    let columns = usize::from(area.width);
    let name = match &state.tree {
        Some(tree) => text::safe(tree.row.place.as_bytes()).into_owned(),
        None => text::safe(state.topic.as_ref().unwrap_or(&state.title).as_bytes()).into_owned(),
    };
    let least = text::width(&name).min(NAME_COLUMNS_MIN) + 3;
    let fits = |right: &&String| text::width(right) + least <= columns;
    let right = counts.iter().find(fits).or(counts.last()).map_or("", String::as_str);
    let room = columns.saturating_sub(text::width(right) + 3);
    let stored = state.stored().filter(|_| state.tree.is_none()).map(|stored| {
        let parts = [stored.sync(), stored.segments()];
        format!(
            "  {}",
            parts.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ")
        )
    });
    let stored = stored.filter(|it| text::width(&name) + text::width(it) <= room);
    let name = format!(" {}{}", shortened(&name, room), stored.unwrap_or_default());
    bar(buffer, area, area.y, &name, &format!("{right} "), theme.bar());
}

/// A name or a place in so many columns: of a place, the number at its end is left.
fn shortened(name: &str, columns: usize) -> String {
    let end = name.rfind(['/', ':']).map_or("", |at| name.get(at..).unwrap_or_default());
    let room = columns.saturating_sub(text::width(end));
    match text::width(name) > columns && room >= NAME_COLUMNS_MIN / 2 {
        true => text::cut(name.strip_suffix(end).unwrap_or(name), room).into_owned() + end,
        false => text::cut(name, columns).into_owned(),
    }
}

/// How much there is, and which part of it the cursor is on: in full, and shorter and shorter.
fn counts(state: &State) -> [String; 5] {
    let extent = &state.list.extent;
    let count = extent.span.end - extent.span.start;
    let all = extent.records.end.saturating_sub(extent.records.start);
    let records = match (&state.filter, count) {
        (Some(_), _) => format!("{} of {} records", text::thousands(count), text::thousands(all)),
        (None, 1) => "1 record".to_owned(),
        (None, _) => format!("{} records", text::thousands(count)),
    };
    let dropped = match extent.records.start {
        0 => String::new(),
        dropped => format!("{} dropped, ", text::thousands(dropped)),
    };
    let read = extent.progress.map(|progress| format!(", {} % read", progress / 10));
    let read = read.unwrap_or_default();
    let at = state.list.cursor - extent.span.start + 1;
    let percent = format!("{}%", at.saturating_mul(100) / count.max(1));
    let place = format!("{}/{} {percent}", text::thousands(at), text::thousands(count));
    if count == 0 {
        let short = format!("{records}{read}");
        return [format!("{dropped}{short}"), short.clone(), short, records, "0".to_owned()];
    }
    [
        format!("{dropped}{records}{read}  {place}"),
        format!("{records}{read}  {place}"),
        format!("{place}{read}"),
        place,
        percent,
    ]
}

/// A line with a text at its left and one at its right, which has the right of way.
pub fn bar(buffer: &mut Buffer, area: Rect, y: u16, left: &str, right: &str, style: Style) {
    buffer.set_style(Rect { y, height: 1, ..area }, style);
    let wide = text::width(right).min(usize::from(area.width));
    let from = area.right().saturating_sub(u16::try_from(wide).unwrap_or(area.width));
    let left = text::cut(left, usize::from(from.saturating_sub(area.x)).saturating_sub(1));
    Pen::new(buffer, (area.x, from), y).write(&left, style);
    Pen::new(buffer, (from, area.right()), y).write(right, style);
}
