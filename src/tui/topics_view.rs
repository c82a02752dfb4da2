//! All topics and groups of a log, with sparklines of what they did of late.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::overview::{GroupRow, Overview, TopicRow, sparkline};
use super::pen::Pen;
use super::theme::Theme;
use crate::layout::text::{bytes, cell, thousands, width};

/// The lines that are headings, before the topics and before the groups.
const HEADINGS: usize = 1;
/// The lines between the last topic and the first group.
const BETWEEN: usize = 2;

/// How wide the names are, at least and at most.
const NAME_COLUMNS: (usize, usize) = (8, 24);

/// On which line an item is.
fn line_of(overview: &Overview, at: usize) -> usize {
    let between = if at < overview.figures.topics.len() { 0 } else { BETWEEN };
    at + HEADINGS + between
}

/// The first line on the screen, for a screen of so many lines.
pub fn top(overview: &Overview, height: usize) -> usize {
    let cursor = line_of(overview, overview.cursor);
    let last = line_of(overview, overview.count().saturating_sub(1));
    let top = overview.top.min(cursor.saturating_sub(HEADINGS));
    top.max((cursor + 1).saturating_sub(height)).min((last + 1).saturating_sub(height))
}

/// Draws the part that is on the screen.
pub fn draw(buffer: &mut Buffer, area: Rect, overview: &Overview, theme: Theme) {
    let (topics, groups) = (&overview.figures.topics, &overview.figures.groups);
    let wide = topics.iter().map(|row| &row.name).chain(groups.iter().map(|row| &row.group));
    let names = wide.map(|name| width(name)).max().unwrap_or_default();
    let names = names.clamp(NAME_COLUMNS.0, NAME_COLUMNS.1);
    let first_group = line_of(overview, topics.len());
    for y in area.y..area.bottom() {
        let line = usize::from(y - area.y) + overview.top;
        let is_cursor = line == line_of(overview, overview.cursor) && overview.count() > 0;
        let base = if is_cursor { theme.cursor() } else { Style::new() };
        buffer.set_style(Rect { y, height: 1, ..area }, base);
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        if line == 0 {
            heading(&mut pen, ("TOPIC", names), &TOPIC_COLUMNS, theme);
        } else if let Some(row) = topics.get(line - HEADINGS) {
            topic(&mut pen, row, &overview.rates(row), (names, theme, base, is_cursor));
        } else if line + 1 == first_group && !groups.is_empty() {
            heading(&mut pen, ("GROUP", names), &GROUP_COLUMNS, theme);
        } else if let Some(row) = line.checked_sub(first_group).and_then(|at| groups.get(at)) {
            group(&mut pen, row, &overview.lags(row), (names, theme, base, is_cursor));
        } else if topics.is_empty() && line == 1 {
            pen.write("there is no topic yet; produce creates one", theme.dim());
        }
    }
}

/// The names of the columns after the first, and how wide they are.
const TOPIC_COLUMNS: [(&str, usize); 5] =
    [("PARTS", 5), ("RECORDS", 13), ("BYTES", 8), ("REC/S", 9), ("NEWEST", 19)];
const GROUP_COLUMNS: [(&str, usize); 4] =
    [("MEMBERS", 7), ("COMMITTED", 13), ("LAG", 13), ("TOPIC", 18)];

fn heading(
    pen: &mut Pen<'_>,
    (first, wide): (&str, usize),
    columns: &[(&str, usize)],
    theme: Theme,
) {
    pen.write(&cell(first, wide, false), theme.heading());
    for (name, columns) in columns {
        pen.write(" ", Style::new());
        let right = !["NEWEST", "TOPIC"].contains(name);
        pen.write(&cell(name, *columns, right), theme.heading());
    }
}

type Look = (usize, Theme, Style, bool);

fn topic(pen: &mut Pen<'_>, row: &TopicRow, rates: &[u64], look: Look) {
    let (names, theme, base, is_cursor) = look;
    pen.write(&cell(&row.name, names, false), base);
    if let Some(fault) = &row.fault {
        pen.write(" ", base);
        return pen.write(fault, if is_cursor { base } else { theme.bad() });
    }
    let rate = rates.last().copied().unwrap_or_default();
    let newest = row.newest.as_deref().unwrap_or_default();
    let newest: String = newest.chars().take(19).collect::<String>().replace('T', " ");
    let cells = [
        thousands(row.partitions),
        thousands(row.records),
        bytes(row.bytes),
        thousands(rate),
        newest,
    ];
    for (text, (name, columns)) in cells.iter().zip(TOPIC_COLUMNS) {
        pen.write(" ", base);
        pen.write(&cell(text, columns, name != "NEWEST"), base);
    }
    line(pen, rates, look);
}

fn group(pen: &mut Pen<'_>, row: &GroupRow, lags: &[u64], look: Look) {
    let (names, theme, base, is_cursor) = look;
    pen.write(&cell(&row.group, names, false), base);
    if let Some(fault) = &row.fault {
        pen.write(" ", base);
        return pen.write(fault, if is_cursor { base } else { theme.bad() });
    }
    let lag = row.lag.map_or("-".to_owned(), thousands);
    let cells = [thousands(row.members), thousands(row.committed), lag, row.topic.clone()];
    for (text, (name, columns)) in cells.iter().zip(GROUP_COLUMNS) {
        pen.write(" ", base);
        pen.write(&cell(text, columns, name != "TOPIC"), base);
    }
    line(pen, lags, look);
}

/// The rest of the line: what was, up to now.
fn line(pen: &mut Pen<'_>, values: &[u64], (_, theme, base, is_cursor): Look) {
    pen.write(" ", base);
    let columns = pen.room().min(60);
    let style = if is_cursor { base } else { theme.series(0) };
    pen.write(&sparkline(values, columns), style);
}
