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
        } else if overview.count() == 0 && line == 1 {
            let why = match overview.pattern {
                Some(_) => "no name has that; Esc shows all",
                None => "no topic yet; produce creates one",
            };
            pen.write(why, theme.dim());
        }
    }
}

/// A column after the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Column {
    name: &'static str,
    wide: usize,
    /// Whether its values stand at the right.
    right: bool,
    /// The columns with the lowest numbers are shown, as far as there is room.
    rank: u8,
}

const fn column(name: &'static str, wide: usize, right: bool, rank: u8) -> Column {
    Column { name, wide, right, rank }
}

const TOPIC_COLUMNS: [Column; 9] = [
    column("PARTS", 5, true, 5),
    column("SEGMENTS", 8, true, 7),
    column("RECORDS", 13, true, 0),
    column("BYTES", 8, true, 3),
    column("FSYNC", 6, false, 6),
    column("UNSYNCED", 8, true, 4),
    column("REC/S", 9, true, 1),
    column("OLDEST", TIME_COLUMNS, false, 8),
    column("NEWEST", TIME_COLUMNS, false, 2),
];
const GROUP_COLUMNS: [Column; 4] = [
    column("MEMBERS", 7, true, 2),
    column("COMMITTED", 13, true, 3),
    column("LAG", 13, true, 0),
    column("TOPIC", 18, false, 1),
];

/// A time to the second: 2026-11-30 22:14:05.
const TIME_COLUMNS: usize = 19;

/// How wide the line of the recent past is at least, if there is one.
const LINE_COLUMNS: usize = 10;

/// Which of the columns there is room for, in so many columns of the screen.
fn fitting<const N: usize>(columns: &[Column; N], room: usize) -> Vec<usize> {
    let mut by_rank: Vec<usize> = (0..N).collect();
    by_rank.sort_by_key(|&at| columns.get(at).map(|column| column.rank));
    let mut left = room;
    let mut shown = Vec::new();
    for (taken, at) in by_rank.into_iter().enumerate() {
        // The least that is of use has no line beside it.
        let line = if taken < 3 { 0 } else { LINE_COLUMNS + 1 };
        let wide = columns.get(at).map_or(0, |column| column.wide + 1);
        if wide + line > left {
            break;
        }
        left -= wide;
        shown.push(at);
    }
    shown.sort_unstable();
    shown
}

fn heading<const N: usize>(
    pen: &mut Pen<'_>,
    (first, wide): (&str, usize),
    columns: &[Column; N],
    theme: Theme,
) {
    let shown = fitting(columns, pen.room().saturating_sub(wide));
    pen.write(&cell(first, wide, false), theme.heading());
    for column in shown.into_iter().filter_map(|at| columns.get(at)) {
        pen.write(" ", Style::new());
        pen.write(&cell(column.name, column.wide, column.right), theme.heading());
    }
}

/// Writes the cells that there is room for, after the name.
fn cells<const N: usize>(
    pen: &mut Pen<'_>,
    columns: &[Column; N],
    values: &[String; N],
    base: Style,
) {
    for at in fitting(columns, pen.room()) {
        if let (Some(column), Some(value)) = (columns.get(at), values.get(at)) {
            pen.write(" ", base);
            pen.write(&cell(value, column.wide, column.right), base);
        }
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
    let time = |time: &Option<String>| {
        let time: String = time.iter().flat_map(|time| time.chars()).take(TIME_COLUMNS).collect();
        time.replace('T', " ")
    };
    let values = [
        thousands(row.stored.partitions),
        thousands(row.stored.segments),
        thousands(row.records),
        bytes(row.stored.bytes),
        row.stored.fsync.clone().unwrap_or_default(),
        row.stored.unsynced.map_or("-".to_owned(), thousands),
        thousands(rate),
        time(&row.oldest),
        time(&row.newest),
    ];
    cells(pen, &TOPIC_COLUMNS, &values, base);
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
    let values = [thousands(row.members), thousands(row.committed), lag, row.topic.clone()];
    cells(pen, &GROUP_COLUMNS, &values, base);
    line(pen, lags, look);
}

/// The rest of the line: what was, up to now.
fn line(pen: &mut Pen<'_>, values: &[u64], (_, theme, base, is_cursor): Look) {
    pen.write(" ", base);
    let columns = pen.room().min(60);
    let style = if is_cursor { base } else { theme.series(0) };
    pen.write(&sparkline(values, columns), style);
}
