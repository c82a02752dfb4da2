//! Rows in columns below their names. They come in parts, as those of a window do, and each part is
//! shown as a whole: so columns are as wide as the rows need that are shown with them.

use super::Look;
use super::cells::Cell;
use super::grid::{Grid, Widest};
use super::screen::Screen;
use crate::record::text::printable;
use crate::state::{Reader, StateError, Writer};

/// A table that grows. What is printed stays as it is: columns that turn out to be too narrow are
/// wider from the next part on.
#[derive(Debug)]
pub struct Table {
    grid: Grid,
    widest: Widest,
    /// The rows of the part in hand.
    held: Vec<Vec<Cell>>,
    /// How many lines were printed since the names were; none if they were not.
    lines_since_names: Option<usize>,
    /// Whether parts are apart from each other.
    spaced: bool,
}

impl Table {
    /// A table whose columns have these names, and are at most so wide where the screen does not
    /// limit them.
    pub fn new<'n>(names: impl Iterator<Item = &'n str>, widest: Widest) -> Table {
        let grid = Grid::new(names.map(printable).collect::<Vec<_>>().iter().map(|it| &**it));
        Table { grid, widest, held: Vec::new(), lines_since_names: None, spaced: false }
    }

    /// With an empty line between parts; the names come again where the columns have changed.
    #[must_use]
    pub fn spaced(self) -> Table {
        Table { spaced: true, ..self }
    }

    /// Says what the columns are called from here on.
    pub fn name<'n>(&mut self, names: impl Iterator<Item = &'n str> + Clone) {
        let names: Vec<_> = names.map(printable).collect();
        let names = || names.iter().map(|name| &**name);
        if !self.grid.is_of(names()) {
            self.grid = Grid::new(names());
        }
    }

    /// Adds a row to the part in hand.
    pub fn push(&mut self, mut row: Vec<Cell>) {
        for text in row.iter_mut().filter_map(|cell| cell.text.as_mut()) {
            if let std::borrow::Cow::Owned(safe) = printable(text) {
                *text = safe;
            }
        }
        self.held.push(row);
    }

    /// Shows the part in hand, and begins the next one.
    pub fn show(&mut self, look: Look, out: &mut Vec<u8>) {
        let rows = std::mem::take(&mut self.held);
        if rows.is_empty() {
            return;
        }
        // No text in it may be obeyed, or be a line end: wherever it is shown.
        let look = Look { terminal: true, ..look };
        let changed = self.grid.fit(&rows, self.widest, look);
        let mut screen = Screen::new(out, look);
        if self.spaced && self.lines_since_names.is_some() {
            screen.end_line();
            self.lines_since_names = self.lines_since_names.map(|lines| lines + 1);
            if changed {
                self.lines_since_names = None;
            }
        }
        for row in &rows {
            let since = self.lines_since_names;
            if since.is_none_or(|lines| look.lines.is_some_and(|most| lines + 2 > most.max(4))) {
                self.grid.names(&mut screen);
                self.lines_since_names = Some(0);
            }
            self.grid.row(row, &mut screen);
            self.lines_since_names = self.lines_since_names.map(|lines| lines + 1);
        }
    }

    /// Saves what the next part depends on. It is asked for between two parts.
    pub fn save(&self, to: &mut Writer) {
        self.grid.save(to);
        to.put_option(self.lines_since_names, Writer::put_len);
    }

    /// Restores what [`Table::save`] saved of a table of the same kind.
    ///
    /// # Errors
    /// When it is no such state.
    pub fn restore(&mut self, from: &mut Reader<'_>) -> Result<(), StateError> {
        self.grid = Grid::load(from)?;
        let lines = from.take_option(Reader::take_u64)?;
        self.lines_since_names =
            lines.map(|lines| usize::try_from(lines).unwrap_or(usize::MAX / 2));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::cells::Cell;
    use crate::layout::text::width;

    fn cells(row: &[&str]) -> Vec<Cell> {
        row.iter().map(|value| Cell::of_json(value.as_bytes())).collect()
    }

    fn shown(table: &mut Table, look: Look, parts: &[&[&[&str]]]) -> String {
        let mut out = Vec::new();
        for part in parts {
            part.iter().for_each(|row| table.push(cells(row)));
            table.show(look, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    fn table(names: &[&str]) -> Table {
        Table::new(names.iter().copied(), Widest { inner: 40, last: 60 })
    }

    #[test]
    fn points_stand_below_each_other() {
        let rows: &[&[&str]] = &[
            &["\"a\"", "1", "2.25"],
            &["\"bcd\"", "1000", "10"],
            &["null", "22", "null"],
            &["\"e\"", "-3", "1.5e-7"],
        ];
        let expected = "\
host     n      avg
a        1   2.25
bcd   1000  10
-       22   -
e       -3   1.5e-7
";
        assert_eq!(shown(&mut table(&["host", "n", "avg"]), Look::default(), &[rows]), expected);
    }

    #[test]
    fn wide_characters_are_as_wide_as_they_are() {
        let rows: &[&[&str]] = &[&["\"東京\"", "1"], &["\"é\"", "2"]];
        let shown = shown(&mut table(&["名", "n"]), Look::default(), &[rows]);
        assert_eq!(shown, "名    n\n東京  1\né     2\n");
    }

    #[test]
    fn nothing_commands_the_terminal_or_breaks_the_line() {
        let rows: &[&[&str]] = &[&["\"x\\u001b[2J\\ny\"", "[1,\"\\n\"]", "true"]];
        let shown = shown(&mut table(&["a\n", "b", "c"]), Look::default(), &[rows]);
        assert_eq!(shown, "a\\n            b         c\nx\\u001b[2J\\ny  [1,\"\\n\"]  true\n");
    }

    #[test]
    fn a_table_fits_the_screen_and_cuts_no_number() {
        let long = format!("\"{}\"", "x".repeat(50));
        let wide = format!("\"{}\"", "東".repeat(50));
        let rows: &[&[&str]] = &[&[&long, "1234567", &wide, "\"s\""]];
        for (columns, line) in [
            (41, "xxxxxxxxxxxx…  1234567  東東東東東東…  s"),
            (31, "xxxxxxx…  1234567  東東東…   s"),
        ] {
            let look = Look { columns: Some(columns), ..Look::default() };
            let shown = shown(&mut table(&["a", "number", "b", "c"]), look, &[rows]);
            assert_eq!(shown.lines().nth(1).unwrap(), line);
            assert!(shown.lines().all(|line| width(line) < columns), "{shown}");
        }
        // Where not even that fits, the line is cut.
        let look = Look { columns: Some(16), ..Look::default() };
        let shown = shown(&mut table(&["a", "number", "b", "c"]), look, &[rows]);
        assert_eq!(shown.lines().nth(1).unwrap(), "xxxxx…  1234567…");
    }

    #[test]
    fn texts_and_names_make_room_for_numbers() {
        let rows: &[&[&str]] = &[&["\"web-frontend-01\"", "\"/index.html\"", "123", "45.25", "7"]];
        let names = ["host", "path", "requests", "average", "errors"];
        for (columns, name) in [
            (50, "host            path     reques…  average  errors"),
            (30, "host  path  req…  aver…  err…"),
            (25, "ho…  pa…  re…  aver…  e…"),
        ] {
            let look = Look { columns: Some(columns), ..Look::default() };
            let shown = shown(&mut table(&names), look, &[rows]);
            let lines: Vec<&str> = shown.lines().collect();
            assert_eq!(lines.first(), Some(&name));
            assert!(
                ["123", "45.25", "7"].iter().all(|number| lines[1].contains(number)),
                "{shown}"
            );
        }
    }

    #[test]
    fn without_a_screen_long_texts_are_cut() {
        let long = format!("\"{}\"", "東".repeat(100));
        let rows: &[&[&str]] = &[&[&long, &long]];
        let shown = shown(&mut table(&["a", "b"]), Look::default(), &[rows]);
        let row = shown.lines().nth(1).unwrap();
        assert_eq!(width(row), 40 + 2 + 60 - 1);
        assert!(row.ends_with('…'));
    }

    #[test]
    fn parts_are_apart_and_names_come_again() {
        let look = Look { lines: Some(6), ..Look::default() };
        let part: &[&[&str]] = &[&["1"], &["2"]];
        let wider: &[&[&str]] = &[&["10"]];
        let shown = shown(&mut table(&["n"]).spaced(), look, &[part, part, wider, &[]]);
        assert_eq!(shown, "n\n1\n2\n\n1\n2\n\n n\n10\n");
        let mut table = table(&["n"]);
        let one: &[&str] = &["1"];
        let six: &[&[&str]] = &[one; 6];
        let shown = self::shown(&mut table, look, &[six]);
        assert_eq!(shown, "n\n1\n1\n1\n1\n1\nn\n1\n");
    }

    #[test]
    fn a_restored_table_goes_on() {
        let look = Look { lines: Some(9), ..Look::default() };
        let (one, two): (&[&[&str]], &[&[&str]]) = (&[&["\"wide\"", "1.5"]], &[&["\"a\"", "2"]]);
        let mut before = table(&["k", "n"]).spaced();
        shown(&mut before, look, &[one]);
        let mut saved = Writer::new();
        before.save(&mut saved);
        let mut after = table(&[]).spaced();
        let mut from = Reader::new(saved.as_bytes());
        after.restore(&mut from).unwrap();
        from.end().unwrap();
        assert_eq!(shown(&mut after, look, &[two]), shown(&mut before, look, &[two]));
    }
}
