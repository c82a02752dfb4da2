//! Columns below their names: how wide each is, where numbers stand, and what is cut.

use super::Look;
use super::cells::Cell;
use super::screen::{Role, Screen};
use super::text::{cut, width};
use crate::state::{Reader, StateError, Writer};

const GAP: &str = "  ";

/// Where a table is too wide, columns of text become no narrower than this, and neither do names
/// above numbers. Where numbers would then be beyond the screen, they become narrower still, one
/// step after the other. Numbers are not cut.
const TEXT_COLUMNS_MIN: [usize; 3] = [6, 3, 2];

/// The first column, which says what a row is about, has one of so many parts of the screen before
/// it is cut.
const FIRST_SHARE: usize = 3;

/// The widest column that a state may have.
const COLUMNS_MAX: usize = 1 << 24;

/// How wide columns may become where nothing else limits a table.
#[derive(Clone, Copy, Debug)]
pub struct Widest {
    /// Each but the last one.
    pub inner: usize,
    /// The last one, which nothing stands after.
    pub last: usize,
}

/// The columns of a table, with room for all that they have shown.
#[derive(Clone, Debug, Default)]
pub struct Grid(Vec<Column>);

#[derive(Clone, Debug, Default)]
struct Column {
    name: String,
    /// Whether it has a text: numbers then stand at the left, as texts do.
    has_text: bool,
    has_number: bool,
    /// The most columns that a number takes before its point or exponent, and from there on.
    before: usize,
    behind: usize,
    /// The most columns that a value takes.
    text: usize,
    /// How wide it is shown.
    width: usize,
    /// Whether it never becomes narrower.
    rigid: bool,
}

