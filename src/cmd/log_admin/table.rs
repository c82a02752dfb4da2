//! Answers in rows, for people and for programs.

use crate::record::text::printable;

/// How much of a cell people are shown, in characters: it decides how wide its column is.
const CELL_CHARS_MAX: usize = 200;

/// Rows for people in columns, or for programs in JSON.
pub struct Table {
    json: bool,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(json: bool) -> Table {
        Table { json, heads: Vec::new(), rows: Vec::new() }
    }

    /// Whether the rows are for programs.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Adds a row: its cells, each under its name.
    pub fn row(&mut self, cells: &[(&str, serde_json::Value)]) {
        if self.json {
            let fields: Vec<String> =
                cells.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            self.rows.push(vec![format!("{{{}}}", fields.join(","))]);
            return;
        }
        self.heads = cells.iter().map(|(name, _)| name.to_uppercase()).collect();
        let cell = |value: &serde_json::Value| match value {
            serde_json::Value::Null => "-".to_owned(),
            serde_json::Value::Array(items) if items.is_empty() => "-".to_owned(),
            serde_json::Value::String(text) => printable(text).into_owned(),
            other => printable(&other.to_string()).into_owned(),
        };
        let mut row: Vec<String> = cells.iter().map(|(_, value)| cell(value)).collect();
        // The last one is as long as it is: nothing has to stand behind it.
        if let Some((_, before)) = row.split_last_mut() {
            before.iter_mut().for_each(clip);
        }
        self.rows.push(row);
    }

    /// The table as text.
    pub fn render(&self) -> String {
        let heads = (!self.heads.is_empty()).then_some(&self.heads);
        let lines: Vec<&Vec<String>> = heads.into_iter().chain(&self.rows).collect();
        let columns = lines.first().map_or(0, |line| line.len());
        let width = |column: usize| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let mut out = String::new();
        for line in lines {
            let mut row = String::new();
            for (cell, &width) in line.iter().zip(&widths) {
                row.push_str(cell);
                // By hand: a width that is formatted may have 16 bits.
                let padding = (width + 2).saturating_sub(cell.chars().count());
                row.extend(std::iter::repeat_n(' ', padding));
            }
            out.push_str(row.trim_end());
            out.push('\n');
        }
        out
    }
}

/// Cuts a cell to its longest.
fn clip(cell: &mut String) {
    if let Some((end, _)) = cell.char_indices().nth(CELL_CHARS_MAX) {
        cell.truncate(end);
        cell.push('…');
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
            table.render()
        };
        assert_eq!(text(false), "TOPIC  LOST  END\nt      -     -\n");
        assert_eq!(text(true), "{\"topic\":\"t\",\"lost\":[],\"end\":null}\n");
    }

    #[test]
    fn a_cell_of_any_length_is_shown() {
        let mut table = Table::new(false);
        table.row(&[("key", json!("x".repeat(70_000))), ("state", json!("y".repeat(70_000)))]);
        table.row(&[("key", json!(".a")), ("state", json!("z"))]);
        let text = table.render();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1].chars().count(), CELL_CHARS_MAX + 1 + 2 + 70_000);
        assert_eq!(lines[2].chars().count(), CELL_CHARS_MAX + 1 + 2 + 1);
    }
}
