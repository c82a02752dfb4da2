//! A table that is drawn again and again in the same place: lines that fit the screen.

use super::Look;
use super::cells::{Cell, fields};
use super::grid::{Grid, Widest};
use super::screen::{Role, Screen};
use super::text::thousands;
use crate::record::text::printable;

/// The fields that say which window a row is of: told once, where it is the same for all.
const WINDOW_FIELDS: [&str; 3] = ["window_start", "window_end", "window_time"];

/// Bars, the least first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What is said above it.
    pub heading: Option<&'a str>,
    /// The rows, the most important first.
    pub rows: &'a [Row<'a>],
    /// How many rows there are with those that are not among them.
    pub count: usize,
    /// Whether all of them are of one window.
    pub is_of_one_window: bool,
    /// For how many windows the rows have trends.
    pub trend_windows: usize,
    /// What is said below it.
    pub status: &'a str,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its values, as an object.
    pub object: &'a [u8],
    /// How it did before, the last at the end.
    pub trend: &'a [Option<f64>],
}

/// Makes lines of what is shown. Columns that have become wide stay so.
#[derive(Debug, Default)]
pub struct View {
    /// The columns without trends, and with them: both are kept, since trends may fit again.
    plain: Grid,
    trends: Grid,
}

impl View {
    /// The lines of a frame: fewer than the screen has, and each less wide than it.
    pub fn lines(&mut self, frame: &Frame<'_>, look: Look) -> Vec<String> {
        let look = Look { terminal: true, ..look };
        let (mut title, mut names, mut rows) = (None, Vec::new(), Vec::new());
        for row in frame.rows {
            let (mut window, mut cells) = (Vec::new(), Vec::new());
            names.clear();
            for (name, value) in fields(row.object) {
                let cell = safe(Cell::of_json(value).rounded());
                if frame.is_of_one_window && WINDOW_FIELDS.contains(&&*name) {
                    window.push(cell);
                } else {
                    names.push(printable(&name).into_owned());
                    cells.push(cell);
                }
            }
            if let (None, [start, end, ..]) = (&title, window.as_slice()) {
                title = Some(format!("{} … {}", start.shown(), end.shown()));
            }
            rows.push(cells);
        }
        let above = usize::from(title.is_some()) + usize::from(frame.heading.is_some());
        let (shown, more) = shared_out(look.lines, above, frame.count);
        rows.truncate(shown);
        let grid = self.fit(names, &mut rows, frame, look);
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, look);
        let say = |screen: &mut Screen<'_>, role, text: &str| {
            screen.put(role, text);
            screen.end_line();
        };
        frame.heading.iter().for_each(|text| say(&mut screen, Role::Key, text));
        title.iter().for_each(|text| say(&mut screen, Role::Aside, text));
        if !rows.is_empty() {
            grid.names(&mut screen);
        }
        rows.iter().for_each(|row| grid.row(row, &mut screen));
        if more > 0 {
            let count = u64::try_from(more).unwrap_or(u64::MAX);
            say(&mut screen, Role::Aside, &format!("… {} more", thousands(count)));
        }
        say(&mut screen, Role::Aside, frame.status);
        let text = String::from_utf8_lossy(&out);
        let lines: Vec<&str> = text.lines().collect();
        // A very low screen has no room for what is above the rows.
        let most = look.lines.map_or(usize::MAX, |lines| lines.saturating_sub(1).max(1));
        let from = lines.len().saturating_sub(most);
        lines.into_iter().skip(from).map(str::to_owned).collect()
    }

    /// Columns as wide as they are to be; with trends, if there is room for them.
    fn fit(
        &mut self,
        mut names: Vec<String>,
        rows: &mut [Vec<Cell>],
        frame: &Frame<'_>,
        look: Look,
    ) -> &Grid {
        let has_trends = frame.trend_windows > 0;
        let trends = format!("last {} windows", frame.trend_windows);
        let anew = |names: &[String]| Grid::new(names.iter().map(String::as_str));
        let widest = Widest { inner: usize::MAX, last: usize::MAX };
        if has_trends {
            names.push(trends);
            if !self.trends.is_of(names.iter().map(String::as_str)) {
                self.trends = anew(&names).with_rigid_last(frame.trend_windows);
            }
            for (cells, row) in rows.iter_mut().zip(frame.rows) {
                cells.push(Cell::new(Role::Aside, &bars(row.trend)));
            }
            self.trends.fit(rows, widest, look);
            if look.columns.is_none_or(|columns| self.trends.width() < columns) {
                return &self.trends;
            }
            names.pop();
            rows.iter_mut().for_each(|cells| drop(cells.pop()));
        }
        if !self.plain.is_of(names.iter().map(String::as_str)) {
            self.plain = anew(&names);
        }
        self.plain.fit(rows, widest, look);
        &self.plain
    }
}

/// How many of so many rows are shown on a screen of so many lines, of which some are above them;
/// and how many more there are. The cursor has a line of its own.
fn shared_out(lines: Option<usize>, above: usize, count: usize) -> (usize, usize) {
    // The names, the status, and the cursor.
    let Some(room) = lines.map(|lines| lines.saturating_sub(above + 3)) else { return (count, 0) };
    if count <= room {
        return (count, 0);
    }
    let shown = room.saturating_sub(1);
    (shown, count - shown)
}

fn safe(mut cell: Cell) -> Cell {
    cell.text = cell.text.map(|text| printable(&text).into_owned());
    cell
}

/// Numbers as bars, from 0 to the greatest; a blank where there is none.
fn bars(trend: &[Option<f64>]) -> String {
    let known = || trend.iter().flatten().copied().filter(|number| number.is_finite());
    let (least, most) = (known().fold(0.0, f64::min), known().fold(0.0, f64::max));
    let bar = |number: &Option<f64>| match number {
        Some(number) if number.is_finite() => {
            let share = if most > least { (number - least) / (most - least) } else { 0.0 };
            // From 0 to 1: the greatest is the last bar.
            let at = (share * (BARS.len() - 1) as f64).round() as usize;
            BARS.get(at).copied().unwrap_or(' ')
        }
        _ => ' ',
    };
    trend.iter().map(bar).collect()
}

#[cfg(test)]
mod tests;
