//! Cells in columns below their names, a record a line, as the records come.

use super::Origin;
use super::cells::Cells;
use super::screen::{Role, Screen, width};

/// The widest column that is not the last one; longer values are cut.
const WIDTH_MAX: usize = 40;

const GAP: &str = "  ";

/// A table that grows. What is printed stays as it is: a column that turns out to be wider is wider
/// from there on.
pub struct Table {
    cells: Cells,
    widths: Vec<usize>,
    begun: bool,
}

impl Table {
    /// A table of these cells.
    pub fn new(cells: Cells) -> Table {
        let widths = cells.names().iter().map(|name| width(name)).collect();
        Table { cells, widths, begun: false }
    }

    /// Shows a record, and the names before the first one.
    pub fn record(&mut self, record: &[u8], origin: Option<&Origin<'_>>, screen: &mut Screen<'_>) {
        let names = self.cells.names().to_vec();
        let cells = self.cells.of(record, origin);
        let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let row: Vec<(Role, String)> =
            cells.iter().map(|cell| (cell.role, shown(&cell.text))).collect();
        for (wide, (_, text)) in self.widths.iter_mut().zip(&row) {
            *wide = width(text).min(WIDTH_MAX).max(*wide);
        }
        if !std::mem::replace(&mut self.begun, true) {
            let head: Vec<(Role, String)> =
                names.into_iter().map(|name| (Role::Key, name)).collect();
            // Numbers stand at the right, and so do their names.
            self.line(&head, &row, screen);
        }
        self.line(&row, &row, screen);
    }

    fn line(&self, line: &[(Role, String)], row: &[(Role, String)], screen: &mut Screen<'_>) {
        let last = line.len().saturating_sub(1);
        for (at, ((role, text), wide)) in line.iter().zip(&self.widths).enumerate() {
            if at > 0 {
                screen.put(Role::Plain, GAP);
            }
            let text = if at == last { text.clone() } else { cut(text, *wide) };
            let gap = " ".repeat(wide.saturating_sub(width(&text)));
            let right = matches!(row.get(at), Some((Role::Number, _)));
            if right {
                screen.put(Role::Plain, &gap);
            }
            screen.put(*role, &text);
            if !right && at != last {
                screen.put(Role::Plain, &gap);
            }
        }
        screen.end_line();
    }
}

/// The front of a text, as far as so many columns show it.
fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += width(c.encode_utf8(&mut [0; 4]));
        used <= columns
    };
    text.chars().take_while(fits).chain(['…']).collect()
}
