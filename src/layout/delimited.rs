//! Comma-separated values (RFC 4180) and tab-separated values (as jq's `@tsv` escapes them,
//! and a quote at the beginning of a cell, too).

use std::borrow::Cow;
use std::collections::HashMap;

use super::Origin;
use super::cells::Cells;
use super::json::text_of;
use crate::record::members::{elements, members};
use crate::record::text::{excerpt, printable};

/// Writes records as lines of values.
pub struct Delimited {
    delimiter: u8,
    /// Which fields; none for those that the first record has.
    cells: Option<Cells>,
    columns: Columns,
    /// Whether a terminal shows it.
    terminal: bool,
}

/// The columns of records of which all fields are written.
enum Columns {
    /// There was no record.
    Unknown,
    /// The first record was an array, or the header has been written.
    Begun,
    /// The fields of the first record, with their places.
    Named(HashMap<String, usize>),
}

/// A record that has no place in the columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is neither an object nor an array, or not what the first one was.
    #[error("expected {0} for a line of values")]
    Kind(&'static str),
    /// It has a field that the header has not.
    #[error("the first record, whose fields are the columns, had no field {}", excerpt(.0))]
    Field(String),
}

impl Delimited {
    /// Writes these cells of each record, or all of its fields.
    pub fn new(delimiter: u8, cells: Option<Cells>, terminal: bool) -> Delimited {
        Delimited { delimiter, cells, columns: Columns::Unknown, terminal }
    }

    /// Whether it writes chosen cells, not all fields.
    pub fn has_cells(&self) -> bool {
        self.cells.is_some()
    }

    /// Appends the header if `record` is the first one, and the columns have names.
    pub fn begin(&mut self, record: &[u8], out: &mut Vec<u8>) {
        if !matches!(self.columns, Columns::Unknown) {
            return;
        }
        if let Some(cells) = &self.cells {
            let names: Vec<Option<String>> = cells.names().iter().cloned().map(Some).collect();
            self.columns = Columns::Begun;
            return self.line(&names, out);
        }
        match record.trim_ascii_start().first() {
            Some(b'[') => self.columns = Columns::Begun,
            Some(b'{') => {
                let (mut places, mut names) = (HashMap::new(), Vec::new());
                for (name, _) in fields(record) {
                    places.entry(name).or_insert_with_key(|name| {
                        names.push(Some(name.clone()));
                        names.len() - 1
                    });
                }
                self.columns = Columns::Named(places);
                self.line(&names, out);
            }
            _ => {}
        }
    }

    /// Appends a line for a record, and before the first one a header.
    ///
    /// # Errors
    /// When it does not have the columns of the first record.
    pub fn record(
        &mut self,
        record: &[u8],
        origin: Option<&Origin<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Unfit> {
        self.begin(record, out);
        let values = match (&mut self.cells, &self.columns, record.trim_ascii_start().first()) {
            (Some(cells), ..) => {
                cells.of(record, origin).iter().map(|cell| cell.text.clone()).collect()
            }
            (_, Columns::Begun, Some(b'[')) => elements(record).map(shown).collect(),
            (_, Columns::Begun, _) => return Err(Unfit::Kind("an array")),
            (_, Columns::Named(places), Some(b'{')) => in_columns(record, places)?,
            (_, Columns::Named(_), _) => return Err(Unfit::Kind("an object")),
            (_, Columns::Unknown, _) => return Err(Unfit::Kind("an object or an array")),
        };
        self.line(&values, out);
        Ok(())
    }

    /// Appends a line. No value is nothing, and an empty one is `""` in CSV, as databases
    /// distinguish NULL from an empty string. Where no value is alone on its line, which readers
    /// would pass over, it is `""` in CSV, too, and `\N` in TSV, as PostgreSQL writes NULL.
    fn line(&self, values: &[Option<String>], out: &mut Vec<u8>) {
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                out.push(self.delimiter);
            }
            let text = match value {
                Some(text) => text,
                None if values.len() == 1 && self.delimiter != b'\t' => "",
                None if values.len() == 1 => {
                    out.extend_from_slice(b"\\N");
                    continue;
                }
                None => continue,
            };
            let text = if self.terminal { printable(text) } else { Cow::Borrowed(text) };
            match self.delimiter {
                b'\t' => escaped(&text, out),
                delimiter => quoted(&text, delimiter, out),
            }
        }
        out.push(b'\n');
    }
}

/// The names and values of an object.
fn fields(object: &[u8]) -> impl Iterator<Item = (String, Option<String>)> {
    members(object).map(|member| {
        let key = member.bytes.get(..member.key.len() + 2).and_then(text_of);
        let value = member.bytes.get(member.key.len() + 2..).unwrap_or_default();
        let value = value.trim_ascii_start().strip_prefix(b":").unwrap_or_default();
        (key.unwrap_or_default(), shown(value.trim_ascii()))
    })
}

/// The values of an object in these columns; of a key that is there twice, the last, as jq has it.
fn in_columns(
    object: &[u8],
    places: &HashMap<String, usize>,
) -> Result<Vec<Option<String>>, Unfit> {
    let mut values = vec![None; places.len()];
    for (name, value) in fields(object) {
        match places.get(&name) {
            Some(&place) => values[place] = value,
            None => return Err(Unfit::Field(name)),
        }
    }
    Ok(values)
}

/// A value as a spreadsheet has it: strings decoded, nothing for null.
fn shown(json: &[u8]) -> Option<String> {
    match json {
        b"null" => None,
        json => text_of(json).or_else(|| Some(String::from_utf8_lossy(json).into_owned())),
    }
}

fn quoted(text: &str, delimiter: u8, out: &mut Vec<u8>) {
    let special = |byte: &u8| [delimiter, b'"', b'\n', b'\r'].contains(byte);
    if !text.is_empty() && !text.as_bytes().iter().any(special) {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn escaped(text: &str, out: &mut Vec<u8>) {
    // One that readers would take for the beginning of quotes.
    if text.starts_with('"') {
        out.push(b'\\');
    }
    for byte in text.bytes() {
        match byte {
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            byte => out.push(byte),
        }
    }
}