impl Grid {
    /// Columns of these names.
    pub fn new<'n>(names: impl Iterator<Item = &'n str>) -> Grid {
        let named = |name: &str| Column { name: name.to_owned(), ..Column::default() };
        Grid(names.map(named).collect())
    }

    /// With a last column of such a width at least, which never becomes narrower.
    #[must_use]
    pub fn with_rigid_last(mut self, columns: usize) -> Grid {
        if let Some(last) = self.0.last_mut() {
            (last.text, last.rigid) = (columns, true);
        }
        self
    }

    /// How wide all columns are together, as they are shown.
    pub fn width(&self) -> usize {
        let widths = self.0.iter().map(|column| column.width + GAP.len());
        widths.sum::<usize>().saturating_sub(GAP.len())
    }

    /// Whether these are the names of the columns.
    pub fn is_of<'n>(&self, names: impl Iterator<Item = &'n str>) -> bool {
        self.0.iter().map(|column| column.name.as_str()).eq(names)
    }

    /// Makes room for rows; says whether a column has another width now.
    pub fn fit(&mut self, rows: &[Vec<Cell>], widest: Widest, look: Look) -> bool {
        for row in rows {
            for (column, cell) in self.0.iter_mut().zip(row) {
                column.see(cell);
            }
        }
        let widths = match look.columns {
            // What a screen cuts needs a column for the mark of that.
            Some(columns) => self.fitted(columns.saturating_sub(1)),
            None => {
                let last = self.0.len().saturating_sub(1);
                let most = |at| if at == last { widest.last } else { widest.inner };
                let capped = |(at, column): (usize, &Column)| {
                    column.natural().min(most(at)).max(column.numbers())
                };
                self.0.iter().enumerate().map(capped).collect()
            }
        };
        let mut changed = false;
        for (column, width) in self.0.iter_mut().zip(widths) {
            changed |= std::mem::replace(&mut column.width, width) != width;
        }
        changed
    }

    /// The widths with which all columns fit into `room`: the widest become narrower. They do not
    /// fit if there are too many of them.
    fn fitted(&self, room: usize) -> Vec<usize> {
        let least = self.least(room);
        let room = self.without_gaps(room);
        let capped = |cap: usize| {
            let columns = self.0.iter().zip(&least);
            columns.map(move |(column, least)| column.natural().min(cap).max(*least))
        };
        let most = self.0.iter().map(Column::natural).max().unwrap_or(0);
        // The greatest limit with which they fit.
        let (mut fits, mut beyond) = (0, most + 1);
        while beyond - fits > 1 {
            let middle = fits.midpoint(beyond);
            if capped(middle).sum::<usize>() <= room { fits = middle } else { beyond = middle }
        }
        let mut widths: Vec<usize> = capped(fits).collect();
        let mut left = room.saturating_sub(widths.iter().sum());
        for (width, column) in widths.iter_mut().zip(&self.0) {
            if left > 0 && *width < column.natural() {
                *width += 1;
                left -= 1;
            }
        }
        widths
    }

    /// How wide each column is at least, so that all numbers stand in the first `room` columns, if
    /// that can be.
    fn least(&self, room: usize) -> Vec<usize> {
        let with = |text: usize, first: usize| -> Vec<usize> {
            let mut least: Vec<usize> = self.0.iter().map(|column| column.least(text)).collect();
            if let (Some(column), Some(least)) = (self.0.first(), least.first_mut()) {
                *least = column.natural().min(first).max(*least);
            }
            least
        };
        let numbers_end = self.0.iter().rposition(Column::is_of_numbers).map_or(0, |last| last + 1);
        let shows_numbers = |least: &Vec<usize>| {
            let ends = least.iter().take(numbers_end).map(|columns| columns + GAP.len());
            ends.sum::<usize>() <= room + GAP.len()
        };
        let [widest, .., narrowest] = TEXT_COLUMNS_MIN;
        let first = std::iter::once((widest, self.without_gaps(room) / FIRST_SHARE));
        let mut steps = first.chain(TEXT_COLUMNS_MIN.map(|text| (text, 0)));
        steps
            .find_map(|(text, first)| Some(with(text, first)).filter(shows_numbers))
            .unwrap_or_else(|| with(narrowest, 0))
    }

    fn without_gaps(&self, room: usize) -> usize {
        room.saturating_sub(GAP.len() * self.0.len().saturating_sub(1))
    }

    /// Shows the names.
    pub fn names(&self, screen: &mut Screen<'_>) {
        self.line(screen, |column| (Role::Key, column.name.clone(), 0));
    }

    /// Shows a row.
    pub fn row(&self, row: &[Cell], screen: &mut Screen<'_>) {
        let mut cells = row.iter();
        self.line(screen, |column| {
            let Some(cell) = cells.next() else { return (Role::Plain, String::new(), 0) };
            // Numbers stand with their points below each other.
            let behind = if cell.role == Role::Number { behind_point(cell.shown()) } else { 0 };
            (cell.role, cell.shown().to_owned(), column.behind.saturating_sub(behind))
        });
    }

    fn line(
        &self,
        screen: &mut Screen<'_>,
        mut cell: impl FnMut(&Column) -> (Role, String, usize),
    ) {
        let last = self.0.len().saturating_sub(1);
        for (at, column) in self.0.iter().enumerate() {
            if at > 0 {
                screen.put(Role::Plain, GAP);
            }
            let (role, text, behind) = cell(column);
            let behind = if column.is_of_numbers() { behind } else { 0 };
            // A name, and a dash, take the room of decimals if they need it.
            let behind = behind.min(column.width.saturating_sub(width(&text)));
            let text = cut(&text, column.width);
            let rest = column.width.saturating_sub(width(&text) + behind);
            let (before, behind) = if column.is_of_numbers() { (rest, behind) } else { (0, rest) };
            screen.put(Role::Plain, &" ".repeat(before));
            screen.put(role, &text);
            if at != last {
                screen.put(Role::Plain, &" ".repeat(behind));
            }
        }
        screen.end_line();
    }

    /// Saves what decides how wide columns are.
    pub fn save(&self, to: &mut Writer) {
        to.put_len(self.0.len());
        for Column { name, has_text, has_number, before, behind, text, width, .. } in &self.0 {
            to.put_bytes(name.as_bytes());
            to.put_bool(*has_text);
            to.put_bool(*has_number);
            for columns in [before, behind, text, width] {
                to.put_len(*columns);
            }
        }
    }

    /// Columns that [`Grid::save`] saved.
    ///
    /// # Errors
    /// When it is no such state.
    pub fn load(from: &mut Reader<'_>) -> Result<Grid, StateError> {
        let mut columns = Vec::new();
        for _ in 0..from.take_count(1)? {
            columns.push(Column {
                name: from.take_str()?.to_owned(),
                has_text: from.take_bool()?,
                has_number: from.take_bool()?,
                before: take_columns(from)?,
                behind: take_columns(from)?,
                text: take_columns(from)?,
                width: take_columns(from)?,
                rigid: false,
            });
        }
        Ok(Grid(columns))
    }
}

impl Column {
    fn see(&mut self, cell: &Cell) {
        let shown = cell.shown();
        self.text = self.text.max(width(shown));
        if cell.role == Role::Number {
            self.has_number = true;
            let behind = behind_point(shown);
            self.before = self.before.max(shown.len().saturating_sub(behind));
            self.behind = self.behind.max(behind);
        } else {
            self.has_text |= cell.text.is_some();
        }
    }

    fn is_of_numbers(&self) -> bool {
        self.has_number && !self.has_text
    }

    /// How wide its numbers are with their points below each other, if it has nothing else.
    fn numbers(&self) -> usize {
        if self.is_of_numbers() { self.before + self.behind } else { 0 }
    }

    /// How wide it is with room for all that it has.
    fn natural(&self) -> usize {
        width(&self.name).max(self.text).max(self.numbers())
    }

    /// How wide it is at least, if texts and names have so many columns.
    fn least(&self, text: usize) -> usize {
        let least = if self.rigid { usize::MAX } else { text };
        self.natural().min(least).max(self.numbers())
    }
}

/// A number of columns: no text that is shown has more than a record can have.
fn take_columns(from: &mut Reader<'_>) -> Result<usize, StateError> {
    let columns = usize::try_from(from.take_u64()?).ok();
    columns.filter(|columns| *columns <= COLUMNS_MAX).ok_or(StateError::Invalid("a wide column"))
}

/// How many characters a number has from its point or exponent on.
fn behind_point(number: &str) -> usize {
    number.find(['.', 'e', 'E']).map_or(0, |at| number.len() - at)
}
