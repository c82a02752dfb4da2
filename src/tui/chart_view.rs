//! Charts: bars of how often values come, and lines along an axis.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Chart as Plot, Dataset, GraphType, Widget};

use super::chart::{Chart, Kind};
use super::pen::Pen;
use super::theme::Theme;
use crate::layout::text::{self, cell, safe, thousands, width};
use crate::record::civil::date;
use crate::record::tokens;

/// The widest name of a bar.
const NAME_COLUMNS_MAX: usize = 32;

/// From how many columns on an axis has a label in its middle.
const MIDDLE_COLUMNS: u16 = 50;

/// Draws a chart.
pub fn draw(buffer: &mut Buffer, area: Rect, chart: &Chart, theme: Theme) {
    let said = heading(chart, area.width);
    let area = said_at_the_top(buffer, area, &said, theme.heading());
    match chart.kind {
        _ if area.height < 3 => {}
        Kind::Count | Kind::Mean if chart.records == 0 && chart.left_out > 0 => {
            let why = "an axis is of numbers, or of times like 2013-01-01T10:00:00Z or 2013-01-01";
            said_at_the_top(buffer, area, why, theme.dim());
        }
        _ if chart.records == 0 => {}
        Kind::Distribution => bars(buffer, area, &distribution(chart, area.height), theme),
        Kind::Count | Kind::Mean => lines(buffer, area, chart, theme),
    }
}

/// Writes a text into as many lines as it takes; gives what is left of the area.
fn said_at_the_top(buffer: &mut Buffer, area: Rect, said: &str, style: Style) -> Rect {
    let said = safe(said.as_bytes());
    let most = usize::from(area.height / 3).max(1);
    let lines = text::lines(&said, usize::from(area.width), most);
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        Pen::new(buffer, (area.x, area.right()), y).write(line, style);
    }
    let taken = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
    Rect { y: area.y + taken, height: area.height - taken, ..area }
}

/// What is shown: of what, of how many records, and how much of the axis a point is.
fn heading(chart: &Chart, columns: u16) -> String {
    let what = match chart.kind {
        Kind::Distribution => "how often ",
        Kind::Count => "",
        Kind::Mean => "mean of ",
    };
    let mut said = format!("{what}{}", chart.title);
    if chart.kind != Kind::Distribution && !chart.series.is_empty() {
        let wide = chart.series.values().map(|it| it.within(points_max(columns)).0);
        let wide = wide.fold(0.0, f64::max);
        let wide = if chart.is_time { duration(wide) } else { number(wide) };
        said += &format!(", a point is {wide}");
    }
    said += &format!(": {} records", thousands(chart.records));
    if chart.left_out > 0 {
        said += &format!(", {} without such a value", thousands(chart.left_out));
    }
    if let Some(progress) = chart.progress {
        said += &format!(", {} % read", progress / 10);
    }
    said
}

/// The most points that a line has, on so many columns.
fn points_max(columns: u16) -> usize {
    usize::from(columns.saturating_sub(10)).max(2)
}

/// How long so many seconds are, for people.
fn duration(seconds: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")];
    let (wide, unit) = UNITS.into_iter().find(|(wide, _)| seconds >= *wide).unwrap_or((1e-3, "ms"));
    format!("{}{unit}", number((seconds / wide * 10.0).round() / 10.0))
}

/// The bars of a distribution, for so many lines: the ranges of numbers in order, then the texts,
/// the commonest first.
fn distribution(chart: &Chart, lines: u16) -> Vec<(String, u64)> {
    let lines = usize::from(lines);
    let mut bars = Vec::new();
    let room = if chart.texts.is_empty() { lines } else { lines / 2 };
    for buckets in chart.series.values() {
        let (width, cells) = buckets.within(room);
        bars.extend(cells.into_iter().map(|(from, cell)| {
            (format!("{} – {}", number(from), number(from + width)), cell.count)
        }));
    }
    let mut texts: Vec<(&String, u64)> = chart.texts.iter().map(|(text, n)| (text, *n)).collect();
    texts.sort_by_key(|(text, count)| (std::cmp::Reverse(*count), *text));
    let left = lines.saturating_sub(bars.len());
    bars.extend(texts.into_iter().take(left).map(|(text, count)| (text.clone(), count)));
    bars
}

fn bars(buffer: &mut Buffer, area: Rect, bars: &[(String, u64)], theme: Theme) {
    let names =
        bars.iter().map(|(name, _)| width(&safe(name.as_bytes()))).max().unwrap_or_default();
    let names = names.min(NAME_COLUMNS_MAX);
    let counts = bars.iter().map(|(_, count)| thousands(*count).len()).max().unwrap_or_default();
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
    for (y, (name, count)) in (area.y..area.bottom()).zip(bars) {
        let mut pen = Pen::new(buffer, (area.x, area.right()), y);
        pen.write(&cell(&safe(name.as_bytes()), names, false), Style::new());
        pen.write(" ", Style::new());
        pen.write(&cell(&thousands(*count), counts, true), theme.json(tokens::Kind::Number));
        pen.write(" ", Style::new());
        pen.write(&bar(*count, most, pen.room()), theme.series(0));
    }
}

/// A bar of so many columns if `count` is `most`, in eighths of a column.
fn bar(count: u64, most: u64, columns: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (u128::from(count) * columns as u128 * 8).div_ceil(u128::from(most)) as usize;
    "█".repeat(eighths / 8) + PARTS.get(eighths % 8).copied().unwrap_or_default()
}

