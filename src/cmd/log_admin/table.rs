//! Answers in rows, for people and for programs.

use serde_json::Value;

use crate::cli::look::wants_colors;
use crate::cli::output::Output;
use crate::layout::Look;
use crate::layout::cells::Cell;
use crate::layout::grid::Widest;
use crate::layout::screen::Role;
use crate::layout::table;

/// How wide columns become where no screen limits them. The last one is as long as it is: nothing
/// has to stand after it.
const WIDEST: Widest = Widest { inner: 200, last: usize::MAX };

/// Rows for people in columns, or for programs in JSON.
pub struct Table {
    json: bool,
    names: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// The rows for programs.
    lines: String,
}

impl Table {
    /// An empty table.
    pub fn new(json: bool) -> Table {
        Table { json, names: Vec::new(), rows: Vec::new(), lines: String::new() }
    }

    /// Whether the rows are for programs.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Adds a row: its cells, each under its name.
    pub fn row(&mut self, cells: &[(&str, Value)]) {
        if self.json {
            let fields: Vec<String> =
                cells.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            self.lines += &format!("{{{}}}\n", fields.join(","));
            return;
        }
        self.names = cells.iter().map(|(name, _)| name.to_uppercase()).collect();
        self.rows.push(cells.iter().map(|(_, value)| cell(value)).collect());
    }

    /// The table as text.
    pub fn render(&self, look: Look) -> String {
        let mut table = table::Table::new(self.names.iter().map(String::as_str), WIDEST);
        self.rows.iter().for_each(|row| table.push(row.clone()));
        let mut out = Vec::new();
        table.show(look, &mut out);
        String::from_utf8_lossy(&out).into_owned() + &self.lines
    }
}

/// What tables look like on this output.
pub fn look(output: &Output) -> Look {
    let (columns, _) = output.size().filter(|_| output.is_terminal()).unzip();
    Look { color: wants_colors(output.is_terminal()), columns, lines: None, terminal: true }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::default(),
        Value::Array(items) if items.is_empty() => Cell::default(),
        Value::String(text) => Cell::new(Role::Plain, text),
        Value::Number(number) => Cell::new(Role::Number, &number.to_string()),
        other => Cell::new(Role::Plain, &other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_there_is_a_dash_for_people_and_itself_for_programs() {
        let cells = [("topic", json!("t")), ("lost", json!([])), ("end", json!(null))];
        let text = |is_json| {
            let mut table = Table::new(is_json);
            table.row(&cells);
            table.render(Look::default())
        };
        assert_eq!(text(false), "TOPIC  LOST  END\nt      -     -\n");
        assert_eq!(text(true), "{\"topic\":\"t\",\"lost\":[],\"end\":null}\n");
    }

    #[test]
    fn a_cell_of_any_length_is_shown() {
        let mut table = Table::new(false);
        table.row(&[("key", json!("x".repeat(70_000))), ("state", json!("y".repeat(70_000)))]);
        table.row(&[("key", json!(".a")), ("state", json!("z"))]);
        let text = table.render(Look::default());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1].chars().count(), WIDEST.inner + 2 + 70_000);
        assert_eq!(lines[2].chars().count(), WIDEST.inner + 2 + 1);
    }
}
