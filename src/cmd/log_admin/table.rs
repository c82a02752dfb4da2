//! Answers in rows, for people and for programs.

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
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.rows.push(cells.iter().map(|(_, value)| cell(value)).collect());
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
            let cells: Vec<String> =
                line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
            out.push_str(cells.join("  ").trim_end());
            out.push('\n');
        }
        out
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
}