fn lines(buffer: &mut Buffer, area: Rect, chart: &Chart, theme: Theme) {
    // As many points as there are columns, and all lines with the same.
    let most = points_max(area.width);
    let merged: Vec<_> = chart.series.iter().map(|(name, it)| (name, it.within(most))).collect();
    let wide = merged.iter().map(|(_, (width, _))| *width).fold(0.0, f64::max);
    let series: Vec<(&String, Vec<(f64, f64)>)> = merged
        .into_iter()
        .map(|(name, (width, cells))| (name, points(chart.kind, (width, wide), cells)))
        .collect();
    let is_bar = chart.kind == Kind::Count && series.len() == 1;
    let series: Vec<(&String, Vec<(f64, f64)>)> = match is_bar {
        true => series.into_iter().map(|(name, points)| (name, steps(&points, wide))).collect(),
        false => series,
    };
    let all = || series.iter().flat_map(|(_, points)| points.iter());
    let range = |of: fn(&(f64, f64)) -> f64| {
        let ends =
            all().map(of).fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
        if ends.0 < ends.1 { ends } else { (ends.0 - 0.5, ends.0 + 0.5) }
    };
    let (x, mut y) = (range(|point| point.0), range(|point| point.1));
    if chart.kind == Kind::Count {
        // Half of it is a number of records, too.
        y = (0.0, (y.1 / 2.0).ceil() * 2.0);
    }
    const MARKERS: [Marker; 4] = [Marker::Braille, Marker::Dot, Marker::Block, Marker::HalfBlock];
    let sets = series.iter().enumerate().map(|(at, (name, points))| {
        let marker = match is_bar {
            true => Marker::Block,
            false => MARKERS.get(at % MARKERS.len()).copied().unwrap_or(Marker::Dot),
        };
        let set = Dataset::default().data(points).marker(marker).style(theme.series(at));
        let set = set.graph_type(if is_bar { GraphType::Bar } else { GraphType::Line });
        if name.is_empty() { set } else { set.name(safe(name.as_bytes()).into_owned()) }
    });
    let label = |at: f64| if chart.is_time { time(at, x.1 - x.0) } else { number(at) };
    let axis = |ends: (f64, f64), label: &dyn Fn(f64) -> String, has_middle: bool| {
        let places = [Some(ends.0), has_middle.then_some((ends.0 + ends.1) / 2.0), Some(ends.1)];
        let labels = places.into_iter().flatten().map(|at| Line::from(label(at)));
        Axis::default().bounds([ends.0, ends.1]).labels(labels).style(theme.dim())
    };
    // Labels that touch each other could not be read.
    let has_middle = area.width >= MIDDLE_COLUMNS;
    let x = axis(x, &label, has_middle);
    let plot = Plot::new(sets.collect()).x_axis(x).y_axis(axis(y, &number, true));
    plot.render(area, buffer);
}

/// The points of a line; where buckets of this one are narrower than those of others, as wide.
fn points(
    kind: Kind,
    (width, wide): (f64, f64),
    cells: Vec<(f64, super::chart::Cell)>,
) -> Vec<(f64, f64)> {
    let mut merged: Vec<(f64, super::chart::Cell)> = Vec::new();
    for (from, cell) in cells {
        let from = (from / wide).floor() * wide;
        match merged.last_mut().filter(|(last, _)| *last == from && width < wide) {
            Some((_, last)) => {
                last.count += cell.count;
                last.sum += cell.sum;
            }
            None => merged.push((from, cell)),
        }
    }
    let point = |(from, cell): (f64, super::chart::Cell)| match (kind, cell.count) {
        (Kind::Count, count) => Some((from + wide / 2.0, count as f64)),
        (_, 0) => None,
        (_, count) => Some((from + wide / 2.0, cell.sum / count as f64)),
    };
    merged.into_iter().filter_map(point).collect()
}

/// Points side by side for each point, so that bars have no gaps between them.
fn steps(points: &[(f64, f64)], wide: f64) -> Vec<(f64, f64)> {
    const STEPS: u8 = 4;
    let at = |middle: f64, step: u8| middle + wide * (f64::from(step) + 0.5) / f64::from(STEPS);
    let steps =
        |&(middle, y): &(f64, f64)| (0..STEPS).map(move |s| (at(middle - wide / 2.0, s), y));
    points.iter().flat_map(steps).collect()
}

/// A number on an axis.
fn number(value: f64) -> String {
    if value.abs() >= 1e9 || (value != 0.0 && value.abs() < 1e-3) {
        return format!("{value:.2e}");
    }
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        return format!("{value:.0}");
    }
    format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A time on an axis that is so many seconds long, UTC.
fn time(seconds: f64, span: f64) -> String {
    const DAY: i64 = 86_400;
    let whole = seconds.floor() as i64;
    let (days, second) = (whole.div_euclid(DAY), whole.rem_euclid(DAY));
    let (year, month, day) = date(days.clamp(-3_000_000, 3_000_000));
    let month = month + 1;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    match span {
        ..600.0 => format!("{hour:02}:{minute:02}:{second:02}"),
        ..172_800.0 => format!("{month:02}-{day:02} {hour:02}:{minute:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_for_people() {
        for (value, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (-0.25, "-0.25"),
            (1234.4, "1234"),
            (1e12, "1.00e12"),
            (1e-9, "1.00e-9"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(time(1_356_998_400.0, 60.0), "00:00:00");
        assert_eq!(time(1_356_998_400.0, 7200.0), "01-01 00:00");
        assert_eq!(time(-1.0, 1e9), "1969-12-31");
    }

    #[test]
    fn a_point_has_a_width() {
        for (seconds, text) in
            [(0.0625, "62.5ms"), (1.0, "1s"), (1024.0, "17.1min"), (1e6, "11.6d")]
        {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn bars_have_eighths() {
        assert_eq!(bar(8, 8, 2), "██");
        assert_eq!(bar(4, 8, 1), "▌");
        assert_eq!(bar(0, 8, 10), "");
    }
}
