//! Results as a table for people: aligned columns under the names of the fields.

use unicode_width::UnicodeWidthStr;

use crate::aggregate::memory::{allocated, vector};
use crate::record::members::members;
use crate::record::text::printable;

/// The widest cell; a longer one is cut.
const CELL_COLUMNS_MAX: usize = 60;

/// The most decimals of a number.
const DECIMALS_MAX: usize = 3;

/// Numbers below keep all decimals.
const SMALL: f64 = 0.01;

const GAP: &str = "  ";

/// Appends a table of `rows`: flat objects, one a line, all with the same fields. Gives how many
/// bytes of memory it took beside the output.
pub fn draw(rows: &[u8], out: &mut Vec<u8>) -> usize {
    let lines = rows.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut columns: Vec<Column> = Vec::new();
    for line in lines {
        for (at, member) in members(line).enumerate() {
            if columns.len() == at {
                columns.push(Column { name: decoded(&quoted(member.key)), cells: Vec::new() });
            }
            // The value stands behind the key, its two quotes and the colon.
            let value = member.bytes.get(member.key.len() + 3..).unwrap_or_default();
            if let Some(column) = columns.get_mut(at) {
                column.cells.push(Cell::of(value));
            }
        }
    }
    let read: usize = columns.iter().map(Column::bytes).sum();
    let columns: Vec<Vec<String>> = columns.iter().map(Column::aligned).collect();
    for row in 0..columns.first().map_or(0, Vec::len) {
        let cells: Vec<&str> =
            columns.iter().filter_map(|column| column.get(row).map(String::as_str)).collect();
        out.extend_from_slice(cells.join(GAP).trim_end().as_bytes());
        out.push(b'\n');
    }
    read + columns.iter().map(texts_bytes).sum::<usize>()
}

fn texts_bytes(texts: &Vec<String>) -> usize {
    vector(texts) + texts.iter().map(|text| allocated(text.capacity())).sum::<usize>()
}

struct Column {
    name: String,
    cells: Vec<Cell>,
}

struct Cell {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nothing,
    Number,
    Other,
}

impl Cell {
    fn of(value: &[u8]) -> Cell {
        let kind = match value.first() {
            None | Some(b'n') => Kind::Nothing,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(_) => Kind::Other,
        };
        let text = match kind {
            Kind::Nothing => "-".to_owned(),
            Kind::Number => shortened(&String::from_utf8_lossy(value)),
            Kind::Other => cut(decoded(value)),
        };
        Cell { text, kind }
    }

    /// The characters of a number before its point or exponent.
    fn before_point(&self) -> usize {
        self.text.find(['.', 'e', 'E']).unwrap_or(self.text.len())
    }
}

impl Column {
    fn bytes(&self) -> usize {
        let texts = self.cells.iter().map(|cell| allocated(cell.text.capacity()));
        vector(&self.cells) + texts.sum::<usize>()
    }

    /// The name and the cells, all of the same width. Numbers stand with their points below each
    /// other, at the right; texts at the left.
    fn aligned(&self) -> Vec<String> {
        let numbers = || self.cells.iter().filter(|cell| cell.kind == Kind::Number);
        let is_text =
            numbers().next().is_none() || self.cells.iter().any(|cell| cell.kind == Kind::Other);
        if is_text {
            let texts = || std::iter::once(&self.name).chain(self.cells.iter().map(|c| &c.text));
            let width = texts().map(|text| text.width()).max().unwrap_or(0);
            return texts().map(|text| text.clone() + &spaces(width, text)).collect();
        }
        let before = numbers().map(Cell::before_point).max().unwrap_or(0);
        let behind = numbers().map(|cell| cell.text.len() - cell.before_point()).max().unwrap_or(0);
        let width = (before + behind).max(self.name.width());
        let cells = self.cells.iter().map(|cell| {
            let point = match cell.kind {
                Kind::Number => cell.text.len() - cell.before_point(),
                _ => 0,
            };
            let text = format!("{}{}", cell.text, " ".repeat(behind - point));
            spaces(width, &text) + &text
        });
        std::iter::once(spaces(width, &self.name) + &self.name).chain(cells).collect()
    }
}

/// A number with no more decimals than people look at, unless it is too small for that.
fn shortened(number: &str) -> String {
    let decimals = match number.split_once('.') {
        Some((_, decimals)) if decimals.bytes().all(|byte| byte.is_ascii_digit()) => decimals.len(),
        _ => 0,
    };
    match number.parse::<f64>() {
        Ok(value) if decimals > DECIMALS_MAX && value.abs() >= SMALL => {
            format!("{value:.DECIMALS_MAX$}")
        }
        _ => number.to_owned(),
    }
}

fn spaces(width: usize, text: &str) -> String {
    " ".repeat(width.saturating_sub(text.width()))
}

fn quoted(key: &[u8]) -> Vec<u8> {
    [b"\"", key, b"\""].concat()
}

/// A JSON value as people read it: a text without its quotes, anything else as it is spelled;
/// nothing that a terminal takes for a command.
fn decoded(value: &[u8]) -> String {
    let text = serde_json::from_slice::<String>(value)
        .unwrap_or_else(|_| String::from_utf8_lossy(value).into_owned());
    printable(&text).into_owned()
}

fn cut(text: String) -> String {
    if text.width() <= CELL_COLUMNS_MAX {
        return text;
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if cut.width() >= CELL_COLUMNS_MAX {
            cut.pop();
            break;
        }
    }
    cut + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: &str) -> String {
        let mut out = Vec::new();
        draw(rows.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn points_stand_below_each_other() {
        let rows = "{\"host\":\"a\",\"n\":1,\"avg\":2.25}\n{\"host\":\"bcd\",\"n\":1000,\"avg\":10}\n\
                    {\"host\":null,\"n\":22,\"avg\":null}\n{\"host\":\"e\",\"n\":-3,\"avg\":1.5e-7}\n";
        let expected = "\
host     n      avg
a        1   2.25
bcd   1000  10
-       22   -
e       -3   1.5e-7
";
        assert_eq!(drawn(rows), expected);
    }

    #[test]
    fn wide_characters_are_as_wide_as_they_are() {
        let rows = "{\"名\":\"東京\",\"n\":1}\n{\"名\":\"é\",\"n\":2}\n";
        assert_eq!(drawn(rows), "名    n\n東京  1\né     2\n");
    }

    #[test]
    fn nothing_commands_the_terminal_or_breaks_the_line() {
        let rows = "{\"a\\n\":\"x\\u001b[2J\\ny\",\"b\":[1,\"\\n\"],\"c\":true}\n";
        let shown = drawn(rows);
        assert_eq!(shown, "a\\n            b         c\nx\\u{1b}[2J\\ny  [1,\"\\n\"]  true\n");
    }

    #[test]
    fn numbers_have_few_decimals() {
        for (number, text) in [
            ("24.228879418400602", "24.229"),
            ("-0.30000000000000004", "-0.300"),
            ("0.001234567", "0.001234567"),
            ("1.25", "1.25"),
            ("1234567890123456789", "1234567890123456789"),
            ("1.23456e-7", "1.23456e-7"),
        ] {
            assert_eq!(shortened(number), text);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        let long = "東".repeat(100);
        let shown = drawn(&format!("{{\"a\":\"{long}\"}}\n"));
        let cell = shown.lines().nth(1).unwrap();
        assert!(cell.ends_with("…") && cell.width() <= CELL_COLUMNS_MAX, "{cell}");
    }

    #[test]
    fn nothing_is_no_table() {
        assert_eq!(drawn(""), "");
    }
}
